# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does to a pair, under traffic; in the end it is as it was."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

from testinfra.host import Host

from tests.benchmarks.failover import DIRECTORS, HASHED, REAL_SERVERS, WEB, address, measure, settled
from tests.benchmarks.faults import FAULTS, holders, run, vips
from tests.benchmarks.traffic import Plan
from tests.nodes import PLAYBOOK, PROJECT, Ansible, answers, rules
from tests.recap import recap

ADDED = "192.168.56.187"
SIX = "2001:db8:56::185"
# Short requests to the service that is hashed: see test_failover.py.
TRAFFIC = Plan(HASHED, (WEB, HASHED))
# Seconds in which both hold the VIPs, at most. On a kernel that is so busy, a standby may miss three advertisements and take
# over for a moment; directors that drop each other's advertisements both hold the VIPs until both are set up, many seconds.
SPLIT = 3.0
Services = list[dict[str, Any]]


def playbook(name: str) -> str:
    """Where it is."""
    return str(PROJECT / f"playbooks/{name}.yml")


def weights(director: Host, name: str) -> set[str]:
    """The weights of a real server in the services of its IPv4 address."""
    lines = [line.split() for line in rules(director) if f" {address(name)}:" in line]
    return {words[words.index("-w") + 1] for words in lines}


def test_drain_loses_nothing(ansible: Ansible, ds1: Host, ds2: Host) -> None:
    """On both directors: whichever holds the VIPs next sends nobody there either."""
    before = [rules(director) for director in (ds1, ds2)]
    seen = []

    def act() -> None:
        ansible(
            "ansible-playbook",
            playbook("drain"),
            "--extra-vars=lvs_target=rs2 lvs_drain_timeout=1 lvs_drain_on_timeout=continue",
        )
        seen.extend([weights(ds1, "rs2"), weights(ds2, "rs2")])
        ansible("ansible-playbook", playbook("restore"), "--extra-vars=lvs_target=rs2")

    phase = measure(act, TRAFFIC)
    assert seen == [{"0"}, {"0"}]
    assert phase.seen.failures == []
    assert phase.seen.going_on(WEB) == phase.seen.going_on(HASHED) == (20, 20)
    assert [rules(director) for director in (ds1, ds2)] == before


def test_weight_changed_ad_hoc(ansible: Ansible, ds1: Host, ds2: Host) -> None:
    module = ("ansible", "directors", "--module-name=lvs.cluster.ipvs_dest", "--args")
    try:
        ansible(*module, f"vip={WEB} port=80 rip={address('rs1')} weight=5")
        for director in (ds1, ds2):
            assert f"-a -t {WEB}:80 -r {address('rs1')}:80 -i -w 5 --tun-type ipip" in rules(director)
    finally:
        ansible(*module, f"vip={WEB} port=80 rip={address('rs1')} weight=1")


def changed(services: Services) -> Services:
    """A service with a VIP of its own comes, and one goes."""
    wanted = copy.deepcopy(services)
    wanted[2]["state"] = "absent"
    return [*wanted, {"name": "added", "vip": ADDED, "port": 80, "scheduler": "rr"}]


def given(folder: Path, services: Services) -> str:
    """Arguments that have the playbook read this description."""
    file = folder / "services.json"
    file.write_text(json.dumps({"lvs_services": services}))
    return f"--extra-vars=@{file}"


def test_services_come_and_go(
    ansible: Ansible, services: Services, tmp_path: Path, client: Host, ds1: Host, ds2: Host
) -> None:
    """And back, with a director that is off, which the next run brings up to date; the VIPs stay where they are."""
    before = rules(ds1)
    wanted = changed(services)
    phase = measure(lambda: ansible("ansible-playbook", str(PLAYBOOK), given(tmp_path, wanted)), TRAFFIC)
    assert phase.seen.failures == []
    assert phase.seen.going_on(HASHED) == (20, 20)
    assert phase.both < SPLIT  # though one director has the new VIP before the other one
    held = {name: vips(name) for name in DIRECTORS}
    active = settled()
    assert held == {name: {WEB, HASHED, ADDED} if name == active else set() for name in DIRECTORS}
    assert rules(ds1) == rules(ds2)
    assert set(answers(client, f"http://{ADDED}/", 6)) == set(REAL_SERVERS)

    back = given(tmp_path, [*services, {**wanted[-1], "state": "absent"}])
    (other,) = {*DIRECTORS} - {active}
    run("podman", "stop", "--time", "30", other)
    without = ansible("ansible-playbook", str(PLAYBOOK), back, check=False)
    assert recap(without.stdout, "unreachable")[other] > 0
    assert vips(active) == {WEB, HASHED, SIX}
    run("lab/topology", "restart", other)
    assert settled() == active
    again = recap(ansible("ansible-playbook", str(PLAYBOOK), back).stdout, "changed")
    assert again[other] > 0
    assert again[active] == 0
    settled()
    assert rules(ds1) == rules(ds2) == before


def test_both_reboot(client: Host) -> None:
    """At once: exactly one takes the VIPs, and clients are answered."""
    before = vips(settled())
    run("podman", "stop", "--time", "30", *DIRECTORS)
    run("lab/topology", "restart", *DIRECTORS)
    active = settled()
    assert vips(active) == before
    assert len(before) == 3
    for host in (WEB, HASHED, f"[{SIX}]"):
        # A hash leaves one of three out of so many requests once in a million times.
        assert set(answers(client, f"http://{host}/", 40)) == set(REAL_SERVERS)


def test_status_tells_a_split(ansible: Ansible, tmp_path: Path) -> None:
    """The active director's keepalived hangs; its addresses stay."""
    active = settled()
    stopped = next(fault for fault in FAULTS if fault.name == "stopped")
    stopped.strike(active)
    try:
        time.sleep(2)
        assert set(holders(WEB, DIRECTORS)) == set(DIRECTORS)
        status = ansible(
            "ansible-playbook", playbook("status"), f"--extra-vars=lvs_status_page={tmp_path / 'page.html'}"
        ).stdout
    finally:
        stopped.recover(active)
    assert "ds1 and ds2 hold the VIPs at the same time" in status, status
    settled()
