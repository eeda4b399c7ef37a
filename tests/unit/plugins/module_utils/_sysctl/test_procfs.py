# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in procfs, with their files and claims, on a procfs made of files."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    KernelRefused,
    LvsError,
    MissingKernelSupport,
    NotPermitted,
)
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl import arp_sysctl, boot_order, procfs
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.arp_sysctl import ArpSysctl
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SysctlKey
from tests.unit.resources import converge, predict

OPTIONS = {"device": "lo", "arp_ignore": 1, "arp_announce": 2, "rp_filter": 0, "persist": None, "state": "present"}
ABSENT = {**OPTIONS, "state": "absent"}
NAMES = ("arp_ignore", "arp_announce", "rp_filter")
BEFORE = {"all.rp_filter": "1", "lo.rp_filter": "1"}
SET = {f"{device}.{name}": value for device in ("all", "lo") for name, value in zip(NAMES, "120")}


class Host:
    """The files of a host."""

    def __init__(self, folder: Path) -> None:
        self.sys = folder / "sys"
        self.etc = folder / "etc"
        self.own_file = self.etc / "sysctl.d/90-lvs-lo.conf"
        (self.etc / "sysctl.d").mkdir(parents=True)
        self.add("all", "0")
        self.add("default", "0")
        self.add("lo", "0")
        self.set(**BEFORE)

    def add(self, device: str, value: str) -> None:
        """Add a device whose settings all have this value."""
        for name in NAMES:
            self._path(f"{device}.{name}").parent.mkdir(parents=True, exist_ok=True)
            self._path(f"{device}.{name}").write_text(f"{value}\n")

    def set(self, **values: str) -> None:
        """Set these settings."""
        for name, value in values.items():
            self._path(name).write_text(f"{value}\n")

    def settings(self, *devices: str) -> dict[str, str]:
        """The settings of all and of these devices."""
        names = [f"{device}.{name}" for device in ("all", *devices) for name in NAMES]
        return {name: self._path(name).read_text().strip() for name in names}

    def _path(self, name: str) -> Path:
        return self.sys / "net/ipv4/conf" / name.replace(".", "/")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with lo, where nothing of this collection is."""
    made = Host(tmp_path)
    etc = str(made.etc)
    monkeypatch.setattr(procfs, "ROOT", str(made.sys))
    for module in (arp_sysctl, procfs):
        monkeypatch.setattr(module, "DIRECTORY", f"{etc}/sysctl.d")
    monkeypatch.setattr(boot_order, "DIRECTORIES", (f"{etc}/sysctl.d",))
    monkeypatch.setattr(boot_order, "NETWORK_DIRECTORIES", (f"{etc}/systemd/network",))
    monkeypatch.setattr(boot_order, "LAST_FILE", f"{etc}/sysctl.conf")
    monkeypatch.setattr(boot_order, "UFW_SWITCH", f"{etc}/ufw/ufw.conf")
    monkeypatch.setattr(boot_order, "UFW_FILE", f"{etc}/ufw/sysctl.conf")
    return made


def subject(state_file: Path) -> Any:
    """What the state file has of settings."""
    return json.loads(state_file.read_text())["sysctl"] if state_file.exists() else {}


def refusing(monkeypatch: pytest.MonkeyPatch, path: Path, error: int) -> None:
    """Have the kernel refuse what is written to a setting."""

    def opened(name: Any, mode: str = "r", **options: Any) -> Any:
        if str(name) == str(path) and mode == "w":
            raise OSError(error, "refused")
        return Path(name).open(mode, **options)

    monkeypatch.setattr(procfs, "open", opened, raising=False)


def test_from_nothing_to_nothing(host: Host, state_file: Path) -> None:
    """Set, set again, and back to the values found before."""
    before = host.settings("lo")
    commands = converge(ArpSysctl(), OPTIONS)
    assert commands[:2] == ["sysctl -w net.ipv4.conf.all.arp_ignore=1", "sysctl -w net.ipv4.conf.lo.arp_ignore=1"]
    assert host.settings("lo") == SET
    assert subject(state_file)["net.ipv4.conf.lo.rp_filter"] == {"found": 1, "wanted": {"lo": 0}}
    assert converge(ArpSysctl(), OPTIONS) == []
    assert "sysctl -w net.ipv4.conf.all.rp_filter=1" in converge(ArpSysctl(), ABSENT)
    assert host.settings("lo") == before
    assert not state_file.exists()


def test_settings_that_are_right_already_are_claimed(host: Host, state_file: Path) -> None:
    """Another device that gives its claim up must not undo them."""
    host.set(**SET)
    assert converge(ArpSysctl(), OPTIONS) == []
    assert subject(state_file)["net.ipv4.conf.all.arp_ignore"] == {"found": 1, "wanted": {"lo": 1}}


def test_claims_that_do_not_change_are_not_written_again(
    host: Host, state_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever is not root can run it again."""
    converge(ArpSysctl(), OPTIONS)
    before = host.settings("lo")
    monkeypatch.setattr(state, "LOCK_FILE", str(state_file.parent / "no/such/folder/lock"))
    assert converge(ArpSysctl(), OPTIONS) == []
    with pytest.raises(LvsError, match="lock: cannot be written"):
        converge(ArpSysctl(), ABSENT)
    assert host.settings("lo") != before  # released only when the settings are back


def test_other_subjects_of_the_state_file_stay(host: Host, state_file: Path) -> None:
    """Without an empty one beside them."""
    state_file.parent.mkdir()
    state_file.write_text('{"network": {"lo": {"up": null}}}')
    converge(ArpSysctl(), OPTIONS)
    converge(ArpSysctl(), ABSENT)
    assert json.loads(state_file.read_text()) == {"version": 1, "network": {"lo": {"up": None}}}
    assert host.settings("lo")["lo.rp_filter"] == "1"


def test_settings_of_others_do_not_go_back(host: Host, state_file: Path) -> None:
    """Nothing is claimed: nothing changes, and no file comes to be."""
    host.set(**SET)
    assert converge(ArpSysctl(), ABSENT) == []
    assert host.settings("lo") == SET
    assert not state_file.exists()


def test_devices_share_the_settings_of_all(host: Host, state_file: Path) -> None:
    """Each claims its own value; what counts is in the kernel, and in the file of each."""
    host.add("tun1", "0")
    converge(ArpSysctl(), {**OPTIONS, "persist": True})
    converge(ArpSysctl(), {**OPTIONS, "device": "tun1", "arp_ignore": 2, "persist": True})
    assert host.settings()["all.arp_ignore"] == "2"
    files = [host.own_file, host.own_file.with_name("90-lvs-tun1.conf")]
    assert all("net.ipv4.conf.all.arp_ignore = 2\n" in file.read_text() for file in files)
    assert subject(state_file)["net.ipv4.conf.all.arp_ignore"] == {"found": 0, "wanted": {"lo": 1, "tun1": 2}}
    assert converge(ArpSysctl(), {**OPTIONS, "persist": True}) == []

    converge(ArpSysctl(), {**ABSENT, "device": "tun1"})
    assert host.settings()["all.arp_ignore"] == "1"
    assert [file.exists() for file in files] == [True, False]
    assert "net.ipv4.conf.all.arp_ignore = 1\n" in host.own_file.read_text()


def test_refused_setting_takes_the_others_back(host: Host, state_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the claims, but for those that were there before."""
    converge(ArpSysctl(), {**OPTIONS, "rp_filter": 1})
    before, claims = host.settings("lo"), subject(state_file)
    refusing(monkeypatch, host.sys / SysctlKey("lo", "rp_filter").path, errno.EINVAL)
    with pytest.raises(KernelRefused, match=r"^net\.ipv4\.conf\.lo\.rp_filter = 0: refused$"):
        converge(ArpSysctl(), {**OPTIONS, "arp_ignore": 3, "persist": True})
    assert (host.settings("lo"), subject(state_file)) == (before, claims)
    assert not host.own_file.exists()


@pytest.mark.parametrize("error", [errno.EPERM, errno.EACCES])
def test_not_root(host: Host, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """What is missing is a privilege."""
    refusing(monkeypatch, host.sys / SysctlKey("all", "arp_ignore").path, error)
    with pytest.raises(NotPermitted, match=r"net\.ipv4\.conf\.all\.arp_ignore needs root"):
        converge(ArpSysctl(), OPTIONS)


@pytest.mark.usefixtures("host")
def test_without_procfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be read."""
    monkeypatch.setattr(procfs, "ROOT", "/nowhere")
    with pytest.raises(KernelRefused, match="does not exist: is procfs mounted"):
        predict(ArpSysctl(), OPTIONS)


def test_file_of_another_program_is_in_the_way(host: Host, state_file: Path) -> None:
    """Nothing is written then; where no file is wanted, it is left alone."""
    host.own_file.write_text("net.ipv4.conf.all.arp_ignore = 8\n")
    before = host.settings("lo")
    with pytest.raises(LvsError, match=r"^persist: .*/90-lvs-lo\.conf is there and was not made by this collection: move it"):
        converge(ArpSysctl(), {**OPTIONS, "persist": True})
    assert (host.settings("lo"), state_file.exists()) == (before, False)
    for options in ({"persist": None}, {"persist": False}, {"persist": True, "state": "absent"}):
        assert not any("90-lvs-lo.conf" in command for command in converge(ArpSysctl(), {**OPTIONS, **options}))
    assert host.own_file.read_text() == "net.ipv4.conf.all.arp_ignore = 8\n"


def test_files_that_are_read_at_boot(host: Host) -> None:
    """All of other programs, for the warning; a link to the file that is read last is not read twice."""
    last, ufw, network = (host.etc / name for name in ("sysctl.conf", "ufw/ufw.conf", "systemd/network/50-lo.network"))
    for file in (last, ufw, network, host.etc / "sysctl.d/README"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# x\n")
    (host.etc / "sysctl.d/99-sysctl.conf").symlink_to(last)
    (host.etc / "sysctl.d/folder.conf").mkdir()
    late = host.etc / "sysctl.d/99-late.conf"
    late.write_text("net.ipv4.conf.all.rp_filter = 1\n")
    resource, options = ArpSysctl(), {**OPTIONS, "persist": True}
    after = predict(resource, options).after()
    assert set(after.context.files) == set(map(str, (late, last, ufw, network)))
    (warning,) = resource.result(resource.parse(options), after)["warnings"]
    assert warning.startswith(f"{late}, line 1: ")
    assert set(predict(resource, OPTIONS).seen.context.files) == {str(late)}


class IPRoute:
    """Stands for pyroute2: a kernel that creates devices, or has no tunnels."""

    def __init__(self, host: Host, tunnels: bool) -> None:
        self._host = host
        self._tunnels = tunnels

    def link(self, command: str, ifname: str, kind: str) -> None:
        """Create a device, with the values of default."""
        assert (command, ifname, kind) == ("add", "tunl0", "ipip")
        if not self._tunnels:
            raise NetlinkError
        self._host.add("tunl0", "0")

    def close(self) -> None:
        """Nothing is open."""


class NetlinkError(Exception):
    """Stands for pyroute2's."""

    code = errno.EOPNOTSUPP


@pytest.mark.parametrize("tunnels", [True, False])
def test_tunnel_device_is_created(host: Host, monkeypatch: pytest.MonkeyPatch, state_file: Path, tunnels: bool) -> None:
    """Not to read it, and only one that the kernel can create."""
    pyroute2 = SimpleNamespace(IPRoute=lambda: IPRoute(host, tunnels), NetlinkError=NetlinkError)
    monkeypatch.setitem(sys.modules, "pyroute2", pyroute2)
    options = {**OPTIONS, "device": "tunl0"}
    assert "sysctl -w net.ipv4.conf.tunl0.arp_ignore=1" in [
        change.command() for change in predict(ArpSysctl(), options).changes
    ]
    assert not (host.sys / "net/ipv4/conf/tunl0").exists()
    if tunnels:
        converge(ArpSysctl(), options)
        assert host.settings("tunl0")["tunl0.arp_announce"] == "2"
    else:
        with pytest.raises(MissingKernelSupport):
            converge(ArpSysctl(), options)
        assert subject(state_file) == {}


def test_device_that_is_gone_leaves_no_claims(host: Host, state_file: Path) -> None:
    """Its values went with it; those of all go back."""
    host.add("tunl0", "0")
    converge(ArpSysctl(), {**OPTIONS, "device": "tunl0"})
    for file in sorted((host.sys / "net/ipv4/conf/tunl0").iterdir()):
        file.unlink()
    (host.sys / "net/ipv4/conf/tunl0").rmdir()
    commands = converge(ArpSysctl(), {**ABSENT, "device": "tunl0"})
    assert sorted(commands) == sorted(f"sysctl -w net.ipv4.conf.all.{name}={value}" for name, value in zip(NAMES, (0, 0, 1)))
    assert not state_file.exists()
