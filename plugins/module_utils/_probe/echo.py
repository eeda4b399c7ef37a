# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Echo requests that must not be fragmented, to many real servers together.

Sources: RFC 792 and RFC 4443; include/uapi/linux/in.h and in6.h of Linux; ip(7), ipv6(7), raw(7).
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import NamedTuple

from .._core.values import Address
from .._net import packets, tunnel
from .sockets import RECEIVE_BYTES, open_icmp_socket, poll_until

SMALL = 64  # bytes of a small request, with the IP header

_ATTEMPTS = 3
_ECHO_HEADER = 8  # bytes

# Options of sockets; Python's socket has no names for them. With PROBE, packets go out whole even above a path MTU that the
# kernel has learned.
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _IPV6_DONTFRAG = 10, 23, 62
_PMTUDISC_PROBE = 3


class EchoRequest(NamedTuple):
    """An echo request to a RIP."""

    rip: Address
    size: int  # bytes, with the IP header


def ping(requests: Iterable[EchoRequest], timeout: float) -> dict[EchoRequest, float]:
    """The seconds until the reply to each request that was answered; a request is sent three times within the timeout.

    :raises NotPermitted: without root
    """
    exchange = _Exchange(requests)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        sockets = {}
        for version in {request.rip.version for request in exchange.pending.values()}:
            sockets[version] = stack.enter_context(_open_echo_socket(version))
            on_packet = functools.partial(exchange.on_packet, version)
            selector.register(sockets[version], selectors.EVENT_READ, on_packet)
        for _attempt in range(_ATTEMPTS):
            for sequence, request in list(exchange.pending.items()):
                # This host's firewall may refuse to send it: the request has no answer then.
                with contextlib.suppress(OSError):
                    exchange.send(sockets[request.rip.version], sequence, request)
                poll_until(selector, 0)
            poll_until(selector, timeout / _ATTEMPTS, lambda: not exchange.pending)
    return exchange.answered


class _Exchange:
    """The requests under way, and how long the others took."""

    def __init__(self, requests: Iterable[EchoRequest]) -> None:
        self.pending = dict(enumerate(requests))  # by sequence number
        self.answered: dict[EchoRequest, float] = {}  # seconds
        self._sent: dict[int, float] = {}
        self._identity = int.from_bytes(os.urandom(2), "big")

    def send(self, sock: socket.socket, sequence: int, request: EchoRequest) -> None:
        """Send a request, or send it again."""
        self._sent.setdefault(sequence, time.monotonic())
        message = echo_request(request.rip.version, self._identity, sequence, request.size)
        sock.sendto(message, (str(request.rip), 0))

    def on_packet(self, version: int, sock: socket.socket) -> None:
        """Read a packet of ICMP."""
        packet, origin = sock.recvfrom(RECEIVE_BYTES, socket.MSG_DONTWAIT)
        reply = echo_reply(version, packet)
        if reply is None or reply[0] != self._identity or reply[1] not in self.pending:
            return
        sequence = reply[1]
        if self.pending[sequence].rip == ipaddress.ip_address(origin[0].partition("%")[0]):
            self.answered[self.pending.pop(sequence)] = time.monotonic() - self._sent[sequence]


def echo_request(version: int, identity: int, sequence: int, size: int) -> bytes:
    """An echo request of a size that includes the IP header, which the kernel puts before it."""
    # The kernel puts in the checksum of ICMPv6.
    return packets.echo_message(version, identity, sequence, bytes(size - tunnel.IP_HEADER[version] - _ECHO_HEADER))


def echo_reply(version: int, packet: bytes) -> tuple[int, int] | None:
    """Identity and sequence number of an echo reply, as a raw socket receives it; None if it is something else."""
    if version == 4 and packet:  # a raw socket of IPv4 receives the IP header, too
        packet = packet[(packet[0] & 0xF) * 4 :]
    return packets.echoed(version, packet)


def _open_echo_socket(version: int) -> socket.socket:
    sock = open_icmp_socket(version, packets.ECHO_REPLY[version])
    if version == 4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)
    return sock
