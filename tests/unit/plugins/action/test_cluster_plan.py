# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster: the action with Ansible's own variables and templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.action.cluster_plan import ActionModule
from tests.unit.plugins.action.controller import Controller, lab_inventory

VIP, RS1, RS2 = "192.168.56.185", "192.168.56.183", "192.168.56.184"


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder of Ansible, as for each run."""
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(tmp_path))


def plan(controller: Controller, host: str, uuid: str = "task", **options: Any) -> dict[str, Any]:
    """The result of a task that does not fail, which is of JSON's types."""
    result = controller.run(ActionModule, host, uuid, **options)
    assert "failed" not in result, result["msg"]
    assert result["changed"] is False
    assert json.loads(json.dumps(result)) == result
    return result


def refused(controller: Controller, host: str, **options: Any) -> str:
    """The message of a task that fails."""
    result = controller.run(ActionModule, host, **options)
    assert result["failed"] is True
    return str(result["msg"])


def test_each_host_has_its_part(tmp_path: Path) -> None:
    controller = Controller(tmp_path, lab_inventory())
    director, real_server, client = (plan(controller, host) for host in ("ds1", "rs1", "client"))
    assert director["id"] == real_server["id"] == client["id"]
    assert [row["rip"] for row in director["director"]["services"][0]["destinations"]] == [RS1, RS2]
    assert director["director"]["setup"][-1]["ipvs_table"]["unprepared"] == [RS1, RS2]
    assert real_server["rips"] == {"rs1": [RS1]}
    assert [module for step in real_server["real_server"]["setup"] for module in step][-2:] == ["boot", "state_info"]
    assert (client["director"], client["real_server"]) == ({}, {})


def test_templates_are_resolved_as_each_host_has_them(tmp_path: Path) -> None:
    """By its own variables, and by groups."""
    inventory = lab_inventory(
        network="10.0.0",
        lvs_dip="{{ network }}.1",
        lvs_services=[
            {"name": "{{ groups.directors | first }}", "vip": "{{ vip_of['web'] }}", "port": "{{ 40 * 2 }}"},
            "{{ {'name': 'extra', 'vip': vip_of.web, 'port': 81} }}",
        ],
        vip_of={"web": VIP},
    )
    real_servers = inventory["all"]["children"]["realservers"]
    real_servers["vars"] = {"lvs_rip": "{{ network }}.{{ number }}"}
    for number, variables in enumerate(real_servers["hosts"].values(), 3):
        variables["number"] = number
    controller = Controller(tmp_path, inventory)
    found = plan(controller, "ds1")
    assert found["rips"] == {"rs1": ["10.0.0.3"], "rs2": ["10.0.0.4"]}
    assert found["director"]["names"] == ["ds1", "extra"]
    assert found["director"]["preflight"]["sources"] == ["10.0.0.1"]
    assert plan(controller, "rs2")["id"] == found["id"]


def test_description_with_a_template_that_differs(tmp_path: Path) -> None:
    """Between hosts, although it is written once: two descriptions."""
    inventory = lab_inventory(port=80, lvs_services=[{"name": "web", "vip": VIP, "port": "{{ port }}"}])
    plan(Controller(tmp_path, inventory), "ds1")
    inventory["all"]["children"]["realservers"]["hosts"]["rs2"]["port"] = 81
    message = refused(Controller(tmp_path, inventory), "ds1", uuid="second")
    assert "lvs_services[0].port: is 80 on ds1 and 81 on rs2" in message


def test_host_that_is_named_by_its_address(tmp_path: Path) -> None:
    inventory = lab_inventory()
    inventory["all"]["children"]["realservers"]["hosts"] = {"10.0.0.3": None, "fd00::4": None}
    inventory["all"]["children"]["directors"]["hosts"]["ds1"]["lvs_dip6"] = "fd00::1"
    assert plan(Controller(tmp_path, inventory), "ds1")["rips"] == {"10.0.0.3": ["10.0.0.3"], "fd00::4": ["fd00::4"]}


def test_fact_that_is_set_between_two_tasks(tmp_path: Path) -> None:
    """The next task has it."""
    controller = Controller(tmp_path, lab_inventory())
    before = plan(controller, "ds1", "first")
    controller.set_fact("rs2", lvs_weight=7)
    after = plan(controller, "ds1", "second")
    assert [row["weight"] for row in before["director"]["services"][0]["destinations"]] == [1, 1]
    assert [row["weight"] for row in after["director"]["services"][0]["destinations"]] == [1, 7]
    assert before["id"] != after["id"] == plan(controller, "rs1", "third")["id"]


def test_what_the_roles_have_noted(tmp_path: Path) -> None:
    """Of other hosts, by facts and registered results."""
    controller = Controller(tmp_path, lab_inventory())
    identifier = plan(controller, "ds1")["id"]
    controller.set_fact("rs1", __lvs_setup={"label": identifier})
    controller.set_fact("rs1", __lvs_host={"empty": True})
    controller.set_fact("rs2", __lvs_host={"unreachable": True})
    director = plan(controller, "ds1")["director"]
    assert (director["setup"][-1]["ipvs_table"]["unprepared"], director["unreachable"]) == ([RS2], ["rs2"])
    controller.set_fact("ds1", __lvs_setup={"label": identifier, "results": []})
    assert plan(controller, "rs1")["real_server"]["waiting_for"] == []


def test_variables_and_options_of_the_task(tmp_path: Path) -> None:
    """Those of a role, and those of the module; the latter come first."""
    controller = Controller(tmp_path, lab_inventory())
    service = {"name": "other", "vip": VIP, "port": 81}
    assert plan(controller, "ds1", variables={"lvs_services": [service]})["director"]["names"] == ["other"]
    found = plan(controller, "ds1", variables={"lvs_vip_device": "lo"}, services=[service], vip_device="eth0")
    assert found["director"]["finish"][2]["tunl_vip"]["devices"] == [{"device": "eth0", "vips": [VIP]}]


def test_tags_of_the_command_line(tmp_path: Path) -> None:
    controller = Controller(tmp_path, lab_inventory())
    tags = {"ansible_run_tags": ["sysctl", "boot"], "ansible_skip_tags": ["boot"]}
    part = plan(controller, "rs1", variables=tags)["real_server"]
    assert [module for step in part["setup"] for module in step] == ["arp_sysctl", "state_info"]
    assert part["label"] == ""


@pytest.mark.parametrize(
    ("tags", "complete"), [(["always", "mine"], True), (["always"], False), (["mine"], True), (["always", "ipvs"], False)]
)
def test_tags_of_the_role(tmp_path: Path, tags: list[str], complete: bool) -> None:
    """One of the user's own selects all steps; always is that of the task itself."""
    controller = Controller(tmp_path, lab_inventory())
    found = plan(controller, "rs1", tags=tags, variables={"ansible_run_tags": ["mine", "ipvs", "always"]})
    assert bool(found["real_server"]["label"]) is complete


def test_clients(tmp_path: Path) -> None:
    """Hosts that the director asks to connect, with templates."""
    controller = Controller(tmp_path, lab_inventory(lvs_probe_hosts=["{{ groups.ungrouped | first }}"]))
    assert plan(controller, "ds1")["settings"]["probe_hosts"] == ["client"]


def test_faults(tmp_path: Path) -> None:
    """Fail the task, all of them in its message: those of the host's own settings, or else those of all hosts."""
    controller = Controller(tmp_path, lab_inventory(lvs_boot_after="{{ nothing }}", lvs_purge="{{ nobody }}"))
    message = refused(controller, "rs1")
    assert "host rs1, lvs_boot_after: 'nothing' is undefined" in message
    assert "host rs1, lvs_purge: 'nobody' is undefined" in message
    controller = Controller(tmp_path, lab_inventory(lvs_rip="{{ nothing }}"))
    message = refused(controller, "rs1")
    assert all(f"host {host}, lvs_rip: 'nothing' is undefined" in message for host in ("rs1", "rs2"))
    controller = Controller(tmp_path, lab_inventory(lvs_boot="maybe", lvs_purge="all"))
    message = refused(controller, "rs1")
    assert "'lvs_boot'" in message
    assert "lvs_purge" in message


@pytest.mark.parametrize("options", [{"state": "gone"}, {"role": "balancer"}, {"role": "client"}, {"vip_devices": "lo"}])
def test_options_that_are_none(tmp_path: Path, options: dict[str, Any]) -> None:
    """Ansible refuses them."""
    with pytest.raises(Exception, match=r"value of|Unsupported parameters"):
        Controller(tmp_path, lab_inventory()).run(ActionModule, "ds1", **options)
