# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a real server has to be and to hold, given how packets come to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ...module_utils._core import values
from ...module_utils._core.options import ABSENT, Facts, Options
from ...module_utils._core.values import Address
from ...module_utils._ipvs.model import ServiceKey
from ...module_utils._net import tunnel
from ...module_utils._net.model import FALLBACK_DEVICES
from ...module_utils._nft import port_dnat
from .description import RealServerDescription, ServiceDescription
from .rows import device_rows

# The device that takes packets out of a tunnel, by the families outside and inside: the kernel's fallback devices, and
# devices of our own where no fallback device takes such packets.
_PLAIN = {(4, 4): "tunl0", (4, 6): "sit0", (6, 6): "ip6tnl0", (6, 4): "lvs4in6"}
_GRE = {4: "gre0", 6: "ip6gre0"}
_GRE_WITH_CHECKSUM = {4: "lvsgre", 6: "lvsgre6"}
# The tunnel devices that may have held an IPv4 VIP before, whatever its tunnel was then.
_IPV4_VIP_DEVICES = ("tunl0", "gre0", "ip6gre0", "lvs4in6", "lvsgre", "lvsgre6")
_PROTOCOLS = {"ipip": tunnel.IPIP, "sit": tunnel.IPV6, "ip6tnl": tunnel.IPV6, "gre": tunnel.GRE, "ip6gre": tunnel.GRE}
_PROTOCOLS_OF_OWN_DEVICES = {"lvs4in6": tunnel.IPIP, "lvsgre": tunnel.GRE, "lvsgre6": tunnel.GRE}

T = TypeVar("T")


@dataclass(frozen=True)
class Delivery:
    """How the packets of one service come to a real server."""

    family: int  # of the VIP: 4 or 6
    vip: Address | None  # None: a service by firewall mark
    rip: Address
    forward: str
    tunnel_type: str
    tunnel_port: int
    tunnel_checksum: str
    mapping: Options | None = None  # the row of port_dnat, where the program listens on another port
    protocol: str = "tcp"
    port: int = 0  # that the program listens on; 0: every port

    @classmethod
    def of(cls, real_server: RealServerDescription) -> Delivery:
        """The delivery to a real server of a service."""
        destination = real_server.destination
        service = destination.key.service
        return cls(
            service.family,
            service.vip,
            real_server.rip,
            destination.forward,
            destination.tunnel_type,
            destination.tunnel_port,
            destination.tunnel_checksum,
            real_server.mapping,
            service.protocol or "",
            real_server.rport,
        )


@dataclass
class RealServerPlan:
    """What a real server holds: options of our modules, in the order in which they run."""

    arp_silent_devices: list[str] = field(default_factory=list)  # for arp_sysctl
    guard: Facts = field(default_factory=dict)  # for tunnel_guard; empty: nothing to guard
    mappings: list[Facts] = field(default_factory=list)  # for port_dnat
    mss: list[Facts] = field(default_factory=list)  # the tunnels of mss_clamp
    firewall: Facts = field(default_factory=dict)  # for firewall; empty: nothing to let in
    tunnel_devices: list[Facts] = field(default_factory=list)  # for tunl_vip: devices to create first, without VIPs
    devices: list[Facts] = field(default_factory=list)  # for tunl_vip: all devices, with their VIPs
    # What other real servers of the description need and this one does not: to be removed if it exists.
    removed_devices: list[Facts] = field(default_factory=list)
    removed_mappings: list[Facts] = field(default_factory=list)
    removed_mss: list[Facts] = field(default_factory=list)


def deliveries_by_host(services: Iterable[ServiceDescription], hosts: Iterable[str]) -> dict[str, list[Delivery]]:
    """The deliveries to each host."""
    deliveries: dict[str, list[Delivery]] = {host: [] for host in hosts}
    for service in services:
        for real_server in service.present_real_servers:
            if real_server.host is not None:
                deliveries[real_server.host].append(Delivery.of(real_server))
    return deliveries


def real_server_plan(
    deliveries: Sequence[Delivery], vip_devices: Mapping[int, str], dips: Sequence[Address], path_mtu: int | None
) -> RealServerPlan:
    """What a real server needs for its deliveries.

    :param vip_devices: the devices that hold VIPs, by family, except IPv4 VIPs whose packets come through a tunnel
    :param dips: the directors' own addresses, from which tunnels come
    :param path_mtu: the largest packet, in bytes, between directors and this host; None: what its route says
    """
    plan = RealServerPlan()
    devices: dict[str, Facts] = {}
    opened: Facts = {"sources": list(map(str, dips)), "protocols": [], "gue_ports": [], "services": []}
    for delivery in deliveries:
        if delivery.forward not in ("tunnel", "route"):
            continue
        if delivery.forward == "tunnel":
            _add_tunnel_device(plan, devices, delivery)
            _append_new(plan.mss, _mss_rows(delivery, dips, path_mtu))
            outermost = tunnel.protocol(delivery.family, delivery.tunnel_type)
            _append_new(opened["gue_ports" if outermost is None else "protocols"], [outermost or delivery.tunnel_port])
        if delivery.vip is not None:
            device = _vip_device(delivery, vip_devices)
            _append_new(_device_row(devices, device)["vips"], [str(delivery.vip)])
            _append_new(plan.arp_silent_devices, [device] if delivery.family == 4 else [])
            _append_new(opened["services"], _opened(delivery))
        if delivery.mapping is not None:
            plan.mappings.append(dict(delivery.mapping))
    plan.devices = list(devices.values())
    protocols = {_protocol(device) for device in devices} - {None}
    if protocols:
        ports = {row["tunnel_port"] for row in plan.devices if "tunnel_port" in row}
        plan.guard = {"sources": [str(dip) for dip in dips], "protocols": sorted(protocols), "gue_ports": sorted(ports)}
    if any(rows for name, rows in opened.items() if name != "sources"):
        plan.firewall = opened
    return plan


def described_vips(services: Iterable[ServiceDescription]) -> list[tuple[Address, Facts | None]]:
    """The VIP of each service, and the port mapping that it may have, or may have had."""
    keys = (service.key for service in services)
    return [(key.vip, _mapping_row(key)) for key in keys if key.vip is not None]


def add_removals(
    plan: RealServerPlan, described: Sequence[tuple[Address, Options | None]], vip_devices: Mapping[int, str]
) -> None:
    """Add the removal of all that the description knows and the host does not need.

    :param described: the VIP of each service, and the port mapping that it may have had
    """
    held = {(row["device"], vip) for row in plan.devices for vip in row["vips"]}
    clamped = {row["vip"] for row in plan.mss}
    mapped = [{**row, "to_port": None} for row in plan.mappings]
    removed: list[tuple[str, str]] = []
    for address, mapping in described:
        vip = str(address)
        tunnel_devices = _IPV4_VIP_DEVICES if address.version == 4 else ()
        devices = (*tunnel_devices, vip_devices[address.version])
        removed += [(device, vip) for device in devices if (device, vip) not in held]
        if vip not in clamped:
            _append_new(plan.removed_mss, [{"vip": vip}])
        if mapping is not None and {**mapping, "to_port": None} not in mapped:
            _append_new(plan.removed_mappings, [dict(mapping)])
    plan.removed_devices = device_rows(removed, state=ABSENT)


def device_of(delivery: Delivery) -> str:
    """The device that takes the packets out of their tunnel."""
    outer = delivery.rip.version
    if delivery.tunnel_type == "gre":
        return (_GRE_WITH_CHECKSUM if delivery.tunnel_checksum == "checksum" else _GRE)[outer]
    return _PLAIN[outer, delivery.family]


def _vip_device(delivery: Delivery, vip_devices: Mapping[int, str]) -> str:
    """The device that holds the VIP.

    Loose reverse path filtering drops packets of a device that has no IPv4 address (fib_frontend.c), so a tunnel device has
    the VIP itself. IPv6 has no such filter.
    """
    tunnelled = delivery.family == 4 and delivery.forward == "tunnel"
    return device_of(delivery) if tunnelled else vip_devices[delivery.family]


def _device_row(devices: dict[str, Facts], device: str) -> Facts:
    return devices.setdefault(device, {"device": device, "vips": []})


def _add_tunnel_device(plan: RealServerPlan, devices: dict[str, Facts], delivery: Delivery) -> None:
    """Add the device that takes the packets out of their tunnel."""
    device = device_of(delivery)
    row = _device_row(devices, device)
    if device not in FALLBACK_DEVICES:
        created = {"device": device, "tunnel_type": "ipip6", "local": str(delivery.rip)}
        if delivery.tunnel_type == "gre":
            created.update(tunnel_type="gre", tunnel_checksum="checksum")
        _append_new(plan.tunnel_devices, [created])
        for option, value in created.items():
            row.setdefault(option, value)
    if delivery.tunnel_type == "gue":
        row.update(tunnel_type="gue", tunnel_port=delivery.tunnel_port)
    # rp_filter exists for IPv4 only.
    _append_new(plan.arp_silent_devices, [device] if delivery.family == 4 else [])


def _mss_rows(delivery: Delivery, dips: Sequence[Address], path_mtu: int | None) -> list[Facts]:
    """The rows of M(lvs.cluster.mss_clamp): one for each address that the tunnel may come from."""
    if delivery.vip is None:
        return []
    known = {} if path_mtu is None else {"path_mtu": path_mtu}
    options = {"tunnel_type": delivery.tunnel_type, "tunnel_checksum": delivery.tunnel_checksum, **known}
    return [
        {"vip": str(delivery.vip), "director": str(dip), **options} for dip in dips if dip.version == delivery.rip.version
    ]


def _opened(delivery: Delivery) -> list[Facts]:
    """The row of M(lvs.cluster.firewall) for the packets, as they are when the firewall sees them: with their port mapped."""
    if delivery.protocol not in values.PROTOCOLS:
        return []
    row: Facts = {"vip": str(delivery.vip), "port": delivery.port, "protocol": delivery.protocol}
    return [{**row, "devices": [device_of(delivery)]} if delivery.forward == "tunnel" else row]


def _mapping_row(key: ServiceKey) -> Facts | None:
    """The port mapping that a service may have: none where port_dnat cannot make one."""
    return key.facts() if key.protocol in port_dnat.PROTOCOLS and key.port else None


def _protocol(device: str) -> int | None:
    """The protocol that the device takes packets out of, from any sender; None for a device that is no tunnel."""
    kind = FALLBACK_DEVICES.get(device)
    return _PROTOCOLS_OF_OWN_DEVICES.get(device) if kind is None else _PROTOCOLS[kind]


def _append_new(rows: list[T], new: Iterable[T]) -> None:
    """Append what the list does not have yet."""
    rows += [row for row in new if row not in rows]
