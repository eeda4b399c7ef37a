# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two directors do so that connections go on, and what is said where they do not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts, Faults
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.connections import (
    connection_facts,
    sync_steps,
    sysctls,
    warnings,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.description import read_description
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows, selected
from tests.unit.plugins.plugin_utils._plan.lab import DIP, LAB, WEB
from tests.unit.plugins.plugin_utils._plan.modules import modules_take

DIP6 = "2001:db8:56::181"
PAIR: Facts = {
    "state": "present",
    "vips": "vrrp",
    "sync": True,
    "sync_id": None,
    "sync_device": None,
    "keep_weights": False,
    "ipvs_sysctl": {},
}
ROUTER: Facts = {"id": 56, "source": DIP}
MH = {**WEB, "name": "hashed", "port": 81, "scheduler": "mh", "scheduler_flags": ["port"]}
DNS = {**WEB, "name": "dns", "port": 53, "protocol": "udp", "one_packet": True}
OF_SYNC: Facts = {"sync_threshold": "0 0", "sync_refresh_period": 1}
OF_HASHES: Facts = {"sloppy_tcp": 1}


def facts(*services: Facts) -> Facts:
    """What the plan has of these services."""
    faults = Faults()
    described = read_description(list(services), LAB, faults).services
    assert not faults.found
    return connection_facts(described)


def daemons(takes_part: bool = True, router: Facts | None = None, **settings: Any) -> list[Facts]:
    """The options of the daemons of a director, which the module takes."""
    steps = rows(sync_steps({**PAIR, **settings}, (router or ROUTER) if takes_part else None))
    modules_take(steps)
    return [options for step in steps for options in step.values()]


def test_facts() -> None:
    """Services that hash, others, none that have no connections, and none that should not exist."""
    others = [{**WEB, "name": "sh", "port": 82, "scheduler": "sh"}, {**WEB, "name": "gone", "state": "absent"}]
    assert facts(WEB, MH, DNS, *others) == {"hashed": ["hashed", "sh"], "unhashed": ["web"]}


@pytest.mark.parametrize(
    ("services", "settings", "wanted"),
    [
        ([WEB], {}, OF_SYNC),
        ([WEB, MH], {}, {**OF_SYNC, **OF_HASHES}),
        ([WEB, MH], {"sync": False}, OF_HASHES),
        ([WEB], {"sync": False}, {}),
        ([WEB, MH], {"vips": "single"}, {}),
    ],
)
def test_sysctls(services: list[Facts], settings: Facts, wanted: Facts) -> None:
    """An unknown packet is scheduled only where that finds the same real server."""
    assert sysctls(facts(*services), {**PAIR, **settings}) == wanted


def test_daemons() -> None:
    """Both, on the device of the director's own DIP. A master does not wait until a long message is full."""
    common = {"dip": DIP, "sync_id": 56}
    assert daemons() == [{"role": "master", **common, "sync_maxlen": 160}, {"role": "backup", **common}]


def test_named_device_and_id() -> None:
    master, backup = daemons(sync_device="eth1", sync_id=7)
    assert master == {"role": "master", "interface": "eth1", "sync_id": 7, "sync_maxlen": 160}
    assert backup == {"role": "backup", "interface": "eth1", "sync_id": 7}


@pytest.mark.parametrize(("settings", "place"), [({}, {"dip": DIP6}), ({"sync_device": "eth1"}, {"interface": "eth1"})])
def test_directors_with_ipv6_only(settings: Facts, place: Facts) -> None:
    """Whose device need not have an IPv4 address to send from."""
    for options in daemons(router={**ROUTER, "source": DIP6}, **settings):
        assert place.items() <= options.items()
        assert options["group"] == "ff02::81"


@pytest.mark.parametrize("settings", [{"sync": False}, {"state": "absent"}])
def test_daemons_that_stop(settings: Facts) -> None:
    """Whether or not it is known where."""
    wanted = [{"role": "master", "state": "absent"}, {"role": "backup", "state": "absent"}]
    assert daemons(takes_part=False, **settings) == wanted
    assert daemons(**settings) == wanted


def test_single_director_has_none() -> None:
    assert daemons(takes_part=False, vips="single") == []
    assert daemons(takes_part=False, vips="single", state="absent") == []


def test_tag() -> None:
    steps = sync_steps(PAIR, ROUTER)
    assert selected(steps, [], ["ipvs"], []) == steps
    assert selected(steps, [], ["vips"], []) == []


UNHASHED = "lvs_sync: is false: connections to the service web end when another director takes over. Set it to true, or"
WEIGHTS = "lvs_keep_weights: is true, and lvs_sync is false: where a weight differs between directors, connections to"
SLOPPY = "lvs_ipvs_sysctl: sloppy_tcp is not 1, and lvs_sync is false: TCP connections to the services hashed, too end when"
TOO = {**MH, "name": "too", "port": 82}


@pytest.mark.parametrize(
    ("services", "settings", "says"),
    [
        ([WEB], {}, []),
        ([MH], {"keep_weights": True, "ipvs_sysctl": {"sloppy_tcp": 0}}, []),
        ([WEB], {"sync": False}, [UNHASHED]),
        ([MH], {"sync": False}, []),
        ([DNS], {"sync": False}, []),
        ([WEB], {"sync": False, "keep_weights": True, "ipvs_sysctl": {"sloppy_tcp": 0}}, [UNHASHED]),
        ([WEB, MH], {"sync": False, "keep_weights": True}, [UNHASHED, WEIGHTS]),
        ([MH, TOO], {"sync": False, "ipvs_sysctl": {"sloppy_tcp": None}}, [SLOPPY]),
        ([MH], {"sync": False, "ipvs_sysctl": {"sloppy_tcp": "1"}}, []),
        ([WEB], {"sync": False, "vips": "single"}, []),
        ([WEB], {"sync": False, "state": "absent"}, []),
    ],
)
def test_warnings(services: list[Facts], settings: Facts, says: list[str]) -> None:
    """Of what ends connections, each once."""
    found = warnings(facts(*services), {**PAIR, **settings})
    assert [message.startswith(text) for message, text in zip(found, says)] == [True] * len(says)
    assert len(found) == len(says)
