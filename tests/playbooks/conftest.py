# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for playbooks that run with stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from .standins import Player, make_collection


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the collection of the stand-ins."""
    folder = tmp_path_factory.mktemp("collections")
    make_collection(folder)
    return folder


@pytest.fixture
def play(collections: Path, tmp_path: Path) -> Player:
    """Run a playbook; its current directory is C(tmp_path)."""
    return Player(collections, tmp_path)
