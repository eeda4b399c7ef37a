# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of tests that share a list of files: each takes one file after the other. A hook for a conftest.py."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

# Where the runs note which files one of them has begun with.
_TAKEN = os.environ.get("LVS_TAKEN_FILES")


@functools.cache
def _take(file: Path, folder: str) -> bool:
    """Whether this run takes the file."""
    try:
        Path(folder, file.name).mkdir()
    except FileExistsError:
        return False
    return True


def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Leave out the tests of a file that another run has taken."""
    return None if _TAKEN is None or _take(item.path, _TAKEN) else True
