# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own files, as git knows them: without what builds and tests have left in the checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def files(command: str, *arguments: str) -> list[str]:
    """Ask git for files of the project, whoever owns the checkout."""
    git = ("git", "-c", f"safe.directory={PROJECT}", command, "-z")
    listed = subprocess.check_output([*git, *arguments], cwd=PROJECT, text=True)
    return [name for name in listed.split("\0") if name and (PROJECT / name).exists()]


def copy_to(target: Path) -> None:
    """Copy the project's files, those that are not committed yet among them."""
    for name in files("ls-files", "--cached", "--others", "--exclude-standard"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, target / name, follow_symlinks=False)
