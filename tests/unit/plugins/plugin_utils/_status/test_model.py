# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster stands: from what each host told to what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status, as_typed, lines, plain, short, status

RS1, RS2 = "10.0.0.1", "10.0.0.2"
WEB = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "scheduler": "wrr"}
SET = "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 1"


def counted(*rates: int) -> dict[str, int]:
    """Statistics with these rates."""
    names = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
    return {f"{name}_per_second": rate for name, rate in zip(names, rates)}


def destination(rip: str, weight: int = 1, active: int = 0, inactive: int = 0, **others: Any) -> dict[str, Any]:
    """A destination, as ipvs_info returns it."""
    return {
        "rip": rip, "rport": 80, "forward": "tunnel", "weight": weight, "tunnel_type": "ipip",
        "connections": {"active": active, "inactive": inactive, "persistent": 0},
        "statistics": counted(1, 20, 300, 4000, 50000),
        **others,
    }  # fmt: skip


def service(*destinations: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A service, as ipvs_info returns it."""
    return {**WEB, "persistence_timeout": 0, "statistics": counted(2, 3, 4, 5, 6), "destinations": destinations, **others}


def info(*services: dict[str, Any], **others: Any) -> dict[str, Any]:
    """What ipvs_info returns."""
    return {
        "kernel": "6.12", "version": "1.2.1", "connection_table_size": 4096, "sync_daemons": [],
        "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}, "services": services, **others,
    }  # fmt: skip


def seen(found: dict[str, Any], *results: dict[str, Any], rs1: Any = (), services: Any = None) -> Status:
    """A director that told this, and a real server with these results."""
    described = [{**WEB, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": 1}]}] if services is None else services
    return status(
        directors=[{"name": "ds1", "info": found, "results": results}],
        real_servers=[{"name": "rs1", "results": rs1}],
        services=described,
        names=["web"],
        hosts={RS1: "rs1"},
        generated="now",
    )


def test_service_as_described() -> None:
    """Names of the inventory, counters of the kernel."""
    found = seen(info(service(destination(RS1, 2, 3, 4, tunnel_type="gue"), persistence_timeout=300)))
    (web,) = found.services
    assert (web.name, web.address, web.settings) == ("web", "TCP 192.0.2.1:80", "wrr, persistent 300 s")
    assert (web.active, web.inactive, web.notes) == (3, 4, [])
    (one,) = web.real_servers
    assert (one.name, one.endpoint, one.forward, one.weight) == ("rs1", "10.0.0.1:80", "tunnel gue", 2)
    assert (one.active, one.inactive, one.notes, one.share) == (3, 4, [], 1.0)
    assert list(one.rates.values()) == [1, 20, 300, 4000, 50000]
    assert (found.total("bytes_in"), found.state, found.verdict) == (5, "same", "Nothing differs from the inventory")


@pytest.mark.parametrize(
    ("rows", "shares"),
    [
        ([destination(RS1, 1, 1, 2), destination(RS2, 1, 0, 1)], [0.75, 0.25]),
        ([destination(RS1, 1), destination(RS2, 3)], [0.25, 0.75]),
        ([destination(RS1, 0), destination(RS2, 0)], [0.0, 0.0]),
        ([destination(RS1, 0, 4), destination(RS2, 1)], [1.0, 0.0]),
    ],
)
def test_share(rows: list[dict[str, Any]], shares: list[float]) -> None:
    """Of the connections; of the weights where there are none."""
    assert [one.share for one in seen(info(service(*rows))).services[0].real_servers] == shares


def test_what_only_one_side_has() -> None:
    """In the inventory's order; what shall be gone is left out where it is; then what the inventory does not have."""
    other = {"vip": "192.0.2.9", "port": 53, "protocol": "udp"}
    described = [
        {**WEB, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": 7}, {"rip": "10.0.0.3", "state": "absent"}]},
        {**WEB, "port": 443, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": "5"}]},
        {**other, "state": "absent"},
    ]
    found = status(
        directors=[
            {"name": "ds1", "info": info(service(fwmark=7, vip=None, port=None), service(destination(RS2))), "results": []}
        ],
        real_servers=[],
        services=described,
        names=["web", "tls", "dns"],
        hosts={RS1: "rs1"},
        generated="now",
    )
    assert [(one.title, one.notes) for one in found.services] == [
        ("web", []),
        ("tls", ["missing"]),
        ("FWM 7", ["not in the inventory"]),
    ]
    web, tls, _mark = found.services
    assert [(one.name, one.weight, one.notes, one.share) for one in web.real_servers] == [
        ("rs1", 7, ["missing"], 0.0),
        (RS2, 1, [], 1.0),
    ]
    assert [(one.name, one.weight, one.notes) for one in tls.real_servers] == [("rs1", 5, ["missing"])]
    assert found.names == ["rs1", RS2]


@pytest.mark.parametrize(
    ("fields", "notes"),
    [
        ({"weight": 0}, ["no new connections"]),
        ({"weight": 0, "drained": 3}, ["drained (was 3)"]),
        ({"weight": 0, "drained": None}, ["no new connections"]),
        ({"weight": 2, "drained": None}, []),
    ],
)
def test_real_server_without_new_connections(fields: dict[str, Any], notes: list[str]) -> None:
    """A drained one says what it had before."""
    assert seen(info(service(destination(RS1, **fields)))).services[0].real_servers[0].notes == notes


def test_differences() -> None:
    """Each command is at its host, its service and its real server, once, as one would type it."""
    found = seen(
        info(service(destination(RS1), destination(RS2, 3)), service(destination(RS1), port=8080)),
        {"commands": [SET]},
        {"commands": [SET]},
        {"skipped": True},
        rs1=[
            {"results": [{"commands": ["net.ipv4.conf.tunl0.arp_ignore = 1"]}, {"commands": []}]},
            {"commands": ["add element x"]},
        ],
    )
    assert [host.commands for host in found.hosts] == [
        [f"ipvsadm {SET}"],
        ["net.ipv4.conf.tunl0.arp_ignore = 1", "nft add element x"],
    ]
    assert [one.commands for one in found.services] == [[f"ipvsadm {SET}"], []]
    assert [one.differs for one in found.services[0].real_servers] == [False, True]
    assert (found.state, found.verdict) == ("differs", "2 hosts differ from the inventory")


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("-A -t 192.0.2.1:80", "ipvsadm -A -t 192.0.2.1:80"),
        ("delete element inet lvs_cluster x { 1 }", "nft delete element inet lvs_cluster x { 1 }"),
        ("ip address add 192.0.2.1/32 dev tunl0", "ip address add 192.0.2.1/32 dev tunl0"),
        ("net.ipv4.vs.conntrack = 1", "net.ipv4.vs.conntrack = 1"),
    ],
)
def test_commands_name_their_program(command: str, typed: str) -> None:
    """Where the module's own lines leave it out."""
    assert as_typed(command) == typed


LOST = {"unreachable": True, "msg": "no\nroute"}


@pytest.mark.parametrize(
    ("director", "rs1", "states", "verdict"),
    [
        (info(), [LOST], ["same", "unreachable"], "1 host cannot be reached; nothing differs on the others"),
        (LOST, [LOST], ["unreachable", "unreachable"], "2 hosts cannot be reached; nothing differs on the others"),
        (
            {"failed": True, "msg": "no ip_vs"},
            [],
            ["failed", "same"],
            "1 host could not be read; nothing differs on the others",
        ),
        (
            {"failed": True, "msg": "no ip_vs"},
            [{"results": [{"commands": ["x"]}, {"failed": True, "msg": "no"}]}, LOST],
            ["failed", "unreachable"],
            "1 host cannot be reached, 1 host could not be read; nothing differs on the others",
        ),
        (info(), [{"commands": ["x"]}], ["same", "differs"], "1 host differs from the inventory"),
    ],
)
def test_host_that_tells_nothing(director: Any, rs1: Any, states: list[str], verdict: str) -> None:
    """It is a part of what is shown, and not the end of it."""
    found = seen(director, rs1=rs1)
    assert [host.state for host in found.hosts] == states
    assert found.verdict == verdict
    assert [problem for host in found.hosts for problem in host.problems if host.unreachable] == ["no route"] * states.count(
        "unreachable"
    )


def test_what_the_host_said_instead() -> None:
    """Where a module did not even start, the reason is not in its message."""
    result = {"failed": True, "msg": "No JSON found", "module_stderr": "sudo: not found\n"}
    assert seen(info(), rs1=[result]).real_servers[0].problems == ["No JSON found sudo: not found"]


TABLE = """
                            forward  weight  active  inactive  conn/s  pkt/s in  pkt/s out  B/s in  B/s out
TCP 192.0.2.1:80 wrr (web)                       12       345       2         3          4       5        6  differs
  -> 10.0.0.1:80 (rs1)      tunnel        1      12       345       1        20        300    4.0k    50.0k
  -> 10.0.0.2:80            tunnel        0       0         0       1        20        300    4.0k    50.0k  differs, drained (was 2)
"""  # noqa: E501 (as wide as it is)


def test_lines() -> None:
    """As ipvsadm -L has them: a service, its real servers, columns; then what differs."""
    rows = [destination(RS1, 1, 12, 345), destination(RS2, 0, drained=2)]
    found = seen(info(service(*rows)), {"commands": [SET], "warnings": ["look out"]}, rs1=[LOST])
    told = "timeouts: tcp 900 s, tcp_fin 120 s, udp 300 s; no sync daemon"
    assert lines(found) == [
        "LVS cluster, now",
        "",
        f"director ds1: Linux 6.12; IPVS 1.2.1; connection table of 4096 rows; {told}",
        *TABLE.strip("\n").splitlines(),
        "",
        "differs from the inventory:",
        "  ds1, director",
        f"    ipvsadm {SET}",
        "    warning: look out",
        "  rs1, real server: ✕ unreachable",
        "    no route",
    ]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (seen(info()), ["nothing differs from the inventory"]),
        (
            seen(info(), rs1=[LOST]),
            [
                "nothing differs from the inventory on the hosts that could be read",
                "  rs1, real server: ✕ unreachable",
                "    no route",
            ],
        ),
    ],
)
def test_lines_without_differences(found: Status, says: list[str]) -> None:
    """Said only of the hosts that were looked at."""
    assert lines(found)[-len(says) - 1 :] == ["", *says]


def test_sync_daemons() -> None:
    """With what tells one from another."""
    daemons = [{"role": "master", "interface": "eth0", "sync_id": 7}, {"role": "backup", "interface": "eth1", "sync_id": 8}]
    assert "; sync daemon: master on eth0, sync ID 7; backup on eth1, sync ID 8" in lines(seen(info(sync_daemons=daemons)))[2]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"), (640, "640"), (999, "999"), (1000, "1.0k"), (12345, "12.3k"), (99949, "99.9k"), (99950, "100k"),
        (999499, "999k"), (999500, "1.0M"), (4_500_000, "4.5M"), (2**64, "18.4E"), (10**22, "10000E"),
    ],
)  # fmt: skip
def test_short_numbers(number: int, shown: str) -> None:
    """Four digits and a unit, and no unit is skipped by rounding."""
    assert short(number) == shown


def test_nothing_steers_the_terminal() -> None:
    """An error message is somebody else's text."""
    assert plain("a\x1b[31mb\r\nc\x00 \u202ed") == "a [31mb c d"
