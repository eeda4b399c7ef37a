# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Devices, addresses and routes over rtnetlink, with pyroute2, and the listeners of tunnels in UDP."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from .._core import files, state
from .._core.boot_text import DEVICES, MODULES, VIPS
from .._core.errors import KernelRefused, LvsError, MissingKernelSupport, NotPermitted
from .._core.options import Facts
from .._core.reconcile import Change, Seen, Transition
from .._core.requirements import kernel_package, missing_library
from .._core.resource import Backend
from .._core.values import Address
from . import fou, manager_files, old_pyroute2
from .boot_commands import device_commands, kernel_modules, vip_commands
from .model import (
    FALLBACK_DEVICES,
    HostNetwork,
    HostRoute,
    ItemKey,
    Listener,
    Mtu,
    NetworkItem,
    SeenNetwork,
    Tunnel,
    TunnelEnds,
    Unmanaged,
    Up,
    VipAddress,
)
from .options import DesiredVips
from .ownership import Claims

Message = Any  # of pyroute2, which has no types

SUBJECT = "network"  # of the state file: the claims of this collection
_NOTHING_NAMED = DesiredVips(())  # a read finds what is owned

_IFF_UP = 0x1
_RT_TABLE_MAIN = 254
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK = 0, 253
_IFA_F_NODAD = 0x02
_FOREVER = 0xFFFFFFFF  # seconds; include/uapi/linux/if_addr.h
# include/uapi/linux/if_tunnel.h, in network order; pyroute2 up to 0.9.7 swaps the bytes of gre only.
_GRE_CSUM = {"gre": 0x8000, "ip6gre": socket.htons(0x8000)}
_GRE_KEY = {"gre": 0x2000, "ip6gre": socket.htons(0x2000)}
_IPV6_SETTINGS = "/proc/sys/net/ipv6/conf"

LinksT = TypeVar("LinksT", bound="Links")


class Links:
    """The devices of this network namespace; a context manager."""

    def __enter__(self: LinksT) -> LinksT:
        try:
            import pyroute2
        except ImportError as error:
            raise missing_library("pyroute2", error) from error
        # Not from pyroute2.netlink.exceptions: pyroute2 0.6.4 raises another class than the one that is there.
        self._error = pyroute2.NetlinkError
        self._ip = old_pyroute2.fitting(pyroute2.IPRoute, old_pyroute2.installed())()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ip.close()

    def ensure_tunnel(self, device: str) -> bool:
        """Ensure that a fallback device exists; whether this call created it, rather than its kernel module."""
        kind = FALLBACK_DEVICES[device]
        try:
            # Creating a device of this kind loads the module, which then creates the device itself: EEXIST.
            self._ip.link("add", ifname=device, kind=kind)
        except self._error as error:
            if error.code == errno.EEXIST:
                return False
            if error.code == errno.EOPNOTSUPP:
                raise MissingKernelSupport(
                    f"device: {device} cannot be created, as this kernel has no tunnels of the kind {kind}: load its module,"
                    f" or install a kernel that has it{kernel_package(kind)}"
                ) from error
            raise _translated(error, Tunnel(device, kind).command()) from error
        return True


class _HeldAddress(NamedTuple):
    """An address of a device."""

    device: str
    address: Address
    prefix_length: int
    deprecated: bool

    @property
    def is_host_address(self) -> bool:
        """Whether it has no network."""
        return self.prefix_length == self.address.max_prefixlen


class NetworkBackend(Links, Backend[DesiredVips, ItemKey, NetworkItem, HostNetwork]):
    """Devices with their VIPs and listeners, and the claims in the state file of what this collection created."""

    def read(self, desired: DesiredVips) -> SeenNetwork:
        """The named devices and what they hold, and the devices on which this collection owns something."""
        claims = Claims.load(state.subject(SUBJECT))
        links = {link.get_attr("IFLA_IFNAME"): link for link in self._ip.get_links()}
        devices = [name for name in links if name in claims.devices.union(spec.name for spec in desired.devices)]
        addresses = self._addresses({link["index"]: name for name, link in links.items()})
        named = {wanted.key for wanted in desired.wanted}
        keys = [key for key in claims.keys if key.what == Listener.KIND]
        keys += [spec.listener.key for spec in desired.devices if spec.listener is not None]
        listeners = fou.listeners() if keys else {}
        present: list[NetworkItem] = [
            *(item for name in devices for item in _link_items(name, links[name])),
            *_vip_items([held for held in addresses if held.device in devices], named, claims),
            *self._routes({links[name]["index"]: name for name in devices}),
            *(listener for listener in map(Listener.of, keys) if listeners.get((listener.outer, listener.port))),
            *_unmanaged(desired, claims),
        ]
        items = {item.key: item for item in present}
        context = HostNetwork(
            devices=tuple(links),
            tunnels=frozenset(item.device for item in present if isinstance(item, Tunnel)),
            holders=_holders(addresses),
            tunnel_ends=_tunnel_ends(links),
            listeners=listeners,
            bound_ports=_bound_ports(desired, listeners),
            ipv6_disabled=_ipv6_disabled(desired),
            users={key: users for key, users in claims.users.items() if key in items},
        )
        former = {key: Mtu(key.device, mtu) for key, mtu in claims.former.items() if key in items}
        return Seen(items, context, claims.keys & items.keys(), former)

    def apply(self, transition: Transition[ItemKey, NetworkItem, HostNetwork]) -> None:
        """Make the changes, in their order. They are claimed first, so that an interrupted run leaves nothing unclaimed."""
        claims = Claims.of(transition.seen)
        claims.use(transition.wanted)
        for change in transition.changes:
            claims.add(change)
        _save(claims)
        waiting = list(transition.changes)
        try:
            while waiting:
                self._make(waiting[0], claims)
                change = waiting.pop(0)
                if change.after is None:
                    claims.drop_removed(change.item.key)
        finally:
            for change in waiting:
                if change.before is None:
                    claims.drop(change.item.key)
            _save(claims)

    def owned_items(self) -> list[NetworkItem]:
        """The items in the kernel that this collection created, as they are now."""
        seen = self.read(_NOTHING_NAMED)
        return [item for key, item in sorted(seen.items.items()) if key in seen.owned and key.what != Unmanaged.KIND]

    def boot_files(self) -> Mapping[str, Iterable[str]]:
        """The commands that restore devices and VIPs, and the kernel modules for them."""
        items = self.owned_items()
        return {MODULES: kernel_modules(items), DEVICES: device_commands(items), VIPS: vip_commands(items)}

    def _addresses(self, names: Mapping[int, str]) -> list[_HeldAddress]:
        """All addresses of the host; C(names) are those of the devices, by index."""
        addresses = []
        for family in (socket.AF_INET, socket.AF_INET6):
            for message in self._ip.get_addr(family=family):
                # The device's own address, not that of the other end of its link.
                address = ipaddress.ip_address(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
                deprecated = address.version == 6 and message.get_attr("IFA_CACHEINFO")["ifa_preferred"] == 0
                device = names.get(message["index"], str(message["index"]))
                addresses.append(_HeldAddress(device, address, message["prefixlen"], deprecated))
        return addresses

    def _routes(self, names: Mapping[int, str]) -> Iterator[HostRoute]:
        """The host routes over these devices."""
        for route in self._ip.get_routes(family=socket.AF_INET, table=_RT_TABLE_MAIN):
            index = route.get_attr("RTA_OIF")
            if route["dst_len"] == 32 and index in names and route.get_attr("RTA_GATEWAY") is None:
                yield HostRoute(names[index], ipaddress.ip_address(route.get_attr("RTA_DST")))

    def _make(self, change: Change[NetworkItem], claims: Claims) -> None:
        item, action = change.item, change.action
        try:
            if isinstance(item, Unmanaged):
                (manager_files.remove if action == "remove" else manager_files.write)(item)
            elif isinstance(item, Listener):
                (fou.remove if action == "remove" else fou.add)(item)
            elif isinstance(item, Tunnel):
                self._change_tunnel(item, action, claims)
            elif isinstance(item, Mtu):
                self._change_mtu(change, item.key, claims)
            elif isinstance(item, Up):
                self._ip.link("set", index=self._index(item.device), state="down" if action == "remove" else "up")
            elif isinstance(item, HostRoute):
                self._change_route(item, action)
            elif isinstance(item, VipAddress):
                self._change_address(item, action)
        except self._error as error:
            raise _translated(error, change.command()) from error

    def _change_tunnel(self, item: Tunnel, action: str, claims: Claims) -> None:
        if action == "remove":
            self._ip.link("del", index=self._index(item.device))
        elif item.device in FALLBACK_DEVICES:
            if not self.ensure_tunnel(item.device):
                claims.drop(item.key)
        elif action == "add":
            self._ip.link("add", ifname=item.device, kind=item.kind, **_tunnel_attributes(item))
        else:
            self._ip.link("set", index=self._index(item.device), kind=item.kind, **_tunnel_attributes(item))

    def _change_mtu(self, change: Change[NetworkItem], key: ItemKey, claims: Claims) -> None:
        index = self._index(key.device)
        if change.before is None:  # of a device that was created just now
            claims.former[key] = next(iter(self._ip.get_links(index))).get_attr("IFLA_MTU")
        item = change.after or change.former
        if isinstance(item, Mtu):
            self._ip.link("set", index=index, mtu=item.mtu)

    def _change_route(self, item: HostRoute, action: str) -> None:
        # Another device may have the same route: it remains.
        verb = "del" if action == "remove" else "append"
        index = self._index(item.device)
        self._ip.route(verb, dst=item.prefix, oif=index, scope=_RT_SCOPE_LINK, table=_RT_TABLE_MAIN)

    def _change_address(self, item: VipAddress, action: str) -> None:
        address = {"index": self._index(item.device), "address": str(item.vip), "prefixlen": item.prefix_length}
        if action == "remove":
            self._remove_address(item, address)
        elif item.vip.version == 4:
            self._ip.addr("add", **address, scope=_RT_SCOPE_UNIVERSE)
        else:
            # The lifetimes twice: pyroute2 0.7 takes the one form, 0.9 the other.
            preferred = 0 if item.deprecated else _FOREVER
            lifetimes = {"preferred": preferred, "valid": _FOREVER}
            self._ip.addr("replace", **address, flags=_IFA_F_NODAD, **lifetimes, cacheinfo=lifetimes)

    def _remove_address(self, item: VipAddress, address: Facts) -> None:
        try:
            self._ip.addr("del", **address)
        except self._error as error:
            # With the first address of a network, the kernel removes the others, unless promote_secondaries is set.
            held = {(held.device, held.address) for held in self._addresses({address["index"]: item.device})}
            if error.code != errno.EADDRNOTAVAIL or (item.device, item.vip) in held:
                raise

    def _index(self, device: str) -> int | None:
        indexes = self._ip.link_lookup(ifname=device)
        return indexes[0] if indexes else None


def _save(claims: Claims) -> None:
    devices = claims.dump()
    if devices != state.subject(SUBJECT):
        state.save_subject(SUBJECT, devices)


def _unmanaged(desired: DesiredVips, claims: Claims) -> Iterator[Unmanaged]:
    """The files that keep network managers away: of named tunnels, and of devices on which this collection owns something."""
    asked = {spec.name for spec in desired.devices if spec.present and spec.tunnel is not None}
    for device in sorted(asked | claims.devices):
        item = manager_files.read(device, "device" if device in asked else "")
        if item is not None:
            yield item


def _link_items(device: str, link: Message) -> Iterator[NetworkItem]:
    """What a device is."""
    tunnel = _tunnel_of(device, link)
    if tunnel is not None:
        yield tunnel
    yield Mtu(device, link.get_attr("IFLA_MTU"))
    if link["flags"] & _IFF_UP:
        yield Up(device)


def _vip_items(addresses: Iterable[_HeldAddress], named: set[ItemKey], claims: Claims) -> Iterator[NetworkItem]:
    """The VIPs of devices: their host addresses, and those addresses with a network that are named or owned.

    Of an address that a device has in both ways, the host address comes last, and counts.
    """
    for held in sorted(addresses, key=lambda held: held.is_host_address):
        network_length = None if held.is_host_address else held.prefix_length
        item = VipAddress(held.device, held.address, held.deprecated, network_length)
        if held.is_host_address or item.key in named or item.key in claims.keys:
            yield item
            if held.address.version == 4 and item.key not in claims.keys:
                yield HostRoute(held.device, held.address)  # an address of another program needs none from here


def _holders(addresses: Iterable[_HeldAddress]) -> dict[Address, dict[str, int]]:
    holders: dict[Address, dict[str, int]] = {}
    for held in addresses:
        holders.setdefault(held.address, {})[held.device] = held.prefix_length
    return holders


def _tunnel_ends(links: Mapping[str, Message]) -> dict[TunnelEnds, str]:
    """The tunnels whose ends no other tunnel can have."""
    tunnels = ((name, _tunnel_of(name, link)) for name, link in links.items())
    return {tunnel.ends: name for name, tunnel in tunnels if tunnel is not None and not _has_key_or_device(links[name])}


def _has_key_or_device(link: Message) -> bool:
    info = link.get_attr("IFLA_LINKINFO")
    kind, attributes = info.get_attr("IFLA_INFO_KIND"), info.get_attr("IFLA_INFO_DATA")
    prefix = f"IFLA_{kind.upper()}_"
    return bool(
        attributes.get_attr(f"{prefix}LINK")
        or (kind in _GRE_KEY and (attributes.get_attr(f"{prefix}IFLAGS") or 0) & _GRE_KEY[kind])
    )


def _tunnel_of(device: str, link: Message) -> Tunnel | None:
    info = link.get_attr("IFLA_LINKINFO")
    kind = "" if info is None else str(info.get_attr("IFLA_INFO_KIND"))
    if kind not in FALLBACK_DEVICES.values():
        return None
    if device in FALLBACK_DEVICES:
        return Tunnel(device, kind)
    attributes = info.get_attr("IFLA_INFO_DATA")
    prefix = f"IFLA_{kind.upper()}_"
    local, remote = (_end(attributes.get_attr(f"{prefix}{name}")) for name in ("LOCAL", "REMOTE"))
    inner = {4: 4, 41: 6}.get(attributes.get_attr(f"{prefix}PROTO")) if kind == "ip6tnl" else None
    checksum = kind in _GRE_CSUM and bool(attributes.get_attr(f"{prefix}IFLAGS") & _GRE_CSUM[kind])
    return Tunnel(device, kind, local, remote, inner, checksum)


def _end(text: str | None) -> Address | None:
    """The address of one end of a tunnel; None for any address."""
    address = None if text is None else ipaddress.ip_address(text)
    return None if address is None or address.is_unspecified else address


def _tunnel_attributes(item: Tunnel) -> Facts:
    """The attributes of a tunnel in the names of pyroute2: all of them, as the kernel resets those that are left out."""
    ends = {"local": item.local, "remote": item.remote}
    attributes: Facts = {f"{item.kind}_{name}": str(end) for name, end in ends.items() if end is not None}
    if item.kind == "ip6tnl":
        attributes["ip6tnl_proto"] = {4: 4, 6: 41, None: 0}[item.inner]
    if item.kind in _GRE_CSUM:
        attributes[f"{item.kind}_iflags"] = _GRE_CSUM[item.kind] if item.checksum else 0
    return attributes


def _bound_ports(desired: DesiredVips, listeners: Mapping[tuple[int, int], bool]) -> frozenset[tuple[int, int]]:
    """The UDP ports of this namespace's sockets, of the families of the listeners that are to be created."""
    wanted = [spec.listener for spec in desired.devices if spec.present and spec.listener is not None]
    families = {listener.outer for listener in wanted if (listener.outer, listener.port) not in listeners}
    ports: set[tuple[int, int]] = set()
    for family in families:
        text = files.read_text(f"/proc/net/{'udp' if family == 4 else 'udp6'}") or ""
        ports.update((family, int(line.split()[1].rpartition(":")[2], 16)) for line in text.splitlines()[1:])
    return frozenset(ports)


def _ipv6_disabled(desired: DesiredVips) -> frozenset[str]:
    """The devices without IPv6, of those that should hold an IPv6 VIP."""
    devices = [spec.name for spec in desired.devices if spec.present and any(vip.version == 6 for vip in spec.vips)]
    return frozenset(device for device in devices if _has_no_ipv6(device))


def _has_no_ipv6(device: str) -> bool:
    # A device that is yet to be created starts with the settings of C(default).
    settings = device if os.path.isdir(f"{_IPV6_SETTINGS}/{device}") else "default"
    return (files.read_text(f"{_IPV6_SETTINGS}/{settings}/disable_ipv6") or "1").strip() != "0"


def _translated(error: Any, command: str) -> LvsError:
    """The error of this collection for an error of pyroute2."""
    if error.code in (errno.EPERM, errno.EACCES):
        return NotPermitted("changing links, addresses and routes")
    return KernelRefused(f"{error.args[-1]} (refused: {command})")
