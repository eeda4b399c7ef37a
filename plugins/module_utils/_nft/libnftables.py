# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A part of our table, through libnftables: text in, JSON out, one transaction for every change."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core import keep_files as boot
from .._core.errors import KernelRefused, LvsError, MissingLibrary, NotPermitted
from .._core.keep import NFTABLES
from .._core.reconcile import Change, Wanted
from .port_dnat import PART, Ruleset
from .table import TABLE, Chain, Element, ElementKey, NamedSet, Part, Rule, Table
from .verdict import with_translations

_PROTOCOLS = {6: "tcp", 17: "udp"}


class PartOfTable:
    """A part of our table; a context manager."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __enter__(self) -> PartOfTable:
        try:
            import nftables

            self._nft = nftables.Nftables()
        except (ImportError, OSError) as error:
            raise MissingLibrary("nftables", "python3-nftables", error) from error
        self._nft.set_stateless_output(False)
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def read(self, _wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The part, as far as it is there, and the table."""
        listed = self._listed()
        if listed is None:
            return {}
        part = self._part
        items: list[Any] = []
        rules: list[Rule] = []
        dropped = [0, 0]
        shared = False
        for one in listed:
            (kind, what), *_more = one.items()
            if kind in ("set", "map") and part.owns(what["name"]):
                items.append(_named_set(kind, what))
                items += _elements(what)
            elif kind == "chain" and what["name"] == part.chain:
                items.append(Chain(part.chain, _hook(what), ()))
            elif kind == "rule" and what["chain"] == part.chain:
                rules.append(_rule(what))
                for number, name in enumerate(("packets", "bytes")):
                    dropped[number] += _dropped(what, name)
            elif kind not in ("metainfo", "table"):
                shared = True
        current: dict[Any, Any] = {item.key: item for item in [Table(shared=shared), *items]}
        for key, item in current.items():
            if isinstance(item, Chain):
                texts = self._rule_texts()
                whole = tuple(replace(rule, text=text) for rule, text in zip(rules, texts))
                current[key] = replace(item, rules=whole, dropped=(dropped[0], dropped[1]))
        return current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out as one transaction."""
        if changes:
            self._run("\n".join(change.line() for change in changes))
            boot.keep(NFTABLES, self.boot_lines)

    def boot_lines(self) -> list[str]:
        """The commands that bring our table back after a reboot, in place of one that may be there; none without a table."""
        if self._listed() is None:
            return []
        self._nft.set_stateless_output(True)  # counters begin anew
        listed = self._run(f"list table {TABLE}")
        self._nft.set_stateless_output(False)
        return [f"table {TABLE}", f"delete table {TABLE}", *listed.splitlines()]

    def _listed(self) -> list[dict[str, Any]] | None:
        """What is in the table; None where there is no table."""
        self._nft.set_json_output(True)
        # Without /etc/protocols (Debian package netbase), as in a small container, nft has no names for protocols.
        self._nft.set_numeric_proto_output(True)
        # Asked for by its name: other people's tables may hold what nft cannot write as JSON.
        command = f"list table {TABLE}"
        try:
            listed = self._run(command)
        except KernelRefused as error:
            if "No such file or directory" in str(error):
                return None
            raise
        finally:
            self._nft.set_json_output(False)
            self._nft.set_numeric_proto_output(False)
        try:
            found: list[dict[str, Any]] = json.loads(listed)["nftables"]
            flagged = any("flags" in one.get("table", ()) for one in found)
        except ValueError:
            flagged = True  # nft 1.0.6 writes any bytes there
        if flagged:
            why = "somebody gave it flags, and its rules may not be in force"
            raise LvsError(f"nftables: the table {TABLE} cannot be managed, {why}: run 'nft delete table {TABLE}' first")
        return found

    def _rule_texts(self) -> Iterator[str]:
        """The rules of the chain as nft writes them, for the diff."""
        self._nft.set_stateless_output(True)
        text = self._run(f"list chain {TABLE} {self._part.chain}")
        self._nft.set_stateless_output(False)
        for line in text.splitlines():
            # Beside them, there is only what begins or ends a block, and the chain's hook.
            if not re.match(r"\s*(table |chain |type |\}|$)", line):
                yield line.strip()

    def _run(self, commands: str) -> str:
        status, output, message = self._nft.cmd(commands)
        if status != 0:
            if "Operation not permitted" in message or "Permission denied" in message:
                raise NotPermitted("nftables")
            raise KernelRefused(f"nftables: {message.strip()} (refused: {commands})")
        return str(output)


class PortMappings(PartOfTable):
    """The part with the port mappings, and what others' rules do with a packet afterwards."""

    def __init__(self) -> None:
        super().__init__(PART)

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """See above; with the host's whole ruleset where a mapping is to be there."""
        wanted = list(wanted)
        current = super().read(wanted)
        if any(one.new is not None for one in wanted):
            rules = self._ruleset()
            current[rules.key] = rules
        return current

    def _ruleset(self) -> Ruleset:
        self._nft.set_handle_output(True)
        text = self._run("list ruleset")
        self._nft.set_handle_output(False)
        self._nft.set_json_output(True)
        listed = self._run("list ruleset")
        self._nft.set_json_output(False)
        try:
            return Ruleset(with_translations(json.loads(listed)["nftables"], text))
        except ValueError:
            return Ruleset([])  # nft 1.0.6 writes no JSON for some tables of others: then there is nothing to say


def _named_set(kind: str, what: Mapping[str, Any]) -> NamedSet:
    types = what["type"] if isinstance(what["type"], list) else [what["type"]]
    value = f" : {what['map']}" if "map" in what else ""
    return NamedSet(kind, what["name"], " . ".join(map(str, types)) + value)


def _elements(what: Mapping[str, Any]) -> Iterator[Element]:
    for one in what.get("elem", []):
        match, value = one if "map" in what else (one, None)
        if isinstance(match, dict) and "elem" in match:  # somebody gave it a comment
            match = match["elem"]["val"]
        fields = match["concat"] if isinstance(match, dict) and "concat" in match else [match]
        types = what["type"] if isinstance(what["type"], list) else [what["type"]]
        yield Element(ElementKey(what["name"], tuple(_word(*pair) for pair in zip(types, fields))), value)


def _word(kind: str, value: Any) -> str:
    """A field of an element, as the model writes it."""
    if kind in ("ipv4_addr", "ipv6_addr"):
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            return str(value)
    return _PROTOCOLS.get(value, str(value)) if kind == "inet_proto" else str(value)


def _hook(what: Mapping[str, Any]) -> str:
    if "hook" not in what:
        return ""
    return f"type {what['type']} hook {what['hook']} priority {what['prio']}; policy {what['policy']};"


def _rule(what: Mapping[str, Any]) -> Rule:
    lookups = tuple(re.findall(r'"@(\w+)"', json.dumps(what["expr"])))
    return Rule(what.get("comment", ""), lookups, tuple(_statements(what)), "")


def _statements(what: Mapping[str, Any]) -> Iterator[str]:
    for one in what["expr"]:
        for name, content in one.items():
            if name == "mangle":
                yield f"mangle {content['value']}"
            elif not (name == "match" and content["left"] == {"meta": {"key": "nfproto"}}):
                yield name


def _dropped(what: Mapping[str, Any], name: str) -> int:
    """What a rule that drops has counted."""
    if not any("drop" in one for one in what["expr"]):
        return 0
    return sum(one["counter"][name] for one in what["expr"] if one.get("counter"))
