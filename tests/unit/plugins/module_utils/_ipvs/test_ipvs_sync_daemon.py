# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync daemons: options to a daemon, a daemon to ipvsadm's words, and what the kernel makes of a length."""

from __future__ import annotations

import errno
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.devices import Devices
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sync_daemon import IpvsSyncDaemon
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import SyncDaemon
from tests.unit.helpers import reconciled, refused

GROUP4, GROUP6 = ip_address("224.0.0.81"), ip_address("ff02::81")
MASTER = {"role": "master", "state": "present", "interface": "eth0"}
BACKUP = {**MASTER, "role": "backup"}


def test_new_daemon_has_the_documented_defaults() -> None:
    """Id 0, a length of the kernel's choice, group 224.0.0.81, port 8848, one hop."""
    (change,) = reconciled(IpvsSyncDaemon().parse(MASTER).wanted, {})
    assert change == Change(None, SyncDaemon("master", "eth0", 0, 0, GROUP4, 8848, 1))


def test_options_of_a_daemon() -> None:
    """What is given is what is given, in one form."""
    given_options = {"sync_id": "255", "sync_maxlen": 1400, "group": "ff02:0::81", "port": 1, "ttl": 255}
    (wanted,) = IpvsSyncDaemon().parse({**BACKUP, **given_options}).wanted
    given: dict[str, Any] = {
        "interface": "eth0",
        "sync_id": 255,
        "sync_maxlen": 1400,
        "group": GROUP6,
        "port": 1,
        "ttl": 255,
    }
    assert (wanted.key, wanted.given) == ("backup", given)
    assert wanted.new == SyncDaemon("backup", **given)


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"role": "slave"}, "role", "'slave' is not one of master, backup"),
        ({"role": "slave", "state": "absent"}, "role", "'slave' is not one of master, backup"),
        ({"interface": None}, "interface", "is missing: name the device that reaches the other director, or the dip"),
        ({"interface": None, "dip": "eth0"}, "dip", "'eth0' is not an IP address"),
        ({"dip": "192.168.56.181"}, "dip", "cannot go with interface=eth0: name the device by one of them"),
        ({"interface": "eth0/1"}, "interface", "'eth0/1' is not a device name"),
        ({"interface": "sixteen-letters-"}, "interface", "is not a device name"),
        ({"sync_id": -1}, "sync_id", "-1 is not in 0..255"),
        ({"sync_id": 256}, "sync_id", "256 is not in 0..255"),
        ({"sync_maxlen": 0}, "sync_maxlen", "0 is not in 1..65507"),
        ({"sync_maxlen": 65508}, "sync_maxlen", "65508 is not in 1..65507"),
        ({"port": 0}, "port", "0 is not in 1..65535"),
        ({"port": 65536}, "port", "65536 is not in 1..65535"),
        ({"ttl": 0}, "ttl", "0 is not in 1..255"),
        ({"ttl": 256}, "ttl", "256 is not in 1..255"),
        ({"group": "all"}, "group", "'all' is not an IP address"),
        ({"group": "192.168.56.181"}, "group", "192.168.56.181 is not a multicast address: write one like 224.0.0.81"),
        ({"group": "2001:db8::81"}, "group", "2001:db8::81 is not a multicast address"),
        ({"group": "ff02::81%eth0"}, "group", "has a scope"),
    ],
)
def test_bad_option(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work, whatever the kernel holds."""
    with refused(option, says):
        IpvsSyncDaemon().parse({**MASTER, **options})


def test_absent_needs_no_more_than_the_role() -> None:
    """And stops the daemon of that role alone."""
    current = {role: SyncDaemon(role, "eth1", 7) for role in ("master", "backup")}
    wanted = IpvsSyncDaemon().parse({"role": "backup", "state": "absent", "interface": None}).wanted
    assert reconciled(wanted, current) == [Change(current["backup"], None)]
    assert reconciled(wanted, {"master": current["master"]}) == []


def test_daemon_keeps_what_the_options_leave_out() -> None:
    """The length that the kernel chose, too; the roles are two daemons."""
    there = SyncDaemon("master", "eth0", 7, 1472, GROUP4, 8849, 3)
    assert reconciled(IpvsSyncDaemon().parse(MASTER).wanted, {"master": there}) == []
    (change,) = reconciled(IpvsSyncDaemon().parse({**MASTER, "interface": "eth1", "sync_id": 8}).wanted, {"master": there})
    assert change == Change(there, SyncDaemon("master", "eth1", 8, 1472, GROUP4, 8849, 3))
    (change,) = reconciled(IpvsSyncDaemon().parse(BACKUP).wanted, {"master": there})
    assert change == Change(None, SyncDaemon("backup", "eth0"))


@pytest.mark.parametrize(
    ("daemon", "length"),
    [
        (SyncDaemon("master", "eth0", sync_maxlen=0), 0),
        (SyncDaemon("backup", "eth0", sync_maxlen=0), 0),
        (SyncDaemon("master", "eth0", sync_maxlen=1), 1),
        (SyncDaemon("backup", "eth0", sync_maxlen=1), 1024),
        (SyncDaemon("backup", "eth0", sync_maxlen=1023), 1024),
        (SyncDaemon("backup", "eth0", sync_maxlen=1025), 1025),
        (SyncDaemon("master", "eth0", sync_maxlen=65507), 65507),
        (SyncDaemon("master", "eth0", sync_maxlen=65508), 65507),
        (SyncDaemon("master", "eth0", sync_maxlen=65487, group=GROUP6), 65487),
        (SyncDaemon("master", "eth0", sync_maxlen=65488, group=GROUP6), 65487),
        (SyncDaemon("backup", "eth0", sync_maxlen=65507, group=GROUP6), 65487),
    ],
    ids=str,
)
def test_length_as_the_kernel_keeps_it(daemon: SyncDaemon, length: int) -> None:
    """No less than 1024 of a backup's, no more than fits into a datagram; 0 is the kernel's choice."""
    assert daemon.as_stored_by_kernel().sync_maxlen == length
    assert daemon.as_stored_by_kernel() == SyncDaemon(daemon.key, "eth0", 0, length, daemon.group)


@pytest.mark.parametrize(
    ("options", "there", "after"),
    [
        ({**BACKUP, "sync_maxlen": 500}, None, SyncDaemon("backup", "eth0", 0, 1024)),
        ({**BACKUP, "sync_maxlen": 500}, SyncDaemon("backup", "eth0", 0, 1472), SyncDaemon("backup", "eth0", 0, 1024)),
        (
            {**MASTER, "group": "ff02::81"},
            SyncDaemon("master", "eth0", 0, 65507),
            SyncDaemon("master", "eth0", 0, 65487, GROUP6),
        ),
    ],
)
def test_second_run_has_nothing_to_do(options: dict[str, Any], there: SyncDaemon | None, after: SyncDaemon) -> None:
    """Though the kernel has another length than the one that was asked for."""
    wanted = IpvsSyncDaemon().parse(options).wanted
    assert reconciled(wanted, {there.key: there} if there else {}) == [Change(there, after)]
    assert reconciled(wanted, {after.key: after}) == []


@pytest.mark.parametrize(
    ("options", "down", "number", "says"),
    [
        ({}, {"eth0"}, errno.ENETUNREACH, "eth0 is down, and a master could not send to 224.0.0.81: set it up first"),
        ({"group": "ff02::81"}, {"eth0"}, errno.ENETUNREACH, "eth0 is down, and a master could not send to ff02::81"),
        ({"group": "ff02::81"}, (), errno.EADDRNOTAVAIL, "eth0 has no IPv6 address to send to ff02::81 from: give it one"),
        ({"group": "ff02::81"}, (), errno.ENETUNREACH, "eth0 has no IPv6 address to send to ff02::81 from: give it one"),
        ({}, (), errno.ENETUNREACH, "eth0 cannot send to 224.0.0.81 (Network is unreachable): name the device"),
    ],
)
def test_device_that_does_not_reach_the_group(options: dict[str, Any], down: Any, number: int, says: str) -> None:
    """Named before the running daemon is stopped."""
    desired = IpvsSyncDaemon().parse({**MASTER, **options})
    devices = Devices(["eth0"], frozenset(down), {"master": number})
    for running in ({}, {"master": SyncDaemon("master", "eth1")}):
        with refused("interface", says):
            IpvsSyncDaemon().plan(desired, Seen(running, devices))


def test_daemon_that_stops_needs_no_device() -> None:
    desired = IpvsSyncDaemon().parse({"role": "master", "state": "absent"})
    assert IpvsSyncDaemon().plan(desired, Seen({}, Devices())) == desired.wanted


START = "--mcast-interface eth0 --syncid 7"
TO = "--mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1"


@pytest.mark.parametrize(
    ("daemon", "rule"),
    [
        (SyncDaemon("master", "eth0", 7), f"--start-daemon master {START} {TO}"),
        (SyncDaemon("backup", "eth0", 7, 1400), f"--start-daemon backup {START} --sync-maxlen 1400 {TO}"),
        (
            SyncDaemon("master", "eth0", 7, 0, GROUP6, 8849, 2),
            f"--start-daemon master {START} --mcast-group ff02::81 --mcast-port 8849 --mcast-ttl 2",
        ),
    ],
)
def test_rule(daemon: SyncDaemon, rule: str) -> None:
    """As ipvsadm(8) would be told; a change is two commands."""
    assert daemon.rule() == rule
    assert daemon.rule("remove") == f"--stop-daemon {daemon.key}"
    assert daemon.rule("set") == f"--stop-daemon {daemon.key}\n{rule}"


@pytest.mark.parametrize(("length", "told"), [(0, None), (1472, 1472)])
def test_facts(length: int, told: int | None) -> None:
    """In the words of the options; a length that the kernel has yet to choose is none."""
    assert SyncDaemon("master", "eth0", 7, length, GROUP6, 8849, 2).facts() == {
        "role": "master",
        "interface": "eth0",
        "sync_id": 7,
        "sync_maxlen": told,
        "group": "ff02::81",
        "port": 8849,
        "ttl": 2,
    }


@given(
    st.builds(
        SyncDaemon,
        st.sampled_from(["master", "backup"]),
        st.sampled_from(["eth0", "bond0.100"]),
        st.integers(0, 255),
        st.integers(0, 65507),
        st.sampled_from([GROUP4, GROUP6, ip_address("239.1.2.3")]),
        st.integers(1, 65535),
        st.integers(1, 255),
    )
)
def test_facts_are_the_options(daemon: SyncDaemon) -> None:
    """They make the same daemon, and leave it as it is."""
    daemon = daemon.as_stored_by_kernel()
    wanted = IpvsSyncDaemon().parse({**daemon.facts(), "state": "present"}).wanted
    assert reconciled(wanted, {}) == [Change(None, daemon)]
    assert reconciled(wanted, {daemon.key: daemon}) == []
