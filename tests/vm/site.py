# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's cluster on virtual machines, and a client that asks all the while."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml

from .. import readme
from .machines import PROJECT, Machine

ADDRESSES = {"ds1": "192.168.56.181", "rs1": "192.168.56.183", "rs2": "192.168.56.184"}
REAL_SERVERS = {"rs1", "rs2"}
VIP = "192.168.56.185"
TIMEOUT = 5400  # seconds that a playbook may take where processors are emulated
INTERVAL = 0.1  # seconds between two requests
PATIENCE = 10  # seconds for an answer of an emulated machine


class Request(NamedTuple):
    """When it was sent, and by whom it was answered, or what went wrong."""

    sent: float
    outcome: str


def ask(vip: str = VIP, port: int = 80) -> str:
    """Who answers a request, or what goes wrong."""
    connection = http.client.HTTPConnection(vip, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode().strip()
    except (OSError, http.client.HTTPException) as problem:
        return type(problem).__name__
    finally:
        connection.close()


def ask_often(times: int, vip: str = VIP, port: int = 80) -> list[str]:
    """The same, several times."""
    return [ask(vip, port) for _time in range(times)]


@dataclass
class Requests:
    """Requests, one after the other, while something else is done."""

    made: list[Request] = field(default_factory=list)

    def __enter__(self) -> Requests:
        self._end = threading.Event()
        self._asking = threading.Thread(target=self._ask)
        self._asking.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._asking.join(timeout=30)

    def _ask(self) -> None:
        while not self._end.wait(INTERVAL):
            self.made.append(Request(time.time(), ask()))

    def lost(self, since: float = 0) -> list[Request]:
        """Those since then that no real server answered."""
        return [request for request in self.made if request.sent >= since and request.outcome not in REAL_SERVERS]

    def first_answer(self, since: float, names: set[str]) -> float | None:
        """When the first request since then was sent that one of these answered."""
        return next((request.sent for request in self.made if request.sent >= since and request.outcome in names), None)


class Site:
    """The machines, and the inventory that names them."""

    measured: ClassVar[list[str]] = []

    def __init__(self, folder: Path, machines: Mapping[str, Machine]) -> None:
        self.machines = machines
        self._folder = folder
        inventory = yaml.safe_load(readme.INVENTORY)
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        inventory["all"]["vars"].update(
            ansible_user="admin",
            ansible_become=True,
            ansible_ssh_common_args=" ".join(f"-o {option}" for option in options),
        )
        for group in inventory["all"]["children"].values():
            for name, variables in group["hosts"].items():
                variables["ansible_ssh_private_key_file"] = str(machines[name].image.folder / "key")
        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def run(self, command: str, check: bool = True, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as the README has it."""
        words = [*shlex.split(command), "--extra-vars", json.dumps(variables)]
        own = {**os.environ, "ANSIBLE_TIMEOUT": "120", "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / ".collections")}
        options: dict[str, Any] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
        done = subprocess.run(words, cwd=self._folder, env=own, timeout=TIMEOUT, check=False, **options)
        print(f"$ {command}\n{done.stdout}{done.stderr}")  # pytest shows it where a test fails
        assert not check or done.returncode == 0, command
        return done

    def note(self, what: str) -> None:
        """Say at the end what was measured."""
        suite = self.machines["ds1"].image.suite
        self.measured.append(f"{suite:<10}{what}")
