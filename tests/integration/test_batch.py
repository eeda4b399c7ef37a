# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several modules in one process: they do and return what they do and return as tasks of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ..checkout import PROJECT
from .managed_host import PYTHON
from .namespaces import Namespace, Result, parsed

VIP, DIP, RIP = "192.168.56.185", "192.168.56.181", "192.168.56.183"
SERVICE: dict[str, Any] = {"vip": VIP, "port": 80}
BOOT = "/var/lib/lvs.cluster/boot"

Steps = list[tuple[str, dict[str, Any]]]
# What a real server and a director are configured with: the order in which the roles do it, and each module.
STEPS: Steps = [
    ("tunnel_guard", {"sources": [DIP]}),
    ("tunl_vip", {"devices": [{"device": "tunl0"}]}),
    ("arp_sysctl", {"device": "tunl0", "rp_filter": 2, "persist": True}),
    ("arp_sysctl", {"device": "lo"}),
    ("port_dnat", {"mappings": [{"vip": VIP, "port": 8099, "to_port": 80}]}),
    ("mss_clamp", {"tunnels": [{"vip": VIP, "director": DIP}]}),
    ("boot", {"services": [SERVICE]}),
    ("tunl_vip", {"devices": [{"device": "tunl0", "vips": [VIP]}]}),
    ("ipvs_sysctl", {"settings": {"conntrack": 1}, "persist": True}),
    ("ipvs_timeouts", {"tcp": 800}),
    ("ipvs_sync_daemon", {"role": "master", "interface": "eth0"}),
    ("ipvs_service", SERVICE),
    ("ipvs_dest", {**SERVICE, "rip": RIP}),
    ("ipvs_table", {"services": [{**SERVICE, "destinations": [{"rip": RIP}, {"rip": "192.168.56.184"}]}]}),
    ("ipvs_dest", {"rip": RIP, "state": "drained", "drain_timeout": 0}),
    ("boot", {"services": [SERVICE], "vips_after": ["nginx.service"]}),
    ("state_info", {}),
]
PACK = """
import json, sys
from tests.benchmarks import payload
print(payload.of("lvs.cluster.batch", sys.argv[1], steps=json.loads(sys.argv[2])))
"""
OF_THE_PROCESS = {"invocation", "diff", "warnings", "deprecations"}


def batch(host: Namespace, steps: Steps, **options: Any) -> Result:
    """Run these modules in one process."""
    return host.module("batch", steps=[{name: given} for name, given in steps], **options)


def of_modules(results: list[Result]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What the modules return of their own, and their diffs put together."""
    own = [{name: value for name, value in result.items() if name not in OF_THE_PROCESS} for result in results]
    diffs = [result.get("diff", {"before": "", "after": ""}) for result in results]
    return own, {side: "".join(diff[side] for diff in diffs) for side in ("before", "after")}


def of_steps(result: Result) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The same of steps; where nothing changes, modules that only read have no changes."""
    own = []
    for (name, _given), step in zip(STEPS, result["results"]):
        assert step.pop("module") == name
        if name == "state_info":
            assert (step.pop("changes"), step.pop("commands")) == ([], [])
        own.append(step)
    return own, result["diff"]


@pytest.fixture
def twins(new_namespace: Callable[[], Namespace]) -> tuple[Namespace, Namespace]:
    """Two hosts that are the same."""
    hosts = new_namespace(), new_namespace()
    for host in hosts:
        host.sh("ip link add eth0 address 02:00:00:00:00:01 type dummy; ip link set eth0 up")
        host.sh(f"ip address add {RIP}/24 dev eth0")
    return hosts


def looked_at(host: Namespace) -> str:
    """All that there is, without what differs between two namespaces: the folders of the tests' own."""
    return re.sub(r"(?m)permaddr \S+|fe80::\S+", "", host.snapshot())


def test_batch_does_what_the_modules_do(twins: tuple[Namespace, Namespace]) -> None:
    one_by_one, at_once = twins
    single = [one_by_one.module(name, **given) for name, given in STEPS]
    assert not any(result.get("failed") for result in single), single
    result = batch(at_once, STEPS).changed()
    assert of_steps(result) == of_modules(single)
    assert result["commands"] == [command for module in single for command in module.get("commands", ())]
    assert result["changes"] == [change for module in single for change in module.get("changes", ())]
    assert looked_at(at_once) == looked_at(one_by_one)
    for name in ("devices", "ipvs", "nftables", "vips"):
        assert at_once.path(f"{BOOT}/{name}").read_text() == one_by_one.path(f"{BOOT}/{name}").read_text()

    # What changes nothing: without the first of two steps that are for the same thing in different words.
    steps = [step for step in STEPS if step[0] not in ("boot", "ipvs_dest")] + STEPS[-2:]
    again = batch(at_once, steps).ok()
    assert [step["changed"] for step in again["results"]] == [False] * len(steps)
    assert (again["changes"], again["commands"], again["diff"]) == ([], [], {"before": "", "after": ""})
    assert looked_at(at_once) == looked_at(one_by_one)


def test_check_mode_predicts_what_the_modules_predict(twins: tuple[Namespace, Namespace]) -> None:
    one_by_one, at_once = twins
    before = looked_at(at_once)
    single = [one_by_one.module(name, check_mode=True, **given) for name, given in STEPS]
    result = batch(at_once, STEPS, check_mode=True).changed()
    assert of_steps(result) == of_modules(single)
    warnings = [warning for module in single for warning in module.get("warnings", ())]
    once = [warning for number, warning in enumerate(warnings) if warning not in warnings[:number]]
    assert result["warnings"] == once
    assert looked_at(at_once) == looked_at(one_by_one) == before


def test_all_faults_come_before_any_change(host: Namespace) -> None:
    before = host.snapshot()
    steps: Steps = [
        ("tunl_vip", {"device": "tunl0", "vips": [VIP]}),
        ("arp_sysctl", {"rp_filter": 3}),
        ("arp_sysctl", {"arp_ignore": 9, "device": "all"}),
        ("tunl_vip", {"vipz": [VIP]}),
        ("ipvs_info", {}),
    ]
    result = batch(host, steps)
    assert [line.split(": ", 1)[0] for line in result.failed().splitlines()] == [
        "5 invalid values; nothing was changed:",
        "steps[1] arp_sysctl",
        "steps[2] arp_sysctl, device",
        "steps[2] arp_sysctl, arp_ignore",
        "steps[3] tunl_vip, vipz",
        "steps[4]",
    ]
    assert "results" not in result
    assert host.snapshot() == before


def test_step_that_fails_is_the_last(host: Namespace) -> None:
    """What comes before it stays, what comes behind it is not made."""
    steps: Steps = [
        ("arp_sysctl", {"device": "lo"}),
        ("arp_sysctl", {"device": "eth9"}),
        ("tunl_vip", {"device": "tunl0", "vips": [VIP]}),
    ]
    result = batch(host, steps)
    assert result.failed().startswith("steps[1] arp_sysctl: device: eth9 does not exist: this host has ")
    assert result["changed"] is True
    first, second = result["results"]
    assert (first["changed"], second["changed"], second["failed"]) == (True, False, True)
    assert result["commands"] == first["commands"] != []
    assert host.sh("sysctl -n net.ipv4.conf.lo.arp_ignore") == "1\n"
    assert VIP not in host.sh("ip address show")


def test_changes_that_were_made_before_the_kernel_refused_one(host: Namespace) -> None:
    services = [SERVICE, {"vip": VIP, "port": 81, "scheduler": "wrrr"}]
    result = batch(host, [("ipvs_timeouts", {"tcp": 800}), ("ipvs_table", {"services": services})])
    assert result.failed().startswith("steps[1] ipvs_table: ")
    assert [row["kind"] for row in result["changes"]] == ["timeouts", "service"]
    assert result["results"][1]["refused"] == [f"ipvsadm -A -t {VIP}:81 -s wrrr"]


def test_missing_library_fails_only_the_steps_that_need_it(host: Namespace) -> None:
    """Also the first of its own kind: no other step imports it."""
    without_packages = (PYTHON, "-S")
    steps: Steps = [("arp_sysctl", {"device": "lo"}), ("ipvs_service", SERVICE), ("boot", {"state": "absent"})]
    batch(host, steps, python=without_packages).changed()
    failing: Steps = [*steps, ("mss_clamp", {"tunnels": [{"vip": VIP, "director": "127.0.0.1"}]}), *STEPS[:1]]
    result = batch(host, failing, python=without_packages)
    assert result.failed().startswith("steps[3] mss_clamp: the Python library nftables is missing")
    predicted = batch(host, failing, python=without_packages, check_mode=True).changed()
    assert len(predicted["warnings"]) == 1


def test_only_what_steps_need_is_imported(host: Namespace) -> None:
    process = host.start("batch", python=(PYTHON, "-X", "importtime"), steps=[{"ipvs_timeouts": {"tcp": 800}}])
    with process:
        printed, imported = process.communicate(timeout=60)
    parsed(printed, imported).changed()
    names = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    implementations = {name.rpartition(".")[2] for name in names if ".module_utils._" in name}
    assert implementations & {name for name, _given in STEPS} == {"ipvs_timeouts"}
    assert not names & {"pyroute2", "nftables"}


def test_ansible_sends_every_implementation(host: Namespace) -> None:
    """As one file, with all that the import statements in functions name."""
    host.sh(f"ip link add eth0 type dummy; ip link set eth0 up; ip address add {RIP}/24 dev eth0")
    steps = json.dumps([{name: given} for name, given in STEPS])
    # Ansible's loader of plugins has to come before the first import of the collection.
    packed = subprocess.run(
        [sys.executable, "-c", PACK, PYTHON, steps], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    ran = subprocess.run(
        host.command(PYTHON, "-"), input=packed.stdout, capture_output=True, text=True, timeout=60, check=False
    )
    result = parsed(ran.stdout, ran.stderr).changed()
    assert [step["module"] for step in result["results"]] == [name for name, _given in STEPS]
