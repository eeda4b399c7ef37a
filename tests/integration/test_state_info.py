# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection says it has set up on a host."""

from __future__ import annotations

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace

VIP, VIP6 = "192.168.56.185", "2001:db8:56::185"
NOTHING = {"devices": [], "arp_silent_devices": [], "drained": [], "opened": [], "boot": False, "empty": True}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PYTHON)


def info(host: Namespace, python: tuple[str, ...], check_mode: bool = False) -> dict[str, object]:
    """What the module returns."""
    result = host.module("state_info", python=python, check_mode=check_mode).ok()
    return {name: result[name] for name in NOTHING}


@pytest.mark.parametrize("python", [(PYTHON,), NOBODY], ids=["root", "nobody"])
def test_state_of_a_real_server(host: Namespace, python: tuple[str, ...]) -> None:
    host.sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=0")
    assert info(host, python) == NOTHING
    host.module("arp_sysctl", device="lo").changed()
    host.module("arp_sysctl").changed()
    host.module("tunl_vip", devices=[{"device": "tunl0", "vips": [VIP]}, {"device": "lo", "vips": [VIP6]}]).changed()
    before = host.snapshot()
    expected = {
        **NOTHING,
        "devices": [{"name": "lo", "vips": [VIP6]}, {"name": "tunl0", "vips": [VIP]}],
        "arp_silent_devices": ["lo", "tunl0"],
        "empty": False,
    }
    assert info(host, python) == info(host, python, check_mode=True) == expected
    assert host.snapshot() == before

    host.module("tunl_vip", device="tunl0", state="absent").changed()
    host.module("arp_sysctl", state="absent").changed()
    assert info(host, python)["arp_silent_devices"] == ["lo"]
    host.module("tunl_vip", device="lo", vips=[VIP6], state="absent").changed()
    host.module("arp_sysctl", device="lo", state="absent").changed()
    assert info(host, python) == NOTHING


def test_settings_of_ipvs_silence_no_device(host: Namespace) -> None:
    host.module("ipvs_sysctl", settings={"expire_nodest_conn": 1}).changed()
    assert info(host, (PYTHON,)) == {**NOTHING, "empty": False}
    host.module("ipvs_sysctl", settings={}).changed()
    assert info(host, (PYTHON,)) == NOTHING


def test_boot_files(host: Namespace) -> None:
    host.module("boot", services=[{"vip": VIP, "port": 80}]).changed()
    assert info(host, (PYTHON,)) == {**NOTHING, "boot": True, "empty": False}
    host.module("boot", state="absent").changed()
    assert info(host, (PYTHON,)) == NOTHING


@pytest.mark.parametrize("user", [(), NOBODY[:-1]], ids=["root", "nobody"])
def test_missing_libraries_and_programs(host: Namespace, user: tuple[str, ...]) -> None:
    """Whatever PATH the user has, and without the folders in which Debian installs libraries."""
    python = host.run(PYTHON, "-c", "import sys; print(sys.executable)").stdout.strip()
    for path, flags, libraries in (("/usr/bin:/bin", (), []), ("/nowhere", ("-S",), ["nftables", "pyroute2"])):
        command = (*user, "/usr/bin/env", f"PATH={path}", python, *flags)
        result = host.module("state_info", python=command).ok()
        assert (result["missing"]["libraries"], result["missing"]["programs"]) == (libraries, [])
        assert sorted(result["missing"]["advice"]) == libraries
        assert result["python"] == python


def test_missing_programs(host: Namespace) -> None:
    for program in ("ipvsadm", "nft"):
        for folder in ("/usr/sbin", "/sbin"):
            host.run("sh", "-c", f"[ ! -e {folder}/{program} ] || mount --bind /dev/null {folder}/{program}")
    missing = host.module("state_info").ok()["missing"]
    assert (missing["libraries"], missing["programs"]) == ([], ["ipvsadm", "nft"])
    assert missing["packages"] == {"ipvsadm": "ipvsadm", "nft": "nftables"}
