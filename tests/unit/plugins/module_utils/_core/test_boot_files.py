# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel modules that a host loads when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import boot_files, boot_text

MADE = "# Made by lvs.cluster.boot: what is changed here is lost.\n"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the modules."""
    path = tmp_path / "lvs-cluster.conf"
    monkeypatch.setattr(boot_text, "MODULES_FILE", str(path))
    path.write_text(f"{MADE}ip_vs\nipip\n")
    return path


def test_modules_are_added(modules: Path) -> None:
    """None is taken away: what else needs one is not known here."""
    boot_files.update({"modules": ["ipip", "fou"]})
    assert modules.read_text() == f"{MADE}ip_vs\nipip\nfou\n"


def test_nothing_to_add(modules: Path) -> None:
    before = modules.stat().st_ino
    boot_files.update({"modules": ["ipip"]})
    boot_files.update({"modules": []})
    assert modules.stat().st_ino == before


@pytest.mark.parametrize("text", ["fou\n", "# of another program\n", ""])
def test_file_of_another_program(modules: Path, text: str) -> None:
    """It stays."""
    modules.write_text(text)
    boot_files.update({"modules": ["ipip"]})
    assert modules.read_text() == text
