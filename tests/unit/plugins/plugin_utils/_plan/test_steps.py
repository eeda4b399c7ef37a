# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps as an option, and those of the tags of the command line."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server_steps import setup_steps
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows, selected, step
from tests.unit.plugins.plugin_utils._plan.test_real_server_steps import COMPLEX, SETTINGS

ALL = {"tunnel_guard", "firewall", "arp_sysctl", "port_dnat", "mss_clamp", "tunl_vip", "boot"}


@pytest.mark.parametrize(
    ("own", "run", "skip", "modules"),
    [
        ([], [], [], ALL),
        ([], ["all"], [], ALL),
        ([], ["tagged"], [], ALL),
        ([], ["sysctl"], [], {"arp_sysctl"}),
        ([], ["nftables"], [], {"tunnel_guard", "firewall", "port_dnat", "mss_clamp"}),
        ([], ["boot"], [], {"boot"}),
        ([], ["boot", "sysctl"], [], {"boot", "arp_sysctl"}),
        # With all that has to be there before a VIP is.
        ([], ["vips"], [], {"tunnel_guard", "firewall", "arp_sysctl", "tunl_vip"}),
        ([], ["all"], ["boot"], ALL - {"boot"}),
        ([], ["all"], ["nftables"], {"arp_sysctl", "tunl_vip", "boot"}),
        ([], ["vips"], ["nftables"], {"arp_sysctl", "tunl_vip"}),
        ([], ["packages"], [], set()),
        ([], ["sysctl"], ["sysctl"], set()),
        (["mine"], ["mine"], [], ALL),
        (["mine", "web"], ["web", "other"], [], ALL),
        (["mine"], ["mine"], ["boot"], ALL - {"boot"}),
        (["mine"], ["sysctl"], [], {"arp_sysctl"}),
        (["mine"], ["other"], [], set()),
    ],
)
def test_tags(own: list[str], run: list[str], skip: list[str], modules: set[str]) -> None:
    """Those of the command line select steps, which stay in their order; one of the role selects all of them."""
    steps = setup_steps(COMPLEX, SETTINGS)
    chosen = selected(steps, own, run, skip)
    assert {step.module for step in chosen} == modules
    assert chosen == [step for step in steps if step in chosen]


def test_rows() -> None:
    """As the option of M(lvs.cluster.batch) has them."""
    assert rows([step("boot", state="absent"), step("state_info", "ipvs")]) == [
        {"boot": {"state": "absent"}},
        {"state_info": {}},
    ]
