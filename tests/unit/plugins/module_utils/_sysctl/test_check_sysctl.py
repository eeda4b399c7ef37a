# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that answers to checks need, on a procfs made of files."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl import check_sysctl, procfs
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.check_sysctl import CheckSysctl
from tests.unit.resources import converge, predict

DIP, DIP6 = "192.0.2.2", "2001:db8::2"
OPTIONS: dict[str, Any] = {"sources": [DIP, DIP6], "vip_devices": [], "persist": None, "state": "present"}
ABSENT = {**OPTIONS, "state": "absent"}


class Host:
    """The settings of eth0, which has the sources, and of eth1."""

    def __init__(self, folder: Path) -> None:
        self.conf = folder / "net/ipv4/conf"
        for device in ("all", "eth0", "eth1"):
            (self.conf / device).mkdir(parents=True)
            self.set(**{f"{device}.accept_local": 0, f"{device}.rp_filter": 0})

    def set(self, **values: int) -> None:
        """Set these settings."""
        for name, value in values.items():
            (self.conf / name.replace(".", "/")).write_text(f"{value}\n")

    def get(self, device: str = "eth0") -> tuple[int, int]:
        """accept_local and rp_filter of a device."""
        accept, filters = (int((self.conf / device / name).read_text()) for name in ("accept_local", "rp_filter"))
        return accept, filters


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with two devices."""
    monkeypatch.setattr(procfs, "ROOT", str(tmp_path / "sys"))
    monkeypatch.setattr(state, "STATE_FILE", str(tmp_path / "state.json"))
    monkeypatch.setattr(check_sysctl, "OWN_FILE", str(tmp_path / "90-lvs_checks.conf"))
    eth0 = Device(2, "eth0", b"", True, (), (ip_address(DIP), ip_address(DIP6)))
    eth1 = Device(3, "eth1", b"", True, (), (ip_address("198.51.100.2"),))
    monkeypatch.setattr(neighbour, "devices", lambda: [eth0, eth1])
    return Host(tmp_path / "sys")


def test_answers_from_own_addresses_are_accepted(host: Host) -> None:
    assert predict(CheckSysctl(), OPTIONS).changes
    assert host.get() == (0, 0)
    assert converge(CheckSysctl(), OPTIONS) == ["sysctl -w net.ipv4.conf.eth0.accept_local=1"]
    assert (host.get(), host.get("eth1")) == ((1, 0), (0, 0))
    desired = CheckSysctl().parse(OPTIONS)
    assert CheckSysctl().result(desired, predict(CheckSysctl(), OPTIONS).after()) == {"devices": ["eth0"]}
    assert not converge(CheckSysctl(), OPTIONS)
    converge(CheckSysctl(), ABSENT)
    assert host.get() == (0, 0)
    assert not converge(CheckSysctl(), ABSENT)


@pytest.mark.parametrize("where", ["all", "eth0"])
def test_strict_filter_is_loosened_for_vips_on_other_devices(host: Host, where: str) -> None:
    host.set(**{f"{where}.rp_filter": 1})
    before = host.get()[1]
    converge(CheckSysctl(), {**OPTIONS, "vip_devices": ["eth0"]})
    assert host.get() == (1, before)
    elsewhere = {**OPTIONS, "vip_devices": ["eth0", "eth1"]}
    converge(CheckSysctl(), elsewhere)
    assert host.get() == (1, 2)
    assert not converge(CheckSysctl(), elsewhere)
    converge(CheckSysctl(), ABSENT)
    assert host.get() == (0, before)


@pytest.mark.parametrize("filters", [0, 2])
def test_other_filters_stay(host: Host, filters: int) -> None:
    host.set(**{"eth0.rp_filter": filters})
    converge(CheckSysctl(), {**OPTIONS, "vip_devices": ["tunl0"]})
    assert host.get() == (1, filters)


def test_file_for_the_next_boot(host: Host, tmp_path: Path) -> None:
    host.set(**{"eth0.rp_filter": 1})
    file = tmp_path / "90-lvs_checks.conf"
    options = {**OPTIONS, "vip_devices": ["tunl0"], "persist": True}
    converge(CheckSysctl(), options)
    assert file.read_text().splitlines()[1:] == ["net.ipv4.conf.eth0.accept_local = 1", "net.ipv4.conf.eth0.rp_filter = 2"]
    assert not converge(CheckSysctl(), options)
    assert not converge(CheckSysctl(), {**options, "persist": None})
    converge(CheckSysctl(), ABSENT)
    assert not file.exists()


def test_address_that_moves_to_another_device(host: Host) -> None:
    converge(CheckSysctl(), OPTIONS)
    converge(CheckSysctl(), {**OPTIONS, "sources": ["198.51.100.2"]})
    assert (host.get(), host.get("eth1")) == ((0, 0), (1, 0))


def test_ipv6_needs_nothing(host: Host) -> None:
    assert not converge(CheckSysctl(), {**OPTIONS, "sources": [DIP6]})
    assert host.get() == (0, 0)


def test_faults(host: Host) -> None:
    with pytest.raises(LvsError, match=r"sources: 192\.0\.2\.9 is no address of this host"):
        converge(CheckSysctl(), {**OPTIONS, "sources": ["192.0.2.9"]})
    with pytest.raises(Invalid) as caught:
        converge(CheckSysctl(), {**OPTIONS, "sources": ["x"], "vip_devices": ["a b"]})
    assert {fault.option for fault in caught.value.faults} == {"sources", "vip_devices"}
    assert host.get() == (0, 0)
