# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The wait of a drain, until the connections have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from .._core.options import Facts
from .._net import neighbour
from .drain import Drain, describe, may_be_udp, total
from .model import DestinationKey
from .statistics import Connections

_PAUSE = 1.0  # seconds between two readings
_READINGS = 2  # without a connection: one in its handshake may be counted late
_LOG_PAUSE = 5.0  # seconds between two lines of the log, at least


class Counter(Protocol):
    """What knows the connections of destinations."""

    def connections(self, keys: Collection[DestinationKey]) -> list[Connections]:
        """The connections of those destinations that exist."""


def wait(drain: Drain, rip: object, backend: Counter, keys: Collection[DestinationKey], log: Callable[[str], None]) -> Facts:
    """Wait until these destinations, all of one RIP, have no connections any more, and return how it ended."""
    began = logged = time.monotonic()
    before, quiet = None, 0
    while True:
        # The VIP may come and go meanwhile.
        here = keys if drain.on_standby else carried(keys)
        of_udp = [key for key in here if may_be_udp(key.service)]
        of_others = [key for key in here if not may_be_udp(key.service)]
        udp = total(backend.connections(of_udp))
        left = total([udp, *backend.connections(of_others)])
        now = time.monotonic()
        quiet = quiet + 1 if drain.is_over(left, udp) else 0
        complete = quiet == _READINGS
        progress = f"drain of {rip}: {describe(left)} connections left after {now - began:.0f} s"
        if complete or now - began >= drain.timeout:
            log(f"{progress}, the end")
            return drain.result(now - began, left, udp, complete)
        if before is None or (left != before and now - logged >= _LOG_PAUSE):
            log(progress)
            before, logged = left, now
        time.sleep(_PAUSE)


def carried(keys: Collection[DestinationKey]) -> list[DestinationKey]:
    """Those whose connections pass this host: it has their VIP. By a mark, any VIP may be theirs."""
    held = neighbour.held_addresses(neighbour.devices())
    return [key for key in keys if key.service.vip is None or key.service.vip in held]
