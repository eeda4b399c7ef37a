# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules have in common that keep a section of the table."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._nft.section import read_purge
from tests.unit.helpers import refused


def test_purge_is_for_what_should_exist() -> None:
    """Everything at once would be removed otherwise."""
    assert read_purge({"purge": True, "state": "present"})
    assert not read_purge({"purge": False, "state": "absent"})
    with refused("purge", "leave it out, and name what is to be removed"):
        read_purge({"purge": True, "state": "absent"})
