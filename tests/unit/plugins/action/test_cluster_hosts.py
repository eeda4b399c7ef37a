# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of all clusters: the action with Ansible's own variables."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lvs.cluster.plugins.action.cluster_hosts import ActionModule
from tests.unit.plugins.action.controller import Controller, lab_inventory


def test_hosts(tmp_path: Path) -> None:
    """By the groups that the hosts' variables name, with templates; and without the host of the task among them."""
    inventory = lab_inventory(lvs_directors_group="{{ 'direct' ~ 'ors' }}")
    result = Controller(tmp_path, inventory).run(ActionModule, "client")
    assert result == {
        "changed": False,
        "directors": ["ds1"],
        "real_servers": ["rs1", "rs2"],
        "directors_of": {"rs1": ["ds1"], "rs2": ["ds1"]},
    }


def test_faults(tmp_path: Path) -> None:
    """Fail the task, all of them in its message."""
    inventory = lab_inventory(lvs_realservers_group="{{ nothing }}")
    inventory["all"]["children"]["directors"] = {"hosts": {}}
    result = Controller(tmp_path, inventory).run(ActionModule, "rs1")
    assert result["failed"] is True
    assert "group directors: has no host" in result["msg"]
    assert "host rs1, lvs_realservers_group: 'nothing' is undefined" in result["msg"]
