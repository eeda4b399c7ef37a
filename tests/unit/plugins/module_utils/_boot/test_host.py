# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has to restore, and the files that restore it, in folders of the test's own."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._boot import host
from ansible_collections.lvs.cluster.plugins.module_utils._boot.boot import Boot
from ansible_collections.lvs.cluster.plugins.module_utils._boot.model import BootContext, BootDesired, Link, LongFile
from ansible_collections.lvs.cluster.plugins.module_utils._core.boot_text import IPVS
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, MissingLibrary
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, Transition
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import header
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import codec, kernel
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Service, ServiceKey, SyncDaemon, Timeouts

TEXT = f"{header('boot')}x\n"
WEB, DNS = ({"vip": "192.0.2.1", "port": port, "protocol": protocol} for port, protocol in ((80, "tcp"), (53, "udp")))
TIMEOUTS = "--set 900 120 300"


class NoDevices:
    """Stands for pyroute2's IPRoute, on a host without a device."""

    def __getattr__(self, name: str) -> Callable[..., list[object]]:
        return lambda *_arguments, **_options: []


class Ipvs:
    """Stands for the netlink socket of a kernel whose only service is WEB."""

    def __init__(self, *_family: object) -> None:
        """It is open."""

    def request(self, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        """Answer a request: there is neither a destination nor a daemon."""
        web = ServiceKey.of(WEB)
        if command == codec.CMD_GET_CONFIG:
            return [codec.encode_timeouts(Timeouts(900, 120, 300))]
        if command == codec.CMD_GET_SERVICE and payload == codec.encode_key(web):
            return [codec.encode_service(Service(web, "rr"))]
        if command == codec.CMD_GET_SERVICE:
            raise OSError(errno.ESRCH, "No such process")
        return []

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a host with one file and one link, at most; its kernel has WEB, and neither devices nor nftables."""
    monkeypatch.setattr(host, "FOLDER", str(tmp_path / "lvs/boot"))
    monkeypatch.setattr(host, "FILES", (str(tmp_path / "lvs/boot/script"),))
    monkeypatch.setattr(host, "_IPVS_LOADED", str(tmp_path / "ip_vs"))
    monkeypatch.setattr(host, "LINKS", (str(tmp_path / "wants/unit"),))
    monkeypatch.setitem(sys.modules, "pyroute2", SimpleNamespace(IPRoute=NoDevices, NetlinkError=OSError))
    monkeypatch.setitem(sys.modules, "nftables", None)
    monkeypatch.setattr(kernel, "GenericSocket", Ipvs)
    return tmp_path


def read(*services: Any, present: bool = True) -> Seen[str, Any, BootContext]:
    """What the host has."""
    return host.BootBackend().read(BootDesired([], present, services))


def items(root: Path) -> list[Any]:
    """A file and a link."""
    script, link = root / "lvs/boot/script", root / "wants/unit"
    return [LongFile(str(script), TEXT), Link(str(link), "../unit")]


def apply(changes: list[Change[Any]], *services: Any) -> None:
    """Make these changes."""
    host.BootBackend().apply(Transition([], Seen({}, BootContext(services)), changes))


def note(state_file: Path, *services: Any) -> None:
    """Have the state file name these services."""
    state_file.parent.mkdir()
    state_file.write_text(json.dumps({"boot": {"services": services}}))


def test_files_come_and_go(root: Path, state_file: Path) -> None:
    """With the folders, which go when they are empty, and the services in the state file."""
    wanted = items(root)
    assert read().items == {}
    apply([Change(None, item) for item in wanted], WEB)
    assert (root / "lvs/boot/script").read_text() == TEXT
    assert str((root / "wants/unit").readlink()) == "../unit"
    assert json.loads(state_file.read_text())["boot"] == {"services": [WEB]}
    assert read().items == {item.key: item for item in wanted}

    apply([Change(item, None) for item in wanted])
    assert sorted(path.name for path in root.iterdir()) == ["lock", "wants"]
    assert not state_file.exists()


def test_folder_with_other_files_stays(root: Path) -> None:
    """They are not ours."""
    apply([Change(None, item) for item in items(root)])
    (root / "lvs/boot/other").write_text("x")
    apply([Change(item, None) for item in items(root)])
    assert [path.name for path in (root / "lvs/boot").iterdir()] == ["other"]


def test_file_of_another_program_is_in_the_way(root: Path) -> None:
    """Only where one is wanted."""
    script = root / "lvs/boot/script"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    with pytest.raises(LvsError, match=r"^state: .*script is there and was not made by this collection: move it away"):
        read()
    assert read(present=False).items == {}


def test_file_in_place_of_a_link(root: Path) -> None:
    """A unit that is enabled in no way that systemd knows."""
    (root / "wants").mkdir()
    (root / "wants/unit").write_text("x")
    with pytest.raises(LvsError, match="unit is there and is no symbolic link: move it away"):
        read()


@pytest.mark.usefixtures("root")
def test_real_server_has_no_lines_of_ipvs() -> None:
    """IPVS is not even asked."""
    assert read().context == BootContext((), {"modules": [], "devices": [], "vips": [], "nftables": []})


@pytest.mark.usefixtures("root")
def test_services_as_the_kernel_has_them() -> None:
    """With the timeouts; one that does not exist yet is noted all the same."""
    context = read(WEB, DNS).context
    assert context.services == [WEB, DNS]
    assert list(context.lines["ipvs"]) == ["-A -t 192.0.2.1:80 -s rr", TIMEOUTS]


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(("noted", "expected"), [((WEB,), [WEB]), ((DNS,), []), ((WEB, DNS), [WEB])])
def test_noted_services_that_still_exist_stay(state_file: Path, noted: Any, expected: Any) -> None:
    """Though they are no longer described."""
    note(state_file, *noted)
    context = read().context
    assert context.services == expected
    assert context.lines.get("ipvs") == (["-A -t 192.0.2.1:80 -s rr", TIMEOUTS] if expected else None)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("loaded", [True, False])
def test_daemons_without_services(root: Path, monkeypatch: pytest.MonkeyPatch, loaded: bool) -> None:
    """Of a director whose table another program owns; a host whose kernel has no IPVS is not asked."""
    daemon = SyncDaemon("backup", "eth0", 7, 1472)
    answer = Ipvs.request

    def request(self: Ipvs, command: int, payload: bytes = b"", dump: bool = False) -> list[bytes]:
        return [codec.encode_daemon(daemon)] if command == codec.CMD_GET_DAEMON else answer(self, command, payload, dump)

    monkeypatch.setattr(Ipvs, "request", request)
    if loaded:
        (root / "ip_vs").touch()
    context = read().context
    assert context.lines.get("ipvs") == ([TIMEOUTS, daemon.rule()] if loaded else None)


@pytest.mark.usefixtures("root")
def test_nothing_is_read_of_a_host_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library is needed for that."""
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    assert read(present=False).context == BootContext()
    with pytest.raises(MissingLibrary):
        read()
    assert Boot().empty_host().items == {}


@pytest.mark.usefixtures("root")
def test_services_of_keepalived_are_not_restored(state_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes them when it starts; what else IPVS has is restored, by the modules of IPVS in the same way."""
    note(state_file, WEB)
    assert read(WEB).context.services == [WEB]
    monkeypatch.setattr(kernel, "KeepalivedTable", lambda: SimpleNamespace(owned={ServiceKey.of(WEB): {}}))
    context = read(WEB).context
    assert context.services == []
    assert context.lines[IPVS] == ["--set 900 120 300"]
    state_file.unlink()
    with kernel.IpvsBackend() as ipvs:
        assert ipvs.boot_files() == {IPVS: context.lines[IPVS]}
