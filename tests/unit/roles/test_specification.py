# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of the users' variables agrees with their defaults, the README of the role and their use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
ROLE = PROJECT / "roles/lvs"
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir())
FILES = sorted([*PROJECT.glob("roles/*/[tv]*/*.yml"), *PROJECT.glob("playbooks/*.yml"), *PROJECT.glob("playbooks/*/*.j2")])
README = (ROLE / "README.md").read_text(encoding="utf-8")


def entry_points(role: str) -> dict[str, dict[str, Any]]:
    """The entry points of a role, from its specification."""
    specification = yaml.safe_load((PROJECT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    points: dict[str, dict[str, Any]] = specification["argument_specs"]
    return points


OPTIONS: dict[str, dict[str, Any]] = entry_points("lvs")["main"]["options"]


def summary(option: dict[str, Any]) -> str:
    """The first paragraph of an option's description, in Markdown."""
    description = option["description"]
    first = description if isinstance(description, str) else description[0]
    return re.sub(r"\b[CMOV]\(((?:[^()]|\([^()]*\))*)\)", lambda markup: f"`{_name(markup[1])}`", first)


def _name(reference: str) -> str:
    """The name of an option without the names of those that contain it; O(module#module:option) keeps the module."""
    module, _separator, option = reference.rpartition("#module:")
    return f"{option}` of `{module}" if module else reference.rpartition("[].")[2].rpartition("#role:main:")[2]


def row(name: str, option: dict[str, Any]) -> str:
    """A line of the table of variables."""
    kind = option["type"] if "elements" not in option else f"{option['type']} of {option['elements']}"
    choices = ", ".join(f"`{choice}`" for choice in option.get("choices", ()))
    return f"| `{name}` | {kind}{choices and f': {choices}'} | {default_of(option)} | {summary(option)} |"


def default_of(option: dict[str, Any]) -> str:
    """The default of an option, in Markdown; empty if there is none."""
    if "default" not in option:
        return "required" if option.get("required") else ""
    default = option["default"]
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def table(options: dict[str, dict[str, Any]]) -> str:
    """The table of variables that the README has."""
    lines = ["| name | type | default | description |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(row(name, option) for name, option in options.items())])


SERVICE = OPTIONS["lvs_services"]["options"]
REAL_SERVER = SERVICE["real_servers"]["options"]


@pytest.mark.parametrize(
    ("heading", "options"),
    [("## Variables", OPTIONS), ("## Fields of a service", SERVICE), ("## Fields of a real server", REAL_SERVER)],
)
def test_readme_lists_the_variables(heading: str, options: dict[str, dict[str, Any]]) -> None:
    section = README.split(f"{heading}\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == table(options).splitlines()


def test_defaults_are_those_of_the_specification() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults == {name: option["default"] for name, option in OPTIONS.items() if "default" in option}


def test_every_variable_that_is_used_is_specified() -> None:
    texts = [re.sub(r"(?m)^ *#.*$", "", path.read_text(encoding="utf-8")) for path in FILES]
    used = {name for text in texts for name in re.findall(r"(?<![\w.])lvs_\w+", text)}
    read = {f"lvs_{name}" for text in texts for name in re.findall(r"(?<=_plan\.settings\.)\w+", text)}
    used |= read - {"lvs_purges_vips"}  # derived from others
    assert used
    assert read
    assert used <= set(OPTIONS)


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """The roles of the collection that a file imports or includes, each with its entry point."""
    text = path.read_text(encoding="utf-8")
    for role, entry_point in re.findall(r"(?:name|role): lvs\.cluster\.(\w+)(?:\n +tasks_from: (\w+))?$", text, re.MULTILINE):
        yield role, entry_point or "main"


def test_every_entry_point_that_is_used_is_specified() -> None:
    used = {entry_point for path in FILES for entry_point in imported(path)}
    assert used
    assert used <= {(role, entry_point) for role in ROLES for entry_point in entry_points(role)}


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_has_tasks(role: str) -> None:
    for entry_point, specification in entry_points(role).items():
        assert (PROJECT / "roles" / role / f"tasks/{entry_point}.yml").exists(), entry_point
        assert specification["short_description"], entry_point
        assert all({"description", "type"} <= set(option) for option in specification["options"].values()), entry_point


def test_no_internal_variable_looks_like_a_setting() -> None:
    names = {name for path in FILES for name in re.findall(r"(?m)^ *register: (\w+)$", path.read_text(encoding="utf-8"))}
    for path in PROJECT.glob("roles/*/vars/*.yml"):
        names |= set(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert names
    assert [name for name in names if not name.startswith("__")] == []
