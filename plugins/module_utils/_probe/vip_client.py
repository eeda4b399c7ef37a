# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Makes requests to a VIP as a client does, each on a connection of its own."""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from .._net.route import SOCKET_FAMILY
from .vip_requests import REJECTED, UNKNOWN, Outcome, VipRequests, evaluate, is_complete

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_MAX_ANSWER = 1 << 20  # bytes; the rest of an answer is not read
_RECEIVE_BYTES = 65536
_AGENT = "lvs.cluster.vip_probe"


def send_requests(request: VipRequests) -> Sequence[Outcome]:
    """The outcomes, in the order in which the requests were made."""
    with ThreadPoolExecutor(request.parallel) as workers:
        return list(workers.map(lambda _number: _send(request), range(request.count)))


def _send(request: VipRequests) -> Outcome:
    start = time.monotonic()
    try:
        with _Connection(request) as connection:
            outcome = (_over_http if request.kind == "http" else _over_tcp)(request, connection)
    except (OSError, http.client.HTTPException) as error:
        outcome = Outcome(None, _problem(error))
    return replace(outcome, seconds=time.monotonic() - start)


def _problem(error: Exception) -> str:
    """What went wrong, in few words."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed without an answer"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    if isinstance(error, (TimeoutError, socket.timeout)):  # different classes before Python 3.10
        return "timed out"
    if isinstance(error, http.client.IncompleteRead):
        return "cut off"
    if isinstance(error, http.client.HTTPException):
        return "no HTTP"
    if isinstance(error, OSError) and error.errno == errno.EHOSTUNREACH:
        return REJECTED
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()


class _Connection(socket.socket):
    """A TCP connection with one deadline for all that is sent and received on it."""

    def __init__(self, request: VipRequests) -> None:
        super().__init__(SOCKET_FAMILY[request.vip.version], socket.SOCK_STREAM)
        self._deadline = time.monotonic() + request.timeout
        try:
            self._set_timeout()
            self.connect((str(request.vip), request.port))
        except BaseException:
            self.close()
            raise

    def _set_timeout(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self._set_timeout()
        return super().recv_into(buffer, nbytes, flags)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        self._set_timeout()
        return super().recv(bufsize, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self._set_timeout()
        super().sendall(data, flags)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _over_http(request: VipRequests, connection: socket.socket) -> Outcome:
    client = http.client.HTTPConnection(str(request.vip), request.port)
    client.sock = connection
    client.request("GET", request.path, headers={"Host": request.host, "User-Agent": _AGENT, "Connection": "close"})
    with contextlib.closing(client.getresponse()) as response:
        body = response.read(_MAX_ANSWER)
        if response.length and len(body) < _MAX_ANSWER:
            raise http.client.IncompleteRead(body, response.length)
        head = "".join(f"{name}: {value}\n" for name, value in response.getheaders())
        return evaluate(request, response.status, head, _text(body))


def _over_tcp(request: VipRequests, connection: socket.socket) -> Outcome:
    if request.send is not None:
        connection.sendall(request.send)
    if not request.reads_answer:
        return Outcome(UNKNOWN)
    received = b""
    while len(received) < _MAX_ANSWER and not is_complete(request, _text(received)):
        chunk = connection.recv(_RECEIVE_BYTES)
        if not chunk:
            break
        received += chunk
    return evaluate(request, None, "", _text(received))
