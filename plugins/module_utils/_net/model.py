# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What this collection configures of a host's network: devices, the VIPs on them, and the listeners of tunnels in UDP.

Sources: ip-link(8), ip-address(8), ip-route(8), ip-fou(8); net/ipv4/fou_core.c of Linux.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .._core.options import Facts
from .._core.reconcile import Item, Seen
from .._core.textfile import TextFile
from .._core.values import Address

TUNNEL_DEVICE = "tunl0"
ANY_DEVICE = "*"  # in the key of a listener, which belongs to no single device

# The fallback device of each kind takes the packets that no other device takes. A kernel module creates it when it is loaded.
FALLBACK_DEVICES = {"tunl0": "ipip", "sit0": "sit", "ip6tnl0": "ip6tnl", "gre0": "gre", "ip6gre0": "ip6gre"}


class ItemKey(NamedTuple):
    """What identifies an item: its device, what it is, and which of several."""

    device: str
    what: str  # KIND of the item's class
    which: str = ""


class TunnelEnds(NamedTuple):
    """What the kernel tells tunnels apart by: it has one of a kind between two ends. Another one needs a key or a device."""

    kind: str
    local: Address | None  # None: any
    remote: Address | None


class NetworkItem(Item):
    """An item of this subject."""

    device: str

    @property
    def key(self) -> ItemKey:
        """The key of the item."""
        return ItemKey(self.device, self.KIND, self.which)

    @property
    def which(self) -> str:
        """The part of the key that tells several of a device apart."""
        return ""

    def identity(self) -> Facts:
        """The device."""
        return {"device": self.device}


@dataclass(frozen=True)
class Unmanaged(NetworkItem):
    """A device that the programs which manage the network leave alone: a file tells each of them."""

    KIND = "unmanaged"

    device: str
    files: tuple[TextFile, ...]

    def command(self, action: str = "add") -> str:
        """The commands for each file."""
        return "\n".join(file.command(action) for file in self.files)

    def diff_line(self) -> str:
        """The lines of each file."""
        return "\n".join(file.diff_line() for file in self.files)


@dataclass(frozen=True)
class Tunnel(NetworkItem):
    """A tunnel device."""

    KIND = "tunnel"

    device: str
    kind: str  # of link, as ip-link(8) names it
    local: Address | None = None
    remote: Address | None = None
    inner: int | None = None  # the family of the packets in an ip6tnl; None: either, as for all other kinds
    checksum: bool = False  # of GRE: the device takes packets with a checksum, or packets without

    def command(self, action: str = "add") -> str:
        """A command of ip(8)."""
        if action == "remove":
            return f"ip link del {self.device}"
        words = [f"ip link {action} {self.device} type {self.kind}"]
        if self.kind == "ip6tnl" and self.device not in FALLBACK_DEVICES:
            words.append("mode " + {4: "ipip6", 6: "ip6ip6", None: "any"}[self.inner])
        words += [f"{name} {address}" for name, address in self._end_facts().items()]
        words += ["icsum"] if self.checksum else []
        return " ".join(words)

    @property
    def ends(self) -> TunnelEnds:
        """What no other tunnel has."""
        return TunnelEnds(self.kind, self.local, self.remote)

    def facts(self) -> Facts:
        """The kind of the tunnel and the addresses of its ends."""
        return {"kind": self.kind, **self._end_facts()}

    def _end_facts(self) -> dict[str, str]:
        addresses = {"local": self.local, "remote": self.remote}
        return {name: str(address) for name, address in addresses.items() if address is not None}


@dataclass(frozen=True)
class Mtu(NetworkItem):
    """The MTU of a device."""

    KIND = "mtu"

    device: str
    mtu: int  # bytes

    def command(self, action: str = "add") -> str:
        """A command of ip(8), the same to add and to set; a removal sets the former MTU."""
        return f"ip link set {self.device} mtu {self.mtu}"

    def facts(self) -> Facts:
        """The MTU."""
        return {"mtu": self.mtu}


@dataclass(frozen=True)
class Up(NetworkItem):
    """The state of a device that is up."""

    KIND = "up"

    device: str

    def command(self, action: str = "add") -> str:
        """A command of ip(8)."""
        return f"ip link set {self.device} {'down' if action == 'remove' else 'up'}"

    def facts(self) -> Facts:
        """The state."""
        return {"up": True}


@dataclass(frozen=True)
class Listener(NetworkItem):
    """A listener on a UDP port, which removes the headers of UDP and GUE for all tunnel devices."""

    KIND = "listener"
    device = ANY_DEVICE

    outer: int  # family of its socket
    port: int

    @classmethod
    def of(cls, key: ItemKey) -> Listener:
        """The listener that a key names."""
        family, port = key.which.split()
        return cls(4 if family == "inet" else 6, int(port))

    @property
    def module(self) -> str:
        """The kernel module for it, which stock kernels do not load by themselves."""
        return "fou" if self.outer == 4 else "fou6"

    @property
    def which(self) -> str:
        """The family of its socket, and its port."""
        return f"{'inet' if self.outer == 4 else 'inet6'} {self.port}"

    def identity(self) -> Facts:
        """The port and the family."""
        return {"tunnel_port": self.port, "family": f"ipv{self.outer}"}

    def command(self, action: str = "add") -> str:
        """A command of ip(8)."""
        family = "ip fou" if self.outer == 4 else "ip -6 fou"
        return f"{family} del port {self.port}" if action == "remove" else f"{family} add port {self.port} gue"


@dataclass(frozen=True)
class _VipItem(NetworkItem):
    device: str
    vip: Address

    @property
    def which(self) -> str:
        """The VIP."""
        return str(self.vip)

    @property
    def prefix(self) -> str:
        """The VIP as a network of one address."""
        return f"{self.vip}/{self.vip.max_prefixlen}"

    def identity(self) -> Facts:
        """The device and the VIP."""
        return {"device": self.device, "vip": str(self.vip)}


@dataclass(frozen=True)
class VipAddress(_VipItem):
    """A VIP on a device, added as a host address. One that exists may have a network, as in files of keepalived.

    An IPv6 VIP is deprecated, so that the kernel never chooses it as a source address: a real server drops packets from a
    tunnel whose source is its own address. It is added without duplicate address detection, as real servers have it, too.
    """

    KIND = "address"

    deprecated: bool = False
    network_length: int | None = None  # of its prefix; None: a host address

    @property
    def prefix_length(self) -> int:
        """The length of its prefix: to the kernel, an address with another one is another address."""
        return self.vip.max_prefixlen if self.network_length is None else self.network_length

    @property
    def prefix(self) -> str:
        """The VIP with the length of its prefix."""
        return f"{self.vip}/{self.prefix_length}"

    def command(self, action: str = "add") -> str:
        """A command of ip(8)."""
        if self.vip.version == 4:
            return f"ip address {'del' if action == 'remove' else 'add'} {self.prefix} dev {self.device}"
        if action == "remove":
            return f"ip -6 address del {self.prefix} dev {self.device}"
        lifetime = "preferred_lft 0" if self.deprecated else "preferred_lft forever"
        verb = "change" if action == "set" else "add"
        return f"ip -6 address {verb} {self.prefix} dev {self.device} {lifetime} nodad"


@dataclass(frozen=True)
class HostRoute(_VipItem):
    """The route to an IPv4 VIP over its device. For an IPv6 VIP, the kernel adds it."""

    KIND = "route"

    def command(self, action: str = "add") -> str:
        """A command of ip(8)."""
        return f"ip route {'del' if action == 'remove' else 'add'} {self.vip} dev {self.device} scope link"


@dataclass(frozen=True)
class HostNetwork:
    """What a plan needs to know of a host beside the items."""

    devices: tuple[str, ...] = ()  # all devices of the host
    tunnels: frozenset[str] = frozenset()  # the devices among them that are tunnels, of those that were read
    # The devices that have each address, with the length of its prefix there.
    holders: Mapping[Address, Mapping[str, int]] = field(default_factory=dict)
    tunnel_ends: Mapping[TunnelEnds, str] = field(default_factory=dict)  # the tunnels of the host, without key and device
    listeners: Mapping[tuple[int, int], bool] = field(default_factory=dict)  # by family and port: whether it takes GUE
    bound_ports: frozenset[tuple[int, int]] = frozenset()  # families and UDP ports of sockets of other programs
    ipv6_disabled: frozenset[str] = frozenset()  # of the devices that should hold an IPv6 VIP
    users: Mapping[ItemKey, frozenset[str]] = field(default_factory=dict)  # of owned listeners: the devices that use each


SeenNetwork = Seen[ItemKey, NetworkItem, HostNetwork]
