# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to servers of this host."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe import vip_client
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_client import send_requests
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_requests import REJECTED, Outcome, VipRequests

from .test_vip_requests import requests

LOOPBACK = ip_address("127.0.0.1")
Server = Callable[[socket.socket], None]


@contextmanager
def server(serve: Server, connections: int = 1) -> Iterator[int]:
    """A server on loopback, and its port."""
    with socket.create_server((str(LOOPBACK), 0)) as listener:
        listener.settimeout(10)

        def accept() -> None:
            for _number in range(connections):
                connection, _client = listener.accept()
                with connection:
                    serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def to_loopback(port: int, **given: Any) -> VipRequests:
    """A VIP is no loopback address, so that the options cannot name one."""
    return replace(requests(**{"requests": 1, **given}), vip=LOOPBACK, port=port)


def outcome_of(serve: Server, **given: Any) -> Outcome:
    with server(serve) as port:
        (outcome,) = send_requests(to_loopback(port, **given))
    assert 0 < outcome.seconds < 5
    return replace(outcome, seconds=0.0)


def reply(*parts: bytes) -> Server:
    """Waits for the request, and sends an answer in parts."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)

    return serve


OK = b"HTTP/1.1 200 OK\r\nX-Name: rs9\r\nContent-Length: 4\r\n\r\nrs1\n"


@pytest.mark.parametrize(
    ("answer", "given", "outcome"),
    [
        ((OK,), {}, Outcome("rs1")),
        ((OK[:20], OK[20:-2], OK[-2:]), {}, Outcome("rs1")),
        ((OK,), {"identify": r"^X-Name: (\w+)"}, Outcome("rs9")),
        ((OK,), {"expect": "^rs2"}, Outcome(None, "wrong answer", "rs1")),
        ((b"HTTP/1.1 503 Sorry\r\n\r\nsorry",), {}, Outcome(None, "status 503", "sorry")),
        ((OK[:-1],), {}, Outcome(None, "cut off")),
        ((), {}, Outcome(None, "closed without an answer")),
        ((b"220 mail\r\n",), {}, Outcome(None, "no HTTP")),
    ],
)
def test_http(answer: tuple[bytes, ...], given: dict[str, Any], outcome: Outcome) -> None:
    assert outcome_of(reply(*answer), **given) == outcome


def test_http_request() -> None:
    received: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(OK)

    outcome_of(serve, path="/health", host_header="www.example.com")
    lines = received[0].decode().split("\r\n")
    assert lines[0] == "GET /health HTTP/1.1"
    assert {"Host: www.example.com", "User-Agent: lvs.cluster.vip_probe", "Connection: close"} <= set(lines)


@pytest.mark.parametrize(
    ("answer", "given", "outcome"),
    [
        ((b"22", b"0 rs1\r\n"), {"send": "?"}, Outcome("220 rs1")),
        ((b"220 ", b"x rs1"), {"send": "?", "identify": r"(rs\d)"}, Outcome("rs1")),
        ((b"220 rs1",), {"send": "?"}, Outcome("220 rs1")),  # until it closes
    ],
)
def test_tcp(answer: tuple[bytes, ...], given: dict[str, Any], outcome: Outcome) -> None:
    assert outcome_of(reply(*answer), kind="tcp", **given) == outcome


def test_accepted_connection_is_an_answer() -> None:
    assert outcome_of(lambda _connection: None, kind="tcp") == Outcome("unknown")


def test_reset() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert outcome_of(serve, kind="tcp", send="?") == Outcome(None, "reset")


def test_refused() -> None:
    with socket.create_server((str(LOOPBACK), 0)) as listener:
        port = listener.getsockname()[1]
    (outcome,) = send_requests(to_loopback(port))
    assert (outcome.name, outcome.problem) == (None, "refused")


def test_rejected_by_a_firewall(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_self: socket.socket, _address: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "whatever this is called here")

    monkeypatch.setattr(vip_client._Connection, "connect", connect)
    (outcome,) = send_requests(to_loopback(80))
    assert (outcome.name, outcome.problem) == (None, REJECTED)


def test_deadline_of_a_slow_answer() -> None:
    """Each part comes in time, and all of them do not."""

    def serve(connection: socket.socket) -> None:
        for _part in range(100):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.05)

    start = time.monotonic()
    assert outcome_of(serve, kind="tcp", expect="y", timeout=0.3) == Outcome(None, "timed out")
    assert time.monotonic() - start < 4


def test_outcomes_are_in_the_order_of_the_requests() -> None:
    names = iter(["rs1", "rs2", "rs3"])

    def serve(connection: socket.socket) -> None:
        connection.sendall(f"{next(names)}\n".encode())

    with server(serve, 3) as port:
        outcomes = send_requests(to_loopback(port, kind="tcp", expect="^rs", requests=3, parallel=1))
    assert [outcome.name for outcome in outcomes] == ["rs1", "rs2", "rs3"]
