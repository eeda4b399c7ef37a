# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether somebody else's keepalived runs on a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import systemd
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import header
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import keepalived_file
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.foreign_keepalived import running_foreign_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey

WEB = ServiceKey.of({"vip": "192.0.2.1", "port": 80})
TEXT = "virtual_server 192.0.2.1 80 {\n}\n"


@pytest.mark.parametrize(
    ("text", "running", "expected"),
    [
        (TEXT, True, True),
        (TEXT, False, False),
        (header("keepalived") + TEXT, True, False),
        ("vrrp_instance a {\n}\n", True, False),
        ("", True, False),
        (None, True, False),
    ],
)
def test_what_runs(text: str | None, running: bool, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "keepalived.conf"
    if text is not None:
        config.write_text(text)
    monkeypatch.setattr(keepalived_file, "CONFIG_FILE", str(config))
    monkeypatch.setattr(systemd, "is_running", lambda name: running and name == "keepalived")
    assert running_foreign_services().has(WEB) is expected
