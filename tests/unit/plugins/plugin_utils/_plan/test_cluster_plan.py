# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's part of the plan, with what the run has done on the other hosts so far."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.cluster_plan import cluster_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.director_steps import finish_steps, setup_steps
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIFFERENT_DELIVERIES,
    DIP,
    LAB,
    MAPPED,
    MAPPED_VIP,
    PLAIN,
    RS1,
    RS2,
    STATE,
    VIP,
    WEB,
    path,
)
from tests.unit.plugins.plugin_utils._plan.runs import DEFAULT_TAGS, Run, lab_run

CONTACTED: Facts = {"empty": True, "changed": False}
UNREACHABLE: Facts = {"unreachable": True, "msg": "no route"}


def id_of(run: Run) -> str:
    """The id of the plan, in a task of its own."""
    return str(run.plan("ds1", "id")["id"])


def done(run: Run, *hosts: str, plan: str | None = None, **others: Any) -> None:
    """Note that hosts are ready, as the roles do."""
    for host in hosts:
        run.hosts[host]["__lvs_setup"] = {"label": plan or id_of(run), "results": [{"module": "ipvs_table", **others}]}


def unprepared(run: Run, task: str = "task") -> list[str]:
    """The real servers that ds1 takes for not prepared."""
    steps = run.plan("ds1", task)["director"]["setup"]
    (table,) = (step["ipvs_table"] for step in steps if "ipvs_table" in step)
    return list(table["unprepared"])


def refused(run: Run, host: str, **task: Any) -> str:
    """The message with which a task of a host fails."""
    with pytest.raises(LvsError) as caught:
        run.plan(host, **task)
    return str(caught.value)


def test_services_that_the_modules_own() -> None:
    """None of them where keepalived does, or where they go."""
    gone = {**MAPPED, "state": "absent"}
    key = {"vip": VIP, "port": 80, "protocol": "tcp"}
    for engine, services in (("netlink", [key]), ("keepalived", [])):
        assert lab_run([WEB, gone], lvs_engine=engine).plan("ds1")["director"]["preflight"]["services"] == services


def test_sorry_servers() -> None:
    """Of the services that have one."""
    sorry = {**WEB, "sorry_server": {"address": "192.168.56.190"}, "quorum": 2}
    (found,) = lab_run([sorry, MAPPED], lvs_engine="keepalived").plan("ds1")["director"]["sorry_servers"]
    assert found == {"vip": VIP, "port": 80, "protocol": "tcp", "rip": "192.168.56.190", "rport": None, "quorum": 2}


def test_director() -> None:
    """The whole plan, and nothing of a real server."""
    run = lab_run(DIFFERENT_DELIVERIES)
    whole = make_plan(DIFFERENT_DELIVERIES, LAB)
    plan = run.plan("ds1")
    assert (plan["directors"], plan["real_servers"], plan["real_server"]) == (["ds1"], ["rs1", "rs2"], {})
    assert (plan["rips"], plan["probes"]) == (whole.rips, whole.probes)
    assert plan["director"] == {
        "services": whole.services,
        "preflight": {
            **whole.preflight,
            "directors": [],
            "services": [{name: row[name] for name in ("vip", "port", "protocol")} for row in whole.services],
        },
        "setup": rows(setup_steps(asdict(whole), plan["settings"], [RS1])),
        "label": plan["id"],
        "trial": [],
        "held_back": [],
        "untracked": whole.untracked,
        "finish": rows(finish_steps(asdict(whole), plan["settings"])),
        "tcp_services": [{"vip": row["vip"], "port": row["port"]} for row in whole.services if row["protocol"] == "tcp"],
        "names": whole.names,
        "sorry_servers": [],
        "hosts": whole.hosts,
        "ready": [],
        "neighbours": [],
        "unreachable": [],
    }
    assert json.loads(json.dumps(plan)) == plan


def test_real_server() -> None:
    """Its own part only."""
    run = lab_run([WEB, MAPPED])
    plan = run.plan("rs1")
    assert (plan["directors"], plan["real_servers"], plan["director"]) == (["ds1"], ["rs1"], {})
    assert plan["rips"] == {"rs1": [RS1]}
    assert [(row["name"], row["vip"]) for row in plan["probes"]] == [("rs1", VIP), ("rs1", MAPPED_VIP)]
    assert plan["real_server"]["label"] == plan["id"]
    assert plan["real_server"]["setup"][-3] == {"tunl_vip": {"devices": [{"device": "tunl0", "vips": [VIP, MAPPED_VIP]}]}}
    assert (plan["real_server"]["release"], plan["real_server"]["waiting_for"]) == ([], ["ds1"])
    assert plan["id"] == run.plan("ds1")["id"] == run.plan("rs2")["id"]
    assert json.loads(json.dumps(plan)) == plan


def test_host_outside_of_the_cluster() -> None:
    """The check of the description, and the settings."""
    plan = lab_run(lvs_drain_timeout=7).plan("client")
    assert (plan["director"], plan["real_server"], plan["rips"], plan["real_servers"]) == ({}, {}, {}, [])
    assert plan["settings"]["drain_timeout"] == 7
    assert "services" not in plan["settings"]


def test_warnings_are_those_of_the_plan() -> None:
    assert lab_run([]).plan("rs1")["warnings"] == ["lvs_services: is empty: there is nothing to set up"]


def test_director_waits_for_real_servers() -> None:
    """Until they are set up for this plan; those that no service reaches have no part in it."""
    run = lab_run([WEB, {**PLAIN, "real_servers": [{"host": "rs1"}]}])
    assert unprepared(run) == [RS1, RS2]
    done(run, "rs1")
    assert unprepared(run) == [RS2]
    done(run, "rs2", plan="another")
    assert unprepared(run) == [RS2]
    done(run, "rs2")
    assert unprepared(run) == []
    # For another description, they have to be set up again.
    run.set_everywhere(lvs_services=[WEB])
    assert unprepared(run, "second") == [RS1, RS2]
    unused = lab_run([{**WEB, "real_servers": [{"host": "rs1"}]}])
    assert unprepared(unused) == [RS1]


def test_unprepared_by_both_addresses() -> None:
    """Each by which a service reaches the host, once."""
    run = lab_run(
        [WEB, {**WEB, "name": "again", "port": 81}, {**WEB, "name": "web6", "vip": "fd00::b9", "director_device": "eth0"}]
    )
    run.hosts["rs1"]["lvs_rip6"] = "fd00::3"
    run.hosts["ds1"]["lvs_dip6"] = "fd00::1"
    assert unprepared(run) == [RS1, "fd00::3", RS2]


def test_real_server_waits_for_directors() -> None:
    """Until they are set up for this plan."""
    run = lab_run()
    done(run, "rs1", "rs2")
    assert run.plan("rs1")["real_server"]["waiting_for"] == ["ds1"]
    done(run, "ds1", plan="another")
    assert run.plan("rs1")["real_server"]["waiting_for"] == ["ds1"]
    done(run, "ds1", held_back=[])
    assert run.plan("rs1")["real_server"]["waiting_for"] == []


@pytest.mark.parametrize(
    ("hosts", "unreachable", "optional"),
    [
        # Nobody was contacted yet, as when the description is checked: all have to answer.
        ({}, [], []),
        ({"ds1": CONTACTED, "rs1": CONTACTED, "rs2": CONTACTED}, [], []),
        # Left out by --limit, or down.
        ({"ds1": CONTACTED}, [], ["rs1", "rs2"]),
        ({"rs1": CONTACTED}, [], ["rs2"]),
        ({"ds1": CONTACTED, "rs1": CONTACTED, "rs2": UNREACHABLE}, ["rs2"], ["rs2"]),
        ({"ds1": CONTACTED, "rs1": {"failed": True, "msg": "no Python"}, "rs2": CONTACTED}, ["rs1"], ["rs1"]),
        ({"ds1": UNREACHABLE, "rs1": CONTACTED, "rs2": CONTACTED}, ["ds1"], []),
        ({"ds1": UNREACHABLE, "rs1": UNREACHABLE, "rs2": UNREACHABLE}, ["ds1", "rs1", "rs2"], []),
    ],
)
def test_hosts_that_take_no_part(hosts: dict[str, Facts], unreachable: list[str], optional: list[str]) -> None:
    """The checks before the run do not fail for them; whoever was tried in vain is not probed."""
    run = lab_run()
    for host, result in hosts.items():
        run.hosts[host]["__lvs_host"] = result
    plan = run.plan("ds1")
    director = plan["director"]
    assert director["unreachable"] == unreachable
    named = f"hosts that could not be reached take no part in this run: {', '.join(unreachable)}. "
    assert [warning.startswith(named) for warning in plan["warnings"]] == ([True] if unreachable else [])
    assert run.plan("rs1")["warnings"] == []  # the director says it for all
    paths = director["preflight"]["paths"]
    assert [row["name"] for row in paths if row.get("optional")] == optional
    plain = [path("rs1", RS1, port=80), path("rs2", RS2, port=80)]
    assert [{name: value for name, value in row.items() if name != "optional"} for row in paths] == plain


def test_real_servers_that_resolve_the_vips() -> None:
    """Only those that the run has contacted."""
    run = lab_run()
    assert run.plan("ds1")["director"]["neighbours"] == []
    run.hosts["rs1"]["__lvs_host"] = CONTACTED
    assert run.plan("ds1")["director"]["neighbours"] == ["rs1"]
    run.hosts["rs2"]["__lvs_host"] = {"unreachable": True}
    assert run.plan("ds1")["director"]["neighbours"] == ["rs1"]
    run.hosts["rs2"]["__lvs_host"] = CONTACTED
    assert run.plan("ds1")["director"]["neighbours"] == ["rs2"]  # the nearest


@pytest.mark.parametrize(
    ("host", "stopped"),
    [
        ({**CONTACTED, "vrrp": "active"}, True),
        ({**CONTACTED, "vrrp": "stopped"}, True),
        ({**CONTACTED, "vrrp": ""}, False),
        (CONTACTED, False),
        (UNREACHABLE, False),
        (None, False),
    ],
)
def test_sync_daemons_of_a_director_that_is_the_only_one_now(host: Facts | None, stopped: bool) -> None:
    """They stop if it took part in a virtual router of this collection: others are somebody else's."""
    run = lab_run()
    if host is not None:
        run.hosts["ds1"]["__lvs_host"] = host
    steps = run.plan("ds1")["director"]["finish"]
    found = [step["ipvs_sync_daemon"] for step in steps if "ipvs_sync_daemon" in step]
    assert found == ([{"role": role, "state": "absent"} for role in ("master", "backup")] if stopped else [])


def test_unmanaged_real_server_is_never_optional() -> None:
    """No run contacts it."""
    run = lab_run([{**WEB, "real_servers": [{"address": "10.0.0.9"}]}])
    run.hosts["ds1"]["__lvs_host"] = CONTACTED
    assert [row.get("optional") for row in run.plan("ds1")["director"]["preflight"]["paths"]] == [None]


ROLE_OF_A = "the role of a {} is for the hosts of the group {}, and {} is not one{}. Put it into that group, or set {} to"


@pytest.mark.parametrize(
    ("host", "role", "message"),
    [
        ("rs1", "director", ("director", "directors", "rs1", ": it is a real server of this cluster", "lvs_directors_group")),
        (
            "ds1",
            "real_server",
            ("real server", "realservers", "ds1", ": it is a director of this cluster", "lvs_realservers_group"),
        ),
        ("client", "director", ("director", "directors", "client", "", "lvs_directors_group")),
        ("client", "real_server", ("real server", "realservers", "client", "", "lvs_realservers_group")),
    ],
)
def test_role_of_another_host(host: str, role: str, message: tuple[str, ...]) -> None:
    """The message names the group, what the host is, and the variable."""
    found = refused(lab_run(), host, role=role)
    assert found.startswith(f"host {host}: {ROLE_OF_A.format(*message)}")
    assert found.endswith("Nothing was changed.")


def test_role_of_the_host_itself() -> None:
    """By the groups that its variables name."""
    run = lab_run()
    assert run.plan("ds1", role="director")["director"]
    assert run.plan("rs1", role="real_server")["real_server"]
    run.groups["lbs"] = ["rs9"]
    assert "hosts of the group lbs, and ds1 is not one. Put" in refused(
        run, "ds1", role="director", lvs_directors_group="lbs"
    )


def tagged(run: list[str], skip: list[str], own: list[str]) -> Facts:
    """The part of rs1 with these tags of the command line and of the role."""
    tags = {"run": run, "skip": skip, "own": own}
    part: Facts = cluster_plan(lab_run().planner("rs1"), {}, "real_server", tags)["real_server"]
    return part


@pytest.mark.parametrize(
    ("run", "skip", "own", "complete"),
    [
        (["all"], [], [], True),
        (["sysctl", "nftables", "vips", "boot"], [], [], True),
        (["all"], ["packages"], [], True),
        (["sysctl"], [], [], False),
        (["all"], ["boot"], [], False),
        (["packages"], [], [], False),
        (["mine"], [], ["mine"], True),
        (["mine"], ["boot"], ["mine"], False),
        (["sysctl"], [], ["mine"], False),
    ],
)
def test_tags(run: list[str], skip: list[str], own: list[str], complete: bool) -> None:
    """A real server is ready for its director if no step was left out."""
    whole = tagged(["all"], [], [])["setup"]
    part = tagged(run, skip, own)
    assert bool(part["label"]) is complete
    assert (part["setup"] == whole) is complete


def test_options_stand_in_for_variables() -> None:
    run = lab_run()
    plan = cluster_plan(run.planner("ds1"), {"services": [MAPPED], "state": "absent"}, None, DEFAULT_TAGS)
    assert plan["director"]["names"] == ["mapped"]
    assert plan["settings"]["state"] == "absent"
    assert plan["director"]["services"] == [{"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp", "state": "absent"}]


@pytest.mark.parametrize(
    ("services", "variables", "purges"),
    [
        ([WEB], {"lvs_purge": "services"}, True),
        ([WEB], {}, False),
        ([WEB], {"lvs_purge": "none"}, False),
        ([WEB], {"lvs_purge": "services", "lvs_purge_networks": ["10.0.0.0/8"]}, False),
        ([WEB], {"lvs_purge": "services", "lvs_state": "absent"}, False),
        ([], {"lvs_purge": "services"}, False),
        ([WEB, {"name": "mark", "fwmark": 7}], {"lvs_purge": "services"}, False),
    ],
)
def test_vips_are_purged(services: list[Any], variables: Facts, purges: bool) -> None:
    """With services, unless VIPs may be there that the description does not know."""
    plan = lab_run(services, **variables).plan("rs1")
    assert plan["settings"]["purges_vips"] is purges


def gives_up() -> Run:
    """The lab, where rs1 gives up the VIP of a service and needs nothing else."""
    return lab_run([{**WEB, "real_servers": [{"host": "rs2"}]}])


def removes(run: Run) -> bool:
    """Whether rs1 removes something."""
    return bool(run.plan("rs1")["real_server"]["release"])


def test_release_by_the_state_of_the_host() -> None:
    """As the set-up has left it, or as it was found; nothing where that is not known."""
    run = gives_up()
    assert not removes(run)
    run.hosts["rs1"]["__lvs_host"] = UNREACHABLE
    assert not removes(run)
    run.hosts["rs1"]["__lvs_host"] = STATE
    assert removes(run)
    run.hosts["rs1"]["__lvs_host"] = CONTACTED
    run.hosts["rs1"]["__lvs_setup"] = {"results": [{"module": "boot"}, {"module": "state_info", **STATE}]}
    assert removes(run)
    run.hosts["rs1"]["__lvs_host"] = STATE
    run.hosts["rs1"]["__lvs_setup"] = {"results": [{"module": "boot"}, {"module": "state_info", "empty": True}]}
    assert not removes(run)


def test_release_is_known_before_the_set_up() -> None:
    """So that a host on which nothing was set up before need not be asked again."""
    run = lab_run([WEB, {**MAPPED, "real_servers": [{"host": "rs2"}]}])
    run.hosts["rs1"]["__lvs_host"] = CONTACTED
    before = run.plan("rs1")["real_server"]["release"]
    assert before
    run.hosts["rs1"]["__lvs_setup"] = {"results": [{"module": "state_info", **STATE}]}
    assert run.plan("rs1")["real_server"]["release"] == before


def test_release_where_nothing_is_set_up() -> None:
    """With these tags, an empty host stays empty."""
    run = lab_run([WEB, {**MAPPED, "real_servers": [{"host": "rs2"}]}])
    run.hosts["rs1"]["__lvs_host"] = CONTACTED
    plan = cluster_plan(run.planner("rs1"), {}, None, {**DEFAULT_TAGS, "run": ["ipvs"]})
    assert (plan["real_server"]["setup"], plan["real_server"]["release"]) == ([], [])


@pytest.mark.parametrize(
    "setup", [None, {}, {"skipped": True}, {"results": []}, {"results": [{"module": "boot", "failed": True}]}]
)
def test_release_after_a_set_up_that_did_not_end(setup: Any) -> None:
    """By the state from before it."""
    run = gives_up()
    run.hosts["rs1"].update(__lvs_host=STATE, __lvs_setup=setup)
    assert removes(run)


def removed_vips(plan: Facts) -> set[str]:
    """The VIPs that a real server gives up, and whether it purges others."""
    steps = [options for step in plan["real_server"]["release"] for options in step.values()]
    rows = [row for options in steps for row in options.get("devices", ()) if row.get("state") == "absent"]
    purged = {"purged"} if any(options.get("purge") for options in steps) else set()
    return {vip for row in rows for vip in row["vips"]} | purged


def test_release_where_a_director_has_held_back_services() -> None:
    """Their VIPs stay: it may still send packets for them."""
    run = lab_run([{**service, "real_servers": [{"host": "rs2"}]} for service in (WEB, MAPPED)])
    run.hosts["rs1"]["__lvs_host"] = STATE
    assert removed_vips(run.plan("rs1")) == {VIP, MAPPED_VIP, "purged"}
    done(run, "ds1", held_back=[{"vip": VIP, "port": 80}])
    assert removed_vips(run.plan("rs1")) == {MAPPED_VIP}
    # A service by a firewall mark, whose VIPs the description does not know.
    done(run, "ds1", held_back=[{"fwmark": 1}])
    assert removed_vips(run.plan("rs1")) == {VIP, MAPPED_VIP}
    done(run, "ds1", held_back=[])
    assert removed_vips(run.plan("rs1")) == {VIP, MAPPED_VIP, "purged"}


def test_release_where_a_mapping_left_the_description() -> None:
    """The director may keep the service: its VIP stays on the real server for another one, and so does its mapping."""
    run = lab_run([WEB, {**MAPPED, "vip": VIP}])
    run.hosts["rs1"]["__lvs_host"] = STATE
    run.plan("rs1", "first")
    run.set_everywhere(lvs_services=[WEB])
    steps = run.plan("rs1", "second")["real_server"]["release"]
    assert steps  # other devices may have the VIP
    assert not any(options.get("purge") for step in steps for options in step.values())


def test_address_of_the_director_is_the_source_of_tunnels() -> None:
    """With a guard that other senders do not pass."""
    setup = lab_run(lvs_tunnel_sources=["10.0.0.9"]).plan("rs1")["real_server"]["setup"]
    assert setup[0]["tunnel_guard"]["sources"] == [DIP, "10.0.0.9"]
