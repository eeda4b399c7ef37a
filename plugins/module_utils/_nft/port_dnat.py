# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module port_dnat: packets for a port of a VIP are handed to another port of the same VIP.

Source: nft(8), statement C(dnat), and its maps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import PURGE, STATE, Facts, Faults, Option, Options, Unique, argument_spec, choice, integer, rows
from .._core.reconcile import Wanted
from .section import SectionDesired, SectionResource, is_absent, read_purge, read_required
from .table import (
    Element,
    ElementKey,
    ItemKey,
    Key,
    NamedMap,
    NamedSet,
    Rule,
    SectionSeen,
    TableItem,
    TableSection,
    by_family,
)

PROTOCOLS = ("tcp", "udp")

_VIP = Option("vip", values.network_vip)
_PORT = integer("port", 1, 65535)
_TO_PORT = integer("to_port", 1, 65535)
_PROTOCOL = choice("protocol", PROTOCOLS, default="tcp")
ROW = (_VIP, _PORT, _TO_PORT, _PROTOCOL)
_FIELDS = [option.name for option in ROW]
# Ansible does not look into the rows: parse names every fault with its row.
ARGUMENT_SPEC = {**argument_spec(STATE, PURGE, *ROW), "mappings": {"type": "list", "elements": "dict"}}

_MAP = "port_dnat"


def _maps(elements: Collection[ElementKey]) -> Sequence[NamedSet]:
    if not elements:
        return ()
    types = "inet_proto . inet_service : inet_service"
    return [NamedMap.of(by_family(_MAP, version), f"ipv{version}_addr . {types}") for version in (4, 6)]


def _rule(version: int) -> Rule:
    name, header = by_family(_MAP, version), by_family("ip", version)
    text = (
        f"meta nfproto ipv{version} meta l4proto {{ tcp, udp }} dnat to :{header} daddr . meta l4proto . th dport map @{name}"
    )
    return Rule.of(name, text, "match", "dnat")


SECTION = TableSection(
    set_names=rf"{_MAP}6?",
    chain=ItemKey("chain", "prerouting"),
    # nat chains see the first packet of a connection; -100 is where destinations are translated (NF_IP_PRI_NAT_DST).
    hook="type nat hook prerouting priority -100; policy accept;",
    sets=_maps,
    rules=lambda _maps: [_rule(4), _rule(6)],
)


class PortDnat(SectionResource[SectionDesired]):
    """The port mappings of a real server."""

    section = SECTION

    def parse(self, options: Options) -> SectionDesired:
        """The mappings that O(mappings) lists, or the one of O(vip), O(port), O(to_port) and O(protocol)."""
        faults = Faults()
        purge = faults.read(read_purge, options)
        single = [name for name in ("vip", "port", "to_port") if options[name] is not None]
        wanted: list[Wanted[Key, TableItem]] = []
        if options["mappings"] is not None:
            for name in single:
                faults.add(InvalidValue(name, options[name], "cannot go with mappings: write it into a row of them"))
            wanted = _read_mappings(options, faults)
        elif single:
            mapping = faults.collect(_read_mapping, options, is_absent(options))
            wanted = [mapping] if mapping else []
        else:
            why = "name one mapping by vip, port and to_port, or several of them as mappings"
            faults.add(MissingValue("vip", why))
        faults.raise_all()
        return SectionDesired(wanted, remove_others=purge.value)

    def result(self, desired: SectionDesired, seen: SectionSeen) -> Facts:
        """The named mappings as they are now; where one exists, that one on its own, too."""
        items = [seen.items.get(wanted.key) for wanted in desired.wanted]
        mappings = [_facts(item) for item in items if isinstance(item, Element)]
        return {"mapping": mappings[0] if len(mappings) == 1 else {}, "mappings": mappings}


def _read_mappings(options: Options, faults: Faults) -> list[Wanted[Key, TableItem]]:
    absent, unique = is_absent(options), Unique(faults)
    mappings = list(rows("mappings", options["mappings"], _FIELDS, lambda row: _read_mapping(row, absent), faults))
    for place, mapping in mappings:
        unique.add(mapping.key, place)
    return [mapping for _place, mapping in mappings]


def _read_mapping(row: Options, absent: bool) -> Wanted[Key, TableItem]:
    """The mapping that O(vip), O(port), O(to_port) and O(protocol) describe."""
    faults = Faults()
    vip = faults.read(read_required, row, _VIP, "name the address that clients use")
    protocol = faults.read(_PROTOCOL.read, row.get("protocol") or _PROTOCOL.default)
    port = faults.collect(read_required, row, _PORT, "name the port that clients use")
    to_port = None  # the key of a mapping is enough to remove it
    if not absent:
        to_port = faults.collect(read_required, row, _TO_PORT, "name the port that answers")
        if to_port is not None and to_port == port:
            faults.add(InvalidValue("to_port", to_port, "is the port itself: there is nothing to map"))
    faults.raise_all()
    key = ElementKey(by_family(_MAP, vip.value.version), (str(vip.value), protocol.value, str(port)))
    mapping = Element(key, to_port)
    return mapping.absent() if absent else mapping.wanted()


def _facts(mapping: Element) -> Facts:
    vip, protocol, port = mapping.key.match
    return {"vip": vip, "protocol": protocol, "port": int(port), "to_port": mapping.value}
