# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of the topology, looked at from inside with programs that are not ours: fixtures of the Molecule scenarios."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.virtual_servers import FIRST_MARK, MARKS

from . import readme

PROJECT = Path(__file__).parents[1]
INVENTORY = PROJECT / "lab/inventory"
LOOK = (PROJECT / "molecule/look.sh").read_text()
PLAYBOOK = PROJECT / "playbooks/site.yml"
TIMEOUT = 300  # seconds that a playbook may take on a slow kernel


class NodeBackend(BaseBackend):  # type: ignore[misc]  # the parent is not typed
    """Enters a container's namespaces: testinfra's own backends fork ansible or podman for every look."""

    NAME = "node"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._name = name

    def get_pytest_id(self) -> str:
        return self._name

    def run(self, command: str, *args: str, **_options: Any) -> CommandResult:
        pid = Path(f"/run/lvs-lab/{self._name}.pid").read_text().strip()
        enter = f"nsenter --target={pid} --mount --net --uts --ipc --pid --"
        return self.run_local(f"{enter} sh -c %s", self.get_command(command, *args))


def inventories() -> list[str]:
    """The lab's inventory, and the scenario's own where it has one."""
    own = PROJECT / "molecule" / os.environ["MOLECULE_SCENARIO_NAME"] / "inventory"
    return [f"--inventory={path}" for path in (INVENTORY, own) if path.exists()]


def _node(name: str) -> Callable[[], Host]:
    @pytest.fixture(scope="session", name=name)
    def node() -> Host:
        return Host(NodeBackend(name))

    return node


client = _node("client")
ds1 = _node("ds1")
ds2 = _node("ds2")
rs1 = _node("rs1")
rs2 = _node("rs2")
rs3 = _node("rs3")

Ansible = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def ansible() -> Ansible:
    """Run ansible or ansible-playbook as a user would, from the checkout."""

    def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [command[0], *inventories(), *command[1:]],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def services() -> list[dict[str, Any]]:
    """The description of the cluster, as the inventory has it."""
    done = subprocess.run(
        ["ansible-inventory", *inventories(), "--host", "ds1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["lvs_services"]
    return found


def looked_before(node: Host) -> str:
    """What LOOK printed on a node before anything was set up; see molecule/look.yml."""
    return str(node.file("/var/tmp/lvs-before").content_string).strip()


def answers(client: Host, url: str, requests: int) -> list[str]:
    """Who answered each of the requests."""
    script = f"for i in $(seq {requests}); do curl -gsS --max-time 5 {url}; done"
    return str(client.check_output(script)).split()


def rules(director: Host) -> list[str]:
    """The IPVS table as ipvsadm saves it, sorted by ipvsadm, without the services that keepalived's checks go through."""
    lines = [line.strip() for line in director.check_output("ipvsadm -Sn").splitlines()]
    return [line for line in lines if not _is_of_checks(line.split())]


def _is_of_checks(words: list[str]) -> bool:
    return words[1] == "-f" and FIRST_MARK <= int(words[2]) < FIRST_MARK + MARKS


def mac(node: Host, device: str = "eth0") -> str:
    """The hardware address of a node's device."""
    return str(node.check_output("cat /sys/class/net/%s/address", device)).strip()


AsInTheReadme = Callable[[str], str]
# How the lab's nodes are reached, where a user has SSH.
VARIABLES = yaml.safe_load((INVENTORY / "group_vars/all.yml").read_text())
REACH = {name: value for name, value in VARIABLES.items() if name.startswith("ansible_")}


@pytest.fixture
def as_in_the_readme(tmp_path: Path) -> AsInTheReadme:
    """Run a command of the README with the README's inventory, in a folder of its own; gives what it prints."""
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(readme.INVENTORY)

    def run(command: str) -> str:
        words = [*shlex.split(command), "--extra-vars", json.dumps(REACH)]
        own = {**os.environ, "PWD": str(tmp_path)}
        done = subprocess.run(words, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
