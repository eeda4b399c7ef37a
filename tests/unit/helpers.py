# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests say in the same words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._reconcile import Change


def refused(option: str, says: str) -> Any:
    """The block below raises InvalidValue, with a message that begins with the option and contains the advice."""
    return pytest.raises(InvalidValue, match=rf"(?s)^{re.escape(option)}: .*{re.escape(says)}")


def applied(changes: list[Change[Any]], current: dict[Any, Any]) -> dict[Any, Any]:
    """The state that the changes lead to."""
    after = dict(current)
    for change in changes:
        if change.after is None:
            del after[change.item.key]
        else:
            after[change.item.key] = change.after
    return after
