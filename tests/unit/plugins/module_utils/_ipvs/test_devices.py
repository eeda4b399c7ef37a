# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of sync daemons; tests/integration/test_ipvs_config.py has those of a kernel."""

from __future__ import annotations

import errno
import fcntl
import struct
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.devices import Devices, devices_for
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import SyncDaemon

UP, DOWN, BARE = "up0", "down0", "bare0"  # bare0: up, without an address
INDEXES = {UP: 2, DOWN: 3, BARE: 4}


class Udp:
    """Stands for a UDP socket of a host with these devices."""

    def __init__(self, family: int, _kind: int) -> None:
        self.family = family
        self.device = 0

    def __enter__(self) -> Udp:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Nothing is open."""

    def setsockopt(self, level: int, _option: int, value: bytes) -> None:
        """IP_MULTICAST_IF takes a struct ip_mreqn, IPV6_MULTICAST_IF a number."""
        self.device = struct.unpack("=iii", value)[2] if level == 0 else struct.unpack("=i", value)[0]

    def connect(self, _group: tuple[str, int]) -> None:
        """As the kernel refuses it."""
        if self.device != INDEXES[UP]:
            raise OSError(errno.ENETUNREACH if self.device == INDEXES[DOWN] else errno.EADDRNOTAVAIL, "no")


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    def flags(_socket: Any, _request: int, asked: bytes) -> bytes:
        name = asked[:16].rstrip(b"\0")
        return struct.pack("16sH14x", name, 0x1002 if name == DOWN.encode() else 0x1003)

    monkeypatch.setattr("socket.if_nameindex", lambda: [(index, name) for name, index in INDEXES.items()])
    monkeypatch.setattr("socket.if_nametoindex", INDEXES.__getitem__)
    monkeypatch.setattr("socket.socket", Udp)
    monkeypatch.setattr(fcntl, "ioctl", flags)


@pytest.mark.parametrize("group", ["224.0.0.81", "ff02::81"])
@pytest.mark.parametrize(
    ("device", "down", "unreachable"),
    [
        (UP, [], {}),
        (DOWN, [DOWN], {"master": errno.ENETUNREACH}),
        (BARE, [], {"master": errno.EADDRNOTAVAIL}),
        ("none0", [], {}),
    ],
)
def test_device_of_a_master(device: str, group: str, down: list[str], unreachable: dict[str, int]) -> None:
    """One that does not exist is not tried."""
    daemon = SyncDaemon("master", device, group=ip_address(group))
    assert devices_for([daemon]) == Devices([UP, DOWN, BARE], frozenset(down), unreachable)


def test_device_of_a_backup() -> None:
    """The kernel joins the group on it whatever its state, and receives when it is up."""
    assert devices_for([SyncDaemon("backup", DOWN)]) == Devices([UP, DOWN, BARE])
