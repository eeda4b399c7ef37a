# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold connections to a web service for as long as the service is worked on, and count those that break.

    python -m tests.benchmarks.lasting 192.168.56.185:80 --expect rs1 --expect rs2 --used 20 --idle 20

All are opened at the beginning, with a request each. Those that are used then carry a request every --interval seconds; those
that are idle are silent until SIGTERM, when every connection has to answer a last request. None is opened anew: what is
broken once stays so, and is counted with what a client sees of it. A request that is late by --timeout has stalled.

It prints a line of JSON when all are open, and one with the result.
"""

from __future__ import annotations

import argparse
import errno
import json
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .load import LONGEST, RESET, TIMED_OUT, WRONG, WrongAnswer, answered_by, parsed

USED, IDLE = KINDS = ("used", "idle")
LOOK_EVERY = 0.02  # seconds between two looks for requests that are due or late


@dataclass(frozen=True)
class Plan:
    """Which connections to hold."""

    address: str
    port: int
    names: Sequence[str]  # who may answer
    used: int = 20
    idle: int = 20
    interval: float = 0.1  # seconds from one request on a used connection to the next one
    timeout: float = 3.0  # seconds for a request


class Break(NamedTuple):
    """How a connection ended."""

    connection: str  # used or idle
    server: str  # the real server that it led to
    at: float  # time.monotonic() when this was known
    kind: str
    detail: str


@dataclass
class Connection:
    """One of them."""

    socket: socket.socket
    kind: str
    server: str = ""
    due: float = 0.0
    asked: float | None = None  # when the request was sent that is not answered yet
    received: bytes = b""


@dataclass
class Result:
    """What became of the connections."""

    opened: dict[str, int]
    breaks: list[Break] = field(default_factory=list)
    requests: int = 0
    slowest: float = 0.0  # seconds

    def facts(self) -> dict[str, Any]:
        """The result for JSON."""
        broken = {kind: sum(each.connection == kind for each in self.breaks) for kind in KINDS}
        return {
            "opened": self.opened,
            "go_on": {kind: self.opened[kind] - broken[kind] for kind in KINDS},
            "requests": self.requests,
            "slowest": round(self.slowest, 3),
            "breaks": [each._asdict() for each in self.breaks],
        }


class Lasting:
    """All connections, on one epoll."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        host = f"[{plan.address}]" if ":" in plan.address else plan.address
        self._request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._epoll = select.epoll()
        self._alive: dict[int, Connection] = {}
        self._last = 0.0  # from when on an answer is the last one; 0: that is not yet known
        self.result = Result({USED: plan.used, IDLE: plan.idle})

    def open(self) -> None:
        """Open all of them, with a request each.

        :raises OSError: one could not be opened
        :raises WrongAnswer: one was not answered as it should be
        """
        plan = self._plan
        for number in range(plan.used + plan.idle):
            opened = socket.create_connection((plan.address, plan.port), timeout=plan.timeout)
            connection = Connection(opened, USED if number < plan.used else IDLE)
            opened.sendall(self._request)
            while not connection.server:
                received = opened.recv(LONGEST)
                connection.received += received
                answer = parsed(connection.received)
                if answer:
                    connection.server, connection.received = answered_by(answer, plan.names), b""
                elif not received:
                    raise WrongAnswer("closed before the end of the answer")
            opened.setblocking(False)
            # Spread over the interval, so that a fault meets them at every age of their requests.
            connection.due = time.monotonic() + plan.interval * (1 + number / (plan.used or 1))
            self._alive[opened.fileno()] = connection
            self._epoll.register(opened.fileno(), select.EPOLLIN | select.EPOLLRDHUP)

    def run(self, told_to_stop: Callable[[], bool]) -> Result:
        """Use them until this says so, then ask on each for the last time."""
        while not told_to_stop():
            self._turn()
        self._last = time.monotonic()
        # In another order than they were opened in: a scheduler that takes turns would give each its real server by chance.
        for connection in random.Random(0).sample(list(self._alive.values()), len(self._alive)):
            self._alive[connection.socket.fileno()] = self._alive.pop(connection.socket.fileno())
            connection.due = self._last
        while self._alive:
            self._turn()
        self._epoll.close()
        return self.result

    def _turn(self) -> None:
        """Take what has come, and ask where it is time to."""
        for number, _events in self._epoll.poll(LOOK_EVERY):
            self._take(self._alive[number])
        now = time.monotonic()
        for connection in list(self._alive.values()):
            if connection.asked is not None:
                if now - connection.asked > self._plan.timeout:
                    self._broken(connection, TIMED_OUT, "no answer")
            elif (connection.kind == USED or self._last) and connection.due <= now:
                self._ask(connection, now)

    def _ask(self, connection: Connection, now: float) -> None:
        """Send a request."""
        connection.asked, connection.due = now, now + self._plan.interval
        try:
            connection.socket.send(self._request)
        except OSError as error:
            self._failed(connection, error)

    def _take(self, connection: Connection) -> None:
        """Read what has come."""
        try:
            received = connection.socket.recv(LONGEST)
        except OSError as error:
            self._failed(connection, error)
            return
        connection.received += received
        try:
            answer = parsed(connection.received)
            if answer and connection.asked is not None:
                if answered_by(answer, [connection.server]):
                    self._answered(connection)
            elif connection.received and connection.asked is None:
                raise WrongAnswer(f"unasked: {connection.received[:80]!r}")
            elif not received:
                self._broken(connection, RESET, "closed")
        except WrongAnswer as wrong:
            self._broken(connection, WRONG, str(wrong))

    def _answered(self, connection: Connection) -> None:
        """The request was answered, by the same real server as the first one."""
        assert connection.asked is not None
        self.result.requests += 1
        self.result.slowest = max(self.result.slowest, time.monotonic() - connection.asked)
        if self._last and connection.asked >= self._last:
            self._close(connection)
        connection.asked, connection.received = None, b""

    def _failed(self, connection: Connection, error: OSError) -> None:
        """A system call failed."""
        timed_out = error.errno == errno.ETIMEDOUT
        self._broken(connection, TIMED_OUT if timed_out else RESET, error.strerror or "")

    def _broken(self, connection: Connection, kind: str, detail: str) -> None:
        """Note how it ended."""
        self.result.breaks.append(Break(connection.kind, connection.server, time.monotonic(), kind, detail))
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        """Let go of the connection."""
        del self._alive[connection.socket.fileno()]
        connection.socket.close()  # epoll forgets it with that


def options(arguments: Sequence[str] | None) -> Plan:
    """Which connections to hold."""
    usual = Plan("", 0, ())
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.lasting", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("service", help="ADDRESS:PORT of the service")
    parser.add_argument("--expect", action="append", required=True, help="a name that may be the whole answer")
    for name, what in (
        ("used", "connections that carry a request every so often"),
        ("idle", "connections that are silent until the end"),
        ("interval", "seconds from one request on a used connection to the next one"),
        ("timeout", "seconds for a request"),
    ):
        value = getattr(usual, name)
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{what} (%(default)s)")
    given = vars(parser.parse_args(arguments))
    address, _colon, port = given.pop("service").rpartition(":")
    return Plan(address.strip("[]"), int(port), given.pop("expect"), **given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold them, and print what became of them."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    lasting = Lasting(options(arguments))
    lasting.open()
    print(json.dumps({"event": "under way"}), flush=True)
    print(json.dumps(lasting.run(lambda: bool(told)).facts()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
