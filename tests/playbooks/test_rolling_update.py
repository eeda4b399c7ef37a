# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling updates in which a real server or the director is down, and the files that they run."""

from __future__ import annotations

import pytest

from .standins import RS1, RS2, Down, Player, Run, failing

TASKS = "--extra-vars=lvs_update_tasks=update.yml"
DRAINED = {"rip": RS1, "state": "drained"}


@pytest.fixture(autouse=True)
def update(play: Player) -> None:
    """The tasks of an update: one that has to log in."""
    (play.folder / "update.yml").write_text("- name: Update\n  ansible.builtin.ping:\n")


def drained(run: Run) -> set[str]:
    """The RIPs that were drained."""
    return {call.options["rip"] for call in run.calls("ipvs_dest", changing=True, state="drained")}


def restored(run: Run) -> set[str]:
    """The RIPs whose weights were restored."""
    return {call.options["rip"] for call in run.calls("ipvs_dest", changing=True, state="present")}


def test_one_after_the_other(play: Player) -> None:
    run = play("rolling_update", TASKS).succeeded()
    steps = [(call.module, call.options.get("rip"), call.options.get("state")) for call in run.calls() if call.changes]
    one_each = list(dict.fromkeys(steps))
    assert one_each == [("ipvs_dest", rip, state) for rip in (RS1, RS2) for state in ("drained", "present")]
    for host, rip in (("rs1", RS1), ("rs2", RS2)):
        at = [call.place for call in run.everything if (call.host, call.module) == (host, "ansible.builtin.ping")]
        start, end = run.last("ipvs_dest", rip=rip, state="drained"), run.first("ipvs_dest", rip=rip, state="present")
        assert any(start < place < end for place in at)
        probes = [call.place for call in run.calls("vip_probe", host="ds1") if call.options["through"][0]["rip"] == rip]
        assert any(start < place < end for place in probes)


def test_down_after_the_drain(play: Player) -> None:
    run = play("rolling_update", TASKS, down=[Down("rs1", after="ipvs_dest", on="ds1", options=DRAINED)]).failed("rs1")
    assert drained(run) == {RS1}


def test_down_from_the_start(play: Player) -> None:
    run = play("rolling_update", TASKS, down=["rs1"]).failed("rs1")
    assert drained(run) == set()


def test_second_is_down_when_it_is_its_turn(play: Player) -> None:
    restore = {"rip": RS1, "state": "present"}
    run = play("rolling_update", TASKS, down=[Down("rs2", after="ipvs_dest", options=restore)]).failed("rs2")
    assert drained(run) == {RS1}
    assert restored(run) == {RS1}


def test_director_is_down(play: Player) -> None:
    run = play("rolling_update", TASKS, down=["ds1"]).failed("ds1")
    assert drained(run) == restored(run) == set()


def test_failed_probe_leaves_it_drained(play: Player) -> None:
    run = play("rolling_update", TASKS, results=[failing("vip_probe", "ds1")]).failed("stays drained", "rs1")
    assert drained(run) == {RS1}
    assert restored(run) == set()


def test_failed_tasks_end_the_update(play: Player) -> None:
    (play.folder / "update.yml").write_text("- name: Update\n  ansible.builtin.fail: {msg: planted}\n")
    run = play("rolling_update", TASKS).failed("planted")
    assert drained(run) == {RS1}
    assert restored(run) == {RS1}


def test_without_anything_to_run(play: Player) -> None:
    play("rolling_update").refused("lvs_update_tasks", "lvs_update_roles")


# ----- files


@pytest.mark.parametrize("directory", ["its own", None], ids=["PWD", "no PWD"])
def test_tasks_in_the_current_directory(play: Player, directory: str | None) -> None:
    environment = {} if directory else {"PWD": None}
    run = play("rolling_update", TASKS, environment=environment).succeeded()
    assert drained(run) == {RS1, RS2}


def test_missing_file_of_tasks(play: Player) -> None:
    run = play("rolling_update", "--extra-vars=lvs_update_tasks=none.yml", environment={"PWD": None})
    run.refused("lvs_update_tasks", str(play.folder / "none.yml"))


def test_role_in_the_current_directory(play: Player) -> None:
    tasks = play.folder / "roles/patches/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("- ansible.builtin.debug: {msg: 'patched {{ inventory_hostname }}'}\n")
    run = play("rolling_update", '--extra-vars={"lvs_update_roles": ["patches"]}').succeeded()
    assert "patched rs1" in run.output
    assert "patched rs2" in run.output


def test_missing_role_is_found_before_the_drain(play: Player) -> None:
    run = play("rolling_update", '--extra-vars={"lvs_update_roles": ["patches"]}').failed("patches")
    assert restored(run) == drained(run)
