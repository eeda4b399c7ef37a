# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The commands in the boot files that restore devices and VIPs when the host starts."""

from __future__ import annotations

from collections.abc import Iterable

from .model import FALLBACK_DEVICES, HostRoute, Listener, Mtu, NetworkItem, Tunnel, Up, VipAddress

_MODULES = {"ipip": "ipip", "sit": "sit", "ip6tnl": "ip6_tunnel", "gre": "ip_gre", "ip6gre": "ip6_gre"}


def device_commands(items: Iterable[NetworkItem]) -> list[str]:
    """Everything but the VIPs: tunnels, MTUs, listeners, and the state of each device."""
    items = list(items)
    devices = dict.fromkeys(item.device for item in items if not isinstance(item, Listener))
    # This command also loads the kernel module that creates a fallback device. A device that its module made is not owned.
    tunnels = {device: Tunnel(device, FALLBACK_DEVICES[device]) for device in devices if device in FALLBACK_DEVICES}
    tunnels.update((item.device, item) for item in items if isinstance(item, Tunnel))
    mtus = [item for item in items if isinstance(item, Mtu)]
    listeners = [item for item in items if isinstance(item, Listener)]
    return [item.command() for item in (*tunnels.values(), *mtus, *listeners, *map(Up, devices))]


def kernel_modules(items: Iterable[NetworkItem]) -> list[str]:
    """The kernel modules that have to be loaded before: listeners load none, and sysctls of a device need its module."""
    names = []
    for item in items:
        if isinstance(item, Listener):
            names.append(item.module)
        elif isinstance(item, Tunnel):
            names.append(_MODULES[item.kind])
        elif item.device in FALLBACK_DEVICES:  # which its module has made
            names.append(_MODULES[FALLBACK_DEVICES[item.device]])
    return list(dict.fromkeys(names))


def vip_commands(items: Iterable[NetworkItem]) -> list[str]:
    """The VIPs and the routes to them."""
    items = list(items)
    addresses = [item.command() for item in items if isinstance(item, VipAddress)]
    # As the module adds them: beside the route of another device, with the protocol that pyroute2 sets.
    routes = [
        f"ip route append {item.vip} dev {item.device} scope link proto static"
        for item in items
        if isinstance(item, HostRoute)
    ]
    return addresses + routes
