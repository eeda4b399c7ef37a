# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is wanted and what there is, in; what to change, out. Pure, and the only place that decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from .errors import Faults, raise_all

ItemT = TypeVar("ItemT", bound="Item")


class Item:
    """Something that a module manages. Two items are equal where their configuration is the same."""

    key: Any  # what identifies it; hashable

    def check(self) -> None:
        """Raise C(InvalidValue) where the values, each right by itself, do not go together."""

    def kept(self: ItemT) -> ItemT:
        """The item as the kernel keeps it, where it makes another value of one that it is given."""
        return self

    def line(self, action: str = "add") -> str:
        """The command, in the words of the field's own tool, that would C(add), C(set) or C(remove) it."""
        raise NotImplementedError

    def shown(self) -> str:
        """The item as a diff shows it."""
        return self.line()

    def facts(self) -> dict[str, Any]:
        """The item as a module returns it."""
        return {}


@dataclass(frozen=True)
class Wanted(Generic[ItemT]):
    """An item as the user described it."""

    key: Any
    new: ItemT | None  # what it is if it has to be made; None: it shall not be there
    stated: Mapping[str, Any]  # the fields that the user gave, the only ones to change on an item that is there
    where: str = ""  # the place in a list of items, for messages

    @classmethod
    def absent(cls, key: Any) -> Wanted[ItemT]:
        """Not there at all."""
        return cls(key, None, {})

    def over(self, current: ItemT | None) -> ItemT | None:
        """The item as it shall be, given the one that is there."""
        if self.new is None:
            return None
        if current is None:
            return self.new.kept()
        for name, value in self.stated.items():
            if getattr(current, name) != value:
                changed = replace(current, **self.stated)  # type: ignore[type-var]  # every Item here is a dataclass
                return changed.kept()
        return current


@dataclass(frozen=True)
class Change(Generic[ItemT]):
    """One item, before and after."""

    before: ItemT | None
    after: ItemT | None

    @property
    def action(self) -> str:
        """C(add), C(set) or C(remove)."""
        if self.before is None:
            return "add"
        return "remove" if self.after is None else "set"

    @property
    def item(self) -> ItemT:
        """The item as it shall be, or, of one that goes, as it was."""
        return cast("ItemT", self.before if self.after is None else self.after)

    def line(self) -> str:
        """The change as a command."""
        return self.item.line(self.action)


def reconcile(wanted: Iterable[Wanted[ItemT]], current: Mapping[Any, ItemT]) -> list[Change[ItemT]]:
    """The changes that lead from what there is to what is wanted; nothing that is not named is touched.

    Raises C(Invalid) where items as they would become cannot work, naming all of them.

    What comes is changed in the order of the description, what goes afterwards and in the opposite order.
    """
    coming: list[Change[ItemT]] = []
    going: list[Change[ItemT]] = []
    faults = Faults()
    for one in wanted:
        before = current.get(one.key)
        after = one.over(before)
        if after is not None:
            faults.take(after.check, where=one.where)
        if before is not after and before != after:
            (going if after is None else coming).append(Change(before, after))
    raise_all(faults.found)
    return coming + going[::-1]
