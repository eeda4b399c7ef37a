# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading kernel modules, by a program called modprobe that notes its arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import kernel_modules


@pytest.fixture
def modprobe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, which loads what is called fou alone."""
    program = tmp_path / "modprobe"
    program.write_text('#!/bin/sh\n[ "$*" = fou ] || { echo "FATAL: Module $1 not found" >&2; exit 1; }\n')
    program.chmod(0o755)
    monkeypatch.setattr(kernel_modules, "_FOLDERS", (str(tmp_path),))
    monkeypatch.setenv("PATH", str(tmp_path / "none"))  # never the modprobe of this machine
    return program


@pytest.mark.usefixtures("modprobe")
def test_load() -> None:
    assert kernel_modules.load("fou") == ""


@pytest.mark.usefixtures("modprobe")
def test_module_that_is_not_there() -> None:
    assert kernel_modules.load("fou6") == "FATAL: Module fou6 not found"


def test_host_without_modprobe(modprobe: Path) -> None:
    modprobe.unlink()
    assert kernel_modules.load("fou") == "this host has no modprobe"


def test_program_that_cannot_run(modprobe: Path) -> None:
    modprobe.write_text("#!/nonexistent\n")
    assert "No such file" in kernel_modules.load("fou")
