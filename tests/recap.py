# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play recap of ansible-playbook."""

from __future__ import annotations

import re


def recap(printed: str, number: str) -> dict[str, int]:
    """A number of the recap, such as C(changed), by host. Hosts that failed are coloured where Molecule asks for it."""
    printed = re.sub("\x1b\\[[0-9;]*m", "", printed)
    return {name: int(found) for name, found in re.findall(rf"^(\S+) +: ok=.* {number}=(\d+)", printed, re.MULTILINE)}
