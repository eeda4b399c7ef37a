# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the plan measures something. How fast it was is nothing that a test should fail for."""

from __future__ import annotations

import re

import pytest

from ..benchmarks import plan

TIMES = r" +\d+\.\d \(\d+\.\d\.\.\d+\.\d\)"
RATIO = r" +\d+\.\d\d +\d+(\.\d+)?  (ok|over)"


def test_benchmark_measures_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main(["--runs", "1", "--hosts", "2,3", "--services", "2"]) == 0
    printed = capsys.readouterr().out
    for row in (f"2 hosts{TIMES}{TIMES}{RATIO}", f"3 hosts{TIMES}{TIMES}{RATIO}", f"3 hosts to 2{RATIO}"):
        assert re.search(f"^{row}$", printed, re.MULTILINE), (row, printed)


def test_benchmark_ends_where_a_playbook_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "ROLE", [{"ansible.builtin.fail": {"msg": "refused by the test"}}])
    assert plan.main(["--runs", "1", "--hosts", "2", "--services", "2"]) == 1
    assert "refused by the test" in capsys.readouterr().err
