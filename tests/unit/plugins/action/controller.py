# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that run on an inventory, with Ansible's own variables and templates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.lvs.cluster.plugins.plugin_utils._core.action import ControllerAction


class Controller:
    """A controller with an inventory."""

    def __init__(self, folder: Path, inventory: dict[str, Any]) -> None:
        file = folder / "inventory.yml"
        file.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        self.loader = DataLoader()
        self.inventory = InventoryManager(self.loader, sources=[str(file)])
        self.manager = VariableManager(self.loader, self.inventory)
        HostVars(self.inventory, self.manager, self.loader)  # makes itself known to the manager

    def set_fact(self, host: str, **facts: Any) -> None:
        """Set facts of a host, as a task does."""
        self.manager.set_nonpersistent_facts(host, facts)

    def variables(self, host: str) -> dict[str, Any]:
        """The variables of a task of a host."""
        variables: dict[str, Any] = self.manager.get_vars(host=self.inventory.get_host(host))
        return variables

    def run(
        self,
        action: type[ControllerAction],
        host: str,
        uuid: str = "task",
        variables: Any = None,
        tags: Sequence[str] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """The result of a task of a host, with further variables of the task, and its tags."""
        task_vars = {**self.variables(host), **(variables or {})}
        task = SimpleNamespace(args=options, check_mode=False, async_val=0, diff=False, tags=list(tags), _uuid=uuid)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        templar = Templar(loader=self.loader, variables=task_vars)
        result: dict[str, Any] = action(task, connection, None, self.loader, templar, None).run(task_vars=task_vars)
        return result


def lab_inventory(**variables: Any) -> dict[str, Any]:
    """The lab's inventory, with variables of all hosts."""
    return {
        "all": {
            "children": {
                "directors": {"hosts": {"ds1": {"ansible_host": "192.168.56.181"}}},
                "realservers": {
                    "hosts": {"rs1": {"ansible_host": "192.168.56.183"}, "rs2": {"ansible_host": "192.168.56.184"}}
                },
            },
            "hosts": {"client": {"ansible_host": "192.168.56.180"}},
            "vars": {"lvs_services": [{"name": "web", "vip": "192.168.56.185", "port": 80}], **variables},
        }
    }
