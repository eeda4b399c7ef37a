# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teardown: confirmed, complete, and never of a real server that a director still uses."""

from __future__ import annotations

import pytest

from .standins import Player, Run, cluster, releasing

CONFIRMED = "--extra-vars=lvs_confirm=true"
CONFIGURED = [*releasing("rs1"), *releasing("rs2")]


def released(run: Run) -> set[str]:
    """The real servers on which something may have been removed."""
    return {call.host for call in run.calls(releasing=True)} & {"rs1", "rs2"}


@pytest.mark.parametrize("value", ["true", "yes"])
def test_confirmed(play: Player, value: str) -> None:
    run = play("teardown", f"--extra-vars=lvs_confirm={value}", results=CONFIGURED).succeeded()
    table = run.call("ipvs_table", host="ds1", changing=True)
    assert [row.get("state") for row in table.options["services"]] == ["absent", "absent"]
    assert released(run) == {"rs1", "rs2"}
    assert min(run.first(host=host, releasing=True) for host in ("rs1", "rs2")) > table.place
    for host in ("rs1", "rs2"):
        modules = {call.module for call in run.calls(host=host, releasing=True)}
        assert modules >= {"tunl_vip", "port_dnat", "mss_clamp", "tunnel_guard", "firewall", "arp_sysctl", "boot"}


@pytest.mark.parametrize("arguments", [(), ("--extra-vars=lvs_confirm=false",)], ids=["nothing", "false"])
def test_not_confirmed(play: Player, arguments: tuple[str, ...]) -> None:
    play("teardown", *arguments, results=CONFIGURED).refused("lvs_confirm")


def test_confirmed_with_another_word(play: Player) -> None:
    play("teardown", "--extra-vars=lvs_confirm=maybe", results=CONFIGURED).refused("lvs_confirm")


def test_check_mode(play: Player) -> None:
    run = play("teardown", CONFIRMED, results=CONFIGURED, check=True).succeeded()
    assert run.calls("ipvs_table", host="ds1")
    assert not run.calls(changing=True)


def test_director_is_down(play: Player) -> None:
    run = play("teardown", CONFIRMED, results=CONFIGURED, down=["ds1"]).failed("ds1")
    assert released(run) == set()


def test_limited_to_a_real_server(play: Player) -> None:
    run = play("teardown", CONFIRMED, "--limit=rs1", results=CONFIGURED).failed("ds1")
    assert released(run) == set()


def test_real_server_is_down(play: Player) -> None:
    run = play("teardown", CONFIRMED, results=CONFIGURED, down=["rs2"]).failed("rs2")
    assert run.calls("ipvs_table", host="ds1", changing=True)
    assert released(run) == {"rs1"}


def test_state_absent_in_the_inventory(play: Player) -> None:
    run = play("site", inventory=cluster(lvs_state="absent"), results=CONFIGURED, down=["ds1"]).failed("ds1")
    assert released(run) == set()
