# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Announcements of a VIP that this host has now, so that neighbours no longer send to the host that had it before.

Sources: RFC 5227, 2.3 (ARP announcement); RFC 4861, 7.2.6 (unsolicited neighbour advertisement).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from .._core import files
from .._core.values import Address
from .neighbour import Device, Sender, devices

_ANNOUNCEMENTS = 3
_PAUSE = 0.05  # seconds


def facing(vip: Address) -> list[str]:
    """The devices of this host with neighbours in a connected network that contains the VIP."""
    return [device.name for device in devices() if device.faces(vip)]


def announce(vip: Address, names: Iterable[str]) -> None:
    """Announce the VIP on these devices, three times within 0.1 s; not on devices that have no neighbours.

    :raises NotPermitted: without root
    """
    selected = set(names)
    announcing = [device for device in devices() if device.name in selected and device.has_neighbours]
    with Sender() as sender:
        for number in range(_ANNOUNCEMENTS if announcing else 0):
            if number:
                time.sleep(_PAUSE)
            for device in announcing:
                sender.announce(device, vip, vip.version == 6 and _is_router(device))


def _is_router(device: Device) -> bool:
    """Whether this host forwards IPv6: neighbours stop using it as a router if it says that it is none (RFC 4861, 7.2.5)."""
    return files.read_text(f"/proc/sys/net/ipv6/conf/{device.name}/forwarding") not in (None, "0\n")
