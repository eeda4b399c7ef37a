# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module tunnel_guard: tunnelled packets are accepted from the directors only.

Sources: nft(8); include/uapi/linux/in.h of Linux for the protocols.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import PURGE, STATE, Facts, Faults, Options, argument_spec
from .._net import tunnel
from .section import SectionDesired, SectionResource, is_absent, read_purge
from .table import Element, ElementKey, ItemKey, NamedSet, Rule, SectionSeen, TableSection, by_family

LISTS = ("sources", "protocols", "gue_ports")
ARGUMENT_SPEC = {
    **argument_spec(STATE, PURGE),
    "sources": {"type": "list", "elements": "str"},
    "protocols": {"type": "list", "elements": "int", "choices": list(tunnel.PROTOCOLS)},
    "gue_ports": {"type": "list", "elements": "int"},
}

_SOURCES, _PROTOCOLS, _GUE_PORTS = "tunnel_sources", "tunnel_protocols", "gue_ports"
_SETS = (
    NamedSet.of(by_family(_SOURCES, 4), "ipv4_addr"),
    NamedSet.of(by_family(_SOURCES, 6), "ipv6_addr"),
    NamedSet.of(_PROTOCOLS, "inet_proto"),
    NamedSet.of(_GUE_PORTS, "inet_service"),
)


def _sets(elements: Collection[ElementKey]) -> Sequence[NamedSet]:
    return _SETS if any(key.set in (_PROTOCOLS, _GUE_PORTS) for key in elements) else ()


def _rules() -> Sequence[Rule]:
    rules = []
    for tunnelled in (f"meta l4proto @{_PROTOCOLS}", f"udp dport @{_GUE_PORTS}"):
        for header, version in (("ip", 4), ("ip6", 6)):
            text = f"{header} saddr @{by_family(_SOURCES, version)} {tunnelled} counter accept"
            rules.append(Rule.of("tunnel_guard", text, "match", "match", "counter", "accept"))
        rules.append(Rule.of("tunnel_guard", f"{tunnelled} counter drop", "match", "counter", "drop"))
    return rules


SECTION = TableSection(
    set_names="|".join(named_set.key.name for named_set in _SETS),
    chain=ItemKey("chain", "tunnel_guard"),
    # Before the filter chains of others (NF_IP_PRI_FILTER is 0), so that what is dropped here never gets to them; what is
    # accepted here goes on to them.
    hook="type filter hook input priority -10; policy accept;",
    sets=_sets,
    rules=lambda sets: _rules(),
)


class TunnelGuard(SectionResource[SectionDesired]):
    """The guard of a real server."""

    section = SECTION

    def parse(self, options: Options) -> SectionDesired:
        """The elements of the sets that O(sources), O(protocols) and O(gue_ports) name."""
        faults = Faults()
        purge = faults.read(read_purge, options)
        keys: list[ElementKey] = []
        for read in (_read_sources, _read_protocols, _read_gue_ports):
            keys += faults.collect(read, options) or ()
        faults.raise_all()
        absent = is_absent(options)
        wanted = [Element(key).absent() if absent else Element(key).wanted() for key in keys]
        everything = absent and all(options[name] is None for name in LISTS)
        return SectionDesired(wanted, remove_others=purge.value or everything)

    def result(self, desired: SectionDesired, seen: SectionSeen) -> Facts:
        """The guard as it is now, and what it has dropped so far."""
        matches: dict[str, list[str]] = {named_set.key.name: [] for named_set in _SETS}
        for key in seen.items:
            if isinstance(key, ElementKey):
                matches[key.set] += key.match
        sources = [sorted(matches[by_family(_SOURCES, version)], key=_number) for version in (4, 6)]
        exists = SECTION.chain in seen.items  # its counters go with it
        return {
            "guard": {
                "sources": sources[0] + sources[1],
                "protocols": sorted(map(int, matches[_PROTOCOLS])),
                "gue_ports": sorted(map(int, matches[_GUE_PORTS])),
            },
            "dropped": {
                "packets": seen.context.dropped_packets if exists else 0,
                "bytes": seen.context.dropped_bytes if exists else 0,
            },
        }


def _read_sources(options: Options) -> list[ElementKey]:
    sources = options["sources"]
    if not is_absent(options):
        if sources is None:
            raise MissingValue("sources", "name the directors' addresses, from which tunnelled packets may come")
        if not sources and not options["purge"]:
            why = "is empty: name the directors' addresses, or set purge to accept tunnelled packets from no host"
            raise InvalidValue("sources", "[]", why)
    addresses = [values.address("sources", source) for source in sources or ()]
    return [ElementKey(by_family(_SOURCES, address.version), (str(address),)) for address in addresses]


def _read_protocols(options: Options) -> list[ElementKey]:
    protocols = options["protocols"]
    if protocols is None:
        protocols = () if is_absent(options) else tunnel.PROTOCOLS
    return [ElementKey(_PROTOCOLS, (str(tunnel.read_protocol("protocols", number)),)) for number in protocols]


def _read_gue_ports(options: Options) -> list[ElementKey]:
    return [ElementKey(_GUE_PORTS, (str(values.port("gue_ports", port)),)) for port in options["gue_ports"] or ()]


def _number(address: str) -> int:
    return int(values.any_address("sources", address))
