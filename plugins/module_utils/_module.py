# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The edge: the only file that knows AnsibleModule. One check-mode branch, one error clause, one diff."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ._argument_spec import STATE
from ._errors import LvsError, NotYetThere
from ._reconcile import Change, Item, Wanted, reconcile

Report = Callable[[Mapping[str, Any], list[Any], Mapping[Any, Any]], dict[str, Any]]


class Room(Protocol):
    """Where the items of one kind live."""

    def read(self, wanted: Iterable[Wanted[Any]]) -> Mapping[Any, Any]:
        """The items that there are, by key; others than the wanted ones do no harm."""

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out."""


def run(
    argument_spec: Mapping[str, Any],
    wanted_of: Callable[[dict[str, Any]], list[Wanted[Any]]],
    room_of: Callable[[dict[str, Any]], AbstractContextManager[Room]],
    report: Report,
) -> None:
    """A module, from its options to its result.

    :param argument_spec: the options beside C(state)
    :param wanted_of: the options to the items that they describe
    :param room_of: the options to the place where the items are read and written
    :param report: the options, the keys of the named items, and all items as they are afterwards, to return values
    """
    module = AnsibleModule(argument_spec={**argument_spec, **STATE}, supports_check_mode=True)
    try:
        module.exit_json(**_converge(module, wanted_of(module.params), room_of(module.params), report))
    except LvsError as error:
        module.fail_json(msg=str(error))


def _converge(
    module: AnsibleModule,
    wanted: list[Wanted[Any]],
    place: AbstractContextManager[Room],
    report: Report,
) -> dict[str, Any]:
    current: Mapping[Any, Any] = {}
    try:
        with place as room:
            current = room.read(wanted)
            changes = reconcile(wanted, current)
            if not module.check_mode:
                room.apply(changes)
    except NotYetThere as error:
        if not module.check_mode:
            raise
        # Without check mode, an earlier task would have brought it: go on as if there were nothing.
        module.warn(f"check mode: {error}; shown as if nothing were there")
        changes = reconcile(wanted, current)

    after = dict(current)
    for change in changes:
        after.pop(change.item.key, None)
        if change.after is not None:
            after[change.item.key] = change.after
    keys = [one.key for one in wanted]
    return {
        "changed": bool(changes),
        "commands": [line for change in changes for line in change.line().splitlines()],
        "diff": {"before": _lines(keys, current), "after": _lines(keys, after)},
        **report(module.params, keys, after),
    }


def _lines(keys: Iterable[Any], items: Mapping[Any, Item]) -> str:
    return "".join(f"{items[key].shown()}\n" for key in keys if key in items)


def named(name: str) -> Report:
    """A report: what the module manages as one return value, empty where it is absent."""

    def report(_options: Mapping[str, Any], keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for key in keys:
            facts.update(items[key].facts() if key in items else {})
        return {name: facts}

    return report
