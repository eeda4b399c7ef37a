# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VIPs go to the director whose checks succeed: both of a pair check, by keepalived, and each can lose its path."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import config, quorum
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import RouterVip, VirtualRouter
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.virtual_servers import (
    global_lines,
    read_virtual_servers,
    render,
)

from .managed_host import TIMEOUT
from .namespaces import Namespace, listening, on_one_bridge, serving
from .pair import DIRECTORS, RIPS, VIP, Pair, address

FAST = {"type": "tcp", "delay_loop": 1, "timeout": 1, "retries": 1, "delay_before_retry": 1}
SERVICES: list[dict[str, Any]] = [
    {"vip": VIP, "port": port, "scheduler": "rr", "destinations": [{"rip": rip, "check": FAST} for rip in RIPS.values()]}
    for port in (80, 81)
]
FAILING, DELAY = 4, 3  # seconds: until all checks have failed; for which the other one then has to be better off
WITHIN = 3 * (FAILING + DELAY)  # seconds; the kernel under test may be slow
# A director that is cut off the real servers: none of its packets enters a tunnel.
BREAK = "nft 'table ip cut { chain out { type filter hook output priority 0; ip protocol 4 drop; }; }'"
MEND = "nft delete table ip cut"


class Director:
    """Keepalived on a director, with a folder /run of its own, as hosts have it."""

    def __init__(self, name: str, host: Namespace) -> None:
        self.host = host
        self.folder = host.path("/var/lib")
        number = DIRECTORS[name]
        (other,) = set(DIRECTORS.values()) - {number}
        source, peer, vip = (ip_address(text) for text in (address(number), address(other), VIP))
        router = VirtualRouter(51, source, (peer,), 254 - (name == "b"), preempt=True, vips=(RouterVip(vip),))
        servers = [replace(server, track_quorum=True) for server in read_virtual_servers(SERVICES)]
        services = config.services_part(render(servers, [source]), global_lines(servers))
        tracked = quorum.tracking(config.router_part(router, "eth0"), services)
        host.path("/etc/keepalived/keepalived.conf").write_text(config.Parts(tracked, services).text)
        self.folder.joinpath("lvs.cluster/drain").mkdir(parents=True)
        host.module("check_sysctl", sources=[address(number)], vip_devices=["eth0"]).changed()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, when it takes the file."""
        told = self.host.run("keepalived", "--config-test", check=False)
        assert (told.returncode, told.stderr) == (0, ""), told.stderr
        pids = " ".join(f"--{name}=/var/lib/{name}" for name in ("pid", "checkers_pid", "vrrp_pid"))
        script = f"mount -t tmpfs tmpfs /run; exec keepalived --dont-fork --log-console --log-detail {pids}"
        with self.folder.joinpath("log").open("ab") as log:
            command = self.host.command("unshare", "--mount", "sh", "-ec", script)
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        """That of keepalived's first process."""
        return int((self.folder / "pid").read_text())

    def kill(self) -> None:
        """End it and its children, which tell nobody."""
        assert self._process is not None
        children = [int((self.folder / f"{name}_pid").read_text()) for name in ("checkers", "vrrp")]
        for pid in (self.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(timeout=TIMEOUT)
        for name in ("pid", "checkers_pid", "vrrp_pid"):
            (self.folder / name).unlink()

    def numbers(self) -> dict[str, int]:
        """What the files of its services say."""
        files = Path(f"/proc/{self.pid}/root/run").glob("lvs.cluster.quorum.tcp*")
        return {path.name: int(path.read_text() or 0) for path in files}

    def has_vip(self) -> bool:
        """Whether it has the VIP now."""
        return f" {VIP}/" in self.host.sh("ip -o address show dev eth0")


class Watched:
    """The hosts, with keepalived on both directors, of which the first one has the VIP."""

    def __init__(self, pair: Pair, directors: dict[str, Director]) -> None:
        self.pair = pair
        self.directors = directors

    def holders(self) -> str:
        """The names of the directors that have the VIP."""
        return "".join(name for name, director in self.directors.items() if director.has_vip())

    def held_by(self, name: str) -> float:
        """Wait until this director alone has the VIP: the seconds that it took."""
        began = time.monotonic()
        while (holders := self.holders()) != name:
            logs = "\n".join((director.folder / "log").read_text() for director in self.directors.values())
            assert time.monotonic() - began < WITHIN, f"{holders}\n{logs}"
            time.sleep(0.05)
        return time.monotonic() - began

    def stays_at(self, name: str, seconds: float) -> None:
        """Nobody else has the VIP meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.holders() == name
            time.sleep(0.05)

    def answered(self) -> float:
        """Wait until the client is answered: the seconds that it took."""
        began = time.monotonic()
        while time.monotonic() - began < WITHIN:
            with self.pair.client.inside(), suppress(OSError), socket.create_connection((VIP, 80), timeout=0.3) as connection:
                if connection.recv(64):
                    return time.monotonic() - began
        raise TimeoutError

    def numbers_are(self, *expected: int) -> None:
        """Wait until both services of each director have this number."""
        until = time.monotonic() + WITHIN
        while True:
            found = [list(director.numbers().values()) for director in self.directors.values()]
            if found == [[number] * len(SERVICES) for number in expected]:
                return
            assert time.monotonic() < until, found
            time.sleep(0.05)


@pytest.fixture(scope="module")
def standing(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[Pair]:
    """The hosts, with real servers that say their name."""
    pair = Pair(new_lasting_namespace)
    for name, number in DIRECTORS.items():
        pair.directors[name] = new_lasting_namespace()
        on_one_bridge(pair.bridge, {number: pair.directors[name]})
    sockets: dict[socket.socket, Callable[[], None]] = {}

    def answer(server: socket.socket, name: bytes) -> None:
        connection, _client = server.accept()
        with connection, suppress(OSError):
            connection.sendall(name)

    for name, host in pair.real_servers.items():
        for port in (80, 81):
            with host.inside():
                server = listening(port)
                sockets[server] = partial(answer, server, name.encode())
    with serving(sockets):
        yield pair


@pytest.fixture(scope="module")
def running(standing: Pair) -> Iterator[Watched]:
    """With keepalived."""
    watched = Watched(standing, {name: Director(name, host) for name, host in standing.directors.items()})
    for director in watched.directors.values():
        director.start()
    try:
        yield watched
    finally:
        for director in watched.directors.values():
            director.kill()


@pytest.fixture
def watched(running: Watched) -> Watched:
    """All is well, and the first director has the VIP."""
    for director in running.directors.values():
        director.host.run(*MEND.split(), check=False)
    running.held_by("a")
    running.numbers_are(0, 0)
    return running


def test_the_vip_goes_where_the_checks_succeed(watched: Watched) -> None:
    """And comes back when the path is mended."""
    host = watched.directors["a"].host
    watched.answered()
    host.sh(BREAK)
    began = time.monotonic()
    without_answer = watched.answered()
    moved = time.monotonic() - began
    assert watched.holders() == "b"
    watched.numbers_are(-20, 0)
    host.sh(MEND)
    back = watched.held_by("a")
    watched.answered()
    print(f"\nmoved: {moved:.1f} s, without an answer: {without_answer:.1f} s; back: {back:.1f} s")
    assert moved > DELAY
    assert back > DELAY


@pytest.mark.parametrize("first", DIRECTORS)
def test_the_vip_stays_where_all_lose_their_real_servers(watched: Watched, first: str) -> None:
    """Though one of them finds out later than the other one, and sees it mended later."""
    ordered = sorted(watched.directors.items(), key=lambda item: item[0] != first)
    for script in (BREAK, MEND):
        for _name, director in ordered:
            director.host.sh(script)
            watched.stays_at("a", 1.5)
        number = -20 if script == BREAK else 0
        watched.numbers_are(number, number)
        watched.stays_at("a", 2 * DELAY)


def test_reload_forgets_no_quorum(watched: Watched) -> None:
    host = watched.directors["a"].host
    host.sh(BREAK)
    watched.held_by("b")
    os.kill(watched.directors["a"].pid, signal.SIGHUP)
    watched.stays_at("b", 2 * DELAY)
    host.sh(MEND)
    watched.held_by("a")


def test_number_of_a_keepalived_that_was_killed_counts_no_more(watched: Watched) -> None:
    """Its checkers begin anew, and find out themselves. The file may have outlived them: it is in the host's /run."""
    director = watched.directors["a"]
    director.host.sh(BREAK)
    watched.held_by("b")
    left_behind = Path(f"/proc/{director.pid}/root/run/lvs.cluster.quorum.tcp-{VIP}-80").read_text()
    assert left_behind == "-20\n"
    director.kill()
    director.host.sh(MEND)
    director.start()
    watched.held_by("a")
    watched.numbers_are(0, 0)


def test_a_director_that_fails_is_not_waited_for(watched: Watched) -> None:
    """The delay is for a director that still advertises."""
    port = f"p{DIRECTORS['a']}"
    watched.pair.bridge.sh(f"ip link set {port} down")
    began = time.monotonic()
    while not watched.directors["b"].has_vip():
        assert time.monotonic() - began < DELAY - 1
    print(f"\ntaken over after {time.monotonic() - began:.2f} s")
    watched.pair.bridge.sh(f"ip link set {port} up")
    print(f"back after {watched.held_by('a'):.1f} s")
