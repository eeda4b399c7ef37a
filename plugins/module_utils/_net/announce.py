# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A VIP has come to this host: tell the neighbours, so that none goes on sending to where it was.

Sources: RFC 5227, 2.3 (ARP announcement); RFC 4861, 7.2.6 (unsolicited neighbour advertisement).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from .._core import files
from .._core.values import Address
from .neighbour import Device, Sender, devices

_TIMES = 3
_PAUSE = 0.05  # seconds


def facing(vip: Address) -> list[str]:
    """The devices of this host that have a connected network which contains the VIP, and neighbours in it."""
    return [device.name for device in devices() if device.faces(vip)]


def announce(vip: Address, names: Iterable[str]) -> None:
    """Tell the neighbours on these devices, three times within 0.1 s. Devices that have no neighbours are left out.

    :raises NotPermitted: without root
    """
    wanted = set(names)
    speaking = [device for device in devices() if device.name in wanted and device.has_neighbours]
    with Sender() as sender:
        for number in range(_TIMES if speaking else 0):
            if number:
                time.sleep(_PAUSE)
            for device in speaking:
                sender.tell(device, vip, vip.version == 6 and _routes(device))


def _routes(device: Device) -> bool:
    """Whether this host is a router there: who hears that it is none, stops using it as one (RFC 4861, 7.2.5)."""
    return files.read_text(f"/proc/sys/net/ipv6/conf/{device.name}/forwarding") not in (None, "0\n")
