# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The boot files of a host. M(lvs.cluster.boot) creates them, and every module that changes something updates its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from . import boot_text, files
from .textfile import TextFile, is_made_here, made_file


def exist() -> bool:
    """Whether this host has boot files."""
    return os.path.isdir(boot_text.FOLDER)


def update(contents: Mapping[str, Iterable[str]]) -> None:
    """Have these boot files contain these lines, and the host load these kernel modules when it starts."""
    for name, lines in contents.items():
        if name == boot_text.MODULES:
            _load_modules(lines)
            continue
        path, text = boot_text.path_of(name), boot_text.with_checksum(lines)
        if files.read_text(path) != text:
            files.write_text(path, text)


def _load_modules(modules: Iterable[str]) -> None:
    """Add kernel modules to those that the host loads for this collection already: what else needs one is not known here."""
    path = boot_text.MODULES_FILE
    text = files.read_text(path) or ""
    loaded = TextFile(path, text).lines
    missing = [module for module in modules if module not in loaded]
    if missing and is_made_here(text):
        files.write_text(path, made_file(path, "boot", [*loaded, *missing]).text)
