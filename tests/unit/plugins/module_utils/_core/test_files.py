# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NotPermitted


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


def test_text_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes in another encoding, or a file of somebody else."""
    path = tmp_path / "latin"
    path.write_bytes(b"# f\xfcr\n")
    with pytest.raises(LvsError, match=f"^{path}: has bytes that are not UTF-8: write it in UTF-8, or move it away$"):
        files.read_text(str(path))

    def forbidden(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(NotPermitted, match=f"^reading {path} needs root: "):
        files.read_text(str(path))


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
    assert files.is_link(str(link))
    files.remove(str(link))
    assert not files.is_link(str(link))
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
