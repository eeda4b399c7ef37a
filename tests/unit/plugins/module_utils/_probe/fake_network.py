# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that exists in memory: raw sockets and packet sockets, whose packets a test answers."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

REAL_SOCKET = socket.socket


class FakeSocket:
    """A raw socket or a packet socket, as the code under test uses it."""

    def __init__(self, network: FakeNetwork, family: int, kind: int, protocol: int) -> None:
        self.family, self.kind, self.protocol = family, kind, protocol
        self.options: list[tuple[Any, ...]] = []
        self._network = network
        self._received: deque[tuple[bytes, Any, list[tuple[int, int, bytes]]]] = deque()
        self._readable, self._notify = os.pipe()

    def __enter__(self) -> FakeSocket:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._network.sockets.remove(self)
        os.close(self._readable)
        os.close(self._notify)

    def fileno(self) -> int:
        return self._readable

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)

    def sendto(self, packet: bytes, address: tuple[Any, ...]) -> None:
        self._network.on_send(self, packet, address)

    def deliver(self, packet: bytes, origin: Any, ancillary: list[tuple[int, int, bytes]] | None = None) -> None:
        """Let the socket receive a packet."""
        self._received.append((packet, origin, ancillary or []))
        os.write(self._notify, b".")

    def recvmsg(self, *_arguments: Any) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        os.read(self._readable, 1)
        packet, origin, ancillary = self._received.popleft()
        return packet, ancillary, 0, origin

    def recvfrom(self, *_arguments: Any) -> tuple[bytes, Any]:
        packet, _ancillary, _flags, origin = self.recvmsg()
        return packet, origin

    def recv(self, *_arguments: Any) -> bytes:
        return self.recvfrom()[0]


class FakeNetwork:
    """Takes the place of all raw sockets and packet sockets; other sockets remain real."""

    def __init__(self) -> None:
        self.sockets: list[FakeSocket] = []
        self.on_send: Callable[[FakeSocket, bytes, tuple[Any, ...]], None] = lambda _sock, _packet, _address: None

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> Any:
        if family != socket.AF_PACKET and (kind != socket.SOCK_RAW or family == socket.AF_NETLINK):
            return REAL_SOCKET(family, kind, protocol)
        self.sockets.append(FakeSocket(self, family, kind, protocol))
        return self.sockets[-1]

    def deliver(self, family: int, protocol: int, packet: bytes, *origin: Any) -> None:
        """Let the sockets of a family and protocol receive a packet."""
        for sock in self.sockets:
            if (sock.family, sock.protocol) == (family, protocol):
                sock.deliver(packet, *origin)
