# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of a device that holds a VIP, and of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import NoSuchDevice
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, after, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.arp_sysctl import ArpSysctl, effective
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import DeviceContext, Sysctl, SysctlKey
from tests.unit.helpers import all_refused, refused

OPTIONS = {"device": "tunl0", "arp_ignore": 1, "arp_announce": 2, "rp_filter": 2, "persist": None, "state": "present"}
PATH = "/etc/sysctl.d/90-lvs-tunl0.conf"
RP_FILTER_OF_ALL = SysctlKey("all", "rp_filter")
LOOSE = {
    "net.ipv4.conf.all.arp_ignore": 1,
    "net.ipv4.conf.tunl0.arp_ignore": 1,
    "net.ipv4.conf.all.arp_announce": 2,
    "net.ipv4.conf.tunl0.arp_announce": 2,
    "net.ipv4.conf.tunl0.rp_filter": 2,
}


def host(value: int, *devices: str) -> dict[Any, Any]:
    """What is read of a host where each setting of the devices has the same value."""
    keys = [SysctlKey(device, name) for device in devices for name in ("arp_ignore", "arp_announce", "rp_filter")]
    return {key: Sysctl(key, value) for key in keys}


def seen(items: dict[Any, Any], *, loose: bool = False, former: Mapping[Any, Any] | None = None, **context: Any) -> Any:
    """A host with these items, whose settings are all claimed.

    :param loose: without a claim on the rp_filter of all
    """
    owned = {key for key in items if isinstance(key, SysctlKey)} - ({RP_FILTER_OF_ALL} if loose else set())
    return Seen(items, DeviceContext(frozenset({"tunl0", "eth0"}), **context), owned, former or {})


def changes(options: dict[str, Any], current: Any) -> list[Change[Any]]:
    """What the module would change."""
    resource = ArpSysctl()
    return reconcile(resource.plan(resource.parse(options), current), current)


def changed(options: dict[str, Any], current: Any) -> dict[str, int | str]:
    """The settings that would change, and their new values."""
    items = [change.item for change in changes(options, current)]
    return {str(item.key): item.value for item in items if isinstance(item, Sysctl)}


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
    current = seen(host(7, "all", "tunl0", "eth0"), loose=not options)
    assert changed({**OPTIONS, **options}, current) == expected


def test_strictness_of_all_goes_back_when_loose_mode_does_without_it() -> None:
    """What an earlier run set for all devices is undone."""
    current = seen(host(0, "all", "tunl0"), former={RP_FILTER_OF_ALL: Sysctl(RP_FILTER_OF_ALL, 1)})
    commands = [change.command() for change in changes(OPTIONS, current)]
    assert commands[-1] == "sysctl -w net.ipv4.conf.all.rp_filter=1"


def test_only_differing_settings_change() -> None:
    """A second run has nothing to do."""
    items = host(2, "all", "tunl0")
    current = seen(items, loose=True)
    assert changed(OPTIONS, current) == {"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.tunl0.arp_ignore": 1}
    assert changed(OPTIONS, seen(after(items, changes(OPTIONS, current)), loose=True)) == {}


def test_file_for_the_next_boot() -> None:
    """The very settings; with persist the file is made, without it an old one goes, left out it stays."""
    text = "# Made by lvs.cluster.arp_sysctl: what is changed here is lost.\n" + "".join(
        f"{k} = {v}\n" for k, v in LOOSE.items()
    )
    old = {**host(2, "all", "tunl0"), PATH: TextFile(PATH, "old\n")}
    files = {
        persist: after(old, changes({**OPTIONS, "persist": persist}, seen(old))).get(PATH) for persist in (True, False, None)
    }
    assert files == {True: TextFile(PATH, text), False: None, None: TextFile(PATH, "old\n")}


def test_absent() -> None:
    """The file and the settings that were made here go, to the values found before; others are not touched."""
    key, other = SysctlKey("tunl0", "rp_filter"), SysctlKey("tunl0", "arp_ignore")
    items: dict[Any, Any] = {PATH: TextFile(PATH, "x\n"), key: Sysctl(key, 2), other: Sysctl(other, 1)}
    current: Any = Seen(items, DeviceContext(), {key}, {key: Sysctl(key, 1)})
    going = changes({**OPTIONS, "state": "absent"}, current)
    assert sorted(change.command() for change in going) == [f"rm {PATH}", "sysctl -w net.ipv4.conf.tunl0.rp_filter=1"]
    assert after(items, going) == {other: Sysctl(other, 1)}


def test_effective_is_the_larger_value() -> None:
    """Of the device's and that of all."""
    items = {
        **host(1, "all"),
        **host(0, "tunl0"),
        SysctlKey("tunl0", "rp_filter"): Sysctl(SysctlKey("tunl0", "rp_filter"), 2),
    }
    resource = ArpSysctl()
    facts = {"effective": {"arp_ignore": 1, "arp_announce": 1, "rp_filter": 2}}
    assert resource.result(resource.parse(OPTIONS), seen(items)) == facts
    assert effective("eth0", host(1, "all", "eth0", "tunl0")) == dict.fromkeys(("arp_ignore", "arp_announce", "rp_filter"), 1)
    assert resource.result(resource.parse({**OPTIONS, "state": "absent"}), resource.empty_host()) == {}


@pytest.mark.parametrize(("option", "highest"), [("arp_ignore", 8), ("arp_announce", 2), ("rp_filter", 2)])
def test_bad_value(option: str, highest: int) -> None:
    """The message has the range; its ends are taken."""
    for value in (-1, highest + 1):
        with refused(option, f"{value} is not in 0..{highest}"):
            ArpSysctl().parse({**OPTIONS, option: value})
    with refused(option, "is not a whole number"):
        ArpSysctl().parse({**OPTIONS, option: "strict"})
    for value in (0, highest):
        assert changed({**OPTIONS, option: value}, seen(host(7, "all", "tunl0")))[f"net.ipv4.conf.tunl0.{option}"] == value


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
        ArpSysctl().parse({**OPTIONS, "device": device, "state": state})


def test_all_bad_values_at_once() -> None:
    """A line for each of them."""
    with all_refused("device: ", "arp_ignore: ", "rp_filter: "):
        ArpSysctl().parse({**OPTIONS, "device": "all", "arp_ignore": 9, "rp_filter": 3})


def test_device_that_does_not_exist() -> None:
    """Those that the kernel can create are no fault, and neither is a device that is gone."""
    items = host(0, "all")
    with pytest.raises(NoSuchDevice, match=r"^device: eth9 does not exist: this host has eth0, tunl0$"):
        changes({**OPTIONS, "device": "eth9"}, seen(items))
    assert changes({**OPTIONS, "device": "eth9", "state": "absent"}, seen({})) == []
    assert "net.ipv4.conf.sit0.arp_ignore" in changed({**OPTIONS, "device": "sit0"}, seen(host(0, "all", "sit0")))


def test_message_about_what_overrides() -> None:
    """File, line, setting, and what to do; only where the values shall come back."""
    key, late = SysctlKey("tunl0", "rp_filter"), "/etc/sysctl.d/99-late.conf"
    items = {**host(2, "all", "tunl0"), PATH: TextFile(PATH, f"{key} = 2\n")}
    current = seen(items, files={late: f"{key} = 0\n"})
    message = (
        f"{late}, line 1: 'net.ipv4.conf.tunl0.rp_filter = 0' takes effect after {PATH} when this host starts, and undoes"
        " rp_filter of tunl0: remove that line, or set it to 2"
    )
    resource = ArpSysctl()
    assert resource.result(resource.parse({**OPTIONS, "persist": True}), current)["warnings"] == [message]
    for options in ({"persist": False}, {"persist": None}, {"persist": True, "state": "absent"}):
        assert "warnings" not in resource.result(resource.parse({**OPTIONS, **options}), current)


@pytest.mark.parametrize(
    ("name", "own", "others", "expected"),
    [
        ("arp_ignore", 1, 2, 2),
        ("arp_ignore", 2, 1, 2),
        ("arp_ignore", 1, None, 1),
        ("rp_filter", 1, 0, 0),
        ("rp_filter", 0, 1, 0),
    ],
)
def test_all_has_what_is_enough_for_everybody(name: str, own: int, others: int | None, expected: int) -> None:
    """In the kernel and in every file of ours; a file that stays as it is, stays."""
    key = SysctlKey("all", name)
    other_file = "/etc/sysctl.d/90-lvs-tun1.conf"
    claimed = {} if others is None else {key: others}
    items = {
        **host(7, "all", "tunl0"),
        other_file: TextFile(other_file, f"# x\n{key} = 5\nnet.ipv4.conf.tun1.{name} = 5\n"),
    }
    options = {**OPTIONS, "rp_filter": 1, name: own, "persist": True}
    then = after(items, changes(options, seen(items, claimed_by_others=claimed)))
    assert then[key].value == expected
    assert then[SysctlKey("tunl0", name)].value == own
    assert f"{key} = {expected}\n" in then[PATH].text
    assert then[other_file].text == f"# x\n{key} = {expected}\nnet.ipv4.conf.tun1.{name} = 5\n"
    assert changes(options, seen(then, claimed_by_others=claimed)) == []

    left = {**then, PATH: TextFile(PATH, f"{key} = 5\n")}
    options["persist"] = None
    assert changes(options, seen(left, claimed_by_others=claimed)) == []


def test_what_the_others_need_stays_in_their_files() -> None:
    """A device that gives its claim up."""
    key, other_file = SysctlKey("all", "arp_ignore"), "/etc/sysctl.d/90-lvs-tun1.conf"
    items: dict[Any, Any] = {key: Sysctl(key, 8), other_file: TextFile(other_file, f"{key} = 8\n")}
    current = Seen(items, DeviceContext(claimed_by_others={key: 1}), {key}, {key: Sysctl(key, 1)})
    commands = [change.command() for change in changes({**OPTIONS, "state": "absent"}, current)]
    assert commands == [f"echo '{key} = 1' > {other_file}", "sysctl -w net.ipv4.conf.all.arp_ignore=1"]
