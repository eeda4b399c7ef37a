# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's commands, and the lab's path in place: the demo runs on the kernel that these tests run on."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TIMEOUT = 600


def test_demo_tells_the_story() -> None:
    # As a user types it, even where make has started these tests.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(
        ["make", "demo"],
        cwd=PROJECT,
        env=own,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    answers = [line.split() for line in told.splitlines() if re.fullmatch(r"(rs[12] ?)+", line)]
    web, doubled, mapped, plain = answers
    assert web in (["rs1", "rs2"] * 2, ["rs2", "rs1"] * 2)
    assert (doubled.count("rs1"), doubled.count("rs2")) == (6, 3)
    assert (mapped.count("rs1"), mapped.count("rs2")) == (6, 3)
    assert (plain.count("rs1"), plain.count("rs2")) == (3, 6)
    assert told.rstrip().endswith("make shell")
