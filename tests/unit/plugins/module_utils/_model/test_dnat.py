# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port mappings."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model.dnat import (
    TABLE,
    MappingKey,
    PortMapping,
    Scaffold,
    wanted_mapping,
)
from ansible_collections.lvs.cluster.plugins.module_utils._reconcile import reconcile
from tests.unit.helpers import applied, refused

OPTIONS = {"vip": "192.168.56.186", "port": 8099, "to_port": 80, "protocol": "tcp", "state": "present"}
KEY = MappingKey(IPv4Address("192.168.56.186"), "tcp", 8099)
UDP = PortMapping(MappingKey(IPv4Address("192.168.56.186"), "udp", 8099), 53)
THERE = {TABLE: Scaffold(), UDP.key: UDP}


def test_first_mapping_brings_the_table() -> None:
    """The table, then the element; one rule looks all of them up, for IPv4 and both protocols."""
    changes = reconcile(wanted_mapping(OPTIONS), {})
    assert applied(changes, {}) == {TABLE: Scaffold(), KEY: PortMapping(KEY, 80)}
    assert "\n".join(change.line() for change in changes).splitlines() == [
        "add table inet lvs_cluster",
        "add map inet lvs_cluster port_dnat { type ipv4_addr . inet_proto . inet_service : inet_service; }",
        "add chain inet lvs_cluster prerouting { type nat hook prerouting priority -100; policy accept; }",
        "flush chain inet lvs_cluster prerouting",
        (
            "add rule inet lvs_cluster prerouting meta nfproto ipv4 meta l4proto { tcp, udp }"
            " dnat to :ip daddr . meta l4proto . th dport map @port_dnat"
        ),
        "add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }",
    ]


@pytest.mark.parametrize(
    ("to_port", "options", "expected"),
    [
        (None, {}, ["add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }"]),
        (80, {}, []),
        (
            81,
            {},
            [
                (
                    "delete element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 }; "
                    "add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }"
                )
            ],
        ),
        (
            80,
            {"state": "absent", "to_port": None},
            ["delete element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 }"],
        ),
        (None, {"state": "absent"}, []),
    ],
)
def test_commands(to_port: int | None, options: dict[str, Any], expected: list[str]) -> None:
    """Next to a mapping of the other protocol, which stays."""
    current: dict[Any, Any] = dict(THERE)
    if to_port is not None:
        current[KEY] = PortMapping(KEY, to_port)
    changes = reconcile(wanted_mapping({**OPTIONS, **options}), current)
    assert [change.line() for change in changes] == expected
    assert THERE.items() <= applied(changes, current).items()


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"vip": "web"}, "vip", "is not an IP address: write one like"),
        ({"vip": "224.0.0.81"}, "vip", "is not a unicast address"),
        ({"vip": "2001:db8::b9"}, "vip", "this version maps the ports of IPv4 VIPs only"),
        ({"protocol": "sctp"}, "protocol", "is not one of tcp, udp"),
        ({"port": 0}, "port", "0 is not in 1..65535"),
        ({"port": 65536}, "port", "65536 is not in 1..65535"),
        ({"to_port": 0}, "to_port", "0 is not in 1..65535"),
        ({"to_port": 65536}, "to_port", "65536 is not in 1..65535"),
        ({"to_port": "http"}, "to_port", "is not a whole number"),
        ({"to_port": None}, "to_port", "name the port that answers"),
        ({"to_port": 8099}, "to_port", "is the port itself: there is nothing to map"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work."""
    with refused(option, says):
        wanted_mapping({**OPTIONS, **options})


def test_facts_are_the_options() -> None:
    """What a module returns can be given to it again."""
    facts = PortMapping(KEY, 80).facts()
    assert facts == {"vip": "192.168.56.186", "port": 8099, "to_port": 80, "protocol": "tcp"}
    assert reconcile(wanted_mapping({**facts, "state": "present"}), {TABLE: Scaffold(), KEY: PortMapping(KEY, 80)}) == []
