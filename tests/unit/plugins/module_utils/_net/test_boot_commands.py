# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that restore devices and VIPs when the host starts."""

from __future__ import annotations

from ipaddress import ip_address

from ansible_collections.lvs.cluster.plugins.module_utils._net.boot_commands import (
    device_commands,
    kernel_modules,
    vip_commands,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import HostRoute, Listener, Mtu, Tunnel, Up, VipAddress

VIP, VIP6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
ITEMS = [
    Listener(4, 6080),
    Mtu("tunl0", 1400),
    Tunnel("lvsgre", "gre", VIP, checksum=True),
    Up("lvsgre"),
    VipAddress("tunl0", VIP),
    HostRoute("tunl0", VIP),
    VipAddress("lo", VIP6, deprecated=True),
]


def test_devices_come_before_what_needs_them() -> None:
    """Fallback devices first, also those that a kernel module created; every device is brought up."""
    assert device_commands(ITEMS) == [
        "ip link add tunl0 type ipip",
        "ip link add lvsgre type gre local 192.0.2.1 icsum",
        "ip link set tunl0 mtu 1400",
        "ip fou add port 6080 gue",
        "ip link set tunl0 up",
        "ip link set lvsgre up",
        "ip link set lo up",
    ]


def test_vips() -> None:
    """Addresses first, as a route needs its device to be up."""
    assert vip_commands(ITEMS) == [
        "ip address add 192.0.2.1/32 dev tunl0",
        "ip -6 address add 2001:db8::1/128 dev lo preferred_lft 0 nodad",
        "ip route append 192.0.2.1 dev tunl0 scope link proto static",
    ]


def test_nothing() -> None:
    """A host on which nothing is owned."""
    assert (device_commands([]), vip_commands([])) == ([], [])


def test_kernel_modules() -> None:
    """Of listeners and devices, also of those that a module has made; each once."""
    assert kernel_modules(ITEMS) == ["fou", "ipip", "ip_gre"]
    assert kernel_modules([Listener(6, 6080), VipAddress("lo", VIP6), Up("eth0")]) == ["fou6"]
