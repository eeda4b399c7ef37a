# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service runs, as systemctl says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program, units
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError


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

    monkeypatch.setattr(units, "_SYSTEMD", str(tmp_path))
    monkeypatch.setattr(program, "run", run)
    assert units.is_running("firewalld") is runs
    assert asked == [(("systemctl", "is-active", "firewalld.service"), True)]


def test_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a service that does not run."""
    monkeypatch.setattr(units, "_SYSTEMD", str(tmp_path))
    monkeypatch.setattr(program, "run", lambda *_command, **_options: ("", "timed out"))
    with pytest.raises(LvsError, match=r"^systemctl is-active firewalld\.service: timed out: "):
        units.is_running("firewalld")


def test_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_SYSTEMD", str(tmp_path / "none"))
    monkeypatch.setattr(program, "run", None)
    assert not units.is_running("firewalld")
