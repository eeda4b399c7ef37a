# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A tunnel from a director to a real server: what it puts around a packet, and what that leaves for the packet itself.

C(outer) and C(inner) are address families, 4 or 6: that of the tunnel's two ends, and that of the VIP.

Sources: net/netfilter/ipvs/ip_vs_xmit.c, include/net/gue.h and include/net/gre.h of Linux; RFC 2784, RFC 6691.
"""

from __future__ import annotations

TYPES = ("ipip", "gue", "gre")
CHECKSUMS = ("none", "checksum", "remote_checksum")

# Protocol numbers of the outer header: what /etc/protocols calls ipencap, ipv6 and gre.
IPIP, IPV6, GRE = 4, 41, 47

_IP_HEADER = {4: 20, 6: 40}  # bytes
_TCP_HEADER = 20
_GUE = 8 + 4  # of UDP and of GUE
_GUE_REMOTE_CHECKSUM = 4 + 4  # the flags of GUE's private part, and the option itself
_GRE, _GRE_CHECKSUM = 4, 4


def overhead(outer: int, tunnel_type: str, checksum: str = "none") -> int:
    """The bytes that IPVS puts before a packet."""
    size = _IP_HEADER[outer]
    if tunnel_type == "gue":
        size += _GUE + (_GUE_REMOTE_CHECKSUM if checksum == "remote_checksum" else 0)
    elif tunnel_type == "gre":
        size += _GRE + (_GRE_CHECKSUM if checksum == "checksum" else 0)
    return size


def segment(inner: int, inner_mtu: int) -> int:
    """The largest TCP segment, in bytes, that fits into a packet: its MSS."""
    return inner_mtu - _IP_HEADER[inner] - _TCP_HEADER


def protocol(inner: int, tunnel_type: str) -> int | None:
    """The outer header's protocol; None for GUE, which comes as UDP."""
    if tunnel_type == "gue":
        return None
    return GRE if tunnel_type == "gre" else {4: IPIP, 6: IPV6}[inner]
