# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Rules for services and hosts together, where each is valid by itself. Pure.

Sources, in net/netfilter/ipvs of Linux: ip_vs_mh_get() in ip_vs_mh.c and ip_vs_sh_get() in ip_vs_sh.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...module_utils._core import values
from ...module_utils._core.errors import InvalidValue
from ...module_utils._core.options import ABSENT, Faults
from ...module_utils._core.values import Address
from ...module_utils._ipvs.model import HASH_FLAG_BITS, HASH_SCHEDULERS, ServiceKey
from .description import ServiceDescription
from .errors import DescriptionFault
from .inventory import Inventory
from .real_server import Delivery, device_of


def check_groups(inventory: Inventory, faults: Faults) -> None:
    """Check that no host is a director and a real server."""
    for name in inventory.directors:
        if name in inventory.real_servers:
            faults.add(
                DescriptionFault(
                    f"host {name}",
                    f"is in both groups, {inventory.directors_group} and {inventory.real_servers_group}: a real server keeps"
                    " silent about the VIPs for which a director has to answer, so leave it in one",
                )
            )


def check_real_servers(services: object, inventory: Inventory, faults: Faults) -> None:
    """Check that the group of the real servers has a host, where a service has no other real servers.

    A group that is misspelt or empty would leave its services without a destination.
    """
    rows = services if isinstance(services, Sequence) else ()
    implied = [row for row in rows if isinstance(row, Mapping) and row.get("real_servers") is None]
    if not inventory.real_servers and (implied or (not rows and inventory.state == ABSENT)):
        faults.add(
            DescriptionFault(
                f"group {inventory.real_servers_group}",
                "has no host: put the real servers into it, or set lvs_realservers_group to the name of their group. A"
                " service without real servers says so with real_servers: []",
            )
        )


def check_rips(inventory: Inventory, faults: Faults) -> None:
    """Check that no two hosts of the cluster have the same address."""
    names: dict[str, str] = {}
    for name in dict.fromkeys((*inventory.directors, *inventory.real_servers)):
        for address in inventory.addresses(name):
            if not _is_address(address):
                continue  # a fault of its own
            first = names.setdefault(address, name)
            if first != name:
                options = "lvs_dip" if name in inventory.directors else "lvs_rip"
                reason = f"{address} is the address of {first}, too: give each host its own, in {options} or ansible_host"
                faults.add(DescriptionFault(f"host {name}", reason))


def _is_address(text: str) -> bool:
    try:
        values.any_address("lvs_rip", text)
    except InvalidValue:
        return False
    return True


def check_names(names: Sequence[str], faults: Faults) -> None:
    """Check that each service has a name of its own."""
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.add(DescriptionFault(f"service '{name}'", "name: is used twice"))


def check_keys(services: Iterable[ServiceDescription], faults: Faults) -> None:
    """Check that no two services are the same to the kernel."""
    names: dict[ServiceKey, str] = {}
    for service in services:
        if service.key in names:
            options = "fwmark" if service.key.vip is None else "vip, port and protocol"
            first = names[service.key]
            faults.add(DescriptionFault(service.place, f"{options}: {service.key} is the service '{first}' already"))
        names.setdefault(service.key, service.name)


def check_vips(services: Iterable[ServiceDescription], inventory: Inventory, faults: Faults) -> None:
    """Check that no VIP is the address of a host, or on two devices of the director."""
    names = inventory.names_by_address(inventory.hosts)
    first_services: dict[Address, ServiceDescription] = {}
    for service in services:
        vip, device = service.key.vip, service.director_device
        if vip is None:
            continue
        if str(vip) in names:
            reason = f"vip: {vip} is the address of the host {names[str(vip)]}: a VIP is an address of its own"
            faults.add(DescriptionFault(service.place, reason))
        first = first_services.setdefault(vip, service)
        if first.director_device != device:
            faults.add(
                DescriptionFault(
                    service.place,
                    f"director_device: {device} differs from the {first.director_device} of {first.place},"
                    f" and both have the VIP {vip}",
                )
            )


def check_addresses(services: Sequence[ServiceDescription], inventory: Inventory, faults: Faults) -> None:
    """Check that a real server of the inventory is named as such."""
    names = inventory.names_by_address(inventory.real_servers)
    for service in services:
        for real_server in service.real_servers:
            rip = real_server.rip
            if real_server.host is None and str(rip) in names:
                name = names[str(rip)]
                faults.add(
                    DescriptionFault(
                        f"{service.place}, real_servers", f"address: {rip} is the host {name}: write host: {name}"
                    )
                )


def check_dips(
    deliveries: Mapping[str, Sequence[Delivery]], dips: Sequence[Address], inventory: Inventory, faults: Faults
) -> None:
    """Check that the directors have an address of the outer family of each tunnel, for the real server's guard."""
    for name, of_host in deliveries.items():
        for delivery in of_host:
            outer = delivery.rip.version
            if delivery.forward == "tunnel" and all(dip.version != outer for dip in dips):
                option = "lvs_dip6" if outer == 6 and dips else "lvs_dip"
                faults.add(
                    DescriptionFault(
                        f"group {inventory.directors_group}, {option}",
                        f"no director has an IPv{outer} address of its own, from which tunnels to {name} would come: set"
                        f" {option} there (or an ansible_host that is an address)",
                    )
                )
                return


def check_gue_ports(deliveries: Mapping[str, Sequence[Delivery]], faults: Faults) -> None:
    """Check that each device of a real server takes GUE on one port."""
    for name, of_host in deliveries.items():
        ports: dict[str, int] = {}
        for delivery in of_host:
            if delivery.forward != "tunnel" or delivery.tunnel_type != "gue":
                continue
            port = delivery.tunnel_port
            first = ports.setdefault(device_of(delivery), port)
            if port != first:
                faults.add(
                    InvalidValue("tunnel_port", port, f"is another port for GUE than {first} of another service: take one"),
                    f"host {name}",
                )


def warnings(services: Sequence[ServiceDescription]) -> list[str]:
    """What the description allows and the user has to know."""
    if not services:
        return ["lvs_services: is empty: there is nothing to set up"]
    present = [service for service in services if service.present]
    vips = {service.key.vip: service for service in reversed(present)}
    return [warning for service in present for warning in _service_warnings(service, vips)]


def _service_warnings(service: ServiceDescription, vips: Mapping[Address | None, ServiceDescription]) -> Iterable[str]:
    place = f"{service.place}, real_servers:"
    if not service.present_real_servers:
        yield f"{place} is empty: every connection will be refused"
    if _has_clients_of_one_real_server(service):
        yield (
            f"{service.place}, scheduler_flags: has no fallback, so new clients whose hash is that of a real server which is"
            " drained (weight 0), or full (upper_threshold), are refused, while others are there: add the flag fallback"
        )
    for real_server in service.present_real_servers:
        rip = real_server.rip
        if real_server.host is None and real_server.mapping is not None:
            yield (
                f"{place} {rip} is not a host of the inventory: make sure that it maps port {service.key.port}"
                f" to {real_server.rport}"
            )
        if rip in vips and rip != service.key.vip:
            yield f"{place} {rip} is the VIP of {vips[rip].place}: packets go on to its real servers"


def _has_clients_of_one_real_server(service: ServiceDescription) -> bool:
    """Whether a client is refused if the real server that its hash names takes no connections, though others do."""
    configuration = service.configuration
    if configuration is None or len(service.present_real_servers) < 2:
        return False
    return configuration.scheduler in HASH_SCHEDULERS and not configuration.scheduler_flags & HASH_FLAG_BITS["fallback"]
