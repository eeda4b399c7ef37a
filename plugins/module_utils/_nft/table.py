# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Our own nftables table. It has parts, each of them sets or maps and one chain whose rules look into them.

A part is there while one of its elements needs it, and the table while it has a part, or something that is not ours.

Source: nft(8) of nftables 1.0.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import Faults, InvalidValue, MissingValue, T, raise_all
from .._core.reconcile import Item, Wanted

TABLE = "inet lvs_cluster"


@dataclass(frozen=True)
class Table(Item):
    """The table itself."""

    key: str = f"table {TABLE}"
    shared: bool = field(default=False, compare=False)  # whether there is more in it than the part that was read

    def line(self, action: str = "add") -> str:
        """As a command of nft(8)."""
        return f"{'delete' if action == 'remove' else 'add'} {self.key}"


@dataclass(frozen=True)
class NamedSet(Item):
    """A set or a map, without its elements."""

    kind: str  # set or map
    name: str
    type: str  # of its elements, such as C(ipv4_addr : inet_service)

    @property
    def key(self) -> Any:
        """Its name in nft's words: sets and maps share one room of names."""
        return f"{self.kind} {TABLE} {self.name}"

    def line(self, action: str = "add") -> str:
        """As a command of nft(8)."""
        delete, add = f"delete {self.key}", f"add {self.key} {{ type {self.type}; }}"
        return {"add": add, "set": f"{delete}\n{add}", "remove": delete}[action]


@dataclass(frozen=True)
class Rule:
    """A rule, recognised by what every version of nft lists in the same way."""

    comment: str
    lookups: tuple[str, ...]  # the sets and maps that it names, in this order
    # C(match) for each condition, then what is done: counter, accept, drop, dnat; C(mangle) with its value. The condition
    # C(meta nfproto) is left out, as nft does not list it where it follows from another one.
    statements: tuple[str, ...]
    text: str = field(compare=False)

    @classmethod
    def of(cls, comment: str, text: str, *statements: str) -> Rule:
        """A rule of ours."""
        return cls(comment, tuple(re.findall(r"@(\w+)", text)), statements, f'{text} comment "{comment}"')


@dataclass(frozen=True)
class Chain(Item):
    """A chain with all of its rules: it is ours alone."""

    name: str
    hook: str  # such as C(type nat hook prerouting priority -100; policy accept;)
    rules: tuple[Rule, ...]
    dropped: tuple[int, int] = field(default=(0, 0), compare=False)  # packets and bytes, as its rules counted them

    @property
    def key(self) -> Any:
        """Its name in nft's words."""
        return f"chain {TABLE} {self.name}"

    def line(self, action: str = "add") -> str:
        """As commands of nft(8). What somebody changed is made anew, for nft changes no chain's hook or priority."""
        delete = f"delete {self.key}"
        add = f"add {self.key} {{ {self.hook} }}"
        adding = "\n".join([add, *(f"add rule {TABLE} {self.name} {rule.text}" for rule in self.rules)])
        return {"add": adding, "set": f"{delete}\n{adding}", "remove": delete}[action]


@dataclass(frozen=True)
class ElementKey:
    """What an element matches, in which set or map."""

    set: str
    match: tuple[str, ...]

    def __str__(self) -> str:
        return " . ".join(self.match)


@dataclass(frozen=True)
class Element(Item):
    """An element of a set, or of a map, which has a value for it."""

    key: ElementKey
    value: int | None = None

    def line(self, action: str = "add") -> str:
        """As commands of nft(8), which changes no element's value."""
        delete = f"delete element {TABLE} {self.key.set} {{ {self.key} }}"
        value = "" if self.value is None else f" : {self.value}"
        add = f"add element {TABLE} {self.key.set} {{ {self.key}{value} }}"
        return {"add": add, "set": f"{delete}\n{add}", "remove": delete}[action]

    def wanted(self) -> Wanted[Any]:
        """The element, there."""
        return Wanted(self.key, self, {"value": self.value})


@dataclass(frozen=True)
class Part:
    """One use of the table.

    C(shape) says which sets and which chain it takes to hold these elements: none at all where they need nothing.
    """

    sets: str  # a regular expression for the names of its sets and maps
    chain: str
    shape: Callable[[Collection[ElementKey]], Sequence[Item]]

    def owns(self, name: str) -> bool:
        """Whether a set or map is this part's."""
        return re.fullmatch(self.sets, name) is not None

    def plan(
        self,
        wanted: Iterable[Wanted[Any]],
        current: Mapping[Any, Any],
        goes: Callable[[ElementKey], bool] = lambda key: False,
    ) -> list[Wanted[Any]]:
        """All that the wanted elements need, and, absent, what nothing needs any more.

        :param wanted: the elements; what else is among them is planned anew
        :param current: this part as it is
        :param goes: whether an element that is there and is not wanted goes, too
        """
        elements = {one.key: one for one in wanted if isinstance(one.key, ElementKey)}
        found = [key for key in current if isinstance(key, ElementKey)]
        elements.update((key, Wanted.absent(key)) for key in found if key not in elements and goes(key))
        held = {key for key in found if key not in elements} | {key for key, one in elements.items() if one.new is not None}
        shape = self.shape(held)
        if not shape:
            elements = {key: Wanted.absent(key) for key in [*elements, *found]}
        # Nothing of an item that is there already is kept: it is as it shall be, or it is made anew.
        scaffold = {item.key: Wanted(item.key, item, vars(item)) for item in [Table(), *shape]} if shape else {}
        gone = [key for key in current if key not in scaffold and not isinstance(key, (ElementKey, Table))]
        if not shape and Table.key in current and current[Table.key].shared:
            gone.remove(Table.key)
        plan = [*scaffold.values(), *map(Wanted.absent, gone), *elements.values()]
        return sorted(plan, key=lambda one: _rank(one.key))  # what refers to others comes behind them


def _rank(key: Any) -> int:
    return 3 if isinstance(key, ElementKey) else {"table": 0, "set": 1, "map": 1, "chain": 2}[key.split()[0]]


def by_family(name: str, version: int) -> str:
    """The name of the set that has an address family's elements, 4 or 6."""
    return name if version == 4 else f"{name}6"


def purges(options: Mapping[str, Any]) -> bool:
    """O(purge), which goes with what shall be there."""
    if options["purge"] and options["state"] == "absent":
        raise InvalidValue("purge", "true", "cannot go with state=absent: leave it out, and name what shall go")
    return bool(options["purge"])


def rows(
    name: str, given: Iterable[Any], fields: Sequence[str], read: Callable[[Mapping[str, Any]], T], faults: Faults
) -> dict[str, T]:
    """What is read of each row of a list, by the row's place; what is wrong with the others is noted."""

    def checked(row: Any) -> T:
        if not isinstance(row, dict):
            raise InvalidValue("value", repr(row), f"is not a dictionary: write some of {', '.join(fields)}")
        why = f"is for an option that is not there: there are {', '.join(fields)}"
        raise_all([InvalidValue(str(other), repr(row[other]), why) for other in row if other not in fields])
        return read(row)

    places = {f"{name}[{number}]": row for number, row in enumerate(given)}
    found = {place: faults.take(checked, row, where=place) for place, row in places.items()}
    return {place: one for place, one in found.items() if one is not None}


def required(row: Mapping[str, Any], option: str, why: str) -> Any:
    """The value of an option that has to be there."""
    if row.get(option) is None:
        raise MissingValue(option, why)
    return row[option]
