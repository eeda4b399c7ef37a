# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a host's network needs for LVS: a device that is up, the VIP on it, the host route to it.

Sources: ip-address(8), ip-route(8), ip-tunnel(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from .._errors import InvalidValue
from .._reconcile import Item, Wanted
from . import values

TUNNEL_DEVICE = "tunl0"  # the fallback device that the module ipip makes


def ipv4_vip(value: object, device: str) -> IPv4Address:
    """A VIP that an IPv4 device can hold."""
    vip = values.vip(value)
    if not isinstance(vip, IPv4Address):
        why = "is an IPv4 tunnel" if device == TUNNEL_DEVICE else "is set up for IPv4 only by this version"
        raise InvalidValue("vip", vip, f"is an IPv6 address, and the device {device} {why}: name an IPv4 VIP")
    return vip


@dataclass(frozen=True)
class Link(Item):
    """A network device."""

    key: str
    up: bool = True

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        making = f"ip link add {self.key} type ipip\n" if action == "add" else ""
        return f"{making}ip link set {self.key} {'up' if self.up else 'down'}"

    def shown(self) -> str:
        """Whether it is up."""
        return self.line("set")

    def facts(self) -> dict[str, Any]:
        """The link as a module returns it."""
        return {"device": self.key, "up": self.up}


@dataclass(frozen=True)
class _OfVip(Item):
    """Something that a VIP has on its device: it is there or not, and has no configuration beside that."""

    device: str
    vip: IPv4Address

    @property
    def key(self) -> Any:
        """The item itself."""
        return self


@dataclass(frozen=True)
class VipAddress(_OfVip):
    """A VIP on a device, as a host address (/32)."""

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        return f"ip address {'del' if action == 'remove' else 'add'} {self.vip}/32 dev {self.device}"

    def facts(self) -> dict[str, Any]:
        """The address as a module returns it."""
        return {"device": self.device, "address": f"{self.vip}/32"}


@dataclass(frozen=True)
class HostRoute(_OfVip):
    """The route to a VIP over its device."""

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        return f"ip route {'del' if action == 'remove' else 'add'} {self.vip} dev {self.device} scope link"

    def facts(self) -> dict[str, Any]:
        """The route as a module returns it."""
        return {"device": self.device, "route": f"{self.vip}/32"}


def wanted_vip(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """A VIP on its device, as the options O(vip), O(device) and O(state) describe it."""
    device = values.device("device", options["device"])
    vip = ipv4_vip(options["vip"], device)
    items = [VipAddress(device, vip), HostRoute(device, vip)]
    if options["state"] == "absent":
        # The device stays up: another VIP, or somebody else, may use it.
        return [Wanted.absent(item.key) for item in items]
    link = Link(device)
    return [Wanted(link.key, link, {"up": True}), *(Wanted(item.key, item, {}) for item in items)]
