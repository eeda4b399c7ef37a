# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts report: results of tasks in check mode, and of ipvs_info."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.cluster_status import cluster_status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status

RS1, RS2 = "10.0.0.1", "10.0.0.2"
WEB = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "scheduler": "wrr"}
SET = "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 1"
LOST = {"unreachable": True, "msg": "no\nroute"}


def rates(*per_second: int) -> dict[str, int]:
    """Statistics with these rates."""
    names = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
    return {f"{name}_per_second": rate for name, rate in zip(names, per_second)}


def destination(rip: str, weight: int = 1, active: int = 0, inactive: int = 0, **others: Any) -> dict[str, Any]:
    """A destination, as ipvs_info returns it."""
    return {
        "rip": rip, "rport": 80, "forward": "tunnel", "weight": weight, "tunnel_type": "ipip",
        "connections": {"active": active, "inactive": inactive, "persistent": 0},
        "statistics": rates(1, 20, 300, 4000, 50000),
        **others,
    }  # fmt: skip


def service(*destinations: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A service, as ipvs_info returns it."""
    return {**WEB, "persistence_timeout": 0, "statistics": rates(2, 3, 4, 5, 6), "destinations": destinations, **others}


def info(*services: dict[str, Any], **others: Any) -> dict[str, Any]:
    """What ipvs_info returns."""
    return {
        "kernel": "6.12", "version": "1.2.1", "connection_table_size": 4096, "sync_daemons": [],
        "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}, "services": services, **others,
    }  # fmt: skip


def changed(*commands: str, kind: str = "setting", **key: Any) -> dict[str, Any]:
    """The result of a task that makes a change with each of these commands."""
    return {
        "commands": [line for command in commands for line in command.splitlines()],
        "changes": [{"action": "set", "kind": kind, "key": key, "command": command} for command in commands],
    }


SET_WEIGHT = changed(SET, kind="destination", vip="192.0.2.1", port=80, protocol="tcp", rip=RS2, rport=80)


def reported(ipvs_info: dict[str, Any], *results: dict[str, Any], rs1: Any = (), services: Any = None) -> Status:
    """The status of a director with this ipvs_info and these results, and of a real server with these results."""
    described = [{**WEB, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": 1}]}] if services is None else services
    description = {"services": described, "names": ["web"], "hosts": {RS1: "rs1"}}
    director = {"name": "ds1", "info": ipvs_info, "results": results, **description}
    options = {"directors": [director], "real_servers": [{"name": "rs1", "results": rs1}]}
    return cluster_status(options, generated="now")
