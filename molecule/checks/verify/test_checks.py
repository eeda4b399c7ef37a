# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers that fail their checks leave by themselves, and come back."""

from __future__ import annotations

import time

import pytest
from testinfra.host import Host

from tests.benchmarks.failover import HASHED, REAL_SERVERS, WEB, address, measure, settled
from tests.benchmarks.faults import on
from tests.benchmarks.traffic import Plan
from tests.nodes import answers, rules

# Seconds until a check that fails is seen: a delay, three timeouts and two pauses of one second each, on a busy kernel.
SEEN_WITHIN = 20.0
TRAFFIC = Plan(HASHED, (WEB, HASHED))


def wait(director: Host, expected: set[str]) -> None:
    """Until the director sends clients of both IPv4 VIPs to these real servers alone."""
    end = time.monotonic() + SEEN_WITHIN
    wanted = {(vip, f"{address(name)}:80") for vip in (WEB, HASHED) for name in expected}
    while time.monotonic() < end:
        words = [line.split() for line in rules(director)]
        if {(row[2].rpartition(":")[0], row[4]) for row in words if row[0] == "-a" and "[" not in row[2]} == wanted:
            return
        time.sleep(0.2)
    raise AssertionError(rules(director))


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ip link set tunl0 down", "ip link set tunl0 up"),
        ("systemctl stop nginx", "systemctl start nginx"),
    ],
    ids=["tunnel", "program"],
)
def test_sick_real_server_leaves_by_itself(ds1: Host, ds2: Host, client: Host, broken: str, mended: str) -> None:
    """On both directors, though its own address may answer; clients no longer notice."""
    others = {*REAL_SERVERS} - {"rs2"}
    on("rs2", broken)
    try:
        for director in (ds1, ds2):
            wait(director, others)
        phase = measure(lambda: time.sleep(3), TRAFFIC)
        assert phase.seen.failures == []
        assert set(answers(client, f"http://{WEB}/", 12)) == others
    finally:
        on("rs2", mended)
    for director in (ds1, ds2):
        wait(director, {*REAL_SERVERS})
    settled()
