# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the layout in docs/architecture.md: what may import what, and where a module's implementation is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.lvs.cluster.plugins"
# A folder imports itself and those before it.
ORDER = {
    "module_utils": (
        "_core",
        "_net",
        "_sysctl",
        "_nft",
        "_firewall",
        "_ipvs",
        "_probe",
        "_keepalived",
        "_boot",
        "_bgp",
        "_batch",
    ),
    "plugin_utils": ("_core", "_plan", "_status"),
}
# Files of these names compute: they touch no host, and import nothing that does.
PURE = {
    *("model", "options", "table", "codec", "config", "statistics", "values", "errors", "reconcile", "resource", "textfile"),
    *(
        "boot_text",
        "restore_script",
        "netlink_messages",
        "ownership",
        "boot_commands",
        "boot_order",
        "distribution",
        "tunnel",
        "packets",
        "drain",
        "held_back",
        "cpulist",
        "kernel_release",
        "older_kernels",
        "oldest_python",
        "keepalived_table",
        "checker",
        "quorum",
        "service_rules",
        "virtual_servers",
    ),
}
IMPURE_LIBRARIES = {
    "ansible",
    "fcntl",
    "nftables",
    "os",
    "pyroute2",
    "selectors",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
}

FILES = sorted(path.relative_to(PLUGINS) for path in PLUGINS.rglob("*.py") if path.name != "__init__.py")
OURS = [path for path in FILES if path.parts[0] in ORDER]
MODULES = [path.stem for path in FILES if path.parts[0] == "modules"]
ON_THE_CONTROLLER = [path.stem for path in FILES if path.parts[0] == "action"]


def imports(path: Path) -> Iterator[str]:
    """The full names that a file imports: modules, and what it takes from them."""
    parts = path.with_suffix("").parts
    for node in ast.walk(ast.parse((PLUGINS / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([PACKAGE, *parts[: -node.level], *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[Path]:
    """The files of this collection that a file imports."""
    found = set()
    for name in imports(path):
        if name.startswith(f"{PACKAGE}."):
            parts = name[len(PACKAGE) + 1 :].split(".")
            for length in (len(parts), len(parts) - 1):
                file = Path(*parts[:length]).with_suffix(".py")
                if (PLUGINS / file).is_file():
                    found.add(file)
                    break
    return found


@pytest.mark.parametrize("path", OURS, ids=str)
def test_folder_imports_only_folders_before_it(path: Path) -> None:
    """And what a managed host gets knows nothing of the controller's part."""
    root, folder, *_file = path.parts
    assert folder in ORDER[root], "a new folder has its place in ORDER"
    for imported in ours(path):
        if imported.parts[0] == root:
            assert ORDER[root].index(imported.parts[1]) <= ORDER[root].index(folder), imported
        else:
            assert (root, imported.parts[0]) == ("plugin_utils", "module_utils"), imported


@pytest.mark.parametrize("path", [path for path in OURS if path.stem in PURE], ids=str)
def test_pure_file_imports_nothing_that_touches_a_host(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imports(path) if not name.startswith("os.path")}
    assert not libraries & IMPURE_LIBRARIES
    assert {imported.stem for imported in ours(path)} <= PURE


def test_one_file_knows_ansible_module() -> None:
    knowing = [path for path in FILES if any(name.startswith("ansible.module_utils.basic") for name in imports(path))]
    assert knowing == [Path("module_utils/_core/module.py")]


@pytest.mark.parametrize("module", [name for name in MODULES if name not in ON_THE_CONTROLLER])
def test_implementation_bears_the_name_of_its_module(module: str) -> None:
    """The module itself is its documentation, and hands that file to the runner."""
    (implementation,) = [path for path in OURS if path.stem == module and path.parts[0] == "module_utils"]
    file = Path("modules", f"{module}.py")
    runner = Path("module_utils/_core/module.py")
    assert {implementation, runner} <= ours(file)
    assert {imported.parent for imported in ours(file) - {runner}} == {implementation.parent}
    *_documentation, code = (PLUGINS / file).read_text().split('"""\n\nfrom ')
    assert len(code.splitlines()) <= 15


@pytest.mark.parametrize("module", ON_THE_CONTROLLER)
def test_implementation_of_an_action_bears_its_name(module: str) -> None:
    (implementation,) = [path for path in OURS if path.stem == module]
    assert implementation.parts[0] == "plugin_utils"
    assert implementation in ours(Path("action", f"{module}.py"))


def test_no_import_runs_in_a_circle() -> None:
    """File by file, as a file that imports itself through others cannot be read alone."""
    left = {path: ours(path) & set(OURS) for path in OURS}
    while left:
        free = [path for path, needs in left.items() if not needs & left.keys()]
        assert free, sorted(map(str, left))
        for path in free:
            del left[path]
