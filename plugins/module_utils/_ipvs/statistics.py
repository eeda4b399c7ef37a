# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The counters of services and destinations, on the wire and as values. Pure.

Source: include/uapi/linux/ip_vs.h of Linux, whose names the constants have.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .._core.netlink_messages import attributes
from . import codec

CMD_GET_INFO = 15
SVC_ATTR_STATS64, DEST_ATTR_STATS64 = 12, 12
INFO_ATTR_VERSION, INFO_ATTR_CONN_TAB_SIZE = 1, 2

_u32, _u64 = struct.Struct("=I"), struct.Struct("=Q")


@dataclass(frozen=True)
class Statistics:
    """Counters since the service or destination was made, and rates of the last seconds (64 bits each).

    Source: enum IPVS_STATS_ATTR_* in include/uapi/linux/ip_vs.h, in this order.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connections_per_second: int = 0
    packets_in_per_second: int = 0
    packets_out_per_second: int = 0
    bytes_in_per_second: int = 0
    bytes_out_per_second: int = 0


@dataclass(frozen=True)
class Connections:
    """Connections that a destination has now."""

    active: int = 0
    inactive: int = 0
    persistent: int = 0


def decode_statistics(raw: bytes) -> Statistics:
    """The 64-bit counters and rates of a service (SVC_ATTR_STATS64) or a destination (DEST_ATTR_STATS64)."""
    found = attributes(raw)
    return Statistics(*(_u64.unpack(found[kind])[0] for kind in range(1, 11)))  # IPVS_STATS_ATTR_CONNS to _OUTBPS


def service_statistics(answer: bytes) -> Statistics:
    """The counters of a service from an answer to CMD_GET_SERVICE."""
    return decode_statistics(attributes(attributes(answer)[codec.CMD_ATTR_SERVICE])[SVC_ATTR_STATS64])


def destination_statistics(answer: bytes) -> tuple[Connections, Statistics]:
    """The counters of a destination from an answer to CMD_GET_DEST."""
    found = attributes(attributes(answer)[codec.CMD_ATTR_DEST])
    kinds = (codec.DEST_ATTR_ACTIVE_CONNS, codec.DEST_ATTR_INACT_CONNS, codec.DEST_ATTR_PERSIST_CONNS)
    return Connections(*(_u32.unpack(found[kind])[0] for kind in kinds)), decode_statistics(found[DEST_ATTR_STATS64])


def decode_info(answer: bytes) -> tuple[str, int]:
    """The version of IPVS, and the size of the connection table (entries), from an answer to CMD_GET_INFO."""
    found = attributes(answer)
    version = _u32.unpack(found[INFO_ATTR_VERSION])[0]
    return (
        ".".join(str(version >> shift & 0xFF) for shift in (16, 8, 0)),
        _u32.unpack(found[INFO_ATTR_CONN_TAB_SIZE])[0],
    )
