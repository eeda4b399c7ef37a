# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The description of a cluster, from the variable as the user wrote it to checked values. Pure.

Each option is read once, here. A fault has the place of its option: the service, the real server, the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

from ...module_utils._core import values
from ...module_utils._core.errors import Invalid, InvalidValue
from ...module_utils._core.options import PRESENT, STATE, Facts, Faults, Options, check_fields
from ...module_utils._core.values import Address
from ...module_utils._ipvs.model import DEFAULT_FORWARD, FORWARDS, Destination, DestinationKey, Service, ServiceKey
from ...module_utils._ipvs.options import DESTINATION_READERS, SCHEDULERS, SERVICE, SERVICE_KEY, service_of
from ...module_utils._keepalived.checker import Check
from ...module_utils._keepalived.virtual_servers import CheckedServer
from ...module_utils._net.model import FALLBACK_DEVICES
from ...module_utils._nft import port_dnat
from . import health
from .errors import DescriptionFault
from .health import Health
from .inventory import VRRP, Host, Inventory

_SERVICE = tuple(option.name for option in (*SERVICE_KEY, *SERVICE))
SERVICE_FIELDS = (
    *("name", *_SERVICE, "forward", "rport", "director_device", "real_servers", "state", "adopted"),
    *health.SERVICE_FIELDS,
)
REAL_SERVER_FIELDS = ("host", "address", *DESTINATION_READERS, "state", *health.REAL_SERVER_FIELDS)

# Only a destination that exists may have no port.
_READERS: Mapping[str, Callable[[object], Any]] = {**DESTINATION_READERS, "rport": partial(values.port, "rport")}
# What a service can be whose key has a fault, so that its real servers can be checked nevertheless.
_POSSIBLE_KEYS = (ServiceKey(4, "tcp"), ServiceKey(6, "tcp"))
# The options of a service that are for all of its real servers, and what they can be where they have a fault.
_COMMON: Mapping[str, Sequence[Any]] = {"forward": tuple(FORWARDS), "rport": (1, 65535)}


@dataclass(frozen=True)
class RealServerDescription:
    """A real server of a service."""

    host: str | None  # in the inventory; None: an address that the inventory does not manage
    destination: Destination
    rport: int  # where its program listens
    present: bool
    check: Check | None = None  # that keepalived makes; None: none

    @property
    def name(self) -> str:
        """The host's name, or the address of an unmanaged real server."""
        return self.host or str(self.rip)

    @property
    def rip(self) -> Address:
        """The real server's own address."""
        return self.destination.key.rip

    @property
    def can_be_probed(self) -> bool:
        """Whether it is known how packets reach it. The port of a destination that is not masqueraded does not matter."""
        service = self.destination.key.service
        port = self.destination.key.port if self.destination.forward == "masquerade" else service.port
        is_known = service.vip is None or service.protocol in values.PROTOCOLS
        return is_known and not replace(self.destination, key=self.destination.key._replace(port=port)).faults()

    @property
    def mapping(self) -> Facts | None:
        """The row of M(lvs.cluster.port_dnat) that it needs; None where its program listens on the service's port."""
        service = self.destination.key.service
        if self.destination.forward == "masquerade" or self.rport == service.port:
            return None
        return {**service.facts(), "to_port": self.rport}


@dataclass(frozen=True)
class ServiceDescription:
    """A virtual service."""

    name: str
    key: ServiceKey
    configuration: Service | None  # None: the service should not exist
    director_device: str  # holds its VIP on the director; empty: the device that has the DIP
    real_servers: tuple[RealServerDescription, ...]
    adopted: bool = False  # it is as another program made it
    health: Health = field(default_factory=Health)  # where keepalived owns the table

    @property
    def checked_servers(self) -> list[CheckedServer]:
        """The real servers that the service should have, as keepalived has them."""
        return [CheckedServer(real_server.destination, real_server.check) for real_server in self.present_real_servers]

    @property
    def network_vip(self) -> Address | None:
        """The VIP that the director holds for other hosts; None with a firewall mark, and for what it cannot hold."""
        vip = self.key.vip
        return None if vip is None or vip.is_loopback or not values.is_unicast(vip) else vip

    @property
    def present(self) -> bool:
        """Whether the service should exist."""
        return self.configuration is not None

    @property
    def present_real_servers(self) -> tuple[RealServerDescription, ...]:
        """The real servers that the service should have."""
        return tuple(real_server for real_server in self.real_servers if self.present and real_server.present)

    @property
    def place(self) -> str:
        """The service in a message."""
        return _place(self.name)


@dataclass(frozen=True)
class Description:
    """The variable lvs_services."""

    services: tuple[ServiceDescription, ...] = ()  # those without faults
    names: tuple[str, ...] = ()  # of all services


def read_description(services: object, inventory: Inventory, faults: Faults) -> Description:
    """Read the variable lvs_services, as the user wrote it; faults are added."""
    rows = _list(services)
    if rows is None:
        faults.add(DescriptionFault("lvs_services", "is not a list of services"))
        return Description()
    names: list[str] = []
    described: list[ServiceDescription] = []
    for number, row in enumerate(rows):
        place = f"lvs_services[{number}]"
        if not isinstance(row, Mapping):
            faults.add(InvalidValue(place, repr(row), "is not a service: write name, vip and port"))
        elif not row.get("name"):
            faults.add(DescriptionFault(place, "has no name: messages and tasks call a service by it"))
        else:
            names.append(str(row["name"]))
            service = faults.collect(_service, row, inventory, where=_place(names[-1]))
            described += [] if service is None else [service]
    return Description(tuple(described), tuple(names))


def _place(service: str) -> str:
    return f"service '{service}'"


def _list(value: object) -> Sequence[Any] | None:
    """The value, if it is a list."""
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else None


def _check_row(row: Options, fields: Sequence[str], faults: Faults, where: str = "") -> None:
    """Check that a row has known fields only, each with a value."""
    faults.collect(check_fields, row, fields, where=where)
    for name in fields:
        if name in row and row[name] is None:
            faults.add(DescriptionFault(name, "has no value: give it one, or leave it out"), where)


def _service(row: Options, inventory: Inventory) -> ServiceDescription:
    """A service of the description.

    :raises Invalid: all that is wrong with it
    """
    faults = Faults()
    adopted = bool(faults.collect(_adopted, row))
    wanted = faults.read(service_of, row)
    keys = _possible_keys(row) if wanted.failed else (wanted.value.key,)
    if keys[0].vip is not None and not adopted:
        faults.collect(values.network_vip, keys[0].vip)  # the director holds it for other hosts
    device = faults.read(_director_device, row, keys[0], adopted, inventory)
    if not (faults.found or adopted or wanted.value.new is None):
        faults.collect(wanted.value.new.check)
    if row.get("scheduler") is not None and not adopted:
        faults.collect(values.choice, "scheduler", row["scheduler"], SCHEDULERS)
    _check_row(row, SERVICE_FIELDS, faults)
    protocol = keys[0].protocol if len(keys) == 1 else None
    of_service = health.read_health(row, protocol, inventory.engine, faults)
    real_servers = _real_servers(row, keys, adopted, inventory, of_service, faults)
    faults.raise_all()
    described = ServiceDescription(
        name=str(row["name"]),
        key=wanted.value.key,
        configuration=wanted.value.new if inventory.state == PRESENT else None,
        director_device=device.value,
        real_servers=tuple(real_servers),
        adopted=adopted,
        health=of_service,
    )
    if described.configuration is not None and inventory.engine == health.KEEPALIVED:
        health.check_service(of_service, described.configuration, described.checked_servers)
    return described


def _adopted(row: Options) -> bool:
    """Whether the service is taken as another program made it: M(lvs.cluster.ipvs_table) checks what changes of it."""
    return values.boolean("adopted", row["adopted"]) if row.get("adopted") is not None else False


def _possible_keys(row: Options) -> Sequence[ServiceKey]:
    """The key of a service with a fault, or several if the fault is in the key."""
    try:
        return (ServiceKey.of(row),)
    except Invalid:
        return _POSSIBLE_KEYS


def _director_device(row: Options, service: ServiceKey, adopted: bool, inventory: Inventory) -> str:
    """The device that holds the service's VIP on the director."""
    given = row.get("director_device")
    device = str(inventory.default_director_device if given is None else given)
    if device:
        values.device("director_device", device)
    if service.fwmark and given is not None:
        raise InvalidValue("director_device", device, "means nothing for a service by fwmark, which has no VIP: leave it out")
    if inventory.vips == VRRP and service.vip is not None and device in (*FALLBACK_DEVICES, "lo"):
        raise InvalidValue(
            "director_device",
            device,
            f"has no neighbours to tell that {service.vip} has moved: name the device that faces the clients, here or in"
            " lvs_director_device, or leave it out",
        )
    if not adopted and service.vip is not None and service.vip.version == 6 and device in (*FALLBACK_DEVICES, "lo"):
        raise InvalidValue(
            "director_device",
            device,
            f"cannot hold {service.vip}: a director answers for an IPv6 VIP only on the device that it is on: name the one"
            " that faces the clients, here or in lvs_director_device",
        )
    return device


def _real_servers(
    row: Options, keys: Sequence[ServiceKey], adopted: bool, inventory: Inventory, of_service: Health, faults: Faults
) -> list[RealServerDescription]:
    """The real servers of a service.

    Where its key or a common option has a fault, only what is wrong with them whatever the right value is counts.
    """
    options = _destination_options(row, _COMMON, adopted, faults)
    unknown = [name for name in _COMMON if row.get(name) is not None and name not in options]
    described: list[RealServerDescription] = []
    found: list[dict[str, InvalidValue]] = []
    for key, *possible in product(keys, *(_COMMON[name] for name in unknown)):
        own = Faults()
        common = _common_options(row, key, {**options, **dict(zip(unknown, possible))}, adopted, own)
        described = _real_servers_of(row, key, common, adopted, inventory, of_service, own)
        found.append({str(fault): fault for fault in own.found})
    for message, fault in found[0].items():
        if all(message in others for others in found):
            faults.add(fault)
    return described


def _common_options(row: Options, service: ServiceKey, common: Facts, adopted: bool, faults: Faults) -> Facts:
    """The options of a service that are for all of its real servers: a fault in them is the service's."""
    if "rport" in common and not adopted and not _real_servers_have_forward(row):
        try:
            _check_rport(service, common.get("forward", DEFAULT_FORWARD), common["rport"])
        except InvalidValue as fault:
            faults.add(fault)
            del common["rport"]  # so that no real server has the same fault again
    return common


def _destination_options(row: Options, names: Iterable[str], adopted: bool, faults: Faults) -> Facts:
    """The named options that a row has, read."""
    options: Facts = {}
    for name in names:
        if row.get(name) is not None:
            value = faults.collect((DESTINATION_READERS if adopted else _READERS)[name], row[name])
            if value is not None:
                options[name] = value
    return options


def _real_servers_have_forward(row: Options) -> bool:
    """Whether a real server of the service has a forwarding method of its own."""
    entries = _list(row.get("real_servers")) or ()
    return any(isinstance(entry, Mapping) and entry.get("forward") for entry in entries)


def _check_rport(service: ServiceKey, forward: str, rport: int) -> None:
    """Check that the service's port can be translated, by the director or by the real server."""
    if rport == service.port:
        return
    if service.vip is not None and service.port == 0:
        raise InvalidValue("rport", rport, "cannot be for port 0, which takes every port: leave it out")
    if forward != "masquerade" and service.protocol not in port_dnat.PROTOCOLS:
        kind = "a service by fwmark" if service.vip is None else service.protocol
        raise InvalidValue("rport", rport, f"needs a port mapping, which {kind} has not: leave it out")


def _real_servers_of(
    row: Options,
    service: ServiceKey,
    common: Options,
    adopted: bool,
    inventory: Inventory,
    of_service: Health,
    faults: Faults,
) -> list[RealServerDescription]:
    given = row.get("real_servers")
    entries = [{"host": name} for name in inventory.real_servers] if given is None else _list(given)
    if entries is None:
        faults.add(InvalidValue("real_servers", repr(given), "is not a list of real servers"))
        return []
    described: dict[DestinationKey, RealServerDescription] = {}
    for number, entry in enumerate(entries):
        place = f"real_servers[{number}]"
        if not isinstance(entry, Mapping):
            faults.add(InvalidValue(place, repr(entry), "is not a real server: write host: NAME, or address: RIP"))
            continue
        _check_row(entry, REAL_SERVER_FIELDS, faults, place)
        real_server = faults.collect(_real_server, entry, service, common, adopted, inventory, where=place)
        own = Faults()
        check = health.read_own_check(entry, of_service, service.protocol, inventory.engine, own)
        for fault in own.found:
            faults.add(fault, place)
        if real_server is None:
            continue
        if check is None and inventory.engine == health.KEEPALIVED:
            check = health.default_check(real_server.destination)
        real_server = replace(real_server, check=check)
        # Masquerade reaches several programs on one real server, by their ports.
        if real_server.destination.key in described:
            option = "address" if real_server.host is None else "host"
            faults.add(InvalidValue(option, real_server.rip, "is listed twice"), place)
        described[real_server.destination.key] = real_server
    return list(described.values())


def _real_server(
    entry: Options, service: ServiceKey, common: Options, adopted: bool, inventory: Inventory
) -> RealServerDescription:
    """A real server of a service.

    :param common: options of the service that are for all of its real servers, read
    :param adopted: the port is that of the destination as it is, whatever the forwarding method
    :raises Invalid: all that is wrong with it
    """
    name, host = entry.get("host"), _host(entry, inventory)
    rip_option = "address" if name is None else host.rip_option(service.family)
    faults = Faults()
    rip = faults.read(values.any_address, rip_option, host.rip_for(service.family))
    options = {**common, **_destination_options(entry, DESTINATION_READERS, adopted, faults)}
    if entry.get("weight") is None and host.weight is not None:
        options["weight"] = faults.collect(values.weight, "lvs_weight", host.weight)
    state = faults.read(STATE.read, PRESENT if entry.get("state") is None else entry["state"])
    faults.raise_all()
    forward = options.get("forward", DEFAULT_FORWARD)
    if name is not None and forward == "local":
        raise InvalidValue("forward", "local", "hands packets to the director itself: give its address instead of a host")
    rport = options.pop("rport", service.port)
    if not adopted:
        _check_rport(service, forward, rport)
    rewritten = forward == "masquerade"
    destination = Destination(DestinationKey(service, rip.value, rport if rewritten or adopted else service.port), **options)
    present = state.value == PRESENT
    if present and not adopted:
        _check_destination(destination, rip_option)
    return RealServerDescription(name, destination, rport if rewritten or not adopted else service.port, present)


def _host(entry: Options, inventory: Inventory) -> Host:
    """The host of an entry; for an unmanaged address, a host that has only this address."""
    name, address = entry.get("host"), entry.get("address")
    if (name is None) == (address is None):
        raise InvalidValue("host", name, "and address: give one of the two, a host of the inventory or an unmanaged address")
    return Host(rip=address) if name is None else inventory.real_server(name)


def _check_destination(destination: Destination, rip_option: str) -> None:
    """Check a destination; a fault of its RIP bears the name of the option that the RIP is from."""
    try:
        destination.check()
    except Invalid as error:
        faults = Faults()
        for fault in error.faults:
            faults.add(InvalidValue(rip_option, fault.value, fault.reason) if fault.option == "rip" else fault)
        faults.raise_all()
