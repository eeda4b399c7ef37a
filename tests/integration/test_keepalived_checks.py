# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of real servers by keepalived: through the tunnel, on a director with the VIP and on one without; and drains."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .checked_cluster import (
    BACK_WITHIN,
    DIPS,
    FAR_VIP,
    FAST,
    MAPPING,
    OUT_WITHIN,
    RIPS,
    ROUTED_VIP,
    SERVICES,
    VIP,
    VIP6,
    Cluster,
    key_of,
    rows,
    running,
)
from .checked_cluster import standing as standing_cluster
from .managed_host import PYTHON, TIMEOUT
from .namespaces import Namespace


@pytest.fixture(scope="module")
def standing(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """The cluster of the tests."""
    with standing_cluster(new_lasting_namespace) as made:
        yield made


# A real server's programs beside the web server, and how to have each fail: what it says, by protocol and port.
_OTHER_PROGRAMS = """
import contextlib, socket, ssl, subprocess, threading
def dns(sock):
    while True:
        asked, client = sock.recvfrom(512)
        # No such name is an answer, too: what is checked is that the server answers with what it was asked.
        sock.sendto(asked[:2] + bytes([0x84, 0]) + asked[4:6] + asked[4:6] + bytes(4) + asked[12:]
            + bytes([0xc0, 12]) + asked[-4:-2] + bytes([0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4]), client)
def smtp(sock):
    while True:
        connection, _client = sock.accept()
        # A check that takes too long is reset.
        with contextlib.suppress(OSError), connection, connection.makefile("rwb", 0) as stream:
            stream.write(b"220 ready\\r\\n")
            for line in stream:
                stream.write(b"221 bye\\r\\n" if line.upper().startswith(b"QUIT") else b"250 fine\\r\\n")
def https(sock):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/var/lib/tls.pem")
    while True:
        connection, _client = sock.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(4096)
                stream.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nI am fine {$1}\\n")
        except OSError:
            pass
request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
subprocess.run([*request, "-keyout", "/var/lib/tls.pem", "-out", "/var/lib/crt"], check=True, capture_output=True)
with open("/var/lib/tls.pem", "a") as file:
    file.write(open("/var/lib/crt").read())
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("VIP", 53))
threads = [threading.Thread(target=dns, args=(udp,))]
for act, port in ((smtp, 25), (https, 443)):
    threads.append(threading.Thread(target=act, args=(socket.create_server(("", port)),)))
for thread in threads:
    thread.start()
"""
# A program of the user's: real servers are as well as the file of their name says.
_PROGRAM = """#!/bin/sh
[ "$2" = 'a "quoted" $HOME {#!}' ] && [ -e "/var/lib/well-$1" ]
"""


TUNNELS = ("ipip", "mapped", "gue", "far")
# What is done to one real server, how it is undone, and the services that it must leave.
FAULTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "tunl0 down": ("ip link set tunl0 down", "ip link set tunl0 up", TUNNELS),
    "gre0 down": ("ip link set gre0 down", "ip link set gre0 up", ("gre",)),
    "VIP missing": (f"ip address del {VIP}/32 dev tunl0", f"ip address add {VIP}/32 dev tunl0", ("ipip", "mapped")),
    "strict rp_filter": (
        "sysctl -qw net.ipv4.conf.tunl0.rp_filter=1",
        "sysctl -qw net.ipv4.conf.tunl0.rp_filter=2",
        TUNNELS,
    ),
    "protocol 4 dropped": (
        "nft 'table ip t { chain c { type filter hook prerouting priority -400; ip protocol 4 drop; }; }'",
        "nft delete table ip t",
        ("ipip", "mapped", "far"),
    ),
    "VIP missing on lo": (f"ip address del {ROUTED_VIP}/32 dev lo", f"ip address add {ROUTED_VIP}/32 dev lo", ("routed",)),
    "IPv6 VIP missing": (f"ip address del {VIP6}/128 dev ip6tnl0", f"ip address add {VIP6}/128 dev ip6tnl0 nodad", ("IPv6",)),
}


def test_checks_find_what_breaks_the_way_of_packets(standing: Cluster) -> None:
    """On both directors; the other real servers and services stay. What is mended comes back."""
    with running(standing, rows("tcp")):
        standing.wait(lambda _name, _rip: True, OUT_WITHIN)
        for breaking, mending, services in FAULTS.values():
            standing.real_servers[1].sh(breaking)
            lost = [(name, SERVICES[name][2][1]) for name in services]
            standing.wait(lambda name, rip, lost=lost: (name, rip) not in lost, OUT_WITHIN)  # type: ignore[misc]
            standing.real_servers[1].sh(mending)
            standing.wait(lambda _name, _rip: True, BACK_WITHIN)
        standing.real_servers[1].module("port_dnat", mappings=[], purge=True).changed()
        standing.wait(lambda name, rip: (name, rip) != ("mapped", RIPS[1]), OUT_WITHIN)
        standing.real_servers[1].module("port_dnat", mappings=[MAPPING]).changed()
        standing.wait(lambda _name, _rip: True, BACK_WITHIN)
        standing.stop_serving(1)
        standing.wait(lambda name, rip: rip != SERVICES[name][2][1], OUT_WITHIN)
        standing.serve(1)
        standing.wait(lambda _name, _rip: True, BACK_WITHIN)


def test_pages_are_checked_through_the_tunnel(standing: Cluster) -> None:
    named = {name: SERVICES[name] for name in (*TUNNELS, "IPv6")}
    with running(standing, rows("http", named)):
        standing.wait(lambda _name, _rip: True, OUT_WITHIN, named)
        standing.real_servers[2].sh("ip link set tunl0 down")
        standing.wait(lambda name, rip: name == "IPv6" or rip != RIPS[2], OUT_WITHIN, named)
        standing.real_servers[2].sh("ip link set tunl0 up")
        standing.wait(lambda _name, _rip: True, BACK_WITHIN, named)


def test_real_servers_that_are_too_few(standing: Cluster) -> None:
    """A sorry server takes over when all are out, or fewer than the quorum; inhibited ones stay with weight 0."""
    check = {"type": "tcp", **FAST}
    two = [{"rip": rip, "forward": "route", "check": check} for rip in RIPS[:2]]
    sorry = {"sorry_server": {"address": RIPS[2]}}
    three = [{"rip": rip, "check": check} for rip in RIPS]
    services: list[dict[str, Any]] = [
        {"vip": ROUTED_VIP, "port": 80, "scheduler": "rr", "destinations": two, **sorry},
        {"vip": VIP, "port": 80, "scheduler": "rr", "destinations": three, "inhibit_on_failure": True},
        {"vip": FAR_VIP, "port": 80, "scheduler": "rr", "destinations": three[:2], "quorum": 2, **sorry},
    ]

    def wait(*expected: dict[str, int]) -> None:
        """Until both directors have these weights in the services."""
        keys = [f"-t {service['vip']}:80" for service in services]
        deadline = time.monotonic() + OUT_WITHIN
        while True:
            found = [[keepalived.weights().get(key) for key in keys] for keepalived in standing.keepaliveds]
            if found == [list(expected)] * 2:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    first, second, third = RIPS
    with running(standing, services):
        wait({first: 1, second: 1}, {first: 1, second: 1, third: 1}, {first: 1, second: 1})
        standing.stop_serving(1)
        wait({first: 1}, {first: 1, second: 0, third: 1}, {third: 1})
        standing.stop_serving(0)
        wait({third: 1}, {first: 0, second: 0, third: 1}, {third: 1})
        for which in (0, 1):
            standing.serve(which)
        wait({first: 1, second: 1}, {first: 1, second: 1, third: 1}, {first: 1, second: 1})


def test_real_servers_that_have_to_prove_themselves_first(standing: Cluster) -> None:
    """With alpha, none is in before its first check; otherwise they are in until one fails."""
    destinations = [{"rip": rip, "check": {"type": "tcp", **FAST}} for rip in RIPS]
    standing.stop_serving(1)
    try:
        services = [{"vip": VIP, "port": 80, "scheduler": "rr", "destinations": destinations, "alpha": True}]
        with running(standing, services):
            key, deadline = f"-t {VIP}:80", time.monotonic() + OUT_WITHIN
            while any(set(keepalived.weights()[key]) != {RIPS[0], RIPS[2]} for keepalived in standing.keepaliveds):
                assert all(RIPS[1] not in keepalived.weights()[key] for keepalived in standing.keepaliveds)
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        standing.serve(1)


def test_active_director_needs_its_settings(standing: Cluster) -> None:
    """Without them, all real servers of IPv4 services are out there."""
    named = {name: SERVICES[name] for name in ("ipip", "IPv6")}
    standing.active.module("check_sysctl", state="absent").changed()
    try:
        with running(standing, rows("tcp", named)):
            deadline = time.monotonic() + OUT_WITHIN
            active, standby = standing.keepaliveds
            while active.weights()[key_of("ipip")]:
                assert time.monotonic() < deadline
            assert len(active.weights()[key_of("IPv6")]) == len(standby.weights()[key_of("ipip")]) == 3
    finally:
        standing.active.module("check_sysctl", sources=list(DIPS[181])).changed()


def test_drain_and_restore(standing: Cluster) -> None:
    """They hold through a reload, a new start and a failure; nobody else changes the services."""
    named = {name: SERVICES[name] for name in ("ipip", "gue")}
    with running(standing, rows("tcp", named)):
        standing.wait(lambda _name, _rip: True, OUT_WITHIN, named)
        keepalived, director = standing.keepaliveds[0], standing.active

        def weights(name: str = "ipip") -> dict[str, int]:
            return keepalived.weights()[key_of(name)]

        drained = director.module("ipvs_dest", rip=RIPS[1], state="drained", drain_timeout=0).changed()
        assert {entry["weight"] for entry in drained["destinations"]} == {0}
        assert weights() == weights("gue") == {RIPS[0]: 1, RIPS[1]: 0, RIPS[2]: 1}
        director.module("ipvs_dest", rip=RIPS[1], state="drained", drain_timeout=0).ok()
        heavier = [
            {**row, "destinations": [{**entry, "weight": 3} for entry in row["destinations"]]} for row in rows("tcp", named)
        ]
        keepalived.configure(heavier)
        keepalived.reload()
        deadline = time.monotonic() + OUT_WITHIN
        while weights() != {RIPS[0]: 3, RIPS[1]: 0, RIPS[2]: 3}:
            assert time.monotonic() < deadline, weights()
        keepalived.stop(signal.SIGKILL)
        keepalived.start()
        standing.wait(lambda _name, _rip: True, BACK_WITHIN, named)
        assert weights()[RIPS[1]] == 0
        director.module("ipvs_dest", rip=RIPS[1]).changed()
        assert weights() == {RIPS[0]: 3, RIPS[1]: 1, RIPS[2]: 3}  # the weight that it had

        # One that has failed can be drained, and is when it comes back.
        standing.real_servers[2].sh("ip link set tunl0 down")
        standing.wait(lambda _name, rip: rip != RIPS[2], OUT_WITHIN, named)
        director.module("ipvs_dest", rip=RIPS[2], state="drained", drain_timeout=0).changed()
        standing.real_servers[2].sh("ip link set tunl0 up")
        standing.wait(lambda _name, _rip: True, BACK_WITHIN, named)
        assert weights()[RIPS[2]] == 0
        director.module("ipvs_dest", rip=RIPS[2]).changed()

        owner = "keepalived owns -t 192.168.56.200:80 on this director"
        service = {"vip": VIP, "port": 80}
        assert owner in director.module("ipvs_service", **service, scheduler="wrr").failed()
        assert owner in director.module("ipvs_dest", **service, rip=RIPS[0], upper_threshold=7).failed()
        assert owner in director.module("ipvs_dest", **service, rip=RIPS[0], state="absent").failed()
        assert "keepalived owns" in director.module("ipvs_table", services=[], purge="services").failed()
        assert weights() == {RIPS[0]: 3, RIPS[1]: 1, RIPS[2]: 3}
        other = {"vip": "192.168.56.210", "port": 80}
        director.module("ipvs_service", **other).changed()
        director.module("ipvs_service", **other, state="absent").changed()


@pytest.fixture
def more_programs(standing: Cluster) -> Iterator[None]:
    """On each real server, programs for DNS, SMTP and HTTPS; a program of the user's on the directors."""
    for director in (standing.active, standing.standby):
        program = director.path("/var/lib/check")
        program.write_text(_PROGRAM)
        program.chmod(0o755)
        for rip in RIPS:
            director.path(f"/var/lib/well-{rip}").touch()
    programs = []
    for real_server in standing.real_servers:
        command = real_server.command(PYTHON, "-c", _OTHER_PROGRAMS.replace("VIP", VIP))
        programs.append(subprocess.Popen(command))
        real_server.sh(
            "tries=200; while ! ss -Hltn sport = :443 | grep -q .; do tries=$((tries - 1)); [ $tries -gt 0 ]; sleep 0.1; done"
        )
    yield
    for process in programs:
        process.kill()
        process.wait(timeout=TIMEOUT)


MORE: dict[str, tuple[int, str, dict[str, Any]]] = {
    "dns": (53, "udp", {"type": "dns", "name": "example.org", "record_type": "A"}),
    "smtp": (25, "tcp", {"type": "smtp"}),
    "https": (443, "tcp", {"type": "https", "host": "www.example.org", "path": "/a?b=c#d!", "match": "fine {\\$1}"}),
    "misc": (99, "sctp", {"type": "misc", "command": ["/var/lib/check", "{rip}", 'a "quoted" $HOME {#!}']}),
}


@pytest.mark.usefixtures("more_programs")
def test_every_type_of_check(standing: Cluster) -> None:
    """Each finds a real server whose tunnel is down; a program of the user's decides by itself."""
    services = [
        {
            "vip": VIP,
            "port": port,
            "protocol": protocol,
            "destinations": [{"rip": rip, "check": {**FAST, **check}} for rip in RIPS],
        }
        for port, protocol, check in MORE.values()
    ]
    letters = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
    keys = {name: f"{letters[protocol]} {VIP}:{port}" for name, (port, protocol, _check) in MORE.items()}

    def wait(there: Callable[[str, str], bool]) -> None:
        deadline = time.monotonic() + OUT_WITHIN
        expected = {name: {rip for rip in RIPS if there(name, rip)} for name in MORE}
        while True:
            found = [
                {name: set(keepalived.weights()[key]) for name, key in keys.items()} for keepalived in standing.keepaliveds
            ]
            if found == [expected] * 2:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)

    lines = "global_defs {\n    script_user root\n    enable_script_security\n}\n"
    with running(standing, services, lines):
        time.sleep(5)  # longer than a check that fails takes
        wait(lambda _name, _rip: True)
        standing.real_servers[1].sh("ip link set tunl0 down")
        wait(lambda name, rip: name == "misc" or rip != RIPS[1])
        standing.real_servers[1].sh("ip link set tunl0 up")
        wait(lambda _name, _rip: True)
        for director in (standing.active, standing.standby):
            director.path(f"/var/lib/well-{RIPS[0]}").unlink()
        wait(lambda name, rip: name != "misc" or rip != RIPS[0])
