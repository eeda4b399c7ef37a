# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Echo requests to hosts that answer, that drop large ones, and that are silent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import packets
from ansible_collections.lvs.cluster.plugins.module_utils._probe.echo import (
    EchoRequest,
    echo_reply,
    echo_request,
    ping,
)

from .fake_network import FakeNetwork, FakeSocket

RIP, RIP6 = ip_address("192.0.2.3"), ip_address("2001:db8::3")
IP_HEADER = {4: 20, 6: 40}
REPLY_TYPE = {4: 0, 6: 129}


def answer(network: FakeNetwork, version: int, request: bytes, origin: str) -> None:
    """The reply of a host; a raw socket of IPv4 receives the IP header, too."""
    reply = bytes([REPLY_TYPE[version]]) + request[1:]
    if version == 4:
        reply = packets.ip(ip_address(origin), ip_address("192.0.2.1"), 1, reply)
    family = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
    network.deliver(family, {4: 1, 6: 58}[version], reply, (origin, 0))


def hosts(network: FakeNetwork, **mtu: int) -> None:
    """Hosts that answer requests up to a size."""
    sizes = {"192.0.2.3": mtu.get("rs4", 0), "2001:db8::3": mtu.get("rs6", 0)}

    def on_send(_sock: FakeSocket, packet: bytes, address: tuple[Any, ...]) -> None:
        version = ip_address(address[0]).version
        if len(packet) + IP_HEADER[version] <= sizes[address[0]]:
            answer(network, version, packet, address[0])

    network.on_send = on_send


def test_sizes_that_arrive(network: FakeNetwork) -> None:
    hosts(network, rs4=1400, rs6=1500)
    requests = [EchoRequest(rip, size) for rip in (RIP, RIP6) for size in (64, 1400, 1500)]
    answered = ping(requests, 0.03)
    assert set(answered) == {*requests} - {EchoRequest(RIP, 1500)}
    assert all(0 <= seconds < 5 for seconds in answered.values())
    assert network.sockets == []  # all are closed


def test_packets_must_not_be_fragmented(network: FakeNetwork) -> None:
    """IP_MTU_DISCOVER, IPV6_MTU_DISCOVER and IPV6_DONTFRAG of Linux."""
    options: dict[int, list[Any]] = {}
    network.on_send = lambda sock, _packet, _address: options.update({sock.family: sock.options})
    ping([EchoRequest(RIP, 64), EchoRequest(RIP6, 64)], 0)
    assert (0, 10, 3) in options[socket.AF_INET]
    assert {(41, 23, 3), (41, 62, 1)} <= set(options[socket.AF_INET6])


def test_a_lost_request_is_sent_again(network: FakeNetwork) -> None:
    attempts: list[bytes] = []

    def on_send(_sock: FakeSocket, packet: bytes, address: tuple[Any, ...]) -> None:
        attempts.append(packet)
        if len(attempts) == 3:
            answer(network, 4, packet, address[0])

    network.on_send = on_send
    assert set(ping([EchoRequest(RIP, 64)], 0.03)) == {(RIP, 64)}


def other_identity(network: FakeNetwork, packet: bytes, origin: str) -> None:
    answer(network, 4, packet[:4] + bytes([packet[4] ^ 1]) + packet[5:], origin)


def other_number(network: FakeNetwork, packet: bytes, origin: str) -> None:
    answer(network, 4, packet[:7] + bytes([packet[7] + 1]) + packet[8:], origin)


def other_host(network: FakeNetwork, packet: bytes, _origin: str) -> None:
    answer(network, 4, packet, "192.0.2.4")


def fragment(network: FakeNetwork, _packet: bytes, origin: str) -> None:
    network.deliver(socket.AF_INET, 1, b"", (origin, 0))


@pytest.mark.parametrize("reply", [other_identity, other_number, other_host, fragment])
def test_replies_to_others(network: FakeNetwork, reply: Callable[[FakeNetwork, bytes, str], None]) -> None:
    network.on_send = lambda _sock, packet, address: reply(network, packet, address[0])
    assert ping([EchoRequest(RIP, 64)], 0.03) == {}


def test_request_that_the_firewall_of_this_host_refuses(network: FakeNetwork) -> None:
    def refuse(*_arguments: Any) -> None:
        raise PermissionError

    network.on_send = refuse
    assert ping([EchoRequest(RIP, 64)], 0.03) == {}


def test_echo_request() -> None:
    """RFC 792: 64 bytes with the IP header, and a checksum; RFC 4443: the kernel's."""
    message = echo_request(4, 0x1234, 5, 64)
    assert (len(message), message[:2], message[4:8]) == (44, b"\x08\x00", bytes.fromhex("12340005"))
    assert packets.checksum(message) == 0
    assert echo_request(6, 0x1234, 5, 64) == bytes.fromhex("8000 0000 1234 0005") + bytes(16)


def test_echo_reply() -> None:
    """With an IPv4 header of any length, or without an IPv6 header."""
    reply = bytes.fromhex("0000 ffff 1234 0005")
    assert echo_reply(4, b"\x45" + bytes(19) + reply) == (0x1234, 5)
    assert echo_reply(4, b"\x46" + bytes(23) + reply) == (0x1234, 5)
    assert echo_reply(6, b"\x81" + reply[1:]) == (0x1234, 5)
    for version, packet in ((4, b""), (4, b"\x45" + bytes(19) + b"\x08" + reply[1:]), (6, reply), (6, b"\x81")):
        assert echo_reply(version, packet) is None
