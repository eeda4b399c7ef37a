# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPVS on the wire, against bytes written by hand from include/uapi/linux/ip_vs.h."""

from __future__ import annotations

import sys
from ipaddress import ip_address

import pytest
from hypothesis import given

from ansible_collections.lvs.cluster.plugins.module_utils._kernel import ipvs_codec as codec
from ansible_collections.lvs.cluster.plugins.module_utils._kernel import netlink
from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
)
from tests.unit.strategies import destinations, services

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
        0c00 0700  00000000 fdffffff                   # FLAGS: none; mask: all but HASHED (0x2)
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
        0c00 0700  00000000 fdffffff                   # FLAGS, mask
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
        0c00 0700  00000000 fdffffff                   # FLAGS, mask
        0800 0800  00000000                            # TIMEOUT
        0800 0900  80000000                            # NETMASK: a prefix of 128 bits, native u32
        """,
    ),
    "persistent": (
        Service(
            ServiceKey(family=4, protocol="udp", vip=ip_address("192.168.56.186"), port=5060),
            scheduler="sh",
            flags=0x1 | 0x8 | 0x10,
            timeout=300,
            prefix_length=24,
            persistence_engine="sip",
        ),
        """
        5c00 0180                                      # 92 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0200 0000                           # AF: AF_INET
        0600 0200  1100 0000                           # PROTOCOL: IPPROTO_UDP
        1400 0300  c0a838ba 00000000 00000000 00000000 # ADDR: 192.168.56.186
        0600 0400  13c4 0000                           # PORT: 5060, be16
        0700 0600  73680000                            # SCHED_NAME: "sh"
        0c00 0700  19000000 fdffffff                   # FLAGS: PERSISTENT, SCHED1, SCHED2; mask
        0800 0800  2c010000                            # TIMEOUT: 300 s
        0800 0900  ffffff00                            # NETMASK: 255.255.255.0 in network order
        0800 0b00  73697000                            # PE_NAME: "sip"
        """,
    ),
    "persistent ipv6": (
        Service(ServiceKey(family=6, fwmark=7), scheduler="mh", flags=0x1, timeout=60, prefix_length=64),
        """
        3800 0180                                      # 56 bytes, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED
        0600 0100  0a00 0000                           # AF: AF_INET6
        0800 0500  07000000                            # FWMARK: 7
        0700 0600  6d680000                            # SCHED_NAME: "mh"
        0c00 0700  01000000 fdffffff                   # FLAGS: PERSISTENT; mask
        0800 0800  3c000000                            # TIMEOUT: 60 s
        0800 0900  40000000                            # NETMASK: a prefix of 64 bits, native u32
        """,
    ),
}

DESTINATIONS = {
    "tunnel": (
        Destination(DestinationKey(WEB, ip_address("192.168.56.183"), 80), weight=2),
        WEB_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b7 00000000 00000000 00000000 # ADDR: 192.168.56.183
        0600 0200  0050 0000                           # PORT: 80, be16
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  02000000                            # WEIGHT: 2
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0500 0d00  00 000000                           # TUN_TYPE: IPIP, u8, three bytes of padding
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
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
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        0800 0300  00000000                            # FWD_METHOD: IP_VS_CONN_F_MASQ
        0800 0400  00000000                            # WEIGHT: 0
        0800 0500  e8030000                            # U_THRESH: 1000
        0800 0600  ee020000                            # L_THRESH: 750
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        """,
    ),
    "ipv6": (
        Destination(DestinationKey(WEB6, ip_address("2001:db8::b7"), 443), forward="route"),
        WEB6_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  20010db8 00000000 00000000 000000b7 # ADDR: 2001:db8::b7
        0600 0200  01bb 0000                           # PORT: 443, be16
        0600 0b00  0a00 0000                           # ADDR_FAMILY: AF_INET6
        0800 0300  03000000                            # FWD_METHOD: IP_VS_CONN_F_DROUTE
        0800 0400  01000000                            # WEIGHT: 1
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0500 0d00  00 000000                           # TUN_TYPE: IPIP
        0600 0e00  0000 0000                           # TUN_PORT
        0600 0f00  0000 0000                           # TUN_FLAGS
        """,
    ),
    "gue, for a firewall mark": (
        Destination(
            DestinationKey(MARK, ip_address("192.168.56.184"), 0), tunnel_type="gue", tunnel_port=6080, tunnel_flags=0x2
        ),
        MARK_KEY
        + """
        6000 0280                                      # 96 bytes, IPVS_CMD_ATTR_DEST | NLA_F_NESTED
        1400 0100  c0a838b8 00000000 00000000 00000000 # ADDR: 192.168.56.184
        0600 0200  0000 0000                           # PORT: 0, as of the mark's service
        0600 0b00  0200 0000                           # ADDR_FAMILY: AF_INET
        0800 0300  02000000                            # FWD_METHOD: IP_VS_CONN_F_TUNNEL
        0800 0400  01000000                            # WEIGHT: 1
        0800 0500  00000000                            # U_THRESH
        0800 0600  00000000                            # L_THRESH
        0500 0d00  01 000000                           # TUN_TYPE: GUE
        0600 0e00  17c0 0000                           # TUN_PORT: 6080, be16
        0600 0f00  0200 0000                           # TUN_FLAGS: remote checksum, native u16
        """,
    ),
}


@little_endian
@pytest.mark.parametrize(("service", "wire"), SERVICES.values(), ids=SERVICES)
def test_service_and_its_bytes(service: Service, wire: str) -> None:
    """Each is made from the other."""
    assert codec.encode_service(service) == octets(wire)
    assert codec.decode_service(netlink.attributes(octets(wire))) == service


@little_endian
@pytest.mark.parametrize(("destination", "wire"), DESTINATIONS.values(), ids=DESTINATIONS)
def test_destination_and_its_bytes(destination: Destination, wire: str) -> None:
    """Each is made from the other; the service is not in the kernel's answer, but in the request for it."""
    assert codec.encode_destination(destination) == octets(wire)
    assert codec.decode_destination(destination.key.service, netlink.attributes(octets(wire))) == destination


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
    key = DestinationKey(WEB, ip_address("192.168.56.183"), 80)
    assert codec.encode_destination_key(key) == octets(WEB_KEY + wire)


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
    assert codec.decode_service(netlink.attributes(octets(answer))) == Service(key, scheduler="wlc", flags=0x4)


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
    assert codec.decode_destination(WEB6, netlink.attributes(octets(answer))) == expected


@pytest.mark.parametrize(("family", "whole"), [(4, 32), (6, 128)])
def test_two_ways_to_say_the_whole_address(family: int, whole: int) -> None:
    """A prefix of all bits is the same as none."""
    said = Service(ServiceKey(family=family, fwmark=1), prefix_length=whole)
    unsaid = Service(ServiceKey(family=family, fwmark=1))
    assert codec.encode_service(said) == codec.encode_service(unsaid)


@given(services())
def test_any_service_survives_the_wire(service: Service) -> None:
    """Decoding undoes encoding."""
    assert codec.decode_service(netlink.attributes(codec.encode_service(service))) == service


@given(destinations())
def test_any_destination_survives_the_wire(destination: Destination) -> None:
    """Decoding undoes encoding."""
    wire = netlink.attributes(codec.encode_destination(destination))
    assert codec.decode_destination(destination.key.service, wire) == destination
