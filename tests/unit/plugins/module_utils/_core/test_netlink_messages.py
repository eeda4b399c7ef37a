# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages and attributes as bytes."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink_messages as wire

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")


@little_endian
def test_attribute_is_padded_and_its_length_is_not() -> None:
    """Four bytes of header; the length leaves the padding out."""
    assert wire.attribute(6, b"rr\0") == bytes.fromhex("0700 0600 72720000")
    assert wire.attribute(6, b"wrr\0") == bytes.fromhex("0800 0600 77727200")


@little_endian
def test_nested_attribute_has_the_flag() -> None:
    """The kernel refuses a nest without NLA_F_NESTED where it parses strictly."""
    assert wire.nested(1, wire.attribute(2, b"\x01")) == bytes.fromhex("0c00 0180 0500 0200 01000000")


@little_endian
def test_flags_of_the_type_and_missing_padding() -> None:
    """NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the type; the last attribute may lack its padding."""
    assert wire.attributes(bytes.fromhex("0500 0180 61000000 0500 0240 62")) == {1: b"a", 2: b"b"}


@given(st.dictionaries(st.integers(1, wire.NLA_TYPE_MASK), st.binary(max_size=40)))
def test_any_attributes_are_found_again(expected: dict[int, bytes]) -> None:
    """Parsing undoes writing."""
    datagram = b"".join(wire.attribute(kind, payload) for kind, payload in expected.items())
    assert wire.attributes(datagram) == expected


@little_endian
@pytest.mark.parametrize("datagram", ["0300 0100", "0000 0100", "0900 0100 61000000"])
def test_malformed_attribute(datagram: str) -> None:
    """A length below the header's or beyond the end, never an endless loop."""
    with pytest.raises(ValueError, match="malformed netlink attribute"):
        wire.attributes(bytes.fromhex(datagram))


@little_endian
def test_generic_message() -> None:
    """nlmsghdr, genlmsghdr, payload."""
    datagram = wire.generic(family=0x1C, command=4, version=1, flags=wire.NLM_F_ACK, sequence=9, payload=b"data")
    assert datagram == bytes.fromhex(
        "18000000 1c00 0500 09000000 00000000"  # 24 bytes, family, NLM_F_REQUEST | NLM_F_ACK, sequence, port id
        "04 01 0000"  # command, version, reserved
        "64617461"
    )


@little_endian
def test_messages_of_a_datagram() -> None:
    """Several in one, each at a multiple of four bytes."""
    datagram = bytes.fromhex(
        "11000000 1c00 0200 07000000 01000000 61 000000"  # 17 bytes and three of padding
        "10000000 0100 0000 00000000 00000000"  # NLMSG_NOOP, nothing but a header
        "14000000 0300 0200 07000000 01000000 00000000"  # NLMSG_DONE
    )
    assert list(wire.messages(datagram)) == [
        (0x1C, 2, 7, b"a"),
        (1, 0, 0, b""),
        (wire.NLMSG_DONE, 2, 7, bytes(4)),
    ]


@little_endian
@pytest.mark.parametrize("length", ["0f000000", "00000000", "15000000"])
def test_malformed_message(length: str) -> None:
    """A length below the header's or beyond the end."""
    with pytest.raises(ValueError, match="malformed netlink message"):
        list(wire.messages(bytes.fromhex(length + "1c00 0200 07000000 01000000 00000000")))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("NLMSG_ERROR", 2), ("NLMSG_DONE", 3),
        ("NLM_F_REQUEST", 0x1), ("NLM_F_ACK", 0x4), ("NLM_F_DUMP", 0x300), ("NLM_F_DUMP_INTR", 0x10),
    ],
)  # fmt: skip
def test_numbers_of_the_kernel(name: str, number: int) -> None:
    """As include/uapi/linux/netlink.h has them."""
    assert getattr(wire, name) == number
