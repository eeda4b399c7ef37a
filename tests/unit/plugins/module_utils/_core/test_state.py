# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file: what a host was before, with a version."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from tests.unit.helpers import save_state


def test_state_is_kept(state_file: Path) -> None:
    """As JSON that a person can read."""
    assert state.load() == {}
    subjects = {"sysctl": {"tunl0": {"net.ipv4.conf.all.arp_ignore": 0}}, "weights": {}}
    save_state(subjects)
    assert state.load() == subjects
    assert json.loads(state_file.read_text()) == {"version": 1, **subjects}


def test_subjects_are_kept_apart() -> None:
    """Who keeps one does not take back what another has kept since."""
    save_state({"sysctl": {"a": 1}})
    state.save_subject("network", {"b": 2})
    with state.changing() as saved:
        saved["drained"] = {"c": 3}
    state.save_subject("sysctl", {})
    assert state.load() == {"sysctl": {}, "network": {"b": 2}, "drained": {"c": 3}}


def test_failed_change_is_not_kept() -> None:
    """And the next one is not locked out."""

    def fail() -> None:
        with state.changing() as saved:
            saved["drained"] = {"c": 3}
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert state.load() == {}
    state.save_subject("network", {"b": 2})
    assert state.load() == {"network": {"b": 2}}


def test_changes_wait_for_each_other() -> None:
    """Of several processes that count up, none loses a count."""

    def count() -> None:
        for _turn in range(20):
            with state.changing() as saved:
                counts = saved.setdefault("counts", {"all": 0})
                counts["all"] += 1

    children = []
    for _child in range(4):
        child = os.fork()
        if not child:
            try:
                count()
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert state.load() == {"counts": {"all": 80}}


@pytest.mark.parametrize("nothing", [{}, {"sysctl": {}}])
def test_nothing_to_keep_leaves_no_trace(state_file: Path, nothing: dict[str, object]) -> None:
    """Neither the file nor its folder, whether there was one or not."""
    save_state(nothing)
    save_state({"sysctl": {"tunl0": {"x": 1}}})
    save_state(nothing)
    assert not state_file.parent.exists()
    assert state.load() == {}


def test_folder_with_other_things_stays(state_file: Path) -> None:
    """Only our own file goes."""
    save_state({"sysctl": {"tunl0": {"x": 1}}})
    other = state_file.with_name("other")
    other.write_text("mine")
    save_state({})
    assert list(state_file.parent.iterdir()) == [other]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_unreadable_state_is_not_taken_for_none(state_file: Path, text: str) -> None:
    """Otherwise the values found before would be lost; the message says what to do."""
    state_file.parent.mkdir()
    state_file.write_text(text)
    with pytest.raises(LvsError, match=f"^{state_file}: not readable as JSON .*restore it from a backup, or remove it"):
        state.load()


@pytest.mark.parametrize("version", [2, 99, "1", None, 1.5])
def test_version_that_is_not_known(state_file: Path, version: object) -> None:
    """A file of a newer version is neither read nor overwritten."""
    text = json.dumps({"version": version, "sysctl": {"a": 1}})
    state_file.parent.mkdir()
    state_file.write_text(text)
    for use in (state.load, lambda: state.save_subject("network", {"b": 2})):
        with pytest.raises(
            LvsError, match=rf"^{state_file}: has version .*reads up to version 1: run the task with the newer"
        ):
            use()
    assert state_file.read_text() == text


def test_file_without_a_version(state_file: Path) -> None:
    """Is one of the first version."""
    state_file.parent.mkdir()
    state_file.write_text(json.dumps({"network": {"b": 2}}))
    assert state.load() == {"network": {"b": 2}}
    assert state.subject("network") == {"b": 2}
    assert state.subject("sysctl") == {}
