# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module tunl_vip: VIPs on devices, the tunnels that end there, and their listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.options import Facts, Options
from .._core.reconcile import Transition, Wanted
from .._core.resource import Resource
from .._core.values import Address
from . import conflicts, managers
from .model import HostNetwork, ItemKey, Listener, NetworkItem, SeenNetwork, Tunnel, Unmanaged, VipAddress
from .options import DesiredVips, read_options
from .ownership import Ownership
from .rtnetlink import NetworkBackend


class TunlVip(Resource[DesiredVips, ItemKey, NetworkItem, HostNetwork, NetworkBackend]):
    """Devices, and the VIPs on them."""

    def parse(self, options: Options) -> DesiredVips:
        """Read the options of one device, or of several."""
        return read_options(options)

    def open(self, desired: DesiredVips) -> NetworkBackend:
        """The access to devices, addresses, routes and listeners."""
        return NetworkBackend()

    def plan(self, desired: DesiredVips, seen: SeenNetwork) -> Sequence[Wanted[ItemKey, NetworkItem]]:
        """What is wanted, and the removal of what this collection created.

        :raises Invalid: what conflicts with what the host has
        """
        conflicts.check(desired, seen)
        return managers.with_files(Ownership(desired, seen).plan(), desired, seen)

    def result(self, desired: DesiredVips, seen: SeenNetwork) -> Facts:
        """The named devices and what they hold; a warning of each VIP that is not removed, as it is not owned."""
        devices = _device_facts(seen)
        for listener in Ownership(desired, seen).listeners():
            for device in listener.users & devices.keys():
                devices[device]["tunnel_port"] = Listener.of(listener.key).port
        named = dict.fromkeys(spec.name for spec in desired.devices)
        result: Facts = {"devices": [devices[name] for name in named if name in devices]}
        warnings = _warnings({wanted.key for wanted in desired.wanted if wanted.new is None}, seen)
        return {**result, "warnings": warnings} if warnings else result

    def after(
        self,
        desired: DesiredVips,
        backend: NetworkBackend,
        transition: Transition[ItemKey, NetworkItem, HostNetwork],
        log: Callable[[str], None],
    ) -> Facts:
        """Announce the VIPs that were added."""
        added: dict[Address, list[str]] = {}
        for change in transition.changes if desired.announce else ():
            if isinstance(change.after, VipAddress) and change.before is None:
                added.setdefault(change.after.vip, []).append(change.after.device)
        if added:
            from . import announce  # only directors need it

            announce.announce(added)
        return {}

    def plan_without_host(self, desired: DesiredVips) -> Sequence[Wanted[ItemKey, NetworkItem]]:
        """With the files, as on a host without devices."""
        return managers.with_files(desired.wanted, desired, self.empty_host())

    def empty_host(self) -> SeenNetwork:
        """A host without devices."""
        return SeenNetwork({}, HostNetwork())


def _device_facts(seen: SeenNetwork) -> dict[str, Facts]:
    """The devices, by name. The MTU of a tunnel device that was removed is no longer of interest."""
    removed = {device for device in seen.context.tunnels if ItemKey(device, Tunnel.KIND) not in seen.items}
    devices: dict[str, Facts] = {}
    for key, item in seen.items.items():
        if isinstance(item, (Listener, Unmanaged)) or key.device in removed:
            continue
        facts = devices.setdefault(key.device, {"name": key.device, "vips": []})
        if isinstance(item, VipAddress):
            facts["vips"].append(str(item.vip))
        else:
            facts.update(item.facts())
    return devices


def _warnings(absent: set[ItemKey], seen: SeenNetwork) -> list[str]:
    """The VIPs that should not exist, and that this collection did not add."""
    return [
        f"vips: {item.vip} on {item.device} was not added by this collection, and remains: {item.command('remove')}"
        for key, item in seen.items.items()
        if isinstance(item, VipAddress) and key in absent and key not in seen.owned
    ]
