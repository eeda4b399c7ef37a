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

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink

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
        "10000000 0100 0000 00000000 00000000"  # NLMSG_NOOP, nothing but a header
        "14000000 0300 0200 07000000 01000000 00000000"  # NLMSG_DONE
    )
    assert list(netlink.messages(wire)) == [(0x1C, 2, 7, b"a"), (1, 0, 0, b""), (netlink.NLMSG_DONE, 2, 7, bytes(4))]


@little_endian
@pytest.mark.parametrize("length", ["0f000000", "00000000", "15000000"])
def test_malformed_message(length: str) -> None:
    """A length below the header's or beyond the end."""
    with pytest.raises(ValueError, match="malformed netlink message"):
        list(netlink.messages(bytes.fromhex(length + "1c00 0200 07000000 01000000 00000000")))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("NLMSG_ERROR", 2), ("NLMSG_DONE", 3),
        ("NLM_F_REQUEST", 0x1), ("NLM_F_ACK", 0x4), ("NLM_F_DUMP", 0x300), ("NLM_F_DUMP_INTR", 0x10),
        ("GENL_ID_CTRL", 0x10), ("CTRL_CMD_GETFAMILY", 3), ("CTRL_ATTR_FAMILY_ID", 1), ("CTRL_ATTR_FAMILY_NAME", 2),
    ],
)  # fmt: skip
def test_numbers_of_the_kernel(name: str, number: int) -> None:
    """As include/uapi/linux/netlink.h and genetlink.h have them."""
    assert getattr(netlink, name) == number


Answer = Callable[[int, int, int], list[bytes]]
FAMILY_ID = 0x1C


def message(kind: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    """A message as the kernel sends it."""
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def ended(sequence: int, error: int = 0) -> bytes:
    """The end of a request: 0 or an errno."""
    return message(netlink.NLMSG_ERROR, sequence, struct.pack("=i", -error) + bytes(16))


def done(sequence: int, error: int = 0, flags: int = 0) -> bytes:
    """The end of a dump: 0 or an errno."""
    return message(netlink.NLMSG_DONE, sequence, struct.pack("=i", -error), flags)


def data(sequence: int, value: bytes, flags: int = 0) -> bytes:
    """An answer with the value as attribute 1."""
    return message(FAMILY_ID, sequence, bytes(4) + netlink.attribute(1, value), flags)


def refusing(errors: dict[int, int]) -> Answer:
    """A kernel that refuses these commands: an error is always told, success only to who asks for it."""

    def answer(command: int, flags: int, sequence: int) -> list[bytes]:
        error = errors.get(command, 0)
        return [ended(sequence, error)] if error or flags & netlink.NLM_F_ACK else []

    return answer


class Kernel:
    """The socket's other end: knows one family, and answers a request (command, flags, sequence) as the test says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.sends: list[list[tuple[int, int, bytes]]] = []  # command, flags, attributes
        self.options: list[tuple[int | bytes, ...]] = []
        self.bound: tuple[int, int] | None = None
        self.closed = False
        self.inbox: deque[bytes] = deque()

    def send(self, wire: bytes) -> None:
        """Take requests, and keep the datagrams that answer them."""
        received = []
        for kind, flags, sequence, payload in netlink.messages(wire):
            assert flags & netlink.NLM_F_REQUEST
            if kind == netlink.GENL_ID_CTRL:
                self.inbox += [self.family(sequence, payload)]
                continue
            assert (kind, payload[1:4]) == (FAMILY_ID, bytes([1, 0, 0]))  # the version, and nothing
            received.append((payload[0], flags & ~netlink.NLM_F_REQUEST, payload[4:]))
            self.inbox += self.answer(payload[0], flags, sequence)
        self.sends += [received] if received else []

    def family(self, sequence: int, payload: bytes) -> bytes:
        """The answer to the question for a family's number."""
        assert payload[:2] == bytes([netlink.CTRL_CMD_GETFAMILY, 1])
        if netlink.attributes(payload[4:]) != {netlink.CTRL_ATTR_FAMILY_NAME: b"IPVS\0"}:
            return ended(sequence, errno.ENOENT)
        family = netlink.attribute(netlink.CTRL_ATTR_FAMILY_ID, struct.pack("=H", FAMILY_ID))
        return message(netlink.GENL_ID_CTRL, sequence, bytes(4) + family) + ended(sequence)

    def recv(self, _size: int) -> bytes:
        """The next datagram."""
        return self.inbox.popleft()

    def setsockopt(self, *option: int | bytes) -> None:
        """Remember an option of the socket."""
        self.options.append(option)

    def close(self) -> None:
        """Remember the end."""
        self.closed = True

    def bind(self, address: tuple[int, int]) -> None:
        """Remember the address: a port that the kernel chooses, and no groups."""
        self.bound = address

    @property
    def commands(self) -> list[int]:
        """All commands, in the order in which they came."""
        return [command for send in self.sends for command, _flags, _attributes in send]


Connect = Callable[..., tuple[netlink.GenericSocket, Kernel]]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """What every socket leads to from here on."""
    kernel = Kernel(refusing({}))
    made = {(16, 3, 16): kernel}  # AF_NETLINK, SOCK_RAW, NETLINK_GENERIC
    fake = SimpleNamespace(AF_NETLINK=16, SOCK_RAW=3, SOL_SOCKET=1, SO_RCVTIMEO=20, socket=lambda *kind: made[kind])
    monkeypatch.setattr(netlink, "socket", fake)
    return kernel


@pytest.fixture
def connect(kernel: Kernel) -> Connect:
    """A generic netlink socket with the kernel behind it, which answers as the test says."""

    def connected(answer: Answer) -> tuple[netlink.GenericSocket, Kernel]:
        kernel.answer = answer
        return netlink.GenericSocket("IPVS", 1), kernel

    return connected


def test_refusals_come_without_what_was_refused(connect: Connect) -> None:
    """NETLINK_CAP_ACK of include/uapi/linux/netlink.h; the answers to a whole batch have to fit into the socket."""
    assert (270, 10, 1) in connect(refusing({}))[1].options


def test_kernel_that_does_not_answer(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket itself gives up after ten seconds (SO_RCVTIMEO), and that is said."""
    sock, kernel = connect(lambda _command, _flags, _sequence: [])
    assert (1, 20, struct.pack("@ll", 10, 0)) in kernel.options

    def give_up(_size: int) -> bytes:
        raise BlockingIOError

    monkeypatch.setattr(kernel, "recv", give_up)
    with pytest.raises(OSError, match="the kernel did not answer within 10 seconds"):
        sock.request(4)


def test_socket_hears_no_one_but_the_kernels_answers(connect: Connect) -> None:
    """Its port is of the kernel's choice, and it is in no multicast group."""
    assert connect(refusing({}))[1].bound == (0, 0)


def test_socket_is_given_back(connect: Connect, kernel: Kernel) -> None:
    """At the end, and where the kernel does not know the family."""
    connect(refusing({}))[0].close()
    assert kernel.closed
    kernel.closed = False
    with pytest.raises(netlink.Refused) as caught:
        netlink.GenericSocket("OTHER", 1)
    assert caught.value.errno == errno.ENOENT
    assert kernel.closed


def test_single_request_asks_for_its_end(connect: Connect) -> None:
    """By an acknowledgement, or as a dump, which has an end of its own."""
    sock, kernel = connect(lambda command, _flags, number: [ended(number) if command == 4 else done(number)])
    assert sock.request(4) == []
    assert sock.request(8, b"service", dump=True) == []
    assert kernel.sends == [[(4, netlink.NLM_F_ACK, b"")], [(8, netlink.NLM_F_DUMP, b"service")]]
    kernel.answer = lambda _command, _flags, number: [message(netlink.NLMSG_DONE, number, b"")]
    assert sock.request(8, dump=True) == []


def test_answers_in_several_datagrams(connect: Connect) -> None:
    """All of them, until the end of the dump."""
    sock, _kernel = connect(
        lambda command, flags, sequence: [
            data(sequence, b"a") + data(sequence, b"b"),
            data(sequence, b"c"),
            done(sequence),
        ]
    )
    assert sock.request(8, dump=True) == [netlink.attribute(1, b"a"), netlink.attribute(1, b"b"), netlink.attribute(1, b"c")]


def test_interrupted_dump_is_read_again(connect: Connect) -> None:
    """A table that changed meanwhile is not believed."""
    dumps = iter([(b"old", netlink.NLM_F_DUMP_INTR), (b"new", 0)])

    def answer(_command: int, flags: int, sequence: int) -> list[bytes]:
        assert flags & netlink.NLM_F_DUMP == netlink.NLM_F_DUMP
        value, interrupted = next(dumps)
        return [data(sequence, value, interrupted) + done(sequence, flags=interrupted)]

    assert connect(answer)[0].request(8, dump=True) == [netlink.attribute(1, b"new")]


def test_late_answer_to_an_earlier_request_is_skipped(connect: Connect) -> None:
    """Only what has the request's own number counts."""
    sock, _kernel = connect(
        lambda _command, _flags, number: [
            data(number - 1, b"late") + ended(number - 1, errno.EEXIST) + data(number, b"mine"),
            ended(number),
        ]
    )
    assert sock.request(4) == [netlink.attribute(1, b"mine")]


@pytest.mark.parametrize("end", [ended, done])
@pytest.mark.parametrize("dump", [False, True])
def test_refusal_has_the_errno(connect: Connect, end: Callable[[int, int], bytes], dump: bool) -> None:
    """A request that the kernel refuses, at once or as a dump's end."""
    sock, _kernel = connect(lambda _command, _flags, sequence: [end(sequence, errno.ESRCH)])
    with pytest.raises(netlink.Refused) as caught:
        sock.request(4, dump=dump)
    assert caught.value.errno == errno.ESRCH


OK, BAD, WORSE = 5, 77, 78
REFUSING = refusing({BAD: errno.EEXIST, WORSE: errno.EINVAL})


@pytest.mark.parametrize(
    ("bad", "sent"),
    [
        ({0: BAD}, 200),
        ({199: BAD}, 200),
        ({0: BAD, 3: WORSE, 198: BAD, 199: WORSE}, 200),
        ({200: BAD}, 400),
        ({201: WORSE, 399: BAD}, 400),
        ({399: BAD}, 400),
        ({400: BAD}, 450),
        ({449: WORSE}, 450),
        (dict.fromkeys(range(200), BAD), 200),
        ({100: BAD, 300: WORSE}, 200),
    ],
    ids=str,
)
def test_refusals_by_their_places_among_many_requests(connect: Connect, bad: dict[int, int], sent: int) -> None:
    """The places in all of them; the others of that batch are carried out, and later batches are not sent."""
    sock, kernel = connect(REFUSING)
    requests = [bad.get(index, OK) for index in range(450)]
    with pytest.raises(netlink.SomeRefused) as caught:
        sock.send_all([(command, b"") for command in requests])
    errors = {BAD: errno.EEXIST, WORSE: errno.EINVAL}
    assert caught.value.errors == {index: errors[command] for index, command in bad.items() if index < sent}
    assert caught.value.sent == sent
    assert kernel.commands == requests[:sent]
    assert not kernel.inbox


def test_refusals_in_words(connect: Connect) -> None:
    """How many of how many."""
    sock, _kernel = connect(REFUSING)
    with pytest.raises(netlink.SomeRefused, match=r"^2 of 3 requests refused$"):
        sock.send_all([(BAD, b""), (OK, b""), (WORSE, b"")])


@pytest.mark.parametrize(("count", "batches"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])])
def test_many_requests_are_all_sent_once(connect: Connect, count: int, batches: list[int]) -> None:
    """In their order, in batches of which the kernel acknowledges the last request alone."""
    sock, kernel = connect(refusing({}))
    commands = [index % 250 for index in range(count)]
    sock.send_all([(command, b"") for command in commands])
    assert kernel.commands == commands
    assert [len(send) for send in kernel.sends] == batches
    for send in kernel.sends:
        assert [flags for _command, flags, _attributes in send] == [0] * (len(send) - 1) + [netlink.NLM_F_ACK]
    assert not kernel.inbox


def test_socket_works_on_after_refusals(connect: Connect) -> None:
    """Each request has a number of its own."""
    sock, kernel = connect(REFUSING)
    with pytest.raises(netlink.SomeRefused):
        sock.send_all([(BAD, b""), (OK, b"")])
    sock.send_all([(OK, b"")])
    kernel.answer = lambda _command, _flags, sequence: [data(sequence, b"a") + ended(sequence)]
    assert sock.request(4) == [netlink.attribute(1, b"a")]


def test_requests_carry_their_attributes(connect: Connect) -> None:
    """Each its own."""
    sock, kernel = connect(refusing({}))
    sock.send_all([(5, b"data"), (6, b"more")])
    assert kernel.sends == [[(5, 0, b"data"), (6, netlink.NLM_F_ACK, b"more")]]
