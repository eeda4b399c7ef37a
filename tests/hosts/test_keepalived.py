# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director with systemd and keepalived on which a run is killed. Each test continues where the last one ended."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from .conftest import ADDRESSES, VIP, Site

OTHER_VIP = "192.168.56.186"
ROUTER = {"id": 51, "source": ADDRESSES["ds1"], "peers": ["192.168.56.182"]}
RELOAD_FILE = "/run/lvs.cluster.keepalived-reload"
# Stands before systemctl: whoever is about to have keepalived reloaded is killed.
KILLER = """\
#!/bin/sh
[ "$1" != reload ] || exec kill -9 $PPID
exec /usr/bin/systemctl "$@"
"""
IN_ITS_PLACE = "/usr/local/sbin/systemctl"


def configure(site: Site, *vips: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the module on the director."""
    options: dict[str, Any] = {"vrrp": ROUTER, "vips": [{"vip": vip} for vip in vips]}
    return site.ansible("ansible", "ds1", "-m", "lvs.cluster.keepalived", "-a", json.dumps(options), check=check)


def vips(site: Site) -> set[str]:
    """The VIPs that the director has."""
    listed = site.host("ds1").check_output("ip -4 -oneline address show dev eth0")
    return {vip for vip in (VIP, OTHER_VIP) if f" {vip}/32 " in listed}


@pytest.fixture(scope="module")
def director(site: Site) -> Site:
    """A director that has a VIP."""
    site.install("ds1", "keepalived")
    assert "CHANGED" in configure(site, VIP).stdout
    assert vips(site) == {VIP}
    return site


def test_second_run_changes_nothing(director: Site) -> None:
    assert "CHANGED" not in configure(director, VIP).stdout


def test_run_that_is_killed_before_the_reload(director: Site) -> None:
    """The file has the VIP, and keepalived does not know it."""
    host = director.host("ds1")
    host.check_output(f"printf %s '{KILLER}' >{IN_ITS_PLACE} && chmod 0755 {IN_ITS_PLACE}")
    try:
        assert configure(director, VIP, OTHER_VIP, check=False).returncode
    finally:
        host.check_output(f"rm {IN_ITS_PLACE}")
    assert OTHER_VIP in host.file("/etc/keepalived/keepalived.conf").content_string
    assert vips(director) == {VIP}
    # What forgets, in systemd, when a unit was last reloaded.
    host.check_output("systemctl daemon-reload")


def test_next_run_reloads_it(director: Site) -> None:
    done = configure(director, VIP, OTHER_VIP).stdout
    assert "CHANGED" in done
    assert '"systemctl reload keepalived.service"' in done
    assert vips(director) == {VIP, OTHER_VIP}
    assert not director.host("ds1").file(RELOAD_FILE).exists


def test_run_after_that_changes_nothing(director: Site) -> None:
    assert "CHANGED" not in configure(director, VIP, OTHER_VIP).stdout


def test_vip_in_the_network_of_another_device(director: Site) -> None:
    """It is refused, with the devices as the kernel has them."""
    host = director.host("ds1")
    host.check_output("ip link add lvs9 type veth peer name lvs8 && ip link set lvs9 up && ip link set lvs8 up")
    host.check_output("ip address add 192.0.2.1/24 dev lvs9")
    try:
        done = configure(director, "192.0.2.80", check=False)
    finally:
        host.check_output("ip link del lvs9")
    assert "192.0.2.80 would be added to eth0, and is in 192.0.2.0/24, the network of lvs9" in done.stdout
    assert "192.0.2.80" not in host.file("/etc/keepalived/keepalived.conf").content_string


def sync_daemons(site: Site) -> list[str]:
    """The roles of the sync daemons that run on the director."""
    listed = site.host("ds1").check_output("ipvsadm -L --daemon").splitlines()
    return sorted(line.split()[0] for line in listed if "sync daemon" in line)


def test_single_director_again(director: Site) -> None:
    """The sync daemons of the pair stop with its keepalived, and the VIP is on the director's own device."""
    pair: dict[str, Any] = {"lvs_vips": "vrrp", "lvs_vrrp_id": ROUTER["id"]}
    director.playbook("site", **pair)
    assert sync_daemons(director) == ["backup", "master"]
    director.playbook("site")
    assert sync_daemons(director) == []
    assert vips(director) == set()
    assert set(director.answers()) == {"rs1"}


def test_sync_daemon_of_somebody_else(director: Site) -> None:
    """It goes on, on a director that is in no virtual router."""
    director.host("ds1").check_output("ipvsadm --start-daemon master --mcast-interface eth0")
    director.playbook("site")
    assert sync_daemons(director) == ["master"]
