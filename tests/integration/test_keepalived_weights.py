# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of services that keepalived owns: set ad hoc, drained, restored, kept, and set back by the description."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .checked_cluster import BACK_WITHIN, DIPS, OUT_WITHIN, RIPS, SERVICES, VIP, Cluster, key_of, rows, running
from .checked_cluster import standing as standing_cluster
from .namespaces import Namespace

NAMED = {"ipip": SERVICES["ipip"]}
SERVICE: dict[str, Any] = {"vip": VIP, "port": 80}
WITHIN = 1.0  # seconds, for keepalived to see a file
# Stands for systemctl: keepalived is what the test started.
_SYSTEMCTL = """#!/bin/sh
case "$1" in
is-enabled) echo enabled ;;
is-active) echo active ;;
reload) kill -HUP "$(cat /var/lib/pid)" ;;
daemon-reload) ;;
*) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def standing(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """The cluster of the tests."""
    with standing_cluster(new_lasting_namespace) as made:
        yield made


@pytest.fixture
def cluster(standing: Cluster) -> Iterator[Cluster]:
    """The same with one service, of three real servers that answer and have weight 1."""
    with running(standing, rows("tcp", NAMED)):
        standing.wait(lambda _name, _rip: True, OUT_WITHIN, NAMED)
        yield standing
    for director in (standing.active, standing.standby):
        director.sh("rm -rf /var/lib/lvs.cluster")


@pytest.fixture
def systemd(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a module takes for systemd, on the active director."""
    program = tmp_path / "systemctl"
    program.write_text(_SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    cluster.active.sh("mkdir -p /run/systemd; mount -t tmpfs none /run/systemd; mkdir /run/systemd/system")
    yield
    cluster.active.sh("umount /run/systemd")


def weights(cluster: Cluster) -> list[int | None]:
    """Of the real servers on the active director; None: it is out."""
    found = cluster.keepaliveds[0].weights()[key_of("ipip")]
    return [found.get(rip) for rip in RIPS]


def wait_for(cluster: Cluster, *expected: int | None, seconds: float = BACK_WITHIN) -> None:
    """Until they are these."""
    deadline = time.monotonic() + seconds
    while weights(cluster) != list(expected):
        assert time.monotonic() < deadline, weights(cluster)
        time.sleep(0.05)


def file_of(cluster: Cluster, which: int) -> Path:
    """The file with the number of a real server."""
    return cluster.active.path(f"/var/lib/lvs.cluster/weights/tcp-{VIP}-80-{RIPS[which]}-80")


def set_weight(cluster: Cluster, which: int, weight: int, **options: Any) -> Any:
    """What the module returns."""
    return cluster.active.module("ipvs_dest", **SERVICE, rip=RIPS[which], weight=weight, **options)


def test_weight_that_is_set_ad_hoc(cluster: Cluster) -> None:
    """It holds through a reload, and a new start of keepalived that was killed."""
    director, keepalived = cluster.active, cluster.keepaliveds[0]
    assert set_weight(cluster, 1, 5, check_mode=True).changed()["destination"]["weight"] == 5
    assert weights(cluster) == [1, 1, 1]
    assert set_weight(cluster, 1, 5).changed()["destination"]["weight"] == 5
    assert weights(cluster) == [1, 5, 1]
    set_weight(cluster, 1, 5).ok()
    director.module("ipvs_dest", **SERVICE, rip=RIPS[1]).ok()
    set_weight(cluster, 0, 0).changed()
    assert weights(cluster) == [0, 5, 1]

    other = [{**row, "scheduler": "wrr"} for row in rows("tcp", NAMED)]
    keepalived.configure(other)
    keepalived.reload()
    deadline = time.monotonic() + BACK_WITHIN
    while f"-A -t {VIP}:80 -s wrr" not in director.rules():
        assert time.monotonic() < deadline
    assert weights(cluster) == [0, 5, 1]
    keepalived.stop(signal.SIGKILL)
    keepalived.start()
    wait_for(cluster, 0, 5, 1)
    set_weight(cluster, 1, 5).ok()
    set_weight(cluster, 1, 1).changed()
    set_weight(cluster, 0, 65535).changed()
    assert weights(cluster) == [65535, 1, 1]
    assert "65536 is above 65535" in set_weight(cluster, 0, 65536, check_mode=True).failed()


def test_kernel_has_the_weight_soon(cluster: Cluster) -> None:
    """After its file has been renamed to its place."""
    took = []
    for weight in range(2, 7):
        file = file_of(cluster, 1)
        number = file.with_name("next")
        number.write_text(f"{weight - 1}\n")
        began = time.monotonic()
        number.rename(file)
        wait_for(cluster, 1, weight, 1)
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < WITHIN


@pytest.mark.parametrize("inhibit", [False, True])
def test_real_server_that_fails(cluster: Cluster, inhibit: bool) -> None:
    """It has its weight when it is back; meanwhile, it is out, or has weight 0."""
    keepalived = cluster.keepaliveds[0]
    keepalived.configure([{**row, "inhibit_on_failure": inhibit} for row in rows("tcp", NAMED)])
    keepalived.reload()
    set_weight(cluster, 2, 6).changed()
    cluster.real_servers[2].sh("ip link set tunl0 down")
    out = 0 if inhibit else None
    wait_for(cluster, 1, 1, out, seconds=OUT_WITHIN)
    set_weight(cluster, 2, 6).ok()
    assert set_weight(cluster, 2, 4).changed()["commands"] == [f"ipvsadm -e -t {VIP}:80 -r {RIPS[2]}:80 -i -w 4"]
    drained = cluster.active.module("ipvs_dest", **SERVICE, rip=RIPS[2], state="drained", drain_timeout=0).changed()
    assert drained["destination"]["drained"] == 4
    cluster.active.module("ipvs_dest", rip=RIPS[2]).changed()
    set_weight(cluster, 2, 4).ok()
    assert weights(cluster) == [1, 1, out]
    cluster.real_servers[2].sh("ip link set tunl0 up")
    wait_for(cluster, 1, 1, 4)


def test_drain_and_restore_of_a_weight_that_was_set_ad_hoc(cluster: Cluster) -> None:
    set_weight(cluster, 1, 5).changed()
    for options in ({}, SERVICE):
        drained = cluster.active.module("ipvs_dest", **options, rip=RIPS[1], state="drained", drain_timeout=0).changed()
        (found,) = drained["destinations"] if "destinations" in drained else [drained["destination"]]
        assert (found["weight"], found["drained"]) == (0, 5)
        assert (weights(cluster), file_of(cluster, 1).read_text()) == ([1, 0, 1], "-65535\n")
        cluster.active.module("ipvs_dest", **options, rip=RIPS[1]).changed()
        assert (weights(cluster), file_of(cluster, 1).read_text()) == ([1, 5, 1], "4\n")


@pytest.mark.usefixtures("systemd")
def test_description_comes_back(cluster: Cluster) -> None:
    """Unless weights are kept; a drain stays either way."""
    services = rows("tcp", NAMED)
    options: dict[str, Any] = {"services": services, "sources": list(DIPS[181])}
    director = cluster.active
    director.module("keepalived", **options).changed()  # the drop-in for systemd
    director.module("keepalived", **options).ok()
    set_weight(cluster, 0, 5).changed()
    director.module("ipvs_dest", **SERVICE, rip=RIPS[1], state="drained", drain_timeout=0).changed()
    heavier = [{**row, "destinations": [{**entry, "weight": 3} for entry in row["destinations"]]} for row in services]
    kept = director.module("keepalived", **{**options, "services": heavier}, keep_weights=True).ok()
    assert [row["rip"] for row in kept["drained"]] == [RIPS[1]]
    assert weights(cluster) == [5, 0, 1]

    rule = f"-a -t {VIP}:80 -r {RIPS[0]}:80 -i -w"
    for check_mode in (True, False):
        result = director.module("keepalived", **options, check_mode=check_mode).changed()
        assert result["diff"] == {"before": f"{rule} 5\n", "after": f"{rule} 1\n"}
        assert f"drained, and left so: -t {VIP}:80 -r {RIPS[1]}:80." in str(result["warnings"])
        wait_for(cluster, 5 if check_mode else 1, 0, 1)
    director.module("keepalived", **options).ok()

    set_weight(cluster, 0, 5).changed()
    director.module("keepalived", **{**options, "services": heavier}).changed()
    wait_for(cluster, 3, 0, 3)
    director.module("ipvs_dest", **SERVICE, rip=RIPS[1]).changed()
    assert weights(cluster) == [3, 1, 3]
    director.module("keepalived", **{**options, "services": heavier}).changed()
    wait_for(cluster, 3, 3, 3)


def test_other_changes_are_refused_in_check_mode(cluster: Cluster) -> None:
    """With the same words as otherwise; a table after keepalived has given up its services is not refused."""
    before = cluster.active.rules()
    for module, options in (
        ("ipvs_service", {**SERVICE, "scheduler": "wrr"}),
        ("ipvs_service", {**SERVICE, "state": "absent"}),
        ("ipvs_dest", {**SERVICE, "rip": RIPS[0], "state": "absent"}),
        ("ipvs_dest", {**SERVICE, "rip": RIPS[0], "weight": 2, "upper_threshold": 9}),
        ("ipvs_dest", {**SERVICE, "rip": "192.168.56.189"}),
        ("ipvs_table", {"services": [{**SERVICE, "destinations": []}], "purge": "destinations"}),
    ):
        told = [cluster.active.module(module, **options, check_mode=mode).failed() for mode in (True, False)]
        assert told[0] == told[1]
        assert told[0].startswith(f"keepalived owns -t {VIP}:80 on this director")
    table = {"services": [{**SERVICE, "destinations": [{"rip": RIPS[0]}]}], "purge": "services"}
    after = cluster.active.module("ipvs_table", **table, after_keepalived=True, check_mode=True).changed()
    assert [line.split()[1] for line in after["commands"]] == ["-A", "-a"]
    assert "keepalived owns" in cluster.active.module("ipvs_table", **table, after_keepalived=True).failed()
    assert cluster.active.rules() == before
