# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Requests to a VIP: options in, what to ask out; outcomes in, return values or what is wrong with them out. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .._core import values
from .._core.errors import Faults, InvalidValue, LvsError, MissingValue, raise_all
from .._core.values import Address

KINDS = ("http", "tcp")
MAX_REQUESTS, MAX_PARALLEL = 100_000, 200
TIMEOUT = (0.1, 60.0)  # seconds
PERCENTILES = (50, 90, 99)
NOBODY_KNOWN = "unknown"  # who answered, where nothing asks for it
_SHOWN = 60  # characters of a wrong answer
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Requests:
    """What to ask."""

    vip: Address
    port: int
    kind: str
    path: str
    host: str  # of HTTP
    send: bytes | None  # over TCP
    expect: re.Pattern[str] | None
    identify: re.Pattern[str] | None
    status: tuple[int, ...]
    requests: int
    parallel: int
    timeout: float  # seconds for each
    shares: Mapping[str, float]  # empty: any distribution will do
    tolerance: float

    def __str__(self) -> str:
        return f"{self.kind}://{values.endpoint(self.vip, self.port)}{self.path if self.kind == 'http' else ''}"

    @property
    def listens(self) -> bool:
        """Whether anything is to be read: else a connection is an answer."""
        return self.kind == "http" or any(part is not None for part in (self.send, self.expect, self.identify))


@dataclass(frozen=True)
class Outcome:
    """What came of a request."""

    name: str | None  # who answered; None: it failed
    problem: str = ""
    example: str = ""  # of what was said instead
    seconds: float = 0.0


class ProbeFailed(LvsError):
    """Not every answer was as it has to be; the return values are its facts."""


def wanted_requests(options: Mapping[str, Any]) -> Requests:
    """What the options ask for.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    for name in ("vip", "port"):
        if options[name] is None:
            faults.found.append(MissingValue(name, "name the VIP and its port, or the real servers in through"))
    raise_all(faults.found)
    vip = faults.take(values.vip, options["vip"])
    port = faults.take(values.port, "port", options["port"])
    kind = faults.take(values.choice, "kind", options["kind"], KINDS)
    for name, fits in (("send", "tcp"), ("host_header", "http")):
        if options[name] is not None and kind not in (fits, None):
            faults.found.append(InvalidValue(name, repr(options[name]), f"is for kind={fits}: leave it out"))
    path = faults.take(_token, "path", options["path"], "/")
    host = faults.take(_token, "host_header", options["host_header"])
    expect = faults.take(_expression, "expect", options["expect"])
    identify = faults.take(_expression, "identify", options["identify"], 1)
    status = [faults.take(values.integer, "status", one, 100, 599) for one in options["status"]]
    requests = faults.take(values.integer, "requests", options["requests"], 1, MAX_REQUESTS)
    parallel = faults.take(values.integer, "parallel", options["parallel"], 1, MAX_PARALLEL)
    timeout = faults.take(seconds, options["timeout"])
    shares = faults.take(_shares, options["shares"])
    tolerance = faults.take(_number, "tolerance", options["tolerance"], 0.0, 1.0)
    raise_all(faults.found)
    vip = cast("Address", vip)  # it was read, or raised
    return Requests(
        vip=vip,
        port=port or 0,
        kind=kind or "",
        path=path or "/",
        host=host or values.endpoint(vip, port or 0),
        send=None if options["send"] is None else str(options["send"]).encode(),
        expect=expect,
        identify=identify,
        status=tuple(one or 0 for one in status),
        requests=requests or 1,
        parallel=parallel or 1,
        timeout=timeout or TIMEOUT[0],
        shares=shares or {},
        tolerance=tolerance or 0.0,
    )


def seconds(value: object) -> float:
    """The option O(timeout)."""
    return _number("timeout", value, *TIMEOUT, unit=" seconds")


def _number(option: str, value: Any, lowest: float, highest: float, unit: str = "") -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidValue(option, repr(value), "is not a number") from None
    if not lowest <= number <= highest:  # nor is what is not a number
        raise InvalidValue(option, value, f"is not in {lowest:g}..{highest:g}{unit}")
    return number


def _token(option: str, value: str | None, begin: str = "") -> str | None:
    """What goes into one line of a request."""
    if value is None:
        return None
    if not value.startswith(begin) or not re.fullmatch(r"[!-~]+", value):
        starts = f"begins with {begin} and " if begin else ""
        raise InvalidValue(option, repr(value), f"cannot be: it {starts}has no spaces, and no letters beyond ASCII")
    return value


def _expression(option: str, value: str | None, groups: int | None = None) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        compiled = re.compile(value, re.MULTILINE)
    except re.error as error:
        raise InvalidValue(option, repr(value), f"is not a regular expression of Python ({error})") from None
    if groups is not None and compiled.groups != groups:
        raise InvalidValue(option, repr(value), "has to have one group (...), around the name of the one that answered")
    return compiled


def _shares(value: Mapping[str, Any] | None) -> dict[str, float]:
    """Each as a part of one."""
    if value is None:
        return {}
    shares = {str(name): _number("shares", share, 0.0, float(MAX_REQUESTS)) for name, share in value.items()}
    total = sum(shares.values())
    if not total:
        raise InvalidValue("shares", dict(value), "leaves nothing to anybody: write, for instance, {rs1: 2, rs2: 1}")
    return {name: share / total for name, share in shares.items()}


def judged(wanted: Requests, status: int | None, head: str, body: str) -> Outcome:
    """Whether an answer is right, and whose it is.

    :param status: of HTTP
    :param head: the header fields of HTTP, a line each
    """
    if status is not None and status not in wanted.status:
        return Outcome(None, f"status {status}", _shown(body))
    if wanted.expect is not None and not wanted.expect.search(body):
        return Outcome(None, "wrong answer", _shown(body))
    if wanted.identify is None:
        return Outcome(body.partition("\n")[0].strip())
    found = wanted.identify.search(f"{head}\n{body}")
    if found is None or found.group(1) is None:
        return Outcome(None, "an answer that does not say whose it is (identify)", _shown(f"{head}\n{body}"))
    return Outcome(found.group(1).strip())


def enough(wanted: Requests, said: str) -> bool:
    """Whether what was said over TCP so far is a whole answer."""
    asked = [pattern for pattern in (wanted.expect, wanted.identify) if pattern is not None]
    return all(pattern.search(said) for pattern in asked) if asked else "\n" in said


def _shown(said: str) -> str:
    said = " ".join(said.split())
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


def percentile(latencies: Sequence[float], part: int) -> float:
    """By nearest rank: the least of the sorted values that at least this part, in percent, of all do not exceed."""
    return latencies[max(1, math.ceil(part * len(latencies) / 100)) - 1]


def _latency(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """In milliseconds, of what was answered; empty where nothing was."""
    each = sorted(one.seconds * 1000 for one in outcomes if one.name is not None)
    if not each:
        return {}
    found = {f"p{part}": percentile(each, part) for part in PERCENTILES}
    found = {"min": each[0], **found, "max": each[-1], "mean": sum(each) / len(each)}
    return {name: round(value, 3) for name, value in found.items()}


def verdict(wanted: Requests, outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """The return values.

    :param seconds: that all of it took
    :raises ProbeFailed: with them, where a request failed or the wrong ones answered
    """
    answers = Counter(one.name for one in outcomes if one.name is not None)
    problems = Counter(one.problem for one in outcomes if one.name is None)
    examples = {one.problem: one.example for one in reversed(outcomes)}
    failures = [
        {"problem": problem, "times": times, "example": examples[problem]} for problem, times in problems.most_common()
    ]
    facts = {
        "answers": dict(sorted(answers.items())),
        "failures": failures,
        "latency": _latency(outcomes),
        "requests": len(outcomes),
        "seconds": round(seconds, 3),
    }
    told = _failures(wanted, len(outcomes), failures) + _off(wanted, answers)
    if told:
        raise ProbeFailed("\n".join(told), facts)
    return facts


def _failures(wanted: Requests, requests: int, failures: Sequence[Mapping[str, Any]]) -> list[str]:
    if not failures:
        return []
    each = []
    for one in failures:
        example = f", such as '{one['example']}'" if one["example"] else ""
        each.append(f"{one['problem']} (x{one['times']}){example}")
    failed = sum(one["times"] for one in failures)
    found = f"{failed} of {requests} requests to {wanted} failed: {'; '.join(each)}"
    return [f"{found}: which real server it is, the director finds out with the option through"]


def _off(wanted: Requests, answers: Mapping[str, int]) -> list[str]:
    """What is wrong with the distribution."""
    total = sum(answers.values())
    if not wanted.shares or not total:
        return []
    told = [
        f"shares: {name!r} answered {times} of {total} requests and is not among {', '.join(wanted.shares)}: name it, take it"
        " out of the service, or see that identify finds a name"
        for name, times in sorted(answers.items())
        if name not in wanted.shares
    ]
    for name, share in wanted.shares.items():
        found = answers.get(name, 0) / total
        if abs(found - share) > wanted.tolerance + _ROUNDING:
            told.append(
                f"shares: {name} has {found:.3f} of the answers, where {share:.3f} is wanted, give or take"
                f" {wanted.tolerance:g}: see the weights and the scheduler on the director (ipvsadm -Ln), or allow more"
            )
    return told
