# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a kernel."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.kernel_release import older, version


@pytest.mark.parametrize(
    ("release", "found"),
    [
        ("4.18.0-553.el8_10.x86_64", (4, 18)),
        ("5.14.0-427.13.1.el9_4.x86_64", (5, 14)),
        ("5.15.0-91-generic", (5, 15)),
        ("6.12.57+deb13-amd64", (6, 12)),
        ("7.2.12", (7, 2)),
        ("mine", None),
    ],
)
def test_version(release: str, found: tuple[int, int] | None) -> None:
    """Of what distributions name their kernels; it compares as numbers."""
    assert version(release) == found


def test_older() -> None:
    """By number; who does not say it is not."""
    assert older("5.9.1", (5, 10))
    assert not any(older(release, (5, 10)) for release in ("5.10.0", "6.1.0", "mine"))
