# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins themselves, and the order of a run without a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from .standins import DS1, RS1, RS2, VIP, Answer, Down, Player, Run, changing, failing, releasing


def own_playbook(folder: Path, *tasks: str, hosts: str = "all") -> str:
    """A playbook with these tasks."""
    lines = [f"- hosts: {hosts}", "  gather_facts: false", "  tasks:", *(f"    - {task}" for task in tasks)]
    (folder / "own.yml").write_text("\n".join(lines))
    return "own.yml"


def test_order_of_site(play: Player) -> None:
    run = play("site", results=[*releasing("rs1"), *releasing("rs2")]).succeeded()
    table = run.call("ipvs_table", host="ds1", changing=True)
    assert {row["rip"] for service in table.options["services"] for row in service["destinations"]} == {RS1, RS2}
    for host in ("rs1", "rs2"):
        assert run.last("arp_sysctl", host=host) < run.last("tunl_vip", host=host, releasing=False) < table.place
        assert all(call.place > table.place for call in run.calls(host=host, releasing=True))
    before, after = (run.call("preflight", host="ds1", phase=phase) for phase in ("before", "after"))
    assert before.place < run.first(changing=True)
    assert min(after.place, run.first("vip_probe")) > run.last(changing=True)
    assert before.options["devices"] == [{"device": "tunl0", "vips": before.options["vips"]}]
    assert after.options["vips"] == before.options["vips"]


LINK = {"vip": VIP, "address": DS1}
HAS_LINK = Answer("preflight", {"links": [LINK]}, "ds1", options={"phase": "after"})


def resolving(run: Run) -> list[str]:
    """The hosts that resolve the VIP."""
    return [call.host for call in run.calls("vip_probe") if call.options.get("resolve") == [LINK]]


def test_a_real_server_resolves_the_vips(play: Player) -> None:
    """The nearest of those that take part, in the end."""
    assert resolving(play("site", results=[HAS_LINK]).succeeded()) == ["rs2"]
    assert resolving(play("site", "--tags=verify", "--limit=ds1,rs1", results=[HAS_LINK]).succeeded()) == ["rs1"]
    assert resolving(play("site", "--tags=verify", "--limit=ds1", results=[HAS_LINK]).succeeded()) == []
    assert resolving(play("site", results=[HAS_LINK], check=True).succeeded()) == []


def test_no_link_has_a_vip(play: Player) -> None:
    """Where a router knows the way, no host resolves it."""
    assert not [call for call in play("site").succeeded().calls("vip_probe") if "resolve" in call.options]


@pytest.mark.parametrize("module", ["preflight", "vip_probe"])
def test_vip_that_is_not_answered(play: Player, module: str) -> None:
    """No success without a host of lvs_probe_hosts, either."""
    host, options = ("ds1", {"phase": "after"}) if module == "preflight" else ("rs2", {})
    no_answer = Answer(module, {"failed": True, "msg": "refused by the test"}, host, options=options)
    run = play("site", results=[HAS_LINK, no_answer]).failed("refused by the test")
    assert run.calls("tunl_vip", host="ds1", changing=True)


def test_check_mode_changes_nothing(play: Player) -> None:
    run = play("site", check=True).succeeded()
    assert run.calls("ipvs_table")
    assert not run.calls(changing=True)


@pytest.mark.parametrize("call", ["{ipvs_dest: {rip: x, colour: red}}", "{ipvs_dest: {rip: x, state: gone}}"])
def test_options_are_checked(play: Player, tmp_path: Path, call: str) -> None:
    run = play(own_playbook(tmp_path, call.replace("ipvs_dest", "lvs.cluster.ipvs_dest")))
    run.refused("colour" if "colour" in call else "gone")


def test_this_machine_is_not_changed(play: Player, tmp_path: Path) -> None:
    run = play(own_playbook(tmp_path, "ansible.builtin.file: {path: planted, state: touch}"))
    run.failed("a stand-in does not run this: file")
    assert not (tmp_path / "planted").exists()


def test_down_after_a_call_on_another_host(play: Player, tmp_path: Path) -> None:
    tasks = (
        "ansible.builtin.ping:",
        "{lvs.cluster.ipvs_dest: {rip: 192.0.2.1, state: drained}, delegate_to: ds1}",
        "ansible.builtin.ping:",
        "lvs.cluster.state_info:",
    )
    playbook = own_playbook(tmp_path, *tasks, hosts="rs1")
    run = play(playbook, down=[Down("rs1", after="ipvs_dest", on="ds1", options={"state": "drained"})])
    run.failed("rs1 is down")
    assert [(call.host, call.module) for call in run.everything] == [("rs1", "ansible.builtin.ping"), ("ds1", "ipvs_dest")]
    run = play(playbook, down=[Down("rs1", after="ipvs_dest", options={"rip": "192.0.2.2"})]).succeeded()
    assert [call.host for call in run.everything] == ["rs1", "ds1", "rs1", "rs1"]


def test_down_where_a_task_is_delegated_to(play: Player, tmp_path: Path) -> None:
    run = play(own_playbook(tmp_path, "{lvs.cluster.state_info: {}, delegate_to: ds1}", hosts="rs1"), down=["ds1"])
    run.refused("ds1 is down")


def test_results_by_host(play: Player, tmp_path: Path) -> None:
    tasks = ("{lvs.cluster.mss_clamp: {tunnels: [], purge: true}}",)
    results = [changing("mss_clamp", "rs1", check_mode=False), failing("mss_clamp", "rs2", "planted")]
    run = play(own_playbook(tmp_path, *tasks), results=results).failed("planted")
    assert {host: f"changed: [{host}]" in run.stdout for host in ("ds1", "rs1", "rs2")} == {
        "ds1": False,
        "rs1": True,
        "rs2": False,
    }
    assert all(call.releases for call in run.calls("mss_clamp"))


def test_inventory_in_ini_format(play: Player, tmp_path: Path) -> None:
    inventory = "[directors]\nds1 lvs_dip=192.0.2.1\n[realservers]\nrs1\n"
    run = play(own_playbook(tmp_path, "lvs.cluster.state_info:"), inventory=inventory).succeeded()
    assert {call.host for call in run.calls()} == {"ds1", "rs1"}


BATCH = "{lvs.cluster.batch: {steps: [{mss_clamp: {tunnels: [], purge: true}}, {port_dnat: {mappings: []}}]}, register: done}"


def test_steps_of_a_batch_are_calls(play: Player, tmp_path: Path) -> None:
    shown = 'ansible.builtin.debug: {msg: \'steps: {{ done.results | map(attribute="module") | join(" ") }}\'}'
    run = play(own_playbook(tmp_path, BATCH, shown, hosts="rs1"), results=[changing("port_dnat", "rs1")]).succeeded()
    assert [(call.module, call.releases) for call in run.calls(host="rs1")] == [("mss_clamp", True), ("port_dnat", False)]
    assert "changed: [rs1]" in run.stdout
    assert "steps: mss_clamp port_dnat" in run.stdout


def test_batch_ends_at_the_step_that_fails(play: Player, tmp_path: Path) -> None:
    run = play(own_playbook(tmp_path, BATCH, hosts="rs1"), results=[failing("mss_clamp", "rs1", "planted")]).failed("planted")
    assert [call.module for call in run.calls()] == ["mss_clamp"]


def test_options_of_steps_are_checked(play: Player, tmp_path: Path) -> None:
    play(own_playbook(tmp_path, BATCH.replace("mappings", "colours"), hosts="rs1")).refused("colours")
