# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall of a director lets in, and what of that is exempted from connection tracking."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import LAB, MAPPED, MAPPED_VIP, RS1_ENTRY, VIP, WEB

MASQUERADE: dict[str, Any] = {"host": "rs2", "forward": "masquerade"}
MIXED: dict[str, Any] = {**WEB, "real_servers": [RS1_ENTRY, MASQUERADE]}
MARKED = {"name": "marked", "fwmark": 1, "scheduler": "wrr"}
WEB_ROW = {"vip": VIP, "port": 80, "protocol": "tcp"}


def test_services() -> None:
    plan = make_plan([WEB, {**MAPPED, "state": "absent"}, MARKED], LAB)
    assert plan.director_services == [{**WEB_ROW, "untracked": True}]
    assert plan.director_services_removed == [{"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp"}]


@pytest.mark.parametrize(
    "masquerade",
    [
        MASQUERADE,
        # Its connections may still be open.
        {**MASQUERADE, "state": "absent"},
    ],
)
def test_masquerading_is_tracked(masquerade: dict[str, Any]) -> None:
    plan = make_plan([{**WEB, "real_servers": [RS1_ENTRY, masquerade]}], LAB)
    assert plan.director_services == [{**WEB_ROW, "untracked": False}]


@pytest.mark.parametrize(
    ("services", "untracked"),
    [
        ([], "none"),
        ([{**WEB, "real_servers": [MASQUERADE]}], "none"),
        ([MIXED], "none"),
        ([MARKED], "none"),
        ([WEB, MARKED], "some"),
        ([WEB, {**MIXED, "name": "mixed", "port": 443}], "some"),
        ([WEB, MAPPED], "all"),
        ([WEB, {**MAPPED, "real_servers": [MASQUERADE]}], "all"),
    ],
)
def test_how_much_is_exempted(services: list[dict[str, Any]], untracked: str) -> None:
    assert make_plan(services, LAB).untracked == untracked
