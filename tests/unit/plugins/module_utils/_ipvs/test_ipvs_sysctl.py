# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of IPVS, on a procfs made of files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, MissingKernelSupport
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import ipvs_sysctl, kernel
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sysctl import IpvsSysctl
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl import procfs
from tests.unit.helpers import all_refused, refused
from tests.unit.resources import converge, predict


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a host whose IPVS is loaded, as files; and its own folder for files."""
    path = tmp_path / "sys/net/ipv4/vs"
    path.mkdir(parents=True)
    for name, value in {"conntrack": "0", "expire_nodest_conn": "0", "sync_threshold": "3\t50", "est_cpulist": "0-3"}.items():
        (path / name).write_text(f"{value}\n")
    monkeypatch.setattr(procfs, "ROOT", str(tmp_path / "sys"))
    (tmp_path / "status").write_text("Cpus_allowed:\tf\nCpus_allowed_list:\t0-3\nMems_allowed_list:\t0\n")
    monkeypatch.setattr(ipvs_sysctl, "_STATUS", str(tmp_path / "status"))
    monkeypatch.setattr(ipvs_sysctl, "SETTINGS_FILE", str(tmp_path / "90-lvs_ipvs.conf"))
    monkeypatch.setattr(ipvs_sysctl, "MODULES_FILE", str(tmp_path / "lvs-ipvs.conf"))
    monkeypatch.setattr(kernel, "GenericSocket", Loaded)
    return path


class Loaded:
    """Stands for a netlink socket to IPVS."""

    def __init__(self, family: str, version: int) -> None:
        assert family == "IPVS"

    def close(self) -> None:
        """Nothing is open."""


def options(settings: dict[str, Any], persist: bool | None = None) -> dict[str, Any]:
    """The options of the module."""
    return {"settings": settings, "persist": persist}


def test_settings_come_and_go(folder: Path, state_file: Path) -> None:
    """What is no longer named goes back; what never was named stays."""
    given = {"expire_nodest_conn": True, "sync_threshold": " 5  60"}
    assert converge(IpvsSysctl(), options(given)) == [
        "sysctl -w net.ipv4.vs.expire_nodest_conn=1",
        "sysctl -w 'net.ipv4.vs.sync_threshold=5 60'",
    ]
    assert (folder / "sync_threshold").read_text() == "5 60\n"
    assert json.loads(state_file.read_text())["sysctl"]["net.ipv4.vs.sync_threshold"] == {
        "found": "3 50",
        "wanted": {"ipvs": "5 60"},
    }
    assert converge(IpvsSysctl(), options(given)) == []
    (folder / "conntrack").write_text("1\n")
    assert converge(IpvsSysctl(), options({})) == [
        "sysctl -w 'net.ipv4.vs.sync_threshold=3 50'",
        "sysctl -w net.ipv4.vs.expire_nodest_conn=0",
    ]
    assert (folder / "conntrack").read_text() == "1\n"
    assert not state_file.exists()


@pytest.mark.usefixtures("folder")
def test_files_for_the_next_boot(tmp_path: Path) -> None:
    """The module first, then the settings; without a setting there are no files."""
    converge(IpvsSysctl(), options({"conntrack": 1}, persist=True))
    texts = {path.name: path.read_text().splitlines()[1:] for path in tmp_path.glob("*.conf")}
    assert texts == {"90-lvs_ipvs.conf": ["net.ipv4.vs.conntrack = 1"], "lvs-ipvs.conf": ["ip_vs"]}
    assert converge(IpvsSysctl(), options({"conntrack": 1})) == []
    assert len(converge(IpvsSysctl(), options({"conntrack": 1}, persist=False))) == 2
    converge(IpvsSysctl(), options({"conntrack": 1}, persist=True))
    converge(IpvsSysctl(), options({}, persist=True))
    assert list(tmp_path.glob("*.conf")) == []


def test_file_of_another_program_is_in_the_way(folder: Path, tmp_path: Path) -> None:
    """It is neither removed nor written over."""
    modules = tmp_path / "lvs-ipvs.conf"
    modules.write_text("ip_vs\n")
    assert converge(IpvsSysctl(), options({}, persist=True)) == []
    with pytest.raises(LvsError, match=r"^persist: .*lvs-ipvs\.conf is there and was not made by this collection: move it"):
        converge(IpvsSysctl(), options({"conntrack": 1}, persist=True))
    assert modules.read_text() == "ip_vs\n"
    assert (folder / "conntrack").read_text() == "0\n"


@pytest.mark.usefixtures("folder")
def test_setting_that_this_kernel_does_not_have() -> None:
    """The message has those that it has, and its version."""
    says = "no_such is no setting of this kernel's IPVS: it has conntrack, est_cpulist, expire_nodest_conn, sync_threshold"
    with refused("settings", f"{says} (Linux {os.uname().release})"):
        predict(IpvsSysctl(), options({"conntrack": 1, "no_such": 1}))


def test_claim_on_a_setting_that_this_kernel_does_not_have(folder: Path, state_file: Path) -> None:
    """There is nothing to put back, and the claim goes."""
    converge(IpvsSysctl(), options({"conntrack": 1}))
    (folder / "conntrack").unlink()
    assert converge(IpvsSysctl(), options({})) == []
    assert not state_file.exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0-1", "0-1"),
        ("1,0", "0-1"),
        ("0-3:1/2", "0,2"),
        (1, "1"),
        ("0", "0"),
        ("", ""),
        ("all", "0-3"),
        (" 0-2,3 ", "0-3"),
    ],
)
def test_list_of_cpus(folder: Path, given: Any, shown: str) -> None:
    """In the kernel's form: a second run has nothing to do."""
    for before in ("0-3", ""):
        (folder / "est_cpulist").write_text(f"{before}\n")
        command = [] if shown == before else [f"sysctl -w {quote(f'net.ipv4.vs.est_cpulist={shown}')}"]
        assert converge(IpvsSysctl(), options({"est_cpulist": given})) == command
        assert (folder / "est_cpulist").read_text() == f"{shown}\n"
        assert converge(IpvsSysctl(), options({"est_cpulist": given})) == []


def test_cpus_that_the_host_does_not_have(folder: Path) -> None:
    """The kernel would leave them out, or refuse them without a word; what it has already is no fault."""
    with refused("settings, est_cpulist", "2-4 has CPUs that this host does not have: it has 0-3"):
        predict(IpvsSysctl(), options({"est_cpulist": "2-4"}))
    (folder / "est_cpulist").write_text("0-7\n")
    assert predict(IpvsSysctl(), options({"est_cpulist": "0-7"})).changes == []


@pytest.mark.parametrize("given", ["3-1", "0-3:1", "N", "none", None, [0, 1], 0.5, -1])
def test_no_list_of_cpus(given: Any) -> None:
    with refused("settings, est_cpulist", "is not a list of CPUs: write numbers and ranges such as 0-3,6, or all"):
        IpvsSysctl().parse(options({"est_cpulist": given}))


@pytest.mark.usefixtures("folder")
def test_claims_of_devices_stay(state_file: Path) -> None:
    """They are in the same subject."""
    claims = {"net.ipv4.conf.all.arp_ignore": {"found": 0, "wanted": {"tunl0": 1}}}
    state_file.parent.mkdir()
    state_file.write_text(json.dumps({"sysctl": claims}))
    converge(IpvsSysctl(), options({"conntrack": 1}))
    assert converge(IpvsSysctl(), options({})) == ["sysctl -w net.ipv4.vs.conntrack=0"]
    assert json.loads(state_file.read_text())["sysctl"] == claims


def test_without_ipvs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded for settings alone."""

    def missing(*_family: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(kernel, "GenericSocket", missing)
    monkeypatch.setattr(program, "load_module", lambda name: f"Module {name} not found")
    with pytest.raises(MissingKernelSupport, match="load it with 'modprobe ip_vs'"):
        predict(IpvsSysctl(), options({"conntrack": 1}))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert predict(IpvsSysctl(), options({}, persist=False)).changes == []


def test_bad_settings() -> None:
    """All at once, with their names."""
    with all_refused("settings, ../x: ", "settings, conntrack: ", "settings, sync_threshold: ", "settings, est_nice: "):
        IpvsSysctl().parse(options({"../x": 1, "conntrack": "yes", "sync_threshold": "0-1", "est_nice": ""}))
    with refused("settings", "is not a dictionary"):
        IpvsSysctl().parse({"settings": [1], "persist": None})
