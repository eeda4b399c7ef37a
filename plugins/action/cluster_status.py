# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a cluster, shown on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from ansible.utils.display import Display

from ..module_utils._core.files import write_text
from ..module_utils._core.options import Facts, Options
from ..plugin_utils._core.action import ControllerAction
from ..plugin_utils._status.cluster_status import cluster_status
from ..plugin_utils._status.page import page
from ..plugin_utils._status.table import table


class ActionModule(ControllerAction):
    """Prints the status as a table and writes it as a page."""

    ARGUMENTS: ClassVar[Facts] = {
        "directors": {"type": "list", "elements": "dict", "required": True},
        "real_servers": {"type": "list", "elements": "dict", "required": True},
        "services": {"type": "list", "elements": "dict", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
        "hosts": {"type": "dict", "required": True},
        "page": {"type": "str", "default": "lvs-status.html"},
    }

    def facts(self, options: Options, variables: Options) -> Facts:
        """The table, and the file of the page."""
        status = cluster_status(options, generated=_now())
        file = ""
        if options["page"] and not self._task.check_mode:
            file = str(Path(options["page"]).expanduser().absolute())
            write_text(file, page(status))
        lines = table(status)
        display = Display()
        for line in ["", *lines, *(["", f"the same as a page: {file}"] if file else [])]:
            display.display(line)
        return {"state": status.state, "table": lines, "page": file}


def _now() -> str:
    """The time with its zone."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z (UTC%z)")
