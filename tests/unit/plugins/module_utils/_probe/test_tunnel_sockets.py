# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a real server whose address is one of this host's loopback network; its answers are a test's."""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._net import packets
from ansible_collections.lvs.cluster.plugins.module_utils._probe.tunnel_probe import (
    ECHO,
    OPEN,
    REFUSED,
    SERVICE,
    SILENT,
    TUNNEL,
    ProbeFinding,
)
from ansible_collections.lvs.cluster.plugins.module_utils._probe.tunnel_sockets import send_probes

from .fake_network import FakeNetwork, FakeSocket
from .test_tunnel_probe import request

VIP, DIP, RIP = ip_address("192.0.2.9"), ip_address("127.0.0.1"), ip_address("127.0.0.2")
SYN, RST, ACK = 0x02, 0x04, 0x10
ETH_P_IP = socket.htons(0x0800)
HEADERS = {"ipip": 0, "gre": 4, "gue": 4}  # bytes between the outer IP or UDP header and the inner packet


def findings(*rows: dict[str, Any]) -> list[ProbeFinding]:
    """Of a short timeout, for a real server that answers at once or never."""
    common = {"vip": str(VIP), "rip": str(RIP)}
    return send_probes(request(*({**common, **row} for row in rows)).targets, 0.03)


def syn_of(packet: bytes) -> tuple[int, int, int, int]:
    """Of an inner packet: source port, destination port, sequence number, flags."""
    ports_and_sequence = struct.unpack("!HHI", packet[20:28])
    return (*ports_and_sequence, packet[33])


def answer(network: FakeNetwork, syn: bytes, flags: int, source: Any = VIP, skew: int = 1) -> None:
    """The answer of the real server to a SYN, from the VIP; it acknowledges the SYN's number and one."""
    client, service, sequence, _flags = syn_of(syn)
    packet = packets.tcp(source, DIP, (service, client), 1000, flags)
    acknowledged = struct.pack("!I", (sequence + skew) & 0xFFFFFFFF)
    network.deliver(socket.AF_PACKET, ETH_P_IP, packet[:28] + acknowledged + packet[32:], ("eth0",))


def real_server(network: FakeNetwork, flags: int, header: int = 0, **given: Any) -> list[bytes]:
    """A real server that answers every SYN alike; the inner packets that it gets."""
    inner_packets: list[bytes] = []

    def on_send(_sock: FakeSocket, packet: bytes, _address: tuple[Any, ...]) -> None:
        inner_packets.append(packet[header:])
        if syn_of(packet[header:])[3] == SYN:
            answer(network, packet[header:], flags, **given)

    network.on_send = on_send
    return inner_packets


@pytest.mark.parametrize("tunnel_type", ["ipip", "gre"])
def test_accepted(network: FakeNetwork, tunnel_type: str) -> None:
    """The connection is reset at once, and no more is sent."""
    inner_packets = real_server(network, SYN | ACK, HEADERS[tunnel_type])
    (finding,) = findings({"tunnel_type": tunnel_type})
    assert (finding.answer, finding.problem, finding.source) == (OPEN, "", DIP)
    assert finding.seconds is not None
    syn, reset = (syn_of(packet) for packet in inner_packets)
    assert syn[1:2] + syn[3:] == (8099, SYN)
    assert reset == (*syn[:2], (syn[2] + 1) & 0xFFFFFFFF, RST)
    assert inner_packets[0][12:20] == DIP.packed + VIP.packed
    assert network.sockets == []


@pytest.mark.usefixtures("network")
def test_packet_in_gue() -> None:
    """The kernel puts UDP around it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((str(RIP), 0))
        listener.settimeout(10)
        findings({"tunnel_type": "gue", "tunnel_port": listener.getsockname()[1]})
        packet = listener.recv(2048)
    assert packet[: HEADERS["gue"]] == bytes([0, 4, 0, 0])  # version 0, IPv4 follows, no flags
    assert syn_of(packet[HEADERS["gue"] :])[1::2] == (8099, SYN)


def test_refused(network: FakeNetwork) -> None:
    inner_packets = real_server(network, RST | ACK)
    (finding,) = findings({})
    assert (finding.answer, len(inner_packets)) == (REFUSED, 1)


@pytest.mark.parametrize("given", [{"source": RIP}, {"skew": 2}])
def test_answers_to_others(network: FakeNetwork, given: dict[str, Any]) -> None:
    """From another address, or to another SYN."""
    real_server(network, SYN | ACK, **given)
    (finding,) = findings({})
    assert (finding.answer, finding.seconds) == (SILENT, None)


def test_targets_are_told_apart(network: FakeNetwork) -> None:
    def on_send(_sock: FakeSocket, packet: bytes, _address: tuple[Any, ...]) -> None:
        if syn_of(packet)[3] == SYN:
            answer(network, packet, {80: SYN | ACK, 81: RST | ACK}.get(syn_of(packet)[1], 0))

    network.on_send = on_send
    accepted, refused, silent = findings({"port": 80}, {"port": 81}, {"port": 82})
    assert [finding.answer for finding in (accepted, refused, silent)] == [OPEN, REFUSED, SILENT]


def reject(network: FakeNetwork, packet: bytes, by: Any) -> None:
    """A firewall prohibits a packet."""
    network.deliver(socket.AF_PACKET, ETH_P_IP, packets.ip(by, DIP, 1, struct.pack("!BB6x", 3, 13) + packet), ("eth0",))


@pytest.mark.parametrize(("tunnel_type", "protocol", "other"), [("ipip", 4, "gre"), ("gre", 47, "ipip")])
def test_tunnel_that_a_firewall_rejects(network: FakeNetwork, tunnel_type: str, protocol: int, other: str) -> None:
    """Not one of another kind to the same host."""

    def on_send(sock: FakeSocket, packet: bytes, _address: tuple[Any, ...]) -> None:
        if sock.protocol == protocol:
            reject(network, packets.ip(DIP, RIP, protocol, packet), RIP)

    network.on_send = on_send
    found, silent = findings({"tunnel_type": tunnel_type}, {"tunnel_type": other, "port": 81})
    assert (found.rejected, found.rejected_by, found.answer) == (TUNNEL, RIP, SILENT)
    assert (silent.rejected, silent.answer) == ("", SILENT)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_service_that_a_firewall_rejects(network: FakeNetwork, protocol: str) -> None:
    """Of the probe that it was."""

    def on_send(_sock: FakeSocket, packet: bytes, _address: tuple[Any, ...]) -> None:
        if packet[20:] and (protocol == "udp" or syn_of(packet)[1] == 80):
            reject(network, packet, VIP)

    network.on_send = on_send
    found, other = findings({"port": 80, "protocol": protocol}, {"port": 81, "protocol": "tcp"})
    assert (found.rejected, found.rejected_by) == (SERVICE, VIP)
    assert other.rejected == ("" if protocol == "tcp" else SERVICE)


def test_echo_request_of_another_protocol(network: FakeNetwork) -> None:
    def on_send(sock: FakeSocket, packet: bytes, _address: tuple[Any, ...]) -> None:
        if sock.protocol == 4:
            reply = b"\0" + packet[21:]
            network.deliver(socket.AF_PACKET, ETH_P_IP, packets.ip(VIP, DIP, 1, reply), ("eth0",))

    network.on_send = on_send
    (finding,) = findings({"protocol": "udp"})
    assert finding.answer == ECHO


def test_direct_answer_of_a_real_server_that_is_silent(network: FakeNetwork) -> None:
    attempts = real_server(network, 0)
    with socket.create_server((str(RIP), 0)) as listener:
        port = listener.getsockname()[1]
        (accepting,) = findings({"port": port})
    (refusing,) = findings({"port": port})
    assert [(finding.answer, finding.direct_answer) for finding in (accepting, refusing)] == [
        (SILENT, OPEN),
        (SILENT, REFUSED),
    ]
    assert len(attempts) == 2 * 3


def test_masquerade_is_probed_directly(network: FakeNetwork) -> None:
    inner_packets = real_server(network, 0)
    with socket.create_server((str(RIP), 0)) as listener:
        (finding,) = findings({"forward": "masquerade", "rport": listener.getsockname()[1]})
    assert (finding.answer, inner_packets) == (OPEN, [])


def test_what_cannot_be_sent(network: FakeNetwork) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.EPERM, "")

    network.on_send = refuse
    (finding,) = findings({})
    assert finding.problem == (
        f"nothing can be sent to {RIP} through the IPIP tunnel (Operation not permitted): let its firewall send that"
    )


def test_targets_that_are_not_probed(network: FakeNetwork) -> None:
    """One that is no neighbour's."""
    inner_packets = real_server(network, SYN | ACK)
    (routed,) = findings({"forward": "route"})
    assert routed.problem.startswith(f"is no neighbour of this host: direct routing needs {RIP} to answer ARP")
    assert inner_packets == []


def test_raw_socket_needs_root(monkeypatch: pytest.MonkeyPatch, network: FakeNetwork) -> None:
    def refuse(family: int, kind: int, protocol: int = 0) -> Any:
        if kind == socket.SOCK_RAW and protocol == 4:
            raise PermissionError
        return network.socket(family, kind, protocol)

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(NotPermitted, match="probing through tunnels needs root"):
        findings({})
