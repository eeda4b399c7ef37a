# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules read the options of steps."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.lvs.cluster.plugins.module_utils._batch import batch
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts


def modules_take(steps: Iterable[Facts]) -> None:
    """Check that the module batch, and each module of a step, accepts the options."""
    rows = list(steps)
    assert len(batch.read({"steps": rows, "preview": []})) == len(rows)
