# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connection tracking does not see."""

from __future__ import annotations

from ipaddress import ip_address

from ansible_collections.lvs.cluster.plugins.module_utils._nft.notrack import SECTION, Untracked, errors_of, is_service
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import Chain, ElementKey, NamedSet

WEB = Untracked(ip_address("192.0.2.80"), "tcp", 80)
ALL6 = Untracked(ip_address("2001:db8::80"), "udp", 0)


def test_elements() -> None:
    """A port, or all ports of a protocol; and the errors for each VIP once."""
    assert WEB.key == ElementKey("untracked_ports", ("192.0.2.80", "tcp", "80"))
    assert ALL6.key == ElementKey("untracked_protocols6", ("2001:db8::80", "udp"))
    errors = [ElementKey("untracked_vips", ("192.0.2.80",)), ElementKey("untracked_vips6", ("2001:db8::80",))]
    assert errors_of([WEB.key, WEB._replace(port=443).key, ALL6.key]) == errors
    assert [is_service(key) for key in (WEB.key, ALL6.key, *errors)] == [True, True, False, False]


def test_rules() -> None:
    """Only those that the elements need; the sets are the section's own."""
    keys = [WEB.key, ALL6.key]
    _table, *sets, chain = SECTION.shape([*keys, *errors_of(keys)])
    assert all(isinstance(named_set, NamedSet) and SECTION.owns(named_set.key.name) for named_set in sets)
    assert isinstance(chain, Chain)
    errors = "destination-unreachable, time-exceeded, parameter-problem"
    errors6 = "destination-unreachable, packet-too-big, time-exceeded, parameter-problem"
    assert chain.rules == (
        'ip daddr . meta l4proto . th dport @untracked_ports notrack comment "notrack"',
        'ip6 daddr . meta l4proto @untracked_protocols6 notrack comment "notrack"',
        f'ip daddr @untracked_vips icmp type {{ {errors} }} notrack comment "notrack"',
        f'ip6 daddr @untracked_vips6 icmpv6 type {{ {errors6} }} notrack comment "notrack"',
    )
    assert SECTION.shape([]) == []
