# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port mappings."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft.port_dnat import PortDnat
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import Element, ElementKey, SectionContext, SectionSeen
from tests.unit.helpers import all_refused, refused

from .sections import NOTHING, converged

RESOURCE = PortDnat()
BASE: dict[str, Any] = {
    "state": "present",
    "purge": False,
    "protocol": "tcp",
    "vip": None,
    "port": None,
    "to_port": None,
    "mappings": None,
}
ROW: dict[str, Any] = {"vip": "192.168.56.186", "port": 8099, "to_port": 80}
OPTIONS = {**BASE, **ROW}
KEY = ElementKey("port_dnat", ("192.168.56.186", "tcp", "8099"))


def after(options: dict[str, Any], current: SectionSeen) -> tuple[list[str], SectionSeen]:
    """The statements, and what there is then."""
    return converged(RESOURCE, options, current)


def test_first_mapping_brings_the_table() -> None:
    """A map and a rule for each family, for both protocols."""
    expected = [
        "add table inet lvs_cluster",
        "add map inet lvs_cluster port_dnat { type ipv4_addr . inet_proto . inet_service : inet_service; }",
        "add map inet lvs_cluster port_dnat6 { type ipv6_addr . inet_proto . inet_service : inet_service; }",
        "add chain inet lvs_cluster prerouting { type nat hook prerouting priority -100; policy accept; }",
        (
            "add rule inet lvs_cluster prerouting meta nfproto ipv4 meta l4proto { tcp, udp }"
            ' dnat to :ip daddr . meta l4proto . th dport map @port_dnat comment "port_dnat"'
        ),
        (
            "add rule inet lvs_cluster prerouting meta nfproto ipv6 meta l4proto { tcp, udp }"
            ' dnat to :ip6 daddr . meta l4proto . th dport map @port_dnat6 comment "port_dnat6"'
        ),
        "add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }",
    ]
    statements, current = after(OPTIONS, NOTHING)
    assert statements == expected
    # Check mode knows as much where the host has no library to look with.
    predicted = reconcile(RESOURCE.plan_without_host(RESOURCE.parse(OPTIONS)), RESOURCE.empty_host())
    assert "".join(f"{change.item.diff_line()}\n" for change in predicted).splitlines() == expected
    assert after(OPTIONS, current) == ([], current)
    assert after({**BASE, "mappings": [ROW]}, current) == ([], current)


def test_each_family_has_its_map() -> None:
    """An address is written in one way."""
    statements, _seen = after({**BASE, "mappings": [{**ROW, "vip": "2001:DB8:0::b9", "protocol": "udp"}]}, NOTHING)
    assert statements[-1] == "add element inet lvs_cluster port_dnat6 { 2001:db8::b9 . udp . 8099 : 80 }"


def test_changes_among_others() -> None:
    """Only what is named, but with purge."""
    _statements, current = after({**BASE, "mappings": [ROW, {**ROW, "protocol": "udp"}, {**ROW, "port": 1}]}, NOTHING)
    place = "element inet lvs_cluster port_dnat"
    assert after({**OPTIONS, "to_port": 81}, current)[0] == [
        f"delete {place} {{ 192.168.56.186 . tcp . 8099 }}",
        f"add {place} {{ 192.168.56.186 . tcp . 8099 : 81 }}",
    ]
    gone = [f"delete {place} {{ 192.168.56.186 . tcp . 1 }}", f"delete {place} {{ 192.168.56.186 . udp . 8099 }}"]
    assert after({**OPTIONS, "purge": True}, current)[0] == gone
    rows = [{"vip": ROW["vip"], "port": 8099, "protocol": "udp"}, {"vip": ROW["vip"], "port": 1}]
    assert after({**BASE, "state": "absent", "mappings": rows}, current)[0] == gone
    assert after({**BASE, "mappings": []}, current)[0] == []
    assert after({**BASE, "mappings": [], "purge": True}, current)[1].items == {}


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"vip": "web"}, "vip", "is not an IP address: write one like"),
        ({"vip": "224.0.0.81"}, "vip", "is not a unicast address"),
        ({"protocol": "sctp"}, "protocol", "is not one of tcp, udp"),
        ({"port": 0}, "port", "0 is not in 1..65535"),
        ({"port": 65536}, "port", "65536 is not in 1..65535"),
        ({"port": None}, "port", "is missing: name the port that clients use"),
        ({"to_port": 0}, "to_port", "0 is not in 1..65535"),
        ({"to_port": 65536}, "to_port", "65536 is not in 1..65535"),
        ({"to_port": "http"}, "to_port", "is not a whole number"),
        ({"to_port": None}, "to_port", "name the port that answers"),
        ({"to_port": 8099}, "to_port", "is the port itself: there is nothing to map"),
        ({"vip": None}, "vip", "is missing: name the address that clients use"),
        ({"vip": None, "port": None, "to_port": None}, "vip", "or several of them as mappings"),
        ({"state": "absent", "purge": True}, "purge", "cannot go with state=absent"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work."""
    with refused(option, says):
        RESOURCE.parse({**OPTIONS, **options})


def test_all_that_is_wrong_with_a_list() -> None:
    """Each fault with its row."""
    rows = [ROW, {**ROW, "to_port": 0}, {**ROW, "to_port": 81}, {**ROW, "vip": "x", "port": 0}, {**ROW, "too": 1}]
    with all_refused(
        "vip: 192.168.56.186 cannot go with mappings",
        "mappings[1], to_port: 0 is not in 1..65535",
        "mappings[3], vip: 'x' is not an IP address",
        "mappings[3], port: 0 is not in 1..65535",
        "mappings[4], too: 1 is an unknown option: valid options are vip, port, to_port, protocol",
        "mappings[2]: 192.168.56.186 . tcp . 8099 is mappings[0] already: list it once",
    ):
        RESOURCE.parse({**BASE, "vip": "192.168.56.186", "mappings": rows})


def test_facts_are_the_options() -> None:
    """What a module returns can be given to it again."""
    found = SectionSeen({KEY: Element(KEY, 80)}, SectionContext())
    facts = {"vip": "192.168.56.186", "port": 8099, "to_port": 80, "protocol": "tcp"}
    desired = RESOURCE.parse(OPTIONS)
    assert RESOURCE.result(desired, found) == {"mapping": facts, "mappings": [facts]}
    assert RESOURCE.result(desired, NOTHING) == {"mapping": {}, "mappings": []}
    _statements, current = after(OPTIONS, NOTHING)
    assert after({**BASE, "mappings": [facts]}, current)[0] == []
    both = {**BASE, "mappings": [facts, {**facts, "port": 8098}]}
    several = RESOURCE.result(RESOURCE.parse(both), after(both, NOTHING)[1])
    assert (several["mapping"], [mapping["port"] for mapping in several["mappings"]]) == ({}, [8099, 8098])
