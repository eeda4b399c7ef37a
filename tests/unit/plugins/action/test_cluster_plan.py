# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan's view of the inventory: its own functions, without Ansible's machinery."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.lvs.cluster.plugins.action import cluster_plan
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory

INVENTORY = Inventory({}, directors=["ds1"], real_servers=["rs1", "rs2"])
SERVICES = [{"name": "web", "vip": "192.168.56.185", "port": 80}]


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
        ({}, None),
    ],
)
@pytest.mark.parametrize("director", [False, True])
def test_rip_of_a_host(variables: dict[str, Any], rip: str | None, director: bool) -> None:
    """lvs_rip, or of a director lvs_dip, or else an ansible_host that is an address."""
    options = ("lvs_dip", "lvs_rip") if director else ("lvs_rip", "lvs_dip")
    variables = {name.format(rip=options[0], other=options[1]): value for name, value in variables.items()}
    assert cluster_plan._host("host", variables, director, not director) == Host(rip)


def test_what_the_inventory_says_of_a_host() -> None:
    """As it is written there; the plan checks it. A director's addresses have other names, also on a host of both groups."""
    variables = {"lvs_rip": "rs1", "lvs_rip6": "x", "lvs_weight": 0, "lvs_path_mtu": "big", "lvs_dip": "ds1", "lvs_dip6": "y"}
    assert cluster_plan._host("rs1", variables, False, True) == Host("rs1", "x", 0, "big")
    assert cluster_plan._host("ds1", variables, True, False) == Host("ds1", "y", 0, "big")
    assert cluster_plan._host("ds1", variables, True, True) == Host("ds1", "y", 0, "big")
    assert cluster_plan._host("client", variables, False, False) == Host("rs1", "x", 0, "big")


class Unreadable(dict[str, Any]):
    """Variables of which one is a template that cannot be resolved."""

    def get(self, name: str, default: Any = None) -> Any:
        """Refuse."""
        if name == "lvs_weight":
            raise AnsibleError("'nothing' is undefined")
        return super().get(name, default)


@pytest.mark.parametrize(
    ("director", "real_server", "options"),
    [(True, False, "lvs_dip, lvs_dip6"), (False, True, "lvs_rip, lvs_rip6"), (True, True, "lvs_dip, lvs_dip6")],
)
def test_variable_that_cannot_be_read(director: bool, real_server: bool, options: str) -> None:
    """The message names the variables that may be the cause; on a host outside the cluster, the error does not matter."""
    variables = Unreadable(ansible_host="10.0.0.3")
    message = f"^host rs1, {options}, lvs_weight, lvs_path_mtu or ansible_host: 'nothing' is undefined"
    with pytest.raises(LvsError, match=message):
        cluster_plan._host("rs1", variables, director, real_server)
    assert cluster_plan._host("rs1", variables, False, False) == Host()


def test_inventory() -> None:
    """All hosts, and the members of the groups that were named; a group that is not there has none."""
    options = {
        "directors_group": "balancers",
        "realservers_group": "none",
        "vip_device": "lvs0",
        "vip6_device": "lvs6",
        "director_device": "eth0",
        "state": "absent",
    }
    variables = {
        "groups": {"all": ["lb", "rs1"], "balancers": ["lb"], "directors": ["rs1"]},
        "hostvars": {
            "lb": {"ansible_host": "10.0.0.1", "lvs_dip6": "fd00::1"},
            "rs1": {"lvs_rip": "10.0.0.3", "lvs_rip6": "fd00::3", "lvs_weight": 2, "lvs_path_mtu": 1400},
        },
    }
    assert cluster_plan._inventory(options, variables) == Inventory(
        hosts={"lb": Host("10.0.0.1", "fd00::1"), "rs1": Host("10.0.0.3", "fd00::3", 2, 1400)},
        directors=["lb"],
        real_servers=[],
        directors_group="balancers",
        real_servers_group="none",
        vip_device="lvs0",
        vip6_device="lvs6",
        director_device="eth0",
        state="absent",
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
def test_same_description(hostvars: dict[str, dict[str, Any]]) -> None:
    """The same on all hosts of the cluster, or given to the play itself."""
    cluster_plan._check_same_description(INVENTORY, hostvars)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({}, "the host rs2 has none"),
        ({"lvs_services": []}, "the hosts ds1 and rs2 have two"),
    ],
)
def test_different_descriptions(other: dict[str, Any], reason: str) -> None:
    """The message names the host and the place for the description."""
    hostvars = {"ds1": {"lvs_services": SERVICES}, "rs1": {"lvs_services": SERVICES}, "rs2": other}
    with pytest.raises(LvsError, match=f"^lvs_services: {reason}.*: define it once .* in group_vars/all.yml"):
        cluster_plan._check_same_description(INVENTORY, hostvars)
