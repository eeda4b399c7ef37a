# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test reads or writes this machine's own state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import requirements, state, systemd
from ansible_collections.lvs.cluster.plugins.module_utils._net import managers


@pytest.fixture(autouse=True)
def state_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state file of the test's own, in a folder that is not there yet."""
    path = tmp_path / "lvs.cluster" / "state.json"
    monkeypatch.setattr(state, "STATE_FILE", str(path))
    monkeypatch.setattr(state, "LOCK_FILE", str(tmp_path / "lock"))
    return path


@pytest.fixture(autouse=True)
def no_distribution(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Messages that do not depend on what runs the tests."""
    monkeypatch.setattr(requirements, "_RELEASE_FILES", ())
    monkeypatch.setattr(requirements, "_PYTHONS", ())
    remembered = (requirements.distribution, requirements._python_with)
    for function in remembered:
        function.cache_clear()
    yield
    for function in remembered:
        function.cache_clear()


@pytest.fixture(autouse=True)
def network_managers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of network managers, none of which runs."""
    etc = tmp_path / "etc"
    monkeypatch.setattr(managers, "NETWORK_MANAGER_FOLDER", f"{etc}/NetworkManager/conf.d")
    monkeypatch.setattr(managers, "NETWORKD_FOLDER", f"{etc}/systemd/network")
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path / "systemd"))
    return etc
