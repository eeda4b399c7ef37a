# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that keep network managers away, and what the managers that run are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files, program, systemd
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._net import manager_files
from ansible_collections.lvs.cluster.plugins.module_utils._net.managers import unmanaged
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import Unmanaged

SHOW = "nmcli -g GENERAL.STATE device show tunl0"
LET_GO = "nmcli device set tunl0 managed no"
RELOAD, RELOAD_NETWORKD = "nmcli general reload conf", "networkctl reload"


class Managers:
    """Stands for the programs of a host: which of them run, and what they were told."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.state = "30 (disconnected)"
        self.failing: set[str] = set()
        self.told: list[str] = []

    def run(self, *command: str, timeout: float) -> tuple[str, str]:
        """What program.run does."""
        assert timeout > 0
        line = " ".join(command)
        if command[:2] == ("systemctl", "is-active"):
            active = command[2].removesuffix(".service") in self.running
            return ("active\n", "") if active else ("inactive\n", "exit status 3")
        self.told.append(line)
        return (f"{self.state}\n" if line == SHOW else "", "Error: no" if line in self.failing else "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Managers:
    """A host with systemd."""
    found = Managers()
    monkeypatch.setattr(program, "run", found.run)
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path))
    return found


def texts(item: Unmanaged) -> list[str | None]:
    """What is in the files."""
    return [files.read_text(file.key) for file in item.files]


@pytest.mark.parametrize(
    ("running", "state", "written", "removed"),
    [
        (set(), "", [], []),
        # It lets go of a device with all that is on it; for its configuration alone, it would set the device down.
        ({"NetworkManager"}, "30 (disconnected)", [SHOW, LET_GO, RELOAD], [RELOAD]),
        ({"NetworkManager"}, "100 (connected)", [SHOW, LET_GO, RELOAD], [RELOAD]),
        ({"NetworkManager"}, "10 (unmanaged)", [SHOW, RELOAD], [RELOAD]),
        ({"systemd-networkd"}, "", [RELOAD_NETWORKD], [RELOAD_NETWORKD]),
        (
            {"NetworkManager", "systemd-networkd"},
            "10 (unmanaged)",
            [SHOW, RELOAD, RELOAD_NETWORKD],
            [RELOAD, RELOAD_NETWORKD],
        ),
    ],
)
def test_files(host: Managers, running: set[str], state: str, written: list[str], removed: list[str]) -> None:
    """They are written and removed; what runs is told of them."""
    host.running, host.state = running, state
    item = unmanaged("tunl0")
    assert manager_files.read("tunl0", "device") is None
    manager_files.write(item)
    assert texts(item) == [file.text for file in item.files]
    assert manager_files.read("tunl0", "device") == item
    assert host.told == written
    host.told.clear()
    manager_files.remove(item)
    assert texts(item) == [None, None]
    assert host.told == removed


def test_device_that_does_not_exist_yet(host: Managers) -> None:
    """NetworkManager has nothing to let go of."""
    host.running, host.failing = {"NetworkManager"}, {SHOW}
    manager_files.write(unmanaged("tunl0"))
    assert host.told == [SHOW, RELOAD]


def test_host_without_systemd(host: Managers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The files are there for a program that comes later."""
    monkeypatch.setattr(systemd, "_FOLDER", str(tmp_path / "none"))
    host.running = {"NetworkManager", "systemd-networkd"}
    manager_files.write(unmanaged("tunl0"))
    assert host.told == []
    assert all(texts(unmanaged("tunl0")))


@pytest.mark.parametrize(
    ("unit", "command"),
    [("NetworkManager", LET_GO), ("NetworkManager", RELOAD), ("systemd-networkd", RELOAD_NETWORKD)],
)
def test_manager_that_does_not_listen(host: Managers, unit: str, command: str) -> None:
    """It would take away what comes next. The next run tells it again."""
    host.running, host.failing = {unit}, {command}
    item = unmanaged("tunl0")
    with pytest.raises(LvsError) as caught:
        manager_files.write(item)
    assert str(caught.value) == (
        f"{unit} has to know that it does not manage tunl0, and does not answer: {command}: Error: no: see systemctl status"
        f" {unit}, then run this task again"
    )
    assert manager_files.read("tunl0", "device") is None
    host.failing.clear()
    host.told.clear()
    manager_files.write(item)
    assert command in host.told
    assert manager_files.read("tunl0", "device") == item


@pytest.mark.parametrize("writes", [1, 2])
def test_run_that_is_killed(host: Managers, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """What it has not told, the next one tells."""
    host.running = {"NetworkManager", "systemd-networkd"}
    item = unmanaged("tunl0")
    left = iter(range(writes))
    write = files.write_text

    def write_some(path: str, text: str) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(path, text)

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_text", write_some)
        if writes < len(item.files):
            with pytest.raises(KeyboardInterrupt):
                manager_files.write(item)
        else:
            manager_files.write(item)
    whole = manager_files.read("tunl0", "device") == item
    assert whole == (RELOAD in host.told and RELOAD_NETWORKD in host.told)


@pytest.mark.usefixtures("host")
def test_folders(network_managers: Path) -> None:
    """Those of a NetworkManager that is installed stay; those that were made here go."""
    manager_files.write(unmanaged("tunl0"))
    manager_files.write(unmanaged("sit0"))
    manager_files.remove(unmanaged("tunl0"))
    assert (network_managers / "NetworkManager/conf.d").exists()
    manager_files.remove(unmanaged("sit0"))
    assert not (network_managers / "NetworkManager").exists()
    (network_managers / "NetworkManager/conf.d").mkdir(parents=True)
    (network_managers / "NetworkManager/NetworkManager.conf").touch()
    manager_files.write(unmanaged("tunl0"))
    manager_files.remove(unmanaged("tunl0"))
    assert (network_managers / "NetworkManager/conf.d").is_dir()


@pytest.mark.usefixtures("host")
def test_file_of_another_program() -> None:
    """It is in the way of what is wanted, and is never removed."""
    path = Path(unmanaged("tunl0").files[1].key)
    path.parent.mkdir(parents=True)
    path.write_text("[Match]\nName=tunl0\n", encoding="utf-8")
    with pytest.raises(LvsError, match=r"device: .* is there and was not made by this collection: move it away"):
        manager_files.read("tunl0", "device")
    assert manager_files.read("tunl0", "") is None
