# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run: made once from the variables of all hosts, and never a stale one."""

from __future__ import annotations

import contextlib
import copy
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan import planner as planner_file
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import InvalidDescription
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.planner import first_difference
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.run_store import RunStore
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIFFERENT_DELIVERIES,
    DIP,
    LAB,
    MAPPED,
    RS1,
    RS2,
    VIP,
    WEB,
    WEB6,
)
from tests.unit.plugins.plugin_utils._plan.runs import UNREADABLE, Run, lab_run


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The services of each plan that is made."""
    services_of_plans: list[Any] = []

    def counted(services: Any, *arguments: Any) -> Any:
        services_of_plans.append(copy.deepcopy(services))
        return make_plan(services, *arguments)

    monkeypatch.setattr(planner_file, "make_plan", counted)
    return services_of_plans


def key_of(run: Run, host: str, task: str = "task", **own: Any) -> str:
    """The key of the plan as a task of a host sees it."""
    planner = run.planner(host, task, **own)
    settings = planner.settings({})
    return planner.plan(planner.cluster(settings), settings)


def common(run: Run, host: str, task: str = "task", **own: Any) -> dict[str, Any]:
    """What every host needs of it."""
    return run.planner(host, task).common(key_of(run, host, task, **own))


def rips(run: Run, host: str, task: str = "task") -> Any:
    """The RIPs of each real server."""
    return run.planner(host, task).of_cluster(key_of(run, host, task))["rips"]


def faults(run: Run, host: str = "ds1", task: str = "task", **own: Any) -> list[str]:
    """All that is wrong, each on a line of its own."""
    with pytest.raises(LvsError) as caught:
        key_of(run, host, task, **own)
    return str(caught.value).splitlines()[1:]


def test_plan_is_that_of_the_description() -> None:
    """Stored and read again: the same for directors, and for each real server its part."""
    run = lab_run(DIFFERENT_DELIVERIES)
    plan = make_plan(DIFFERENT_DELIVERIES, LAB)
    key = key_of(run, "ds1")
    whole = run.planner("ds1").of_cluster(key)
    assert whole["services"] == plan.services
    assert whole["preflight"] == plan.preflight
    assert (whole["names"], whole["hosts"], whole["rips"]) == (plan.names, plan.hosts, plan.rips)
    for host, part in plan.real_servers.items():
        of_host, operations = run.planner(host).of_real_server(key)
        assert of_host == part
        assert operations["rips"] == plan.rips[host]
        assert operations["probes"] == [row for row in plan.probes if row["name"] == host]


def test_plan_is_made_once(made: list[Any]) -> None:
    """For all hosts and all tasks of a run, as long as nothing changes."""
    run = lab_run()
    keys = {key_of(run, host, task) for task in ("first", "second") for host in run.hosts}
    assert len(keys) == 1
    assert made == [[WEB]]


def test_a_host_reads_its_own_variables_only() -> None:
    """Where another one has made the plan: a run of many hosts would read those of all for each of them."""
    run = lab_run()
    key_of(run, "rs1")
    assert sorted(run.read) == sorted(run.hosts)
    run.read.clear()
    key_of(run, "rs2")
    assert run.read == ["rs2"]


@pytest.mark.parametrize(
    ("host", "variables"),
    [
        ("rs2", {"lvs_rip": "10.0.0.4"}),
        ("rs2", {"lvs_rip6": "fd00::4"}),
        ("rs2", {"lvs_weight": 3}),
        ("rs2", {"lvs_path_mtu": 1400}),
        ("rs2", {"ansible_host": "10.0.0.4"}),
        ("ds1", {"lvs_dip": "10.0.0.1"}),
        ("ds1", {"lvs_dip6": "fd00::1"}),
    ],
)
def test_variable_that_changes_between_two_tasks(host: str, variables: dict[str, Any]) -> None:
    """The next task has a new plan on all hosts, whichever asks first; back again, it has the former one."""
    run = lab_run()
    before = {name: key_of(run, name, "first") for name in ("ds1", "rs1", "rs2")}
    former = dict(run.hosts[host])
    run.hosts[host].update(variables)
    for order in (("ds1", "rs1", "rs2"), ("rs2", "rs1", "ds1")):
        after = {name: key_of(run, name, "-".join(order)) for name in order}
        assert len(set(after.values())) == 1
        assert set(after.values()).isdisjoint(before.values())
    run.hosts[host] = former
    assert {name: key_of(run, name, "third") for name in before} == before


def test_variable_that_a_host_changes_within_one_task() -> None:
    """With the strategy free, a host may come to a task when others have passed it."""
    run = lab_run()
    first = key_of(run, "ds1")
    run.hosts["rs1"]["lvs_weight"] = 5
    assert key_of(run, "rs2") == first  # it cannot know
    assert key_of(run, "rs1") != first
    assert key_of(run, "rs2") == key_of(run, "rs1")
    assert rips(run, "ds1") == {"rs1": [RS1], "rs2": [RS2]}


def test_groups_that_change_between_two_tasks() -> None:
    """By group_by, add_host, or meta: refresh_inventory."""
    run = lab_run()
    run.groups["realservers"] = ["rs1"]
    assert rips(run, "ds1", "first") == {"rs1": [RS1]}
    run.groups["realservers"] = ["rs1", "rs2"]
    assert rips(run, "ds1", "second") == {"rs1": [RS1], "rs2": [RS2]}
    assert run.plan("rs2", "third")["rips"] == {"rs2": [RS2]}
    run.groups["realservers"] = ["rs2"]
    assert rips(run, "ds1", "fourth") == {"rs2": [RS2]}


def test_services_that_change_between_two_tasks() -> None:
    run = lab_run()
    first = key_of(run, "ds1", "first")
    run.set_everywhere(lvs_services=[MAPPED])
    assert key_of(run, "ds1", "second") != first
    assert common(run, "ds1", "second")["id"] != common(run, "ds1", "first-again", lvs_services=[WEB])["id"]


def test_other_services_of_a_role_in_the_same_play(made: list[Any]) -> None:
    """As variables of the role: each task has the plan of its own, and both are kept."""
    run = lab_run()
    other = {"lvs_services": [MAPPED]}
    keys = [key_of(run, host, "task", **own) for host in ("rs1", "ds1") for own in ({}, other)]
    assert keys[:2] == keys[2:]
    assert keys[0] != keys[1]
    assert made == [[WEB], [MAPPED]]
    planner = run.planner("ds1")
    assert [row["port"] for key in keys[:2] for row in planner.of_cluster(key)["services"]] == [80, 8099]


@pytest.mark.parametrize(
    "own",
    [
        {"lvs_state": "absent"},
        {"lvs_vip_device": "lo"},
        {"lvs_vip6_device": "eth0"},
        {"lvs_director_device": "eth0"},
    ],
)
def test_settings_that_a_plan_depends_on(own: dict[str, Any]) -> None:
    assert key_of(lab_run(), "ds1", **own) != key_of(lab_run(), "ds1")


@pytest.mark.parametrize("own", [{"lvs_boot": False}, {"lvs_purge": "none"}, {"lvs_verify": False}, {"lvs_rp_filter": 0}])
def test_settings_that_a_plan_does_not_depend_on(own: dict[str, Any]) -> None:
    """Hosts of a cluster may differ in them."""
    assert key_of(lab_run(), "ds1", **own) == key_of(lab_run(), "ds1")


def test_id_is_that_of_all_hosts_of_the_cluster() -> None:
    """Whatever their devices are called, and whatever is outside of it."""
    run = lab_run()
    identifier = common(run, "ds1")["id"]
    assert common(run, "rs1", lvs_vip_device="lo")["id"] == identifier
    run.hosts["client"]["ansible_host"] = "10.9.9.9"
    run.hosts["other"] = {"ansible_host": "10.9.9.8"}
    run.groups["all"].append("other")
    assert common(run, "rs1", "second")["id"] == identifier
    assert common(run, "rs1", "third", lvs_state="absent")["id"] != identifier
    run.hosts["rs2"]["lvs_weight"] = 0
    assert common(run, "rs1", "fourth")["id"] != identifier
    del run.hosts["rs2"]["lvs_weight"]
    assert common(run, "rs1", "fifth")["id"] == identifier
    # Another host in its place, or the addresses of two swapped.
    run.hosts["rs1"]["ansible_host"], run.hosts["rs2"]["ansible_host"] = RS2, RS1
    run.groups["realservers"] = ["rs2", "rs1"]
    assert common(run, "rs1", "sixth")["id"] != identifier


def test_two_clusters_in_one_play(made: list[Any]) -> None:
    """Each host has the plan of its own."""
    run = lab_run()
    for host, number in (("ds9", 1), ("rs9", 2)):
        run.hosts[host] = {
            "ansible_host": f"10.9.0.{number}",
            "lvs_directors_group": "lbs",
            "lvs_realservers_group": "dbs",
            "lvs_services": [{"name": "db", "vip": "10.9.0.100", "port": 5432}],
        }
    run.groups.update({"all": list(run.hosts), "lbs": ["ds9"], "dbs": ["rs9"]})
    assert key_of(run, "ds9") == key_of(run, "rs9") != key_of(run, "ds1") == key_of(run, "rs1")
    assert (rips(run, "ds9"), rips(run, "ds1")) == ({"rs9": ["10.9.0.2"]}, {"rs1": [RS1], "rs2": [RS2]})
    assert len(made) == 2


def test_hosts_with_odd_names() -> None:
    """Those that Ansible takes."""
    names = ["../../etc", "ds 1", "räs-☃", "host rs1", "plan", "a" * 300]
    run = Run({name: {"ansible_host": f"10.0.0.{number}", "lvs_services": [WEB]} for number, name in enumerate(names, 1)}, {})
    run.groups.update(directors=[names[0]], realservers=names[1:])
    plans = {name: run.plan(name) for name in names}
    assert {plan["id"] for plan in plans.values()} == {plans["plan"]["id"]}
    assert [plans[name]["rips"] for name in names[1:]] == [
        {name: [f"10.0.0.{number}"]} for number, name in enumerate(names[1:], 2)
    ]
    assert json.loads(json.dumps(plans)) == plans


@pytest.mark.parametrize(
    ("variables", "rip"),
    [
        ({"ansible_host": "192.168.56.183"}, "192.168.56.183"),
        ({"ansible_host": "2001:DB8::183"}, "2001:db8::183"),
        ({"ansible_host": "192.168.56.183", "{rip}": "10.0.0.3"}, "10.0.0.3"),
        ({"ansible_host": "rs1.example", "{rip}": "10.0.0.3"}, "10.0.0.3"),
        ({"ansible_host": "rs1.example"}, None),
        ({"ansible_host": "127.0.0.1"}, None),
        ({"ansible_host": "::1"}, None),
        ({"ansible_host": "192.168.56.183", "{other}": "10.0.0.3"}, "192.168.56.183"),
        # A variable without a value is as good as none.
        ({"ansible_host": "192.168.56.183", "{rip}": None}, "192.168.56.183"),
        ({"ansible_host": "rs1.example", "{rip}": None}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("director", [False, True])
def test_rip_of_a_host(variables: dict[str, Any], rip: str | None, director: bool) -> None:
    """lvs_rip, or of a director lvs_dip, or else an ansible_host that is an address."""
    assert _address("ds1" if director else "rs1", variables, director) == rip


@pytest.mark.parametrize(
    ("name", "variables", "rip"),
    [
        ("10.0.0.3", {}, "10.0.0.3"),
        ("2001:DB8::3", {}, "2001:db8::3"),
        ("10.0.0.3", {"ansible_host": "10.9.9.9"}, "10.9.9.9"),
        ("10.0.0.3", {"ansible_host": "rs1.example"}, "10.0.0.3"),
        ("10.0.0.3", {"ansible_host": "127.0.0.1"}, "10.0.0.3"),
        ("10.0.0.3", {"{rip}": "10.9.9.9"}, "10.9.9.9"),
        ("10.0.0.3", {"{rip}": None}, "10.0.0.3"),
        ("127.0.0.1", {}, None),
        ("10.0.0", {}, None),
    ],
)
@pytest.mark.parametrize("director", [False, True])
def test_name_that_is_an_address(name: str, variables: dict[str, Any], rip: str | None, director: bool) -> None:
    """Is the last choice."""
    assert _address(name, variables, director) == rip


def _address(host: str, variables: dict[str, Any], director: bool) -> str | None:
    """The RIP or the DIP that the plan knows of a host."""
    options = ("lvs_dip", "lvs_rip") if director else ("lvs_rip", "lvs_dip")
    named = {name.format(rip=options[0], other=options[1]): value for name, value in variables.items()}
    local = {"name": "local", "vip": VIP, "port": 80, "real_servers": [{"address": "10.0.0.99"}]}
    run = Run({host: named, "other": {"ansible_host": "10.0.0.98"}}, {})
    run.set_everywhere(lvs_services=[local])
    directors, real_servers = ([host], ["other"]) if director else (["other"], [host])
    run.groups.update(directors=directors, realservers=real_servers)
    whole = run.planner("other").of_cluster(key_of(run, "other"))
    found = whole["preflight"]["sources"] if director else list(whole["hosts"])
    address: str | None = found[0] if found else None
    return address


def test_what_the_inventory_says_of_a_host() -> None:
    """As it is written there; the plan checks it. A director's addresses have other names."""
    run = lab_run([WEB6 | {"real_servers": [{"host": "rs1"}]}])
    run.hosts["rs1"].update(lvs_rip6="fd00::3", lvs_weight="7", lvs_path_mtu=1400, lvs_dip="10.7.7.7", lvs_dip6="fd00::7")
    run.hosts["ds1"].update(lvs_dip="10.0.0.1", lvs_dip6="fd00::1", lvs_rip="10.7.7.8", lvs_rip6="fd00::8")
    whole = run.planner("ds1").of_cluster(key_of(run, "ds1"))
    (destination,) = whole["services"][0]["destinations"]
    assert (destination["rip"], destination["weight"]) == ("fd00::3", 7)
    assert whole["preflight"]["sources"] == ["10.0.0.1", "fd00::1"]
    assert whole["preflight"]["paths"][0]["mtu"] == 1400
    assert whole["hosts"] == {RS1: "rs1", "fd00::3": "rs1", RS2: "rs2"}


@pytest.mark.parametrize("variable", ["lvs_rip", "lvs_rip6", "lvs_weight", "lvs_path_mtu", "ansible_host"])
def test_variable_of_a_real_server_that_cannot_be_read(variable: str) -> None:
    """The message names the host and the variable, on every host of the cluster."""
    run = lab_run([{**WEB, "real_servers": [{"host": "rs2"}]}])
    run.hosts["rs1"][variable] = UNREADABLE
    for host in ("ds1", "rs2"):
        assert faults(run, host)[0] == f"host rs1, {variable}: 'nothing' is undefined"


@pytest.mark.parametrize("variable", ["lvs_dip", "lvs_dip6", "ansible_host"])
def test_variable_of_a_director_that_cannot_be_read(variable: str) -> None:
    run = lab_run()
    run.hosts["ds1"][variable] = UNREADABLE
    assert faults(run, "rs1")[0] == f"host ds1, {variable}: 'nothing' is undefined"


@pytest.mark.parametrize("variable", ["lvs_rip", "lvs_rip6", "lvs_weight", "lvs_path_mtu", "ansible_host", "lvs_services"])
def test_variable_outside_of_the_cluster_that_cannot_be_read(variable: str) -> None:
    """Does not matter."""
    run = lab_run()
    run.hosts["client"][variable] = UNREADABLE
    assert key_of(run, "ds1") == key_of(run, "rs1")


def test_variables_that_are_not_read_where_they_do_not_matter() -> None:
    """A director's lvs_rip, a real server's lvs_dip, and an ansible_host beside an lvs_rip."""
    run = lab_run()
    run.hosts["rs1"].update(lvs_rip=RS1, ansible_host=UNREADABLE, lvs_dip=UNREADABLE)
    run.hosts["ds1"].update(lvs_rip=UNREADABLE)
    assert rips(run, "rs2") == {"rs1": [RS1], "rs2": [RS2]}


def test_own_variables_that_are_wrong() -> None:
    """All of them, before the plan; with the variables of the task itself."""
    run = lab_run(lvs_boot_after=UNREADABLE)
    planner = run.planner("rs1", lvs_boot="maybe")
    with pytest.raises(InvalidDescription) as caught:
        planner.settings({})
    assert caught.value.faults == ["host rs1, lvs_boot_after: 'nothing' is undefined"]
    run.set_everywhere(lvs_boot_after=[])
    with pytest.raises(InvalidDescription, match="lvs_boot"):
        run.planner("rs1", lvs_boot="maybe").settings({})
    with pytest.raises(InvalidDescription, match="did you mean lvs_boot"):
        run.planner("rs1", lvs_boto=True).settings({})


@pytest.mark.parametrize("name", ["lvs_rip", "lvs_rip6", "lvs_dip", "lvs_dip6", "lvs_weight", "lvs_path_mtu"])
def test_variables_of_other_hosts_are_no_settings(name: str) -> None:
    """A template for real servers, written for all hosts, cannot be read on a director."""
    run = lab_run(**{name: UNREADABLE})
    assert name.removeprefix("lvs_") not in run.planner("ds1").settings({})
    for host in ("rs1", "rs2") if name not in ("lvs_dip", "lvs_dip6") else ("ds1",):
        del run.hosts[host][name]
    assert rips(run, "ds1") == {"rs1": [RS1], "rs2": [RS2]}


@pytest.mark.parametrize("value", [True, [RS1], {"a": RS1}])
@pytest.mark.parametrize(
    ("host", "name"),
    [
        *(("rs1", name) for name in ("lvs_rip", "lvs_rip6", "lvs_weight", "lvs_path_mtu", "ansible_host")),
        *(("ds1", name) for name in ("lvs_dip", "lvs_dip6", "ansible_host")),
    ],
)
def test_variable_of_a_host_that_is_no_single_value(host: str, name: str, value: Any) -> None:
    run = lab_run()
    run.hosts[host][name] = value
    assert faults(run, "rs2")[0] == f"host {host}, {name}: is {value!r}: write a single value"
    run.hosts[host].pop(name)
    run.hosts[host]["ansible_host"] = "10.0.0.77"
    run.hosts["client"][name] = value
    assert key_of(run, "rs2", "second")  # of a host outside of the cluster, it does not matter


@pytest.mark.parametrize("given", ["client", "ds1, client", ["ds1", "client"], [" client "], ["client", "client"]])
def test_clients(given: Any) -> None:
    """A list, or a text as modules take it instead of a list."""
    found = lab_run(lvs_probe_hosts=given).planner("ds1").settings({})["probe_hosts"]
    names = given.split(",") if isinstance(given, str) else given
    assert found == [name.strip() for name in names]


@pytest.mark.parametrize("given", [None, [], ""])
def test_no_clients(given: Any) -> None:
    """A text without a name is as good as an empty list."""
    assert lab_run(lvs_probe_hosts=given).planner("ds1").settings({})["probe_hosts"] == []


@pytest.mark.parametrize("given", ["rs9", ["rs9"], "client,rs9"])
def test_client_that_is_no_host(given: Any) -> None:
    """The message names it, and the host whose variable has it."""
    with pytest.raises(InvalidDescription) as caught:
        lab_run(lvs_probe_hosts=given).planner("ds1").settings({})
    assert caught.value.faults == [
        "host ds1, lvs_probe_hosts: 'rs9' is not a host of the inventory: add it there, or correct its name"
    ]


@pytest.mark.parametrize("given", [5, True, {"a": 1}, [True], [["client"]]])
def test_clients_of_a_wrong_type(given: Any) -> None:
    with pytest.raises(InvalidDescription) as caught:
        lab_run(lvs_probe_hosts=given).planner("ds1").settings({})
    (fault,) = caught.value.faults
    assert "lvs_probe_hosts" in fault


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ((), None),
        (("client",), None),
        (("ds1",), None),
        (("ds1", "rs1", "rs2"), None),
        (("rs1", "rs2"), "is set for rs1 and not for ds1"),
        (("rs2",), "is set for rs2 and not for ds1"),
    ],
)
@pytest.mark.parametrize("unset", [{}, {"lvs_probe_hosts": []}])
def test_clients_that_the_director_does_not_know(hosts: tuple[str, ...], message: str | None, unset: dict[str, Any]) -> None:
    """Nothing would connect, as its play asks them."""
    run = lab_run(**unset)
    for host in hosts:
        run.hosts[host]["lvs_probe_hosts"] = ["client"]
    if message is None:
        assert key_of(run, "ds1") == key_of(run, "rs1")
    else:
        assert faults(run, "ds1") == [f"lvs_probe_hosts: {message}: set it for all hosts of the cluster"]


def test_options_stand_in_for_variables() -> None:
    """An option that is not given does not."""
    planner = lab_run(lvs_vip_device="lo").planner("ds1")
    settings = planner.settings({"vip_device": "eth0", "state": None, "services": [MAPPED]})
    assert (settings["vip_device"], settings["state"], settings["services"]) == ("eth0", "present", [MAPPED])


def test_option_beside_a_variable_that_cannot_be_read() -> None:
    """The variable does not matter."""
    planner = lab_run(lvs_vip_device=UNREADABLE).planner("ds1", lvs_services=UNREADABLE)
    settings = planner.settings({"vip_device": "lo", "services": [WEB]})
    assert (settings["vip_device"], settings["services"]) == ("lo", [WEB])
    assert planner.plan(planner.cluster(settings), settings)


def test_key_of_a_service_that_is_a_number() -> None:
    """In an option of the task: a fault of the description."""
    planner = lab_run().planner("ds1")
    settings = planner.settings({"services": [{**WEB, 8080: 1}]})
    with pytest.raises(LvsError, match="8080: 1 is an unknown option"):
        planner.plan(planner.cluster(settings), settings)


def test_names_on_other_hosts() -> None:
    """A misspelt one is a fault for all hosts of the cluster, an unknown one a warning; those of others do not matter."""
    run = lab_run()
    run.hosts["rs1"]["lvs_team"] = "web"
    run.hosts["client"].update(lvs_wieght=1, lvs_client="x")
    assert common(run, "ds1")["warnings"] == ["host rs1, lvs_team: is not a variable of this collection, and has no effect"]
    del run.hosts["rs1"]["lvs_team"]
    assert common(run, "ds1", "without")["warnings"] == []  # the next task looks again
    run.hosts["rs1"]["lvs_wieght"] = 1
    (fault,) = faults(run, "ds1", "second")
    assert fault.startswith("host rs1, lvs_wieght: is not a variable of this collection: did you mean lvs_weight?")


@pytest.mark.parametrize(
    ("services", "facts"),
    [([WEB], (True, False)), ([], (False, False)), ([WEB, {"name": "mark", "fwmark": 7}], (True, True))],
)
def test_common(services: list[Any], facts: tuple[bool, bool]) -> None:
    found = common(lab_run(services), "rs1")
    assert (found["services"], found["marks"]) == facts


def test_fault_is_found_once(made: list[Any]) -> None:
    """And reported on each host of the task, in the same words; the next task looks again."""
    run = lab_run([{**WEB, "port": 0}])
    first = faults(run, "ds1")
    assert [faults(run, host) for host in ("rs1", "rs2", "client")] == [first] * 3
    assert len(made) == 1
    assert faults(run, "rs1", "second") == first
    run.set_everywhere(lvs_services=[WEB])
    assert rips(run, "rs1", "third") == {"rs1": [RS1], "rs2": [RS2]}


def test_fault_of_a_host_that_is_corrected() -> None:
    """By a task of the play, as in a block with a rescue."""
    run = lab_run()
    run.hosts["rs1"]["lvs_rip"] = "rs1"
    assert faults(run, "ds1", "first") == [
        "service 'web', real_servers[0], lvs_rip: 'rs1' is not an IP address: write one like 192.168.56.185"
    ]
    run.hosts["rs1"]["lvs_rip"] = "10.0.0.3"
    assert rips(run, "ds1", "second")["rs1"] == ["10.0.0.3"]


def test_host_that_has_waited_for_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the plan that is there by then: it does not read the variables of all hosts again."""
    run = lab_run()
    lock = RunStore.lock

    @contextlib.contextmanager
    def lock_after_another_host(store: RunStore) -> Iterator[None]:
        monkeypatch.setattr(RunStore, "lock", lock)
        key_of(run, "ds1")
        run.read.clear()
        with lock(store):
            yield

    monkeypatch.setattr(RunStore, "lock", lock_after_another_host)
    key = key_of(run, "rs1")
    assert run.read == ["rs1"]
    assert key == key_of(run, "ds1")


def _plan_in_a_process(run: Run, host: str, results: Any) -> None:
    try:
        results.put((host, key_of(run, host)))
    except LvsError as error:
        results.put((host, str(error)))


@pytest.mark.parametrize("port", [80, 0])
def test_many_processes_at_once(port: int, run_folder: Path) -> None:
    """They wait for the one that makes the plan, and all have the same one, or the same fault."""
    names = [f"rs{number}" for number in range(10)]
    run = Run({name: {"ansible_host": f"10.0.0.{number}"} for number, name in enumerate(["ds1", *names], 1)}, {})
    run.groups.update(directors=["ds1"], realservers=names)
    run.set_everywhere(lvs_services=[{**WEB, "port": port}])
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    processes = [fork.Process(target=_plan_in_a_process, args=(run, host, results)) for host in names]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=30) for _process in processes)
    for process in processes:
        process.join(30)
    assert sorted(found) == sorted(names)
    assert len(set(found.values())) == 1
    assert ("nothing was changed" in found["rs0"]) == (port == 0)
    # The lock, a pointer of the task, and one plan.
    assert len(list(run_folder.iterdir())) == 3


@pytest.mark.parametrize(
    "hosts",
    [
        {},
        {"client": {"lvs_services": []}},
        {"ds1": {"lvs_services": [dict(reversed(WEB.items()))]}},
    ],
)
def test_same_description(hosts: dict[str, dict[str, Any]]) -> None:
    """On all hosts of the cluster; the order of fields does not matter."""
    run = lab_run()
    for host, variables in hosts.items():
        run.hosts[host].update(variables)
    assert key_of(run, "ds1")


def test_description_of_the_play() -> None:
    """No host has one."""
    run = lab_run()
    for variables in run.hosts.values():
        del variables["lvs_services"]
    assert run.planner("ds1").of_cluster(key_of(run, "ds1", lvs_services=[WEB]))["names"] == ["web"]


@pytest.mark.parametrize(
    ("host", "services", "message"),
    [
        ("rs2", None, "lvs_services: the host rs2 has none: define it once"),
        ("ds1", None, "lvs_services: the host ds1 has none: define it once"),
        ("rs2", [], "lvs_services, number of entries: is 1 on ds1 and 0 on rs2: define it once"),
        ("rs1", [{**WEB, "port": 81}], "lvs_services[0].port: is 80 on ds1 and 81 on rs1: define it once"),
        ("rs1", [{**WEB, "rport": 81}], "lvs_services[0].rport: is None on ds1 and 81 on rs1: define it once"),
    ],
)
def test_different_descriptions(host: str, services: Any, message: str) -> None:
    """The message names the hosts, the place, and where the description belongs."""
    run = lab_run()
    if services is None:
        del run.hosts[host]["lvs_services"]
    else:
        run.hosts[host]["lvs_services"] = services
    found = faults(run, "client", lvs_services=[WEB])
    (fault,) = found  # although both real servers differ from the director
    assert fault.startswith(message)
    assert "in group_vars/all.yml" in fault


@pytest.mark.parametrize("hosts", [["ds1"], ["rs1"], ["rs2"], ["rs1", "rs2"], ["ds1", "rs1", "rs2"]])
def test_description_that_cannot_be_read(hosts: list[str]) -> None:
    """One message, for the first host: it is not that it has none."""
    run = lab_run()
    for host in hosts:
        run.hosts[host]["lvs_services"] = UNREADABLE
    assert faults(run, "client", lvs_services=[WEB]) == [f"host {hosts[0]}, lvs_services: 'nothing' is undefined"]


def test_hosts_that_name_other_groups() -> None:
    """A fault, unless the groups are named by the task itself."""
    run = lab_run()
    run.groups.update(lbs=["ds1"], webs=["rs1", "rs2"])
    own = {"lvs_directors_group": "lbs", "lvs_realservers_group": "webs"}
    assert key_of(run, "ds1", **own)
    run.hosts["rs1"].update(own)
    found = faults(run, "rs1", "second")
    assert [fault.split(":")[0] for fault in found] == ["host ds1", "host rs2"]
    for host in ("ds1", "rs2"):
        run.hosts[host].update(own)
    assert rips(run, "rs1", "third") == {"rs1": [RS1], "rs2": [RS2]}


values = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


def at(value: Any, place: str) -> Any:
    """The value at a place; nothing where a dictionary has none."""
    for step in place.replace("[", ".[").split(".")[1:]:
        value = value[int(step[1:-1])] if step.startswith("[") else (value or {}).get(step)
    return value


@given(values, values)
def test_first_difference(left: Any, right: Any) -> None:
    """Is at a place where they differ, and has the two values there."""
    if left == right:
        return
    place, first, second = first_difference(left, right)
    assert first != second or isinstance(first, dict)
    path, _comma, number = place.partition(", number of entries")
    if place.endswith("number of entries"):
        assert (len(at(left, path)), len(at(right, path))) == (first, second)
        assert number == ""
    else:
        assert (at(left, path), at(right, path)) == (first, second)


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ([{"a": 1, "b": [1, {"c": 2}]}], [{"b": [1, {"c": 3}], "a": 1}], ("[0].b[1].c", 2, 3)),
        ([{"a": 1}], [{"a": 1, "b": 2}], ("[0].b", None, 2)),
        ([{"a": 1}, 2], [{"a": 1}], (", number of entries", 2, 1)),
        ([1, 2], [3], ("[0]", 1, 3)),
        ("text", ["text"], ("", "text", ["text"])),
        ({"a": None}, {}, ("", {"a": None}, {})),
    ],
)
def test_first_difference_of(left: Any, right: Any, found: Any) -> None:
    assert first_difference(left, right) == found


def pair_run(**variables: Any) -> Run:
    """A run with a second director, as several directors are described."""
    run = lab_run(lvs_vips="vrrp", lvs_vrrp_id=51, **variables)
    run.hosts["ds2"] = {**run.hosts["ds1"], "ansible_host": "192.168.56.182"}
    run.groups["directors"] = ["ds1", "ds2"]
    run.groups["all"].append("ds2")
    return run


def keepalived(run: Run, host: str) -> dict[str, Any]:
    """The options of the step of keepalived."""
    (options,) = [step["keepalived"] for step in run.plan(host)["director"]["finish"] if "keepalived" in step]
    return dict(options)


def test_each_director_has_its_own_part_of_the_virtual_router() -> None:
    run = pair_run()
    run.hosts["ds2"]["lvs_vrrp_priority"] = 200
    routers = {host: keepalived(run, host)["vrrp"] for host in ("ds1", "ds2")}
    assert [(router["source"], router["priority"]) for router in routers.values()] == [(DIP, 254), ("192.168.56.182", 200)]
    assert run.plan("ds1")["director"]["preflight"]["directors"] == ["192.168.56.182"]


def test_other_directors_are_known_where_they_hear_each_other_by_multicast() -> None:
    """One of them may answer for the VIPs, and has to pass the firewall."""
    run = pair_run(lvs_vrrp_multicast=True)
    assert keepalived(run, "ds1")["vrrp"]["peers"] == []
    director = run.plan("ds1")["director"]
    assert director["preflight"]["directors"] == ["192.168.56.182"]
    assert director["finish"][0]["firewall"]["directors"] == ["192.168.56.182"]


def test_secret_is_in_the_steps_only() -> None:
    """Neither in the settings nor in the part that is kept for other hosts."""
    run = pair_run(lvs_vrrp_version=2, lvs_vrrp_advert_interval=1, lvs_vrrp_secret="hush")
    assert keepalived(run, "ds1")["vrrp"]["secret"] == "hush"
    plan = run.plan("ds1")
    others = {**plan["director"], "finish": [], "setup": [], "trial": []}
    assert "hush" not in str({**plan, "director": others})
    planner = run.planner("ds1")
    assert planner.has_secret
    settings = planner.settings({})
    cluster = planner.cluster(settings)
    assert "hush" not in str(planner.of_cluster(planner.plan(cluster, settings)))


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("lvs_vips", "single", "'vrrp' on ds1 and 'single' on ds2"), ("lvs_vrrp_id", 52, "51 on ds1 and 52 on ds2")],
)
def test_directors_that_do_not_agree(name: str, value: Any, shown: str) -> None:
    run = pair_run()
    run.hosts["ds2"][name] = value
    with pytest.raises(LvsError, match=f"{name}: is {shown}: set it for the whole cluster"):
        run.plan("ds1")


def test_virtual_router_of_another_cluster() -> None:
    """A host that is no director has the number from group_vars/all.yml, and no virtual router."""
    run = pair_run()
    run.hosts["client"]["lvs_vrrp_id"] = 51
    assert run.plan("ds1")["warnings"] == []
    run.hosts["other"] = {"lvs_vrrp_id": "51", "lvs_directors_group": "others", "lvs_realservers_group": "none"}
    run.groups.update(others=["other"], all=[*run.groups["all"], "other"])
    with pytest.raises(LvsError, match="lvs_vrrp_id: is 51, as that of other, a director of another cluster"):
        run.plan("ds1", task="next")
