# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The daemons that tell one director's connections to another.

Source: start_sync_thread() in net/netfilter/ipvs/ip_vs_sync.c of Linux; C(--start-daemon) in ipvsadm(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.reconcile import Item, Wanted
from .._core.values import Address

ROLES = ("master", "backup")
DEFAULT_GROUP = IPv4Address("224.0.0.81")
DEFAULT_PORT = 8848
DEFAULT_TTL = 1
# The bounds of ipvsadm(8). The kernel itself does not check the sync id.
_RANGES = {"sync_id": (0, 255), "sync_maxlen": (1, 65535 - 20 - 8), "port": (1, 65535), "ttl": (1, 255)}
_MIN_BACKUP_MAXLEN = 1024  # bytes; the kernel makes less of a backup's to that
_HEADERS = {4: 20 + 8, 6: 40 + 8}  # bytes of IP and UDP before the message


@dataclass(frozen=True)
class SyncDaemon(Item):
    """One daemon. The kernel has at most one of each role."""

    key: str  # its role
    interface: str
    sync_id: int = 0
    sync_maxlen: int = 0  # bytes; 0: what the kernel takes by itself
    group: Address = DEFAULT_GROUP
    port: int = DEFAULT_PORT
    ttl: int = DEFAULT_TTL

    def line(self, action: str = "add") -> str:
        """As ipvsadm(8) would be told. A daemon that runs cannot be changed: it is stopped and started."""
        stop = f"--stop-daemon {self.key}"
        if action == "remove":
            return stop
        start = f"--start-daemon {self.key} --mcast-interface {self.interface} --syncid {self.sync_id}"
        start += f" --sync-maxlen {self.sync_maxlen}" if self.sync_maxlen else ""
        start += f" --mcast-group {self.group} --mcast-port {self.port} --mcast-ttl {self.ttl}"
        return f"{stop}\n{start}" if action == "set" else start

    def facts(self) -> dict[str, Any]:
        """The daemon as a module returns it, in the words of its options."""
        return {
            "role": self.key,
            "interface": self.interface,
            "sync_id": self.sync_id,
            "sync_maxlen": self.sync_maxlen or None,
            "group": str(self.group),
            "port": self.port,
            "ttl": self.ttl,
        }

    def kept(self) -> SyncDaemon:
        """With the length of a message as the kernel bounds it, by role and the group's family."""
        if not self.sync_maxlen:
            return self
        lowest = _MIN_BACKUP_MAXLEN if self.key == "backup" else 1
        return replace(self, sync_maxlen=min(max(self.sync_maxlen, lowest), 65535 - _HEADERS[self.group.version]))


def wanted_daemon(options: Mapping[str, Any]) -> list[Wanted[SyncDaemon]]:
    """The daemon that the options of M(lvs.cluster.ipvs_sync_daemon) describe; an option left out stays as it is."""
    role = values.choice("role", options["role"], ROLES)
    if options["state"] == "absent":
        return [Wanted.absent(role)]
    if options.get("interface") is None:
        raise MissingValue("interface", "name the device that reaches the other director")
    stated: dict[str, Any] = {"interface": values.device("interface", options["interface"])}
    for name, (lowest, highest) in _RANGES.items():
        if options.get(name) is not None:
            stated[name] = values.integer(name, options[name], lowest, highest)
    if options.get("group") is not None:
        group = values.any_address("group", options["group"])
        if not group.is_multicast:
            raise InvalidValue("group", group, f"is not a multicast address: write one like {DEFAULT_GROUP}")
        stated["group"] = group
    return [Wanted(role, SyncDaemon(role, **stated), stated)]
