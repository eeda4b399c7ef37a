# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The users' variables: read as Ansible reads the options of a module, by the specification of the role C(lvs)."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core import values
from ...module_utils._core.errors import InvalidValue
from ...module_utils._core.options import Facts, Faults, Options
from ...module_utils._ipvs.ipvs_table import PURGE_NETWORKS
from ...module_utils._keepalived.model import secret_faults
from .errors import DescriptionFault

PREFIX = "lvs_"
SECRET = "vrrp_secret"  # the setting that no result shows
SERVICES = "lvs_services"  # has a reader of its own, which gives the place of each fault
# Variables of a single host, which the plan reads of all hosts.
OF_A_HOST = ("lvs_rip", "lvs_rip6", "lvs_dip", "lvs_dip6", "lvs_weight", "lvs_path_mtu", "lvs_vrrp_priority")

_SPECIFICATION = Path(__file__).parents[3] / "roles/lvs/meta/argument_specs.yml"


def _load() -> dict[str, Facts]:
    """The specification of each variable: type, elements, choices, default."""
    options = yaml.safe_load(_SPECIFICATION.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    kept = ("type", "elements", "choices", "default")
    return {name: {field: option[field] for field in kept if field in option} for name, option in options.items()}


VARIABLES = _load()
SETTINGS = tuple(name for name in VARIABLES if name != SERVICES and name not in OF_A_HOST)


def read_variables(given: Mapping[str, Any], host: str, faults: Faults) -> Facts:
    """Variables in the types of their specification, as Ansible reads them, and with defaults; faults are added.

    :param given: their names, with the values as the user wrote them; C(None) stands for the default
    """
    options: Facts = {}
    for name, value in given.items():
        reason = _not_a_text(VARIABLES[name], value) or _infinite(VARIABLES[name], value)
        if reason:
            faults.add(DescriptionFault(f"host {host}, {name}", reason))
        elif value is not None:
            options[name] = value
    result = ArgumentSpecValidator({name: VARIABLES[name] for name in given}).validate(options)
    for message in dict.fromkeys(result.error_messages):
        faults.add(DescriptionFault(f"host {host}", message))
    return dict(result.validated_parameters)


def _not_a_text(spec: Options, value: object) -> str:
    """Why a value cannot be a text, or a list of texts: Ansible would take the Python form of anything."""
    if spec["type"] == "str" and isinstance(value, (list, dict, bool)):
        return f"is {value!r}: write a text"
    if spec.get("elements") == "str" and isinstance(value, list) and not all(map(_is_text, value)):
        return f"is {value!r}: write a list of texts"
    return ""


def _infinite(spec: Options, value: object) -> str:
    """Why a value cannot be a whole number, where Ansible's own check ends with an OverflowError."""
    if spec["type"] == "int" and isinstance(value, (str, float)):
        with contextlib.suppress(ValueError):
            return f"is {value!r}: write a whole number" if math.isinf(float(value)) else ""
    return ""


def _is_text(item: object) -> bool:
    return isinstance(item, (str, int)) and not isinstance(item, bool)


def read_settings(given: Mapping[str, Any], host: str, faults: Faults) -> Facts:
    """All settings by their names without the prefix, with defaults, C(None) where there is none; faults are added.

    :param given: the variables that are set, as the user wrote them
    """
    before = len(faults.found)
    variables = read_variables({name: given.get(name) for name in SETTINGS}, host, faults)
    if len(faults.found) > before:
        return {}
    settings = {name.removeprefix(PREFIX): value for name, value in variables.items()}
    settings["probe_hosts"] = [name.strip() for name in settings["probe_hosts"] if name.strip()]  # a text may be empty
    if settings["purge"] == "services" and "lvs_purge_networks" in given and settings["purge_networks"] is None:
        settings["purge_networks"] = []  # a list without an entry: without the list, everything would be purged
    _check(settings, host, faults)
    return {**settings, **_on_the_controller(settings), "services": given.get(SERVICES, [])}


def _check(settings: Facts, host: str, faults: Faults) -> None:
    """Check values, and settings that depend on each other."""
    place = f"host {host}"
    if settings["boot"] and not settings["persist_sysctl"]:
        reason = (
            "needs lvs_persist_sysctl, as a real server would come back with VIPs and answer ARP requests for them: set"
            " lvs_persist_sysctl to true, or lvs_boot to false"
        )
        faults.add(DescriptionFault("lvs_boot", reason), place)
    if settings["purge_networks"] is not None:
        if settings["purge"] == "services":
            faults.collect(_purge_networks, settings["purge_networks"], where=place)
        else:
            reason = f"means nothing with lvs_purge: {settings['purge']}: leave it out, or set lvs_purge to services"
            faults.add(DescriptionFault("lvs_purge_networks", reason), place)
    # The plan of all hosts does not have it.
    for fault in secret_faults(settings[SECRET] or "", settings["vrrp_version"]):
        faults.add(InvalidValue(f"{PREFIX}{SECRET}", fault.value, fault.reason), place)
    for source in settings["tunnel_sources"]:
        faults.collect(values.address, "lvs_tunnel_sources", source, where=place)
    if settings["sync_id"] is not None:
        faults.collect(values.integer, "lvs_sync_id", settings["sync_id"], 1, 255, where=place)
    for name in ("vip_device", "vip6_device", "director_device", "sync_device"):
        if settings[name] is not None:
            faults.collect(values.device, f"{PREFIX}{name}", settings[name], where=place)
    for name, least in (("drain_timeout", 0), ("update_pause", 0), ("update_check_timeout", 1)):
        faults.collect(values.integer, f"{PREFIX}{name}", settings[name], least, values.MAX_TIMEOUT, where=place)


def _purge_networks(networks: object) -> object:
    try:
        return PURGE_NETWORKS.read(networks)
    except InvalidValue as fault:
        raise InvalidValue(f"{PREFIX}purge_networks", fault.value, fault.reason) from None


def _on_the_controller(settings: Facts) -> Facts:
    """Files and roles of the user, wherever a playbook of this collection looks for its own."""
    files = {name: None if settings[name] is None else _absolute(settings[name]) for name in ("update_tasks", "adopt_file")}
    return {**files, "update_roles": [_role(name) for name in settings["update_roles"]]}


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100,PTH111 # Path.expanduser fails for a user who does not exist


def _role(name: str) -> str:
    """A role in a folder C(roles) of the current directory, or beside the playbook that was started; others by name."""
    playbooks = [Path(playbook).parent for playbook in context.CLIARGS.get("args") or ()]
    for folder in (Path(), *playbooks):
        role = folder / "roles" / name
        if name and os.path.isdir(role):  # noqa: PTH112 # unlike Path.is_dir, False for any text
            return str(role.absolute())
    return name
