# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destinations that are named by their RIP alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.values import any_address
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.found_by_rip import found_by_rip
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import IpvsTable
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    TableItem,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import destination_of

WEB = ServiceKey.of({"vip": "192.0.2.1", "port": 80})
MARK = ServiceKey.of({"fwmark": 1})
RIP = "198.51.100.23"


def at(service: ServiceKey, port: int, rip: str = RIP, **configuration: Any) -> Destination:
    return Destination(DestinationKey(service, any_address("rip", rip), port), **configuration)


def changes(options: dict[str, Any], *there: Destination, masqueraded: bool = True) -> list[tuple[Any, Any]]:
    """The changes that an option makes of destinations, as pairs of before and after."""
    service = there[0].key.service
    items = {destination.key: destination for destination in there}
    wanted = found_by_rip([destination_of(service, {"rip": RIP, **options})], items, masqueraded)
    return [(change.before, change.after) for change in reconcile(wanted, Seen(items, None))]


@pytest.mark.parametrize("there", [at(MARK, 80), at(WEB, 8080), at(WEB, 0), at(WEB, 8080, forward="route")])
@pytest.mark.parametrize("masqueraded", [True, False])
def test_the_only_one_of_its_real_server(there: Destination, masqueraded: bool) -> None:
    """It is changed, left as it is, or removed: no other one appears."""
    assert changes({}, there, masqueraded=masqueraded) == []
    assert changes({"weight": 6}, there, masqueraded=masqueraded) == [(there, replace(there, weight=6))]
    assert changes({"state": "absent"}, there, masqueraded=masqueraded) == [(there, None)]
    assert changes({"rport": there.key.port, "weight": 6}, there) == [(there, replace(there, weight=6))]


def test_masquerade() -> None:
    """A port that packets are rewritten to: a list names it, a single destination may leave it out."""
    there = at(WEB, 8080, forward="masquerade")
    assert changes({"weight": 6}, there) == [(there, replace(there, weight=6))]
    assert changes({"state": "absent"}, there) == [(there, None)]
    listed = {"forward": "masquerade", "weight": 6}
    assert changes(listed, there) == [(there, replace(there, weight=6))]
    new = at(WEB, 80, forward="masquerade", weight=6)
    assert changes(listed, there, masqueraded=False) == [(None, new)]
    # What rewrites ports is no longer the same without it.
    assert changes({"forward": "tunnel"}, there) == [(None, at(WEB, 80))]
    assert changes({"forward": "masquerade"}, at(WEB, 8080)) == [(None, at(WEB, 80, forward="masquerade"))]


def test_several_of_a_real_server() -> None:
    """The one on the service's port is meant; without it, none of the others is."""
    one, other, own = at(WEB, 8080), at(WEB, 8081), at(WEB, 80)
    assert changes({"weight": 6}, one, other) == [(None, at(WEB, 80, weight=6))]
    assert changes({"weight": 6}, one, own) == [(own, replace(own, weight=6))]
    assert changes({"state": "absent"}, one, other) == []
    elsewhere = at(WEB, 8080, rip="198.51.100.24")
    assert changes({"weight": 6}, elsewhere) == [(None, at(WEB, 80, weight=6))]


def test_list_that_names_the_port_of_another() -> None:
    """The one with the port is that one."""
    there = at(WEB, 8080)
    rows: list[dict[str, Any]] = [{"rip": RIP}, {"rip": RIP, "rport": 8080}]
    wanted = [destination_of(WEB, row) for row in rows]
    assert found_by_rip(wanted, {there.key: there}, masqueraded=True) == wanted


def test_purge_of_a_table() -> None:
    """What is found by its RIP is no stranger."""
    there: dict[Any, TableItem] = {MARK: Service(MARK, "wrr"), at(MARK, 80).key: at(MARK, 80)}
    table = IpvsTable()
    row = {"fwmark": 1, "scheduler": "wrr", "destinations": [{"rip": RIP, "weight": 3}]}
    asked = table.parse(
        {"services": [row], "purge": "destinations", "keep_weights": False, "keep_drained": True, "unprepared": [RIP]}
    )
    seen = Seen(there, None)
    found = reconcile(table.plan(asked, seen), seen)
    assert found == [Change(at(MARK, 80), at(MARK, 80, weight=3))]


PORTS = st.sampled_from([0, 80, 443, 8080])


@given(
    service=st.sampled_from([WEB, MARK]),
    ports=st.lists(PORTS, min_size=1, max_size=3, unique=True),
    forward=st.sampled_from(["tunnel", "route", "masquerade"]),
    weight=st.integers(0, 5),
)
def test_no_second_one_where_each_is_named(service: ServiceKey, ports: list[int], forward: str, weight: int) -> None:
    """Options with the port that a destination has are always those of that destination."""
    there = [at(service, port, forward=forward) for port in ports]
    for destination in there:
        facts = {name: value for name, value in destination.facts().items() if name not in ("drained", "weight")}
        made = changes({**facts, "weight": weight}, *there)
        assert made == ([(destination, replace(destination, weight=weight))] if weight != 1 else [])
