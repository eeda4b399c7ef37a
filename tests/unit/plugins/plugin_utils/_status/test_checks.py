# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status where keepalived owns the table: what it has taken out is described, and no difference."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.cluster_status import cluster_status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.drawing import WIDE, drawing
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.page import page
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.table import table
from tests.unit.plugins.plugin_utils._status.reports import LOST, RS1, RS2, WEB, changed, destination, info, service

SORRY = "10.0.0.9"
KEY = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp"}
DESCRIBED = [{**WEB, "destinations": [{"rip": rip, "forward": "tunnel", "weight": 1} for rip in (RS1, RS2)]}]
NOBODY = "nobody takes connections"
ALL_OUT = "all real servers of web are out on ds1, as their checks fail"


def gone(rip: str, weight: int = 1) -> dict[str, Any]:
    """A real server that is out, as ipvs_info returns it."""
    return {"rip": rip, "rport": 80, "forward": "tunnel", "weight": weight, "tunnel_type": "ipip", "drained": None}


def web(*there: dict[str, Any], out: list[dict[str, Any]]) -> dict[str, Any]:
    """What ipvs_info returns of a director with one service."""
    return info(service(*there, out=out), engine="keepalived")


def status_of(*infos: Any, quorum: int = 1, engine: str = "keepalived", results: Any = (), **others: Any) -> Status:
    """The status of directors of one cluster with these tables."""
    description = {
        "services": DESCRIBED, "names": ["web"], "hosts": {RS1: "rs1", RS2: "rs2"}, "engine": engine,
        "sorry_servers": [{**KEY, "rip": SORRY, "rport": None, "quorum": quorum}], "directors": ["ds1", "ds2"], **others,
    }  # fmt: skip
    directors = [
        {"name": f"ds{number}", "info": found, "results": results, **description}
        for number, found in enumerate(infos, start=1)
    ]
    real_servers: list[dict[str, Any]] = [{"name": name, "results": []} for name in ("rs1", "rs2")]
    return cluster_status({"directors": directors, "real_servers": real_servers}, generated="now")


def test_real_server_that_is_out_is_no_difference() -> None:
    status = status_of(web(destination(RS1), out=[gone(RS2)]))
    (director,) = status.directors
    assert director.facts.startswith("engine keepalived; ")
    assert director.host.out == ["rs2 is out of web on ds1: its check fails there"]
    assert (director.host.outages, director.host.differs, status.state) == ([], False, "out")
    assert status.summary == "1 director has real servers out, as their checks fail; nothing differs from the inventory"
    assert [(view.name, view.notes) for view in status.services[0].real_servers] == [("rs1", []), ("rs2", ["out"])]
    assert table(status)[-4:] == [
        "checks that fail:",
        "  rs2 is out of web on ds1: its check fails there",
        "",
        "nothing differs from the inventory",
    ]


def test_real_server_that_is_out_on_one_of_two_directors() -> None:
    status = status_of(web(destination(RS1), out=[gone(RS2)]), web(destination(RS1), destination(RS2), out=[]))
    assert [director.host.out for director in status.directors] == [
        ["rs2 is out of web on ds1: its check fails there, and succeeds on ds2"],
        [],
    ]


def test_directors_of_other_clusters_are_not_compared() -> None:
    tables = (web(destination(RS1), out=[gone(RS2)]), web(destination(RS1), destination(RS2), out=[]))
    status = status_of(*tables, directors=[])
    assert status.directors[0].host.out == ["rs2 is out of web on ds1: its check fails there"]


def test_real_server_that_is_out_on_both_directors() -> None:
    status = status_of(*[web(destination(RS1), out=[gone(RS2)])] * 2)
    assert [line for director in status.directors for line in director.host.out] == [
        f"rs2 is out of web on {name}: its check fails there" for name in ("ds1", "ds2")
    ]


def test_real_server_at_weight_0_for_its_check() -> None:
    """With inhibit_on_failure, it stays in the table."""
    status = status_of(web(destination(RS1), destination(RS2, 0), out=[gone(RS2)]))
    assert status.directors[0].host.out == ["rs2 is out of web on ds1: its check fails there"]
    assert [view.notes for view in status.services[0].real_servers] == [[], ["out"]]


def test_drained_real_server_that_is_out() -> None:
    status = status_of(web(destination(RS1), out=[{**gone(RS2, 0), "drained": 1}]))
    assert status.services[0].real_servers[1].notes == ["out", "drained (was 1)"]


@pytest.mark.parametrize(
    ("there", "out", "quorum", "outage"),
    [
        ([], [gone(RS1), gone(RS2)], 1, f"{ALL_OUT}: {NOBODY}"),
        ([destination(SORRY)], [gone(RS1), gone(RS2)], 1, f"{ALL_OUT}: the sorry server {SORRY} takes the connections"),
        ([destination(RS1, 0, drained=1)], [gone(RS2)], 1, f"{ALL_OUT}, or have weight 0: {NOBODY}"),
        (
            [destination(SORRY)],
            [gone(RS1), gone(RS2)],
            2,
            f"web has less than its quorum of 2 left on ds1: the sorry server {SORRY} takes the connections",
        ),
    ],
)
def test_service_without_real_servers(there: Any, out: Any, quorum: int, outage: str) -> None:
    status = status_of(web(*there, out=out), quorum=quorum)
    assert status.directors[0].host.outages == [outage]
    assert status.state == "outage"
    assert status.summary.startswith("1 director has a service that no real server serves")
    assert f"  ERROR: {outage}" in table(status)
    assert outage in page(status)


def test_checks_are_not_told_below_the_quorum() -> None:
    """Real servers whose checks succeed are out as well."""
    assert status_of(web(destination(SORRY), out=[gone(RS1), gone(RS2)]), quorum=2).directors[0].host.out == []


def test_sorry_server_is_no_real_server() -> None:
    status = status_of(web(destination(SORRY), out=[gone(RS1), gone(RS2)]))
    assert status.services[0].real_servers[-1].notes == ["sorry server"]
    assert status.names == ["rs1", "rs2"]
    assert not any("not in the inventory" in line for line in (*table(status), page(status)))
    assert any(text.text == "sorry server" for text in drawing(status, WIDE).texts)


def test_new_real_server_is_missing_until_site_has_run() -> None:
    """Keepalived does not know it, so that no check of it fails."""
    status = status_of(web(destination(RS1), out=[]), results=[changed("echo real_server")])
    assert status.services[0].real_servers[1].notes == ["missing"]
    assert (status.directors[0].host.out, status.state) == ([], "differs")


def test_what_differs_is_told_beside_checks() -> None:
    status = status_of(web(destination(RS1), out=[gone(RS2)]), results=[changed("sysctl -w x=1")])
    assert status.summary == "1 director has real servers out, as their checks fail, 1 host differs from the inventory"
    lines = table(status)
    after = lines[lines.index("checks that fail:") + 3 :]
    assert after == ["differs from the inventory:", "  ds1, director", "    sysctl -w x=1"]


@pytest.mark.parametrize(
    ("owner", "described", "message"),
    [
        ("keepalived", "netlink", "the IPVS table is owned by keepalived, and according to the description by the mod"),
        ("", "keepalived", "the IPVS table is owned by the modules of this collection, and according to the descript"),
        ("keepalived", "keepalived", ""),
        ("", "netlink", ""),
    ],
)
def test_engine_of_the_description(owner: str, described: str, message: str) -> None:
    status = status_of(info(service(destination(RS1), destination(RS2)), engine=owner), engine=described)
    lines = status.directors[0].host.contradictions
    assert [line[: len(message)] for line in lines] == ([message] if message else [])
    assert all(line.endswith("run lvs.cluster.site") for line in lines)
    assert status.state == ("differs" if message else "same")


def test_director_without_services_is_told_by_what_is_missing() -> None:
    assert status_of(info(engine="")).directors[0].host.contradictions == []
    assert status_of(LOST).directors[0].host.contradictions == []


def test_keepalived_of_somebody_else() -> None:
    foreign = {"config": "/etc/keepalived/keepalived.conf", "services": ["tcp-192.0.2.1-80"], "unread": []}
    status = status_of(info(service(destination(RS1)), engine="", foreign_keepalived=foreign), engine="netlink")
    (line,) = status.directors[0].host.contradictions
    assert line.startswith("keepalived runs with /etc/keepalived/keepalived.conf, which this collection did not make")
    assert "tcp-192.0.2.1-80" in line
