# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The section of the table that exempts packets for VIPs from connection tracking on a director.

With tunnels and direct routing, a director's connection tracking sees one direction of each connection, and calls what it
cannot match "invalid". Firewalls drop that before IPVS sees it.

Source: nft(8), statement C(notrack).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from .._core.values import Address
from .table import ElementKey, ItemKey, NamedSet, Rule, TableSection, by_family

# Of any port, of any port of a protocol, and errors that routers and clients send to a VIP.
_PORTS, _PROTOCOLS, _VIPS = "untracked_ports", "untracked_protocols", "untracked_vips"
_TYPES = {_PORTS: " . inet_proto . inet_service", _PROTOCOLS: " . inet_proto", _VIPS: ""}
_SETS = [
    NamedSet.of(by_family(name, version), f"ipv{version}_addr{types}") for name, types in _TYPES.items() for version in (4, 6)
]
# An error belongs to a connection that is not tracked: it would be invalid. Without it, no path MTU is found.
_ERRORS = {
    4: "icmp type { destination-unreachable, time-exceeded, parameter-problem }",
    6: "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }",
}


class Untracked(NamedTuple):
    """What is exempted: a port of a VIP; C(0) for every port."""

    vip: Address
    protocol: str
    port: int

    @property
    def key(self) -> ElementKey:
        """Its element."""
        if self.port:
            return ElementKey(by_family(_PORTS, self.vip.version), (str(self.vip), self.protocol, str(self.port)))
        return ElementKey(by_family(_PROTOCOLS, self.vip.version), (str(self.vip), self.protocol))


def is_service(key: ElementKey) -> bool:
    """Whether an element is of a service; others follow from these."""
    return not key.set.startswith(_VIPS)


def errors_of(services: Iterable[ElementKey]) -> list[ElementKey]:
    """The elements for the errors that belong to these services."""
    vips = dict.fromkeys((key.match[0], 6 if ":" in key.match[0] else 4) for key in services)
    return [ElementKey(by_family(_VIPS, version), (vip,)) for vip, version in vips]


def _sets(elements: Collection[ElementKey]) -> Sequence[NamedSet]:
    used = {key.set for key in elements}
    return [named_set for named_set in _SETS if named_set.key.name in used]


def _rule(named_set: NamedSet) -> Rule:
    name = named_set.key.name
    version = 6 if name.endswith("6") else 4
    header = by_family("ip", version)
    if name.startswith(_VIPS):
        return Rule.of("notrack", f"{header} daddr @{name} {_ERRORS[version]} notrack", "match", "match", "notrack")
    port = " . th dport" if name.startswith(_PORTS) else ""
    return Rule.of("notrack", f"{header} daddr . meta l4proto{port} @{name} notrack", "match", "notrack")


SECTION = TableSection(
    set_names="|".join(named_set.key.name for named_set in _SETS),
    chain=ItemKey("chain", "no_tracking"),
    # Before packets are tracked (NF_IP_PRI_CONNTRACK is -200): where the kernel's table "raw" is (NF_IP_PRI_RAW).
    hook="type filter hook prerouting priority -300; policy accept;",
    sets=_sets,
    rules=lambda sets: [_rule(named_set) for named_set in sets],
)
