# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What IPVS tells of a director: its table with counters, and the same table as an inventory describes it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field, replace

from .._core.options import Facts, Options
from .._core.values import Address
from .._net import neighbour
from .._net.model import FALLBACK_DEVICES
from . import codec
from .drain_notes import Notes
from .foreign_keepalived import running_foreign_services
from .foreign_services import ForeignServices
from .keepalived_table import CONFIG_FILE
from .kernel import IpvsBackend
from .model import DEFAULT_FORWARD, Destination, DestinationKey, Service, ServiceKey, SyncDaemon, Timeouts
from .statistics import (
    CMD_GET_INFO,
    Connections,
    Statistics,
    decode_info,
    destination_statistics,
    service_statistics,
)


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
    destinations: Sequence[CountedDestination] = ()
    configured: AbstractSet[DestinationKey] | None = None  # what keepalived has for it; None: it is not its owner
    out: Sequence[Destination] = ()  # of these, those whose checks fail, as they will be when they are back

    @property
    def real_servers(self) -> list[Destination]:
        """All real servers: those that are out, too, and no sorry server."""
        destinations = [counted.destination for counted in self.destinations]
        if self.configured is None:
            return destinations
        out = {destination.key: destination for destination in self.out}
        there = [destination for destination in destinations if destination.key in self.configured - out.keys()]
        return sorted([*there, *out.values()], key=lambda destination: destination.key.order)


@dataclass(frozen=True)
class DirectorInfo:
    """All that IPVS tells of a host."""

    services: Sequence[CountedService]
    timeouts: Timeouts
    sync_daemons: Sequence[SyncDaemon]
    version: str
    connection_table_size: int
    holders: Mapping[Address, str] = field(default_factory=dict)  # the device that has an address
    engine: str = ""  # keepalived, where it owns services by a configuration of this collection
    foreign: ForeignServices = field(default_factory=ForeignServices)  # of a keepalived of somebody else


class InfoBackend(IpvsBackend):
    """All that IPVS tells, counters included."""

    def director(self) -> DirectorInfo:
        """Read it."""
        (config,) = self._request(codec.CMD_GET_CONFIG)
        (info,) = self._request(CMD_GET_INFO)
        version, size = decode_info(info)
        notes = Notes()
        services = [self._counted(answer, notes) for answer in self._request(codec.CMD_GET_SERVICE, dump=True)]
        return DirectorInfo(
            # The kernel's order is that of its hash table.
            services=sorted(
                (counted for counted in services if not self._keepalived.is_of_checks(counted.service.key)),
                key=lambda counted: counted.service.key.order,
            ),
            timeouts=codec.decode_timeouts(config),
            sync_daemons=[codec.decode_daemon(answer) for answer in self._request(codec.CMD_GET_DAEMON, dump=True)],
            version=version,
            connection_table_size=size,
            holders={address: device.name for device in neighbour.devices() for address in device.addresses},
            engine=self._keepalived.engine,
            foreign=running_foreign_services(),
        )

    def _counted(self, answer: bytes, notes: Notes) -> CountedService:
        service = codec.decode_service(answer)
        destinations = [
            CountedDestination(notes.with_note(codec.decode_destination(service.key, row)), *destination_statistics(row))
            for row in self._request(codec.CMD_GET_DEST, codec.encode_key(service.key), dump=True)
        ]
        destinations.sort(key=lambda counted: counted.destination.key.order)
        found = CountedService(service, service_statistics(answer), destinations)
        return self._with_out(found, notes) if self.is_of_keepalived(service.key) else found

    def _with_out(self, counted: CountedService, notes: Notes) -> CountedService:
        """A service that keepalived owns, with the real servers that it has taken out, or whose weight it has set to 0."""
        configured = self._keepalived.with_failed({}, [counted.service.key])
        weights = {found.destination.key: found.destination.weight for found in counted.destinations}
        out = [
            notes.with_note(destination)
            for key, destination in configured.items()
            if key not in weights or (not weights[key] and destination.weight)
        ]
        return replace(counted, configured=frozenset(configured), out=sorted(out, key=lambda item: item.key.order))


def read(_options: Options) -> Facts:
    """Everything, as M(lvs.cluster.ipvs_info) returns it."""
    with InfoBackend() as ipvs:
        return {**facts(ipvs.director()), "kernel": os.uname().release}


def facts(director: DirectorInfo) -> Facts:
    """What IPVS tells, as return values."""
    return {
        "version": director.version,
        "connection_table_size": director.connection_table_size,
        "timeouts": director.timeouts.facts(),
        "sync_daemons": [daemon.facts() for daemon in director.sync_daemons],
        "services": [_service_facts(counted) for counted in director.services],
        "lvs_services": [_description(counted, director.holders) for counted in director.services],
        "engine": director.engine,
        "foreign_keepalived": _foreign_facts(director) if director.foreign else {},
    }


def _foreign_facts(director: DirectorInfo) -> Facts:
    keys = [counted.service.key for counted in director.services if counted.configured is None]
    return {
        "config": CONFIG_FILE,
        "services": [_name(key) for key in keys if director.foreign.has(key)],
        "unread": list(director.foreign.unread),
    }


def _service_facts(counted: CountedService) -> Facts:
    return {
        **counted.service.facts(),
        "statistics": asdict(counted.statistics),
        "destinations": [
            {
                **_own_facts(counted.service, destination.destination),
                "connections": asdict(destination.connections),
                "statistics": asdict(destination.statistics),
            }
            for destination in counted.destinations
        ],
        **({} if counted.configured is None else {"out": [_own_facts(counted.service, gone) for gone in counted.out]}),
    }


def _own_facts(service: Service, destination: Destination) -> Facts:
    """What a destination has beside its service's name."""
    names = service.key.facts()
    return {name: value for name, value in destination.facts().items() if name not in names}


def _name(key: ServiceKey) -> str:
    if key.vip is None:
        return f"fwmark-{key.fwmark}" + ("-ipv6" if key.family == 6 else "")
    return f"{key.protocol}-{key.vip}-{key.port}"


def _description(counted: CountedService, holders: Mapping[Address, str]) -> Facts:
    """A service as the variable lvs_services has it: what differs from the defaults."""
    service = counted.service
    key = service.key
    description = {"name": _name(key), **service.facts()}
    plain = Service(key, persistence_timeout=service.persistence_timeout).facts()
    for option in ("scheduler_flags", "persistence_netmask", "persistence_engine", "one_packet"):
        if description[option] == plain[option]:
            del description[option]
    if not service.persistence_timeout:
        del description["persistence_timeout"]
    if key.vip is not None and key.vip in holders:
        description["director_device"] = holders[key.vip]
    destinations = counted.real_servers
    forwards = [destination.forward for destination in destinations]
    common = max(sorted(set(forwards)), key=forwards.count, default=DEFAULT_FORWARD)
    description["forward"] = common
    if _is_adopted(service, destinations, holders):
        description["adopted"] = True
    description["real_servers"] = [_real_server(service, destination, common) for destination in destinations]
    return description


def _is_adopted(service: Service, destinations: Sequence[Destination], holders: Mapping[Address, str]) -> bool:
    """Whether nobody could describe it, or create it with this collection, otherwise."""
    return (
        _has_vip_of_its_own(service.key, holders)
        or any(item.faults() for item in (service, *destinations))
        or any(map(_has_port_of_its_own, destinations))
    )


def _has_vip_of_its_own(key: ServiceKey, holders: Mapping[Address, str]) -> bool:
    """Whether clients reach the VIP in another way: from the director itself, or by a route, as with an IPv6 VIP on C(lo)."""
    if key.vip is None:
        return False
    return key.vip.is_loopback or (key.family == 6 and holders.get(key.vip, "lo") in (*FALLBACK_DEVICES, "lo"))


def _has_port_of_its_own(destination: Destination) -> bool:
    """Whether packets do not have the port that the destination has in the table."""
    return destination.forward != "masquerade" and destination.key.port != destination.key.service.port


def _real_server(service: Service, destination: Destination, forward: str) -> Facts:
    rip, port = destination.key.rip, service.key.port
    if destination.former_weight is not None:  # for a while: an inventory has the weight that it is to have again
        destination = replace(destination, weight=destination.former_weight, former_weight=None)
    plain = _own_facts(service, Destination(DestinationKey(service.key, rip, port), forward=destination.forward))
    own = {name: value for name, value in _own_facts(service, destination).items() if value != plain[name]}
    if destination.forward != forward:
        own["forward"] = destination.forward
    return {"address": str(rip), "weight": destination.weight, **own}
