# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments that fit through the tunnel."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft import mss_clamp
from ansible_collections.lvs.cluster.plugins.module_utils._nft.mss_clamp import MssClamp
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import SectionSeen
from tests.unit.helpers import all_refused, refused

from .sections import NOTHING, converged

RESOURCE = MssClamp()
BASE: dict[str, Any] = {"state": "present", "purge": False}
VIP, VIP6 = "192.0.2.80", "2001:db8::80"
DIRECTOR, DIRECTOR6 = "192.0.2.1", "2001:db8::1"
# Every route is an Ethernet's.
PATH_MTUS = {values.address("director", director): 1500 for director in (DIRECTOR, DIRECTOR6)}


def after(tunnels: Any, current: SectionSeen, **options: Any) -> tuple[list[str], SectionSeen]:
    """The statements, and what there is then."""
    return converged(RESOURCE, {**BASE, "tunnels": tunnels, **options}, current, path_mtus=PATH_MTUS)


def sizes(tunnels: Any, current: SectionSeen = NOTHING, **options: Any) -> Any:
    """What is announced then."""
    desired = RESOURCE.parse({**BASE, "tunnels": []})
    return RESOURCE.result(desired, after(tunnels, current, **options)[1])["sizes"]


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ({"vip": VIP, "director": DIRECTOR}, 1440),
        ({"vip": VIP, "director": DIRECTOR, "tunnel_type": "gue"}, 1428),
        ({"vip": VIP, "director": DIRECTOR, "tunnel_type": "gue", "tunnel_checksum": "checksum"}, 1428),
        ({"vip": VIP, "director": DIRECTOR, "tunnel_type": "gue", "tunnel_checksum": "remote_checksum"}, 1420),
        ({"vip": VIP, "director": DIRECTOR, "tunnel_type": "gre"}, 1436),
        ({"vip": VIP, "director": DIRECTOR6}, 1420),
        ({"vip": VIP6, "director": DIRECTOR}, 1420),
        ({"vip": VIP6, "director": DIRECTOR6}, 1400),
        ({"vip": VIP, "director": DIRECTOR, "path_mtu": 596}, 536),
        ({"vip": VIP6, "director": DIRECTOR, "path_mtu": 1300}, 1220),
        ({"vip": VIP6, "director": DIRECTOR6, "path_mtu": 1320}, 1220),
    ],
)
def test_size_that_fits(row: dict[str, Any], size: int) -> None:
    """The path's packet, without what the tunnel and TCP put into it."""
    assert sizes([row]) == {row["vip"]: size}


def test_set_and_rule_for_each_size() -> None:
    """VIPs of one size share them."""
    rows = [{"vip": vip, "director": DIRECTOR} for vip in (VIP, "192.0.2.81", VIP6)]
    assert after(rows, NOTHING)[0] == [
        "add table inet lvs_cluster",
        "add set inet lvs_cluster mss_1440 { type ipv4_addr; }",
        "add set inet lvs_cluster mss6_1420 { type ipv6_addr; }",
        "add chain inet lvs_cluster mss_clamp { type filter hook output priority -150; policy accept; }",
        (
            "add rule inet lvs_cluster mss_clamp ip saddr @mss_1440 tcp flags & (syn | ack) == (syn | ack)"
            ' tcp option maxseg size set 1440 comment "mss_clamp"'
        ),
        (
            "add rule inet lvs_cluster mss_clamp ip6 saddr @mss6_1420 tcp flags & (syn | ack) == (syn | ack)"
            ' tcp option maxseg size set 1420 comment "mss_clamp"'
        ),
        "add element inet lvs_cluster mss_1440 { 192.0.2.80 }",
        "add element inet lvs_cluster mss_1440 { 192.0.2.81 }",
        "add element inet lvs_cluster mss6_1420 { 2001:db8::80 }",
    ]


def test_vip_changes_its_size() -> None:
    """The one that it had goes, and with the last VIP its set and rule."""
    current = after([{"vip": vip, "director": DIRECTOR} for vip in (VIP, VIP6)], NOTHING)[1]
    statements, other = after([{"vip": VIP, "director": DIRECTOR, "path_mtu": 1400}], current)
    assert statements[-2:] == [
        "delete element inet lvs_cluster mss_1440 { 192.0.2.80 }",
        "delete set inet lvs_cluster mss_1440",
    ]
    assert sizes([], other) == {VIP: 1340, VIP6: 1420}
    assert [statement.split()[1] for statement in statements] == [
        "set",
        "chain",
        "chain",
        "rule",
        "rule",
        "element",
        "element",
        "set",
    ]


def test_smallest_of_several() -> None:
    """Whatever the order."""
    rows = [{"vip": VIP, "director": DIRECTOR, "path_mtu": mtu} for mtu in (1500, 1300, 1400)]
    assert sizes(rows) == sizes(rows[::-1]) == {VIP: 1240}


def test_what_goes() -> None:
    """Named VIPs, all others, or all."""
    current = after([{"vip": vip, "director": DIRECTOR} for vip in (VIP, VIP6)], NOTHING)[1]
    assert sizes([{"vip": VIP}], current, state="absent") == {VIP6: 1420}
    assert sizes([{"vip": VIP, "director": DIRECTOR}], current, purge=True) == {VIP: 1440}
    assert sizes([], current, state="absent") == {VIP: 1440, VIP6: 1420}
    assert after(None, current, state="absent")[1].items == {}
    assert after([], current, purge=True)[1].items == {}


@pytest.mark.parametrize(
    ("row", "option", "says"),
    [
        ({"vip": "x"}, "vip", "is not an IP address"),
        ({"vip": None}, "vip", "is missing: name the address that clients use"),
        ({"director": None}, "director", "is missing: name the address that the director sends tunnelled packets from"),
        ({"tunnel_type": "vxlan"}, "tunnel_type", "is not one of ipip, gue, gre"),
        ({"tunnel_checksum": "checksum"}, "tunnel_checksum", "checksum is not for tunnel_type=ipip"),
        ({"tunnel_checksum": "remote_checksum", "tunnel_type": "gre"}, "tunnel_checksum", "is not for tunnel_type=gre"),
        ({"path_mtu": 575}, "path_mtu", "575 is not in 576..65535"),
        ({"path_mtu": 1279, "director": DIRECTOR6}, "path_mtu", "1279 is not in 1280..65535"),
        ({"path_mtu": 595}, "path_mtu", "595 leaves segments of 535 bytes"),
        ({"path_mtu": 1299, "vip": VIP6}, "path_mtu", "has to take packets of 1300 bytes"),
    ],
)
def test_bad_row(row: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work, with its place."""
    options = {**BASE, "tunnels": [{"vip": VIP, "director": DIRECTOR, **row}]}
    with refused(f"tunnels[0], {option}", says):
        RESOURCE.parse(options)


def test_bad_options() -> None:
    """Outside the rows, and all faults at once."""
    with refused("tunnels", "is missing: name the VIPs"):
        RESOURCE.parse({**BASE, "tunnels": None})
    without_mtu = {**BASE, "tunnels": [{"vip": VIP, "director": DIRECTOR}]}
    director = values.address("director", DIRECTOR)
    with refused("tunnels[0], director", "add one, or set path_mtu"):
        converged(RESOURCE, without_mtu, NOTHING, path_mtus={director: None})
    with refused("tunnels[0], path_mtu", "590 leaves segments of 530 bytes"):
        converged(RESOURCE, without_mtu, NOTHING, path_mtus={director: 590})
    with refused("purge", "cannot go with state=absent"):
        RESOURCE.parse({"state": "absent", "purge": True, "tunnels": None})
    rows = [{"vip": "x", "director": "y"}, {"vip": VIP, "director": DIRECTOR, "path_mtu": 0, "tunnel_type": "z"}]
    with all_refused("tunnels[0], vip:", "tunnels[0], director:", "tunnels[1], tunnel_type:", "tunnels[1], path_mtu:"):
        RESOURCE.parse({**BASE, "tunnels": rows})


def test_size_is_predicted_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The route to a director is read where its path MTU is not given."""
    asked: list[str] = []

    def path_mtu(director: object) -> int:
        asked.append(str(director))
        return 1400

    monkeypatch.setattr(mss_clamp, "path_mtu", path_mtu)
    rows = [{"vip": VIP, "director": DIRECTOR}, {"vip": VIP6, "director": DIRECTOR6, "path_mtu": 1500}]
    desired = RESOURCE.parse({**BASE, "tunnels": rows})
    predicted = reconcile(RESOURCE.plan_without_host(desired), RESOURCE.empty_host())
    assert [change.item.diff_line() for change in predicted][-2:] == [
        "add element inet lvs_cluster mss_1340 { 192.0.2.80 }",
        "add element inet lvs_cluster mss6_1400 { 2001:db8::80 }",
    ]
    assert asked == [DIRECTOR]
