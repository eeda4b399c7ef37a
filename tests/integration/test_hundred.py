# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on a cluster with many real servers, and what its clients get.

C(LVS_REAL_SERVERS) is how many: see docs/performance.md for the time that a hundred take.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .large_cluster import SERVICES, LargeCluster, standing
from .managed_host import TIMEOUT
from .namespaces import Namespace

COUNT = int(os.environ.get("LVS_REAL_SERVERS", "6"))
BY_TURNS, BY_WEIGHT, MAPPED = SERVICES
TURNS = 2  # requests to each real server
PAUSE = 0.05  # seconds between the requests of a client
UNREACHABLE = 4  # the exit status of a playbook that did not reach a host


@pytest.fixture(scope="module")
def hundred(
    new_lasting_namespace: Callable[[], Namespace], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LargeCluster]:
    """The cluster, with nothing configured."""
    with standing(new_lasting_namespace, tmp_path_factory.mktemp("cluster"), COUNT) as cluster:
        yield cluster


def recap(done: subprocess.CompletedProcess[str], what: str) -> dict[str, int]:
    """How often each host is counted as C(what), where it is."""
    counted = re.findall(rf"^(\S+) .*\b{what}=(\d+)", done.stdout.partition("PLAY RECAP")[2], re.MULTILINE)
    assert len(counted) == COUNT + 2, done.stdout + done.stderr
    return {host: int(number) for host, number in counted if int(number)}


def succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Check that a playbook reached all hosts, and that nothing failed."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert recap(done, "failed") == recap(done, "unreachable") == {}
    return done


@contextmanager
def asking(cluster: LargeCluster) -> Iterator[list[str]]:
    """A client that asks each service all the time: the real servers that answered, and what went wrong."""
    answers: list[str] = []
    ended = threading.Event()

    def answer(service: dict[str, Any]) -> str:
        try:
            return cluster.name(service)
        except (OSError, http.client.HTTPException) as error:
            return f"{service['name']}: {error!r}"

    def ask() -> None:
        while not ended.wait(PAUSE):
            answers.extend(answer(service) for service in SERVICES)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(timeout=TIMEOUT)


def test_first_run(hundred: LargeCluster) -> None:
    """Each real server answers the same number of requests to each service."""
    began = time.monotonic()
    changed = recap(succeeded(hundred.playbook("lvs.cluster.site")), "changed")
    print(f"first run with {COUNT} real servers: {time.monotonic() - began:.0f} s")
    assert set(changed) == {"ds1", *hundred.real_servers}
    for service in SERVICES:
        assert hundred.names(service, COUNT * TURNS) == dict.fromkeys(hundred.real_servers, TURNS), service["name"]


def test_second_run(hundred: LargeCluster) -> None:
    """It changes nothing."""
    before = hundred.director.rules()
    began = time.monotonic()
    done = succeeded(hundred.playbook("lvs.cluster.site"))
    print(f"second run with {COUNT} real servers: {time.monotonic() - began:.0f} s")
    assert recap(done, "changed") == {}
    assert hundred.director.rules() == before


def test_weights_while_real_servers_are_unreachable(hundred: LargeCluster) -> None:
    """Ansible does not reach two real servers. They get weight 0, another one weight 3, and no client notices."""
    lost = {"rs1", f"rs{COUNT}"}
    for name in lost:
        hundred.down(name)
        hundred.inventory.host(name)["lvs_weight"] = 0
    hundred.inventory.host("rs2")["lvs_weight"] = 3
    began = time.monotonic()
    with asking(hundred) as answers:
        done = hundred.playbook("lvs.cluster.site")
    print(f"run with two real servers down, of {COUNT}: {time.monotonic() - began:.0f} s, {len(answers)} requests meanwhile")
    assert done.returncode == UNREACHABLE, done.stdout + done.stderr
    assert recap(done, "failed") == {}
    assert set(recap(done, "unreachable")) == lost
    assert set(recap(done, "changed")) == {"ds1"}
    assert set(answers) == set(hundred.real_servers)

    for name in lost:
        hundred.real_servers[name].sh("ip link set eth0 down")
    left = dict.fromkeys(hundred.real_servers.keys() - lost, 1)
    for service, weights in ((BY_TURNS, left), (MAPPED, left), (BY_WEIGHT, {**left, "rs2": 3})):
        turns = {name: TURNS * weight for name, weight in weights.items()}
        assert hundred.names(service, sum(turns.values())) == turns, service["name"]
