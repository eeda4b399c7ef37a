# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real servers are asked through their tunnels, and what is said of what came back."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe.tunnel_probe import (
    ECHO,
    OPEN,
    REFUSED,
    SILENT,
    Found,
    Plan,
    verdict,
    wanted_through,
)
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_requests import ProbeFailed

from ....helpers import all_refused

DIP = IPv4Address("192.168.56.181")
ROW: dict[str, Any] = {
    "name": "rs1", "vip": "192.168.56.186", "port": 8099, "protocol": "tcp", "rip": "192.168.56.183", "rport": None,
    "forward": "tunnel", "tunnel_type": None, "tunnel_port": None, "tunnel_checksum": None,
}  # fmt: skip


def plan(*rows: dict[str, Any], **given: Any) -> Plan:
    options = {"vip": None, "port": None, "timeout": 5.0, "drained": "probe", **given}
    return wanted_through({**options, "through": [{**ROW, **row} for row in rows]})


def test_all_bad_rows_are_named_at_once() -> None:
    with all_refused(
        "vip: 192.168.56.1 stands beside through",
        "through[0] (rs1), tunnel_port: is missing:",
        "through[1] (192.168.56.300), rip: '192.168.56.300' is not an IP address",
        "through[2] (rs1), rport: 0 is not in 1..65535",
        "timeout: 61 is not in 0.1..60 seconds",
    ):
        plan({"tunnel_type": "gue"}, {"name": None, "rip": "192.168.56.300"}, {"rport": 0}, vip="192.168.56.1", timeout=61)


def test_a_mapped_port_is_the_real_servers_alone() -> None:
    """IPVS rewrites a port with masquerade, and with nothing else."""
    mapped, rewritten = plan({"rport": 80}, {"rport": 80, "forward": "masquerade"}).real_servers
    assert (mapped.port, mapped.rport, mapped.destination.key.port) == (8099, 80, 8099)
    assert (rewritten.port, rewritten.rport, rewritten.destination.key.port) == (8099, 80, 80)


def test_who_is_not_asked() -> None:
    """Who is the director itself; and, if so asked for, who gets nothing from it."""
    rows = [{"rip": f"192.168.56.{number}"} for number in (1, 2, 3)] + [{"rip": "192.168.56.4", "forward": "local"}]
    first, drained, unknown, local = plan(*rows).real_servers
    table = {first.destination.key: first.destination, drained.destination.key: replace(drained.destination, weight=0)}
    assert plan(*rows).split(table) == ([first, drained, unknown], [local])
    assert plan(*rows, drained="skip").split(table) == ([first], [drained, unknown, local])


def check(row: dict[str, Any], found: Found, said: str) -> None:
    """It is said in the message and in the facts, or all is well."""
    (one,) = plan(row).real_servers
    facts = {"name": "rs1", "rip": "192.168.56.183", "vip": "192.168.56.186", "port": one.port, "seconds": found.seconds}
    if not said:
        assert verdict([(one, found)], []) == {"real_servers": [{**facts, "answered": True, "problem": ""}], "skipped": []}
        return
    with pytest.raises(ProbeFailed) as caught:
        verdict([(one, found)], [])
    (row,) = caught.value.facts["real_servers"]
    assert said in row["problem"]
    assert row == {**facts, "answered": False, "problem": row["problem"]}
    head = "1 of 1 probes of real servers were not answered:"
    assert str(caught.value) == f"{head}\nrs1 (192.168.56.183) for 192.168.56.186:{one.port}: {row['problem']}"


@pytest.mark.parametrize(
    ("row", "came", "directly", "says"),
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
        ({}, SILENT, OPEN, "that its guard lets 192.168.56.181 in"),
        ({"forward": "route"}, SILENT, OPEN, "not through direct routing: see there that it holds 192.168.56.186, and"),
        ({}, SILENT, REFUSED, "does not answer through the IPIP tunnel, and directly nothing listens on 192.168.56.183:8099"),
        ({"protocol": "udp"}, SILENT, ECHO, "answers echo requests directly, but not through the IPIP tunnel"),
        ({}, SILENT, SILENT, "answers neither through the IPIP tunnel nor directly"),
    ],
)
def test_what_is_said(row: dict[str, Any], came: str, directly: str, says: str) -> None:
    check(row, Found(came=came, directly=directly, source=DIP, seconds=0.001 if came != SILENT else None), says)


def test_what_could_not_be_asked() -> None:
    check({}, Found(problem="has no route"), "has no route")
