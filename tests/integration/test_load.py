# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the load generator counts: planted faults, each as what it is; and what the benchmark of losses makes of counts."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ..benchmarks import loss
from ..benchmarks.load import (
    KINDS,
    REFUSED,
    RESET,
    TIMED_OUT,
    WRONG,
    Answer,
    Load,
    Plan,
    Result,
    WrongAnswer,
    parsed,
    percentile,
)
from .web_server import ADDRESS, Behaviour, answer, asked, resets, says, says_nothing, server

PROJECT = Path(__file__).parents[2]
TIMEOUT = 60


def cuts(connection: socket.socket, _number: int) -> None:
    asked(connection)
    connection.sendall(answer()[:-2])


def closes(connection: socket.socket) -> None:
    """Close, and let what crosses it come in, which would be reset otherwise."""
    connection.shutdown(socket.SHUT_WR)
    says_nothing(connection, 0)


def answers_once(connection: socket.socket, _number: int) -> None:
    asked(connection)
    connection.sendall(answer())
    closes(connection)


def answers_once_and_resets(connection: socket.socket, number: int) -> None:
    asked(connection)
    connection.sendall(answer())
    resets(connection, number)


def is_gone_after_one(connection: socket.socket, number: int) -> None:
    """Close the first connection when it is idle, and every other one without an answer."""
    asked(connection)
    if number == 0:
        connection.sendall(answer())
    closes(connection)


def loaded(port: int, keepalive: int = 1, short: int = 0, requests: int = 1, **plan: float) -> Result:
    options = {"timeout": 5.0, "seconds": 20.0, **plan}
    return Load(Plan(ADDRESS, port, ("rs1", "rs2"), keepalive, short, requests, **options)).run(lambda: True)  # type: ignore[arg-type]


def counted(result: Result) -> dict[str, int]:
    """The kinds of failures that there were."""
    return {kind: count for kind, count in result.facts()["failed"].items() if count}


def test_answers_are_counted_by_who_gave_them() -> None:
    connections: set[int] = set()

    def alternate(connection: socket.socket, number: int) -> None:
        connections.add(number)
        says(answer(b"rs%d\n" % (number % 2 + 1)))(connection, number)

    with server(alternate) as port:
        result = loaded(port, keepalive=2, short=2, requests=200, per_connection=10)
    facts = result.facts()
    assert counted(result) == {}
    assert facts["reopened"] == 0
    assert facts["requests"] == facts["keepalive"] + facts["short"] == sum(facts["answers"].values()) >= 200
    assert set(facts["answers"]) == {"rs1", "rs2"}
    assert min(facts["keepalive"], facts["short"]) > 0
    assert facts["keepalive"] / 10 <= len(connections) - facts["short"] <= facts["keepalive"] / 10 + 2
    assert 0 <= facts["ms"]["p50"] <= facts["ms"]["p99"] <= facts["ms"]["p100"] < 5000
    assert facts["ms"]["p100"] > 0


@pytest.mark.parametrize("keepalive", [0, 1])
@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (resets, RESET),
        (cuts, RESET),
        (says_nothing, TIMED_OUT),
        (says(answer(b"rs3\n")), WRONG),
        (says(answer(b"rs1")), WRONG),
        (says(answer(status="502 Bad Gateway")), WRONG),
        (says(answer() + b"rs2\n"), WRONG),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), WRONG),
    ],
)
def test_failure_is_counted_as_what_it_is(behaviour: Behaviour, kind: str, keepalive: int) -> None:
    with server(behaviour) as port:
        result = loaded(port, keepalive, 1 - keepalive, timeout=0.5)
    assert counted(result) == {kind: 1}
    assert (result.requests, result.reopened, dict(result.answers)) == (1, 0, {})
    assert result.failures[0].connection == ("keepalive" if keepalive else "short")


def test_refused_connection() -> None:
    with socket.socket() as bound:
        bound.bind((ADDRESS, 0))  # and nobody listens
        result = loaded(bound.getsockname()[1], requests=3)
    assert counted(result) == {REFUSED: 3}
    # After each the client rests, so that a moment without a server is not counted for thousands.
    assert result.failures[2].offset >= 0.1


def test_connection_that_nobody_accepts() -> None:
    with socket.create_server((ADDRESS, 0), backlog=0) as full, socket.create_connection(full.getsockname()[:2]):
        result = loaded(full.getsockname()[1], timeout=0.5)
    assert counted(result) == {TIMED_OUT: 1}
    assert result.failures[0].detail == "no connection"


def test_failure_in_the_middle_of_a_connection() -> None:
    with server(says(answer(), answer(), b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrs9\n")) as port:
        result = loaded(port, requests=3)
    assert counted(result) == {WRONG: 1}
    assert dict(result.answers) == {"rs1": 2}


def test_reset_of_a_connection_that_answered_before() -> None:
    with server(answers_once_and_resets) as port:
        result = loaded(port, requests=2)
    assert (counted(result), result.reopened, dict(result.answers)) == ({RESET: 1}, 0, {"rs1": 1})


@pytest.mark.parametrize("rate", [0, 20])
def test_closing_an_idle_connection_is_no_failure(rate: float) -> None:
    with server(answers_once) as port:
        result = loaded(port, requests=5, rate=rate)
    assert counted(result) == {}
    assert result.requests == sum(result.answers.values()) == 5
    assert result.reopened in (4, 5)  # the last one is perhaps not noticed any more


def test_announced_close_is_not_even_that() -> None:
    with server(says(answer(header=b"Connection: close\r\n"))) as port:
        result = loaded(port, requests=5)
    assert (counted(result), result.requests, result.reopened) == ({}, 5, 0)


def test_request_is_repeated_once_only() -> None:
    with server(is_gone_after_one) as port:
        result = loaded(port, requests=2)
    assert counted(result) == {RESET: 1}
    assert (result.requests, result.reopened, dict(result.answers)) == (2, 1, {"rs1": 1})


def test_pace() -> None:
    with server(says(answer())) as port:
        result = loaded(port, keepalive=4, short=4, requests=60, rate=100)
    assert counted(result) == {}
    assert 0.4 < result.seconds < 5


def test_end_comes_in_any_case() -> None:
    with server(says(answer())) as port:
        result = loaded(port, requests=10**9, rate=50, seconds=0.5)
    assert 0 < result.requests < 1000
    assert 0.5 <= result.seconds < 5


def test_program_goes_on_until_it_is_told() -> None:
    with server(says(answer())) as port:
        options = ("--expect", "rs1", "--requests", "50", "--rate", "200", "--hold", "--each")
        command = (sys.executable, "-m", "tests.benchmarks.load", f"{ADDRESS}:{port}", *options)
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [json.loads(process.stdout.readline()) for _event in range(2)]
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            result = json.loads(process.communicate(timeout=TIMEOUT)[0])
    assert told == [{"event": "under way"}, {"event": "enough"}]
    assert process.returncode == 0
    assert result["requests"] == result["answers"]["rs1"] >= 50
    assert len(result["each"]) == result["requests"]
    ends = [began + taken for began, taken in result["each"]]
    rounding = 0.0002  # seconds, of two figures that are rounded
    assert all(later >= earlier - rounding for earlier, later in zip(ends, ends[1:]))
    assert 0 <= ends[0] <= ends[-1] <= result["seconds"] + rounding


@pytest.mark.parametrize("received", [b"", b"HTT", b"HTTP/1.1 200 OK\r\nContent-Le", answer()[:-1]])
def test_incomplete(received: bytes) -> None:
    assert parsed(received) is None


def test_complete() -> None:
    assert parsed(answer()) == Answer(200, b"rs1\n", closes=False)
    assert parsed(answer(b"", "404 Not Found", b"CONNECTION: Close\r\n")) == Answer(404, b"", closes=True)


@pytest.mark.parametrize("received", [b"HTTX", b"HTTP/1.1 200 OK\r\n\r\nrs1\n", b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n"])
def test_never_an_answer(received: bytes) -> None:
    with pytest.raises(WrongAnswer):
        parsed(received)


def test_percentiles() -> None:
    assert [percentile(range(1, 101), percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([7.0], 50) == 7.0
    assert percentile([], 99) == 0.0


CASES = {case.name: case for case in loss.CASES}
CONTROL, SITE = CASES["control"], CASES["site"]
OURS, THEIRS = CASES["scheduler"], CASES["scheduler_by_ipvsadm"]


def row(case: loss.Case, *begun: float) -> loss.Row:
    """A case that acted from 10 to 12 and from 20 to 21, and lost the requests that were begun then."""
    failures = [{"began": start - 5.0, "kind": RESET, "connection": "short", "detail": "why"} for start in begun]
    return loss.Row(case, [(10.0, 12.0), (20.0, 21.0)], {"began": 5.0, "failures": failures})


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ([row(CONTROL, 11), row(SITE), row(OURS), row(THEIRS)], []),
        ([row(CONTROL, 11), row(OURS, 11), row(THEIRS, 11, 12)], []),
        ([row(CONTROL, 11), row(OURS, 11), row(THEIRS)], ["scheduler"]),
        ([row(CONTROL, 11), row(OURS, 11)], ["scheduler"]),
        ([row(CONTROL, 11), row(SITE, 11)], ["site"]),
        ([row(CONTROL), row(SITE)], ["control"]),
    ],
)
def test_verdicts(rows: list[loss.Row], faults: list[str]) -> None:
    assert [name for name, verdict in loss.verdicts(rows).items() if verdict.isupper()] == faults


def test_losses_are_put_beside_actions() -> None:
    assert row(CONTROL, 6, 9.8, 11, 15, 21).bursts() == [
        "1 with action 0, begun -4.0..-4.0 s from its start: reset (short, why)",
        "3 with action 1, begun -0.2..+5.0 s from its start: reset (short, why)",
        "1 with action 2, begun +1.0..+1.0 s from its start: reset (short, why)",
    ]


def test_kinds_have_a_column_each() -> None:
    assert [kind for kind in loss.HEAD if kind in KINDS] == list(KINDS)
    assert len(loss.HEAD) == len(loss.WIDTHS)
