# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Probes: routes, echo requests that must not be fragmented, TCP ports, and who answers for an address. Nothing is changed.

All probes of one kind are under way together, so that many real servers take no longer than one. Needs the standard library
alone.

Sources: RFC 792 and RFC 4443 (echo), RFC 5227 and RFC 4862 (who holds an address); include/uapi/linux/in.h, in6.h, icmp.h and
icmpv6.h of Linux; ip(7), ipv6(7), raw(7), packet(7).
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from .._core.errors import NotPermitted
from .._core.values import Address
from .._net import neighbour, packets
from .preflight import LEAST_MTU, Findings, Path, Plan, Way, sizes

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_DISCARD = 9  # a port: connecting a UDP socket sends nothing

_ICMP, _ICMPV6 = packets.ICMP[4], packets.ICMP[6]
_ECHO_HEADER = 8  # bytes
_IP_HEADER = {4: 20, 6: 40}  # bytes
SMALL = 64  # bytes, with the IP header

# Options of sockets.
_IP_MTU_DISCOVER, _IP_MTU, _PMTUDISC_PROBE = 10, 14, 3  # whole packets, whatever the kernel has learned of the path
_IPV6_MTU_DISCOVER, _IPV6_MTU, _IPV6_DONTFRAG = 23, 24, 62
_IPV6_RECVPKTINFO, _IPV6_PKTINFO, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 49, 50, 51, 52
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_SO_RCVBUFFORCE = 33
_PKTINFO = struct.Struct("=16si")  # in6_pktinfo: address, index of the device
_RECEIVE_BUFFER = 4 << 20  # bytes: hundreds of replies may come at once
_RECEIVE_BYTES = 65536

_ATTEMPTS = 3
_BETWEEN = 0.1  # seconds from one question to the neighbours to the next
_NOBODY = 0.5  # seconds after the last question, when nobody has the address; a neighbour answers within milliseconds
_STEP = 0.3  # seconds that a step of the search takes at least, with four times the slowest reply on top
_AT_ONCE = 500  # TCP connections under way: a process may have 1024 files open


def look(plan: Plan) -> Findings:
    """Look at everything.

    :raises NotPermitted: without root
    """
    ways = {path.rip: route(path.rip) for path in plan.paths}
    reachable = [rip for rip, way in ways.items() if not way.problem and way.source != rip]
    devices = neighbour.devices()
    answers: dict[Address, set[tuple[str, str]]] = {}
    questions = [
        Question(device, vip, _nobody(vip)) for vip in dict.fromkeys(plan.vips) for device in devices if device.faces(vip)
    ]
    for rip in reachable:
        # In the usual words: who is just about to take an address, must not give it up because of a real server's.
        questions += [Question(device, rip, ways[rip].source or _nobody(rip)) for device in devices if device.faces(rip)]
    for question, macs in ask(questions, min(plan.timeout, _NOBODY)).items():
        if question.probe:
            answers.setdefault(question.target, set()).update((mac, question.device.name) for mac in macs)
        else:
            ways[question.target].macs |= macs
    _measure(ways, reachable, {path.rip for path in plan.paths if path.measured}, plan.timeout)
    _knock([path for path in plan.paths if path.rip in reachable and not ways[path.rip].echo], ways, plan.timeout)
    return Findings(ways, answers, {neighbour.written(device.mac) for device in devices})


def route(rip: Address) -> Way:
    """Which way packets to a RIP take."""
    try:
        with socket.socket(_FAMILY[rip.version], socket.SOCK_DGRAM) as sock:
            sock.connect((str(rip), _DISCARD))
            source = ipaddress.ip_address(sock.getsockname()[0])
            if rip.version == 4:
                mtu = sock.getsockopt(socket.IPPROTO_IP, _IP_MTU)
            else:
                mtu = sock.getsockopt(socket.IPPROTO_IPV6, _IPV6_MTU)
    except OSError as error:
        return Way(problem=error.strerror or str(error))
    return Way(source=source, route_mtu=min(mtu, 65535))


def gather(ready: selectors.BaseSelector, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
    """Hand every socket that has something to the function that came with it, until it is done or the time is over."""
    end = time.monotonic() + seconds
    while not done():
        left = end - time.monotonic()
        for key, _events in ready.select(max(left, 0)):
            with contextlib.suppress(OSError):  # of a datagram whose checksum is wrong
                key.data(key.fileobj)
        if left <= 0:
            return


# Who answers for an address


@dataclass(frozen=True)
class Question:
    """Who has the target? As a probe where the source is unspecified: nobody learns anything from it, and all may answer."""

    device: neighbour.Device
    target: Address
    source: Address

    @property
    def probe(self) -> bool:
        """Whether it is one."""
        return self.source.is_unspecified


def _nobody(target: Address) -> Address:
    return ipaddress.IPv4Address(0) if target.version == 4 else ipaddress.IPv6Address(0)


def ask(questions: Sequence[Question], wait: float) -> dict[Question, set[str]]:
    """The MAC addresses that answered each question; it takes longer by the wait, in seconds, where somebody is silent."""
    answers: dict[Question, set[str]] = {question: set() for question in questions}
    places: dict[tuple[int | str, Address], list[set[str]]] = {}
    for question, macs in answers.items():
        for device in (question.device.index, question.device.name):  # sockets say one or the other
            places.setdefault((device, question.target), []).append(macs)

    def note(device: int | str, said: tuple[bytes, Address] | None) -> None:
        if said:
            for macs in places.get((device, said[1]), ()):
                macs.add(neighbour.written(said[0]))

    def hear_arp(sock: socket.socket) -> None:
        packet, origin = sock.recvfrom(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        note(origin[0], neighbour.arp_sender(packet))

    def hear_advertisement(sock: socket.socket) -> None:
        message, ancillary, _flags, _origin = sock.recvmsg(_RECEIVE_BYTES, 256, socket.MSG_DONTWAIT)
        about = {kind: data for level, kind, data in ancillary if level == socket.IPPROTO_IPV6}
        if struct.unpack("=i", about[_IPV6_HOPLIMIT])[0] == neighbour.ND_HOP_LIMIT:
            note(_PKTINFO.unpack(about[_IPV6_PKTINFO])[1], neighbour.advertised(message))

    hearing: dict[int, tuple[Callable[[], socket.socket], Callable[[socket.socket], None]]] = {
        4: (_arp_socket, hear_arp),
        6: (_advertisement_socket, hear_advertisement),
    }
    with neighbour.Sender() as sender, ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        for version in {question.target.version for question in questions}:
            opened, heard = hearing[version]
            ready.register(stack.enter_context(opened()), selectors.EVENT_READ, heard)

        def done() -> bool:
            return all(macs and not question.probe for question, macs in answers.items())

        for attempt in range(1, _ATTEMPTS + 1):
            for question, macs in answers.items():
                if question.probe or not macs:
                    sender.ask(question.device, question.source, question.target)
                    gather(ready, 0)
            gather(ready, _BETWEEN if attempt < _ATTEMPTS else wait, done)
    return answers


def opened(family: int, kind: int, protocol: int) -> socket.socket:
    """A socket that takes what many send at once."""
    try:
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError as error:
        raise NotPermitted("probing the network") from error
    return sock


def _arp_socket() -> socket.socket:
    return opened(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(neighbour.ETH_P_ARP))


def _advertisement_socket() -> socket.socket:
    sock = _icmp_socket(6, neighbour.NEIGHBOUR_ADVERTISEMENT)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    return sock


def _icmp_socket(version: int, kind: int) -> socket.socket:
    """A socket that receives ICMP messages of one type."""
    if version == 4:
        sock = opened(socket.AF_INET, socket.SOCK_RAW, _ICMP)
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF ^ (1 << kind)))
        return sock
    sock = opened(socket.AF_INET6, socket.SOCK_RAW, _ICMPV6)
    blocked = [0xFFFFFFFF] * 8
    blocked[kind >> 5] ^= 1 << (kind & 31)
    sock.setsockopt(_ICMPV6, _ICMPV6_FILTER, struct.pack("=8I", *blocked))
    return sock


# Echo requests


def echo_request(version: int, identity: int, sequence: int, size: int) -> bytes:
    """An echo request, without its IP header, with which it has this size."""
    # The kernel puts in the checksum of ICMPv6.
    return packets.echo_message(version, identity, sequence, bytes(size - _IP_HEADER[version] - _ECHO_HEADER))


def echo_reply(version: int, packet: bytes) -> tuple[int, int] | None:
    """Identity and sequence of an echo reply, as a raw socket has it; None where it is something else."""
    if version == 4:  # with its IP header
        packet = packet[(packet[0] & 0xF) * 4 :] if packet else packet
    return packets.echoed(version, packet)


Request = tuple[Address, int]  # a RIP, and the size of the packet in bytes


def echo(requests: Iterable[Request], window: float) -> dict[Request, float]:
    """The seconds until the reply, for each request that had one; what had none is asked three times within the window."""
    pending: dict[int, Request] = dict(enumerate(requests))
    sent: dict[int, float] = {}
    answered: dict[Request, float] = {}
    identity = int.from_bytes(os.urandom(2), "big")

    def hear(version: int) -> Callable[[socket.socket], None]:
        def heard(sock: socket.socket) -> None:
            packet, origin = sock.recvfrom(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
            said = echo_reply(version, packet)
            if said and said[0] == identity and said[1] in pending:
                rip = pending[said[1]][0]
                if rip == ipaddress.ip_address(origin[0].partition("%")[0]):
                    answered[pending.pop(said[1])] = time.monotonic() - sent[said[1]]

        return heard

    with ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        sockets = {}
        for version in {rip.version for rip, _size in pending.values()}:
            sockets[version] = stack.enter_context(_whole_packets(version))
            ready.register(sockets[version], selectors.EVENT_READ, hear(version))
        for _attempt in range(_ATTEMPTS):
            for number, (rip, size) in list(pending.items()):
                sent.setdefault(number, time.monotonic())
                # Refused, by a rule of this host's firewall, is unanswered.
                with contextlib.suppress(OSError):
                    sockets[rip.version].sendto(echo_request(rip.version, identity, number, size), (str(rip), 0))
                gather(ready, 0)
            gather(ready, window / _ATTEMPTS, lambda: not pending)
    return answered


def _whole_packets(version: int) -> socket.socket:
    """A socket for echo requests that nobody may fragment."""
    sock = _icmp_socket(version, packets.ECHO_REPLY[version])
    if version == 4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)
    return sock


def _measure(ways: dict[Address, Way], reachable: Iterable[Address], measured: set[Address], timeout: float) -> None:
    """Who answers echo requests, and how large they may be."""
    small = [(rip, SMALL) for rip in reachable]
    large = [(rip, ways[rip].route_mtu) for rip, _size in small if rip in measured]
    answered = echo([*small, *large], timeout)
    narrow: dict[Address, tuple[int, int]] = {}
    for rip, _size in answered:
        ways[rip].echo = True
    for rip, size in large:
        if (rip, size) in answered:
            ways[rip].mtu = size
        elif ways[rip].echo:
            narrow[rip] = (LEAST_MTU[rip.version] - 1, size)
    window = min(timeout, _STEP + 4 * max(answered.values(), default=0))
    for rip, (passes, _fails) in _narrowed(narrow, window).items():
        ways[rip].mtu = passes if passes >= LEAST_MTU[rip.version] else None


def _narrowed(bounds: dict[Address, tuple[int, int]], window: float) -> dict[Address, tuple[int, int]]:
    """The largest size that passes and the smallest that does not, one byte apart, from bounds that may be far apart."""
    while True:
        steps = {rip: sizes(*bound) for rip, bound in bounds.items() if sizes(*bound)}
        if not steps:
            return bounds
        answered = echo([(rip, size) for rip, several in steps.items() for size in several], window)
        for rip, several in steps.items():
            passes = max((size for size in several if (rip, size) in answered), default=bounds[rip][0])
            bounds[rip] = passes, min((size for size in several if size > passes), default=bounds[rip][1])


# TCP ports

Door = tuple[Address, int]


def _knock(paths: Iterable[Path], ways: dict[Address, Way], timeout: float) -> None:
    """Which ports accept or refuse a connection: either is a sign of life."""
    doors = [(path.rip, path.port) for path in paths if path.port is not None]
    for (rip, port), knocked in knock(doors, timeout).items():
        if knocked.error in (0, errno.ECONNREFUSED):
            ways[rip].open_doors.add(port)


@dataclass(frozen=True)
class Knocked:
    """What came of connecting to a TCP port."""

    error: int  # 0: it was accepted
    seconds: float


def knock(doors: Iterable[Door], timeout: float) -> dict[Door, Knocked]:
    """Connect to each port; what is not there in the end did not answer in time."""
    each = list(dict.fromkeys(doors))
    found: dict[Door, Knocked] = {}
    for start in range(0, len(each), _AT_ONCE):
        found.update(_knocked(each[start : start + _AT_ONCE], timeout))
    return found


def _knocked(doors: Iterable[Door], timeout: float) -> dict[Door, Knocked]:
    found: dict[Door, Knocked] = {}
    waiting: dict[socket.socket, Door] = {}
    start = time.monotonic()

    def heard(sock: socket.socket) -> None:
        ready.unregister(sock)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found[waiting[sock]] = Knocked(error, time.monotonic() - start)

    with ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        for rip, port in doors:
            sock = stack.enter_context(socket.socket(_FAMILY[rip.version], socket.SOCK_STREAM))
            sock.setblocking(False)
            error = sock.connect_ex((str(rip), port))
            if error == errno.EINPROGRESS:
                waiting[sock] = (rip, port)
                ready.register(sock, selectors.EVENT_WRITE, heard)
            else:
                found[rip, port] = Knocked(error, 0.0)
        gather(ready, timeout, lambda: not ready.get_map())
    return found
