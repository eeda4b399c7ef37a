# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that start anew without Ansible: all is there again, and who is answered once is answered from then on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from testinfra.host import Host

from tests.nodes import LOOK, PROJECT

VIP = "192.168.56.185"
REAL_SERVERS = {"rs1", "rs2"}
UNITS = ("lvs-cluster.service", "lvs-cluster-vips.service")
WITHIN = 60  # seconds from the end of a start to an answer
GOING_ON = 3  # seconds of requests behind the first answer

# Asks again and again, each time on a new connection, and notes who answered, or what went wrong.
ASKING = f"""
import json, socket, sys, time
end = time.monotonic() + 300
while time.monotonic() < end:
    started = time.time()
    try:
        with socket.create_connection(("{VIP}", 80), timeout=1) as connection:
            connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            said = b"".join(iter(lambda: connection.recv(4096), b""))
        outcome = said.split(b"\\r\\n\\r\\n")[-1].decode().strip() or "nothing"
    except OSError as error:
        outcome = f"{{type(error).__name__}}"
    print(json.dumps([started, outcome]), flush=True)
    time.sleep(0.02)
"""


class Request(NamedTuple):
    """When it was sent, and by whom it was answered, or what went wrong."""

    sent: float
    outcome: str


class Requests:
    """Requests of the client that go on all the while."""

    def __init__(self, log: Path) -> None:
        self._log = log
        pid = Path("/run/lvs-lab/client.pid").read_text().strip()
        with log.open("w") as output:
            self._asking = subprocess.Popen(["nsenter", f"--target={pid}", "--net", "python3", "-c", ASKING], stdout=output)

    def all(self) -> list[Request]:
        """Those that are over."""
        return [Request(*json.loads(line)) for line in self._log.read_text().splitlines() if line.endswith("]")]

    def answered_by(self, names: set[str], since: float) -> list[Request]:
        """Those since then, from the first that one of these real servers answered."""
        sent = [request for request in self.all() if request.sent > since]
        first = next((number for number, request in enumerate(sent) if request.outcome in names), len(sent))
        return sent[first:]

    def stop(self) -> None:
        """Ask no more."""
        self._asking.kill()
        self._asking.wait(timeout=30)


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[Requests]:
    """See above; they end with the test."""
    going = Requests(tmp_path / "requests")
    try:
        yield going
    finally:
        going.stop()


def restarted(name: str) -> float:
    """Start a node anew, in another network namespace; when its init has begun."""
    pid = Path(f"/run/lvs-lab/{name}.pid")
    # Held open, or the new one might have its number.
    with Path(f"/proc/{pid.read_text().strip()}/ns/net").open() as before:
        subprocess.run([str(PROJECT / "lab/topology"), "restart", name], check=True, timeout=180)
        after = Path(f"/proc/{pid.read_text().strip()}/ns/net").stat()
        assert after.st_ino != os.fstat(before.fileno()).st_ino
    return pid.stat().st_mtime


def until(found: Callable[[], object]) -> None:
    """Wait until there is something."""
    end = time.monotonic() + WITHIN
    while not found():
        assert time.monotonic() < end, f"nothing within {WITHIN} s"
        time.sleep(0.2)


def comparable(looked: str) -> list[str]:
    """What LOOK prints, in an order of its own."""
    return sorted(looked.splitlines())


@pytest.mark.parametrize("name", ["ds1", "rs1", "rs2"])
def test_comes_back(name: str, request: pytest.FixtureRequest, requests: Requests) -> None:
    node: Host = request.getfixturevalue(name)
    before = node.check_output(LOOK)
    # systemd has read the units as they are.
    assert set(node.check_output("systemctl show --value --property=NeedDaemonReload %s %s", *UNITS).split()) == {"no"}
    answering = {name} & REAL_SERVERS or REAL_SERVERS
    until(requests.all)
    began = restarted(name)
    until(lambda: requests.answered_by(answering, since=began))
    time.sleep(GOING_ON)
    late = requests.answered_by(answering, since=began)
    assert {request.outcome for request in late} == REAL_SERVERS, late
    assert node.check_output("systemctl is-active %s %s", *UNITS).split() == ["active", "active"]
    assert comparable(node.check_output(LOOK)) == comparable(before)
    # While it was away, something failed: the requests do tell.
    assert {request.outcome for request in requests.all()} - REAL_SERVERS
