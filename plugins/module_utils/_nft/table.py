# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The collection's own nftables table. Each module has a section of it: sets or maps, and one chain with rules on them.

A section exists while one of its elements needs it; the table exists while it has a section, or anything else in it.

Source: nft(8) of nftables 1.0.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import ClassVar, NamedTuple, TypeVar, Union

from .._core.options import Facts
from .._core.reconcile import Item, Seen, Wanted
from .._core.values import Address

TABLE = "inet lvs_cluster"


class ItemKey(NamedTuple):
    """The kind and the name of something in the table; the table itself has no name in it."""

    kind: str  # table, set, map or chain
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {TABLE} {self.name}".rstrip()

    def identity(self) -> Facts:
        """The name as a result has it."""
        return {"name": self.name or TABLE}


@dataclass(frozen=True)
class ElementKey:
    """What an element matches, in which set or map."""

    set: str
    match: tuple[str, ...]

    kind: ClassVar[str] = "element"

    def __str__(self) -> str:
        return " . ".join(self.match)

    def identity(self) -> Facts:
        """The set or map and the match, as a result has them."""
        return {"set": self.set, "match": str(self)}


Key = Union[ItemKey, ElementKey]


class Statement(NamedTuple):
    """A command of nft(8)."""

    head: str  # such as C(add set inet lvs_cluster mss_1440)
    body: str = ""  # what the shell must not interpret, such as C({ type ipv4_addr; })

    def __str__(self) -> str:
        return f"{self.head} {self.body}" if self.body else self.head

    def command(self) -> str:
        """The statement as a shell command."""
        return f"nft {self.head} {quote(self.body)}" if self.body else f"nft {self.head}"


class TableItem(Item):
    """The table, or something in it."""

    key: Key

    def add(self) -> list[Statement]:
        """The statements that create it."""
        raise NotImplementedError

    def delete(self) -> Statement:
        """The statement that deletes it."""
        return Statement(f"delete {self.key}")

    def statements(self, action: str = "add") -> list[Statement]:
        """The statements that C(add), C(set) or C(remove) it. nft changes none of these items: C(set) replaces it."""
        return [*([] if action == "add" else [self.delete()]), *([] if action == "remove" else self.add())]

    def command(self, action: str = "add") -> str:
        """A call of nft(8) for each statement."""
        return "\n".join(statement.command() for statement in self.statements(action))

    def diff_line(self) -> str:
        """The statements that create it."""
        return "\n".join(map(str, self.add()))

    def identity(self) -> Facts:
        """What names it."""
        return self.key.identity()


@dataclass(frozen=True)
class Table(TableItem):
    """The table itself."""

    KIND = "table"

    key = ItemKey(KIND)

    def add(self) -> list[Statement]:
        """The table, empty."""
        return [Statement(f"add {self.key}")]


NamedSetT = TypeVar("NamedSetT", bound="NamedSet")


@dataclass(frozen=True)
class NamedSet(TableItem):
    """A set without its elements."""

    KIND = "set"

    key: ItemKey
    types: str  # of its elements, such as C(ipv4_addr)

    @classmethod
    def of(cls: type[NamedSetT], name: str, types: str) -> NamedSetT:
        """The set, or map, of this name."""
        return cls(ItemKey(cls.KIND, name), types)

    def add(self) -> list[Statement]:
        """The set, empty."""
        return [Statement(f"add {self.key}", f"{{ type {self.types}; }}")]


class NamedMap(NamedSet):
    """A map without its elements. Its types end with that of the values, such as C(ipv4_addr : inet_service)."""

    KIND = "map"


@dataclass(frozen=True)
class Chain(TableItem):
    """A chain with all of its rules: the section's own."""

    KIND = "chain"

    key: ItemKey
    hook: str  # such as C(type nat hook prerouting priority -100; policy accept;)
    rules: tuple[str, ...]  # as nft takes them; a rule that is none of the section's, as nft lists it

    def add(self) -> list[Statement]:
        """The chain and its rules."""
        rules = [Statement(f"add rule {TABLE} {self.key.name}", rule) for rule in self.rules]
        return [Statement(f"add {self.key}", f"{{ {self.hook} }}"), *rules]


@dataclass(frozen=True)
class Element(TableItem):
    """An element of a set, or of a map, which has a value for it."""

    KIND = "element"

    key: ElementKey
    value: int | None = None

    def add(self) -> list[Statement]:
        """The element with its value."""
        value = "" if self.value is None else f" : {self.value}"
        return [Statement(f"add element {TABLE} {self.key.set}", f"{{ {self.key}{value} }}")]

    def delete(self) -> Statement:
        """The element, whatever its value."""
        return Statement(f"delete element {TABLE} {self.key.set}", f"{{ {self.key} }}")

    def wanted(self) -> Wanted[Key, TableItem]:
        """The element should exist, with this value."""
        return Wanted(self.key, self, {"value": self.value})

    def absent(self) -> Wanted[Key, TableItem]:
        """The element should not exist."""
        return Wanted.absent(self.key)


class Signature(NamedTuple):
    """What every version of nft lists of a rule in the same way."""

    comment: str
    lookups: tuple[str, ...]  # the sets and maps that it names, in this order
    # C(match) for each condition, then the actions: counter, accept, drop, dnat; C(mangle) with its value. The condition
    # C(meta nfproto) is left out, as nft does not list it where it follows from another one.
    statements: tuple[str, ...]


class Rule(NamedTuple):
    """A rule of a section. nft lists it in other words than it takes it: it is recognised by its signature."""

    text: str  # as nft takes it
    signature: Signature

    @classmethod
    def of(cls, comment: str, text: str, *statements: str) -> Rule:
        """A rule with a comment."""
        signature = Signature(comment, tuple(re.findall(r"@(\w+)", text)), statements)
        return cls(f'{text} comment "{comment}"', signature)


@dataclass(frozen=True)
class SectionContext:
    """What a section's plan and result depend on beside its items."""

    shared: bool = False  # whether the table has anything outside the section
    dropped_packets: int = 0  # as the section's rules counted them
    dropped_bytes: int = 0
    path_mtus: Mapping[Address, int | None] = field(default_factory=dict)  # to the directors that mss_clamp asks for


SectionSeen = Seen[Key, TableItem, SectionContext]


@dataclass(frozen=True)
class TableSection:
    """A module's section of the table."""

    set_names: str  # a regular expression for the names of its sets and maps
    chain: ItemKey
    hook: str
    sets: Callable[[Collection[ElementKey]], Sequence[NamedSet]]  # for these elements; none if they need no section
    rules: Callable[[Sequence[NamedSet]], Sequence[Rule]]  # on these sets

    def owns(self, name: str) -> bool:
        """Whether a set or map belongs to this section."""
        return re.fullmatch(self.set_names, name) is not None

    def shape(self, elements: Collection[ElementKey]) -> Sequence[TableItem]:
        """The table, the sets and the chain that these elements need; nothing if they need no section."""
        sets = self.sets(elements)
        rules = tuple(rule.text for rule in self.rules(sets))
        return [Table(), *sets, Chain(self.chain, self.hook, rules)] if sets else []

    def plan(
        self,
        wanted: Iterable[Wanted[Key, TableItem]],
        seen: SectionSeen,
        remove: Callable[[ElementKey], bool] = lambda key: False,
    ) -> Sequence[Wanted[Key, TableItem]]:
        """All that the wanted elements need, and, absent, what nothing needs any more.

        :param wanted: elements
        :param remove: whether an existing element is to be removed that is not among the wanted ones
        """
        elements = {element.key: element for element in wanted}
        existing = [key for key in seen.items if isinstance(key, ElementKey)]
        elements.update((key, Wanted.absent(key)) for key in existing if key not in elements and remove(key))
        remaining = [key for key in existing if key not in elements]
        remaining += [key for key, element in elements.items() if element.new is not None and isinstance(key, ElementKey)]
        needed = self.shape(remaining)
        if not needed:
            elements = {key: Wanted.absent(key) for key in [*elements, *existing]}
        # An item that exists is left as it is or replaced as a whole.
        plan = [Wanted(item.key, item, vars(item)) for item in needed]
        needed_keys = {item.key for item in needed}
        plan += [
            Wanted.absent(key)
            for key in seen.items
            if isinstance(key, ItemKey) and key not in needed_keys and not (key == Table.key and seen.context.shared)
        ]
        plan += elements.values()
        return sorted(plan, key=lambda item: _RANKS[item.key.kind])  # what refers to others comes after them


_RANKS = {"table": 0, "set": 1, "map": 1, "chain": 2, "element": 3}


def by_family(name: str, version: int) -> str:
    """A name for an address family, 4 or 6: that of the set with its elements, or C(ip) and C(ip6)."""
    return name if version == 4 else f"{name}6"
