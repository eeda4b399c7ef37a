# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted of lasting connections: planted faults, each as what it is; and what a benchmark makes of counts."""

from __future__ import annotations

import socket
import time
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from ..benchmarks.faults import Watch
from ..benchmarks.lasting import IDLE, USED, Lasting, Plan, Result
from ..benchmarks.load import RESET, TIMED_OUT, WRONG, WrongAnswer
from ..benchmarks.traffic import Seen
from .web_server import ADDRESS, Behaviour, answer, asked, resets, says, says_nothing, server

HELD = 0.5  # seconds


def held(port: int, used: int = 1, idle: int = 1) -> Result:
    """Hold connections for a while."""
    lasting = Lasting(Plan(ADDRESS, port, ("rs1", "rs2"), used, idle, interval=0.05, timeout=0.5))
    lasting.open()
    end = time.monotonic() + HELD
    return lasting.run(lambda: time.monotonic() > end)


def breaks(result: Result) -> list[tuple[str, str]]:
    return [(each.connection, each.kind) for each in result.breaks]


def after(answers: int, then: Behaviour) -> Behaviour:
    """Answer so many requests of a connection, and behave then."""

    def behave(connection: socket.socket, number: int) -> None:
        for _answer in range(answers):
            if not asked(connection):
                return
            connection.sendall(answer())
        then(connection, number)

    return behave


def test_connections_that_go_on() -> None:
    served: list[int] = []

    def behave(connection: socket.socket, number: int) -> None:
        count = 0
        while asked(connection):
            connection.sendall(answer(b"rs%d\n" % (number % 2 + 1)))
            count += 1
        served.append(count)

    with server(behave) as port:
        result = held(port, used=2, idle=2)
        end = time.monotonic() + 5
        while len(served) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    facts = result.facts()
    assert facts["go_on"] == facts["opened"] == {USED: 2, IDLE: 2}
    assert facts["breaks"] == []
    # The idle ones: one at the beginning, one at the end.
    assert sorted(served)[:2] == [2, 2]
    assert min(sorted(served)[2:]) > 4
    assert facts["requests"] == sum(served) - 4


@pytest.mark.parametrize(
    ("then", "kind"),
    [(resets, RESET), (says_nothing, TIMED_OUT), (lambda _connection, _number: None, RESET), (says(answer(b"rs2\n")), WRONG)],
)
def test_break_is_counted_as_what_it_is(then: Behaviour, kind: str) -> None:
    with server(after(3, then)) as port:
        assert breaks(held(port, used=1, idle=0)) == [(USED, kind)]
    with server(after(1, then)) as port:
        result = held(port, used=0, idle=1)
    assert breaks(result) == [(IDLE, kind)]
    assert result.facts()["go_on"] == {USED: 0, IDLE: 0}


def test_idle_connection_is_broken_when_it_is_tried() -> None:
    """What nobody tells it, it hears of its last request only."""
    gone = Event()

    def forget(connection: socket.socket, _number: int) -> None:
        gone.wait(5)
        resets(connection, 0)

    began = time.monotonic()
    with server(after(1, forget)) as port:
        gone.set()
        result = held(port, used=0, idle=3)
    assert breaks(result) == [(IDLE, RESET)] * 3
    assert min(each.at for each in result.breaks) > began + HELD


def test_nothing_is_measured_without_answers() -> None:
    with server(lambda _connection, _number: None) as port, pytest.raises((WrongAnswer, ConnectionError)):
        held(port)
    with socket.socket() as bound:
        bound.bind((ADDRESS, 0))  # and nobody listens
        with pytest.raises(ConnectionRefusedError):
            held(bound.getsockname()[1])


def test_pause() -> None:
    """From a good request before the fault to one after it; a request that TCP had to repeat is none."""
    seen = Seen(
        each=[(0.0, 0.01), (10.0, 0.01), (10.1, 0.01), (10.2, 1.05), (10.3, 1.02), (10.5, 0.01), (10.6, 0.01)], ended=10.7
    )
    assert seen.pause(10.0) == pytest.approx(0.4)
    assert seen.slowest(10.0) == pytest.approx(1.05)
    assert Seen(each=[(9.0, 0.01)], ended=14.0).pause(10.0) == pytest.approx(4.0)
    assert seen.pause(10.55) == pytest.approx(0.1)


def test_time_without_a_holder_and_with_two(tmp_path: Path) -> None:
    """As ip -ts -o monitor address writes it."""
    start = datetime.fromisoformat("2026-11-30T12:00:00.000000").timestamp()
    change = "[2026-11-30T12:00:0{}00000] {}2: eth0    inet {}/32 scope global eth0\\       valid_lft forever"
    logs = {name: tmp_path / name for name in ("ds1", "ds2")}
    logs["ds1"].write_text(
        "\n".join((change.format("1.0", "Deleted ", "192.0.2.1"), change.format("4.0", "", "192.0.2.1"), "3: something else"))
    )
    logs["ds2"].write_text("\n".join((change.format("1.5", "", "192.0.2.1"), change.format("2.0", "Deleted ", "192.0.2.2"))))
    watch = Watch("192.0.2.1", start, frozenset({"ds1"}), logs)
    assert watch.seconds(start, start + 5) == pytest.approx({0: 0.5, 1: 3.5, 2: 1.0})
    assert watch.seconds(start + 2, start + 3) == pytest.approx({0: 0.0, 1: 1.0, 2: 0.0})
