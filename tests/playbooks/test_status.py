# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status with hosts that are down, and for programs that read it."""

from __future__ import annotations

import json

from .standins import Player, failing


def test_stdout_is_json(play: Player) -> None:
    run = play("status", environment={"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}).succeeded()
    assert {"plays", "stats"} <= json.loads(run.stdout).keys()


def test_hosts_that_are_down(play: Player) -> None:
    run = play("status", down=["rs2"])
    assert "rs2" in run.output
    assert "unreachable" in run.output
    assert run.calls("ipvs_info", host="ds1")
    assert not run.calls(changing=True)


def test_state_of_the_director_is_read_once(play: Player) -> None:
    assert len(play("status").succeeded().calls("state_info", host="ds1")) == 1


def test_module_that_fails(play: Player) -> None:
    run = play("status", results=[failing("ipvs_info", "ds1", "planted")])
    assert "planted" in run.output
    assert not run.calls(changing=True)
