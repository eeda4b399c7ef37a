# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's inventory and commands, on the cluster that has converged. They describe a part of it: nothing changes."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.readme import INVENTORY, ON_A_CLUSTER

from .conftest import PROJECT, TIMEOUT

# How the lab's nodes are reached, where a user has SSH.
REACH = {
    "ansible_connection": "node",
    "ansible_become": False,
    "ansible_nsenter_pid": "{{ lookup('ansible.builtin.file', '/run/lvs-lab/' ~ inventory_hostname ~ '.pid') }}",
    "ansible_python_interpreter": "/usr/bin/python3",
}


def test_commands_are_found() -> None:
    assert [command.split()[0] for command in ON_A_CLUSTER] == ["ansible-playbook", "ansible-playbook", "ansible"]


@pytest.mark.parametrize("command", [one for one in ON_A_CLUSTER if one.startswith("ansible-playbook")])
def test_playbook(command: str, tmp_path: Path) -> None:
    (tmp_path / "inventory.yml").write_text(INVENTORY)
    words = [str(tmp_path / word) if word == "inventory.yml" else word for word in shlex.split(command)]
    done = subprocess.run(
        [*words, "--extra-vars", json.dumps(REACH)], cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed: [" not in done.stdout
    assert done.stdout.count("changed=0") == 3


def test_weight_ad_hoc_is_the_one_that_the_tests_run() -> None:
    arguments = 'ds1 -m lvs.cluster.ipvs_dest -a "vip=192.168.56.185 port=80 rip=192.168.56.183 weight=2"'
    assert ON_A_CLUSTER[2].replace("-i inventory.yml --become ", "") == f"ansible {arguments}"
