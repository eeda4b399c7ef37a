# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Asks real servers in the way that IPVS sends them the packets of clients. Needs the standard library alone.

A SYN for the VIP goes through the tunnel, from an address of this host. The real server answers, not through the tunnel, from
the VIP: an address that this host holds itself, and which IP would not take from outside. So it is heard on a packet socket.

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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from .._core.errors import NotPermitted
from .._core.values import Address
from .._net import neighbour, packets, tunnel
from . import preflight_sockets as probe
from .preflight import Way
from .tunnel_probe import ECHO, OPEN, REFUSED, SILENT, Found, RealServer, means

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_ATTEMPTS = 3
_SIGNS = {0: OPEN, errno.ECONNREFUSED: REFUSED}  # of connecting
_DIRECTLY = 1.0  # seconds that a direct question may take
_RECEIVE_BYTES = 2048
_SO_ATTACH_FILTER, _SO_NO_CHECK, _UDP_NO_CHECK6_TX = 26, 11, 101
# Where SYNs come from: not where the kernel takes ports for its own connections.
_FIRST_PORT, _PORTS = 61000, 4096


@dataclass
class _Probe:
    """A real server that is asked."""

    one: RealServer
    found: Found
    source: Address  # within the tunnel
    port: int  # where the SYN comes from
    sequence: int
    neighbour: tuple[neighbour.Device, bytes] | None = None  # of direct routing: device and MAC address
    sent: float = 0.0
    done: bool = False

    def question(self, identity: int, number: int) -> bytes:
        """The packet that goes into the tunnel."""
        if not self.one.knocked:
            return packets.echo(self.source, self.one.vip, identity, number)
        return packets.tcp(self.source, self.one.vip, (self.port, self.one.port), self.sequence, packets.SYN)

    def farewell(self) -> bytes:
        """What leaves nothing behind of a connection that was accepted."""
        ports = (self.port, self.one.port)
        return packets.tcp(self.source, self.one.vip, ports, self.sequence + 1, packets.RST)


def ask(real_servers: Sequence[RealServer], timeout: float) -> list[Found]:
    """What comes back from each of them within the timeout, in seconds; they are asked together.

    :raises NotPermitted: without root
    """
    ways = {rip: probe.route(rip) for rip in {one.rip for one in real_servers}}
    found = [Found(source=ways[one.rip].source, problem=_no_way(one, ways[one.rip])) for one in real_servers]
    both = list(zip(real_servers, found))
    rewritten = [(one, to) for one, to in both if one.forward == "masquerade" and not to.problem]
    came = _directly([one for one, _to in rewritten], timeout)
    for one, to in rewritten:
        to.came, to.seconds = came[one]
    asked = _probes([(one, to) for one, to in both if one.forward != "masquerade" and not to.problem], ways)
    if asked:
        _ask_through(asked, timeout)
    silent = [(each.one, each.found) for each in asked if not each.done and not each.found.problem]
    came = _directly([one for one, _to in silent], min(timeout, _DIRECTLY))
    for one, to in silent:
        to.directly, _seconds = came[one]
    return found


def _no_way(one: RealServer, way: Way) -> str:
    if way.problem:
        return f"{one.rip} has no route from this host ({way.problem}): add one, or correct the address"
    if way.source == one.rip:
        return f"{one.rip} is an address of this host itself: name the real server's own"
    return ""


def _probes(rows: Sequence[tuple[RealServer, Found]], ways: dict[Address, Way]) -> list[_Probe]:
    """Those that can be asked; of the others it is noted why not."""
    devices = neighbour.devices()
    vips = {one.vip for one, _found in rows}
    macs = _macs({one.rip for one, _found in rows if one.forward == "route"}, ways, devices)
    first = int.from_bytes(os.urandom(4), "big")
    made = []
    for number, (one, found) in enumerate(rows):
        source = _source(one, found.source, vips, devices)
        if source is None:
            found.problem = (
                f"this host has no IPv{one.vip.version} address from which to ask for {one.vip}: give it one that is no VIP"
            )
            continue
        if one.forward == "route" and one.rip not in macs:
            found.problem = (
                f"is no neighbour of this host: direct routing needs {one.rip} to answer"
                f" {'ARP' if one.rip.version == 4 else 'neighbour discovery'} on a network of this host"
            )
            continue
        port, near = _FIRST_PORT + (first + number) % _PORTS, macs[one.rip] if one.forward == "route" else None
        made.append(_Probe(one, found, source, port, (first + number) & 0xFFFFFFFF, near))
    return made


def _source(
    one: RealServer, source: Address | None, vips: set[Address], devices: Sequence[neighbour.Device]
) -> Address | None:
    """The address of this host that the answer will come to, of the VIP's family."""
    if source is not None and source.version == one.vip.version:
        return source
    # Through a tunnel of the other family: an address of the device that it starts from, if there is one.
    near = sorted(devices, key=lambda device: all(source != interface.ip for interface in device.interfaces))
    for device in near:
        for interface in device.interfaces:
            address = interface.ip
            own = not (address.is_link_local or address.is_loopback or address in vips)
            if own and address.version == one.vip.version:
                return address
    return None


def _macs(
    rips: set[Address], ways: dict[Address, Way], devices: Sequence[neighbour.Device]
) -> dict[Address, tuple[neighbour.Device, bytes]]:
    """Where neighbours are."""
    questions = [
        probe.Question(device, rip, source)
        for rip in rips
        for device in devices
        for source in [ways[rip].source]
        if source is not None and device.faces(rip)
    ]
    answers = probe.ask(questions, _DIRECTLY) if questions else {}
    return {
        question.target: (question.device, bytes.fromhex(min(macs).replace(":", "")))
        for question, macs in answers.items()
        if macs
    }


# Through what IPVS puts around a packet


class _Sender:
    """Sends packets to real servers as IPVS would; a context manager."""

    def __enter__(self) -> _Sender:
        self._open = ExitStack()
        self._sockets: dict[tuple[int, int | None, bool], socket.socket] = {}
        self._neighbours: neighbour.Sender | None = None
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def send(self, asked: _Probe, packet: bytes) -> None:
        one, to = asked.one, asked.one.destination
        inner, outer = one.vip.version, one.rip.version
        if asked.neighbour is not None:
            device, mac = asked.neighbour
            if self._neighbours is None:
                self._neighbours = self._open.enter_context(neighbour.Sender())
            self._neighbours.send(device, packets.ETHERTYPE[inner], mac, packet)
            return
        protocol, summed = tunnel.protocol(inner, to.tunnel_type), to.tunnel_checksum == "checksum"
        if to.tunnel_type == "gue":
            # IPVS leaves a checksum to the far end only where the packet has none yet: that of a client has.
            packet = packets.gue(packet, inner)
        elif to.tunnel_type == "gre":
            packet = packets.gre(packet, inner, summed)
        self._socket(outer, protocol, summed).sendto(packet, (str(one.rip), to.tunnel_port))

    def _socket(self, version: int, protocol: int | None, summed: bool) -> socket.socket:
        key = (version, protocol, summed)
        if key not in self._sockets:
            self._sockets[key] = self._open.enter_context(_tunnel_socket(*key))
        return self._sockets[key]


def _tunnel_socket(version: int, protocol: int | None, summed: bool) -> socket.socket:
    """The kernel writes the outer header: of this protocol, or, for GUE, of UDP with or without a checksum."""
    if protocol is not None:
        try:
            return socket.socket(_FAMILY[version], socket.SOCK_RAW, protocol)
        except PermissionError as error:
            raise NotPermitted("probing through tunnels") from error
    sock = socket.socket(_FAMILY[version], socket.SOCK_DGRAM)
    if not summed:
        level, option = {4: (socket.SOL_SOCKET, _SO_NO_CHECK), 6: (socket.IPPROTO_UDP, _UDP_NO_CHECK6_TX)}[version]
        sock.setsockopt(level, option, 1)
    return sock


def _hearing(version: int, identity: int) -> socket.socket:
    """A socket that receives what comes back, even from an address that this host holds itself."""
    sock = probe.opened(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(packets.ETHERTYPE[version]))
    program = packets.reply_filter(version, range(_FIRST_PORT, _FIRST_PORT + _PORTS), identity)
    held = ctypes.create_string_buffer(program, len(program))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(held)))
    return sock


def _ask_through(asked: Sequence[_Probe], timeout: float) -> None:
    identity = int.from_bytes(os.urandom(2), "big")
    by_sequence = {one.sequence: one for one in asked}

    def heard(sock: socket.socket) -> None:
        said = packets.reply(sock.recv(_RECEIVE_BYTES, socket.MSG_DONTWAIT))
        if said is None:
            return
        if said.port is None:
            one = asked[said.number] if said.to == identity and said.number < len(asked) else None
        else:
            one = by_sequence.get((said.number - 1) & 0xFFFFFFFF)
        if one is None or one.done or one.sent == 0 or said.source != one.one.vip:
            return
        if (said.port is None) == one.one.knocked or (one.one.knocked and (said.port, said.to) != (one.one.port, one.port)):
            return
        one.done, one.found.seconds = True, time.monotonic() - one.sent
        one.found.came = ECHO if said.port is None else REFUSED if said.refused else OPEN
        if one.found.came == OPEN:
            with contextlib.suppress(OSError):
                sender.send(one, one.farewell())

    with _Sender() as sender, ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        for version in {one.one.vip.version for one in asked}:
            ready.register(stack.enter_context(_hearing(version, identity)), selectors.EVENT_READ, heard)

        def left() -> list[tuple[int, _Probe]]:
            return [(number, one) for number, one in enumerate(asked) if not one.done and not one.found.problem]

        for _attempt in range(_ATTEMPTS):
            for number, one in left():
                one.sent = one.sent or time.monotonic()
                try:
                    sender.send(one, one.question(identity, number))
                except OSError as error:
                    one.found.problem = _not_sent(one.one, error)
                probe.gather(ready, 0)
            probe.gather(ready, timeout / _ATTEMPTS, lambda: not left())


def _not_sent(one: RealServer, error: OSError) -> str:
    what = os.strerror(error.errno) if error.errno else str(error)
    hint = "let its firewall send that" if error.errno == errno.EPERM else "see the route to it"
    return f"nothing can be sent to {one.rip} through {means(one)} ({what}): {hint}"


def _directly(real_servers: Sequence[RealServer], timeout: float) -> dict[RealServer, tuple[str, float | None]]:
    """What comes back from their own addresses, without a tunnel, and after how many seconds."""
    came: dict[RealServer, tuple[str, float | None]] = {}
    knocked = probe.knock([(one.rip, one.rport) for one in real_servers if one.knocked], timeout)
    for one in real_servers:
        answer = knocked.get((one.rip, one.rport)) if one.knocked else None
        if answer is not None and answer.error in _SIGNS:
            came[one] = _SIGNS[answer.error], answer.seconds
    silent = [one for one in real_servers if one not in came]
    echoes = probe.echo({(one.rip, probe.SMALL) for one in silent}, timeout) if silent else {}
    for one in silent:
        seconds = echoes.get((one.rip, probe.SMALL))
        came[one] = (SILENT if seconds is None else ECHO), seconds
    return came
