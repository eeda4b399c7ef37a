# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real servers are probed through their tunnels, and what the findings mean."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe.tunnel_probe import (
    ECHO,
    OPEN,
    REFUSED,
    SERVICE,
    SILENT,
    TUNNEL,
    ProbeFinding,
    ProbeRequest,
    parse,
    to_result,
)
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_requests import ProbeFailed

from ....helpers import all_refused, refused

DIP = IPv4Address("192.168.56.181")
ROW: dict[str, Any] = {
    "name": "rs1", "vip": "192.168.56.186", "port": 8099, "protocol": "tcp", "rip": "192.168.56.183", "rport": None,
    "forward": "tunnel", "tunnel_type": None, "tunnel_port": None, "tunnel_checksum": None,
}  # fmt: skip


def request(*rows: dict[str, Any], **given: Any) -> ProbeRequest:
    options = {"vip": None, "port": None, "services": None, "timeout": 5.0, "drained": "probe", **given}
    return parse({**options, "through": [{**ROW, **row} for row in rows]})


def test_all_bad_rows_are_named_at_once() -> None:
    with all_refused(
        "vip: 192.168.56.1 stands beside through",
        "through[0] (rs1), tunnel_port: is missing:",
        "through[1] (192.168.56.300), rip: '192.168.56.300' is not an IP address",
        "through[2] (rs1), rport: 0 is not in 1..65535",
        "timeout: 61 is not in 0.1..60 seconds",
    ):
        request({"tunnel_type": "gue"}, {"name": None, "rip": "192.168.56.300"}, {"rport": 0}, vip="192.168.56.1", timeout=61)


def test_a_mapped_port_is_the_real_servers_alone() -> None:
    """IPVS rewrites a port with masquerade, and with nothing else."""
    mapped, rewritten = request({"rport": 80}, {"rport": 80, "forward": "masquerade"}).targets
    assert (mapped.port, mapped.rport, mapped.destination.key.port) == (8099, 80, 8099)
    assert (rewritten.port, rewritten.rport, rewritten.destination.key.port) == (8099, 80, 80)
    assert (mapped.is_mapped, rewritten.is_mapped) == (True, False)


def test_skipped_targets() -> None:
    """The director itself; and, with drained=skip, real servers that it sends nothing to."""
    rows = [{"rip": f"192.168.56.{number}"} for number in (1, 2, 3)] + [{"rip": "192.168.56.4", "forward": "local"}]
    first, drained, unknown, local = request(*rows).targets
    table = {first.destination.key: first.destination, drained.destination.key: replace(drained.destination, weight=0)}
    assert request(*rows).split(table) == ([first, drained, unknown], [local])
    assert request(*rows).split(table, {first.rip}) == ([drained, unknown], [first, local])
    assert request(*rows, drained="skip").split(table) == ([first], [drained, unknown, local])


def test_target_on_a_port_of_its_own() -> None:
    """Another program has given it one: it is the only one of its RIP in the service."""
    (target,) = request({"rip": "192.168.56.1"}, drained="skip").targets
    elsewhere = [target.destination.key._replace(port=port) for port in (81, 82)]
    existing = {key: replace(target.destination, key=key, weight=5) for key in elsewhere}
    only = {elsewhere[0]: existing[elsewhere[0]]}
    asked = request({"rip": "192.168.56.1"}, drained="skip")
    assert asked.split(only) == ([target], [])
    assert asked.split(existing) == ([], [target])
    masqueraded = {key: replace(destination, forward="masquerade") for key, destination in only.items()}
    assert asked.split(masqueraded) == ([], [target])


FILTERED = "; port 80, to which port 8099 is mapped, may be filtered on the real server: its firewall must let tcp port 80 in"


def check(row: dict[str, Any], finding: ProbeFinding, problem: str) -> None:
    """The problem is in the message and in the return values, or there is none."""
    (target,) = request(row).targets
    facts = {"name": "rs1", "rip": "192.168.56.183", "vip": "192.168.56.186", "port": target.port, "seconds": finding.seconds}
    if not problem:
        assert to_result([(target, finding)], []) == {
            "real_servers": [{**facts, "answered": True, "problem": ""}],
            "left_out": [],
        }
        return
    with pytest.raises(ProbeFailed) as caught:
        to_result([(target, finding)], [])
    (row,) = caught.value.facts["real_servers"]
    assert problem in row["problem"]
    assert row == {**facts, "answered": False, "problem": row["problem"]}
    head = "1 of 1 probes of real servers were not answered:"
    assert str(caught.value) == f"{head}\nrs1 (192.168.56.183) for 192.168.56.186:{target.port}: {row['problem']}"


@pytest.mark.parametrize(
    ("row", "answer", "direct_answer", "problem"),
    [
        ({}, OPEN, SILENT, ""),
        ({"protocol": "udp"}, ECHO, SILENT, ""),
        ({"port": 0}, ECHO, SILENT, ""),
        ({"forward": "masquerade"}, OPEN, SILENT, ""),
        # The host is there, its program may not be.
        ({"forward": "masquerade"}, ECHO, SILENT, "no connection to 192.168.56.183:8099 got an answer"),
        ({"forward": "masquerade", "rport": 80}, REFUSED, SILENT, "nothing listens on 192.168.56.183:80: start its program"),
        ({"forward": "masquerade", "protocol": "udp"}, SILENT, SILENT, "no echo request got an answer"),
        ({}, REFUSED, SILENT, "the VIP is there, behind the IPIP tunnel, but nothing listens on 192.168.56.186:8099: start"),
        ({"rport": 80}, REFUSED, SILENT, "and see that port 8099 is mapped to 80 there"),
        ({"tunnel_type": "gre"}, SILENT, OPEN, "answers directly on 192.168.56.183:8099, but not through the GRE tunnel:"),
        ({"rport": 80}, SILENT, OPEN, "answers directly on 192.168.56.183:80, but not through the IPIP tunnel"),
        ({"rport": 80}, SILENT, OPEN, FILTERED),
        ({"rport": 80}, SILENT, REFUSED, FILTERED),  # as nft's reject does
        ({"rport": 80}, SILENT, ECHO, FILTERED),
        ({"rport": 80}, SILENT, SILENT, FILTERED),
        ({"rport": 80, "forward": "route"}, SILENT, OPEN, FILTERED),
        ({}, SILENT, OPEN, "that its guard lets 192.168.56.181 in"),
        ({"forward": "route"}, SILENT, OPEN, "not through direct routing: see there that it holds 192.168.56.186, that its"),
        ({}, SILENT, OPEN, "that its firewall lets that in (lvs_firewall)"),
        ({}, SILENT, REFUSED, "does not answer through the IPIP tunnel, and directly nothing listens on 192.168.56.183:8099"),
        ({"protocol": "udp"}, SILENT, ECHO, "answers echo requests directly, but not through the IPIP tunnel"),
        ({}, SILENT, SILENT, "answers neither through the IPIP tunnel nor directly"),
    ],
)
def test_problems(row: dict[str, Any], answer: str, direct_answer: str, problem: str) -> None:
    seconds = 0.001 if answer != SILENT else None
    check(row, ProbeFinding(answer=answer, direct_answer=direct_answer, source=DIP, seconds=seconds), problem)


@pytest.mark.parametrize(
    ("row", "rejected", "by", "problem"),
    [
        (
            {},
            TUNNEL,
            "192.168.56.183",
            "its firewall rejects the IPIP tunnel: let that in from 192.168.56.181 (",
        ),
        (
            {},
            SERVICE,
            "192.168.56.186",
            "its firewall rejects tcp port 8099 of 192.168.56.186: let that in (lvs_fi",
        ),
        ({"rport": 80}, SERVICE, "192.168.56.186", "its firewall rejects tcp port 80 of"),
        ({"protocol": "udp"}, SERVICE, "192.168.56.186", "its firewall rejects echo requests of"),
        ({"forward": "route"}, SERVICE, "192.0.2.1", "the firewall of 192.0.2.1 rejects tcp port 8099 of"),
    ],
)
def test_firewall(row: dict[str, Any], rejected: str, by: str, problem: str) -> None:
    """It says so itself."""
    check(row, ProbeFinding(rejected=rejected, rejected_by=ip_address(by), source=DIP), problem)


def test_probe_that_could_not_be_sent() -> None:
    check({}, ProbeFinding(problem="has no route"), "has no route")


@pytest.mark.parametrize(
    ("row", "answer", "direct_answer"),
    [
        ({}, SILENT, OPEN),  # the port is not mapped
        ({"rport": 80}, REFUSED, SILENT),  # the SYN went past the firewall
        ({"rport": 80, "protocol": "udp"}, SILENT, SILENT),  # an echo request goes to no port
        ({"rport": 80, "forward": "masquerade"}, SILENT, SILENT),  # IPVS itself rewrites the port
    ],
)
def test_filtered_port_is_no_likely_cause(row: dict[str, Any], answer: str, direct_answer: str) -> None:
    (target,) = request(row).targets
    with pytest.raises(ProbeFailed) as caught:
        to_result([(target, ProbeFinding(answer=answer, direct_answer=direct_answer, source=DIP))], [])
    assert "filter" not in str(caught.value).replace("rp_filter", "")


def test_too_many_rows() -> None:
    assert len(request(*[{}] * 4096).targets) == 4096
    with refused("through", "4097 rows are more than 4096"):
        request(*[{}] * 4097)
