# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages and attributes as bytes, and the exchange of them with a kernel made of Python."""

from __future__ import annotations

import errno
import struct
import sys
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._kernel import netlink

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")


@little_endian
def test_attribute_is_padded_and_its_length_is_not() -> None:
    """Four bytes of header; the length leaves the padding out."""
    assert netlink.attribute(6, b"rr\0") == bytes.fromhex("0700 0600 72720000")
    assert netlink.attribute(6, b"wrr\0") == bytes.fromhex("0800 0600 77727200")


@little_endian
def test_nested_attribute_has_the_flag() -> None:
    """The kernel refuses a nest without NLA_F_NESTED where it parses strictly."""
    assert netlink.nested(1, netlink.attribute(2, b"\x01")) == bytes.fromhex("0c00 0180 0500 0200 01000000")


@little_endian
def test_flags_of_the_type_and_missing_padding() -> None:
    """NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the type; the last attribute may lack its padding."""
    assert netlink.attributes(bytes.fromhex("0500 0180 61000000 0500 0240 62")) == {1: b"a", 2: b"b"}


@given(st.dictionaries(st.integers(1, netlink.NLA_TYPE_MASK), st.binary(max_size=40)))
def test_any_attributes_are_found_again(expected: dict[int, bytes]) -> None:
    """Parsing undoes writing."""
    wire = b"".join(netlink.attribute(kind, payload) for kind, payload in expected.items())
    assert netlink.attributes(wire) == expected


@little_endian
@pytest.mark.parametrize("wire", ["0300 0100", "0000 0100", "0900 0100 61000000"])
def test_malformed_attribute(wire: str) -> None:
    """A length below the header's or beyond the end, never an endless loop."""
    with pytest.raises(ValueError, match="malformed netlink attribute"):
        netlink.attributes(bytes.fromhex(wire))


@little_endian
def test_generic_message() -> None:
    """nlmsghdr, genlmsghdr, payload."""
    wire = netlink.generic(family=0x1C, command=4, version=1, flags=netlink.NLM_F_ACK, sequence=9, payload=b"data")
    assert wire == bytes.fromhex(
        "18000000 1c00 0500 09000000 00000000"  # 24 bytes, family, NLM_F_REQUEST | NLM_F_ACK, sequence, port id
        "04 01 0000"  # command, version, reserved
        "64617461"
    )


@little_endian
def test_messages_of_a_datagram() -> None:
    """Several in one, each at a multiple of four bytes."""
    wire = bytes.fromhex(
        "11000000 1c00 0200 07000000 01000000 61 000000"  # 17 bytes and three of padding
        "14000000 0300 0200 07000000 01000000 00000000"  # NLMSG_DONE
    )
    assert list(netlink.messages(wire)) == [(0x1C, 2, 7, b"a"), (netlink.NLMSG_DONE, 2, 7, bytes(4))]


@little_endian
@pytest.mark.parametrize("length", ["0f000000", "00000000", "15000000"])
def test_malformed_message(length: str) -> None:
    """A length below the header's or beyond the end."""
    with pytest.raises(ValueError, match="malformed netlink message"):
        list(netlink.messages(bytes.fromhex(length + "1c00 0200 07000000 01000000 00000000")))


Answer = Callable[[int, int, int], list[bytes]]
FAMILY_ID = 0x1C


def message(kind: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    """A message as the kernel sends it."""
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def ended(sequence: int, error: int = 0) -> bytes:
    """The end of a request: 0 or an errno."""
    return message(netlink.NLMSG_ERROR, sequence, struct.pack("=i", -error) + bytes(16))


def data(sequence: int, value: bytes, flags: int = 0) -> bytes:
    """An answer with the value as attribute 1."""
    return message(FAMILY_ID, sequence, bytes(4) + netlink.attribute(1, value), flags)


class Kernel:
    """The socket's other end: knows one family, and answers a request (command, flags, sequence) as the test says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.carried_out: list[int] = []
        self.inbox: deque[bytes] = deque()

    def send(self, wire: bytes) -> None:
        """Take requests, and keep the datagrams that answer them."""
        for kind, flags, sequence, payload in netlink.messages(wire):
            if kind == netlink.GENL_ID_CTRL:
                family = netlink.attribute(netlink.CTRL_ATTR_FAMILY_ID, struct.pack("=H", FAMILY_ID))
                self.inbox += [message(kind, sequence, bytes(4) + family) + ended(sequence)]
                continue
            assert kind == FAMILY_ID
            self.carried_out.append(payload[0])
            self.inbox += self.answer(payload[0], flags, sequence)

    def recv(self, _size: int) -> bytes:
        """The next datagram."""
        return self.inbox.popleft()

    def ignore(self, *_arguments: object) -> None:
        """Whatever else is done to a socket."""

    bind = settimeout = close = ignore


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], tuple[netlink.GenericSocket, Kernel]]:
    """A generic netlink socket with the kernel behind it."""

    def connected(answer: Answer) -> tuple[netlink.GenericSocket, Kernel]:
        kernel = Kernel(answer)
        fake = SimpleNamespace(AF_NETLINK=16, SOCK_RAW=3, socket=lambda *_arguments: kernel)
        monkeypatch.setattr(netlink, "socket", fake)
        return netlink.GenericSocket("IPVS", 1), kernel

    return connected


Connect = Callable[[Answer], tuple[netlink.GenericSocket, Kernel]]


def test_answers_in_several_datagrams(connect: Connect) -> None:
    """All of them, until the end of the dump."""
    sock, _kernel = connect(
        lambda command, flags, sequence: [
            data(sequence, b"a") + data(sequence, b"b"),
            data(sequence, b"c"),
            message(netlink.NLMSG_DONE, sequence, bytes(4)),
        ]
    )
    assert sock.request(8, dump=True) == [{1: b"a"}, {1: b"b"}, {1: b"c"}]


def test_interrupted_dump_is_read_again(connect: Connect) -> None:
    """A table that changed meanwhile is not believed."""
    dumps = iter([(b"old", netlink.NLM_F_DUMP_INTR), (b"new", 0)])

    def answer(_command: int, flags: int, sequence: int) -> list[bytes]:
        assert flags & netlink.NLM_F_DUMP == netlink.NLM_F_DUMP
        value, interrupted = next(dumps)
        return [data(sequence, value, interrupted) + message(netlink.NLMSG_DONE, sequence, bytes(4), interrupted)]

    assert connect(answer)[0].request(8, dump=True) == [{1: b"new"}]


def test_late_answer_to_an_earlier_request_is_skipped(connect: Connect) -> None:
    """Only what has the request's own number counts."""
    sock, _kernel = connect(
        lambda _command, _flags, number: [data(number - 1, b"late") + data(number, b"mine"), ended(number)]
    )
    assert sock.request(4) == [{1: b"mine"}]


def test_refusal_has_the_errno(connect: Connect) -> None:
    """A request that the kernel refuses."""
    sock, _kernel = connect(lambda _command, _flags, sequence: [ended(sequence, errno.ESRCH)])
    with pytest.raises(netlink.Refused) as caught:
        sock.request(4)
    assert caught.value.errno == errno.ESRCH


@pytest.mark.parametrize("bad", [0, 99, 100, 149])
def test_refusal_names_its_place_among_many_requests(connect: Connect, bad: int) -> None:
    """The place in all of them, not in the part that was sent at once."""
    sock, _kernel = connect(lambda command, _flags, sequence: [ended(sequence, errno.EEXIST if command == 77 else 0)])
    with pytest.raises(netlink.Refused) as caught:
        sock.send_all([(77 if index == bad else 5, b"") for index in range(150)])
    assert (caught.value.errno, caught.value.index) == (errno.EEXIST, bad)


def test_many_requests_are_all_carried_out_once(connect: Connect) -> None:
    """In their order, however many fit into one send."""
    sock, kernel = connect(lambda _command, _flags, sequence: [ended(sequence)])
    commands = [index % 250 for index in range(330)]
    sock.send_all([(command, b"") for command in commands])
    assert kernel.carried_out == commands
    assert not kernel.inbox
