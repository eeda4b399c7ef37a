# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Right after converge: one director holds all VIPs, and either could. Changes nothing."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.benchmarks.failover import DIRECTORS, HASHED, REAL_SERVERS, WEB
from tests.benchmarks.faults import vips
from tests.nodes import answers, mac, rules

SIX = "2001:db8:56::185"
ALL = {WEB, HASHED, SIX}


def test_one_director_holds_all_vips() -> None:
    assert sorted((vips(name) & ALL for name in DIRECTORS), key=len) == [set(), ALL]


def test_tables_are_the_same(ds1: Host, ds2: Host) -> None:
    """The order of destinations, too: a hash scheduler chooses by it."""
    listed = rules(ds1)
    assert rules(ds2) == listed
    assert len(listed) == 3 * (1 + len(REAL_SERVERS))


@pytest.mark.parametrize("host", [WEB, HASHED, f"[{SIX}]"])
def test_every_real_server_answers(client: Host, host: str) -> None:
    assert set(answers(client, f"http://{host}/", 40)) == set(REAL_SERVERS)


def test_only_the_holder_answers_arp(client: Host, ds1: Host, ds2: Host) -> None:
    (holder,) = (node for node, name in ((ds1, "ds1"), (ds2, "ds2")) if WEB in vips(name))
    replies = client.check_output("arping -c 3 -w 5 -I eth0 %s", WEB)
    assert mac(holder).upper() in replies
    for other in {ds1, ds2} - {holder}:
        assert mac(other).upper() not in replies
