# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The way of every module from its options to its result, and the only file that knows AnsibleModule.

There is one check-mode branch, one place that handles errors, one diff, and one call that updates the boot files. Several
modules in one process, the steps of M(lvs.cluster.batch), take the same way one after the other.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Union

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import boot_files
from .errors import Invalid, InvalidValue, LvsError, NotYetThere
from .options import Facts, Faults, Options, check_fields
from .reconcile import Item, Transition, change_facts, joined_facts, reconcile
from .resource import AnyResource, Backend, Desired, Resource

_REPEATED = 100  # rows of an option that a result repeats

Reader = Callable[[Options], Facts]  # a module that changes nothing: the options to return values
Implementation = Union[AnyResource, Reader]
Work = Callable[[AnsibleModule], Facts]  # what is left to do once the options are read


@dataclass(frozen=True)
class Step:
    """One of several modules in a process."""

    place: str  # for messages
    module: str
    work: Work
    preview: bool = False  # shown as in check mode, and not made
    reads: bool = False  # changes nothing: later steps do not depend on it


def run(argument_spec: Options, resource: AnyResource) -> None:
    """A module that changes something, from its options to its result."""
    _end_with(argument_spec, lambda module: prepared(resource, module.params)(module))


def run_reading(argument_spec: Options, read: Reader) -> None:
    """A module that changes nothing, from its options to its result."""
    _end_with(argument_spec, lambda module: prepared(read, module.params)(module))


def run_steps(
    argument_spec: Options, read: Callable[[Options], Sequence[Step]], secrets: Callable[[Options], Iterable[str]]
) -> None:
    """Several modules, from the options of all to their results.

    :param secrets: the values among the options that neither a log nor a result shows
    """

    def work(module: AnsibleModule) -> Facts:
        return {**_label(module.params), **_in_order(read(module.params), module)}

    _end_with(argument_spec, work, secrets)


def prepared(implementation: Implementation, options: Options) -> Work:
    """Read the options of a module.

    :raises Invalid: all that is wrong with them
    """
    if isinstance(implementation, Resource):
        return partial(_converge, implementation, implementation.parse(options))
    return partial(_read, implementation, options)


def checked(argument_spec: Options, options: object, where: str) -> Facts:
    """The options of a step as Ansible hands them to a module: of the declared types, and with the defaults.

    :raises Invalid: all that is wrong with them
    """
    known = [*argument_spec, *(alias for option in argument_spec.values() for alias in option.get("aliases", ()))]
    faults = Faults()
    faults.collect(check_fields, options, known, where=where)
    # What is no option is a fault already.
    given = {name: value for name, value in options.items() if name in known} if isinstance(options, dict) else {}
    validated = ArgumentSpecValidator(dict(argument_spec)).validate(given)
    for message in validated.error_messages:
        faults.add(InvalidValue(where, message, ""))
    faults.raise_all()
    return dict(validated.validated_parameters)


def secrets_of(argument_spec: Options, options: object) -> Iterator[str]:
    """The values of options that are not to be logged, whether or not something is wrong with them, or with others."""
    given = options if isinstance(options, Mapping) else {}
    for name, option in argument_spec.items():
        value = given.get(name)
        if option.get("no_log") and value not in (None, ""):
            yield str(value)
        if option.get("options"):
            for row in value if isinstance(value, list) else [value]:
                yield from secrets_of(option["options"], row)


class _Module(AnsibleModule):  # type: ignore[misc]  # Ansible has no types
    """One that knows its secrets before it logs its options, also those in rows that Ansible does not look into."""

    def __init__(self, argument_spec: Options, secrets: Callable[[Options], Iterable[str]]) -> None:
        self._secrets = secrets
        super().__init__(argument_spec=dict(argument_spec), supports_check_mode=True)

    def _log_invocation(self) -> None:
        self.no_log_values.update(self._secrets(self.params))
        super()._log_invocation()


def _no_more(_options: Options) -> Iterable[str]:
    """Ansible finds the secrets of a module whose options it knows."""
    return ()


def _end_with(argument_spec: Options, work: Work, secrets: Callable[[Options], Iterable[str]] = _no_more) -> None:
    # A module is over before there is garbage worth looking for; with thousands of items, looking takes a fifth of the time.
    gc.disable()
    module = _Module(argument_spec, secrets)
    invocation = {"module_args": _abridged("options", module.params)}
    try:
        result = _with_warnings_given(module, work(module))
    except LvsError as error:
        module.fail_json(msg=str(error), invocation=invocation, **_with_warnings_given(module, error.facts))
    module.exit_json(invocation=invocation, **result)


def _with_warnings_given(module: AnsibleModule, facts: Facts) -> Facts:
    """Return values without the warnings among them, which are given in Ansible's own way, each once."""
    for warning in facts.pop("warnings", ()):
        module.warn(warning)
    return facts


def _label(options: Options) -> Facts:
    return {"label": options["label"]} if options.get("label") else {}


def _in_order(steps: Sequence[Step], module: AnsibleModule) -> Facts:
    """The results of the steps, and their changes as those of one module.

    A step that fails is the last one, unless it changes nothing, as in check mode.
    """
    results: list[Facts] = []
    messages: list[str] = []
    for step in steps:
        if step.preview:
            continue
        result = {"module": step.module, **change_facts(())}
        results.append(result)
        try:
            result.update(_with_warnings_given(module, step.work(module)))
        except LvsError as error:
            result.update(_with_warnings_given(module, error.facts), failed=True, msg=str(error))
            messages.append(_of_step(step, error))
            if not (step.reads or module.check_mode):
                break
    if messages:
        raise LvsError("\n".join(messages), _joined(results))
    previews = [step for step in steps if step.preview]
    return {**_joined(results), **(_previewed(previews, module) if previews else {})}


def _previewed(steps: Sequence[Step], module: AnsibleModule) -> Facts:
    """What these steps would change. One that fails would have something to change."""
    check_mode, module.check_mode = module.check_mode, True
    results: list[Facts] = []
    for step in steps:
        try:
            result = step.work(module)
        except LvsError as error:
            result = {**change_facts(()), "changed": True, "msg": str(error)}
        results.append({"module": step.module, **{name: value for name, value in result.items() if name != "diff"}})
    module.check_mode = check_mode
    return {"preview": results, "preview_changed": any(result["changed"] for result in results)}


def _of_step(step: Step, error: LvsError) -> str:
    """The message of a step that failed. Unlike that of several invalid values, it cannot say that nothing was changed."""
    if isinstance(error, Invalid):
        return "\n".join(str(fault.within(step.place)) for fault in error.faults)
    return f"{step.place}: {error}"


def _joined(results: Sequence[Facts]) -> Facts:
    diffs = [result.pop("diff") for result in results if "diff" in result]
    diff = {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")}
    return {**joined_facts(results), "diff": diff, "results": results}


def _read(read: Reader, options: Options, _module: AnsibleModule) -> Facts:
    return {"changed": False, **read(options)}


def _converge(resource: AnyResource, desired: Desired[Any, Any], module: AnsibleModule) -> Facts:
    try:
        with resource.open(desired) as backend:
            seen = backend.read(desired)
            wanted = resource.plan(desired, seen)
            transition = Transition(wanted, seen, reconcile(wanted, seen))
            backend.check(transition)
            if module.check_mode:
                return _result(resource, desired, transition)
            _apply(backend, transition)
            result = _result(resource, desired, transition)
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
        return _result(resource, desired, Transition(wanted, seen, reconcile(wanted, seen)))


def _apply(backend: Backend[Any, Any, Any, Any], transition: Transition[Any, Any, Any]) -> None:
    """Make the changes. The boot files follow what was made of them, even if some were refused."""
    try:
        backend.apply(transition)
    finally:
        if transition.changes and boot_files.exist():
            boot_files.update(backend.boot_files())


def _result(resource: AnyResource, desired: Desired[Any, Any], transition: Transition[Any, Any, Any]) -> Facts:
    changes = transition.changes
    places = {item.key: place for place, item in enumerate(transition.wanted)} if changes else {}
    diffed = sorted(changes, key=lambda change: places[change.item.key])  # a removal beside what replaces it
    return {
        **change_facts(changes),
        "diff": {
            "before": _lines(change.before for change in diffed),
            "after": _lines(change.after for change in diffed),
        },
        **resource.outcome(desired, transition),
    }


def _abridged(name: str, value: object) -> object:
    """The options as a result repeats them: a table of thousands of rows comes back as their number."""
    if isinstance(value, Mapping):
        return {option: _abridged(option, given) for option, given in value.items()}
    if isinstance(value, list):
        return f"{len(value)} {name}" if len(value) > _REPEATED else [_abridged(name, row) for row in value]
    return value


def _lines(items: Iterable[Item | None]) -> str:
    return "".join(f"{item.diff_line()}\n" for item in items if item is not None)
