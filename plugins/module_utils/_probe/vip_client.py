# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Requests to a VIP, each on a connection of its own. Needs the standard library alone."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from .vip_requests import NOBODY_KNOWN, Outcome, Requests, enough, judged

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_READ = 1 << 20  # bytes of an answer; what is longer is cut off
_CHUNK = 65536
_AGENT = "lvs.cluster.vip_probe"


def ask_all(wanted: Requests) -> Sequence[Outcome]:
    """The outcome of each request, in the order in which they were made."""
    with ThreadPoolExecutor(wanted.parallel) as workers:
        return list(workers.map(lambda _number: _ask(wanted), range(wanted.requests)))


def _ask(wanted: Requests) -> Outcome:
    start = time.monotonic()
    try:
        with _Socket(wanted) as sock:
            outcome = (_over_http if wanted.kind == "http" else _over_tcp)(wanted, sock)
    except (OSError, http.client.HTTPException) as error:
        outcome = Outcome(None, _named(error))
    return replace(outcome, seconds=time.monotonic() - start)


def _named(error: Exception) -> str:
    """What went wrong, in a word."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed without an answer"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    if isinstance(error, (TimeoutError, socket.timeout)):  # two of them until Python 3.10
        return "timed out"
    if isinstance(error, http.client.IncompleteRead):
        return "cut off"
    if isinstance(error, http.client.HTTPException):
        return "no HTTP"
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()


class _Socket(socket.socket):
    """A connection that has to be done with at a given time, whatever comes how slowly; a context manager."""

    def __init__(self, wanted: Requests) -> None:
        super().__init__(_FAMILY[wanted.vip.version], socket.SOCK_STREAM)
        self._end = time.monotonic() + wanted.timeout
        try:
            self._hurry()
            self.connect((str(wanted.vip), wanted.port))
        except BaseException:
            self.close()
            raise

    def _hurry(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)

    def recv_into(self, *arguments: Any) -> int:
        self._hurry()
        return super().recv_into(*arguments)

    def recv(self, *arguments: Any) -> bytes:
        self._hurry()
        return super().recv(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self._hurry()
        super().sendall(*arguments)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _over_http(wanted: Requests, sock: socket.socket) -> Outcome:
    connection = http.client.HTTPConnection(str(wanted.vip), wanted.port)
    connection.sock = sock
    connection.request("GET", wanted.path, headers={"Host": wanted.host, "User-Agent": _AGENT, "Connection": "close"})
    with contextlib.closing(connection.getresponse()) as response:
        body = response.read(_READ)
        if response.length and len(body) < _READ:
            raise http.client.IncompleteRead(body, response.length)
        head = "".join(f"{name}: {value}\n" for name, value in response.getheaders())
        return judged(wanted, response.status, head, _text(body))


def _over_tcp(wanted: Requests, sock: socket.socket) -> Outcome:
    if wanted.send is not None:
        sock.sendall(wanted.send)
    if not wanted.listens:
        return Outcome(NOBODY_KNOWN)
    said = b""
    while len(said) < _READ and not enough(wanted, _text(said)):
        part = sock.recv(_CHUNK)
        if not part:
            break
        said += part
    return judged(wanted, None, "", _text(said))
