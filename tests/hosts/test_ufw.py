# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose director and real server run ufw with its defaults. Each test continues where the last one ended."""

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
    """The files of ufw, with their modes, and the rules in force."""
    commands = ("cat /etc/ufw/*.rules", "stat -c '%a %U %G %n' /etc/ufw/*", "iptables -S", "ip6tables -S")
    return {(name, command): site.host(name).check_output(command) for name in PROTECTED for command in commands}


@pytest.fixture(scope="module")
def before(site: Site) -> Configuration:
    """What ufw had before the cluster was set up."""
    for name in PROTECTED:
        site.install(name, "ufw")
        # Only a reload adds the rules of its chain for limits over IPv6.
        site.host(name).check_output("ufw --force enable && ufw reload")
    found = configuration(site)
    site.playbook("site")
    return found


def test_reload_keeps_all(site: Site) -> None:
    for name in PROTECTED:
        site.host(name).check_output("ufw reload")
    come_to_be_answered(site)
    none_stays_established(site)


def test_connections_do_not_end_if_they_are_tracked(site: Site) -> None:
    """What the tests before would see without the exemption."""
    tracked_connections_stay_established(site)


def test_teardown(site: Site, before: Configuration) -> None:
    assert configuration(site) != before
    site.playbook("teardown", lvs_confirm=True)
    assert configuration(site) == before
    nothing_is_left(site)
