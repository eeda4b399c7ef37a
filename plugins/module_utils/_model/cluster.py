# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The description of a cluster, checked as a whole and expanded to what each host has to hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .._errors import InvalidValue, LvsError, MissingValue
from . import dnat, ipvs, network, values
from .values import Address

SERVICE_FIELDS = (
    "name", "vip", "port", "protocol", "scheduler", "forward", "rport", "director_device", "real_servers", "state",
)  # fmt: skip
REAL_SERVER_FIELDS = ("host", "address", "weight", "state")
STATES = ("present", "absent")

T = TypeVar("T")


class InvalidDescription(LvsError):
    """The description has faults: all of them, a line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["the description of the cluster cannot work, and nothing was changed:", *faults]))
        self.faults = list(faults)


@dataclass(frozen=True)
class Host:
    """What the inventory says of a host."""

    rip: str | None = None  # lvs_rip, or ansible_host
    weight: Any = None  # lvs_weight


@dataclass(frozen=True)
class Cluster:
    """The inventory's side of a description."""

    hosts: Mapping[str, Host]
    directors: Sequence[str]
    real_servers: Sequence[str]
    directors_group: str = "directors"
    real_servers_group: str = "realservers"
    tunnel_device: str = network.TUNNEL_DEVICE


@dataclass
class Side:
    """What one host, or the director, has to hold or to let go of: options of our modules, without the state."""

    services: list[dict[str, Any]] = field(default_factory=list)
    destinations: list[dict[str, Any]] = field(default_factory=list)
    vips: list[dict[str, Any]] = field(default_factory=list)
    mappings: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Plan:
    """The description, expanded."""

    director: Side = field(default_factory=Side)
    director_withdrawn: Side = field(default_factory=Side)
    real_servers: dict[str, Side] = field(default_factory=dict)
    real_servers_withdrawn: dict[str, Side] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _RealServer:
    rip: Address
    host: str | None  # None: not managed by the inventory
    weight: int
    present: bool


@dataclass(frozen=True)
class _Service:
    name: str
    key: ipvs.ServiceKey
    scheduler: str
    forward: str
    rport: int
    device: str
    present: bool
    real_servers: tuple[_RealServer, ...]

    @property
    def delivers_to_vip(self) -> bool:
        """Whether a real server gets packets that still name the VIP."""
        return self.forward != "masquerade"

    @property
    def mapping(self) -> dict[str, Any] | None:
        """The port mapping that its real servers need."""
        if not self.delivers_to_vip or self.rport == self.key.port:
            return None
        return {**self.key.facts(), "to_port": self.rport}


def plan(services: Any, cluster: Cluster) -> Plan:
    """Check and expand a description.

    :param services: the variable lvs_services, as the user wrote it
    :raises InvalidDescription: all that is wrong with it
    """
    faults = _Faults()
    _check_groups(cluster, faults)
    parsed: list[_Service] = []
    if not isinstance(services, Sequence) or isinstance(services, (str, bytes)):
        faults.add("lvs_services", "is not a list of services")
        services = []
    for number, raw in enumerate(services):
        service = _service(number, raw, cluster, faults)
        if service is not None:
            parsed.append(service)
    _check_names(services, faults)
    _check_together(parsed, cluster, faults)
    if faults.messages:
        raise InvalidDescription(faults.messages)
    return _expand(parsed, cluster)


class _Faults:
    """Collects what is wrong, so that the user sees all of it at once."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.messages.append(f"{where}: {what}")

    def take(self, where: str, read: Callable[[], T]) -> T | None:
        """What was read; nothing where it was wrong, which is noted."""
        try:
            return read()
        except InvalidValue as error:
            self.messages.append(f"{where}, {error}")
            return None


def _check_groups(cluster: Cluster, faults: _Faults) -> None:
    where = f"group {cluster.directors_group}"
    if not cluster.directors:
        faults.add(where, "has no host: name the director (lvs_directors_group is the group's name)")
    elif len(cluster.directors) > 1:
        faults.add(
            where,
            f"has {len(cluster.directors)} hosts ({', '.join(cluster.directors)}), and each of them would hold the VIPs:"
            " this version sets up one director, so leave one in the group",
        )
    for name in cluster.directors:
        if name in cluster.real_servers:
            faults.add(
                f"host {name}",
                f"is in both groups, {cluster.directors_group} and {cluster.real_servers_group}: a real server keeps silent"
                " about the VIPs for which a director has to answer, so leave it in one",
            )


def _check_fields(where: str, raw: Mapping[str, Any], known: Sequence[str], faults: _Faults) -> None:
    for name in raw:
        if name not in known:
            faults.add(f"{where}, {name}", f"is no field of it: the fields are {', '.join(known)}")
        elif raw[name] is None:
            faults.add(f"{where}, {name}", "has no value: give it one, or leave it out")


def _given(raw: Mapping[str, Any], name: str, default: Any) -> Any:
    """A field's value; its default where it is left out or null."""
    return default if raw.get(name) is None else raw[name]


def _present(raw: Mapping[str, Any]) -> bool:
    return values.choice("state", _given(raw, "state", "present"), STATES) == "present"


def _service(number: int, raw: Any, cluster: Cluster, faults: _Faults) -> _Service | None:
    if not isinstance(raw, Mapping):
        faults.add(f"lvs_services[{number}]", f"{raw!r} is not a service: write name, vip and port")
        return None
    if not raw.get("name"):
        faults.add(f"lvs_services[{number}]", "has no name: messages and tasks call a service by it")
        return None
    where = f"service '{raw['name']}'"
    before = len(faults.messages)
    _check_fields(where, raw, SERVICE_FIELDS, faults)
    device = faults.take(
        where, lambda: values.device("director_device", _given(raw, "director_device", cluster.tunnel_device))
    )
    vip = faults.take(where, lambda: network.ipv4_vip(_needed(raw, "vip"), device or cluster.tunnel_device))
    port = faults.take(where, lambda: values.port("port", _needed(raw, "port")))
    protocol = faults.take(where, lambda: values.choice("protocol", _given(raw, "protocol", "tcp"), values.PROTOCOLS))
    forward = faults.take(
        where, lambda: values.choice("forward", _given(raw, "forward", ipvs.DEFAULT_FORWARD), tuple(ipvs.FORWARDS))
    )
    rport = faults.take(where, lambda: values.port("rport", _given(raw, "rport", port or 1)))
    scheduler = faults.take(
        where, lambda: values.choice("scheduler", _given(raw, "scheduler", ipvs.DEFAULT_SCHEDULER), ipvs.SCHEDULERS)
    )
    present = faults.take(where, lambda: _present(raw))
    real_servers = _real_servers(where, raw, cluster, faults)
    # A value is missing only where a fault was noted, which the type checker cannot know.
    if not (vip and port and protocol and forward and rport and scheduler and device) or present is None:
        return None
    if len(faults.messages) > before:
        return None
    key = ipvs.ServiceKey(family=vip.version, protocol=protocol, vip=vip, port=port)
    service = _Service(str(raw["name"]), key, scheduler, forward, rport, device, present, tuple(real_servers))
    if service.mapping is not None and protocol not in dnat.PROTOCOLS:
        faults.add(f"{where}, rport", f"{rport} needs a port mapping, which {protocol} has not: leave it out")
        return None
    return service


def _needed(raw: Mapping[str, Any], name: str) -> Any:
    if raw.get(name) is None:
        raise MissingValue(name, "a service needs its vip and its port")
    return raw[name]


def _real_servers(where: str, raw: Mapping[str, Any], cluster: Cluster, faults: _Faults) -> list[_RealServer]:
    entries = _given(raw, "real_servers", [{"host": host} for host in cluster.real_servers])
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        faults.add(f"{where}, real_servers", f"{entries!r} is not a list of real servers")
        return []
    found: list[_RealServer] = []
    for number, entry in enumerate(entries):
        place = f"{where}, real_servers[{number}]"
        if not isinstance(entry, Mapping):
            faults.add(place, f"{entry!r} is not a real server: write host: NAME, or address: RIP")
            continue
        _check_fields(place, entry, REAL_SERVER_FIELDS, faults)
        real_server = faults.take(place, lambda entry=entry: _real_server(entry, cluster))  # type: ignore[misc]
        if real_server is None:
            continue
        if any(other.rip == real_server.rip for other in found):
            faults.add(f"{place}, {'host' if real_server.host else 'address'}", f"{real_server.rip} is listed twice")
        found.append(real_server)
    return found


def _real_server(entry: Mapping[str, Any], cluster: Cluster) -> _RealServer:
    name, address = entry.get("host"), entry.get("address")
    if (name is None) == (address is None):
        raise InvalidValue("host", name, "and address: give one of the two, a host of the inventory or an unmanaged address")
    host = Host(rip=address) if name is None else _inventory_host(name, cluster)
    option, weight = ("lvs_weight", host.weight) if entry.get("weight") is None else ("weight", entry["weight"])
    rip = values.address("address" if name is None else "lvs_rip", host.rip)
    if rip.version != 4:
        raise InvalidValue("address" if name is None else "lvs_rip", rip, "is not an IPv4 address as the VIP is")
    return _RealServer(
        rip=rip,
        host=name,
        weight=ipvs.DEFAULT_WEIGHT if weight is None else values.weight(option, weight),
        present=_present(entry),
    )


def _inventory_host(name: Any, cluster: Cluster) -> Host:
    if not isinstance(name, str) or name not in cluster.hosts:
        raise InvalidValue("host", name, "is not a host of the inventory: add it there, or give its address instead")
    if name not in cluster.real_servers:
        raise InvalidValue("host", name, f"is not in the group {cluster.real_servers_group}, so nothing would set it up")
    if cluster.hosts[name].rip is None:
        raise InvalidValue("host", name, "has no RIP: set its lvs_rip (or an ansible_host that is an address)")
    return cluster.hosts[name]


def _check_names(services: Sequence[Any], faults: _Faults) -> None:
    names = [str(raw["name"]) for raw in services if isinstance(raw, Mapping) and raw.get("name")]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.add(f"service '{name}'", "name: is used twice")


def _check_together(services: Sequence[_Service], cluster: Cluster, faults: _Faults) -> None:
    """What each service allows and all of them together do not."""
    keys: dict[ipvs.ServiceKey, str] = {}
    vips: dict[Any, _Service] = {}
    held = {_plain(host.rip): name for name, host in cluster.hosts.items() if host.rip is not None}
    for service in services:
        where = f"service '{service.name}'"
        if service.key in keys:
            faults.add(where, f"vip, port and protocol: {service.key} is the service '{keys[service.key]}' already")
        keys.setdefault(service.key, service.name)
        holder = held.get(str(service.key.vip))
        if holder is not None:
            faults.add(where, f"vip: {service.key.vip} is the address of the host {holder}: a VIP is an address of its own")
        first = vips.setdefault(service.key.vip, service)
        if first.device != service.device:
            faults.add(
                where,
                f"director_device: {service.device} differs from the {first.device} of service '{first.name}',"
                f" and both have the VIP {service.key.vip}",
            )
    for service in services:
        for one in service.real_servers:
            if one.host is None and str(one.rip) in held:
                name = held[str(one.rip)]
                faults.add(
                    f"service '{service.name}', real_servers", f"address: {one.rip} is the host {name}: write host: {name}"
                )
            elif one.host is None and one.rip in vips:
                faults.add(
                    f"service '{service.name}', real_servers",
                    f"address: {one.rip} is the VIP of service '{vips[one.rip].name}': name a real server's own address",
                )


def _plain(address: object) -> str:
    """An address as the services' own are written."""
    try:
        return str(values.address("lvs_rip", address))
    except InvalidValue:
        return str(address)


def _expand(services: Sequence[_Service], cluster: Cluster) -> Plan:
    result = Plan()
    if not services:
        result.warnings.append("lvs_services: is empty: there is nothing to set up")
    for name in cluster.real_servers:
        result.real_servers[name] = Side()
        result.real_servers_withdrawn[name] = Side()
    for service in services:
        side = result.director if service.present else result.director_withdrawn
        key = service.key.facts()
        side.services.append({**key, "scheduler": service.scheduler})
        _append_new(side.vips, {"vip": key["vip"], "device": service.device})
        present = [one for one in service.real_servers if one.present]
        if service.present and not present:
            result.warnings.append(f"service '{service.name}', real_servers: is empty: every connection will be refused")
        for one in service.real_servers:
            _place(result, service, one, cluster)
    _keep_shared(result.director, result.director_withdrawn)
    for name, going in result.real_servers_withdrawn.items():
        _keep_shared(result.real_servers[name], going)
    return result


def _place(result: Plan, service: _Service, one: _RealServer, cluster: Cluster) -> None:
    present = service.present and one.present
    destination = {
        **service.key.facts(),
        "rip": str(one.rip),
        "rport": service.rport if service.forward == "masquerade" else service.key.port,
        "forward": service.forward,
        "weight": one.weight,
    }
    if present:
        result.director.destinations.append(destination)
    elif service.present:  # the destinations of a service that goes, go with it
        result.director_withdrawn.destinations.append(destination)
    mapping = service.mapping
    if one.host is None:
        if mapping is not None and present:
            result.warnings.append(
                f"service '{service.name}', real_servers: {one.rip} is not a host of the inventory:"
                f" see to it yourself that it maps port {service.key.port} to {service.rport}"
            )
        return
    holding, leaving = result.real_servers[one.host], result.real_servers_withdrawn[one.host]
    # Also what the service needed before its description changed: it may have had another forwarding method or port.
    side = holding if present and service.delivers_to_vip else leaving
    _append_new(side.vips, {"vip": str(service.key.vip), "device": cluster.tunnel_device})
    if present and mapping is not None:
        holding.mappings.append(mapping)
    elif service.key.protocol in dnat.PROTOCOLS:
        leaving.mappings.append(service.key.facts())


def _append_new(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    if row not in rows:
        rows.append(row)


def _keep_shared(staying: Side, going: Side) -> None:
    """What one service gives up and another still needs, stays."""
    going.vips = [vip for vip in going.vips if vip not in staying.vips]
