# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains of UDP services, with clients that keep a port, give it up, or take a new one each time; and of SCTP."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import pytest

from .namespaces import ANSWER_TIMEOUT, Namespace, on_one_bridge, result

VIP = "192.168.56.185"
RIPS = {"rs1": "192.168.56.183", "rs2": "192.168.56.184"}
PORT = 53
DNS: dict[str, Any] = {"vip": VIP, "port": PORT, "protocol": "udp"}
MARK: dict[str, Any] = {"fwmark": 7}
UDP_TIMEOUT = 3
STATE_FILE = "/var/lib/lvs.cluster/state.json"


class Program:
    """A real server's program: answers its name after a while, and counts what it is asked."""

    def __init__(self, host: Namespace, name: str) -> None:
        self._host, self._name = host, name.encode()
        self.delay = 0.0
        self.asked = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer."""
        with self._host.inside():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((VIP, PORT))
        udp.settimeout(0.02)
        self._ended.clear()
        self._thread = threading.Thread(target=self._serve, args=[udp])
        self._thread.start()

    def stop(self) -> None:
        """End, whatever is still to be answered."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _serve(self, udp: socket.socket) -> None:
        waiting: list[tuple[float, Any]] = []
        with udp:
            while not self._ended.is_set():
                with suppress(TimeoutError, socket.timeout):
                    _asked, client = udp.recvfrom(64)
                    self.asked += 1
                    waiting.append((time.monotonic() + self.delay, client))
                while waiting and waiting[0][0] <= time.monotonic():
                    udp.sendto(self._name, waiting.pop(0)[1])


class Cluster(NamedTuple):
    """A client, a director, and the programs of two real servers."""

    client: Namespace
    director: Namespace
    programs: dict[str, Program]


@pytest.fixture(scope="module")
def wired(new_lasting_namespace: Callable[[], Namespace]) -> Cluster:
    """The hosts; each test begins with a table of its own."""
    bridge, client, director, *real_servers = (new_lasting_namespace() for _host in range(5))
    on_one_bridge(bridge, {180: client, 181: director, **dict(zip((183, 184), real_servers))})
    director.sh(f"ip address add {VIP}/32 dev lo")
    mark = f"ip daddr {VIP} udp dport {PORT} meta mark set {MARK['fwmark']}"
    director.sh("nft 'add table ip test; add chain ip test in { type filter hook prerouting priority mangle; }'")
    director.sh(f"nft 'add rule ip test in {mark}'")
    for host in real_servers:
        host.sh(f"sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip address add {VIP}/32 dev lo")
    return Cluster(client, director, {name: Program(host, name) for name, host in zip(RIPS, real_servers)})


@pytest.fixture
def cluster(wired: Cluster) -> Iterator[Cluster]:
    """With both programs, an empty table, and a short timeout of UDP."""
    wired.director.sh("ipvsadm -C")
    wired.director.path(STATE_FILE).unlink(missing_ok=True)
    wired.director.module("ipvs_timeouts", udp=UDP_TIMEOUT)
    for program in wired.programs.values():
        program.delay = 0.0
        program.start()
    yield wired
    for program in wired.programs.values():
        program.stop()


def serve(director: Namespace, service: dict[str, Any], **options: Any) -> None:
    """Have the service with both real servers."""
    destinations = [{"rip": rip, "forward": "route"} for rip in RIPS.values()]
    row = {**service, "scheduler": "rr", **options, "destinations": destinations}
    director.module("ipvs_table", services=[row]).changed()


class Client:
    """A client that keeps its port."""

    def __init__(self, host: Namespace) -> None:
        with host.inside():
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.settimeout(ANSWER_TIMEOUT)
        self._udp.connect((VIP, PORT))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._udp.close()

    def ask(self) -> str:
        """Who answers."""
        self._udp.send(b"?")
        return self._udp.recv(64).decode()

    @contextmanager
    def asking(self) -> Iterator[set[str]]:
        """Ask all the time: who has answered."""
        ended, answered = threading.Event(), set[str]()

        def keep_asking() -> None:
            while not ended.wait(0.1):
                answered.add(self.ask())

        thread = threading.Thread(target=keep_asking)
        thread.start()
        try:
            yield answered
        finally:
            ended.set()
            thread.join()


def client_of(cluster: Cluster, name: str, clients: ExitStack) -> Client:
    """A client whose port the director remembers for that real server."""
    for _turn in range(8):
        client = Client(cluster.client)
        if client.ask() == name:
            return clients.enter_context(client)
        client.__exit__()
    raise AssertionError(f"{name} gets nothing")


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """They are closed in the end."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("service", [DNS, MARK], ids=["udp", "fwmark"])
def test_complete_means_that_no_packet_comes_any_more(cluster: Cluster, clients: ExitStack, service: dict[str, Any]) -> None:
    serve(cluster.director, service)
    staying, leaving = (client_of(cluster, "rs2", clients) for _client in range(2))
    drain: dict[str, Any] = {**service, "rip": RIPS["rs2"], "state": "drained"}

    with staying.asking() as answered:
        timed_out = cluster.director.module("ipvs_dest", **drain, drain_timeout=UDP_TIMEOUT + 2)
        message = timed_out.failed()
        assert f"after {UDP_TIMEOUT + 2} s there are 0 active, 1 inactive, 0 persistent connections left" in message
        assert "lvs.cluster.ipvs_timeouts (udp), or set one_packet" in message
        assert timed_out["drain"]["left"] == {"active": 0, "inactive": 1, "persistent": 0}
        waiting = cluster.director.start("ipvs_dest", **drain)
        time.sleep(UDP_TIMEOUT)
        assert waiting.poll() is None
    last_packet = time.monotonic()
    assert answered == {"rs2"}  # the whole time, at weight 0

    assert result(waiting).ok()["drain"]["complete"] is True
    assert time.monotonic() - last_packet >= UDP_TIMEOUT
    asked = cluster.programs["rs2"].asked
    with Client(cluster.client) as new:
        assert {staying.ask(), leaving.ask(), new.ask()} == {"rs1"}
    assert cluster.programs["rs2"].asked == asked


@pytest.mark.parametrize("service", [DNS, MARK], ids=["udp", "fwmark"])
def test_one_packet(cluster: Cluster, clients: ExitStack, service: dict[str, Any]) -> None:
    """There is nothing to wait for: a client that keeps its port goes to another real server with its next packet."""
    serve(cluster.director, service, one_packet=True)
    staying = client_of(cluster, "rs2", clients)
    with staying.asking():
        drained = cluster.director.module("ipvs_dest", **service, rip=RIPS["rs2"], state="drained").changed()["drain"]
        assert (drained["complete"], drained["left"]["inactive"]) == (True, 0)
        assert drained["seconds"] < UDP_TIMEOUT
        asked = cluster.programs["rs2"].asked
        time.sleep(1)
    assert cluster.programs["rs2"].asked == asked


def test_client_that_never_stops(cluster: Cluster, clients: ExitStack) -> None:
    """It goes to another real server when its own is removed and expire_nodest_conn is 1; not by a weight of 0 alone."""
    director = cluster.director
    director.module("ipvs_sysctl", settings={"expire_nodest_conn": 1, "expire_quiescent_template": 1})
    serve(director, DNS)
    staying = client_of(cluster, "rs2", clients)
    rs2: dict[str, Any] = {**DNS, "rip": RIPS["rs2"]}
    director.module("ipvs_dest", **rs2, state="drained", drain_timeout=1, drain_on_timeout="continue").changed()
    assert staying.ask() == "rs2"
    director.module("ipvs_dest", **rs2, state="absent").changed()
    assert [staying.ask() for _turn in range(3)] == ["rs1"] * 3
    director.module("ipvs_sysctl", settings={})


def test_without_clients(cluster: Cluster) -> None:
    serve(cluster.director, DNS)
    drained = cluster.director.module("ipvs_dest", rip=RIPS["rs2"], state="drained").changed()["drain"]
    assert (drained["complete"], drained["seconds"] < UDP_TIMEOUT) == (True, True)


class Load(threading.Thread):
    """Requests, each from a port of its own."""

    def __init__(self, client: Namespace) -> None:
        super().__init__()
        self._client = client
        self._ended = threading.Event()
        self.sent = 0
        self.answers: list[str] = []

    def run(self) -> None:
        """Send until the end, and wait for the last answers."""
        with self._client.inside(), selectors.DefaultSelector() as pending:
            deadline = 0.0
            while not deadline or (pending.get_map() and time.monotonic() < deadline):
                if self._ended.is_set():
                    deadline = deadline or time.monotonic() + ANSWER_TIMEOUT
                else:
                    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    udp.sendto(b"?", (VIP, PORT))
                    pending.register(udp, selectors.EVENT_READ)
                    self.sent += 1
                    time.sleep(0.01)
                for ready, _events in pending.select(timeout=0.01):
                    assert isinstance(ready.fileobj, socket.socket)
                    pending.unregister(ready.fileobj)
                    with ready.fileobj as answered:
                        self.answers.append(answered.recv(64).decode())
            for key in list(pending.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()

    def end(self) -> None:
        """Wait for the last answers."""
        self._ended.set()
        self.join()


@pytest.mark.parametrize(
    ("options", "delay"),
    [({}, UDP_TIMEOUT - 1), ({"one_packet": True}, 0.2)],
    ids=["timeout longer than an answer takes", "one packet"],
)
def test_rolling_update_loses_nothing(cluster: Cluster, options: dict[str, Any], delay: float) -> None:
    """Of requests that each have a new source port."""
    serve(cluster.director, DNS, **options)
    for program in cluster.programs.values():
        program.delay = delay
    load = Load(cluster.client)
    load.start()
    try:
        time.sleep(1)
        for name, program in cluster.programs.items():
            drained = cluster.director.module("ipvs_dest", rip=RIPS[name], state="drained").changed()
            assert drained["drain"]["complete"] is True
            asked = program.asked
            program.stop()
            time.sleep(0.5)
            program.start()
            assert program.asked == asked
            cluster.director.module("ipvs_dest", rip=RIPS[name]).changed()
            time.sleep(1)
    finally:
        load.end()
    assert load.sent > 100
    assert len(load.answers) == load.sent
    assert set(load.answers) == set(RIPS)


# RFC 9260, 3.3: the chunks of a client, in the order of an association.
INIT, COOKIE_ECHO, SHUTDOWN, SHUTDOWN_COMPLETE = 1, 10, 7, 14


def send_chunk(client: Namespace, kind: int, sport: int) -> None:
    """A packet of SCTP, of which the director reads the ports and the first chunk."""
    body = struct.pack("!IIHHI", 1, 65535, 1, 1, 1)
    with client.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP) as raw:
        header = struct.pack("!HHII", sport, PORT, 0 if kind == INIT else 1, 0)
        raw.sendto(header + struct.pack("!BBH", kind, 0, 4 + len(body)) + body, (VIP, 0))


def test_sctp_has_states_as_tcp(cluster: Cluster) -> None:
    """An association is waited for until it is shut down, and no longer."""
    director = cluster.director
    sctp: dict[str, Any] = {**DNS, "protocol": "sctp"}
    destination = {"rip": RIPS["rs2"], "forward": "route"}
    director.module("ipvs_table", services=[{**sctp, "scheduler": "rr", "destinations": [destination]}]).changed()
    for chunk in (INIT, COOKIE_ECHO):
        send_chunk(cluster.client, chunk, 4000)
    drain: dict[str, Any] = {**sctp, "rip": RIPS["rs2"], "state": "drained"}
    left = director.module("ipvs_dest", **drain, drain_timeout=2, drain_on_timeout="continue").changed()["drain"]
    assert (left["complete"], left["left"]["active"]) == (False, 1)

    for chunk in (SHUTDOWN, SHUTDOWN_COMPLETE):
        send_chunk(cluster.client, chunk, 4000)
    drained = director.module("ipvs_dest", **drain).ok()["drain"]
    assert drained["left"] == {"active": 0, "inactive": 1, "persistent": 0}
    assert drained["seconds"] < UDP_TIMEOUT
    send_chunk(cluster.client, INIT, 4000)  # from the same port: a new association, which nobody takes
    left = director.module("ipvs_dest", **drain, drain_timeout=0).ok()["drain"]["left"]
    assert left == {"active": 0, "inactive": 0, "persistent": 0}
