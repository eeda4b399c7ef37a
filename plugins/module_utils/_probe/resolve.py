# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which neighbours hold an address: queries by ARP and neighbour discovery, all under way together.

Sources: RFC 5227 and RFC 4862 (probes), RFC 4861 (hop limit); include/uapi/linux/in6.h of Linux; ipv6(7), packet(7).
"""

from __future__ import annotations

import ipaddress
import selectors
import socket
import struct
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from .._core.values import Address
from .._net import neighbour
from .sockets import RECEIVE_BYTES, open_icmp_socket, open_socket, poll_until

WAIT = 0.5  # seconds for the last answer; a neighbour answers within milliseconds
_ATTEMPTS = 3
_INTERVAL = 0.1  # seconds from one attempt to the next
_ANCILLARY_BYTES = 256
_UNSPECIFIED: dict[int, Address] = {4: ipaddress.IPv4Address(0), 6: ipaddress.IPv6Address(0)}

# Options of sockets; Python's socket has no names for all of them.
_IPV6_RECVPKTINFO, _IPV6_PKTINFO, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 49, 50, 51, 52
_PKTINFO = struct.Struct("=16si")  # in6_pktinfo: address, index of the device


@dataclass(frozen=True)
class NeighbourQuery:
    """A query on one device for the MAC address of a target.

    From an unspecified source, it is a probe: neighbours do not learn this host's address from it, and several may answer.
    """

    device: neighbour.Device
    target: Address
    source: Address

    @property
    def is_probe(self) -> bool:
        """Whether the source is unspecified."""
        return self.source.is_unspecified


def probe_query(device: neighbour.Device, target: Address) -> NeighbourQuery:
    """A query from an unspecified source."""
    return NeighbourQuery(device, target, _UNSPECIFIED[target.version])


def resolve(queries: Iterable[NeighbourQuery], wait: float) -> dict[NeighbourQuery, set[str]]:
    """The MAC addresses that answered each query.

    :param wait: seconds after the last attempt; they are spent only where there are probes or no answer
    :raises NotPermitted: without root
    """
    resolver = _Resolver(queries)
    with neighbour.Sender() as sender, ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for version in {query.target.version for query in resolver.answers}:
            if version == 4:
                arp = stack.enter_context(_open_arp_socket())
                selector.register(arp, selectors.EVENT_READ, resolver.on_arp)
            else:
                discovery = stack.enter_context(_open_advertisement_socket())
                selector.register(discovery, selectors.EVENT_READ, resolver.on_advertisement)
        for attempt in range(1, _ATTEMPTS + 1):
            for query in resolver.pending():
                _send(sender, query)
                poll_until(selector, 0)
            poll_until(selector, _INTERVAL if attempt < _ATTEMPTS else wait, resolver.is_complete)
    return resolver.answers


class _Resolver:
    """The queries, and the MAC addresses that answered so far."""

    def __init__(self, queries: Iterable[NeighbourQuery]) -> None:
        self.answers: dict[NeighbourQuery, set[str]] = {query: set() for query in queries}
        self._macs: dict[tuple[int | str, Address], list[set[str]]] = {}
        for query, macs in self.answers.items():
            for device in (query.device.index, query.device.name):  # a packet socket has the name, a raw one the index
                self._macs.setdefault((device, query.target), []).append(macs)

    def pending(self) -> list[NeighbourQuery]:
        """The queries that are to be repeated: those without an answer, and probes, which several may answer."""
        return [query for query, macs in self.answers.items() if query.is_probe or not macs]

    def is_complete(self) -> bool:
        """Whether no more answers are to be expected."""
        return all(macs and not query.is_probe for query, macs in self.answers.items())

    def on_arp(self, sock: socket.socket) -> None:
        """Read an ARP packet."""
        packet, origin = sock.recvfrom(RECEIVE_BYTES, socket.MSG_DONTWAIT)
        self._add(origin[0], neighbour.arp_sender(packet))

    def on_advertisement(self, sock: socket.socket) -> None:
        """Read a neighbour advertisement."""
        message, ancillary, _flags, _origin = sock.recvmsg(RECEIVE_BYTES, _ANCILLARY_BYTES, socket.MSG_DONTWAIT)
        headers = {kind: data for level, kind, data in ancillary if level == socket.IPPROTO_IPV6}
        if struct.unpack("=i", headers[_IPV6_HOPLIMIT])[0] == neighbour.ND_HOP_LIMIT:
            self._add(_PKTINFO.unpack(headers[_IPV6_PKTINFO])[1], neighbour.advertised(message))

    def _add(self, device: int | str, holder: tuple[bytes, Address] | None) -> None:
        if holder is not None:
            mac, address = holder
            for macs in self._macs.get((device, address), ()):
                macs.add(neighbour.written(mac))


def _send(sender: neighbour.Sender, query: NeighbourQuery) -> None:
    sender.solicit(query.device, query.source, query.target)


def _open_arp_socket() -> socket.socket:
    return open_socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(neighbour.ETH_P_ARP))


def _open_advertisement_socket() -> socket.socket:
    sock = open_icmp_socket(6, neighbour.NEIGHBOUR_ADVERTISEMENT)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    return sock
