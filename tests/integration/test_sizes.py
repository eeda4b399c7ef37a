# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large uploads through every kind of tunnel, where nobody tells the client that a tunnel makes its packets too large."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import pytest

from .managed_host import TIMEOUT
from .namespaces import Namespace, listening, on_one_bridge

DIP, DIP6 = "192.168.56.181", "2001:db8:56::181"
RIP, RIP6 = "192.168.56.183", "2001:db8:56::183"
# A tunnel device takes all that comes to its local address.
OWN_RIP6 = "2001:db8:56::193"
PORT = 80
SIZE = 10 * 1024 * 1024  # bytes
FINISHED_WITHIN = 15  # seconds
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre"}


class Case(NamedTuple):
    """A tunnel to a VIP."""

    vip: str
    rip: str
    tunnel: dict[str, Any]
    mss: int  # bytes that are left of 1500


CASES = {
    "ipip": Case("192.168.56.200", RIP, {}, 1500 - 20 - (20 + 20)),
    "gue": Case("192.168.56.201", RIP, GUE, 1500 - 20 - 8 - 4 - (20 + 20)),
    "gue, remote checksum": Case(
        "192.168.56.202", RIP, {**GUE, "tunnel_checksum": "remote_checksum"}, 1500 - 20 - 8 - 4 - 8 - (20 + 20)
    ),
    "gre": Case("192.168.56.203", RIP, GRE, 1500 - 20 - 4 - (20 + 20)),
    "IPv6 in IPv6": Case("2001:db8:56::204", RIP6, {}, 1500 - 40 - (40 + 20)),
    "IPv6 in IPv6, gue": Case("2001:db8:56::205", RIP6, GUE, 1500 - 40 - 8 - 4 - (40 + 20)),
    "IPv6 in IPv6, gre": Case("2001:db8:56::206", RIP6, GRE, 1500 - 40 - 4 - (40 + 20)),
    "IPv6 in IPv4": Case("2001:db8:56::207", RIP, {}, 1500 - 20 - (40 + 20)),
    "IPv6 in IPv4, gue": Case("2001:db8:56::208", RIP, GUE, 1500 - 20 - 8 - 4 - (40 + 20)),
    "IPv4 in IPv6": Case("192.168.56.209", OWN_RIP6, {}, 1500 - 40 - (20 + 20)),
}
DEVICES: dict[str, dict[str, Any]] = {
    "tunl0": {**GUE, "vips": [case.vip for case in CASES.values() if "." in case.vip]},
    "sit0": GUE,
    "ip6tnl0": {**GUE, "vips": [case.vip for case in CASES.values() if ":" in case.vip]},
    "gre0": {},
    "ip6gre0": {},
    "lvs4in6": {"tunnel_type": "ipip6", "local": OWN_RIP6},
}
# What the client would learn the size from.
NOT_TOLD = """
nft add table inet t
nft add chain inet t in '{ type filter hook input priority 0; }'
nft add rule inet t in icmp type destination-unreachable icmp code frag-needed counter drop
nft add rule inet t in icmpv6 type packet-too-big counter drop
"""


class Sink:
    """A real server's program that takes uploads, and says at the end of each how many bytes it was."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()  # bytes by VIP, as it goes

    @contextmanager
    def open(self, host: Namespace) -> Iterator[None]:
        with host.inside():
            server = listening(PORT)
        thread = threading.Thread(target=self._serve, args=(server,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            server.close()

    def _serve(self, server: socket.socket) -> None:
        # OSError: shut down.
        with ThreadPoolExecutor(2 * len(CASES)) as pool, suppress(OSError):
            while True:
                pool.submit(self._take, server.accept()[0])

    def _take(self, connection: socket.socket) -> None:
        vip = connection.getsockname()[0].replace("::ffff:", "")
        size = 0
        with connection:
            connection.settimeout(TIMEOUT)
            while data := connection.recv(1 << 20):
                size += len(data)
                self.received[vip] += len(data)
            connection.sendall(str(size).encode())


def upload(client: Namespace, vip: str, within: float) -> bool:
    """Whether it came to an end in that many seconds, and arrived as a whole."""
    end = time.monotonic() + within
    with client.inside(), socket.create_connection((vip, PORT), timeout=within) as connection:
        try:
            connection.sendall(bytes(SIZE))
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(max(0.1, end - time.monotonic()))
            return connection.recv(64) == str(SIZE).encode()
        except TimeoutError:
            # The real server shall not wait for the rest.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + bytes(4))
            return False


class Cluster(NamedTuple):
    """The hosts, and the real server's program."""

    client: Namespace
    director: Namespace
    real_server: Namespace
    sink: Sink


@pytest.fixture(scope="module")
def cluster(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """A client, a director and a real server on one bridge."""
    bridge, client, director, real_server = (new_lasting_namespace() for name in range(4))
    on_one_bridge(bridge, {180: client, 181: director, 183: real_server})
    # One packet at a time, as from a network. Several at once (GSO) come through GUE with wrong TCP checksums where it has a
    # remote one: a third of the segments are sent again, and an upload of half a second takes ten.
    client.sh(f"{NOT_TOLD} ip link set eth0 gso_max_segs 1")
    real_server.sh(f"ip address add {OWN_RIP6}/64 dev eth0 nodad")
    real_server.module("arp_sysctl", rp_filter=2).changed()
    real_server.module("tunl_vip", devices=[{"device": device, **options} for device, options in DEVICES.items()]).changed()
    director.module("tunl_vip", device="eth0", vips=[case.vip for case in CASES.values()]).changed()
    table = [{"vip": case.vip, "port": PORT, "destinations": [{"rip": case.rip, **case.tunnel}]} for case in CASES.values()]
    director.module("ipvs_table", services=table).changed()
    sink = Sink()
    with sink.open(real_server):
        yield Cluster(client, director, real_server, sink)


@pytest.fixture(scope="module")
def before(cluster: Cluster) -> dict[str, tuple[bool, int, int]]:
    """Without a clamp, all at once: whether it ended, and the bytes that had arrived after 2 and after 4 seconds."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        ended = {name: pool.submit(upload, cluster.client, case.vip, 4.5) for name, case in CASES.items()}
        time.sleep(2)
        early = cluster.sink.received.copy()
        time.sleep(2)
        late = cluster.sink.received.copy()
        return {name: (ended[name].result(), early[case.vip], late[case.vip]) for name, case in CASES.items()}


@pytest.fixture(scope="module")
def clamped(cluster: Cluster, before: dict[str, tuple[bool, int, int]]) -> Cluster:
    """The same with the clamp, for sizes that the kernel reports."""
    rows = [
        {
            "vip": case.vip,
            "director": DIP6 if ":" in case.rip else DIP,
            **{name: value for name, value in case.tunnel.items() if name != "tunnel_port"},
        }
        for case in CASES.values()
    ]
    assert len(before) == len(rows)  # that was before
    cluster.real_server.module("mss_clamp", tunnels=rows).changed()
    return cluster


@pytest.mark.parametrize("name", CASES)
def test_without_the_clamp_uploads_stall(before: dict[str, tuple[bool, int, int]], name: str) -> None:
    ended, early, late = before[name]
    assert not ended
    assert early == late < SIZE


@pytest.mark.parametrize("name", CASES)
def test_with_the_clamp_they_end(clamped: Cluster, name: str) -> None:
    """The real server announces the size that fits to the byte, and the whole upload arrives."""
    vip = CASES[name].vip
    # The first packet from the VIP is the SYN-ACK.
    command = clamped.client.command(
        "tcpdump", "-i", "eth0", "-c", "1", "-nn", "-l", f"src host {vip} and ip{'6' * (':' in vip)} proto 6"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tcpdump:
        assert tcpdump.stdout is not None
        assert tcpdump.stderr is not None
        while "listening on" not in tcpdump.stderr.readline():
            pass
        assert upload(clamped.client, vip, FINISHED_WITHIN)
        seen = tcpdump.communicate(timeout=TIMEOUT)[0]
    found = re.search(r"Flags \[S\.\].*\[mss (\d+)", seen)
    assert found, seen
    assert int(found[1]) == CASES[name].mss
