# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""From what is wanted and what there is to the changes between them. Pure; changes are made here and nowhere else."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar, cast

from .errors import InvalidValue
from .options import Facts, Faults, Options

KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT", bound="Item")
ContextT = TypeVar("ContextT")

# The changes that a result has as data. Ansible goes through each value of a result for secrets: of 10,000 destinations, that
# took a third of the time of the module.
_ROWS = 1000


class Item:
    """The configuration of something that a module manages, and nothing else: equal items have the same configuration."""

    KIND: ClassVar[str]  # in the result of a module

    key: Any  # what the kernel identifies it by, hashable: a field or a property of its own type

    def check(self) -> None:
        """Refuse values that cannot work, each by itself or together. Only what is new is checked.

        :raises Invalid: all that is wrong
        """

    def faults(self) -> list[InvalidValue]:
        """What C(check) refuses."""
        faults = Faults()
        faults.collect(self.check)
        return faults.found

    def as_stored_by_kernel(self: ItemT) -> ItemT:
        """The item with the values that the kernel makes of those it is given, such as a bounded length."""
        return self

    def command(self, action: str = "add") -> str:
        """The shell command that would C(add), C(set) or C(remove) the item, program included; of several, a line each."""
        raise NotImplementedError

    def diff_line(self) -> str:
        """The item in a diff: as the tool of the field lists it."""
        return self.command()

    def identity(self) -> Facts:
        """The key, in the words of a module's options."""
        raise NotImplementedError

    def facts(self) -> Facts:
        """The item as a module returns it."""
        return {}


@dataclass(frozen=True)
class Wanted(Generic[KeyT, ItemT]):
    """An item as the user describes it."""

    key: KeyT
    new: ItemT | None  # the item, should it have to be created; None: it should not exist
    given: Options  # the fields that the user gave: only these change on an item that exists
    where: str = ""  # the place in a list of items, for messages

    @classmethod
    def absent(cls, key: KeyT) -> Wanted[KeyT, ItemT]:
        """An item that should not exist."""
        return cls(key, None, {})

    def merged_with(self, current: ItemT | None) -> ItemT | None:
        """The item as it should become, given the one that exists."""
        if self.new is None:
            return None
        if current is None:
            return self.new.as_stored_by_kernel()
        for name, value in self.given.items():
            if getattr(current, name) != value:
                changed = replace(current, **self.given)  # type: ignore[type-var]  # every Item here is a dataclass
                return changed.as_stored_by_kernel()
        return current


@dataclass(frozen=True)
class Seen(Generic[KeyT, ItemT, ContextT]):
    """What there is: the items, and beside them what no item holds."""

    items: Mapping[KeyT, ItemT]
    context: ContextT  # what else of the host a plan or a result depends on
    owned: AbstractSet[KeyT] = frozenset()  # the items that this collection created
    former: Mapping[KeyT, ItemT] = field(default_factory=dict)  # what an item was before this collection changed it


@dataclass(frozen=True)
class Change(Generic[ItemT]):
    """One item, before and after."""

    before: ItemT | None
    after: ItemT | None
    former: ItemT | None = None  # what a removal goes back to; None: to nothing

    @property
    def action(self) -> str:
        """C(add), C(set) or C(remove)."""
        if self.before is None:
            return "add"
        return "remove" if self.after is None else "set"

    @property
    def item(self) -> ItemT:
        """The item as it becomes; one that is removed, as it was."""
        return cast("ItemT", self.before if self.after is None else self.after)

    def command(self) -> str:
        """The change as a shell command."""
        if self.after is None and self.former is not None:
            return self.former.command("set")
        return self.item.command(self.action)


@dataclass(frozen=True)
class Transition(Generic[KeyT, ItemT, ContextT]):
    """The changes, with what they start from and what they are for."""

    wanted: Sequence[Wanted[KeyT, ItemT]]
    seen: Seen[KeyT, ItemT, ContextT]
    changes: Sequence[Change[ItemT]]

    def after(self) -> Seen[KeyT, ItemT, ContextT]:
        """What there is when all changes have been made."""
        return replace(self.seen, items=after(self.seen.items, self.changes)) if self.changes else self.seen


def reconcile(wanted: Iterable[Wanted[KeyT, ItemT]], seen: Seen[KeyT, ItemT, ContextT]) -> list[Change[ItemT]]:
    """The changes that lead from what there is to what is wanted; an item that is not named does not change.

    Additions and changes are in the order of the description; removals follow, in the opposite order.

    What there is, is no wish: only an item that is added is checked, or one that is changed, for what is wrong by the change.

    :raises Invalid: all items that could not work as they would become
    """
    current, former = seen.items, seen.former
    coming: list[Change[ItemT]] = []
    going: list[Change[ItemT]] = []
    faults = Faults()
    for item in wanted:
        before = current.get(item.key)
        after = item.merged_with(before)
        if before is after or before == after:
            continue
        if after is None:
            going.append(Change(before, None, former.get(item.key)))
        else:
            faults.collect(_check_change, before, after, where=item.where)
            coming.append(Change(before, after))
    faults.raise_all()
    return coming + going[::-1]


def _check_change(before: Item | None, after: Item) -> None:
    """Check an item, without what was wrong with it before.

    :raises Invalid: all that is wrong
    """
    new = Faults()
    new.collect(after.check)
    if new.found and before is not None:
        known = {(fault.option, str(fault.value)) for fault in before.faults()}
        new.found = [fault for fault in new.found if (fault.option, str(fault.value)) not in known]
    new.raise_all()


def after(items: Mapping[KeyT, ItemT], changes: Iterable[Change[ItemT]]) -> dict[KeyT, ItemT]:
    """The items when these changes have been made."""
    changed = dict(items)
    for change in changes:
        key = cast("KeyT", change.item.key)
        changed.pop(key, None)
        if change.after is not None:
            changed[key] = change.after
    return changed


def change_facts(changes: Sequence[Change[ItemT]]) -> Facts:
    """Changes as a module returns them: C(changed), C(changes), of many the first, and C(commands), of all."""
    rows: list[Facts] = []
    commands: list[str] = []
    for change in changes:
        command = change.command()
        if len(rows) < _ROWS:
            item = change.item
            rows.append({"action": change.action, "kind": item.KIND, "key": item.identity(), "command": command})
        commands += command.splitlines()
    return {"changed": bool(rows), "changes": rows, "commands": commands}


def joined_facts(results: Sequence[Options]) -> Facts:
    """The changes that several modules return, as those of one."""
    rows = [row for result in results for row in result["changes"]]
    commands = [command for result in results for command in result["commands"]]
    return {"changed": any(result["changed"] for result in results), "changes": rows[:_ROWS], "commands": commands}
