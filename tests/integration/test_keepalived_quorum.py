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
PIDS = ("pid", "checkers_pid", "vrrp_pid")  # files of keepalived's processes, the first one's first
# A director that is cut off the real servers: none of its packets enters a tunnel.
BREAK = "nft 'table ip cut { chain out { type filter hook output priority 0; ip protocol 4 drop; }; }'"
MEND = "nft delete table ip cut"


class Director:
    """Keepalived on a director, with a folder /run of its own, as hosts have it."""

    def __init__(self, name: str, host: Namespace) -> None:
        self.host = host
        self.folder = host.path("/var/lib")
        self.name = name
        self.configure()
        self.folder.joinpath("lvs.cluster/drain").mkdir(parents=True)
        self.run = self.folder / "run"
        self.run.mkdir()
        host.module("check_sysctl", sources=[address(DIRECTORS[name])], vip_devices=["eth0"]).changed()
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, *, preempt: bool = True) -> None:
        """Write its keepalived.conf."""
        number = DIRECTORS[self.name]
        (other,) = set(DIRECTORS.values()) - {number}
        source, peer, vip = (ip_address(text) for text in (address(number), address(other), VIP))
        # A kernel that is busy may keep a director from sending for a while.
        priority = 254 - (self.name == "b")
        router = VirtualRouter(51, source, (peer,), priority, interval=0.5, preempt=preempt, vips=(RouterVip(vip),))
        servers = [replace(server, track_quorum=True) for server in read_virtual_servers(SERVICES)]
        services = config.services_part(render(servers, [source]), global_lines(servers))
        tracked = quorum.tracking(config.router_part(router, "eth0"), services)
        self.host.path("/etc/keepalived/keepalived.conf").write_text(config.Parts(tracked, services).text)

    def start(self) -> None:
        """Start it, when it takes the file."""
        told = self.host.run("keepalived", "--config-test", check=False)
        assert (told.returncode, told.stderr) == (0, ""), told.stderr
        pids = " ".join(f"--{name}=/var/lib/{name}" for name in PIDS)
        script = f"mount --bind /var/lib/run /run; exec keepalived --dont-fork --log-console --log-detail {pids}"
        with self.folder.joinpath("log").open("ab") as log:
            command = self.host.command("unshare", "--mount", "sh", "-ec", script)
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def reload(self) -> None:
        """Have it read its keepalived.conf again."""
        os.kill(self.pid_of("pid"), signal.SIGHUP)

    def pid_of(self, name: str) -> int:
        """The number of a process of keepalived, by its file; 0: it has none now."""
        path = self.folder / name
        return int(path.read_text() or 0) if path.exists() else 0

    def kill(self) -> None:
        """End it and its children, which tell nobody."""
        assert self._process is not None
        for pid in filter(None, map(self.pid_of, PIDS)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(timeout=TIMEOUT)
        for name in PIDS:
            (self.folder / name).unlink(missing_ok=True)

    def numbers(self) -> dict[str, int]:
        """What the files of its services say."""
        # Keepalived replaces a file, and cp empties it, before there is a number in it.
        return {path.name: int(path.read_text() or 0) for path in self.run.glob("lvs.cluster.quorum.tcp*-8?")}

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
            assert time.monotonic() - began < WITHIN, f"{holders}\n{self._logs()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def stays_at(self, name: str, seconds: float) -> None:
        """Nobody else has the VIP meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.holders() == name, self._logs()
            time.sleep(0.05)

    def _logs(self) -> str:
        return "\n".join((director.folder / "log").read_text() for director in self.directors.values())

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
        number = -20 if script == BREAK else 0
        watched.numbers_are(number, number)
        watched.stays_at("a", 2 * DELAY)


def test_a_director_may_find_out_later_than_another_one(watched: Watched) -> None:
    """As much later as checks can be apart, without that the VIP moves. The files are written as C(cp) does."""
    name = f"lvs.cluster.quorum.tcp-{VIP}-80"
    for number, order in ((-20, "ab"), (0, "ba")):
        for director in order:
            watched.directors[director].run.joinpath(name).write_text(f"{number}\n")
            watched.stays_at("a", DELAY - 0.5)


@pytest.fixture
def without_preemption(watched: Watched) -> Iterator[None]:
    """A director that has the VIP keeps it."""
    for director in watched.directors.values():
        director.configure(preempt=False)
        director.reload()
    yield
    for director in watched.directors.values():
        director.configure()
        director.reload()


@pytest.mark.usefixtures("without_preemption")
def test_a_director_that_was_cut_off_gives_up_the_vip(watched: Watched) -> None:
    """When it is back, both have it. The other one's checks have succeeded all the time."""
    host = watched.directors["a"].host
    for hook in ("input", "output"):
        host.sh(f"nft 'table inet {hook} {{ chain c {{ type filter hook {hook} priority -500; policy drop; }}; }}'")
    watched.numbers_are(-20, 0)
    assert watched.holders() == "ab"
    for hook in ("input", "output"):
        host.sh(f"nft delete table inet {hook}")
    watched.held_by("b")
    watched.stays_at("b", DELAY)
    watched.answered()
    watched.numbers_are(0, 0)


def test_reload_forgets_no_quorum(watched: Watched) -> None:
    host = watched.directors["a"].host
    host.sh(BREAK)
    watched.held_by("b")
    watched.directors["a"].reload()
    watched.stays_at("b", 2 * DELAY)
    host.sh(MEND)
    watched.held_by("a")


def test_vrrp_that_was_killed_alone_knows_the_quorum(watched: Watched) -> None:
    """Keepalived starts it again."""
    director = watched.directors["a"]
    director.host.sh(BREAK)
    watched.held_by("b")
    watched.numbers_are(-20, 0)
    former = director.pid_of("vrrp_pid")
    os.kill(former, signal.SIGKILL)
    until = time.monotonic() + WITHIN
    while director.pid_of("vrrp_pid") in (0, former):
        assert time.monotonic() < until
        time.sleep(0.05)
    watched.stays_at("b", 2 * DELAY)
    watched.numbers_are(-20, 0)


def test_number_of_a_keepalived_that_was_killed_does_not_stay(watched: Watched) -> None:
    """Its checkers begin anew, and find the quorum."""
    director = watched.directors["a"]
    director.host.sh(BREAK)
    watched.held_by("b")
    watched.numbers_are(-20, 0)
    director.kill()
    assert set(director.numbers().values()) == {-20}
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
        assert time.monotonic() - began < DELAY
    print(f"\ntaken over after {time.monotonic() - began:.2f} s")
    watched.pair.bridge.sh(f"ip link set {port} up")
    print(f"back after {watched.held_by('a'):.1f} s")
