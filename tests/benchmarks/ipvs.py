# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the IPVS modules against ipvsadm, in turns on one kernel: what counts are the ratios.

    lab/run python -m tests.benchmarks.ipvs [--runs 5] [--services 1000] [--destinations 10] [--growth 100,1000,...]

Modules run as Ansible sends them, on the managed host's Python; what they are measured against, as a whole process.
It exits with 1 where what was measured did not do what it should, whatever the times.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

from ansible.release import __version__ as ansible_core

from ..integration.managed_host import PYTHON
from . import payload

HERE = Path(__file__).parent
FIRST_VIP, FIRST_RIP = ipaddress.IPv4Address("10.1.0.1"), ipaddress.IPv4Address("10.128.0.1")
SAVE = ("ipvsadm", "--save", "-n")
NETWORK = "ip link set lo up; ip link add bench0 type dummy; ip address add 10.0.0.1/8 dev bench0; ip link set bench0 up"
# Beyond so many destinations, a run takes long, and three tell enough.
MANY, ENOUGH = 20000, 3
MIB = 1024  # KiB


class Wrong(Exception):
    """What was measured did not do what it should."""


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    peak: int  # KiB
    output: str
    laps: dict[str, float] = field(default_factory=dict)


class Launcher:
    """Runs commands and measures them; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._files = [str(folder / name) for name in ("output", "errors")]

    def __enter__(self) -> Launcher:
        command = (PYTHON, "-I", "-S", str(HERE / "launch.py"))
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def _ask(self, *request: Sequence[str]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def renew_network(self) -> None:
        """Run what comes in a new network namespace, where the real servers have a network."""
        self._ask(())
        self.run("sh", "-ec", NETWORK)

    def run(self, *command: str, given: str = os.devnull) -> Run:
        """Run a command to its end.

        :param given: the file that is its input
        :raises Wrong: it failed
        """
        told = self._ask(command, given, *self._files)
        output, errors = (Path(name).read_text() for name in self._files)
        if told["status"] != 0:
            raise Wrong(f"{' '.join(command)} exited with {told['status']}:\n{output[-2000:]}\n{errors[-2000:]}")
        laps = {}
        for line in errors.splitlines():
            if line.startswith('{"laps"'):
                inside = json.loads(line)
                start, end = inside["began"] - told["began"], told["ended"] - inside["ended"]
                laps = {"start of Python": start, **inside["laps"], "end of Python": end}
        return Run(told["ended"] - told["began"], told["peak"], output, laps)


@dataclass(frozen=True)
class Table:
    """A table of virtual services, as the module's options and as ipvsadm's rules."""

    services: list[dict[str, Any]]
    rules: str

    @classmethod
    def of(cls, destinations: int, each: int, weight: int = 1) -> Table:
        """So many destinations, so many to a service, and the very first of this weight."""
        services: list[dict[str, Any]] = []
        rules: list[str] = []
        for number in range(destinations):
            if number % each == 0:
                vip = str(FIRST_VIP + len(services))
                services.append({"vip": vip, "port": 80, "scheduler": "wrr", "destinations": []})
                rules.append(f"-A -t {vip}:80 -s wrr")
            rip = str(FIRST_RIP + number)
            services[-1]["destinations"].append({"rip": rip, "weight": weight if number == 0 else 1})
            rules.append(f"-a -t {vip}:80 -r {rip}:80 -i -w {weight if number == 0 else 1}")
        return cls(services, "".join(f"{rule}\n" for rule in rules))


@dataclass(frozen=True)
class Bench:
    """What is measured, and with what."""

    launcher: Launcher
    folder: Path
    runs: int

    def file(self, name: str, text: str) -> str:
        """A file with this in it."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def module(self, name: str, **options: Any) -> str:
        """A file with what Ansible sends."""
        number = len(list(self.folder.iterdir()))
        return self.file(f"{name}-{number}.py", payload.of(name, PYTHON, **options))

    def table(self, table: Table) -> str:
        """A file with what Ansible sends for a table."""
        return self.module("lvs.cluster.ipvs_table", services=table.services, purge="destinations")

    def timed(self, module: str) -> str:
        """The same module with laps."""
        return self.file(f"{Path(module).name}-timed.py", payload.timed(Path(module).read_text()))

    def run_module(self, module: str, changed: bool | None) -> Run:
        """Run what Ansible sends, and see that it changed something, or nothing."""
        run = self.launcher.run(PYTHON, module)
        result = json.loads(run.output)
        if result.get("failed") or result.get("changed") != changed:
            raise Wrong(f"{Path(module).name}: expected changed={changed} and got {run.output[:2000]}")
        return run

    def clear(self) -> None:
        """Leave no table, and no memory of one."""
        self.launcher.run("ipvsadm", "-C")
        self.launcher.renew_network()

    def rules(self) -> str:
        """The table that there is."""
        return self.launcher.run("ipvsadm", "-Sn").output

    def in_turns(self, *kinds: Callable[[], Run]) -> list[list[Run]]:
        """Run each kind once, then all again: the runs of each kind."""
        rounds = [[kind() for kind in kinds] for _round in range(self.runs)]
        return [list(runs) for runs in zip(*rounds)]


def seconds(runs: Sequence[Run]) -> list[float]:
    """How long whole processes took."""
    return [run.seconds for run in runs]


def lap(runs: Sequence[Run], name: str) -> list[float]:
    """How long one lap took."""
    return [run.laps[name] for run in runs]


def spread(values: Sequence[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{median(values):.3f} ({min(values):.3f}..{max(values):.3f})"


ROW = "{:<54}{:<24}{:<24}{:<24}{:>7}{:>6}  {}"


def show(what: str, ours: Sequence[float], against: str, theirs: Sequence[float], aim: float) -> None:
    """Print a row."""
    ratio = median(ours) / median(theirs)
    verdict = "ok" if ratio <= aim else "over"
    print(ROW.format(what, spread(ours), against, spread(theirs), f"{ratio:.3f}", f"{aim:g}", verdict), flush=True)


def compare(bench: Bench, table: Table, changed_table: Table) -> list[tuple[str, Sequence[Run]]]:
    """Print the ratios; return the runs that have laps, by what they did."""
    restored = bench.file("rules", table.rules)
    plain, other = bench.table(table), bench.table(changed_table)
    timed = bench.timed(plain)
    destinations = sum(len(service["destinations"]) for service in table.services)

    def from_empty(run: Callable[[], Run]) -> Callable[[], Run]:
        def emptied() -> Run:
            bench.clear()
            return run()

        return emptied

    filling, whole, theirs = bench.in_turns(
        from_empty(lambda: bench.run_module(timed, changed=True)),
        from_empty(lambda: bench.run_module(plain, changed=True)),
        from_empty(lambda: bench.launcher.run("ipvsadm", "--restore", given=restored)),
    )
    print(ROW.format("what", "ours (s)", "against", "theirs (s)", "ratio", "aim", ""))
    what = f"{len(table.services)} services, {destinations} destinations from empty"
    show(f"{what}, netlink", lap(filling, "apply"), "ipvsadm --restore", seconds(theirs), 0.05)
    show(f"{what}, process", seconds(whole), "ipvsadm --restore", seconds(theirs), 0.5)

    by_ipvsadm = bench.rules()
    bench.clear()
    bench.run_module(plain, changed=True)
    if bench.rules() != by_ipvsadm or len(by_ipvsadm.splitlines()) != len(table.services) + destinations:
        raise Wrong("the module and ipvsadm --restore did not make the same table")

    reading, idle, theirs = bench.in_turns(
        lambda: bench.run_module(timed, changed=False),
        lambda: bench.run_module(plain, changed=False),
        lambda: bench.launcher.run(*SAVE),
    )
    show("nothing to do, reading", lap(reading, "read"), "ipvsadm --save -n", seconds(theirs), 1.0)
    show("nothing to do, process", seconds(idle), "ipvsadm --save -n", seconds(theirs), 3.5)

    states = [plain, other]

    def change() -> Run:
        states.reverse()
        return bench.run_module(states[0], changed=True)

    changing, idle = bench.in_turns(change, lambda: bench.run_module(states[0], changed=False))
    show("one weight changed, process", seconds(changing), "nothing to do, process", seconds(idle), 1.2)

    service = table.services[0]
    named = {"vip": service["vip"], "port": service["port"], "rip": service["destinations"][-1]["rip"]}
    single, ping = bench.module("lvs.cluster.ipvs_dest", **named), bench.module("ansible.builtin.ping")
    ours, theirs = bench.in_turns(
        lambda: bench.run_module(single, changed=False), lambda: bench.run_module(ping, changed=None)
    )
    show("one ipvs_dest, nothing to do, process", seconds(ours), "ansible.builtin.ping", seconds(theirs), 1.3)
    return [("nothing to do", reading), ("from empty", filling)]


GROWTH = "{:>12}{:>14}{:>14}{:>16}{:>16}{:>14}{:>16}"


def grow(bench: Bench, sizes: Sequence[int], each: int) -> None:
    """Print what tables of these sizes take."""
    print()
    print(GROWTH.format("destinations", *("from empty", "nothing to do") * 2, "peak memory", "memory"))
    print(GROWTH.format("", "s", "s", *("us/destination",) * 2, "MiB", "KiB/destination"))
    nothing = bench.table(Table.of(0, each))

    def emptied(module: str, changed: bool) -> Run:
        bench.clear()
        return bench.run_module(module, changed)

    for size in sizes:
        module = bench.table(Table.of(size, each))
        several = replace(bench, runs=min(bench.runs, ENOUGH if size > MANY else bench.runs))
        starting, filling, idle = several.in_turns(
            partial(emptied, nothing, changed=False),
            partial(emptied, module, changed=True),
            partial(bench.run_module, module, changed=False),
        )
        start, memory = median(seconds(starting)), max(run.peak for run in starting)
        empty_takes, idle_takes = median(seconds(filling)), median(seconds(idle))
        peak = max(run.peak for run in (*filling, *idle))
        print(
            GROWTH.format(
                size,
                f"{empty_takes:.3f}",
                f"{idle_takes:.3f}",
                f"{(empty_takes - start) / size * 1e6:.0f}",
                f"{(idle_takes - start) / size * 1e6:.0f}",
                f"{peak / MIB:.1f}",
                f"{(peak - memory) / size:.2f}",
            ),
            flush=True,
        )


LAP = "{:<36}{:>16}{:>16}"


def profile(measured: Sequence[tuple[str, Sequence[Run]]]) -> None:
    """Print where the time goes."""
    print()
    print(LAP.format("where the time goes (s, medians)", *(what for what, _runs in measured)))
    for name in measured[0][1][0].laps:
        print(LAP.format(name, *(f"{median(lap(runs, name)):.3f}" for _what, runs in measured)))
    print(LAP.format("process", *(f"{median(seconds(runs)):.3f}" for _what, runs in measured)))


def refuse_elsewhere() -> None:
    """Run in a fresh network namespace only."""
    links = json.loads(subprocess.check_output(["ip", "-json", "link", "show", "up"]))
    used = [link["ifname"] for link in links if link.get("ifname", "lo") != "lo"]
    table = subprocess.run(["ipvsadm", "-Sn"], capture_output=True, text=True, check=False)
    if used or table.returncode or table.stdout:
        reason = f"{', '.join(used)} is up" if used else table.stderr.strip() or "IPVS has a table"
        sys.exit(f"{reason}: this is for a fresh network namespace on a kernel with IPVS, run it with lab/run")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ipvs", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--services", type=int, default=1000, help="virtual services (%(default)s)")
    parser.add_argument("--destinations", type=int, default=10, help="real servers of each (%(default)s)")
    parser.add_argument("--growth", default="100,1000,10000,50000", help="tables of so many destinations (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    sizes = [int(size) for size in options.growth.split(",") if size]
    refuse_elsewhere()
    with tempfile.TemporaryDirectory() as name, Launcher(Path(name)) as launcher:
        bench = Bench(launcher, Path(name), options.runs)
        version = launcher.run(PYTHON, "--version").output.strip()
        print(f"{options.runs} runs of each in turns, medians (lowest..highest); {version}, ansible-core {ansible_core},")
        print(f"{launcher.run('ipvsadm', '--version').output.split(' (')[0].strip()}, Linux {platform.release()}")
        print()
        try:
            launcher.renew_network()
            # Once for nothing, so that what they read from disk is in memory.
            empty = bench.table(Table.of(0, 1))
            bench.run_module(empty, changed=False)
            bench.run_module(bench.timed(empty), changed=False)
            count = options.services * options.destinations
            tables = [Table.of(count, options.destinations, weight) for weight in (1, 2)]
            laps = compare(bench, *tables)
            grow(bench, sizes, options.destinations)
            profile(laps)
        except Wrong as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
