# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send tunnelled packets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import Chain, SectionContext, SectionSeen
from ansible_collections.lvs.cluster.plugins.module_utils._nft.tunnel_guard import SECTION, TunnelGuard
from tests.unit.helpers import all_refused, refused

from .sections import NOTHING, converged

RESOURCE = TunnelGuard()
BASE: dict[str, Any] = {"state": "present", "purge": False, "sources": None, "protocols": None, "gue_ports": None}
DIRECTORS = ["2001:db8::1", "192.0.2.10", "192.0.2.9"]


def after(options: dict[str, Any], current: SectionSeen) -> SectionSeen:
    """What there is then."""
    return converged(RESOURCE, {**BASE, **options}, current)[1]


def result(seen: SectionSeen) -> Any:
    """What the module returns."""
    return RESOURCE.result(RESOURCE.parse({**BASE, "state": "absent"}), seen)


def guard(seen: SectionSeen) -> Any:
    """What the module says of it."""
    return result(seen)["guard"]


def test_nobody_but_the_directors() -> None:
    """Both families; who is let in comes before who is not."""
    current = after({"sources": DIRECTORS}, NOTHING)
    chain = current.items[SECTION.chain]
    assert isinstance(chain, Chain)
    assert list(chain.rules) == [
        'ip saddr @tunnel_sources meta l4proto @tunnel_protocols counter accept comment "tunnel_guard"',
        'ip6 saddr @tunnel_sources6 meta l4proto @tunnel_protocols counter accept comment "tunnel_guard"',
        'meta l4proto @tunnel_protocols counter drop comment "tunnel_guard"',
        'ip saddr @tunnel_sources udp dport @gue_ports counter accept comment "tunnel_guard"',
        'ip6 saddr @tunnel_sources6 udp dport @gue_ports counter accept comment "tunnel_guard"',
        'udp dport @gue_ports counter drop comment "tunnel_guard"',
    ]
    assert guard(current) == {
        "sources": ["192.0.2.9", "192.0.2.10", "2001:db8::1"],
        "protocols": [4, 41, 47],
        "gue_ports": [],
    }
    assert after({"sources": DIRECTORS * 2}, current) == current


def test_what_is_named_goes_or_all_of_it() -> None:
    """The part is there while something is guarded."""
    current = after({"sources": DIRECTORS, "gue_ports": [6081, 6080]}, NOTHING)
    less = after({"state": "absent", "sources": DIRECTORS[:2], "protocols": [4, 41]}, current)
    assert guard(less) == {"sources": ["192.0.2.9"], "protocols": [47], "gue_ports": [6080, 6081]}
    assert after({"state": "absent", "protocols": [47], "gue_ports": [6080, 6081]}, less).items == {}
    assert after({"state": "absent"}, current).items == {}
    assert after({"state": "absent", "sources": []}, current) == current
    assert after({"sources": [], "protocols": [], "purge": True}, current).items == {}
    assert after({"sources": DIRECTORS, "protocols": []}, NOTHING).items == {}


def test_purge_leaves_what_is_named() -> None:
    """An empty list lets nobody in."""
    current = after({"sources": DIRECTORS, "gue_ports": [6080]}, NOTHING)
    only = after({"sources": DIRECTORS[:1], "protocols": [41], "purge": True}, current)
    assert guard(only) == {"sources": ["2001:db8::1"], "protocols": [41], "gue_ports": []}
    nobody = after({"sources": [], "purge": True}, current)
    assert guard(nobody) == {"sources": [], "protocols": [4, 41, 47], "gue_ports": []}


def test_counters_are_returned() -> None:
    """As they were found; a chain that is removed takes them along."""
    assert result(NOTHING)["dropped"] == {"packets": 0, "bytes": 0}
    items = after({"sources": DIRECTORS}, NOTHING).items
    found = SectionSeen(items, SectionContext(dropped_packets=3, dropped_bytes=300))
    assert result(found)["dropped"] == {"packets": 3, "bytes": 300}
    assert result(after({"state": "absent"}, found))["dropped"] == {"packets": 0, "bytes": 0}


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, "sources", "is missing: name the directors' addresses"),
        ({"sources": []}, "sources", "or set purge to accept tunnelled packets from no host"),
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
        RESOURCE.parse({**BASE, **options})


def test_all_faults_at_once() -> None:
    """One of each option."""
    with all_refused("sources: 'x' is not", "protocols: 6 is not", "gue_ports: 65536 is not"):
        RESOURCE.parse({**BASE, "sources": ["x"], "protocols": [6], "gue_ports": [65536]})
