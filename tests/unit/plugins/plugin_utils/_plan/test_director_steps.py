# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run on a director for its plan, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.director_steps import (
    finish_steps,
    sets_table,
    setup_steps,
    trial_steps,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows, selected
from tests.unit.plugins.plugin_utils._plan.lab import MAPPED_VIP, RS1, VIP
from tests.unit.plugins.plugin_utils._plan.modules import modules_take

SETTINGS: Facts = {
    "state": "present",
    "ipvs_sysctl": {},
    "persist_sysctl": True,
    "purge": "destinations",
    "purge_networks": None,
    "keep_weights": False,
    "boot": True,
    "purges_vips": False,
    "sync": False,
    "sync_id": None,
    "sync_device": None,
    "firewall": "auto",
    "vips": "single",
    "engine": "netlink",
    "keepalived_takeover": False,
}
FORMER: Facts = {"keepalived": {"state": "absent"}}  # of a cluster that had several directors before
WEB: Facts = {"vip": VIP, "port": 80, "protocol": "tcp", "scheduler": "wrr"}
DESTINATIONS: list[Facts] = [{"rip": RS1, "forward": "tunnel", "weight": 1, "tunnel_type": "ipip"}]
HELD: Facts = {"device": "tunl0", "vips": [VIP, MAPPED_VIP]}
PLAN: Facts = {
    "services": [{**WEB, "destinations": DESTINATIONS}],
    "director_vips": [HELD],
    "director_vips_removed": [],
    "director_services": [],
    "director_services_removed": [],
    "routers": {},
    "connections": {"hashed": [], "unhashed": ["web"]},
}
PAIR: Facts = {"vips": "vrrp", "sync": True, "sync_id": None, "sync_device": None}
OPENED: Facts = {"vip": VIP, "port": 80, "protocol": "tcp", "untracked": True}
CLOSED: Facts = {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp"}
REMOVED: Facts = {"device": "eth0", "vips": [MAPPED_VIP]}


def setup(
    plan: Facts | None = None, unprepared: tuple[str, ...] = (), router: Facts | None = None, **settings: Any
) -> list[Facts]:
    """The steps before the VIPs."""
    return rows(setup_steps(plan or PLAN, {**SETTINGS, **settings}, unprepared, router))


def finish(
    plan: Facts | None = None,
    held_back: tuple[Facts, ...] = (),
    held_back_vips: tuple[str, ...] = (),
    router: Facts | None = None,
    takes_part: bool = False,
    **settings: Any,
) -> list[Facts]:
    """The steps after the services."""
    return rows(finish_steps(plan or PLAN, {**SETTINGS, **settings}, held_back, held_back_vips, router, takes_part))


def test_setup() -> None:
    assert setup(unprepared=(RS1,), keep_weights=True) == [
        {"ipvs_sysctl": {"settings": {"conn_reuse_mode": 3}, "persist": True}},
        {
            "ipvs_table": {
                "services": PLAN["services"],
                "purge": "destinations",
                "keep_weights": True,
                "unprepared": [RS1],
            }
        },
    ]


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({}, {"conn_reuse_mode": 3}),
        ({"drop_entry": 1}, {"conn_reuse_mode": 3, "drop_entry": 1}),
        ({"conn_reuse_mode": 1}, {"conn_reuse_mode": 1}),
        ({"conn_reuse_mode": None}, {}),
    ],
)
def test_sysctls(given: Facts, settings: Facts) -> None:
    """Those of the description come first; null leaves one as it is."""
    assert setup(ipvs_sysctl=given)[0]["ipvs_sysctl"]["settings"] == settings


@pytest.mark.parametrize(
    ("given", "refresh"),
    [
        ({}, {"sync_refresh_period": 1}),
        ({"sync_refresh_period": 10}, {"sync_refresh_period": 10}),
        ({"sync_refresh_period": None}, {}),
    ],
)
def test_connections_of_a_pair(given: Facts, refresh: Facts) -> None:
    """Synchronized when the services are there and before the VIPs; sysctls of the description come first here, too."""
    sysctls, table, *daemons = setup(ipvs_sysctl=given, router=ROUTER, **PAIR)
    assert sysctls["ipvs_sysctl"]["settings"] == {"conn_reuse_mode": 3, "sync_threshold": "0 0", **refresh}
    assert "ipvs_table" in table
    assert [(name, options["role"]) for step in daemons for name, options in step.items()] == [
        ("ipvs_sync_daemon", "master"),
        ("ipvs_sync_daemon", "backup"),
    ]
    modules_take([sysctls, table, *daemons])
    assert setup(router=ROUTER, **PAIR, state="absent")[0]["ipvs_sysctl"]["settings"] == {}


def test_vips_of_absent_services_go_before_the_services() -> None:
    steps = setup({**PLAN, "director_vips_removed": [REMOVED]})
    assert [name for step in steps for name in step] == ["ipvs_sysctl", "tunl_vip", "ipvs_table"]
    assert steps[1] == {"tunl_vip": {"devices": [REMOVED], "state": "absent"}}


@pytest.mark.parametrize(
    ("settings", "services", "purge"),
    [
        ({"purge": "services", "purge_networks": ["10.0.0.0/8"]}, PLAN["services"], ("services", ["10.0.0.0/8"])),
        ({"purge": "services"}, PLAN["services"], ("services", None)),
        # An empty description may be a mistake.
        ({"purge": "services"}, [], ("none", None)),
        # Teardown leaves what other programs made.
        ({"purge": "services", "purge_networks": ["10.0.0.0/8"], "state": "absent"}, PLAN["services"], ("none", None)),
    ],
)
def test_purge(settings: Facts, services: list[Facts], purge: tuple[str, list[str] | None]) -> None:
    table = setup({**PLAN, "services": services}, **settings)[-1]["ipvs_table"]
    assert (table["purge"], table.get("purge_networks")) == purge


def test_finish() -> None:
    """The VIPs, and then what is restored at boot, without the destinations, which are read from the kernel."""
    assert finish() == [
        FORMER,
        {"tunl_vip": {"devices": [HELD], "purge": False, "announce": True}},
        {"boot": {"services": [WEB], "state": "present"}},
    ]
    assert finish(boot=False)[2] == {"boot": {"services": [WEB], "state": "absent"}}
    assert finish(purges_vips=True)[1]["tunl_vip"]["purge"] is True


@pytest.mark.parametrize("state", ["present", "absent"])
def test_director_that_was_one_of_several(state: str) -> None:
    """Its sync daemons stop, too: before the configuration goes that tells that they are of this collection."""
    wanted = [{"ipvs_sync_daemon": {"role": role, "state": "absent"}} for role in ("master", "backup")]
    steps = finish(takes_part=True, state=state)
    assert steps[:3] == [*wanted, FORMER]
    assert "tunl_vip" in steps[3]  # whose VIPs keepalived had until then
    assert not [step for step in finish(state=state) if "ipvs_sync_daemon" in step]
    modules_take(steps)


@pytest.mark.parametrize(
    ("run", "skip", "modules"),
    [
        (["vips"], [], ["ipvs_sync_daemon", "ipvs_sync_daemon", "keepalived", "tunl_vip"]),
        (["all"], ["ipvs"], ["ipvs_sync_daemon", "ipvs_sync_daemon", "keepalived", "tunl_vip", "boot"]),
        (["ipvs"], [], []),
    ],
)
def test_sync_daemons_stop_with_the_former_keepalived(run: list[str], skip: list[str], modules: list[str]) -> None:
    """Whatever the tags: afterwards, nothing tells whose they are."""
    steps = finish_steps(PLAN, SETTINGS, takes_part=True)
    assert [step.module for step in selected(steps, [], run, skip)] == modules


def test_vips_without_a_service() -> None:
    """They would be answered with resets."""
    (_former, step, _boot) = finish(held_back_vips=(VIP, ""))
    assert step["tunl_vip"]["devices"] == [{"device": "tunl0", "vips": [MAPPED_VIP]}]


def test_firewall_opens_before_the_vips_and_closes_after_them() -> None:
    plan = {**PLAN, "director_services": [OPENED], "director_services_removed": [CLOSED], "director_vips_removed": [REMOVED]}
    assert [name for step in setup(plan) for name in step] == ["ipvs_sysctl", "tunl_vip", "ipvs_table"]
    assert [name for step in finish(plan) for name in step] == ["firewall", "keepalived", "tunl_vip", "firewall", "boot"]
    assert finish(plan, firewall="ufw")[0] == {"firewall": {"program": "ufw", "services": [OPENED]}}
    assert finish(plan)[3] == {"firewall": {"services": [CLOSED], "state": "absent"}}
    purging = {"program": "ufw", "services": [OPENED], "purge": True}
    assert finish(plan, firewall="ufw", purges_vips=True)[3] == {"firewall": purging}


def test_what_is_masqueraded_is_tracked_before() -> None:
    """And what is not any more goes untracked after that."""
    tracked = {**OPENED, "vip": MAPPED_VIP, "untracked": False}
    plan = {**PLAN, "director_services": [OPENED, tracked]}
    assert setup(plan)[1] == {"firewall": {"program": "auto", "services": [tracked]}}
    assert finish(plan)[0] == {"firewall": {"program": "auto", "services": [OPENED, tracked]}}


def test_service_that_was_left_as_it_is_is_tracked_as_before() -> None:
    plan = {**PLAN, "director_services": [OPENED]}
    held_back = {"vip": VIP, "port": 80, "protocol": "tcp", "rips": [RS1], "exists": True}
    row = {"vip": VIP, "port": 80, "protocol": "tcp"}
    for step in finish(plan, held_back=(held_back,), purges_vips=True):
        if "firewall" in step:
            assert step["firewall"]["services"] == [row]


def test_empty_description() -> None:
    """What is restored at boot stays."""
    plan = {**PLAN, "services": [], "director_vips": []}
    assert finish(plan) == [FORMER, {"tunl_vip": {"devices": [], "purge": False, "announce": True}}]


def test_teardown() -> None:
    plan = {**PLAN, "services": [], "director_vips": [], "director_vips_removed": [HELD]}
    assert setup(plan, state="absent")[0] == {"ipvs_sysctl": {"settings": {}, "persist": False}}
    assert finish(plan, state="absent") == [
        FORMER,
        {"tunl_vip": {"devices": [], "purge": True, "announce": True}},
        {"firewall": {"state": "absent"}},
        {"boot": {"services": [], "state": "absent"}},
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"boot": False},
        {"purges_vips": True},
        {"purge": "services", "purge_networks": ["10.0.0.0/8"]},
        {"state": "absent"},
    ],
)
def test_modules_take_their_steps(settings: Facts) -> None:
    services = {"director_services": [OPENED], "director_services_removed": [CLOSED]}
    plan = {**PLAN, **services, "director_vips_removed": [REMOVED]}
    modules_take([*setup(plan, **settings), *finish(plan, **settings)])


@pytest.mark.parametrize(
    ("tag", "modules"),
    [
        ("sysctl", ["ipvs_sysctl"]),
        ("ipvs", ["ipvs_sysctl", "tunl_vip", "ipvs_table"]),
        ("vips", ["tunl_vip", "keepalived", "tunl_vip"]),
        ("boot", ["boot"]),
    ],
)
def test_tags(tag: str, modules: list[str]) -> None:
    plan = {**PLAN, "director_vips_removed": [REMOVED]}
    steps = [*setup_steps(plan, SETTINGS, ()), *finish_steps(plan, SETTINGS)]
    assert [step.module for step in selected(steps, [], [tag], [])] == modules


ROUTER: Facts = {"id": 51, "source": "192.168.56.181", "peers": ["192.168.56.182"]}
MOVING: Facts = {**PLAN, "director_vips": [{"vip": VIP}, {"vip": MAPPED_VIP, "device": "eth1"}]}


def test_vips_that_move_between_directors() -> None:
    """The services come first, as on a single director. What tunl_vip assigned before goes when keepalived has the VIPs."""
    moving: Facts = {"vips": "vrrp", "router": ROUTER, "sync": True}
    daemons = ["ipvs_sync_daemon"] * 2
    assert [name for step in setup(MOVING, **moving) for name in step] == ["ipvs_sysctl", "ipvs_table", *daemons]
    assert finish(MOVING, held_back_vips=(VIP,), **moving) == [
        {
            "keepalived": {
                "vrrp": ROUTER,
                "vips": [{"vip": MAPPED_VIP, "device": "eth1"}],
                "purge": False,
                "takeover": False,
                "standby": False,
            }
        },
        {"tunl_vip": {"devices": [], "purge": True}},
        {"boot": {"services": [WEB], "state": "present"}},
    ]


def test_other_directors_are_let_in() -> None:
    """Before the VIPs, though there is no service; and not closed with what is purged."""
    routers = {"ds1": ROUTER, "ds2": {**ROUTER, "source": "192.168.56.182"}}
    moving: Facts = {"vips": "vrrp", "router": ROUTER, "purges_vips": True}
    steps = finish({**MOVING, "routers": routers}, **moving)
    opened = {"program": "auto", "services": [], "directors": ["192.168.56.182"]}
    assert [name for step in steps for name in step] == ["firewall", "keepalived", "tunl_vip", "firewall", "boot"]
    assert [step["firewall"] for step in steps if "firewall" in step] == [opened, {**opened, "purge": True}]
    modules_take([step for step in steps if "firewall" in step])
    gone = finish({**MOVING, "routers": routers}, **moving, state="absent")
    assert [step["firewall"] for step in gone if "firewall" in step] == [{"state": "absent"}]


def test_vip_that_no_director_has_any_more_goes_before_its_service() -> None:
    plan = {**MOVING, "director_vips_removed": [{"vip": VIP}]}
    steps = setup(plan, vips="vrrp", router=ROUTER, keepalived_takeover=True)
    absent = [{"vip": VIP, "state": "absent"}]
    assert steps[1] == {"keepalived": {"vrrp": ROUTER, "vips": absent, "takeover": True}}
    assert "ipvs_table" in steps[2]


def test_teardown_of_several_directors() -> None:
    """The VIPs go first: nothing is left to move."""
    plan = {**MOVING, "services": [], "director_vips": [], "director_vips_removed": [{"vip": VIP}]}
    gone: Facts = {"vips": "vrrp", "router": ROUTER, "state": "absent"}
    assert setup(plan, **gone)[1] == {"keepalived": {"state": "absent"}}
    assert finish(plan, **gone)[0] == {"tunl_vip": {"devices": [], "purge": True}}


def test_vips_of_a_firewall_mark_are_left_to_whoever_assigned_them() -> None:
    plan = {**MOVING, "services": [*PLAN["services"], {"fwmark": 7, "family": "ipv4", "destinations": []}]}
    assert [name for step in finish(plan, vips="vrrp", router=ROUTER) for name in step] == ["keepalived", "boot"]


CHECKED: Facts = {**PLAN, "virtual_servers": [{**WEB, "destinations": [{"rip": RS1, "check": {"type": "tcp"}}]}]}
DIP = "192.168.56.181"


def test_keepalived_owns_the_table() -> None:
    """With the settings that its checks need."""
    setup_rows = rows(setup_steps(CHECKED, {**SETTINGS, "engine": "keepalived"}, [RS1], None, [DIP]))
    assert setup_rows[1:] == [
        {"check_sysctl": {"sources": [DIP], "vip_devices": ["tunl0"], "persist": True}},
        {
            "keepalived": {
                "services": CHECKED["virtual_servers"],
                "sources": [DIP],
                "keep_weights": False,
                "unprepared": [RS1],
                "takeover": False,
            }
        },
    ]
    finish_rows = finish(CHECKED, engine="keepalived")
    assert {"keepalived": {"purge": True}} in finish_rows
    assert FORMER not in finish_rows
    modules_take([*setup_rows, *finish_rows])


def test_weights_that_keepalived_keeps() -> None:
    settings = {**SETTINGS, "engine": "keepalived", "keep_weights": True}
    (options,) = [step.options for step in setup_steps(CHECKED, settings, [], None, [DIP]) if step.module == "keepalived"]
    assert options["keep_weights"] is True


def test_keepalived_owns_the_table_and_moves_the_vips() -> None:
    router = {"id": 1, "source": DIP}
    settings = {**SETTINGS, "engine": "keepalived", "vips": "vrrp"}
    plan = {**CHECKED, "director_vips": [{"vip": VIP}]}
    steps = setup_steps(plan, settings, [], router, [DIP])
    assert [step.module for step in steps if sets_table(step.module, step.options)] == ["keepalived"]
    assert [row["keepalived"]["vrrp"] for row in rows(steps) if "keepalived" in row] == [router]
    assert [step.module for step in steps[-2:]] == ["ipvs_sync_daemon"] * 2
    modules_take(rows(steps))
    assert not any(sets_table(step.module, step.options) for step in finish_steps(plan, settings, router=router))


@pytest.mark.parametrize("engine", ["netlink", "keepalived"])
def test_configuration_is_tried_first(engine: str) -> None:
    """As if all real servers were prepared: nothing is changed by it."""
    router = {"id": 1, "source": DIP}
    settings = {**SETTINGS, "engine": engine, "vips": "vrrp"}
    plan = {**CHECKED, "director_vips": [{"vip": VIP}]}
    steps = [*setup_steps(plan, settings, [RS1], router, [DIP]), *finish_steps(plan, settings, router=router)]
    tried = rows(trial_steps(steps))
    assert [options["vrrp"] for row in tried for options in row.values()] == [router] * len(tried)
    assert len(tried) == (2 if engine == "keepalived" else 1)
    assert all(row["keepalived"]["unprepared"] == [] for row in tried)
    modules_take(tried)


def test_nothing_is_tried_where_keepalived_goes() -> None:
    gone = {**SETTINGS, "vips": "vrrp", "state": "absent"}
    assert trial_steps([*setup_steps(MOVING, gone, []), *finish_steps(MOVING, gone)]) == []
    assert trial_steps([*setup_steps(CHECKED, SETTINGS, []), *finish_steps(CHECKED, SETTINGS)]) == []


@pytest.mark.parametrize("settings", [{}, {"engine": "keepalived", "state": "absent"}])
def test_keepalived_gives_the_table_up_first(settings: Facts) -> None:
    steps = rows(setup_steps(CHECKED, {**SETTINGS, **settings}, [], former_engine="keepalived"))
    assert steps[1:3] == [{"keepalived": {"services": []}}, {"check_sysctl": {"state": "absent"}}]
    assert steps[3]["ipvs_table"]["after_keepalived"] is True
    modules_take(steps)
