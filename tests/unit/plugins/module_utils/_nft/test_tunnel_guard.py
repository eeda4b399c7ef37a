# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send tunnelled packets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft.tunnel_guard import CHAIN, report, wanted_guard, with_purge
from tests.unit.helpers import all_refused, applied, refused

BASE: dict[str, Any] = {"state": "present", "purge": False, "sources": None, "protocols": None, "gue_ports": None}
DIRECTORS = ["2001:db8::1", "192.0.2.10", "192.0.2.9"]


def after(options: dict[str, Any], current: dict[Any, Any]) -> dict[Any, Any]:
    """What there is then."""
    options = {**BASE, **options}
    return applied(reconcile(with_purge(options, wanted_guard(options), current), current), current)


def guard(items: dict[Any, Any]) -> Any:
    """What the module says of it."""
    return report({}, [], items)["guard"]


def test_nobody_but_the_directors() -> None:
    """Both families; who is let in comes before who is not."""
    texts = [rule.text for rule in CHAIN.rules]
    assert texts == [
        'ip saddr @tunnel_sources meta l4proto @tunnel_protocols counter accept comment "tunnel_guard"',
        'ip6 saddr @tunnel_sources6 meta l4proto @tunnel_protocols counter accept comment "tunnel_guard"',
        'meta l4proto @tunnel_protocols counter drop comment "tunnel_guard"',
        'ip saddr @tunnel_sources udp dport @gue_ports counter accept comment "tunnel_guard"',
        'ip6 saddr @tunnel_sources6 udp dport @gue_ports counter accept comment "tunnel_guard"',
        'udp dport @gue_ports counter drop comment "tunnel_guard"',
    ]
    current = after({"sources": DIRECTORS}, {})
    assert guard(current) == {
        "sources": ["192.0.2.9", "192.0.2.10", "2001:db8::1"],
        "protocols": [4, 41, 47],
        "gue_ports": [],
    }
    assert after({"sources": DIRECTORS * 2}, current) == current


def test_what_is_named_goes_or_all_of_it() -> None:
    """The part is there while something is guarded."""
    current = after({"sources": DIRECTORS, "gue_ports": [6081, 6080]}, {})
    less = after({"state": "absent", "sources": DIRECTORS[:2], "protocols": [4, 41]}, current)
    assert guard(less) == {"sources": ["192.0.2.9"], "protocols": [47], "gue_ports": [6080, 6081]}
    assert after({"state": "absent", "protocols": [47], "gue_ports": [6080, 6081]}, less) == {}
    assert after({"state": "absent"}, current) == {}
    assert after({"state": "absent", "sources": []}, current) == current
    assert after({"sources": [], "protocols": [], "purge": True}, current) == {}
    assert after({"sources": DIRECTORS, "protocols": []}, {}) == {}


def test_purge_leaves_what_is_named() -> None:
    """An empty list lets nobody in."""
    current = after({"sources": DIRECTORS, "gue_ports": [6080]}, {})
    only = after({"sources": DIRECTORS[:1], "protocols": [41], "purge": True}, current)
    assert guard(only) == {"sources": ["2001:db8::1"], "protocols": [41], "gue_ports": []}
    nobody = after({"sources": [], "purge": True}, current)
    assert guard(nobody) == {"sources": [], "protocols": [4, 41, 47], "gue_ports": []}


def test_counters_are_told() -> None:
    """As they were found."""
    assert report({}, [], {})["dropped"] == {"packets": 0, "bytes": 0}
    found = {CHAIN.key: replace(CHAIN, dropped=(3, 300))}
    assert report({}, [], found)["dropped"] == {"packets": 3, "bytes": 300}


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, "sources", "is missing: name the directors' addresses"),
        ({"sources": []}, "sources", "or set purge to let nobody in"),
        ({"sources": ["rs1"]}, "sources", "is not an IP address"),
        ({"sources": ["224.0.0.1"]}, "sources", "is not a unicast address"),
        ({"sources": DIRECTORS, "protocols": [6]}, "protocols", "6 is not one of 4, 41, 47"),
        ({"sources": DIRECTORS, "gue_ports": [0]}, "gue_ports", "0 is not in 1..65535"),
        ({"state": "absent", "purge": True}, "purge", "cannot go with state=absent"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work."""
    with refused(option, says):
        wanted_guard({**BASE, **options})


def test_all_faults_at_once() -> None:
    """One of each option."""
    with all_refused("sources: 'x' is not", "protocols: 6 is not", "gue_ports: 65536 is not"):
        wanted_guard({**BASE, "sources": ["x"], "protocols": [6], "gue_ports": [65536]})
