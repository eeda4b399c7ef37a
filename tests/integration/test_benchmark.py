# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark measures something. How fast it was is nothing that a test should fail for."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from .namespaces import Namespace

PROJECT = Path(__file__).parents[2]
SMALL = ("--runs", "1", "--services", "3", "--destinations", "2", "--growth", "5,10")
TIMEOUT = 300

NUMBER = r" +-?\d+(\.\d+)?"
TIMES = r" +\d+\.\d{3} \(\d+\.\d{3}\.\.\d+\.\d{3}\)"
COMPARED = {
    "3 services, 6 destinations from empty, netlink": "ipvsadm --restore",
    "3 services, 6 destinations from empty, process": "ipvsadm --restore",
    "nothing to do, reading": "ipvsadm --save -n",
    "nothing to do, process": "ipvsadm --save -n",
    "one weight changed, process": "nothing to do, process",
    "one ipvs_dest, nothing to do, process": "ansible.builtin.ping",
}
LAPS = ("start of Python", "import of the collection", "AnsibleModule()", "parse", "read", "plan", "apply", "process")


def test_benchmark_measures_every_row(host: Namespace) -> None:
    done = host.run(sys.executable, "-m", "tests.benchmarks.ipvs", *SMALL, cwd=PROJECT, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for what, against in COMPARED.items():
        row = f"{re.escape(what)}{TIMES} +{re.escape(against)}{TIMES}{NUMBER}{NUMBER} +(ok|over)"
        assert re.search(f"^{row}$", done.stdout, re.MULTILINE), (what, done.stdout)
    for destinations in (5, 10):
        assert re.search(f"^ +{destinations}{NUMBER * 6}$", done.stdout, re.MULTILINE), (destinations, done.stdout)
    for lap in LAPS:
        assert re.search(rf"^{re.escape(lap)} +\d+\.\d{{3}} +\d+\.\d{{3}}$", done.stdout, re.MULTILINE), (lap, done.stdout)


def test_benchmark_stays_away_from_a_network_in_use(host: Namespace) -> None:
    host.sh("ip link add lan type dummy; ip link set lan up")
    done = host.run(sys.executable, "-m", "tests.benchmarks.ipvs", *SMALL, cwd=PROJECT, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "lan is up" in done.stderr
