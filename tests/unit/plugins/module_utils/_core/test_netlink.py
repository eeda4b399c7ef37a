# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchange of netlink messages with a kernel made of Python."""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink
from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink_messages as wire


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("GENL_ID_CTRL", 0x10), ("CTRL_CMD_GETFAMILY", 3), ("CTRL_ATTR_FAMILY_ID", 1), ("CTRL_ATTR_FAMILY_NAME", 2),
    ],
)  # fmt: skip
def test_numbers_of_the_kernel(name: str, number: int) -> None:
    """As include/uapi/linux/genetlink.h has them."""
    assert getattr(netlink, name) == number


Answer = Callable[[int, int, int], list[bytes]]
FAMILY_ID = 0x1C


def message(kind: int, sequence: int, payload: bytes, flags: int = 0) -> bytes:
    """A message as the kernel sends it."""
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def ended(sequence: int, error: int = 0) -> bytes:
    """The end of a request: 0 or an errno."""
    return message(wire.NLMSG_ERROR, sequence, struct.pack("=i", -error) + bytes(16))


def done(sequence: int, error: int = 0, flags: int = 0) -> bytes:
    """The end of a dump: 0 or an errno."""
    return message(wire.NLMSG_DONE, sequence, struct.pack("=i", -error), flags)


def data(sequence: int, value: bytes, flags: int = 0) -> bytes:
    """An answer with the value as attribute 1."""
    return message(FAMILY_ID, sequence, bytes(4) + wire.attribute(1, value), flags)


def refusing(errors: dict[int, int]) -> Answer:
    """A kernel that refuses these commands: an error is always told, success only to who asks for it."""

    def answer(command: int, flags: int, sequence: int) -> list[bytes]:
        error = errors.get(command, 0)
        return [ended(sequence, error)] if error or flags & wire.NLM_F_ACK else []

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

    def send(self, datagram: bytes) -> None:
        """Take requests, and keep the datagrams that answer them."""
        received = []
        for kind, flags, sequence, payload in wire.messages(datagram):
            assert flags & wire.NLM_F_REQUEST
            if kind == netlink.GENL_ID_CTRL:
                self.inbox += [self.family(sequence, payload)]
                continue
            assert (kind, payload[1:4]) == (FAMILY_ID, bytes([1, 0, 0]))  # the version, and nothing
            received.append((payload[0], flags & ~wire.NLM_F_REQUEST, payload[4:]))
            self.inbox += self.answer(payload[0], flags, sequence)
        self.sends += [received] if received else []

    def family(self, sequence: int, payload: bytes) -> bytes:
        """The answer to the question for a family's number."""
        assert payload[:2] == bytes([netlink.CTRL_CMD_GETFAMILY, 1])
        if wire.attributes(payload[4:]) != {netlink.CTRL_ATTR_FAMILY_NAME: b"IPVS\0"}:
            return ended(sequence, errno.ENOENT)
        family = wire.attribute(netlink.CTRL_ATTR_FAMILY_ID, struct.pack("=H", FAMILY_ID))
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
    assert kernel.sends == [[(4, wire.NLM_F_ACK, b"")], [(8, wire.NLM_F_DUMP, b"service")]]
    kernel.answer = lambda _command, _flags, number: [message(wire.NLMSG_DONE, number, b"")]
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
    assert sock.request(8, dump=True) == [
        wire.attribute(1, b"a"),
        wire.attribute(1, b"b"),
        wire.attribute(1, b"c"),
    ]


def test_interrupted_dump_is_read_again(connect: Connect) -> None:
    """A table that changed meanwhile is not believed."""
    dumps = iter([(b"old", wire.NLM_F_DUMP_INTR), (b"new", 0)])

    def answer(_command: int, flags: int, sequence: int) -> list[bytes]:
        assert flags & wire.NLM_F_DUMP == wire.NLM_F_DUMP
        value, interrupted = next(dumps)
        return [data(sequence, value, interrupted) + done(sequence, flags=interrupted)]

    assert connect(answer)[0].request(8, dump=True) == [wire.attribute(1, b"new")]


def test_late_answer_to_an_earlier_request_is_skipped(connect: Connect) -> None:
    """Only what has the request's own number counts."""
    sock, _kernel = connect(
        lambda _command, _flags, number: [
            data(number - 1, b"late") + ended(number - 1, errno.EEXIST) + data(number, b"mine"),
            ended(number),
        ]
    )
    assert sock.request(4) == [wire.attribute(1, b"mine")]


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
        assert [flags for _command, flags, _attributes in send] == [0] * (len(send) - 1) + [wire.NLM_F_ACK]
    assert not kernel.inbox


def test_socket_works_on_after_refusals(connect: Connect) -> None:
    """Each request has a number of its own."""
    sock, kernel = connect(REFUSING)
    with pytest.raises(netlink.SomeRefused):
        sock.send_all([(BAD, b""), (OK, b"")])
    sock.send_all([(OK, b"")])
    kernel.answer = lambda _command, _flags, sequence: [data(sequence, b"a") + ended(sequence)]
    assert sock.request(4) == [wire.attribute(1, b"a")]


def test_requests_carry_their_attributes(connect: Connect) -> None:
    """Each its own."""
    sock, kernel = connect(refusing({}))
    sock.send_all([(5, b"data"), (6, b"more")])
    assert kernel.sends == [[(5, 0, b"data"), (6, wire.NLM_F_ACK, b"more")]]
