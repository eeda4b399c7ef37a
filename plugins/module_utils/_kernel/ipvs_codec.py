# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""IPVS on the wire: services and destinations to netlink attributes and back. Pure.

Source: include/uapi/linux/ip_vs.h of Linux, whose names the constants have.
"""

from __future__ import annotations

import ipaddress
import socket
import struct

from .._model.ipvs import Destination, DestinationKey, Service, ServiceKey
from .._model.values import Address
from .netlink import attribute, attributes, nested

FAMILY, VERSION = "IPVS", 1

CMD_NEW_SERVICE, CMD_SET_SERVICE, CMD_DEL_SERVICE, CMD_GET_SERVICE = 1, 2, 3, 4
CMD_NEW_DEST, CMD_SET_DEST, CMD_DEL_DEST, CMD_GET_DEST = 5, 6, 7, 8

CMD_ATTR_SERVICE, CMD_ATTR_DEST = 1, 2

SVC_ATTR_AF, SVC_ATTR_PROTOCOL, SVC_ATTR_ADDR, SVC_ATTR_PORT, SVC_ATTR_FWMARK = 1, 2, 3, 4, 5
SVC_ATTR_SCHED_NAME, SVC_ATTR_FLAGS, SVC_ATTR_TIMEOUT, SVC_ATTR_NETMASK, SVC_ATTR_PE_NAME = 6, 7, 8, 9, 11

DEST_ATTR_ADDR, DEST_ATTR_PORT, DEST_ATTR_FWD_METHOD, DEST_ATTR_WEIGHT = 1, 2, 3, 4
DEST_ATTR_U_THRESH, DEST_ATTR_L_THRESH, DEST_ATTR_ADDR_FAMILY = 5, 6, 11
DEST_ATTR_TUN_TYPE, DEST_ATTR_TUN_PORT, DEST_ATTR_TUN_FLAGS = 13, 14, 15

SVC_F_HASHED = 0x2  # the kernel's own bookkeeping, no configuration
_ALL_FLAGS = 0xFFFFFFFF
_FWD_MASK = 0x7

_AF = {4: socket.AF_INET, 6: socket.AF_INET6}
_VERSION = {int(af): version for version, af in _AF.items()}
_PROTOCOL = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP, "sctp": socket.IPPROTO_SCTP}
_PROTOCOL_NAME = {int(number): name for name, number in _PROTOCOL.items()}
_FORWARD = ("masquerade", "local", "tunnel", "route", "bypass")
_TUNNEL = ("ipip", "gue", "gre")

_u16, _u32 = struct.Struct("=H"), struct.Struct("=I")
_be16 = struct.Struct("!H")


def _address(address: Address) -> bytes:
    return address.packed.ljust(16, b"\0")  # union nf_inet_addr


def _read_address(family: int, raw: bytes) -> Address:
    return ipaddress.IPv4Address(raw[:4]) if family == 4 else ipaddress.IPv6Address(raw[:16])


def _netmask(family: int, prefix_length: int | None) -> bytes:
    """IPv4: the bytes of the mask; IPv6: the prefix length as a native number, required even where nothing persists."""
    if family == 6:
        return _u32.pack(128 if prefix_length is None else prefix_length)
    return ipaddress.IPv4Network((0, 32 if prefix_length is None else prefix_length)).netmask.packed


def _read_netmask(family: int, raw: bytes) -> int | None:
    """The prefix length; None for the whole address, so that two ways to say it are equal."""
    if family == 6:
        length = int(_u32.unpack(raw)[0])
        return None if length == 128 else length
    length = bin(int.from_bytes(raw, "big")).count("1")
    return None if length == 32 else length


def encode_key(key: ServiceKey) -> bytes:
    """The attributes that name a service, as CMD_ATTR_SERVICE."""
    return nested(CMD_ATTR_SERVICE, *_key_attributes(key))


def _key_attributes(key: ServiceKey) -> list[bytes]:
    family = attribute(SVC_ATTR_AF, _u16.pack(_AF[key.family]))
    if key.vip is None:
        return [family, attribute(SVC_ATTR_FWMARK, _u32.pack(key.fwmark))]
    return [
        family,
        attribute(SVC_ATTR_PROTOCOL, _u16.pack(_PROTOCOL[key.protocol or "tcp"])),
        attribute(SVC_ATTR_ADDR, _address(key.vip)),
        attribute(SVC_ATTR_PORT, _be16.pack(key.port)),
    ]


def encode_service(service: Service) -> bytes:
    """A whole service: the kernel resets what a message leaves out (the persistence engine, for one)."""
    parts = [
        *_key_attributes(service.key),
        attribute(SVC_ATTR_SCHED_NAME, service.scheduler.encode() + b"\0"),
        attribute(SVC_ATTR_FLAGS, _u32.pack(service.flags) + _u32.pack(_ALL_FLAGS & ~SVC_F_HASHED)),
        attribute(SVC_ATTR_TIMEOUT, _u32.pack(service.timeout)),
        attribute(SVC_ATTR_NETMASK, _netmask(service.key.family, service.prefix_length)),
    ]
    if service.persistence_engine:
        parts.append(attribute(SVC_ATTR_PE_NAME, service.persistence_engine.encode() + b"\0"))
    return nested(CMD_ATTR_SERVICE, *parts)


def encode_destination_key(key: DestinationKey) -> bytes:
    """The attributes that name a destination and its service."""
    return encode_key(key.service) + nested(CMD_ATTR_DEST, *_destination_key_attributes(key))


def _destination_key_attributes(key: DestinationKey) -> list[bytes]:
    return [
        attribute(DEST_ATTR_ADDR, _address(key.rip)),
        attribute(DEST_ATTR_PORT, _be16.pack(key.port)),
        attribute(DEST_ATTR_ADDR_FAMILY, _u16.pack(_AF[key.rip.version])),
    ]


def encode_destination(destination: Destination) -> bytes:
    """A whole destination, with the name of its service."""
    return encode_key(destination.key.service) + nested(
        CMD_ATTR_DEST,
        *_destination_key_attributes(destination.key),
        attribute(DEST_ATTR_FWD_METHOD, _u32.pack(_FORWARD.index(destination.forward))),
        attribute(DEST_ATTR_WEIGHT, _u32.pack(destination.weight)),
        attribute(DEST_ATTR_U_THRESH, _u32.pack(destination.upper_threshold)),
        attribute(DEST_ATTR_L_THRESH, _u32.pack(destination.lower_threshold)),
        attribute(DEST_ATTR_TUN_TYPE, bytes([_TUNNEL.index(destination.tunnel_type)])),
        attribute(DEST_ATTR_TUN_PORT, _be16.pack(destination.tunnel_port)),
        attribute(DEST_ATTR_TUN_FLAGS, _u16.pack(destination.tunnel_flags)),
    )


def _string(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode()


def decode_service(answer: dict[int, bytes]) -> Service:
    """A service from the attributes of an answer to CMD_GET_SERVICE."""
    found = attributes(answer[CMD_ATTR_SERVICE])
    family = _VERSION[_u16.unpack(found[SVC_ATTR_AF])[0]]
    if SVC_ATTR_FWMARK in found:
        key = ServiceKey(family=family, fwmark=_u32.unpack(found[SVC_ATTR_FWMARK])[0])
    else:
        key = ServiceKey(
            family=family,
            protocol=_PROTOCOL_NAME[_u16.unpack(found[SVC_ATTR_PROTOCOL])[0]],
            vip=_read_address(family, found[SVC_ATTR_ADDR]),
            port=_be16.unpack(found[SVC_ATTR_PORT])[0],
        )
    return Service(
        key=key,
        scheduler=_string(found[SVC_ATTR_SCHED_NAME]),
        flags=_u32.unpack_from(found[SVC_ATTR_FLAGS])[0] & ~SVC_F_HASHED,
        timeout=_u32.unpack(found[SVC_ATTR_TIMEOUT])[0],
        prefix_length=_read_netmask(family, found[SVC_ATTR_NETMASK]),
        persistence_engine=_string(found.get(SVC_ATTR_PE_NAME, b"")),
    )


def decode_destination(service: ServiceKey, answer: dict[int, bytes]) -> Destination:
    """A destination of a service from the attributes of an answer to CMD_GET_DEST."""
    found = attributes(answer[CMD_ATTR_DEST])
    # Kernels before 3.18 know no family of its own for a destination.
    family = _VERSION[_u16.unpack(found[DEST_ATTR_ADDR_FAMILY])[0]] if DEST_ATTR_ADDR_FAMILY in found else service.family
    return Destination(
        key=DestinationKey(
            service=service,
            rip=_read_address(family, found[DEST_ATTR_ADDR]),
            port=_be16.unpack(found[DEST_ATTR_PORT])[0],
        ),
        forward=_FORWARD[_u32.unpack(found[DEST_ATTR_FWD_METHOD])[0] & _FWD_MASK],
        weight=_u32.unpack(found[DEST_ATTR_WEIGHT])[0],
        upper_threshold=_u32.unpack(found[DEST_ATTR_U_THRESH])[0],
        lower_threshold=_u32.unpack(found[DEST_ATTR_L_THRESH])[0],
        tunnel_type=_TUNNEL[found.get(DEST_ATTR_TUN_TYPE, b"\0")[0]],
        tunnel_port=_be16.unpack(found.get(DEST_ATTR_TUN_PORT, b"\0\0"))[0],
        tunnel_flags=_u16.unpack(found.get(DEST_ATTR_TUN_FLAGS, b"\0\0"))[0],
    )
