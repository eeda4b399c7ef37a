# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a cluster, shown on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from ansible import constants
from ansible.utils.display import Display

from ..module_utils._core.files import write_text
from ..module_utils._core.options import Facts, Options
from ..plugin_utils._core.action import ControllerAction
from ..plugin_utils._status.cluster_status import cluster_status
from ..plugin_utils._status.page import page
from ..plugin_utils._status.table import table

# Callbacks that write lines as they come, among which a table can stand.
_CALLBACKS_OF_LINES = ("default", "ansible.builtin.default", "minimal", "ansible.builtin.minimal")


class ActionModule(ControllerAction):
    """Prints the status as a table and writes it as a page."""

    ARGUMENTS: ClassVar[Facts] = {
        "directors": {"type": "list", "elements": "dict", "required": True},
        "real_servers": {"type": "list", "elements": "dict", "required": True},
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
        result = {"state": status.state, "table": lines, "page": file}
        shown = [*lines, *(["", f"the same as a page: {file}"] if file else [])]
        if constants.DEFAULT_STDOUT_CALLBACK in _CALLBACKS_OF_LINES:
            display = Display()
            for line in ["", *shown]:
                display.display(line)
            return result
        # Another one may print JSON, where lines of ours would not be part of it: it shows the result.
        return {**result, "msg": shown, "_ansible_verbose_always": True}


def _now() -> str:
    """The time with its zone."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z (UTC%z)")
