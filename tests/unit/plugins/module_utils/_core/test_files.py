# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole, and the memory of what there was before."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError


def test_written_text_is_read_again(tmp_path: Path) -> None:
    """Folders are made on the way; everybody may read; nothing else is left behind."""
    path = tmp_path / "a" / "b" / "90-lvs.conf"
    files.write_text(str(path), "first, and longer\n")
    files.write_text(str(path), "second ü\n")
    assert files.read_text(str(path)) == "second ü\n"
    assert path.read_bytes() == b"second \xc3\xbc\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_missing_file(tmp_path: Path) -> None:
    """Reading gives None, removing is no fault."""
    path = str(tmp_path / "none")
    assert files.read_text(path) is None
    files.remove(path)
    files.write_text(path, "x")
    files.remove(path)
    assert files.read_text(path) is None


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """What stands in the way stays, and no temporary file beside it."""
    blocked = tmp_path / "blocked"
    (blocked / "full").mkdir(parents=True)
    with pytest.raises(LvsError, match=f"^{blocked}: cannot be written: "):
        files.write_text(str(blocked), "x")
    assert list(tmp_path.iterdir()) == [blocked]


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("x")
    path = f"{tmp_path}/file/below"
    with pytest.raises(LvsError, match=f"^{path}: "):
        files.write_text(path, "x")


@pytest.mark.parametrize("action", [files.read_text, files.remove])
def test_folder_in_place_of_a_file(tmp_path: Path, action: object) -> None:
    """The message names the path."""
    assert callable(action)
    with pytest.raises(LvsError, match=f"^{tmp_path}: "):
        action(str(tmp_path))


def test_state_is_kept(state_file: Path) -> None:
    """As JSON that a person can read."""
    assert files.load_state() == {}
    state = {"sysctl": {"tunl0": {"net.ipv4.conf.all.arp_ignore": 0}}, "weights": {}}
    files.save_state(state)
    assert files.load_state() == state
    assert json.loads(state_file.read_text()) == state


def test_subjects_are_kept_apart() -> None:
    """Who keeps one does not take back what another has kept since."""
    files.save_state({"sysctl": {"a": 1}})
    files.save_subject("network", {"b": 2})
    with files.changing_state() as state:
        state["drained"] = {"c": 3}
    files.save_subject("sysctl", {})
    assert files.load_state() == {"sysctl": {}, "network": {"b": 2}, "drained": {"c": 3}}


def test_failed_change_is_not_kept() -> None:
    """And the next one is not locked out."""

    def fail() -> None:
        with files.changing_state() as state:
            state["drained"] = {"c": 3}
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert files.load_state() == {}
    files.save_subject("network", {"b": 2})
    assert files.load_state() == {"network": {"b": 2}}


def test_changes_wait_for_each_other() -> None:
    """Of several processes that count up, none loses a count."""

    def count() -> None:
        for _turn in range(20):
            with files.changing_state() as state:
                counts = state.setdefault("counts", {"all": 0})
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
    assert files.load_state() == {"counts": {"all": 80}}


@pytest.mark.parametrize("nothing", [{}, {"sysctl": {}}])
def test_nothing_to_keep_leaves_no_trace(state_file: Path, nothing: dict[str, object]) -> None:
    """Neither the file nor its folder, whether there was one or not."""
    files.save_state(nothing)
    files.save_state({"sysctl": {"tunl0": {"x": 1}}})
    files.save_state(nothing)
    assert not state_file.parent.exists()
    assert files.load_state() == {}


def test_folder_with_other_things_stays(state_file: Path) -> None:
    """Only our own file goes."""
    files.save_state({"sysctl": {"tunl0": {"x": 1}}})
    other = state_file.with_name("other")
    other.write_text("mine")
    files.save_state({})
    assert list(state_file.parent.iterdir()) == [other]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_unreadable_state_is_not_taken_for_none(state_file: Path, text: str) -> None:
    """Otherwise the values found before would be lost; the message says what to do."""
    state_file.parent.mkdir()
    state_file.write_text(text)
    with pytest.raises(LvsError, match=f"^{state_file}: not readable as JSON .*restore it from a backup, or remove it"):
        files.load_state()


def test_what_others_made_is_in_the_way(tmp_path: Path) -> None:
    """Only where it is wanted; what was made here is read."""
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_text("[Unit]\n")
    ours.write_text("# Made by lvs.cluster.boot: what is changed here is lost.\n")
    assert files.read_made(str(theirs), asked_by="") is None
    assert files.read_made(str(ours), asked_by="state") == ours.read_text()
    with pytest.raises(LvsError, match=f"^state: {theirs} is there and was not made by this collection: move it away$"):
        files.read_made(str(theirs), asked_by="state")


def test_link_is_replaced(tmp_path: Path) -> None:
    """In one step; a file of that name is no link."""
    link = tmp_path / "wants" / "unit"
    assert files.read_link(str(link)) is None
    for target in ("/first", "/second"):
        files.write_link(str(link), target)
        assert files.read_link(str(link)) == target
    assert list(link.parent.iterdir()) == [link]
    files.remove(str(link))
    link.write_text("")
    with pytest.raises(LvsError, match=f"^{link} is there and is no symbolic link: move it away"):
        files.read_link(str(link))


def test_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    """Without, it goes."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").touch()
    files.remove_folder(str(folder))
    assert folder.exists()
    (folder / "file").unlink()
    files.remove_folder(str(folder))
    assert not folder.exists()
