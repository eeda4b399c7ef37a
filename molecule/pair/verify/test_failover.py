# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director fails under traffic, and returns. Figures, by fault: python -m tests.benchmarks.failover."""

from __future__ import annotations

import pytest

from tests.benchmarks.failover import DIRECTORS, HASHED, WEB, Phase, settled, suffer
from tests.benchmarks.faults import FAULTS
from tests.benchmarks.lasting import USED
from tests.benchmarks.traffic import Plan

BY_NAME = {fault.name: fault for fault in FAULTS}
# Seconds without service. Three advertisements are 1.2 s; an emulated kernel that others share has pauses of its own.
BOUND = 3.0
# Short requests go to the service that is hashed: of the others a director does not know those that are just under way.
PLAN = Plan(HASHED, (WEB, HASHED))
# Of them, while a director that cannot know it still holds the VIPs, too, and while it finds out.
MAY_FAIL = 0.02
# Who holds the VIPs behind the fault: the director that is left, and one that cannot know what it should.
TWO = {"stopped", "hung"}


def lasting_go_on(phase: Phase, at_least: float, *kinds: str) -> None:
    """Every connection, of these kinds or of all, to the hashed VIP, and so many of the used ones to the other one."""
    assert phase.seen.going_on(HASHED, *kinds)[0] == phase.seen.going_on(HASHED, *kinds)[1], phase.seen.lasting[HASHED]
    go_on, opened = phase.seen.going_on(WEB, USED)
    assert go_on >= at_least * opened, phase.seen.lasting[WEB]


@pytest.mark.parametrize("name", ["stop", "killed", "hung"])
def test_the_other_director_takes_over(name: str) -> None:
    active = settled()
    (other,) = {*DIRECTORS} - {active}
    fault = BY_NAME[name]
    struck, back = suffer(fault, PLAN)
    assert struck.pause < BOUND
    may_fail = 0 if fault.planned else MAY_FAIL * struck.seen.requests
    assert len(struck.seen.failures) <= may_fail, struck.seen.failures
    assert set(struck.holders) == ({active, other} if name in TWO else {other})
    lasting_go_on(struck, 1.0 if fault.planned else 0.9)
    # Nobody notices that it comes back.
    assert back.pause < BOUND
    assert back.seen.failures == []
    # One that believed that it held the VIPs answers until it hears the other one, by its checks of a moment ago.
    lasting_go_on(back, 1.0, *([USED] if name in TWO else []))
    assert len(back.holders) == 1
