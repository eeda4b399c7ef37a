# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to a director of the lab's cluster, and its end; who holds a VIP meanwhile, and for how long.

Everything here acts from outside: on the node's processes, its cgroup, its port of the bridge, or its container.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
UNIT = "keepalived.service"
TIMEOUT = 120  # seconds
# What a login has, and nothing of the caller's own.
CLEAN = ("env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
# Of the processes of a keepalived, the children before the one that started them: it would end them in an orderly way.
CHILDREN_FIRST = "$(pgrep -x keepalived | sort -rn)"
VRRP_CHILD = "$(cat /run/vrrp.pid)"
# A monitor writes it for an event that it cannot have: that it began.
EVENT = re.compile(r"^\[([0-9T:.-]+)\] *(Deleted )?\d+: +\S+ +inet6? ([0-9a-f.:]+)/")


def command(name: str, script: str) -> list[str]:
    """The command that runs a script of the shell in a node."""
    pid = Path(f"/run/lvs-lab/{name}.pid").read_text().strip()
    namespaces = ("--mount", "--net", "--uts", "--ipc", "--pid")
    return ["nsenter", f"--target={pid}", *namespaces, "--", *CLEAN, "sh", "-ec", script]


def run(*words: str) -> str:
    """Run a command to its end, and give what it printed.

    :raises subprocess.CalledProcessError: it failed
    """
    return subprocess.run(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT, check=True).stdout


def on(name: str, script: str) -> str:
    """Run a script of the shell in a node, and give what it printed."""
    return run(*command(name, script))


def port(name: str) -> str:
    """The other end of the node's eth0, in the bridge."""
    number = on(name, "cat /sys/class/net/eth0/iflink").strip()
    (found,) = re.findall(rf"^{number}: ([^@:]+)[@:]", run("ip", "-o", "link"), re.MULTILINE)
    return str(found)


def vips(name: str) -> set[str]:
    """The addresses that a node's eth0 has as VIPs: /32 and /128. None of a node that is down."""
    if not Path(f"/proc/{Path(f'/run/lvs-lab/{name}.pid').read_text().strip()}").exists():
        return set()
    return set(re.findall(r" inet6? ([0-9a-f.:]+)/(?:32|128) ", on(name, "ip -o address show dev eth0")))


def holders(vip: str, directors: Sequence[str]) -> list[str]:
    """Which of them have the VIP."""
    return [name for name in directors if vip in vips(name)]


@dataclass(frozen=True)
class Fault:
    """Something that happens to a director, and how it comes back."""

    name: str  # as an option
    what: str  # in the table
    strike: Callable[[str], object]
    recover: Callable[[str], object]
    planned: bool = False  # an operator does it, who wants nothing to be lost


def _start(name: str) -> None:
    on(name, f"systemctl reset-failed {UNIT} || true; systemctl start {UNIT}")


def _set_port(state: str) -> Callable[[str], None]:
    return lambda name: (run("ip", "link", "set", port(name), state), None)[1]


# A disabled port of a bridge passes nothing, and the node's device keeps its carrier.
def _bridge(state: int) -> Callable[[str], None]:
    return lambda name: (run("bridge", "link", "set", "dev", port(name), "state", str(state)), None)[1]


def _hang(name: str) -> None:
    """The machine does nothing at all, nor does its network device."""
    _bridge(0)(name)
    run("podman", "pause", name)


def _power_off(name: str) -> None:
    """First of all nothing passes: its network outlives the processes of a container for a while."""
    _bridge(0)(name)
    run("podman", "kill", name)


def _go_on(name: str) -> None:
    _bridge(3)(name)
    run("podman", "unpause", name)


FAULTS = (
    Fault("killed", "keepalived killed (-9), all of it", lambda name: on(name, f"kill -KILL {CHILDREN_FIRST}"), _start),
    Fault("child", "its VRRP child alone killed (-9)", lambda name: on(name, f"kill -KILL {VRRP_CHILD}"), _start),
    Fault(
        "stopped",
        "keepalived stopped (SIGSTOP)",
        lambda name: on(name, f"kill -STOP {CHILDREN_FIRST}"),
        lambda name: on(name, f"kill -CONT {CHILDREN_FIRST}"),
    ),
    Fault(
        "frozen",
        "all processes frozen",
        lambda name: run("podman", "pause", name),
        lambda name: run("podman", "unpause", name),
    ),
    Fault("link", "link down", _set_port("down"), _set_port("up")),
    Fault("cut", "nothing passes, link up", _bridge(0), _bridge(3)),
    Fault("hung", "frozen, and nothing passes", _hang, _go_on),
    Fault("stop", "systemctl stop keepalived", lambda name: on(name, f"systemctl stop {UNIT}"), _start, planned=True),
    Fault(
        "reboot",
        "reboot",
        lambda name: run("podman", "stop", "--time", "30", name),
        lambda name: run("lab/topology", "restart", name),
        planned=True,
    ),
    Fault(
        "power",
        "power lost",
        _power_off,
        lambda name: run("lab/topology", "restart", name),
    ),
)


class Held(NamedTuple):
    """A director has had a VIP since then, or has it no longer."""

    at: float  # time.time()
    director: str
    held: bool


@dataclass
class Watch:
    """Who came to hold a VIP when."""

    vip: str
    began: float
    first: frozenset[str]
    logs: Mapping[str, Path]
    changes: list[Held] = field(default_factory=list)

    def read(self) -> list[Held]:
        """All changes until now, by time."""
        found = []
        for name, log in self.logs.items():
            for line in log.read_text().splitlines():
                event = EVENT.match(line)
                if event and event[3] == self.vip:
                    found.append(Held(datetime.fromisoformat(event[1]).timestamp(), name, not event[2]))
        return sorted(found)

    def seconds(self, since: float, until: float) -> dict[int, float]:
        """For how long so many directors had the VIP: none, one, two."""
        holding, at, total = set(self.first), since, {0: 0.0, 1: 0.0, 2: 0.0}
        for change in self.read():
            if change.at > since:
                total[len(holding)] += min(change.at, until) - at
                at = min(change.at, until)
            (holding.add if change.held else holding.discard)(change.director)
        total[len(holding)] += until - at
        return total


@contextmanager
def watch(vip: str, directors: Sequence[str], folder: Path) -> Iterator[Watch]:
    """Note who holds a VIP, from inside each director's network, until the end of the block."""
    logs = {name: folder / f"addresses-{name}" for name in directors}
    with ExitStack() as stack:
        for name, log in logs.items():
            pid = Path(f"/run/lvs-lab/{name}.pid").read_text().strip()
            monitor = ("nsenter", f"--target={pid}", "--net", "--", "ip", "-ts", "-o", "monitor", "address")
            output = stack.enter_context(log.open("w"))
            process = subprocess.Popen(monitor, stdout=output, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        time.sleep(0.2)
        yield Watch(vip, time.time(), frozenset(holders(vip, directors)), logs)
