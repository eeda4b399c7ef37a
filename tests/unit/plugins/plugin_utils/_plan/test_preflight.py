# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the director checks first."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIFFERENT_DELIVERIES,
    GRE,
    GUE_ROW,
    RS1,
    path,
    with_host,
)


def test_services_that_reach_a_host_in_different_ways() -> None:
    """A path for each, with the port of the first service that has one; one path for both families."""
    plan = make_plan(DIFFERENT_DELIVERIES, with_host("rs1", path_mtu="1400"))
    assert plan.preflight["paths"] == [
        path("rs1", RS1, port=8080, mtu=1400),
        path("rs1", RS1, **GUE_ROW, inner=[4, 6], port=443, mtu=1400),
        path("rs1", RS1, **GRE, port=80, mtu=1400),
        path("rs1", RS1, "route", port=80, mtu=1400),
        path("10.0.0.9", "10.0.0.9", port=80),
    ]
