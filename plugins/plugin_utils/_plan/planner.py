# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The plan of a run: made once, on the controller, from the variables of all hosts of the cluster; each host gets its part.

Each host compares what the plan knows of it with its variables, and each task reads those of all hosts once: what a play
changes between two tasks is not missed, and no host reads the variables of all others for itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...module_utils._core.errors import LvsError
from ...module_utils._core.options import Facts, Faults, Options
from .clusters import Cluster, GroupNames, check_cluster, cluster_of, group_names
from .errors import DescriptionFault, InvalidDescription
from .inventory import Host, Inventory
from .names import check_names
from .plan import make_plan
from .real_server import RealServerPlan
from .run_store import RunStore, digest
from .settings import PREFIX, SECRET, SERVICES, SETTINGS, read_settings
from .variables import AllHosts, HostVariables, is_static, plain

# The parts of a plan: what every host needs is small, as each of them reads it.
_COMMON, _CLUSTER = "common", "cluster"
_DIRECTOR_VARIABLES = ("lvs_dip", "lvs_dip6")
_REAL_SERVER_VARIABLES = ("lvs_rip", "lvs_rip6")
# The settings that a plan depends on.
_SHARED_VRRP = ("id", "version", "advert_interval", "preempt", "track_quorum", "multicast")
_VRRP = (*_SHARED_VRRP, "track_devices")
_ROUTER_ID = f"{PREFIX}vrrp_id"
# What the directors of a cluster have to agree on.
_SHARED = (f"{PREFIX}vips", f"{PREFIX}{SECRET}", *(f"{PREFIX}vrrp_{name}" for name in _SHARED_VRRP))
_OF_THE_PLAN = (
    *("services", "directors_group", "realservers_group", "vip_device", "vip6_device", "director_device", "state", "vips"),
    "engine",
    *(f"vrrp_{name}" for name in _VRRP),
)


class Planner:
    """The plan as one task of a host sees it.

    :param own: the variables of the task
    :param hosts: those of each host of the inventory, as other hosts see them
    :param occurrence: a name for this task of this play
    """

    def __init__(self, own: HostVariables, hosts: AllHosts, groups: Mapping[str, Sequence[str]], occurrence: str) -> None:
        self.host = own.host
        self.hosts = hosts
        self._groups = groups
        self._own = own
        self._occurrence = occurrence
        self._store = RunStore()

    @property
    def has_secret(self) -> bool:
        """Whether a result for this host has a secret in it."""
        return bool(self._own.raw.get(f"{PREFIX}{SECRET}"))

    def settings(self, options: Options) -> Facts:
        """The variables of this host, where options do not say otherwise.

        :raises InvalidDescription: all that is wrong with them
        """
        faults = Faults()
        given = {f"{PREFIX}{name}": plain(value) for name, value in options.items() if value is not None}
        for name in (*SETTINGS, SERVICES):
            if name in self._own.raw and name not in given:
                given[name] = faults.collect(self._own.get, name)
        check_names({self.host: self._own.raw}, faults)
        settings = {} if faults.found else read_settings(given, self.host, faults)
        for name in settings.get("probe_hosts", ()):
            if name not in self._groups["all"]:
                reason = f"{name!r} is not a host of the inventory: add it there, or correct its name"
                faults.add(DescriptionFault(f"host {self.host}, lvs_probe_hosts", reason))
        if faults.found:
            raise InvalidDescription(faults.found)
        return settings

    def cluster(self, settings: Options) -> Cluster:
        """The cluster that this host belongs to, or sends requests to."""
        return cluster_of(GroupNames(settings["directors_group"], settings["realservers_group"]), self._groups)

    def plan(self, cluster: Cluster, settings: Options) -> str:
        """The key of the plan, which is made unless it is there.

        :raises InvalidDescription: all that is wrong
        """
        of_the_plan = {name: settings[name] for name in _OF_THE_PLAN}
        pointer = digest([self._occurrence, of_the_plan])
        key = self._current(pointer, cluster)
        if key is None:
            with self._store.lock():
                key = self._current(pointer, cluster) or self._make(pointer, of_the_plan, cluster)
        fault = self._store.read(key, "fault")
        if fault is not None:
            raise LvsError(fault)
        return str(key)

    def common(self, key: str) -> Facts:
        """What every host needs of a plan: its C(id), C(warnings), and whether it has C(services) and firewall C(marks)."""
        return dict(self._store.read(key, _COMMON))

    def of_cluster(self, key: str) -> Facts:
        """What directors need of a plan."""
        return dict(self._store.read(key, _CLUSTER))

    def of_real_server(self, key: str) -> tuple[RealServerPlan, Facts]:
        """What this real server needs of a plan, and its C(rips) and C(probes)."""
        part = self._store.read(key, f"real server {self.host}")
        return RealServerPlan(**part["plan"]), part["operations"]

    def _current(self, pointer: str, cluster: Cluster) -> str | None:
        """The plan that an earlier host of this task made, if it knows this host as it is."""
        found = self._store.read(pointer, "plan")
        if found is None:
            return None
        key = str(found)
        if self.host not in cluster.hosts or self._store.read(key, "fault") is not None:
            return key
        known = self._store.read(key, f"host {self.host}")
        return key if known == asdict(self._host(self.host, cluster, Faults())) else None

    def _make(self, pointer: str, of_the_plan: Options, cluster: Cluster) -> str:
        """Read the variables of all hosts, and make the plan, unless there is one for the same."""
        faults = Faults()
        hosts = {name: self._host(name, cluster, faults) for name in self._groups["all"]}
        self._check_hosts(cluster, faults)
        warnings = check_names({name: self.hosts[name].raw for name in cluster.hosts}, faults)
        inputs = {name: asdict(host) for name, host in hosts.items()}
        key = digest([of_the_plan, asdict(cluster), inputs, [str(fault) for fault in faults.found], warnings])
        if self._store.read(key, "made") is None:
            self._store.write(key, self._parts(of_the_plan, cluster, hosts, faults, warnings))
            self._store.write(key, {**{f"host {name}": inputs[name] for name in cluster.hosts}, "made": True})
        self._store.write(pointer, {"plan": key})
        return key

    def _parts(
        self, of_the_plan: Options, cluster: Cluster, hosts: Mapping[str, Host], faults: Faults, warnings: Sequence[str]
    ) -> Facts:
        inventory = Inventory(
            hosts=hosts,
            directors=cluster.directors,
            real_servers=cluster.real_servers,
            directors_group=cluster.names.directors,
            real_servers_group=cluster.names.real_servers,
            vip_device=of_the_plan["vip_device"],
            vip6_device=of_the_plan["vip6_device"],
            director_device=of_the_plan["director_device"],
            state=of_the_plan["state"],
            vips=of_the_plan["vips"],
            engine=of_the_plan["engine"],
            vrrp={name: of_the_plan[f"vrrp_{name}"] for name in _VRRP},
        )
        try:
            plan = make_plan(of_the_plan["services"], inventory, faults)
        except LvsError as error:
            return {"fault": str(error)}
        facts = asdict(plan)
        real_servers = facts.pop("real_servers")
        probes: dict[str, list[Facts]] = {}
        for row in plan.probes:
            probes.setdefault(row["name"], []).append(row)
        common = {
            # What the hosts of a cluster agree on, whatever their devices are called.
            "id": digest(
                [of_the_plan["services"], of_the_plan["state"], [(name, asdict(hosts[name])) for name in cluster.hosts]]
            ),
            "warnings": [*warnings, *facts.pop("warnings")],
            "services": bool(plan.services),
            "marks": any("fwmark" in service for service in plan.services),
        }
        parts = {
            f"real server {name}": {"plan": part, "operations": {"rips": plan.rips[name], "probes": probes.get(name, [])}}
            for name, part in real_servers.items()
        }
        return {_COMMON: common, _CLUSTER: facts, **parts}

    def _host(self, name: str, cluster: Cluster, faults: Faults) -> Host:
        """A host's variables; of a host that is not in the cluster only if they can be read."""
        director, real_server = name in cluster.directors, name in cluster.real_servers
        variables = self.hosts[name]
        of_others = Faults()

        collected = faults if director or real_server else of_others

        def read(variable: str) -> Any:
            value = collected.collect(variables.get, variable)
            if not isinstance(value, (list, dict, bool)):
                return value
            collected.add(DescriptionFault(f"host {name}, {variable}", f"is {value!r}: write a single value"))
            return None

        rip_variable, rip6_variable = _DIRECTOR_VARIABLES if director else _REAL_SERVER_VARIABLES
        rip = read(rip_variable)
        if rip is None:
            rip = _address(read("ansible_host")) or _address(name)
        if director:
            return Host(rip, read(rip6_variable), vrrp_priority=read("lvs_vrrp_priority"))
        return Host(rip, read(rip6_variable), read("lvs_weight"), read("lvs_path_mtu"))

    def _check_hosts(self, cluster: Cluster, faults: Faults) -> None:
        """Check that all hosts of the cluster have the same groups and the same services."""
        names = {host: group_names(self.hosts[host], faults) for host in cluster.hosts}
        # Unless the task itself names the groups.
        if any(name != GroupNames() for name in names.values()):
            check_cluster(cluster, names, faults)
        self._check_services(cluster, faults)
        self._check_probe_hosts(cluster, faults)
        self._check_shared(cluster, faults)
        self._check_routers(cluster, faults)

    def _check_shared(self, cluster: Cluster, faults: Faults) -> None:
        """Check that all directors have the same settings of what they share."""
        for name in _SHARED:
            values = {host: faults.collect(self.hosts[host].get, name) for host in cluster.directors}
            for host, value in values.items():
                first = cluster.directors[0]
                if str(value) != str(values[first]):
                    reason = f"is {values[first]!r} on {first} and {value!r} on {host}: set it for the whole cluster"
                    faults.add(DescriptionFault(name, reason))
                    break

    def _check_routers(self, cluster: Cluster, faults: Faults) -> None:
        """Check that no other cluster of the inventory has the same virtual router."""
        if not cluster.directors:
            return
        number = self.hosts[cluster.directors[0]].raw.get(_ROUTER_ID)
        for host in self._groups["all"] if number is not None else ():
            if host not in cluster.hosts and str(self.hosts[host].raw.get(_ROUTER_ID)) == str(number):
                other = cluster_of(group_names(self.hosts[host], Faults()), self._groups)
                if host in other.directors:
                    reason = (
                        f"is {number}, as that of {host}, a director of another cluster: a number is for one virtual router"
                        " of a network"
                    )
                    faults.add(DescriptionFault(_ROUTER_ID, reason))
                    return

    def _check_probe_hosts(self, cluster: Cluster, faults: Faults) -> None:
        """Check that the directors know the clients: their plays ask these to connect."""
        setting = [host for host in cluster.hosts if self.hosts[host].raw.get("lvs_probe_hosts")]
        missing = [host for host in cluster.directors if host not in setting]
        if setting and missing:
            reason = f"is set for {setting[0]} and not for {missing[0]}: set it for all hosts of the cluster"
            faults.add(DescriptionFault("lvs_probe_hosts", reason))

    def _check_services(self, cluster: Cluster, faults: Faults) -> None:
        first, *others = cluster.hosts or ("",)
        if not first:
            return
        raw = self.hosts[first].raw.get(SERVICES)
        static = is_static(raw)
        services = faults.read(self.hosts[first].get, SERVICES)
        for host in others:
            if services.failed:
                return  # one message is enough
            of_host = self.hosts[host]
            if static and raw == of_host.raw.get(SERVICES):
                continue
            other = faults.read(of_host.get, SERVICES)
            if other.failed:
                return
            if other.value != services.value:
                faults.add(_other_services(first, services.value, host, other.value))
                return


def _address(value: object) -> str | None:
    """An address that other hosts can reach; None for a name, and for a loopback address, as of a forwarded port."""
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        return None
    return None if address.is_loopback else str(address)


def _other_services(first: str, services: Any, host: str, others: Any) -> DescriptionFault:
    """The services of two hosts differ: a cluster has one description."""
    way_out = "define it once for the whole cluster, for instance in group_vars/all.yml"
    for name, given in ((first, services), (host, others)):
        if given is None:
            return DescriptionFault(SERVICES, f"the host {name} has none: {way_out}")
    place, one_value, other_value = first_difference(services, others)
    return DescriptionFault(
        f"{SERVICES}{place}",
        f"is {one_value!r} on {first} and {other_value!r} on {host}: {way_out}. What differs between real servers has host"
        " variables (lvs_rip, lvs_weight, lvs_path_mtu)",
    )


def first_difference(left: Any, right: Any, place: str = "") -> tuple[str, Any, Any]:
    """Where two values differ first, and how."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for name in (*left, *(name for name in right if name not in left)):
            if left.get(name) != right.get(name):
                return first_difference(left.get(name), right.get(name), f"{place}.{name}")
    if isinstance(left, list) and isinstance(right, list):
        for index, (first, second) in enumerate(zip(left, right)):
            if first != second:
                return first_difference(first, second, f"{place}[{index}]")
        return f"{place}, number of entries", len(left), len(right)
    return place, left, right
