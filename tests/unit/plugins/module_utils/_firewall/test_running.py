# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which firewall runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program, systemd
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import running, ufw


@pytest.mark.parametrize(
    ("installed", "active", "settings", "name"),
    [
        ((), True, "ENABLED=yes\n", ""),
        (("firewalld",), True, "", "firewalld"),
        (("firewalld",), False, "", ""),
        (("ufw",), False, "# settings\nENABLED=yes\n", "ufw"),
        (("ufw",), False, 'ENABLED="yes"\n', "ufw"),
        (("ufw",), False, "ENABLED=no\n#ENABLED=yes\n", ""),
        (("ufw",), False, None, ""),
        (("firewalld", "ufw"), False, "ENABLED=yes\n", "ufw"),
        (("firewalld", "ufw"), True, "ENABLED=yes\n", "firewalld"),
    ],
)
def test_running(
    installed: tuple[str, ...],
    active: bool,
    settings: str | None,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is installed may not run."""
    monkeypatch.setattr(program, "path_of", lambda name: f"/usr/sbin/{name}" if name in installed else None)
    monkeypatch.setattr(systemd, "is_running", lambda name: name == "firewalld" and active)
    monkeypatch.setattr(ufw, "_STATE", str(tmp_path / "ufw.conf"))
    if settings is not None:
        (tmp_path / "ufw.conf").write_text(settings)
    assert running.running() == name


def test_firewall_that_was_uninstalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is removed leaves its configuration behind, and the rules in it."""
    installed: list[str] = []
    monkeypatch.setattr(program, "path_of", lambda name: name if name in installed else None)
    monkeypatch.setattr(running, "_FIREWALLD_FOLDER", str(tmp_path / "firewalld"))
    monkeypatch.setattr(running, "UFW_FILES", {4: str(tmp_path / "after.rules"), 6: str(tmp_path / "after6.rules")})
    assert running.is_gone("ufw")
    assert running.is_gone("firewalld")
    (tmp_path / "after6.rules").touch()
    assert not running.is_gone("ufw")
    (tmp_path / "firewalld").mkdir()
    assert not running.is_gone("firewalld")
    (tmp_path / "firewalld").rmdir()
    installed.append("firewalld")
    assert not running.is_gone("firewalld")
