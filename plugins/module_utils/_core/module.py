# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The way of every module from its options to its result, and the only file that knows AnsibleModule.

There is one check-mode branch, one place that handles errors, one diff, and one call that updates the boot files.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import boot_files
from .errors import LvsError, NotYetThere
from .options import Facts, Options
from .reconcile import Item, Transition, change_facts, reconcile
from .resource import AnyResource, Backend, Desired

_REPEATED = 100  # rows of an option that a result repeats


def run(argument_spec: Options, resource: AnyResource) -> None:
    """A module that changes something, from its options to its result."""
    _end_with(argument_spec, lambda module: _converge(module, resource))


def run_reading(argument_spec: Options, read: Callable[[Options], Facts]) -> None:
    """A module that changes nothing: the options to return values."""
    _end_with(argument_spec, lambda module: {"changed": False, **read(module.params)})


def _end_with(argument_spec: Options, work: Callable[[AnsibleModule], Facts]) -> None:
    # A module is over before there is garbage worth looking for; with thousands of items, looking takes a fifth of the time.
    gc.disable()
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True)
    try:
        result = _with_warnings_given(module, work(module))
    except LvsError as error:
        module.fail_json(msg=str(error), **_with_warnings_given(module, error.facts))
    module.exit_json(**result)


def _with_warnings_given(module: AnsibleModule, facts: Facts) -> Facts:
    """Return values without the warnings among them, which are given in Ansible's own way."""
    for warning in facts.pop("warnings", ()):
        module.warn(warning)
    return facts


def _converge(module: AnsibleModule, resource: AnyResource) -> Facts:
    desired = resource.parse(module.params)
    try:
        with resource.open(desired) as backend:
            seen = backend.read(desired)
            wanted = resource.plan(desired, seen)
            transition = Transition(wanted, seen, reconcile(wanted, seen))
            if module.check_mode:
                return _result(module, resource, desired, transition)
            _apply(backend, transition)
            result = _result(module, resource, desired, transition)
            try:
                return {**result, **resource.after(desired, backend, transition, module.log)}
            except LvsError as error:
                error.facts = {**result, **error.facts}  # the changes are made, whatever followed
                raise
    except NotYetThere as error:
        if not module.check_mode:
            raise
        module.warn(f"check mode: {error}; shown as if nothing were there")
        seen, wanted = resource.empty_host(), resource.plan_without_host(desired)
        return _result(module, resource, desired, Transition(wanted, seen, reconcile(wanted, seen)))


def _apply(backend: Backend[Any, Any, Any, Any], transition: Transition[Any, Any, Any]) -> None:
    """Make the changes. The boot files follow what was made of them, even if some were refused."""
    try:
        backend.apply(transition)
    finally:
        if transition.changes and boot_files.exist():
            boot_files.update(backend.boot_files())


def _result(
    module: AnsibleModule, resource: AnyResource, desired: Desired[Any, Any], transition: Transition[Any, Any, Any]
) -> Facts:
    changes = transition.changes
    places = {item.key: place for place, item in enumerate(transition.wanted)} if changes else {}
    diffed = sorted(changes, key=lambda change: places[change.item.key])  # a removal beside what replaces it
    return {
        "invocation": {"module_args": _abridged(module.params)},
        **change_facts(changes),
        "diff": {
            "before": _lines(change.before for change in diffed),
            "after": _lines(change.after for change in diffed),
        },
        **resource.result(desired, transition.after()),
    }


def _abridged(options: Options) -> Facts:
    """The options as a result repeats them: a table of thousands of rows comes back as their number."""
    return {
        name: f"{len(value)} {name}" if isinstance(value, list) and len(value) > _REPEATED else value
        for name, value in options.items()
    }


def _lines(items: Iterable[Item | None]) -> str:
    return "".join(f"{item.diff_line()}\n" for item in items if item is not None)
