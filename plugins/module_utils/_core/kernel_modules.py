# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Modules of the kernel that nothing loads by itself."""

from __future__ import annotations

import os
import shutil
import subprocess

_FOLDERS = ("/usr/sbin", "/sbin")  # which an interpreter's PATH may lack
_TIMEOUT = 30  # seconds


def load(module: str) -> str:
    """Have modprobe(8) load a module; the reason why it could not, empty where it could."""
    modprobe = shutil.which("modprobe", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS]))
    if modprobe is None:
        return "this host has no modprobe"
    try:
        done = subprocess.run(
            [modprobe, module], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or f"exit status {done.returncode}") if done.returncode else ""
