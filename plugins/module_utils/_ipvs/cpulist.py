# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Lists of CPUs as the kernel reads and writes them. Pure.

Source: bitmap_parselist() in lib/bitmap-str.c of Linux.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

ALL = "all"
_MAX_CPUS = 8192  # no kernel has more
_REGION = re.compile(r"(?P<first>[0-9]+)(-(?P<last>[0-9]+)(:(?P<used>[0-9]+)/(?P<group>[0-9]+))?)?")


def parse(text: str) -> frozenset[int]:
    """The CPUs of a list of numbers, ranges (C(0-3)) and parts of ranges (C(0-7:1/2), the first of every two).

    :raises ValueError: the text is no such list
    """
    return frozenset(cpu for region in re.split(r"[\s,]+", text) if region for cpu in _region(region))


def _region(text: str) -> Iterator[int]:
    match = _REGION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    first = int(match["first"])
    last = first if match["last"] is None else int(match["last"])
    used, group = (1, 1) if match["group"] is None else (int(match["used"]), int(match["group"]))
    if first > last or last >= _MAX_CPUS or group == 0 or used > group:
        raise ValueError(text)
    return (cpu for cpu in range(first, last + 1) if (cpu - first) % group < used)


def written(cpus: Iterable[int]) -> str:
    """The list in the kernel's form: C(0-2,5)."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
