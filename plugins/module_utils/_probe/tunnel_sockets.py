# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Probes real servers with packets as IPVS sends them for clients.

A SYN to the VIP goes through the tunnel, from an address of this host. The real server answers without the tunnel, from the
VIP: an address that this host holds itself, so that its IP layer drops the answer. A packet socket receives it nevertheless.

Sources: net/netfilter/ipvs/ip_vs_xmit.c of Linux (what IPVS puts around a packet, from which address);
raw(7), packet(7), udp(7); include/uapi/linux/udp.h and include/uapi/asm-generic/socket.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import selectors
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from .._core.errors import NotPermitted
from .._core.values import Address
from .._net import neighbour, packets, tunnel
from .._net.route import SOCKET_FAMILY, Route, route_to
from .echo import SMALL, EchoRequest, ping
from .resolve import NeighbourQuery, resolve
from .sockets import open_socket, poll_until
from .tcp_connect import TcpEndpoint, tcp_connect
from .tunnel_probe import (
    ECHO,
    OPEN,
    REFUSED,
    SERVICE,
    SILENT,
    TUNNEL,
    ProbeFinding,
    ProbeTarget,
    describe_forwarding,
)

_ATTEMPTS = 3
_TCP_ANSWERS = {0: OPEN, errno.ECONNREFUSED: REFUSED}  # by the error of connecting
_DIRECT_TIMEOUT = 1.0  # seconds, for a probe without the tunnel
_RECEIVE_BYTES = 2048
_UDP = 17
_SO_ATTACH_FILTER, _SO_NO_CHECK, _UDP_NO_CHECK6_TX = 26, 11, 101
# The source ports of SYNs: outside of the range from which the kernel takes ports for its own connections.
_FIRST_PORT, _PORTS = 61000, 4096

Neighbour = tuple[neighbour.Device, bytes]  # a device of this host and the neighbour's MAC address


_IDENTIFIED = 8  # bytes of TCP, or of an echo request, with what identifies them


def _outermost(target: ProbeTarget) -> int:
    """The protocol number in the outer header."""
    protocol = tunnel.protocol(target.vip.version, target.destination.tunnel_type)
    return _UDP if protocol is None else protocol


@dataclass
class _Probe:
    """A probe through a tunnel, or by direct routing."""

    target: ProbeTarget
    finding: ProbeFinding
    source: Address  # within the tunnel
    source_port: int
    sequence: int
    neighbour: Neighbour | None = None  # with direct routing
    sent: float = 0.0  # when, by the monotonic clock; 0: not yet
    answered: bool = False

    @property
    def ports(self) -> tuple[int, int]:
        """The source port and the destination port."""
        return self.source_port, self.target.port

    @property
    def is_pending(self) -> bool:
        """Whether to send it again."""
        return not (self.answered or self.finding.problem or self.finding.rejected)

    def packet(self, identity: int, number: int) -> bytes:
        """The packet to send: a SYN, or an echo request with this identity and number."""
        if not self.target.uses_tcp:
            return packets.echo(self.source, self.target.vip, identity, number)
        return packets.tcp(self.source, self.target.vip, self.ports, self.sequence, packets.SYN)

    def reset(self) -> bytes:
        """The packet that ends a connection that the real server accepted."""
        return packets.tcp(self.source, self.target.vip, self.ports, self.sequence + 1, packets.RST)


def send_probes(targets: Sequence[ProbeTarget], timeout: float) -> list[ProbeFinding]:
    """What was found of each target within the timeout, in seconds; all are probed together.

    :raises NotPermitted: without root
    """
    routes = {rip: route_to(rip) for rip in {target.rip for target in targets}}
    findings = [
        ProbeFinding(source=routes[target.rip].source, problem=_route_problem(target, routes[target.rip]))
        for target in targets
    ]
    possible = [(target, finding) for target, finding in zip(targets, findings) if not finding.problem]
    masqueraded = [(target, finding) for target, finding in possible if target.forward == "masquerade"]
    answers = _probe_directly([target for target, _finding in masqueraded], timeout)
    for target, finding in masqueraded:
        finding.answer, finding.seconds = answers[target]
    probes = _make_probes([(target, finding) for target, finding in possible if target.forward != "masquerade"])
    if probes:
        _exchange(probes, timeout)
    silent = [probe for probe in probes if probe.is_pending]
    answers = _probe_directly([probe.target for probe in silent], min(timeout, _DIRECT_TIMEOUT))
    for probe in silent:
        probe.finding.direct_answer, _seconds = answers[probe.target]
    return findings


def _route_problem(target: ProbeTarget, route: Route) -> str:
    if route.problem:
        return f"{target.rip} has no route from this host ({route.problem}): add one, or correct the address"
    return ""


def _make_probes(rows: Sequence[tuple[ProbeTarget, ProbeFinding]]) -> list[_Probe]:
    """The probes that can be sent; the findings of the other targets say why not."""
    devices = neighbour.devices()
    vips = {target.vip for target, _finding in rows}
    neighbours = _resolve({target.rip: finding.source for target, finding in rows if target.forward == "route"}, devices)
    first = int.from_bytes(os.urandom(4), "big")
    probes = []
    for number, (target, finding) in enumerate(rows):
        source = _inner_source(target, finding.source, vips, devices)
        near = neighbours.get(target.rip) if target.forward == "route" else None
        if source is None:
            finding.problem = (
                f"this host has no IPv{target.vip.version} address from which to probe {target.vip}:"
                " give it one that is no VIP"
            )
        elif target.forward == "route" and near is None:
            finding.problem = (
                f"is no neighbour of this host: direct routing needs {target.rip} to answer"
                f" {'ARP' if target.rip.version == 4 else 'neighbour discovery'} on a network of this host"
            )
        else:
            port, sequence = _FIRST_PORT + (first + number) % _PORTS, (first + number) & 0xFFFFFFFF
            probes.append(_Probe(target, finding, source, port, sequence, near))
    return probes


def _inner_source(
    target: ProbeTarget, outer_source: Address | None, vips: set[Address], devices: Sequence[neighbour.Device]
) -> Address | None:
    """The address of this host that the answer will come to, of the VIP's family."""
    if outer_source is not None and outer_source.version == target.vip.version:
        return outer_source
    # Through a tunnel of the other family: an address of the device that the tunnel starts from, if there is one.
    by_nearness = sorted(devices, key=lambda device: all(outer_source != interface.ip for interface in device.interfaces))
    for device in by_nearness:
        for interface in device.interfaces:
            address = interface.ip
            usable = not (address.is_link_local or address.is_loopback or address in vips)
            if usable and address.version == target.vip.version:
                return address
    return None


def _resolve(sources: Mapping[Address, Address | None], devices: Sequence[neighbour.Device]) -> dict[Address, Neighbour]:
    """The neighbours that hold RIPs.

    :param sources: by RIP, the addresses that queries are sent from
    """
    queries = [
        NeighbourQuery(device, rip, source)
        for rip, source in sources.items()
        for device in devices
        if source is not None and device.faces(rip)
    ]
    answers = resolve(queries, _DIRECT_TIMEOUT) if queries else {}
    return {
        query.target: (query.device, bytes.fromhex(min(macs).replace(":", ""))) for query, macs in answers.items() if macs
    }


class _Sender:
    """Sends packets to real servers as IPVS does; a context manager."""

    def __enter__(self) -> _Sender:
        self._open = ExitStack()
        self._sockets: dict[tuple[int, int | None, bool], socket.socket] = {}
        self._neighbours: neighbour.Sender | None = None
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def send(self, probe: _Probe, packet: bytes) -> None:
        """Send a packet through the tunnel of a probe, or to its neighbour."""
        inner, outer = probe.target.vip.version, probe.target.rip.version
        if probe.neighbour is not None:
            device, mac = probe.neighbour
            if self._neighbours is None:
                self._neighbours = self._open.enter_context(neighbour.Sender())
            self._neighbours.send(device, packets.ETHERTYPE[inner], mac, packet)
            return
        destination = probe.target.destination
        protocol = tunnel.protocol(inner, destination.tunnel_type)
        with_checksum = destination.tunnel_checksum == "checksum"
        if destination.tunnel_type == "gue":
            # IPVS leaves a checksum to the real server only where the packet has none yet: a client's packet has one.
            packet = packets.gue(packet, inner)
        elif destination.tunnel_type == "gre":
            packet = packets.gre(packet, inner, with_checksum)
        sock = self._socket(outer, protocol, with_checksum)
        sock.sendto(packet, (str(probe.target.rip), destination.tunnel_port))

    def _socket(self, version: int, protocol: int | None, with_checksum: bool) -> socket.socket:
        key = (version, protocol, with_checksum)
        if key not in self._sockets:
            self._sockets[key] = self._open.enter_context(_open_tunnel_socket(*key))
        return self._sockets[key]


def _open_tunnel_socket(version: int, protocol: int | None, with_checksum: bool) -> socket.socket:
    """A socket of which the kernel writes the outer header: of this protocol, or of UDP if it is None, for GUE."""
    if protocol is not None:
        try:
            return socket.socket(SOCKET_FAMILY[version], socket.SOCK_RAW, protocol)
        except PermissionError as error:
            raise NotPermitted("probing through tunnels") from error
    sock = socket.socket(SOCKET_FAMILY[version], socket.SOCK_DGRAM)
    if not with_checksum:
        level, option = {4: (socket.SOL_SOCKET, _SO_NO_CHECK), 6: (socket.IPPROTO_UDP, _UDP_NO_CHECK6_TX)}[version]
        sock.setsockopt(level, option, 1)
    return sock


def _open_reply_socket(version: int, identity: int) -> socket.socket:
    """A socket that receives answers, even from an address that this host holds itself."""
    sock = open_socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(packets.ETHERTYPE[version]))
    program = packets.reply_filter(version, range(_FIRST_PORT, _FIRST_PORT + _PORTS), identity)
    buffer = ctypes.create_string_buffer(program, len(program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    return sock


class _Exchange:
    """Probes under way, and what comes back for them."""

    def __init__(self, probes: Sequence[_Probe], sender: _Sender) -> None:
        self.identity = int.from_bytes(os.urandom(2), "big")  # of echo requests, whose numbers are the probes' places
        self._probes = probes
        self._by_sequence = {probe.sequence: probe for probe in probes}
        self._sender = sender

    def pending(self) -> list[tuple[int, _Probe]]:
        """The probes that have no answer yet, with their numbers."""
        return [(number, probe) for number, probe in enumerate(self._probes) if probe.is_pending]

    def is_complete(self) -> bool:
        """Whether no more answers are to be expected."""
        return not any(probe.is_pending for probe in self._probes)

    def send(self, number: int, probe: _Probe) -> None:
        """Send a probe, or send it again."""
        probe.sent = probe.sent or time.monotonic()
        try:
            self._sender.send(probe, probe.packet(self.identity, number))
        except OSError as error:
            probe.finding.problem = _send_problem(probe.target, error)

    def on_packet(self, sock: socket.socket) -> None:
        """Read a packet that may be an answer."""
        packet = sock.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT)
        rejection = packets.rejection(packet)
        if rejection is not None:
            self._on_rejection(rejection)
            return
        reply = packets.reply(packet)
        probe = None if reply is None else self._probe_of(reply)
        if reply is None or probe is None:
            return
        probe.answered, probe.finding.seconds = True, time.monotonic() - probe.sent
        probe.finding.answer = ECHO if reply.port is None else REFUSED if reply.refused else OPEN
        if probe.finding.answer == OPEN:
            with contextlib.suppress(OSError):
                self._sender.send(probe, probe.reset())

    def _on_rejection(self, rejection: packets.Rejection) -> None:
        """Note what a firewall rejected: of a tunnel, for all probes through it."""
        for number, probe in self.pending():
            target, rejected = probe.target, ""
            outer = rejection.destination == target.rip and rejection.protocol == _outermost(target)
            if target.forward == "tunnel" and outer:
                rejected = TUNNEL
            elif rejection.destination == target.vip and probe.sent and self._is_of(rejection, number, probe):
                rejected = SERVICE
            if rejected:
                probe.finding.rejected, probe.finding.rejected_by = rejected, rejection.by

    def _is_of(self, rejection: packets.Rejection, number: int, probe: _Probe) -> bool:
        """Whether a rejected packet is that of a probe."""
        identified = rejection.payload[4:_IDENTIFIED]
        if probe.target.uses_tcp:
            return rejection.protocol == packets.TCP and identified == struct.pack("!I", probe.sequence)
        return rejection.protocol != packets.TCP and identified == struct.pack("!HH", self.identity, number)

    def _probe_of(self, reply: packets.Reply) -> _Probe | None:
        """The probe that a reply answers, the first time."""
        probe: _Probe | None = None
        if reply.port is None:
            if reply.to == self.identity and reply.number < len(self._probes):
                probe = self._probes[reply.number]
            expected = probe is not None and not probe.target.uses_tcp
        else:
            probe = self._by_sequence.get((reply.number - 1) & 0xFFFFFFFF)
            expected = probe is not None and probe.target.uses_tcp and (reply.to, reply.port) == probe.ports
        if probe is None or not expected or probe.answered or probe.sent == 0 or reply.source != probe.target.vip:
            return None
        return probe


def _exchange(probes: Sequence[_Probe], timeout: float) -> None:
    """Send the probes, each three times at most, and note their answers."""
    with _Sender() as sender, ExitStack() as stack:
        exchange = _Exchange(probes, sender)
        selector = stack.enter_context(selectors.DefaultSelector())
        # Errors for the outer packet are of its family.
        for version in {address.version for probe in probes for address in (probe.target.vip, probe.target.rip)}:
            sock = stack.enter_context(_open_reply_socket(version, exchange.identity))
            selector.register(sock, selectors.EVENT_READ, exchange.on_packet)
        for _attempt in range(_ATTEMPTS):
            for number, probe in exchange.pending():
                exchange.send(number, probe)
                poll_until(selector, 0)
            poll_until(selector, timeout / _ATTEMPTS, exchange.is_complete)


def _send_problem(target: ProbeTarget, error: OSError) -> str:
    what = os.strerror(error.errno) if error.errno else str(error)
    way_out = "let its firewall send that" if error.errno == errno.EPERM else "see the route to it"
    return f"nothing can be sent to {target.rip} through {describe_forwarding(target)} ({what}): {way_out}"


def _probe_directly(targets: Sequence[ProbeTarget], timeout: float) -> dict[ProbeTarget, tuple[str, float | None]]:
    """The answers of the RIPs to probes without a tunnel, and the seconds until then."""
    direct_answers: dict[ProbeTarget, tuple[str, float | None]] = {}
    endpoints = {target: TcpEndpoint(target.rip, target.rport) for target in targets if target.uses_tcp}
    answers = tcp_connect(endpoints.values(), timeout)
    for target, endpoint in endpoints.items():
        answer = answers.get(endpoint)
        if answer is not None and answer.error in _TCP_ANSWERS:
            direct_answers[target] = _TCP_ANSWERS[answer.error], answer.seconds
    silent = [target for target in targets if target not in direct_answers]
    echoes = ping({EchoRequest(target.rip, SMALL) for target in silent}, timeout) if silent else {}
    for target in silent:
        seconds = echoes.get(EchoRequest(target.rip, SMALL))
        direct_answers[target] = (SILENT if seconds is None else ECHO), seconds
    return direct_answers
