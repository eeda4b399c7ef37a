# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Ansible: hosts with their variables, the groups, and planners of tasks; without Ansible's own machinery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.cluster_plan import cluster_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.planner import Planner
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.variables import AllHosts, HostVariables, Template
from tests.unit.plugins.plugin_utils._plan.lab import CLIENT, DIP, RS1, RS2, WEB

UNREADABLE = "{{ nothing }}"
DEFAULT_TAGS: dict[str, list[str]] = {"run": ["all"], "skip": [], "own": []}


def template(value: Any) -> Any:
    """Give a value as it is, unless it has the template that cannot be resolved."""
    if value == UNREADABLE:
        raise AnsibleError("'nothing' is undefined")
    return value


class Run:
    """A run: the variables of each host, which its tasks may change, and the groups."""

    def __init__(self, hosts: dict[str, dict[str, Any]], groups: Mapping[str, Sequence[str]]) -> None:
        self.hosts = hosts
        self.groups = {"all": list(hosts), **{name: list(of_group) for name, of_group in groups.items()}}
        self.read: list[str] = []  # hosts whose variables were read by way of others

    def set_everywhere(self, **variables: Any) -> None:
        """Set variables on each host, as group_vars/all.yml does."""
        for of_host in self.hosts.values():
            of_host.update(variables)

    def variables(self) -> AllHosts:
        """The variables of all hosts, as one task sees them."""

        def raw_of(host: str) -> Mapping[str, Any]:
            self.read.append(host)
            return dict(self.hosts[host])

        def template_with(_raw: Mapping[str, Any]) -> Template:
            return template

        return AllHosts(raw_of, template_with)

    def planner(self, host: str, task: str = "task", **own: Any) -> Planner:
        """The planner of a task of a host, with the variables of the task itself."""
        variables = HostVariables(host, {**self.hosts[host], **own}, template)
        return Planner(variables, self.variables(), self.groups, occurrence=task)

    def plan(self, host: str, task: str = "task", role: str | None = None, **own: Any) -> Facts:
        """The return values of a task of a host."""
        return cluster_plan(self.planner(host, task, **own), {}, role, DEFAULT_TAGS)


def lab_run(services: Sequence[Any] = (WEB,), **variables: Any) -> Run:
    """The lab, with variables of all hosts."""
    hosts = {"client": CLIENT, "ds1": DIP, "rs1": RS1, "rs2": RS2}
    run = Run(
        {name: {"ansible_host": address} for name, address in hosts.items()},
        {"directors": ["ds1"], "realservers": ["rs1", "rs2"]},
    )
    run.set_everywhere(lvs_services=list(services), **variables)
    return run
