# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a cluster beside any firewall, and the tests of it, which each file of a firewall imports."""

from __future__ import annotations

import time

from ..recap import recap
from .conftest import VIP, Site

PROTECTED = ("ds1", "rs1")
REQUESTS = 20
_PATIENCE = 30  # seconds, for what needs a moment


def all_are_answered(site: Site) -> None:
    """Every request gets the answer of the real server."""
    answers = site.answers(REQUESTS)
    assert answers == ["rs1"] * REQUESTS


def come_to_be_answered(site: Site) -> None:
    """The same, after a moment in which a firewall or a host starts."""
    deadline = time.monotonic() + _PATIENCE
    while site.answers(1) != ["rs1"] and time.monotonic() < deadline:
        time.sleep(0.5)
    all_are_answered(site)


def established(site: Site) -> int:
    """The connections that the director takes for open."""
    listed = site.host("ds1").check_output("ipvsadm -Lcn")
    return sum(f"{VIP}:80" in line and "ESTABLISHED" in line for line in listed.splitlines())


def none_stays_established(site: Site) -> None:
    """Clients closed all connections, and the director saw it."""
    all_are_answered(site)
    deadline = time.monotonic() + _PATIENCE
    while established(site) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert established(site) == 0


def tracked_connections_stay_established(site: Site) -> None:
    """Without the exemption, the firewall drops the last packets of clients. Their connections stay for minutes."""
    director = site.host("ds1")
    director.check_output("nft delete chain inet lvs_cluster no_tracking")
    all_are_answered(site)
    time.sleep(1)
    assert established(site) >= REQUESTS
    director.check_output("nft --file /var/lib/lvs.cluster/boot/nftables")


def nothing_is_left(site: Site) -> None:
    """Of the cluster, beside what its firewall has."""
    for name in PROTECTED:
        assert "lvs_cluster" not in site.host(name).check_output("nft list tables")
        assert not site.host(name).file("/var/lib/lvs.cluster").exists


def test_clients_are_answered(site: Site) -> None:
    all_are_answered(site)


def test_second_run_changes_nothing(site: Site) -> None:
    changed = recap(site.playbook("site").stdout, "changed")
    assert set(PROTECTED) <= set(changed)
    assert set(changed.values()) == {0}


def test_connections_end(site: Site) -> None:
    none_stays_established(site)


def test_drain_ends(site: Site) -> None:
    site.playbook("drain", lvs_target="rs1", lvs_drain_timeout=60)
    site.playbook("restore", lvs_target="rs1")
    all_are_answered(site)


def test_reboot(site: Site) -> None:
    site.restart(*PROTECTED)
    come_to_be_answered(site)
    none_stays_established(site)
