# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every forwarding method between a client and two real servers, over both families, TCP and UDP, by turns and by weights."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .forwarding import (
    CASES,
    DIPS,
    GUE,
    MAPPED,
    MAPPED_CASES,
    MAPPED_WEIGHTED,
    MARKED,
    MARKS,
    PORT,
    PORTS,
    TUNNELLED,
    WEIGHTED,
    Cluster,
    services,
)
from .namespaces import Namespace, answering, ask_tcp, ask_udp


def check(client: Namespace, vip: str, ports: tuple[int, int] = PORTS, said: tuple[int, int] = PORTS) -> None:
    """Both real servers answer, by turns at the one port and by weights at the other."""
    for ask in (ask_tcp, ask_udp):
        answers = [ask(client, vip, ports[0]) for turn in range(6)]
        assert answers[:2] * 3 == answers
        assert set(answers) == {f"rs1 {said[0]}", f"rs2 {said[0]}"}
        answers = [ask(client, vip, ports[1]) for turn in range(9)]
        assert Counter(answers) == {f"rs1 {said[1]}": 6, f"rs2 {said[1]}": 3}


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
    assert Counter(answer.split()[0] for answer in said) == {"rs1": 12, "rs2": 6}
    assert [int(answer.split()[1]) for answer in said] == list(MARKED * 9)


def test_guard_is_in_the_way(cluster: Cluster) -> None:
    """Where it does not know the director, it drops what comes out of each tunnel: so it was it that let all that in."""

    def dropped(**options: Any) -> int:
        return sum(
            int(server.module("tunnel_guard", gue_ports=[GUE["tunnel_port"]], purge=True, **options)["dropped"]["packets"])
            for server in cluster.real_servers
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
        {**service, "destinations": [{**row, "rport": service["port"] + 8000} for row in service["destinations"]]}
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
