# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The route to an address, as the kernel gives it for a connected UDP socket."""

from __future__ import annotations

import errno
import os
import socket
import struct
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import route
from ansible_collections.lvs.cluster.plugins.module_utils._net.route import (
    Route,
    default_route_devices6,
    device_towards,
    path_mtu,
    route_to,
)

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


# rtnetlink.h
RTM_NEWROUTE, RTM_GETROUTE, NLMSG_ERROR, RTA_DST, RTA_OIF, RTA_GATEWAY = 24, 26, 2, 1, 4, 5


class Netlink:
    """A socket of the kernel's routes, which all lead out of a device by a gateway."""

    found = True

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        assert (family, kind, protocol) == (socket.AF_NETLINK, socket.SOCK_RAW, 0)

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        """It answers at once."""
        assert seconds > 0

    def send(self, message: bytes) -> None:
        """The question for the route to RIP6."""
        assert struct.unpack_from("=IHHII", message) == (len(message), RTM_GETROUTE, 1, 0, 0)
        assert message[16:28] == struct.pack("=BBBBBBBBI", socket.AF_INET6, 128, 0, 0, 0, 0, 0, 0, 0)
        assert message[28:] == struct.pack("=HH", 20, RTA_DST) + RIP6.packed

    def recv(self, size: int) -> bytes:
        """The answer."""
        assert size > 4096
        if not self.found:
            return struct.pack("=IHHIIi", 20, NLMSG_ERROR, 0, 0, 0, -errno.ENETUNREACH)
        routed = bytes(12) + struct.pack("=HH16s", 20, RTA_GATEWAY, b"") + struct.pack("=HHI", 8, RTA_OIF, 7)
        return struct.pack("=IHHII", 16 + len(routed), RTM_NEWROUTE, 0, 0, 0) + routed


@pytest.mark.parametrize("found", [True, False])
def test_device(found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that packets leave by, or none."""
    monkeypatch.setattr(socket, "socket", Netlink)
    monkeypatch.setattr(socket, "if_indextoname", {7: "eth7"}.get)
    monkeypatch.setattr(Netlink, "found", found)
    assert device_towards(RIP6) == ("eth7" if found else None)


def test_devices_of_default_routes_of_ipv6(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the one that the kernel has to say that there is none."""
    nothing = "0" * 32
    line = f"{{}} {{}} {nothing} 00 {nothing} 00000400 00000001 00000000 {{}} {{}}\n"
    (tmp_path / "routes").write_text(
        line.format("20010db8" + "0" * 24, 40, "00000001", "eth1")
        + line.format(nothing, "00", "00000003", "eth2")
        + line.format(nothing, "00", "00450003", "eth0")
        + line.format(nothing, "00", "00200200", "lo")
        + line.format(nothing, "03", "00000003", "eth3")
    )
    monkeypatch.setattr(route, "_ROUTES6", str(tmp_path / "routes"))
    assert default_route_devices6() == {"eth0", "eth2"}
    monkeypatch.setattr(route, "_ROUTES6", str(tmp_path / "none"))
    assert default_route_devices6() == frozenset()
