# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What this collection created on a host, and what of it a plan removes.

Claims say what was created: they are in the state file, and void where the item no longer exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .._core.options import Facts
from .._core.reconcile import Change, Wanted
from .model import ANY_DEVICE, HostRoute, ItemKey, Listener, Mtu, NetworkItem, SeenNetwork, Tunnel, Unmanaged, Up, VipAddress
from .options import DesiredVips

# The order of the items of a device as they are added; they are removed in the opposite order.
_ORDER = tuple(item.KIND for item in (Tunnel, Mtu, Up, VipAddress, HostRoute))
# What a device holds for clients. When nothing of it is left, and no listener is used, the rest is removed, too.
_FOR_CLIENTS = (VipAddress.KIND, HostRoute.KIND)


@dataclass(frozen=True)
class ListenerUse(Wanted[ItemKey, NetworkItem]):
    """A listener, and the devices that use it: it exists while one of them does."""

    users: frozenset[str] = frozenset()


@dataclass
class Claims:
    """What this collection created on a host, in the form of the state file.

    The file has the claims of each device, as C(address 192.0.2.1), with a value: the former MTU, the names of the devices
    that use a listener, or null.
    """

    keys: set[ItemKey] = field(default_factory=set)
    former: dict[ItemKey, int] = field(default_factory=dict)  # MTUs in bytes, before this collection changed them
    users: dict[ItemKey, frozenset[str]] = field(default_factory=dict)  # of listeners: the devices

    @classmethod
    def load(cls, devices: Facts) -> Claims:
        """The claims of the state file."""
        claims = cls()
        for device, values in devices.items():
            for claim, value in values.items():
                what, _space, which = claim.partition(" ")
                key = ItemKey(device, what, which)
                claims.keys.add(key)
                if what == Listener.KIND:
                    claims.users[key] = frozenset(value or ())
                elif value is not None:
                    claims.former[key] = value
        return claims

    @classmethod
    def of(cls, seen: SeenNetwork) -> Claims:
        """The claims on what exists."""
        former = {key: item.mtu for key, item in seen.former.items() if isinstance(item, Mtu)}
        return cls(set(seen.owned), former, dict(seen.context.users))

    def dump(self) -> Facts:
        """The claims for the state file."""
        devices: Facts = {}
        for key in self.keys:
            users = self.users.get(key)
            value = self.former.get(key) if users is None else sorted(users)
            devices.setdefault(key.device, {})[f"{key.what} {key.which}".rstrip()] = value
        return devices

    @property
    def devices(self) -> set[str]:
        """The devices with claims."""
        return {key.device for key in self.keys} - {ANY_DEVICE}

    def vips(self, device: str) -> list[str]:
        """The VIPs that were added to a device, sorted by their text."""
        return sorted(key.which for key in self.keys if key.device == device and key.what == VipAddress.KIND)

    def use(self, wanted: Iterable[Wanted[ItemKey, NetworkItem]]) -> None:
        """Note the devices that use each listener from now on."""
        for listener in wanted:
            if isinstance(listener, ListenerUse) and listener.users:
                self.keys.add(listener.key)
                self.users[listener.key] = listener.users

    def add(self, change: Change[NetworkItem]) -> None:
        """Note what a change creates, before it is made: an addition, or another MTU."""
        key, before = change.item.key, change.before
        if change.action == "add":
            self.keys.add(key)
        elif isinstance(before, Mtu) and change.action == "set" and key not in self.keys:
            self.keys.add(key)
            self.former[key] = before.mtu

    def drop(self, key: ItemKey) -> None:
        """Forget an item."""
        self.keys.discard(key)
        self.former.pop(key, None)
        self.users.pop(key, None)

    def drop_removed(self, key: ItemKey) -> None:
        """Forget an item that was removed: with a tunnel device, all that was on it."""
        with_device = key.what == Tunnel.KIND
        for item in [item for item in self.keys if item.device == key.device] if with_device else [key]:
            if not (with_device and item.what == Unmanaged.KIND):
                self.drop(item)


class Ownership:
    """What remains, and what is removed, of the items that this collection created."""

    def __init__(self, desired: DesiredVips, seen: SeenNetwork) -> None:
        self._devices, self._seen = desired.devices, seen
        self._present = [wanted for wanted in desired.wanted if wanted.new and wanted.key.what != Listener.KIND]
        self._absent_keys = {wanted.key for wanted in desired.wanted if not wanted.new}
        self._present_devices = {spec.name for spec in desired.devices if spec.present}
        self._owned = {key for key in seen.owned if key.what not in (Listener.KIND, Unmanaged.KIND)}
        self._purged_devices = self._present_devices if desired.purge else set()
        self._cleared_devices = {spec.name for spec in desired.devices if spec.removes_all}
        if desired.purge_other_devices:
            users = {device for devices in seen.context.users.values() for device in devices}
            self._cleared_devices |= ({key.device for key in self._owned} | users) - self._present_devices

    def plan(self) -> list[Wanted[ItemKey, NetworkItem]]:
        """What is wanted, with the removals beside it."""
        removed = sorted(self._removed(), key=lambda key: (key.device, _ORDER.index(key.what), key.which))
        return [*self.listeners(), *self._present, *map(Wanted.absent, removed)]

    def listeners(self) -> list[ListenerUse]:
        """The listeners of this collection, also those to be created, with the devices that use each from now on."""
        named = [spec.listener.key for spec in self._devices if spec.listener is not None]
        keys = dict.fromkeys([*named, *sorted(self._seen.context.users)])
        return [self._use(key) for key in keys if not self._is_foreign(key)]

    def _is_foreign(self, key: ItemKey) -> bool:
        """Whether another program created the listener: it is used as it is."""
        listener = Listener.of(key)
        exists = self._seen.context.listeners.get((listener.outer, listener.port), False)
        return exists and key not in self._seen.owned

    def _use(self, key: ItemKey) -> ListenerUse:
        listener = Listener.of(key)
        before = self._seen.context.users.get(key, frozenset())
        added = {spec.name for spec in self._devices if spec.present and spec.listener == listener}
        removed = {spec.name for spec in self._devices if not spec.present and spec.listener == listener}
        users = (before | added) - removed - self._cleared_devices - (self._purged_devices - added)
        return ListenerUse(key=key, new=listener if users else None, given={}, users=users)

    def _removed(self) -> set[ItemKey]:
        """All items that are removed; of a device that is removed, only the device itself."""
        removed = self._removed_for_clients()
        for device in self._abandoned_devices(removed):
            owned = {key for key in self._owned if key.device == device}
            tunnel = ItemKey(device, Tunnel.KIND)
            removed = (removed - owned) | ({tunnel} if tunnel in owned else self._restorable(owned))
        return removed

    def _removed_for_clients(self) -> set[ItemKey]:
        """The VIPs and routes that are removed."""
        devices = self._cleared_devices | self._purged_devices
        candidates = {key for key in self._owned if key.what in _FOR_CLIENTS} - {wanted.key for wanted in self._present}
        return {key for key in candidates if key in self._absent_keys or key.device in devices}

    def _abandoned_devices(self, removed: set[ItemKey]) -> set[str]:
        """The devices that lose the last that they hold for clients."""
        losing = {key.device for key in removed} | self._cleared_devices
        losing |= {spec.name for spec in self._devices if not spec.present and spec.listener is not None}
        using = {device for listener in self.listeners() for device in listener.users}
        holding = {key.device for key in self._seen.items if key.what in _FOR_CLIENTS and key not in removed}
        return losing - self._present_devices - using - holding

    def _restorable(self, keys: set[ItemKey]) -> set[ItemKey]:
        """Without an MTU whose former value is unknown."""
        return {key for key in keys if key.what != Mtu.KIND or key in self._seen.former}
