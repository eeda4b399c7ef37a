# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's view of the inventory: its own functions, without Ansible's machinery."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.action import cluster_plan
from ansible_collections.lvs.cluster.plugins.module_utils._errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._model.cluster import Cluster, Host

CLUSTER = Cluster({}, directors=["ds1"], real_servers=["rs1", "rs2"])
SERVICES = [{"name": "web", "vip": "192.168.56.185", "port": 80}]


@pytest.mark.parametrize(
    ("variables", "rip"),
    [
        ({"ansible_host": "192.168.56.183"}, "192.168.56.183"),
        ({"ansible_host": "192.168.56.183", "lvs_rip": "10.0.0.3"}, "10.0.0.3"),
        ({"ansible_host": "rs1.example", "lvs_rip": "10.0.0.3"}, "10.0.0.3"),
        ({"ansible_host": "rs1.example"}, None),
        ({"ansible_host": "127.0.0.1"}, None),
        ({}, None),
    ],
)
def test_rip_of_a_host(variables: dict[str, Any], rip: str | None) -> None:
    """lvs_rip, or else an ansible_host that is an address: a name is none."""
    assert cluster_plan._host("rs1", variables, True) == Host(rip=rip, weight=None)


def test_weight_of_a_host() -> None:
    """As the inventory has it; the model checks it."""
    assert cluster_plan._host("rs1", {"lvs_rip": "10.0.0.3", "lvs_weight": 0}, True) == Host("10.0.0.3", 0)


def test_cluster_from_the_inventory() -> None:
    """All hosts, and the members of the groups that were named; a group that is not there has none."""
    arguments = {"directors_group": "balancers", "realservers_group": "none", "tunnel_device": "lvs0"}
    variables = {
        "groups": {"all": ["lb", "rs1"], "balancers": ["lb"], "directors": ["rs1"]},
        "hostvars": {"lb": {"ansible_host": "10.0.0.1"}, "rs1": {"lvs_rip": "10.0.0.3", "lvs_weight": 2}},
    }
    assert cluster_plan._cluster(arguments, variables) == Cluster(
        hosts={"lb": Host("10.0.0.1"), "rs1": Host("10.0.0.3", 2)},
        directors=["lb"],
        real_servers=[],
        directors_group="balancers",
        real_servers_group="none",
        tunnel_device="lvs0",
    )


@pytest.mark.parametrize(
    "hostvars",
    [
        {"ds1": {}, "rs1": {}, "rs2": {}},
        {"ds1": {"lvs_services": SERVICES}, "rs1": {"lvs_services": list(SERVICES)}, "rs2": {"lvs_services": SERVICES}},
        {
            "ds1": {"lvs_services": SERVICES},
            "rs1": {"lvs_services": SERVICES},
            "rs2": {"lvs_services": SERVICES},
            "client": {"lvs_services": []},
        },
    ],
)
def test_one_description(hostvars: dict[str, dict[str, Any]]) -> None:
    """The same on all hosts of the cluster, or given to the play itself."""
    cluster_plan._check_one_description(CLUSTER, hostvars)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({}, "the host rs2 has none"),
        ({"lvs_services": []}, "the hosts ds1 and rs2 have two"),
    ],
)
def test_two_descriptions(other: dict[str, Any], says: str) -> None:
    """The message names the host and the place for one description."""
    hostvars = {"ds1": {"lvs_services": SERVICES}, "rs1": {"lvs_services": SERVICES}, "rs2": other}
    with pytest.raises(LvsError, match=f"^lvs_services: {says}.*: define it once .* in group_vars/all.yml"):
        cluster_plan._check_one_description(CLUSTER, hostvars)
