# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that packets come in on."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._firewall import host
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device

DIP, UNREACHABLE = ip_address("192.0.2.1"), ip_address("203.0.113.1")
VIP, VIP6 = ip_address("192.0.2.80"), ip_address("2001:db8::80")
ELSEWHERE, ELSEWHERE6 = ip_address("198.51.100.80"), ip_address("2001:db8:1::80")
RIP, RIP6 = ip_interface("192.0.2.3/24"), ip_interface("2001:db8::3/64")
DEVICES = [
    Device(1, "lo", b"", False, (), (ip_address("198.51.100.3"),)),
    Device(2, "eth0", b"", True, (RIP, RIP6), (RIP.ip, RIP6.ip)),
    Device(3, "eth1", b"", True, (), ()),
]


def test_device_towards_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the route, whichever device has the address that packets leave with."""
    monkeypatch.setattr(host, "device_towards", {DIP: "eth1"}.get)
    assert host._towards([DIP, UNREACHABLE]) == {DIP: "eth1"}


def test_devices_of_a_vip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in its network; of a VIP in no connected network, those of the default routes of its family."""
    monkeypatch.setattr(neighbour, "devices", lambda: DEVICES)
    monkeypatch.setattr(host, "default_route_devices", lambda: frozenset({"eth2", "eth1"}))
    monkeypatch.setattr(host, "default_route_devices6", lambda: frozenset({"eth3"}))
    assert host._facing([VIP, VIP6, ELSEWHERE, ELSEWHERE6]) == {
        VIP: ["eth0"],
        VIP6: ["eth0"],
        ELSEWHERE: ["eth1", "eth2"],
        ELSEWHERE6: ["eth3"],
    }
