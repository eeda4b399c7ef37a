# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fake_host import Host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with keepalived that nobody has configured."""
    return Host(tmp_path / "root", monkeypatch)
