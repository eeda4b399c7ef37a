# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to ports of this host, some of which have a listener."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe import tcp_connect as module
from ansible_collections.lvs.cluster.plugins.module_utils._probe.tcp_connect import TcpEndpoint, tcp_connect

LOOPBACK = ip_address("127.0.0.1")


@pytest.fixture
def listener() -> Iterator[TcpEndpoint]:
    with socket.create_server((str(LOOPBACK), 0)) as server:
        yield TcpEndpoint(LOOPBACK, server.getsockname()[1])


def closed_port() -> TcpEndpoint:
    with socket.create_server((str(LOOPBACK), 0)) as server:
        return TcpEndpoint(LOOPBACK, server.getsockname()[1])


def test_accepted_and_refused(listener: TcpEndpoint) -> None:
    closed = closed_port()
    answers = tcp_connect([listener, closed, listener], 5)
    assert {endpoint: answer.error for endpoint, answer in answers.items()} == {listener: 0, closed: errno.ECONNREFUSED}
    assert all(0 <= answer.seconds < 5 for answer in answers.values())


def test_no_answer_in_time() -> None:
    """A listener whose queue is full drops a SYN."""
    with socket.create_server((str(LOOPBACK), 0), backlog=0) as server, ExitStack() as stack:
        for _connection in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        assert tcp_connect([TcpEndpoint(LOOPBACK, server.getsockname()[1])], 0.1) == {}


def test_error_at_once(listener: TcpEndpoint) -> None:
    """Without a route; the broadcast address has none for TCP."""
    broadcast = TcpEndpoint(ip_address("255.255.255.255"), 80)
    answers = tcp_connect([broadcast, listener], 5)
    assert answers[broadcast].error not in (0, errno.EINPROGRESS, errno.ECONNREFUSED)
    assert answers[listener].error == 0


def test_not_too_many_at_once(listener: TcpEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    closed = [closed_port() for _port in range(4)]
    assert set(tcp_connect([*closed, listener], 5)) == {*closed, listener}
