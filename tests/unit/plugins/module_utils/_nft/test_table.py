# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table's sections: what is added, what is removed with the last element, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import (
    Change,
    Wanted,
    after,
    change_facts,
    reconcile,
)
from ansible_collections.lvs.cluster.plugins.module_utils._nft import table as nft
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import SectionContext, SectionSeen

SET = nft.NamedSet.of("guests", "ipv4_addr")
RULE = nft.Rule.of("party", "ip saddr @guests counter drop", "match", "counter", "drop")
CHAIN = nft.Chain(nft.ItemKey("chain", "party"), "type filter hook input priority 0; policy accept;", (RULE.text,))


def sets(elements: Collection[nft.ElementKey]) -> Sequence[nft.NamedSet]:
    """As simple as a section can be."""
    return (SET,) if elements else ()


SECTION = nft.TableSection("guests", CHAIN.key, CHAIN.hook, sets, lambda sets: [RULE])
FIRST, SECOND = (nft.Element(nft.ElementKey("guests", (f"192.0.2.{number}",))) for number in (1, 2))
WHOLE: dict[Any, Any] = {item.key: item for item in (nft.Table(), SET, CHAIN, FIRST)}


def seen(items: dict[Any, Any], **context: Any) -> SectionSeen:
    """A section as it was read."""
    return SectionSeen(items, SectionContext(**context))


def changes(wanted: list[Wanted[Any, Any]], current: SectionSeen, **options: Any) -> list[Change[Any]]:
    """What a plan changes."""
    return reconcile(SECTION.plan(wanted, current, **options), current)


def statements(wanted: list[Wanted[Any, Any]], items: dict[Any, Any], **options: Any) -> list[str]:
    """The same, as nft reads it."""
    return [
        str(statement)
        for change in changes(wanted, seen(items), **options)
        for statement in change.item.statements(change.action)
    ]


def test_first_element_brings_the_section() -> None:
    """What is referred to comes first."""
    assert statements([FIRST.wanted()], {}) == [
        "add table inet lvs_cluster",
        "add set inet lvs_cluster guests { type ipv4_addr; }",
        "add chain inet lvs_cluster party { type filter hook input priority 0; policy accept; }",
        'add rule inet lvs_cluster party ip saddr @guests counter drop comment "party"',
        "add element inet lvs_cluster guests { 192.0.2.1 }",
    ]
    assert after({}, changes([FIRST.wanted()], seen({}))) == WHOLE
    assert changes([FIRST.wanted()], seen(WHOLE)) == []


@pytest.mark.parametrize("items", [WHOLE, dict(reversed(list(WHOLE.items())))])
def test_last_element_takes_the_section_along(items: dict[Any, Any]) -> None:
    """In the opposite order, however nft lists it."""
    assert statements([FIRST.absent()], items) == [
        "delete element inet lvs_cluster guests { 192.0.2.1 }",
        "delete chain inet lvs_cluster party",
        "delete set inet lvs_cluster guests",
        "delete table inet lvs_cluster",
    ]
    assert changes([FIRST.absent()], seen({})) == []


def test_table_stays_for_others() -> None:
    """The section is removed, and nothing else."""
    shared = seen(WHOLE, shared=True)
    assert after(shared.items, changes([FIRST.absent()], shared)) == {nft.Table.key: nft.Table()}


def test_commands_can_be_typed() -> None:
    """What the shell would interpret is quoted; a result names what changes."""
    facts = change_facts(changes([FIRST.wanted()], seen({})))
    assert facts["commands"] == [
        "nft add table inet lvs_cluster",
        "nft add set inet lvs_cluster guests '{ type ipv4_addr; }'",
        "nft add chain inet lvs_cluster party '{ type filter hook input priority 0; policy accept; }'",
        "nft add rule inet lvs_cluster party 'ip saddr @guests counter drop comment \"party\"'",
        "nft add element inet lvs_cluster guests '{ 192.0.2.1 }'",
    ]
    assert [(row["action"], row["kind"], row["key"]) for row in facts["changes"]] == [
        ("add", "table", {"name": "inet lvs_cluster"}),
        ("add", "set", {"name": "guests"}),
        ("add", "chain", {"name": "party"}),
        ("add", "element", {"set": "guests", "match": "192.0.2.1"}),
    ]
    assert nft.NamedMap.of("ports", "inet_service : inet_service").command("set").splitlines() == [
        "nft delete map inet lvs_cluster ports",
        "nft add map inet lvs_cluster ports '{ type inet_service : inet_service; }'",
    ]


def test_diff_shows_what_is_added() -> None:
    """A chain has a line for each rule."""
    assert CHAIN.diff_line() == (
        "add chain inet lvs_cluster party { type filter hook input priority 0; policy accept; }\n"
        'add rule inet lvs_cluster party ip saddr @guests counter drop comment "party"'
    )


@pytest.mark.parametrize(
    "found",
    [
        replace(CHAIN, rules=()),
        replace(CHAIN, rules=(RULE.text, RULE.text)),
        replace(CHAIN, rules=("ip saddr @guests counter drop",)),
        replace(CHAIN, hook="type filter hook input priority 1; policy accept;"),
    ],
)
@pytest.mark.parametrize("wanted", [[FIRST.wanted()], [SECOND.absent()]])
def test_chain_that_was_changed_is_made_anew(found: nft.Chain, wanted: list[Wanted[Any, Any]]) -> None:
    """Nothing else is touched."""
    assert statements(wanted, {**WHOLE, CHAIN.key: found}) == [
        "delete chain inet lvs_cluster party",
        "add chain inet lvs_cluster party { type filter hook input priority 0; policy accept; }",
        'add rule inet lvs_cluster party ip saddr @guests counter drop comment "party"',
    ]


def test_more_is_removed_on_request() -> None:
    """Named elements stay."""
    current = {**WHOLE, SECOND.key: SECOND}
    assert statements([FIRST.wanted()], current) == []
    assert statements([FIRST.wanted()], current, remove=lambda key: True) == [
        "delete element inet lvs_cluster guests { 192.0.2.2 }"
    ]


def test_another_value_takes_two_statements() -> None:
    """In one transaction."""
    key = nft.ElementKey("sizes", ("192.0.2.1", "tcp", "80"))
    assert [str(statement) for statement in nft.Element(key, 2).statements("set")] == [
        "delete element inet lvs_cluster sizes { 192.0.2.1 . tcp . 80 }",
        "add element inet lvs_cluster sizes { 192.0.2.1 . tcp . 80 : 2 }",
    ]
