# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories with several clusters, with other hosts, and with groups that are not as they should be."""

from __future__ import annotations

from typing import Any

import pytest

from .standins import DS1, RS1, RS2, SERVICES, VIP, Answer, Inventory, Player, Run, cluster, ipvs_service, two_clusters

WEB = {"name": "web", "vip": VIP, "port": 80}
TABLES = [
    Answer("ipvs_info", {"services": [ipvs_service(f"192.168.{network}.185", 80, "wlc", rips)]}, f"{name}_ds1")
    for network, name in ((57, "a"), (58, "b"))
    for rips in ({f"192.168.{network}.183": 1, f"192.168.{network}.184": 1},)
]


def weights_changed(run: Run, state: str) -> set[tuple[str, str]]:
    """The directors with the RIPs whose weights were changed there."""
    return {(call.host, call.options["rip"]) for call in run.calls("ipvs_dest", changing=True, state=state)}


# ----- two clusters


def test_site_of_two_clusters(play: Player) -> None:
    run = play("site", inventory=two_clusters()).succeeded()
    tables = {call.host: [row["vip"] for row in call.options["services"]] for call in run.calls("ipvs_table", changing=True)}
    assert tables == {"a_ds1": ["192.168.57.185"], "b_ds1": ["192.168.58.185"]}
    for network, name in ((57, "a"), (58, "b")):
        for host in (f"{name}_rs1", f"{name}_rs2"):
            vips = [row["vips"] for row in run.call("tunl_vip", host=host, changing=True, releasing=False).options["devices"]]
            assert vips == [[f"192.168.{network}.185"]]
            (guard,) = run.calls("tunnel_guard", host=host)
            assert guard.options["sources"] == [f"192.168.{network}.181"]
    assert not [call for call in run.everything if call.host == "other"]


@pytest.mark.parametrize(("playbook", "state"), [("drain", "drained"), ("restore", "present")])
def test_weights_of_one_cluster(play: Player, playbook: str, state: str) -> None:
    run = play(playbook, "--extra-vars=lvs_target=b_rs1", inventory=two_clusters()).succeeded()
    assert weights_changed(run, state) == {("b_ds1", "192.168.58.183")}
    assert {call.host for call in run.calls(changing=True)} == {"b_ds1"}


@pytest.mark.parametrize(("target", "rips"), [("b_rs1", (183,)), ("b_realservers", (183, 184))])
def test_rolling_update_of_one_cluster(play: Player, target: str, rips: tuple[int, ...]) -> None:
    (play.folder / "update.yml").write_text("- ansible.builtin.ping:\n")
    arguments = (f"--extra-vars=lvs_target={target}", "--extra-vars=lvs_update_tasks=update.yml")
    run = play("rolling_update", *arguments, inventory=two_clusters()).succeeded()
    expected = {("b_ds1", f"192.168.58.{rip}") for rip in rips}
    assert weights_changed(run, "drained") == expected
    assert weights_changed(run, "present") == expected
    assert {call.host for call in run.calls(changing=True)} == {"b_ds1"}


def test_rolling_update_of_both_clusters(play: Player) -> None:
    (play.folder / "update.yml").write_text("- ansible.builtin.ping:\n")
    run = play("rolling_update", "--extra-vars=lvs_update_tasks=update.yml", inventory=two_clusters()).succeeded()
    expected = {(f"{name}_ds1", f"192.168.{net}.{rip}") for net, name in ((57, "a"), (58, "b")) for rip in (183, 184)}
    assert weights_changed(run, "drained") == expected
    assert weights_changed(run, "present") == expected


def test_status_of_two_clusters(play: Player) -> None:
    run = play("status", inventory=two_clusters(), results=TABLES).succeeded()
    hosts = [f"{cluster}_{host}" for cluster in "ab" for host in ("ds1", "rs1", "rs2")]
    assert not [host for host in hosts if host not in run.stdout]
    assert "web_a" in run.stdout
    assert "web_b" in run.stdout
    assert "nothing differs from the inventory" in run.stdout
    for word in ("≠", "missing", "not in the inventory", "could not be read"):
        assert word not in run.stdout
    assert not run.calls(changing=True)


# ----- other hosts


def test_groups_named_for_the_cluster_only(play: Player) -> None:
    inventory = Inventory(
        groups={
            "others": {"other": {}},
            "balancers": {"ds1": {"lvs_dip": DS1}},
            "webservers": {"rs1": {"lvs_rip": RS1}, "rs2": {"lvs_rip": RS2}},
        },
        parents={"web": ["balancers", "webservers"]},
        group_vars={
            "web": {"lvs_directors_group": "balancers", "lvs_realservers_group": "webservers", "lvs_services": SERVICES},
        },
    )
    run = play("site", inventory=inventory).succeeded()
    assert run.calls("ipvs_table", host="ds1", changing=True)
    assert {call.host for call in run.everything} == {"ds1", "rs1", "rs2"}
    run = play("drain", "--extra-vars=lvs_target=rs2", inventory=inventory).succeeded()
    assert weights_changed(run, "drained") == {("ds1", RS2)}


def test_fifty_other_hosts(play: Player) -> None:
    inventory = cluster()
    inventory.groups = {"others": {f"other{number}": {} for number in range(50)}, **inventory.groups}
    run = play("site", inventory=inventory).succeeded()
    assert {call.host for call in run.everything} == {"ds1", "rs1", "rs2"}


def test_other_hosts_that_are_down(play: Player) -> None:
    inventory = cluster()
    inventory.groups["others"] = {"other": {}}
    play("site", inventory=inventory, down=["other"]).succeeded()


def test_clients(play: Player) -> None:
    inventory = cluster(lvs_probe_hosts=["client"])
    inventory.groups["clients"] = {"client": {}, "client2": {}}
    run = play("site", inventory=inventory).succeeded()
    asked = run.call("vip_probe", host="client").options["services"]
    assert [row["vip"] for row in asked] == [row["vip"] for row in SERVICES]
    assert not run.calls(host="client2")


def test_unknown_client(play: Player) -> None:
    play("site", inventory=cluster(lvs_probe_hosts=["client9"])).refused("lvs_probe_hosts", "client9")


# ----- the group of the real servers


@pytest.mark.parametrize(
    ("groups", "group"),
    [
        ({}, "realservers"),
        ({"realservers": {}}, "realservers"),
        ({"realservers": {"rs1": {"lvs_rip": RS1}}}, "realserver"),
    ],
    ids=["missing", "empty", "misspelt"],
)
def test_no_real_servers(play: Player, groups: dict[str, Any], group: str) -> None:
    inventory = cluster(lvs_services=[WEB], lvs_realservers_group=group)
    inventory.groups = {"directors": inventory.groups["directors"], **groups}
    run = play("site", inventory=inventory).refused("lvs_realservers_group")
    assert any(quoted in run.output for quoted in (f"'{group}'", f'"{group}"', f"group {group} ", f"group {group}:"))


@pytest.mark.parametrize("rows", [[], [{"address": "192.0.2.7"}]], ids=["none", "addresses"])
def test_services_that_need_no_group(play: Player, rows: list[dict[str, str]]) -> None:
    inventory = cluster(lvs_services=[{**WEB, "real_servers": rows}])
    del inventory.groups["realservers"]
    run = play("site", inventory=inventory).succeeded()
    (service,) = run.call("ipvs_table", host="ds1", changing=True).options["services"]
    assert [row["rip"] for row in service["destinations"]] == [row["address"] for row in rows]


# ----- the addresses of hosts


def test_two_hosts_with_the_same_rip(play: Player) -> None:
    inventory = cluster()
    inventory.host("rs2")["lvs_rip"] = RS1
    run = play("site", inventory=inventory).refused(RS1)
    assert any("rs1" in line and "rs2" in line for line in run.failures)


def test_hosts_named_by_their_address(play: Player) -> None:
    inventory = Inventory(
        groups={"directors": {DS1: {}}, "realservers": {RS1: {}, RS2: {}}},
        group_vars={"all": {"lvs_services": [WEB]}},
    )
    run = play("site", inventory=inventory).succeeded()
    (service,) = run.call("ipvs_table", host=DS1, changing=True).options["services"]
    assert [row["rip"] for row in service["destinations"]] == [RS1, RS2]
    assert run.call("tunnel_guard", host=RS1).options["sources"] == [DS1]
    run = play("drain", f"--extra-vars=lvs_target={RS2}", inventory=inventory).succeeded()
    assert weights_changed(run, "drained") == {(DS1, RS2)}
