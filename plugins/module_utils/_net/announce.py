# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Announcements of a VIP that this host has now, so that neighbours no longer send to the host that had it before.

Sources: RFC 5227, 2.3 (ARP announcement); RFC 4861, 7.2.6 (unsolicited neighbour advertisement).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from .._core import files
from .._core.values import Address
from .neighbour import Device, Sender, devices
from .route import default_route_devices

_ANNOUNCEMENTS = 3
_PAUSE = 0.05  # seconds


def announce(holders: Mapping[Address, Collection[str]]) -> None:
    """Announce VIPs, each with the devices that hold it: all of them three times within 0.1 s.

    :raises NotPermitted: without root
    """
    everywhere, defaults = devices(), default_route_devices()
    rounds = [(vip, devices_for(vip, names, everywhere, defaults)) for vip, names in holders.items()]
    routers = {device.name for vip, chosen in rounds if vip.version == 6 for device in chosen if _is_router(device)}
    with Sender() as sender:
        for number in range(_ANNOUNCEMENTS if any(chosen for _vip, chosen in rounds) else 0):
            if number:
                time.sleep(_PAUSE)
            for vip, chosen in rounds:
                for device in chosen:
                    sender.announce(device, vip, device.name in routers)


def devices_for(
    vip: Address, holders: Collection[str], everywhere: Sequence[Device], defaults: Collection[str]
) -> Sequence[Device]:
    """The devices on which a VIP is announced: the one that holds it, and those with a connected network that contains it.

    Only devices with neighbours count. Where there are none of these, as with a floating address on a tunnel device or on lo,
    the routers of the network send for an IPv4 VIP all the same: they are on the device of the default route, or else on any
    device with an IPv4 address. An IPv6 VIP is not announced there, as the kernel would not answer for it.

    :param holders: the devices that hold the VIP
    :param defaults: the devices of the default routes of IPv4
    """
    candidates = [device for device in everywhere if device.has_neighbours]
    near = [device for device in candidates if device.name in holders or device.faces(vip)]
    if near or vip.version == 6:
        return near
    candidates = [device for device in candidates if any(address.version == 4 for address in device.addresses)]
    return [device for device in candidates if device.name in defaults] or candidates


def _is_router(device: Device) -> bool:
    """Whether this host forwards IPv6: neighbours stop using it as a router if it says that it is none (RFC 4861, 7.2.5)."""
    return files.read_text(f"/proc/sys/net/ipv6/conf/{device.name}/forwarding") not in (None, "0\n")
