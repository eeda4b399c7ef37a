# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The size of the packets that this host may send to another."""

from __future__ import annotations

import ipaddress
import socket

from .._core.values import Address

# include/uapi/linux/in.h and in6.h; Python's socket has no names for them.
_IP_MTU, _IPV6_MTU = 14, 24
_ANY_PORT = 9  # discard: connecting a UDP socket sends nothing


def path_mtu(address: Address) -> int | None:
    """The MTU, in bytes, of the route to the address, or less where the kernel has learned so.

    None where there is no route. Source: ip(7) and ipv6(7).
    """
    if isinstance(address, ipaddress.IPv4Address):
        family, level, option = socket.AF_INET, socket.IPPROTO_IP, _IP_MTU
    else:
        family, level, option = socket.AF_INET6, socket.IPPROTO_IPV6, _IPV6_MTU
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), _ANY_PORT))
            return probe.getsockopt(level, option)
    except OSError:
        return None
