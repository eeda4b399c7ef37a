# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a cluster, from what its hosts reported."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.cluster_status import cluster_status, plain
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.table import table
from tests.unit.plugins.plugin_utils._status.reports import (
    LOST,
    RS1,
    RS2,
    SET,
    SET_WEIGHT,
    WEB,
    changed,
    destination,
    info,
    reported,
    service,
)


def test_service_as_described() -> None:
    """Names of the inventory, counters of the kernel."""
    status = reported(info(service(destination(RS1, 2, 3, 4, tunnel_type="gue"), persistence_timeout=300)))
    (web,) = status.services
    assert (web.name, web.address, web.settings) == ("web", "TCP 192.0.2.1:80", "wrr, persistent 300 s")
    assert (web.active, web.inactive, web.notes) == (3, 4, [])
    (rs1,) = web.real_servers
    assert (rs1.name, rs1.endpoint, rs1.forward, rs1.weight) == ("rs1", "10.0.0.1:80", "tunnel gue", 2)
    assert (rs1.active, rs1.inactive, rs1.notes, rs1.share) == (3, 4, [], 1.0)
    assert list(rs1.rates.values()) == [1, 20, 300, 4000, 50000]
    assert (status.total("bytes_in"), status.state, status.summary) == (5, "same", "Nothing differs from the inventory")


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
    assert [real_server.share for real_server in reported(info(service(*rows))).services[0].real_servers] == shares


def test_what_only_one_side_has() -> None:
    """In the inventory's order, without what is absent on both sides; then what only the kernel has."""
    other = {"vip": "192.0.2.9", "port": 53, "protocol": "udp"}
    described = [
        {**WEB, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": 7}, {"rip": "10.0.0.3", "state": "absent"}]},
        {**WEB, "port": 443, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": "5"}]},
        {**other, "state": "absent"},
    ]
    ipvs_info = info(service(fwmark=7, vip=None, port=None), service(destination(RS2)))
    description = {"services": described, "names": ["web", "tls", "dns"], "hosts": {RS1: "rs1"}}
    director = {"name": "ds1", "info": ipvs_info, "results": [], **description}
    status = cluster_status({"directors": [director], "real_servers": []}, generated="now")
    assert [(service.title, service.notes) for service in status.services] == [
        ("web", []),
        ("tls", ["missing"]),
        ("FWM 7", ["not in the inventory"]),
    ]
    web, tls, _mark = status.services
    assert [(view.name, view.weight, view.notes, view.share) for view in web.real_servers] == [
        ("rs1", 7, ["missing"], 0.0),
        (RS2, 1, [], 1.0),
    ]
    assert [(view.name, view.weight, view.notes) for view in tls.real_servers] == [("rs1", 5, ["missing"])]
    assert status.names == ["rs1", RS2]


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
    """A drained real server has a note of its weight before."""
    assert reported(info(service(destination(RS1, **fields)))).services[0].real_servers[0].notes == notes


def test_differences() -> None:
    """Each command is at its host, its service and its real server, once."""
    status = reported(
        info(service(destination(RS1), destination(RS2, 3)), service(destination(RS1), port=8080)),
        SET_WEIGHT,
        SET_WEIGHT,
        {"skipped": True},
        rs1=[
            {"results": [changed("sysctl -w net.ipv4.conf.tunl0.arp_ignore=1"), {"commands": [], "changes": []}]},
            changed("nft add element x"),
        ],
    )
    assert [host.commands for host in status.hosts] == [
        [SET],
        ["sysctl -w net.ipv4.conf.tunl0.arp_ignore=1", "nft add element x"],
    ]
    assert [service.commands for service in status.services] == [[SET], []]
    assert [real_server.differs for real_server in status.services[0].real_servers] == [False, True]
    assert (status.state, status.summary) == ("differs", "2 hosts differ from the inventory")


def test_change_of_a_service() -> None:
    """It is at its service alone, whose real servers do not differ for it; each line of a command is one of the list."""
    edit = "ipvsadm -E -t 192.0.2.1:80 -s rr"
    change = changed(f"{edit}\nsecond line", kind="service", vip="192.0.2.1", port=80, protocol="tcp")
    status = reported(info(service(destination(RS1)), service(destination(RS1), protocol="udp")), change)
    assert status.hosts[0].commands == [edit, "second line"]
    assert [service.commands for service in status.services] == [[edit, "second line"], []]
    assert [view.differs for service in status.services for view in service.real_servers] == [False, False]


def test_change_of_a_destination_by_firewall_mark() -> None:
    """It has no port, as the mark alone identifies the service."""
    marked = {"fwmark": 7, "family": "ipv4"}
    current = service(destination(RS1, rport=None), destination(RS2, rport=None), vip=None, port=None, **marked)
    change = changed("ipvsadm -e -f 7 -r 10.0.0.1:0", kind="destination", **marked, rip=RS1, rport=None)
    (view,) = reported(info(current), change, services=[{**marked, "scheduler": "wrr", "destinations": []}]).services
    assert [real_server.differs for real_server in view.real_servers] == [True, False]
    assert view.commands == ["ipvsadm -e -f 7 -r 10.0.0.1:0"]


def test_change_of_another_kind() -> None:
    """A change whose key has a VIP, too, is none of a service."""
    change = changed("nft add element y", kind="port_mapping", vip="192.0.2.1", port=80, protocol="tcp")
    status = reported(info(service(destination(RS1))), change)
    assert status.hosts[0].commands == ["nft add element y"]
    assert status.services[0].commands == []


@pytest.mark.parametrize(
    ("director", "rs1", "states", "summary"),
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
            [{"results": [changed("x"), {"failed": True, "msg": "no"}]}, LOST],
            ["failed", "unreachable"],
            "1 host cannot be reached, 1 host could not be read; nothing differs on the others",
        ),
        (info(), [changed("x")], ["same", "differs"], "1 host differs from the inventory"),
    ],
)
def test_host_that_could_not_be_read(director: Any, rs1: Any, states: list[str], summary: str) -> None:
    """It is a part of the status, and does not end it."""
    status = reported(director, rs1=rs1)
    assert [host.state for host in status.hosts] == states
    assert status.summary == summary
    assert [problem for host in status.hosts for problem in host.problems if host.unreachable] == ["no route"] * states.count(
        "unreachable"
    )


def test_what_the_host_printed_instead_of_a_result() -> None:
    """Where a module did not even start, the reason is not in its message."""
    result = {"failed": True, "msg": "No JSON status", "module_stderr": "sudo: not status\n"}
    assert reported(info(), rs1=[result]).real_servers[0].problems == ["No JSON status sudo: not status"]


def test_nothing_controls_the_terminal() -> None:
    """An error message is a host's text."""
    assert plain("a\x1b[31mb\r\nc\x00 \u202ed") == "a [31mb c d"


def test_real_server_on_a_port_of_its_own() -> None:
    """Without a port in the description, it is the only destination of its RIP."""
    described = [{**WEB, "destinations": [{"rip": RS1, "forward": "tunnel", "weight": 1}]}]
    found = reported(info(service({**destination(RS1, 1), "rport": 8080})), services=described).services[0].real_servers
    assert [(real_server.endpoint, real_server.missing) for real_server in found] == [("10.0.0.1:8080", False)]
    both = reported(
        info(service({**destination(RS1, 1), "rport": 8080}, {**destination(RS1, 1), "rport": 81})), services=described
    )
    assert [real_server.missing for real_server in both.services[0].real_servers] == [True, False, False]


def test_warnings() -> None:
    """Those of modules; what Ansible says of the host's Python is no difference."""
    ansible = "Host 'ds1' is using the discovered Python interpreter at '/usr/bin/python3.13', but future installation of"
    status = reported(info(service(destination(RS1, 1))), {**changed(), "warnings": [ansible, "drained, and left so"]})
    assert status.hosts[0].warnings == ["drained, and left so"]


def pair(*states: str, read: tuple[bool, bool] = (True, True)) -> Status:
    """The status of two directors of a cluster, in these states of VRRP."""
    description = {"services": [], "names": [], "hosts": {}, "results": [], "directors": ["ds1", "ds2"]}
    directors = [
        {"name": name, "info": info() if was_read else LOST, "vrrp": state, **description}
        for name, state, was_read in zip(("ds1", "ds2"), states, read)
    ]
    return cluster_status({"directors": directors, "real_servers": []}, generated="now")


def contradictions(status: Status) -> list[list[str]]:
    """Of each director, the beginnings."""
    return [[line[:45] for line in director.host.contradictions] for director in status.directors]


def test_director_that_holds_the_vips() -> None:
    status = pair("active", "standby")
    assert [director.facts.partition(";")[0] for director in status.directors] == ["holds the VIPs", "on standby"]
    assert (contradictions(status), status.state) == ([[], []], "same")


def test_two_directors_that_hold_the_vips() -> None:
    status = pair("active", "active")
    assert contradictions(status) == [["ds1 and ds2 hold the VIPs at the same time: s"]] * 2
    assert status.state == "differs"
    assert any("ds1 and ds2 hold the VIPs" in line for line in table(status))


def test_no_director_that_holds_the_vips() -> None:
    status = pair("standby", "standby")
    assert contradictions(status) == [["no director holds the VIPs: 'journalctl -u ke"]] * 2


def test_director_that_cannot_be_read_may_hold_the_vips() -> None:
    assert contradictions(pair("standby", "", read=(True, False))) == [[], []]


def test_director_without_keepalived() -> None:
    assert contradictions(pair("active", "stopped")) == [[], ["keepalived does not run, so that it cannot ta"]]
