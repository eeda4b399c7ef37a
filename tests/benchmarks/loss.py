# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the requests that clients lose while a cluster is worked on: none, if it is done as it should be.

    lab/run python -m tests.benchmarks.loss [--requests 20000] [--rate 600] [--case NAME]...

On the lab's cluster: on one that is up, or on one of its own. Load goes to the VIP all the while; see load.py. It exits with
1 where a case that has to be lossless lost a request, or where the control, a real server that is deleted without a drain,
lost none: then nothing would have been measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.release import __version__ as ansible_core

from .load import KINDS
from .traffic import Wrong, told

PROJECT = Path(__file__).parents[2]
HERE = Path(__file__).parent
INVENTORY = ("--inventory", "lab/inventory")
NODES = {"client": "192.168.56.180", "ds1": "192.168.56.181", "rs1": "192.168.56.183", "rs2": "192.168.56.184"}
REAL_SERVERS = ("rs1", "rs2")
VIP, PORT = "192.168.56.185", 80
SERVICE = ("-t", f"{VIP}:{PORT}")
# Without this a packet is at the director and back while the client is still in connect(), where it does not hear that it
# was refused. A client that is a cable away does.
CABLE = ("dev", "eth0", "root", "netem", "delay", "1ms", "limit", "10000")
# A client that comes back with a port of its own is sent to the same real server for two minutes, drained or gone, while
# this is 1, as it is after a boot: behind a tunnel the last that IPVS sees of a connection is FIN_WAIT, which 1 leaves alone.
# The role sets 3.
REUSE = {"conn_reuse_mode": 3}
SCHEDULERS = ("wlc", "rr", "wrr") * 2
DRAINING = 20.0  # seconds in which every client that keeps its connection takes a new one, at any rate of use
PAUSE = 3.0  # seconds between actions that take none themselves
SETTLE = 2.0  # seconds under load after the last action: every client asks some times more
ANSWER = 0.5  # seconds that an answer may take: so long before an action may a request have begun that it hits
TIMEOUT = 900  # seconds that an action may take


def playbook(name: str) -> tuple[str, ...]:
    """The command for a playbook of the collection."""
    return ("ansible-playbook", *INVENTORY, f"playbooks/{name}.yml")


def module(name: str, **options: object) -> tuple[str, ...]:
    """The command for a module on the director."""
    return ("ansible", *INVENTORY, "ds1", "--module-name", f"lvs.cluster.{name}", "--args", json.dumps(options))


class Lab:
    """The cluster, and when something was done to it."""

    def __init__(self) -> None:
        self.actions: list[tuple[float, float]] = []

    def inside(self, name: str, *command: str) -> tuple[str, ...]:
        """A command in a node's network, with this machine's programs."""
        pid = Path(f"/run/lvs-lab/{name}.pid").read_text().strip()
        return ("nsenter", f"--target={pid}", "--net", "--", *command)

    def run(self, *command: str) -> str:
        """Run a command to its end.

        :raises Wrong: it failed
        """
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        if done.returncode:
            raise Wrong(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def do(self, *command: str) -> None:
        """Run a command that is an action of a case."""
        began = time.monotonic()
        self.run(*command)
        self.actions.append((began, time.monotonic()))

    def playbook(self, name: str, *options: str) -> None:
        """Run a playbook as an action."""
        self.do(*playbook(name), *options)

    def module(self, name: str, **options: object) -> None:
        """Run a module for the service as an action."""
        self.do(*module(name, vip=VIP, port=PORT, **options))

    def dest(self, name: str, **options: object) -> None:
        """Run ipvs_dest for a real server as an action."""
        self.module("ipvs_dest", rip=NODES[name], **options)

    def ipvsadm(self, *arguments: str, pause: float = PAUSE) -> None:
        """Run ipvsadm for the service as an action, and pause."""
        self.do(*self.inside("ds1", "ipvsadm", arguments[0], *SERVICE, *arguments[1:]))
        time.sleep(pause)

    def table(self) -> list[str]:
        """The director's table."""
        return sorted(self.run(*self.inside("ds1", "ipvsadm", "-Sn")).splitlines())


def weights(lab: Lab) -> None:
    """More for one, less again."""
    for weight in (5, 1, 3, 1, 2, 1):
        lab.dest("rs1", weight=weight)


def removal(lab: Lab) -> None:
    """Each leaves the service and comes back."""
    for name in REAL_SERVERS:
        lab.dest(name, state="drained")
        lab.dest(name, state="absent")
        lab.dest(name, weight=1)


def removal_by_ipvsadm(lab: Lab) -> None:
    """The same, typed, with the setting that the kernel has after a boot."""
    lab.run(*module("ipvs_sysctl", settings={}))
    for name in REAL_SERVERS:
        lab.ipvsadm("-e", "-r", NODES[name], "-i", "-w", "0", pause=DRAINING)
        lab.ipvsadm("-d", "-r", NODES[name], pause=DRAINING)
        lab.ipvsadm("-a", "-r", NODES[name], "-i", "-w", "1")
    lab.run(*module("ipvs_sysctl", settings=REUSE))


def drain(lab: Lab) -> None:
    """Each is drained, and gets back the weight that it had."""
    for name in REAL_SERVERS:
        for what in ("drain", "restore"):
            lab.playbook(what, "--extra-vars", f"lvs_target={name}")


def rolling_update(lab: Lab) -> None:
    """The web servers stop and start, one after the other."""
    lab.playbook("rolling_update", "--extra-vars", f"lvs_update_tasks={HERE / 'update.yml'}")


def site(lab: Lab) -> None:
    """The whole of it, with nothing to do."""
    lab.playbook("site")


def scheduler(lab: Lab) -> None:
    """One after the other, and the first again."""
    for name in SCHEDULERS:
        lab.module("ipvs_service", scheduler=name)


def scheduler_by_ipvsadm(lab: Lab) -> None:
    """The same, typed."""
    for name in SCHEDULERS:
        lab.ipvsadm("-E", "-s", name)


def scheduler_while_new_wait(lab: Lab) -> None:
    """The same while IPVS drops what would be a new connection: the client tries again a second later, and is not refused."""
    drops = "sysctl -q -w net.ipv4.vs.am_droprate={} net.ipv4.vs.drop_packet={}"
    for name in SCHEDULERS:
        switch = f"ipvsadm -E {' '.join(SERVICE)} -s {name}"
        lab.do(*lab.inside("ds1", "sh", "-ec", "; ".join((drops.format(1, 3), switch, drops.format(10, 0)))))
        time.sleep(PAUSE)


def deletion(lab: Lab) -> None:
    """A real server is deleted, whatever connections it has."""
    lab.ipvsadm("-d", "-r", NODES["rs1"])


def undo_deletion(lab: Lab) -> None:
    """It is back."""
    lab.ipvsadm("-a", "-r", NODES["rs1"], "-i", "-w", "1")


@dataclass(frozen=True)
class Case:
    """Something that is done under load."""

    name: str  # as an option
    what: str  # in the table
    act: Callable[[Lab], None]
    undo: Callable[[Lab], None] | None = None  # without load
    control: bool = False  # has to lose
    like: str | None = None  # the case that does the same with ipvsadm: it may lose where that does
    measured: bool = False  # whatever it loses is all right: others are held against it


CASES = (
    Case("weights", "weights, ipvs_dest", weights),
    Case("removal", "drained, removed, added, ipvs_dest", removal),
    Case("removal_by_ipvsadm", "the same, ipvsadm, conn_reuse_mode=1", removal_by_ipvsadm, measured=True),
    Case("drain", "drain.yml, restore.yml", drain),
    Case("rolling_update", "rolling_update.yml", rolling_update),
    Case("site", "site.yml", site),
    Case("scheduler", "scheduler, ipvs_service", scheduler, like="scheduler_by_ipvsadm"),
    Case("scheduler_by_ipvsadm", "scheduler, ipvsadm -E", scheduler_by_ipvsadm, measured=True),
    Case("scheduler_while_new_wait", "the same, and SYNs dropped meanwhile", scheduler_while_new_wait),
    Case("control", "control: deleted under load, ipvsadm -d", deletion, undo_deletion, control=True),
)


@dataclass(frozen=True)
class Row:
    """What came out of a case."""

    case: Case
    actions: Sequence[tuple[float, float]]
    result: Mapping[str, Any] = field(repr=False)

    @property
    def lost(self) -> int:
        """How many requests failed."""
        return len(self.result["failures"])

    def bursts(self) -> list[str]:
        """What failed since which action, counted from 1 (0: before the first), and when those requests were begun."""
        found: dict[tuple[int, str], list[float]] = {}
        for failure in self.result["failures"]:
            begun = self.result["began"] + failure["began"]
            number = sum(start <= begun + ANSWER for start, _end in self.actions)
            since = self.actions[max(number - 1, 0)][0]
            what = f"{failure['kind']} ({failure['connection']}, {failure['detail']})"
            found.setdefault((number, what), []).append(begun - since)
        return [
            f"{len(times)} with action {number}, begun {min(times):+.1f}..{max(times):+.1f} s from its start: {what}"
            for (number, what), times in sorted(found.items())
        ]


def verdicts(rows: Sequence[Row]) -> dict[str, str]:
    """What to think of each case, by name; in capitals where it is a fault."""
    lost = {row.case.name: row.lost for row in rows}
    verdict = {}
    for name, row in ((row.case.name, row) for row in rows):
        if row.case.control:
            verdict[name] = "loses, as it must" if row.lost else "LOSES NOTHING: NOTHING IS MEASURED"
        elif row.case.measured:
            verdict[name] = "the kernel's own" if row.lost else "ok"
        elif row.lost and row.case.like and lost.get(row.case.like):
            verdict[name] = "as ipvsadm"
        else:
            verdict[name] = "LOST" if row.lost else "ok"
    return verdict


HEAD = ("", "actions", "s", "requests", "keep-alive", "short", *KINDS, "reopened", "p50 ms", "p99 ms", "max ms")
WIDTHS = (40, 8, 7, 9, 11, 8, 8, 6, 10, 13, 9, 8, 8, 8)


def line(cells: Sequence[object]) -> str:
    """A line of the table."""
    first, *others = zip(cells, WIDTHS)
    return f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in others)


def shown(row: Row) -> str:
    """The row of a case."""
    result, seconds = row.result, sum(end - start for start, end in row.actions)
    kinds = (result["failed"][kind] for kind in KINDS)
    times = (f"{result['ms'][name]:.1f}" for name in ("p50", "p99", "p100"))
    counts = (result["requests"], result["keepalive"], result["short"])
    text = line((row.case.what, len(row.actions), f"{seconds:.1f}", *counts, *kinds, result["reopened"], *times))
    if row.lost:
        text += "".join(f"\n    {burst}" for burst in row.bursts())
    return text


@contextmanager
def load(lab: Lab, options: argparse.Namespace) -> Iterator[subprocess.Popen[str]]:
    """Load until the end of the block, under way at its beginning."""
    plan = ("requests", "rate", "keepalive", "short", "timeout", "seconds")
    command = [sys.executable, "-m", "tests.benchmarks.load", f"{VIP}:{PORT}", "--hold"]
    command += [f"--{name}={getattr(options, name)}" for name in plan]
    command += [f"--expect={name}" for name in REAL_SERVERS]
    process = subprocess.Popen(lab.inside("client", *command), cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        told(process, "under way")
        yield process
    finally:
        process.kill()
        process.wait()


def measure(lab: Lab, case: Case, options: argparse.Namespace) -> Row:
    """Do it under load."""
    before = lab.table()
    lab.actions = []
    with load(lab, options) as process:
        case.act(lab)
        acted = lab.actions
        time.sleep(SETTLE)
        told(process, "enough")
        process.terminate()
        result = told(process)
    if case.undo:
        lab.actions = []
        case.undo(lab)
    after = lab.table()
    if after != before:
        raise Wrong(f"{case.name} left another table:\n" + "\n".join(after))
    if set(result["answers"]) != set(REAL_SERVERS):
        raise Wrong(f"{case.name}: not every real server answered: {result['answers']}")
    return Row(case, acted, result)


def refuse_elsewhere() -> None:
    """Run inside the lab only."""
    if not os.environ.get("LVS_LAB_INSIDE"):
        sys.exit("this takes the lab's cluster: run it with lab/run")


@contextmanager
def cluster(lab: Lab) -> Iterator[None]:
    """The cluster that is up, or one for this block."""
    if Path("/run/lvs-lab/ds1.pid").exists():
        yield
        return
    print("starting the lab's cluster, some minutes", file=sys.stderr, flush=True)
    try:
        lab.run("lab/topology", "up", *(f"{name}={address}" for name, address in NODES.items()))
        lab.run("ansible-playbook", *INVENTORY, "lab/workload.yml")
        lab.run(*playbook("site"))
        yield
    finally:
        lab.run("lab/topology", "down", *NODES)


@contextmanager
def cable(lab: Lab) -> Iterator[None]:
    """The client is a little away."""
    lab.run(*lab.inside("client", "tc", "qdisc", "replace", *CABLE))
    try:
        yield
    finally:
        lab.run(*lab.inside("client", "tc", "qdisc", "del", *CABLE[:3]))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.loss", description=(__doc__ or "").splitlines()[0])
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", choices=names, help="only this one, and what is named by others (all)")
    parser.add_argument("--requests", type=int, default=20000, help="how many in each case at least (%(default)s)")
    parser.add_argument("--rate", type=float, default=600.0, help="requests a second; 0: what is possible (%(default)s)")
    parser.add_argument("--keepalive", type=int, default=16, help="clients that keep their connection (%(default)s)")
    parser.add_argument("--short", type=int, default=16, help="clients with a connection for each request (%(default)s)")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds for a request (%(default)s)")
    parser.add_argument("--seconds", type=float, default=float(TIMEOUT), help="a case ends after that (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    refuse_elsewhere()
    lab, rows = Lab(), []
    try:
        with ExitStack() as stack:
            stack.enter_context(cluster(lab))
            stack.enter_context(cable(lab))
            version = lab.run("ipvsadm", "--version").split(" (")[0].strip()
            pace = f"{options.rate:g} requests a second" if options.rate else "as fast as they are answered"
            print(f"{options.keepalive} keep-alive and {options.short} short-connection clients, {pace};", end=" ")
            print(f"conn_reuse_mode={REUSE['conn_reuse_mode']};")
            print(f"ansible-core {ansible_core}, {version}, Linux {platform.release()}\n")
            print(line(HEAD), flush=True)
            for case in CASES:
                if not options.case or case.name in options.case:
                    rows.append(measure(lab, case, options))
                    print(shown(rows[-1]), flush=True)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    judged = verdicts(rows)
    print()
    for row in rows:
        print(f"{row.case.what:<{WIDTHS[0]}}{judged[row.case.name]}")
    return int(any(verdict.isupper() for verdict in judged.values()))


if __name__ == "__main__":
    sys.exit(main())
