# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The weights that drained destinations had before, in the state file: the kernel does not keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from .._core import state
from .._core.errors import LvsError
from .._core.options import Facts
from .._core.reconcile import Change
from .model import Destination, DestinationKey, IpvsItem, Service

SUBJECT = "drained"  # of the state file


class Notes:
    """A note for each drained destination, as they are now.

    A note on a destination that has a weight is void: it was restored by other means.
    """

    @cached_property
    def _weights(self) -> dict[DestinationKey, int]:
        return _weights_of(state.load())

    def with_note(self, destination: Destination) -> Destination:
        """The destination of the kernel, with its former weight."""
        if not self._weights or destination.weight:
            return destination
        return replace(destination, former_weight=self._weights.get(destination.key))

    def with_notes(self, destinations: Mapping[DestinationKey, Destination]) -> Mapping[DestinationKey, Destination]:
        """The same of many."""
        if not self._weights:
            return destinations
        return {key: self.with_note(destination) for key, destination in destinations.items()}

    def remember(self, changes: Iterable[Change[IpvsItem]]) -> list[Change[IpvsItem]]:
        """Note what is going to be drained, before the kernel is told: so no crash loses a weight. Returns those changes."""
        draining = []
        coming = {}
        for change in changes:
            after = change.after
            if isinstance(after, Destination) and after.former_weight not in (None, _former_weight(change.before)):
                draining.append(change)
                coming[after.key] = after.former_weight
        if coming:
            self._change(coming, ())
        return draining

    def forget_restored(self, changes: Sequence[Change[IpvsItem]]) -> None:
        """Forget what has its weight again, or is removed."""
        if self._weights:
            self.forget(change for change in changes if change.after is None or _former_weight(change.after) is None)

    def forget(self, changes: Iterable[Change[IpvsItem]]) -> None:
        """Forget the notes on these destinations, and on those of a removed service."""
        going: set[DestinationKey] = set()
        for change in changes:
            item = change.item
            if isinstance(item, Destination):
                going.add(item.key)
            elif isinstance(item, Service) and change.after is None:
                going.update(key for key in self._weights if key.service == item.key)
        going &= self._weights.keys()
        if going:
            self._change({}, going)

    def _change(self, coming: Mapping[DestinationKey, int | None], going: Iterable[DestinationKey]) -> None:
        with state.changing() as subjects:
            weights = {**_weights_of(subjects), **coming}
            for key in going:
                weights.pop(key, None)
            self._weights = {key: weight for key, weight in weights.items() if weight is not None}
            subjects[SUBJECT] = [{**key.facts(), "weight": weight} for key, weight in self._weights.items()]
            if not self._weights:
                del subjects[SUBJECT]


def changes_note_only(change: Change[IpvsItem]) -> bool:
    """Whether the kernel has all of the change already."""
    before, after = change.before, change.after
    if not isinstance(before, Destination) or not isinstance(after, Destination):
        return False
    return before.former_weight != after.former_weight and replace(before, former_weight=after.former_weight) == after


def _former_weight(item: IpvsItem | None) -> int | None:
    return item.former_weight if isinstance(item, Destination) else None


def _weights_of(subjects: Facts) -> dict[DestinationKey, int]:
    try:
        return {DestinationKey.from_facts(note): note["weight"] for note in subjects.get(SUBJECT, ())}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LvsError(
            f"{state.STATE_FILE}: '{SUBJECT}' is not a list of drained destinations ({error!r}): remove that entry, and set"
            " the weights of what is drained with lvs.cluster.ipvs_dest"
        ) from error
