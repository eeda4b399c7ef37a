# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs, sysctls and port mappings, held against ip, sysctl and nft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .namespaces import Namespace

VIP = "192.168.56.185"
SYSCTL_FILE = "/etc/sysctl.d/90-lvs-tunl0.conf"
STATE_FILE = "/var/lib/lvs.cluster/state.json"


def sysctls(host: Namespace, device: str = "tunl0") -> dict[str, int]:
    """The settings of all and of the device."""
    names = [f"{where}.{name}" for where in ("all", device) for name in ("arp_ignore", "arp_announce", "rp_filter")]
    found = host.sh("sysctl -n " + " ".join(f"net.ipv4.conf.{name}" for name in names))
    return dict(zip(names, map(int, found.split())))


def test_vip_from_nothing_to_nothing(host: Namespace) -> None:
    before = host.snapshot()
    predicted = host.module("tunl_vip", vip=VIP, check_mode=True).changed()
    assert host.snapshot() == before
    made = host.module("tunl_vip", vip=VIP).changed()
    assert made["commands"] == predicted["commands"] == [
        "ip link set tunl0 up",
        f"ip address add {VIP}/32 dev tunl0",
        f"ip route add {VIP} dev tunl0 scope link",
    ]  # fmt: skip
    assert f"inet {VIP}/32 scope global tunl0" in host.sh("ip -o address show dev tunl0")
    assert host.sh("ip route show dev tunl0").split()[0] == VIP
    assert "UP" in host.sh("ip -br link show tunl0")
    host.module("tunl_vip", vip=VIP).ok()

    # What somebody took away is put back, and nothing else is touched.
    host.sh(f"ip route del {VIP} dev tunl0")
    assert host.module("tunl_vip", vip=VIP).changed()["commands"] == [f"ip route add {VIP} dev tunl0 scope link"]

    host.module("tunl_vip", vip="192.168.56.186").changed()
    host.module("tunl_vip", vip=VIP, state="absent").changed()
    assert VIP not in host.sh("ip address; ip route show table all")
    assert "192.168.56.186/32" in host.sh("ip -o address show dev tunl0")
    host.module("tunl_vip", vip=VIP, state="absent").ok()


def test_vip_on_an_ordinary_device(host: Namespace) -> None:
    host.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 dev eth0; ip link set eth0 up")
    before = host.snapshot()
    host.module("tunl_vip", vip="192.168.56.187", device="eth0").changed()
    assert "inet 192.168.56.187/32" in host.sh("ip -o address show dev eth0")
    host.module("tunl_vip", vip="192.168.56.187", device="eth0").ok()
    host.module("tunl_vip", vip="192.168.56.187", device="eth0", state="absent").changed()
    assert host.snapshot() == before


@pytest.fixture
def without_fallback_devices(new_namespace: Callable[[], Namespace]) -> Namespace:
    """A host whose tunl0 is not there yet, as before the module ipip is loaded."""
    setting = Path("/proc/sys/net/core/fb_tunnels_only_for_init_net")
    former = setting.read_text()
    setting.write_text("2")  # in no namespace
    try:
        return new_namespace()
    finally:
        setting.write_text(former)


def test_vip_makes_the_tunnel_device(without_fallback_devices: Namespace) -> None:
    host = without_fallback_devices
    assert "tunl0" not in host.sh("ip -br link")
    predicted = host.module("tunl_vip", vip=VIP, check_mode=True).changed()
    assert predicted["commands"][0] == "ip link add tunl0 type ipip"
    assert "tunl0" not in host.sh("ip -br link")
    host.module("tunl_vip", vip=VIP).changed()
    assert f"inet {VIP}/32" in host.sh("ip -o address show dev tunl0")
    host.module("tunl_vip", vip=VIP).ok()


def test_sysctl_makes_the_tunnel_device(without_fallback_devices: Namespace) -> None:
    """A real server has to be silent before it holds the VIP, so this is the module that runs first."""
    host = without_fallback_devices
    host.module("arp_sysctl", check_mode=True).changed()
    assert "tunl0" not in host.sh("ip -br link")
    host.module("arp_sysctl").changed()
    assert sysctls(host)["tunl0.arp_ignore"] == 1
    host.module("arp_sysctl").ok()


def test_sysctls_as_the_walk_through_sets_them(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.tunl0.rp_filter=1")
    before = host.snapshot()
    assert host.module("arp_sysctl", persist=True, check_mode=True).changed()["effective"]["rp_filter"] == 0
    assert host.snapshot() == before

    made = host.module("arp_sysctl", persist=True).changed()
    assert made["effective"] == {"arp_ignore": 1, "arp_announce": 2, "rp_filter": 0}
    assert sysctls(host) == {
        "all.arp_ignore": 1, "all.arp_announce": 2, "all.rp_filter": 0,
        "tunl0.arp_ignore": 1, "tunl0.arp_announce": 2, "tunl0.rp_filter": 0,
    }  # fmt: skip
    host.module("arp_sysctl", persist=True).ok()
    host.module("arp_sysctl").ok()  # persist left out: the file stays

    # The file alone brings the values back.
    host.sh("for f in all tunl0; do for n in arp_ignore arp_announce; do sysctl -qw net.ipv4.conf.$f.$n=0; done; done")
    host.sh(f"sysctl -qp {SYSCTL_FILE}")
    host.module("arp_sysctl", persist=True).ok()

    host.module("arp_sysctl", state="absent").changed()
    assert host.snapshot() == before
    host.module("arp_sysctl", state="absent").ok()


def test_sysctl_file_goes_when_it_is_no_longer_wanted(host: Namespace) -> None:
    host.module("arp_sysctl", persist=True).changed()
    assert host.module("arp_sysctl", persist=False).changed()["commands"] == [f"rm {SYSCTL_FILE}"]
    assert not host.path(SYSCTL_FILE).exists()


def test_loose_mode_leaves_the_other_devices_alone(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1")
    assert host.module("arp_sysctl", rp_filter=2).changed()["effective"]["rp_filter"] == 2
    assert (sysctls(host)["all.rp_filter"], sysctls(host)["tunl0.rp_filter"]) == (1, 2)
    host.module("arp_sysctl", rp_filter=2).ok()


@pytest.fixture
def two_devices(host: Namespace) -> Namespace:
    """A host with a second tunnel device, whose own settings are right already."""
    host.sh("ip link add tun1 type ipip remote 192.0.2.9 local 192.0.2.8")
    host.sh("sysctl -qw net.ipv4.conf.tun1.arp_ignore=1 net.ipv4.conf.tun1.arp_announce=2 net.ipv4.conf.all.rp_filter=1")
    return host


@pytest.mark.parametrize(("first", "last"), [("tunl0", "tun1"), ("tun1", "tunl0")])
def test_all_goes_back_with_the_last_device(two_devices: Namespace, first: str, last: str) -> None:
    host = two_devices
    before = host.snapshot()
    host.module("arp_sysctl").changed()
    host.module("arp_sysctl", device="tun1").ok()
    host.module("arp_sysctl", device=first, state="absent")
    assert [sysctls(host)[f"all.{name}"] for name in ("arp_ignore", "arp_announce", "rp_filter")] == [1, 2, 0]
    host.module("arp_sysctl", device=last, state="absent").changed()
    assert host.snapshot() == before


def test_all_goes_back_when_loose_mode_does_without_it(two_devices: Namespace) -> None:
    host = two_devices
    host.module("arp_sysctl", rp_filter=0).changed()
    assert host.module("arp_sysctl", rp_filter=2).changed()["effective"]["rp_filter"] == 2
    assert (sysctls(host)["all.rp_filter"], sysctls(host)["tunl0.rp_filter"]) == (1, 2)
    host.module("arp_sysctl", rp_filter=2).ok()


def test_device_that_is_gone_leaves_nothing_behind(two_devices: Namespace) -> None:
    host = two_devices
    host.module("arp_sysctl", device="tun1", persist=True).changed()
    host.sh("ip link del tun1")
    host.module("arp_sysctl", device="tun1", state="absent").changed()
    assert sysctls(host)["all.arp_ignore"] == 0
    assert not host.path(STATE_FILE).exists()
    assert list(host.path("/etc/sysctl.d").iterdir()) == []


def test_values_that_were_there_before_are_not_ours(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2")
    host.module("arp_sysctl").changed()
    host.module("arp_sysctl", state="absent").changed()
    assert (sysctls(host)["all.arp_ignore"], sysctls(host)["all.arp_announce"]) == (1, 2)
    assert not host.path(STATE_FILE).exists()


MAPPING: dict[str, Any] = {"vip": "192.168.56.186", "port": 8099}


def mappings(host: Namespace) -> str:
    """The map, on one line."""
    return " ".join(host.sh("nft list map inet lvs_cluster port_dnat").split())


def test_mapping_from_nothing_to_nothing(host: Namespace) -> None:
    host.sh("nft add table ip other; nft add chain ip other prerouting '{ type filter hook prerouting priority 0; }'")
    before = host.snapshot()
    predicted = host.module("port_dnat", **MAPPING, to_port=80, check_mode=True).changed()
    assert host.snapshot() == before
    made = host.module("port_dnat", **MAPPING, to_port=80).changed()
    assert made["commands"] == predicted["commands"]
    assert made["mapping"] == {"vip": "192.168.56.186", "protocol": "tcp", "port": 8099, "to_port": 80}
    assert "{ 192.168.56.186 . tcp . 8099 : 80 }" in mappings(host)
    host.module("port_dnat", **MAPPING, to_port=80).ok()

    changed = host.module("port_dnat", **MAPPING, to_port=81).changed()
    assert changed["diff"]["before"].endswith("{ 192.168.56.186 . tcp . 8099 : 80 }\n")
    assert changed["diff"]["after"].endswith("{ 192.168.56.186 . tcp . 8099 : 81 }\n")
    assert "{ 192.168.56.186 . tcp . 8099 : 81 }" in mappings(host)

    host.module("port_dnat", **MAPPING, to_port=53, protocol="udp").changed()
    assert "192.168.56.186 . udp . 8099 : 53" in mappings(host)
    assert host.sh("nft list chain inet lvs_cluster prerouting").count("dnat to") == 1
    host.module("port_dnat", **MAPPING, protocol="udp", state="absent").changed()
    assert "udp . 8099" not in mappings(host)
    host.module("port_dnat", **MAPPING, state="absent").changed()
    assert host.snapshot() == before
    host.module("port_dnat", **MAPPING, state="absent").ok()


@pytest.mark.parametrize(
    "harm", ["flush ruleset", "flush chain inet lvs_cluster prerouting", "flush map inet lvs_cluster port_dnat"]
)
def test_mapping_survives_what_others_do(host: Namespace, harm: str) -> None:
    host.module("port_dnat", **MAPPING, to_port=80).changed()
    whole = host.sh("nft list ruleset")
    host.sh(f"nft {harm}")
    host.module("port_dnat", **MAPPING, to_port=80).changed()
    assert host.sh("nft list ruleset") == whole
    host.module("port_dnat", **MAPPING, to_port=80).ok()
