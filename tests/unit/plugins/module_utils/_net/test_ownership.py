# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection created on a host, and what of it a plan removes."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net.model import HostRoute, Mtu, Tunnel, Up, VipAddress
from tests.unit.plugins.module_utils._net.hosts import (
    ABSENT,
    ADDRESS,
    ADDRESS6,
    GRE,
    GUE,
    OTHER,
    RIP,
    ROUTE,
    TUNNEL,
    UP,
    VIP,
    VIP6,
    Owned,
    held,
    items_of,
    lines,
    listener,
    outcome,
    owned,
)


def test_absent() -> None:
    """What is named and owned is removed; the rest of the device remains while it holds a VIP."""
    remaining = [*owned(TUNNEL, UP), *held("tunl0", OTHER)]
    commands, left = outcome({**ABSENT, "vips": [str(VIP)]}, *remaining, *owned(ADDRESS, ROUTE))
    assert commands == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
    ]
    assert left == items_of(remaining)
    assert lines({**ABSENT, "vips": [str(VIP)]}, *remaining) == []


@pytest.mark.parametrize("vips", [None, ["192.168.56.185"]])
@pytest.mark.parametrize("there", [[], [TUNNEL, Mtu("tunl0", 1480)], [TUNNEL, UP, ADDRESS, ROUTE, listener(6080)]])
def test_absent_leaves_items_of_other_programs(there: list[Any], vips: Any) -> None:
    """Nor is there anything to remove where nothing exists."""
    assert lines({**ABSENT, "vips": vips}, *there) == []


@pytest.mark.parametrize("vips", [None, [], ["192.168.56.185", "192.168.56.186"]])
def test_device_is_restored_with_its_last_vip(vips: Any) -> None:
    """It exists as before, down and with its former MTU; if another program brought it up, it remains up."""
    carried = owned(ADDRESS, ROUTE, *held("tunl0", OTHER))
    down = [*owned(UP, Owned(Mtu("tunl0", 1400), former=1480))]
    commands, left = outcome({**ABSENT, "vips": vips}, TUNNEL, *down, *carried)
    assert commands == [
        "ip route del 192.168.56.186 dev tunl0 scope link",
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.186/32 dev tunl0",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link set tunl0 down",
        "ip link set tunl0 mtu 1480",
    ]
    assert left == {TUNNEL}
    assert outcome({**ABSENT, "vips": vips}, TUNNEL, UP, Mtu("tunl0", 1480), *carried)[1] == {TUNNEL, UP, Mtu("tunl0", 1480)}


def test_created_device_is_removed_with_everything_on_it() -> None:
    """In one command; its listener follows, as it is not on the device."""
    made = owned(Tunnel("lvs0", "gre", RIP), Up("lvs0"), *held("lvs0", VIP))
    foreign = [TUNNEL, UP, ADDRESS]
    assert outcome({**ABSENT, "device": "lvs0"}, *made, *owned(listener(6080, "lvs0")), *foreign) == (
        ["ip link del lvs0", "ip fou del port 6080"],
        set(foreign),
    )
    assert outcome({**ABSENT, "device": "lvs0"}, *made, *owned(listener(6080, "lvs0", "tunl0")), *foreign) == (
        ["ip link del lvs0"],
        {*foreign, listener(6080, "tunl0")},
    )


@pytest.mark.parametrize("other", [VipAddress("lvs0", OTHER), HostRoute("lvs0", OTHER)])
def test_created_device_remains_for_other_programs(other: Any) -> None:
    """For what another program added to it."""
    made = owned(Tunnel("lvs0", "gre", RIP), Up("lvs0"))
    commands, left = outcome({**ABSENT, "device": "lvs0"}, *made, *owned(*held("lvs0", VIP)), other)
    assert commands == ["ip route del 192.168.56.185 dev lvs0 scope link", "ip address del 192.168.56.185/32 dev lvs0"]
    assert left == {*items_of(made), other}


NO_VIP, NO_LISTENER, DOWN = "ip address del 192.168.56.185/32 dev tunl0", "ip fou del port 6080", "ip link set tunl0 down"


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        (GUE, [NO_LISTENER]),
        ({**GUE, "tunnel_port": 6081}, []),
        ({"tunnel_type": "gue", "vips": ["192.168.56.185"]}, [NO_VIP]),
        ({**GUE, "vips": ["192.168.56.185"]}, [NO_VIP, DOWN, NO_LISTENER]),
        ({}, [NO_VIP, DOWN, NO_LISTENER]),
        ({"device": "sit0"}, []),
        ({**GUE, "device": "sit0"}, []),
    ],
)
def test_listener_is_removed(options: dict[str, Any], commands: list[str]) -> None:
    """Where it is named with its port, or with the whole device; a device remains up for a VIP or a listener."""
    assert lines({**ABSENT, **options}, TUNNEL, *owned(UP, ADDRESS, listener(6080, "tunl0"))) == commands
    shared = outcome({**ABSENT, **options}, TUNNEL, *owned(UP, ADDRESS, listener(6080, "tunl0", "lvs0")))
    assert shared[0] == [line for line in commands if line != NO_LISTENER]
    assert (listener(6080, "lvs0") in shared[1]) == (NO_LISTENER in commands)
    # A listener of another program is not removed, and no device remains up for it.
    foreign = outcome({**ABSENT, **options}, TUNNEL, *owned(UP, ADDRESS), listener(6080))
    assert NO_LISTENER not in foreign[0]
    assert listener(6080) in foreign[1]
    assert (DOWN in foreign[0]) == (NO_VIP in commands)


def test_device_without_vips_is_restored_with_its_listener() -> None:
    """It holds nothing else."""
    made = owned(Tunnel("sit0", "sit"), Up("sit0"), listener(6080, "sit0"))
    assert outcome({**ABSENT, **GUE, "device": "sit0"}, *made) == (["ip link del sit0", NO_LISTENER], set())
    other = owned(listener(6081, "sit0"))
    assert outcome({**ABSENT, **GUE, "device": "sit0"}, *made, *other) == ([NO_LISTENER], items_of([*made[:2], *other]))


def test_absent_in_a_list() -> None:
    """What each row names is removed."""
    rows = [{"device": "tunl0", "vips": ["192.168.56.185"]}, {"device": "sit0"}]
    there = [TUNNEL, *owned(UP, ADDRESS, ROUTE, *held("tunl0", OTHER), Tunnel("sit0", "sit"), Up("sit0"), ADDRESS6)]
    commands, left = outcome({**ABSENT, "devices": rows}, *there)
    assert commands == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link del sit0",
    ]
    assert left == {TUNNEL, UP, *held("tunl0", OTHER)}


# What this collection added to three devices, and one VIP that it did not.
ESTATE = [
    TUNNEL, *owned(UP, ADDRESS, ROUTE, listener(6080, "tunl0")), *held("tunl0", OTHER),
    *owned(Tunnel("lvs0", "gre", RIP), Up("lvs0"), VipAddress("lvs0", VIP6, deprecated=True)),
    *owned(Up("lo"), Owned(Mtu("lo", 1400), former=65536), VipAddress("lo", ip_address("2001:db8::186"), deprecated=True)),
]  # fmt: skip
FOREIGN = {TUNNEL, *held("tunl0", OTHER)}
CLEARED = [
    "ip route del 192.168.56.185 dev tunl0 scope link",
    "ip address del 192.168.56.185/32 dev tunl0",
]
CLEARED_LO = [
    "ip -6 address del 2001:db8::186/128 dev lo",
    "ip link set lo down",
    "ip link set lo mtu 65536",
]


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        # Everything on one device, which remains up, as it is named.
        ({"device": "tunl0"}, [*CLEARED, NO_LISTENER]),
        ({"device": "tunl0", "vips": ["192.168.56.185"]}, [NO_LISTENER]),
        ({"device": "tunl0", **GUE}, CLEARED),
        ({"device": "lo"}, CLEARED_LO[:1]),
        # A list concerns all devices.
        ({"devices": []}, [*CLEARED, "ip link del lvs0", *CLEARED_LO, NO_LISTENER]),
        ({"devices": [{"device": "tunl0"}]}, [*CLEARED, "ip link del lvs0", *CLEARED_LO, NO_LISTENER]),
        ({"devices": [{"device": "tunl0", **GUE}]}, [*CLEARED, "ip link del lvs0", *CLEARED_LO]),
        (
            {"devices": [{"device": "lo", "vips": ["2001:db8::186"]}, {"device": "lvs0", **GRE}]},
            [*CLEARED, "ip -6 address del 2001:db8::185/128 dev lvs0", NO_LISTENER],
        ),
    ],
)
def test_purge(options: dict[str, Any], commands: list[str]) -> None:
    """What is owned and not named is removed, listeners last; without purge, nothing is."""
    made, left = outcome({"purge": True, **options}, *ESTATE)
    order = ("tunl0", "lvs0", "lo")  # and then the listener
    assert sorted(made, key=lambda line: [word not in line.split() for word in order]) == commands
    assert NO_LISTENER not in made[:-1]
    assert left >= FOREIGN
    assert lines(options, *ESTATE) == []


def test_purge_has_no_effect_on_removals() -> None:
    """There, what is removed is named."""
    options = {**ABSENT, "purge": True, "device": "tunl0", "vips": ["192.168.56.185"]}
    assert lines(options, *ESTATE) == CLEARED
    assert lines({**ABSENT, "purge": True, "devices": [{"device": "lo"}]}, *ESTATE) == CLEARED_LO


def test_purge_of_a_shared_listener() -> None:
    """Of one device, or of all."""
    there = [TUNNEL, *owned(UP, ADDRESS, ROUTE), *owned(listener(6080, "tunl0", "sit0"))]
    purged = {"purge": True, "vips": ["192.168.56.185"]}
    assert outcome(purged, *there) == ([], {TUNNEL, UP, ADDRESS, ROUTE, listener(6080, "sit0")})
    assert lines({"purge": True, "devices": [{"device": "tunl0", "vips": ["192.168.56.185"]}]}, *there) == [NO_LISTENER]
    assert outcome({**purged, **GUE, "tunnel_port": 6081}, *there) == (
        ["ip fou add port 6081 gue"],
        {TUNNEL, UP, ADDRESS, ROUTE, listener(6080, "sit0"), listener(6081, "tunl0")},
    )


def test_additions_come_first() -> None:
    """A host that changes its tunnels is never without both."""
    options = {"purge": True, "devices": [{"device": "gre0", "vips": ["192.168.56.186"]}]}
    assert lines(options, TUNNEL, *owned(UP, ADDRESS, ROUTE)) == [
        "ip link add gre0 type gre",
        "ip link set gre0 up",
        "ip address add 192.168.56.186/32 dev gre0",
        "ip route add 192.168.56.186 dev gre0 scope link",
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link set tunl0 down",
    ]
