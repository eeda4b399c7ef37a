# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the place of a module of the collection: checks the options of a call, records it, and returns what the test has set.

Ansible runs the action plugin that has a module's name instead of the module. This file is linked under the name of each.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

_MODULES = "ansible_collections.lvs.cluster.plugins.modules"
_BATCH = "batch"
_CHANGES = {"changed": False, "changes": [], "commands": []}
_IPVS_INFO = {
    "services": [],
    "lvs_services": [],
    "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300},
    "sync_daemons": [],
    "connection_table_size": 4096,
    "version": "1.2.1",
    "kernel": "6.12.48",
    "engine": "",
    "foreign_keepalived": {},
}
# What modules return on a host where nothing is left to do.
_RESULTS: dict[str, dict[str, Any]] = {
    "ipvs_info": _IPVS_INFO,
    "ipvs_table": {**_CHANGES, "drained": [], "held_back": [], "held_back_vips": [], "purged": []},
    "preflight": {"paths": [], "holders": {}, "links": [], "unchecked": []},
    "state_info": {
        "devices": [],
        "arp_silent_devices": [],
        "services": [],
        "drained": [],
        "boot": False,
        "empty": True,
        "missing": {"libraries": [], "programs": [], "packages": {}, "package_manager": "", "advice": {}},
        "python": "/usr/bin/python3",
    },
    "vip_probe": {"real_servers": [], "left_out": [], "services": [], "resolved": []},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # the parent is not typed
    """Records one call; of the module batch, one call for each step."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the module would return."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        name = self._task.action.rpartition(".")[2]
        self._connection.reach()
        options = _checked(name, self._task.args)
        if name != _BATCH:
            return {**result, **self._call(name, options)}
        _check_steps(options)
        steps, previews = (
            [(module, _checked(module, given or {})) for step in options.get(name, ()) for module, given in step.items()]
            for name in ("steps", "preview")
        )
        results: list[dict[str, Any]] = []
        for module, given in steps:
            results.append({"module": module, **_CHANGES, **self._call(module, given)})
            if results[-1].get("failed"):
                break
        preview = [{"module": module, **_CHANGES, **self._call(module, given, preview=True)} for module, given in previews]
        return {**result, **_together(results, preview, options.get("label", "")), **self._answer(_BATCH, options)}

    def _call(self, module: str, options: dict[str, Any], preview: bool = False) -> dict[str, Any]:
        check_mode = preview or self._task.check_mode
        self._connection.record(module, check_mode, options)
        return {**_RESULTS.get(module, _CHANGES), **self._answer(module, options, check_mode)}

    def _answer(self, module: str, options: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
        """What the test has set for this call; the last that fits."""
        found: dict[str, Any] = {}
        for answer in self._connection.script()["answers"]:
            if (
                answer["module"] == module
                and answer["host"] in (None, self._connection.standin)
                and answer["check_mode"] in (None, check_mode or self._task.check_mode)
                and all(options.get(name) == value for name, value in answer["options"].items())
            ):
                found = answer["result"]
        return found


def _checked(module: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the module would read them, without those that have no value."""
    try:
        specification = getattr(importlib.import_module(f"{_MODULES}.{module}"), "ARGUMENT_SPEC", {})
    except ModuleNotFoundError as error:
        raise AnsibleActionFail(f"the collection has no module {module}") from error
    validated = ArgumentSpecValidator(specification).validate(dict(given))
    if validated.error_messages:
        raise AnsibleActionFail(f"{module}: {'; '.join(validated.error_messages)}")
    checked: dict[str, Any] = _with_values(validated.validated_parameters)
    return checked


def _check_steps(options: Mapping[str, Any]) -> None:
    """Have the module batch itself read the options of its steps."""
    try:
        importlib.import_module(f"{_MODULES}.{_BATCH}").read(options)
    except Exception as error:
        raise AnsibleActionFail(f"{_BATCH}: {error}") from error


def _with_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _with_values(each) for name, each in value.items() if each is not None}
    return [_with_values(each) for each in value] if isinstance(value, (list, tuple)) else value


def _together(results: list[dict[str, Any]], preview: list[dict[str, Any]], label: str) -> dict[str, Any]:
    """The result of a batch."""
    failed = [result for result in results if result.get("failed")]
    return {
        "changed": any(result.get("changed", False) for result in results),
        "changes": [change for result in results for change in result.get("changes", ())],
        "commands": [command for result in results for command in result.get("commands", ())],
        "results": results,
        "preview": preview,
        "preview_changed": any(result.get("changed", False) for result in preview),
        **({"failed": True, "msg": failed[0].get("msg", "")} if failed else {"label": label}),
    }
