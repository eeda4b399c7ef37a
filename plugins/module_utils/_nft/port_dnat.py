# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Port mappings: packets for a VIP's port, handed to another port of the same VIP.

Source: nft(8), statement C(dnat), and its maps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core import values
from .._core.errors import Faults, InvalidValue, MissingValue, raise_all
from .._core.reconcile import Item, Wanted
from . import table as nft
from . import verdict

PROTOCOLS = ("tcp", "udp")
FIELDS = ("vip", "port", "to_port", "protocol")

_MAP = "port_dnat"


def _map(version: int) -> nft.NamedSet:
    types = f"ipv{version}_addr . inet_proto . inet_service : inet_service"
    return nft.NamedSet("map", nft.by_family(_MAP, version), types)


def _rule(version: int) -> nft.Rule:
    name, header = nft.by_family(_MAP, version), nft.by_family("ip", version)
    text = (
        f"meta nfproto ipv{version} meta l4proto {{ tcp, udp }} dnat to :{header} daddr . meta l4proto . th dport map @{name}"
    )
    return nft.Rule.of(name, text, "match", "dnat")


_CHAIN = nft.Chain(
    "prerouting",
    # nat chains see the first packet of a connection; -100 is where destinations are translated (NF_IP_PRI_NAT_DST).
    "type nat hook prerouting priority -100; policy accept;",
    (_rule(4), _rule(6)),
)


def _shape(mappings: Collection[nft.ElementKey]) -> Sequence[Item]:
    return (_map(4), _map(6), _CHAIN) if mappings else ()


PART = nft.Part(sets=rf"{_MAP}6?", chain=_CHAIN.name, shape=_shape)


def _key(vip: Any, protocol: Any, port: Any) -> nft.ElementKey:
    return nft.ElementKey(nft.by_family(_MAP, vip.version), (str(vip), protocol, str(port)))


def _vip(row: Mapping[str, Any]) -> values.Address:
    return values.vip(nft.required(row, "vip", "name the address that clients use"))


def _port(row: Mapping[str, Any], option: str, which: str) -> int:
    return values.port(option, nft.required(row, option, f"name the port that {which}"))


def _mapping(row: Mapping[str, Any], state: str) -> Wanted[nft.Element]:
    """One mapping, as the options O(vip), O(port), O(to_port) and O(protocol) describe it."""
    faults = Faults()
    vip = faults.take(_vip, row)
    protocol = faults.take(values.choice, "protocol", row.get("protocol") or "tcp", PROTOCOLS)
    port = faults.take(_port, row, "port", "clients use")
    # Of a mapping that goes, the key is enough.
    to_port = faults.take(_port, row, "to_port", "answers") if state == "present" else None
    if to_port is not None and to_port == port:
        faults.found.append(InvalidValue("to_port", to_port, "is the port itself: there is nothing to map"))
    raise_all(faults.found)
    key = _key(vip, protocol, port)
    return Wanted.absent(key) if state == "absent" else nft.Element(key, to_port).wanted()


def _named(options: Mapping[str, Any], faults: Faults) -> list[Wanted[nft.Element]]:
    """The mappings that the options name, in their order."""
    state, listed = options["state"], options.get("mappings")
    single = [name for name in ("vip", "port", "to_port") if options.get(name) is not None]
    if listed is None and not single:
        raise MissingValue("vip", "name one mapping by vip, port and to_port, or several of them as mappings")
    if listed is None:
        one = faults.take(_mapping, options, state)
        return [] if one is None else [one]
    for name in single:
        faults.found.append(InvalidValue(name, options[name], "cannot go with mappings: write it into a row of them"))
    seen: dict[nft.ElementKey, str] = {}
    read = nft.rows("mappings", listed, FIELDS, lambda row: _mapping(row, state), faults)
    for place, one in read.items():
        if one.key in seen:
            faults.found.append(InvalidValue(place, one.key, f"is {seen[one.key]} already: list it once"))
        seen.setdefault(one.key, place)
    return list(read.values())


def wanted_mappings(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What the options O(mappings), or O(vip), O(port), O(to_port) and O(protocol), and O(state) describe.

    :raises LvsError: all that is wrong with them
    """
    faults = Faults()
    faults.take(nft.purges, options)
    wanted = faults.take(_named, options, faults)
    raise_all(faults.found)
    return PART.plan(wanted or [], {})


def with_purge(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """The plan, given what there is: with O(purge), mappings that are not named go."""
    ours = {key: item for key, item in current.items() if not isinstance(item, Ruleset)}
    return PART.plan(wanted, ours, goes=lambda key: nft.purges(options))


@dataclass(frozen=True)
class Ruleset(Item):
    """All rules of the host: others' may stop what is translated here."""

    rules: Sequence[Mapping[str, Any]]
    KEY: ClassVar[str] = "ruleset"

    @property
    def key(self) -> Any:
        """There is one."""
        return self.KEY


def report(options: Mapping[str, Any], keys: Sequence[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The named mappings as they are now, one of them on its own, too; a warning where a filter drops what it gets."""
    named = [key for key in keys if isinstance(key, nft.ElementKey) and key in items]
    facts = [_facts(items[key]) for key in named]
    result: dict[str, Any] = {"mapping": facts[0] if len(facts) == 1 else {}, "mappings": facts}
    found = items.get(Ruleset.KEY)
    if options["state"] == "present" and found is not None:
        stopped = [_stopped(mapping, found.rules) for mapping in facts]
        warnings = [warning for warning in stopped if warning is not None]
        result.update({"warnings": warnings} if warnings else {})
    return result


def _stopped(mapping: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> str | None:
    vip, protocol, to_port = values.vip(mapping["vip"]), mapping["protocol"], mapping["to_port"]
    who = verdict.dropping(rules, vip.version, protocol, vip, to_port)
    if who is None:
        return None
    return (
        f"{protocol} port {mapping['port']} of {vip} is handed to port {to_port}, and {who} stops packets for that port:"
        f" let {protocol} port {to_port} in there"
    )


def _facts(mapping: nft.Element) -> dict[str, Any]:
    vip, protocol, port = mapping.key.match
    return {"vip": vip, "protocol": protocol, "port": int(port), "to_port": mapping.value}
