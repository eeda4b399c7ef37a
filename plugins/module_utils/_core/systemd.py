# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The systemd that runs on a host."""

from __future__ import annotations

import os

from . import program
from .errors import LvsError

_FOLDER = "/run/systemd/system"  # there where systemd runs: sd_booted(3)
_RELOAD = ("systemctl", "daemon-reload")
_TIMEOUT = 60  # seconds
_RELOAD_TIMEOUT = 90  # seconds, as long as systemctl itself waits for an answer
# One that starts is about to be there, and one that reloads is there all the time.
_RUNNING = ("active", "reloading", "activating")


def reload_units() -> None:
    """Have systemd read its units again, where it runs.

    :raises LvsError: it does not
    """
    if not runs():
        return
    _printed, problem = program.run(*_RELOAD, timeout=_RELOAD_TIMEOUT)
    if problem:
        raise LvsError(
            "the units are written, but systemd has not read them, as it will at the next boot:"
            f" {' '.join(_RELOAD)}: {problem}"
        )


def runs() -> bool:
    """Whether systemd runs on this host."""
    return os.path.isdir(_FOLDER)


def is_running(name: str) -> bool:
    """Whether a service runs; none does where systemd does not run.

    :raises LvsError: systemd does not say so
    """
    if not runs():
        return False
    unit = f"{name}.service"
    printed, problem = program.run("systemctl", "is-active", unit, timeout=_TIMEOUT)
    state = printed.strip()
    if not state:
        raise LvsError(
            f"systemctl is-active {unit}: {problem or 'no answer'}: see whether systemd answers, and run this again"
        )
    return state in _RUNNING


def is_enabled(unit: str) -> bool:
    """Whether a unit is started when the host starts."""
    printed, _problem = program.run("systemctl", "is-enabled", unit, timeout=_TIMEOUT)
    return printed.strip() == "enabled"


def control(*arguments: str) -> None:
    """Have systemctl(1) do something.

    :raises LvsError: it does not
    """
    _printed, problem = program.run("systemctl", *arguments, timeout=_RELOAD_TIMEOUT)
    if problem:
        raise LvsError(f"systemctl {' '.join(arguments)}: {problem}")
