# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Requests to VIPs: the options that describe them, which answers are right, and the result of all of them. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._core import values
from .._core.errors import InvalidValue, LvsError, MissingValue
from .._core.options import Facts, Faults, Option, Options, argument_spec, choice, integer, number, text
from .._core.values import Address
from .options import OptionReader

PERCENTILES = (50, 90, 99)
UNKNOWN = "unknown"  # the name of a real server that is not asked for its name
# What a client calls it if a firewall says that a packet is prohibited, and also if nobody answers its ARP requests.
REJECTED = "no route to host"
_MAX_REQUESTS = 100_000
_EXAMPLE = 60  # characters of a wrong answer
_ROUNDING = 1e-9


def _token(option: str, value: object, start: str = "") -> str:
    """A value that goes into one line of an HTTP request."""
    token = str(value)
    if not token.startswith(start) or not re.fullmatch(r"[!-~]+", token):
        starts = f"begins with {start} and " if start else ""
        raise InvalidValue(option, repr(value), f"cannot be: it {starts}has no spaces, and no letters beyond ASCII")
    return token


def _expression(option: str, value: object) -> re.Pattern[str]:
    try:
        return re.compile(str(value), re.MULTILINE)
    except re.error as error:
        raise InvalidValue(option, repr(value), f"is not a regular expression of Python ({error})") from None


def _name_expression(option: str, value: object) -> re.Pattern[str]:
    expression = _expression(option, value)
    if expression.groups != 1:
        raise InvalidValue(option, repr(value), "has to have one group (...), around the name of the real server")
    return expression


def _shares(weights: Any) -> dict[str, float]:
    """The part of all answers that each name should have, 0 to 1."""
    shares = {str(name): values.number("shares", weight, 0, _MAX_REQUESTS) for name, weight in weights.items()}
    total = sum(shares.values())
    if not total:
        raise InvalidValue("shares", dict(weights), "add up to nothing: write, for instance, {rs1: 2, rs2: 1}")
    return {name: share / total for name, share in shares.items()}


VIP = Option("vip", values.vip)
PORT = integer("port", 1, 65535)
KIND = choice("kind", ("http", "tcp"), default="http")
PATH = text("path", lambda option, value: _token(option, value, "/"), default="/")
HOST_HEADER = text("host_header", _token)
SEND = Option("send", lambda value: str(value).encode())
EXPECT = text("expect", _expression)
IDENTIFY = text("identify", _name_expression)
REQUESTS = integer("requests", 1, _MAX_REQUESTS, default=10)
PARALLEL = integer("parallel", 1, 200, default=1)
TIMEOUT = number("timeout", 0.1, 60, " seconds", default=5.0)
SHARES = Option("shares", _shares, type="dict")
TOLERANCE = number("tolerance", 0, 1, default=0.1)

ARGUMENT_SPEC = {
    "services": {
        "type": "list",
        "elements": "dict",
        "options": argument_spec(replace(VIP, required=True), replace(PORT, required=True)),
    },
    **argument_spec(VIP, PORT, KIND, PATH, HOST_HEADER, SEND, EXPECT, IDENTIFY),
    "status": {"type": "list", "elements": "int", "default": [200]},
    **argument_spec(REQUESTS, PARALLEL, TIMEOUT, SHARES, TOLERANCE),
}
_KIND_OF = {"send": "tcp", "host_header": "http"}  # options that only one kind of request has


@dataclass(frozen=True)
class VipRequests:
    """Requests to a VIP."""

    vip: Address
    port: int
    kind: str
    path: str
    host: str  # the header field of HTTP
    send: bytes | None  # over TCP
    expect: re.Pattern[str] | None
    identify: re.Pattern[str] | None
    status: tuple[int, ...]
    count: int
    parallel: int
    timeout: float  # seconds, for each request
    shares: Mapping[str, float]  # empty: any distribution is right
    tolerance: float

    def __str__(self) -> str:
        return f"{self.kind}://{values.endpoint(self.vip, self.port)}{self.path if self.kind == 'http' else ''}"

    @property
    def reads_answer(self) -> bool:
        """Whether to read an answer: otherwise an accepted connection is one."""
        return self.kind == "http" or any(part is not None for part in (self.send, self.expect, self.identify))


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request."""

    name: str | None  # of the real server that answered; None: the request failed
    problem: str = ""
    example: str = ""  # of a wrong answer
    seconds: float = 0.0


class ProbeFailed(LvsError):
    """At least one answer is missing or wrong; the return values are its facts."""


def parse(options: Options) -> VipRequests:
    """Read the options.

    :raises Invalid: all that is wrong with them
    """
    reader = OptionReader(options)
    for name in ("vip", "port"):
        if options[name] is None:
            reader.faults.add(MissingValue(name, "name the VIP and its port, or use services or through"))
    reader.faults.raise_all()
    vip, port, kind = reader.read(VIP), reader.read(PORT), reader.read(KIND)
    for name, needed in _KIND_OF.items():
        if options[name] is not None and options["kind"] != needed:
            reader.faults.add(InvalidValue(name, repr(options[name]), f"is for kind={needed}: leave it out"))
    path, host, send = reader.read(PATH), reader.read_optional(HOST_HEADER), reader.read_optional(SEND)
    expect, identify = reader.read_optional(EXPECT), reader.read_optional(IDENTIFY)
    status = [reader.faults.read(values.integer, "status", code, 100, 599) for code in options["status"]]
    count, parallel, timeout = reader.read(REQUESTS), reader.read(PARALLEL), reader.read(TIMEOUT)
    shares, tolerance = reader.read_optional(SHARES), reader.read(TOLERANCE)
    reader.faults.raise_all()
    return VipRequests(
        vip=vip.value,
        port=port.value,
        kind=kind.value,
        path=path.value,
        host=host.value or values.endpoint(vip.value, port.value),
        send=send.value,
        expect=expect.value,
        identify=identify.value,
        status=tuple(code.value for code in status),
        count=count.value,
        parallel=parallel.value,
        timeout=timeout.value,
        shares=shares.value or {},
        tolerance=tolerance.value,
    )


def parse_services(options: Options) -> list[VipRequests]:
    """Read the options: the requests to each of O(services).

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    for name in ("vip", "port"):
        if options[name] is not None:
            faults.add(InvalidValue(name, options[name], "stands beside services: give it within one of its rows"))
    faults.raise_all()
    requests = [
        faults.read(parse, {**options, **row}, where=f"services[{index}]") for index, row in enumerate(options["services"])
    ]
    faults.raise_all()
    return [request.value for request in requests]


def evaluate(request: VipRequests, status: int | None, head: str, body: str) -> Outcome:
    """Whether an answer is right, and which real server it is from.

    :param status: of HTTP
    :param head: the header fields of HTTP, a line each
    """
    if status is not None and status not in request.status:
        return Outcome(None, f"status {status}", _abridged(body))
    if request.expect is not None and not request.expect.search(body):
        return Outcome(None, "wrong answer", _abridged(body))
    if request.identify is None:
        return Outcome(body.partition("\n")[0].strip())
    answer = f"{head}\n{body}"
    match = request.identify.search(answer)
    if match is None or match.group(1) is None:
        return Outcome(None, "an answer without the name of a real server (identify)", _abridged(answer))
    return Outcome(match.group(1).strip())


def is_complete(request: VipRequests, received: str) -> bool:
    """Whether the bytes received over TCP so far are a whole answer."""
    expected = [pattern for pattern in (request.expect, request.identify) if pattern is not None]
    return all(pattern.search(received) for pattern in expected) if expected else "\n" in received


def _abridged(answer: str) -> str:
    line = " ".join(answer.split())
    return line if len(line) <= _EXAMPLE else f"{line[:_EXAMPLE]}…"


def percentile(latencies: Sequence[float], percent: int) -> float:
    """By nearest rank: the least of the sorted latencies that at least this percentage of all do not exceed."""
    return latencies[max(1, math.ceil(percent * len(latencies) / 100)) - 1]


def _latency(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """In milliseconds, of the requests that were answered; empty if none was."""
    latencies = sorted(outcome.seconds * 1000 for outcome in outcomes if outcome.name is not None)
    if not latencies:
        return {}
    latency = {
        "min": latencies[0],
        **{f"p{percent}": percentile(latencies, percent) for percent in PERCENTILES},
        "max": latencies[-1],
        "mean": sum(latencies) / len(latencies),
    }
    return {name: round(milliseconds, 3) for name, milliseconds in latency.items()}


def to_result(request: VipRequests, outcomes: Sequence[Outcome], seconds: float) -> Facts:
    """The return values.

    :param seconds: that all requests took together
    :raises ProbeFailed: with the return values, if a request failed or the distribution is wrong
    """
    answers = Counter(outcome.name for outcome in outcomes if outcome.name is not None)
    problems = Counter(outcome.problem for outcome in outcomes if outcome.name is None)
    examples = {outcome.problem: outcome.example for outcome in reversed(outcomes)}
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
    messages = [*_failure_messages(request, len(outcomes), failures), *_share_messages(request, answers)]
    if messages:
        raise ProbeFailed("\n".join(messages), facts)
    return facts


def to_services_result(answered: Iterable[tuple[VipRequests, Sequence[Outcome], float]]) -> Facts:
    """The return values for several services.

    :raises ProbeFailed: with the return values, if one of them fails
    """
    rows, messages = [], []
    for request, outcomes, seconds in answered:
        try:
            facts = to_result(request, outcomes, seconds)
        except ProbeFailed as error:
            facts = error.facts
            messages.append(str(error))
        rows.append({"vip": str(request.vip), "port": request.port, **facts})
    if messages:
        raise ProbeFailed("\n".join(messages), {"services": rows})
    return {"services": rows}


def _failure_messages(request: VipRequests, total: int, failures: Sequence[Facts]) -> list[str]:
    if not failures:
        return []
    problems = []
    for failure in failures:
        example = f", such as '{failure['example']}'" if failure["example"] else ""
        problems.append(f"{failure['problem']} (x{failure['times']}){example}")
    failed = sum(failure["times"] for failure in failures)
    summary = f"{failed} of {total} requests to {request} failed: {'; '.join(problems)}"
    if any(failure["problem"] == REJECTED for failure in failures):
        summary += (
            ": the firewall of the director or of a real server rejects them (lvs_firewall: auto opens firewalld and ufw),"
            " or no host holds the VIP"
        )
    return [f"{summary}: to find the real server, probe all of them from the director with the option through"]


def _share_messages(request: VipRequests, answers: Mapping[str, int]) -> list[str]:
    total = sum(answers.values())
    if not request.shares or not total:
        return []
    messages = [
        f"shares: {name!r} answered {times} of {total} requests and is not among {', '.join(request.shares)}: name it,"
        " take it out of the service, or see that identify finds a name"
        for name, times in sorted(answers.items())
        if name not in request.shares
    ]
    for name, wanted in request.shares.items():
        share = answers.get(name, 0) / total
        if abs(share - wanted) > request.tolerance + _ROUNDING:
            messages.append(
                f"shares: {name} has {share:.3f} of the answers, where {wanted:.3f} is wanted, give or take"
                f" {request.tolerance:g}: see the weights and the scheduler on the director (ipvsadm -Ln), or allow more"
            )
    return messages
