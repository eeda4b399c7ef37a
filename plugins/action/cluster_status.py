# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster stands, shown on the controller: see the documentation of the module of the same name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.files import write_text
from ansible_collections.lvs.cluster.plugins.plugin_utils._status import drawing as status_drawing
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import RATES, STATES, Status, lines, short, status

TEMPLATES = Path(__file__).parents[1] / "plugin_utils/_status"
HEADINGS = ("conn/s", "pkt/s in", "pkt/s out", "B/s in", "B/s out")  # of RATES


class ActionModule(ActionBase):  # type: ignore[misc]  # the parent is not typed
    """Shows what others have read; touches no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print the table, write the page, return both."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self.validate_argument_spec(
            {
                "directors": {"type": "list", "elements": "dict", "required": True},
                "real_servers": {"type": "list", "elements": "dict", "required": True},
                "services": {"type": "list", "elements": "dict", "required": True},
                "names": {"type": "list", "elements": "str", "required": True},
                "hosts": {"type": "dict", "required": True},
                "page": {"type": "str", "default": "lvs-status.html"},
            }
        )[1]
        page = options.pop("page")
        page = str(Path(page).expanduser().absolute()) if page and not self._task.check_mode else ""
        try:
            seen = status(**options, generated=now())
            if page:
                write_text(page, rendered(seen))
        except LvsError as error:
            return {**result, "failed": True, "msg": str(error)}
        table = lines(seen)
        display = Display()
        for line in ["", *table, *(["", f"the same as a page: {page}"] if page else [])]:
            display.display(line)
        return {**result, "changed": False, "state": seen.state, "table": table, "page": page}


def now() -> str:
    """The time with its zone."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z (UTC%z)")


def rendered(seen: Status) -> str:
    """The page."""
    # What is shown comes from inventories, kernels and error messages: none of it is markup.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("page.html.j2").render(
        seen=seen,
        states=STATES,
        short=short,
        rate_names=RATES,
        headings=HEADINGS,
        wide=status_drawing.drawing(seen, status_drawing.WIDE),
        narrow=status_drawing.drawing(seen, status_drawing.NARROW),
    )
