# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of options that several parts of a plan have."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.rows import device_rows


def test_device_rows() -> None:
    """Each device and each VIP of it once, in their order."""
    vips = [("eth0", "10.0.0.2"), ("tunl0", "10.0.0.1"), ("eth0", "10.0.0.1"), ("eth0", "10.0.0.2")]
    assert device_rows(vips, state="absent") == [
        {"device": "eth0", "vips": ["10.0.0.2", "10.0.0.1"], "state": "absent"},
        {"device": "tunl0", "vips": ["10.0.0.1"], "state": "absent"},
    ]
