# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of real servers through every kind of tunnel, and what can be wrong there; requests as clients make them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .forwarding import CASES, DIPS, GUE, MAPPED, MAPPED_CASES, PORT, RIPS, TUNNELLED, WEIGHTED, Case, Cluster
from .namespaces import Namespace, Result, web_server

NOTHING_THERE = 82  # a port on which no program listens


def row(case: Case, which: int, **others: Any) -> dict[str, Any]:
    """The first or the second real server of a case."""
    return {
        "name": f"rs{which + 1}",
        "vip": case.vip,
        "port": PORT,
        "rip": case.rips[which],
        **case.destination,
        **others,
    }


EACH = [row(case, which) for case in CASES.values() for which in (0, 1)]


def probe(cluster: Cluster, through: list[dict[str, Any]], **options: Any) -> Result:
    """From the director, which is as it was before."""
    before = cluster.director.snapshot()
    result = cluster.director.module("vip_probe", through=through, **options)
    assert cluster.director.snapshot() == before
    assert [(target["name"], target["rip"], target["vip"], target["port"]) for target in result["real_servers"]] == [
        (target["name"], target["rip"], target["vip"], target["port"]) for target in through
    ]
    return result


def problems(result: Result) -> list[str]:
    """The problem of each row: empty if it was answered, and then there are the seconds until the answer."""
    for target in result["real_servers"]:
        assert target["answered"] == (not target["problem"])
        assert target["seconds"] is not None or not target["answered"]
    return [target["problem"] for target in result["real_servers"]]


def test_every_forwarding_method_is_answered(cluster: Cluster) -> None:
    """And no connection is left half open."""
    mapped = [row(CASES[name], which, port=MAPPED, rport=PORT) for name in MAPPED_CASES for which in (0, 1)]
    echoed = [row(case, 0, protocol="udp") for case in CASES.values()]
    rewritten = [
        {"name": "rs1", "vip": vip, "port": 8099, "rport": PORT, "rip": RIPS[family][0], "forward": "masquerade", **others}
        for family, vip in ((4, CASES["ipip"].vip), (6, CASES["IPv6 in IPv6"].vip))
        for others in ({}, {"protocol": "udp"})
    ]
    result = probe(cluster, [*EACH, *mapped, *echoed, *rewritten]).ok()
    assert set(problems(result)) == {""}
    for real_server in cluster.real_servers:
        assert real_server.sh("ss -Htn state syn-recv") == ""


@contextmanager
def broken(cluster: Cluster) -> Iterator[tuple[Case, Case]]:
    """The guard of rs1 knows another director alone; rs2 has lvsgre down, and one VIP less."""
    rs1, rs2 = cluster.real_servers
    guard: dict[str, Any] = {"gue_ports": [GUE["tunnel_port"]], "purge": True}
    down, bare = CASES["gre, checksum"], CASES["IPv6, route, dummy"]
    rs1.module("tunnel_guard", sources=["192.168.56.180"], **guard).changed()
    rs2.sh(f"ip link set lvsgre down; ip address del {bare.vip}/128 dev dummy0")
    try:
        yield down, bare
    finally:
        rs1.module("tunnel_guard", state="absent").changed()  # with what it counted
        rs1.module("tunnel_guard", sources=DIPS, **guard).changed()
        rs2.sh(f"ip link set lvsgre up; ip address add {bare.vip}/128 dev dummy0 nodad")


def test_real_server_that_answers_only_directly(cluster: Cluster) -> None:
    with broken(cluster) as (down, bare):
        result = probe(cluster, EACH, timeout=1.5)
        message = result.failed()
        problem_of = dict(zip(((target["name"], target["vip"]) for target in EACH), problems(result)))
    silent = {("rs1", case.vip) for case in TUNNELLED} | {
        ("rs2", case.vip) for case in CASES.values() if case.device == down.device or case is bare
    }
    assert {target for target, problem in problem_of.items() if problem} == silent
    assert f"{len(silent)} of {len(EACH)} probes of real servers were not answered:" in message
    for case in CASES.values():
        kind = case.destination.get("tunnel_type", "ipip").upper()
        for which in (0, 1):
            target = (f"rs{which + 1}", case.vip)
            if target in silent:
                rip = f"[{case.rips[which]}]" if case.outer == 6 else case.rips[which]
                through = "direct routing" if case is bare else f"the {kind} tunnel"
                assert problem_of[target].startswith(
                    f"answers directly on {rip}:{PORT}, but not through {through}: see there "
                )
                assert ("that the tunnel's device is up" in problem_of[target]) == (case is not bare)
                assert f"that it holds {case.vip}" in problem_of[target]
                if case is not bare:
                    assert f"that its guard lets {DIPS[case.outer == 6]} in" in problem_of[target]
                assert f"{target[0]} ({case.rips[which]}) for " in message


def test_programs_that_are_down(cluster: Cluster) -> None:
    """A reset comes out of the tunnel; other faults have other messages."""
    case = CASES["gue, checksum"]
    result = probe(
        cluster,
        [
            row(case, 0, port=NOTHING_THERE),
            row(case, 1, port=NOTHING_THERE, rport=NOTHING_THERE + 1),
            row(case, 0),
            row(CASES["ipip"], 0, rip="192.168.56.199"),
            row(CASES["route, lo"], 0, rip="192.168.56.199"),
            row(CASES["route, lo"], 0, rip="10.1.2.3"),
            row(case, 0, port=NOTHING_THERE, protocol="udp"),
            {"name": "rs1", "vip": case.vip, "port": NOTHING_THERE, "rip": RIPS[4][0], "forward": "masquerade"},
        ],
        timeout=1,
    )
    result.failed()
    start = "start its program, or correct the port"
    listens = f"the VIP is there, behind the GUE tunnel, but nothing listens on {case.vip}:82: {start}"
    problem = problems(result)
    assert problem[0] == f"{listens} (82), let it listen on every address"
    assert problem[1] == f"{listens} (83), let it listen on every address, and see that port 82 is mapped to 83 there"
    assert (problem[2], problem[6]) == ("", "")
    assert problem[3].startswith("answers neither through the IPIP tunnel nor directly: see that it is up")
    assert problem[4].startswith("is no neighbour of this host: direct routing needs 192.168.56.199 to answer ARP")
    assert problem[5].startswith("10.1.2.3 has no route from this host (Network is unreachable)")
    assert problem[7] == f"nothing listens on {RIPS[4][0]}:82: {start} (82)"


def test_drained_real_servers_are_skipped(cluster: Cluster) -> None:
    case = CASES["ipip"]
    rows = [row(case, 0, rip="192.168.56.199"), row(case, 1)]
    weight: dict[str, Any] = {"vip": case.vip, "port": PORT, "rip": case.rips[1]}
    cluster.director.module("ipvs_dest", weight=0, **weight).changed()
    try:
        result = cluster.director.module("vip_probe", through=rows, drained="skip").ok()
        assert (result["real_servers"], [target["rip"] for target in result["left_out"]]) == (
            [],
            [target["rip"] for target in rows],
        )
    finally:
        cluster.director.module("ipvs_dest", weight=1, **weight).changed()
    result = cluster.director.module("vip_probe", through=rows, drained="skip").ok()
    assert [target["rip"] for target in result["real_servers"]] == [case.rips[1]]


TCP: dict[str, Any] = {"kind": "tcp", "identify": r"^(\w+) \d+$"}


@pytest.mark.parametrize("name", ["ipip", "IPv6 in IPv6"])
def test_answers_by_real_server(cluster: Cluster, name: str) -> None:
    client, vip = cluster.client, CASES[name].vip
    ask: dict[str, Any] = {**TCP, "vip": vip, "port": WEIGHTED, "requests": 9, "tolerance": 0}
    result = client.module("vip_probe", **ask, shares={"rs1": 2, "rs2": 1}).ok()
    assert (result["answers"], result["failures"], result["requests"]) == ({"rs1": 6, "rs2": 3}, [], 9)
    latency = [result["latency"][key] for key in ("min", "p50", "p90", "p99", "max")]
    assert 0 < latency[0] <= latency[-1] < result["seconds"] * 1000
    assert latency == sorted(latency)

    off = client.module("vip_probe", **ask, parallel=3, shares={"rs1": 1, "rs3": 1})
    assert "shares: 'rs2' answered 3 of 9 requests and is not among rs1, rs3" in off.failed()
    assert "shares: rs1 has 0.667 of the answers, where 0.500 is wanted, give or take 0" in off.failed()
    assert off["answers"] == {"rs1": 6, "rs2": 3}


def test_dead_real_server(cluster: Cluster) -> None:
    case, rs2 = CASES["ipip"], cluster.real_servers[1]
    ask: dict[str, Any] = {**TCP, "vip": case.vip, "port": PORT, "requests": 4, "timeout": 0.7}
    cluster.client.module("vip_probe", **ask, expect="^rs[12] 80$").ok()
    rs2.sh("ip link set tunl0 down")
    try:
        result = cluster.client.module("vip_probe", **ask, parallel=4)
    finally:
        rs2.sh("ip link set tunl0 up")
    assert f"2 of 4 requests to tcp://{case.vip}:80 failed: timed out (x2)" in result.failed()
    assert (result["answers"], result["failures"]) == ({"rs1": 2}, [{"problem": "timed out", "times": 2, "example": ""}])


def test_over_http(new_namespace: Callable[[], Namespace]) -> None:
    host = new_namespace()
    host.sh("ip address add 192.0.2.1/32 dev lo")
    ask: dict[str, Any] = {"vip": "192.0.2.1", "port": 80, "path": "/name", "requests": 3}
    with web_server(host, "rs1"):
        assert host.module("vip_probe", **ask, check_mode=True).ok()["answers"] == {"rs1": 3}
        by_header = host.module("vip_probe", **ask, identify=r"(?i)^server: (\w+)").ok()
        assert by_header["answers"] == {"SimpleHTTP": 3}
        wrong = host.module("vip_probe", **ask, expect="^rs2$")
        assert wrong["failures"] == [{"problem": "wrong answer", "times": 3, "example": "rs1"}]
        assert "3 of 3 requests to http://192.0.2.1:80/name failed: wrong answer (x3), such as 'rs1'" in wrong.failed()
        missing: dict[str, Any] = {**ask, "path": "/none"}
        assert "status 404 (x3)" in host.module("vip_probe", **missing).failed()
        host.module("vip_probe", **missing, status=[200, 404]).ok()
        services = [{"vip": "192.0.2.1", "port": 80}, {"vip": "192.0.2.1", "port": NOTHING_THERE}]
        several = host.module("vip_probe", services=services, kind="tcp", requests=2)
        assert several.failed().startswith("2 of 2 requests to tcp://192.0.2.1:82 failed: refused (x2)")
        assert [row["answers"] for row in several["services"]] == [{"unknown": 2}, {}]
        assert host.module("vip_probe", services=services[:1], path="/name").ok()["services"][0]["answers"] == {"rs1": 10}
    refused = host.module("vip_probe", **ask)
    assert (refused["answers"], refused["latency"]) == ({}, {})
    assert "refused (x3)" in refused.failed()


# A firewall that lets the port in that clients use, and not the one that it is mapped to; and how it is removed.
_NFT = f"""
nft add table inet fw; nft add chain inet fw input '{{ type filter hook input priority 0; }}'
nft add rule inet fw input tcp dport {MAPPED} accept; nft add rule inet fw input tcp dport {PORT} drop
"""
_IPTABLES = f"""
iptables-nft -A INPUT -p tcp --dport {MAPPED} -j ACCEPT; iptables-nft -A INPUT -p tcp --dport {PORT} -j DROP
"""
FIREWALLS = {"nft": (_NFT, "nft delete table inet fw"), "iptables-nft": (_IPTABLES, "nft delete table ip filter")}


@pytest.mark.parametrize(
    ("firewall", "name"), [("nft", "ipip"), ("nft", "IPv6 in IPv6"), ("nft", "IPv6, route, lo"), ("iptables-nft", "ipip")]
)
def test_filter_on_a_mapped_port_is_suspected(cluster: Cluster, firewall: str, name: str) -> None:
    if shutil.which(firewall) is None:
        pytest.skip(f"no {firewall} on this machine")
    rows = [row(CASES[name], which, port=MAPPED, rport=PORT) for which in (0, 1)]
    load, unload = FIREWALLS[firewall]
    probe(cluster, rows).ok()
    cluster.real_servers[0].sh(load)
    try:
        result = probe(cluster, rows, timeout=1)
    finally:
        cluster.real_servers[0].sh(unload)
    message, (filtered, answered) = result.failed(), problems(result)
    assert filtered in message
    assert f"port {PORT}" in filtered
    assert "filter" in filtered.replace("rp_filter", "")
    assert answered == ""
    probe(cluster, rows).ok()
