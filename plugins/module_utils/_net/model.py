# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a host's network needs for LVS: a device that takes packets out of a tunnel, and the VIPs that a device holds.

Each of them is an item of its own, so that each can be told to be ours, or found, and goes back alone.

Sources: ip-link(8), ip-address(8), ip-route(8), ip-fou(8); net/ipv4/fou_core.c of Linux.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._core import values
from .._core.errors import Faults, InvalidValue, MissingValue, raise_all
from .._core.reconcile import Item, Wanted
from .._core.values import Address
from . import tunnel

TUNNEL_DEVICE = "tunl0"
ANY_DEVICE = "*"  # stands for what belongs to no device alone

# The device of each kind that takes what no other one takes; a kernel module makes it when it is loaded.
FALLBACK_DEVICES = {"tunl0": "ipip", "sit0": "sit", "ip6tnl0": "ip6tnl", "gre0": "gre", "ip6gre0": "ip6gre"}

# What a tunnel is called by the kernel: from its type, the family of its ends, and that of the packets in it.
_KINDS = {
    ("ipip", 4, 4): "ipip",
    ("sit", 4, 6): "sit",
    ("ip6ip6", 6, 6): "ip6tnl",
    ("ipip6", 6, 4): "ip6tnl",
    ("gre", 4, 4): "gre",
    ("gre", 4, 6): "gre",
    ("gre", 6, 4): "ip6gre",
    ("gre", 6, 6): "ip6gre",
    # GUE's listener takes UDP off, and hands on what is a plain tunnel then.
    ("gue", 4, 4): "ipip",
    ("gue", 4, 6): "sit",
    ("gue", 6, 6): "ip6tnl",
    ("gue", 6, 4): "ip6tnl",
}
TUNNEL_TYPES = ("ipip", "sit", "ip6ip6", "ipip6", "gre", "gue")
_OUTER = {"ipip": 4, "sit": 4, "ip6tnl": 6, "gre": 4, "ip6gre": 6}
# The packets that a fallback device takes out; GRE says in each packet what it has.
_INNER = {"ipip": (4,), "sit": (6,), "ip6tnl": (6,), "gre": (4, 6), "ip6gre": (4, 6)}

_MTU = (68, 65535)  # bytes; RFC 791
_MTU_OF_IPV6 = 1280  # RFC 8200


class Part(NamedTuple):
    """What identifies an item: the device, what of it, and which one where there are several."""

    device: str
    what: str
    which: str = ""

    @property
    def claim(self) -> str:
        """The item among those of its device, as the state file has it."""
        return f"{self.what} {self.which}".rstrip()

    @classmethod
    def of(cls, device: str, claim: str) -> Part:
        """The item that a claim is on."""
        what, _space, which = claim.partition(" ")
        return cls(device, what, which)


@dataclass(frozen=True)
class _OfDevice(Item):
    """Something of a device."""

    device: str
    ours: bool = field(default=False, compare=False, init=False)

    WHAT = ""

    @property
    def key(self) -> Part:
        """See above."""
        return Part(self.device, self.WHAT, self.which)

    @property
    def which(self) -> str:
        """Which one, where a device has several."""
        return ""

    def marked(self, ours: bool) -> Any:
        """The same, and whether it was made here."""
        object.__setattr__(self, "ours", ours)
        return self


@dataclass(frozen=True)
class Tunnel(_OfDevice):
    """A tunnel device."""

    kind: str
    local: Address | None = None
    remote: Address | None = None
    inner: int | None = None  # the family of the packets in an ip6tnl; None: either, as for all others
    checksum: bool = False  # of GRE: packets with one, or packets without

    WHAT = "tunnel"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        if action == "remove":
            return f"ip link del {self.device}"
        words = [f"ip link {action} {self.device} type {self.kind}"]
        if self.kind == "ip6tnl" and self.device not in FALLBACK_DEVICES:
            words.append("mode " + {4: "ipip6", 6: "ip6ip6", None: "any"}[self.inner])
        words += [f"{name} {end}" for name, end in (("local", self.local), ("remote", self.remote)) if end is not None]
        words += ["icsum"] if self.checksum else []
        return " ".join(words)

    def facts(self) -> dict[str, Any]:
        """The tunnel as a module returns it."""
        ends = {name: str(end) for name, end in (("local", self.local), ("remote", self.remote)) if end is not None}
        return {"kind": self.kind, **ends}


@dataclass(frozen=True)
class Mtu(_OfDevice):
    """The size of the largest packet on a device, in bytes."""

    mtu: int
    former: int | None = field(default=None, compare=False)
    of_tunnel: bool = field(default=False, compare=False)  # whether the device is one: with it goes its MTU

    WHAT = "mtu"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        return f"ip link set {self.device} mtu {self.former if action == 'remove' else self.mtu}"

    def facts(self) -> dict[str, Any]:
        """The size as a module returns it."""
        return {"mtu": self.mtu}


@dataclass(frozen=True)
class Up(_OfDevice):
    """That a device is up."""

    WHAT = "up"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        return f"ip link set {self.device} {'down' if action == 'remove' else 'up'}"

    def facts(self) -> dict[str, Any]:
        """See above."""
        return {"up": True}


@dataclass(frozen=True)
class Listener(_OfDevice):
    """What takes GUE off at a UDP port, for all devices whose tunnels run in UDP; it is there while one of ours uses it."""

    outer: int
    port: int
    users: frozenset[str] = frozenset()  # the devices

    WHAT = "listener"

    @classmethod
    def of(cls, key: Part, users: Iterable[str] = ()) -> Listener:
        """The listener that a key names."""
        family, port = key.which.split()
        return cls(ANY_DEVICE, 4 if family == "inet" else 6, int(port), frozenset(users))

    @property
    def which(self) -> str:
        """The family of its socket, and its port."""
        return f"{'inet' if self.outer == 4 else 'inet6'} {self.port}"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8); that it has another user is a matter of ours alone."""
        family = "ip fou" if self.outer == 4 else "ip -6 fou"
        return {"add": f"{family} add port {self.port} gue", "remove": f"{family} del port {self.port}", "set": ""}[action]


@dataclass(frozen=True)
class WantedListener(Wanted[Listener]):
    """Who uses a listener from now on, and who no longer."""

    coming: frozenset[str] = frozenset()
    going: frozenset[str] = frozenset()

    @classmethod
    def by(cls, key: Part, coming: Iterable[str] = (), going: Iterable[str] = ()) -> WantedListener:
        """See above."""
        new = Listener.of(key, coming)
        return cls(key, new if new.users else None, {}, "", new.users, frozenset(going))

    def over(self, current: Listener | None) -> Listener | None:
        """With its last user it goes. One that was not made here is used as it is."""
        if current is not None and not current.ours:
            return current
        users = (self.coming | (frozenset() if current is None else current.users)) - self.going
        return Listener.of(self.key, users) if users else None


@dataclass(frozen=True)
class _OfVip(_OfDevice):
    vip: Address

    @property
    def which(self) -> str:
        """The VIP."""
        return str(self.vip)

    @property
    def prefix(self) -> str:
        """The VIP as a network of one address."""
        return f"{self.vip}/{self.vip.max_prefixlen}"


@dataclass(frozen=True)
class VipAddress(_OfVip):
    """A VIP on a device, as a host address.

    One of IPv6 is deprecated, so that the kernel never picks it as the source of packets: not of those into a tunnel, which
    a real server would drop as its own. It is not looked for on the network first (no DAD), as real servers have it, too.
    """

    deprecated: bool = False

    WHAT = "address"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        if self.vip.version == 4:
            return f"ip address {'del' if action == 'remove' else 'add'} {self.prefix} dev {self.device}"
        if action == "remove":
            return f"ip -6 address del {self.prefix} dev {self.device}"
        lifetime = "preferred_lft 0" if self.deprecated else "preferred_lft forever"
        verb = "change" if action == "set" else "add"
        return f"ip -6 address {verb} {self.prefix} dev {self.device} {lifetime} nodad"


@dataclass(frozen=True)
class HostRoute(_OfVip):
    """The route to a VIP over its device. For one of IPv6 the kernel makes it."""

    WHAT = "route"

    def line(self, action: str = "add") -> str:
        """As a command of ip(8)."""
        return f"ip route {'del' if action == 'remove' else 'add'} {self.vip} dev {self.device} scope link"


def device_lines(items: Iterable[Any]) -> list[str]:
    """The commands that bring these items back after a reboot, but for VIPs: tunnels, sizes, listeners, what has to be up."""
    items = list(items)
    tunnels = {item.device: item.line() for item in items if isinstance(item, Tunnel)}
    # A module makes its fallback device when it is loaded, and this command loads it: nobody's claim is on that device.
    fallback = {item.device: FALLBACK_DEVICES[item.device] for item in items if item.device in FALLBACK_DEVICES}
    lines = list({**{device: Tunnel(device, kind).line() for device, kind in fallback.items()}, **tunnels}.values())
    for kind in (Mtu, Listener):
        lines += [item.line() for item in items if isinstance(item, kind)]
    return lines + [Up(device).line() for device in dict.fromkeys(item.device for item in items if item.device != ANY_DEVICE)]


def vip_lines(items: Iterable[Any]) -> list[str]:
    """The commands that bring these VIPs back."""
    items = list(items)
    addresses = [item.line() for item in items if isinstance(item, VipAddress)]
    routes = [item.line() for item in items if isinstance(item, HostRoute)]
    # As they are made here: beside that of another device, with the protocol that pyroute2 gives them.
    return addresses + [f"{line} proto static".replace(" add ", " append ") for line in routes]


ROW_OPTIONS = ("device", "vips", "tunnel_type", "local", "remote", "tunnel_port", "tunnel_checksum", "mtu")


def wanted_vips(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """Devices and the VIPs on them, as the options of tunl_vip describe them: one device, or a list O(devices)."""
    if options.get("devices") is None:
        return _wanted_of_device({**options, "device": options.get("device") or TUNNEL_DEVICE}, options["state"])
    faults = Faults()
    for name in ROW_OPTIONS:
        if options.get(name) is not None:
            faults.take(_refuse, name, options[name], "stands beside devices: give it within one of them")
    wanted: list[Wanted[Any]] = []
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(options["devices"]):
        where = f"devices[{number}]"
        state = row.get("state") or options["state"]
        wanted += faults.take(_wanted_of_device, row, state, where=where) or []
        first = seen.setdefault((str(row["device"]), state), number)
        if first != number:
            faults.take(_refuse, "device", row["device"], f"is devices[{first}] already", where=where)
    raise_all(faults.found)
    return _merged(wanted)


def _merged(wanted: Sequence[Wanted[Any]]) -> list[Wanted[Any]]:
    """Each listener once, before what uses it, whoever asks for it."""
    asking: dict[Part, set[str]] = {}
    leaving: dict[Part, set[str]] = {}
    for one in wanted:
        if isinstance(one, WantedListener):
            asking.setdefault(one.key, set()).update(one.coming)
            leaving.setdefault(one.key, set()).update(one.going)
    listeners = [WantedListener.by(key, coming, leaving[key]) for key, coming in asking.items()]
    return [*listeners, *(one for one in wanted if not isinstance(one, WantedListener))]


def _refuse(option: str, value: object, reason: str) -> None:
    raise InvalidValue(option, value, reason)


def _wanted_of_device(options: Mapping[str, Any], state: str) -> list[Wanted[Any]]:
    faults = Faults()
    device = str(faults.take(values.device, "device", options["device"]))
    vips = [faults.take(values.vip, vip) for vip in options.get("vips") or []]
    raise_all(faults.found)
    found = list(dict.fromkeys(vip for vip in vips if vip is not None))
    listeners = _listeners(device, options, found, state)
    addresses = _addresses(device, found)
    if state == "absent":
        # The whole device where nothing is named.
        return [*listeners, *(Wanted.absent(item.key) for item in addresses)] or [Wanted.absent(Part(device, Up.WHAT))]
    items: list[_OfDevice] = []
    made = _tunnel(device, options, found)
    if made is not None:
        items.append(made)
    if options.get("mtu") is not None:
        lowest = _MTU_OF_IPV6 if any(vip.version == 6 for vip in found) else _MTU[0]
        items.append(Mtu(device, values.integer("mtu", options["mtu"], lowest, _MTU[1])))
    items += [Up(device), *addresses]
    return [*listeners, *(Wanted(item.key, item, _stated(item)) for item in items)]


def _stated(item: _OfDevice) -> dict[str, Any]:
    if isinstance(item, Mtu):
        return {"mtu": item.mtu}
    if isinstance(item, VipAddress):
        return {"deprecated": item.deprecated}
    if isinstance(item, Tunnel) and item.device not in FALLBACK_DEVICES:
        inner = {} if item.inner is None else {"inner": item.inner}
        return {"local": item.local, "remote": item.remote, **inner, "checksum": item.checksum}
    return {}


def _addresses(device: str, vips: Sequence[Address]) -> list[_OfVip]:
    items: list[_OfVip] = []
    for vip in vips:
        items.append(VipAddress(device, vip, deprecated=vip.version == 6))
        if vip.version == 4:
            items.append(HostRoute(device, vip))
    return items


def _listeners(device: str, options: Mapping[str, Any], vips: Sequence[Address], state: str) -> list[WantedListener]:
    port = options.get("tunnel_port")
    if options.get("tunnel_type") != "gue":
        if port is not None:
            raise InvalidValue("tunnel_port", port, "is for tunnel_type=gue: leave it out")
        return []
    if port is None:
        if state == "absent":
            return []
        raise MissingValue("tunnel_port", "tunnel_type=gue needs the UDP port that packets come to")
    made = _tunnel(device, options, vips)
    outer = 4 if made is None else _OUTER[made.kind]
    key = Listener(ANY_DEVICE, outer, values.port("tunnel_port", port)).key
    return [WantedListener.by(key, going=[device]) if state == "absent" else WantedListener.by(key, coming=[device])]


def _tunnel(device: str, options: Mapping[str, Any], vips: Sequence[Address]) -> Tunnel | None:
    """The tunnel that the device is; None for a device of another kind, which has to be there."""
    given = options.get("tunnel_type")
    if given is not None:
        values.choice("tunnel_type", given, TUNNEL_TYPES)
    families = sorted({vip.version for vip in vips})
    if device in FALLBACK_DEVICES:
        return _fallback(device, options, families)
    ends = {name: options[name] for name in ("local", "remote") if options.get(name) is not None}
    checksum = options.get("tunnel_checksum") or "none"
    if given is None:
        for name in [*ends, *(["tunnel_checksum"] if checksum != "none" else [])]:
            raise InvalidValue(
                name, options[name], f"is for a tunnel: say with tunnel_type what {device} is, or leave it out"
            )
        return None
    if "local" not in ends:
        raise MissingValue(
            "local", f"{device} is a device of its own, and takes the packets that come to this address: name the RIP"
        )
    addresses = {name: values.address(name, end) for name, end in ends.items()}
    outer = addresses["local"].version
    if "remote" in addresses and addresses["remote"].version != outer:
        raise InvalidValue("remote", addresses["remote"], f"is not an IPv{outer} address as local is")
    inner = _inner(given, families)
    kind = _KINDS.get((given, outer, inner or outer))
    if kind is None:
        raise InvalidValue(
            "local", addresses["local"], f"is an IPv{outer} address, and tunnel_type={given} runs over IPv{10 - outer}"
        )
    if given == "gre":
        values.choice("tunnel_checksum", checksum, tunnel.CHECKSUMS[:2])
    return Tunnel(
        device,
        str(kind),
        **addresses,
        inner=inner if kind == "ip6tnl" else None,
        checksum=given == "gre" and checksum == "checksum",
    )


def _inner(tunnel_type: str, families: Sequence[int]) -> int | None:
    """The family of the packets in the tunnel; None where nothing says it."""
    fixed = {"ipip": 4, "sit": 6, "ip6ip6": 6, "ipip6": 4}.get(tunnel_type)
    if tunnel_type != "gre" and len(families) > 1:
        raise InvalidValue("vips", "of both families", f"do not fit into one device of tunnel_type={tunnel_type}: take two")
    if families and fixed not in (None, families[0]):
        raise InvalidValue("tunnel_type", tunnel_type, f"carries IPv{fixed}, and the VIPs are IPv{families[0]}")
    return fixed or (families[0] if families else None)


def _fallback(device: str, options: Mapping[str, Any], families: Sequence[int]) -> Tunnel:
    kind = FALLBACK_DEVICES[device]
    for name in ("local", "remote"):
        if options.get(name) is not None:
            raise InvalidValue(
                name, options[name], f"is not for {device}, which takes packets from and to any: name a device of your own"
            )
    for family in families:
        if family not in _INNER[kind]:
            other = "sit0, ip6tnl0 or lo" if family == 6 else "tunl0 or lo"
            raise InvalidValue(
                "vips", f"of IPv{family}", f"do not go with {device}, which carries IPv{10 - family}: name {other}"
            )
    given = options.get("tunnel_type")
    fitting = sorted({name for (name, _outer, _inner_), found in _KINDS.items() if found == kind} - {"ipip6"})
    if given is not None and given not in fitting:
        raise InvalidValue(
            "tunnel_type", given, f"is not what {device} is for: leave it out, or write {' or '.join(fitting)}"
        )
    if given == "gre" and options.get("tunnel_checksum") not in (None, "none"):
        raise InvalidValue(
            "tunnel_checksum",
            options["tunnel_checksum"],
            f"is not for {device}, which takes packets without one: name a device of your own, with local",
        )
    return Tunnel(device, kind)


# In this order they come; they go in the opposite one.
_ORDER = ("tunnel", "mtu", "up", "address", "route")
# What is on a device for the sake of clients; all else goes when none of these is left, and no listener is used.
_CARRIED = ("address", "route")


def what_goes(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> Sequence[Wanted[Any]]:
    """What is wanted, and what of ours shall go; of what shall go, only what is ours."""
    coming = [one for one in wanted if one.new is not None and not isinstance(one, WantedListener)]
    kept = {one.key for one in coming}
    kept_devices = {key.device for key in kept}
    named = {one.key for one in wanted if one.new is None}
    ours = [key for key, item in current.items() if item.ours and not isinstance(item, Listener)]
    # The devices of which all goes, and those that give up what is not named.
    whole = {key.device for key in named if key.what == Up.WHAT}
    purged: set[str] = set()
    if options["purge"] and options["state"] != "absent":
        purged = kept_devices
        if options.get("devices") is not None:
            users = {user for item in current.values() if isinstance(item, Listener) for user in item.users}
            whole |= ({key.device for key in ours} | users) - kept_devices

    going = {
        key
        for key in ours
        if key.what in _CARRIED and key not in kept and (key in named or key.device in whole or key.device in purged)
    }
    listeners = _listeners_left(wanted, current, whole, purged)
    left = {user for one in listeners for user in (one.over(current.get(one.key)) or Listener.of(one.key)).users}
    left |= {key.device for key in current if key.what in _CARRIED and key not in going}
    leaving = {key.device for key in going} | whole | {user for one in listeners for user in one.going}
    # With the last that it carried goes what a device was set up for, or the device itself where it was made here.
    for device in leaving - kept_devices - left:
        own = {key for key in ours if key.device == device}
        made = Part(device, Tunnel.WHAT)
        going = going - own | ({made} if made in own else own)
    parts = sorted(going, key=lambda key: (key.device, _ORDER.index(key.what), key.which))
    return [*listeners, *coming, *map(Wanted.absent, parts)]


def _listeners_left(
    wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any], whole: set[str], purged: set[str]
) -> list[WantedListener]:
    """Who uses each listener from now on: also those that nobody named, as a device that goes gives them up."""
    asked = {one.key: one for one in wanted if isinstance(one, WantedListener)}
    there = {key: item.users for key, item in current.items() if isinstance(item, Listener)}
    left = []
    for key in {**asked, **there}:
        one = asked.get(key) or WantedListener.by(key)
        users = there.get(key, frozenset())
        left.append(WantedListener.by(key, one.coming, one.going | (users & whole) | ((users & purged) - one.coming)))
    return left


def device_report(options: Mapping[str, Any], keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The devices and what they hold, as return values; a warning of what should go and is not ours."""
    found: dict[str, dict[str, Any]] = {}
    gone = {
        item.device
        for item in items.values()
        if isinstance(item, Mtu) and item.of_tunnel and Part(item.device, Tunnel.WHAT) not in items
    }
    for key, item in items.items():
        if key.device in (ANY_DEVICE, *gone):
            continue
        device = found.setdefault(key.device, {"name": key.device, "vips": []})
        if key.what == VipAddress.WHAT:
            device["vips"].append(key.which)
        else:
            device.update(item.facts())
    for listener in items.values():
        for user in listener.users if isinstance(listener, Listener) else ():
            if user in found:
                found[user]["tunnel_port"] = listener.port
    named = list(dict.fromkeys(key.device for key in keys))
    result: dict[str, Any] = {"devices": [found[device] for device in named if device in found]}
    going = {one.key for one in wanted_vips(options) if one.new is None}
    kept = [key for key in items if key in going and key.what == VipAddress.WHAT and not items[key].ours]
    if kept:
        result["warnings"] = [
            f"vips: {key.which} on {key.device} was not put there by this collection, and stays:"
            f" ip address del {key.which} dev {key.device}"
            for key in kept
        ]
    return result
