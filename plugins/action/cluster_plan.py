# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster, made on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..module_utils._core.options import Facts, Options
from ..plugin_utils._core.action import ControllerAction
from ..plugin_utils._plan.cluster_plan import cluster_plan
from ..plugin_utils._plan.planner import Planner
from ..plugin_utils._plan.steps import TAGS
from ..plugin_utils._plan.variables import AllHosts, HostVariables


class ActionModule(ControllerAction):
    """Checks and expands the description of a cluster, and gives this host its part."""

    ARGUMENTS: ClassVar[Facts] = {
        "services": {"type": "raw"},
        "directors_group": {"type": "str"},
        "realservers_group": {"type": "str"},
        "vip_device": {"type": "str"},
        "vip6_device": {"type": "str"},
        "director_device": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"]},
        "unprepared": {"type": "list", "elements": "str"},
        "role": {"type": "str", "choices": ["director", "real_server"]},
    }

    def facts(self, options: Options, variables: Options) -> Facts:
        """The plan, as far as it concerns this host."""
        own = HostVariables(variables["inventory_hostname"], variables, self.template_with(variables))
        hosts = AllHosts(variables["hostvars"].raw_get, self.template_with)
        planner = Planner(own, hosts, variables["groups"], occurrence=str(self._task._uuid))
        given = {name: value for name, value in options.items() if name not in ("role", "unprepared")}
        tags = {
            "run": variables.get("ansible_run_tags", ()),
            "skip": variables.get("ansible_skip_tags", ()),
            "own": set(self._task.tags) - {"always", *TAGS},
        }
        plan = cluster_plan(planner, given, options["role"], tags, options["unprepared"])
        return {**plan, "_ansible_no_log": True} if planner.has_secret else plan
