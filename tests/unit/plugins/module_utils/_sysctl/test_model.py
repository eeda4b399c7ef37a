# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of a device that holds a VIP, and of all."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import TextFile
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import (
    BootFile,
    Sysctl,
    SysctlKey,
    effective,
    overrides,
    report,
    wanted_settings,
    with_others,
)
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
    old = {**host(2, "all", "tunl0"), PATH: TextFile(PATH, "old\n")}
    after = {
        persist: applied(reconcile(wanted_settings({**OPTIONS, "persist": persist}), old), old).get(PATH)
        for persist in (True, False, None)
    }
    assert after == {True: TextFile(PATH, text), False: None, None: TextFile(PATH, "old\n")}


def test_absent() -> None:
    """The file and the settings that were made here go, to the values found before; others are not touched."""
    key = SysctlKey("tunl0", "rp_filter")
    current = {PATH: TextFile(PATH, "x\n"), key: Sysctl(key, 2, former=1)}
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
    assert TextFile(PATH, "# a\nb = 1\nc = 2\n").line() == f"{PATH}: b = 1\n{PATH}: c = 2"


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


OURS = "".join(
    f"net.ipv4.conf.{where}.{name} = {value}\n"
    for name, value in (("arp_ignore", 1), ("rp_filter", 0))
    for where in ("all", "tunl0")
)
LATE = "/etc/sysctl.d/99-late.conf"
UFW = {"/etc/ufw/ufw.conf": "# x\nENABLED=yes\n"}


def found(files: dict[str, str], ours: str = OURS, device: str = "tunl0") -> list[str]:
    """The file and line of each warning."""
    path = f"/etc/sysctl.d/90-lvs-{device}.conf"
    return [message.split(": ")[0] for message in overrides(device, path, {path: ours, **files})]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("net.ipv4.conf.all.rp_filter = 1", [1]),
        ("net.ipv4.conf.tunl0.rp_filter=2", [1]),
        ("net/ipv4/conf/all/rp_filter=1", [1]),
        ("\n# net.ipv4.conf.all.rp_filter=1\n ; x = 1\n -net.ipv4.conf.all.rp_filter =  1 ", [4]),
        ("net.ipv4.conf.all.rp_filter=0", []),
        ("net.ipv4.conf.*.rp_filter=1", []),
        ("-net.ipv4.conf.all.rp_filter", []),
        ("net.ipv4.conf.eth0.rp_filter=1\nnet.ipv4.conf.default.rp_filter=1", []),
        ("net.ipv4.conf.all.rp_filter=1\nnet.ipv4.conf.all.rp_filter=0", []),
        ("net.ipv4.conf.all.rp_filter=strict\n=\n[x]\n", []),
        # For the device, all has 1 still; for the one that the request comes in on, all has nothing else.
        ("net.ipv4.conf.tunl0.arp_ignore=0", []),
        ("net.ipv4.conf.all.arp_ignore=0", [1]),
        ("net.ipv4.conf.tunl0.arp_ignore=2", [1]),
    ],
)
def test_lines_that_override_ours(text: str, lines: list[int]) -> None:
    """As sysctl.d(5) has them; only another effective value counts."""
    assert found({LATE: text}) == [f"{LATE}, line {number}" for number in lines]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/sysctl.d/10-early.conf": "1"}, []),
        ({"/usr/lib/sysctl.d/99-late.conf": "1"}, ["/usr/lib/sysctl.d/99-late.conf"]),
        ({"/usr/lib/sysctl.d/99-late.conf": "1", LATE: ""}, []),
        ({"/usr/lib/sysctl.d/99-late.conf": "0", "/run/sysctl.d/99-late.conf": "1"}, ["/run/sysctl.d/99-late.conf"]),
        ({LATE: "1", "/etc/sysctl.conf": "0"}, []),
        ({"/etc/sysctl.conf": "1"}, ["/etc/sysctl.conf"]),
        ({"/etc/sysctl.d/sub/99-late.conf": "1"}, []),
        ({**UFW, "/etc/ufw/sysctl.conf": "1"}, ["/etc/ufw/sysctl.conf"]),
        ({"/etc/ufw/ufw.conf": "ENABLED=no", "/etc/ufw/sysctl.conf": "1"}, []),
        ({"/etc/ufw/sysctl.conf": "1"}, []),
    ],
)
def test_files_that_are_read_later(files: dict[str, str], expected: list[str]) -> None:
    """By their base names, whatever the directory."""
    texts = {path: f"net.ipv4.conf.all.rp_filter={text}" if text in ("0", "1") else text for path, text in files.items()}
    assert found(texts) == [f"{path}, line 1" for path in expected]


@pytest.mark.parametrize(
    ("match", "setting", "overrides_it"),
    [
        ("Name=tunl0", "strict", True),
        ("Name=eth* tun*", "loose", True),
        ("Name=eth*\nName=tunl0", "1", True),
        ("Name=!eth0 !eth1", "yes", True),
        ("Name=!tunl0", "strict", False),
        ("Name=eth0", "strict", False),
        ("MACAddress=02:00:00:00:00:01", "strict", False),
        ("Name=tunl0", "no", False),
        ("Name=tunl0", "whatever", False),
    ],
)
def test_what_networkd_sets(match: str, setting: str, overrides_it: bool) -> None:
    """The first file that matches the device is its own."""
    path = "/etc/systemd/network/50-x.network"
    text = f"# x\n[Match]\n{match}\n\n[Network]\nDHCP=yes\nIPv4ReversePathFilter={setting}\n"
    line = text.splitlines().index(f"IPv4ReversePathFilter={setting}") + 1
    assert found({path: text}) == ([f"{path}, line {line}"] if overrides_it else [])
    assert found({path: text, "/run/systemd/network/10-x.network": "[Match]\nName=tunl0\n[Network]\nDHCP=no\n"}) == []


def test_loose_mode_is_overridden_on_the_device_alone() -> None:
    """All may have what it likes."""
    ours = "net/ipv4/conf/eth0.7/rp_filter = 2\n"
    assert found({LATE: "net.ipv4.conf.all.rp_filter=1"}, ours, "eth0.7") == []
    assert found({LATE: "net.ipv4.conf.eth0/7.rp_filter=1"}, ours, "eth0.7") == [f"{LATE}, line 1"]


def test_message_about_what_overrides() -> None:
    """File, line, setting, and what to do; only where the values shall come back."""
    key = SysctlKey("tunl0", "rp_filter")
    items = {
        **host(2, "all", "tunl0"),
        PATH: TextFile(PATH, f"{key} = 2\n"),
        LATE: BootFile(LATE, f"{key} = 0\n"),
    }
    message = (
        f"{LATE}, line 1: 'net.ipv4.conf.tunl0.rp_filter = 0' takes effect after {PATH} when this host starts, and undoes"
        " rp_filter of tunl0: remove that line, or set it to 2"
    )
    assert report({**OPTIONS, "persist": True}, [], items)["warnings"] == [message]
    for options in ({"persist": False}, {"persist": None}, {"persist": True, "state": "absent"}):
        assert "warnings" not in report({**OPTIONS, **options}, [], items)


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
    current = {
        **host(7, "all", "tunl0"),
        key: Sysctl(key, 7, others=others),
        other_file: TextFile(other_file, f"# x\n{key} = 5\nnet.ipv4.conf.tun1.{name} = 5\n"),
    }
    options = {**OPTIONS, "rp_filter": 1, name: own, "persist": True}
    changes = reconcile(with_others(options, wanted_settings(options), current), current)
    after = applied(changes, current)
    assert after[key].value == expected
    assert after[SysctlKey("tunl0", name)].value == own
    assert f"{key} = {expected}\n" in after[PATH].text
    assert after[other_file].text == f"# x\n{key} = {expected}\nnet.ipv4.conf.tun1.{name} = 5\n"
    assert reconcile(with_others(options, wanted_settings(options), after), after) == []

    kept = {**after, PATH: TextFile(PATH, f"{key} = 5\n")}
    options["persist"] = None
    assert reconcile(with_others(options, wanted_settings(options), kept), kept) == []
