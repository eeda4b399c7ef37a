# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The TCP segments that fit through the tunnel: what a real server announces to a VIP's clients.

Sources: nft(8), statement C(extension header), which only ever lowers an MSS (net/netfilter/nft_exthdr.c of Linux);
RFC 8200, section 5; RFC 9293, section 3.7.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Optional

from .._core import values
from .._core.errors import Faults, InvalidValue, MissingValue, raise_all
from .._core.reconcile import Item, Wanted
from .._net import tunnel
from . import table as nft

FIELDS = ("vip", "director", "tunnel_type", "tunnel_checksum", "path_mtu")
# The path MTU to an address; None where there is no route.
PathMtu = Callable[[values.Address], Optional[int]]

_SET = "mss"
_HIGHEST_MTU = 65535  # the length of a packet has 16 bits
# What every host has to take, in bytes. IPv4: RFC 1122, section 3.3.3; IPv6: RFC 8200, section 5.
_LOWEST_MTU = {4: 576, 6: 1280}
_LOWEST_MSS = {4: 536, 6: 1220}  # the default of RFC 9293; that of the lowest MTU


_NAME = rf"{_SET}(6?)_(\d+)"


def _set(version: int, size: int) -> nft.NamedSet:
    return nft.NamedSet("set", f"{nft.by_family(_SET, version)}_{size}", f"ipv{version}_addr")


def _rule(version: int, size: int) -> nft.Rule:
    # Of a connection that a client opens, the real server sends the SYN-ACK; it opens none from the VIP.
    text = (
        f"{nft.by_family('ip', version)} saddr @{_set(version, size).name}"
        f" tcp flags & (syn | ack) == (syn | ack) tcp option maxseg size set {size}"
    )
    return nft.Rule.of("mss_clamp", text, "match", "match", f"mangle {size}")


def _size(key: nft.ElementKey) -> tuple[int, int]:
    """The address family of a VIP and its size, as the set's name says them."""
    found = re.fullmatch(_NAME, key.set)
    return (6 if found and found[1] else 4, int(found[2]) if found else 0)


def _shape(vips: Collection[nft.ElementKey]) -> Sequence[Item]:
    """A set of VIPs and a rule for each size.

    One map of all VIPs to their sizes would do for the kernel. But nft 1.0.6 does not load what it lists of such a rule:
    whoever saves all rules with C(nft list ruleset) would have none after the next boot.
    """
    if not vips:
        return ()
    sizes = sorted({_size(key) for key in vips})
    # Where packets are changed (NF_IP_PRI_MANGLE).
    hook = "type filter hook output priority -150; policy accept;"
    chain = nft.Chain("mss_clamp", hook, tuple(_rule(*one) for one in sizes))
    return (*(_set(*one) for one in sizes), chain)


PART = nft.Part(sets=_NAME, chain="mss_clamp", shape=_shape)


def _vip(row: Mapping[str, Any]) -> values.Address:
    return values.vip(nft.required(row, "vip", "name the address that clients use"))


def _director(row: Mapping[str, Any]) -> values.Address:
    why = "name the address that the director sends tunnelled packets from"
    return values.address("director", nft.required(row, "director", why))


def _overhead(row: Mapping[str, Any], outer: int) -> int:
    kind = values.choice("tunnel_type", row.get("tunnel_type") or "ipip", tunnel.TYPES)
    checksum = values.choice("tunnel_checksum", row.get("tunnel_checksum") or "none", tunnel.CHECKSUMS)
    if (kind == "ipip" and checksum != "none") or (kind == "gre" and checksum == "remote_checksum"):
        why = f"is not for tunnel_type={kind}: gue has all of them, gre has none and checksum"
        raise InvalidValue("tunnel_checksum", checksum, why)
    return tunnel.overhead(outer, kind, checksum)


def _mtu(row: Mapping[str, Any], director: values.Address, path_mtu: PathMtu) -> int:
    if row.get("path_mtu") is not None:
        return values.integer("path_mtu", row["path_mtu"], _LOWEST_MTU[director.version], _HIGHEST_MTU)
    mtu = path_mtu(director)
    if mtu is None:
        raise InvalidValue("director", director, "is not reached by any route of this host: add one, or set path_mtu")
    return mtu


def _segment(vip: values.Address, overhead: int, mtu: int) -> int:
    """The MSS that fits, for a path that takes packets of this size."""
    size, lowest = tunnel.segment(vip.version, mtu - overhead), _LOWEST_MSS[vip.version]
    if size < lowest:
        why = (
            f"leaves segments of {size} bytes to {vip}, less than the {lowest} that IPv{vip.version} needs:"
            f" the path from the director has to take packets of {mtu + lowest - size} bytes"
        )
        raise InvalidValue("path_mtu", mtu, why)
    return size


def _fitting(row: Mapping[str, Any], path_mtu: PathMtu) -> tuple[values.Address, int]:
    """A VIP and its MSS, as a row of O(tunnels) describes them."""
    faults = Faults()
    vip: Any = faults.take(_vip, row)
    director: Any = faults.take(_director, row)
    # Where there is no director, its family decides about no other fault.
    overhead: Any = faults.take(_overhead, row, director.version if director else 4)
    mtu: Any = faults.take(_mtu, row, director, path_mtu) if director else None
    raise_all(faults.found)
    return vip, _segment(vip, overhead, mtu)


def wanted_sizes(options: Mapping[str, Any], path_mtu: PathMtu) -> list[Wanted[Any]]:
    """What the options O(tunnels) and O(state) describe; of several sizes of a VIP, the smallest.

    :raises LvsError: all that is wrong with them
    """
    faults = Faults()
    faults.take(nft.purges, options)
    smallest: dict[values.Address, int] = {}
    listed = options["tunnels"]
    if options["state"] == "absent":
        nft.rows("tunnels", listed or (), FIELDS, _vip, faults)
    elif listed is None:
        faults.found.append(MissingValue("tunnels", "name the VIPs and the directors that send their packets here"))
    else:
        for vip, size in nft.rows("tunnels", listed, FIELDS, lambda row: _fitting(row, path_mtu), faults).values():
            smallest[vip] = min(size, smallest.get(vip, size))
    raise_all(faults.found)
    keys = [nft.ElementKey(_set(vip.version, size).name, (str(vip),)) for vip, size in smallest.items()]
    return PART.plan([nft.Element(key).wanted() for key in keys], {})


def with_purge(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """The plan, given what there is: what O(purge) or O(state=absent) covers goes, and any other size of a named VIP."""
    all_of_it = nft.purges(options) or options["tunnels"] is None
    named = {str(_vip(row)) for row in options["tunnels"] or ()}
    return PART.plan(wanted, current, goes=lambda key: all_of_it or key.match[0] in named)


def report(_options: Mapping[str, Any], _keys: Sequence[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The sizes as they are now."""
    vips = sorted((_size(key), key.match[0]) for key in items if isinstance(key, nft.ElementKey))
    return {"sizes": {vip: size for (_version, size), vip in vips}}
