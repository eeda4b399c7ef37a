# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The Python libraries and programs that this collection uses: what a host lacks of them, and the way to it."""

from __future__ import annotations

import functools
import importlib.util
import sys

from . import files, program
from .distribution import UNKNOWN, Distribution
from .errors import LvsError, MissingLibrary
from .options import Facts

LIBRARIES = ("firewall", "nftables", "pyroute2")
PROGRAMS = ("ipvsadm", "keepalived", "nft")
_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")  # os-release(5)
# The interpreters for which packages install libraries: one of EL is not in PATH.
_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")
_PYTHON_TIMEOUT = 30  # seconds; a busy host takes some to start an interpreter
_HAS_LIBRARY = "import importlib.util as u, sys; print(sys.version_info >= (3, 9) and all(map(u.find_spec, sys.argv[1:])))"
_NEEDED_BY = {"firewall": "firewalld"}  # a program without which a library is of no use
_WITH = {"firewall": ("dbus", "gi")}  # what a library imports that may be missing beside it


def missing() -> Facts:
    """What is not installed, the packages that have it, and what to do. Where nothing is missing, only that was looked for.

    Libraries are not imported, which would take a multiple of the module's time.
    """
    libraries = [name for name in LIBRARIES if not all(map(importlib.util.find_spec, _imports(name))) and _is_of_use(name)]
    programs = [name for name in PROGRAMS if program.path_of(name) is None]
    needs = [*libraries, *programs]
    elsewhere = {name: python for name in libraries for python in [_python_with(name)] if python}
    return {
        "libraries": libraries,
        "programs": programs,
        "packages": {
            need: package for need in needs if need not in elsewhere for package in [distribution().package(need)] if package
        },
        "package_manager": distribution().package_manager if needs else "",
        "advice": {need: advice(need) for need in needs},
    }


def missing_library(library: str, cause: object) -> MissingLibrary:
    """The error of a library that cannot be imported."""
    return MissingLibrary(library, cause, advice(library))


def advice(need: str) -> str:
    """What to do where a library or a program is missing."""
    python = "" if need in PROGRAMS else _python_with(need)
    if python:
        return (
            f"{python} has {need}, and {sys.executable}, which runs the modules, has not:"
            f" set ansible_python_interpreter to {python}"
        )
    return distribution().how_to_install(need, sys.executable)


def kernel_package(module: str) -> str:
    """Which package may have a kernel module, as a sentence after another; empty where that is not known."""
    clause = distribution().kernel_package(module)
    return f" (on {distribution().name}, {clause})" if clause else ""


def _imports(library: str) -> tuple[str, ...]:
    return (library, *_WITH.get(library, ()))


def _is_of_use(library: str) -> bool:
    return library not in _NEEDED_BY or program.path_of(_NEEDED_BY[library]) is not None


@functools.cache
def distribution() -> Distribution:
    """The distribution of this host."""
    for path in _RELEASE_FILES:
        try:
            text = files.read_text(path)
        except LvsError:
            continue
        if text is not None:
            return Distribution.parse(text)
    return UNKNOWN


@functools.cache
def _python_with(library: str) -> str:
    """Another interpreter of this host that has a library, and is new enough; empty where there is none."""
    for python in _PYTHONS:
        if python != sys.executable:
            printed, _problem = program.run(python, "-c", _HAS_LIBRARY, *_imports(library), timeout=_PYTHON_TIMEOUT)
            if printed.strip() == "True":
                return python
    return ""
