# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a description."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Faults
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import DescriptionFault, InvalidDescription


def test_place_of_a_fault() -> None:
    """Within a list, before its own place; the reason follows without a value."""
    faults = Faults()
    faults.add(DescriptionFault("port", "has no value"), "service 'web'")
    faults.add(DescriptionFault("group directors", "has no host"))
    error = InvalidDescription(faults.found)
    assert error.faults == ["service 'web', port: has no value", "group directors: has no host"]
    assert str(error).splitlines()[1:] == error.faults
