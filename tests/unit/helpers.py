# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests say in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, InvalidValues
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, Wanted, reconcile


def refused(option: str, says: str) -> Any:
    """The block below raises InvalidValue, with a message that begins with the option and contains the advice."""
    return pytest.raises(InvalidValue, match=rf"(?s)^{re.escape(option)}: .*{re.escape(says)}")


def all_refused(*faults: str) -> Any:
    """The block below raises all of these faults at once, a line each, of which the beginnings are given."""
    lines = [f"{len(faults)} invalid values; nothing was changed:", *faults]
    return pytest.raises(InvalidValues, match="\n".join(rf"{re.escape(line)}[^\n]*" for line in lines) + r"\Z")


def reconciled(wanted: Iterable[Wanted[Any, Any]], current: dict[Any, Any]) -> list[Change[Any]]:
    """The changes from these items to what is wanted."""
    return reconcile(wanted, Seen(current, None))


def save_state(subjects: dict[str, Any]) -> None:
    """Have the state file contain these subjects."""
    with state.changing() as saved:
        saved.clear()
        saved.update(subjects)


def applied(changes: list[Change[Any]], current: dict[Any, Any]) -> dict[Any, Any]:
    """The state that the changes lead to."""
    after = dict(current)
    for change in changes:
        if change.after is None:
            del after[change.item.key]
        else:
            after[change.item.key] = change.after
    return after
