# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What IPVS tells beside its configuration: counters on the wire (pure), and all of it in one reading.

Source: include/uapi/linux/ip_vs.h of Linux, whose names the constants have.
"""

from __future__ import annotations

import struct

from .._core.netlink import attributes
from .._net import neighbour
from . import codec
from .drain_notes import Notes
from .ipvs_info import Connections, CountedDestination, CountedService, Director, Statistics
from .kernel import Ipvs

CMD_GET_INFO = 15
SVC_ATTR_STATS64, DEST_ATTR_STATS64 = 12, 12
INFO_ATTR_VERSION, INFO_ATTR_CONN_TAB_SIZE = 1, 2

_u32, _u64 = struct.Struct("=I"), struct.Struct("=Q")


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


class IpvsInfo(Ipvs):
    """All that IPVS tells, counters included."""

    def director(self) -> Director:
        """Read it."""
        (config,) = self._ask(codec.CMD_GET_CONFIG)
        (info,) = self._ask(CMD_GET_INFO)
        version, size = decode_info(info)
        notes = Notes()
        services = [self._counted(answer, notes) for answer in self._ask(codec.CMD_GET_SERVICE, dump=True)]
        return Director(
            services=sorted(services, key=lambda one: one.service.key.order),  # the kernel's is that of its hash table
            timeouts=codec.decode_timeouts(config),
            sync_daemons=[codec.decode_daemon(answer) for answer in self._ask(codec.CMD_GET_DAEMON, dump=True)],
            version=version,
            connection_table_size=size,
            holders={address: device.name for device in neighbour.devices() for address in device.addresses},
        )

    def _counted(self, answer: bytes, notes: Notes) -> CountedService:
        service = codec.decode_service(answer)
        destinations = [
            CountedDestination(notes.merged(codec.decode_destination(service.key, one)), *destination_statistics(one))
            for one in self._ask(codec.CMD_GET_DEST, codec.encode_key(service.key), dump=True)
        ]
        destinations.sort(key=lambda one: one.destination.key.order)
        return CountedService(service, service_statistics(answer), destinations)
