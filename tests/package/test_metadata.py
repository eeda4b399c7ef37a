# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the metadata says of the collection is what there is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet

PROJECT = Path(__file__).parents[2]
RUNTIME = yaml.safe_load((PROJECT / "meta/runtime.yml").read_text())


def assigned(path: Path, name: str) -> Any:
    """The value of a constant in a Python file that is not to be imported here."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no {name}")


def test_action_group_has_the_modules_that_act_on_a_host() -> None:
    documented = {path.stem: yaml.safe_load(assigned(path, "DOCUMENTATION")) for path in PROJECT.glob("plugins/modules/*.py")}
    acting = {name for name, text in documented.items() if "lvs.cluster.common" in text["extends_documentation_fragment"]}
    assert set(RUNTIME["action_groups"]["lvs"]) == acting
    assert set(documented) - acting == {path.stem for path in PROJECT.glob("plugins/action/*.py")}


def test_this_version_has_notes() -> None:
    version = yaml.safe_load((PROJECT / "galaxy.yml").read_text())["version"]
    assert version in yaml.safe_load((PROJECT / "changelogs/changelog.yaml").read_text())["releases"]


def test_claims_the_versions_of_ansible_core_that_are_tested() -> None:
    tested = assigned(PROJECT / "noxfile.py", "CORES")
    around = [f"2.{minor}" for minor in range(15, 30)]
    assert [version for version in around if f"{version}.0" in SpecifierSet(RUNTIME["requires_ansible"])] == list(tested)


def test_release_notes_describe_each_module_as_its_documentation_does() -> None:
    releases = yaml.safe_load((PROJECT / "changelogs/changelog.yaml").read_text())["releases"].values()
    noted = {module["name"]: module["description"] for release in releases for module in release.get("modules", ())}
    documentation = {
        path.stem: yaml.safe_load(assigned(path, "DOCUMENTATION")) for path in PROJECT.glob("plugins/modules/*.py")
    }
    assert noted == {name: f"{module['short_description']}." for name, module in documentation.items()}
