# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The description of a cluster, checked as a whole and expanded to what each host has to hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .._argument_spec import DESTINATION, SERVICE, SERVICE_KEY
from .._errors import Faults, Invalid, InvalidValue, LvsError, raise_all
from . import dnat, ipvs, network, values
from .values import Address

_DESTINATION_OPTIONS = tuple(name for name in DESTINATION if name != "rip")
SERVICE_FIELDS = ("name", *SERVICE_KEY, *SERVICE, "forward", "rport", "director_device", "real_servers", "state")
REAL_SERVER_FIELDS = ("host", "address", *_DESTINATION_OPTIONS, "state")

# Stands for a service that is wrong itself, so that its real servers can be checked nevertheless.
_ANY_SERVICE = ipvs.ServiceKey(4, "tcp", None, 80)

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
    """What one host has to hold or to let go of: options of our modules, without the state."""

    vips: list[dict[str, Any]] = field(default_factory=list)
    mappings: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Plan:
    """The description, expanded."""

    services: list[dict[str, Any]] = field(default_factory=list)  # the option of ipvs_table, with what is to go
    director: Side = field(default_factory=Side)
    director_withdrawn: Side = field(default_factory=Side)
    real_servers: dict[str, Side] = field(default_factory=dict)
    real_servers_withdrawn: dict[str, Side] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _RealServer:
    host: str | None  # None: not managed by the inventory
    destination: ipvs.Destination
    options: dict[str, Any]  # of the destination, for ipvs_table
    rport: int  # where its program listens
    present: bool

    @property
    def rip(self) -> Address:
        """Its own address."""
        return self.destination.key.rip

    @property
    def mapping(self) -> dict[str, Any] | None:
        """The port mapping that it needs."""
        key = self.destination.key.service
        if self.destination.forward == "masquerade" or self.rport == key.port:
            return None
        return {**key.facts(), "to_port": self.rport}


@dataclass(frozen=True)
class _Service:
    name: str
    key: ipvs.ServiceKey
    options: dict[str, Any]  # for ipvs_table, without the destinations
    device: str
    present: bool
    real_servers: tuple[_RealServer, ...]


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

    def take(self, where: str, read: Callable[..., T], *arguments: Any) -> T | None:
        """What is read of the arguments; None where they are wrong, which is noted with its place."""
        faults = Faults()
        taken = faults.take(read, *arguments, where=where)
        self.messages += map(str, faults.found)
        return taken


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
    given = _given(raw, "director_device", cluster.tunnel_device)
    device = faults.take(where, values.device, "director_device", given)
    wanted = faults.take(where, ipvs.service_of, raw)
    if raw.get("scheduler") is not None:
        faults.take(where, values.choice, "scheduler", raw["scheduler"], ipvs.SCHEDULERS)
    # For all of its real servers at once: a fault in one of these is the service's.
    key = _ANY_SERVICE if wanted is None else wanted.key
    common = {}
    for name in ("forward", "rport"):
        if raw.get(name) is not None:
            common[name] = faults.take(where, ipvs.DESTINATION_READERS[name], raw[name])
    common = {name: value for name, value in common.items() if value is not None}
    if "rport" in common and not _own_forwards(raw):
        mapped = faults.take(where, _check_mapping, key, common.get("forward", ipvs.DEFAULT_FORWARD), common["rport"])
        if mapped is None:
            del common["rport"]
    real_servers = _real_servers(where, raw, key, common, cluster, faults)
    if wanted is None or device is None:
        return None
    if wanted.key.vip is not None:
        faults.take(where, network.ipv4_vip, wanted.key.vip, device)
    elif raw.get("director_device") is not None:
        faults.add(
            f"{where}, director_device", f"{device} means nothing for a service by fwmark, which has no VIP: leave it out"
        )
    if wanted.new is not None:
        faults.take(where, wanted.new.check)
    if len(faults.messages) > before:
        return None
    return _Service(
        name=str(raw["name"]),
        key=wanted.key,
        options=wanted.key.facts() if wanted.new is None else _stated(wanted.new),
        device=device,
        present=wanted.new is not None,
        real_servers=tuple(real_servers),
    )


def _real_servers(
    where: str,
    raw: Mapping[str, Any],
    service: ipvs.ServiceKey,
    common: Mapping[str, Any],
    cluster: Cluster,
    faults: _Faults,
) -> list[_RealServer]:
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
        real_server = faults.take(place, _real_server, entry, service, common, cluster)
        if real_server is None:
            continue
        # Masquerade reaches several programs on one real server, by their ports.
        if any(other.destination.key == real_server.destination.key for other in found):
            faults.add(f"{place}, {'host' if real_server.host else 'address'}", f"{real_server.rip} is listed twice")
        found.append(real_server)
    return found


def _real_server(
    entry: Mapping[str, Any], service: ipvs.ServiceKey, common: Mapping[str, Any], cluster: Cluster
) -> _RealServer:
    name, address = entry.get("host"), entry.get("address")
    if (name is None) == (address is None):
        raise InvalidValue("host", name, "and address: give one of the two, a host of the inventory or an unmanaged address")
    host = Host(rip=address) if name is None else _inventory_host(name, cluster)
    rip = values.address("address" if name is None else "lvs_rip", host.rip)
    if name is not None and rip.version != 4:
        raise InvalidValue("lvs_rip", rip, "is not an IPv4 address as the VIP is")
    if entry.get("weight") is None and host.weight is not None:
        values.weight("lvs_weight", host.weight)
    options = {
        "rip": str(rip),
        "forward": ipvs.DEFAULT_FORWARD,
        "weight": ipvs.DEFAULT_WEIGHT if host.weight is None else host.weight,
        **common,
        **{option: entry[option] for option in _DESTINATION_OPTIONS if entry.get(option) is not None},
    }
    rport = values.port("rport", options.pop("rport")) if "rport" in options else service.port
    if name is not None and options["forward"] == "local":
        raise InvalidValue("forward", "local", "hands packets to the director itself: give its address instead of a host")
    if _check_mapping(service, options["forward"], rport) and options["forward"] == "masquerade":
        options["rport"] = rport
    try:
        wanted = ipvs.destination_of(service, {**options, "state": entry.get("state")})
        if wanted.new is not None:
            wanted.new.check()
    except Invalid as error:
        named = "address" if name is None else "lvs_rip"
        raise_all([InvalidValue(named, one.value, one.reason) if one.option == "rip" else one for one in error.faults])
        raise
    destination = wanted.new or ipvs.Destination(wanted.key)
    row = _stated(destination)
    for option in (*service.facts(), *(["rport"] if destination.key.port == service.port else [])):
        row.pop(option, None)
    if wanted.new is None:
        row = {**{option: row[option] for option in ("rip", "rport") if option in row}, "state": "absent"}
    return _RealServer(name, destination, row, rport, wanted.new is not None)


def _stated(item: ipvs.Service | ipvs.Destination) -> dict[str, Any]:
    """All of its options, so that one that leaves the description goes back to its default."""
    return {option: value for option, value in item.facts().items() if value is not None}


def _own_forwards(raw: Mapping[str, Any]) -> bool:
    """Whether real servers say themselves how packets reach them."""
    entries = raw.get("real_servers")
    return isinstance(entries, Sequence) and any(isinstance(one, Mapping) and one.get("forward") for one in entries)


def _check_mapping(service: ipvs.ServiceKey, forward: str, rport: int) -> bool:
    """Whether the port has to be translated, somewhere that can."""
    if rport == service.port:
        return False
    if service.vip is not None and service.port == 0:
        raise InvalidValue("rport", rport, "cannot be for port 0, which takes every port: leave it out")
    if forward != "masquerade" and service.protocol not in dnat.PROTOCOLS:
        what = "a service by fwmark" if service.vip is None else service.protocol
        raise InvalidValue("rport", rport, f"needs a port mapping, which {what} has not: leave it out")
    return True


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
            what = "fwmark" if service.key.vip is None else "vip, port and protocol"
            faults.add(where, f"{what}: {service.key} is the service '{keys[service.key]}' already")
        keys.setdefault(service.key, service.name)
        if service.key.vip is None:
            continue
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
            if one.host is not None:
                continue
            where = f"service '{service.name}', real_servers"
            if one.rip in vips:
                faults.add(
                    where,
                    f"address: {one.rip} is the VIP of service '{vips[one.rip].name}': name a real server's own address",
                )
            elif str(one.rip) in held and one.destination.forward != "local":
                name = held[str(one.rip)]
                faults.add(where, f"address: {one.rip} is the host {name}: write host: {name}")


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
        result.services.append(_row(service))
        if service.key.vip is not None:
            side = result.director if service.present else result.director_withdrawn
            _append_new(side.vips, {"vip": str(service.key.vip), "device": service.device})
        if service.present and not any(one.present for one in service.real_servers):
            result.warnings.append(f"service '{service.name}', real_servers: is empty: every connection will be refused")
        for one in service.real_servers:
            _place(result, service, one, cluster)
    _keep_shared(result.director, result.director_withdrawn)
    for name, going in result.real_servers_withdrawn.items():
        _keep_shared(result.real_servers[name], going)
    return result


def _row(service: _Service) -> dict[str, Any]:
    """The service as ipvs_table takes it."""
    if not service.present:
        return {**service.key.facts(), "state": "absent"}
    return {**service.options, "destinations": [one.options for one in service.real_servers]}


def _place(result: Plan, service: _Service, one: _RealServer, cluster: Cluster) -> None:
    """What the service asks of the real server itself."""
    present = service.present and one.present
    where = f"service '{service.name}', real_servers: {one.host or one.rip}"
    if present and one.destination.tunnel_type != "ipip":
        result.warnings.append(
            f"{where} gets packets by {one.destination.tunnel_type}, which this version sets up on the director alone:"
            " see to it yourself that it takes them out of that tunnel"
        )
    mapping = one.mapping
    if one.host is None:
        if mapping is not None and present:
            result.warnings.append(
                f"{where} is not a host of the inventory:"
                f" see to it yourself that it maps port {service.key.port} to {one.rport}"
            )
        return
    if service.key.vip is None:
        return
    holding, leaving = result.real_servers[one.host], result.real_servers_withdrawn[one.host]
    # Also what the service needed before its description changed: it may have had another forwarding method or port.
    side = holding if present and one.destination.forward != "masquerade" else leaving
    _append_new(side.vips, {"vip": str(service.key.vip), "device": cluster.tunnel_device})
    if present and mapping is not None:
        holding.mappings.append(mapping)
    elif service.key.protocol in dnat.PROTOCOLS and service.key.port:
        leaving.mappings.append(service.key.facts())


def _append_new(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    if row not in rows:
        rows.append(row)


def _keep_shared(staying: Side, going: Side) -> None:
    """What one service gives up and another still needs, stays."""
    going.vips = [vip for vip in going.vips if vip not in staying.vips]
    mapped = [{**mapping, "to_port": None} for mapping in staying.mappings]
    going.mappings = [mapping for mapping in going.mappings if {**mapping, "to_port": None} not in mapped]
