# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The routes of this host: source address, MTU and device of the one to an address, and the devices of the default routes."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass

from .._core.netlink_messages import attribute, attributes, messages, request
from .._core.values import Address
from .tunnel import MAX_MTU

SOCKET_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}

# IP_MTU and IPV6_MTU of include/uapi/linux/in.h and in6.h: Python's socket has no names for them.
_MTU_OPTION = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}
_DISCARD = 9  # a port: connecting a UDP socket sends nothing
_ROUTES = "/proc/net/route"  # IPv4, main table
_MASK = 5  # of its columns, after the device and the destination
_ROUTES6 = "/proc/net/ipv6_route"
_RTF_REJECT = 0x200  # such as the "unreachable" route that the kernel itself has

# include/uapi/linux/rtnetlink.h
_NETLINK_ROUTE, _RTM_NEWROUTE, _RTM_GETROUTE = 0, 24, 26
_RTMSG = struct.Struct("=BBBBBBBBI")  # family, length of destination and source, tos, table, protocol, scope, type, flags
_RTA_DST, _RTA_OIF = 1, 4
_RECEIVE_BYTES = 65536


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


def device_towards(address: Address) -> str | None:
    """The device of the route to an address; None where there is no route.

    The device that holds the source address of the route may be another one, such as C(lo).
    """
    route = _RTMSG.pack(SOCKET_FAMILY[address.version], address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        kernel.settimeout(10)
        kernel.send(request(_RTM_GETROUTE, route + attribute(_RTA_DST, address.packed)))
        answers = list(messages(kernel.recv(_RECEIVE_BYTES)))
    for kind, _flags, _sequence, answer in answers:
        oif = attributes(answer[_RTMSG.size :]).get(_RTA_OIF) if kind == _RTM_NEWROUTE else None
        if oif is not None:
            return socket.if_indextoname(struct.unpack("=I", oif)[0])
    return None


def default_route_devices6() -> frozenset[str]:
    """The devices of the default routes of IPv6.

    Source: ipv6_route_native_seq_show() in net/ipv6/ip6_fib.c of Linux.
    """
    names = set()
    try:
        with open(_ROUTES6, encoding="ascii") as routes:
            for line in routes:
                # Destination and source with their lengths, gateway, metric, references, use, flags, device.
                destination, length, *_others, flags, name = line.split()
                if not int(destination, 16) and not int(length, 16) and not int(flags, 16) & _RTF_REJECT:
                    names.add(name)
    except OSError:  # a kernel without procfs, or without IPv6
        return frozenset()
    return frozenset(names)


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
