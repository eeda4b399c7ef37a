# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets as bytes: what goes into a tunnel, what IPVS puts around it, and what comes back."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import packets

DIP, VIP = IPv4Address("192.168.56.181"), IPv4Address("192.168.56.185")
DIP6, VIP6 = IPv6Address("2001:db8::181"), IPv6Address("2001:db8::185")
SYN = bytes.fromhex(
    "45 00 0028 0000 0000 40 06 8811 c0a838b5 c0a838b9"  # RFC 791: 40 bytes, TTL 64, TCP
    "ee48 0050 01020304 00000000 50 02 ffff ca84 0000"  # RFC 9293: 61000 to 80, 20 bytes, SYN
)
SYN6 = bytes.fromhex(
    "60000000 0014 06 40 20010db8000000000000000000000181 20010db8000000000000000000000185"
    "ee48 0050 01020304 00000000 50 02 ffff 5ecc 0000"
)


def test_checksum() -> None:
    """The example of RFC 1071, 3: the sum is ddf2."""
    assert packets.checksum(bytes.fromhex("0001 f203 f4f5 f6f7")) == 0xDDF2 ^ 0xFFFF
    assert packets.checksum(bytes.fromhex("0001 f2")) == 0xF201 ^ 0xFFFF


def test_syn() -> None:
    assert packets.tcp(DIP, VIP, (61000, 80), 0x01020304, packets.SYN) == SYN
    assert packets.tcp(DIP6, VIP6, (61000, 80), 0x01020304, packets.SYN) == SYN6


def test_reset_behind_the_last_sequence_number() -> None:
    packet = packets.tcp(DIP, VIP, (61000, 80), 0xFFFFFFFF + 1, packets.RST)
    assert packet[24:28] + packet[33:34] == bytes.fromhex("00000000 04")


def test_echo() -> None:
    """RFC 792, and RFC 4443 with the addresses in the checksum."""
    assert packets.echo(DIP, VIP, 0x1234, 5) == bytes.fromhex(
        "45 00 001c 0000 0000 40 01 8822 c0a838b5 c0a838b9 08 00 e5c6 1234 0005"
    )  # fmt: skip
    assert packets.echo(DIP6, VIP6, 0x1234, 5) == bytes.fromhex(
        "60000000 0008 3a 40 20010db8000000000000000000000181 20010db8000000000000000000000185 80 00 0f0c 1234 0005"
    )  # fmt: skip


def test_gre() -> None:
    """RFC 2784: the protocol is an Ethertype; the checksum is of the header and all behind it."""
    assert packets.gre(SYN, 4, with_checksum=False) == bytes.fromhex("0000 0800") + SYN
    assert packets.gre(SYN6, 6, with_checksum=False) == bytes.fromhex("0000 86dd") + SYN6
    summed = packets.gre(SYN, 4, with_checksum=True)
    assert summed[:4] + summed[6:] == bytes.fromhex("8000 0800 0000") + SYN
    assert summed[4:6] != bytes(2)
    assert packets.checksum(summed) == 0


def test_gue() -> None:
    """Version 0, a header of no further words, no flags: IPv4 is protocol 4, IPv6 is 41."""
    assert packets.gue(SYN, 4) == bytes.fromhex("00 04 0000") + SYN
    assert packets.gue(SYN6, 6) == bytes.fromhex("00 29 0000") + SYN6


def answer(flags: str, version: int = 4) -> bytes:
    """From port 80 of the VIP to 61000, acknowledging one behind the SYN."""
    headers = {
        4: "45 00 0028 0000 4000 40 06 4815 c0a838b9 c0a838b5",
        6: "60000000 0014 06 40 20010db8000000000000000000000185 20010db8000000000000000000000181",
    }
    return bytes.fromhex(f"{headers[version]} 0050 ee48 0a0b0c0d 01020305 50 {flags} ffff 0000 0000")


@pytest.mark.parametrize(("version", "vip"), [(4, VIP), (6, VIP6)])
def test_answers(version: int, vip: IPv4Address | IPv6Address) -> None:
    accepted = packets.Reply(vip, refused=False, port=80, to=61000, number=0x01020305)
    assert packets.reply(answer("12", version)) == accepted
    assert packets.reply(answer("14", version)) == accepted._replace(refused=True)


def test_answer_behind_options() -> None:
    """An IPv4 header of 24 bytes."""
    packet = answer("12")
    assert packets.reply(b"\x46" + packet[1:20] + bytes(4) + packet[20:]) == packets.reply(packet)


def test_echo_replies() -> None:
    reply = packets.echo(VIP, DIP, 0x1234, 5)
    assert packets.reply(reply[:20] + b"\0" + reply[21:]) == packets.Reply(VIP, False, None, 0x1234, 5)
    reply = packets.echo(VIP6, DIP6, 0x1234, 5)
    assert packets.reply(reply[:40] + b"\x81" + reply[41:]) == packets.Reply(VIP6, False, None, 0x1234, 5)


@pytest.mark.parametrize(
    "packet",
    [
        *(b"", SYN, SYN6, answer("10"), answer("04"), answer("12")[:39]),
        *(packets.echo(DIP, VIP, 1, 1), b"\x45" + bytes(18), bytes(60)),
    ],
)
def test_what_is_no_answer(packet: bytes) -> None:
    """A SYN alone, an ACK alone, a reset of somebody else's, what is cut off, a request, another protocol."""
    assert packets.reply(packet) is None


# A machine for such programs, after include/uapi/linux/bpf_common.h.


def passes(program: bytes, packet: bytes) -> bool:
    """Whether the kernel would let the packet pass."""
    steps = [struct.unpack_from("=HBBI", program, place) for place in range(0, len(program), 8)]
    value, index, at = 0, 0, 0
    while True:
        code, true, false, number = steps[at]
        at += 1
        if code in (0x30, 0x48, 0x50):
            start, size = number + (0 if code == 0x30 else index), 2 if code == 0x48 else 1
            if start + size > len(packet):
                return False
            value = int.from_bytes(packet[start : start + size], "big")
        elif code == 0x01:
            index = number
        elif code == 0xB1:
            index = (packet[number] & 0xF) * 4
        elif code == 0x06:
            return bool(number)
        else:
            at += true if {0x15: value == number, 0x35: value >= number, 0x25: value > number}[code] else false


def error(packet: bytes, source: IPv4Address | IPv6Address, to: IPv4Address | IPv6Address, code: int) -> bytes:
    """An error that says that a packet did not reach its destination."""
    message = struct.pack("!BB6x", 3 if source.version == 4 else 1, code) + packet
    return packets.ip(source, to, packets.ICMP[source.version], message)


@pytest.mark.parametrize(
    ("source", "to", "prohibited", "others"), [(VIP, DIP, (9, 10, 13), (0, 1, 2, 3, 4)), (VIP6, DIP6, (1,), (0, 3, 4))]
)
def test_rejection(source: Any, to: Any, prohibited: tuple[int, ...], others: tuple[int, ...]) -> None:
    """What firewalls say, whatever the family of the packet within; not a port or a host that is not there."""
    packet = packets.ip(to, source, 4, b"beginning")
    for code in prohibited:
        assert packets.rejection(error(packet, source, to, code)) == packets.Rejection(source, source, 4, b"beginning")
    for code in others:
        assert packets.rejection(error(packet, source, to, code)) is None
    rejected = error(packet, source, to, prohibited[0])
    for cut in (0, 10, len(rejected) - len(packet) - 4, len(rejected) - len(packet), len(rejected) - 20):
        assert packets.rejection(rejected[:cut]) is None
    assert packets.rejection(packets.echo(source, to, 1, 1)) is None
    assert packets.rejection(packet) is None


@pytest.mark.parametrize(("version", "source", "to"), [(4, VIP, DIP), (6, VIP6, DIP6)])
def test_filter(version: int, source: IPv4Address | IPv6Address, to: IPv4Address | IPv6Address) -> None:
    """Of all that a director sees, only what may be an answer gets through."""
    program = packets.reply_filter(version, range(61000, 61010), 0x1234)
    for port, wanted in ((60999, False), (61000, True), (61009, True), (61010, False), (80, False)):
        assert passes(program, packets.tcp(source, to, (80, port), 1, packets.SYN)) == wanted, port
    assert passes(program, packets.echo(source, to, 0x1234, 1))
    assert not passes(program, packets.echo(source, to, 0x1235, 1))
    assert passes(program, error(packets.ip(to, source, 4, b"inner"), source, to, 13 if version == 4 else 1))
    assert not passes(program, packets.ip(source, to, 17, bytes.fromhex("0050 ee48 1234 0000")))
