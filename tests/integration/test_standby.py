# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby director that knows the connections of the active one: a drain on it, and after the active one has died."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.connections import connection_facts, sync_steps, sysctls

from .namespaces import ANSWER_TIMEOUT, Namespace, listening, serving
from .pair import DIRECTORS, RIPS, VIP, Pair, address

WEB: dict[str, Any] = {"vip": VIP, "port": 80}
TABLE = [{**WEB, "scheduler": "wrr", "destinations": [{"rip": rip} for rip in RIPS.values()]}]
CONNECTIONS = 12
SETTINGS: dict[str, Any] = {
    "vips": "vrrp",
    "state": "present",
    "sync": True,
    "sync_id": None,
    "sync_device": None,
}


class Wired(NamedTuple):
    """The hosts, and the real servers' ends of connections."""

    pair: Pair
    held: list[socket.socket]


@pytest.fixture(scope="module")
def wired(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Wired]:
    """The hosts, with real servers that say their name and hold their connections open."""
    pair = Pair(new_lasting_namespace)
    held: list[socket.socket] = []
    sockets: dict[socket.socket, Callable[[], None]] = {}

    def hold(server: socket.socket, name: bytes) -> None:
        connection, _client = server.accept()
        connection.sendall(name)
        held.append(connection)

    for name, host in pair.real_servers.items():
        with host.inside():
            server = listening(80)
            sockets[server] = partial(hold, server, name.encode())
    with serving(sockets):
        yield Wired(pair, held)
    for connection in held:
        connection.close()


@pytest.fixture
def pair(wired: Wired) -> Pair:
    """Both directors as the plan has them, and the first has the VIP."""
    for name, number in DIRECTORS.items():
        steps = sync_steps(SETTINGS, {"id": 7, "source": address(number)})
        wired.pair.boot(name, TABLE, sysctls(connection_facts([]), SETTINGS), [step.options for step in steps])
    wired.pair.take_over("a")
    wired.pair.client.sh("ip neigh flush all")
    return wired.pair


@pytest.fixture
def connections(pair: Pair) -> Iterator[list[tuple[socket.socket, str]]]:
    """Connections of the client, and whose each is."""
    with ExitStack() as stack:
        made = []
        for _number in range(CONNECTIONS):
            with pair.client.inside():
                connection = stack.enter_context(socket.create_connection((VIP, 80), timeout=ANSWER_TIMEOUT))
            made.append((connection, connection.recv(64).decode()))
        yield made


def known(director: Namespace, state: str = "ESTABLISHED") -> int:
    """How many connections a director has in this state."""
    return sum(state in line.split() for line in director.sh("ipvsadm -Lnc").splitlines())


def known_by(director: Namespace, number: int, state: str = "ESTABLISHED", within: float = 5.0) -> float:
    """Wait until it is so many; the seconds that it took."""
    began = time.monotonic()
    while known(director, state) != number:
        assert time.monotonic() - began < within, director.sh("ipvsadm -Lnc")
        time.sleep(0.1)
    return time.monotonic() - began


def test_standby_knows_the_connections(pair: Pair, connections: list[tuple[socket.socket, str]]) -> None:
    """All but the last at once, the last within seconds; and when they have ended."""
    standby = pair.directors["b"]
    known_by(standby, CONNECTIONS)
    for connection, _whose in connections:
        connection.close()
    known_by(standby, 0)
    known_by(standby, CONNECTIONS, "FIN_WAIT")


def test_drain_on_the_standby_ends(pair: Pair, connections: list[tuple[socket.socket, str]]) -> None:
    """Soon after the connections have ended on the active director, which the standby has only heard of."""
    known_by(pair.directors["b"], CONNECTIONS)
    for director in pair.directors.values():
        options = {**WEB, "rip": RIPS["rs1"], "state": "drained"}
        assert not director.module("ipvs_dest", **options, drain_timeout=0).changed()["drain"]["complete"]
    for connection, whose in connections:
        if whose == "rs1":
            connection.close()
    seconds = {}
    for name, director in pair.directors.items():
        drain = director.module("ipvs_dest", **WEB, rip=RIPS["rs1"], state="drained", drain_timeout=20).ok()["drain"]
        assert drain["complete"], drain
        seconds[name] = drain["seconds"]
    print(seconds)
    # Two readings without a connection are a second apart, and the last message may wait for three.
    assert seconds["b"] <= 6, seconds


def test_drain_waits_where_the_vip_is(pair: Pair, connections: list[tuple[socket.socket, str]]) -> None:
    """Not on a standby that has missed the end of connections: it keeps them until they time out."""
    known_by(pair.directors["b"], CONNECTIONS)
    drain = {**WEB, "rip": RIPS["rs1"], "state": "drained", "drain_on_timeout": "continue"}
    pair.cut("a")
    pair.take_over("b")
    to_drain = [connection for connection, whose in connections if whose == "rs1"]
    for connection in to_drain[1:]:
        connection.close()
    time.sleep(1)
    pair.give_up("a")
    assert known(pair.directors["a"]) == CONNECTIONS

    def complete(name: str, on_standby: bool, timeout: int = 5) -> bool:
        options = {**drain, "drain_timeout": timeout, "drain_standby": on_standby}
        return bool(pair.directors[name].module("ipvs_dest", **options)["drain"]["complete"])

    drained = [complete(name, on_standby) for name in ("a", "b") for on_standby in (True, False)]
    assert drained == [False, True, False, False]
    to_drain[0].close()
    assert complete("b", on_standby=False, timeout=20)


def test_connections_go_on(wired: Wired, pair: Pair, connections: list[tuple[socket.socket, str]]) -> None:
    """When the active director dies, those to a real server that has been drained meanwhile, too."""
    for director in pair.directors.values():
        director.module("ipvs_dest", **WEB, rip=RIPS["rs1"], state="drained", drain_timeout=0).changed()
    known_by(pair.directors["b"], CONNECTIONS)
    pair.cut("a")
    pair.take_over("b")
    for connection, _whose in connections:
        connection.sendall(b"?")
    for end in wired.held[-CONNECTIONS:]:
        end.settimeout(ANSWER_TIMEOUT)
        assert end.recv(1) == b"?"
