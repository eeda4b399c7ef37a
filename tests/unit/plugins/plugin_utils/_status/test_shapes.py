# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of a drawing."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.shapes import shortened


@pytest.mark.parametrize(
    ("text", "letters", "left"),
    [
        ("rs1", 3, "rs1"),
        ("rs12", 3, "rs…"),
        ("server-01.example", 10, "server-01…"),
        ("[2001:db8::1]:443", 9, "[200…:443"),
        ("rs1", 0, "r…"),
    ],
)
def test_shortened(text: str, letters: int, left: str) -> None:
    """A name keeps its beginning, an address both ends."""
    assert shortened(text, letters) == left
