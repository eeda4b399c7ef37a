# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemctl is asked, by a program of this name that notes its arguments, and what its answers mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program, systemd
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the arguments."""
    arguments = tmp_path / "arguments"
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{arguments}\necho refused >&2\n[ ! -e {tmp_path}/broken ]\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))  # never the systemctl of this machine
    monkeypatch.setattr(program, "_FOLDERS", ())
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path))
    return arguments


def test_units_are_read_again(called: Path) -> None:
    systemd.reload_units()
    assert called.read_text() == "daemon-reload\n"


def test_host_without_systemd(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_FOLDER", str(called.parent / "none"))
    systemd.reload_units()
    assert not called.exists()


def test_refusal(called: Path) -> None:
    """The message has what systemctl said."""
    (called.parent / "broken").touch()
    with pytest.raises(LvsError, match="systemctl daemon-reload: refused"):
        systemd.reload_units()
    (called.parent / "systemctl").unlink()
    with pytest.raises(LvsError, match="this host has no systemctl"):
        systemd.reload_units()


def test_control(called: Path) -> None:
    """A refusal has the words of systemctl."""
    systemd.control("enable", "--now", "keepalived.service")
    assert called.read_text() == "enable --now keepalived.service\n"
    (called.parent / "broken").touch()
    with pytest.raises(LvsError, match=r"^systemctl reload keepalived\.service: refused$"):
        systemd.control("reload", "keepalived.service")


def test_systemd_runs(called: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert systemd.runs()
    monkeypatch.setattr(systemd, "_FOLDER", str(called.parent / "none"))
    assert not systemd.runs()


@pytest.mark.parametrize(
    ("printed", "enabled"),
    [("enabled\n", True), ("enabled-runtime\n", False), ("disabled\n", False), ("masked\n", False), ("", False)],
)
def test_enabled(printed: str, enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there is not."""
    asked = []

    def run(*command: str, timeout: float) -> tuple[str, str]:
        asked.append((command, timeout > 0))
        return printed, "" if enabled else "exit status 1"

    monkeypatch.setattr(program, "run", run)
    assert systemd.is_enabled("keepalived.service") is enabled
    assert asked == [(("systemctl", "is-enabled", "keepalived.service"), True)]


@pytest.mark.parametrize(
    ("state", "runs"),
    [
        ("active", True),
        ("reloading", True),
        ("activating", True),
        ("inactive", False),
        ("failed", False),
        ("deactivating", False),
    ],
)
def test_state(state: str, runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there is inactive."""
    asked = []

    def run(*command: str, timeout: float) -> tuple[str, str]:
        asked.append((command, timeout > 0))
        return f"{state}\n", "" if state == "active" else "exit status 3"

    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(program, "run", run)
    assert systemd.is_running("firewalld") is runs
    assert asked == [(("systemctl", "is-active", "firewalld.service"), True)]


def test_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a service that does not run."""
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path))
    monkeypatch.setattr(program, "run", lambda *_command, **_options: ("", "timed out"))
    with pytest.raises(LvsError, match=r"^systemctl is-active firewalld\.service: timed out: "):
        systemd.is_running("firewalld")


def test_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path / "none"))
    monkeypatch.setattr(program, "run", None)
    assert not systemd.is_running("firewalld")
