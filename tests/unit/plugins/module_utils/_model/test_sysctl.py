# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of a device that holds a VIP, and of all."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model.sysctl import (
    Sysctl,
    SysctlFile,
    SysctlKey,
    effective,
    wanted_settings,
)
from ansible_collections.lvs.cluster.plugins.module_utils._reconcile import reconcile
from tests.unit.helpers import applied, refused

OPTIONS = {"device": "tunl0", "arp_ignore": 1, "arp_announce": 2, "rp_filter": 2, "persist": None, "state": "present"}
PATH = "/etc/sysctl.d/90-lvs-tunl0.conf"
LOOSE = {
    "net.ipv4.conf.all.arp_ignore": 1,
    "net.ipv4.conf.tunl0.arp_ignore": 1,
    "net.ipv4.conf.all.arp_announce": 2,
    "net.ipv4.conf.tunl0.arp_announce": 2,
    "net.ipv4.conf.tunl0.rp_filter": 2,
}


def host(value: int, *devices: str) -> dict[Any, Any]:
    """What is read of a host where each setting of the devices has the same value."""
    keys = [SysctlKey(where, name) for where in devices for name in ("arp_ignore", "arp_announce", "rp_filter")]
    return {key: Sysctl(key, value) for key in keys}


def loose(current: dict[Any, Any]) -> dict[Any, Any]:
    """Of a host on which the rp_filter of all was not set by us."""
    return {key: item for key, item in current.items() if key != SysctlKey("all", "rp_filter")}


def changed(options: dict[str, Any], current: dict[Any, Any]) -> dict[str, int | str]:
    """The settings that would change, and their new values."""
    changes = reconcile(wanted_settings(options), current)
    return {str(change.item.key): change.item.value for change in changes if isinstance(change.item, Sysctl)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, LOOSE),
        ({"rp_filter": 0}, {**LOOSE, "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.tunl0.rp_filter": 0}),
        ({"rp_filter": 1}, {**LOOSE, "net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.tunl0.rp_filter": 1}),
    ],
)
def test_which_settings_change(options: dict[str, Any], expected: dict[str, int]) -> None:
    """Those of all, too; but loose mode wins on the device alone, and the filters of other devices are left alone."""
    current = host(7, "all", "tunl0", "eth0")
    assert changed({**OPTIONS, **options}, current if options else loose(current)) == expected


def test_strictness_of_all_goes_back_when_loose_mode_does_without_it() -> None:
    """What an earlier run set for all devices is undone."""
    key = SysctlKey("all", "rp_filter")
    current = {**host(0, "all", "tunl0"), key: Sysctl(key, 0, former=1)}
    lines = [change.line() for change in reconcile(wanted_settings(OPTIONS), current)]
    assert lines[-1] == "net.ipv4.conf.all.rp_filter = 1"


def test_only_differing_settings_change() -> None:
    """A second run has nothing to do."""
    current = loose(host(2, "all", "tunl0"))
    assert changed(OPTIONS, current) == {"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.tunl0.arp_ignore": 1}
    assert changed(OPTIONS, applied(reconcile(wanted_settings(OPTIONS), current), current)) == {}


def test_file_for_the_next_boot() -> None:
    """The very settings; with persist the file is made, without it an old one goes, left out it stays."""
    text = "# Made by lvs.cluster.arp_sysctl: what is changed here is lost.\n" + "".join(
        f"{k} = {v}\n" for k, v in LOOSE.items()
    )
    old = {**host(2, "all", "tunl0"), PATH: SysctlFile(PATH, "old\n")}
    after = {
        persist: applied(reconcile(wanted_settings({**OPTIONS, "persist": persist}), old), old).get(PATH)
        for persist in (True, False, None)
    }
    assert after == {True: SysctlFile(PATH, text), False: None, None: SysctlFile(PATH, "old\n")}


def test_absent() -> None:
    """The file and the settings that were made here go, to the values found before; others are not touched."""
    key = SysctlKey("tunl0", "rp_filter")
    current = {PATH: SysctlFile(PATH, "x\n"), key: Sysctl(key, 2, former=1)}
    changes = reconcile(wanted_settings({**OPTIONS, "state": "absent"}), current)
    assert sorted(change.line() for change in changes) == ["net.ipv4.conf.tunl0.rp_filter = 1", f"rm {PATH}"]
    assert applied(changes, current) == {}


@pytest.mark.parametrize(
    ("device", "expected"),
    [("tunl0", "net.ipv4.conf.tunl0.arp_ignore"), ("eth0.100", "net/ipv4/conf/eth0.100/arp_ignore")],
)
def test_name_in_the_file(device: str, expected: str) -> None:
    """sysctl.d(5): a dot in a device's name needs slashes."""
    assert str(SysctlKey(device, "arp_ignore")) == expected


def test_file_as_shown() -> None:
    """A line for each setting, without the comment."""
    assert SysctlFile(PATH, "# a\nb = 1\nc = 2\n").line() == f"{PATH}: b = 1\n{PATH}: c = 2"


def test_effective_is_the_larger_value() -> None:
    """Of the device's and that of all."""
    items = {
        **host(1, "all"),
        **host(0, "tunl0"),
        SysctlKey("tunl0", "rp_filter"): Sysctl(SysctlKey("tunl0", "rp_filter"), 2),
    }
    assert effective(OPTIONS, [], items) == {"effective": {"arp_ignore": 1, "arp_announce": 1, "rp_filter": 2}}
    assert effective({**OPTIONS, "state": "absent"}, [], {}) == {}


@pytest.mark.parametrize(("option", "highest"), [("arp_ignore", 8), ("arp_announce", 2), ("rp_filter", 2)])
def test_bad_value(option: str, highest: int) -> None:
    """The message has the range; its ends are taken."""
    for value in (-1, highest + 1):
        with refused(option, f"{value} is not in 0..{highest}"):
            wanted_settings({**OPTIONS, option: value})
    with refused(option, "is not a whole number"):
        wanted_settings({**OPTIONS, option: "strict"})
    for value in (0, highest):
        assert changed({**OPTIONS, option: value}, host(7, "all", "tunl0"))[f"net.ipv4.conf.tunl0.{option}"] == value


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("all", "is not a device: name the one that holds the VIP"),
        ("default", "is not a device: name the one that holds the VIP"),
        ("..", "is not a device name"),
        ("a/b", "is not a device name"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_bad_device(device: str, says: str, state: str) -> None:
    """None of these holds a VIP."""
    with refused("device", says):
        wanted_settings({**OPTIONS, "device": device, "state": state})
