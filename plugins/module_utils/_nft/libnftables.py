# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The collection's table in the kernel, through libnftables: text in, JSON out, one transaction for all changes."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Generic

from .._core.boot_text import NFTABLES
from .._core.errors import KernelRefused, LvsError, NotPermitted
from .._core.kernel_release import older
from .._core.options import Options
from .._core.reconcile import Seen, Transition
from .._core.requirements import missing_library
from .._core.resource import Backend, DesiredT
from .._core.values import PROTOCOL_NAMES
from .table import (
    TABLE,
    Chain,
    Element,
    ElementKey,
    ItemKey,
    Key,
    NamedMap,
    NamedSet,
    SectionContext,
    SectionSeen,
    Signature,
    Table,
    TableItem,
    TableSection,
)

# Of the type nat, in a table for both families: net/netfilter/nft_chain_nat.c of Linux.
_NAT_CHAIN, _NAT_CHAIN_SINCE = "type nat ", (5, 2)


class KernelTable:
    """The table as the kernel has it.

    :raises MissingLibrary: no binding of libnftables
    """

    def __init__(self) -> None:
        try:
            import nftables

            self._nft = nftables.Nftables()
        except (ImportError, OSError) as error:
            raise missing_library("nftables", error) from error
        self._nft.set_stateless_output(False)

    def run(self, statements: str) -> str:
        """What nft prints for these statements, a line each: one transaction."""
        status, output, message = self._nft.cmd(statements)
        if status != 0:
            if "Operation not permitted" in message or "Permission denied" in message:
                raise NotPermitted("nftables")
            raise KernelRefused(f"nftables: {message.strip()} (refused: {statements})")
        return str(output)

    def list_objects(self) -> list[Options] | None:
        """The table, its sets, maps and chains, and their rules, with counters: see libnftables-json(5). None: no table."""
        self._nft.set_json_output(True)
        # Without /etc/protocols (Debian package netbase), as in a small container, nft has no names for protocols.
        self._nft.set_numeric_proto_output(True)
        # By its name: another program's table may hold what nft cannot write as JSON.
        command = f"list table {TABLE}"
        try:
            listed = self.run(command)
        except KernelRefused as error:
            if "No such file or directory" in str(error):
                return None
            raise
        finally:
            self._nft.set_json_output(False)
            self._nft.set_numeric_proto_output(False)
        try:
            objects: list[Options] = json.loads(listed)["nftables"]
            has_flags = any("flags" in entry.get("table", ()) for entry in objects)
        except ValueError:
            has_flags = True  # nft 1.0.6 writes any bytes there
        if has_flags:
            why = "it has flags, and its rules may not be in force"
            raise LvsError(f"nftables: the table {TABLE} cannot be managed, {why}: run 'nft delete table {TABLE}' first")
        return objects

    def list_rules(self, chain: ItemKey) -> list[str]:
        """The rules of a chain, as nft writes them, without counters."""
        lines = self._list_stateless(f"list {chain}").splitlines()
        # The other lines begin or end a block, or say what the chain's hook is.
        return [line.strip() for line in lines if not re.match(r"\s*(table |chain |type |\}|$)", line)]

    def boot_lines(self) -> list[str]:
        """The statements that bring the table back after a reboot, in place of one that exists; none without a table."""
        if self.list_objects() is None:
            return []
        listed = self._list_stateless(f"list table {TABLE}")
        return [f"table {TABLE}", f"delete table {TABLE}", *listed.splitlines()]

    def _list_stateless(self, command: str) -> str:
        self._nft.set_stateless_output(True)
        try:
            return self.run(command)
        finally:
            self._nft.set_stateless_output(False)


class SectionBackend(Backend[DesiredT, Key, TableItem, SectionContext], Generic[DesiredT]):
    """A section of the table."""

    def __init__(self, section: TableSection) -> None:
        self._section = section

    def __enter__(self) -> SectionBackend[DesiredT]:
        self._table = KernelTable()
        return self

    def read(self, desired: DesiredT) -> SectionSeen:
        """The section as far as it exists, and the table."""
        objects = self._table.list_objects()
        if objects is None:
            return Seen({}, SectionContext())
        items: list[TableItem] = [Table()]
        sets: list[NamedSet] = []
        hook: str | None = None
        rules: list[Options] = []
        chain, shared = self._section.chain, False
        for entry in objects:
            (kind, content), *_others = entry.items()
            if kind in (NamedSet.KIND, NamedMap.KIND) and self._section.owns(content["name"]):
                sets.append(_named_set(kind, content))
                items += _elements(content)
            elif kind == Chain.KIND and content["name"] == chain.name:
                hook = _hook(content)
            elif kind == "rule" and content["chain"] == chain.name:
                rules.append(content)
            elif kind not in ("metainfo", Table.KIND):
                shared = True
        items += sets
        if hook is not None:
            items.append(Chain(chain, hook, self._rule_texts(rules, sets)))
        context = SectionContext(shared, _dropped(rules, "packets"), _dropped(rules, "bytes"))
        return Seen({item.key: item for item in items}, context)

    def _rule_texts(self, rules: Sequence[Options], sets: Sequence[NamedSet]) -> tuple[str, ...]:
        """The rules of the chain: the section's own as it gives them to nft, any others as nft lists them."""
        own = {rule.signature: rule.text for rule in self._section.rules(sets)}
        texts = [own.get(_signature(rule)) for rule in rules]
        if None not in texts:
            return tuple(text for text in texts if text is not None)
        listed = self._table.list_rules(self._section.chain)
        return tuple(line if text is None else text for text, line in zip(texts, listed))

    def apply(self, transition: Transition[Key, TableItem, SectionContext]) -> None:
        """Make the changes, as one transaction."""
        statements = [str(statement) for change in transition.changes for statement in change.item.statements(change.action)]
        if not statements:
            return
        try:
            self._table.run("\n".join(statements))
        except KernelRefused as error:
            why = self._why(str(error))
            if not why:
                raise
            raise KernelRefused(f"{error}: {why}; nothing was changed") from error

    def _why(self, message: str) -> str:
        """What an older kernel or nft lacks that translates ports; empty where that does not explain the refusal."""
        if _NAT_CHAIN not in self._section.hook:
            return ""
        release = os.uname().release
        if older(release, _NAT_CHAIN_SINCE):
            needed = ".".join(map(str, _NAT_CHAIN_SINCE))
            return f"it needs Linux {needed} or newer, unless its distributor added it, and this is {release}"
        if "Protocol error" in message:  # EPROTO
            return "nftables 0.9.8 writes such a rule in a way that the kernel refuses: install nftables 1.0.6 or newer"
        return ""

    def boot_files(self) -> dict[str, list[str]]:
        """The whole table, whatever the section."""
        return {NFTABLES: self._table.boot_lines()}


def _types(content: Options) -> list[str]:
    types = content["type"]
    return types if isinstance(types, list) else [types]


def _named_set(kind: str, content: Options) -> NamedSet:
    types = " . ".join(map(str, _types(content)))
    if kind == NamedMap.KIND:
        return NamedMap.of(content["name"], f"{types} : {content['map']}")
    return NamedSet.of(content["name"], types)


def _elements(content: Options) -> Iterator[Element]:
    for entry in content.get("elem", []):
        match, value = entry if "map" in content else (entry, None)
        if isinstance(match, dict) and "elem" in match:  # it has a comment
            match = match["elem"]["val"]
        fields = match["concat"] if isinstance(match, dict) and "concat" in match else [match]
        words = tuple(_word(type_, field) for type_, field in zip(_types(content), fields))
        yield Element(ElementKey(content["name"], words), value)


def _word(type_: str, field: object) -> str:
    """A field of an element, as this collection writes it."""
    if type_ in ("ipv4_addr", "ipv6_addr"):
        try:
            return str(ipaddress.ip_address(str(field)))
        except ValueError:
            return str(field)
    return PROTOCOL_NAMES.get(field, str(field)) if type_ == "inet_proto" and isinstance(field, int) else str(field)


def _hook(chain: Options) -> str:
    if "hook" not in chain:
        return ""
    return f"type {chain['type']} hook {chain['hook']} priority {chain['prio']}; policy {chain['policy']};"


def _signature(rule: Options) -> Signature:
    lookups = tuple(re.findall(r'"@(\w+)"', json.dumps(rule["expr"])))
    return Signature(rule.get("comment", ""), lookups, tuple(_statements(rule)))


def _statements(rule: Options) -> Iterator[str]:
    for expression in rule["expr"]:
        for name, content in expression.items():
            if name == "mangle":
                yield f"mangle {content['value']}"
            elif not (name == "match" and content["left"] == {"meta": {"key": "nfproto"}}):
                yield name


def _dropped(rules: Sequence[Options], unit: str) -> int:
    """What the rules that drop have counted, in C(packets) or C(bytes)."""
    dropping = [rule["expr"] for rule in rules if any("drop" in expression for expression in rule["expr"])]
    return sum(
        expression["counter"][unit] for expressions in dropping for expression in expressions if expression.get("counter")
    )
