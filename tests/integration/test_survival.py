# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of connections that go on: it measures what the plan sets up, and what it says is so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.connections import sync_steps, sysctls

from ..benchmarks.clients import Answers
from ..benchmarks.survival import BUSY, CHOSEN, CHOSEN_WITH_MH, CONTROL, PAUSE, QUIET, Bench, Case, is_wrong, run
from .namespaces import Namespace
from .pair import Pair

SETTINGS: dict[str, Any] = {"vips": "vrrp", "state": "present", "sync": True, "sync_id": None, "sync_device": None}


@pytest.mark.parametrize(("case", "hashed"), [(CHOSEN, []), (CHOSEN_WITH_MH, ["web"])])
def test_what_is_measured_is_what_is_planned(case: Case, hashed: list[str]) -> None:
    assert case.sysctls == sysctls({"hashed": hashed, "unhashed": []}, SETTINGS)
    lengths = [step.options.get("sync_maxlen") for step in sync_steps(SETTINGS, {"id": 7, "source": "192.168.56.181"})]
    assert [daemon.get("sync_maxlen") for daemon in case.daemons()] == lengths


@pytest.fixture(scope="module")
def bench(new_lasting_namespace: Callable[[], Namespace]) -> Bench:
    """The network, and what runs in it."""
    pair = Pair(new_lasting_namespace)
    return Bench(pair, Answers(pair.real_servers))


@pytest.mark.parametrize("case", [CHOSEN, CHOSEN_WITH_MH])
def test_without_other_traffic(bench: Bench, case: Case) -> None:
    counts = run(bench, case, QUIET, 0.0, 0.0)
    assert is_wrong(case, "quiet", [counts]) == "", counts


@pytest.mark.parametrize(
    ("case", "kinds", "rate", "pause"), [(CONTROL, QUIET, BUSY, 0.0), (CHOSEN, ("used", "keepalive", "udp"), BUSY, PAUSE)]
)
def test_with_other_traffic(bench: Bench, case: Case, kinds: Sequence[str], rate: float, pause: float) -> None:
    """The second failure, too, of what is in use; and what has to be lost is lost."""
    counts = run(bench, case, kinds, rate, pause)
    assert is_wrong(case, "busy", [counts]) == "", counts
    assert all(count[0] == 0 for count in counts.values()) == case.control
