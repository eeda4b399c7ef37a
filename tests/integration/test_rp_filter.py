# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rp_filter lets a packet out of the tunnel: the measurement behind the roles' default."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .namespaces import Namespace, on_one_bridge, web_server

VIP = "192.168.56.185"


@pytest.fixture(scope="module")
def cluster(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[tuple[Namespace, Namespace]]:
    """A client and a real server, with a director between them: one bridge, as in the walk-through."""
    bridge, client, director, real_server = (new_lasting_namespace() for name in range(4))
    on_one_bridge(bridge, {180: client, 181: director, 183: real_server})
    director.module("ipvs_service", vip=VIP, port=80, scheduler="rr").changed()
    director.module("ipvs_dest", vip=VIP, port=80, rip="192.168.56.183").changed()
    director.module("tunl_vip", vip=VIP).changed()
    real_server.module("arp_sysctl", rp_filter=2).changed()
    real_server.module("tunl_vip", vip=VIP).changed()
    with web_server(real_server, "rs1"):
        yield client, real_server


# all, tunl0, whether the client is answered
@pytest.mark.parametrize(
    ("everywhere", "tunnel", "answered"),
    [(1, 0, False), (1, 1, False), (0, 1, False), (0, 0, True), (1, 2, True), (0, 2, True)],
)
def test_kernel_acts_on_the_larger_value(
    cluster: tuple[Namespace, Namespace], everywhere: int, tunnel: int, answered: bool
) -> None:
    client, real_server = cluster
    real_server.sh(f"sysctl -qw net.ipv4.conf.all.rp_filter={everywhere} net.ipv4.conf.tunl0.rp_filter={tunnel}")
    reply = client.run("curl", "-sS", "--max-time", "3", f"http://{VIP}/name", check=False)
    assert (reply.stdout == "rs1\n") is answered, reply


def test_other_devices_stay_strict(cluster: tuple[Namespace, Namespace]) -> None:
    """Loose mode on the tunnel device alone: a spoofed source is still dropped on eth0, and the tunnel works."""
    client, real_server = cluster
    real_server.sh("sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.tunl0.rp_filter=2")
    real_server.module("arp_sysctl", rp_filter=2).ok()
    client.sh("ip address add 203.0.113.9/32 dev lo; ping -c 1 -W 2 192.168.56.183")

    def dropped() -> int:
        return int(real_server.sh("nstat -asz TcpExtIPReversePathFilter").split()[-2])

    before = dropped()
    client.run("ping", "-c", "1", "-W", "1", "-I", "203.0.113.9", "192.168.56.183", check=False)
    assert dropped() == before + 1
    assert client.sh(f"curl -sS --max-time 3 http://{VIP}/name") == "rs1\n"
