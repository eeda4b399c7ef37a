# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the filters at the hook C(input) make of a new connection whose destination was translated.

They see the translated port: who opened the public one, and not that, has a mapping that nobody gets through.

Each match of a rule is true, false, or unknown (None), as it depends on the client, the device, the time, or on what is
not understood here. Only what holds whatever the unknown ones are is said: there may be a drop that goes unnoticed, such
as one by a rule that names the client's network, and there is no alarm for a packet that gets through.

What iptables-nft hands to the kernel as extensions of iptables (conntrack, multiport, addrtype) has no more than its
name in JSON; what such a match asks is only in the text listing: see C(with_translations).

Sources: libnftables-json(5), nft(8); net/netfilter/nf_tables_core.c of Linux.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from .._core.values import Address

Answer = Optional[bool]

_PROTOCOL_NUMBERS = {6: "tcp", 17: "udp"}  # without /etc/protocols, nft writes a protocol as its number
_OTHER_TRANSPORTS = ("icmp", "icmpv6", "igmp", "sctp", "dccp", "udplite", "esp", "ah", "comp", "gre", "grev6")
_ORDERS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}

# Statements that let the next one have the packet, whatever they do.
_WITHOUT_EFFECT = ("counter", "log", "mangle", "continue", "comment", "last", "notrack")
_CONDITIONS = ("limit", "quota", "ct count", "set", "map", "meter")  # depend on what went before; a full set ends a rule
_VERDICTS = ("accept", "queue", "drop", "reject", "jump", "goto", "return")
_XT_WITHOUT_EFFECT = ("comment", "LOG", "NFLOG", "MARK", "CONNMARK", "SET", "TRACE")

# What comes of an expression of another shape than those that are known here.
_NOT_UNDERSTOOD = (AttributeError, IndexError, KeyError, TypeError, ValueError)

_UNKNOWN = object()
_ABSENT = object()  # of a header that the packet has not: no rule that asks for it matches, not even with !=
_NETWORK = object()  # the device that a packet of the network comes in on: any but lo


class _Bits(NamedTuple):
    """A value of bits, by their names: which are set and which are not; others may be either."""

    on: frozenset[str]
    off: frozenset[str]


# A first packet may ask for ECN, which are two more flags: RFC 3168.
_SYN = _Bits(frozenset(["syn"]), frozenset(["fin", "rst", "ack"]))
_STATE = _Bits(frozenset(["new"]), frozenset(["established", "related", "invalid", "untracked"]))
_STATUS = _Bits(frozenset(["dnat"]), frozenset())


class _Outcome(NamedTuple):
    """What a chain may do with the packet."""

    passes: bool  # it may let it through
    drop: str  # where it drops it, if it may; where several do, the last
    falls: bool  # it may reach the chain's end, or a return


def dropping(ruleset: Sequence[Mapping[str, Any]], family: int, protocol: str, destination: Address, port: int) -> str | None:
    """Where a new connection from the network is certainly dropped or rejected; None if it gets through, or might.

    :param ruleset: the list under C(nftables) of C(nft -j list ruleset)
    :param family: 4 or 6
    :param protocol: C(tcp) or C(udp)
    :param destination: the packet's destination behind the translation
    :param port: likewise
    """
    tables = _Table.all_of(ruleset)
    packet = _Packet(family, protocol, destination, port)
    base = [chain for chain in _parts(ruleset, "chain") if chain.get("hook") == "input" and chain.get("type") == "filter"]
    for chain in sorted(base, key=_priority):
        table = tables.get((chain.get("family"), chain.get("table")))
        if table is None or table.dormant or chain["family"] not in ("inet", "ip" if family == 4 else "ip6"):
            continue
        outcome = _Judge(table, packet).chain(chain.get("name"))
        if outcome.passes:
            continue
        if not outcome.falls:
            return outcome.drop
        if chain.get("policy") == "drop":
            return f"{table.place(chain.get('name'))}, its policy"
    return None


def with_translations(ruleset: Sequence[Mapping[str, Any]], listing: str) -> list[Mapping[str, Any]]:
    """The ruleset, with those matches of iptables' extensions understood that the text listing translates.

    Of C(conntrack) that is C(ct state), unless it asks for more than that; of C(multiport), a port of the destination.

    :param listing: what C(nft -a list ruleset) prints
    """
    lines = _lines_of(listing)
    translated: list[Mapping[str, Any]] = []
    for entry in ruleset:
        rule = entry.get("rule")
        if isinstance(rule, Mapping) and any("xt" in statement for statement in rule.get("expr", ())):
            text = lines.get(tuple(str(rule.get(part)) for part in ("family", "table", "chain", "handle")), "")
            entry = {"rule": {**rule, "expr": [_understood(statement, text) for statement in rule["expr"]]}}
        translated.append(entry)
    return translated


class _Packet:
    """The first packet of a connection, as far as it is known."""

    def __init__(self, family: int, protocol: str, destination: Address, port: int) -> None:
        self._ip = {4: "ip", 6: "ip6"}[family]
        self._protocol = protocol
        self._of_ip = {"daddr": destination, "protocol": protocol, "nexthdr": protocol}
        self._port = port
        self._of_meta = {
            "l4proto": protocol,
            "nfproto": f"ipv{family}",
            "protocol": self._ip,
            "iifname": _NETWORK,
            "iif": _NETWORK,
        }

    def value(self, expression: Any) -> Any:
        """What an expression is for this packet; a tuple for a concatenation."""
        kind, what = _item(expression)
        if kind == "concat":
            return tuple(self.value(part) for part in what)
        if kind == "meta":
            return self._of_meta.get(what["key"], _UNKNOWN)
        if kind == "ct" and "dir" not in what:
            return {"state": "new", "direction": "original"}.get(what["key"], _UNKNOWN)
        if kind == "payload":
            return self._payload(what.get("protocol"), what.get("field"))
        return _UNKNOWN

    def bits(self, expression: Any) -> _Bits | None:
        """What an expression is for this packet, if that is bits."""
        kind, what = _item(expression)
        if kind == "ct" and "dir" not in what:
            return {"state": _STATE, "status": _STATUS}.get(what["key"])
        is_flags = kind == "payload" and (what.get("protocol"), what.get("field")) == ("tcp", "flags")
        return _SYN if is_flags and self._protocol == "tcp" else None

    def _payload(self, header: object, field: str) -> Any:
        if header in ("ip", "ip6"):
            return self._of_ip.get(field, _UNKNOWN) if header == self._ip else _ABSENT
        if header in ("th", self._protocol):
            return self._port if field == "dport" else _UNKNOWN
        return _ABSENT if header in ("tcp", "udp", *_OTHER_TRANSPORTS) else _UNKNOWN


class _Table:
    """The chains, sets and maps of one table."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.name = f"{table.get('family')} {table.get('name')}"
        # nft 1.0.6 writes a flag as what happens to be in its memory: one that is not known may be `dormant`.
        flags = table.get("flags") or []
        self.dormant = not {"owner", "persist"}.issuperset([flags] if isinstance(flags, str) else flags)
        self.rules: dict[Any, list[Mapping[str, Any]]] = {}
        self.elements: dict[str, Sequence[Any]] = {}
        self.updated: set[str] = set()  # the sets that rules fill

    @classmethod
    def all_of(cls, ruleset: Sequence[Mapping[str, Any]]) -> dict[Any, _Table]:
        """The tables of a ruleset, by family and name."""
        tables = {(table.get("family"), table.get("name")): cls(table) for table in _parts(ruleset, "table")}
        for kind in ("chain", "set", "map", "rule"):
            for part in _parts(ruleset, kind):
                table = tables.get((part.get("family"), part.get("table")))
                if table is not None:
                    table.take(kind, part)
        return tables

    def take(self, kind: str, part: Mapping[str, Any]) -> None:
        """Add what the table holds."""
        if kind == "chain":
            self.rules.setdefault(part.get("name"), [])
        elif kind == "rule":
            self.rules.setdefault(part.get("chain"), []).append(part)
            for statement in part.get("expr", ()):
                verb, what = _item(statement)
                if verb in ("set", "map") and isinstance(what, Mapping):
                    self.updated.add(str(what.get(verb)))
        else:
            self.elements[f"@{part.get('name')}"] = part.get("elem", [])

    def place(self, chain: object) -> str:
        """A chain, for a message."""
        return f"table {self.name}, chain {chain}"


class _Judge:
    """Walks through the chains of a table with a packet."""

    def __init__(self, table: _Table, packet: _Packet) -> None:
        self._table = table
        self._packet = packet
        self._outcomes: dict[Any, _Outcome] = {}

    def chain(self, name: Any) -> _Outcome:
        """What a chain may do with the packet."""
        if name not in self._outcomes:
            # What calls itself, or is not there, is not understood.
            self._outcomes[name] = _Outcome(passes=True, drop="", falls=True)
            if name in self._table.rules:
                self._outcomes[name] = self._walk(name)
        return self._outcomes[name]

    def _walk(self, name: Any) -> _Outcome:
        passes, drop, falls = False, "", False
        for rule in self._table.rules[name]:
            for verdict, what, certain in self._verdicts(rule.get("expr", ())):
                final = True
                if verdict in ("jump", "goto"):
                    there = self.chain(what["target"])
                    passes, drop = passes or there.passes, there.drop or drop
                    if verdict == "goto":
                        falls = falls or there.falls
                    else:
                        final = not there.falls
                elif verdict in ("drop", "reject"):
                    drop = f"{self._table.place(name)}, the rule with handle {rule.get('handle')}"
                elif verdict == "return":
                    falls = True
                else:
                    passes = True
                if certain and final:
                    return _Outcome(passes, drop, falls)
        return _Outcome(passes, drop, falls=True)

    def _verdicts(self, statements: Iterable[Any]) -> Iterator[tuple[str, Any, bool]]:
        """The verdicts that a rule may come to, and whether it is certain that it does."""
        certain = True
        for statement in statements:
            kind, what = _item(statement)
            if kind == "xt":
                kind, what = _of_extension(what)
            if kind in _VERDICTS:
                yield kind, what, certain
                return
            if kind == "vmap":
                try:
                    found = self._looked_up(what)
                except _NOT_UNDERSTOOD:
                    found = [(None, {"accept": None})]
                for fits, verdict in found:
                    yield (*_item(verdict), certain and fits is True)
                return
            if kind == "match":
                answer = self._match(what)
                if answer is False:
                    return
                certain = certain and answer is True
            elif kind not in _WITHOUT_EFFECT:
                certain = False
                if kind not in _CONDITIONS:
                    yield "accept", None, False  # whatever it is, it might

    def _looked_up(self, vmap: Mapping[str, Any]) -> list[tuple[Answer, Any]]:
        """The verdicts of a map that may apply."""
        key, data = self._packet.value(vmap.get("key")), vmap.get("data")
        name = data if isinstance(data, str) else ""
        elements = self._table.elements.get(name) if name else _item(data)[1]
        if elements is None or name in self._table.updated:
            return [(None, {"accept": None})]
        if key is _ABSENT or _ABSENT in (key if isinstance(key, tuple) else ()):
            return []
        found = [(self._fits(key, pattern), verdict) for pattern, verdict in elements if pattern != "*"]
        # What is for all others applies where none of them certainly does.
        others = _negated(_any_of(fits for fits, _verdict in found))
        found += [(others, verdict) for pattern, verdict in elements if pattern == "*"]
        return [(fits, verdict) for fits, verdict in found if fits is not False and _item(verdict)[0] in _VERDICTS]

    def _match(self, match: Mapping[str, Any]) -> Answer:
        try:
            return self._asked(match["op"], match["left"], match["right"])
        except _NOT_UNDERSTOOD:
            return None

    def _asked(self, op: str, left: Any, right: Any) -> Answer:
        value = self._packet.value(left)
        if value is _ABSENT or _ABSENT in (value if isinstance(value, tuple) else ()):
            return False
        bits = self._packet.bits(left)
        if bits is not None and op in ("in", "!"):
            answer = _has_any(bits, _names(right))
            return answer if op == "in" else _negated(answer)
        if _item(left)[0] == "&":
            of, mask = left["&"]
            if self._packet.value(of) is _ABSENT:
                return False
            masked = self._packet.bits(of)
            answer = None if masked is None else _equals(masked, _names(mask), _names(right))
        elif op in _ORDERS:
            return _ORDERS[op](value, right) if isinstance(value, int) else None
        else:
            answer = self._fits(value, right)
        return {"==": answer, "in": answer, "!=": _negated(answer)}.get(op)

    def _fits(self, value: Any, pattern: Any) -> Answer:
        """Whether a value is the one, or one of those, that a rule or an element of a set names."""
        if pattern == "*":
            return True
        if isinstance(pattern, str) and pattern.startswith("@"):
            elements = self._table.elements.get(pattern)
            answer = None if elements is None else _any_of(self._fits(value, element) for element in elements)
            return None if answer is False and pattern in self._table.updated else answer
        kind, what = _item(pattern)
        if kind == "set":
            return _any_of(self._fits(value, element) for element in (what if isinstance(what, list) else [what]))
        if kind == "elem":
            answer = self._fits(value, what["val"])
            return None if answer and "expires" in what else answer
        if isinstance(value, tuple):
            if kind != "concat" or len(what) != len(value):
                return None
            return _negated(_any_of(_negated(self._fits(part, one)) for part, one in zip(value, what)))
        if value is _UNKNOWN:
            return None
        if value is _NETWORK:
            return False if pattern == "lo" else None
        return _is(value, kind, what, pattern)


def _is(value: Any, kind: str, what: Any, pattern: Any) -> Answer:
    """The same for a single known value, and one, a range or a prefix of such."""
    if isinstance(value, str):
        if isinstance(pattern, list):  # bits that are set together
            return False if value not in pattern else None
        if isinstance(pattern, int):
            return _PROTOCOL_NUMBERS.get(pattern) == value if value in _PROTOCOL_NUMBERS.values() else None
        return value == pattern if isinstance(pattern, str) else None
    read = int if isinstance(value, int) else ipaddress.ip_address
    if kind == "range":
        lowest, highest = map(read, what)
        return bool(lowest <= value <= highest)
    if kind == "prefix":
        return value in ipaddress.ip_network((what["addr"], what["len"]))
    return bool(value == read(pattern))


def _any_of(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    if True in found:
        return True
    return None if None in found else False


def _negated(answer: Answer) -> Answer:
    return None if answer is None else not answer


def _has_any(bits: _Bits, names: frozenset[str]) -> Answer:
    if names & bits.on:
        return True
    return False if names <= bits.off else None


def _equals(bits: _Bits, mask: frozenset[str], names: frozenset[str]) -> Answer:
    known = mask & (bits.on | bits.off)
    if bits.on & known != names & known:
        return False
    return True if known == mask and names <= mask else None


def _names(bits: Any) -> frozenset[str]:
    """Bits by their names: one, several in a list, or, as newer versions have it, or-ed."""
    if isinstance(bits, str):
        return frozenset([bits])
    if isinstance(bits, Mapping):
        bits = bits["|"]
    if bits == 0:
        return frozenset()
    return frozenset().union(*(_names(bit) for bit in bits))


def _item(thing: Any) -> tuple[str, Any]:
    """The one key of an object of nft's JSON, and what it has there."""
    if isinstance(thing, Mapping) and len(thing) == 1:
        return next(iter(thing.items()))
    return "", None


def _parts(ruleset: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [entry[kind] for entry in ruleset if isinstance(entry.get(kind), Mapping)]


def _priority(chain: Mapping[str, Any]) -> int:
    priority = chain.get("prio")
    return priority if isinstance(priority, int) else 0


def _of_extension(extension: Any) -> tuple[str, Any]:
    """A match or target of iptables as the statement that it amounts to."""
    kind, name = (extension.get("type"), extension.get("name")) if isinstance(extension, Mapping) else ("", "")
    if name in _XT_WITHOUT_EFFECT:
        return "comment", None
    if kind == "match":
        return "limit", None  # something unknown to be met
    return ("reject", None) if name == "REJECT" else (f"xt {name}", None)


_OPENING = re.compile(r"(table|chain) (.+) \{")
_STATE_TEXT = re.compile(r"\bct state (! |!= )?([a-z,]+)(?= |$)")
_PORT_TEXT = re.compile(r"\b(tcp|udp) dport (!= )?(\{[^}]*\}|[0-9-]+)(?= |$)")


def _lines_of(listing: str) -> dict[tuple[str, ...], str]:
    """The rules of a text listing, by family, table, chain and handle."""
    lines = {}
    place = {"table": "", "chain": ""}
    for line in map(str.strip, listing.splitlines()):
        text, mark, handle = line.rpartition(" # handle ")
        opening = _OPENING.fullmatch(text)
        if opening:
            place[opening[1]] = opening[2]
        elif mark:
            lines[(*place["table"].split(" ", 1), place["chain"], handle)] = text
    return lines


def _understood(statement: Any, text: str) -> Any:
    """A match of iptables in nft's words, if the rule's text has them, and no others that it might be, too."""
    kind, extension = _item(statement)
    name = extension.get("name") if kind == "xt" and isinstance(extension, Mapping) else ""
    if name == "conntrack" and len(re.findall(r"\bct ", text)) == 1:
        state = _STATE_TEXT.search(text)
        if state:
            return _as_match("!" if state[1] else "in", {"ct": {"key": "state"}}, state[2].split(","))
    if name == "multiport" and len(re.findall(r"\b[sd]port ", text)) == 1:
        ports = _PORT_TEXT.search(text)
        if ports:
            left = {"payload": {"protocol": ports[1], "field": "dport"}}
            return _as_match(
                "!=" if ports[2] else "==", left, {"set": [_port(one) for one in ports[3].strip("{ }").split(",")]}
            )
    return statement


def _as_match(op: str, left: Any, right: Any) -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _port(text: str) -> Any:
    ends = [int(end) for end in text.split("-")]
    return {"range": ends} if len(ends) == 2 else ends[0]
