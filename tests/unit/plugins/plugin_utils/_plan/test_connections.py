# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two directors do so that connections go on, and what is said where they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.connections import (
    connection_facts,
    sync_steps,
    sysctls,
    warnings,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.description import read_description
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import InvalidDescription
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import Faults
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows, selected
from tests.unit.plugins.plugin_utils._plan.lab import DIP, HOSTS, TWO_DIRECTORS, WEB
from tests.unit.plugins.plugin_utils._plan.modules import modules_take

DIP2, DIP6 = "192.168.56.182", "2001:db8:56::181"
PAIR: Facts = {
    "state": "present",
    "vips": "vrrp",
    "vrrp_id": 56,
    "sync": True,
    "sync_id": None,
    "sync_device": None,
    "keep_weights": False,
    "ipvs_sysctl": {},
}
MH = {**WEB, "name": "hashed", "port": 81, "scheduler": "mh", "scheduler_flags": ["port"]}
DNS = {**WEB, "name": "dns", "port": 53, "protocol": "udp", "one_packet": True}
OF_SYNC: Facts = {"sync_threshold": "0 0", "sync_refresh_period": 1}
OF_HASHES: Facts = {"sloppy_tcp": 1}


def facts(*services: Facts, inventory: Inventory = TWO_DIRECTORS) -> Facts:
    """What the plan has of these services."""
    faults = Faults()
    described = read_description(list(services), inventory, faults).services
    assert not faults.found
    return connection_facts(described, inventory)


def daemons(host: str = "ds1", inventory: Inventory = TWO_DIRECTORS, **settings: Any) -> list[Facts]:
    """The options of the daemons of a director, which the module takes."""
    steps = rows(sync_steps(facts(WEB, inventory=inventory), {**PAIR, **settings}, host))
    modules_take(steps)
    return [options for step in steps for options in step.values()]


def directors(**hosts: Host) -> Inventory:
    """A cluster with these directors."""
    return replace(TWO_DIRECTORS, hosts={**HOSTS, **hosts}, directors=list(hosts))


def test_facts() -> None:
    """Services that hash, others, none that have no connections, and none that should not exist."""
    found = facts(WEB, MH, {**WEB, "name": "sh", "port": 82, "scheduler": "sh"}, DNS, {**WEB, "name": "gone", "state": "absent"})
    assert found == {"hashed": ["hashed", "sh"], "unhashed": ["web"], "dips": {"ds1": [DIP], "ds2": [DIP2]}}


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
    """Both on each director, on the device of its own DIP. A master does not wait until a message is full."""
    for host, dip in (("ds1", DIP), ("ds2", DIP2)):
        common = {"dip": dip, "sync_id": 56}
        assert daemons(host) == [{"role": "master", **common, "sync_maxlen": 160}, {"role": "backup", **common}]


def test_named_device_and_id() -> None:
    master, backup = daemons(sync_device="eth1", sync_id=7)
    assert master == {"role": "master", "interface": "eth1", "sync_id": 7, "sync_maxlen": 160}
    assert backup == {"role": "backup", "interface": "eth1", "sync_id": 7}


@pytest.mark.parametrize(
    ("host", "dip", "group"),
    [
        (Host(DIP, DIP6), DIP, None),
        (Host(DIP6), DIP6, "ff02::81"),
        (Host(None, DIP6), DIP6, "ff02::81"),
    ],
)
def test_family(host: Host, dip: str, group: str | None) -> None:
    """IPv4, unless a director has none: all of them have to use the same group."""
    inventory = directors(ds1=host, ds2=Host(DIP2, "2001:db8:56::182"))
    for name, its in (("ds1", dip), ("ds2", "2001:db8:56::182" if group else DIP2)):
        for options in daemons(name, inventory):
            assert (options["dip"], options.get("group")) == (its, group)


@pytest.mark.parametrize(
    ("host", "family"),
    [(Host(), 4), (Host(DIP), 6)],
    ids=["no DIP", "no DIP of the family"],
)
def test_unknown_device(host: Host, family: int) -> None:
    inventory = directors(ds1=host, ds2=Host(DIP2 if family == 4 else DIP6))
    with pytest.raises(InvalidDescription, match=f"ds1, lvs_sync_device: is not set, and the director has no IPv{family} DIP"):
        daemons("ds1", inventory)
    assert [options["interface"] for options in daemons("ds1", inventory, sync_device="eth1")] == ["eth1"] * 2


@pytest.mark.parametrize("settings", [{"sync": False}, {"state": "absent"}])
def test_daemons_that_stop(settings: Facts) -> None:
    """Whether or not their device is known."""
    wanted = [{"role": "master", "state": "absent"}, {"role": "backup", "state": "absent"}]
    assert daemons("ds1", directors(ds1=Host(), ds2=Host()), **settings) == wanted


def test_single_director_has_none() -> None:
    assert daemons(vips="single") == []
    assert daemons(vips="single", state="absent") == []


def test_tag() -> None:
    steps = sync_steps(facts(WEB), PAIR, "ds1")
    assert selected(steps, [], ["ipvs"], []) == steps
    assert selected(steps, [], ["vips"], []) == []


UNHASHED = "lvs_sync: is false: connections to the service web end when another director takes over. Set it to true, or"
WEIGHTS = "lvs_keep_weights: is true, and lvs_sync is false: where a weight differs between directors, connections to the service"
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
