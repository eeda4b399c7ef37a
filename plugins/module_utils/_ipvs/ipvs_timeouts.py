# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""How long IPVS remembers a connection in which nothing happens.

Source: ip_vs_set_timeout() in net/netfilter/ipvs/ip_vs_ctl.c of Linux; C(--set) in ipvsadm(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .._core import values
from .._core.errors import MissingValue
from .._core.reconcile import Item, Wanted

NAMES = ("tcp", "tcp_fin", "udp")


@dataclass(frozen=True)
class Timeouts(Item):
    """The three of them, in seconds; the kernel has one set for each network namespace."""

    tcp: int
    tcp_fin: int
    udp: int

    KEY: ClassVar[str] = "timeouts"

    @property
    def key(self) -> Any:
        """The same for all: there is one set of them."""
        return self.KEY

    def line(self, action: str = "set") -> str:
        """As ipvsadm(8) would be told."""
        return f"--set {self.tcp} {self.tcp_fin} {self.udp}"

    def facts(self) -> dict[str, Any]:
        """The timeouts as a module returns them."""
        return asdict(self)


def wanted_timeouts(options: Mapping[str, Any]) -> list[Wanted[Timeouts]]:
    """The timeouts that the options O(tcp), O(tcp_fin) and O(udp) name; the others stay as they are."""
    stated = {
        name: values.integer(name, options[name], 1, values.MAX_TIMEOUT) for name in NAMES if options.get(name) is not None
    }
    if not stated:
        raise MissingValue("tcp", f"name at least one of {', '.join(NAMES)}")
    # They are always there, and 0 is the kernel's own word for "leave it".
    return [Wanted(Timeouts.KEY, Timeouts(**{**dict.fromkeys(NAMES, 0), **stated}), stated)]
