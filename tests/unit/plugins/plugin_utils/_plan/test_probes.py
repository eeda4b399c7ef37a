# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of real servers."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIP,
    GUE,
    LAB,
    MAPPED,
    MAPPED_VIP,
    PLAIN,
    PLAIN_VIP,
    RS1,
    RS2,
    VIP,
    VIP6,
    WEB,
    WEB6,
)


def test_probes() -> None:
    """Every real server of each service that there is and has a VIP, with its own port."""
    rs1, absent, persistent = {"host": "rs1"}, {"host": "rs2", "state": "absent"}, {"persistence_timeout": 60}
    ipip = {"forward": "tunnel", "tunnel_type": "ipip", "tunnel_checksum": "none"}
    services = [
        WEB6,
        {**MAPPED, "real_servers": [{**rs1, "weight": 0}, {"address": "10.0.0.9", **GUE}, absent]},
        {**PLAIN, "forward": "masquerade", "rport": 8080, "real_servers": [rs1]},
        {**WEB, "port": 0, "protocol": "udp", **persistent, "real_servers": [{"address": DIP, "forward": "local"}]},
        {"name": "marked", "fwmark": 1},
        {**WEB, "name": "gone", "port": 443, "state": "absent"},
    ]
    web6, mapped = {"vip": VIP6, "port": 80, "protocol": "tcp"}, {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp"}
    assert make_plan(services, LAB).probes == [
        {"name": "rs1", **web6, "rip": RS1, **ipip, "rport": 80},
        {"name": "rs2", **web6, "rip": RS2, **ipip, "rport": 80},
        {"name": "rs1", **mapped, "rip": RS1, **ipip, "rport": 80},
        {"name": "10.0.0.9", **mapped, "rip": "10.0.0.9", "forward": "tunnel", **GUE, "rport": 80},
        {"name": "rs1", "vip": PLAIN_VIP, "port": 80, "protocol": "tcp", "rip": RS1, "forward": "masquerade", "rport": 8080},
        {"name": DIP, "vip": VIP, "port": 0, "protocol": "udp", "rip": DIP, "forward": "local"},
    ]
    assert make_plan(services, replace(LAB, state="absent")).probes == []
