# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of stand-ins: playbooks run as operators run them, and calls of the collection's modules are recorded instead.

C(recorder.py) stands in for the modules, C(connection/standin.py) for the hosts.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import PROJECT

HERE = Path(__file__).parent
TIMEOUT = 120  # seconds that a playbook may take; it takes some
# The first inventory of each run: how hosts are reached.
REACHED = {"all": {"vars": {"ansible_connection": "standin", "ansible_become": False, "lvs_install_packages": False}}}
READING = {"ipvs_info", "state_info", "preflight", "vip_probe"}

DS1, RS1, RS2 = "192.168.56.181", "192.168.56.183", "192.168.56.184"  # DIP and RIPs
VIP, VIP2 = "192.168.56.185", "192.168.56.186"
SERVICES: list[dict[str, Any]] = [
    {"name": "web", "vip": VIP, "port": 80, "scheduler": "wrr"},
    {
        "name": "mapped",
        "vip": VIP2,
        "port": 8099,
        "rport": 80,
        "scheduler": "wrr",
        "real_servers": [{"host": "rs1", "weight": 2}, {"host": "rs2"}],
    },
]


# ----- what a test asks for


@dataclass
class Inventory:
    """An inventory, as a user writes it.

    C(groups) has the variables of each host by group and host, C(parents) the groups of groups.
    """

    groups: dict[str, dict[str, dict[str, Any]]]
    parents: dict[str, list[str]] = field(default_factory=dict)
    group_vars: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def vars(self) -> dict[str, Any]:
        """The variables of all hosts."""
        return self.group_vars.setdefault("all", {})

    def host(self, name: str) -> dict[str, Any]:
        """The variables of a host."""
        (variables,) = (hosts[name] for hosts in self.groups.values() if name in hosts)
        return variables

    def text(self) -> str:
        """The inventory in YAML."""
        tree: dict[str, Any] = {name: {"hosts": hosts} for name, hosts in self.groups.items()}
        for name, children in self.parents.items():
            tree.setdefault(name, {})["children"] = {child: {} for child in children}
        for name, variables in self.group_vars.items():
            tree.setdefault(name, {})["vars"] = variables
        everything = tree.pop("all", {})
        return yaml.safe_dump({"all": {**everything, "children": tree}}, sort_keys=False)


def cluster(**variables: Any) -> Inventory:
    """The cluster of the walk-through."""
    return Inventory(
        groups={
            "directors": {"ds1": {"lvs_dip": DS1}},
            "realservers": {"rs1": {"lvs_rip": RS1}, "rs2": {"lvs_rip": RS2}},
        },
        group_vars={"all": {"lvs_services": _copy(SERVICES), **variables}},
    )


def two_clusters(**variables: Any) -> Inventory:
    """Two clusters, a and b, which have nothing in common, with a host that belongs to neither before them."""
    inventory = Inventory(groups={"others": {"other": {}}}, group_vars={"all": variables})
    for network, name in enumerate("ab", start=57):
        directors, real_servers = f"{name}_directors", f"{name}_realservers"
        inventory.groups[directors] = {f"{name}_ds1": {"lvs_dip": f"192.168.{network}.181"}}
        inventory.groups[real_servers] = {
            f"{name}_rs1": {"lvs_rip": f"192.168.{network}.183"},
            f"{name}_rs2": {"lvs_rip": f"192.168.{network}.184"},
        }
        inventory.parents[f"cluster_{name}"] = [directors, real_servers]
        inventory.group_vars[f"cluster_{name}"] = {
            "lvs_directors_group": directors,
            "lvs_realservers_group": real_servers,
            "lvs_services": [{"name": f"web_{name}", "vip": f"192.168.{network}.185", "port": 80}],
        }
    return inventory


@dataclass(frozen=True)
class Down:
    """A host that cannot be reached: from the start, or as soon as there was a call of a module."""

    host: str
    after: str = ""  # the module
    on: str | None = None  # the host of that call; any, if None
    options: Mapping[str, Any] = field(default_factory=dict)  # options of that call, in part

    def script(self) -> dict[str, Any]:
        """As the connection reads it."""
        after = {"module": self.after, "host": self.on, "options": self.options} if self.after else None
        return {"host": self.host, "after": after}


@dataclass(frozen=True)
class Answer:
    """What calls of a module return, beside the values that it returns where nothing is left to do."""

    module: str
    result: Mapping[str, Any]
    host: str | None = None
    check_mode: bool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)  # of the call, in part


def failing(module: str, host: str, message: str = "refused by the test") -> Answer:
    """A module that fails on a host."""
    return Answer(module, {"failed": True, "msg": message}, host)


def changing(module: str, host: str, **conditions: Any) -> Answer:
    """A module that changes something on a host."""
    change = {"action": "remove", "kind": "test", "key": {}, "command": f"change of {module}"}
    result = {"changed": True, "changes": [change], "commands": [change["command"]]}
    return Answer(module, result, host, **conditions)


def configured(host: str) -> Answer:
    """What state_info returns on a real server that site has configured."""
    state = {
        "devices": [{"name": "tunl0", "vips": [VIP, VIP2]}],
        "arp_silent_devices": ["tunl0"],
        "boot": True,
        "empty": False,
    }
    return Answer("state_info", state, host)


def releasing(host: str) -> list[Answer]:
    """What modules return on a real server that has something to remove."""
    return [configured(host), *(changing(module, host) for module in ("tunl_vip", "port_dnat", "mss_clamp", "tunnel_guard"))]


def ipvs_service(vip: str, port: int, scheduler: str, weights: Mapping[str, int]) -> dict[str, Any]:
    """A service as ipvs_info returns it, with the weights of its real servers by RIP."""
    return {
        "vip": vip,
        "port": port,
        "protocol": "tcp",
        "scheduler": scheduler,
        "persistence_timeout": 0,
        "statistics": {},
        "destinations": [
            {
                "rip": rip,
                "rport": port,
                "forward": "tunnel",
                "weight": weight,
                "drained": None,
                "tunnel_type": "ipip",
                "connections": {"active": 0, "inactive": 0, "persistent": 0},
                "statistics": {},
            }
            for rip, weight in weights.items()
        ],
    }


# ----- what it gets


_SOURCE = re.compile(r"(PLAY|TASK) \[|Origin: |\d+ | +\^ column")


@dataclass(frozen=True)
class Call:
    """A call of a module. The steps of a batch are calls of their own."""

    place: int  # in the order of all calls
    host: str  # where it ran; of a delegated task, the host that it was delegated to
    module: str
    check_mode: bool
    options: Mapping[str, Any]  # as the module reads them, with defaults, without those that have no value

    @property
    def changes(self) -> bool:
        """Whether the module may change something."""
        return not self.check_mode and self.module not in READING and "." not in self.module

    @property
    def releases(self) -> bool:
        """Whether the module may remove something."""
        rows = [row for rows in self.options.values() if isinstance(rows, list) for row in rows if isinstance(row, dict)]
        absent = any(row.get("state") == "absent" for row in (self.options, *rows))
        return self.changes and (absent or self.options.get("purge", False) not in (False, "none"))


@dataclass(frozen=True)
class Run:
    """A run of a playbook."""

    returncode: int
    stdout: str
    stderr: str
    everything: Sequence[Call]  # with modules of ansible-core

    @cached_property
    def output(self) -> str:
        """What was printed, without line ends, the names of plays and tasks, and the lines of source that Ansible shows."""
        lines = f"{self.stdout}\n{self.stderr}".splitlines()
        return " ".join(word for line in lines if not _SOURCE.match(line) for word in line.split())

    @property
    def failures(self) -> list[str]:
        """The lines with which tasks failed."""
        return re.findall(r"^(?:fatal|failed): .*$", self.stdout, re.MULTILINE)

    @property
    def longest_line(self) -> int:
        """The length of the longest line that was printed."""
        return max(len(line) for line in f"{self.stdout}\n{self.stderr}".splitlines())

    def says_took_no_part(self, *hosts: str) -> None:
        """Check that a message, beside those of Ansible itself, names these hosts as not having taken part."""
        lines = [line for line in [*self.stdout.splitlines(), *self.stderr.splitlines()] if re.search(r"\bpart\b", line)]
        missing = [host for host in hosts if not any(host in line for line in lines)]
        assert not missing, f"no line names {missing}\n{self.stdout}\n{self.stderr}"

    def calls(
        self,
        module: str | None = None,
        host: str | None = None,
        changing: bool | None = None,
        releasing: bool | None = None,
        **options: Any,
    ) -> list[Call]:
        """The calls of the collection's modules, in their order.

        :param changing: those that may change something, or those that do not
        :param releasing: those that may remove something, or those that do not
        :param options: the values of options of the call
        """
        return [
            call
            for call in self.everything
            if "." not in call.module
            and module in (None, call.module)
            and host in (None, call.host)
            and changing in (None, call.changes)
            and releasing in (None, call.releases)
            and all(call.options.get(name) == value for name, value in options.items())
        ]

    def call(self, *conditions: Any, **more: Any) -> Call:
        """The one call that is as C(calls) says."""
        (found,) = self.calls(*conditions, **more)
        return found

    def first(self, *conditions: Any, **more: Any) -> int:
        """The place of the first call that is as C(calls) says."""
        return self.calls(*conditions, **more)[0].place

    def last(self, *conditions: Any, **more: Any) -> int:
        """The place of the last call that is as C(calls) says."""
        return self.calls(*conditions, **more)[-1].place

    def succeeded(self) -> Run:
        """Check that there was no error; gives the run."""
        assert self.returncode == 0, f"{self.stdout}\n{self.stderr}"
        return self

    def failed(self, *words: str) -> Run:
        """Check that it ended with an error and said these words; gives the run."""
        assert self.returncode != 0, f"no error\n{self.stdout}\n{self.stderr}"
        missing = [word for word in words if word not in self.output]
        assert not missing, f"it does not say {missing}\n{self.stdout}\n{self.stderr}"
        return self

    def called_nothing(self) -> Run:
        """Check that no module of the collection was called; gives the run."""
        assert not self.calls(), self.stdout
        return self

    def refused(self, *words: str) -> Run:
        """Check that it ended with these words before any call of the collection's modules; gives the run."""
        return self.failed(*words).called_nothing()


# ----- how it runs


def make_collection(folder: Path) -> None:
    """The checkout as a collection, with the recorder in the place of each module that runs on hosts."""
    collection = folder / "ansible_collections/lvs/cluster"
    _link(PROJECT, collection, inside="plugins")
    _link(PROJECT / "plugins", collection / "plugins", inside="action")
    _link(PROJECT / "plugins/action", collection / "plugins/action")
    for module in (PROJECT / "plugins/modules").glob("*.py"):
        recorder = collection / "plugins/action" / module.name
        if not recorder.exists():
            recorder.symlink_to(HERE / "recorder.py")


def _link(source: Path, target: Path, inside: str = "") -> None:
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.name != inside and not path.name.startswith(".") and path.name != "__pycache__":
            (target / path.name).symlink_to(path)


@dataclass
class Player:
    """Runs playbooks with stand-ins.

    :param collections: the folder of C(make_collection)
    :param folder: the current directory of the playbooks
    """

    collections: Path
    folder: Path
    runs: int = 0

    def __call__(
        self,
        playbook: str,
        *arguments: str,
        inventory: Inventory | str | None = None,
        down: Sequence[Down | str] = (),
        results: Sequence[Answer] = (),
        check: bool = False,
        environment: Mapping[str, str | None] | None = None,
    ) -> Run:
        """Run a playbook.

        :param playbook: one of the collection, such as C(site), or a file of its own
        :param inventory: the cluster of the walk-through if omitted; a text is one in INI format
        :param down: the hosts that cannot be reached
        :param results: what modules return
        :param environment: further variables; C(None) removes one
        """
        self.runs += 1
        records = self.folder / f".run-{self.runs}"
        records.mkdir()
        (records / "ansible.cfg").touch()
        (records / "reached.yml").write_text(yaml.safe_dump(REACHED))
        hosts = records / "inventory"
        hosts.write_text(inventory if isinstance(inventory, str) else (inventory or cluster()).text())
        scripts = [Down(host) if isinstance(host, str) else host for host in down]
        script = {"down": [host.script() for host in scripts], "answers": [asdict(answer) for answer in results]}
        (records / "script.json").write_text(json.dumps(script))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), f"--inventory={records / 'reached.yml'}"]
        command += [f"--inventory={hosts}", playbook if "." in playbook else f"lvs.cluster.{playbook}"]
        returncode, stdout, stderr = self._run(
            [*command, *(["--check"] if check else []), *arguments], self._environment(records, environment or {})
        )
        # A test's folder has its name, and that may be a word to look for.
        stdout, stderr = (text.replace(str(records), "RECORDS") for text in (stdout, stderr))
        return Run(returncode, stdout, stderr, list(_calls(records / "calls.jsonl")))

    def _environment(self, records: Path, others: Mapping[str, str | None]) -> dict[str, str]:
        """Nothing of the user's own settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment: dict[str, str | None] = {
            **inherited,
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_CONFIG": str(records / "ansible.cfg"),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
            "ANSIBLE_FORKS": "10",
            "ANSIBLE_HOME": str(records / "home"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "COLUMNS": "10000",
            "LC_ALL": "C.UTF-8",
            "LVS_STANDINS": str(records),
            "PWD": str(self.folder),
            **others,
        }
        return {name: value for name, value in environment.items() if value is not None}

    def _run(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run a command without a terminal, and end all its processes after some time."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, stdout, stderr


def _calls(file: Path) -> Iterator[Call]:
    lines = file.read_text().splitlines() if file.exists() else []
    for place, line in enumerate(lines):
        yield Call(place, **json.loads(line))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
