# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Links, addresses and routes over rtnetlink, through pyroute2."""

from __future__ import annotations

import copy
import errno
import ipaddress
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core import files
from .._core import keep_files as boot
from .._core.errors import InvalidValue, KernelRefused, LvsError, MissingKernelSupport, MissingLibrary, NotPermitted
from .._core.keep import DEVICES, VIPS
from .._core.reconcile import Change, Wanted
from .._core.values import Address
from . import fou
from .model import (
    ANY_DEVICE,
    FALLBACK_DEVICES,
    HostRoute,
    Listener,
    Mtu,
    Part,
    Tunnel,
    Up,
    VipAddress,
    device_lines,
    vip_lines,
)

_IFF_UP = 0x1
_RT_TABLE_MAIN = 254
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK = 0, 253
_IFA_F_NODAD = 0x02
_FOREVER = 0xFFFFFFFF  # seconds; include/uapi/linux/if_addr.h
# include/uapi/linux/if_tunnel.h, in network order; pyroute2 up to 0.9.7 swaps the bytes of the one alone.
_GRE_CSUM = {"gre": 0x8000, "ip6gre": socket.htons(0x8000)}
_SUBJECT = "network"
_IPV6 = "/proc/sys/net/ipv6/conf"


class Links:
    """The devices of this network namespace; a context manager."""

    def __enter__(self) -> Any:
        try:
            import pyroute2
            from pyroute2.netlink.exceptions import NetlinkError
        except ImportError as error:
            raise MissingLibrary("pyroute2", "python3-pyroute2", error) from error
        self._error = NetlinkError
        self._ip = pyroute2.IPRoute()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ip.close()

    def ensure_tunnel(self, device: str) -> bool:
        """Have a fallback device; whether it was made here, and not by its module, whose it is then."""
        kind = FALLBACK_DEVICES[device]
        try:
            # Creating a device of that kind loads the module, which then makes the device itself: EEXIST.
            self._ip.link("add", ifname=device, kind=kind)
        except self._error as error:
            if error.code == errno.EEXIST:
                return False
            if error.code == errno.EOPNOTSUPP:
                raise MissingKernelSupport(
                    f"device: {device} cannot be made, as this kernel has no tunnels of the kind {kind}: load its module, or"
                    " install a kernel that has it"
                ) from error
            raise _translated(error) from error
        return True


class DeviceLinks(Links):
    """Devices, with the VIPs on them and the listeners of their tunnels.

    A state file keeps what was made here, as claims by device, with what an MTU was before, and who uses a listener.
    A claim on what is no longer there is void.

    :param announcing: whether the network is told of a VIP that comes
    """

    def __init__(self, announcing: bool) -> None:
        self._announcing = announcing

    def __enter__(self) -> Any:
        self._claims: dict[str, dict[str, Any]] = files.load_state().get(_SUBJECT, {})
        return super().__enter__()

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """What the named devices are and hold, and those on which something is ours."""
        self._wanted = list(wanted)
        self._links = {link.get_attr("IFLA_IFNAME"): link for link in self._ip.get_links()}
        self._current: dict[Part, Any] = {}
        devices = {one.key.device for one in self._wanted} | set(self._claims)
        names = {self._links[device]["index"]: device for device in devices if device in self._links}
        for device in names.values():
            self._take_in_link(device, self._links[device])
        self._take_in_addresses(names)
        self._take_in_listeners()
        for one in self._wanted:
            if one.new is not None:
                self._check(one.new)
        return self._current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out, in their order; first of all, note what will be ours."""
        before = copy.deepcopy(self._claims)
        self._forget({key for key in self._claimed() if key not in self._current})
        for change in changes:
            item = change.after
            if isinstance(item, Listener):
                self._claims.setdefault(ANY_DEVICE, {})[item.key.claim] = sorted(item.users)
            elif change.action == "add" or (isinstance(item, Mtu) and change.action == "set"):
                self._claims.setdefault(change.item.device, {}).setdefault(
                    change.item.key.claim, getattr(change.before, "mtu", None)
                )
        self._save(before)
        before = copy.deepcopy(self._claims)
        waiting = list(changes)
        try:
            while waiting:
                self._carry_out(waiting[0])
                waiting.pop(0)
        finally:
            done = [change for change in changes if change not in waiting]
            self._forget({change.item.key for change in done if change.after is None})
            self._forget({change.item.key for change in waiting if change.before is None})
            self._save(before)
            self._keep(done)
        if self._announcing:
            _announce(
                [change.after.vip for change in changes if isinstance(change.after, VipAddress) and change.before is None]
            )

    # ----- what is ours

    def _claimed(self) -> list[Part]:
        return [Part.of(device, claim) for device, claims in self._claims.items() for claim in claims]

    def _forget(self, keys: Iterable[Part]) -> None:
        for key in keys:
            claims = self._claims.get(key.device, {})
            claims.pop(key.claim, None)
            if key.what == Tunnel.WHAT and key in self._current:
                claims.clear()  # with the device went all that was on it
            if not claims:
                self._claims.pop(key.device, None)

    def _save(self, before: Mapping[str, Any]) -> None:
        if before != self._claims:
            files.save_subject(_SUBJECT, self._claims)

    def ours(self, done: Iterable[Change[Any]] = ()) -> list[Any]:
        """What was made here and is there, once these changes are carried out."""
        items = dict(self._current)
        for change in done:
            items.pop(change.item.key, None)
            if change.after is not None:
                items[change.item.key] = change.after
        return [item for key, item in sorted(items.items()) if key.claim in self._claims.get(key.device, {})]

    def _keep(self, done: Sequence[Change[Any]]) -> None:
        """Have the next start of the host follow."""
        if done:
            boot.keep(DEVICES, lambda: device_lines(self.ours(done)))
            boot.keep(VIPS, lambda: vip_lines(self.ours(done)))

    # ----- what there is

    def _note(self, item: Any) -> None:
        self._current[item.key] = item.marked(item.key.claim in self._claims.get(item.device, {}))

    def _take_in_link(self, device: str, link: Any) -> None:
        tunnel = _tunnel_of(device, link)
        if tunnel is not None:
            self._note(tunnel)
        former = self._claims.get(device, {}).get(Mtu.WHAT)
        self._note(Mtu(device, link.get_attr("IFLA_MTU"), former, of_tunnel=tunnel is not None))
        if link["flags"] & _IFF_UP:
            self._note(Up(device))

    def _take_in_addresses(self, names: Mapping[int, str]) -> None:
        self._holders: dict[Address, set[str]] = {}
        asked_for = {one.key for one in self._wanted}
        everyone = {link["index"]: name for name, link in self._links.items()}
        for family in (socket.AF_INET, socket.AF_INET6):
            for address in self._ip.get_addr(family=family):
                vip, index = _address(address), address["index"]
                if address["prefixlen"] == vip.max_prefixlen:
                    self._holders.setdefault(vip, set()).add(everyone.get(index, str(index)))
                elif Part(names.get(index, ""), VipAddress.WHAT, str(vip)) not in asked_for:
                    continue  # an address of a network, that of the host itself
                if index in names:
                    deprecated = vip.version == 6 and address.get_attr("IFA_CACHEINFO")["ifa_preferred"] == 0
                    held = VipAddress(names[index], vip, deprecated)
                    self._note(held)
                    if vip.version == 4 and not held.ours:
                        self._note(HostRoute(held.device, vip))  # who put it there does without, as the kernel does
        for route in self._ip.get_routes(family=socket.AF_INET, table=_RT_TABLE_MAIN):
            index = route.get_attr("RTA_OIF")
            if route["dst_len"] == 32 and index in names and route.get_attr("RTA_GATEWAY") is None:
                self._note(HostRoute(names[index], ipaddress.ip_address(route.get_attr("RTA_DST"))))

    def _take_in_listeners(self) -> None:
        wanted = {one.key: one.new for one in self._wanted if one.key.what == Listener.WHAT}
        claimed = [key for key in self._claimed() if key.what == Listener.WHAT]
        if not wanted and not claimed:
            return
        found = fou.listeners()
        for one in filter(None, wanted.values()):
            if found.get((one.outer, one.port)) is False:
                raise InvalidValue(
                    "tunnel_port", one.port, "takes tunnels in UDP of another kind than GUE: take another port"
                )
            if (one.outer, one.port) not in found and one.port in _bound_ports(one.outer):
                raise InvalidValue("tunnel_port", one.port, "is in use by another program: see ss -lun, or take another port")
        for key in {*wanted, *claimed}:
            listener = Listener.of(key, self._claims.get(ANY_DEVICE, {}).get(key.claim, ()))
            if found.get((listener.outer, listener.port)):
                self._note(listener)

    # ----- what cannot be

    def _check(self, item: Any) -> None:
        if isinstance(item, Tunnel):
            self._check_tunnel(item)
        elif isinstance(item, Up):
            made = any(one.key == Part(item.device, Tunnel.WHAT) for one in self._wanted)
            if item.device not in self._links and not made:
                raise InvalidValue("device", item.device, f"does not exist: this host has {', '.join(self._links)}")
        elif isinstance(item, VipAddress):
            self._check_address(item)

    def _check_tunnel(self, item: Tunnel) -> None:
        there = self._current.get(item.key)
        if item.device in self._links and (there is None or there.kind != item.kind):
            kind = "no tunnel" if there is None else f"of the kind {there.kind}"
            raise InvalidValue("device", item.device, f"is there already, and is {kind}: name another device for this tunnel")
        if there is not None and item.device not in FALLBACK_DEVICES and there != item and not there.ours:
            raise InvalidValue(
                "device",
                item.device,
                f"was not made by this collection, and is another tunnel ({there.line()}): name another device",
            )

    def _check_address(self, item: VipAddress) -> None:
        for holder in self._holders.get(item.vip, set()) - {item.device}:
            if item.key.claim in self._claims.get(holder, {}):
                continue  # ours: it moves, or comes by both
            raise InvalidValue(
                "device",
                item.device,
                f"cannot hold {item.vip}, which is on {holder}: remove it there first (device={holder} state=absent)",
            )
        if item.vip.version == 6:
            known = item.device if os.path.isdir(f"{_IPV6}/{item.device}") else "default"
            if (files.read_text(f"{_IPV6}/{known}/disable_ipv6") or "1").strip() != "0":
                raise InvalidValue(
                    "device", item.device, f"has IPv6 switched off: set net.ipv6.conf.{item.device}.disable_ipv6 to 0"
                )

    # ----- the changes

    def _carry_out(self, change: Change[Any]) -> None:
        item = change.item
        try:
            if isinstance(item, Listener):
                if change.action != "set":
                    (fou.remove if change.after is None else fou.add)(item)
            elif isinstance(item, Tunnel):
                self._change_tunnel(item, change.action)
            else:
                self._change_part(item, change.action, self._index(item.device))
        except self._error as error:
            raise _translated(error, change) from error

    def _change_tunnel(self, item: Tunnel, action: str) -> None:
        if action == "remove":
            self._ip.link("del", index=self._index(item.device))
        elif item.device in FALLBACK_DEVICES:
            if not self.ensure_tunnel(item.device):
                self._forget([item.key])
        elif action == "add":
            self._ip.link("add", ifname=item.device, kind=item.kind, **_link_data(item))
        else:
            self._ip.link("set", index=self._index(item.device), kind=item.kind, **_link_data(item))

    def _change_part(self, item: Any, action: str, index: int | None) -> None:
        verb = "del" if action == "remove" else "add"
        if isinstance(item, Up):
            self._ip.link("set", index=index, state="down" if action == "remove" else "up")
        elif isinstance(item, Mtu):
            self._ip.link("set", index=index, mtu=item.former if action == "remove" else item.mtu)
        elif isinstance(item, HostRoute):
            # Another device of ours may have one, too.
            self._ip.route(
                "append" if verb == "add" else "del", dst=item.prefix, oif=index, scope=_RT_SCOPE_LINK, table=_RT_TABLE_MAIN
            )
        elif item.vip.version == 4:
            self._ip.addr(verb, index=index, address=str(item.vip), prefixlen=32, scope=_RT_SCOPE_UNIVERSE)
        elif verb == "del":
            self._ip.addr("del", index=index, address=str(item.vip), prefixlen=128)
        else:
            preferred = 0 if item.deprecated else _FOREVER
            # Twice, as 0.7 takes the one and 0.9 the other.
            lifetimes = {"preferred": preferred, "valid": _FOREVER, "cacheinfo": {"preferred": preferred, "valid": _FOREVER}}
            self._ip.addr("replace", index=index, address=str(item.vip), prefixlen=128, flags=_IFA_F_NODAD, **lifetimes)

    def _index(self, device: str) -> int | None:
        found = self._ip.link_lookup(ifname=device)
        return found[0] if found else None


def _announce(vips: Iterable[Address]) -> None:
    from . import announce  # only directors need it

    for vip in vips:
        announce.announce(vip, announce.facing(vip))


def _address(address: Any) -> Address:
    """What a device has, not what is at the other end."""
    return ipaddress.ip_address(address.get_attr("IFA_LOCAL") or address.get_attr("IFA_ADDRESS"))


def _tunnel_of(device: str, link: Any) -> Tunnel | None:
    info = link.get_attr("IFLA_LINKINFO")
    kind = "" if info is None else str(info.get_attr("IFLA_INFO_KIND"))
    if kind not in FALLBACK_DEVICES.values():
        return None
    if device in FALLBACK_DEVICES:
        return Tunnel(device, kind)
    data = info.get_attr("IFLA_INFO_DATA")
    prefix = f"IFLA_{kind.upper()}_"
    local, remote = (_end(data.get_attr(f"{prefix}{name}")) for name in ("LOCAL", "REMOTE"))
    inner = {4: 4, 41: 6}.get(data.get_attr(f"{prefix}PROTO")) if kind == "ip6tnl" else None
    checksum = kind in _GRE_CSUM and bool(data.get_attr(f"{prefix}IFLAGS") & _GRE_CSUM[kind])
    return Tunnel(device, kind, local, remote, inner, checksum)


def _end(text: str | None) -> Address | None:
    """An end of a tunnel; None for any."""
    end = None if text is None else ipaddress.ip_address(text)
    return None if end is None or end.is_unspecified else end


def _link_data(item: Tunnel) -> dict[str, Any]:
    """What a tunnel is told of, in the names of pyroute2; all of it, as the kernel resets what is left out."""
    ends = {"local": item.local, "remote": item.remote}
    data: dict[str, Any] = {f"{item.kind}_{name}": str(end) for name, end in ends.items() if end is not None}
    if item.kind == "ip6tnl":
        data["ip6tnl_proto"] = {4: 4, 6: 41, None: 0}[item.inner]
    if item.kind in _GRE_CSUM:
        data[f"{item.kind}_iflags"] = _GRE_CSUM[item.kind] if item.checksum else 0
    return data


def _bound_ports(outer: int) -> set[int]:
    """The UDP ports that sockets of this namespace have."""
    text = files.read_text(f"/proc/net/{'udp' if outer == 4 else 'udp6'}") or ""
    return {int(line.split()[1].rpartition(":")[2], 16) for line in text.splitlines()[1:]}


def _translated(error: Any, change: Change[Any] | None = None) -> LvsError:
    if error.code in (errno.EPERM, errno.EACCES):
        return NotPermitted("changing links, addresses and routes")
    return KernelRefused(f"{error.args[-1]}" + (f" (refused: {change.line()})" if change else ""))
