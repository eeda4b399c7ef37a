# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Options that more than one module has. Which of them go together, the model says: with better messages."""

from __future__ import annotations

from typing import Any

STATE: dict[str, Any] = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}

# How a real server is drained.
DRAIN: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent", "drained"], "default": "present"},
    "drain_timeout": {"type": "int", "default": 300},
    "drain_connections": {
        "type": "list",
        "elements": "str",
        "choices": ["active", "inactive", "persistent"],
        "default": ["active"],
    },
    "drain_on_timeout": {"type": "str", "choices": ["fail", "continue"], "default": "fail"},
}

# How a virtual service is named.
SERVICE_KEY: dict[str, Any] = {
    "vip": {"type": "str"},
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": ["tcp", "udp", "sctp"], "default": "tcp"},
    "fwmark": {"type": "int"},
    "family": {"type": "str", "choices": ["ipv4", "ipv6"]},
}

# What can be configured of it.
SERVICE: dict[str, Any] = {
    "scheduler": {"type": "str"},
    "scheduler_flags": {
        "type": "list",
        "elements": "str",
        "choices": ["fallback", "port", "flag-1", "flag-2", "flag-3"],
    },
    "persistence_timeout": {"type": "int"},
    "persistence_netmask": {"type": "str"},
    "persistence_engine": {"type": "str", "choices": ["none", "sip"]},
    "one_packet": {"type": "bool"},
}

# A destination within its service.
DESTINATION: dict[str, Any] = {
    "rip": {"type": "str", "required": True},
    "rport": {"type": "int"},
    "forward": {"type": "str", "choices": ["tunnel", "route", "masquerade", "local"]},
    "weight": {"type": "int"},
    "upper_threshold": {"type": "int"},
    "lower_threshold": {"type": "int"},
    "tunnel_type": {"type": "str", "choices": ["ipip", "gue", "gre"]},
    "tunnel_port": {"type": "int"},
    "tunnel_checksum": {"type": "str", "choices": ["none", "checksum", "remote_checksum"]},
}
