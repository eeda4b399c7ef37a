# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to a real server, in both families; and all of it taken away. The last test does that."""

from __future__ import annotations

from collections import Counter

import pytest
from testinfra.host import Host

from tests.nodes import LOOK, PLAYBOOK, Ansible, answers, looked_before


@pytest.mark.parametrize(
    ("url", "shares"),
    [
        ("http://192.168.56.185/", {"rs1": 6, "rs2": 3}),
        ("http://192.168.56.186:8099/", {"rs1": 4, "rs2": 4}),
        ("http://[2001:db8:56::185]/", {"rs1": 4, "rs2": 4}),
        ("http://[2001:db8:56::186]:8099/", {"rs1": 3, "rs2": 6}),
    ],
)
def test_clients_are_answered(client: Host, url: str, shares: dict[str, int]) -> None:
    assert Counter(answers(client, url, sum(shares.values()))) == shares


def test_packets_take_the_way_that_was_named(rs1: Host, rs2: Host) -> None:
    """By the guard's own counters of what came from the director; rs1 has GUE over IPv4, and IPv6 in IPv6."""
    for node, device in ((rs1, "ip6tnl0"), (rs2, "lvsgre"), (rs2, "sit0")):
        received = int(node.check_output("cat /sys/class/net/%s/statistics/rx_packets", device))
        assert received > 0, (device, received)
    assert "port 6080 gue" in rs1.check_output("ip fou show")
    assert "icsum" in rs2.check_output("ip -d link show lvsgre")
    for node in (rs1, rs2):
        dropped = [
            line for line in node.check_output("nft list chain inet lvs_cluster tunnel_guard").splitlines() if "drop" in line
        ]
        assert dropped
        assert all("counter packets 0 " in line for line in dropped), dropped


def test_ipv6_vips_are_no_source(ds1: Host, rs1: Host, rs2: Host) -> None:
    for node, device in ((ds1, "eth0"), (rs1, "lo"), (rs2, "lo")):
        held = node.check_output("ip -o -6 address show dev %s deprecated", device)
        assert {vip for vip in ("2001:db8:56::185", "2001:db8:56::186") if f"{vip}/128" in held} == {
            "2001:db8:56::185",
            "2001:db8:56::186",
        }


def test_nothing_is_left_of_it(ansible: Ansible, ds1: Host, rs1: Host, rs2: Host) -> None:
    ansible("ansible-playbook", str(PLAYBOOK), "--extra-vars=lvs_state=absent")
    for node in (ds1, rs1, rs2):
        assert node.check_output(LOOK).strip() == looked_before(node)
