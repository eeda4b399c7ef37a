# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The version of a kernel. Pure."""

from __future__ import annotations

import re

Version = tuple[int, int]


def version(release: str) -> Version | None:
    """The version in a release such as C(4.18.0-553.el8_10.x86_64); None where it has none."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else None


def older(release: str, needed: Version) -> bool:
    """Whether the kernel of this release is older; one without a version is not."""
    running = version(release)
    return running is not None and running < needed
