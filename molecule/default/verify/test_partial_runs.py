# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with hosts that cannot be reached or are left out: clients notice nothing. In the end all is as it was."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.nodes import PLAYBOOK, Ansible, answers, rules

Services = list[dict[str, Any]]
# Nothing listens there. The address stays that of the host.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_ssh_common_args": "-o BatchMode=yes"}
VIP = "http://192.168.56.185/"
GONE = """
- name: Lose the connection
  ansible.builtin.set_fact:
    ansible_connection: ssh
    ansible_port: 1

- name: Notice it
  ansible.builtin.ping:
"""


class Cluster:
    """The playbooks on the nodes, with a description and hosts that are down."""

    def __init__(self, ansible: Ansible, folder: Path) -> None:
        self._ansible = ansible
        self._folder = folder

    def run(self, *arguments: str, down: tuple[str, ...] = (), **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook, which may fail."""
        playbook, *others = arguments
        inventory = self._folder / "down.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(down, UNREACHABLE)}}))
        extra = self._folder / "variables.json"
        extra.write_text(json.dumps(variables))
        file = str(PLAYBOOK.with_name(f"{playbook}.yml"))
        return self._ansible(
            "ansible-playbook", f"--inventory={inventory}", file, *others, f"--extra-vars=@{extra}", check=False
        )


@pytest.fixture(scope="module")
def whole(ansible: Ansible, ds1: Host) -> Iterator[list[str]]:
    """The table of the director, as it is in the end, too; real servers have what a run left them with until then."""
    before = rules(ds1)
    yield before
    ansible("ansible-playbook", str(PLAYBOOK))
    assert rules(ds1) == before


@pytest.fixture
def cluster(ansible: Ansible, tmp_path: Path, ds1: Host, whole: list[str]) -> Iterator[Cluster]:
    """The cluster, with its director as before after each test."""
    yield Cluster(ansible, tmp_path)
    if rules(ds1) != whole:
        ansible("ansible-playbook", str(PLAYBOOK))


@pytest.fixture
def switched(services: Services) -> Services:
    """The first service goes through GUE; a real server of the second one takes more than before."""
    wanted = copy.deepcopy(services)
    wanted[0]["real_servers"] = [{"host": host, "tunnel_type": "gue", "tunnel_port": 6080} for host in ("rs1", "rs2")]
    wanted[1]["real_servers"][0]["weight"] = 5
    return wanted


def of_service(table: list[str], endpoint: str) -> list[str]:
    return [line for line in table if f" {endpoint} " in f"{line} "]


@pytest.mark.parametrize("down", [("rs2",), ("rs1", "rs2")])
def test_real_servers_that_are_not_ready_are_not_sent_to(
    cluster: Cluster, switched: Services, client: Host, ds1: Host, down: tuple[str, ...]
) -> None:
    """The service that would need them stays; what concerns nobody else is done."""
    before = rules(ds1)
    done = cluster.run("site", down=down, lvs_services=switched)
    assert done.returncode != 0
    assert all(name in done.stdout + done.stderr for name in down)
    assert "took no part in this run" in done.stdout + done.stderr
    assert of_service(rules(ds1), "192.168.56.185:80") == of_service(before, "192.168.56.185:80")
    assert [line for line in of_service(rules(ds1), "192.168.56.186:8099") if "-w 5 " in f"{line} "]
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}


def test_limit_leaves_out_a_real_server(cluster: Cluster, switched: Services, client: Host, ds1: Host) -> None:
    before = rules(ds1)
    done = cluster.run("site", "--limit=ds1,rs1", lvs_services=switched)
    assert done.returncode != 0
    assert of_service(rules(ds1), "192.168.56.185:80") == of_service(before, "192.168.56.185:80")
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}


def test_nothing_changes_for_who_is_down(cluster: Cluster, services: Services, client: Host, ds1: Host) -> None:
    """The exit status is that of an unreachable host; the director is set up and verified."""
    services[0]["scheduler"] = "rr"
    done = cluster.run("site", down=("rs2",), lvs_services=services)
    assert done.returncode == 4
    assert "-A -t 192.168.56.185:80 -s rr" in rules(ds1)
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}
    services[0]["scheduler"] = "wrr"


@pytest.fixture
def without_rs2(services: Services) -> Services:
    """rs2 leaves the first service."""
    wanted = copy.deepcopy(services)
    wanted[0]["real_servers"] = [{"host": "rs1"}, {"host": "rs2", "state": "absent"}]
    return wanted


@pytest.mark.parametrize("limits", [{"down": ("ds1",)}, {"limit": "rs2"}])
def test_vip_stays_while_the_director_may_send(
    cluster: Cluster, without_rs2: Services, client: Host, rs2: Host, limits: dict[str, Any]
) -> None:
    arguments = [f"--limit={limits['limit']}"] if "limit" in limits else []
    done = cluster.run("site", *arguments, down=limits.get("down", ()), lvs_services=without_rs2)
    assert done.returncode != 0
    assert "rs2 still has what it no longer needs, as ds1 took no part in this run" in " ".join(
        (done.stdout + done.stderr).split()
    )
    assert "192.168.56.185/32" in rs2.check_output("ip -o -4 address show dev tunl0")
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}


@pytest.mark.parametrize("limits", [{"down": ("ds1",)}, {"limit": "rs1"}])
def test_teardown_without_the_director(cluster: Cluster, client: Host, rs1: Host, limits: dict[str, Any]) -> None:
    arguments = [f"--limit={limits['limit']}"] if "limit" in limits else []
    done = cluster.run("teardown", *arguments, down=limits.get("down", ()), lvs_confirm=True)
    assert done.returncode != 0
    assert "192.168.56.185/32" in rs1.check_output("ip -o -4 address show dev tunl0")
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}


def test_rolling_update_ends_with_the_real_server_that_is_lost(cluster: Cluster, tmp_path: Path, client: Host) -> None:
    """It stays drained, and the next one is not drained."""
    tasks = tmp_path / "update.yml"
    tasks.write_text(GONE)
    done = cluster.run("rolling_update", lvs_update_tasks=str(tasks))
    assert done.returncode != 0
    assert "rs1 became unreachable or failed during the update" in " ".join((done.stdout + done.stderr).split())
    assert set(answers(client, VIP, 6)) == {"rs2"}
    assert cluster.run("restore", lvs_target="rs1").returncode == 0
    assert set(answers(client, VIP, 6)) == {"rs1", "rs2"}
