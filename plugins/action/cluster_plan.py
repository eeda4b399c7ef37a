# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster, made on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict
from typing import ClassVar

from ansible.errors import AnsibleError

from ..module_utils._core.errors import LvsError
from ..module_utils._core.options import Facts, Options
from ..plugin_utils._core.action import ControllerAction
from ..plugin_utils._plan.cluster_plan import cluster_plan
from ..plugin_utils._plan.inventory import Host, Inventory

_UNDEFINED = object()


class ActionModule(ControllerAction):
    """Checks and expands the description of a cluster."""

    ARGUMENTS: ClassVar[Facts] = {
        "services": {"type": "raw", "required": True},
        "directors_group": {"type": "str", "default": "directors"},
        "realservers_group": {"type": "str", "default": "realservers"},
        "vip_device": {"type": "str", "default": "tunl0"},
        "vip6_device": {"type": "str", "default": "lo"},
        "director_device": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }

    def facts(self, options: Options, variables: Options) -> Facts:
        """The plan."""
        inventory = _inventory(options, variables)
        _check_same_description(inventory, variables["hostvars"])
        return asdict(cluster_plan(options["services"], inventory))


def _inventory(options: Options, variables: Options) -> Inventory:
    groups, hostvars = variables["groups"], variables["hostvars"]
    directors = list(groups.get(options["directors_group"], []))
    real_servers = list(groups.get(options["realservers_group"], []))
    return Inventory(
        hosts={name: _host(name, hostvars[name], name in directors, name in real_servers) for name in groups["all"]},
        directors=directors,
        real_servers=real_servers,
        directors_group=options["directors_group"],
        real_servers_group=options["realservers_group"],
        vip_device=options["vip_device"],
        vip6_device=options["vip6_device"],
        director_device=options["director_device"],
        state=options["state"],
    )


def _host(name: str, variables: Options, director: bool, real_server: bool) -> Host:
    """A host's variables; of a host that is not in the cluster only if they can be read."""
    rip_option, rip6_option = ("lvs_dip", "lvs_dip6") if director else ("lvs_rip", "lvs_rip6")
    try:
        rip = variables.get(rip_option)
        return Host(
            rip=_address(variables.get("ansible_host")) if rip is None else rip,
            rip6=variables.get(rip6_option),
            weight=variables.get("lvs_weight"),
            path_mtu=variables.get("lvs_path_mtu"),
        )
    except AnsibleError as error:
        if director or real_server:
            options = f"{rip_option}, {rip6_option}, lvs_weight, lvs_path_mtu or ansible_host"
            raise LvsError(f"host {name}, {options}: {error}") from error
        return Host()


def _address(value: object) -> str | None:
    """An address that other hosts can reach; None for a name, and for a loopback address, as of a forwarded port."""
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        return None
    return None if address.is_loopback else str(address)


def _check_same_description(inventory: Inventory, hostvars: Options) -> None:
    """Check that all hosts of the cluster have the same services: the group variables of one side are not enough."""
    hosts = [*inventory.directors, *inventory.real_servers]
    descriptions = {name: hostvars[name].get("lvs_services", _UNDEFINED) for name in hosts}
    first = next(iter(hosts), "")
    for name, description in descriptions.items():
        if description != descriptions[first]:
            without = [host for host in (first, name) if descriptions[host] is _UNDEFINED]
            raise LvsError(
                f"lvs_services: {f'the host {without[0]} has none' if without else f'the hosts {first} and {name} have two'}:"
                " define it once for the whole cluster, for instance in group_vars/all.yml"
            )
