# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The edge: the only file that knows AnsibleModule. One check-mode branch, one error clause, one diff."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from .errors import LvsError, NotYetThere
from .reconcile import Change, Item, Wanted, reconcile

# The options, the keys of the named items, and all items, to return values; C(warnings) among them are given as such.
Report = Callable[[Mapping[str, Any], list[Any], Mapping[Any, Any]], dict[str, Any]]
# The options, what they want, and what there is, to what is wanted then.
Scope = Callable[[Mapping[str, Any], Sequence[Wanted[Any]], Mapping[Any, Any]], Sequence[Wanted[Any]]]
# The options, the room, what was wanted, and where to log, to return values.
Settle = Callable[[Mapping[str, Any], Any, Sequence[Wanted[Any]], Callable[[str], None]], dict[str, Any]]

_REPEATED = 100  # rows of an option that a result repeats


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
    scope: Scope | None = None,
    settle: Settle | None = None,
) -> None:
    """A module, from its options to its result.

    :param argument_spec: the options
    :param wanted_of: the options to the items that they describe
    :param room_of: the options to the place where the items are read and written
    :param report: the options, the keys of the named items, and all items as they are afterwards, to return values
    :param scope: adds what else shall change of what there is
    :param settle: what follows on the changes, and takes its time; not in check mode
    """

    def converge(module: AnsibleModule) -> dict[str, Any]:
        return _converge(module, wanted_of(module.params), room_of(module.params), report, scope, settle)

    _end_with(argument_spec, converge)


def run_reading(argument_spec: Mapping[str, Any], read: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A module that changes nothing: the options to return values."""
    _end_with(argument_spec, lambda module: {"changed": False, **read(module.params)})


def _end_with(argument_spec: Mapping[str, Any], work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    # A module is over before there is garbage worth looking for; with thousands of items, looking takes a fifth of the time.
    gc.disable()
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True)
    try:
        result = _warned(module, work(module))
    except LvsError as error:
        module.fail_json(msg=str(error), **_warned(module, error.facts))
    module.exit_json(**result)


def _warned(module: AnsibleModule, facts: dict[str, Any]) -> dict[str, Any]:
    """Return values without the warnings among them, which are given in Ansible's own way."""
    for warning in facts.pop("warnings", ()):
        module.warn(warning)
    return facts


def _converge(
    module: AnsibleModule,
    wanted: list[Wanted[Any]],
    place: AbstractContextManager[Room],
    report: Report,
    scope: Scope | None,
    settle: Settle | None,
) -> dict[str, Any]:
    current: Mapping[Any, Any] = {}
    plan: Sequence[Wanted[Any]] = wanted
    try:
        with place as room:
            current = room.read(wanted)
            plan = scope(module.params, wanted, current) if scope else wanted
            changes = reconcile(plan, current)
            if not module.check_mode:
                room.apply(changes)
                if settle is not None:
                    result = _result(module, wanted, plan, current, changes, report)
                    return _settled(result, lambda: settle(module.params, room, plan, module.log))
    except NotYetThere as error:
        if not module.check_mode:
            raise
        # Without check mode, an earlier task would have brought it: go on as if there were nothing.
        module.warn(f"check mode: {error}; shown as if nothing were there")
        changes = reconcile(plan, current)
    return _result(module, wanted, plan, current, changes, report)


def _settled(result: dict[str, Any], settle: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result with what follows on it; a failure has all of it, too, as the changes are made."""
    try:
        return {**result, **settle()}
    except LvsError as error:
        error.facts = {**result, **error.facts}
        raise


def _result(
    module: AnsibleModule,
    wanted: Sequence[Wanted[Any]],
    plan: Sequence[Wanted[Any]],
    current: Mapping[Any, Any],
    changes: Sequence[Change[Any]],
    report: Report,
) -> dict[str, Any]:
    after = dict(current)
    for change in changes:
        after.pop(change.item.key, None)
        if change.after is not None:
            after[change.item.key] = change.after
    places = {one.key: number for number, one in enumerate(plan)} if changes else {}
    shown = sorted(changes, key=lambda change: places[change.item.key])  # what goes, next to what comes
    return {
        "invocation": {"module_args": _abridged(module.params)},
        "changed": bool(changes),
        "commands": [line for change in changes for line in change.line().splitlines()],
        "diff": {
            "before": _lines(change.before for change in shown),
            "after": _lines(change.after for change in shown),
        },
        **report(module.params, [one.key for one in wanted], after),
    }


def _abridged(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as a result repeats them: a table of thousands of rows comes back as their number."""
    return {
        name: f"{len(value)} {name}" if isinstance(value, list) and len(value) > _REPEATED else value
        for name, value in options.items()
    }


def _lines(items: Iterable[Item | None]) -> str:
    return "".join(f"{item.shown()}\n" for item in items if item is not None)


def named(name: str) -> Report:
    """A report: what the module manages as one return value, empty where it is absent."""

    def report(_options: Mapping[str, Any], keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for key in keys:
            facts.update(items[key].facts() if key in items else {})
        return {name: facts}

    return report
