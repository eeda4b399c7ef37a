# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPVS on the wire, against bytes written by hand from include/uapi/linux/ip_vs.h."""

from __future__ import annotations

import struct
import sys
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink_messages as netlink
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import codec, statistics
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SyncDaemon,
    Timeouts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import Connections, Statistics
from tests.unit.strategies import daemons, destinations, services

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")


def octets(text: str) -> bytes:
    """Bytes from hexadecimal digits; what follows a # is a comment."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


WEB = ServiceKey(family=4, protocol="tcp", vip=ip_address("192.168.56.185"), port=80)
WEB_KEY = """
    3000 0180                                          # 48 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
    0600 0100  0200 0000                               # AF: AF_INET, native u16, two bytes of padding
    0600 0200  0600 0000                               # PROTOCOL: IPPROTO_TCP, native u16
    1400 0300  c0a838b9 00000000 00000000 00000000     # ADDR: 192.168.56.185 in a union of 16 bytes
    0600 0400  0050 0000                               # PORT: 80, be16
"""
WEB6 = ServiceKey(family=6, protocol="tcp", vip=ip_address("2001:db8::b9"), port=443)
WEB6_KEY = """
    3000 0180                                          # 48 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
    0600 0100  0a00 0000                               # AF: AF_INET6
    0600 0200  0600 0000                               # PROTOCOL: IPPROTO_TCP
    1400 0300  20010db8 00000000 00000000 000000b9     # ADDR: 2001:db8::b9
    0600 0400  01bb 0000                               # PORT: 443, be16
"""
RS1 = DestinationKey(WEB, ip_address("192.168.56.183"), 80)
MARK = ServiceKey(family=4, fwmark=0x01020304)
MARK_KEY = """
    1400 0180                                          # 20 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
    0600 0100  0200 0000                               # AF: AF_INET
    0800 0500  04030201                                # FWMARK: 0x01020304, native u32
"""

SERVICES = {
    "tcp over ipv4": (
        Service(WEB, scheduler="wrr"),
        """
        5400 0180                                      # 84 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0600 0200  0600 0000                           # PROTOCOL: IPPROTO_TCP
        1400 0300  c0a838b9 00000000 00000000 00000000 # ADDR: 192.168.56.185
        0600 0400  0050 0000                           # PORT: 80, be16
        0800 0600  77727200                            # SCHED_NAME: "wrr" and its NUL
        0c00 0700  00000000 3d000000                   # FLAGS: none; mask: PERSISTENT, ONEPACKET, SCHED1 to 3
        0800 0800  00000000                            # TIMEOUT
        0800 0900  ffffffff                            # NETMASK: 255.255.255.255
        """,
    ),
    "firewall mark": (
        Service(MARK, scheduler="rr"),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0800 0500  04030201                            # FWMARK: 0x01020304, native u32
        0700 0600  72720000                            # SCHED_NAME: "rr", its NUL, one byte of padding
        0c00 0700  00000000 3d000000                   # FLAGS, mask
        0800 0800  00000000                            # TIMEOUT
        0800 0900  ffffffff                            # NETMASK
        """,
    ),
    "ipv6": (
        Service(WEB6, scheduler="wlc"),
        """
        5400 0180                                      # 84 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0a00 0000                           # AF: AF_INET6
        0600 0200  0600 0000                           # PROTOCOL: IPPROTO_TCP
        1400 0300  20010db8 00000000 00000000 000000b9 # ADDR: 2001:db8::b9
        0600 0400  01bb 0000                           # PORT: 443, be16
        0800 0600  776c6300                            # SCHED_NAME: "wlc"
        0c00 0700  00000000 3d000000                   # FLAGS, mask
        0800 0800  00000000                            # TIMEOUT
        0800 0900  80000000                            # NETMASK: a prefix of 128 bits, native u32
        """,
    ),
    "persistent": (
        Service(
            ServiceKey(family=4, protocol="udp", vip=ip_address("192.168.56.186"), port=5060),
            scheduler="sh",
            scheduler_flags=0x8 | 0x10,
            persistence_timeout=300,
            persistence_netmask="255.255.255.0",
            persistence_engine="sip",
            one_packet=True,
        ),
        """
        5c00 0180                                      # 92 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0600 0200  1100 0000                           # PROTOCOL: IPPROTO_UDP
        1400 0300  c0a838ba 00000000 00000000 00000000 # ADDR: 192.168.56.186
        0600 0400  13c4 0000                           # PORT: 5060, be16
        0700 0600  73680000                            # SCHED_NAME: "sh"
        0c00 0700  1d000000 3d000000                   # FLAGS: PERSISTENT, ONEPACKET, SCHED1, SCHED2; mask
        0800 0800  2c010000                            # TIMEOUT: 300 s
        0800 0900  ffffff00                            # NETMASK: 255.255.255.0 in network order
        0800 0b00  73697000                            # PE_NAME: "sip"
        """,
    ),
    "persistent, each client by itself": (
        Service(MARK, scheduler="rr", persistence_timeout=300),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0800 0500  04030201                            # FWMARK: 0x01020304
        0700 0600  72720000                            # SCHED_NAME: "rr"
        0c00 0700  01000000 3d000000                   # FLAGS: PERSISTENT; mask
        0800 0800  2c010000                            # TIMEOUT: 300 s
        0800 0900  ffffffff                            # NETMASK: 255.255.255.255
        """,
    ),
    "persistent ipv6, each client by itself": (
        Service(ServiceKey(family=6, fwmark=7), scheduler="mh", persistence_timeout=60),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0a00 0000                           # AF: AF_INET6
        0800 0500  07000000                            # FWMARK: 7
        0700 0600  6d680000                            # SCHED_NAME: "mh"
        0c00 0700  01000000 3d000000                   # FLAGS: PERSISTENT; mask
        0800 0800  3c000000                            # TIMEOUT: 60 s
        0800 0900  80000000                            # NETMASK: a prefix of 128 bits
        """,
    ),
    "persistent ipv6": (
        Service(
            ServiceKey(family=6, fwmark=7),
            scheduler="mh",
            scheduler_flags=0x20,
            persistence_timeout=60,
            persistence_netmask="64",
        ),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0a00 0000                           # AF: AF_INET6
        0800 0500  07000000                            # FWMARK: 7
        0700 0600  6d680000                            # SCHED_NAME: "mh"
        0c00 0700  21000000 3d000000                   # FLAGS: PERSISTENT, SCHED3; mask
        0800 0800  3c000000                            # TIMEOUT: 60 s
        0800 0900  40000000                            # NETMASK: a prefix of 64 bits, native u32
        """,
    ),
    "persistent with a mask in pieces, of another program": (
        Service(MARK, scheduler="rr", persistence_timeout=1, persistence_netmask="255.0.255.0"),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0800 0500  04030201                            # FWMARK: 0x01020304
        0700 0600  72720000                            # SCHED_NAME: "rr"
        0c00 0700  01000000 3d000000                   # FLAGS: PERSISTENT; mask
        0800 0800  01000000                            # TIMEOUT: 1 s
        0800 0900  ff00ff00                            # NETMASK: 255.0.255.0 in network order
        """,
    ),
    "protocol without a name here": (
        Service(
            ServiceKey(family=4, protocol="47", vip=ip_address("192.168.56.185"), port=0),
            scheduler="rr",
            one_packet=True,
        ),
        """
        5400 0180                                      # 84 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0600 0200  2f00 0000                           # PROTOCOL: IPPROTO_GRE
        1400 0300  c0a838b9 00000000 00000000 00000000 # ADDR: 192.168.56.185
        0600 0400  0000 0000                           # PORT: 0
        0700 0600  72720000                            # SCHED_NAME: "rr"
        0c00 0700  04000000 3d000000                   # FLAGS: ONEPACKET; mask
        0800 0800  00000000                            # TIMEOUT
        0800 0900  ffffffff                            # NETMASK
        """,
    ),
}

DESTINATIONS = {
    "tunnel": (
        Destination(RS1, weight=2),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  02000000                            # WEIGHT: 2
        0500 0d00  00 000000                           # TUN_TYPE: IPIP, u8, three bytes of padding
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "masquerade to another port": (
        Destination(
            DestinationKey(WEB, ip_address("10.1.2.3"), 8080),
            forward="masquerade",
            weight=0,
            upper_threshold=1000,
            lower_threshold=750,
        ),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  0a010203 00000000 00000000 00000000 # ADDR: 10.1.2.3
        0600 0200  1f90 0000                           # PORT: 8080, be16
        0800 0300  00000000                            # FWD_METHOD: IP_VS_CONN_F_MASQ
        0800 0400  00000000                            # WEIGHT: 0
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  e8030000                            # U_THRESH: 1000
        0800 0600  ee020000                            # L_THRESH: 750
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "ipv6": (
        Destination(DestinationKey(WEB6, ip_address("2001:db8::b7"), 443), forward="route"),
        WEB6_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  20010db8 00000000 00000000 000000b7 # ADDR: 2001:db8::b7
        0600 0200  01bb 0000                           # PORT: 443, be16
        0800 0300  03000000                            # FWD_METHOD: IP_VS_CONN_F_DROUTE
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0a00 0000                           # ADDR_FAMILY: AF_INET6
        """,
    ),
    "gue, for a firewall mark": (
        Destination(
            DestinationKey(MARK, ip_address("192.168.56.184"), 0),
            tunnel_type="gue",
            tunnel_port=6080,
            tunnel_checksum="remote_checksum",
        ),
        MARK_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b8 00000000 00000000 00000000 # ADDR: 192.168.56.184
        0600 0200  0000 0000                           # PORT: 0, as of the mark's service
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  01 000000                           # TUN_TYPE: GUE
        0600 0e00  17c0 0000                           # TUN_PORT: 6080, be16
        0600 0f00  0200 0000                           # TUN_FLAGS: remote checksum, native u16
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "ipv6 behind ipv4": (
        Destination(DestinationKey(WEB, ip_address("2001:db8::b7"), 80)),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  20010db8 00000000 00000000 000000b7 # ADDR: 2001:db8::b7
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0a00 0000                           # ADDR_FAMILY: AF_INET6, whatever the service's
        """,
    ),
    "gre with a checksum": (
        Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum"),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  02 000000                           # TUN_TYPE: GRE
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0100 0000                           # TUN_FLAGS: checksum, native u16
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "local": (
        Destination(RS1, forward="local"),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  01000000                            # FWD_METHOD: IP_VS_CONN_F_LOCALNODE
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "bypass": (
        Destination(RS1, forward="bypass"),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  04000000                            # FWD_METHOD: IP_VS_CONN_F_BYPASS
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "forwarding method without a name here": (
        Destination(RS1, forward="5"),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  05000000                            # FWD_METHOD: 5
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
    "tunnel type and flags without a name here": (
        Destination(RS1, tunnel_type="3", tunnel_port=6080, tunnel_checksum="3"),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  03 000000                           # TUN_TYPE: 3
        0600 0e00  17c0 0000                           # TUN_PORT: 6080, be16
        0600 0f00  0300 0000                           # TUN_FLAGS: both of them
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        """,
    ),
}


@little_endian
@pytest.mark.parametrize(("service", "wire"), SERVICES.values(), ids=SERVICES)
def test_service_and_its_bytes(service: Service, wire: str) -> None:
    """Each is made from the other."""
    assert codec.encode_service(service) == octets(wire)
    assert codec.decode_service(octets(wire)) == service


@little_endian
@pytest.mark.parametrize(("destination", "wire"), DESTINATIONS.values(), ids=DESTINATIONS)
def test_destination_and_its_bytes(destination: Destination, wire: str) -> None:
    """Each is made from the other; the service is not in the kernel's answer, but in the request for it."""
    assert codec.encode_destination(destination) == octets(wire)
    assert codec.decode_destination(destination.key.service, octets(wire)) == destination


@little_endian
@pytest.mark.parametrize(("key", "wire"), [(WEB, WEB_KEY), (WEB6, WEB6_KEY), (MARK, MARK_KEY)], ids=str)
def test_key_of_a_service(key: ServiceKey, wire: str) -> None:
    """What a read or a removal sends names the service and nothing else."""
    assert codec.encode_key(key) == octets(wire)


@little_endian
def test_key_of_a_destination() -> None:
    """What a removal sends names the service and the destination."""
    wire = """
        2800 0280                                      # 40 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
    """
    assert codec.encode_destination_key(RS1) == octets(WEB_KEY + wire)


@little_endian
def test_kernel_answer_with_its_own_flag_and_statistics() -> None:
    """HASHED is the kernel's bookkeeping; statistics are no configuration; the kernel leaves NLA_F_NESTED out."""
    answer = """
        5c00 0100                                      # 92 bytes, IPVS_CMD_ATTR_SERVICE
        0600 0100  0200 0000                           # AF: AF_INET
        0600 0200  8400 0000                           # PROTOCOL: IPPROTO_SCTP
        1400 0300  c0a838b9 00000000 00000000 00000000 # ADDR: 192.168.56.185
        0600 0400  0050 0000                           # PORT: 80
        0800 0600  776c6300                            # SCHED_NAME: "wlc"
        0c00 0700  06000000 ffffffff                   # FLAGS: HASHED, ONEPACKET; mask
        0800 0800  00000000                            # TIMEOUT
        0800 0900  ffffffff                            # NETMASK
        0800 0a00  05000000                            # STATS, cut short
    """
    key = ServiceKey(family=4, protocol="sctp", vip=ip_address("192.168.56.185"), port=80)
    assert codec.decode_service(octets(answer)) == Service(key, scheduler="wlc", one_packet=True)


@little_endian
def test_old_kernel_answer_without_family_and_tunnel() -> None:
    """A kernel that knows neither gives the service's family, and IPIP."""
    answer = """
        4800 0200                                      # 72 bytes, IPVS_CMD_ATTR_DEST
        1400 0100  20010db8 00000000 00000000 000000b7 # ADDR: 2001:db8::b7
        0600 0200  01bb 0000                           # PORT: 443
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  03000000                            # WEIGHT: 3
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0800 0700  09000000                            # ACTIVE_CONNS: 9
    """
    expected = Destination(DestinationKey(WEB6, ip_address("2001:db8::b7"), 443), weight=3)
    assert codec.decode_destination(WEB6, octets(answer)) == expected


@little_endian
def test_leftovers_of_a_service_that_is_not_persistent() -> None:
    """The kernel keeps the timeout and the mask that a service had, or was given, and does nothing with them."""
    answer = """
        3800 0100                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE
        0600 0100  0200 0000                           # AF: AF_INET
        0800 0500  04030201                            # FWMARK: 0x01020304
        0700 0600  72720000                            # SCHED_NAME: "rr"
        0c00 0700  0a000000 ffffffff                   # FLAGS: HASHED, SCHED1; mask
        0800 0800  2c010000                            # TIMEOUT: 300 s
        0800 0900  ffffff00                            # NETMASK: 255.255.255.0
    """
    assert codec.decode_service(octets(answer)) == Service(MARK, scheduler="rr", scheduler_flags=0x8)


@little_endian
def test_leftovers_of_a_destination_without_a_tunnel() -> None:
    """Neither the tunnel that it had is configuration, nor what else FWD_METHOD may hold."""
    answer = """
        5800 0200                                      # 88 bytes, IPVS_CMD_ATTR_DEST
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80
        0800 0300  03010000                            # FWD_METHOD: IP_VS_CONN_F_DROUTE, and IP_VS_CONN_F_INACTIVE
        0800 0400  01000000                            # WEIGHT: 1
        0500 0d00  01 000000                           # TUN_TYPE: GUE
        0600 0e00  17c0 0000                           # TUN_PORT: 6080
        0600 0f00  0100 0000                           # TUN_FLAGS: checksum
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
    """
    assert codec.decode_destination(WEB, octets(answer)) == Destination(RS1, forward="route")


@little_endian
def test_kernel_answer_is_read_as_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ip_vs_genl_fill_dest() sends, with counters behind it: attribute by attribute would take several times as long."""
    answer = """
        8800 0200                                      # 136 bytes, IPVS_CMD_ATTR_DEST
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  05000000                            # WEIGHT: 5
        0500 0d00  01 000000                           # TUN_TYPE: GUE
        0600 0e00  17c0 0000                           # TUN_PORT: 6080
        0600 0f00  0100 0000                           # TUN_FLAGS: checksum
        0800 0500  64000000                            # U_THRESH: 100
        0800 0600  32000000                            # L_THRESH: 50
        0800 0700  09000000                            # ACTIVE_CONNS: 9
        0800 0800  08000000                            # INACT_CONNS: 8
        0800 0900  07000000                            # PERSIST_CONNS: 7
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        0c00 0a00  0800 0100  05000000                 # STATS: CONNS: 5
    """
    monkeypatch.delattr(codec, "_decode_in_any_order")
    expected = Destination(RS1, "tunnel", 5, 100, 50, "gue", 6080, "checksum")
    assert codec.decode_destination(WEB, octets(answer)) == expected
    last = octets(answer)[:-12]
    assert codec.decode_destination(WEB, last) == expected


# As ip_vs_genl_fill_dest() in net/netfilter/ipvs/ip_vs_ctl.c of Linux 4.19 sends a destination: without TUN_TYPE, TUN_PORT
# and TUN_FLAGS, and nested attributes without NLA_F_NESTED.
DEST_4_19 = """
    6000 0200                                          # 96 bytes, IPVS_CMD_ATTR_DEST
    1400 0100  c0a838b7 00000000 00000000 00000000     # ADDR: 192.168.56.183
    0600 0200  0050 0000                               # PORT: 80
    0800 0300  02000000                                # FWD_METHOD: IP_VS_CONN_F_TUNNEL
    0800 0400  03000000                                # WEIGHT: 3
    0800 0500  00000000                                # U_THRESH
    0800 0600  00000000                                # L_THRESH
    0800 0700  01000000                                # ACTIVE_CONNS: 1
    0800 0800  02000000                                # INACT_CONNS: 2
    0800 0900  00000000                                # PERSIST_CONNS
    0600 0b00  0200 0000                               # ADDR_FAMILY: AF_INET
"""


@little_endian
def test_destination_of_a_kernel_that_has_no_other_tunnel_than_ipip() -> None:
    """What that kernel answers is what was wanted: a second run changes nothing."""
    wanted = Destination(RS1, "tunnel", weight=3)
    found = codec.decode_destination(WEB, octets(DEST_4_19))
    assert found == wanted
    assert Wanted(RS1, wanted, {"tunnel_type": "ipip", "tunnel_checksum": "none"}).merged_with(found) is found


# As the kernel aligns them: each value of 64 bits at a multiple of eight bytes.
STATS64 = """
    0c00 0100  01000000 01000000                       # CONNS: 0x100000001
    0400 0b00  0c00 0200  02000000 00000000            # PAD, INPKTS: 2
    0400 0b00  0c00 0300  03000000 00000000            # PAD, OUTPKTS: 3
    0400 0b00  0c00 0400  00000000 04000000            # PAD, INBYTES: 0x400000000
    0400 0b00  0c00 0500  05000000 00000000            # PAD, OUTBYTES: 5
    0400 0b00  0c00 0600  06000000 00000000            # PAD, CPS: 6
    0400 0b00  0c00 0700  07000000 00000000            # PAD, INPPS: 7
    0400 0b00  0c00 0800  08000000 00000000            # PAD, OUTPPS: 8
    0400 0b00  0c00 0900  09000000 00000000            # PAD, INBPS: 9
    0400 0b00  0c00 0a00  0a000000 00000000            # PAD, OUTBPS: 10
"""
STATISTICS = Statistics(
    connections=0x100000001,
    packets_in=2,
    packets_out=3,
    bytes_in=0x400000000,
    bytes_out=5,
    connections_per_second=6,
    packets_in_per_second=7,
    packets_out_per_second=8,
    bytes_in_per_second=9,
    bytes_out_per_second=10,
)


@little_endian
@pytest.mark.parametrize("wire", [STATS64, STATS64.replace("0400 0b00", "")], ids=["padded", "not padded"])
def test_statistics(wire: str) -> None:
    """Ten numbers of 64 bits, whether or not the kernel's architecture wants them aligned."""
    assert statistics.decode_statistics(octets(wire)) == STATISTICS


@little_endian
def test_statistics_of_a_service() -> None:
    """Those of 64 bits, not those that came before them."""
    answer = """
        b000 0100                                      # 176 bytes, IPVS_CMD_ATTR_SERVICE
        0c00 0a00  0800 0100  05000000                 # STATS: CONNS: 5
        a000 0c00                                      # STATS64: 160 bytes
    """
    assert statistics.service_statistics(octets(answer + STATS64)) == STATISTICS


@little_endian
def test_connections_and_statistics_of_a_destination() -> None:
    """What it has now, and what it has had."""
    answer = """
        c800 0200                                      # 200 bytes, IPVS_CMD_ATTR_DEST
        0800 0700  01010000                            # ACTIVE_CONNS: 257
        0800 0800  02000000                            # INACT_CONNS: 2
        0800 0900  03000000                            # PERSIST_CONNS: 3
        0c00 0a00  0800 0100  05000000                 # STATS: CONNS: 5
        a000 0c00                                      # STATS64: 160 bytes
    """
    found = statistics.destination_statistics(octets(answer + STATS64))
    assert found == (Connections(active=257, inactive=2, persistent=3), STATISTICS)


TIMEOUTS = """
    0800 0400  10270000                                # TIMEOUT_TCP: 10000 s, native u32
    0800 0500  78000000                                # TIMEOUT_TCP_FIN: 120 s
    0800 0600  00000000                                # TIMEOUT_UDP: 0, which leaves it
"""


@little_endian
def test_timeouts_and_their_bytes() -> None:
    """Each is made from the other."""
    timeouts = Timeouts(tcp=10000, tcp_fin=120, udp=0)
    assert codec.encode_timeouts(timeouts) == octets(TIMEOUTS)
    assert codec.decode_timeouts(octets(TIMEOUTS)) == timeouts


@little_endian
def test_timeouts_of_a_kernel_without_udp() -> None:
    """What the kernel was built without is no failure."""
    assert codec.decode_timeouts(octets("0800 0400 10270000")) == Timeouts(10000, 0, 0)


DAEMONS = {
    "master": (
        SyncDaemon("master", "eth0", sync_id=7, sync_maxlen=1472, port=8848, ttl=1),
        """
        4000 0380                                      # 64 bytes, IPVS_CMD_ATTR_DAEMON | NLA_F_NESTED
        0800 0100  01000000                            # STATE: IP_VS_STATE_MASTER
        0900 0200  65746830 00 000000                  # MCAST_IFN: "eth0", its NUL, three bytes of padding
        0800 0300  07000000                            # SYNC_ID: 7
        0600 0700  9022 0000                           # MCAST_PORT: 8848, native u16
        0500 0800  01 000000                           # MCAST_TTL: 1, u8
        0600 0400  c005 0000                           # SYNC_MAXLEN: 1472, native u16
        0800 0500  e0000051                            # MCAST_GROUP: 224.0.0.81 in network order
        """,
    ),
    "backup, ipv6": (
        SyncDaemon("backup", "eth1", 0, sync_maxlen=65487, group=ip_address("ff02::81"), port=8849, ttl=255),
        """
        4c00 0380                                      # 76 bytes, IPVS_CMD_ATTR_DAEMON | NLA_F_NESTED
        0800 0100  02000000                            # STATE: IP_VS_STATE_BACKUP
        0900 0200  65746831 00 000000                  # MCAST_IFN: "eth1"
        0800 0300  00000000                            # SYNC_ID: 0
        0600 0700  9122 0000                           # MCAST_PORT: 8849, native u16
        0500 0800  ff 000000                           # MCAST_TTL: 255
        0600 0400  cfff 0000                           # SYNC_MAXLEN: 65487
        1400 0600  ff020000 00000000 00000000 00000081 # MCAST_GROUP6: ff02::81
        """,
    ),
}


@little_endian
@pytest.mark.parametrize(("daemon", "wire"), DAEMONS.values(), ids=DAEMONS)
def test_daemon_and_its_bytes(daemon: SyncDaemon, wire: str) -> None:
    """Each is made from the other."""
    assert codec.encode_daemon(daemon) == octets(wire)
    assert codec.decode_daemon(octets(wire)) == daemon


@little_endian
def test_daemon_whose_messages_have_no_given_length() -> None:
    """Nothing is said of it, and the kernel chooses."""
    wire = """
        3800 0380                                      # 56 bytes, IPVS_CMD_ATTR_DAEMON | NLA_F_NESTED
        0800 0100  01000000                            # STATE: IP_VS_STATE_MASTER
        0900 0200  65746830 00 000000                  # MCAST_IFN: "eth0"
        0800 0300  00000000                            # SYNC_ID: 0
        0600 0700  9022 0000                           # MCAST_PORT: 8848
        0500 0800  01 000000                           # MCAST_TTL: 1
        0800 0500  e0000051                            # MCAST_GROUP: 224.0.0.81
    """
    assert codec.encode_daemon(SyncDaemon("master", "eth0")) == octets(wire)


@little_endian
def test_daemon_of_an_old_kernel() -> None:
    """One that has group, port and TTL fixed does not tell them."""
    answer = """
        2000 0300                                      # 32 bytes, IPVS_CMD_ATTR_DAEMON
        0800 0100  02000000                            # STATE: IP_VS_STATE_BACKUP
        0900 0200  65746830 00 000000                  # MCAST_IFN: "eth0"
        0800 0300  ff000000                            # SYNC_ID: 255
    """
    daemon = codec.decode_daemon(octets(answer))
    assert daemon == SyncDaemon("backup", "eth0", 255, 0, ip_address("224.0.0.81"), 8848, 1)


@little_endian
@pytest.mark.parametrize(("role", "state"), [("master", "01000000"), ("backup", "02000000")])
def test_key_of_a_daemon(role: str, state: str) -> None:
    """What stops it names its role and nothing else."""
    assert codec.encode_daemon_key(SyncDaemon(role, "eth0", 7)) == octets(f"0c00 0380  0800 0100  {state}")


@little_endian
def test_info() -> None:
    """The version has a byte for each of its numbers."""
    answer = """
        0800 0100  010a0200                            # VERSION: 0x020a01
        0800 0200  00100000                            # CONN_TAB_SIZE: 4096
    """
    assert statistics.decode_info(octets(answer)) == ("2.10.1", 4096)


@given(services())
def test_any_service_survives_the_wire(service: Service) -> None:
    """Decoding undoes encoding."""
    assert codec.decode_service(codec.encode_service(service)) == service


@given(destinations())
def test_any_destination_survives_the_wire(destination: Destination) -> None:
    """Decoding undoes encoding."""
    wire = codec.encode_destination(destination)
    assert codec.decode_destination(destination.key.service, wire) == destination


@given(daemons())
def test_any_daemon_survives_the_wire(daemon: SyncDaemon) -> None:
    """Decoding undoes encoding."""
    assert codec.decode_daemon(codec.encode_daemon(daemon)) == daemon


def kernel_answer(destination: Destination, connections: int) -> list[bytes]:
    """The attributes of a destination, in the order of ip_vs_genl_fill_dest()."""
    key = destination.key
    forward = ("masquerade", "local", "tunnel", "route", "bypass", "5", "6", "7")
    tunnel = ["ipip", "gue", "gre", *map(str, range(3, 256))]
    checksum = ["none", "checksum", "remote_checksum", *map(str, range(3, 65536))]
    numbers = [
        (codec.DEST_ATTR_FWD_METHOD, "=I", forward.index(destination.forward)),
        (codec.DEST_ATTR_WEIGHT, "=I", destination.weight),
        (codec.DEST_ATTR_TUN_TYPE, "=B", tunnel.index(destination.tunnel_type)),
        (codec.DEST_ATTR_TUN_PORT, "!H", destination.tunnel_port),
        (codec.DEST_ATTR_TUN_FLAGS, "=H", checksum.index(destination.tunnel_checksum)),
        (codec.DEST_ATTR_U_THRESH, "=I", destination.upper_threshold),
        (codec.DEST_ATTR_L_THRESH, "=I", destination.lower_threshold),
        (codec.DEST_ATTR_ACTIVE_CONNS, "=I", connections),
        (codec.DEST_ATTR_INACT_CONNS, "=I", connections),
        (codec.DEST_ATTR_PERSIST_CONNS, "=I", connections),
        (codec.DEST_ATTR_ADDR_FAMILY, "=H", 2 if key.rip.version == 4 else 10),
    ]
    return [
        netlink.attribute(codec.DEST_ATTR_ADDR, key.rip.packed.ljust(16, b"\0")),
        netlink.attribute(codec.DEST_ATTR_PORT, struct.pack("!H", key.port)),
        *(netlink.attribute(kind, struct.pack(form, number)) for kind, form, number in numbers),
        netlink.attribute(statistics.DEST_ATTR_STATS64, bytes(40)),
    ]


@given(destinations(), st.integers(0, 0xFFFFFFFF))
def test_destination_is_read_as_a_block_and_in_any_order(destination: Destination, connections: int) -> None:
    """The kernel's own order has a way of its own, which must give the same."""
    parts = kernel_answer(destination, connections)
    for attributes in (parts, parts[::-1], parts[:-1]):
        answer = netlink.attribute(codec.CMD_ATTR_DEST, b"".join(attributes))
        assert codec.decode_destination(destination.key.service, answer) == destination
