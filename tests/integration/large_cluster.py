# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director, a client and many real servers, which Ansible enters like the nodes of the lab."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..playbooks.standins import Inventory
from .managed_host import COLLECTION, PYTHON, TIMEOUT
from .namespaces import ANSWER_TIMEOUT, Namespace, listening, on_one_bridge, serving

MOST = 200
NETWORK = "192.168.56"
DIRECTOR, CLIENT = 201, 202  # the last numbers of their addresses; those of the real servers are 1 to MOST
PORT, MAPPED = 80, 8080
SERVICES: list[dict[str, Any]] = [
    {"name": "by_turns", "vip": f"{NETWORK}.211", "port": PORT, "scheduler": "rr"},
    {"name": "by_weight", "vip": f"{NETWORK}.212", "port": PORT, "scheduler": "wrr"},
    {"name": "mapped", "vip": f"{NETWORK}.213", "port": MAPPED, "rport": PORT, "scheduler": "rr"},
]
FORKS = 4  # the nodes run on the controller's processors: more processes would wait for each other
# Seconds that a playbook may take on a slow kernel: for itself, and for each real server.
PLAYBOOK_TIMEOUT, REAL_SERVER_TIMEOUT = 300, 20


def address(number: int) -> str:
    """The address of the host with this number."""
    return f"{NETWORK}.{number}"


@dataclass
class LargeCluster:
    """Its hosts, and its inventory as a user writes it."""

    client: Namespace
    director: Namespace
    real_servers: dict[str, Namespace]
    inventory: Inventory
    _folder: Path
    _inits: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def up(self, name: str, host: Namespace) -> None:
        """Start a process that stands for the host: as long as it runs, Ansible reaches the host."""
        self._inits[name] = subprocess.Popen(host.command("sleep", "infinity"))
        self.inventory.host(name)["ansible_nsenter_pid"] = self._inits[name].pid

    def down(self, name: str) -> None:
        """End that process: Ansible does not reach the host, clients do."""
        self._inits[name].kill()
        self._inits[name].wait(timeout=TIMEOUT)

    def stop(self) -> None:
        """End all of these processes."""
        for name in self._inits:
            self.down(name)

    def playbook(self, playbook: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook on all hosts."""
        inventory = self._folder / "inventory.yml"
        inventory.write_text(self.inventory.text())
        environment = {**os.environ, "ANSIBLE_FORKS": str(FORKS), "ANSIBLE_NOCOLOR": "true", **environment}
        command = ["ansible-playbook", f"--inventory={inventory}", playbook, *arguments]
        return subprocess.run(
            command,
            cwd=COLLECTION,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PLAYBOOK_TIMEOUT + REAL_SERVER_TIMEOUT * len(self.real_servers),
            check=False,
        )

    def names(self, service: dict[str, Any], requests: int) -> Counter[str]:
        """How often each real server answers a client's requests, each on a connection of its own."""
        return Counter(self.name(service) for request in range(requests))

    def name(self, service: dict[str, Any]) -> str:
        """Which real server answers a client's request."""
        with self.client.inside():
            connection = http.client.HTTPConnection(service["vip"], service["port"], timeout=ANSWER_TIMEOUT)
            connection.connect()
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode().strip()
        finally:
            connection.close()


def _answer(server: socket.socket, name: str) -> None:
    connection, _client = server.accept()
    # A probe asks for nothing, and may be gone already.
    with connection, suppress(OSError):
        connection.settimeout(ANSWER_TIMEOUT)
        if connection.recv(4096):
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s\n" % (len(name) + 1, name.encode()))


@contextmanager
def standing(new_namespace: Callable[[], Namespace], folder: Path, count: int) -> Iterator[LargeCluster]:
    """A cluster on one bridge with so many real servers, whose programs answer; nothing else is configured."""
    assert count <= MOST
    bridge, director, client = (new_namespace() for name in range(3))
    numbers = {f"rs{number}": number for number in range(1, count + 1)}
    real_servers = {name: new_namespace() for name in numbers}
    on_one_bridge(
        bridge, {DIRECTOR: director, CLIENT: client, **{numbers[name]: host for name, host in real_servers.items()}}
    )
    inventory = Inventory(
        groups={
            "clients": {"client": {"ansible_host": address(CLIENT)}},
            "directors": {"ds1": {"ansible_host": address(DIRECTOR)}},
            "realservers": {name: {"ansible_host": address(number)} for name, number in numbers.items()},
        },
        group_vars={
            "all": {
                "ansible_connection": "node",
                "ansible_become": False,  # entered as root
                "ansible_python_interpreter": PYTHON,
                "lvs_boot": False,  # no systemd
                "lvs_probe_hosts": ["client"],
                "lvs_services": SERVICES,
            }
        },
    )
    cluster = LargeCluster(client, director, real_servers, inventory, folder)
    sockets: dict[socket.socket, Callable[[], None]] = {}
    with ExitStack() as stack:
        stack.callback(cluster.stop)
        for name, host in {"ds1": director, "client": client, **real_servers}.items():
            cluster.up(name, host)
        for name, host in real_servers.items():
            with host.inside():
                listener = stack.enter_context(listening(PORT))
            sockets[listener] = partial(_answer, listener, name)
        stack.enter_context(serving(sockets))
        yield cluster
