# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of all clusters, found on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..module_utils._core.options import Facts, Options
from ..plugin_utils._core.action import ControllerAction
from ..plugin_utils._plan.cluster_hosts import cluster_hosts
from ..plugin_utils._plan.variables import AllHosts


class ActionModule(ControllerAction):
    """Finds the directors and the real servers of all clusters of the inventory."""

    ARGUMENTS: ClassVar[Facts] = {}

    def facts(self, options: Options, variables: Options) -> Facts:
        """The hosts."""
        return cluster_hosts(variables["groups"], AllHosts(variables["hostvars"].raw_get, self.template_with))
