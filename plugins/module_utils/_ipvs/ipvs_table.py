# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""An IPVS table, or a part of it, as one list: what is wanted, and what beside it goes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core.argument_spec import DESTINATION, SERVICE, SERVICE_KEY, STATE
from .._core.errors import Faults, InvalidValue, raise_all
from .._core.reconcile import Wanted
from .model import Destination, Service, ServiceKey, destination_of, service_of

SERVICE_FIELDS = (*SERVICE_KEY, *SERVICE, *STATE, "destinations")
DESTINATION_FIELDS = (*DESTINATION, *STATE)


def wanted_table(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """The services of O(services), each with its destinations behind it.

    :raises LvsError: all that is wrong with it
    """
    faults = Faults()
    wanted: list[Wanted[Any]] = []
    seen: dict[Any, str] = {}
    faults.take(_networks, options)
    for number, row in enumerate(options["services"]):
        where = f"services[{number}]"
        service = faults.take(_service, row, where, where=where)
        if service is None:
            continue
        destinations = _destinations(where, service.key, row.get("destinations") or (), faults)
        if service.new is None:
            destinations = []  # they go with it
        elif options.get("keep_weights"):
            destinations = [_without_weight(one) for one in destinations]
        group: list[Wanted[Any]] = [service, *destinations]
        for one in group:
            if one.key in seen:
                faults.found.append(InvalidValue(one.where, _name(one.key), f"is {seen[one.key]} already: list it once"))
            seen[one.key] = one.where
            wanted.append(one)
    raise_all(faults.found)
    return wanted


def with_purge(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """What is wanted; and, absent, what O(purge) covers of what is there beside it, each destination next to its service."""
    purge, networks = options["purge"], _networks(options)
    groups: dict[ServiceKey, list[Wanted[Any]]] = {}
    for one in wanted:
        groups.setdefault(one.key if isinstance(one.key, ServiceKey) else one.key.service, []).append(one)
    # A service whose destinations are left out keeps them, as with any option.
    services = (one.key for one in wanted if isinstance(one.key, ServiceKey))
    complete = {key for key, row in zip(services, options["services"]) if row.get("destinations") is not None}
    named = {one.key for one in wanted}
    beside = [key for key in current if key not in named]
    for key in beside:
        if isinstance(key, ServiceKey) and purge == "services" and _covers(networks, key):
            groups[key] = [Wanted.absent(key)]
    for key in beside:
        if not isinstance(key, ServiceKey) and key.service in groups:
            group = groups[key.service]
            if group[0].new is None or (purge != "none" and key.service in complete):
                group.append(Wanted.absent(key))
    return [one for group in groups.values() for one in group]


def planned(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """What is wanted, with what goes beside it; and drained destinations as they are, where O(keep_drained) says so."""
    drained = {one.key for one in _drained(current)} if options["keep_drained"] else ()
    if drained:
        wanted = [
            Wanted(one.key, one.new, _without_weight(one).stated, one.where) if one.key in drained else one for one in wanted
        ]
    return with_purge(options, wanted, current)


def drained_facts(_options: Mapping[str, Any], keys: Sequence[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The listed destinations that are drained, in the order of the list."""
    drained = {one.key: one for one in _drained(items)}
    found = [drained[key] for key in keys if key in drained] if drained else []
    if not found:
        return {"drained": []}
    names, rips = ", ".join(str(one.key) for one in found), ", ".join(sorted({str(one.key.rip) for one in found}))
    warning = (
        f"drained, and left so: {names}. The playbook lvs.cluster.restore, or lvs.cluster.ipvs_dest with rip={rips} and"
        " state=present, gives back the former weights"
    )
    return {"drained": [one.facts() for one in found], "warnings": [warning]}


def _drained(items: Mapping[Any, Any]) -> list[Destination]:
    return [one for one in items.values() if isinstance(one, Destination) and one.drained is not None]


def _destinations(where: str, service: ServiceKey, rows: Sequence[Any], faults: Faults) -> list[Wanted[Destination]]:
    found = []
    for number, row in enumerate(rows):
        place = f"{where}, destinations[{number}]"
        destination = faults.take(_destination, service, row, place, where=place)
        if destination is not None:
            found.append(destination)
    # Whoever takes connections comes before whoever gives them up.
    return sorted(found, key=lambda one: one.stated.get("weight") == 0)


def _without_weight(one: Wanted[Destination]) -> Wanted[Destination]:
    return replace(one, stated={name: value for name, value in one.stated.items() if name != "weight"})


def _service(row: Any, where: str) -> Wanted[Service]:
    _check_fields(row, SERVICE_FIELDS)
    rows = row.get("destinations")
    if rows is not None and not isinstance(rows, list):
        raise InvalidValue("destinations", repr(rows), "is not a list: write one dictionary for each destination")
    return service_of(row, where)


def _destination(service: ServiceKey, row: Any, where: str) -> Wanted[Destination]:
    _check_fields(row, DESTINATION_FIELDS)
    return destination_of(service, row, where)


def _check_fields(row: Any, known: Sequence[str]) -> None:
    if not isinstance(row, dict):
        raise InvalidValue("value", repr(row), f"is not a dictionary: write some of {', '.join(known)}")
    for name in row:
        if name not in known:
            raise InvalidValue(
                str(name), repr(row[name]), f"is for an option that is not there: there are {', '.join(known)}"
            )


def _networks(options: Mapping[str, Any]) -> list[Any] | None:
    """O(purge_networks), None where every service is meant."""
    if options.get("purge_networks") is None:
        return None
    if options["purge"] != "services":
        raise InvalidValue(
            "purge_networks", options["purge_networks"], f"means nothing with purge={options['purge']}: leave it out"
        )
    return list(_parsed(options["purge_networks"]))


def _parsed(networks: Sequence[Any]) -> Iterator[Any]:
    for network in networks:
        try:
            yield ipaddress.ip_network(str(network).strip())
        except ValueError as error:
            raise InvalidValue(
                "purge_networks", repr(network), f"is not a network ({error}): write one like 192.0.2.0/24"
            ) from None


def _covers(networks: Sequence[Any] | None, service: ServiceKey) -> bool:
    # A firewall mark is in no network.
    return networks is None or any(service.vip is not None and service.vip in network for network in networks)


def _name(key: Any) -> str:
    return str(key) if isinstance(key, ServiceKey) else f"{key.service} -r {key.rip}"
