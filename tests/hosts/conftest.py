# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole hosts with an init system of their own, and a program beside the collection that manages their network or packets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from ..nodes import PROJECT, REACH, NodeBackend
from ..shared_files import pytest_runtest_protocol

__all__ = ["pytest_runtest_protocol"]

ADDRESSES = {"client": "192.168.56.180", "ds1": "192.168.56.181", "rs1": "192.168.56.183"}
VIP = "192.168.56.185"
SERVICE = {"name": "web", "vip": VIP, "port": 80, "scheduler": "wrr"}
TIMEOUT = 300  # seconds that a command may take on a slow kernel


@dataclass(frozen=True)
class Site:
    """A client, a director and a real server: hosts of one network, and of an inventory."""

    inventory: Path

    def host(self, name: str) -> Host:
        """A host, looked at from inside."""
        return Host(NodeBackend(name))

    def install(self, name: str, *packages: str) -> None:
        """Install Debian packages that lab/image/packages.offline names."""
        self.host(name).check_output(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y install {' '.join(packages)}")

    def ansible(self, *command: str, check: bool = True, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run ansible or ansible-playbook as a user would, from the checkout."""
        words = [command[0], f"--inventory={self.inventory}", *command[1:], "--extra-vars", json.dumps(variables)]
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def playbook(self, name: str, *arguments: str, check: bool = True, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection, such as C(site)."""
        return self.ansible("ansible-playbook", f"playbooks/{name}.yml", *arguments, check=check, **variables)

    def restart(self, *names: str) -> None:
        """Start hosts anew: all that their kernel had is gone."""
        _topology("restart", *names)

    def answers(self, requests: int = 5) -> list[str]:
        """What a client is answered, request by request."""
        script = f"for i in $(seq {requests}); do curl -sS --max-time 5 http://{VIP} || echo none; done 2>&1"
        return str(self.host("client").check_output(script)).splitlines()


def _topology(*words: str) -> None:
    subprocess.run([PROJECT / "lab/topology", *words], check=True, timeout=TIMEOUT, capture_output=True)


def _inventory(variables: Mapping[str, Any]) -> dict[str, Any]:
    def group(*names: str) -> dict[str, Any]:
        return {"hosts": {name: {"ansible_host": ADDRESSES[name]} for name in names}}

    groups = {"clients": group("client"), "directors": group("ds1"), "realservers": group("rs1")}
    return {"all": {"children": groups, "vars": {**REACH, "lvs_services": [SERVICE], **variables}}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Hosts as they are when their system has started, with a web server on the real server."""
    inventory = tmp_path_factory.mktemp("site") / "inventory.json"
    inventory.write_text(json.dumps(_inventory({"lvs_probe_hosts": ["client"]})))
    _topology("up", *(f"{name}={address}" for name, address in ADDRESSES.items()))
    try:
        made = Site(inventory)
        made.ansible("ansible-playbook", "lab/workload.yml")
        yield made
    finally:
        _topology("down", *ADDRESSES)
