# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""TCP connections to many ports together. Source: connect(2), EINPROGRESS."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from .._core.values import Address
from .._net.route import SOCKET_FAMILY
from .sockets import poll_until

_AT_ONCE = 500  # connections under way: a process may have 1024 files open


class TcpEndpoint(NamedTuple):
    """A TCP port of a host."""

    address: Address
    port: int


@dataclass(frozen=True)
class TcpAnswer:
    """The answer to a SYN."""

    error: int  # errno; 0: the connection was accepted
    seconds: float  # until the answer


def tcp_connect(endpoints: Iterable[TcpEndpoint], timeout: float) -> dict[TcpEndpoint, TcpAnswer]:
    """The answer of each endpoint; those without one within the timeout, in seconds, are left out."""
    distinct = list(dict.fromkeys(endpoints))
    answers: dict[TcpEndpoint, TcpAnswer] = {}
    for start in range(0, len(distinct), _AT_ONCE):
        answers.update(_connect_together(distinct[start : start + _AT_ONCE], timeout))
    return answers


def _connect_together(endpoints: Iterable[TcpEndpoint], timeout: float) -> dict[TcpEndpoint, TcpAnswer]:
    answers: dict[TcpEndpoint, TcpAnswer] = {}
    waiting: dict[socket.socket, TcpEndpoint] = {}
    start = time.monotonic()

    def on_answer(sock: socket.socket) -> None:
        selector.unregister(sock)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        answers[waiting[sock]] = TcpAnswer(error, time.monotonic() - start)

    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for endpoint in endpoints:
            sock = stack.enter_context(socket.socket(SOCKET_FAMILY[endpoint.address.version], socket.SOCK_STREAM))
            sock.setblocking(False)
            error = sock.connect_ex((str(endpoint.address), endpoint.port))
            if error == errno.EINPROGRESS:
                waiting[sock] = endpoint
                selector.register(sock, selectors.EVENT_WRITE, on_answer)
            else:
                answers[endpoint] = TcpAnswer(error, 0.0)
        poll_until(selector, timeout, lambda: not selector.get_map())
    return answers
