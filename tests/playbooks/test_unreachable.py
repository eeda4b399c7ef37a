# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are down, or on which a module fails, while the whole cluster is configured."""

from __future__ import annotations

import pytest

from .standins import RS1, RS2, SERVICES, VIP2, Answer, Down, Player, Run, cluster, failing, releasing

REAL_SERVERS = ("rs1", "rs2")
# A service is given up: real servers have something to release.
ONE_ABSENT = [SERVICES[0], {**SERVICES[1], "state": "absent"}]

CONFIGURED = [*releasing("rs1"), *releasing("rs2")]


def released(run: Run) -> list[str]:
    """The real servers on which something may have been removed."""
    return [call.host for call in run.calls(releasing=True) if call.host in REAL_SERVERS]


def unprepared(run: Run) -> list[str]:
    """The RIPs to which the director sends nobody yet."""
    found: list[str] = run.call("ipvs_table", host="ds1", changing=True).options.get("unprepared", [])
    return sorted(found)


def test_nobody_is_down(play: Player) -> None:
    run = play("site").succeeded()
    assert unprepared(run) == []


def test_real_server_down(play: Player) -> None:
    run = play("site", down=["rs2"]).failed()
    assert unprepared(run) == [RS2]
    assert run.calls(host="rs1", changing=True)
    assert not run.calls(host="rs2")
    run.says_took_no_part("rs2")


def test_all_real_servers_down(play: Player) -> None:
    run = play("site", down=["rs1", "rs2"]).failed()
    assert unprepared(run) == [RS1, RS2]
    run.says_took_no_part("rs1", "rs2")


def test_real_server_down_in_check_mode(play: Player) -> None:
    run = play("site", down=["rs2"], check=True).failed()
    assert run.call("ipvs_table", host="ds1").options["unprepared"] == [RS2]
    assert not run.calls(changing=True)


def test_path_to_a_real_server_that_is_down_is_optional(play: Player) -> None:
    run = play("site", down=["rs2"])
    paths = run.call("preflight", host="ds1", phase="before").options["paths"]
    assert {row["name"]: row.get("optional", False) for row in paths} == {"rs1": False, "rs2": True}


def test_paths_to_others_are_not_optional(play: Player) -> None:
    paths = play("site").call("preflight", host="ds1", phase="before").options["paths"]
    assert [row["name"] for row in paths if row.get("optional", False)] == []


@pytest.mark.parametrize("after", ["", "preflight"])
def test_nothing_is_released_without_the_director(play: Player, after: str) -> None:
    run = play("site", inventory=cluster(lvs_services=ONE_ABSENT), results=CONFIGURED, down=[Down("ds1", after)])
    run.failed("ds1")
    assert not run.calls("ipvs_table", changing=True)
    assert released(run) == []


def test_it_is_released_after_the_director_gave_it_up(play: Player) -> None:
    run = play("site", inventory=cluster(lvs_services=ONE_ABSENT), results=CONFIGURED).succeeded()
    assert set(released(run)) == set(REAL_SERVERS)
    table = run.call("ipvs_table", host="ds1", changing=True)
    assert [row["vip"] for row in table.options["services"] if row.get("state") == "absent"] == [VIP2]
    assert min(call.place for call in run.calls(releasing=True) if call.host in REAL_SERVERS) > table.place


def test_nothing_is_released_where_the_director_fails(play: Player) -> None:
    results = [*CONFIGURED, failing("ipvs_table", "ds1")]
    run = play("site", inventory=cluster(lvs_services=ONE_ABSENT), results=results).failed("refused by the test")
    assert released(run) == []


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_director_waits_for_all_real_servers(play: Player, strategy: str) -> None:
    run = play("site", results=[failing("tunl_vip", "rs1")], environment={"ANSIBLE_STRATEGY": strategy})
    run.failed("refused by the test")
    assert not run.calls("ipvs_table")


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_failed_preflight_stops_everything(play: Player, strategy: str) -> None:
    results = [Answer("preflight", {"failed": True, "msg": "refused by the test"})]
    run = play("site", results=results, environment={"ANSIBLE_STRATEGY": strategy}).failed("refused by the test")
    assert not run.calls(changing=True)


def test_strategy_free_configures_the_same(play: Player) -> None:
    runs = [play("site", environment={"ANSIBLE_STRATEGY": strategy}).succeeded() for strategy in ("linear", "free")]
    for host in ("ds1", *REAL_SERVERS):
        first, second = ([call.module for call in run.calls(host=host)] for run in runs)
        assert first == second
