# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values and names of variables as operators write them: on the command line, in INI format, with mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.checkout import PROJECT

from .standins import DS1, RS1, RS2, VIP, VIP2, Player, cluster, failing, releasing

SPECIFICATION = yaml.safe_load((PROJECT / "roles/lvs/meta/argument_specs.yml").read_text())
OPTIONS = SPECIFICATION["argument_specs"]["main"]["options"]
# A value of another type, by the type of the option. Of type raw, all are right.
WRONG: dict[str, Any] = {"int": "abc", "bool": "maybe", "list": {"a": "b"}, "dict": "abc", "str": ["a", "b"]}
TYPED = [name for name, option in OPTIONS.items() if name != "lvs_services" and option["type"] in WRONG]
OF_HOSTS = [name for name in TYPED if "Host variable" in str(OPTIONS[name]["description"])]
GROUPS = [name for name in TYPED if name.endswith("_group")]
OF_CLUSTERS = [name for name in TYPED if name not in (*OF_HOSTS, *GROUPS)]
CONFIGURED = [*releasing("rs1"), *releasing("rs2")]
FALSE = ("false", "no", "off", "0")


def set_to(**variables: Any) -> str:
    """An extra variable with its type."""
    return f"--extra-vars={json.dumps(variables)}"


# ----- boolean values


@pytest.mark.parametrize("value", FALSE)
def test_boot_is_off(play: Player, value: str) -> None:
    run = play("site", f"--extra-vars=lvs_boot={value}").succeeded()
    assert {call.options["state"] for call in run.calls("boot")} == {"absent"}


def test_boot_is_on(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_boot=yes").succeeded()
    assert {call.host for call in run.calls("boot", state="present")} == {"ds1", "rs1", "rs2"}


def test_verify_is_off(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_verify=false").succeeded()
    assert not run.calls("vip_probe")
    assert [call.options["phase"] for call in run.calls("preflight")] == ["before"]


@pytest.mark.parametrize("value", ["no", "yes"])
def test_verify_in_ini_format(play: Player, value: str) -> None:
    lines = [
        f"[directors]\nds1 lvs_dip={DS1}\n[realservers]\nrs1 lvs_rip={RS1}\n[all:vars]\nlvs_verify={value}",
        'lvs_services=[{"name": "web", "vip": "192.168.56.185", "port": 80}]\n',
    ]
    run = play("site", inventory="\n".join(lines)).succeeded()
    assert bool(run.calls("vip_probe")) == (value == "yes")


def test_preflight_is_off(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_preflight=no").succeeded()
    assert [call.options["phase"] for call in run.calls("preflight")] == ["after"]


@pytest.mark.parametrize(("engine", "vips"), [("netlink", [VIP, VIP2]), ("keepalived", [])])
def test_preflight_looks_for_another_owner(play: Player, engine: str, vips: list[str]) -> None:
    """Of what the modules are going to own; a fault ends the run before the first change."""
    fault = failing("preflight", "ds1", "belong to the keepalived")
    run = play("site", f"--extra-vars=lvs_engine={engine}", results=[fault]).failed("belong to the keepalived")
    (call,) = run.calls("preflight")
    assert [service["vip"] for service in call.options["services"]] == vips
    assert not run.calls(changing=True)


def test_clamp_is_off(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_clamp_mss=off", results=CONFIGURED).succeeded()
    assert not [call for call in run.calls("mss_clamp", releasing=False) if not call.check_mode]
    assert {call.host for call in run.calls("mss_clamp", releasing=True)} == {"rs1", "rs2"}


def test_guard_is_off(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_tunnel_guard=no", results=CONFIGURED).succeeded()
    assert not [call for call in run.calls("tunnel_guard", releasing=False) if not call.check_mode]
    assert {call.host for call in run.calls("tunnel_guard", releasing=True)} == {"rs1", "rs2"}


def test_sysctls_do_not_persist(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_persist_sysctl=no lvs_boot=no").succeeded()
    assert {call.options["persist"] for call in run.calls() if call.module in ("arp_sysctl", "ipvs_sysctl")} == {False}


def test_weights_are_kept(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_keep_weights=yes").succeeded()
    assert run.call("ipvs_table", changing=True).options["keep_weights"] is True


# ----- lists


@pytest.mark.parametrize("arguments", [set_to(lvs_target=["rs1", "rs2"]), "--extra-vars=lvs_target=rs1,rs2"])
def test_several_targets(play: Player, arguments: str) -> None:
    run = play("drain", arguments).succeeded()
    assert {call.options["rip"] for call in run.calls("ipvs_dest", changing=True, state="drained")} == {RS1, RS2}


def test_list_with_an_unknown_target(play: Player) -> None:
    play("drain", set_to(lvs_target=["rs1", "rs9"])).refused("lvs_target", "rs9")


# ----- wrong values


def test_wrong_boolean_is_one_error(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_boot=maybe").refused("lvs_boot", "maybe")
    assert len(run.failures) == 1


def test_wrong_timeout(play: Player) -> None:
    run = play("drain", "--extra-vars=lvs_target=rs1 lvs_drain_timeout=abc").refused("lvs_drain_timeout", "abc")
    assert run.longest_line < 2000


@pytest.mark.parametrize("playbook", ["site", "status", "teardown"])
def test_wrong_choice(play: Player, playbook: str) -> None:
    run = play(playbook, "--extra-vars=lvs_confirm=true lvs_purge=service")
    run.refused("lvs_purge", "none", "destinations", "services")
    assert run.longest_line < 2000


@pytest.mark.parametrize("name", OF_HOSTS)
def test_wrong_type_of_a_host_variable(play: Player, name: str) -> None:
    inventory = cluster()
    host = "rs2" if "real server" in str(OPTIONS[name]["description"]) else "ds1"
    inventory.host(host)[name] = WRONG[OPTIONS[name]["type"]]
    run = play("site", inventory=inventory).refused(name)
    assert run.longest_line < 2000


# Several in one run, and each is told: a run takes seconds. Without its groups, nothing is known of the cluster.
@pytest.mark.parametrize(
    "names", [[name] for name in GROUPS] + [OF_CLUSTERS[first::6] for first in range(6)], ids=lambda names: names[0]
)
def test_wrong_types(play: Player, names: list[str]) -> None:
    run = play("site", set_to(**{name: WRONG[OPTIONS[name]["type"]] for name in names})).refused(*names)
    assert run.longest_line < 2000


# ----- misspelt names


@pytest.mark.parametrize(
    ("misspelt", "closest"),
    [("lvs_purge_network", "lvs_purge_networks"), ("lvs_servces", "lvs_services"), ("lvsboot", "lvs_boot")],
)
def test_misspelt_name(play: Player, misspelt: str, closest: str) -> None:
    inventory = cluster()
    value = {"lvs_purge_networks": ["192.168.56.0/24"], "lvs_boot": False}
    inventory.vars[misspelt] = inventory.vars.pop(closest, value.get(closest))
    run = play("site", inventory=inventory).refused(misspelt)
    assert any(re.search(rf"{misspelt}\b.*\b{closest}\b", line) for line in run.failures)


def test_misspelt_name_of_one_host(play: Player) -> None:
    inventory = cluster()
    inventory.host("rs2")["lvs_rpi"] = inventory.host("rs2").pop("lvs_rip")
    run = play("site", inventory=inventory).refused("lvs_rpi", "rs2")
    assert any("lvs_rpi" in line and "lvs_rip" in line for line in run.failures)


def test_misspelt_name_on_the_command_line(play: Player) -> None:
    run = play("site", "--extra-vars=lvs_verfy=false").refused("lvs_verfy")
    assert any("lvs_verify" in line for line in run.failures)


def test_name_of_ones_own(play: Player) -> None:
    run = play("site", inventory=cluster(lvs_my_own_thing=1)).succeeded()
    assert "[WARNING]" in run.stdout + run.stderr
    assert any("lvs_my_own_thing" in line for line in (run.stdout + run.stderr).splitlines())
    assert run.calls("ipvs_table", changing=True)


def test_no_warning_without_a_cause(play: Player) -> None:
    run = play("site").succeeded()
    assert "[WARNING]" not in run.stdout + run.stderr


# ----- roles in playbooks of one's own


def playbook_with(play: Player, hosts: str, role: str) -> str:
    """A playbook with one role."""
    lines = (f"- hosts: {hosts}", "  gather_facts: false", "  become: true", f"  roles: [lvs.cluster.{role}]")
    (play.folder / "own.yml").write_text("\n".join(lines))
    return "own.yml"


@pytest.mark.parametrize(
    ("role", "host", "group"),
    [("director", "rs1", "directors"), ("realserver", "ds1", "realservers")],
)
def test_role_on_another_host(play: Player, role: str, host: str, group: str) -> None:
    run = play(playbook_with(play, host, role)).refused()
    assert any(host in line and group in line for line in run.failures)
    assert "undefined" not in run.output
    assert "has no attribute" not in run.output


@pytest.mark.parametrize(
    ("role", "group", "module"),
    [("director", "directors", "ipvs_table"), ("realserver", "realservers", "tunl_vip")],
)
def test_role_on_its_hosts(play: Player, role: str, group: str, module: str) -> None:
    run = play(playbook_with(play, group, role)).succeeded()
    assert run.calls(module, changing=True)


def test_defaults_of_an_action_group(play: Player, tmp_path: Path) -> None:
    """As docs/howto/weights.md has it."""
    page = (PROJECT / "docs/howto/weights.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    playbook = tmp_path / "shift.yml"
    playbook.write_text(example)
    run = play(str(playbook)).succeeded()
    assert [(call.options["vip"], call.options["rip"], call.options["weight"]) for call in run.calls("ipvs_dest")] == [
        (VIP, RS1, 1),
        (VIP, RS2, 3),
    ]
