# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Packets as IPVS sends them to a real server, and the replies: bytes from values, and values from bytes.

Sources: RFC 791, RFC 8200 and RFC 9293 (headers), RFC 792 and RFC 4443 (echo, errors), RFC 1071 (checksum), RFC 2784 (GRE);
include/net/gue.h of Linux (GUE); include/uapi/linux/filter.h and bpf_common.h (filters).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

from .._core.values import Address

ICMP = {4: 1, 6: 58}  # the protocols, by address family
TCP = 6
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
SYN, RST, ACK = 0x02, 0x04, 0x10

_IPV4 = struct.Struct("!BBHHHBBH4s4s")  # version and length, service, size, identity, fragment, TTL, protocol, sum, addresses
_IPV6 = struct.Struct("!IHBB16s16s")  # version and labels, payload's length, next header, hop limit, source, destination
_TCP = struct.Struct("!HHIIBBHHH")  # ports, sequence, acknowledged, length, flags, window, checksum, urgent
_ECHO = struct.Struct("!BBHHH")  # type, code, checksum, identity, sequence
_ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
_UNREACHABLE = {4: 3, 6: 1}  # ICMP types
# The codes with which firewalls reject: of RFC 1812, 5.2.7.1, a network, a host, or a packet is prohibited; RFC 4443, 3.1.
_PROHIBITED = {4: (9, 10, 13), 6: (1,)}
_ICMP_HEADER = 8  # bytes before the packet that an error is about
_TTL = 64
_WINDOW = 65535
_IP_PROTOCOL = {4: 4, 6: 41}  # of a packet within a packet
_GRE_CHECKSUM = 0x8000

_FILTER = struct.Struct("=HBBI")  # sock_filter: code, where to jump if true and if false, value
_LD_BYTE, _LD_BYTE_X, _LD_HALF_X, _LDX_IMM, _LDX_IPV4_LENGTH = 0x30, 0x50, 0x48, 0x01, 0xB1
_JEQ, _JGE, _JGT, _RET = 0x15, 0x35, 0x25, 0x06
_WHOLE_PACKET = 0xFFFF  # bytes that a filter lets pass


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _with_checksum(source: Address, destination: Address, protocol: int, message: bytes, place: int) -> bytes:
    """The message with its checksum, which covers the addresses, too (RFC 9293, 3.1; RFC 8200, 8.1)."""
    pseudo_header = source.packed + destination.packed + struct.pack("!II", len(message), protocol)
    return message[:place] + struct.pack("!H", checksum(pseudo_header + message)) + message[place + 2 :]


def ip(source: Address, destination: Address, protocol: int, payload: bytes, hop_limit: int = _TTL) -> bytes:
    """An IPv4 or IPv6 packet."""
    if source.version == 6:
        return _IPV6.pack(6 << 28, len(payload), protocol, hop_limit, source.packed, destination.packed) + payload
    size = _IPV4.size + len(payload)
    header = _IPV4.pack(0x45, 0, size, 0, 0, hop_limit, protocol, 0, source.packed, destination.packed)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def icmpv6(source: Address, destination: Address, message: bytes, hop_limit: int = _TTL) -> bytes:
    """A packet with an ICMPv6 message, and its checksum (RFC 4443, 2.3)."""
    return ip(source, destination, ICMP[6], _with_checksum(source, destination, ICMP[6], message, 2), hop_limit)


def tcp(source: Address, destination: Address, ports: tuple[int, int], sequence: int, flags: int) -> bytes:
    """A TCP packet without data, from the first port to the second."""
    segment = _TCP.pack(*ports, sequence & 0xFFFFFFFF, 0, _TCP.size // 4 << 4, flags, _WINDOW, 0, 0)
    return ip(source, destination, TCP, _with_checksum(source, destination, TCP, segment, 16))


def echo_message(version: int, identity: int, sequence: int, payload: bytes = b"") -> bytes:
    """An echo request; without the checksum of ICMPv6, which covers the addresses, too."""
    message = _ECHO.pack(_ECHO_REQUEST[version], 0, 0, identity, sequence) + payload
    return message if version == 6 else message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def echoed(version: int, message: bytes) -> tuple[int, int] | None:
    """Identity and sequence number of an echo reply; None where it is another message."""
    if len(message) < _ECHO.size:
        return None
    kind, code, _sum, identity, sequence = _ECHO.unpack_from(message)
    return (identity, sequence) if (kind, code) == (ECHO_REPLY[version], 0) else None


def echo(source: Address, destination: Address, identity: int, sequence: int) -> bytes:
    """A packet with an echo request."""
    message = echo_message(source.version, identity, sequence)
    if source.version == 6:
        return icmpv6(source, destination, message)
    return ip(source, destination, ICMP[4], message)


def gre(packet: bytes, version: int, with_checksum: bool) -> bytes:
    """The packet with a GRE header (RFC 2784)."""
    if not with_checksum:
        return struct.pack("!HH", 0, ETHERTYPE[version]) + packet
    header = struct.pack("!HHHH", _GRE_CHECKSUM, ETHERTYPE[version], 0, 0)
    return header[:4] + struct.pack("!HH", checksum(header + packet), 0) + packet


def gue(packet: bytes, version: int) -> bytes:
    """The packet with a GUE header, to be sent over UDP: version 0, no flags, and the protocol of the packet."""
    return struct.pack("!BBH", 0, _IP_PROTOCOL[version], 0) + packet


class Reply(NamedTuple):
    """A reply to a TCP packet or to an echo request."""

    source: Address
    refused: bool  # a TCP reset
    port: int | None  # source port of TCP; None: an echo reply
    to: int  # destination port of TCP, or the identity of the echo
    number: int  # the acknowledged sequence number, or that of the echo


def reply(packet: bytes) -> Reply | None:
    """The reply in a packet that starts with its IP header; None where it is another packet."""
    found = _unpacked(packet)
    if found is None:
        return None
    sender, _destination, protocol, message = found
    if protocol == ICMP[sender.version]:
        identity_and_sequence = echoed(sender.version, message)
        return None if identity_and_sequence is None else Reply(sender, False, None, *identity_and_sequence)
    if protocol != TCP or len(message) < _TCP.size:
        return None
    port, to, _sequence, acknowledged, _length, flags, _window, _sum, _urgent = _TCP.unpack_from(message)
    if not flags & ACK or not flags & (SYN | RST):
        return None
    return Reply(sender, bool(flags & RST), port, to, acknowledged)


class Rejection(NamedTuple):
    """An error that says that a packet is prohibited, and what is known of that packet."""

    by: Address
    destination: Address
    protocol: int
    payload: bytes  # its beginning


def rejection(packet: bytes) -> Rejection | None:
    """The rejection in a packet that starts with its IP header; None where it is another packet."""
    outer = _unpacked(packet)
    if outer is None or outer.protocol != ICMP[outer.source.version] or len(outer.payload) < _ICMP_HEADER:
        return None
    version = outer.source.version
    if outer.payload[0] != _UNREACHABLE[version] or outer.payload[1] not in _PROHIBITED[version]:
        return None
    inner = _unpacked(outer.payload[_ICMP_HEADER:])
    return None if inner is None else Rejection(outer.source, inner.destination, inner.protocol, inner.payload)


class _Packet(NamedTuple):
    source: Address
    destination: Address
    protocol: int
    payload: bytes


def _unpacked(packet: bytes) -> _Packet | None:
    """The parts of a packet that count here; None where it is none."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= _IPV4.size:
        start, protocol, addresses = (packet[0] & 0xF) * 4, packet[9], (packet[12:16], packet[16:20])
    elif version == 6 and len(packet) >= _IPV6.size:
        start, protocol, addresses = _IPV6.size, packet[6], (packet[8:24], packet[24:40])
    else:
        return None
    source, destination = map(ipaddress.ip_address, addresses)
    return _Packet(source, destination, protocol, packet[start:])


def reply_filter(version: int, ports: range, identity: int) -> bytes:
    """A classic BPF program that accepts packets to these TCP ports, echo messages of this identity, and errors.

    The socket of a director would otherwise receive all packets of its clients.
    """
    protocol, header = {4: (9, (_LDX_IPV4_LENGTH, 0, 0, 0)), 6: (6, (_LDX_IMM, 0, 0, _IPV6.size))}[version]
    program = [
        (_LD_BYTE, 0, 0, protocol),
        header,
        (_JEQ, 0, 3, TCP),
        (_LD_HALF_X, 0, 0, 2),
        (_JGE, 0, 7, ports.start),
        (_JGT, 6, 5, ports.stop - 1),
        (_JEQ, 0, 5, ICMP[version]),
        (_LD_BYTE_X, 0, 0, 0),
        (_JEQ, 2, 0, _UNREACHABLE[version]),
        (_LD_HALF_X, 0, 0, 4),
        (_JEQ, 0, 1, identity),
        (_RET, 0, 0, _WHOLE_PACKET),
        (_RET, 0, 0, 0),
    ]
    return b"".join(_FILTER.pack(*step) for step in program)
