# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Changes of services that keepalived owns: of the weights of their destinations; nothing else is done to them here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core import files
from .._core.errors import LvsError
from .._core.reconcile import Change
from .._core.waiting import wait_for
from .keepalived_file import own_text
from .keepalived_table import CONFIG_FILE, DRAINED, KEEPALIVED, Owned, OwnedDestination, check_weight, number_in, owned
from .model import DEFAULT_FORWARD, Destination, DestinationKey, IpvsItem, Service, ServiceKey

_SETTLING = 5.0  # seconds; keepalived sees the file at once
_FORWARDS = {"NAT": "masquerade", "DR": "route"}

Read = Callable[[DestinationKey], "Destination | None"]  # a destination as the kernel has it


class KeepalivedTable:
    """What keepalived owns on this host."""

    def __init__(self) -> None:
        self.owned: Owned = owned(own_text())

    @property
    def engine(self) -> str:
        """C(keepalived) where it owns services by a configuration of this collection; empty where it does not."""
        return KEEPALIVED if self.owned else ""

    def owns(self, change: Change[Any]) -> bool:
        """Whether a change is of a service that keepalived owns."""
        item = change.item
        if isinstance(item, Service):
            return item.key in self.owned
        return isinstance(item, Destination) and item.key.service in self.owned

    def is_of_checks(self, service: ServiceKey) -> bool:
        """Whether a service is one that checks go through: there is no weight to change."""
        return service in self.owned and not any(entry.weight_file for entry in self.owned[service].values())

    def with_failed(
        self, destinations: Mapping[DestinationKey, Destination], of: Collection[ServiceKey]
    ) -> dict[DestinationKey, Destination]:
        """The destinations, those that fail their checks with the weight that they have when they are back.

        :param of: the services that are looked at
        """
        found = dict(destinations)
        for service, entries in self.owned.items():
            for key, entry in entries.items() if service in of else ():
                current = found.get(key)
                if not entry.weight_file:
                    continue
                if current is None:
                    forward = _FORWARDS.get(entry.method.split(" ")[0], DEFAULT_FORWARD)
                    found[key] = Destination(key, forward, _weight(entry))
                elif entry.inhibited and not current.weight:
                    found[key] = replace(current, weight=_weight(entry), former_weight=None)
        return found

    def check(self, changes: Sequence[Change[IpvsItem]]) -> None:
        """Refuse changes that would be keepalived's: all but those of weights.

        :raises LvsError: there are such changes
        """
        refused = [change for change in changes if not self._changes_weight(change)]
        if refused:
            services = ", ".join(dict.fromkeys(map(_service, refused)))
            raise LvsError(
                f"keepalived owns {services} on this director, and would change it back: change lvs_services and run"
                " lvs.cluster.site, or change the services of lvs.cluster.keepalived. Weights can be changed here, and"
                f" destinations drained and restored. The configuration is {CONFIG_FILE}"
            )
        for change in changes:
            if isinstance(change.after, Destination):
                check_weight(change.after.weight)

    def _changes_weight(self, change: Change[IpvsItem]) -> bool:
        before, after = change.before, change.after
        if not (isinstance(before, Destination) and isinstance(after, Destination)):
            return False
        same = replace(before, weight=after.weight, former_weight=after.former_weight) == after
        entry = self.owned[after.key.service].get(after.key)
        return same and entry is not None and bool(entry.weight_file)

    def make(self, changes: Sequence[Change[IpvsItem]], read: Read) -> None:
        """Have keepalived change weights, and wait until the kernel has them.

        :raises LvsError: keepalived did not do it in time
        """
        waiting: dict[DestinationKey, int] = {}
        for change in changes:
            item = change.item
            if isinstance(item, Destination):
                entry = self._entry(item.key)
                number = entry.number_for(item.weight) if item.former_weight is None else DRAINED
                files.write_text(entry.weight_file, f"{number}\n")
                waiting[item.key] = item.weight

        def left() -> list[DestinationKey]:
            return [key for key, weight in waiting.items() if not _is_done(read(key), weight, self._entry(key))]

        if wait_for(left, lambda keys: not keys, _SETTLING) is None:
            names = ", ".join(map(str, left()))
            raise LvsError(f"keepalived has not changed the weight of {names} after {_SETTLING:g} seconds: does it run?")

    def _entry(self, key: DestinationKey) -> OwnedDestination:
        return self.owned[key.service][key]


def _weight(entry: OwnedDestination) -> int:
    return entry.weight_with(number_in(files.read_text(entry.weight_file)))


def _is_done(current: Destination | None, weight: int, entry: OwnedDestination) -> bool:
    """Whether a destination has its weight: one that fails its check will have it when it is back."""
    return current is None or current.weight == weight or (entry.inhibited and not current.weight)


def _service(change: Change[Any]) -> str:
    item = change.item
    return str(item.key.service if isinstance(item, Destination) else item.key)
