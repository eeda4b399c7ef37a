# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Announcements of a VIP: the devices on which it is announced, how often, and the bytes."""

from __future__ import annotations

import errno
import socket
import time
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._net import announce, neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device

VIP, VIP6 = ip_address("192.0.2.185"), ip_address("2001:db8::185")
MAC = bytes.fromhex("020000000001")
NETWORKS: tuple[Any, ...] = (ip_interface("192.0.2.2/24"), ip_interface("2001:db8::2/64"))
ETH0 = Device(2, "eth0", MAC, True, NETWORKS)
DEVICES = [
    Device(1, "lo", bytes(6), False, (ip_interface("127.0.0.1/8"),)),
    ETH0,
    Device(3, "eth1", MAC, True, (ip_interface("198.51.100.2/24"),)),
    Device(4, "tunl0", b"", False, NETWORKS),
]
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
def sock(monkeypatch: pytest.MonkeyPatch) -> Socket:
    """The socket of the sender, on a host with these devices."""
    sock = Socket()
    monkeypatch.setattr(socket, "socket", sock)
    monkeypatch.setattr(announce, "devices", lambda: DEVICES)
    monkeypatch.setattr(time, "sleep", sock.pauses.append)
    return sock


@pytest.mark.usefixtures("sock")
def test_facing() -> None:
    """The devices with neighbours in the network of the VIP."""
    assert announce.facing(VIP) == announce.facing(VIP6) == ["eth0"]
    assert announce.facing(ip_address("198.51.100.9")) == ["eth1"]
    assert announce.facing(ip_address("203.0.113.7")) == []


def test_ipv4(sock: Socket) -> None:
    """A gratuitous ARP request to all, three times within 0.1 s; not on a device without neighbours."""
    announce.announce(VIP, ["eth0", "tunl0", "gone0"])
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
    announce.announce(VIP6, ["eth0"])
    packet = neighbour.advertisement(MAC, VIP6, router)
    assert sock.sent == [(packet, ("eth0", IPV6, 0, 0, bytes.fromhex("333300000001")))] * 3
    assert set(paths) == {"/proc/sys/net/ipv6/conf/eth0/forwarding"}


def test_nowhere(sock: Socket) -> None:
    """No device, no packet, no pause."""
    announce.announce(VIP, [])
    announce.announce(VIP, ["lo", "tunl0"])
    assert (sock.sent, sock.pauses) == ([], [])


def test_device_that_just_went_down(sock: Socket) -> None:
    """Like a lost packet."""
    sock.errors["sendto"] = OSError(errno.ENETDOWN, "down")
    announce.announce(VIP, ["eth0"])
    assert (sock.sent, sock.closed) == ([], 1)


def test_without_root(sock: Socket) -> None:
    """The message says what to do."""
    sock.errors["socket"] = PermissionError(errno.EPERM, "no")
    with pytest.raises(NotPermitted, match=r"^sending to neighbours needs root"):
        announce.announce(VIP, ["eth0"])


def test_solicitation(sock: Socket) -> None:
    """To all of Ethernet, or to the solicited-node group."""
    with neighbour.Sender() as sender:
        sender.solicit(ETH0, ip_address("0.0.0.0"), VIP)
        sender.solicit(ETH0, ip_address("::"), VIP6)
    assert sock.sent == [
        (neighbour.arp_request(MAC, ip_address("0.0.0.0"), VIP), ("eth0", ARP, 0, 0, b"\xff" * 6)),
        (neighbour.solicitation(MAC, ip_address("::"), VIP6), ("eth0", IPV6, 0, 0, bytes.fromhex("3333ff000185"))),
    ]
