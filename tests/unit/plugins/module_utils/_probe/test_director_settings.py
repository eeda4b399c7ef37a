# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings keep a director from answering clients. What the kernel does with them is tested on a kernel."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._probe.director_settings import (
    Director,
    Setting,
    Use,
    faults,
    warnings,
)

VIP, VIP2, VIP6 = (ip_address(text) for text in ("192.168.56.185", "192.168.56.186", "2001:db8::185"))
V4, V6, IPVS = "ipv4/conf", "ipv6/conf", "ipv4/vs"


def device(name: str, *networks: str, holds: Any = (), host_scoped: Any = ()) -> Device:
    """A device that has neighbours if it has networks."""
    interfaces = tuple(map(ip_interface, networks))
    addresses = (*(interface.ip for interface in interfaces), *holds)
    return Device(1, name, b"", bool(networks), interfaces, addresses, tuple(host_scoped))


ETH0 = device("eth0", "192.168.56.181/24", "2001:db8::181/64")


def director(*settings: tuple[Any, ...], devices: Any = (ETH0,), **others: Any) -> Director:
    """With settings: folder, name, device, value."""
    return Director(devices, {Setting(*setting): value for *setting, value in settings}, **others)


def said(found: Director, *vips: Any, on: str = "tunl0", **use: Any) -> list[str]:
    """The faults of VIPs that a device is going to hold."""
    return [str(fault) for fault in faults(found, Use(vips, dict.fromkeys(vips, (on,)), **use))]


def test_names() -> None:
    assert str(Setting(V4, "arp_ignore", "eth0")) == "net.ipv4.conf.eth0.arp_ignore"
    assert str(Setting(V4, "arp_ignore", "eth0.100")) == "net/ipv4/conf/eth0.100/arp_ignore"
    assert (str(Setting("ipv4", "ip_forward")), Setting(IPVS, "conntrack").path) == (
        "net.ipv4.ip_forward",
        "net/ipv4/vs/conntrack",
    )


def test_vips_with_the_same_fault_are_named_together() -> None:
    (message,) = said(director((V4, "arp_ignore", "all", 1)), VIP, VIP2, VIP)
    assert message.startswith("vips: 192.168.56.185, 192.168.56.186 gets no client on eth0: ")


def test_larger_of_both_values_counts() -> None:
    both = director((V4, "arp_ignore", "all", 1), (V4, "arp_ignore", "eth0", 1))
    assert "run sysctl -w net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.eth0.arp_ignore=0, and" in said(both, VIP)[0]
    # The kernel takes 4 for 0.
    assert said(director((V4, "arp_ignore", "all", 1), (V4, "arp_ignore", "eth0", 4)), VIP) == []
    assert "with net.ipv4.conf.eth0.arp_ignore=8" in said(director((V4, "arp_ignore", "eth0", 8)), VIP, on="eth0")[0]


@pytest.mark.parametrize("mode", [1, 2])
def test_vip_that_is_on_the_right_device_already(mode: int) -> None:
    """It works, whatever the description says; setup says what is wrong with that."""
    holding = device("eth0", "192.168.56.181/24", holds=[VIP])
    assert said(director((V4, "arp_ignore", "all", mode), devices=[holding]), VIP) == []
    assert said(director((V4, "arp_ignore", "all", mode), devices=[holding]), VIP, is_set_up=True) == []


def test_vip_in_no_connected_network() -> None:
    """A router sends its packets to the director's own address."""
    assert said(director((V4, "arp_ignore", "all", 8)), ip_address("203.0.113.7"), on="lo") == []


def test_what_is_planned_does_not_count_after_setup() -> None:
    (message,) = said(director(), VIP, on="eth0", is_set_up=True)
    assert message.startswith("vips: 192.168.56.185 is on no device of this host: run lvs.cluster.site")
    elsewhere = director((V4, "arp_ignore", "all", 1), devices=[ETH0, device("tunl0", holds=[VIP])])
    assert said(elsewhere, VIP, on="eth0") == []
    assert "addresses of tunl0" in said(elsewhere, VIP, on="eth0", is_set_up=True)[0]


def test_one_of_several_devices_that_answers_is_enough() -> None:
    eth1 = device("eth1", "192.168.56.182/24", holds=[VIP])
    assert said(director((V4, "arp_ignore", "eth0", 8), devices=[ETH0, eth1]), VIP) == []
    assert len(said(director((V4, "arp_ignore", "all", 8), devices=[ETH0, eth1]), VIP)) == 1


def test_scope_host() -> None:
    scoped = device("lo", holds=[VIP], host_scoped=[VIP])
    mode = (V4, "arp_ignore", "all", 3)
    assert "addresses of scope host" in said(director(mode, devices=[ETH0, scoped]), VIP, on="lo")[0]
    also = device("eth0", "192.168.56.181/24", holds=[VIP])
    assert said(director(mode, devices=[also, scoped]), VIP, on="lo") == []
    assert said(director(mode), VIP, on="tunl0") == []  # tunl_vip adds it with scope global


def test_ipv6() -> None:
    assert "not answered for addresses of lo" in said(director(), VIP6, on="lo")[0]
    assert said(director(), VIP6, on="eth0") == []
    assert said(director((V6, "proxy_ndp", "eth0", 1)), VIP6, on="lo") == []
    off = director((V6, "disable_ipv6", "eth0", 1), devices=[device("eth0", "192.168.56.181/24")])
    assert "cannot be on eth0, as net.ipv6.conf.eth0.disable_ipv6 is 1" in said(off, VIP6, on="eth0")[0]
    assert said(off, VIP, on="eth0") == []


@pytest.mark.parametrize(
    ("family", "enough", "not_enough"),
    [
        (4, (V4, "forwarding", "eth0", 1), (V4, "forwarding", "lo", 1)),
        (4, (V4, "forwarding", "all", 1), (V6, "forwarding", "all", 1)),
        (6, (V6, "force_forwarding", "eth0", 1), (V6, "forwarding", "eth0", 1)),
        (6, (V6, "forwarding", "all", 1), (V4, "forwarding", "all", 1)),
    ],
)
def test_forwarding_for_masquerade(family: int, enough: Any, not_enough: Any) -> None:
    devices = (ETH0, device("lo"))
    use = Use([], masquerades={family})
    assert list(faults(director(enough, devices=devices), use)) == []
    (fault,) = faults(director(not_enough, devices=devices), use)
    setting = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}[family]
    assert f"clients of IPv{family}, as {setting} is 0: run sysctl -w {setting}=1, and" in str(fault)
    assert list(faults(director(not_enough, devices=devices), Use([]))) == []


def test_strict_reverse_path_filter() -> None:
    strict = (V4, "rp_filter", "all", 1)
    (warning,) = warnings(director(strict, default_devices=["eth1"]), Use([VIP, VIP2]))
    assert "packets come in on eth0: run sysctl -w net.ipv4.conf.eth0.rp_filter=2, and" in warning
    for harmless in (
        director(strict, default_devices=["eth0", "eth1"]),
        director(strict),
        director(strict, (V4, "rp_filter", "eth0", 2), default_devices=["eth1"]),
        director(default_devices=["eth1"]),
    ):
        assert list(warnings(harmless, Use([VIP]))) == []
    assert list(warnings(director(strict, default_devices=["eth1"]), Use([VIP6]))) == []


@pytest.mark.parametrize("name", ["drop_entry", "drop_packet"])
def test_defences_of_ipvs(name: str) -> None:
    for value, count in ((0, 0), (1, 0), (2, 0), (3, 1)):
        found = list(warnings(director((IPVS, name, value)), Use([])))
        assert [f"net.ipv4.vs.{name} is 3" in text for text in found] == [True] * count


def test_packet_filter() -> None:
    drops = director((IPVS, "conntrack", 1), drops_invalid=True)
    (warning,) = warnings(drops, Use([], one_way=True))
    assert "run sysctl -w net.ipv4.vs.conntrack=0, and" in warning
    (warning,) = warnings(director(drops_invalid=True), Use([], one_way=True))
    assert "drains wait for connections that have ended" in warning
    assert "lvs_firewall: auto" in warning
    assert list(warnings(drops, Use([]))) == []
    assert list(warnings(drops, Use([], one_way=True, untracked=True))) == []
    assert list(warnings(director((IPVS, "conntrack", 1)), Use([], one_way=True))) == []
