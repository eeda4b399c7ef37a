# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight, on networks with one fault each; and a VIP that is announced."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace, on_one_bridge, wait_for_links

VIP, VIP6 = "192.168.56.185", "2001:db8::185"
RIP, RIP6 = "192.168.56.183", "2001:db8::183"
DIP, DIP6 = "192.168.56.181", "2001:db8::181"
RS1 = {"name": "rs1", "rip": RIP}
RS1_6 = {"name": "rs1", "rip": RIP6}
# Seconds: a machine that is busy otherwise takes longer.
SLACK = 3.0

Lan = tuple[Namespace, Namespace, Namespace]


@pytest.fixture
def lan(new_namespace: Callable[[], Namespace]) -> Lan:
    """A director, a real server and a third machine on one bridge, with both families."""
    bridge, director, real_server, third = (new_namespace() for name in range(4))
    hosts = {181: director, 183: real_server, 190: third}
    without_dad(*hosts.values())
    on_one_bridge(bridge, hosts)
    for number, host in hosts.items():
        host.sh(f"ip address add 2001:db8::{number}/64 dev eth0 nodad")
    return director, real_server, third


def mac_of(host: Namespace) -> str:
    return host.sh("ip -br link show eth0").split()[2]


def without_dad(*hosts: Namespace) -> None:
    """Addresses are there at once, so that a snapshot does not change by itself."""
    for host in hosts:
        host.sh("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0")


def _text(warning: Any) -> str:
    """A warning's own words: ansible-core 2.19 wraps them."""
    return warning if isinstance(warning, str) else str(warning["event"]["msg"])


def preflight(director: Namespace, **options: Any) -> Any:
    """Run the module, for real and in check mode: the same, and nothing changes."""
    before = director.snapshot()
    result = director.module("preflight", **options)
    checked = director.module("preflight", check_mode=True, **options)
    for returned in (result, checked):
        returned["warnings"] = [_text(warning) for warning in returned.get("warnings", [])]
    keys = ("msg", "paths", "holders", "unchecked", "warnings", "changed")
    assert [result.get(key) for key in keys] == [checked.get(key) for key in keys]
    assert director.snapshot() == before
    return result


def test_everything_is_fine(lan: Lan) -> None:
    director = lan[0]
    result = preflight(
        director,
        vips=[VIP, VIP6, "203.0.113.7"],
        paths=[{**RS1, "inner": [4, 6], "mtu": 1500}, {**RS1_6, "tunnel_type": "gre", "tunnel_checksum": "checksum"}],
        sources=[DIP, DIP6],
    ).ok()
    assert result["paths"] == [
        {"name": "rs1", "rip": RIP, "source": DIP, "mtu": 1500, "inner_mtu": 1480, "alive": True},
        {"name": "rs1", "rip": RIP6, "source": DIP6, "mtu": 1500, "inner_mtu": 1452, "alive": True},
    ]
    assert result["holders"] == {VIP: [], VIP6: []}
    assert result["unchecked"] == ["203.0.113.7"]
    assert result["warnings"] == []


def test_how_long_it_takes(lan: Lan) -> None:
    director = lan[0]

    def took(**options: Any) -> float:
        start = time.monotonic()
        director.module("preflight", **options)
        return time.monotonic() - start

    nothing = took()
    alive = took(vips=[VIP, VIP6], paths=[RS1, RS1_6]) - nothing
    dead = took(paths=[{"rip": f"192.168.56.{number}", "port": 80} for number in range(1, 101)], timeout=1) - nothing
    print(f"nothing {nothing:.2f} s, alive {alive:.2f} s, a hundred dead ones {dead:.2f} s")
    assert alive < 0.7 + SLACK
    assert dead < 0.7 + 2 * 1 + SLACK


def test_real_servers_that_are_dead(lan: Lan) -> None:
    result = preflight(
        lan[0], paths=[{"name": "rs2", "rip": "192.168.56.184", "port": 80}, {"rip": "2001:db8::184"}, RS1], timeout=0.5
    )
    message = result.failed()
    assert "2 invalid values; nothing was changed:" in message
    assert "paths[0] (rs2), rip: 192.168.56.184 does not answer: neither echo requests nor TCP port 80 got a reply" in message
    assert "paths[1] (2001:db8::184), rip: 2001:db8::184 does not answer: no echo request got a reply" in message


RS2 = {"name": "rs2", "rip": "192.168.56.184", "port": 80}
RS2_6 = {"name": "rs2", "rip": "2001:db8::184"}


def test_drained_real_server_that_is_dead(lan: Lan) -> None:
    """As soon as the last of its destinations is drained."""
    director = lan[0]
    web, dns = {"vip": VIP, "port": 80}, {"vip": VIP, "port": 53, "protocol": "udp"}
    web6 = {"vip": VIP6, "port": 80}
    director.sh(f"ip address add {VIP}/32 dev lo; ip address add {VIP6}/128 dev lo")
    services = [
        {**service, "destinations": [{"rip": rip} for rip in rips]}
        for service, rips in ((web, [RIP, RS2["rip"]]), (dns, [RS2["rip"]]), (web6, [RS2_6["rip"]]))
    ]
    director.module("ipvs_table", services=services).changed()
    ask: dict[str, Any] = {"paths": [RS1, RS2], "timeout": 0.5}

    director.module("ipvs_dest", **web, rip=RS2["rip"], weight=0).changed()
    message = preflight(director, **ask, drained="warn").failed()
    assert message.startswith("paths[1] (rs2), rip: 192.168.56.184 does not answer: ")
    assert "if it is down on purpose, drain it (lvs.cluster.drain), give it state: absent" in message

    director.module("ipvs_dest", **dns, rip=RS2["rip"], state="drained", drain_timeout=0).changed()
    result = preflight(director, **ask, drained="warn").ok()
    (warning,) = result["warnings"]
    assert warning.startswith(
        "paths[1] (rs2), rip: 192.168.56.184 does not answer: neither echo requests nor TCP port 80 got a reply within 0.5 s"
    )
    assert warning.endswith(": rs2 is drained, so this is only a warning")
    assert result["paths"][1] == {
        "name": "rs2", "rip": RS2["rip"], "source": DIP, "mtu": 1500, "inner_mtu": 1480, "alive": False
    }  # fmt: skip
    assert "192.168.56.184 does not answer" in preflight(director, **ask).failed()

    director.module("ipvs_dest", **web6, rip=RS2_6["rip"], weight=0).changed()
    (warning,) = preflight(director, paths=[RS2_6], timeout=0.5, drained="warn").ok()["warnings"]
    assert warning.startswith("paths[0] (rs2), rip: 2001:db8::184 does not answer: no echo request")


def test_drained_real_server_does_not_hide_another(lan: Lan) -> None:
    """Nor the holder of a VIP; and a real server without a destination is not drained."""
    director, _real_server, third = lan
    director.module("ipvs_service", vip="192.168.56.186", port=80).changed()
    director.module("ipvs_dest", vip="192.168.56.186", port=80, rip=RS2["rip"], weight=0).changed()
    rs3 = {"name": "rs3", "rip": "192.168.56.189"}
    third.sh(f"ip address add {VIP} dev eth0")
    message = preflight(director, vips=[VIP], paths=[RS2, rs3], timeout=0.5, drained="warn").failed()
    assert message.startswith("2 invalid values; nothing was changed:\npaths[1] (rs3), rip: 192.168.56.189 does not answer: ")
    assert f"\nvips[0]: {VIP} is answered for by {mac_of(third)} on eth0" in message


def test_table_that_may_not_be_read(lan: Lan) -> None:
    """No real server is drained then, and the probes are as ever."""
    director, rip = lan[0], "10.1.2.3"
    director.sh("ip route add 10.1.2.0/24 dev eth0")
    director.module("ipvs_service", vip="192.168.56.186", port=80).changed()
    director.module("ipvs_dest", vip="192.168.56.186", port=80, rip=rip, weight=0).changed()
    director.sh("ip route del 10.1.2.0/24 dev eth0")
    ask: dict[str, Any] = {"paths": [{"rip": rip}], "drained": "warn"}
    (warning,) = preflight(director, **ask).ok()["warnings"]
    assert warning.endswith(f": {rip} is drained, so this is only a warning")
    without_admin = ("setpriv", "--bounding-set=-net_admin", PYTHON)
    result = director.module("preflight", python=without_admin, **ask)
    assert result.failed().startswith(f"paths[0] ({rip}), rip: {rip} has no route from this host")


def test_real_server_that_takes_no_part(lan: Lan) -> None:
    """Dead, or without a route."""
    paths = [{**RS2, "optional": True}, {"name": "rs3", "rip": "10.1.2.3", "optional": True}, RS1]
    result = preflight(lan[0], paths=paths, timeout=0.5).ok()
    dead, unrouted = result["warnings"]
    assert dead.startswith("paths[0] (rs2), rip: 192.168.56.184 does not answer: ")
    assert unrouted.startswith("paths[1] (rs3), rip: 10.1.2.3 has no route from this host (Network is unreachable): ")
    for name, warning in (("rs2", dead), ("rs3", unrouted)):
        assert warning.endswith(f": {name} takes no part in this run, so this is only a warning")
    assert result["paths"][1] == {
        "name": "rs3", "rip": "10.1.2.3", "source": None, "mtu": None, "inner_mtu": None, "alive": False
    }  # fmt: skip
    assert [path["alive"] for path in result["paths"]] == [False, False, True]


DROP = "nft add table inet t; nft add chain inet t in '{ type filter hook input priority 0; }';"


@pytest.mark.parametrize("rip", [RIP, RIP6])
def test_echo_is_dropped(lan: Lan, rip: str) -> None:
    director, real_server, _third = lan
    real_server.sh(f"{DROP} nft add rule inet t in icmp type echo-request drop")
    real_server.sh("nft add rule inet t in icmpv6 type echo-request drop")
    alive = preflight(director, paths=[{"rip": rip, "port": 80, "mtu": 1500}], timeout=0.5).ok()
    assert (alive["paths"][0]["alive"], alive["paths"][0]["mtu"]) == (True, 1500)  # refused, and the route's
    assert not alive["warnings"]

    real_server.sh("nft add rule inet t in tcp dport 80 drop")
    quiet = preflight(director, paths=[{"rip": rip, "port": 80}], timeout=0.5).ok()
    assert quiet["paths"][0]["alive"] is False
    asked = "ARP" if rip == RIP else "neighbour discovery"
    assert quiet["warnings"] == [
        f"paths[0] ({rip}), rip: {rip} answers {asked}, but neither echo requests nor TCP port 80: is the real server ready?"
    ]


def test_no_route_and_this_host_itself(lan: Lan) -> None:
    own = {"rip": DIP, "name": "rs1"}
    message = preflight(lan[0], paths=[{"rip": "10.1.2.3"}, {"rip": "2001:db9::1"}, own]).failed()
    assert "rip: 10.1.2.3 has no route from this host (Network is unreachable): add one" in message
    assert "rip: 2001:db9::1 has no route from this host (Network is unreachable)" in message
    assert f"rip: {DIP} is an address of this host itself: name that of rs1" in message
    # A program of the director itself.
    assert preflight(lan[0], paths=[{"rip": DIP}, {"rip": "127.0.0.2"}]).ok()["warnings"] == []


@pytest.fixture
def behind_a_router(new_namespace: Callable[[], Namespace]) -> tuple[Namespace, Namespace]:
    """A director and a router; behind it a real server, 10.9.0.3 and 2001:db8:9::3."""
    director, router, real_server = (new_namespace() for name in range(3))
    without_dad(director, router, real_server)
    director.sh(f"ip link add eth0 type veth peer eth0 netns {router.name}")
    real_server.sh(f"ip link add eth0 type veth peer eth1 netns {router.name}")
    for host, device, address, address6 in (
        (director, "eth0", f"{DIP}/24", f"{DIP6}/64"),
        (router, "eth0", "192.168.56.1/24", "2001:db8::1/64"),
        (router, "eth1", "10.9.0.1/24", "2001:db8:9::1/64"),
        (real_server, "eth0", "10.9.0.3/24", "2001:db8:9::3/64"),
    ):
        host.sh(
            f"ip address add {address} dev {device}; ip address add {address6} dev {device} nodad; ip link set {device} up"
        )
    wait_for_links(director, router, real_server)
    director.sh("ip route add default via 192.168.56.1; ip -6 route add default via 2001:db8::1")
    real_server.sh("ip route add default via 10.9.0.1; ip -6 route add default via 2001:db8:9::1")
    router.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    return director, router


@pytest.mark.parametrize(("rip", "outer"), [("10.9.0.3", 20), ("2001:db8:9::3", 40)])
def test_black_hole(behind_a_router: tuple[Namespace, Namespace], rip: str, outer: int) -> None:
    """A smaller MTU in the middle, whose ICMP errors are lost."""
    director, router = behind_a_router
    router.sh("nft add table inet t; nft add chain inet t out '{ type filter hook output priority 0; }'")
    router.sh("nft add rule inet t out icmp type destination-unreachable drop")
    router.sh("nft add rule inet t out icmpv6 type packet-too-big drop")
    router.sh("ip link set eth1 mtu 1397")
    path = {"name": "rs1", "rip": rip}
    assert preflight(director, paths=[{**path, "mtu": 1397}], timeout=1).ok()["paths"][0]["inner_mtu"] == 1397 - outer
    message = preflight(director, paths=[{**path, "mtu": 1500}], timeout=1).failed()
    assert (
        message
        == "paths[0] (rs1), mtu: 1500 is what the real server reckons with, but only 1397 pass: set lvs_path_mtu: 1397 for it"
    )
    director.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")  # for masquerade
    result = preflight(director, paths=[path, {**path, "forward": "masquerade"}], timeout=1).ok()
    assert [path["mtu"] for path in result["paths"]] == [1397, 1500]
    assert result["warnings"] == [
        "paths[0] (rs1): only 1397 bytes pass, where the route says 1500: set lvs_path_mtu: 1397 for it"
    ]  # fmt: skip

    router.sh("ip link set eth1 mtu 1299")
    message = preflight(director, paths=[{**path, "inner": [4, 6], "mtu": 1280}], timeout=1)
    if outer == 20:
        assert message.failed().startswith("paths[0] (rs1), inner: 6 asks for an MTU of 1280 (RFC 8200), but 1299 less 20 of")
    else:
        assert "1299 less 40 of the tunnel leave 1259" in message.failed()


def test_large_echo_requests_are_dropped(lan: Lan) -> None:
    director, real_server, _third = lan
    real_server.sh(f"{DROP} nft add rule inet t in icmp type echo-request meta length gt 200 drop")
    result = preflight(director, paths=[{**RS1, "mtu": 1500}], timeout=0.5).ok()
    assert result["paths"][0]["mtu"] == 1500
    assert "only small echo requests are answered" in str(result["warnings"])


def test_undeclared_source(lan: Lan) -> None:
    paths = [RS1, {**RS1_6, "name": "rs1-6"}]
    message = preflight(lan[0], paths=paths, sources=["192.168.56.182"]).failed()
    assert message == (
        f"paths[0] (rs1), rip: {RIP} gets its tunnelled packets from {DIP}, which the real servers would drop:"
        f" name {DIP} in lvs_dip, or route to it from 192.168.56.182"
    )
    preflight(lan[0], paths=[{**RS1, "forward": "route"}], sources=["192.168.56.182"]).ok()


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_vip_that_a_third_machine_holds(lan: Lan, vip: str) -> None:
    director, _real_server, third = lan
    third.sh(f"ip address add {vip} dev eth0" + (" nodad" if vip == VIP6 else ""))
    message = preflight(director, vips=[vip], paths=[RS1, RS1_6]).failed()
    assert f"vips[0]: {vip} is answered for by {mac_of(third)} on eth0, which is neither this host nor a real" in message


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_vip_of_a_real_server_that_is_not_silent(lan: Lan, vip: str) -> None:
    director, real_server, _third = lan
    real_server.sh(f"ip address add {vip} dev eth0" + (" nodad" if vip == VIP6 else ""))
    result = preflight(director, vips=[vip], paths=[RS1, RS1_6]).ok()
    assert result["holders"] == {vip: [mac_of(real_server)]}
    (warning,) = result["warnings"]
    assert warning.startswith(f"vips[0]: rs1 ({mac_of(real_server)}) answers for {vip} on eth0: a real server has to keep")


def test_vip_of_a_silent_real_server(lan: Lan) -> None:
    director, real_server, _third = lan
    real_server.sh("sysctl -qw net.ipv4.conf.all.arp_ignore=1")
    real_server.sh(f"ip link set tunl0 up; ip address add {VIP}/32 dev tunl0")
    result = preflight(director, vips=[VIP], paths=[RS1]).ok()
    assert (result["holders"], result["warnings"]) == ({VIP: []}, [])


@pytest.mark.parametrize("device", ["eth0", "tunl0"])
def test_vip_that_this_host_holds(lan: Lan, new_namespace: Callable[[], Namespace], device: str) -> None:
    """With a second device on the same network, which answers the first."""
    director = lan[0]
    bridge = new_namespace()
    director.sh(f"ip link add eth1 type veth peer name p1 netns {bridge.name}; ip address add 192.168.57.1/24 dev eth1")
    director.sh(f"ip link add eth2 type veth peer name p2 netns {bridge.name}; ip address add 192.168.57.2/24 dev eth2")
    bridge.sh("ip link add br0 type bridge; ip link set br0 up")
    bridge.sh("for p in p1 p2; do ip link set $p master br0 up; done")
    director.sh("ip link set eth1 up; ip link set eth2 up; ip link set tunl0 up")
    wait_for_links(director, bridge)
    for vip in (VIP, "192.168.57.9"):
        director.sh(f"ip address add {vip}/32 dev {device}")
    director.sh(f"ip address add {VIP6}/128 dev eth0 nodad")
    result = preflight(director, vips=[VIP, VIP6, "192.168.57.9"], paths=[RS1]).ok()
    assert result["holders"] == {VIP: [], VIP6: [], "192.168.57.9": []}


_ANNOUNCE = """
import ipaddress, sys
from ansible_collections.lvs.cluster.plugins.module_utils._net import announce
announce.announce({ipaddress.ip_address(sys.argv[1]): ["eth0"]})
"""


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_announcement_replaces_what_the_neighbours_know(lan: Lan, vip: str) -> None:
    director, _real_server, client = lan
    client.sh(f"ip neighbour replace {vip} lladdr 02:00:00:00:00:01 dev eth0 nud reachable")
    director.sh(f"ip link add lonely type dummy; ip link set lonely up; ip address add {vip} dev eth0")
    environment = director._modules.environment()
    director.run(PYTHON, "-c", _ANNOUNCE, vip, env=environment)
    assert f"lladdr {mac_of(director)}" in client.sh(f"ip neighbour show {vip}")
