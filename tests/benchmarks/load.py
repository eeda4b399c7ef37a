# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a web service without a pause, count every request that failed, and tell of what kind and when.

    python -m tests.benchmarks.load 192.168.56.185:80 --expect rs1 --expect rs2 --requests 20000

Clients of two kinds side by side: some keep their connection for many requests, the others take a new one for each. A request
has failed when its connection was refused or reset, its answer was a wrong one or came too late. That a server closes a
connection which is idle is none of these: the request is repeated once on a new connection, and counted as reopened. A reset
is never that: it is what a client gets from a real server that does not know its connection.

It prints a line of JSON when it is under way, one when there are as many requests as were asked for, and one with the result.
With --hold it goes on until SIGTERM, with --each the result has every request that was answered. One process with few system
calls: it shares a slow kernel's two processors with everything that it measures.
"""

from __future__ import annotations

import argparse
import errno
import json
import math
import select
import signal
import socket
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

REFUSED, RESET, TIMED_OUT, WRONG = KINDS = ("refused", "reset", "timed out", "wrong answer")
# What a connect() or the first send() says where nobody takes the connection.
UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
LONGEST = 65536  # bytes of an answer
LOOK_EVERY = 0.1  # seconds between two looks for requests that are late
BEHIND = 0.25  # seconds of a paced load that are made up for; beyond that it was too much for this machine


class WrongAnswer(Exception):
    """What came is not the answer."""


class Answer(NamedTuple):
    """A complete answer."""

    status: int
    body: bytes
    closes: bool  # the server closes the connection behind it


def parsed(received: bytes) -> Answer | None:
    """The answer; none where some of it is still to come.

    :raises WrongAnswer: it will never be one
    """
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        if len(received) > LONGEST or not (received.startswith(b"HTTP/1.") or b"HTTP/1.".startswith(received)):
            raise WrongAnswer(f"not HTTP: {received[:80]!r}")
        return None
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip().lower() for name, _colon, value in (line.partition(b":") for line in lines)}
    try:
        status, length = int(first.split(b" ")[1]), int(headers[b"content-length"])
    except (IndexError, KeyError, ValueError):
        raise WrongAnswer(f"no status, or no length: {head[:80]!r}") from None
    if len(body) < length <= LONGEST:
        return None
    if len(body) != length:
        raise WrongAnswer(f"{len(body)} bytes where {length} were announced")
    return Answer(status, body, headers.get(b"connection") == b"close")


def answered_by(answer: Answer, names: Sequence[str]) -> str:
    """Which of these names the answer consists of.

    :raises WrongAnswer: none of them
    """
    name = answer.body.decode("latin-1").rstrip("\n")
    if answer.status != 200 or name not in names or answer.body != f"{name}\n".encode():
        raise WrongAnswer(f"status {answer.status}, {answer.body[:80]!r}")
    return name


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent are not above; 0 where there is none."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)] if ordered else 0.0


@dataclass(frozen=True)
class Plan:
    """What to ask, and how much of it."""

    address: str
    port: int
    names: Sequence[str]  # who may answer
    keepalive: int = 16  # clients that keep their connection
    short: int = 16  # clients that take a new one for each request
    requests: int = 20000
    rate: float = 0.0  # requests a second by all clients together; 0: each asks again as soon as it has its answer
    per_connection: int = 50  # requests on a connection that is kept
    timeout: float = 5.0  # seconds for a request, its connection included
    seconds: float = 300.0  # after that it ends in any case


class Failure(NamedTuple):
    """A request that failed."""

    offset: float  # seconds from the beginning of the load to when this was known
    began: float  # seconds from the beginning of the load to the request
    kind: str
    connection: str
    detail: str


@dataclass
class Result:
    """What became of the requests."""

    began: float = 0.0  # time.monotonic(), which all processes of a kernel share
    seconds: float = 0.0
    keepalive: int = 0
    short: int = 0
    reopened: int = 0
    failures: list[Failure] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    answered: array[float] = field(default_factory=lambda: array("d"))  # when those requests were begun, time.monotonic()

    @property
    def requests(self) -> int:
        """All of them."""
        return self.keepalive + self.short

    def facts(self) -> dict[str, Any]:
        """The result for JSON."""
        ordered = sorted(self.latencies)
        kinds = Counter(failure.kind for failure in self.failures)
        return {
            "began": self.began,
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "keepalive": self.keepalive,
            "short": self.short,
            "failed": {kind: kinds[kind] for kind in KINDS},
            "reopened": self.reopened,
            "answers": dict(sorted(self.answers.items())),
            "ms": {f"p{percent}": round(percentile(ordered, percent) * 1000, 3) for percent in (50, 90, 99, 100)},
            "failures": [failure._asdict() for failure in self.failures],
        }

    def each(self) -> list[tuple[float, float]]:
        """The requests that were answered, by their ends: seconds from the beginning of the load, and those that it took."""
        return [(round(began - self.began, 4), round(taken, 4)) for began, taken in zip(self.answered, self.latencies)]


class Client:
    """One client, and the connection that it has."""

    __slots__ = ("answered", "asking", "began", "connection", "ended", "keeps", "received", "repeated", "sent")

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self.connection: socket.socket | None = None
        self.answered = 0  # requests on this connection
        self.asking = False
        self.sent = False
        self.ended = False
        self.repeated = False
        self.began = 0.0
        self.received = b""

    def close(self) -> None:
        """Let go of the connection."""
        if self.connection is not None:
            self.connection.close()  # epoll forgets it with that
        self.connection = None
        self.answered = 0
        self.ended = False


class Load:
    """All clients, on one epoll."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._address = (plan.address, plan.port)
        family = socket.AF_INET6 if ":" in plan.address else socket.AF_INET
        self._kind = (family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        host = f"[{plan.address}]" if ":" in plan.address else plan.address
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\n"
        self._keeping, self._closing = f"{request}\r\n".encode(), f"{request}Connection: close\r\n\r\n".encode()
        self._clients = [Client(keeps) for keeps in [True] * plan.keepalive + [False] * plan.short]
        self._idle = deque(self._clients)
        self._resting: list[Client] = []  # after a failure, until the next look
        self._busy = 0
        self._now = 0.0  # read once for all that a poll has told
        self._epoll = select.epoll()
        self._by_number: dict[int, Client] = {}
        self.result = Result()

    def run(self, told_to_stop: Callable[[], bool], tell: Callable[[str], None] = lambda _event: None) -> Result:
        """Ask until there are as many requests as planned and this says so; what was asked then is waited for.

        :param tell: is told C(under way) and C(enough)
        """
        plan, idle, result = self._plan, self._idle, self.result
        now = self._now = result.began = due = look = time.monotonic()
        end, pace = now + plan.seconds, 1 / plan.rate if plan.rate else 0.0
        # Every client has asked twice, or a second of a paced load is over, where more clients wait than are needed.
        started = 2 * len(self._clients)
        ahead = [("under way", min(started, int(plan.rate)) if pace else started), ("enough", plan.requests)]
        going_on = True
        while going_on or self._busy:
            due = max(due, now - BEHIND) if pace else now
            while going_on and idle and due <= now:
                self._ask(idle.popleft())
                due += pace
            wait = (min(look, due) if going_on and idle else look) - now
            for number, events in self._epoll.poll(max(wait, 0)):
                self._go_on(self._by_number[number], ended=bool(events & select.EPOLLRDHUP))
            now = self._now = time.monotonic()
            if now >= look:
                self._give_up()
                idle += self._resting
                self._resting.clear()
                look = now + LOOK_EVERY
            while ahead and result.requests >= ahead[0][1]:
                tell(ahead.pop(0)[0])
            going_on = going_on and now < end and not (result.requests >= plan.requests and told_to_stop())
        result.seconds = now - result.began
        for client in self._clients:
            client.close()
        self._epoll.close()
        return result

    def _ask(self, client: Client) -> None:
        """Begin a request."""
        self._busy += 1
        client.asking = True
        client.repeated = False
        client.began = self._now
        self._send(client)

    def _send(self, client: Client) -> None:
        """Send the request, at once or as soon as there is a connection."""
        client.received = b""
        client.sent = False
        if client.connection is None:
            client.connection = connection = socket.socket(*self._kind)
            try:
                connection.connect(self._address)
            except BlockingIOError:
                pass
            except OSError as error:
                self._broken(client, error)
                return
            number = connection.fileno()
            self._by_number[number] = client
            # Once for the whole life of the connection: edges tell both that it is there and that something came.
            self._epoll.register(number, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
            return
        self._write(client)

    def _write(self, client: Client) -> None:
        assert client.connection is not None
        try:
            client.connection.send(self._keeping if client.keeps else self._closing)
        except BlockingIOError:  # not connected yet
            return
        except OSError as error:
            self._broken(client, error)
            return
        client.sent = True

    def _go_on(self, client: Client, ended: bool) -> None:
        """Something happened on the connection.

        :param ended: the server closed it, perhaps behind the answer: no edge tells that again
        """
        if client.connection is None:  # let go of since
            return
        client.ended = ended
        if client.asking and not client.sent:
            self._write(client)
            return
        try:
            received = client.connection.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError as error:
            if client.asking:
                self._broken(client, error)
                return
            received = b""  # reset, and nobody waited for anything
        if not client.asking:
            client.close()
            if received:
                self._fail(client, WRONG, f"unasked: {received[:80]!r}")
            else:
                self.result.reopened += 1
        elif received:
            client.received += received
            self._take(client)
        else:
            self._closed(client)

    def _take(self, client: Client) -> None:
        """Look at what has come."""
        try:
            answer = parsed(client.received)
            if answer is None:
                if client.ended:
                    self._closed(client)
                return
            name = answered_by(answer, self._plan.names)
        except WrongAnswer as wrong:
            self._fail(client, WRONG, str(wrong))
            return
        self.result.latencies.append(self._now - client.began)
        self.result.answered.append(client.began)
        self.result.answers[name] += 1
        client.answered += 1
        if answer.closes or not client.keeps or client.answered >= self._plan.per_connection:
            client.close()
        elif client.ended:
            client.close()
            self.result.reopened += 1
        self._over(client, self._idle)

    def _closed(self, client: Client) -> None:
        """The server closed the connection. While it was idle, that is its right: the request has only crossed it."""
        idle = client.answered > 0 and not client.received
        client.close()
        if idle and not client.repeated:
            client.repeated = True
            self.result.reopened += 1
            self._send(client)
        else:
            self._fail(client, RESET, "closed before the end of the answer")

    def _broken(self, client: Client, error: OSError) -> None:
        """The connection came to nothing."""
        if error.errno in UNREACHABLE and client.answered == 0:
            self._fail(client, REFUSED, error.strerror or "")
        elif error.errno in (errno.ECONNRESET, errno.EPIPE, *UNREACHABLE):
            self._fail(client, RESET, error.strerror or "")
        elif error.errno == errno.ETIMEDOUT:
            self._fail(client, TIMED_OUT, error.strerror or "")
        else:
            raise error  # of this program's own making: no ports, no files

    def _give_up(self) -> None:
        """Count those that are late."""
        for client in self._clients:
            if client.asking and self._now - client.began > self._plan.timeout:
                self._fail(client, TIMED_OUT, "no answer" if client.sent else "no connection")

    def _fail(self, client: Client, kind: str, detail: str) -> None:
        """Note a failure; the client rests a little, so that one fault is not counted a thousand times."""
        offset, began = (round(moment - self.result.began, 3) for moment in (self._now, client.began))
        self.result.failures.append(Failure(offset, began, kind, "keepalive" if client.keeps else "short", detail))
        client.close()
        if client.asking:
            self._over(client, self._resting)

    def _over(self, client: Client, then: list[Client] | deque[Client]) -> None:
        """The request is over."""
        self._busy -= 1
        client.asking = False
        self.result.keepalive += client.keeps
        self.result.short += not client.keeps
        then.append(client)


def options(arguments: Sequence[str] | None) -> tuple[Plan, bool, bool]:
    """What to do, whether it goes on until a signal, and whether each request is told."""
    usual = Plan("", 0, ())
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("service", help="ADDRESS:PORT of the service")
    parser.add_argument("--expect", action="append", required=True, help="a name that may be the whole answer")
    for name, what in (
        ("keepalive", "clients that keep their connection"),
        ("short", "clients that take a new one for each request"),
        ("requests", "how many requests at least"),
        ("rate", "requests a second by all clients together; 0: as fast as they are answered"),
        ("per_connection", "requests on a connection that is kept"),
        ("timeout", "seconds for a request"),
        ("seconds", "after that it ends in any case"),
    ):
        value = getattr(usual, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"{what} (%(default)s)")
    parser.add_argument("--hold", action="store_true", help="go on until SIGTERM")
    parser.add_argument(
        "--each", action="store_true", help="tell when each request that was answered was begun, and its time"
    )
    given = vars(parser.parse_args(arguments))
    address, _colon, port = given.pop("service").rpartition(":")
    hold, each = given.pop("hold"), given.pop("each")
    return Plan(address.strip("[]"), int(port), given.pop("expect"), **given), hold, each


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, and print what became of it."""
    plan, hold, each = options(arguments)
    told: list[int] = [] if hold else [0]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.append(number))
    result = Load(plan).run(lambda: bool(told), lambda event: print(json.dumps({"event": event}), flush=True))
    print(json.dumps({**result.facts(), **({"each": result.each()} if each else {})}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
