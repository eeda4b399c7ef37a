# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The systemd that runs on a host."""

from __future__ import annotations

import os

from .._core import program
from .._core.errors import LvsError

_RUNNING = "/run/systemd/system"  # sd_booted(3)
_RELOAD = ("systemctl", "daemon-reload")
_TIMEOUT = 90  # seconds, as long as systemctl itself waits for an answer


def reload_units() -> None:
    """Have systemd read its units again, where it runs.

    :raises LvsError: it does not
    """
    if not os.path.isdir(_RUNNING):
        return
    _printed, problem = program.run(*_RELOAD, timeout=_TIMEOUT)
    if problem:
        raise LvsError(
            "the units are written, but systemd has not read them, as it will at the next boot:"
            f" {' '.join(_RELOAD)}: {problem}"
        )
