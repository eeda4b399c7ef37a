# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every forwarding method between a client and two real servers, over both families, TCP and UDP, by turns and by weights."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from .namespaces import Namespace, answering, ask_tcp, ask_udp, on_one_bridge

DIPS = ["192.168.56.181", "2001:db8:56::181"]
# The real servers' addresses, by family. A tunnel device takes all tunnelled packets that come to its local address, those
# that it then drops, too: so the devices that are not fallback devices have second addresses for themselves.
RIPS = {4: ("192.168.56.183", "192.168.56.184"), 6: ("2001:db8:56::183", "2001:db8:56::184")}
OWN_RIPS = {4: ("192.168.56.193", "192.168.56.194"), 6: ("2001:db8:56::193", "2001:db8:56::194")}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre"}
CHECKSUM = {"tunnel_checksum": "checksum"}

# Of the real servers: devices and what tunl_vip is told of them.
DEVICES: dict[str, dict[str, Any]] = {
    # With a listener for GUE, these take packets in UDP and without.
    "tunl0": GUE,
    "sit0": GUE,
    "ip6tnl0": GUE,
    "gre0": {},
    "ip6gre0": {},
    "lvsgre": {**GRE, **CHECKSUM},
    "lvsgre6": {**GRE, **CHECKSUM},
    "lvs4in6": {"tunnel_type": "ipip6"},
    "lo": {},
    "dummy0": {},
}
OWN_DEVICES = {"lvsgre": 4, "lvsgre6": 6, "lvs4in6": 6}  # the family of their ends
STRICT_OTHERWISE = ("tunl0", "gre0", "ip6gre0", "lvsgre", "lvsgre6", "lvs4in6")


class Case(NamedTuple):
    """A forwarding method, and how it gets to a VIP."""

    name: str
    vip: str
    outer: int  # the family of the RIPs
    device: str  # of the real servers, where the packets come out and the VIP is
    destination: dict[str, Any]

    @property
    def rips(self) -> tuple[str, str]:
        return (OWN_RIPS if self.device in OWN_DEVICES else RIPS)[self.outer]


def _cases(*rows: tuple[str, int, int, str, dict[str, Any]]) -> dict[str, Case]:
    return {
        name: Case(name, f"{'192.168.56.' if inner == 4 else '2001:db8:56::'}{number}", outer, device, destination)
        for number, (name, inner, outer, device, destination) in enumerate(rows, 200)
    }


# the family of the VIP and that of the RIPs
CASES = _cases(
    ("ipip", 4, 4, "tunl0", {}),
    ("gue", 4, 4, "tunl0", GUE),
    ("gue, checksum", 4, 4, "tunl0", {**GUE, **CHECKSUM}),
    ("gue, remote checksum", 4, 4, "tunl0", {**GUE, "tunnel_checksum": "remote_checksum"}),
    ("gre", 4, 4, "gre0", GRE),
    ("gre, checksum", 4, 4, "lvsgre", {**GRE, **CHECKSUM}),
    ("IPv6 in IPv6", 6, 6, "ip6tnl0", {}),
    ("IPv6 in IPv6, gue", 6, 6, "ip6tnl0", GUE),
    ("IPv6 in IPv6, gre", 6, 6, "ip6gre0", GRE),
    ("IPv6 in IPv6, gre, checksum", 6, 6, "lvsgre6", {**GRE, **CHECKSUM}),
    ("IPv6 in IPv4", 6, 4, "sit0", {}),
    ("IPv6 in IPv4, gue", 6, 4, "sit0", GUE),
    ("IPv6 in IPv4, gre", 6, 4, "gre0", GRE),
    ("IPv4 in IPv6", 4, 6, "lvs4in6", {}),
    ("IPv4 in IPv6, gue", 4, 6, "lvs4in6", GUE),
    ("IPv4 in IPv6, gre", 4, 6, "ip6gre0", GRE),
    ("route, lo", 4, 4, "lo", {"forward": "route"}),
    ("IPv6, route, lo", 6, 6, "lo", {"forward": "route"}),
    ("route, dummy", 4, 4, "dummy0", {"forward": "route"}),
    ("IPv6, route, dummy", 6, 6, "dummy0", {"forward": "route"}),
)
TUNNELLED = [case for case in CASES.values() if "forward" not in case.destination]

PORT, WEIGHTED = 80, 81  # by turns; by weights
MAPPED, MAPPED_WEIGHTED = 90, 91  # that the real servers map to these
PORTS = (PORT, WEIGHTED)
WEIGHTS = (2, 1)


def services(
    vip: str, rips: tuple[str, str], destination: dict[str, Any], ports: tuple[int, int] = PORTS
) -> list[dict[str, Any]]:
    """Four for the table: TCP and UDP, by turns and by weights."""
    both = [{"rip": rip, **destination} for rip in rips]
    weighted = [{**one, "weight": weight} for one, weight in zip(both, WEIGHTS)]
    by_turns, by_weight = ({"vip": vip, "port": port} for port in ports)
    # What is sent on to another address has to be known when its answer comes back.
    one_packet = destination.get("forward") != "masquerade"
    return [
        {**by_turns, "scheduler": "rr", "destinations": both},
        {**by_turns, "scheduler": "wrr", "protocol": "udp", "one_packet": one_packet, "destinations": both},
        {**by_weight, "scheduler": "wrr", "destinations": weighted},
        {**by_weight, "scheduler": "wrr", "protocol": "udp", "destinations": weighted},
    ]


def check(client: Namespace, vip: str, ports: tuple[int, int] = PORTS, said: tuple[int, int] = PORTS) -> None:
    """Both real servers answer, by turns at the one port and by weights at the other."""
    for ask in (ask_tcp, ask_udp):
        answers = [ask(client, vip, ports[0]) for turn in range(6)]
        assert answers[:2] * 3 == answers
        assert set(answers) == {f"rs1 {said[0]}", f"rs2 {said[0]}"}
        answers = [ask(client, vip, ports[1]) for turn in range(9)]
        assert Counter(answers) == {f"rs1 {said[1]}": 6, f"rs2 {said[1]}": 3}


def prepare(real_server: Namespace, which: int) -> None:
    """The first or the second one, for all cases."""
    for rips, length in ((OWN_RIPS[4], 24), (OWN_RIPS[6], 64)):
        real_server.sh(f"ip address add {rips[which]}/{length} dev eth0 {'nodad' if length == 64 else ''}")
    # As most distributions have it.
    real_server.sh("ip link add dummy0 type dummy; sysctl -qw net.ipv4.conf.all.rp_filter=1")
    real_server.module("arp_sysctl", rp_filter=2).changed()
    devices = [
        {
            "device": device,
            "vips": [case.vip for case in CASES.values() if case.device == device],
            **options,
            **({"local": OWN_RIPS[OWN_DEVICES[device]][which]} if device in OWN_DEVICES else {}),
        }
        for device, options in DEVICES.items()
    ]
    real_server.module("tunl_vip", devices=devices).changed()
    for device in STRICT_OTHERWISE[1:]:
        real_server.module("arp_sysctl", device=device, rp_filter=2).changed()
    real_server.module("tunnel_guard", sources=DIPS, gue_ports=[GUE["tunnel_port"]]).changed()
    mapped = zip((MAPPED, MAPPED_WEIGHTED), PORTS)
    rows = [(port, to_port, protocol) for port, to_port in mapped for protocol in ("tcp", "udp")]
    mappings = [
        {"vip": CASES[name].vip, "port": port, "to_port": to_port, "protocol": protocol}
        for name in MAPPED_CASES
        for port, to_port, protocol in rows
    ]
    real_server.module("port_dnat", mappings=mappings).changed()


MAPPED_CASES = ("ipip", "IPv6 in IPv6", "IPv6, route, lo")
# Firewall marks by VIP and protocol; a service each, for both ports.
MARKS = {("ipip", "udp"): 1, ("ipip", "tcp"): 2, ("IPv6 in IPv6", "udp"): 3, ("IPv6 in IPv6", "tcp"): 4}
MARKED = (70, 71)


class Cluster(NamedTuple):
    """The hosts of it."""

    client: Namespace
    director: Namespace
    real_servers: tuple[Namespace, Namespace]


@pytest.fixture(scope="module")
def cluster(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """A client, a director and two real servers on one bridge."""
    bridge, client, director, rs1, rs2 = (new_lasting_namespace() for name in range(5))
    on_one_bridge(bridge, {180: client, 181: director, 183: rs1, 184: rs2})
    prepare(rs1, 0)
    prepare(rs2, 1)
    director.module("tunl_vip", device="eth0", vips=[case.vip for case in CASES.values()]).changed()
    table = [one for case in CASES.values() for one in services(case.vip, case.rips, case.destination)]
    for name in MAPPED_CASES:
        case = CASES[name]
        table += services(case.vip, case.rips, case.destination, (MAPPED, MAPPED_WEIGHTED))
    director.sh("nft add table inet marks; nft add chain inet marks in '{ type filter hook prerouting priority mangle; }'")
    for (name, protocol), mark in MARKS.items():
        case = CASES[name]
        family = "ip6" if case.outer == 6 else "ip"
        director.sh(
            f"nft add rule inet marks in {family} daddr {case.vip} {protocol} dport {{ 70, 71 }} meta mark set {mark}"
        )
        both = [{"rip": rip, "weight": weight} for rip, weight in zip(case.rips, WEIGHTS)]
        table.append({"fwmark": mark, "family": f"ipv{case.outer}", "scheduler": "wrr", "destinations": both})
    director.module("ipvs_table", services=table).changed()
    ports = (*PORTS, *MARKED)
    with answering(rs1, "rs1", ports), answering(rs2, "rs2", ports):
        yield Cluster(client, director, (rs1, rs2))


@pytest.mark.parametrize("name", CASES)
def test_every_method(cluster: Cluster, name: str) -> None:
    check(cluster.client, CASES[name].vip)


@pytest.mark.parametrize("name", MAPPED_CASES)
def test_ports_that_the_real_servers_map(cluster: Cluster, name: str) -> None:
    check(cluster.client, CASES[name].vip, (MAPPED, MAPPED_WEIGHTED), said=PORTS)


@pytest.mark.parametrize(("name", "protocol"), MARKS)
def test_firewall_mark(cluster: Cluster, name: str, protocol: str) -> None:
    """Two ports are one service: their requests are counted together."""
    ask = ask_tcp if protocol == "tcp" else ask_udp
    said = [ask(cluster.client, CASES[name].vip, port) for port in MARKED * 9]
    assert Counter(one.split()[0] for one in said) == {"rs1": 12, "rs2": 6}
    assert [int(one.split()[1]) for one in said] == list(MARKED * 9)


def test_guard_is_in_the_way(cluster: Cluster) -> None:
    """Where it does not know the director, it drops what comes out of each tunnel: so it was it that let all that in."""

    def dropped(**options: Any) -> int:
        return sum(
            int(one.module("tunnel_guard", gue_ports=[GUE["tunnel_port"]], purge=True, **options)["dropped"]["packets"])
            for one in cluster.real_servers
        )

    assert dropped(sources=["192.168.56.180"]) == 0
    with cluster.client.inside(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        for case in TUNNELLED:
            udp.sendto(b"?", (case.vip if ":" in case.vip else f"::ffff:{case.vip}", PORT))
        time.sleep(0.5)
    assert dropped(sources=DIPS) == len(TUNNELLED)
    check(cluster.client, CASES["ipip"].vip)


@pytest.fixture(scope="module")
def routed(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Namespace]:
    """A client whose way to two real servers is the director, which is their way back, too."""
    client, director, rs1, rs2 = (new_lasting_namespace() for name in range(4))
    director.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    for number, host in enumerate((client, rs1, rs2)):
        director.sh(f"ip link add eth{number} type veth peer eth0 netns {host.name}")
        for end, device, last in ((director, f"eth{number}", 1), (host, "eth0", 2)):
            end.sh(f"ip address add 10.9.{number}.{last}/24 dev {device}; ip link set {device} up")
            end.sh(f"ip address add 2001:db8:a{number}::{last}/64 dev {device} nodad")
        host.sh(f"ip route add default via 10.9.{number}.1; ip -6 route add default via 2001:db8:a{number}::1")
    director.module("tunl_vip", device="eth0", vips=[vip for vip, rips in ROUTED]).changed()
    table = [
        {**service, "destinations": [{**one, "rport": service["port"] + 8000} for one in service["destinations"]]}
        for vip, rips in ROUTED
        for service in services(vip, rips, {"forward": "masquerade"})
    ]
    director.module("ipvs_table", services=table).changed()
    with answering(rs1, "rs1", REWRITTEN), answering(rs2, "rs2", REWRITTEN):
        yield client


ROUTED = (("10.9.0.200", ("10.9.1.2", "10.9.2.2")), ("2001:db8:a0::200", ("2001:db8:a1::2", "2001:db8:a2::2")))
REWRITTEN = (8000 + PORT, 8000 + WEIGHTED)


@pytest.mark.parametrize("vip", [vip for vip, rips in ROUTED])
def test_masquerade(routed: Namespace, vip: str) -> None:
    check(routed, vip, said=REWRITTEN)
