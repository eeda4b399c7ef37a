# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's inventory and commands, on the cluster that has converged. They describe a part of it: nothing changes."""

from __future__ import annotations

import pytest

from tests.nodes import AsInTheReadme
from tests.readme import ON_A_CLUSTER, running

SITE = [command for command in ON_A_CLUSTER if "lvs.cluster.site" in command]
# What the others run, each in the test that sees what it does.
ELSEWHERE = ("ipvs_dest", "status", "drain", "restore", "rolling_update", "teardown")


@pytest.mark.parametrize("command", SITE)
def test_playbook(as_in_the_readme: AsInTheReadme, command: str) -> None:
    told = as_in_the_readme(command)
    assert "changed: [" not in told
    assert told.count("changed=0") == 3


def test_the_rest_is_run_where_its_effect_is_seen() -> None:
    assert set(ON_A_CLUSTER) == {*SITE, *map(running, ELSEWHERE)}
