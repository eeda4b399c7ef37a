# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Right after converge: what the nodes hold, as ipvsadm, ip, sysctl and nft see it. Changes nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.nodes import rules

VIPS = {"192.168.56.185": "tunl0", "192.168.56.186": "tunl0", "192.168.56.187": "eth0"}

# The walk-through's own commands, as it types them.
WALK_THROUGH = """
ipvsadm -A -t 192.168.56.185:80 -s wrr
ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1
ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1
ipvsadm -A -t 192.168.56.186:8099 -s wrr
ipvsadm -a -t 192.168.56.186:8099 -r 192.168.56.183:80 -i -w 1
ipvsadm -a -t 192.168.56.186:8099 -r 192.168.56.184:80 -i -w 1
ipvsadm -e -t 192.168.56.186:8099 -r 192.168.56.183:8099 -i -w 2
ipvsadm -A -t 192.168.56.187:80 -s wrr
ipvsadm -a -t 192.168.56.187:80 -r 192.168.56.183:80 -i -w 1
ipvsadm -a -t 192.168.56.187:80 -r 192.168.56.184:80 -i -w 2
"""


@pytest.fixture
def fresh_namespace() -> Iterator[str]:
    """A network namespace that nobody configured, with lo up."""
    name = "walk-through"
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=30)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True, timeout=30)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True, timeout=30)


def test_table_equals_the_walk_throughs(ds1: Host, fresh_namespace: str) -> None:
    typed = subprocess.run(
        ["ip", "netns", "exec", fresh_namespace, "sh", "-ec", WALK_THROUGH + "ipvsadm -Sn"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    expected = [line.strip() for line in typed.stdout.splitlines()]
    assert len(expected) == 9
    assert rules(ds1) == expected


@pytest.mark.parametrize("vip", VIPS)
def test_director_holds_vip(ds1: Host, vip: str) -> None:
    device = VIPS[vip]
    assert f"inet {vip}/32 " in ds1.check_output("ip -o address show dev %s", device)
    assert f"{vip} " in ds1.check_output("ip route show dev %s scope link", device)
    assert "UP" in ds1.check_output("ip -br link show %s", device)


@pytest.mark.parametrize("vip", VIPS)
@pytest.mark.parametrize("name", ["rs1", "rs2"])
def test_real_server_holds_vip_in_the_tunnel(name: str, vip: str, request: pytest.FixtureRequest) -> None:
    node: Host = request.getfixturevalue(name)
    assert f"inet {vip}/32 " in node.check_output("ip -o address show dev tunl0")
    assert f"{vip} " in node.check_output("ip route show dev tunl0 scope link")


@pytest.mark.parametrize("name", ["rs1", "rs2"])
def test_real_server_is_silent(name: str, request: pytest.FixtureRequest) -> None:
    node: Host = request.getfixturevalue(name)
    settings = {
        "all.arp_ignore": "1",
        "all.arp_announce": "2",
        "tunl0.arp_ignore": "1",
        "tunl0.arp_announce": "2",
        "tunl0.rp_filter": "2",
    }
    for setting, value in settings.items():
        assert node.check_output("sysctl -n net.ipv4.conf.%s", setting).strip() == value, setting
    kept = node.file("/etc/sysctl.d/90-lvs-tunl0.conf").content_string
    for setting, value in settings.items():
        assert f"net.ipv4.conf.{setting} = {value}\n" in kept


@pytest.mark.parametrize("name", ["rs1", "rs2"])
def test_real_server_maps_the_port(name: str, request: pytest.FixtureRequest) -> None:
    node: Host = request.getfixturevalue(name)
    listed = node.check_output("nft list map inet lvs_cluster port_dnat")
    # Without /etc/protocols, as here, nft writes tcp as its number.
    assert re.search(r"192\.168\.56\.186 \. (tcp|6) \. 8099 : 80", " ".join(listed.split()))


# prepare.yml saw that none of them was there.
@pytest.mark.parametrize(
    ("name", "package"),
    [("ds1", "python3-pyroute2"), ("rs1", "python3-pyroute2"), ("rs1", "python3-nftables"), ("rs2", "python3-nftables")],
)
def test_role_installed(name: str, package: str, request: pytest.FixtureRequest) -> None:
    node: Host = request.getfixturevalue(name)
    assert node.package(package).is_installed


@pytest.mark.parametrize("module", ["ip_vs", "ip_vs_wrr", "ipip"])
def test_modprobe_succeeds_on_a_node(ds1: Host, module: str) -> None:
    """As on a host of its own, where the roles' units and an administrator's scripts load what they need."""
    assert ds1.run("modprobe %s", module).rc == 0
    assert ds1.run("modprobe no_such_module").rc != 0
