# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a host: a script that greets, or complains."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program


@pytest.fixture
def greet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, in a folder that PATH lacks."""
    script = tmp_path / "greet"
    script.write_text('#!/bin/sh\n[ "$1" ] || exit 3\n[ "$1" = you ] || { echo "unknown: $*" >&2; exit 1; }\necho hello $1\n')
    script.chmod(0o755)
    monkeypatch.setattr(program, "_FOLDERS", (str(tmp_path),))
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    return script


@pytest.mark.usefixtures("greet")
@pytest.mark.parametrize(
    ("arguments", "printed", "problem"),
    [(["you"], "hello you\n", ""), (["it", "all"], "", "unknown: it all"), ([], "", "exit status 3")],
)
def test_run(arguments: list[str], printed: str, problem: str) -> None:
    assert program.run("greet", *arguments, timeout=9) == (printed, problem)


@pytest.mark.usefixtures("greet")
@pytest.mark.parametrize(
    ("arguments", "said", "succeeded"),
    [(["you"], "hello you\n", True), (["it", "all"], "unknown: it all\n", False), ([], "", False)],
)
def test_spoken(arguments: list[str], said: str, succeeded: bool) -> None:
    assert program.spoken("greet", *arguments, timeout=9) == (said, succeeded)


def test_spoken_on_both_ways(greet: Path) -> None:
    """What it prints to its standard error counts where it succeeds, too."""
    greet.write_text("#!/bin/sh\necho warning >&2\necho done\n")
    assert program.spoken("greet", timeout=9) == ("done\nwarning\n", True)


def test_what_it_reads(greet: Path) -> None:
    """Without anything given, its input ends at once."""
    greet.write_text("#!/bin/sh\nexec /bin/cat\n")
    assert program.run("greet", timeout=9, given="*filter\nCOMMIT\n") == ("*filter\nCOMMIT\n", "")
    assert program.run("greet", timeout=9) == ("", "")


def test_program_that_is_not_there(greet: Path) -> None:
    greet.unlink()
    assert program.run("greet", timeout=9) == ("", "this host has no greet")
    assert program.spoken("greet", timeout=9) == ("this host has no greet", False)


def test_program_that_cannot_run(greet: Path) -> None:
    greet.write_text("#!/nonexistent\n")
    assert "No such file" in program.run("greet", timeout=9)[1]


def test_program_that_does_not_end(greet: Path) -> None:
    greet.write_text("#!/bin/sh\nwhile :; do :; done\n")
    assert "timed out" in program.run("greet", timeout=0.1)[1]
    said, succeeded = program.spoken("greet", timeout=0.1)
    assert (succeeded, "timed out" in said) == (False, True)


def test_load_module(greet: Path) -> None:
    """By modprobe(8), which says why it cannot."""
    modprobe = greet.with_name("modprobe")
    modprobe.write_text('#!/bin/sh\n[ "$*" = ip_vs ] || { echo "FATAL: Module $* not found." >&2; exit 1; }\n')
    modprobe.chmod(0o755)
    assert program.load_module("ip_vs") == ""
    assert program.load_module("fou") == "FATAL: Module fou not found."
