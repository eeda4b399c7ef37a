# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The systemd that runs on a host."""

from __future__ import annotations

import os
import subprocess

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
    try:
        done = subprocess.run(
            _RELOAD, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(str(error)) from error
    if done.returncode:
        raise _refused(done.stderr.strip() or f"exit status {done.returncode}")


def _refused(problem: str) -> LvsError:
    return LvsError(
        f"the units are written, but systemd has not read them, as it will at the next boot: {' '.join(_RELOAD)}: {problem}"
    )
