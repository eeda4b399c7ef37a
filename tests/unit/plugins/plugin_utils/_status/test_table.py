# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status as lines for a terminal."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.table import table
from tests.unit.plugins.plugin_utils._status.reports import (
    LOST,
    RS1,
    RS2,
    SET,
    SET_WEIGHT,
    destination,
    info,
    reported,
    service,
)

TABLE = """
                            forward  weight  active  inactive  conn/s  pkt/s in  pkt/s out  B/s in  B/s out
TCP 192.0.2.1:80 wrr (web)                       12       345       2         3          4       5        6  differs
  -> 10.0.0.1:80 (rs1)      tunnel        1      12       345       1        20        300    4.0k    50.0k
  -> 10.0.0.2:80            tunnel        0       0         0       1        20        300    4.0k    50.0k  differs, drained (was 2)
"""  # noqa: E501 (as wide as it is)


def test_table() -> None:
    """As ipvsadm -L has them: a service, its real servers, columns; then what differs."""
    rows = [destination(RS1, 1, 12, 345), destination(RS2, 0, drained=2)]
    status = reported(info(service(*rows)), {**SET_WEIGHT, "warnings": ["look out"]}, rs1=[LOST])
    settings = "timeouts: tcp 900 s, tcp_fin 120 s, udp 300 s; no sync daemon"
    assert table(status) == [
        "LVS cluster, now",
        "",
        f"director ds1: engine netlink; Linux 6.12; IPVS 1.2.1; connection table of 4096 rows; {settings}",
        *TABLE.strip("\n").splitlines(),
        "",
        "differs from the inventory:",
        "  ds1, director",
        f"    {SET}",
        "    warning: look out",
        "  rs1, real server: ✕ unreachable",
        "    no route",
    ]


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (reported(info()), ["nothing differs from the inventory"]),
        (
            reported(info(), rs1=[LOST]),
            [
                "nothing differs from the inventory on the hosts that could be read",
                "  rs1, real server: ✕ unreachable",
                "    no route",
            ],
        ),
    ],
)
def test_table_without_differences(status: Status, end: list[str]) -> None:
    """Of the hosts that could be read only."""
    assert table(status)[-len(end) - 1 :] == ["", *end]


def test_sync_daemons() -> None:
    """Each with its interface and sync ID."""
    daemons = [{"role": "master", "interface": "eth0", "sync_id": 7}, {"role": "backup", "interface": "eth1", "sync_id": 8}]
    lines = table(reported(info(sync_daemons=daemons)))
    assert "; sync daemon: master on eth0, sync ID 7; backup on eth1, sync ID 8" in lines[2]
