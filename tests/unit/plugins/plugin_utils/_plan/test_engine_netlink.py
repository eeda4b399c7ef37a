# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of ipvs_table."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIP,
    GUE,
    LAB,
    PLAIN_SERVICE,
    VIP,
    WEB,
    destination,
    held,
    needs,
    tunl0,
)


def test_every_option_of_ipvs_reaches_the_table() -> None:
    """Those of the service, and those of each real server, which beat the service's own."""
    options = {"scheduler": "mh", "scheduler_flags": ["fallback"], "persistence_timeout": 300, "persistence_netmask": "24"}
    limits = {"weight": 3, "upper_threshold": 100, "lower_threshold": 50}
    servers = [
        {"host": "rs1", **limits},
        {"host": "rs2", **GUE},
        {"address": "10.0.0.9", "forward": "masquerade", "rport": 81},
        {"address": DIP, "forward": "local"},
    ]
    plan = make_plan([{**WEB, **options, "real_servers": servers}], LAB)
    assert plan.services == [
        {
            "vip": "192.168.56.185",
            "port": 80,
            "protocol": "tcp",
            **PLAIN_SERVICE,
            **options,
            "persistence_netmask": "255.255.255.0",
            "destinations": [
                destination("192.168.56.183", "tunnel", **limits),
                destination("192.168.56.184", "tunnel", 1, **GUE),
                destination("10.0.0.9", "masquerade", 1, rport=81),
                destination("192.168.56.181", "local", 1),
            ],
        }
    ]
    assert needs(plan)["rs1"] == tunl0(VIP)
    assert plan.real_servers["rs2"].devices == [{**held("tunl0", VIP), "tunnel_type": "gue", "tunnel_port": 6080}]
    assert plan.warnings == []
