# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Announcements of a VIP: the devices on which it is announced, how often, and the bytes."""

from __future__ import annotations

import errno
import socket
import time
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._net import announce, neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net import route as routing
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device

VIP, VIP6, FLOATING = ip_address("192.0.2.185"), ip_address("2001:db8::185"), ip_address("203.0.113.7")
MAC = bytes.fromhex("020000000001")


def device(index: int, name: str, has_neighbours: bool, *interfaces: str) -> Device:
    """A device with these addresses."""
    held = [ip_interface(interface) for interface in interfaces]
    networks = tuple(address for address in held if address.network.num_addresses > 1)
    return Device(index, name, MAC, has_neighbours, networks, tuple(address.ip for address in held))


LO = device(1, "lo", False, "127.0.0.1/8")
ETH0 = device(2, "eth0", True, "192.0.2.2/24", "2001:db8::2/64")
ETH1 = device(3, "eth1", True, "198.51.100.2/24")
TUNL0 = device(4, "tunl0", False, "192.0.2.3/24")
PORT = device(5, "port0", True)  # of a bridge: it has no address
DEVICES = [LO, ETH0, ETH1, TUNL0, PORT]
ARP, IPV6 = 0x0806, 0x86DD


class Socket:
    """A packet socket that keeps what is sent."""

    sent: list[tuple[bytes, Any]]
    pauses: list[float]
    closed = 0
    errors: dict[str, OSError]

    def __init__(self) -> None:
        self.sent, self.pauses, self.errors = [], [], {}

    def __call__(self, family: int, kind: int, protocol: int) -> Socket:
        """A new socket."""
        assert (family, kind, protocol) == (socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        if "socket" in self.errors:
            raise self.errors["socket"]
        return self

    def sendto(self, packet: bytes, address: Any) -> None:
        """Send a packet."""
        if "sendto" in self.errors:
            raise self.errors["sendto"]
        self.sent.append((packet, address))

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@pytest.fixture
def sock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Socket:
    """The socket of the sender, on a host with these devices and without routes."""
    sock = Socket()
    monkeypatch.setattr(socket, "socket", sock)
    monkeypatch.setattr(announce, "devices", lambda: DEVICES)
    monkeypatch.setattr(routing, "_ROUTES", str(tmp_path / "route"))
    monkeypatch.setattr(time, "sleep", sock.pauses.append)
    return sock


@pytest.mark.parametrize(
    ("vip", "holder", "defaults", "names"),
    [
        # Those that face it, and the one that holds it.
        (VIP, "tunl0", {"eth1"}, ["eth0"]),
        (VIP, "eth0", {"eth1"}, ["eth0"]),
        (VIP, "eth1", set(), ["eth0", "eth1"]),
        (VIP6, "lo", set(), ["eth0"]),
        (VIP6, "eth1", set(), ["eth0", "eth1"]),
        # None faces it: the one that holds it.
        (FLOATING, "eth1", {"eth0"}, ["eth1"]),
        (FLOATING, "port0", {"eth0"}, ["port0"]),
        (ip_address("2001:db8:1::7"), "eth1", set(), ["eth1"]),
        # That one has no neighbours either: the default route's, or any with an address.
        (FLOATING, "tunl0", {"eth0"}, ["eth0"]),
        (FLOATING, "lo", {"eth0", "eth1"}, ["eth0", "eth1"]),
        (FLOATING, "tunl0", set(), ["eth0", "eth1"]),
        (FLOATING, "tunl0", {"tunl0"}, ["eth0", "eth1"]),
        # The kernel answers for an IPv6 VIP on no other device.
        (ip_address("2001:db8:1::7"), "lo", {"eth0"}, []),
    ],
)
def test_devices(vip: Any, holder: str, defaults: set[str], names: list[str]) -> None:
    """Where a VIP is announced."""
    assert [chosen.name for chosen in announce.devices_for(vip, [holder], DEVICES, defaults)] == names


def test_host_addresses_alone() -> None:
    """As directors with a /32 address have them."""
    eth0 = device(2, "eth0", True, "192.0.2.2/32")
    assert announce.devices_for(VIP, ["tunl0"], [LO, eth0, PORT], set()) == [eth0]
    assert announce.devices_for(VIP, ["lo"], [LO], set()) == []


HEADING = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"


def route(name: str, destination: str, mask: str) -> str:
    """A line as the kernel writes it."""
    return f"{name}\t{destination}\t010200C0\t0003\t0\t0\t0\t{mask}\t0\t0\t0\n"


def test_default_routes(sock: Socket, tmp_path: Path) -> None:
    """Of the host: what comes behind them is not read."""
    routes = [
        route("eth0", "00000000", "000000FF"),
        route("eth1", "00000000", "00000000"),
        route("tunl0", "00000000", "00000000"),
        route("eth0", "000200C0", "00FFFFFF"),
        route("eth0", "00000000", "00000000"),
    ]
    (tmp_path / "route").write_text(HEADING + "".join(routes))
    announce.announce({FLOATING: ["tunl0"]})
    assert {address[0] for _packet, address in sock.sent} == {"eth1"}
    (tmp_path / "route").write_text(HEADING)
    sock.sent.clear()
    announce.announce({FLOATING: ["tunl0"]})
    assert {address[0] for _packet, address in sock.sent} == {"eth0", "eth1"}


def test_ipv4(sock: Socket) -> None:
    """A gratuitous ARP request to all, three times within 0.1 s; not on a device without neighbours."""
    announce.announce({VIP: ["tunl0", "gone0"]})
    packet = neighbour.arp_request(MAC, VIP, VIP)
    assert sock.sent == [(packet, ("eth0", ARP, 0, 0, b"\xff" * 6))] * 3
    assert sock.pauses == [0.05, 0.05]
    assert sock.closed == 1


@pytest.mark.parametrize(("forwarding", "router"), [("0\n", False), ("1\n", True), (None, False)])
def test_ipv6(sock: Socket, monkeypatch: pytest.MonkeyPatch, forwarding: str | None, router: bool) -> None:
    """An unsolicited advertisement to all nodes; a router says that it is one."""
    paths = []

    def read_text(path: str) -> str | None:
        paths.append(path)
        return forwarding

    monkeypatch.setattr(files, "read_text", read_text)
    announce.announce({VIP6: ["eth0"]})
    packet = neighbour.advertisement(MAC, VIP6, router)
    assert sock.sent == [(packet, ("eth0", IPV6, 0, 0, bytes.fromhex("333300000001")))] * 3
    assert set(paths) == {"/proc/sys/net/ipv6/conf/eth0/forwarding"}


def test_many_vips_take_no_longer(sock: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The devices are read once, and each round has all VIPs."""
    reads: list[str] = []

    def devices() -> list[Device]:
        reads.append("devices")
        return DEVICES

    monkeypatch.setattr(announce, "devices", devices)
    vips = [VIP, VIP6, ip_address("192.0.2.186"), ip_address("2001:db8::186")]
    announce.announce({vip: ["eth0"] for vip in vips})
    assert (len(sock.sent), sock.pauses, sock.closed) == (3 * len(vips), [0.05, 0.05], 1)
    assert len({packet for packet, _address in sock.sent[: len(vips)]}) == len(vips)
    assert reads == ["devices"]


def test_nowhere(sock: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """No device, no packet, no pause."""
    announce.announce({})
    announce.announce({ip_address("2001:db8:1::7"): ["lo"]})
    monkeypatch.setattr(announce, "devices", lambda: [LO, TUNL0])
    announce.announce({VIP: ["lo", "tunl0"]})
    assert (sock.sent, sock.pauses) == ([], [])


def test_device_that_just_went_down(sock: Socket) -> None:
    """Like a lost packet."""
    sock.errors["sendto"] = OSError(errno.ENETDOWN, "down")
    announce.announce({VIP: ["eth0"]})
    assert (sock.sent, sock.closed) == ([], 1)


def test_without_root(sock: Socket) -> None:
    """The message says what to do."""
    sock.errors["socket"] = PermissionError(errno.EPERM, "no")
    with pytest.raises(NotPermitted, match=r"^sending to neighbours needs root"):
        announce.announce({VIP: ["eth0"]})


def test_solicitation(sock: Socket) -> None:
    """To all of Ethernet, or to the solicited-node group."""
    with neighbour.Sender() as sender:
        sender.solicit(ETH0, ip_address("0.0.0.0"), VIP)
        sender.solicit(ETH0, ip_address("::"), VIP6)
    assert sock.sent == [
        (neighbour.arp_request(MAC, ip_address("0.0.0.0"), VIP), ("eth0", ARP, 0, 0, b"\xff" * 6)),
        (neighbour.solicitation(MAC, ip_address("::"), VIP6), ("eth0", IPV6, 0, 0, bytes.fromhex("3333ff000185"))),
    ]
