# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several directors: which is changed first, who hands VIPs over to whom, and what happens without one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .standins import READING, Answer, Inventory, Player, Run, changing, cluster, failing

DIP2 = "192.168.56.182"


def pair(**variables: Any) -> Inventory:
    """The cluster of the walk-through, with a second director."""
    inventory = cluster(lvs_vips="vrrp", lvs_vrrp_id=51, **variables)
    inventory.groups["directors"]["ds2"] = {"lvs_dip": DIP2}
    return inventory


def states(ds1: str = "active", ds2: str = "standby") -> list[Answer]:
    """Which director holds the VIPs."""
    return [Answer("state_info", {"vrrp": ds1}, "ds1"), Answer("state_info", {"vrrp": ds2}, "ds2")]


def handed_over(run: Run) -> list[tuple[str, bool]]:
    """The directors that gave up the VIPs, and took part again, in their order."""
    calls = [call for call in run.calls("keepalived", changing=True) if "vrrp" not in call.options]
    return [(call.host, call.options["standby"]) for call in calls if "standby" in call.options]


def test_configuration_is_tried_before_the_first_change(play: Player) -> None:
    """A keepalived.conf of somebody else, say, is found before real servers are prepared."""
    run = play("site", inventory=pair(), results=[*states(), failing("keepalived", "ds1")]).failed("ds1")
    assert [call for call in run.calls(changing=True) if call.module not in READING] == []


def test_standby_director_is_changed_first(play: Player) -> None:
    for ds1, ds2, first in (("active", "standby", "ds2"), ("standby", "active", "ds1")):
        run = play("site", inventory=pair(), results=states(ds1, ds2)).succeeded()
        tables = [call.host for call in run.calls("ipvs_table", changing=True)]
        assert tables == [first, *({"ds1", "ds2"} - {first})]


def test_nothing_is_handed_over_where_nothing_changes(play: Player) -> None:
    assert handed_over(play("site", inventory=pair(), results=states()).succeeded()) == []


def test_active_director_hands_over_before_it_changes(play: Player) -> None:
    """And takes part again after that."""
    run = play("site", inventory=pair(), results=[*states(), changing("ipvs_table", "ds1")]).succeeded()
    assert handed_over(run) == [("ds1", True), ("ds1", False)]
    keepalived = run.calls("keepalived", host="ds1", changing=True)
    standby = [call.place for call in keepalived if "vrrp" not in call.options]
    (table,) = (call.place for call in run.calls("ipvs_table", host="ds1", changing=True))
    assert standby[0] < table < standby[1]


def test_active_director_keeps_the_vips_where_keepalived_does_not_run(play: Player) -> None:
    run = play("site", inventory=pair(), results=[*states(ds2="stopped"), changing("ipvs_table", "ds1")]).succeeded()
    assert handed_over(run) == []


def test_nothing_is_handed_over_at_teardown(play: Player) -> None:
    results = [*states(), changing("ipvs_table", "ds1")]
    run = play("teardown", "--extra-vars=lvs_confirm=true", inventory=pair(), results=results).succeeded()
    assert handed_over(run) == []


def test_active_director_keeps_the_vips_where_the_other_one_is_down(play: Player) -> None:
    """The change is made all the same, and the run says what is left."""
    run = play("site", inventory=pair(), results=[*states(), changing("ipvs_table", "ds1")], down=["ds2"])
    assert handed_over(run) == []
    assert run.calls("ipvs_table", host="ds1", changing=True)
    run.says_took_no_part("ds2")


def test_active_director_is_not_changed_where_the_other_one_failed(play: Player) -> None:
    run = play("site", inventory=pair(), results=[*states(), failing("ipvs_table", "ds2")]).failed("ds2")
    assert run.calls("ipvs_table", host="ds1", changing=True) == []


def test_director_takes_part_again_after_a_failure(play: Player) -> None:
    change, failure = changing("ipvs_table", "ds1", check_mode=True), failing("ipvs_table", "ds1")
    run = play("site", inventory=pair(), results=[*states(), replace(failure, check_mode=False), change]).failed("ds1")
    assert handed_over(run) == [("ds1", True), ("ds1", False)]


def test_check_mode_hands_nothing_over(play: Player) -> None:
    run = play("site", inventory=pair(), results=[*states(), changing("ipvs_table", "ds1")], check=True)
    assert run.calls(changing=True) == []


def test_real_servers_are_drained_on_every_director(play: Player) -> None:
    run = play("drain", "--extra-vars=lvs_target=rs1", inventory=pair(), results=states()).succeeded()
    assert {call.host for call in run.calls("ipvs_dest", changing=True, state="drained")} == {"ds1", "ds2"}


# ----- the rolling update of directors


@pytest.fixture
def update(play: Player) -> tuple[str, str]:
    """The tasks of an update, and the directors that it is for."""
    (play.folder / "update.yml").write_text("- name: Update\n  ansible.builtin.ping:\n")
    return "--extra-vars=lvs_update_tasks=update.yml", "--extra-vars=lvs_target=directors"


def test_directors_in_turn(play: Player, update: tuple[str, str]) -> None:
    """Each gives up the VIPs before its tasks, and takes part again after them."""
    after = Answer("state_info", {"vrrp": "active"}, "ds2")
    run = play("rolling_update", *update, inventory=pair(), results=[*states(), after]).succeeded()
    assert handed_over(run) == [("ds1", True), ("ds1", False), ("ds2", True), ("ds2", False)]
    assert run.calls("ipvs_dest", changing=True) == []
    for host in ("ds1", "ds2"):
        begin, end = (call.place for call in run.calls("keepalived", host=host, changing=True))
        at = [call.place for call in run.everything if (call.host, call.module) == (host, "ansible.builtin.ping")]
        assert any(begin < place < end for place in at)
        assert any(begin < call.place < end for call in run.calls("vip_probe", host=host))


def test_director_is_not_updated_without_another_one(play: Player, update: tuple[str, str]) -> None:
    for results in (states("active", ""), states("", "")):
        run = play("rolling_update", *update, inventory=pair(), results=results).failed("ds1")
        assert ("ds1", True) not in handed_over(run)


def test_director_of_a_cluster_with_one(play: Player, update: tuple[str, str]) -> None:
    run = play("rolling_update", *update).failed("cannot be updated without an outage", "lvs_vips: vrrp")
    assert ("ds1", True) not in handed_over(run)


def test_director_that_reaches_no_real_server_stays_on_standby(play: Player, update: tuple[str, str]) -> None:
    answers = [*states(), Answer("state_info", {"vrrp": "active"}, "ds2"), failing("vip_probe", "ds1")]
    run = play("rolling_update", *update, inventory=pair(), results=answers).failed("stays on standby")
    assert handed_over(run) == [("ds1", True)]


def test_directors_and_real_servers_at_once(play: Player, update: tuple[str, str]) -> None:
    run = play("rolling_update", update[0], "--extra-vars=lvs_target=directors,rs1", inventory=pair(), results=states())
    run.refused("name real servers alone", "or directors alone")
