# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a status in words and numbers."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import counted, short


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"), (640, "640"), (999, "999"), (1000, "1.0k"), (12345, "12.3k"), (99949, "99.9k"), (99950, "100k"),
        (999499, "999k"), (999500, "1.0M"), (4_500_000, "4.5M"), (2**64, "18.4E"), (10**22, "10000E"),
    ],
)  # fmt: skip
def test_short_numbers(number: int, shown: str) -> None:
    """Four digits and a unit, and no unit is skipped by rounding."""
    assert short(number) == shown


def test_counted() -> None:
    """A noun in the plural, except for one."""
    assert [counted(number, "host") for number in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
