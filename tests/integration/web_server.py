# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on this machine that behaves as a test has it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

ADDRESS = "127.0.0.1"
BACKLOG = 128

# A connection with its number, from 0: what a server does with it. It is closed when this returns.
Behaviour = Callable[[socket.socket, int], None]


def answer(body: bytes = b"rs1\n", status: str = "200 OK", header: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), header, body)


def asked(connection: socket.socket) -> bool:
    """Wait for a request; false when the client has closed."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        more = connection.recv(4096)
        if not more:
            return False
        received += more
    return True


def says(*answers: bytes) -> Behaviour:
    """Answer so many requests of a connection, the last one for as long as there are more."""

    def behave(connection: socket.socket, _number: int) -> None:
        left = list(answers)
        while asked(connection):
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


def resets(connection: socket.socket, _number: int) -> None:
    asked(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says_nothing(connection: socket.socket, _number: int) -> None:
    while asked(connection):
        pass


@contextmanager
def server(behaviour: Behaviour) -> Iterator[int]:
    """A server that behaves so: its port."""
    listening = socket.create_server((ADDRESS, 0), backlog=BACKLOG)

    def serve(connection: socket.socket, number: int) -> None:
        with connection, suppress(ConnectionError):
            behaviour(connection, number)

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _client = listening.accept()
            except OSError:
                return
            Thread(target=serve, args=(connection, number), daemon=True).start()
            number += 1

    thread = Thread(target=accept)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
