# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Real servers that are drained: what there is to know of them before, and waiting until their connections are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._core import files
from .._core.reconcile import Wanted
from . import codec
from .ipvs_dest import QUIESCENT, Drain, added, drain_facts, told
from .ipvs_info import Connections
from .kernel import IpvsDestinations
from .statistics import destination_statistics

_PAUSE = 1.0  # seconds between two readings
_READINGS = 2  # without a connection: one in its handshake may be counted late
_LOG_PAUSE = 5.0  # seconds between two lines of the log, at least


class IpvsRealServers(IpvsDestinations):
    """Destinations of named services, or of all services; where one is to be drained, with its service and the setting."""

    def __init__(self, whole: bool) -> None:
        self._whole = whole

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """See above."""
        wanted = list(wanted)
        current: dict[Any, Any] = {}
        if self._whole:
            for answer in self._ask(codec.CMD_GET_SERVICE, dump=True):
                service = codec.decode_service(answer)
                current.update({service.key: service, **self.destinations(service.key)})
        else:
            current.update(super().read(wanted))
            for one in wanted:
                found = self.service(one.key.service) if getattr(one, "drained", False) else None
                current.update({} if found is None else {found.key: found})
        current[QUIESCENT] = int(files.read_text(f"/proc/sys/{QUIESCENT.path}") or 0)
        return current

    def connections(self, keys: Iterable[Any]) -> list[Connections]:
        """Those of these destinations that are there, as of now."""
        named = set(keys)
        return [
            destination_statistics(answer)[0]
            for service in {key.service for key in named}
            for answer in self._ask(codec.CMD_GET_DEST, codec.encode_key(service), dump=True)
            if codec.decode_destination(service, answer).key in named
        ]


def drained(
    options: Mapping[str, Any], room: IpvsRealServers, plan: Sequence[Wanted[Any]], log: Callable[[str], None]
) -> dict[str, Any]:
    """Wait until what is drained has no connections any more, and say how it ended; nothing where nothing is drained."""
    drain = Drain.of(options)
    if drain is None:
        return {}
    keys = [one.key for one in plan]
    began = logged = time.monotonic()
    before, quiet = None, 0
    while True:
        left = added(room.connections(keys))
        now = time.monotonic()
        quiet = quiet + 1 if drain.is_over(left) else 0
        over = quiet == _READINGS
        if over or now - began >= drain.timeout:
            log(f"drain of {options['rip']}: {told(left)} connections left after {now - began:.0f} s, the end")
            return drain_facts(drain, now - began, left, complete=over)
        if before is None or (left != before and now - logged >= _LOG_PAUSE):
            log(f"drain of {options['rip']}: {told(left)} connections left after {now - began:.0f} s")
            before, logged = left, now
        time.sleep(_PAUSE)
