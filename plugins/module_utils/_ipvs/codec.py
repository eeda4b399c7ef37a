# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""IPVS on the wire: items of the model to netlink attributes and back. Pure.

Source: include/uapi/linux/ip_vs.h of Linux, whose names the constants have.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from functools import cache, lru_cache

from .._core.netlink_messages import NLA_TYPE_MASK, attribute, attributes, nested
from .._core.values import PROTOCOL_NAMES, PROTOCOL_NUMBERS, Address
from .model import Destination, DestinationKey, Service, ServiceKey, SyncDaemon, Timeouts

FAMILY, VERSION = "IPVS", 1

CMD_NEW_SERVICE, CMD_SET_SERVICE, CMD_DEL_SERVICE, CMD_GET_SERVICE = 1, 2, 3, 4
CMD_NEW_DEST, CMD_SET_DEST, CMD_DEL_DEST, CMD_GET_DEST = 5, 6, 7, 8
CMD_NEW_DAEMON, CMD_DEL_DAEMON, CMD_GET_DAEMON = 9, 10, 11
CMD_SET_CONFIG, CMD_GET_CONFIG = 12, 13

CMD_ATTR_SERVICE, CMD_ATTR_DEST, CMD_ATTR_DAEMON = 1, 2, 3
CMD_ATTR_TIMEOUT_TCP, CMD_ATTR_TIMEOUT_TCP_FIN, CMD_ATTR_TIMEOUT_UDP = 4, 5, 6

SVC_ATTR_AF, SVC_ATTR_PROTOCOL, SVC_ATTR_ADDR, SVC_ATTR_PORT, SVC_ATTR_FWMARK = 1, 2, 3, 4, 5
SVC_ATTR_SCHED_NAME, SVC_ATTR_FLAGS, SVC_ATTR_TIMEOUT, SVC_ATTR_NETMASK, SVC_ATTR_PE_NAME = 6, 7, 8, 9, 11

DEST_ATTR_ADDR, DEST_ATTR_PORT, DEST_ATTR_FWD_METHOD, DEST_ATTR_WEIGHT = 1, 2, 3, 4
DEST_ATTR_U_THRESH, DEST_ATTR_L_THRESH, DEST_ATTR_ADDR_FAMILY = 5, 6, 11
DEST_ATTR_ACTIVE_CONNS, DEST_ATTR_INACT_CONNS, DEST_ATTR_PERSIST_CONNS = 7, 8, 9
DEST_ATTR_TUN_TYPE, DEST_ATTR_TUN_PORT, DEST_ATTR_TUN_FLAGS = 13, 14, 15

DAEMON_ATTR_STATE, DAEMON_ATTR_MCAST_IFN, DAEMON_ATTR_SYNC_ID, DAEMON_ATTR_SYNC_MAXLEN = 1, 2, 3, 4
DAEMON_ATTR_MCAST_GROUP, DAEMON_ATTR_MCAST_GROUP6, DAEMON_ATTR_MCAST_PORT, DAEMON_ATTR_MCAST_TTL = 5, 6, 7, 8

SVC_F_PERSISTENT, SVC_F_ONEPACKET, SVC_F_SCHED = 0x1, 0x4, 0x8 | 0x10 | 0x20
# What a service's flags are made of; HASHED (0x2) is the kernel's own.
_CONFIGURED = SVC_F_PERSISTENT | SVC_F_ONEPACKET | SVC_F_SCHED
_FWD_MASK = 0x7

_AF = {4: 2, 6: 10}  # AF_INET, AF_INET6
_VERSION = {af: version for version, af in _AF.items()}
_FORWARD = ("masquerade", "local", "tunnel", "route", "bypass")
_TUNNEL = ("ipip", "gue", "gre")
_CHECKSUM = ("none", "checksum", "remote_checksum")
_ROLE = {"master": 1, "backup": 2}
_TIMEOUTS = {"tcp": CMD_ATTR_TIMEOUT_TCP, "tcp_fin": CMD_ATTR_TIMEOUT_TCP_FIN, "udp": CMD_ATTR_TIMEOUT_UDP}

_u16, _u32 = struct.Struct("=H"), struct.Struct("=I")
_be16 = struct.Struct("!H")


# What other programs put into the table may have numbers that have no name here: they stay what they are.
def _number(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else int(name)


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _address(address: Address) -> bytes:
    return address.packed.ljust(16, b"\0")  # union nf_inet_addr


@cache  # a table names the same address many times
def _read_address(family: int, raw: bytes) -> Address:
    return ipaddress.IPv4Address(raw[:4]) if family == 4 else ipaddress.IPv6Address(raw[:16])


def _netmask(family: int, netmask: str) -> bytes:
    """IPv4: the bytes of the mask; IPv6: the prefix length as a native number, required even where nothing persists."""
    if family == 6:
        return _u32.pack(int(netmask or 128))
    return ipaddress.IPv4Address(netmask or "255.255.255.255").packed


def _read_netmask(family: int, raw: bytes) -> str:
    """As the model has it: empty for the whole address."""
    if family == 6:
        length = int(_u32.unpack(raw)[0])
        return "" if length == 128 else str(length)
    return "" if raw == b"\xff\xff\xff\xff" else str(ipaddress.IPv4Address(raw))


@lru_cache(maxsize=1024)
def encode_key(key: ServiceKey) -> bytes:
    """The attributes that name a service, as CMD_ATTR_SERVICE."""
    return nested(CMD_ATTR_SERVICE, *_key_attributes(key))


def _key_attributes(key: ServiceKey) -> list[bytes]:
    family = attribute(SVC_ATTR_AF, _u16.pack(_AF[key.family]))
    if key.vip is None:
        return [family, attribute(SVC_ATTR_FWMARK, _u32.pack(key.fwmark))]
    protocol = key.protocol or "tcp"
    return [
        family,
        attribute(SVC_ATTR_PROTOCOL, _u16.pack(PROTOCOL_NUMBERS.get(protocol) or int(protocol))),
        attribute(SVC_ATTR_ADDR, _address(key.vip)),
        attribute(SVC_ATTR_PORT, _be16.pack(key.port)),
    ]


def encode_service(service: Service) -> bytes:
    """A whole service: the kernel resets what a message leaves out (the persistence engine, for one)."""
    flags = service.scheduler_flags
    flags |= SVC_F_PERSISTENT if service.persistence_timeout else 0
    flags |= SVC_F_ONEPACKET if service.one_packet else 0
    parts = [
        *_key_attributes(service.key),
        attribute(SVC_ATTR_SCHED_NAME, service.scheduler.encode() + b"\0"),
        attribute(SVC_ATTR_FLAGS, _u32.pack(flags) + _u32.pack(_CONFIGURED)),
        attribute(SVC_ATTR_TIMEOUT, _u32.pack(service.persistence_timeout)),
        attribute(SVC_ATTR_NETMASK, _netmask(service.key.family, service.persistence_netmask)),
    ]
    if service.persistence_engine:
        parts.append(attribute(SVC_ATTR_PE_NAME, service.persistence_engine.encode() + b"\0"))
    return nested(CMD_ATTR_SERVICE, *parts)


def encode_destination_key(key: DestinationKey) -> bytes:
    """The attributes that name a destination and its service."""
    return encode_key(key.service) + nested(
        CMD_ATTR_DEST,
        attribute(DEST_ATTR_ADDR, _address(key.rip)),
        attribute(DEST_ATTR_PORT, _be16.pack(key.port)),
        attribute(DEST_ATTR_ADDR_FAMILY, _u16.pack(_AF[key.rip.version])),
    )


def _headers(*kinds: tuple[int, int]) -> tuple[int, ...]:
    """The first words of attributes of these types and lengths of payload."""
    return tuple(_u32.unpack(_u16.pack(4 + length) + _u16.pack(kind))[0] for kind, length in kinds)


# A destination as one block, in the order in which the kernel sends it: a table has thousands of them.
_DESTINATION = struct.Struct("=I16sI2s2xIIIIIB3xI2s2xIH2xIIIIIH2x")  # ports as two bytes in network order
_SENT = _headers(
    (DEST_ATTR_ADDR, 16),
    (DEST_ATTR_PORT, 2),
    (DEST_ATTR_FWD_METHOD, 4),
    (DEST_ATTR_WEIGHT, 4),
    (DEST_ATTR_TUN_TYPE, 1),
    (DEST_ATTR_TUN_PORT, 2),
    (DEST_ATTR_TUN_FLAGS, 2),
    (DEST_ATTR_U_THRESH, 4),
    (DEST_ATTR_L_THRESH, 4),
    (DEST_ATTR_ADDR_FAMILY, 2),
)


def encode_destination(destination: Destination) -> bytes:
    """A whole destination, with the name of its service."""
    key = destination.key
    block = _DESTINATION.pack(
        *(_SENT[0], _address(key.rip)),
        *(_SENT[1], _be16.pack(key.port)),
        *(_SENT[2], _number(_FORWARD, destination.forward)),
        *(_SENT[3], destination.weight),
        *(_SENT[4], _number(_TUNNEL, destination.tunnel_type)),
        *(_SENT[5], _be16.pack(destination.tunnel_port)),
        *(_SENT[6], _number(_CHECKSUM, destination.tunnel_checksum)),
        *(_SENT[7], destination.upper_threshold),
        *(_SENT[8], destination.lower_threshold),
        *(_SENT[9], _AF[key.rip.version]),
    )
    return encode_key(key.service) + nested(CMD_ATTR_DEST, block)


def _string(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode()


def decode_service(answer: bytes) -> Service:
    """A service from the attributes of an answer to CMD_GET_SERVICE."""
    found = attributes(attributes(answer)[CMD_ATTR_SERVICE])
    family = _VERSION[_u16.unpack(found[SVC_ATTR_AF])[0]]
    if SVC_ATTR_FWMARK in found:
        key = ServiceKey(family=family, fwmark=_u32.unpack(found[SVC_ATTR_FWMARK])[0])
    else:
        protocol = _u16.unpack(found[SVC_ATTR_PROTOCOL])[0]
        key = ServiceKey(
            family=family,
            protocol=PROTOCOL_NAMES.get(protocol, str(protocol)),
            vip=_read_address(family, found[SVC_ATTR_ADDR]),
            port=_be16.unpack(found[SVC_ATTR_PORT])[0],
        )
    flags = _u32.unpack_from(found[SVC_ATTR_FLAGS])[0]
    timeout = _u32.unpack(found[SVC_ATTR_TIMEOUT])[0] if flags & SVC_F_PERSISTENT else 0
    return Service(
        key=key,
        scheduler=_string(found[SVC_ATTR_SCHED_NAME]),
        scheduler_flags=flags & SVC_F_SCHED,
        # Without persistence, these two are what was left behind.
        persistence_timeout=timeout,
        persistence_netmask=_read_netmask(family, found[SVC_ATTR_NETMASK]) if timeout else "",
        persistence_engine=_string(found.get(SVC_ATTR_PE_NAME, b"")),
        one_packet=bool(flags & SVC_F_ONEPACKET),
    )


# What the kernel sends has connections in between, and counters behind it.
_ANSWER = struct.Struct("=2xHI16sI2s2xIIIIIB3xI2s2xIH2xIIIIIIIIIIIH2x")
_RECEIVED = (
    *_SENT[:9],
    *_headers((DEST_ATTR_ACTIVE_CONNS, 4), (DEST_ATTR_INACT_CONNS, 4), (DEST_ATTR_PERSIST_CONNS, 4)),
    _SENT[9],
)


def decode_destination(service: ServiceKey, answer: bytes) -> Destination:
    """A destination of a service from an answer to CMD_GET_DEST."""
    if len(answer) >= _ANSWER.size:
        kind, *words = _ANSWER.unpack_from(answer)
        if kind & NLA_TYPE_MASK == CMD_ATTR_DEST and tuple(words[::2]) == _RECEIVED:
            address, port, method, weight, tunnel, tunnel_port, checksum, upper, lower, _a, _i, _p, af = words[1::2]
            return _destination(
                *(service, _VERSION[af], address, _be16.unpack(port)[0], method, weight, upper, lower),
                *(tunnel, _be16.unpack(tunnel_port)[0], checksum),
            )
    return _decode_in_any_order(service, answer)


def _decode_in_any_order(service: ServiceKey, answer: bytes) -> Destination:
    """The same of a kernel that sends less, or in another order."""
    found = attributes(attributes(answer)[CMD_ATTR_DEST])
    # Kernels before 3.18 know no family of its own for a destination, those before 5.2 no other tunnel than IPIP.
    family = _VERSION[_u16.unpack(found[DEST_ATTR_ADDR_FAMILY])[0]] if DEST_ATTR_ADDR_FAMILY in found else service.family
    return _destination(
        service,
        family,
        found[DEST_ATTR_ADDR],
        port=_be16.unpack(found[DEST_ATTR_PORT])[0],
        method=_u32.unpack(found[DEST_ATTR_FWD_METHOD])[0],
        weight=_u32.unpack(found[DEST_ATTR_WEIGHT])[0],
        upper=_u32.unpack(found[DEST_ATTR_U_THRESH])[0],
        lower=_u32.unpack(found[DEST_ATTR_L_THRESH])[0],
        tunnel=found.get(DEST_ATTR_TUN_TYPE, b"\0")[0],
        tunnel_port=_be16.unpack(found.get(DEST_ATTR_TUN_PORT, b"\0\0"))[0],
        checksum=_u16.unpack(found.get(DEST_ATTR_TUN_FLAGS, b"\0\0"))[0],
    )


def _destination(
    service: ServiceKey,
    family: int,
    address: bytes,
    port: int,
    method: int,
    weight: int,
    upper: int,
    lower: int,
    tunnel: int,
    tunnel_port: int,
    checksum: int,
) -> Destination:
    key = DestinationKey(service, _read_address(family, address), port)
    forward = _name(_FORWARD, method & _FWD_MASK)
    if forward != "tunnel" or not (tunnel or tunnel_port or checksum):
        # Without a tunnel, its settings are what was left behind.
        return Destination(key, forward, weight, upper, lower)
    return Destination(key, forward, weight, upper, lower, _name(_TUNNEL, tunnel), tunnel_port, _name(_CHECKSUM, checksum))


def encode_timeouts(timeouts: Timeouts) -> bytes:
    """The timeouts; 0 leaves one as it is."""
    return b"".join(attribute(kind, _u32.pack(getattr(timeouts, name))) for name, kind in _TIMEOUTS.items())


def decode_timeouts(answer: bytes) -> Timeouts:
    """The timeouts from an answer to CMD_GET_CONFIG; 0 for a protocol that the kernel was built without."""
    found = attributes(answer)
    return Timeouts(**{name: _u32.unpack(found.get(kind, bytes(4)))[0] for name, kind in _TIMEOUTS.items()})


def encode_daemon(daemon: SyncDaemon) -> bytes:
    """A whole sync daemon."""
    parts = [
        attribute(DAEMON_ATTR_STATE, _u32.pack(_ROLE[daemon.key])),
        attribute(DAEMON_ATTR_MCAST_IFN, daemon.interface.encode() + b"\0"),
        attribute(DAEMON_ATTR_SYNC_ID, _u32.pack(daemon.sync_id)),
        attribute(DAEMON_ATTR_MCAST_PORT, _u16.pack(daemon.port)),  # native, unlike every other port here
        attribute(DAEMON_ATTR_MCAST_TTL, bytes([daemon.ttl])),
    ]
    if daemon.sync_maxlen:
        parts.append(attribute(DAEMON_ATTR_SYNC_MAXLEN, _u16.pack(daemon.sync_maxlen)))
    group = DAEMON_ATTR_MCAST_GROUP if daemon.group.version == 4 else DAEMON_ATTR_MCAST_GROUP6
    parts.append(attribute(group, daemon.group.packed))
    return nested(CMD_ATTR_DAEMON, *parts)


def encode_daemon_key(daemon: SyncDaemon) -> bytes:
    """What CMD_DEL_DAEMON needs of a daemon."""
    return nested(CMD_ATTR_DAEMON, attribute(DAEMON_ATTR_STATE, _u32.pack(_ROLE[daemon.key])))


def decode_daemon(answer: bytes) -> SyncDaemon:
    """A sync daemon from the attributes of an answer to CMD_GET_DAEMON."""
    found = attributes(attributes(answer)[CMD_ATTR_DAEMON])
    state = _u32.unpack(found[DAEMON_ATTR_STATE])[0]
    daemon = SyncDaemon(
        key=next(role for role, number in _ROLE.items() if number == state),
        interface=_string(found[DAEMON_ATTR_MCAST_IFN]),
        sync_id=_u32.unpack(found[DAEMON_ATTR_SYNC_ID])[0],
    )
    if DAEMON_ATTR_MCAST_PORT not in found:  # kernels before 4.3 have these fixed
        return daemon
    six = DAEMON_ATTR_MCAST_GROUP6 in found
    return SyncDaemon(
        key=daemon.key,
        interface=daemon.interface,
        sync_id=daemon.sync_id,
        sync_maxlen=_u16.unpack(found[DAEMON_ATTR_SYNC_MAXLEN])[0],
        group=_read_address(6 if six else 4, found[DAEMON_ATTR_MCAST_GROUP6 if six else DAEMON_ATTR_MCAST_GROUP]),
        port=_u16.unpack(found[DAEMON_ATTR_MCAST_PORT])[0],
        ttl=found[DAEMON_ATTR_MCAST_TTL][0],
    )
