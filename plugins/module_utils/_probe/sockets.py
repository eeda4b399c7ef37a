# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Sockets of all probes: opening raw ones, and waiting for several together.

Sources: include/uapi/linux/icmp.h, icmpv6.h and include/uapi/asm-generic/socket.h of Linux; socket(7), raw(7).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Callable

from .._core.errors import NotPermitted
from .._net import packets

RECEIVE_BYTES = 65536  # of the largest packet

# Options of sockets; Python's socket has no names for them.
_SO_RCVBUFFORCE = 33
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_RECEIVE_BUFFER = 4 << 20  # bytes: hundreds of replies may come at once


def open_socket(family: int, kind: int, protocol: int) -> socket.socket:
    """A raw socket or a packet socket with a large receive buffer.

    :raises NotPermitted: without root
    """
    try:
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError as error:
        raise NotPermitted("probing the network") from error
    return sock


def open_icmp_socket(version: int, kind: int) -> socket.socket:
    """A raw socket that receives ICMP messages of one type, of an address family."""
    if version == 4:
        sock = open_socket(socket.AF_INET, socket.SOCK_RAW, packets.ICMP[4])
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF ^ (1 << kind)))
        return sock
    sock = open_socket(socket.AF_INET6, socket.SOCK_RAW, packets.ICMP[6])
    blocked = [0xFFFFFFFF] * 8
    blocked[kind >> 5] ^= 1 << (kind & 31)
    sock.setsockopt(packets.ICMP[6], _ICMPV6_FILTER, struct.pack("=8I", *blocked))
    return sock


def poll_until(selector: selectors.BaseSelector, seconds: float, is_complete: Callable[[], bool] = lambda: False) -> None:
    """Wait for the registered sockets until all is complete or the time is over; call the function of each that is ready."""
    end = time.monotonic() + seconds
    while not is_complete():
        left = end - time.monotonic()
        for key, _events in selector.select(max(left, 0)):
            with contextlib.suppress(OSError):  # of a datagram whose checksum is wrong
                key.data(key.fileobj)
        if left <= 0:
            return
