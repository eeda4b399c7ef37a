# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's side of a description: addresses of hosts and sizes of packets."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import RS1, RS2, WEB, faults, with_host


def test_real_servers_by_their_addresses() -> None:
    """Those of both families, as the kernel writes them; those without a service, too."""
    assert make_plan([], with_host("rs1", rip6="2001:DB8::0:3")).hosts == {RS1: "rs1", "2001:db8::3": "rs1", RS2: "rs2"}


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (with_host("ds1", rip6="ds1.example"), "host ds1, lvs_dip6: 'ds1.example' is not an IP address"),
        (with_host("ds1", rip6="ff02::1"), "host ds1, lvs_dip6: ff02::1 is not a unicast address"),
        *(
            (with_host("rs2", path_mtu=mtu), f"host rs2, lvs_path_mtu: {mtu!r} is not {reason}")
            for mtu, reason in (
                (575, "in 576..65535"),
                (65536, "in 576..65535"),
                ("big", "a whole number"),
                (0, "in 576..65535"),
            )
        ),
    ],
)
def test_fault_in_the_inventory(inventory: Inventory, message: str) -> None:
    """It is named by what the user would change there."""
    (fault,) = faults([WEB], inventory)
    assert fault.startswith(message)
