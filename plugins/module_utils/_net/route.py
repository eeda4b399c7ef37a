# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The routes of this host: the source address and the MTU of the one to an address, and the devices of the default routes."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from .._core.values import Address
from .tunnel import MAX_MTU

SOCKET_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}

# IP_MTU and IPV6_MTU of include/uapi/linux/in.h and in6.h: Python's socket has no names for them.
_MTU_OPTION = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}
_DISCARD = 9  # a port: connecting a UDP socket sends nothing
_ROUTES = "/proc/net/route"  # IPv4, main table
_MASK = 5  # of its columns, after the device and the destination


@dataclass(frozen=True)
class Route:
    """The route to an address."""

    source: Address | None  # None: there is no route
    mtu: int  # bytes
    problem: str = ""  # why there is no route


def route_to(address: Address) -> Route:
    """The source address and the MTU of the route to an address; the MTU is less where the kernel has learned so.

    Source: ip(7) and ipv6(7).
    """
    try:
        with socket.socket(SOCKET_FAMILY[address.version], socket.SOCK_DGRAM) as sock:
            sock.connect((str(address), _DISCARD))
            source = ipaddress.ip_address(sock.getsockname()[0])
            mtu = sock.getsockopt(*_MTU_OPTION[address.version])
    except OSError as error:
        return Route(None, 0, error.strerror or str(error))
    return Route(source, min(mtu, MAX_MTU))


def path_mtu(address: Address) -> int | None:
    """The MTU of the route to an address, in bytes; None where there is no route."""
    route = route_to(address)
    return None if route.problem else route.mtu


def default_route_devices() -> frozenset[str]:
    """The devices of the default routes of IPv4.

    Source: fib_route_seq_show() in net/ipv4/fib_trie.c of Linux.
    """
    names = set()
    try:
        with open(_ROUTES, encoding="ascii") as routes:
            next(routes, None)  # the heading
            # Sorted by destination: of a million routes, only the first lines are read.
            for line in routes:
                name, destination, *others = line.split()
                if int(destination, 16):
                    break
                if not int(others[_MASK], 16):
                    names.add(name)
    except OSError:  # a kernel without procfs
        return frozenset()
    return frozenset(names)
