# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The description of a cluster, checked as a whole and expanded to what each host has to hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import DESTINATION, SERVICE, SERVICE_KEY
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    Faults,
    Invalid,
    InvalidValue,
    LvsError,
    raise_all,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.values import Address
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import model as ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from ansible_collections.lvs.cluster.plugins.module_utils._nft import port_dnat as dnat
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerSide, Way, device_of, leave, side

_DESTINATION_OPTIONS = tuple(name for name in DESTINATION if name != "rip")
SERVICE_FIELDS = ("name", *SERVICE_KEY, *SERVICE, "forward", "rport", "director_device", "real_servers", "state")
REAL_SERVER_FIELDS = ("host", "address", *_DESTINATION_OPTIONS, "state")

PATH_MTU = (576, 65535)  # bytes; RFC 791

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

    rip: str | None = None  # lvs_rip (of a director lvs_dip), or ansible_host
    rip6: str | None = None  # lvs_rip6, lvs_dip6
    weight: Any = None  # lvs_weight
    path_mtu: Any = None  # lvs_path_mtu

    def rip_for(self, family: int) -> str | None:
        """The RIP of services of a family; IPv6 goes through IPv4 where there is no other."""
        return self.rip6 if family == 6 and self.rip6 is not None else self.rip


@dataclass(frozen=True)
class Cluster:
    """The inventory's side of a description."""

    hosts: Mapping[str, Host]
    directors: Sequence[str]
    real_servers: Sequence[str]
    directors_group: str = "directors"
    real_servers_group: str = "realservers"
    vip_device: str = network.TUNNEL_DEVICE  # holds IPv4 VIPs that come through no tunnel
    vip6_device: str = "lo"  # holds those of IPv6 on real servers
    director_device: str | None = None  # holds VIPs on directors, if it is another one
    state: str = "present"  # absent: none of it shall be there


@dataclass
class Plan:
    """The description, expanded."""

    services: list[dict[str, Any]] = field(default_factory=list)  # the option of ipvs_table, with what is to go
    preflight: dict[str, Any] = field(default_factory=dict)  # options of the module
    director: list[dict[str, Any]] = field(default_factory=list)  # rows of options of tunl_vip: what it holds
    director_withdrawn: list[dict[str, Any]] = field(default_factory=list)  # and what it has to let go of
    real_servers: dict[str, RealServerSide] = field(default_factory=dict)
    probes: list[dict[str, Any]] = field(default_factory=list)  # rows of the option through of vip_probe
    hosts: dict[str, str] = field(default_factory=dict)  # RIPs to the names of real servers
    rips: dict[str, list[str]] = field(default_factory=dict)  # of each real server, by which services reach it
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

    @property
    def way(self) -> Way:
        """How packets come to it."""
        one = self.destination
        vip, family = one.key.service.vip, one.key.service.family
        return Way(family, vip, self.rip, one.forward, one.tunnel_type, one.tunnel_port, one.tunnel_checksum, self.mapping)


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
    dips, path_mtus, ways = _dips(cluster, faults), _path_mtus(cluster, faults), _ways(parsed, cluster)
    _check_ways(ways, dips, cluster, faults)
    if faults.messages:
        raise InvalidDescription(faults.messages)
    return _expand(parsed, ways, dips, path_mtus, cluster)


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
    given = _given(raw, "director_device", cluster.director_device or cluster.vip_device)
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
        faults.take(where, _check_holder, wanted.key.vip, device)
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
        present=wanted.new is not None and cluster.state == "present",
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
    named = "address" if name is None else "lvs_rip6" if service.family == 6 and host.rip6 is not None else "lvs_rip"
    rip = values.address(named, host.rip_for(service.family))
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


def _check_holder(vip: Address, device: str) -> None:
    """Whether a director's device can hold a VIP so that clients find it."""
    if vip.version == 6 and device in (*network.FALLBACK_DEVICES, "lo"):
        raise InvalidValue(
            "director_device",
            device,
            f"cannot hold {vip}: a director answers for an IPv6 VIP only on the device that it is on: name the one that"
            " faces the clients, here or in lvs_director_device",
        )


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
    if cluster.hosts[name].rip is None and cluster.hosts[name].rip6 is None:
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
    held = {_plain(rip): name for name, host in cluster.hosts.items() for rip in (host.rip, host.rip6) if rip is not None}
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


def _check_ways(ways: Mapping[str, Sequence[Way]], dips: Sequence[Address], cluster: Cluster, faults: _Faults) -> None:
    """Whether the packets that come to a host can be told apart there, and from those of strangers."""
    for name, coming in ways.items():
        ports: dict[str, int] = {}
        for way in coming:
            if way.forward != "tunnel":
                continue
            outer = way.rip.version
            if all(dip.version != outer for dip in dips):
                option = "lvs_dip6" if outer == 6 and dips else "lvs_dip"
                faults.add(
                    f"group {cluster.directors_group}, {option}",
                    f"no director has an IPv{outer} address of its own, from which tunnels to {name} would come: set"
                    f" {option} there (or an ansible_host that is an address)",
                )
                return
            if way.tunnel_type == "gue" and ports.setdefault(device_of(way), way.tunnel_port) != way.tunnel_port:
                faults.add(
                    f"host {name}, tunnel_port",
                    f"{way.tunnel_port} is another port for GUE than {ports[device_of(way)]} of another service: take one",
                )


def _plain(address: object) -> str:
    """An address as the services' own are written."""
    try:
        return str(values.address("lvs_rip", address))
    except InvalidValue:
        return str(address)


def _dips(cluster: Cluster, faults: _Faults) -> list[Address]:
    """The addresses that tunnels come from."""
    found = []
    for name in cluster.directors:
        host = cluster.hosts[name]
        for option, given in (("lvs_dip", host.rip), ("lvs_dip6", host.rip6)):
            if given is not None:
                dip = faults.take(f"host {name}", values.address, option, given)
                found += [] if dip is None else [dip]
    return found


def _path_mtus(cluster: Cluster, faults: _Faults) -> dict[str, int | None]:
    given = {name: cluster.hosts[name].path_mtu for name in cluster.real_servers if name in cluster.hosts}
    return {
        name: None if mtu is None else faults.take(f"host {name}", values.integer, "lvs_path_mtu", mtu, *PATH_MTU)
        for name, mtu in given.items()
    }


def _ways(services: Sequence[_Service], cluster: Cluster) -> dict[str, list[Way]]:
    """How packets come to each host of the group."""
    ways: dict[str, list[Way]] = {name: [] for name in cluster.real_servers}
    for service in services:
        for one in service.real_servers:
            if one.host is not None and service.present and one.present:
                ways[one.host].append(one.way)
    return ways


def _expand(
    services: Sequence[_Service],
    ways: Mapping[str, Sequence[Way]],
    dips: Sequence[Address],
    path_mtus: Mapping[str, int | None],
    cluster: Cluster,
) -> Plan:
    result = Plan()
    if not services:
        result.warnings.append("lvs_services: is empty: there is nothing to set up")
    holders = {4: cluster.vip_device, 6: cluster.vip6_device}
    result.real_servers = {name: side(coming, holders, dips, path_mtus[name]) for name, coming in ways.items()}
    for name, host in ((name, cluster.hosts[name]) for name in cluster.real_servers):
        result.hosts.update({_plain(rip): name for rip in (host.rip, host.rip6) if rip is not None})
    result.rips = {name: list(dict.fromkeys(str(way.rip) for way in coming)) for name, coming in ways.items()}
    described = [(key.vip, _mapping_of(key)) for key in (service.key for service in services) if key.vip is not None]
    for made in result.real_servers.values():
        leave(made, described, holders)
    holding: dict[str, list[str]] = {}
    leaving: dict[str, list[str]] = {}
    for service in services:
        result.services.append(_row(service))
        if service.key.vip is not None:
            held = (holding if service.present else leaving).setdefault(service.device, [])
            if str(service.key.vip) not in held:
                held.append(str(service.key.vip))
        if service.present:
            result.warnings += _warnings(service)
    result.director = [{"device": device, "vips": vips} for device, vips in holding.items()]
    for device, vips in leaving.items():
        # What one service gives up and another still needs, stays.
        gone = [vip for vip in vips if vip not in holding.get(device, [])]
        result.director_withdrawn += [{"device": device, "vips": gone}] if gone else []
    result.probes = [
        _probe(one)
        for service in services
        if service.present and service.key.vip is not None
        for one in service.real_servers
        if one.present
    ]
    result.preflight = _preflight([one for one in services if one.present], dips, path_mtus)
    return result


def _mapping_of(key: ipvs.ServiceKey) -> dict[str, Any] | None:
    """The port mapping that a service may have, or may have had."""
    return key.facts() if key.protocol in dnat.PROTOCOLS and key.port else None


def _row(service: _Service) -> dict[str, Any]:
    """The service as ipvs_table takes it."""
    if not service.present:
        return {**service.key.facts(), "state": "absent"}
    return {**service.options, "destinations": [one.options for one in service.real_servers]}


def _warnings(service: _Service) -> list[str]:
    """What the user has to see to."""
    where = f"service '{service.name}', real_servers:"
    if not any(one.present for one in service.real_servers):
        return [f"{where} is empty: every connection will be refused"]
    return [
        f"{where} {one.rip} is not a host of the inventory: see to it yourself that it maps port {service.key.port}"
        f" to {one.rport}"
        for one in service.real_servers
        if one.host is None and one.present and one.mapping is not None
    ]


_PROBED = ("vip", "port", "protocol", "rip", "forward", "tunnel_type", "tunnel_port", "tunnel_checksum")


def _probe(one: _RealServer) -> dict[str, Any]:
    """How to ask whether a real server answers as one of its service."""
    stated = _stated(one.destination)
    row = {"name": one.host or str(one.rip), **{option: stated[option] for option in _PROBED if option in stated}}
    return {**row, "rport": one.rport} if one.rport else row


def _preflight(services: Sequence[_Service], dips: Sequence[Address], path_mtus: Mapping[str, int | None]) -> dict[str, Any]:
    """What to look at on the director before anything is changed."""
    paths: dict[Any, dict[str, Any]] = {}
    for service in services:
        for one in service.real_servers:
            if not one.present or one.destination.forward == "local":
                continue
            way = one.way
            key = (way.rip, way.forward, way.tunnel_type, way.tunnel_checksum)
            path = paths.setdefault(
                key,
                {
                    "name": one.host or str(one.rip),
                    "rip": str(way.rip),
                    "forward": way.forward,
                    "tunnel_type": way.tunnel_type,
                    "tunnel_checksum": way.tunnel_checksum,
                    "inner": [],
                },
            )
            if way.family not in path["inner"]:
                path["inner"].append(way.family)
            if one.rport and service.key.protocol == "tcp":
                path.setdefault("port", one.rport)
            if one.host is not None and path_mtus[one.host] is not None:
                path["mtu"] = path_mtus[one.host]
    vips = [str(service.key.vip) for service in services if service.key.vip is not None]
    return {"vips": list(dict.fromkeys(vips)), "paths": list(paths.values()), "sources": [str(dip) for dip in dips]}
