# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP and neighbour discovery as bytes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour, packets

MAC = bytes.fromhex("020000000001")
VIP, VIP6 = IPv4Address("192.168.56.185"), IPv6Address("2001:db8::185")


def test_arp_probe_and_announcement() -> None:
    """RFC 5227: the probe's sender is 0.0.0.0, the announcement's is the address itself."""
    fixed = "0001 0800 06 04 0001 020000000001"
    probed = neighbour.arp_request(MAC, IPv4Address(0), VIP)
    assert probed == bytes.fromhex(fixed + "00000000 000000000000 c0a838b9")
    announced = neighbour.arp_request(MAC, VIP, VIP)
    assert announced == bytes.fromhex(fixed + "c0a838b9 000000000000 c0a838b9")
    assert neighbour.arp_sender(announced + bytes(18)) == (MAC, VIP)  # padded to the least of Ethernet


@pytest.mark.parametrize("packet", [b"", bytes(27), bytes(28), bytes.fromhex("0001 86dd 06 04 0002") + bytes(20)])
def test_what_is_no_arp(packet: bytes) -> None:
    assert neighbour.arp_sender(packet) is None


def test_solicitation_of_nobody() -> None:
    """RFC 4862, 5.4.2: from ::, to the solicited-node group, and without the MAC; the checksum is right."""
    packet = neighbour.solicitation(MAC, IPv6Address("::"), VIP6)
    assert packet[:40] == bytes.fromhex(
        "60000000 0018 3a ff" + "00" * 16 + "ff02 0000 0000 0000 0000 0001 ff00 0185"
    )  # fmt: skip
    assert packet[40:42] + packet[44:] == bytes.fromhex("8700 00000000") + VIP6.packed
    assert packets.checksum(packet[8:40] + bytes.fromhex("00000018 0000003a") + packet[40:]) == 0
    assert neighbour.multicast_mac(neighbour.solicited_node(VIP6)) == bytes.fromhex("3333ff000185")


def test_solicitation_of_somebody_says_the_mac() -> None:
    packet = neighbour.solicitation(MAC, IPv6Address("2001:db8::181"), VIP6)
    assert packet[-8:] == bytes.fromhex("0101") + MAC


def test_advertisement() -> None:
    """RFC 4861, 7.2.6: to all nodes, overriding; a router says that it is one."""
    packet = neighbour.advertisement(MAC, VIP6, router=False)
    assert packet[:40] == bytes.fromhex("60000000 0020 3a ff") + VIP6.packed + IPv6Address("ff02::1").packed
    assert packet[44:] == bytes.fromhex("20000000") + VIP6.packed + bytes.fromhex("0201") + MAC
    assert packets.checksum(packet[8:40] + bytes.fromhex("00000020 0000003a") + packet[40:]) == 0
    assert neighbour.advertisement(MAC, VIP6, router=True)[44:48] == bytes.fromhex("a0000000")
    assert neighbour.advertised(packet[40:]) == (MAC, VIP6)


@pytest.mark.parametrize("options", ["", "02", "0200" + "00" * 6, "0101020000000001", "0202020000000001"])
def test_advertisement_without_a_mac(options: str) -> None:
    """None, cut off, of no length, the other one, too long: never an endless loop."""
    message = bytes.fromhex("88000000 20000000") + VIP6.packed + bytes.fromhex(options)
    if options.startswith("0202"):
        message += bytes(8)
    assert neighbour.advertised(message) is None
