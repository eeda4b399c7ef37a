# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module firewall with files as ufw has them, and the kernel's nftables. tests/hosts has the firewalls themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace

VIP, VIP6, DIRECTOR = "192.168.56.185", "2001:db8:56::185", "192.168.56.181"
KINDS = (("tcp", 80), ("udp", 0), ("sctp", 5000))
SERVICES = [
    {"vip": vip, "port": port, "protocol": protocol, "untracked": True} for vip in (VIP, VIP6) for protocol, port in KINDS
]
RULES = "*filter\n:ufw-after-input - [0:0]\nCOMMIT\n"
RESTORE = ("iptables-restore", "ip6tables-restore")


@pytest.fixture
def ufw(tmp_path: Path) -> tuple[str, ...]:
    """A Python that finds ufw, which must not be called, and programs that note what they are to load."""
    folder = tmp_path / "etc/ufw"
    folder.mkdir(parents=True)
    (tmp_path / "etc/default").mkdir()
    (tmp_path / "etc/default/ufw").write_text("IPV6=yes\n")
    (folder / "ufw.conf").write_text("ENABLED=yes\n")
    for name in ("after.rules", "after6.rules"):
        (folder / name).write_text(RULES)
    for name in ("ufw", *RESTORE):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/calls\ncat >{tmp_path}/{name}.loaded\n')
        program.chmod(0o755)
    script = f'cp -a /etc/. {tmp_path}/etc 2>&1 || :; mount --bind {tmp_path}/etc /etc; PATH={tmp_path}:$PATH exec "$@"'
    return ("sh", "-c", script, "ufw", PYTHON)


def files(folder: Path) -> list[str]:
    """The rules that ufw would load."""
    return [(folder / "etc/ufw" / name).read_text() for name in ("after.rules", "after6.rules")]


def test_from_nothing_to_nothing(host: Namespace, ufw: tuple[str, ...], tmp_path: Path) -> None:
    options: dict[str, Any] = {"sources": [DIRECTOR], "protocols": [4], "services": SERVICES}
    before = host.snapshot()
    predicted = host.module("firewall", python=ufw, **options, check_mode=True).changed()
    assert (host.snapshot(), files(tmp_path)) == (before, [RULES, RULES])
    made = host.module("firewall", python=ufw, **options).changed()
    assert made["commands"] == predicted["commands"]
    calls = [f"{program} --noflush --wait=60{option}" for option in (" --test", "") for program in RESTORE]
    assert (tmp_path / "calls").read_text().splitlines() == calls
    assert f"-A ufw-after-input -s {DIRECTOR} -p 4 -j ACCEPT\n" in (tmp_path / "iptables-restore.loaded").read_text()
    assert f"-A ufw-after-input -s {DIRECTOR} -p 4 -j ACCEPT\n" in files(tmp_path)[0]
    assert f"-A ufw6-after-input -d {VIP6} -p sctp --dport 5000 -j ACCEPT\n" in files(tmp_path)[1]
    assert len(made["untracked"]) == len(SERVICES)
    host.module("firewall", python=ufw, **options).ok()
    host.module("firewall", python=ufw, **options, purge=True).ok()

    host.module("boot", services=[], python=ufw).changed()
    host.sh("nft --file /var/lib/lvs.cluster/boot/nftables")
    host.module("firewall", python=ufw, **options).ok()
    host.module("boot", state="absent", python=ufw).changed()

    fewer = {"services": SERVICES[:1], "purge": True}
    assert host.module("firewall", python=ufw, **fewer).changed()["untracked"] == [f"{VIP} . tcp . 80"]
    host.module("firewall", python=ufw, **fewer).ok()
    host.module("firewall", python=ufw, state="absent").changed()
    assert (host.snapshot(), files(tmp_path)) == (before, [RULES, RULES])
    host.module("firewall", python=ufw, state="absent").ok()
