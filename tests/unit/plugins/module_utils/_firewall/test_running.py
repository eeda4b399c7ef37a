# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which firewall runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import running


@pytest.mark.parametrize(
    ("installed", "active", "settings", "name"),
    [
        ((), "active", "ENABLED=yes\n", ""),
        (("firewalld",), "active", "", "firewalld"),
        (("firewalld",), "inactive", "", ""),
        (("ufw",), "", "# settings\nENABLED=yes\n", "ufw"),
        (("ufw",), "", 'ENABLED="yes"\n', "ufw"),
        (("ufw",), "", "ENABLED=no\n#ENABLED=yes\n", ""),
        (("ufw",), "", None, ""),
        (("firewalld", "ufw"), "inactive", "ENABLED=yes\n", "ufw"),
        (("firewalld", "ufw"), "active", "ENABLED=yes\n", "firewalld"),
    ],
)
def test_running(
    installed: tuple[str, ...],
    active: str,
    settings: str | None,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is installed may not run."""
    monkeypatch.setattr(program, "path_of", lambda name: f"/usr/sbin/{name}" if name in installed else None)
    monkeypatch.setattr(program, "run", lambda *_command, **_options: (f"{active}\n", ""))
    monkeypatch.setattr(running, "_UFW_SETTINGS", str(tmp_path / "ufw.conf"))
    if settings is not None:
        (tmp_path / "ufw.conf").write_text(settings)
    assert running.running() == name
