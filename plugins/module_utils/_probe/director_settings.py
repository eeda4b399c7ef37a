# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings of a director with which no client, or not every client, is answered. Pure.

Sources: arp_ignore() in net/ipv4/arp.c, confirm_addr_indev() in net/ipv4/devinet.c, ndisc_recv_ns() in net/ipv6/ndisc.c,
ip_route_input_slow() in net/ipv4/route.c, ip6_forward() in net/ipv6/ip6_output.c and update_defense_level() in
net/netfilter/ipvs/ip_vs_ctl.c of Linux; ip-sysctl.rst and ipvs-sysctl.rst.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .._core.errors import InvalidValue
from .._core.values import Address
from .._net.neighbour import Device

ALL = "all"
_LOOPBACK = "lo"

# Values of arp_ignore. The kernel answers for any local address with all others.
_OF_THIS_DEVICE, _OF_THIS_DEVICE_AND_NETWORK, _NOT_OF_SCOPE_HOST, _NONE = 1, 2, 3, 8
_STRICT = 1  # of rp_filter
_ALWAYS = 3  # of drop_entry and drop_packet


class Setting(NamedTuple):
    """A setting: of a device, or of C(all); of IPVS or of an address family as a whole, where there is no device."""

    folder: str
    name: str
    device: str = ""

    @property
    def path(self) -> str:
        """Its path below /proc/sys."""
        return "/".join(filter(None, ("net", self.folder, self.device, self.name)))

    def __str__(self) -> str:
        # sysctl.d(5): with a slash as the first separator, a dot is a part of the device's name.
        return self.path if "." in self.device else self.path.replace("/", ".")


_CONF = {4: "ipv4/conf", 6: "ipv6/conf"}
_IPVS = "ipv4/vs"
OF_A_DEVICE = tuple(
    (_CONF[family], name)
    for family, names in (
        (4, ("arp_ignore", "rp_filter", "forwarding")),
        (6, ("disable_ipv6", "forwarding", "force_forwarding", "proxy_ndp")),
    )
    for name in names
)
OF_THE_HOST = (
    *(Setting(_IPVS, name) for name in ("conntrack", "drop_entry", "drop_packet")),
    *(Setting(folder, name, ALL) for folder, name in OF_A_DEVICE),
)


@dataclass(frozen=True)
class Director:
    """A director as it is."""

    devices: Sequence[Device]
    settings: Mapping[Setting, int]  # those that its kernel has
    default_devices: Collection[str] = ()  # the devices of its IPv4 default routes
    drops_invalid: bool = False  # its packet filter drops packets of the connection tracking's state "invalid"

    def value(self, setting: Setting) -> int:
        """The value of a setting; 0 where the kernel does not have it."""
        return self.settings.get(setting, 0)

    def larger(self, name: str, device: str) -> list[Setting]:
        """The settings of C(all) and of an IPv4 device that have the larger of the two values, which is what counts."""
        both = [Setting(_CONF[4], name, ALL), Setting(_CONF[4], name, device)]
        largest = max(map(self.value, both))
        return [setting for setting in both if self.value(setting) == largest]

    def facing(self, vip: Address) -> list[Device]:
        """The devices on which clients resolve a VIP."""
        return [device for device in self.devices if device.faces(vip)]

    def holders(self, vip: Address) -> list[str]:
        """The devices that hold a VIP."""
        return [device.name for device in self.devices if vip in device.addresses]


@dataclass(frozen=True)
class Use:
    """What a director is used for."""

    vips: Sequence[Address]
    devices: Mapping[Address, Collection[str]] = field(default_factory=dict)  # those that are going to hold a VIP
    is_set_up: bool = False  # no device is going to hold a VIP any more
    masquerades: Collection[int] = ()  # the address families that are forwarded by masquerade
    one_way: bool = False  # whether something is forwarded by tunnel or direct routing
    elsewhere: Collection[Address] = ()  # VIPs that another director has
    untracked: bool = False  # whether that is going to be exempted from connection tracking


class _Reason(NamedTuple):
    """Why VIPs are not reached, and what to do about it."""

    why: str
    way_out: str


def faults(director: Director, use: Use) -> Iterator[InvalidValue]:
    """What no client can be answered with. VIPs with the same fault are named together."""
    by_reason: dict[_Reason, list[str]] = {}
    for vip in dict.fromkeys(use.vips):
        reason = _unreached(director, use, vip)
        if reason is not None:
            by_reason.setdefault(reason, []).append(str(vip))
    for unreached, vips in by_reason.items():
        yield InvalidValue("vips", ", ".join(vips), f"{unreached.why}: {unreached.way_out}")
    for family in sorted(use.masquerades):
        setting = _forwarding(director, family)
        if setting is not None:
            why = f"lets no answer through to clients of IPv{family}, as {setting} is 0"
            yield InvalidValue("forward", "masquerade", f"{why}: {_change([setting], 1)}")


def _unreached(director: Director, use: Use, vip: Address) -> _Reason | None:
    """Why clients do not reach a VIP; C(None) if they do, or if it is not known."""
    holders = director.holders(vip)
    if use.is_set_up and not holders and vip not in use.elsewhere:
        return _Reason("is on no device of this host", "run lvs.cluster.site without --tags, or see what took it away")
    planned = () if use.is_set_up else use.devices.get(vip, ())
    for name in planned:
        switched_off = Setting(_CONF[6], "disable_ipv6", name)
        if vip.version == 6 and director.value(switched_off):
            return _Reason(f"cannot be on {name}, as {switched_off} is 1", _change([switched_off], 0))
    holders = list(dict.fromkeys([*holders, *planned]))
    facing = director.facing(vip)
    if vip.version == 6:
        reasons = [_unsolicited(director, device.name, holders) for device in facing]
    else:
        reasons = [_ignored(director, device.name, vip, holders) for device in facing]
    # One device that answers is enough: hosts may face a network with several.
    return reasons[0] if reasons and all(reasons) else None


def _ignored(director: Director, facing: str, vip: Address, holders: Sequence[str]) -> _Reason | None:
    """Why ARP requests for a VIP get no reply on a device."""
    settings = director.larger("arp_ignore", facing)
    mode, named = director.value(settings[0]), " and ".join(map(str, settings))
    no_reply = f"gets no client on {facing}: with {named}={mode}, ARP requests there get no reply for"
    if mode == _NONE:
        return _Reason(f"{no_reply} any address", _change(settings, 0))
    if not holders:
        return None
    if mode in (_OF_THIS_DEVICE, _OF_THIS_DEVICE_AND_NETWORK) and facing not in holders:
        way_out = f"{_change(settings, 0)}; or let {facing} hold it (lvs_director_device: {facing})"
        return _Reason(f"{no_reply} addresses of {' and '.join(holders)}", way_out)
    of_host = [device for device in director.devices if device.name in holders]
    if mode == _NOT_OF_SCOPE_HOST and of_host and all(vip in device.host_scoped for device in of_host):
        return _Reason(f"{no_reply} addresses of scope host", f"{_change(settings, 0)}; or add it with scope global")
    return None


def _unsolicited(director: Director, facing: str, holders: Sequence[str]) -> _Reason | None:
    """Why neighbour solicitations for an IPv6 VIP are not answered on a device."""
    proxies = any(director.value(Setting(_CONF[6], "proxy_ndp", device)) for device in (ALL, facing))
    if not holders or facing in holders or proxies:
        return None
    why = (
        f"gets no client on {facing}: neighbour solicitations there are not answered for addresses of {' and '.join(holders)}"
    )
    return _Reason(why, f"let {facing} hold it (director_device: {facing}, or lvs_director_device)")


def _forwarding(director: Director, family: int) -> Setting | None:
    """The setting that keeps a director from forwarding the answers of real servers; C(None) if it forwards some."""
    whole = Setting(_CONF[family], "forwarding", ALL)
    name = {4: "forwarding", 6: "force_forwarding"}[family]  # of IPv6, the one of a single device is for other things
    devices = [device.name for device in director.devices if device.name != _LOOPBACK]
    if director.value(whole) or any(director.value(Setting(_CONF[family], name, device)) for device in devices):
        return None
    return Setting("ipv4", "ip_forward") if family == 4 else whole


def warnings(director: Director, use: Use) -> Iterator[str]:
    """What some clients are not answered with, or not always."""
    yield from _strict_filters(director, use.vips)
    entry, packet, conntrack = (Setting(_IPVS, name) for name in ("drop_entry", "drop_packet", "conntrack"))
    if director.value(packet) == _ALWAYS:
        yield (
            f"{packet} is {_ALWAYS}: IPVS always drops some of the first packets of connections, which clients send again"
            f" after a second: {_change([packet], 0)}"
        )
    if director.value(entry) == _ALWAYS:
        yield f"{entry} is {_ALWAYS}: IPVS always drops some connections: {_change([entry], 0)}"
    if use.one_way and director.drops_invalid and not use.untracked:
        tracked = (
            "do not let it track the VIPs, but those that are forwarded by masquerade (lvs_firewall: auto does so where"
            " firewalld or ufw runs; others need notrack, in a chain of the hook prerouting with priority -300)"
        )
        # It sees packets of the clients only: what it cannot match is invalid.
        if director.value(conntrack):
            yield (
                f"{conntrack} is 1, and the packet filter drops what is invalid to connection tracking, as all but the first"
                f" packets of clients may be with tunnels and direct routing: {_change([conntrack], 0)}, and {tracked}"
            )
        else:
            yield (
                "the packet filter drops what is invalid to connection tracking, as the last packets of clients' connections"
                f" may be with tunnels and direct routing, so that drains wait for connections that have ended: {tracked}"
            )


def _strict_filters(director: Director, vips: Iterable[Address]) -> Iterator[str]:
    """Devices that face clients, and take packets only of the networks that they are connected to."""
    facing = {device.name: None for vip in vips if vip.version == 4 for device in director.facing(vip)}
    default = sorted(director.default_devices)
    for name in facing if default else ():
        settings = director.larger("rp_filter", name)
        if director.value(settings[0]) == _STRICT and name not in default:
            named = " and ".join(map(str, settings))
            yield (
                f"{named} is {_STRICT}, and the default route is over {' and '.join(default)}: clients in other networks get"
                f" no answer if their packets come in on {name}: {_change([Setting(_CONF[4], 'rp_filter', name)], 2)}"
            )


def _change(settings: Sequence[Setting], value: int) -> str:
    """How to change settings, now and for the next boot."""
    assignments = " ".join(f"{setting}={value}" for setting in settings)
    return f"run sysctl -w {assignments}, and change it in /etc/sysctl.d, too"
