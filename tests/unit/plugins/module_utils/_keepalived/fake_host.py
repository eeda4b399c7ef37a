# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in memory, but for its files: keepalived, systemd and the network devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import boot_files, files, program, systemd, waiting
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import checked, prepared
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import keepalived_file
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_table import owned
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Service, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import host, weights
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.keepalived import ARGUMENT_SPEC, Keepalived
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    CONFIG_FILE,
    STANDBY_FILE,
    UNIT,
    advertised_in,
    vips_in,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device

DIP, OTHER_DIP = "192.0.2.2", "192.0.2.3"
VIP, VIP2, VIP6 = "192.0.2.80", "192.0.2.81", "2001:db8::80"
ADVERTISED = "169.254.255.51"
VRRP: Facts = {"id": 51, "source": DIP, "peers": [OTHER_DIP]}
FOREIGN = "vrrp_instance old {\n    authentication {\n        auth_pass\told-word\n    }\n}\n"


class Host:
    """A host on which keepalived is installed; its files are below C(root)."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.events: list[str] = []  # what was written, and what systemctl was told
        self.warnings: list[str] = []
        self.printed: str | None = "Keepalived v2.2.7 (01/16,2022)\n"  # by --version; None: not installed
        self.refusal = ""  # of --config-test; {path} in it is that of the file
        self.tested: list[tuple[str, int]] = []  # the files that it read, and their modes
        self.enabled = self.running = False
        self.other_is_active = False  # another director has the VIPs
        self.killed_at = ""  # the event before which the module is killed
        self.never = ""  # an address that keepalived does not add
        self.takes = 0.5  # seconds until keepalived has done what it was told
        self.clock = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.held: set[IPv4Address | IPv6Address] = set()  # beside the DIP
        self.services: set[ServiceKey] = set()  # in IPVS
        monkeypatch.setattr(host, "IpvsBackend", self._ipvs)
        self.networks: dict[str, tuple[str, ...]] = {"eth0": ()}  # the addresses of devices with their networks
        (root / "systemd").mkdir(parents=True)
        monkeypatch.setattr(systemd, "_FOLDER", str(root / "systemd"))
        monkeypatch.setattr(program, "path_of", lambda _name: None if self.printed is None else "/usr/sbin/keepalived")
        monkeypatch.setattr(program, "run", self._systemctl)
        monkeypatch.setattr(program, "spoken", self._keepalived)
        monkeypatch.setattr(neighbour, "devices", self._devices)
        monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: self.clock, sleep=self._sleep))
        monkeypatch.setattr(boot_files, "exist", lambda: False)
        own_files = SimpleNamespace(
            read_text=lambda path: files.read_text(str(self.path(path))),
            read_made=lambda path, asked_by: files.read_made(str(self.path(path)), asked_by),
            make_folder=lambda path: files.make_folder(str(self.path(path))),
            is_readable=lambda path: files.is_readable(str(self.path(path))),
            is_link=lambda path: files.is_link(str(self.path(path))),
            write_text=self._write,
            remove=self._remove,
            remove_folder=lambda path: files.remove_folder(str(self.path(path))),
        )
        for user in (host, keepalived_file, weights):
            monkeypatch.setattr(user, "files", own_files)

    def path(self, path: str) -> Path:
        """Where a file of the host is."""
        return self.root / path.lstrip("/")

    def put(self, path: str, text: str) -> Path:
        """Have a file that somebody else wrote."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def config(self) -> str:
        """The text of keepalived.conf."""
        return self.path(CONFIG_FILE).read_text()

    @property
    def vips(self) -> list[str]:
        """The VIPs in it."""
        return [str(vip.vip) for vip in vips_in(self.config)]

    def run(self, *, check_mode: bool = False, **options: Any) -> Facts:
        """What the module returns, with options as Ansible hands them over."""
        work = prepared(Keepalived(), checked(ARGUMENT_SPEC, options, "options"))
        module: Any = SimpleNamespace(check_mode=check_mode, warn=self.warnings.append, log=None)
        self.events.clear()
        return work(module)

    def _write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.events.append(f"write {path}")
        if self.killed_at == self.events[-1]:
            raise KeyboardInterrupt
        files.write_text(str(self.path(path)), text, mode)
        if path == STANDBY_FILE and self.running:
            self._later(self._settle)

    def _remove(self, path: str) -> None:
        if self.path(path).exists():
            self.events.append(f"remove {path}")
        files.remove(str(self.path(path)))

    @contextmanager
    def _ipvs(self) -> Iterator[Any]:
        yield SimpleNamespace(services=lambda: [Service(key) for key in self.services])

    def _devices(self) -> list[Device]:
        own = {"eth0": (ip_address(DIP), ip_address("2001:db8::2"))}
        found = [
            Device(index, name, b"", True, tuple(map(ip_interface, networks)), own.get(name, ()))
            for index, (name, networks) in enumerate(self.networks.items(), 2)
        ]
        return [Device(1, "lo", b"", False, (), tuple(self.held)), *found]

    def _keepalived(self, name: str, *arguments: str, timeout: float) -> tuple[str, bool]:
        assert (name, timeout > 0) == ("keepalived", True)
        if arguments == ("--version",):
            return self.printed or "", True
        option, file = arguments
        assert option == "--config-test"
        path = Path(file.partition("--use-file=")[2])
        self.tested.append((path.read_text(), path.stat().st_mode & 0o777))
        return self.refusal.format(path=path), not self.refusal

    def _systemctl(self, name: str, *arguments: str, timeout: float) -> tuple[str, str]:
        assert (name, timeout > 0) == ("systemctl", True)
        if arguments == ("is-enabled", UNIT):
            return ("enabled\n" if self.enabled else "disabled\n"), ""
        if arguments == ("is-active", UNIT):
            return ("active\n" if self.running else "inactive\n"), ""
        self.events.append(" ".join(arguments))
        if self.killed_at == self.events[-1]:
            raise KeyboardInterrupt
        if arguments == ("enable", "--now", UNIT):
            if not self.running:
                self._later(self._settle)
            self.enabled = self.running = True
        elif arguments == ("disable", "--now", UNIT):
            self.enabled = self.running = False
            self.held.clear()
            self.services.clear()
        elif arguments == ("reload", UNIT):
            assert self.running
            self._later(self._settle)
        else:
            assert arguments == ("daemon-reload",)
        return "", ""

    def _settle(self) -> None:
        """Keepalived does what its files say."""
        standby = self.path(STANDBY_FILE)
        if self.other_is_active or (standby.exists() and standby.read_text() != "0\n"):
            self.held.clear()
            return
        text = self.config
        self.services = set(owned(text))
        advertised = advertised_in(text)
        wanted = {vip.vip for vip in vips_in(text)} | ({advertised} if advertised else set())
        self.held = {address for address in wanted if str(address) != self.never}

    def _later(self, act: Callable[[], None]) -> None:
        if self.takes:
            self.due.append((self.clock + self.takes, act))
        else:
            act()

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds
        ready = [act for when, act in self.due if when <= self.clock]
        self.due = [(when, act) for when, act in self.due if when > self.clock]
        for act in ready:
            act()
