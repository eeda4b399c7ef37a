# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options row by row: as the code declares them, as modules document them, and as roles specify them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import STATE, Option, argument_spec
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import firewall
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import drain
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    DESTINATION,
    RIP,
    SCHEDULERS,
    SERVICE,
    SERVICE_KEY,
)
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import checker, virtual_servers
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import options as keepalived_options
from ansible_collections.lvs.cluster.plugins.module_utils._nft import mss_clamp, port_dnat

PROJECT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.lvs.cluster.plugins"
ACTIONS = {path.stem for path in (PROJECT / "plugins/action").glob("*.py")}
MODULES = sorted({path.stem for path in (PROJECT / "plugins/modules").glob("*.py")} - ACTIONS)

Rows = dict[str, dict[str, Any]]

_SERVICE_ROW = argument_spec(*SERVICE_KEY, *SERVICE, STATE)
_DESTINATIONS: dict[str, Any] = {"type": "list", "elements": "dict", "options": argument_spec(*DESTINATION, STATE)}
# Rows that a module reads itself, so that Ansible's argument specification does not have them.
READ_BY_THE_MODULE: dict[tuple[str, str], dict[str, Any]] = {
    ("ipvs_table", "services"): {**_SERVICE_ROW, "destinations": _DESTINATIONS},
    ("port_dnat", "mappings"): argument_spec(*port_dnat.ROW),
    ("mss_clamp", "tunnels"): argument_spec(*mss_clamp.ROW),
    ("firewall", "services"): argument_spec(*firewall.ROW),
    ("keepalived", "vips"): argument_spec(*keepalived_options.VIP_ROW),
    ("keepalived", "services"): {
        **_SERVICE_ROW,
        **argument_spec(*virtual_servers.OF_KEEPALIVED),
        "sorry_server": {"type": "dict", "options": argument_spec(*virtual_servers.SORRY_SERVER)},
        "destinations": {**_DESTINATIONS, "options": {**argument_spec(*DESTINATION, virtual_servers.CHECK, STATE)}},
    },
}
# Required in a row, and optional beside the list, or the other way round: the module says so in its message.
LOOSE = {("port_dnat", "mappings"), ("mss_clamp", "tunnels")}


def rows(options: Mapping[str, Any], nested: str, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each option with its place, and what can be compared of it."""
    for name, option in options.items():
        row = {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "choices": [str(choice) for choice in option.get("choices", ())],
            "default": option.get("default"),
            "required": option.get("required", False),
            "aliases": option.get("aliases", []),
        }
        yield prefix + name, row
        yield from rows(option.get(nested) or {}, nested, f"{prefix}{name}.")


def documentation(module: str) -> dict[str, Any]:
    """The options in a module's documentation, with those of its fragments."""
    source = importlib.import_module(f"{PACKAGE}.modules.{module}")
    document = yaml.safe_load(source.DOCUMENTATION)
    options: dict[str, Any] = {}
    for fragment in document.get("extends_documentation_fragment", ()):
        text = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment.split('.')[-1]}").ModuleDocFragment.DOCUMENTATION
        options.update(yaml.safe_load(text).get("options") or {})
    return {**options, **(document.get("options") or {})}


def declaration(module: str) -> dict[str, Any]:
    """The options that the code declares, with the rows that the module reads itself."""
    spec = dict(getattr(importlib.import_module(f"{PACKAGE}.modules.{module}"), "ARGUMENT_SPEC", {}))
    for (owner, name), row in READ_BY_THE_MODULE.items():
        if owner == module:
            spec[name] = {**spec[name], "options": row}
    return spec


@pytest.mark.parametrize("module", MODULES)
def test_documentation_has_the_declared_options(module: str) -> None:
    documented, declared = dict(rows(documentation(module), "suboptions")), dict(rows(declaration(module), "options"))
    assert documented.keys() == declared.keys()
    for name, row in declared.items():
        loose = {"required", "default"} if (module, name.split(".")[0]) in LOOSE and "." in name else set()
        for field in row.keys() - loose:
            assert documented[name][field] == row[field], f"{name}: {field}"


def declared_options(values: Iterable[object]) -> Iterator[Option[Any]]:
    """The options among the names of a file."""
    for value in values:
        if isinstance(value, Option):
            yield value
        elif isinstance(value, tuple):
            yield from declared_options(value)


def text_of(option: Mapping[str, Any]) -> str:
    """The description of an option."""
    description = option["description"]
    return description if isinstance(description, str) else " ".join(description)


def all_options(options: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Options and suboptions."""
    for name, option in options.items():
        yield name, option
        yield from all_options(option.get("suboptions") or {})


@pytest.mark.parametrize("module", MODULES)
def test_documentation_has_the_declared_ranges(module: str) -> None:
    """Unless the description refers to that of another option."""
    names = vars(importlib.import_module(implementation(module))).values()
    bounds = {option.name: option.bounds for option in declared_options(names) if option.bounds is not None}
    for name, option in all_options(documentation(module)):
        text = text_of(option)
        if name in bounds and not text.startswith("See O("):
            for bound in bounds[name]:
                assert f"V({bound if isinstance(bound, int) else f'{bound:g}'})" in text, name


def implementation(module: str) -> str:
    """The name of a module's implementation."""
    (path,) = (PROJECT / "plugins/module_utils").glob(f"*/{module}.py")
    return f"{PACKAGE}.module_utils.{path.parent.name}.{module}"


# ----- the roles


def specification(role: str, entry_point: str = "main") -> dict[str, Any]:
    """The options of a role's entry point."""
    text = (PROJECT / f"roles/{role}/meta/argument_specs.yml").read_text()
    options: dict[str, Any] = yaml.safe_load(text)["argument_specs"][entry_point]["options"]
    return options


def assert_same(specified: Mapping[str, Any], declared: Iterable[Option[Any]]) -> None:
    """The role takes the options that the modules take."""
    for option in declared:
        row, own = specified[option.name], option.spec
        for field in ("type", "elements"):
            assert row.get(field) == own.get(field), f"{option.name}: {field}"
        choices = SCHEDULERS if option.name == "scheduler" else own.get("choices", ())
        assert list(row.get("choices", ())) == list(choices), option.name


def test_role_takes_the_options_of_services_and_destinations() -> None:
    service = specification("lvs")["lvs_services"]["options"]
    assert_same(service, [*SERVICE_KEY, *SERVICE, STATE])
    assert_same(service, [option for option in DESTINATION if option.name in ("forward", "rport")])
    real_server = service["real_servers"]["options"]
    assert_same(real_server, [*(option for option in DESTINATION if option is not RIP), STATE])
    named = {option.name for option in (*DESTINATION, STATE)} - {"rip"}
    assert real_server.keys() == named | {"host", "address", "check"}


def test_role_takes_the_options_of_keepalived() -> None:
    service = specification("lvs")["lvs_services"]["options"]
    assert_same(service, virtual_servers.OF_KEEPALIVED)
    assert_same(service["sorry_server"]["options"], virtual_servers.SORRY_SERVER)


def test_readme_of_the_role_has_the_options_of_a_check() -> None:
    text = (PROJECT / "roles/lvs/README.md").read_text(encoding="utf-8")
    section = text.split("## Fields of a check\n")[1].split("\n## ")[0]
    listed = [row.split(" | ")[0].strip("| `") for row in section.splitlines() if row.startswith("| `")]
    assert listed == [option.name for option in checker.OPTIONS]
    for kind in checker.TYPES:
        assert f"`{kind}`" in section


def test_role_takes_the_options_of_a_drain() -> None:
    options = specification("lvs")
    for option in drain.OPTIONS:
        if option.name.startswith("drain_") and option is not drain.STANDBY:  # of a pair, the role knows
            row = options[f"lvs_{option.name}"]
            assert {name: row[name] for name in option.spec} == option.spec
