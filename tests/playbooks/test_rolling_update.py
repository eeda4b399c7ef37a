# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling updates in which a real server or the director is down, and the files that they run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from .standins import RS1, RS2, VIP, Answer, Down, Inventory, Player, Run, cluster, failing, ipvs_service

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


# ----- where keepalived checks real servers


CHECKED = {"lvs_engine": "keepalived", "lvs_vips": "vrrp", "lvs_vrrp_id": 51}


def checked_pair() -> Inventory:
    """The cluster of the walk-through with a second director, whose tables keepalived owns."""
    inventory = cluster(**CHECKED)
    inventory.groups["directors"]["ds2"] = {"lvs_dip": "192.168.56.182"}
    return inventory


def seen(host: str, *, out: Sequence[str] = (), there: Sequence[str] = (RS1, RS2)) -> Answer:
    """What ipvs_info returns on a director with one service."""
    rows = [{"rip": rip, "rport": 80, "forward": "tunnel", "weight": 1, "drained": None} for rip in out]
    service = ipvs_service(VIP, 80, "wrr", {rip: 1 for rip in there if rip not in out})
    return Answer("ipvs_info", {"services": [{**service, "out": rows}], "engine": "keepalived"}, host)


def test_next_one_waits_for_the_checks_of_every_director(play: Player) -> None:
    """The tables are read after the weights are restored, and before the next drain."""
    run = play("rolling_update", TASKS, inventory=checked_pair(), results=[seen("ds1"), seen("ds2")]).succeeded()
    for host in ("ds1", "ds2"):
        looks = [call.place for call in run.calls("ipvs_info", host=host)]
        assert len(looks) == 4  # and once before each drain
        restore, drain = run.last("ipvs_dest", rip=RS1, state="present"), run.first("ipvs_dest", rip=RS2, state="drained")
        assert looks[0] < run.first("ipvs_dest", rip=RS1, state="drained")
        assert restore < looks[1] < looks[2] < drain
        assert run.last("ipvs_dest", rip=RS2, state="present") < looks[3]


def test_real_server_that_checks_do_not_put_back_ends_the_update(play: Player) -> None:
    """On one of the directors; the next one is not drained."""
    results = [seen("ds1"), seen("ds2", out=[RS1])]
    timeout = "--extra-vars=lvs_update_check_timeout=3"
    run = play("rolling_update", TASKS, timeout, inventory=checked_pair(), results=results).failed("rs1")
    assert f"keepalived on ds2 has not put {RS1} back into service after 3 seconds" in run.output
    assert "has its former weights again" in run.output
    assert drained(run) == restored(run) == {RS1}


def test_last_one_that_clients_have_is_not_drained(play: Player) -> None:
    """On one director, the check of the other one fails."""
    results = [seen("ds1"), seen("ds2", out=[RS2])]
    run = play("rolling_update", TASKS, inventory=checked_pair(), results=results).failed("rs1")
    assert f"without rs1, {VIP}:80 would have no real server on ds2" in " ".join(run.output.split())
    assert drained(run) == set()


def test_only_one_of_a_service_is_drained(play: Player) -> None:
    """It has no other: that is what the operator described."""
    alone = [seen(host, there=[RS1]) for host in ("ds1", "ds2")]
    run = play("rolling_update", TASKS, "--extra-vars=lvs_target=rs1", inventory=checked_pair(), results=alone).succeeded()
    assert drained(run) == {RS1}


def test_others_that_are_out_do_not_matter(play: Player) -> None:
    results = [seen("ds1", out=["192.168.56.199"]), seen("ds2", out=["192.168.56.199"])]
    play("rolling_update", TASKS, inventory=checked_pair(), results=results).succeeded()


def test_nothing_is_waited_for_without_checks(play: Player) -> None:
    assert play("rolling_update", TASKS).succeeded().calls("ipvs_info") == []


def test_director_waits_for_its_checks_before_it_takes_part_again(play: Player) -> None:
    """So that no client finds a director that has taken out what it has not checked yet."""
    states = [Answer("state_info", {"vrrp": "active"}, "ds2"), Answer("state_info", {"vrrp": "standby"}, "ds1")]
    arguments = (TASKS, "--extra-vars=lvs_target=ds1", "--extra-vars=lvs_update_check_timeout=3")
    results = [*states, seen("ds1"), seen("ds2")]
    run = play("rolling_update", *arguments, inventory=checked_pair(), results=results).succeeded()
    again = run.last("keepalived", host="ds1")
    assert all(call.place < again for call in run.calls("ipvs_info"))
    assert {call.host for call in run.calls("ipvs_info")} == {"ds1", "ds2"}

    results = [*states, seen("ds1", out=[RS2]), seen("ds2")]
    run = play("rolling_update", *arguments, inventory=checked_pair(), results=results).failed("ds1")
    assert "has fewer real servers in its services than another director after 3 seconds" in run.output
    assert [call.options["standby"] for call in run.calls("keepalived", host="ds1", changing=True)] == [True]


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
