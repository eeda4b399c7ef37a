# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the role lvs, which makes the plan, against tasks that do nothing: without any host, on the controller alone.

    python -m tests.benchmarks.plan [--runs 3] [--hosts 100,200] [--services 20] [--forks 4]

It exits with 1 where a playbook fails, whatever the times.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from ansible.release import __version__ as ansible_core

from ..playbooks.standins import Inventory

PROJECT = Path(__file__).parents[2]
FIRST_RIP, FIRST_VIP = ipaddress.IPv4Address("10.1.0.1"), ipaddress.IPv4Address("10.2.0.1")
DIP = "10.3.0.1"
TIMEOUT = 1200
AIM, AIM_GROWTH = 4.0, 2.6

ROLE = [{"ansible.builtin.import_role": {"name": "lvs.cluster.lvs"}}]
# As many as the role has, with the check of its arguments.
NOTHING = [
    {"ansible.builtin.assert": {"that": "inventory_hostname is defined", "quiet": True}},
    {"ansible.builtin.set_fact": {"nothing": "{{ inventory_hostname }}"}},
]


class Wrong(Exception):
    """What was measured did not do what it should."""


def inventory(hosts: int, services: int) -> Inventory:
    """One director, and real servers for the other hosts; every second service has a mapped port."""
    rows = [
        {
            "name": f"service{number}",
            "vip": str(FIRST_VIP + number),
            "port": 8000 + number if number % 2 else 80,
            "scheduler": "wrr",
            **({"rport": 80} if number % 2 else {}),
        }
        for number in range(services)
    ]
    return Inventory(
        groups={
            "directors": {"ds1": {"ansible_host": DIP}},
            "realservers": {f"rs{number}": {"ansible_host": str(FIRST_RIP + number)} for number in range(1, hosts)},
        },
        group_vars={"all": {"ansible_connection": "local", "lvs_services": rows}},
    )


def play(folder: Path, name: str, tasks: Sequence[Any], forks: int) -> float:
    """Run tasks on all hosts: the seconds.

    :raises Wrong: they failed
    """
    playbook = folder / f"{name}.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
    command = ["ansible-playbook", f"--inventory={folder / 'inventory.yml'}", str(playbook)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "lab/ansible.cfg"), "ANSIBLE_FORKS": str(forks)}
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    taken = time.monotonic() - began
    if done.returncode:
        raise Wrong(f"{name} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    return taken


def spread(values: Sequence[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{median(values):.1f} ({min(values):.1f}..{max(values):.1f})"


def verdict(ratio: float, aim: float) -> str:
    """Whether an aim is reached."""
    return "ok" if ratio <= aim else "over"


ROW = "{:<32}{:<24}{:<24}{:>7}{:>6}  {}"


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--hosts", default="100,200", help="inventories with so many hosts (%(default)s)")
    parser.add_argument("--services", type=int, default=20, help="services of each (%(default)s)")
    parser.add_argument("--forks", type=int, default=4, help="Ansible's processes (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    print(f"{options.runs} runs of each in turns, medians (lowest..highest); {options.forks} forks;", end=" ")
    print(f"{options.services} services;\nPython {platform.python_version()}, ansible-core {ansible_core}\n")
    print(ROW.format("", "role lvs (s)", "nothing (s)", "ratio", "aim", ""), flush=True)
    counts = [int(count) for count in options.hosts.split(",")]
    times: dict[int, list[float]] = {}
    try:
        for count in counts:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "inventory.yml").write_text(inventory(count, options.services).text())
                rounds = [
                    (play(folder, "role", ROLE, options.forks), play(folder, "nothing", NOTHING, options.forks))
                    for _round in range(options.runs)
                ]
            ours, theirs = (list(column) for column in zip(*rounds))
            times[count] = ours
            ratio = median(ours) / median(theirs)
            cells = (f"{count} hosts", spread(ours), spread(theirs), f"{ratio:.2f}", f"{AIM:g}", verdict(ratio, AIM))
            print(ROW.format(*cells), flush=True)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    for fewer, more in zip(counts, counts[1:]):
        ratio = median(times[more]) / median(times[fewer])
        print(ROW.format(f"{more} hosts to {fewer}", "", "", f"{ratio:.2f}", f"{AIM_GROWTH:g}", verdict(ratio, AIM_GROWTH)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
