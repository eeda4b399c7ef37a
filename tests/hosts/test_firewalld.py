# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose director and real server run firewalld with its defaults. Each test continues where the last one ended."""

from __future__ import annotations

import pytest

from .conftest import Site
from .firewalls import (
    PROTECTED,
    come_to_be_answered,
    none_stays_established,
    nothing_is_left,
    test_clients_are_answered,
    test_connections_end,
    test_drain_ends,
    test_reboot,
    test_second_run_changes_nothing,
    tracked_connections_stay_established,
)

# They come before the tests of this file, in this order.
__all__ = [
    "test_clients_are_answered",
    "test_connections_end",
    "test_drain_ends",
    "test_reboot",
    "test_second_run_changes_nothing",
]

pytestmark = pytest.mark.usefixtures("before")

Configuration = dict[tuple[str, str], str]


def configuration(site: Site) -> Configuration:
    """What firewalld has in force, and what it starts with."""
    return {
        (name, options): site.host(name).check_output(f"firewall-cmd {options} --list-all-zones")
        for name in PROTECTED
        for options in ("", "--permanent")
    }


@pytest.fixture(scope="module")
def before(site: Site) -> Configuration:
    """What firewalld had before the cluster was set up."""
    for name in PROTECTED:
        site.install(name, "firewalld")
        site.host(name).check_output("systemctl enable --now firewalld")
    found = configuration(site)
    site.playbook("site")
    return found


@pytest.mark.parametrize("command", ["firewall-cmd --reload", "systemctl restart firewalld"])
def test_all_is_kept(site: Site, command: str) -> None:
    for name in PROTECTED:
        site.host(name).check_output(command)
    come_to_be_answered(site)
    none_stays_established(site)


def test_verification_names_the_firewall(site: Site) -> None:
    """Of a service that it rejects."""
    rule = 'rule family="ipv4" destination address="192.168.56.185" port port="80" protocol="tcp" accept'
    site.host("rs1").check_output(f"firewall-cmd --remove-rich-rule='{rule}'")
    printed = " ".join(site.playbook("site", "--tags=verify", check=False).stdout.split())
    site.host("rs1").check_output("firewall-cmd --reload")
    assert "its firewall rejects tcp port 80 of 192.168.56.185: let that in (lvs_firewall" in printed


def test_connections_do_not_end_if_they_are_tracked(site: Site) -> None:
    """What the tests before would see without the exemption."""
    tracked_connections_stay_established(site)


def test_teardown(site: Site, before: Configuration) -> None:
    assert configuration(site) != before
    site.playbook("teardown", lvs_confirm=True)
    assert configuration(site) == before
    nothing_is_left(site)
