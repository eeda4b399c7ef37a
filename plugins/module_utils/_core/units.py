# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Services of systemd that other programs bring along."""

from __future__ import annotations

import os

from . import program
from .errors import LvsError

_SYSTEMD = "/run/systemd/system"  # sd_booted(3)
_TIMEOUT = 60  # seconds
# One that starts is about to be there, and one that reloads is there all the time.
_RUNNING = ("active", "reloading", "activating")


def is_running(name: str) -> bool:
    """Whether a service runs; none does where systemd does not run.

    :raises LvsError: systemd does not say so
    """
    if not os.path.isdir(_SYSTEMD):
        return False
    unit = f"{name}.service"
    printed, problem = program.run("systemctl", "is-active", unit, timeout=_TIMEOUT)
    state = printed.strip()
    if not state:
        raise LvsError(
            f"systemctl is-active {unit}: {problem or 'no answer'}: see whether systemd answers, and run this again"
        )
    return state in _RUNNING
