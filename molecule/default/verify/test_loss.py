# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No request is lost while the cluster is worked on; and one is, where a real server goes without a drain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.benchmarks import loss

OPTIONS = loss.parsed(["--requests", "300", "--rate", "150", "--keepalive", "8", "--short", "8", "--timeout", "3"])


@pytest.fixture(scope="module")
def lab() -> Iterator[loss.Lab]:
    """The cluster, with a client that hears of refusals."""
    with ExitStack() as stack:
        lab = loss.Lab()
        stack.enter_context(loss.cable(lab))
        yield lab


def work(lab: loss.Lab) -> None:
    """A weight changes, and a real server leaves and comes back."""
    lab.dest("rs1", weight=5)
    lab.dest("rs1", state="drained", drain_timeout=60)
    lab.dest("rs1", state="absent")
    lab.dest("rs1", weight=1)


def test_nothing_is_lost(lab: loss.Lab) -> None:
    row = loss.measure(lab, loss.Case("work", "work", work), OPTIONS)
    assert row.bursts() == []
    assert row.result["requests"] >= OPTIONS.requests
    assert min(row.result["keepalive"], row.result["short"]) > 0


def test_deletion_under_load_loses(lab: loss.Lab) -> None:
    (control,) = (case for case in loss.CASES if case.control)
    row = loss.measure(lab, control, OPTIONS)
    assert row.lost > 0, row.result
    assert loss.verdicts([row]) == {"control": "loses, as it must"}
    # Those that the action hit, and none before it.
    assert all(" with action 1, " in burst for burst in row.bursts()), row.bursts()
