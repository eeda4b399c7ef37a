# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for, what sizes are tried, and what is said of what was found."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._core.values import Address
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight import Findings, Way, sizes, verdict, wanted_look

RIP: Address = IPv4Address("192.168.56.183")
DIP: Address = IPv4Address("192.168.56.181")
VIP: Address = IPv4Address("192.168.56.185")
PATH: dict[str, Any] = {
    "name": "rs1", "rip": str(RIP), "forward": "tunnel", "tunnel_type": "ipip", "tunnel_checksum": "none", "inner": [4],
    "mtu": None, "port": None,
}  # fmt: skip


def options(**given: Any) -> dict[str, Any]:
    return {"vips": [], "paths": [], "sources": [], "timeout": 2.0, **given}


def judged(way: Way, **path: Any) -> dict[str, Any]:
    plan = wanted_look(options(paths=[{**PATH, **path}], sources=[str(DIP)]))
    return verdict(plan, Findings({RIP: way}, {}, set()))


@given(st.integers(576, 65535), st.integers(576, 65535))
def test_search_ends_at_the_largest_that_passes(route: int, largest: int) -> None:
    """In at most five rounds, whatever the MTU."""
    passes, fails, rounds = 575, route, 0
    while tried := sizes(passes, fails):
        rounds += 1
        passes = max((size for size in tried if size <= largest), default=passes)
        fails = min((size for size in tried if size > passes), default=fails)
    assert passes == min(largest, route - 1) if route > 576 else passes == 575
    assert rounds <= 5


def test_all_bad_options_are_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        wanted_look(options(vips=["x"], paths=[{**PATH, "mtu": 1}], sources=["y"], timeout=float("nan")))
    assert [fault.option for fault in caught.value.faults] == ["vips[0], vip", "paths[0] (rs1), mtu", "sources[0]", "timeout"]


def test_mtu_that_is_not_measured_is_the_routes() -> None:
    told = judged(Way(source=DIP, route_mtu=1450, open_doors={80}), port=80, mtu=1450)
    assert (told["paths"][0]["mtu"], told["paths"][0]["inner_mtu"], told["warnings"]) == (1450, 1430, [])
    with pytest.raises(Invalid, match="mtu: 1500 is what the real server reckons with, but only 1450 pass"):
        judged(Way(source=DIP, route_mtu=1450, open_doors={80}), port=80, mtu=1500)


def test_masquerade_asks_neither_for_the_mtu_nor_for_the_source() -> None:
    way = Way(source=IPv4Address("10.0.0.5"), route_mtu=1500, mtu=1400, echo=True)
    assert judged(way, forward="masquerade", mtu=1500)["warnings"] == []
    with pytest.raises(Invalid, match=r"name 10\.0\.0\.5 in lvs_dip"):
        judged(way)


def test_answers_for_a_vip() -> None:
    """The own of this host are no answer, a real server's is a warning, any other a fault."""
    plan = wanted_look(options(vips=[str(VIP), "2001:db8::1"], paths=[PATH]))
    ways: dict[Address, Way] = {RIP: Way(source=DIP, route_mtu=1500, mtu=1500, echo=True, macs={"02:03"})}
    told = verdict(plan, Findings(ways, {VIP: {("02:01", "eth0"), ("02:03", "eth0")}}, {"02:01"}))
    assert (told["holders"], told["unchecked"]) == ({str(VIP): ["02:03"]}, [str(ip_address("2001:db8::1"))])
    assert "rs1 (02:03) answers for 192.168.56.185 on eth0" in told["warnings"][0]
    with pytest.raises(Invalid, match=r"vips\[0\]: 192.168.56.185 is answered for by 02:04 on eth1"):
        verdict(plan, Findings(ways, {VIP: {("02:04", "eth1")}}, {"02:01"}))
