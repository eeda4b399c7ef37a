# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which virtual services a keepalived.conf of somebody else names. Pure.

Only the lines that name services are read. What they cannot tell is given back as it is written.
Sources: keepalived.conf(5), lib/parser.c and keepalived/check/check_data.c of keepalived 2.2.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from .._core.values import Address
from .model import ServiceKey

# A service, or a group of them, up to the next one.
_BLOCK = re.compile(r"^\s*(?:@\S+\s+)?(virtual_server(?:_group)?)\s+(.*?)\s*\{?\s*$", re.MULTILINE)
_INCLUDE = re.compile(r"^\s*(include[a-z]?\s.*?)\s*$", re.MULTILINE)
_PROTOCOL = re.compile(r"^\s*protocol\s+(\w+)", re.MULTILINE)
_COMMENT = re.compile(r"[#!].*")
_MARK = "fwmark"


@dataclass(frozen=True)
class _Name:
    """What identifies one service, or all from one address to another."""

    first: Address | None = None  # None: a firewall mark
    last: Address | None = None
    port: int = 0
    protocol: str = "tcp"
    fwmark: int = 0

    def names(self, key: ServiceKey) -> bool:
        """Whether a service is meant. Of a firewall mark, the family is not looked at."""
        if self.first is None or self.last is None:
            return key.vip is None and key.fwmark == self.fwmark
        if key.vip is None or key.vip.version != self.first.version:
            return False
        of_address = int(self.first) <= int(key.vip) <= int(self.last)
        return of_address and (key.port, key.protocol) == (self.port, self.protocol)


@dataclass(frozen=True)
class ForeignServices:
    """The services of a configuration."""

    names: Sequence[_Name] = ()
    unread: Sequence[str] = ()  # lines by which it may have others: files that it includes, and what is not written out

    def has(self, key: ServiceKey) -> bool:
        """Whether a service is among them."""
        return any(name.names(key) for name in self.names)

    def __bool__(self) -> bool:
        return bool(self.names or self.unread)


def foreign_services(text: str) -> ForeignServices:
    """The services that a configuration names.

    :param text: a file that this collection did not make
    """
    lines = "\n".join(_COMMENT.sub("", line) for line in text.splitlines())
    names: list[_Name] = []
    unread: list[str] = []
    blocks = list(_blocks(lines))
    groups = {given.partition(" ")[0]: _members(body) for kind, given, body in blocks if kind == "virtual_server_group"}
    for kind, given, body in blocks:
        if kind != "virtual_server":
            continue
        protocol = _PROTOCOL.search(body)
        words = given.split()
        rows = groups.get(words[1], [words]) if words[:1] == ["group"] and len(words) > 1 else [words]
        for row in rows:
            name = _name(row, protocol[1].lower() if protocol else "tcp")
            if name is None:
                unread.append(f"{kind} {' '.join(row)}")
            else:
                names.append(name)
    return ForeignServices(names, [*dict.fromkeys([*_INCLUDE.findall(lines), *unread])])


def _blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Of each block its kind, what stands behind it, and what is in it, or behind it up to the next one."""
    found = list(_BLOCK.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends):
        yield match[1], " ".join(match[2].replace("{", " ").split()), text[match.end() : end]


def _members(body: str) -> list[list[str]]:
    """The rows of a group."""
    return [words for line in body.partition("}")[0].splitlines() for words in [line.strip(" \t{").split()] if words]


def _name(words: Sequence[str], protocol: str) -> _Name | None:
    """A service by C(ADDRESS PORT), C(ADDRESS-END PORT) or C(fwmark MARK); None where it is not written out."""
    try:
        if words[0] == _MARK:
            return _Name(fwmark=int(words[1], 0))
        address, _dash, end = words[0].partition("-")
        first = ip_address(address)
        last = ip_address(_with_end(address, end)) if end else first
        return _Name(first, last, int(words[1]) if len(words) > 1 else 0, protocol)
    except (IndexError, ValueError):
        return None


def _with_end(address: str, end: str) -> str:
    """The last address of a range, such as C(192.0.2.10-20): it differs in what comes behind the last dot, or colon."""
    separator = ":" if ":" in address else "."
    return f"{address.rpartition(separator)[0]}{separator}{end}"
