# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""An IPVS table, or a part of it, as one list: what is wanted, and what is removed beside it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Union

from .._core import values
from .._core.errors import InvalidValue
from .._core.options import (
    STATE,
    Facts,
    Faults,
    Option,
    Options,
    Unique,
    argument_spec,
    boolean,
    check_fields,
    choice,
    text,
)
from .._core.reconcile import Change, Seen, Transition, Wanted
from .._core.resource import Desired, Resource
from .._core.values import Address
from .drain import drained_warning
from .found_by_rip import found_by_rip
from .held_back import held_back, vips_without_service
from .kernel import TableBackend
from .model import Destination, DestinationKey, IpvsKey, Service, ServiceKey, TableItem, WantedDestination
from .options import DESTINATION, SERVICE, SERVICE_KEY, destination_of, service_of

SERVICE_FIELDS = (*(option.name for option in (*SERVICE_KEY, *SERVICE, STATE)), "destinations")
DESTINATION_FIELDS = tuple(option.name for option in (*DESTINATION, STATE))
NONE, DESTINATIONS, SERVICES = "none", "destinations", "services"  # what purge covers

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
WantedItem = Union[Wanted[ServiceKey, Service], WantedDestination, Wanted[DestinationKey, Destination]]


def _networks(value: object) -> tuple[Network, ...]:
    return tuple(_network(network) for network in value) if isinstance(value, list) else (_network(value),)


def _network(value: object) -> Network:
    try:
        return ipaddress.ip_network(str(value).strip())
    except ValueError as error:
        raise InvalidValue(
            "purge_networks", repr(value), f"is not a network ({error}): write one like 192.0.2.0/24"
        ) from None


def _addresses(name: str, value: Any) -> frozenset[Address]:
    faults = Faults()
    addresses = [faults.read(values.address, f"{name}[{number}]", address) for number, address in enumerate(value)]
    faults.raise_all()
    return frozenset(address.value for address in addresses)


PURGE_NETWORKS = Option("purge_networks", _networks, type="list", elements="str")
UNPREPARED = text("unprepared", _addresses, type="list", elements="str", default=[])
ARGUMENT_SPEC = {
    # The rows are read here, with their places in messages: of 10,000 destinations, Ansible would take a third of the time.
    "services": {"type": "list", "elements": "dict", "required": True},
    **argument_spec(
        choice("purge", (NONE, DESTINATIONS, SERVICES), default=NONE),
        PURGE_NETWORKS,
        boolean("keep_weights", default=False),
        boolean("keep_drained", default=True),
        boolean("after_keepalived", default=False),
        UNPREPARED,
    ),
}


@dataclass(frozen=True)
class DesiredTable(Desired[IpvsKey, TableItem]):
    """Services, each with its destinations behind it."""

    complete: AbstractSet[ServiceKey]  # the services that name their destinations: those of others are not purged
    purge: str
    networks: Sequence[Network] | None  # that purge of services is bounded to; None: every service
    keep_drained: bool
    unprepared: AbstractSet[Address]  # the RIPs of real servers that have not been prepared for a change
    after_keepalived: bool = False


class IpvsTable(Resource[DesiredTable, IpvsKey, TableItem, None, TableBackend]):
    """The named services with their destinations, or the whole table."""

    def parse(self, options: Options) -> DesiredTable:
        """Read the options."""
        faults = Faults()
        wanted: list[Wanted[IpvsKey, TableItem]] = []
        complete: set[ServiceKey] = set()
        unique = Unique(faults)
        networks = faults.read(_purge_networks, options)
        unprepared = faults.read(UNPREPARED.read, options["unprepared"])
        for number, row in enumerate(options["services"]):
            where = f"services[{number}]"
            service = faults.collect(_service, row, where, where=where)
            if service is None:
                continue
            destinations = _destinations(where, service.key, row.get("destinations") or (), faults)
            if row.get("destinations") is not None:
                complete.add(service.key)
            if service.new is None:
                destinations = []  # they go with it
            elif options.get("keep_weights"):
                destinations = [_without_weight(destination) for destination in destinations]
            group: list[Wanted[Any, Any]] = [service, *destinations]
            for item in group:
                unique.add(item.key, item.where, shown=_name)
                wanted.append(item)
        faults.raise_all()
        return DesiredTable(
            wanted,
            complete,
            options["purge"],
            networks.value,
            options["keep_drained"],
            unprepared.value,
            options.get("after_keepalived") is True,
        )

    def open(self, desired: DesiredTable) -> TableBackend:
        """Connect to IPVS."""
        # Whether a VIP has another service, only the whole table says.
        return TableBackend(desired.purge == SERVICES or bool(desired.unprepared), desired.after_keepalived)

    def plan(self, desired: DesiredTable, seen: Seen[IpvsKey, TableItem, None]) -> Sequence[Wanted[IpvsKey, TableItem]]:
        """What is wanted, with drained destinations as they are where they are to be kept; and what is purged beside it.

        Without the services that are held back, and all that is theirs.
        """
        wanted = self._wanted(desired, seen.items)
        drained = {destination.key for destination in _drained(seen.items)} if desired.keep_drained else set()
        if drained:
            wanted = [_staying_drained(item) if item.key in drained else item for item in wanted]
        groups = _with_purge(desired, wanted, seen.items)
        for held in held_back(wanted, seen.items, desired.unprepared):
            del groups[held.service]
        return [item for group in groups.values() for item in group]

    def _wanted(self, desired: DesiredTable, items: Mapping[IpvsKey, TableItem]) -> Sequence[Wanted[IpvsKey, TableItem]]:
        # The list says to which port packets are masqueraded.
        return found_by_rip(desired.wanted, items, masqueraded=False)

    def outcome(self, desired: DesiredTable, transition: Transition[IpvsKey, TableItem, None]) -> Facts:
        """The listed destinations that are drained, the services that are held back, and those that are purged."""
        after = transition.after().items
        wanted = self._wanted(desired, transition.seen.items)
        drained = _listed_drained(wanted, after)
        held = held_back(wanted, transition.seen.items, desired.unprepared)
        facts: Facts = {
            "drained": [destination.facts() for destination in drained],
            "held_back": [service.facts() for service in held],
            "held_back_vips": vips_without_service(held, after),
            "purged": [service.facts() for service in _purged(desired, transition.changes)],
        }
        warnings = [drained_warning(drained)] if drained else []
        warnings += [service.warning() for service in held]
        return {**facts, "warnings": warnings} if warnings else facts


def _with_purge(
    desired: DesiredTable, wanted: Sequence[Wanted[IpvsKey, TableItem]], items: Mapping[IpvsKey, TableItem]
) -> dict[ServiceKey, list[Wanted[IpvsKey, TableItem]]]:
    """By service: what is wanted; and, absent, what is purged of what exists beside it."""
    groups: dict[ServiceKey, list[Wanted[IpvsKey, TableItem]]] = {}
    for item in wanted:
        groups.setdefault(item.key if isinstance(item.key, ServiceKey) else item.key.service, []).append(item)
    named = {item.key for item in wanted}
    unnamed = [key for key in items if key not in named]
    for key in unnamed:
        if isinstance(key, ServiceKey) and desired.purge == SERVICES and _covers(desired.networks, key):
            groups[key] = [Wanted.absent(key)]
    for key in unnamed:
        if isinstance(key, DestinationKey) and key.service in groups:
            group = groups[key.service]
            if group[0].new is None or (desired.purge != NONE and key.service in desired.complete):
                group.append(Wanted.absent(key))
    return groups


def _purged(desired: DesiredTable, changes: Sequence[Change[TableItem]]) -> list[ServiceKey]:
    """The services that are removed although they are not listed."""
    if desired.purge != SERVICES:
        return []
    removed = [change.before.key for change in changes if change.after is None and isinstance(change.before, Service)]
    if not removed:
        return []
    listed = {item.key for item in desired.wanted}
    return sorted((service for service in removed if service not in listed), key=lambda service: service.order)


def _listed_drained(wanted: Sequence[Wanted[IpvsKey, TableItem]], items: Mapping[IpvsKey, TableItem]) -> list[Destination]:
    """The listed destinations that are drained, in the order of the list."""
    by_key = {destination.key: destination for destination in _drained(items)}
    return [by_key[item.key] for item in wanted if item.key in by_key] if by_key else []


def _drained(items: Mapping[IpvsKey, TableItem]) -> Iterator[Destination]:
    for item in items.values():
        if isinstance(item, Destination) and item.former_weight is not None:
            yield item


def _destinations(where: str, service: ServiceKey, rows: Sequence[object], faults: Faults) -> list[WantedDestination]:
    destinations = []
    for number, row in enumerate(rows):
        place = f"{where}, destinations[{number}]"
        destination = faults.collect(_destination, service, row, place, where=place)
        if destination is not None:
            destinations.append(destination)
    # A destination that takes connections comes before one that gives them up.
    return sorted(destinations, key=lambda destination: destination.given.get("weight") == 0)


def _without_weight(destination: WantedDestination) -> WantedDestination:
    return replace(destination, given={name: value for name, value in destination.given.items() if name != "weight"})


def _staying_drained(item: Wanted[IpvsKey, TableItem]) -> Wanted[IpvsKey, TableItem]:
    """A destination that exists and is drained: its other options change, and its weight does not come back."""
    return Wanted(item.key, item.new, {name: value for name, value in item.given.items() if name != "weight"}, item.where)


def _service(row: Options, where: str) -> Wanted[ServiceKey, Service]:
    check_fields(row, SERVICE_FIELDS)
    rows = row.get("destinations")
    if rows is not None and not isinstance(rows, list):
        raise InvalidValue("destinations", repr(rows), "is not a list: write one dictionary for each destination")
    return service_of(row, where)


def _destination(service: ServiceKey, row: Options, where: str) -> WantedDestination:
    check_fields(row, DESTINATION_FIELDS)
    return destination_of(service, row, where)


def _purge_networks(options: Options) -> Sequence[Network] | None:
    """O(purge_networks); None where every service is meant."""
    if options.get("purge_networks") is None:
        return None
    if options["purge"] != SERVICES:
        raise InvalidValue(
            "purge_networks", options["purge_networks"], f"means nothing with purge={options['purge']}: leave it out"
        )
    return PURGE_NETWORKS.read(options["purge_networks"])


def _covers(networks: Sequence[Network] | None, service: ServiceKey) -> bool:
    # A firewall mark is in no network.
    return networks is None or any(service.vip is not None and service.vip in network for network in networks)


def _name(key: IpvsKey) -> str:
    return str(key) if isinstance(key, ServiceKey) else f"{key.service} -r {key.rip}"
