# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend of tunl_vip: what it reads with pyroute2, what it changes, and which claims the state file has then."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import sys
from ipaddress import ip_address, ip_interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files, netlink, requirements, state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    KernelRefused,
    LvsError,
    MissingKernelSupport,
    MissingLibrary,
    NotPermitted,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._net import fou, rtnetlink
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import (
    HostNetwork,
    HostRoute,
    ItemKey,
    Listener,
    Mtu,
    NetworkItem,
    SeenNetwork,
    Tunnel,
    Unmanaged,
    Up,
    VipAddress,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net.rtnetlink import Links, NetworkBackend
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunl_vip import TunlVip
from tests.unit.plugins.module_utils._net.hosts import (
    ABSENT,
    ADDRESS,
    BASE,
    DIP,
    GUE,
    OTHER,
    RIP,
    RIP6,
    ROUTE,
    TUNNEL,
    UP,
    VIP,
    VIP6,
    held,
)

MODULE = TunlVip()
FOREVER = 0xFFFFFFFF


class Message(dict[str, Any]):
    """A message of pyroute2: fields as items, attributes by their names."""

    def __init__(self, fields: dict[str, Any], **attributes: Any) -> None:
        super().__init__(fields)
        self._attributes = attributes

    def get_attr(self, name: str) -> Any:
        """An attribute; None where the message does not have it."""
        return self._attributes.get(name)


class NetlinkError(Exception):
    """A refusal of the kernel, as pyroute2 raises it."""

    def __init__(self, code: int) -> None:
        super().__init__(code, os.strerror(code))
        self.code = code


class Kernel:
    """Stands for pyroute2.IPRoute and the kernel behind it: it remembers the changes, and refuses what the test says."""

    def __init__(self) -> None:
        self.links: list[Message] = []
        self.addresses: list[Message] = []
        self.routes: list[Message] = []
        self.listeners: list[bytes] = []
        self.calls: list[tuple[Any, ...]] = []
        self.refused: dict[tuple[str, str], int] = {}
        self.closed = 0

    def add_link(self, name: str, kind: str = "", mtu: int = 1500, up: bool = False, **attributes: Any) -> None:
        """A device; C(attributes) are those of its tunnel."""
        fields = {"index": len(self.links) + 1, "flags": int(up)}
        values: dict[str, Any] = {"IFLA_IFNAME": name, "IFLA_MTU": mtu}
        if kind:
            data = Message({}, **{f"IFLA_{kind.upper()}_{key}": value for key, value in attributes.items()})
            values["IFLA_LINKINFO"] = Message({}, IFLA_INFO_KIND=kind, IFLA_INFO_DATA=data)
        self.links.append(Message(fields, **values))

    def add_address(self, device: str, address: str, preferred: int = FOREVER) -> None:
        """An address with the length of its prefix."""
        interface = ip_interface(address)
        family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
        fields = {"index": self.link_lookup(device)[0], "prefixlen": interface.network.prefixlen, "family": family}
        self.addresses.append(Message(fields, IFA_ADDRESS=str(interface.ip), IFA_CACHEINFO={"ifa_preferred": preferred}))

    def add_route(self, device: str, destination: str, **attributes: Any) -> None:
        """A route of IPv4."""
        address, _slash, length = destination.partition("/")
        fields = {"dst_len": int(length)}
        self.routes.append(Message(fields, RTA_DST=address, RTA_OIF=self.link_lookup(device)[0], **attributes))

    def call(self, what: str, verb: str, **arguments: Any) -> None:
        """Note a change."""
        self.calls.append((what, verb, arguments))
        if (what, verb) in self.refused:
            raise NetlinkError(self.refused[what, verb])

    # The interface of IPRoute

    def close(self) -> None:
        self.closed += 1

    def get_links(self, *indexes: int) -> list[Message]:
        return [link for link in self.links if link["index"] in indexes or not indexes]

    def get_addr(self, family: int) -> list[Message]:
        return [address for address in self.addresses if address["family"] == family]

    def get_routes(self, family: int, table: int) -> list[Message]:
        assert (family, table) == (socket.AF_INET, 254)
        return self.routes

    def link_lookup(self, ifname: str) -> list[int]:
        return [link["index"] for link in self.links if link.get_attr("IFLA_IFNAME") == ifname]

    def link(self, verb: str, **arguments: Any) -> None:
        self.call("link", verb, **arguments)
        if verb == "add":
            self.add_link(arguments["ifname"], arguments["kind"], mtu=1476)

    def addr(self, verb: str, **arguments: Any) -> None:
        self.call("addr", verb, **arguments)

    def route(self, verb: str, **arguments: Any) -> None:
        self.call("route", verb, **arguments)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The kernel behind pyroute2, and behind the netlink socket for listeners."""
    kernel = Kernel()
    pyroute2: Any = SimpleNamespace(IPRoute=lambda: kernel, NetlinkError=NetlinkError)
    monkeypatch.setitem(sys.modules, "pyroute2", pyroute2)

    class GenericSocket:
        """The netlink socket for listeners."""

        def __init__(self, family: str, version: int) -> None:
            assert (family, version) == ("fou", 1)

        def request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
            """Dump them, or note a change."""
            if dump:
                return kernel.listeners
            number = kernel.refused.get(("fou", "add" if command == 1 else "del"))
            kernel.calls.append(("fou", "add" if command == 1 else "del", fou.decode(payload)))
            if number:
                raise netlink.Refused(number)
            return []

        def close(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr(fou, "GenericSocket", GenericSocket)
    kernel.add_link("lo", up=True, mtu=65536)
    kernel.add_address("lo", "127.0.0.1/8")
    kernel.add_link("eth0", up=True)
    kernel.add_address("eth0", f"{RIP}/24")
    return kernel


@pytest.fixture(autouse=True)
def ipv6(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """IPv6 is not switched off on any device."""
    folder = tmp_path / "ipv6" / "default"
    folder.mkdir(parents=True)
    (folder / "disable_ipv6").write_text("0\n", encoding="ascii")
    monkeypatch.setattr(rtnetlink, "_IPV6_SETTINGS", str(folder.parent))


def claims() -> Any:
    """The claims in the state file, without those on files for network managers: test_managers.py."""
    subject = state.subject("network")
    kept = {device: {claim: value for claim, value in of.items() if claim != "unmanaged"} for device, of in subject.items()}
    return {device: of for device, of in kept.items() if of}


def claim(**devices: Any) -> None:
    """Have these claims in the state file."""
    state.save_subject("network", {{"any": "*"}.get(device, device): value for device, value in devices.items()})


def read(**options: Any) -> SeenNetwork:
    """What the module sees."""
    with NetworkBackend() as backend:
        return backend.read(MODULE.parse({**BASE, **options}))


def run(**options: Any) -> list[str]:
    """What the module does in the kernel, from two backends: one that reads, and another one that makes the changes."""
    desired = MODULE.parse({**BASE, **options})
    seen = read(**options)
    wanted = MODULE.plan(desired, seen)
    transition: Transition[ItemKey, NetworkItem, HostNetwork] = Transition(wanted, seen, reconcile(wanted, seen))
    with NetworkBackend() as backend:
        backend.apply(transition)
    return [change.command() for change in transition.changes if not isinstance(change.item, Unmanaged)]


# What is read


def test_device_without_anything(kernel: Kernel) -> None:
    """Its own addresses are no VIPs; the context has the devices of the host."""
    seen = read(device="eth0", vips=[str(VIP)])
    assert set(seen.items.values()) == {Mtu("eth0", 1500), Up("eth0")}
    assert (seen.owned, seen.former) == (set(), {})
    assert (seen.context.devices, seen.context.tunnels, seen.context.tunnel_ends) == (("lo", "eth0"), frozenset(), {})
    assert seen.context.holders == {RIP: {"eth0": 24}, ip_address("127.0.0.1"): {"lo": 8}}
    assert kernel.closed == 1


def test_host_addresses_and_routes(kernel: Kernel) -> None:
    """An address of another program is complete without a route; a network address counts if it is named."""
    kernel.add_address("eth0", f"{VIP}/32")
    kernel.add_address("lo", f"{VIP}/32")
    kernel.add_address("eth0", f"{VIP6}/128")
    kernel.add_address("eth0", "2001:db8::186/128", preferred=0)
    kernel.add_route("eth0", f"{OTHER}/32")
    kernel.add_route("eth0", "192.168.56.0/24")
    kernel.add_route("eth0", "192.168.56.187/32", RTA_GATEWAY=str(DIP))
    kernel.add_route("lo", "192.168.56.188/32")
    seen = read(device="eth0")
    vips = [*held("eth0", VIP), VipAddress("eth0", VIP6), VipAddress("eth0", ip_address("2001:db8::186"), deprecated=True)]
    assert set(seen.items.values()) == {Mtu("eth0", 1500), Up("eth0"), *vips, HostRoute("eth0", OTHER)}
    assert seen.context.holders[VIP] == {"eth0": 32, "lo": 32}
    assert seen.context.holders[RIP] == {"eth0": 24}
    assert VipAddress("eth0", RIP, network_length=24) in read(device="eth0", vips=[str(RIP)]).items.values()


@pytest.mark.parametrize("first", [24, 32])
def test_address_with_and_without_a_network(kernel: Kernel, first: int) -> None:
    """The host address is the VIP."""
    for length in (first, 56 - first):
        kernel.add_address("eth0", f"{VIP}/{length}")
    assert VipAddress("eth0", VIP) in read(device="eth0", vips=[str(VIP)]).items.values()


def test_owned_vip_with_a_network(kernel: Kernel) -> None:
    """Somebody replaced it: it is owned, as it is now."""
    kernel.add_address("eth0", f"{VIP}/24")
    claim(eth0={f"address {VIP}": None})
    seen = read(device="eth0")
    item = VipAddress("eth0", VIP, network_length=24)
    assert seen.items[item.key] == item
    assert seen.owned == {item.key}


def test_end_of_a_link(kernel: Kernel) -> None:
    """The address of the device, not that of its peer."""
    fields = {"index": 2, "prefixlen": 32, "family": socket.AF_INET}
    kernel.addresses.append(Message(fields, IFA_LOCAL=str(VIP), IFA_ADDRESS=str(OTHER)))
    assert read(device="eth0").context.holders.keys() == {RIP, VIP, ip_address("127.0.0.1")}


IFLAGS = {"gre": 0x8000, "ip6gre": socket.htons(0x8000)}


@pytest.mark.parametrize(
    ("kind", "attributes", "tunnel"),
    [
        ("ipip", {"LOCAL": str(RIP), "REMOTE": "0.0.0.0"}, Tunnel("own", "ipip", RIP)),
        ("sit", {"LOCAL": str(RIP), "REMOTE": str(DIP)}, Tunnel("own", "sit", RIP, DIP)),
        ("ip6tnl", {"LOCAL": str(RIP6), "REMOTE": "::", "PROTO": 41}, Tunnel("own", "ip6tnl", RIP6, inner=6)),
        ("ip6tnl", {"LOCAL": str(RIP6), "PROTO": 4}, Tunnel("own", "ip6tnl", RIP6, inner=4)),
        ("ip6tnl", {"LOCAL": str(RIP6), "PROTO": 0}, Tunnel("own", "ip6tnl", RIP6)),
        ("gre", {"LOCAL": str(RIP), "IFLAGS": 0}, Tunnel("own", "gre", RIP)),
        ("gre", {"LOCAL": str(RIP), "IFLAGS": 0x8000}, Tunnel("own", "gre", RIP, checksum=True)),
        ("ip6gre", {"LOCAL": str(RIP6), "IFLAGS": IFLAGS["ip6gre"]}, Tunnel("own", "ip6gre", RIP6, checksum=True)),
        ("dummy", {}, None),
    ],
)
def test_tunnels(kernel: Kernel, kind: str, attributes: dict[str, Any], tunnel: Tunnel | None) -> None:
    """As each was created; a device of another kind is no tunnel."""
    kernel.add_link("own", kind, mtu=1480, **attributes)
    seen = read(device="own", tunnel_type="gre", local=str(RIP))
    assert set(seen.items.values()) == {Mtu("own", 1480), *([] if tunnel is None else [tunnel])}
    assert seen.context.tunnels == ({"own"} if tunnel else set())


@pytest.mark.parametrize(
    ("kind", "attributes", "has_ends"),
    [
        ("ipip", {"LINK": 0}, True),
        ("ipip", {"LINK": 2}, False),
        ("gre", {"IFLAGS": 0x8000}, True),
        ("gre", {"IFLAGS": 0x2000}, False),
        ("ip6gre", {"IFLAGS": socket.htons(0x2000)}, False),
    ],
)
def test_ends_of_tunnels(kernel: Kernel, kind: str, attributes: dict[str, Any], has_ends: bool) -> None:
    """Of all tunnels of the host, but for those with a key or a device, beside which another tunnel has the same ends."""
    kernel.add_link("own", kind, LOCAL=str(RIP6 if kind == "ip6gre" else RIP), **attributes)
    kernel.add_link("tunl0", "ipip")
    ends = {TUNNEL.ends: "tunl0"}
    if has_ends:
        ends[Tunnel("own", kind, RIP).ends] = "own"
    assert read(device="eth0").context.tunnel_ends == ends


def test_route_of_an_owned_vip(kernel: Kernel) -> None:
    """One that is missing is added again."""
    kernel.add_address("eth0", f"{VIP}/32")
    claim(eth0={f"address {VIP}": None})
    assert HostRoute("eth0", VIP).key not in read(device="eth0").items


def test_claims_are_read(kernel: Kernel) -> None:
    """With the devices that they are on; those on what no longer exists are void."""
    kernel.add_link("tunl0", "ipip", mtu=1400, up=True)
    kernel.add_address("tunl0", f"{VIP}/32")
    kernel.add_route("tunl0", f"{VIP}/32")
    kernel.listeners = [fou.encode(Listener(4, 6080))]
    listeners = {"listener inet 6080": ["sit0", "tunl0"], "listener inet6 6080": ["ip6tnl0"]}
    device = {"mtu": 1480, "up": None, f"address {VIP}": None, f"address {OTHER}": None}
    claim(any=listeners, tunl0=device, gone0={"up": None, "mtu": 1500})
    seen = read(device="eth0")
    listener = Listener(4, 6080)
    owned = [Mtu("tunl0", 1400), UP, ADDRESS, listener]
    assert set(seen.items.values()) == {Mtu("eth0", 1500), Up("eth0"), TUNNEL, ROUTE, *owned}
    assert seen.owned == {item.key for item in owned}
    assert seen.former == {ItemKey("tunl0", "mtu"): Mtu("tunl0", 1480)}
    assert seen.context.users == {listener.key: {"sit0", "tunl0"}}


def test_listeners_are_read_where_they_matter(kernel: Kernel) -> None:
    """One of another kind is no item, and known."""
    kernel.listeners = [fou.encode(Listener(6, 6080)), fou.encode(Listener(4, 6080))[:-8] + bytes.fromhex("0500040001000000")]
    assert read(device="eth0").context.listeners == {}
    seen = read(device="sit0", **GUE)
    assert seen.context.listeners == {(6, 6080): True, (4, 6080): False}
    assert Listener(4, 6080).key not in seen.items
    assert Listener(6, 6080).key in read(device="ip6tnl0", **GUE).items


def test_bound_ports(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the family of a listener that is to be created."""
    heading = "  sl  local_address rem_address   st tx_queue\n"
    tables = {
        "/proc/net/udp": f"{heading}  10: 00000000:17C0 00000000:0000 07\n",
        "/proc/net/udp6": f"{heading}  11: {'0' * 32}:17C1 {'0' * 32}:0000 07\n",
    }
    original = files.read_text
    monkeypatch.setattr(files, "read_text", lambda path: tables[path] if path in tables else original(path))
    assert read(device="tunl0", **GUE).context.bound_ports == {(4, 6080)}
    assert read(device="ip6tnl0", **GUE).context.bound_ports == {(6, 6081)}
    assert read(device="tunl0", **ABSENT, **GUE).context.bound_ports == set()
    kernel.listeners = [fou.encode(Listener(4, 6080))]
    assert read(device="tunl0", **GUE).context.bound_ports == set()


@pytest.mark.usefixtures("kernel")
def test_ipv6_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a device that does not exist yet, the default."""
    monkeypatch.setattr(rtnetlink, "_IPV6_SETTINGS", str(tmp_path))
    for device, value in {"default": "0\n", "eth0": "1\n", "lo": "0\n"}.items():
        (tmp_path / device).mkdir()
        (tmp_path / device / "disable_ipv6").write_text(value, encoding="ascii")
    rows = [{"device": device, "vips": [str(VIP6)]} for device in ("eth0", "lo", "sit0")]
    assert read(devices=rows).context.ipv6_disabled == {"eth0"}
    assert read(device="eth0", vips=[str(VIP)]).context.ipv6_disabled == set()
    (tmp_path / "default" / "disable_ipv6").unlink()
    assert read(devices=rows).context.ipv6_disabled == {"eth0", "sit0"}


# What is changed


def test_vip_on_a_device(kernel: Kernel) -> None:
    """The changes in their order, and the claims on them."""
    kernel.add_link("tunl0", "ipip", mtu=1480)
    assert run(vips=[str(VIP)], mtu=1400) == [
        "ip link set tunl0 mtu 1400",
        "ip link set tunl0 up",
        "ip address add 192.168.56.185/32 dev tunl0",
        "ip route add 192.168.56.185 dev tunl0 scope link",
    ]
    assert kernel.calls == [
        ("link", "set", {"index": 3, "mtu": 1400}),
        ("link", "set", {"index": 3, "state": "up"}),
        ("addr", "add", {"index": 3, "address": str(VIP), "prefixlen": 32, "scope": 0}),
        ("route", "append", {"dst": f"{VIP}/32", "oif": 3, "scope": 253, "table": 254}),
    ]
    assert claims() == {"tunl0": {"mtu": 1480, "up": None, f"address {VIP}": None, f"route {VIP}": None}}


def test_former_mtu_is_noted_once(kernel: Kernel) -> None:
    """That of before the first change."""
    kernel.add_link("tunl0", "ipip", mtu=1400, up=True)
    claim(tunl0={"mtu": 1480})
    assert run(mtu=1300) == ["ip link set tunl0 mtu 1300"]
    assert claims() == {"tunl0": {"mtu": 1480}}


def test_ipv6_vip(kernel: Kernel) -> None:
    """Deprecated, without duplicate address detection, in the words of two versions of pyroute2."""
    run(device="lo", vips=[str(VIP6)])
    lifetimes = {"preferred": 0, "valid": FOREVER}
    arguments = {"index": 1, "address": str(VIP6), "prefixlen": 128, "flags": 0x02, **lifetimes, "cacheinfo": lifetimes}
    assert kernel.calls == [("addr", "replace", arguments)]
    assert claims() == {"lo": {f"address {VIP6}": None}}


def test_everything_is_removed(kernel: Kernel) -> None:
    """In the opposite order, and the former MTU is restored; no claim remains, and no file."""
    kernel.add_link("tunl0", "ipip", mtu=1400, up=True)
    kernel.add_address("tunl0", f"{VIP}/32")
    kernel.add_route("tunl0", f"{VIP}/32")
    kernel.add_address("tunl0", f"{VIP6}/128", preferred=0)
    device: dict[str, Any] = {"mtu": 1480, "up": None, f"address {VIP}": None, f"route {VIP}": None, f"address {VIP6}": None}
    claim(tunl0=device)
    assert run(**ABSENT) == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip -6 address del 2001:db8::185/128 dev tunl0",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link set tunl0 down",
        "ip link set tunl0 mtu 1480",
    ]
    assert kernel.calls == [
        ("route", "del", {"dst": f"{VIP}/32", "oif": 3, "scope": 253, "table": 254}),
        ("addr", "del", {"index": 3, "address": str(VIP6), "prefixlen": 128}),
        ("addr", "del", {"index": 3, "address": str(VIP), "prefixlen": 32}),
        ("link", "set", {"index": 3, "state": "down"}),
        ("link", "set", {"index": 3, "mtu": 1480}),
    ]
    assert not Path(state.STATE_FILE).exists()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"tunnel_type": "ipip", "local": str(RIP)}, {"kind": "ipip", "ipip_local": str(RIP)}),
        (
            {"tunnel_type": "sit", "local": str(RIP), "remote": str(DIP)},
            {"kind": "sit", "sit_local": str(RIP), "sit_remote": str(DIP)},
        ),
        (
            {"tunnel_type": "ipip6", "local": str(RIP6)},
            {"kind": "ip6tnl", "ip6tnl_local": str(RIP6), "ip6tnl_proto": 4},
        ),
        (
            {"tunnel_type": "ip6ip6", "local": str(RIP6)},
            {"kind": "ip6tnl", "ip6tnl_local": str(RIP6), "ip6tnl_proto": 41},
        ),
        ({"tunnel_type": "gre", "local": str(RIP)}, {"kind": "gre", "gre_local": str(RIP), "gre_iflags": 0}),
        (
            {"tunnel_type": "gre", "local": str(RIP6), "tunnel_checksum": "checksum"},
            {"kind": "ip6gre", "ip6gre_local": str(RIP6), "ip6gre_iflags": IFLAGS["ip6gre"]},
        ),
    ],
)
def test_tunnel_device(kernel: Kernel, options: dict[str, Any], arguments: dict[str, Any]) -> None:
    """It is created, changed in place with all of its attributes, and removed with everything on it."""
    run(device="own", **options)
    assert kernel.calls[0] == ("link", "add", {"ifname": "own", **arguments})
    assert claims() == {"own": {"tunnel": None, "up": None}}
    kernel.links.pop()
    other = {"LOCAL": str(ip_address("192.0.2.9")), "PROTO": 0, "IFLAGS": 0}
    kernel.add_link("own", arguments["kind"], mtu=1400, up=True, **other)
    claim(own={"tunnel": None, "up": None, "mtu": 1480})
    kernel.calls.clear()
    run(device="own", **options)
    assert kernel.calls == [("link", "set", {"index": 3, **arguments})]
    run(device="own", **ABSENT)
    assert kernel.calls[1:] == [("link", "del", {"index": 3})]
    assert claims() == {}


@pytest.mark.parametrize(
    ("refused", "device"),
    [
        # Created by this call, or by the kernel module that the call loaded: then it is not removed later.
        ({}, {"tunnel": None, "up": None, "mtu": 1476}),
        ({("link", "add"): errno.EEXIST}, {"up": None, "mtu": 1476}),
    ],
)
def test_fallback_device(kernel: Kernel, refused: dict[tuple[str, str], int], device: dict[str, Any]) -> None:
    """The MTU with which it was created is noted, so that it can go back."""
    kernel.refused = refused
    call = kernel.call

    def create_by_module(what: str, verb: str, **arguments: Any) -> None:
        if refused and verb == "add":
            kernel.add_link("tunl0", "ipip", mtu=1476)
        call(what, verb, **arguments)

    kernel.call = create_by_module  # type: ignore[method-assign]
    run(mtu=1400)
    assert kernel.calls[:2] == [
        ("link", "add", {"ifname": "tunl0", "kind": "ipip"}),
        ("link", "set", {"index": 3, "mtu": 1400}),
    ]
    assert claims() == {"tunl0": device}


def test_unknown_former_mtu_is_not_restored(kernel: Kernel) -> None:
    """As an earlier version may have left it in the state file."""
    kernel.add_link("tunl0", "ipip", mtu=1400, up=True)
    claim(tunl0={"mtu": None, "up": None})
    assert run(**ABSENT) == ["ip link set tunl0 down"]


def test_listener(kernel: Kernel) -> None:
    """Created for its first user, and removed with its last; the claim has the users."""
    kernel.add_link("tunl0", "ipip", up=True)
    kernel.add_link("sit0", "sit", up=True)
    assert run(**GUE) == ["ip fou add port 6080 gue"]
    assert kernel.calls == [("fou", "add", (4, 6080, True))]
    assert claims() == {"*": {"listener inet 6080": ["tunl0"]}}
    kernel.listeners = [fou.encode(Listener(4, 6080))]
    assert run(device="sit0", **GUE) == []
    assert claims() == {"*": {"listener inet 6080": ["sit0", "tunl0"]}}
    assert run(**ABSENT) == []
    assert claims() == {"*": {"listener inet 6080": ["sit0"]}}
    assert run(device="sit0", **ABSENT) == ["ip fou del port 6080"]
    assert kernel.calls[1:] == [("fou", "del", (4, 6080, True))]
    assert claims() == {}


@pytest.mark.usefixtures("kernel")
def test_void_claims_are_dropped() -> None:
    """Also by a run that changes nothing; and a run without anything to drop does not write the file."""
    claim(gone0={"up": None}, eth0={f"address {VIP}": None}, any={"listener inet 1": ["gone0"]})
    assert run(device="eth0") == []
    assert claims() == {}
    claim(lo={"up": None})
    Path(state.LOCK_FILE).unlink()
    os.utime(state.STATE_FILE, (0, 0))
    assert run(device="eth0") == []
    assert (Path(state.STATE_FILE).stat().st_mtime, Path(state.LOCK_FILE).exists()) == (0, False)


@pytest.mark.parametrize(
    ("refused", "made", "claimed"),
    [
        (("link", "set"), 0, {}),
        (("addr", "add"), 2, {"mtu": 1480, "up": None}),
        (("route", "append"), 3, {"mtu": 1480, "up": None, f"address {VIP}": None}),
    ],
)
def test_refused_change(kernel: Kernel, refused: tuple[str, str], made: int, claimed: dict[str, Any]) -> None:
    """What was made before is claimed; the rest is not, but for a former MTU, which does no harm."""
    kernel.add_link("tunl0", "ipip", mtu=1480)
    kernel.refused = {refused: errno.EINVAL}
    with pytest.raises(
        KernelRefused, match=r"^Invalid argument \(refused: ip .* dev tunl0|^Invalid argument \(refused: ip link"
    ):
        run(vips=[str(VIP)], mtu=1400)
    assert len(kernel.calls) == made + 1
    assert claims() == {"tunl0": {"mtu": 1480, **claimed}}


def test_refused_removal(kernel: Kernel) -> None:
    """It remains claimed, so that the next run removes it."""
    kernel.add_link("tunl0", "ipip", up=True)
    kernel.add_address("tunl0", f"{VIP}/32")
    kernel.add_route("tunl0", f"{VIP}/32")
    claim(tunl0={f"address {VIP}": None, f"route {VIP}": None})
    kernel.refused = {("addr", "del"): errno.EBUSY}
    with pytest.raises(KernelRefused, match=r"\(refused: ip address del 192\.168\.56\.185/32 dev tunl0\)$"):
        run(**ABSENT)
    assert claims() == {"tunl0": {f"address {VIP}": None}}


def test_removal_of_a_vip_with_a_network(kernel: Kernel) -> None:
    """With the length that the kernel has."""
    kernel.add_address("eth0", f"{VIP}/24")
    kernel.add_address("eth0", f"{VIP6}/64")
    claim(eth0={f"address {VIP}": None, f"address {VIP6}": None})
    assert run(device="eth0", **ABSENT) == [f"ip -6 address del {VIP6}/64 dev eth0", f"ip address del {VIP}/24 dev eth0"]
    assert kernel.calls == [
        ("addr", "del", {"index": 2, "address": str(VIP6), "prefixlen": 64}),
        ("addr", "del", {"index": 2, "address": str(VIP), "prefixlen": 24}),
    ]
    assert claims() == {}


@pytest.mark.parametrize("is_gone", [True, False])
def test_vip_that_goes_with_another_one(kernel: Kernel, is_gone: bool) -> None:
    """The kernel removes it with the first one of its network, and then does not find it: unless it is there still."""
    for vip in (OTHER, VIP):
        kernel.add_address("eth0", f"{vip}/24")
    claim(eth0={f"address {VIP}": None, f"address {OTHER}": None})
    call = kernel.call

    def remove(what: str, verb: str, **arguments: Any) -> None:
        call(what, verb, **arguments)
        if is_gone:
            kernel.addresses.clear()
        kernel.refused = {("addr", "del"): errno.EADDRNOTAVAIL}

    kernel.call = remove  # type: ignore[method-assign]
    if is_gone:
        assert run(device="eth0", **ABSENT) == [f"ip address del {OTHER}/24 dev eth0", f"ip address del {VIP}/24 dev eth0"]
        assert claims() == {}
    else:
        with pytest.raises(KernelRefused, match=rf"\(refused: ip address del {VIP}/24 dev eth0\)$"):
            run(device="eth0", **ABSENT)
        assert claims() == {"eth0": {f"address {VIP}": None}}


def test_deprecation_of_a_vip_with_a_network(kernel: Kernel) -> None:
    """Its network remains."""
    kernel.add_address("eth0", f"{VIP6}/64")
    assert run(device="eth0", vips=[str(VIP6)]) == [f"ip -6 address change {VIP6}/64 dev eth0 preferred_lft 0 nodad"]
    assert kernel.calls[0][2]["prefixlen"] == 64


def test_claims_come_before_changes(kernel: Kernel) -> None:
    """A run that is killed leaves nothing that is not claimed."""
    kernel.add_link("tunl0", "ipip")
    noted: list[Any] = []

    def kill(*_arguments: Any, **_options: Any) -> None:
        noted.append(json.loads(Path(state.STATE_FILE).read_text(encoding="utf-8"))["network"])
        raise KeyboardInterrupt

    kernel.call = kill  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(vips=[str(VIP)], **GUE)
    assert kernel.calls == [("fou", "add", (4, 6080, True))]
    device = {"unmanaged": None, "up": None, f"address {VIP}": None, f"route {VIP}": None}
    assert noted == [{"*": {"listener inet 6080": ["tunl0"]}, "tunl0": device}]


@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        (errno.EPERM, NotPermitted, "changing links, addresses and routes needs root"),
        (errno.EACCES, NotPermitted, "changing links, addresses and routes needs root"),
        (errno.ENOBUFS, KernelRefused, "No buffer space available (refused: ip link add tunl0 type ipip)"),
        (errno.EOPNOTSUPP, MissingKernelSupport, "device: tunl0 cannot be created, as this kernel has no tunnels of the"),
    ],
)
def test_refusal_in_words(kernel: Kernel, number: int, error: type[LvsError], says: str) -> None:
    """What was refused, or what to do."""
    kernel.refused = {("link", "add"): number}
    with pytest.raises(error, match=f"^{re.escape(says)}"):
        run()
    assert claims() == {}


def test_boot_files(kernel: Kernel) -> None:
    """The commands of what is owned and exists, in the two files."""
    kernel.add_link("tunl0", "ipip", mtu=1400, up=True)
    for vip in (VIP, OTHER):
        kernel.add_address("tunl0", f"{vip}/32")
        kernel.add_route("tunl0", f"{vip}/32")
    kernel.listeners = [fou.encode(Listener(4, 6080))]
    device: dict[str, Any] = {"mtu": 1480, "up": None, f"address {VIP}": None, f"route {VIP}": None}
    claim(tunl0=device, any={"listener inet 6080": ["tunl0"], "listener inet 6081": ["tunl0"]}, gone0={"up": None})
    with NetworkBackend() as backend:
        assert backend.owned_items() == [Listener(4, 6080), ADDRESS, Mtu("tunl0", 1400), ROUTE, UP]
        assert backend.boot_files() == {
            "modules": ["fou", "ipip"],
            "devices": [
                "ip link add tunl0 type ipip",
                "ip link set tunl0 mtu 1400",
                "ip fou add port 6080 gue",
                "ip link set tunl0 up",
            ],
            "vips": [
                f"ip address add {VIP}/32 dev tunl0",
                f"ip route append {VIP} dev tunl0 scope link proto static",
            ],
        }


def test_fallback_device_for_others(kernel: Kernel) -> None:
    """As arp_sysctl needs it: whether it was created."""
    with Links() as links:
        assert links.ensure_tunnel("gre0") is True
        kernel.refused = {("link", "add"): errno.EEXIST}
        assert links.ensure_tunnel("gre0") is False
        kernel.refused = {("link", "add"): errno.EINVAL}
        with pytest.raises(KernelRefused, match=r"^Invalid argument \(refused: ip link add gre0 type gre\)$"):
            links.ensure_tunnel("gre0")
    assert [call[2] for call in kernel.calls] == [{"ifname": "gre0", "kind": "gre"}] * 3
    assert kernel.closed == 1


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check mode goes on without it."""
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    monkeypatch.setattr(requirements, "advice", lambda need: f"install {need}")
    with pytest.raises(MissingLibrary, match=r"pyroute2 is missing for .*: install pyroute2"):
        NetworkBackend().__enter__()
