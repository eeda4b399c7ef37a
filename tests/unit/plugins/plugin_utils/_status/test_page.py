# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: that its template is complete, and that texts of hosts are no markup in it. A browser test looks at the rest."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.page import page
from tests.unit.plugins.plugin_utils._status.reports import RS1, SET, SET_WEIGHT, destination, info, reported, service


def test_page() -> None:
    """It has each command at its host and at its service, and the headings of all rates."""
    html = page(reported(info(service(destination(RS1))), SET_WEIGHT))
    assert html.startswith("<!DOCTYPE html>")
    assert html.count(f"<code>{SET}</code>") == 2
    assert '<th scope="col">conn/s</th><th scope="col">pkt/s in</th>' in html
    assert "<title>LVS cluster: 1 host differs from the inventory</title>" in html


def test_texts_of_hosts_are_no_markup() -> None:
    """Such as an error message."""
    html = page(reported(info(), rs1=[{"failed": True, "msg": "<script>alert(1)</script>"}]))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
