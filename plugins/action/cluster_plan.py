# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster, made on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.cluster_plan import Cluster, Host, plan

_MISSING = object()


class ActionModule(ActionBase):  # type: ignore[misc]  # the parent is not typed
    """Expands and validates; touches no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the plan, or fail with all that is wrong with the description."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(
            {
                "services": {"type": "raw", "required": True},
                "directors_group": {"type": "str", "default": "directors"},
                "realservers_group": {"type": "str", "default": "realservers"},
                "vip_device": {"type": "str", "default": "tunl0"},
                "vip6_device": {"type": "str", "default": "lo"},
                "director_device": {"type": "str"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            }
        )[1]
        variables = task_vars or {}
        try:
            cluster = _cluster(arguments, variables)
            _check_one_description(cluster, variables["hostvars"])
            made = plan(arguments["services"], cluster)
        except LvsError as error:
            return {**result, "failed": True, "msg": str(error)}
        expanded = asdict(made)
        return {**result, "changed": False, **expanded}


def _cluster(arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> Cluster:
    groups, hostvars = variables["groups"], variables["hostvars"]
    directors = list(groups.get(arguments["directors_group"], []))
    real_servers = list(groups.get(arguments["realservers_group"], []))
    return Cluster(
        hosts={name: _host(name, hostvars[name], name in directors, name in real_servers) for name in groups["all"]},
        directors=directors,
        real_servers=real_servers,
        directors_group=arguments["directors_group"],
        real_servers_group=arguments["realservers_group"],
        vip_device=arguments["vip_device"],
        vip6_device=arguments["vip6_device"],
        director_device=arguments["director_device"],
        state=arguments["state"],
    )


def _host(name: str, variables: Mapping[str, Any], director: bool, real_server: bool) -> Host:
    """What the inventory says of a host; of one that the cluster does not need, only what can be read."""
    own, own6 = ("lvs_dip", "lvs_dip6") if director else ("lvs_rip", "lvs_rip6")
    try:
        rip = variables.get(own)
        return Host(
            rip=_address(variables.get("ansible_host")) if rip is None else rip,
            rip6=variables.get(own6),
            weight=variables.get("lvs_weight"),
            path_mtu=variables.get("lvs_path_mtu"),
        )
    except AnsibleError as error:
        if director or real_server:
            raise LvsError(f"host {name}, {own}, {own6}, lvs_weight, lvs_path_mtu or ansible_host: {error}") from error
        return Host()


def _address(value: Any) -> str | None:
    """An address that other hosts can reach; None for a name, and for a port forwarded on this machine."""
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        return None
    return None if address.is_loopback else str(address)


def _check_one_description(cluster: Cluster, hostvars: Mapping[str, Any]) -> None:
    """Both sides have to be told the same: a variable in the group of one side alone is not the cluster's."""
    views = {name: hostvars[name].get("lvs_services", _MISSING) for name in [*cluster.directors, *cluster.real_servers]}
    first = next(iter(views), "")
    for name, view in views.items():
        if view != views[first]:
            lacking = [one for one in (first, name) if views[one] is _MISSING]
            raise LvsError(
                f"lvs_services: {f'the host {lacking[0]} has none' if lacking else f'the hosts {first} and {name} have two'}:"
                " define it once for the whole cluster, for instance in group_vars/all.yml"
            )
