# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Who may send tunnelled packets: the directors, and nobody else.

Sources: nft(8); include/uapi/linux/in.h of Linux for the protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from .._core import values
from .._core.errors import Faults, InvalidValue, MissingValue, T, raise_all
from .._core.reconcile import Item, Wanted
from .._net import tunnel
from . import table as nft

PROTOCOLS = (tunnel.IPIP, tunnel.IPV6, tunnel.GRE)
LISTS = ("sources", "protocols", "gue_ports")

_SOURCES, _PROTOCOLS, _GUE_PORTS = "tunnel_sources", "tunnel_protocols", "gue_ports"
_SETS = (
    nft.NamedSet("set", nft.by_family(_SOURCES, 4), "ipv4_addr"),
    nft.NamedSet("set", nft.by_family(_SOURCES, 6), "ipv6_addr"),
    nft.NamedSet("set", _PROTOCOLS, "inet_proto"),
    nft.NamedSet("set", _GUE_PORTS, "inet_service"),
)


def _rules() -> Iterator[nft.Rule]:
    for tunnelled in (f"meta l4proto @{_PROTOCOLS}", f"udp dport @{_GUE_PORTS}"):
        for header, version in (("ip", 4), ("ip6", 6)):
            text = f"{header} saddr @{nft.by_family(_SOURCES, version)} {tunnelled} counter accept"
            yield nft.Rule.of("tunnel_guard", text, "match", "match", "counter", "accept")
        yield nft.Rule.of("tunnel_guard", f"{tunnelled} counter drop", "match", "counter", "drop")


# Before the filter rules of others (NF_IP_PRI_FILTER is 0), so that what is dropped here never gets to them; what is
# accepted here goes on to them.
CHAIN = nft.Chain("tunnel_guard", "type filter hook input priority -10; policy accept;", tuple(_rules()))


def _shape(elements: Collection[nft.ElementKey]) -> Sequence[Item]:
    guarded = any(key.set in (_PROTOCOLS, _GUE_PORTS) for key in elements)
    return (*_SETS, CHAIN) if guarded else ()


PART = nft.Part(sets="|".join(one.name for one in _SETS), chain=CHAIN.name, shape=_shape)


def _sources(options: Mapping[str, Any]) -> Iterator[nft.ElementKey]:
    given = options["sources"]
    if options["state"] == "present" and given is None:
        raise MissingValue("sources", "name the directors' addresses, from which tunnelled packets may come")
    if options["state"] == "present" and not given and not options["purge"]:
        raise InvalidValue("sources", "[]", "names nobody: name the directors' addresses, or set purge to let nobody in")
    for one in given or ():
        address = values.address("sources", one)
        yield nft.ElementKey(nft.by_family(_SOURCES, address.version), (str(address),))


def _protocols(options: Mapping[str, Any]) -> Iterator[nft.ElementKey]:
    given = options["protocols"]
    if given is None:
        given = PROTOCOLS if options["state"] == "present" else ()
    for one in given:
        if one not in PROTOCOLS:
            raise InvalidValue("protocols", repr(one), f"is not one of {', '.join(map(str, PROTOCOLS))}")
        yield nft.ElementKey(_PROTOCOLS, (str(one),))


def _gue_ports(options: Mapping[str, Any]) -> Iterator[nft.ElementKey]:
    for one in options["gue_ports"] or ():
        yield nft.ElementKey(_GUE_PORTS, (str(values.port("gue_ports", one)),))


def _all(read: Callable[[Mapping[str, Any]], Iterator[T]], options: Mapping[str, Any]) -> list[T]:
    return list(read(options))


def wanted_guard(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What the options O(sources), O(protocols), O(gue_ports) and O(state) describe.

    :raises LvsError: all that is wrong with them
    """
    faults = Faults()
    faults.take(nft.purges, options)
    keys: list[nft.ElementKey] = []
    for read in (_sources, _protocols, _gue_ports):
        keys += faults.take(_all, read, options) or ()
    raise_all(faults.found)
    absent = options["state"] == "absent"
    # Named twice is named once.
    return PART.plan([Wanted.absent(key) if absent else nft.Element(key).wanted() for key in dict.fromkeys(keys)], {})


def with_purge(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """The plan, given what there is: what O(purge) covers goes, and all of it where O(state=absent) names nothing."""
    all_of_it = options["state"] == "absent" and all(options[name] is None for name in LISTS)
    return PART.plan(wanted, current, goes=lambda key: all_of_it or nft.purges(options))


def _number(address: str) -> int:
    return int(values.any_address("sources", address))


def report(_options: Mapping[str, Any], _keys: Sequence[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The guard as it is now, and what it has dropped so far."""
    held: dict[str, list[str]] = {one.name: [] for one in _SETS}
    for key in items:
        if isinstance(key, nft.ElementKey):
            held[key.set] += key.match
    chain = items.get(CHAIN.key, CHAIN)
    return {
        "guard": {
            "sources": [one for version in (4, 6) for one in sorted(held[nft.by_family(_SOURCES, version)], key=_number)],
            "protocols": sorted(map(int, held[_PROTOCOLS])),
            "gue_ports": sorted(map(int, held[_GUE_PORTS])),
        },
        "dropped": dict(zip(("packets", "bytes"), chain.dropped)),
    }
