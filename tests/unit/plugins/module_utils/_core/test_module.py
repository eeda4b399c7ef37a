# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a result: of one module, and of several in one process."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible.module_utils.ansible_release import __version__
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.lvs.cluster.plugins.module_utils._core import boot_files
from ansible_collections.lvs.cluster.plugins.module_utils._core import module as runner
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    InvalidValue,
    InvalidValues,
    LvsError,
    NotYetThere,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import Step, prepared, run, run_reading, run_steps
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Options
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Item, Seen, Transition, Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._core.resource import Backend, Desired, Resource
from tests.unit.helpers import all_refused, refused

# From 2.21 on, a result has the options only where Ansible asks for them.
ASKED_FOR = {} if __version__.startswith(("2.19.", "2.20.")) else {"_ansible_inject_invocation": True}
SPEC: dict[str, Any] = {
    "boxes": {"type": "list", "elements": "str", "default": []},
    "size": {"type": "int", "choices": [1, 2], "aliases": ["length"]},
    "rows": {"type": "list", "elements": "dict"},
}


@dataclass(frozen=True)
class Box(Item):
    """A thing with a name."""

    KIND = "box"

    key: str

    def command(self, action: str = "add") -> str:
        """In the words of a tool of our own."""
        return f"box {action} {self.key}"

    def diff_line(self) -> str:
        """Its name."""
        return self.key

    def identity(self) -> dict[str, Any]:
        """Its name."""
        return {"name": self.key}


@dataclass
class Shelf(Backend[Any, str, Box, None]):
    """Where boxes are, unless there is an error."""

    boxes: list[str] = field(default_factory=list)
    on_read: LvsError | None = None
    on_apply: LvsError | None = None
    on_check: LvsError | None = None

    def check(self, transition: Transition[str, Box, None]) -> None:
        """Nothing is refused, unless there is an error and there are changes."""
        if self.on_check and transition.changes:
            raise self.on_check

    def read(self, desired: Desired[str, Box]) -> Seen[str, Box, None]:
        """The boxes."""
        if self.on_read:
            raise self.on_read
        return Seen({name: Box(name) for name in self.boxes}, None)

    def apply(self, transition: Transition[str, Box, None]) -> None:
        """Add boxes."""
        if self.on_apply:
            raise self.on_apply
        self.boxes += [change.item.key for change in transition.changes]


@dataclass
class Boxes(Resource[Any, str, Box, None, Shelf]):
    """Boxes on a shelf."""

    shelf: Shelf = field(default_factory=Shelf)
    after_change: LvsError | None = None

    def parse(self, options: Options) -> Desired[str, Box]:
        """The boxes by their names."""
        return Desired([Wanted(name, Box(name), {}) for name in options["boxes"]])

    def open(self, desired: Desired[str, Box]) -> Shelf:
        """The shelf."""
        return self.shelf

    def result(self, desired: Desired[str, Box], seen: Seen[str, Box, None]) -> dict[str, Any]:
        """All boxes, with a warning."""
        return {"boxes": list(seen.items), "warnings": ["boxes are heavy"]}

    def after(self, *_arguments: object) -> dict[str, Any]:
        """Count them."""
        if self.after_change:
            raise self.after_change
        return {"counted": len(self.shelf.boxes)}


@pytest.fixture(autouse=True)
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that were given."""
    given: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, warning, **_more: given.append(warning))
    return given


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs something with options as Ansible would give them, and returns what it prints."""
    monkeypatch.setattr(gc, "disable", lambda: None)
    monkeypatch.setattr(boot_files, "exist", lambda: False)

    def returned(work: Callable[[], None], check_mode: bool = False, **options: Any) -> dict[str, Any]:
        with patch_module_args({**options, **ASKED_FOR, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            work()
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return returned


def added(*names: str) -> dict[str, Any]:
    """The return values of added boxes."""
    rows = [{"action": "add", "kind": "box", "key": {"name": name}, "command": f"box add {name}"} for name in names]
    return {"changed": bool(names), "changes": rows, "commands": [row["command"] for row in rows]}


def test_module_that_changes_something(call: Call, warned: list[str]) -> None:
    boxes = Boxes(Shelf(["a"]))
    result = call(lambda: run(SPEC, boxes), boxes=["a", "b"])
    diff = {"before": "", "after": "b\n"}
    options = {"boxes": ["a", "b"], "size": None, "length": None, "rows": None}
    own = {"boxes": ["a", "b"], "counted": 2}
    invocation = {name: value for name, value in options.items() if name != "length"}
    assert result == {**added("b"), **own, "diff": diff, "invocation": {"module_args": invocation}}
    assert warned == ["boxes are heavy"]


def test_check_mode_changes_nothing(call: Call) -> None:
    boxes = Boxes()
    assert call(lambda: run(SPEC, boxes), check_mode=True, boxes=["a"])["changed"] is True
    assert boxes.shelf.boxes == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_refused_before_anything_is_changed(call: Call, check_mode: bool) -> None:
    """In check mode, too; where nothing changes, nothing is refused."""
    boxes = Boxes(Shelf(["a"], on_check=LvsError("somebody else's shelf")))
    result = call(lambda: run(SPEC, boxes), check_mode=check_mode, boxes=["b"])
    assert (result["failed"], result["msg"], boxes.shelf.boxes) == (True, "somebody else's shelf", ["a"])
    assert call(lambda: run(SPEC, boxes), check_mode=check_mode, boxes=["a"])["changed"] is False


def test_check_mode_goes_on_without_what_is_missing(call: Call, warned: list[str]) -> None:
    boxes = Boxes(Shelf(on_read=NotYetThere("there is no shelf")))
    assert call(lambda: run(SPEC, boxes), check_mode=True, boxes=["a"])["commands"] == ["box add a"]
    assert warned == ["check mode: there is no shelf; shown as if nothing were there", "boxes are heavy"]
    failed = call(lambda: run(SPEC, boxes), boxes=["a"])
    assert (failed["failed"], failed["msg"]) == (True, "there is no shelf")


def test_failure_after_the_changes_returns_them(call: Call) -> None:
    result = call(lambda: run(SPEC, Boxes(after_change=LvsError("too many", {"left": 1}))), boxes=["a"])
    assert {**result, **added("a"), "failed": True, "msg": "too many", "left": 1} == result


def test_module_that_reads(call: Call) -> None:
    result = call(lambda: run_reading(SPEC, lambda options: {"named": options["boxes"]}), boxes=["a"])
    assert (result["changed"], result["named"]) == (False, ["a"])


@pytest.mark.parametrize("work", [lambda: run(SPEC, Boxes()), lambda: run(SPEC, Boxes(Shelf(on_apply=LvsError("full"))))])
def test_long_lists_are_repeated_as_their_number(call: Call, work: Callable[[], None]) -> None:
    """Also in a row of a list, and of a module that fails."""
    many = ["x"] * 101
    repeated = call(work, boxes=["x"] * 100, rows=[{"names": many, "other": [1]}, {"names": many[1:]}])["invocation"]
    rows = [{"names": "101 names", "other": [1]}, {"names": many[1:]}]
    assert repeated["module_args"] == {"boxes": ["x"] * 100, "size": None, "rows": rows}
    assert call(work, boxes=many)["invocation"]["module_args"]["boxes"] == "101 boxes"


def steps(*resources: Boxes) -> Callable[[], None]:
    """A module that runs several, each with a box of its own."""
    work = [prepared(resource, {"boxes": [f"box{number}"]}) for number, resource in enumerate(resources)]
    made = [Step(f"steps[{number}] boxes", "boxes", step) for number, step in enumerate(work)]
    return lambda: run_steps(SPEC, lambda _options: made, lambda _options: ())


def test_steps_run_in_order(call: Call) -> None:
    """The second finds what the first made; all their changes are those of the whole."""
    shelf = Shelf()
    result = call(steps(Boxes(shelf), Boxes(shelf)))
    first = {"module": "boxes", **added("box0"), "boxes": ["box0"], "counted": 1}
    second = {"module": "boxes", **added("box1"), "boxes": ["box0", "box1"], "counted": 2}
    assert result.pop("results") == [first, second]
    del result["invocation"]
    assert result == {**added("box0", "box1"), "diff": {"before": "", "after": "box0\nbox1\n"}}


def test_steps_that_change_nothing(call: Call) -> None:
    result = call(steps(Boxes(Shelf(["box0"]))))
    assert [result[name] for name in ("changed", "changes", "commands")] == [False, [], []]
    assert result["diff"] == {"before": "", "after": ""}


def test_steps_in_check_mode(call: Call, warned: list[str]) -> None:
    shelf = Shelf()
    result = call(steps(Boxes(shelf), Boxes(Shelf(on_read=NotYetThere("no shelf")))), check_mode=True)
    assert (result["commands"], shelf.boxes) == (["box add box0", "box add box1"], [])
    assert warned == ["boxes are heavy", "check mode: no shelf; shown as if nothing were there", "boxes are heavy"]


def test_reading_step(call: Call) -> None:
    """It has the return values that all steps have."""
    step = Step("steps[0] look", "look", prepared(lambda options: {"named": options["boxes"]}, {"boxes": ["a"]}))
    assert call(lambda: run_steps(SPEC, lambda _options: [step], lambda _options: ()))["results"] == [
        {"module": "look", **added(), "named": ["a"]}
    ]


PARTLY = {**added("box1"), "refused": ["box add box2"]}


@pytest.mark.parametrize(
    ("failing", "message", "facts"),
    [
        (Boxes(Shelf(on_read=LvsError("no access"))), "steps[1] boxes: no access", added()),
        (Boxes(Shelf(on_apply=LvsError("some refused", PARTLY))), "steps[1] boxes: some refused", PARTLY),
        (Boxes(Shelf(on_apply=InvalidValue("box", 3, "is wrong"))), "steps[1] boxes, box: 3 is wrong", added()),
        (
            Boxes(Shelf(on_apply=InvalidValues([InvalidValue("a", 1, "is one"), InvalidValue("b", 2, "is two")]))),
            "steps[1] boxes, a: 1 is one\nsteps[1] boxes, b: 2 is two",
            added(),
        ),
    ],
)
def test_step_that_fails_is_the_last(call: Call, failing: Boxes, message: str, facts: Mapping[str, Any]) -> None:
    """What was made is returned, of the step that failed, too."""
    before, behind = Boxes(), Boxes()
    result = call(steps(before, failing, behind))
    assert (result["failed"], result["msg"]) == (True, message)
    assert (before.shelf.boxes, behind.shelf.boxes) == (["box0"], [])
    assert result["changed"] is True
    assert result["commands"] == ["box add box0", *facts["commands"]]
    first, second = result["results"]
    assert first["commands"] == ["box add box0"]
    said = second.pop("msg")
    assert second == {"module": "boxes", **facts, "failed": True}
    assert said in message or said.startswith("2 invalid values")
    assert result["diff"] == {"before": "", "after": "box0\n"}


def test_step_that_fails_in_check_mode(call: Call) -> None:
    """Nothing is made, so that the others are shown nevertheless; each that fails is named."""
    failing = [Boxes(Shelf(on_read=LvsError(reason))) for reason in ("no access", "gone")]
    result = call(steps(failing[0], Boxes(), failing[1]), check_mode=True)
    assert result["msg"] == "steps[0] boxes: no access\nsteps[2] boxes: gone"
    assert [step.get("failed", False) for step in result["results"]] == [True, False, True]
    assert result["commands"] == ["box add box1"]


def test_changes_after_which_a_step_fails_are_in_the_diff(call: Call) -> None:
    result = call(steps(Boxes(after_change=LvsError("too many"))))
    assert (result["failed"], result["changed"], result["diff"]["after"]) == (True, True, "box0\n")


def test_options_are_checked_as_ansible_does() -> None:
    checked = runner.checked(SPEC, {"boxes": "a,b", "length": "2"}, "steps[0] boxes")
    assert (checked["boxes"], checked["size"], checked["rows"]) == (["a", "b"], 2, None)
    assert runner.checked({}, {}, "steps[0] boxes") == {}


CODE = {"type": "str", "no_log": True}
LOCKED: dict[str, Any] = {
    "code": CODE,
    "lid": {"type": "dict", "options": {"code": CODE, "size": {"type": "int"}}},
    "drawers": {"type": "list", "elements": "dict", "options": {"code": CODE}},
}


@pytest.mark.parametrize(
    ("options", "secrets"),
    [
        ({}, []),
        ({"code": None, "lid": {"code": "", "size": 3}, "drawers": None}, []),
        ({"code": "one", "lid": {"code": "two", "size": 3}}, ["one", "two"]),
        ({"drawers": [{"code": 1234}, {}, {"code": "four"}]}, ["1234", "four"]),
        ({"lid": "not a dictionary", "drawers": {"code": "five"}, "codes": "x"}, ["five"]),
        ("not a dictionary", []),
    ],
)
def test_secrets_are_known_whatever_is_wrong(options: object, secrets: list[str]) -> None:
    assert list(runner.secrets_of(LOCKED, options)) == secrets


@pytest.mark.parametrize("fault", [False, True])
def test_secrets_of_steps_are_nowhere(fault: bool, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the host's log, nor in the result, nor in the options that it repeats: also where they are invalid."""
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda _module, line, **_more: logged.append(line))

    def read(options: Options) -> list[Step]:
        if fault:
            raise InvalidValue("rows", options["rows"][0]["code"], "is wrong")
        return [Step("rows[0]", "boxes", lambda _module: {**added("s3cret"), "said": "it is s3cret"})]

    result = call(lambda: run_steps(SPEC, read, lambda options: [options["rows"][0]["code"]]), rows=[{"code": "s3cret"}])
    assert result.get("failed", False) is fault
    assert "rows=" in logged[0]
    assert "rows" in result["invocation"]["module_args"]
    assert "s3cret" not in f"{logged}{result}"


def test_every_option_that_ansible_refuses_is_named() -> None:
    with all_refused("steps[0] boxes: ", "steps[0] boxes: "):
        runner.checked({**SPEC, "depth": {"type": "int"}}, {"size": 3, "depth": "x"}, "steps[0] boxes")
    with refused("steps[0] boxes", "size must be one of: 1, 2, got: 3"):
        runner.checked(SPEC, {"size": 3}, "steps[0] boxes")
    with pytest.raises(InvalidValue, match=r"^steps\[0\] boxes: missing required arguments: name$"):
        runner.checked({"name": {"required": True}}, {}, "steps[0] boxes")


def test_unknown_options() -> None:
    valid = "valid options are boxes, size, rows, length"
    with all_refused(
        f"steps[0] boxes, sice: 1 is an unknown option: {valid}", "steps[0] boxes, colour: ", "steps[0] boxes: "
    ):
        runner.checked(SPEC, {"sice": 1, "colour": 2, "size": 3}, "steps[0] boxes")
    with refused("steps[0] boxes, sice", "valid options are none"):
        runner.checked({}, {"sice": 1}, "steps[0] boxes")
    with refused("steps[0] boxes, value", "'a' is not a dictionary: write some of boxes, size, rows, length"):
        runner.checked(SPEC, "a", "steps[0] boxes")
