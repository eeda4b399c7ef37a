# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: their names, their commands, and the claims on them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import (
    Claims,
    IpvsSysctlKey,
    Sysctl,
    SysctlKey,
    claimants,
)

PATH = "/etc/sysctl.d/90-lvs-tunl0.conf"
KEY = SysctlKey("all", "arp_ignore")


@pytest.mark.parametrize(
    ("device", "expected"),
    [("tunl0", "net.ipv4.conf.tunl0.arp_ignore"), ("eth0.100", "net/ipv4/conf/eth0.100/arp_ignore")],
)
def test_name_in_the_file(device: str, expected: str) -> None:
    """sysctl.d(5): a dot in a device's name needs slashes."""
    assert str(SysctlKey(device, "arp_ignore")) == expected


def test_file_as_shown() -> None:
    """A line for each setting, without the comment."""
    assert TextFile(PATH, "# a\nb = 1\nc = 2\n").diff_line() == f"{PATH}: b = 1\n{PATH}: c = 2"


@pytest.mark.parametrize(
    ("setting", "command", "line"),
    [
        (
            Sysctl(SysctlKey("eth0.100", "rp_filter"), 2),
            "sysctl -w net/ipv4/conf/eth0.100/rp_filter=2",
            "net/ipv4/conf/eth0.100/rp_filter = 2",
        ),
        (
            Sysctl(IpvsSysctlKey("sync_threshold"), "5 60"),
            "sysctl -w 'net.ipv4.vs.sync_threshold=5 60'",
            "net.ipv4.vs.sync_threshold = 5 60",
        ),
    ],
)
def test_command_of_a_setting(setting: Sysctl, command: str, line: str) -> None:
    """It can be typed into a shell; the diff has the line of sysctl.d(5)."""
    assert {setting.command(action) for action in ("add", "set", "remove")} == {command}
    assert setting.diff_line() == setting.assignment == line
    assert setting.identity() == {"name": str(setting.key)}


def test_claims_of_several_devices() -> None:
    """The value found is that before the first claim; the last claim takes it along."""
    subject: dict[str, Any] = {}
    tunl0, lo = Claims(subject, "tunl0"), Claims(subject, "lo")
    tunl0.claim(KEY, 1, 0)
    assert tunl0.former(KEY) == Sysctl(KEY, 0)
    lo.claim(KEY, 2, 1)
    assert subject == {"net.ipv4.conf.all.arp_ignore": {"found": 0, "wanted": {"tunl0": 1, "lo": 2}}}
    assert (lo.value(KEY), lo.value_of_others(KEY), lo.former(KEY)) == (2, 1, Sysctl(KEY, 1))
    assert (lo.names(), claimants(subject)) == (["net.ipv4.conf.all.arp_ignore"], {"tunl0", "lo"})
    lo.release(KEY)
    lo.release(KEY)
    assert (lo.value(KEY), lo.names(), claimants(subject)) == (None, [], {"tunl0"})
    tunl0.release(KEY)
    assert subject == {}


@pytest.mark.parametrize(("name", "expected"), [("arp_ignore", 8), ("rp_filter", 0)])
def test_what_the_others_need(name: str, expected: int) -> None:
    """The largest value, of rp_filter the smallest."""
    key = SysctlKey("all", name)
    subject: Any = {str(key): {"found": 5, "wanted": {"tunl0": 1, "lo": 8, "tun1": 0}}}
    assert Claims(subject, "tunl0").value_of_others(key) == expected
