# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The files that keep NetworkManager and systemd-networkd away from tunnel devices, and which devices have them. Pure.

These programs take from a device that they manage what they did not add: the VIPs, and the routes to them.

Sources: NetworkManager.conf(5), sections keyfile and Device List Format; systemd.network(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .._core.reconcile import Wanted
from .._core.textfile import made_file
from .model import FALLBACK_DEVICES, ItemKey, Listener, NetworkItem, SeenNetwork, Tunnel, Unmanaged, VipAddress
from .options import DesiredVips, DeviceSpec
from .ownership import ListenerUse

NETWORK_MANAGER_FOLDER = "/etc/NetworkManager/conf.d"
NETWORKD_FOLDER = "/etc/systemd/network"

_MODULE = "tunl_vip"
_LITERAL_NAME = re.compile(r"[A-Za-z0-9_.@+-]+")  # which neither program reads as a pattern or a list
_OTHER_KINDS = (Unmanaged.KIND, Listener.KIND)

WantedItem = Wanted[ItemKey, NetworkItem]


def unmanaged(device: str) -> Unmanaged:
    """The files for a device."""
    # With a plus, what other files name stays. Over a section "device", what NetworkManager noted of the device would win.
    network_manager = ["[keyfile]", f"unmanaged-devices+=interface-name:={device}"]
    # Of the files that match a device, systemd-networkd takes the first.
    networkd = ["[Match]", f"Name={device}", "[Link]", "Unmanaged=yes"]
    return Unmanaged(
        device,
        (
            made_file(f"{NETWORK_MANAGER_FOLDER}/90-lvs-{device}.conf", _MODULE, network_manager),
            made_file(f"{NETWORKD_FOLDER}/00-lvs-{device}.network", _MODULE, networkd),
        ),
    )


def with_files(wanted: Sequence[WantedItem], desired: DesiredVips, seen: SeenNetwork) -> list[WantedItem]:
    """A plan with the files: they come before all else of their device, and go after it."""
    coming = [_wanted(unmanaged(spec.name)) for spec in desired.devices if _needs_files(spec, seen)]
    used = {spec.name for spec in desired.devices if spec.present}.union(_devices_in_use(wanted, seen))
    files = sorted(key for key in seen.owned if key.what == Unmanaged.KIND)
    going: list[WantedItem] = [Wanted.absent(key) for key in files if key.device not in used]
    return [*coming, *going, *wanted]


def _wanted(item: Unmanaged) -> WantedItem:
    return Wanted(item.key, item, {"files": item.files})


def _needs_files(spec: DeviceSpec, seen: SeenNetwork) -> bool:
    """Whether a device is a tunnel that no other program may have set up: that one would lose what it manages."""
    if not spec.present or spec.tunnel is None or not _LITERAL_NAME.fullmatch(spec.name):
        return False
    if ItemKey(spec.name, Unmanaged.KIND) in seen.items:
        return True
    tunnel = spec.tunnel.key
    if spec.name not in FALLBACK_DEVICES and tunnel in seen.items and tunnel not in seen.owned:
        return False
    return all(
        address.is_link_local or VipAddress(spec.name, address).key in seen.owned
        for address, devices in seen.context.holders.items()
        if spec.name in devices
    )


def _devices_in_use(wanted: Sequence[WantedItem], seen: SeenNetwork) -> Iterator[str]:
    """The devices on which something of this collection is left."""
    removed = {item.key for item in wanted if item.new is None}
    for key in seen.owned:
        if key.what not in _OTHER_KINDS and key not in removed and ItemKey(key.device, Tunnel.KIND) not in removed:
            yield key.device
    for item in wanted:
        if isinstance(item, ListenerUse):
            yield from item.users
