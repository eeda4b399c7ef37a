# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts make a cluster, by the groups that their variables name."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Faults
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.clusters import (
    Cluster,
    GroupNames,
    check_cluster,
    cluster_of,
    find_clusters,
    group_names,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.variables import HostVariables

HOSTS = ("a", "b", "c", "d", "e")
GROUPS = ("directors", "realservers", "others", "more")
members = st.lists(st.sampled_from(HOSTS), unique=True)
groups_of_hosts = st.dictionaries(st.sampled_from(GROUPS), members)
names_of_hosts = st.fixed_dictionaries(
    {host: st.builds(GroupNames, st.sampled_from(GROUPS), st.sampled_from(GROUPS)) for host in HOSTS}
)


@given(groups_of_hosts, names_of_hosts)
def test_each_host_belongs_to_the_clusters_that_its_groups_say(
    groups: dict[str, list[str]], names: dict[str, GroupNames]
) -> None:
    """Those of which a member names the groups, once each, in the order of the inventory; all else is a fault."""
    faults = Faults()
    clusters = find_clusters(groups, names, faults)
    named = [
        name for host, name in names.items() if host in {*groups.get(name.directors, ()), *groups.get(name.real_servers, ())}
    ]
    assert [cluster.names for cluster in clusters] == list(dict.fromkeys(named))
    for cluster in clusters:
        assert list(cluster.directors) == groups.get(cluster.names.directors, [])
        assert list(cluster.real_servers) == groups.get(cluster.names.real_servers, [])
        assert set(cluster.hosts) == {*cluster.directors, *cluster.real_servers}
        assert len(cluster.hosts) == len(set(cluster.hosts))
    for host in HOSTS:
        assert {cluster.names for cluster in clusters if host in cluster.hosts} == {
            name for name in named if host in {*groups.get(name.directors, ()), *groups.get(name.real_servers, ())}
        }
    valid = bool(clusters) and all(
        cluster.directors and all(names[host] == cluster.names for host in cluster.hosts) for cluster in clusters
    )
    assert valid == (not faults.found)


def variables(**raw: Any) -> HostVariables:
    """Those of a host; a template cannot be resolved."""

    def template(value: Any) -> Any:
        if value == "{{ nothing }}":
            raise AnsibleError("'nothing' is undefined")
        return value

    return HostVariables("rs1", raw, template)


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ({}, GroupNames("directors", "realservers")),
        ({"lvs_directors_group": None, "lvs_realservers_group": ""}, GroupNames()),
        ({"lvs_directors_group": "lb"}, GroupNames("lb", "realservers")),
        ({"lvs_realservers_group": 7}, GroupNames("directors", "7")),
    ],
)
def test_group_names(raw: dict[str, Any], names: GroupNames) -> None:
    """Those of the variables, or the defaults."""
    faults = Faults()
    assert group_names(variables(**raw), faults) == names
    assert faults.found == []


def test_group_names_that_cannot_be_read() -> None:
    """Both faults."""
    faults = Faults()
    group_names(variables(lvs_directors_group="{{ nothing }}", lvs_realservers_group="{{ nothing }}"), faults)
    assert [str(fault) for fault in faults.found] == [
        "host rs1, lvs_directors_group: 'nothing' is undefined",
        "host rs1, lvs_realservers_group: 'nothing' is undefined",
    ]


def test_group_that_is_not_there_has_no_host() -> None:
    assert cluster_of(GroupNames("lb", "web"), {"lb": ["ds1"]}) == Cluster(GroupNames("lb", "web"), ("ds1",), ())


def test_cluster_without_a_director() -> None:
    """The message names the group, and the variable."""
    faults = Faults()
    check_cluster(Cluster(GroupNames("lb", "web"), (), ("rs1",)), {"rs1": GroupNames("lb", "web")}, faults)
    (fault,) = faults.found
    assert str(fault) == (
        "group lb: has no host: put the director into it, or set lvs_directors_group to the name of its group"
    )


@pytest.mark.parametrize("names", [{}, {"client": GroupNames()}])
def test_inventory_without_a_cluster(names: dict[str, GroupNames]) -> None:
    faults = Faults()
    assert find_clusters({}, names, faults) == []
    assert [str(fault).partition(":")[0] for fault in faults.found] == ["group directors"]


def test_hosts_that_name_different_groups() -> None:
    """The variables were set for a part of the cluster only."""
    faults = Faults()
    names = {"ds1": GroupNames("lb", "web"), "rs1": GroupNames()}
    find_clusters({"lb": ["ds1"], "web": ["rs1"]}, names, faults)
    (fault,) = faults.found
    assert str(fault) == (
        "host rs1: is in a cluster of the groups lb and web, but its own lvs_directors_group and lvs_realservers_group are"
        " directors and realservers: set the two for all hosts of the cluster"
    )
