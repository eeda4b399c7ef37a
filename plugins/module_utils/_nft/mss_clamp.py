# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module mss_clamp: a real server announces TCP segments to a VIP's clients that fit through the tunnel.

Sources: nft(8), statement C(extension header), which only ever lowers an MSS (net/netfilter/nft_exthdr.c of Linux);
RFC 8200, section 5; RFC 9293, section 3.7.1.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import PURGE, STATE, Facts, Faults, Option, Options, argument_spec, choice, integer, rows, text
from .._core.reconcile import Seen, Wanted
from .._core.values import Address
from .._net import tunnel
from .._net.route import path_mtu
from .libnftables import SectionBackend
from .section import SectionDesired, SectionResource, is_absent, read_purge, read_required
from .table import (
    Element,
    ElementKey,
    ItemKey,
    Key,
    NamedSet,
    Rule,
    SectionContext,
    SectionSeen,
    TableItem,
    TableSection,
    by_family,
)

_VIP = Option("vip", values.network_vip)
_DIRECTOR = text("director", values.address)
_TUNNEL_TYPE = choice("tunnel_type", tunnel.TYPES, default="ipip")
_TUNNEL_CHECKSUM = choice("tunnel_checksum", tunnel.CHECKSUMS, default="none")
_PATH_MTU = {version: integer("path_mtu", lowest, tunnel.MAX_MTU) for version, lowest in tunnel.LEAST_MTU.items()}
ROW = (_VIP, _DIRECTOR, _TUNNEL_TYPE, _TUNNEL_CHECKSUM, _PATH_MTU[4])
_FIELDS = [option.name for option in ROW]
# Ansible does not look into the rows: parse names every fault with its row.
ARGUMENT_SPEC = {**argument_spec(STATE, PURGE), "tunnels": {"type": "list", "elements": "dict"}}

_LEAST_MSS = {4: 536, 6: 1220}  # bytes; the default of RFC 9293; that of the least MTU
_SET = "mss"
_SET_NAME = rf"{_SET}(6?)_(\d+)"


def _set(version: int, size: int) -> NamedSet:
    return NamedSet.of(f"{by_family(_SET, version)}_{size}", f"ipv{version}_addr")


def _size(set_name: str) -> tuple[int, int]:
    """The address family of the VIPs in a set, and the size that is announced for them."""
    match = re.fullmatch(_SET_NAME, set_name)
    return (6 if match and match[1] else 4, int(match[2]) if match else 0)


def _sets(vips: Collection[ElementKey]) -> Sequence[NamedSet]:
    """A set for each size, and with it a rule.

    One map of all VIPs to their sizes would do for the kernel. But nft 1.0.6 does not load what it lists of such a rule:
    an administrator who saves all rules with C(nft list ruleset) would have none after the next boot.
    """
    return [_set(version, size) for version, size in sorted({_size(vip.set) for vip in vips})]


def _rule(named_set: NamedSet) -> Rule:
    version, size = _size(named_set.key.name)
    # Of a connection that a client opens, the real server sends the SYN-ACK; it opens none from the VIP.
    rule = (
        f"{by_family('ip', version)} saddr @{named_set.key.name}"
        f" tcp flags & (syn | ack) == (syn | ack) tcp option maxseg size set {size}"
    )
    return Rule.of("mss_clamp", rule, "match", "match", f"mangle {size}")


SECTION = TableSection(
    set_names=_SET_NAME,
    chain=ItemKey("chain", "mss_clamp"),
    # Where packets are changed (NF_IP_PRI_MANGLE).
    hook="type filter hook output priority -150; policy accept;",
    sets=_sets,
    rules=lambda sets: [_rule(named_set) for named_set in sets],
)


@dataclass(frozen=True)
class Tunnel:
    """A tunnel that a VIP's packets come through."""

    vip: Address
    director: Address
    path_mtu: int | None  # bytes; None: that of the route to the director
    type: str
    checksum: str

    def segment(self, path_mtus: Mapping[Address, int | None]) -> int:
        """The MSS that fits, in bytes."""
        mtu = path_mtus[self.director] if self.path_mtu is None else self.path_mtu
        if mtu is None:
            raise InvalidValue(
                "director", self.director, "is not reached by any route of this host: add one, or set path_mtu"
            )
        inner_mtu = mtu - tunnel.overhead(self.director.version, self.type, self.checksum)
        size, least = tunnel.segment(self.vip.version, inner_mtu), _LEAST_MSS[self.vip.version]
        if size < least:
            why = (
                f"leaves segments of {size} bytes to {self.vip}, less than the {least} that IPv{self.vip.version} needs:"
                f" the path from the director has to take packets of {mtu + least - size} bytes"
            )
            raise InvalidValue("path_mtu", mtu, why)
        return size


@dataclass(frozen=True)
class MssDesired(SectionDesired):
    """The tunnels. Which elements they want depends on the path MTUs: C(wanted) is empty."""

    tunnels: Sequence[tuple[str, Tunnel]]  # with the places of their rows
    vips: frozenset[str]  # that are named, with O(state=absent) too

    def removes(self, key: ElementKey) -> bool:
        """Any other size of a named VIP, too."""
        return self.remove_others or key.match[0] in self.vips


def _read_path_mtus(desired: MssDesired) -> dict[Address, int | None]:
    """Of the routes to the directors, where the options give none."""
    return {row.director: path_mtu(row.director) for _place, row in desired.tunnels if row.path_mtu is None}


class MssBackend(SectionBackend[MssDesired]):
    """The section, and the routes to the directors."""

    def read(self, desired: MssDesired) -> SectionSeen:
        """The section, with the path MTUs in its context."""
        seen = super().read(desired)
        return replace(seen, context=replace(seen.context, path_mtus=_read_path_mtus(desired)))


class MssClamp(SectionResource[MssDesired]):
    """The announced segment sizes of a real server's VIPs."""

    section = SECTION

    def parse(self, options: Options) -> MssDesired:
        """The rows of O(tunnels)."""
        faults = Faults()
        purge = faults.read(read_purge, options)
        listed = options["tunnels"]
        tunnels: list[tuple[str, Tunnel]] = []
        if is_absent(options):
            vips = [vip for _place, vip in rows("tunnels", listed or (), _FIELDS, _read_vip, faults)]
        else:
            if listed is None:
                faults.add(MissingValue("tunnels", "name the VIPs and the directors that send their packets here"))
            tunnels = list(rows("tunnels", listed or (), _FIELDS, _read_tunnel, faults))
            vips = [row.vip for _place, row in tunnels]
        faults.raise_all()
        return MssDesired((), purge.value or listed is None, tunnels, frozenset(map(str, vips)))

    def open(self, desired: MssDesired) -> MssBackend:
        """The table in the kernel, and the routes."""
        return MssBackend(self.section)

    def plan(self, desired: MssDesired, seen: SectionSeen) -> Sequence[Wanted[Key, TableItem]]:
        """An element for each VIP, in the set of its size; of several sizes, the smallest."""
        faults = Faults()
        smallest: dict[Address, int] = {}
        for place, row in desired.tunnels:
            size = faults.collect(row.segment, seen.context.path_mtus, where=place)
            if size is not None:
                smallest[row.vip] = min(size, smallest.get(row.vip, size))
        faults.raise_all()
        keys = [ElementKey(_set(vip.version, size).key.name, (str(vip),)) for vip, size in smallest.items()]
        return self.section.plan([Element(key).wanted() for key in keys], seen, desired.removes)

    def plan_without_host(self, desired: MssDesired) -> Sequence[Wanted[Key, TableItem]]:
        """What a host without the table gets; its routes can be read without the library."""
        return self.plan(desired, Seen({}, SectionContext(path_mtus=_read_path_mtus(desired))))

    def result(self, desired: MssDesired, seen: SectionSeen) -> Facts:
        """The sizes as they are now."""
        vips = sorted((_size(key.set), key.match[0]) for key in seen.items if isinstance(key, ElementKey))
        return {"sizes": {vip: size for (_version, size), vip in vips}}


def _read_vip(row: Options) -> Address:
    return read_required(row, _VIP, "name the address that clients use")


def _read_tunnel(row: Options) -> Tunnel:
    faults = Faults()
    vip = faults.read(_read_vip, row)
    kind = faults.read(_read_type, row)
    path = faults.read(_read_path, row)
    faults.raise_all()
    read = Tunnel(vip.value, *path.value, *kind.value)
    if read.path_mtu is not None:
        read.segment({})
    return read


def _read_path(row: Options) -> tuple[Address, int | None]:
    """The director, and the path MTU if it is given: its range depends on the director's family."""
    director = read_required(row, _DIRECTOR, "name the address that the director sends tunnelled packets from")
    given = row.get("path_mtu")
    return director, None if given is None else _PATH_MTU[director.version].read(given)


def _read_type(row: Options) -> tuple[str, str]:
    tunnel_type = _TUNNEL_TYPE.read(row.get("tunnel_type") or _TUNNEL_TYPE.default)
    checksum = _TUNNEL_CHECKSUM.read(row.get("tunnel_checksum") or _TUNNEL_CHECKSUM.default)
    tunnel.check_checksum(tunnel_type, checksum)
    return tunnel_type, checksum
