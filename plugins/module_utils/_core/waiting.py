# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Waiting for what another program does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_Seen = TypeVar("_Seen")

_PAUSE = 0.05  # seconds


def wait_for(look: Callable[[], _Seen], done: Callable[[_Seen], bool], timeout: float) -> _Seen | None:
    """What was seen, as soon as it is as expected; None where it is not in time. It looks at least once.

    :param timeout: seconds
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() <= deadline:
        seen = look()
        if done(seen):
            return seen
        time.sleep(_PAUSE)
    return None
