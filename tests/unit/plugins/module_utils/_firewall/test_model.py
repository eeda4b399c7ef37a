# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Openings in the words of firewalld and ufw, and the zones that they belong to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._firewall.model import (
    FIREWALLD,
    UFW,
    FirewallContext,
    FirewallRule,
    Opening,
    RuleKey,
    ServicePort,
    Zones,
    dump_claims,
    load_claims,
    opened_services,
    rules_of,
)

DIP, DIP6, VIP, VIP6 = map(ip_address, ("192.0.2.1", "2001:db8::1", "192.0.2.80", "2001:db8::80"))
WEB = Opening("tcp", destination=VIP, port=80)
TUNNEL = Opening("4", source=DIP)
ZONES = Zones.of(
    "public",
    {
        "internal": {"interfaces": ["eth1"], "sources": []},
        "trusted": {"sources": ["192.0.2.0/28", "ipset:office", "00:00:5e:00:53:01"]},
    },
)


@pytest.mark.parametrize(
    ("opening", "rich", "ufw"),
    [
        (
            TUNNEL,
            'rule family="ipv4" source address="192.0.2.1" protocol value="4" accept',
            "-A ufw-after-input -s 192.0.2.1 -p 4 -j ACCEPT",
        ),
        (
            Opening("udp", source=DIP6, port=6080),
            'rule family="ipv6" source address="2001:db8::1" port port="6080" protocol="udp" accept',
            "-A ufw6-after-input -s 2001:db8::1 -p udp --dport 6080 -j ACCEPT",
        ),
        (
            WEB,
            'rule family="ipv4" destination address="192.0.2.80" port port="80" protocol="tcp" accept',
            "-A ufw-after-input -d 192.0.2.80 -p tcp --dport 80 -j ACCEPT",
        ),
        (
            Opening("sctp", destination=VIP6),
            'rule family="ipv6" destination address="2001:db8::80" protocol value="132" accept',
            "-A ufw6-after-input -d 2001:db8::80 -p sctp -j ACCEPT",
        ),
    ],
)
def test_words(opening: Opening, rich: str, ufw: str) -> None:
    assert opening.rich_rule() == rich
    assert opening.ufw_rule() == ufw
    assert Opening.from_facts(opening.facts()) == opening


def test_error_without_which_no_path_mtu_is_found() -> None:
    """With a service that is not tracked. ufw lets it in anyway."""
    service = ServicePort(WEB, untracked=True)
    _web, error = service.openings
    assert error.rich_rule() == (
        'rule family="ipv4" destination address="192.0.2.80" icmp-type name="destination-unreachable" accept'
    )
    assert [key.opening for key in rules_of([], [service], [], FirewallContext(UFW))] == [WEB]
    assert list(ServicePort(WEB).openings) == [WEB]


def zones_of(*services: ServicePort, tunnels: Any = (), sources: Any = (), **context: Any) -> list[str]:
    """The zones of the rules in force."""
    keys = rules_of(tunnels, services, sources, FirewallContext(FIREWALLD, ZONES, **context))
    in_force = [key for key in keys if not key.permanent]
    assert [key for key in keys if key.permanent] == [key._replace(permanent=True) for key in in_force]
    return [key.zone for key in in_force]


def test_zone_of_a_tunnel() -> None:
    """That of its source comes before that of the device; packets of a source without a route come to the default zone."""
    assert zones_of(tunnels=[TUNNEL], towards={DIP: "eth1"}) == ["trusted"]
    other = Opening("47", source=ip_address("192.0.2.99"))
    assert zones_of(tunnels=[other], towards={other.source: "eth1"}) == ["internal"]
    assert zones_of(tunnels=[other], towards={other.source: "eth0"}) == ["public"]
    assert zones_of(tunnels=[other]) == ["public"]


def test_zones_of_a_service() -> None:
    """Of the devices that its packets come in on, never those of clients' addresses: these may be there to keep them out."""
    facing = {VIP: ["eth1", "eth0", "eth2"]}
    assert zones_of(ServicePort(WEB), facing=facing) == ["internal", "public"]
    assert zones_of(ServicePort(WEB, devices=("tunl0",)), facing=facing) == ["public"]
    assert zones_of(ServicePort(WEB), sources=[DIP], towards={DIP: "eth1"}, facing=facing) == ["internal"]
    assert zones_of(ServicePort(WEB), sources=[DIP], facing=facing) == ["internal", "public"]
    assert zones_of(ServicePort(WEB)) == ["public"]


def test_commands() -> None:
    rich = FirewallRule(RuleKey(FIREWALLD, TUNNEL, "public"))
    assert rich.command() == f"firewall-cmd --permanent --zone=public --add-rich-rule='{TUNNEL.rich_rule()}'"
    in_force = FirewallRule(rich.key._replace(permanent=False))
    assert in_force.command("remove") == f"firewall-cmd --zone=public --remove-rich-rule='{TUNNEL.rich_rule()}'"
    ufw = FirewallRule(RuleKey(UFW, TUNNEL))
    assert ufw.command() == f"iptables {TUNNEL.ufw_rule()} && sed -i '/^COMMIT/i {TUNNEL.ufw_rule()}' /etc/ufw/after.rules"
    assert ufw.command("remove") == (
        f"iptables -D ufw-after-input -s 192.0.2.1 -p 4 -j ACCEPT && sed -i '/^{TUNNEL.ufw_rule()}$/d' /etc/ufw/after.rules"
    )
    assert in_force.diff_line() == f"firewalld, zone public, runtime: {TUNNEL.rich_rule()}"
    assert ufw.diff_line() == f"/etc/ufw/after.rules: {TUNNEL.ufw_rule()}"
    assert ufw.identity() == {"program": "ufw", "rule": TUNNEL.ufw_rule()}


def test_notes() -> None:
    """What the state file has of rules, and the services among them, each once."""
    claims = [
        RuleKey(FIREWALLD, TUNNEL, "public"),
        RuleKey(FIREWALLD, WEB, "public", permanent=False),
        RuleKey(FIREWALLD, WEB, "public"),
        RuleKey(UFW, Opening("udp", source=DIP, port=6080)),
    ]
    notes = dump_claims(claims)
    assert load_claims(notes) == claims
    assert opened_services(notes) == [{"vip": "192.0.2.80", "port": 80, "protocol": "tcp"}]
    assert dump_claims(()) == {}
