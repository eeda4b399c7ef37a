# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers that are drained, with connections that are held open, and given their weight again."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest

from .managed_host import PYTHON, TIMEOUT
from .namespaces import ANSWER_TIMEOUT, Namespace, listening, on_one_bridge, result, serving

VIP, RS1, RS2 = "192.168.56.185", "192.168.56.183", "192.168.56.184"
PORTS = (80, 81, 82)  # by weights; by weights; persistent
WEB, OTHER, STICKY = ({"vip": VIP, "port": port} for port in PORTS)
STICKY_SECONDS = 4
SERVERS: list[dict[str, Any]] = [{"rip": RS1, "weight": 2}, {"rip": RS2, "weight": 3}]
SERVICES: list[dict[str, Any]] = [
    {**WEB, "scheduler": "wrr", "destinations": [{**server, "forward": "route"} for server in SERVERS]},
    {**OTHER, "scheduler": "wrr", "destinations": [{**server, "forward": "route"} for server in SERVERS]},
    {
        **STICKY,
        "scheduler": "rr",
        "persistence_timeout": STICKY_SECONDS,
        "destinations": [{"rip": RS1, "forward": "route"}, {"rip": RS2, "forward": "route"}],
    },
]
STATE_FILE = "/var/lib/lvs.cluster/state.json"
NOTE = f"-t {VIP}:80 -r {RS2}:80"

# As a module that a crash ends at one point: before or after the kernel is told of the changes.
CRASHING = """
import os, runpy, signal, sys
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import IpvsBackend
_command, point, _m, module = sys.argv
send = IpvsBackend._send
def crash(*arguments):
    if point == "after":
        send(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
IpvsBackend._send = crash
del sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Cluster(NamedTuple):
    """A client, a director, and two real servers that hold their connections open."""

    client: Namespace
    director: Namespace


@pytest.fixture(scope="module")
def wired(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """The hosts; each test begins with a table of its own."""
    bridge, client, director, rs1, rs2 = (new_lasting_namespace() for _host in range(5))
    on_one_bridge(bridge, {180: client, 181: director, 183: rs1, 184: rs2})
    director.sh(f"ip address add {VIP}/32 dev lo")
    held: list[socket.socket] = []

    def hold(server: socket.socket, name: bytes) -> None:
        connection, _client = server.accept()
        connection.sendall(name)
        held.append(connection)

    sockets: dict[socket.socket, Callable[[], None]] = {}
    for host, name in ((rs1, b"rs1"), (rs2, b"rs2")):
        host.sh(f"sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip address add {VIP}/32 dev lo")
        with host.inside():
            for port in PORTS:
                server = listening(port)
                sockets[server] = partial(hold, server, name)
    with serving(sockets):
        yield Cluster(client, director)
    for connection in held:
        connection.close()


@pytest.fixture
def cluster(wired: Cluster) -> Cluster:
    """With the whole table, and nothing remembered."""
    wired.director.sh("ipvsadm -C; sysctl -qw net.ipv4.vs.expire_quiescent_template=0")
    wired.director.path(STATE_FILE).unlink(missing_ok=True)
    wired.director.module("ipvs_table", services=SERVICES).changed()
    return wired


@pytest.fixture
def connections() -> Iterator[ExitStack]:
    """What is still open is closed in the end."""
    with ExitStack() as stack:
        yield stack


def connect(client: Namespace, port: int) -> tuple[socket.socket, str]:
    """A connection, and whose it is."""
    with client.inside():
        connection = socket.create_connection((VIP, port), timeout=ANSWER_TIMEOUT)
    return connection, connection.recv(64).decode()


def connect_to(client: Namespace, port: int, name: str, connections: ExitStack) -> socket.socket:
    """A connection to that real server."""
    for _turn in range(8):
        connection, whose = connect(client, port)
        connections.enter_context(connection)
        if whose == name:
            return connection
        connection.close()
    raise AssertionError(f"{name} gets nothing")


def answering(client: Namespace, port: int) -> set[str]:
    """Who takes new connections."""
    seen = set()
    for _turn in range(5):
        connection, whose = connect(client, port)
        connection.close()
        seen.add(whose)
    return seen


def weights(director: Namespace, port: int = 80) -> dict[str, int]:
    """As ipvsadm has them."""
    words = [line.split() for line in director.rules() if line.startswith(f"-a -t {VIP}:{port} ")]
    return {word[4].rpartition(":")[0]: int(word[-1]) for word in words}


def notes(director: Namespace) -> dict[str, int]:
    """The weights that are noted, by the words that ipvsadm has for a destination."""
    path = director.path(STATE_FILE)
    rows = json.loads(path.read_text())["drained"] if path.exists() else []
    return {f"-t {row['vip']}:{row['port']} -r {row['rip']}:{row['rport']}": row["weight"] for row in rows}


def test_from_drain_to_restore(cluster: Cluster, connections: ExitStack) -> None:
    client, director = cluster
    held = connect_to(client, 80, "rs2", connections)
    drain: dict[str, Any] = {**WEB, "rip": RS2, "state": "drained"}

    predicted = director.module("ipvs_dest", check_mode=True, **drain).changed()
    assert predicted["diff"]["after"] == f"-a {NOTE} -g -w 0  # drained, weight 3 before\n"
    assert "drain" not in predicted
    assert (weights(director)[RS2], notes(director)) == (3, {})

    timed_out = director.module("ipvs_dest", **drain, drain_timeout=1)
    assert "drain_timeout: after 1 s there are 1 active, " in timed_out.failed()
    assert timed_out["changed"] is True
    assert timed_out["commands"] == [f"ipvsadm -e {NOTE} -g -w 0"]
    assert timed_out["drain"]["complete"] is False
    assert timed_out["drain"]["left"]["active"] == 1
    assert (weights(director), notes(director)) == ({RS1: 2, RS2: 0}, {NOTE: 3})
    assert answering(client, 80) == {"rs1"}
    assert held.send(b"still there") == 11

    told = director.module("ipvs_dest", **drain, drain_timeout=0).ok()
    assert (told["drain"]["complete"], told["drain"]["left"]["active"]) == (False, 1)
    assert director.module("ipvs_dest", **drain, drain_timeout=1, drain_on_timeout="continue").ok()["drain"] != {}

    # Whatever the list says of it.
    listed = director.module("ipvs_table", services=SERVICES).ok()
    assert [(row["rip"], row["drained"]) for row in listed["drained"]] == [(RS2, 3)]
    assert NOTE in str(listed["warnings"])
    shown = [
        row["drained"]
        for service in director.module("ipvs_info")["services"]
        for row in service["destinations"]
        if row["drained"] is not None
    ]
    assert shown == [3]

    waiting = director.start("ipvs_dest", **drain)
    time.sleep(1.5)
    assert waiting.poll() is None
    held.close()
    ended = result(waiting).ok()
    assert (ended["drain"]["complete"], ended["drain"]["left"]["active"]) == (True, 0)
    assert ended["drain"]["seconds"] >= 1
    assert ended["destination"]["drained"] == 3

    back = director.module("ipvs_dest", **WEB, rip=RS2).changed()
    assert back["diff"]["before"] == f"-a {NOTE} -g -w 0  # drained, weight 3 before\n"
    assert back["commands"] == [f"ipvsadm -e {NOTE} -g -w 3"]
    assert (weights(director), notes(director)) == ({RS1: 2, RS2: 3}, {})
    assert answering(client, 80) == {"rs1", "rs2"}
    assert not director.path(STATE_FILE).exists()
    director.module("ipvs_dest", **WEB, rip=RS2).ok()


def test_what_ends_a_drain(cluster: Cluster) -> None:
    director = cluster.director
    drain: dict[str, Any] = {**WEB, "rip": RS2, "state": "drained", "drain_timeout": 0}

    director.module("ipvs_dest", **drain).changed()
    director.sh(f"ipvsadm -e {NOTE} -g -w 5")  # by hand
    assert director.module("ipvs_dest", **WEB, rip=RS2).ok()["destination"]["drained"] is None
    director.module("ipvs_dest", **drain).changed()
    assert notes(director) == {NOTE: 5}

    director.module("ipvs_dest", **WEB, rip=RS2, weight=7).changed()
    assert (weights(director)[RS2], notes(director)) == (7, {})

    director.sh(f"ipvsadm -e {NOTE} -g -w 0")  # a weight that nobody changed back is one, too
    director.module("ipvs_dest", **drain).changed()
    assert notes(director) == {NOTE: 0}
    director.module("ipvs_table", services=SERVICES, keep_drained=False).changed()
    assert (weights(director)[RS2], notes(director)) == (3, {})

    going: dict[str, dict[str, Any]] = {
        "ipvs_dest": {**WEB, "rip": RS2, "state": "absent"},
        "ipvs_table": {"services": [{**WEB, "destinations": [{"rip": RS1}]}], "purge": "destinations"},
        "ipvs_service": {**WEB, "state": "absent"},
    }
    for module, options in going.items():
        director.module("ipvs_table", services=SERVICES)
        director.module("ipvs_dest", **drain).changed()
        assert notes(director) == {NOTE: 3}
        director.module(module, **options).changed()
        assert notes(director) == {}


def test_kill_while_waiting(cluster: Cluster, connections: ExitStack) -> None:
    client, director = cluster
    connect_to(client, 80, "rs2", connections)
    with director.start("ipvs_dest", vip=VIP, port=80, rip=RS2, state="drained") as waiting:
        until = time.monotonic() + TIMEOUT
        while weights(director)[RS2] and time.monotonic() < until:
            time.sleep(0.1)
        waiting.kill()
    assert (weights(director)[RS2], notes(director)) == (0, {NOTE: 3})
    director.module("ipvs_dest", **WEB, rip=RS2, state="drained", drain_timeout=0).ok()
    director.module("ipvs_dest", **WEB, rip=RS2).changed()
    assert (weights(director)[RS2], notes(director)) == (3, {})


@pytest.mark.parametrize("point", ["before", "after"])
def test_crash_at_any_point_loses_no_weight(cluster: Cluster, point: str) -> None:
    director = cluster.director
    crashing = (PYTHON, "-c", CRASHING, point)
    options: dict[str, Any] = {**WEB, "rip": RS2, "state": "drained", "drain_timeout": 0}

    with director.start("ipvs_dest", python=crashing, **options) as crashed:
        assert crashed.wait(timeout=TIMEOUT) == -9
    assert weights(director)[RS2] == {"before": 3, "after": 0}[point]
    assert notes(director) == {NOTE: 3}
    director.module("ipvs_dest", **options)
    assert (weights(director)[RS2], notes(director)) == (0, {NOTE: 3})

    options["state"] = "present"
    with director.start("ipvs_dest", python=crashing, **options) as crashed:
        assert crashed.wait(timeout=TIMEOUT) == -9
    assert weights(director)[RS2] == {"before": 0, "after": 3}[point]
    director.module("ipvs_dest", **options)
    assert weights(director)[RS2] == 3


def test_a_whole_real_server(cluster: Cluster, connections: ExitStack) -> None:
    client, director = cluster
    director.sh("sysctl -qw net.ipv4.vs.expire_quiescent_template=1")
    connect_to(client, 80, "rs2", connections)
    held = connect_to(client, 81, "rs2", connections)
    director.sh(f"ipvsadm -e -t {VIP}:80 -r {RS1}:80 -g -w 0")  # somebody else's wish

    timed_out = director.module("ipvs_dest", rip=RS2, state="drained", drain_timeout=1)
    assert "2 active" in timed_out.failed()
    assert [row["drained"] for row in timed_out["destinations"]] == [3, 3, 1]
    assert [weights(director, port)[RS2] for port in PORTS] == [0, 0, 0]
    held.close()
    assert "1 active" in director.module("ipvs_dest", rip=RS2, state="drained", drain_timeout=1).failed()
    director.sh(f"ipvsadm -d {NOTE}")  # what is gone has no connections
    assert director.module("ipvs_dest", rip=RS2, state="drained").ok()["drain"]["complete"] is True

    director.module("ipvs_dest", rip=RS2).changed()
    assert [weights(director, port).get(RS2) for port in PORTS] == [None, 3, 1]
    assert weights(director)[RS1] == 0
    director.module("ipvs_dest", rip=RS2).ok()
    director.module("ipvs_dest", rip=RS1).ok()


def test_refused_before_the_first_change(cluster: Cluster) -> None:
    director = cluster.director
    before = director.snapshot()
    for options, message in (
        ({"rip": "192.168.56.199"}, f"rip: 192.168.56.199 is in no service of this director: it has {RS1}, {RS2}"),
        ({**WEB, "rip": "192.168.56.199"}, f"-t {VIP}:80 -r 192.168.56.199:80 does not exist: there is nothing to drain"),
        ({**WEB, "port": 443, "rip": RS2}, f"the virtual service -t {VIP}:443 does not exist"),
        ({**STICKY, "rip": RS2}, f"state: -t {VIP}:82 is persistent, and net.ipv4.vs.expire_quiescent_template is 0"),
        ({"rip": RS2, "drain_timeout": 0}, "lvs_ipvs_sysctl: {expire_quiescent_template: 1}"),
    ):
        assert message in director.module("ipvs_dest", **options, state="drained").failed()
    # Where a play has not yet brought what is to be drained.
    predicted = director.module("ipvs_dest", **WEB, rip="192.168.56.199", state="drained", check_mode=True).changed()
    assert "nothing to drain" in str(predicted["warnings"])
    assert director.snapshot() == before


def test_persistent_clients(cluster: Cluster) -> None:
    client, director = cluster
    director.sh("ipvsadm --set 0 1 0")  # seconds that a connection is remembered after its end
    first, whose = connect(client, 82)
    rip, other = (RS1, "rs2") if whose == "rs1" else (RS2, "rs1")
    drain = {**STICKY, "rip": rip, "state": "drained", "drain_connections": ["active", "persistent"]}
    try:
        director.module("ipvs_dest", **drain, drain_timeout=0).changed()
        assert answering(client, 82) == {whose}  # at weight 0
        timed_out = director.module("ipvs_dest", **drain, drain_timeout=1)
        assert "while net.ipv4.vs.expire_quiescent_template is 0, it comes back" in timed_out.failed()
        assert timed_out["drain"]["left"]["persistent"] == 1
    finally:
        first.close()
    director.sh("sysctl -qw net.ipv4.vs.expire_quiescent_template=1")
    assert answering(client, 82) == {other}
    assert director.module("ipvs_dest", **{**drain, "drain_timeout": 90}).ok()["drain"]["complete"] is True
