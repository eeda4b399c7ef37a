# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is kept for the next start follows every change, where M(lvs.cluster.boot) keeps anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from . import files
from .keep import FOLDER, path_of, sealed


def keep(part: str, lines: Callable[[], Iterable[str]]) -> None:
    """Keep a part as it is now. It is read only where parts are kept at all."""
    if not os.path.isdir(FOLDER):
        return
    path, text = path_of(part), sealed(lines())
    if files.read_text(path) != text:
        files.write_text(path, text)
