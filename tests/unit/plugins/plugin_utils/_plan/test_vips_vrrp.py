# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VIPs of several directors, and the virtual router that these make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIP,
    GONE,
    MAPPED,
    MAPPED_VIP,
    PAIR,
    PLAIN,
    PLAIN_VIP,
    VIP,
    VIP6,
    VRRP_SETTINGS,
    WEB,
    WEB6,
    faults,
)

DIP2 = "192.168.56.182"


def pair(**settings: Any) -> Inventory:
    """The lab with two directors, and other settings of VRRP."""
    return replace(PAIR, vrrp={**VRRP_SETTINGS, **settings})


def checking(**settings: Any) -> Inventory:
    """Where keepalived checks real servers."""
    return replace(pair(**settings), engine="keepalived")


def with_director(name: str, **fields: Any) -> Inventory:
    """The lab with two directors, and other variables of one of them."""
    return replace(PAIR, hosts={**PAIR.hosts, name: replace(PAIR.hosts[name], **fields)})


def test_each_director_takes_part_with_its_own_address_and_priority() -> None:
    shared = {**{name: value for name, value in VRRP_SETTINGS.items() if name != "multicast"}, "track_quorum": False}
    assert make_plan([WEB], PAIR).routers == {
        "ds1": {**shared, "source": DIP, "peers": [DIP2], "priority": 254},
        "ds2": {**shared, "source": DIP2, "peers": [DIP], "priority": 253},
    }


def test_priority_of_a_host() -> None:
    assert make_plan([WEB], with_director("ds2", vrrp_priority="200")).routers["ds2"]["priority"] == 200


def test_multicast_has_no_peers() -> None:
    assert make_plan([WEB], pair(multicast=True)).routers["ds1"]["peers"] == []


def test_device_of_the_vips_is_that_of_the_advertisements() -> None:
    assert make_plan([WEB], replace(PAIR, director_device="eth1")).routers["ds1"]["device"] == "eth1"


def test_vips() -> None:
    """Each once, with the device that the description names; a VIP that a service gives up and another one needs stays."""
    gone = [{**PLAIN, "state": "absent"}, {**WEB, "name": "old", "port": 81, "state": "absent"}]
    plan = make_plan([WEB, {**WEB, "name": "tls", "port": 443}, MAPPED, WEB6, *gone], PAIR)
    assert plan.director_vips == [{"vip": VIP}, {"vip": MAPPED_VIP}, {"vip": VIP6, "device": "eth0"}]
    assert plan.director_vips_removed == [{"vip": PLAIN_VIP, "device": "eth0"}]
    assert plan.preflight["devices"] == []  # which director holds them is not known before


def test_ipv6_vip_needs_no_device() -> None:
    """Unlike on a single director, where it would be the tunnel device."""
    service = {name: value for name, value in WEB6.items() if name != "director_device"}
    assert make_plan([service], PAIR).director_vips == [{"vip": VIP6}]


@pytest.mark.parametrize("device", ["tunl0", "lo"])
def test_device_without_neighbours(device: str) -> None:
    (fault,) = faults([{**WEB, "director_device": device}], PAIR)
    assert fault.startswith(f"service 'web', director_device: {device} has no neighbours to tell that {VIP} has moved")


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (pair(id=None), "lvs_vrrp_id: is missing: number the virtual router, with 1 to 255"),
        (pair(id=256), "lvs_vrrp_id: 256 is not in 1..255"),
        (pair(id=0), "lvs_vrrp_id: 0 is not in 1..255"),
        (pair(advert_interval=0.001), "lvs_vrrp_advert_interval: 0.001 is not in 0.01..255 seconds"),
        (pair(advert_interval=41.0), "lvs_vrrp_advert_interval: 41 is not in 0.01..40.95 seconds, in hundredths"),
        (pair(version=2), "lvs_vrrp_advert_interval: 0.1 is not in 1..255 seconds, in whole seconds"),
        (
            pair(track_quorum=True),
            "lvs_vrrp_track_quorum: needs keepalived, which checks real servers: set lvs_engine to keepalived, or leave",
        ),
        (pair(track_devices=["a/b"]), "lvs_vrrp_track_devices: 'a/b' is not a device name"),
        (with_director("ds2", vrrp_priority=255), "host ds2, lvs_vrrp_priority: 255 is not in 1..254"),
        (with_director("ds2", vrrp_priority=254), "host ds2, lvs_vrrp_priority: is 254, as that of ds1: give each director"),
        (with_director("ds2", rip=None), "host ds2, lvs_dip: is missing: directors send advertisements from it"),
    ],
)
def test_bad_values(inventory: Inventory, message: str) -> None:
    (fault,) = faults([WEB], inventory)
    assert fault.startswith(message)


def test_dips_of_different_families() -> None:
    found = faults([WEB], with_director("ds2", rip="2001:db8::2"))
    message = "group directors, lvs_dip: is an IPv4 address of some directors and an IPv6 address of others"
    assert any(fault.startswith(message) for fault in found)


def test_no_director() -> None:
    (fault,) = faults([{**WEB, "real_servers": [GONE]}], replace(PAIR, directors=[]))[:1]
    assert fault.startswith("group directors: has no host: name the directors")


def test_one_director_is_allowed_and_warned_of() -> None:
    plan = make_plan([WEB], replace(PAIR, directors=["ds1"]))
    assert plan.routers["ds1"]["peers"] == []
    (warning,) = plan.warnings
    assert warning.startswith("group directors: ds1 is the only director of the virtual router 51")


@pytest.mark.parametrize(
    ("inventory", "tracked"),
    [
        (checking(), True),
        (checking(preempt=True), True),
        (checking(track_quorum=True), True),
        (checking(track_quorum=False), False),
        (PAIR, False),
        (pair(track_quorum=False), False),
    ],
)
def test_quorums_are_tracked_where_keepalived_checks(inventory: Inventory, tracked: bool) -> None:
    routers = make_plan([WEB], inventory).routers
    assert [router["track_quorum"] for router in routers.values()] == [tracked] * 2


@pytest.mark.parametrize(("priority", "warns"), [(235, False), (234, True), (1, True)])
def test_priorities_too_far_apart_for_a_quorum(priority: int, warns: bool) -> None:
    inventory = checking()
    hosts = {**inventory.hosts, "ds2": replace(inventory.hosts["ds2"], vrrp_priority=priority)}
    found = [
        warning
        for warning in make_plan([WEB], replace(inventory, hosts=hosts)).warnings
        if warning.startswith(f"lvs_vrrp_track_quorum: ds1 has priority 254 and ds2 has {priority}.")
    ]
    assert len(found) == warns
    assert not any("track_quorum" in warning for warning in make_plan([WEB], replace(PAIR, hosts=hosts)).warnings)


def test_three_directors() -> None:
    hosts = {**PAIR.hosts, "ds3": Host("192.168.56.188")}
    routers = make_plan([WEB], replace(PAIR, hosts=hosts, directors=["ds1", "ds2", "ds3"])).routers
    assert routers["ds2"]["peers"] == [DIP, "192.168.56.188"]
    assert [router["priority"] for router in routers.values()] == [254, 253, 252]
