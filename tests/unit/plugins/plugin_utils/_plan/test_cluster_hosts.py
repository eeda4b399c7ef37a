# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of all clusters of an inventory."""

from __future__ import annotations

import json

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.cluster_hosts import cluster_hosts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import InvalidDescription
from tests.unit.plugins.plugin_utils._plan.runs import UNREADABLE, Run, lab_run


def found(run: Run) -> Facts:
    """The return values, which are of JSON's types."""
    facts = cluster_hosts(run.groups, run.variables())
    assert json.loads(json.dumps(facts)) == facts
    return facts


def faults(run: Run) -> list[str]:
    """All that is wrong."""
    with pytest.raises(InvalidDescription) as caught:
        cluster_hosts(run.groups, run.variables())
    return caught.value.faults


def test_lab() -> None:
    run = lab_run()
    assert found(run) == {
        "directors": ["ds1"],
        "real_servers": ["rs1", "rs2"],
        "directors_of": {"rs1": ["ds1"], "rs2": ["ds1"]},
    }
    assert sorted(run.read) == sorted(run.hosts)  # each host once


def two_clusters() -> Run:
    """Clusters with groups of their own, and a host that is in none."""
    names = ("lb1", "web1", "web2", "lb2", "db1", "client")
    run = Run({name: {} for name in names}, {"lbs": ["lb1"], "webs": ["web1", "web2"], "lbs2": ["lb2"], "dbs": ["db1"]})
    for host in ("lb1", "web1", "web2"):
        run.hosts[host].update(lvs_directors_group="lbs", lvs_realservers_group="webs")
    for host in ("lb2", "db1"):
        run.hosts[host].update(lvs_directors_group="lbs2", lvs_realservers_group="dbs")
    return run


def test_two_clusters() -> None:
    """The hosts of both, each once; each real server has the director of its own cluster."""
    assert found(two_clusters()) == {
        "directors": ["lb1", "lb2"],
        "real_servers": ["web1", "web2", "db1"],
        "directors_of": {"web1": ["lb1"], "web2": ["lb1"], "db1": ["lb2"]},
    }


def test_director_without_a_real_server_of_the_inventory() -> None:
    assert found(Run({"ds1": {}}, {"directors": ["ds1"]})) == {
        "directors": ["ds1"],
        "real_servers": [],
        "directors_of": {},
    }


def test_inventory_without_a_director() -> None:
    (fault,) = faults(Run({"web1": {}}, {"webs": ["web1"]}))
    assert fault.startswith("group directors: has no host")


def test_variables_that_cannot_be_read() -> None:
    """Of any host, if they say which hosts are of a cluster; the others are not read."""
    run = lab_run(lvs_probe_hosts=UNREADABLE)
    run.hosts["client"].update(lvs_directors_group=UNREADABLE)
    run.hosts["rs2"].update(lvs_realservers_group=UNREADABLE)
    assert faults(run) == [
        "host client, lvs_directors_group: 'nothing' is undefined",
        "host rs2, lvs_realservers_group: 'nothing' is undefined",
    ]


def test_hosts_that_name_different_groups() -> None:
    run = two_clusters()
    run.hosts["web2"]["lvs_directors_group"] = "lbs2"
    assert faults(run)[0].startswith("host web2: is in a cluster of the groups lbs and webs, but its own")
