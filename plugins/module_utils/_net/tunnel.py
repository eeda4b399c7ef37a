# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Tunnels: their types, what each puts before a packet, and how much that leaves for the packet itself.

C(outer) and C(inner) are address families, 4 or 6: of the two ends of the tunnel, and of the packets in it.

Sources: net/netfilter/ipvs/ip_vs_xmit.c, include/net/gue.h and include/net/gre.h of Linux; RFC 2784, RFC 6691.
"""

from __future__ import annotations

from .._core.errors import InvalidValue

TYPES = ("ipip", "gue", "gre")  # of a destination: IPVS takes the families from the addresses
DEVICE_TYPES = ("ipip", "sit", "ip6ip6", "ipip6", "gre", "gue")  # of a tunnel device
CHECKSUMS = ("none", "checksum", "remote_checksum")

# Protocol numbers of the outer header: what /etc/protocols calls ipencap, ipv6 and gre.
IPIP, IPV6, GRE = PROTOCOLS = (4, 41, 47)

IP_HEADER = {4: 20, 6: 40}  # bytes
LEAST_MTU = {4: 576, 6: 1280}  # bytes that every host accepts: RFC 1122, section 3.3.3; RFC 8200, section 5
MAX_MTU = 65535  # bytes: the length field of a packet has 16 bits
_TCP_HEADER = 20
_GUE = 8 + 4  # of UDP and of GUE
_GUE_REMOTE_CHECKSUM = 4 + 4  # the flags of GUE's private part, and the option itself
_GRE, _GRE_CHECKSUM = 4, 4

# The kind of link, as ip-link(8) names it, from a device's type of tunnel, its outer and its inner family.
_LINK_KINDS = {
    ("ipip", 4, 4): "ipip",
    ("sit", 4, 6): "sit",
    ("ip6ip6", 6, 6): "ip6tnl",
    ("ipip6", 6, 4): "ip6tnl",
    ("gre", 4, 4): "gre",
    ("gre", 4, 6): "gre",
    ("gre", 6, 4): "ip6gre",
    ("gre", 6, 6): "ip6gre",
    # The listener removes the headers of UDP and GUE; the rest is a plain tunnel.
    ("gue", 4, 4): "ipip",
    ("gue", 4, 6): "sit",
    ("gue", 6, 6): "ip6tnl",
    ("gue", 6, 4): "ip6tnl",
}
OUTER_FAMILY = {kind: outer for (_type, outer, _inner), kind in _LINK_KINDS.items()}


def read_protocol(option: str, number: int) -> int:
    """The protocol of an outer header.

    :raises InvalidValue: it is none of a tunnel
    """
    if number not in PROTOCOLS:
        raise InvalidValue(option, repr(number), f"is not one of {', '.join(map(str, PROTOCOLS))}")
    return number


def link_kind(device_type: str, outer: int, inner: int) -> str | None:
    """The kind of link of a tunnel device; None where the type does not run over this family."""
    return _LINK_KINDS.get((device_type, outer, inner))


def types_of(kind: str) -> list[str]:
    """The types of tunnels that a link of this kind is for."""
    return sorted({device_type for (device_type, _outer, _inner), name in _LINK_KINDS.items() if name == kind})


def check_checksum(tunnel_type: str, checksum: str) -> None:
    """Check that the type of tunnel has this kind of checksum.

    :raises InvalidValue: of O(tunnel_checksum)
    """
    if (tunnel_type == "ipip" and checksum != "none") or (tunnel_type == "gre" and checksum == "remote_checksum"):
        raise InvalidValue(
            "tunnel_checksum",
            checksum,
            f"is not for tunnel_type={tunnel_type}: gue has all of them, gre has none and checksum",
        )


def overhead(outer: int, tunnel_type: str, checksum: str = "none") -> int:
    """The bytes that IPVS puts before a packet."""
    size = IP_HEADER[outer]
    if tunnel_type == "gue":
        size += _GUE + (_GUE_REMOTE_CHECKSUM if checksum == "remote_checksum" else 0)
    elif tunnel_type == "gre":
        size += _GRE + (_GRE_CHECKSUM if checksum == "checksum" else 0)
    return size


def segment(inner: int, inner_mtu: int) -> int:
    """The MSS, in bytes: the largest TCP segment that fits into a packet of this size."""
    return inner_mtu - IP_HEADER[inner] - _TCP_HEADER


def protocol(inner: int, tunnel_type: str) -> int | None:
    """The protocol number in the outer header; None for GUE, which is UDP."""
    if tunnel_type == "gue":
        return None
    return GRE if tunnel_type == "gre" else {4: IPIP, 6: IPV6}[inner]
