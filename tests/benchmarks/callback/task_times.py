# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each task of a playbook takes, all hosts together: lines of JSON in the file $LVS_TASK_TIMES."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_times
type: aggregate
short_description: Write down how long each task takes
description: From the start of a task to the start of the next one, with what the controller does in between.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # the parent is not typed
    """Notes when each task starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._starts: list[tuple[str, float]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """What comes before the first task of a play is the play's own."""
        self._starts.append((f"play {play.get_name()}", time.monotonic()))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task starts, and the one before it has ended."""
        self._starts.append((task.get_name(), time.monotonic()))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The playbook has ended."""
        ends = [start for _name, start in self._starts[1:]] + [time.monotonic()]
        rows = [(name, end - start) for (name, start), end in zip(self._starts, ends)]
        Path(os.environ["LVS_TASK_TIMES"]).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
