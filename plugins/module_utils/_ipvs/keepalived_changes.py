# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Changes of services that keepalived owns: it drains and restores their destinations; nothing else is done to them here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core import files
from .._core.errors import LvsError
from .._core.reconcile import Change
from .._core.textfile import is_made_here
from .keepalived_table import CONFIG_FILE, DRAINING, SERVING, Owned, OwnedDestination, owned
from .model import DEFAULT_FORWARD, Destination, DestinationKey, IpvsItem, Service, ServiceKey

_SETTLING = 5.0  # seconds; keepalived sees the file at once
_PAUSE = 0.05  # seconds
_FORWARDS = {"NAT": "masquerade", "DR": "route"}

Read = Callable[[DestinationKey], "Destination | None"]  # a destination as the kernel has it


class KeepalivedTable:
    """What keepalived owns on this host."""

    def __init__(self) -> None:
        text = files.read_text(CONFIG_FILE) if files.is_readable(CONFIG_FILE) else None
        self.owned: Owned = owned(text) if text is not None and is_made_here(text) else {}

    def owns(self, change: Change[Any]) -> bool:
        """Whether a change is of a service that keepalived owns."""
        item = change.item
        if isinstance(item, Service):
            return item.key in self.owned
        return isinstance(item, Destination) and item.key.service in self.owned

    def is_of_checks(self, service: ServiceKey) -> bool:
        """Whether a service is one that checks go through: there is nothing to drain."""
        return service in self.owned and not any(entry.drain_file for entry in self.owned[service].values())

    def with_failed(
        self, destinations: Mapping[DestinationKey, Destination], of: Collection[ServiceKey]
    ) -> dict[DestinationKey, Destination]:
        """The destinations, with those that keepalived has taken out: they can be drained, too.

        :param of: the services that are looked at
        """
        failed = {
            key: Destination(key, _FORWARDS.get(entry.method.split(" ")[0], DEFAULT_FORWARD), self._weight(entry))
            for service, entries in self.owned.items()
            if service in of
            for key, entry in entries.items()
            if key not in destinations and entry.drain_file
        }
        return {**destinations, **failed}

    @staticmethod
    def _weight(entry: OwnedDestination) -> int:
        return 0 if files.read_text(entry.drain_file) == DRAINING else entry.weight

    def check(self, changes: Sequence[Change[IpvsItem]]) -> None:
        """Refuse changes that would be keepalived's, but drains and restores.

        :raises LvsError: there are such changes
        """
        refused = [change for change in changes if not self._drains_or_restores(change)]
        if refused:
            services = ", ".join(dict.fromkeys(map(_service, refused)))
            raise LvsError(
                f"keepalived owns {services} on this director, and would change it back: change lvs_services and run"
                " lvs.cluster.site, or change the services of lvs.cluster.keepalived. Destinations can be drained and"
                f" restored here. The configuration is {CONFIG_FILE}"
            )

    def _drains_or_restores(self, change: Change[IpvsItem]) -> bool:
        before, after = change.before, change.after
        if not (isinstance(before, Destination) and isinstance(after, Destination)):
            return False
        same = replace(before, weight=after.weight, former_weight=after.former_weight) == after
        entry = self.owned[after.key.service].get(after.key)
        has_file = entry is not None and bool(entry.drain_file)
        return same and has_file and (before.former_weight is None) != (after.former_weight is None)

    def make(self, changes: Sequence[Change[IpvsItem]], read: Read) -> None:
        """Drain and restore, and wait until the kernel has the weights.

        :raises LvsError: keepalived did not do it in time
        """
        waiting: dict[DestinationKey, bool] = {}
        for change in changes:
            item = change.item
            if isinstance(item, Destination):
                drains = item.former_weight is not None
                files.write_text(self.owned[item.key.service][item.key].drain_file, DRAINING if drains else SERVING)
                waiting[item.key] = drains
        deadline = time.monotonic() + _SETTLING
        while waiting:
            done = [key for key, drains in waiting.items() if _is_done(read(key), drains)]
            for key in done:
                del waiting[key]
            if waiting and time.monotonic() > deadline:
                names = ", ".join(map(str, waiting))
                raise LvsError(f"keepalived has not changed the weight of {names} after {_SETTLING:g} seconds: does it run?")
            if waiting:
                time.sleep(_PAUSE)


def _is_done(current: Destination | None, drains: bool) -> bool:
    """Whether a destination has its weight: one that keepalived has taken out will have it when it is back."""
    return current is None or (current.weight == 0) == drains


def _service(change: Change[Any]) -> str:
    item = change.item
    return str(item.key.service if isinstance(item, Destination) else item.key)
