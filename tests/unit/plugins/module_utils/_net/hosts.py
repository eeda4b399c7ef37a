# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the tests of this folder: items, which of them are owned, and what a module makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Seen, Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import (
    HostNetwork,
    HostRoute,
    ItemKey,
    Listener,
    Mtu,
    NetworkItem,
    SeenNetwork,
    Tunnel,
    Up,
    VipAddress,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net.options import DEVICE_OPTIONS, read_options
from ansible_collections.lvs.cluster.plugins.module_utils._net.ownership import ListenerUse, Ownership

VIP, OTHER, VIP6 = (ip_address(text) for text in ("192.168.56.185", "192.168.56.186", "2001:db8::185"))
RIP, RIP6, DIP = (ip_address(text) for text in ("192.168.56.183", "2001:db8::183", "192.168.56.181"))
BASE: dict[str, Any] = {
    **dict.fromkeys((*DEVICE_OPTIONS, "devices")), "state": "present", "purge": False, "announce": False
}  # fmt: skip
ABSENT = {"state": "absent"}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre", "local": str(RIP)}

TUNNEL, UP = Tunnel("tunl0", "ipip"), Up("tunl0")
ADDRESS, ROUTE = VipAddress("tunl0", VIP), HostRoute("tunl0", VIP)
ADDRESS6 = VipAddress("sit0", VIP6, deprecated=True)


@dataclass(frozen=True)
class UsedListener:
    """A listener, and the devices that use it."""

    listener: Listener
    users: frozenset[str]


@dataclass(frozen=True)
class Owned:
    """An item that this collection created; of an MTU, the former one."""

    item: Any
    former: int | None = None


def owned(*items: Any) -> list[Any]:
    """The same, created by this collection."""
    return [item if isinstance(item, Owned) else Owned(item) for item in items]


def listener(port: int, *users: str, outer: int = 4) -> UsedListener:
    """A listener that these devices use."""
    return UsedListener(Listener(outer, port), frozenset(users))


def held(device: str, vip: Any) -> list[Any]:
    """A VIP on a device, with its route."""
    return [VipAddress(device, vip), HostRoute(device, vip)]


def items_of(items: Any) -> set[Any]:
    """The items, whoever created them."""
    return {item.item if isinstance(item, Owned) else item for item in items}


def host(*items: Any, **network: Any) -> SeenNetwork:
    """A host with these items."""
    seen: dict[ItemKey, NetworkItem] = {}
    owned_keys: set[ItemKey] = set()
    former: dict[ItemKey, NetworkItem] = {}
    users: dict[ItemKey, frozenset[str]] = {}
    for entry in items:
        item = entry.item if isinstance(entry, Owned) else entry
        if isinstance(item, UsedListener):
            users.update({item.listener.key: item.users} if isinstance(entry, Owned) else {})
            item = item.listener
        seen[item.key] = item
        if isinstance(entry, Owned):
            owned_keys.add(item.key)
            if entry.former is not None:
                former[item.key] = Mtu(item.device, entry.former)
    context = HostNetwork(
        tunnels=frozenset(item.device for item in seen.values() if isinstance(item, Tunnel)),
        tunnel_ends={item.ends: item.device for item in seen.values() if isinstance(item, Tunnel)},
        listeners={(item.outer, item.port): True for item in seen.values() if isinstance(item, Listener)},
        users=users,
    )
    return Seen(seen, replace(context, **network), owned_keys, former)


def transition_to(options: dict[str, Any], seen: SeenNetwork) -> Transition[ItemKey, NetworkItem, HostNetwork]:
    """What a module does on this host, without its checks."""
    wanted = Ownership(read_options({**BASE, **options}), seen).plan()
    return Transition(wanted, seen, reconcile(wanted, seen))


def made(transition: Transition[ItemKey, NetworkItem, HostNetwork]) -> SeenNetwork:
    """The host when all changes have been made."""
    seen = transition.seen
    items, owned_keys, users = dict(seen.items), set(seen.owned), dict(seen.context.users)
    for use in transition.wanted:
        if isinstance(use, ListenerUse):
            users[use.key] = use.users
    for change in transition.changes:
        key = change.item.key
        items.pop(key, None)
        owned_keys.discard(key)
        if change.after is not None:
            items[key] = change.after
            owned_keys.add(key)
        elif key.what == Tunnel.KIND:  # everything on a device is removed with it
            items = {other: item for other, item in items.items() if other.device != key.device}
    users = {key: devices for key, devices in users.items() if key in items}
    listeners = {(item.outer, item.port): True for item in items.values() if isinstance(item, Listener)}
    return replace(seen, items=items, owned=owned_keys, context=replace(seen.context, users=users, listeners=listeners))


def outcome(options: dict[str, Any], *items: Any) -> tuple[list[str], set[Any]]:
    """The commands that lead from these items to what the options ask for, and the items then; a second run has none."""
    transition = transition_to(options, host(*items))
    seen = made(transition)
    second = transition_to(options, seen)
    assert (second.changes, made(second).context.users) == ([], seen.context.users)
    after = {
        UsedListener(item, seen.context.users.get(key, frozenset())) if isinstance(item, Listener) else item
        for key, item in seen.items.items()
    }
    return [change.command() for change in transition.changes], after


def lines(options: dict[str, Any], *items: Any) -> list[str]:
    """The commands alone."""
    return outcome(options, *items)[0]
