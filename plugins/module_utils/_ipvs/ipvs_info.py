# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a director can tell of itself: its table with counters, and the same table as an inventory describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._core.values import Address
from .ipvs_sync_daemon import SyncDaemon
from .ipvs_timeouts import Timeouts
from .model import DEFAULT_FORWARD, Destination, DestinationKey, Service


@dataclass(frozen=True)
class Statistics:
    """Counters since the service or destination was made, and rates of the last seconds (64 bits each).

    Source: enum IPVS_STATS_ATTR_* in include/uapi/linux/ip_vs.h, in this order.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_per_second: int = 0
    packets_in_per_second: int = 0
    packets_out_per_second: int = 0
    bytes_in_per_second: int = 0
    bytes_out_per_second: int = 0


@dataclass(frozen=True)
class Connections:
    """Connections that a destination has now."""

    active: int = 0
    inactive: int = 0
    persistent: int = 0


@dataclass(frozen=True)
class CountedDestination:
    """A destination with its counters."""

    destination: Destination
    connections: Connections
    statistics: Statistics


@dataclass(frozen=True)
class CountedService:
    """A service with its counters and its destinations."""

    service: Service
    statistics: Statistics
    destinations: Sequence[CountedDestination] = field(default_factory=tuple)


@dataclass(frozen=True)
class Director:
    """All that IPVS tells of a host."""

    services: Sequence[CountedService]
    timeouts: Timeouts
    sync_daemons: Sequence[SyncDaemon]
    version: str
    connection_table_size: int
    holders: Mapping[Address, str] = field(default_factory=dict)  # the device that has an address


def facts(director: Director) -> dict[str, Any]:
    """A director as M(lvs.cluster.ipvs_info) returns it."""
    return {
        "version": director.version,
        "connection_table_size": director.connection_table_size,
        "timeouts": director.timeouts.facts(),
        "sync_daemons": [daemon.facts() for daemon in director.sync_daemons],
        "services": [_service_facts(one) for one in director.services],
        "lvs_services": [_described(one, director.holders) for one in director.services],
    }


def _service_facts(one: CountedService) -> dict[str, Any]:
    return {
        **one.service.facts(),
        "statistics": asdict(one.statistics),
        "destinations": [
            {
                **_own(one.service, each.destination),
                "connections": asdict(each.connections),
                "statistics": asdict(each.statistics),
            }
            for each in one.destinations
        ],
    }


def _own(service: Service, destination: Destination) -> dict[str, Any]:
    """What a destination has beside its service's name."""
    names = service.key.facts()
    return {name: value for name, value in destination.facts().items() if name not in names}


def _described(one: CountedService, holders: Mapping[Address, str]) -> dict[str, Any]:
    """A service as the variable lvs_services has it: what differs from the defaults."""
    service = one.service
    key = service.key
    name = f"fwmark-{key.fwmark}" + ("-ipv6" if key.family == 6 else "")
    if key.vip is not None:
        name = f"{key.protocol}-{key.vip}-{key.port}"
    description = {"name": name, **service.facts()}
    plain = Service(key, persistence_timeout=service.persistence_timeout).facts()
    for option in ("scheduler_flags", "persistence_netmask", "persistence_engine", "one_packet"):
        if description[option] == plain[option]:
            del description[option]
    if not service.persistence_timeout:
        del description["persistence_timeout"]
    if key.vip is not None and key.vip in holders:
        description["director_device"] = holders[key.vip]
    forwards = [each.destination.forward for each in one.destinations]
    common = max(sorted(set(forwards)), key=forwards.count, default=DEFAULT_FORWARD)
    description["forward"] = common
    description["real_servers"] = [_real_server(service, each.destination, common) for each in one.destinations]
    return description


def _real_server(service: Service, destination: Destination, forward: str) -> dict[str, Any]:
    rip, port = destination.key.rip, service.key.port
    if destination.drained is not None:  # for a while: an inventory has the weight that it is to have again
        destination = replace(destination, weight=destination.drained, drained=None)
    plain = _own(service, Destination(DestinationKey(service.key, rip, port), forward=destination.forward))
    own = {name: value for name, value in _own(service, destination).items() if value != plain[name]}
    if destination.forward != forward:
        own["forward"] = destination.forward
    return {"address": str(rip), "weight": destination.weight, **own}
