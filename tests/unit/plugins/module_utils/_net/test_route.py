# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The route to an address, as the kernel gives it for a connected UDP socket."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net.route import Route, path_mtu, route_to

RIP, RIP6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
# include/uapi/linux/in.h and in6.h
IP_MTU, IPV6_MTU = 14, 24


class Socket:
    """A UDP socket with routes to two addresses."""

    mtu = 1500

    def __init__(self, family: int, kind: int) -> None:
        assert kind == socket.SOCK_DGRAM
        self.family = family

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def connect(self, address: tuple[str, int]) -> None:
        """Find the route."""
        if address[0] not in (str(RIP), str(RIP6)):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    def getsockname(self) -> tuple[Any, ...]:
        """The source address."""
        return ("192.0.2.9", 40000) if self.family == socket.AF_INET else ("2001:db8::9", 40000, 0, 0)

    def getsockopt(self, level: int, option: int) -> int:
        """The MTU."""
        expected = (socket.IPPROTO_IP, IP_MTU) if self.family == socket.AF_INET else (socket.IPPROTO_IPV6, IPV6_MTU)
        assert (level, option) == expected
        return self.mtu


@pytest.fixture(autouse=True)
def sock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket is one of these."""
    monkeypatch.setattr(socket, "socket", Socket)


def test_route() -> None:
    """Its source and its MTU, in both families."""
    assert route_to(RIP) == Route(ip_address("192.0.2.9"), 1500)
    assert route_to(RIP6) == Route(ip_address("2001:db8::9"), 1500)
    assert path_mtu(RIP) == path_mtu(RIP6) == 1500


def test_mtu_of_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """C(lo) has one of 65536, and a packet at most 65535 bytes."""
    monkeypatch.setattr(Socket, "mtu", 65536)
    assert (route_to(RIP).mtu, path_mtu(RIP)) == (65535, 65535)


def test_no_route() -> None:
    """With the kernel's reason."""
    nowhere = ip_address("203.0.113.1")
    assert route_to(nowhere) == Route(None, 0, "Network is unreachable")
    assert path_mtu(nowhere) is None
