# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted and what there is, to changes: by the state that they lead to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import (
    Change,
    Item,
    Seen,
    Transition,
    Wanted,
    change_facts,
    joined_facts,
    reconcile,
)
from tests.unit.helpers import all_refused, applied, reconciled, refused


@dataclass(frozen=True)
class Box(Item):
    """A thing with two fields, of which big ones cannot be red. The place where they are makes them no larger than 20."""

    KIND = "box"

    key: str
    size: int = 1
    colour: str = "grey"

    def check(self) -> None:
        """Each value is right by itself."""
        if self.size > 9 and self.colour == "red":
            raise InvalidValue("colour", self.colour, "is for small boxes: name another")

    def as_stored_by_kernel(self) -> Box:
        """No larger than 20."""
        return replace(self, size=min(self.size, 20))

    def command(self, action: str = "add") -> str:
        """In the words of a tool of our own."""
        return f"box {action} {self.key} {self.size} {self.colour}"

    def identity(self) -> dict[str, Any]:
        """Its name."""
        return {"name": self.key}


def want(key: str, where: str = "", **given: Any) -> Wanted[str, Box]:
    """A box of which some fields are given."""
    return Wanted(key, Box(key, **given), given, where)


def table(*boxes: Box) -> dict[Any, Box]:
    """The boxes that there are."""
    return {box.key: box for box in boxes}


def test_missing_item_is_added_with_defaults() -> None:
    """Fields that are not given have those of a new item."""
    assert reconciled([want("a", size=2)], {}) == [Change(None, Box("a", 2, "grey"))]


def test_only_given_fields_change() -> None:
    """The others stay as they are, not as a new item would have them."""
    current = table(Box("a", size=5, colour="blue"))
    changes = reconciled([want("a", size=2)], current)
    assert changes == [Change(Box("a", 5, "blue"), Box("a", 2, "blue"))]


@pytest.mark.parametrize("given", [{}, {"size": 5}, {"colour": "blue"}, {"size": 5, "colour": "blue"}])
def test_nothing_to_do(given: dict[str, Any]) -> None:
    """What is there already needs no change."""
    assert reconciled([want("a", **given)], table(Box("a", 5, "blue"))) == []


def test_removal() -> None:
    """What is there goes, and what is not there is no change."""
    assert reconciled([Wanted.absent("a"), Wanted.absent("b")], table(Box("a"))) == [Change(Box("a"), None)]


def test_unnamed_items_stay() -> None:
    """Nothing is done to what nobody named."""
    current = table(Box("other", 7), Box("a"), Box("b"))
    changes = reconciled([want("a", size=3), Wanted.absent("b"), want("c")], current)
    assert applied(changes, current) == table(Box("other", 7), Box("a", 3), Box("c"))


def test_removals_come_last_and_backwards() -> None:
    """What comes keeps the order of the description."""
    current = table(Box("a"), Box("b"), Box("d"))
    wanted = [Wanted.absent("a"), want("c"), Wanted.absent("b"), want("d", size=2), want("e")]
    assert [change.command() for change in reconciled(wanted, current)] == [
        "box add c 1 grey",
        "box set d 2 grey",
        "box add e 1 grey",
        "box remove b 1 grey",
        "box remove a 1 grey",
    ]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (want("a", size=10, colour="red"), None),
        (want("a", size=10), Box("a", 1, "red")),
        (want("a", colour="red"), Box("a", 10)),
    ],
)
def test_item_that_cannot_work_is_refused(wanted: Wanted[str, Box], there: Box | None) -> None:
    """Whether the values come from the description, or from what there is, too."""
    with pytest.raises(InvalidValue, match=r"^colour: "):
        reconciled([wanted], table(there) if there else {})


def test_item_that_exists_is_no_wish() -> None:
    """What was wrong before stays so: it is left as it is, and changed in other ways."""
    broken = Box("a", 10, "red")
    assert reconciled([want("a")], table(broken)) == []
    assert reconciled([want("a", size=10, colour="red")], table(broken)) == []
    assert reconciled([want("a", size=11)], table(broken)) == [Change(broken, Box("a", 11, "red"))]


def test_item_that_cannot_work_may_be_removed() -> None:
    """Removal asks nothing of it."""
    broken = Box("a", 10, "red")
    assert reconciled([Wanted.absent("a")], table(broken)) == [Change(broken, None)]


@pytest.mark.parametrize(
    ("wanted", "there", "changes"),
    [
        (want("a", size=30), None, [Change(None, Box("a", 20))]),
        (want("a", size=30), Box("a", 5), [Change(Box("a", 5), Box("a", 20))]),
        (want("a", size=30, colour="blue"), Box("a", 20), [Change(Box("a", 20), Box("a", 20, "blue"))]),
        (want("a", size=30), Box("a", 20), []),
        (want("a", size=30, colour="blue"), Box("a", 20, "blue"), []),
        (want("a"), Box("a", 30), []),
        (want("a", colour="grey"), Box("a", 30), []),
    ],
)
def test_value_that_is_kept_as_another(wanted: Wanted[str, Box], there: Box | None, changes: list[Change[Box]]) -> None:
    """What the place makes of it is what counts, so that a second run has nothing to do."""
    assert reconciled([wanted], table(there) if there else {}) == changes


def test_rules_see_the_item_as_it_is_kept() -> None:
    """As it shall be, not as it was described."""
    with pytest.raises(InvalidValue) as caught:
        reconciled([want("a", size=30, colour="red")], {})
    assert str(caught.value) == "colour: red is for small boxes: name another"


def test_fault_has_its_place() -> None:
    """The place in the list, in front of the option."""
    with refused("boxes[1], colour", "red is for small boxes: name another"):
        reconciled([want("a", "boxes[0]"), want("b", "boxes[1]", size=10, colour="red")], {})


def test_all_faults_are_named_at_once() -> None:
    """In the order of the description, wherever the values come from."""
    wanted = [
        want("a", "boxes[0]", size=10, colour="red"),
        want("b", "boxes[1]"),
        want("c", "boxes[2]", colour="red"),
        want("d", size=11),
    ]
    with all_refused("boxes[0], colour: red is for small", "boxes[2], colour: red is for small", "colour: red is for small"):
        reconciled(wanted, table(Box("c", 12), Box("d", 1, "red")))


def test_words_of_a_change() -> None:
    """What it does, to what, and the command for it; of what goes, as it was."""
    add, change, remove = Change(None, Box("a")), Change(Box("a"), Box("a", 2)), Change(Box("a"), None)
    assert [step.action for step in (add, change, remove)] == ["add", "set", "remove"]
    assert [step.item for step in (add, change, remove)] == [Box("a"), Box("a", 2), Box("a")]
    assert [step.command() for step in (add, change, remove)] == [
        "box add a 1 grey",
        "box set a 2 grey",
        "box remove a 1 grey",
    ]


def test_removal_that_goes_back_to_a_former_value() -> None:
    """Its command is that of setting it."""
    seen: Seen[str, Box, None] = Seen(table(Box("a", 5)), None, former={"a": Box("a", 2)})
    (change,) = reconcile([Wanted[str, Box].absent("a")], seen)
    assert change == Change(Box("a", 5), None, Box("a", 2))
    assert (change.action, change.command()) == ("remove", "box set a 2 grey")


def test_what_there_is_afterwards() -> None:
    """The context and what is owned stay."""
    seen: Seen[str, Box, str] = Seen(table(Box("a"), Box("b")), "context", owned={"a"})
    wanted = [want("a", size=2), Wanted[str, Box].absent("b"), want("c")]
    transition = Transition(wanted, seen, reconcile(wanted, seen))
    assert transition.after() == Seen(table(Box("a", 2), Box("c")), "context", owned={"a"})
    assert Transition([], seen, []).after() is seen


def test_changes_in_a_result() -> None:
    """Each with its key and its command; a command of several lines is several commands."""
    lines = Box("b\nbox again b")
    facts = change_facts([Change(None, Box("a")), Change(lines, None)])
    assert facts["changed"] is True
    assert facts["changes"] == [
        {"action": "add", "kind": "box", "key": {"name": "a"}, "command": "box add a 1 grey"},
        {"action": "remove", "kind": "box", "key": {"name": lines.key}, "command": lines.command("remove")},
    ]
    assert facts["commands"] == ["box add a 1 grey", "box remove b", "box again b 1 grey"]
    assert change_facts([]) == {"changed": False, "changes": [], "commands": []}


def test_a_result_has_the_first_thousand_changes_as_data_and_all_as_commands() -> None:
    facts = change_facts([Change(None, Box(str(number))) for number in range(1001)])
    assert [row["command"] for row in facts["changes"]] == facts["commands"][:1000]
    assert facts["commands"][1000] == "box add 1000 1 grey"


def test_changes_of_several_modules_as_those_of_one() -> None:
    """In their order, with the same limit."""
    first = change_facts([Change(None, Box(str(number))) for number in range(999)])
    last = change_facts([Change(None, Box(name)) for name in "ab"])
    facts = joined_facts([first, change_facts([]), last])
    assert facts["changed"] is True
    assert facts["changes"] == first["changes"] + last["changes"][:1]
    assert facts["commands"] == [*first["commands"], "box add a 1 grey", "box add b 1 grey"]
    assert joined_facts([change_facts([])]) == joined_facts([]) == change_facts([])


sizes, colours = st.integers(0, 3) | st.just(25), st.sampled_from(["blue", "grey"])
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={"size": sizes, "colour": colours})
keys = st.sampled_from("abcdef")
KEPT = {25: 20}


@st.composite
def wanted_boxes(draw: st.DrawFn) -> list[Wanted[str, Box]]:
    """A description that names each box once."""
    named = draw(st.lists(keys, unique=True))
    return [want(key, **draw(fields)) if draw(st.booleans()) else Wanted.absent(key) for key in named]


@given(wanted_boxes(), st.dictionaries(keys, fields))
def test_second_run_has_nothing_to_do(wanted: list[Wanted[str, Box]], there: dict[str, dict[str, Any]]) -> None:
    """What was named is as given, what was not is as it was, and nothing is left to change."""
    current = table(*(Box(key, **values).as_stored_by_kernel() for key, values in there.items()))
    after = applied(reconciled(wanted, current), current)
    assert reconciled(wanted, after) == []
    for item in wanted:
        assert (item.key in after) == (item.new is not None)
        assert all(getattr(after[item.key], name) == KEPT.get(value, value) for name, value in item.given.items())
    named = {item.key for item in wanted}
    assert {key: box for key, box in after.items() if key not in named} == {
        key: box for key, box in current.items() if key not in named
    }
