# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a real server has to be and to hold, given the ways that packets come to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.values import Address
from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel

# The device that takes packets out: by the families outside and inside. Fallback devices, but where none takes them.
_PLAIN = {(4, 4): "tunl0", (4, 6): "sit0", (6, 6): "ip6tnl0", (6, 4): "lvs4in6"}
_GRE = {4: "gre0", 6: "ip6gre0"}
_GRE_WITH_CHECKSUM = {4: "lvsgre", 6: "lvsgre6"}
# Those that may have held an IPv4 VIP, whatever its tunnel was before.
_HOLDERS = ("tunl0", "gre0", "ip6gre0", "lvs4in6", "lvsgre", "lvsgre6")
_PROTOCOLS = {"ipip": tunnel.IPIP, "sit": tunnel.IPV6, "ip6tnl": tunnel.IPV6, "gre": tunnel.GRE, "ip6gre": tunnel.GRE}
_PROTOCOLS_OF_OWN = {"lvs4in6": tunnel.IPIP, "lvsgre": tunnel.GRE, "lvsgre6": tunnel.GRE}


@dataclass(frozen=True)
class Way:
    """How the packets of one service come to a real server."""

    family: int  # of the VIP: 4 or 6
    vip: Address | None  # None: a service by firewall mark
    rip: Address
    forward: str
    tunnel_type: str
    tunnel_port: int
    tunnel_checksum: str
    mapping: Mapping[str, Any] | None = None  # the port that is another here


@dataclass
class RealServerSide:
    """What a real server holds: options of our modules, in the order in which they are to run."""

    silent: list[str] = field(default_factory=list)  # the devices for arp_sysctl
    guard: dict[str, Any] = field(default_factory=dict)  # for tunnel_guard; empty: nothing to guard
    mappings: list[dict[str, Any]] = field(default_factory=list)  # for port_dnat
    clamps: list[dict[str, Any]] = field(default_factory=list)  # the tunnels of mss_clamp
    own_devices: list[dict[str, Any]] = field(default_factory=list)  # for tunl_vip: those that have to be made, without VIPs
    devices: list[dict[str, Any]] = field(default_factory=list)  # for tunl_vip, a row each
    # What the description knows and this host has no part in, to be taken away if it is there: rows of the same modules.
    leaving_devices: list[dict[str, Any]] = field(default_factory=list)
    leaving_mappings: list[dict[str, Any]] = field(default_factory=list)
    leaving_clamps: list[dict[str, Any]] = field(default_factory=list)


def side(
    ways: Sequence[Way], holders: Mapping[int, str], directors: Sequence[Address], path_mtu: int | None
) -> RealServerSide:
    """What these ways ask for.

    :param holders: the device that holds VIPs, by family, but those of IPv4 that come through a tunnel
    :param directors: the addresses that tunnels come from
    :param path_mtu: the largest packet, in bytes, between directors and this host; None: what its route says
    """
    made = RealServerSide()
    devices: dict[str, dict[str, Any]] = {}
    for way in ways:
        if way.forward not in ("tunnel", "route"):
            continue
        if way.forward == "tunnel":
            _open(devices, way, made)
            made.clamps += [row for row in _clamps(way, directors, path_mtu) if row not in made.clamps]
        if way.vip is not None:
            holder = _holder(way, holders)
            _append_new(devices.setdefault(holder, {"device": holder, "vips": []})["vips"], [str(way.vip)])
            _append_new(made.silent, [holder] if way.family == 4 else [])
        if way.mapping is not None:
            made.mappings.append(dict(way.mapping))
    made.devices = list(devices.values())
    protocols = {_protocol(device) for device in devices} - {None}
    if protocols:
        ports = {row["tunnel_port"] for row in made.devices if "tunnel_port" in row}
        made.guard = {"sources": [str(one) for one in directors], "protocols": sorted(protocols), "gue_ports": sorted(ports)}
    return made


def leave(
    made: RealServerSide, described: Sequence[tuple[Address, Mapping[str, Any] | None]], holders: Mapping[int, str]
) -> None:
    """Have all go that the description knows and the host has no part in.

    :param described: the VIP of each service, and which port mapping it might have had
    """
    held = {(row["device"], vip) for row in made.devices for vip in row["vips"]}
    clamped = {row["vip"] for row in made.clamps}
    mapped = [{**row, "to_port": None} for row in made.mappings]
    gone: dict[str, list[str]] = {}
    for vip, mapping in described:
        for device in _HOLDERS if vip.version == 4 else ():
            if (device, str(vip)) not in held:
                _append_new(gone.setdefault(device, []), [str(vip)])
        if (holders[vip.version], str(vip)) not in held:
            _append_new(gone.setdefault(holders[vip.version], []), [str(vip)])
        if str(vip) not in clamped:
            _append_new(made.leaving_clamps, [{"vip": str(vip)}])
        if mapping is not None and {**mapping, "to_port": None} not in mapped:
            _append_new(made.leaving_mappings, [dict(mapping)])
    made.leaving_devices = [{"device": device, "vips": vips, "state": "absent"} for device, vips in gone.items()]


def device_of(way: Way) -> str:
    """The device that takes its packets out of the tunnel."""
    outer = way.rip.version
    if way.tunnel_type == "gre":
        return (_GRE_WITH_CHECKSUM if way.tunnel_checksum == "checksum" else _GRE)[outer]
    return _PLAIN[outer, way.family]


def _holder(way: Way, holders: Mapping[int, str]) -> str:
    """The device that has the VIP.

    Loose reverse path filtering drops what comes out of a device that has no IPv4 address (fib_frontend.c): so a tunnel's own
    has it. IPv6 knows no such filter.
    """
    return device_of(way) if way.family == 4 and way.forward == "tunnel" else holders[way.family]


def _open(devices: dict[str, dict[str, Any]], way: Way, made: RealServerSide) -> None:
    device = device_of(way)
    row = devices.setdefault(device, {"device": device, "vips": []})
    if device not in network.FALLBACK_DEVICES:
        own = {"device": device, "tunnel_type": "ipip6", "local": str(way.rip)}
        if way.tunnel_type == "gre":
            own.update(tunnel_type="gre", tunnel_checksum="checksum")
        _append_new(made.own_devices, [own])
        row.update({**own, **row})
    if way.tunnel_type == "gue":
        row.update(tunnel_type="gue", tunnel_port=way.tunnel_port)
    # rp_filter is IPv4's alone.
    _append_new(made.silent, [device] if way.family == 4 else [])


def _clamps(way: Way, directors: Sequence[Address], path_mtu: int | None) -> list[dict[str, Any]]:
    if way.vip is None:
        return []
    known = {} if path_mtu is None else {"path_mtu": path_mtu}
    tunnels = {"tunnel_type": way.tunnel_type, "tunnel_checksum": way.tunnel_checksum}
    return [
        {"vip": str(way.vip), "director": str(director), **tunnels, **known}
        for director in directors
        if director.version == way.rip.version
    ]


def _protocol(device: str) -> int | None:
    """The protocol that the device takes packets out of, from anyone; None for one that is no tunnel."""
    kind = network.FALLBACK_DEVICES.get(device)
    return _PROTOCOLS_OF_OWN.get(device) if kind is None else _PROTOCOLS[kind]


def _append_new(rows: list[Any], new: Sequence[Any]) -> None:
    rows += [row for row in new if row not in rows]
