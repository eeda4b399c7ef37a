# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VIPs of the one director."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    LAB,
    MAPPED,
    NOTHING,
    PLAIN,
    PLAIN_VIP,
    TWO_DIRECTORS,
    VIP,
    VIP6,
    WEB,
    faults,
    held,
    needs,
    removal_of,
    removals,
    tunl0,
    unmapped,
)


@pytest.mark.parametrize(
    ("devices", "director"),
    [
        ({"director_device": "eth0"}, [held("eth0", VIP, VIP6, PLAIN_VIP)]),
        ({"vip_device": "dummy0"}, [held("dummy0", VIP, VIP6), held("eth0", PLAIN_VIP)]),
        (
            {"vip_device": "lo", "vip6_device": "sit0", "director_device": "eth1"},
            [held("eth1", VIP, VIP6), held("eth0", PLAIN_VIP)],
        ),
    ],
)
def test_devices_that_hold_vips(devices: dict[str, Any], director: list[dict[str, Any]]) -> None:
    """On real servers one for each family, but of IPv4 the tunnel's own; the director's, or else that of IPv4."""
    inventory = replace(LAB, **devices)
    plan = make_plan([WEB, {**WEB, "name": "web6", "vip": VIP6}, {**PLAIN, "forward": "route"}], inventory)
    assert plan.director_vips == director
    for real_server in plan.real_servers.values():
        on_device = {row["device"]: row["vips"] for row in real_server.devices if row["vips"]}
        assert on_device == {inventory.vip_device: [PLAIN_VIP], "tunl0": [VIP], inventory.vip6_device: [VIP6]} or (
            inventory.vip_device == "tunl0" and on_device == {"tunl0": [VIP, PLAIN_VIP], "lo": [VIP6]}
        )


def test_group_without_a_director() -> None:
    """Before anything that follows from it."""
    assert faults([WEB], replace(LAB, directors=[]))[0].startswith(
        "group directors: has no host: name the director (lvs_directors_group is the group's name)"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_shared_vip_stays_with_the_service_that_stays(order: int) -> None:
    """Whichever comes first; only the service goes, and the VIP where nothing else needs it."""
    going = {**MAPPED, "vip": VIP, "state": "absent"}
    staying = {**WEB, "real_servers": [{"host": "rs1"}]}
    plan = make_plan([going, staying][::order], LAB)
    assert [row.get("state") for row in plan.services] == ["absent", None][::order]
    assert (plan.director_vips, plan.director_vips_removed) == ([held("tunl0", VIP)], [])
    assert needs(plan) == {"rs1": tunl0(VIP), "rs2": NOTHING}
    mappings = [unmapped(VIP, 8099), unmapped(VIP, 80)][::order]
    assert removals(plan, "rs1") == removal_of(mappings=mappings)
    assert removals(plan, "rs2") == removal_of(VIP, mappings=mappings)


def test_several_directors() -> None:
    """Refused, with their names."""
    (fault,) = faults([WEB], TWO_DIRECTORS)
    assert fault.startswith("group directors: has 2 hosts (ds1, ds2), and each of them would hold the VIPs")
