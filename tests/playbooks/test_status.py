# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status with hosts that are down, and for programs that read it."""

from __future__ import annotations

import json
from typing import Any

from .standins import RS1, RS2, VIP, Answer, Player, cluster, failing, ipvs_service


def test_stdout_is_json(play: Player) -> None:
    run = play("status", environment={"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}).succeeded()
    assert {"plays", "stats"} <= json.loads(run.stdout).keys()


def test_hosts_that_are_down(play: Player) -> None:
    run = play("status", down=["rs2"])
    assert "rs2" in run.output
    assert "unreachable" in run.output
    assert run.calls("ipvs_info", host="ds1")
    assert not run.calls(changing=True)


def test_state_of_the_director_is_read_once(play: Player) -> None:
    assert len(play("status").succeeded().calls("state_info", host="ds1")) == 1


def test_module_that_fails(play: Player) -> None:
    run = play("status", results=[failing("ipvs_info", "ds1", "planted")])
    assert "planted" in run.output
    assert not run.calls(changing=True)


def checked_table(host: str, *, rs2_is_out: bool) -> Answer:
    """What ipvs_info returns on a director whose table keepalived owns."""
    service = ipvs_service(VIP, 80, "wrr", {RS1: 1, **({} if rs2_is_out else {RS2: 1})})
    out = [{"rip": RS2, "rport": 80, "forward": "tunnel", "weight": 1, "drained": None}] if rs2_is_out else []
    return Answer("ipvs_info", {"services": [{**service, "out": out}], "engine": "keepalived"}, host)


def with_checks(**variables: Any) -> Any:
    """A cluster with one service, which keepalived checks."""
    services = [{"name": "web", "vip": VIP, "port": 80, "scheduler": "wrr"}]
    inventory = cluster(lvs_engine="keepalived", lvs_vips="vrrp", lvs_vrrp_id=51, **variables)
    inventory.vars["lvs_services"] = services
    inventory.groups["directors"]["ds2"] = {"lvs_dip": "192.168.56.182"}
    return inventory


def test_real_server_that_is_out_is_told_by_director(play: Player) -> None:
    results = [checked_table("ds1", rs2_is_out=True), checked_table("ds2", rs2_is_out=False)]
    run = play("status", inventory=with_checks(), results=results).succeeded()
    assert "rs2 is out of web on ds1: its check fails there, and succeeds on ds2" in run.output
    assert "nothing differs from the inventory" in run.output
    assert "engine keepalived" in run.output
    page = (play.folder / "lvs-status.html").read_text()
    assert "rs2 is out of web on ds1" in page


def test_director_with_another_engine(play: Player) -> None:
    table = {"services": [ipvs_service(VIP, 80, "wrr", {RS1: 1, RS2: 1})], "engine": ""}
    run = play("status", inventory=with_checks(), results=[Answer("ipvs_info", table)]).succeeded()
    assert "according to the description by keepalived (lvs_engine: keepalived): run lvs.cluster.site" in run.output


def test_sorry_server_is_known(play: Player) -> None:
    inventory = with_checks()
    inventory.vars["lvs_services"][0]["sorry_server"] = {"address": "192.168.56.190"}
    table = ipvs_service(VIP, 80, "wrr", {"192.168.56.190": 1})
    out = [{"rip": rip, "rport": 80, "forward": "tunnel", "weight": 1, "drained": None} for rip in (RS1, RS2)]
    answer = Answer("ipvs_info", {"services": [{**table, "out": out}], "engine": "keepalived"})
    run = play("status", inventory=inventory, results=[answer]).succeeded()
    assert "ERROR: all real servers of web are out on ds1" in run.output
    assert "the sorry server 192.168.56.190 takes the connections" in run.output
