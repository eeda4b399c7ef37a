# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Links, addresses and routes over rtnetlink, through pyroute2."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from .._errors import InvalidValue, KernelRefused, LvsError, MissingKernelSupport, MissingLibrary, NotPermitted
from .._model.network import TUNNEL_DEVICE, HostRoute, Link, VipAddress
from .._reconcile import Change, Wanted

_IFF_UP = 0x1
_RT_TABLE_MAIN = 254
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK = 0, 253


class Links:
    """The devices of this network namespace, with their IPv4 addresses and host routes; a context manager."""

    def __enter__(self) -> Links:
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

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The named devices, and the host addresses and routes of all."""
        wanted = list(wanted)
        links = {link["index"]: link for link in self._ip.get_links()}
        names = {index: link.get_attr("IFLA_IFNAME") for index, link in links.items()}
        devices = {one.key if isinstance(one.key, str) else one.key.device for one in wanted}
        coming = {one.key for one in wanted if one.new is not None}
        for device in devices & coming - set(names.values()) - {TUNNEL_DEVICE}:
            raise InvalidValue("device", device, f"does not exist: this host has {', '.join(names.values())}")
        current: dict[Any, Any] = {}
        for index, device in names.items():
            if device in devices:
                current[device] = Link(device, up=bool(links[index]["flags"] & _IFF_UP))
        for address in self._addresses(names):
            for one in coming:
                if isinstance(one, VipAddress) and one.vip == address.vip and one.device != address.device:
                    raise InvalidValue(
                        "device",
                        one.device,
                        f"cannot hold {one.vip}, which is on {address.device}: remove it there first"
                        f" (device={address.device} state=absent)",
                    )
            current[address] = address
        current.update((route, route) for route in self._routes(names))
        return current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out, in their order."""
        for change in changes:
            try:
                self._carry_out(change)
            except self._error as error:
                raise _translated(error, change) from error

    def ensure_tunnel(self, device: str) -> None:
        """Have the module ipip loaded, and with it its fallback device."""
        try:
            # Creating a device of that kind loads the module, which then makes the device itself: EEXIST.
            self._ip.link("add", ifname=device, kind="ipip")
        except self._error as error:
            if error.code == errno.EEXIST:
                return
            if error.code == errno.EOPNOTSUPP:
                raise MissingKernelSupport(
                    f"device: {device} cannot be made, as this kernel has no IPIP: load it with 'modprobe ipip', or"
                    " install a kernel that has the module ipip"
                ) from error
            raise _translated(error) from error

    def _carry_out(self, change: Change[Any]) -> None:
        item = change.item
        if isinstance(item, Link):
            if change.before is None:
                self.ensure_tunnel(item.key)
            self._ip.link("set", index=self._index(item.key), state="up" if item.up else "down")
            return
        index = self._index(item.device)
        verb = "del" if change.action == "remove" else "add"
        if isinstance(item, VipAddress):
            self._ip.addr(verb, index=index, address=str(item.vip), prefixlen=32, scope=_RT_SCOPE_UNIVERSE)
        else:
            self._ip.route(verb, dst=f"{item.vip}/32", oif=index, scope=_RT_SCOPE_LINK, table=_RT_TABLE_MAIN)

    def _index(self, device: str) -> int | None:
        found = self._ip.link_lookup(ifname=device)
        return found[0] if found else None

    def _addresses(self, names: Mapping[int, str]) -> list[VipAddress]:
        return [
            VipAddress(names[address["index"]], IPv4Address(address.get_attr("IFA_LOCAL")))
            for address in self._ip.get_addr(family=socket.AF_INET)
            if address["prefixlen"] == 32 and address["index"] in names
        ]

    def _routes(self, names: Mapping[int, str]) -> list[HostRoute]:
        return [
            HostRoute(names[route.get_attr("RTA_OIF")], IPv4Address(route.get_attr("RTA_DST")))
            for route in self._ip.get_routes(family=socket.AF_INET, table=_RT_TABLE_MAIN)
            if route["dst_len"] == 32 and route.get_attr("RTA_OIF") in names and route.get_attr("RTA_GATEWAY") is None
        ]


def _translated(error: Any, change: Change[Any] | None = None) -> LvsError:
    if error.code in (errno.EPERM, errno.EACCES):
        return NotPermitted("changing links, addresses and routes")
    return KernelRefused(f"{error.args[-1]}" + (f" (refused: {change.line()})" if change else ""))
