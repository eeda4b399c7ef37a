# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw sockets that may not be opened, and waiting for several sockets."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._probe.sockets import open_icmp_socket, open_socket, poll_until

from .fake_network import FakeNetwork


def test_privilege_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(NotPermitted, match="probing the network needs root"):
        open_socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)


@pytest.mark.parametrize("reply", [0, 129])
def test_one_type_of_icmp_message_passes(network: FakeNetwork, reply: int) -> None:
    """The filter of IPv4 is one word of bits, that of IPv6 eight; a bit that is set blocks."""
    open_icmp_socket(4 if reply == 0 else 6, reply)
    (sock,) = network.sockets
    level, _option, bits = sock.options[-1]
    words = struct.unpack(f"={len(bits) // 4}I", bits)
    assert (sock.protocol, level, len(words)) == ((1, 255, 1) if reply == 0 else (58, 58, 8))
    assert [kind for kind in range(32 * len(words)) if not words[kind // 32] >> kind % 32 & 1] == [reply]


def test_ready_sockets_are_handed_over_until_all_is_complete() -> None:
    received: list[bytes] = []
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver, selectors.DefaultSelector() as selector:
        selector.register(receiver, selectors.EVENT_READ, lambda sock: received.append(sock.recv(10)))
        sender.send(b"first")
        sender.send(b"second")
        start = time.monotonic()
        poll_until(selector, 10, lambda: len(received) == 2)
        assert received == [b"first", b"second"]
        assert time.monotonic() - start < 5
        sender.send(b"third")
        poll_until(selector, 0)
        assert received[2:] == [b"third"]


def test_time_is_over_and_a_broken_datagram_is_passed_over() -> None:
    def broken(sock: socket.socket) -> None:
        sock.recv(10)
        raise OSError

    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver, selectors.DefaultSelector() as selector:
        selector.register(receiver, selectors.EVENT_READ, broken)
        sender.send(b"first")
        start = time.monotonic()
        poll_until(selector, 0.05)
        assert 0.05 <= time.monotonic() - start < 5
