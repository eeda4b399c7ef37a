# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The weights that drained destinations had before, in the state file: the kernel does not give them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from .._core import files
from .._core.reconcile import Change
from .model import Destination, Service

_SUBJECT = "drained"


class Notes:
    """A note for each drained destination, as they are now.

    A note on a destination that has a weight is void: somebody restored it by other means.
    """

    def __init__(self) -> None:
        self._weights: dict[str, int] = files.load_state().get(_SUBJECT, {})

    def merged(self, destination: Destination) -> Destination:
        """The destination of the kernel, with what is noted of it."""
        if not self._weights or destination.weight:
            return destination
        return replace(destination, drained=self._weights.get(str(destination.key)))

    def merge(self, found: dict[Any, Destination]) -> dict[Any, Destination]:
        """The same of many."""
        return {key: self.merged(one) for key, one in found.items()} if self._weights else found

    def take(self, changes: Iterable[Change[Any]]) -> list[Change[Any]]:
        """Note what is going to be drained, before the kernel is told: so no crash loses a weight. Gives those changes."""
        coming = [change for change in changes if _drains(change)]
        if coming:
            self._change({str(change.item.key): change.item.drained for change in coming}, ())
        return coming

    def drop(self, changes: Sequence[Change[Any]]) -> None:
        """Forget what has its weight again, or is gone."""
        if self._weights:
            self.forget(change for change in changes if change.after is None or _drained(change.after) is None)

    def forget(self, changes: Iterable[Change[Any]]) -> None:
        """Forget what is noted of these, and of the destinations of a service."""
        going: set[str] = set()
        for change in changes:
            if isinstance(change.item, Destination):
                going.add(str(change.item.key))
            elif isinstance(change.item, Service) and change.after is None:
                going.update(key for key in self._weights if key.startswith(f"{change.item.key} -r "))
        going &= self._weights.keys()
        if going:
            self._change({}, going)

    def _change(self, coming: dict[str, int], going: Iterable[str]) -> None:
        with files.changing_state() as state:
            weights: dict[str, int] = state.setdefault(_SUBJECT, {})
            weights.update(coming)
            for key in going:
                weights.pop(key, None)
            self._weights = dict(weights)
            if not weights:
                del state[_SUBJECT]


def of_notes_alone(change: Change[Any]) -> bool:
    """Whether the kernel has all of it already."""
    before, after = change.before, change.after
    if _drained(before) == _drained(after) or before is None or after is None:
        return False
    return bool(replace(before, drained=after.drained) == after)


def _drains(change: Change[Any]) -> bool:
    return _drained(change.after) is not None and _drained(change.after) != _drained(change.before)


def _drained(item: Any) -> int | None:
    return item.drained if isinstance(item, Destination) else None
