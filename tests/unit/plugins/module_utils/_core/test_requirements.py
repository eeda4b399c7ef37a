# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host lacks of libraries and programs, and the way to it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program, requirements

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
NOTHING = {"libraries": [], "programs": [], "packages": {}, "package_manager": "", "advice": {}}
NFTABLES = "apt-get install python3-nftables ('apt-cache policy python3-nftables' shows which repository has it)"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which Python and the shell look, and nowhere else; a Debian without another Python."""
    folder = tmp_path / "installed"
    folder.mkdir()
    (tmp_path / "os-release").write_text(DEBIAN)
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setattr(program, "_FOLDERS", ())
    monkeypatch.setattr(requirements, "_RELEASE_FILES", (str(tmp_path / "none"), str(tmp_path / "os-release")))
    monkeypatch.setattr(requirements, "_PYTHONS", (sys.executable, str(tmp_path / "python")))
    for name in ("dbus", "firewall", "gi", "nftables", "pyroute2"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def another_python(tmp_path: Path, *libraries: str) -> str:
    """An interpreter that has libraries; it prints what Python would."""
    script = tmp_path / "python"
    cases = "".join(f"{library}) echo True;; " for library in libraries)
    script.write_text(f'#!/bin/sh\ncase "$3" in {cases}*) echo False;; esac\n')
    script.chmod(0o755)
    return str(script)


def test_everything_is_missing(installed: Path) -> None:
    (installed / "nft").touch()  # not a program
    found = requirements.missing()
    assert (found["libraries"], found["programs"]) == (["nftables", "pyroute2"], ["ipvsadm", "keepalived", "nft"])
    assert found["package_manager"] == "apt"
    assert found["packages"] == {
        "ipvsadm": "ipvsadm",
        "keepalived": "keepalived",
        "nft": "nftables",
        "nftables": "python3-nftables",
        "pyroute2": "python3-pyroute2",
    }
    assert sorted(found["advice"]) == ["ipvsadm", "keepalived", "nft", "nftables", "pyroute2"]
    assert found["advice"]["nftables"] == NFTABLES


def test_nothing_is_missing(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries are found without being imported, and programs also in folders that only root has in PATH."""
    (installed / "pyroute2.py").write_text("raise RuntimeError")
    (installed / "nftables").mkdir()
    (installed / "nftables/__init__.py").write_text("raise RuntimeError")
    for name in ("ipvsadm", "keepalived", "nft"):
        (installed / name).touch(mode=0o755)
    monkeypatch.setattr(requirements, "distribution", None)  # is not asked
    monkeypatch.setattr(requirements, "_PYTHONS", None)
    assert requirements.missing() == NOTHING
    monkeypatch.setattr(program, "_FOLDERS", ("/nowhere", str(installed)))
    monkeypatch.setenv("PATH", "/nowhere")
    assert requirements.missing() == NOTHING
    monkeypatch.delenv("PATH")
    assert requirements.missing() == NOTHING


@pytest.mark.parametrize("there", [(), ("firewall",), ("firewall", "gi"), ("dbus", "firewall")])
def test_library_of_firewalld(there: tuple[str, ...], installed: Path) -> None:
    """It is missing without those that it needs itself, and where firewalld is installed only."""
    for name in there:
        (installed / f"{name}.py").write_text("raise RuntimeError")
    assert "firewall" not in requirements.missing()["libraries"]
    (installed / "firewalld").touch(mode=0o755)
    found = requirements.missing()
    assert found["libraries"] == ["firewall", "nftables", "pyroute2"]
    assert found["packages"]["firewall"] == "python3-firewall"
    for name in ("dbus", "firewall", "gi"):
        (installed / f"{name}.py").write_text("raise RuntimeError")
    assert requirements.missing()["libraries"] == ["nftables", "pyroute2"]


def test_another_python_has_the_library_of_firewalld(tmp_path: Path, installed: Path) -> None:
    """It is asked for all that the library needs."""
    (installed / "firewalld").touch(mode=0o755)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\n[ "$3 $4 $5" = "firewall dbus gi" ] && echo True || echo False\n')
    python.chmod(0o755)
    assert requirements.missing()["advice"]["firewall"].startswith(f"{python} has firewall, and ")


def test_another_python_has_it(tmp_path: Path) -> None:
    """A package would not help the one that runs the modules."""
    python = another_python(tmp_path, "pyroute2")
    found = requirements.missing()
    assert sorted(found["packages"]) == ["ipvsadm", "keepalived", "nft", "nftables"]
    assert found["advice"]["pyroute2"] == (
        f"{python} has pyroute2, and {sys.executable}, which runs the modules, has not:"
        f" set ansible_python_interpreter to {python}"
    )
    assert found["advice"]["nftables"] == NFTABLES


def test_same_python_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", another_python(tmp_path, "pyroute2"))
    monkeypatch.setattr(requirements, "_PYTHONS", (sys.executable,))
    assert requirements.missing()["advice"]["pyroute2"].startswith("apt-get install")


def test_a_real_python_is_asked(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it has a library of its own, and not one that nobody has."""
    monkeypatch.setattr(requirements, "_PYTHONS", (sys.executable,))
    monkeypatch.setattr(sys, "executable", str(installed / "python3"))
    assert requirements._python_with("json") == requirements._PYTHONS[0]
    assert requirements._python_with("no_such_library") == ""
    monkeypatch.setattr(requirements, "_WITH", {"json": ("no_such_library",)})
    requirements._python_with.cache_clear()
    assert requirements._python_with("json") == ""


def test_error_of_a_library() -> None:
    message = str(requirements.missing_library("nftables", ImportError("no module")))
    assert message == f"the Python library nftables is missing for {sys.executable} (no module): {NFTABLES}"


def test_kernel_package(tmp_path: Path) -> None:
    assert requirements.kernel_package("ip_vs") == ""
    requirements.distribution.cache_clear()
    (tmp_path / "os-release").write_text('PRETTY_NAME="Oracle Linux Server 8.10"\nID=ol\nVERSION_ID="8.10"\n')
    assert requirements.kernel_package("ip_vs_mh") == " (on Oracle Linux Server 8.10, kernel-modules-extra has it)"


def test_host_that_does_not_say_what_it_is(tmp_path: Path) -> None:
    """No file, or one that cannot be read."""
    release = tmp_path / "os-release"
    release.unlink()
    assert requirements.distribution().family == ""
    requirements.distribution.cache_clear()
    release.mkdir()
    found = requirements.missing()
    assert (found["packages"], found["package_manager"]) == ({}, "")
    assert found["advice"]["nft"] == "install what has the program nft on this distribution"
