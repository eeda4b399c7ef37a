# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of requests to a VIP, which answers are right, and the result of all requests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_requests import (
    REJECTED,
    Outcome,
    ProbeFailed,
    VipRequests,
    evaluate,
    is_complete,
    parse,
    parse_services,
    percentile,
    to_result,
    to_services_result,
)

from ....helpers import all_refused, refused

OPTIONS: dict[str, Any] = {
    "vip": "192.0.2.1", "port": 80, "kind": "http", "path": "/", "host_header": None, "send": None, "expect": None,
    "identify": None, "status": [200], "requests": 10, "parallel": 1, "timeout": 5.0, "shares": None, "tolerance": 0.1,
}  # fmt: skip


def requests(**given: Any) -> VipRequests:
    return parse({**OPTIONS, **given})


def test_host_is_the_vip_itself() -> None:
    assert (requests().host, str(requests(path="/x"))) == ("192.0.2.1:80", "http://192.0.2.1:80/x")
    assert requests(vip="2001:db8::1").host == "[2001:db8::1]:80"
    assert requests(host_header="www.example.com").host == "www.example.com"


def test_all_bad_options_are_named_at_once() -> None:
    with all_refused("vip: is missing: name the VIP and its port, or use services or through", "port: is missing:"):
        requests(vip=None, port=None)
    with all_refused(
        "vip: '192.0.2' is not an IP address",
        "port: 0 is not in 1..65535",
        "send: 'x' is for kind=tcp",
        "path: 'a b' cannot be: it begins with /",
        "expect: '(' is not a regular expression of Python",
        "identify: 'rs' has to have one group",
        "status: 600 is not in 100..599",
        "requests: 0 is not in 1..100000",
        "parallel: 201 is not in 1..200",
        "timeout: nan is not in 0.1..60 seconds",
        "shares: 'two' is not a number",
        "tolerance: 1.5 is not in 0..1",
    ):
        requests(
            vip="192.0.2", port=0, send="x", path="a b", expect="(", identify="rs", status=[600], requests=0, parallel=201,
            timeout=float("nan"), shares={"rs1": "two"}, tolerance=1.5,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("option", "given", "says"),
    [
        ("shares", {"shares": {"rs1": 0}}, "add up to nothing"),
        ("host_header", {"host_header": "x", "kind": "tcp"}, "is for kind=http"),
        ("host_header", {"host_header": "x\r\nEvil: y"}, "has no spaces"),
    ],
)
def test_bad_options(option: str, given: dict[str, Any], says: str) -> None:
    with refused(option, says):
        requests(**given)


@pytest.mark.parametrize(
    ("given", "status", "body", "name", "problem"),
    [
        ({}, 200, " rs1 \nmore", "rs1", ""),
        ({}, 200, "", "", ""),
        ({}, 503, "sorry", None, "status 503"),
        ({"status": [503]}, 503, "rs1", "rs1", ""),
        ({"expect": "^ok$"}, 200, "rs1\nok\n", "rs1", ""),
        ({"expect": "^ok$"}, 200, "not ok", None, "wrong answer"),
        ({"expect": "^X-Name"}, 200, "rs1", None, "wrong answer"),  # of the body alone
        ({"identify": r"^X-Name: (\w+)"}, 200, "anything", "rs9", ""),
        ({"identify": r"^I am (\w+)"}, 200, "x\nI am rs2", "rs2", ""),
        ({"identify": r"^I am (\w+)"}, 200, "x", None, "an answer without the name of a real server (identify)"),
        ({"identify": r"x(y)?"}, 200, "x", None, "an answer without the name of a real server (identify)"),
    ],
)
def test_answers(given: dict[str, Any], status: int, body: str, name: str | None, problem: str) -> None:
    outcome = evaluate(requests(**given), status, "X-Name: rs9\n", body)
    assert (outcome.name, outcome.problem) == (name, problem)


def test_when_an_answer_over_tcp_is_whole() -> None:
    line = requests(kind="tcp", send="?")
    assert (is_complete(line, "220 rs1"), is_complete(line, "220 rs1\n")) == (False, True)
    both = requests(kind="tcp", expect="^220 ", identify=r"(rs\d)")
    assert [is_complete(both, received) for received in ("220 \n", "rs1\n", "220 rs1")] == [False, False, True]
    assert [requests(kind="tcp", **given).reads_answer for given in ({}, {"send": "?"}, {"expect": "x"})] == [
        False,
        True,
        True,
    ]


@given(st.lists(st.integers(0, 1000), min_size=1), st.sampled_from([1, 50, 90, 99, 100]))
def test_percentile_by_nearest_rank(values: list[int], percent: int) -> None:
    """The least of the values that so many percent do not exceed."""
    ordered = sorted(values)
    result = percentile(ordered, percent)
    assert result in values
    assert 100 * sum(value <= result for value in values) >= percent * len(values)
    assert 100 * sum(value < result for value in values) < percent * len(values)


def test_latency() -> None:
    outcomes = [Outcome("rs1", seconds=number / 1000) for number in range(100, 0, -1)]
    outcomes.append(Outcome(None, "timed out", seconds=5.0))
    with pytest.raises(ProbeFailed) as caught:
        to_result(requests(), outcomes, 6.0)
    assert caught.value.facts["latency"] == {"min": 1.0, "p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0, "mean": 50.5}


def test_firewall_is_named() -> None:
    """Where a client is told that there is no way to the VIP."""
    with pytest.raises(ProbeFailed, match=r"firewall of the director or of a real server rejects them .*lvs_firewall"):
        to_result(requests(), [Outcome(None, REJECTED)], 1.0)
    with pytest.raises(ProbeFailed) as caught:
        to_result(requests(), [Outcome(None, "refused")], 1.0)
    assert "firewall" not in str(caught.value)


def test_failures() -> None:
    wrong = [Outcome(None, "wrong answer", example) for example in ("first", "second")]
    outcomes = [Outcome("rs1"), *wrong, Outcome(None, "refused")]
    with pytest.raises(ProbeFailed) as caught:
        to_result(requests(), outcomes, 1.0)
    summary = "3 of 4 requests to http://192.0.2.1:80/ failed: wrong answer (x2), such as 'first'; refused (x1): "
    assert str(caught.value).startswith(summary)
    assert caught.value.facts == {
        "answers": {"rs1": 1},
        "failures": [
            {"problem": "wrong answer", "times": 2, "example": "first"},
            {"problem": "refused", "times": 1, "example": ""},
        ],
        "latency": dict.fromkeys(("min", "p50", "p90", "p99", "max", "mean"), 0.0),
        "requests": 4,
        "seconds": 1.0,
    }


BOTH = {"rs1": 1, "rs2": 1}


def answered(**times: int) -> list[Outcome]:
    return [Outcome(name) for name, several in times.items() for number in range(several)]


@pytest.mark.parametrize(
    ("shares", "tolerance", "answers", "says"),
    [
        ({"rs1": 2, "rs2": 1}, 0, {"rs1": 6, "rs2": 3}, None),
        (BOTH, 0.1, {"rs1": 6, "rs2": 4}, None),
        ({"rs1": "1", "rs2": 1, "rs3": 0}, 0, {"rs1": 1, "rs2": 1}, None),
        (None, 0, {"anybody": 1}, None),
        (BOTH, 0.09, {"rs1": 6, "rs2": 4}, "rs1 has 0.600 of the answers, where 0.500 is wanted, give or take 0.09: see"),
        (BOTH, 0.4, {"rs1": 6}, "rs2 has 0.000 of the answers, where 0.500 is wanted"),
        ({"rs1": 1}, 0.5, {"rs1": 9, "rs2": 1}, "'rs2' answered 1 of 10 requests and is not among rs1"),
    ],
)
def test_shares(shares: dict[str, Any] | None, tolerance: float, answers: dict[str, int], says: str | None) -> None:
    request = requests(shares=shares, tolerance=tolerance)
    if says is None:
        assert to_result(request, answered(**answers), 1.0)["answers"] == answers
    else:
        with pytest.raises(ProbeFailed) as caught:
            to_result(request, answered(**answers), 1.0)
        assert f"shares: {says}" in str(caught.value)
        assert caught.value.facts["answers"] == answers


def services(*rows: dict[str, Any], **given: Any) -> list[VipRequests]:
    return parse_services({**OPTIONS, "vip": None, "port": None, "services": list(rows), **given})


def test_requests_to_several_services() -> None:
    """Each with its VIP and port, and the other options."""
    asked = services({"vip": "192.0.2.1", "port": 80}, {"vip": "2001:db8::1", "port": 443}, kind="tcp", requests=3)
    assert [str(request) for request in asked] == ["tcp://192.0.2.1:80", "tcp://[2001:db8::1]:443"]
    assert [request.count for request in asked] == [3, 3]


def test_bad_services() -> None:
    """All of them, each with its place."""
    with all_refused("services[0], vip: '192.0.2' is not an IP address", "services[1], port: 0 is not in 1..65535"):
        services({"vip": "192.0.2", "port": 80}, {"vip": "192.0.2.1", "port": 0})
    with refused("vip", "stands beside services"):
        services({"vip": "192.0.2.1", "port": 80}, vip="192.0.2.1")


def test_result_of_several_services() -> None:
    """All of them, even if one fails."""
    good, bad = services({"vip": "192.0.2.1", "port": 80}, {"vip": "192.0.2.2", "port": 80}, requests=1)
    answer, refusal = Outcome("rs1"), Outcome(None, "refused")
    rows = to_services_result([(good, [answer], 0.1)])["services"]
    assert [(row["vip"], row["port"], row["answers"]) for row in rows] == [("192.0.2.1", 80, {"rs1": 1})]
    with pytest.raises(ProbeFailed, match="failed: refused") as caught:
        to_services_result([(good, [answer], 0.1), (bad, [refusal], 0.1)])
    assert [row["answers"] for row in caught.value.facts["services"]] == [{"rs1": 1}, {}]
