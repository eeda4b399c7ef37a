# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Netlink messages and attributes: from values to bytes and back. Pure.

Sources: include/uapi/linux/netlink.h and genetlink.h of Linux; RFC 3549.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_DUMP_INTR = 0x10
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
GENL_HEADER = struct.Struct("=BBH")  # genlmsghdr: command, version, reserved
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(-length % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Attributes within an attribute."""
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def attributes(payload: bytes) -> dict[int, bytes]:
    """The attributes in a payload, by type."""
    found = {}
    offset, end = 0, len(payload)
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size or offset + length > end:
            raise ValueError(f"malformed netlink attribute of {length} bytes at {offset} of {end}")
        found[kind & NLA_TYPE_MASK] = payload[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def request(kind: int, payload: bytes, flags: int = 0, sequence: int = 0) -> bytes:
    """One message that asks for something."""
    return _HEADER.pack(_HEADER.size + len(payload), kind, flags | NLM_F_REQUEST, sequence, 0) + payload


def generic(family: int, command: int, version: int, flags: int, sequence: int, payload: bytes = b"") -> bytes:
    """One generic netlink message."""
    return request(family, GENL_HEADER.pack(command, version, 0) + payload, flags, sequence)


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """The messages in a datagram: type, flags, sequence, payload."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            raise ValueError(f"malformed netlink message of {length} bytes at {offset} of {len(data)}")
        yield kind, flags, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3
