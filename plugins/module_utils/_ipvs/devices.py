# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The devices of sync daemons: whether a master can send from them.

Source: make_send_sock() in net/netfilter/ipvs/ip_vs_sync.c of Linux.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .._core.reconcile import Wanted
from .._core.resource import Desired
from .._core.values import Address
from .._net import neighbour
from .model import SyncDaemon

_SIOCGIFFLAGS, _IFF_UP = 0x8913, 0x1  # include/uapi/linux/sockios.h, if.h
_ifreq = struct.Struct("16sH14x")


@dataclass(frozen=True)
class Devices:
    """The network devices of a host."""

    names: Sequence[str] = ()
    down: frozenset[str] = frozenset()  # of those that daemons start on
    unreachable: Mapping[str, int] = field(default_factory=dict)  # by role: why the daemon could not send, an errno
    of_dip: str | None = None  # the device that has the DIP which was named


@dataclass(frozen=True)
class DesiredDaemon(Desired[str, SyncDaemon]):
    """A sync daemon, and the address of its device where the device is not named."""

    dip: Address | None = None

    def wanted_on(self, device: str | None) -> Sequence[Wanted[str, SyncDaemon]]:
        """The daemon, on the device that has the DIP where one was named."""
        if self.dip is None or device is None:
            return self.wanted
        return [
            replace(
                wanted,
                new=None if wanted.new is None else replace(wanted.new, interface=device),
                given={**wanted.given, "interface": device},
            )
            for wanted in self.wanted
        ]


def device_of(dip: Address | None) -> str | None:
    """The device that has an address."""
    return None if dip is None else neighbour.holder(dip, neighbour.devices())


def devices_for(daemons: Iterable[SyncDaemon], of_dip: str | None = None) -> Devices:
    """The devices of this host, as these daemons would find them that are going to start.

    :param of_dip: the device that has the DIP which was named
    """
    names = [name for _index, name in socket.if_nameindex()]
    down, unreachable = set(), {}
    for daemon in daemons:
        if daemon.interface in names and daemon.key == "master":
            try:
                _connect(daemon)
            except OSError as error:
                unreachable[daemon.key] = error.errno or 0
                if not _is_up(daemon.interface):
                    down.add(daemon.interface)
    return Devices(names, frozenset(down), unreachable, of_dip)


def _connect(daemon: SyncDaemon) -> None:
    """Connect a socket to the group as the kernel does for a master, which sends nothing."""
    index = socket.if_nametoindex(daemon.interface)
    if daemon.group.version == 6:
        family, level, option, value = (
            socket.AF_INET6,
            socket.IPPROTO_IPV6,
            socket.IPV6_MULTICAST_IF,
            struct.pack("=i", index),
        )
    else:
        family, level, option, value = socket.AF_INET, socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=8xi", index)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(level, option, value)
        probe.connect((str(daemon.group), daemon.port))


def _is_up(device: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anyone:
            answer = fcntl.ioctl(anyone, _SIOCGIFFLAGS, _ifreq.pack(device.encode(), 0))
    except OSError:  # it has gone meanwhile
        return False
    flags: int = _ifreq.unpack(answer)[1]
    return bool(flags & _IFF_UP)
