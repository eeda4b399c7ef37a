# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short requests and lasting connections to VIPs from the lab's client (load.py, lasting.py), and what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .lasting import IDLE, USED

PROJECT = Path(__file__).parents[2]
TIMEOUT = 3.0  # seconds that a request may take
AT_ONCE = 0.5  # seconds that an answer takes at most that needed no second attempt: those of TCP come after 1 s
SETTLE = 2.0  # seconds of load before something is done: connections of every age


class Wrong(Exception):
    """What was measured did not do what it should."""


@dataclass(frozen=True)
class Plan:
    """How much traffic, and where to."""

    short: str  # VIP that short requests go to
    lasting: Sequence[str]  # VIPs that connections are held to
    names: Sequence[str] = ("rs1", "rs2", "rs3")
    port: int = 80
    rate: float = 100.0  # short requests a second
    used: int = 10  # connections to each VIP
    idle: int = 10


@dataclass
class Seen:
    """What became of the traffic. All moments are time.monotonic(), which the processes of a kernel share."""

    requests: int = 0
    ended: float = 0.0
    failures: list[tuple[float, str]] = field(default_factory=list)  # when the request was begun, what went wrong
    each: list[tuple[float, float]] = field(default_factory=list)  # when an answered request was begun, seconds that it took
    lasting: dict[str, dict[str, Any]] = field(default_factory=dict)  # for each VIP: lasting.Result.facts()

    def pause(self, since: float) -> float:
        """The longest time in seconds, after a moment, in which no request was begun that was answered at once.

        So long clients had no service, from the last good request to the next one. It is never less than the requests' pace.
        """
        good = sorted(began for began, taken in self.each if began >= since and taken < AT_ONCE)
        return max((later - earlier for earlier, later in zip([since, *good], [*good, self.ended])), default=0.0)

    def slowest(self, since: float) -> float:
        """Seconds that the slowest request took that was begun after it."""
        return max((taken for began, taken in self.each if began >= since), default=0.0)

    def kinds(self) -> dict[str, int]:
        """How many requests failed in which way."""
        return dict(Counter(kind for _began, kind in self.failures))

    def going_on(self, vip: str, *kinds: str) -> tuple[int, int]:
        """Of the connections to a VIP: how many still work, and how many there were."""
        facts = self.lasting[vip]
        wanted = kinds or (USED, IDLE)
        return sum(facts["go_on"][kind] for kind in wanted), sum(facts["opened"][kind] for kind in wanted)


class Traffic:
    """It goes on until it is ended."""

    def __init__(self, load: subprocess.Popen[str], lasting: dict[str, subprocess.Popen[str]]) -> None:
        self._load = load
        self._lasting = lasting

    def end(self) -> Seen:
        """Let every connection answer a last time, and tell what became of all."""
        for process in self._lasting.values():
            process.terminate()
        lasting = {vip: told(process) for vip, process in self._lasting.items()}
        self._load.terminate()
        facts = told(self._load)
        began = facts["began"]
        return Seen(
            facts["requests"],
            began + facts["seconds"],
            [(began + failure["began"], failure["kind"]) for failure in facts["failures"]],
            [(began + offset, taken) for offset, taken in facts["each"]],
            lasting,
        )


def told(process: subprocess.Popen[str], event: str | None = None) -> dict[str, Any]:
    """Wait for the next thing that a process tells.

    :raises Wrong: it is another one
    """
    assert process.stdout
    text = process.stdout.readline()
    said: dict[str, Any] = json.loads(text) if text else {}
    if not said or said.get("event") != event:
        raise Wrong(f"{process.args!r} was to say {event or 'what became of it'!r}, and said {text[:500]!r}")
    return said


@contextmanager
def traffic(plan: Plan) -> Iterator[Traffic]:
    """Traffic until the end of the block, under way and settled at its beginning."""
    pid = Path("/run/lvs-lab/client.pid").read_text().strip()
    enter = ("nsenter", f"--target={pid}", "--net", "--", sys.executable, "-m")
    expect = [f"--expect={name}" for name in plan.names]
    # So many clients that all requests of the rate can be waited for, and one is still begun.
    clients = int(plan.rate * (TIMEOUT + 1))
    with ExitStack() as stack:

        def start(program: str, vip: str, *options: str) -> subprocess.Popen[str]:
            service = f"[{vip}]:{plan.port}" if ":" in vip else f"{vip}:{plan.port}"
            words = [*enter, f"tests.benchmarks.{program}", service, *expect, f"--timeout={TIMEOUT}", *options]
            process = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        held = (f"--used={plan.used}", f"--idle={plan.idle}")
        lasting = {vip: start("lasting", vip, *held) for vip in plan.lasting}
        for process in lasting.values():
            told(process, "under way")
        paced = ("--each", "--hold", "--keepalive=0", f"--short={clients}", f"--rate={plan.rate}", "--requests=0")
        load = start("load", plan.short, *paced)
        for event in ("under way", "enough"):
            told(load, event)
        time.sleep(SETTLE)
        yield Traffic(load, lasting)
