# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real servers resolve the VIPs."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.neighbours import asking_real_servers

RIPS = {"rs1": ["10.0.0.3"], "rs2": ["192.168.56.184"], "rs3": ["192.168.56.185", "2001:db8::5"]}


def test_nearest_real_server() -> None:
    assert asking_real_servers(["192.168.56.200"], RIPS) == ["rs2"]
    assert asking_real_servers(["10.0.9.1"], RIPS) == ["rs1"]
    assert asking_real_servers(["2001:db8::99"], RIPS) == ["rs3"]


def test_one_for_each_network() -> None:
    """However many VIPs there are, and each real server once."""
    vips = [f"192.168.56.{number}" for number in range(1, 200)]
    assert len(asking_real_servers(vips, RIPS)) == 1
    assert asking_real_servers(["10.0.0.9", "192.168.56.184", "10.0.1.9"], RIPS) == ["rs1", "rs2"]


def test_other_address_family_is_better_than_none() -> None:
    assert asking_real_servers(["2001:db8::99"], {"rs1": ["10.0.0.3"]}) == ["rs1"]


def test_first_of_several_with_the_same_rip() -> None:
    assert asking_real_servers(["10.0.0.9"], {"rs1": ["10.0.0.3"], "rs2": ["10.0.0.3"]}) == ["rs1"]


def test_nobody_to_ask() -> None:
    assert asking_real_servers(["10.0.0.9"], {}) == []
    assert asking_real_servers([], RIPS) == []
