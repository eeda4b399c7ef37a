# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action does on the controller: a table in the terminal, a page in a file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.action.cluster_status import ActionModule

LOST = {"name": "rs1", "results": [{"unreachable": True, "msg": "no route"}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """The result of a task, for a cluster of one real server that cannot be reached."""
    given = {"directors": [], "real_servers": [LOST], **options}
    task = SimpleNamespace(args=given, check_mode=check_mode, async_val=0, diff=False)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    return ActionModule(task, connection, None, None, None, None).run(task_vars={})


def test_table_and_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is printed as it is, and returned; the page is whole, and for all to read; nothing is changed."""
    result = run()
    assert result["changed"] is False
    assert result["state"] == "unreachable"
    assert result["table"][-2:] == ["  rs1, real server: ✕ unreachable", "    no route"]
    (page,) = folder.iterdir()
    assert (page.name, result["page"], page.stat().st_mode & 0o777) == ("lvs-status.html", str(page), 0o644)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")
    assert "no route" in text
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["", *result["table"], "", f"the same as a page: {page}"]


@pytest.mark.parametrize("fields", [{"page": ""}, {"check_mode": True}])
def test_no_page(folder: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, Any]) -> None:
    """Where none is asked for, and in check mode."""
    result = run(**fields)
    assert (result["page"], list(folder.iterdir())) == ("", [])
    assert capsys.readouterr().out.splitlines() == ["", *result["table"]]


def test_page_in_another_folder(folder: Path) -> None:
    """It is replaced."""
    (folder / "site.html").write_text("old")
    assert run(page="site.html")["page"] == str(folder / "site.html")
    assert "no route" in (folder / "site.html").read_text(encoding="utf-8")


def test_page_that_cannot_be_written(folder: Path) -> None:
    """It says which, and leaves nothing behind."""
    (folder / "taken").mkdir()
    result = run(page="taken")
    assert result["failed"] is True
    assert result["msg"].startswith(f"{folder / 'taken'}: cannot be written: ")
    assert [path.name for path in folder.iterdir()] == ["taken"]
