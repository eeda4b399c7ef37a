# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which devices have files that keep network managers away, when these come, and when they go."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._net.managers import unmanaged
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import (
    HostNetwork,
    ItemKey,
    NetworkItem,
    SeenNetwork,
    Tunnel,
    Unmanaged,
    Up,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunl_vip import TunlVip
from tests.unit.plugins.module_utils._net.hosts import (
    ABSENT,
    ADDRESS,
    BASE,
    GRE,
    GUE,
    OTHER,
    RIP,
    ROUTE,
    TUNNEL,
    UP,
    VIP,
    held,
    host,
    listener,
    made,
    owned,
)

MODULE = TunlVip()
DEVICES = ("lo", "eth0")


def transition(options: dict[str, Any], seen: SeenNetwork) -> Transition[ItemKey, NetworkItem, HostNetwork]:
    """What the module does on this host."""
    wanted = MODULE.plan(MODULE.parse({**BASE, **options}), seen)
    return Transition(wanted, seen, reconcile(wanted, seen))


def protected(options: dict[str, Any], *items: Any, **network: Any) -> list[str]:
    """The devices that have files afterwards; a second run changes nothing."""
    seen = made(transition(options, host(*items, **{"devices": DEVICES, **network})))
    assert transition(options, seen).changes == []
    return sorted(key.device for key in seen.items if key.what == Unmanaged.KIND)


def test_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in the words of its program, and made here."""
    monkeypatch.undo()
    network_manager, networkd = unmanaged("tunl0").files
    assert network_manager.key == "/etc/NetworkManager/conf.d/90-lvs-tunl0.conf"
    assert network_manager.lines == ["[keyfile]", "unmanaged-devices+=interface-name:=tunl0"]
    assert networkd.key == "/etc/systemd/network/00-lvs-tunl0.network"
    assert networkd.lines == ["[Match]", "Name=tunl0", "[Link]", "Unmanaged=yes"]
    for file in (network_manager, networkd):
        assert file.text.startswith("# Made by lvs.cluster.tunl_vip: what is changed here is lost.\n")
    assert unmanaged("tunl0").command().splitlines()[:2] == [
        "echo '[keyfile]' > /etc/NetworkManager/conf.d/90-lvs-tunl0.conf",
        "echo unmanaged-devices+=interface-name:=tunl0 >> /etc/NetworkManager/conf.d/90-lvs-tunl0.conf",
    ]
    assert unmanaged("tunl0").command("remove").splitlines() == [f"rm {file.key}" for file in (network_manager, networkd)]
    assert unmanaged("tunl0").diff_line().splitlines()[3] == "/etc/systemd/network/00-lvs-tunl0.network: Name=tunl0"


def test_first_and_last() -> None:
    """Before a device is made or is up, and after all of it is gone."""
    gre = {**GRE, "device": "lvs0", "vips": [str(VIP)]}
    coming = transition(gre, host(devices=DEVICES))
    kinds = ["unmanaged", "tunnel", "up", "address", "route"]
    assert [change.item.KIND for change in coming.changes] == kinds
    there = [TUNNEL, *owned(UP, ADDRESS, ROUTE, unmanaged("tunl0"))]
    going = transition(ABSENT, host(*there))
    assert [change.item.KIND for change in going.changes] == ["route", "address", "up", "unmanaged"]
    created = owned(Tunnel("lvs0", "gre", RIP), Up("lvs0"), *held("lvs0", VIP), unmanaged("lvs0"))
    going = transition({**ABSENT, "device": "lvs0"}, host(*created))
    assert [change.item.KIND for change in going.changes] == ["tunnel", "unmanaged"]


@pytest.mark.parametrize(
    ("options", "items", "network", "devices"),
    [
        ({}, [], {}, ["tunl0"]),
        ({"vips": [str(VIP)]}, [TUNNEL, *owned(ADDRESS, ROUTE, UP)], {"holders": {VIP: {"tunl0": 32}}}, ["tunl0"]),
        ({**GRE, "device": "lvs0"}, [], {}, ["lvs0"]),
        (
            {"devices": [{"device": "tunl0"}, {"device": "lo", "vips": [str(VIP)]}, {"device": "sit0"}]},
            [],
            {},
            ["sit0", "tunl0"],
        ),
        # No tunnel: the device, and what manages it, are not ours.
        ({"device": "eth0", "vips": [str(VIP)]}, [], {}, []),
        # An address of the kernel's own making.
        ({"device": "sit0"}, [], {"holders": {ip_address("fe80::1"): {"sit0": 64}}}, ["sit0"]),
        # Another program may have set it up.
        ({"vips": [str(VIP)]}, [TUNNEL, UP, ADDRESS, ROUTE], {"holders": {VIP: {"tunl0": 32}}}, []),
        ({}, [TUNNEL, UP], {"holders": {ip_address("192.0.2.1"): {"tunl0": 24}}}, []),
        ({**GRE, "device": "lvs0"}, [Tunnel("lvs0", "gre", RIP), Up("lvs0")], {"devices": ("lo", "lvs0")}, []),
        # What has its files keeps them.
        ({}, [TUNNEL, UP, unmanaged("tunl0")], {"holders": {ip_address("192.0.2.1"): {"tunl0": 24}}}, ["tunl0"]),
        ({**GRE, "device": "lvs*"}, [], {}, []),
        ({**GRE, "device": "lvs,0"}, [], {}, []),
    ],
)
def test_devices(options: dict[str, Any], items: list[Any], network: dict[str, Any], devices: list[str]) -> None:
    """Tunnels, as far as they are of this collection."""
    assert protected(options, *items, **network) == devices


@pytest.mark.parametrize(
    ("options", "items", "left"),
    [
        ({**ABSENT, "vips": [str(VIP)]}, owned(UP, ADDRESS, ROUTE), []),
        ({**ABSENT, "vips": [str(VIP)]}, owned(UP, ADDRESS, ROUTE, *held("tunl0", OTHER)), ["tunl0"]),
        ({**ABSENT, "vips": [str(VIP)]}, [UP, *owned(ADDRESS, ROUTE)], []),
        ({**ABSENT, "vips": [str(VIP)]}, [UP, *owned(ADDRESS, ROUTE, listener(6080, "tunl0"))], ["tunl0"]),
        ({**ABSENT, **GUE}, [UP, *owned(listener(6080, "tunl0"))], []),
        ({"devices": [], "purge": True}, owned(UP, ADDRESS, ROUTE), []),
        ({"devices": [], "purge": True}, [], []),
        ({"devices": [{"device": "eth0"}], "purge": True}, owned(UP, ADDRESS, ROUTE), []),
        ({"device": "eth0"}, owned(UP, ADDRESS, ROUTE), ["tunl0"]),
        ({"purge": True}, owned(UP, ADDRESS, ROUTE), ["tunl0"]),
    ],
)
def test_removal(options: dict[str, Any], items: list[Any], left: list[str]) -> None:
    """With the last that this collection has on the device; of a device that is gone, too."""
    assert protected(options, TUNNEL, *items, *owned(unmanaged("tunl0"))) == left


def test_files_without_a_claim() -> None:
    """Where the state file is lost, nothing is removed any more."""
    assert protected(ABSENT, TUNNEL, UP, ADDRESS, unmanaged("tunl0")) == ["tunl0"]


def test_files_are_completed() -> None:
    """One that is missing, or that an earlier version wrote differently."""
    half = Unmanaged("tunl0", unmanaged("tunl0").files[:1])
    (change,) = transition({}, host(TUNNEL, *owned(UP, half))).changes
    assert (change.action, change.after) == ("set", unmanaged("tunl0"))


def test_check_mode_without_a_host() -> None:
    """Where pyroute2 is yet to be installed, the files are shown, too."""
    wanted = MODULE.plan_without_host(MODULE.parse({**BASE, "vips": [str(VIP)]}))
    assert [item.key.what for item in wanted] == ["unmanaged", "tunnel", "up", "address", "route"]
    assert wanted[0].new == unmanaged("tunl0")
