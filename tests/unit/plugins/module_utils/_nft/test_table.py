# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table's parts: what comes, what goes with its last element, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Faults, raise_all
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Item, Wanted, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft import table as nft
from tests.unit.helpers import all_refused, applied, refused

SET = nft.NamedSet("set", "guests", "ipv4_addr")
RULE = nft.Rule.of("party", "ip saddr @guests counter drop", "match", "counter", "drop")
CHAIN = nft.Chain("party", "type filter hook input priority 0; policy accept;", (RULE,))


def shape(elements: Collection[nft.ElementKey]) -> Sequence[Item]:
    """As simple as a part can be."""
    return (SET, CHAIN) if elements else ()


PART = nft.Part(sets="guests", chain="party", shape=shape)
ONE, TWO = (nft.Element(nft.ElementKey("guests", (f"192.0.2.{number}",))) for number in (1, 2))
WHOLE: dict[Any, Any] = {item.key: item for item in (nft.Table(), SET, CHAIN, ONE)}


def changes(wanted: list[Wanted[Any]], current: dict[Any, Any], **options: Any) -> list[Change[Any]]:
    """What a plan changes."""
    return reconcile(PART.plan(wanted, current, **options), current)


def commands(wanted: list[Wanted[Any]], current: dict[Any, Any], **options: Any) -> list[str]:
    """The same, as nft reads it."""
    return [line for change in changes(wanted, current, **options) for line in change.line().splitlines()]


def test_first_element_brings_the_part() -> None:
    """What is referred to comes first."""
    assert commands([ONE.wanted()], {}) == [
        "add table inet lvs_cluster",
        "add set inet lvs_cluster guests { type ipv4_addr; }",
        "add chain inet lvs_cluster party { type filter hook input priority 0; policy accept; }",
        'add rule inet lvs_cluster party ip saddr @guests counter drop comment "party"',
        "add element inet lvs_cluster guests { 192.0.2.1 }",
    ]
    assert applied(changes([ONE.wanted()], {}), {}) == WHOLE
    assert changes([ONE.wanted()], WHOLE) == []


def test_last_element_takes_the_part_along() -> None:
    """In the opposite order."""
    assert commands([Wanted.absent(ONE.key)], WHOLE) == [
        "delete element inet lvs_cluster guests { 192.0.2.1 }",
        "delete chain inet lvs_cluster party",
        "delete set inet lvs_cluster guests",
        "delete table inet lvs_cluster",
    ]
    assert changes([Wanted.absent(ONE.key)], {}) == []


def test_table_stays_for_others() -> None:
    """The part goes, and nothing else."""
    shared = {**WHOLE, nft.Table.key: nft.Table(shared=True)}
    after = applied(changes([Wanted.absent(ONE.key)], shared), shared)
    assert after == {nft.Table.key: nft.Table()}


@pytest.mark.parametrize(
    "found",
    [
        replace(CHAIN, rules=()),
        replace(CHAIN, rules=(RULE, RULE)),
        replace(CHAIN, rules=(replace(RULE, comment=""),)),
        replace(CHAIN, rules=(replace(RULE, lookups=("others",)),)),
        replace(CHAIN, rules=(replace(RULE, statements=("match", "match", "counter", "drop")),)),
        replace(CHAIN, hook="type filter hook input priority 1; policy accept;"),
    ],
)
@pytest.mark.parametrize("wanted", [[ONE.wanted()], [Wanted.absent(TWO.key)]])
def test_chain_that_was_changed_is_made_anew(found: nft.Chain, wanted: list[Wanted[Any]]) -> None:
    """Nothing else is touched."""
    assert commands(wanted, {**WHOLE, CHAIN.key: found}) == [
        "delete chain inet lvs_cluster party",
        "add chain inet lvs_cluster party { type filter hook input priority 0; policy accept; }",
        'add rule inet lvs_cluster party ip saddr @guests counter drop comment "party"',
    ]


def test_counters_and_spelling_are_no_change() -> None:
    """What nft lists in other words is the same rule."""
    found = replace(CHAIN, rules=(replace(RULE, text="in other words"),), dropped=(7, 700))
    current = {**WHOLE, CHAIN.key: found}
    assert changes([ONE.wanted()], current) == []


def test_more_goes_where_it_is_said() -> None:
    """Named elements stay."""
    current = {**WHOLE, TWO.key: TWO}
    assert commands([ONE.wanted()], current) == []
    assert commands([ONE.wanted()], current, goes=lambda key: True) == [
        "delete element inet lvs_cluster guests { 192.0.2.2 }"
    ]


def test_another_value_takes_two_commands() -> None:
    """In one transaction."""
    key = nft.ElementKey("sizes", ("192.0.2.1", "tcp", "80"))
    assert Change(nft.Element(key, 1), nft.Element(key, 2)).line().splitlines() == [
        "delete element inet lvs_cluster sizes { 192.0.2.1 . tcp . 80 }",
        "add element inet lvs_cluster sizes { 192.0.2.1 . tcp . 80 : 2 }",
    ]


def test_purge_is_for_what_shall_be_there() -> None:
    """Everything at once would go otherwise."""
    assert nft.purges({"purge": True, "state": "present"})
    assert not nft.purges({"purge": False, "state": "absent"})
    with refused("purge", "leave it out, and name what shall go"):
        nft.purges({"purge": True, "state": "absent"})


def test_rows_say_where_they_are_wrong() -> None:
    """All of them."""
    faults = Faults()
    given = [{"a": 1}, 7, {"b": 1, "c": 1}, {}]
    found = nft.rows("list", given, ("a",), lambda row: nft.required(row, "a", "name it"), faults)
    assert found == {"list[0]": 1}
    with all_refused(
        "list[1], value: 7 is not a dictionary", "list[2], b: 1 is for", "list[2], c: 1 is for", "list[3], a: is missing"
    ):
        raise_all(faults.found)
