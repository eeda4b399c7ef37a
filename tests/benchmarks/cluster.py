# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure site.yml against a playbook with the commands of a manual set-up, on clusters of several sizes.

    lab/run python -m tests.benchmarks.cluster [--runs 3] [--real-servers 2,20,100] [--forks 4]

Each first run is on new hosts, and a second run follows. It exits with 1 where a cluster does not work afterwards, or where
the second run of site.yml changes something, whatever the times.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ansible.release import __version__ as ansible_core

from ..integration.large_cluster import FORKS, SERVICES, LargeCluster, standing
from ..integration.managed_host import Modules
from ..integration.namespaces import namespaces

HERE = Path(__file__).parent
OURS, THEIRS = "lvs.cluster.site", str(HERE / "commands.yml")
FIRST, SECOND = "first run", "second run"
AIMS = {FIRST: 1.5, SECOND: 1.0}
LEAST = 0.02  # the share of a run from which on a task has a line of its own


class Wrong(Exception):
    """What was measured did not do what it should."""


@dataclass(frozen=True)
class Run:
    """A run of a playbook."""

    seconds: float
    tasks: Mapping[str, float]  # by their names


Measured = dict[tuple[str, str], list[Run]]  # by playbook, and first or second run


def played(cluster: LargeCluster, playbook: str, forks: int, times: Path) -> tuple[Run, str]:
    """Run a playbook: the run, and what it printed.

    :raises Wrong: it failed
    """
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "ANSIBLE_FORKS": str(forks),
        "LVS_TASK_TIMES": str(times),
    }
    began = time.monotonic()
    done = cluster.playbook(playbook, **environment)
    seconds = time.monotonic() - began
    if done.returncode:
        raise Wrong(f"{playbook} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    tasks: dict[str, float] = defaultdict(float)
    for line in times.read_text().splitlines():
        name, of_task = json.loads(line)
        tasks[name] += of_task
    return Run(seconds, tasks), done.stdout


def measure(modules: Modules, playbook: str, count: int, forks: int) -> tuple[Run, Run]:
    """The first and the second run on a new cluster.

    :raises Wrong: it does not work afterwards
    """
    with tempfile.TemporaryDirectory() as name, namespaces(Path(name), modules) as make:
        folder = Path(name)
        with standing(make, folder, count) as cluster:
            first, _printed = played(cluster, playbook, forks, folder / "times")
            for service in SERVICES:
                answers = cluster.names(service, count)
                if answers != dict.fromkeys(cluster.real_servers, 1):
                    raise Wrong(f"{playbook}, {service['name']}: not every real server answered once: {answers}")
            second, printed = played(cluster, playbook, forks, folder / "times")
            if playbook == OURS and re.search(r"\bchanged=[1-9]", printed):
                raise Wrong(f"the second run of {playbook} changed something:\n{printed[-4000:]}")
    return first, second


def seconds(runs: Sequence[Run]) -> float:
    """The median of the times."""
    return median(run.seconds for run in runs)


def spread(runs: Sequence[Run]) -> str:
    """The median of the times, with the lowest and the highest."""
    values = [run.seconds for run in runs]
    return f"{median(values):.1f} ({min(values):.1f}..{max(values):.1f})"


ROW = "{:<32}{:<24}{:<24}{:>7}{:>6}  {}"


def show(count: int, measured: Measured) -> None:
    """Print the rows of a size."""
    for which, aim in AIMS.items():
        ours, theirs = measured[OURS, which], measured[THEIRS, which]
        ratio = seconds(ours) / seconds(theirs)
        verdict = "ok" if ratio <= aim else "over"
        print(
            ROW.format(f"{which}, {count} real servers", spread(ours), spread(theirs), f"{ratio:.2f}", f"{aim:g}", verdict),
            flush=True,
        )


GROWTH = "{:<24}{:>22}{:>22}{:>22}{:>22}"


def grow(sizes: Mapping[int, Measured]) -> None:
    """Print what each further real server takes."""
    keys = [(playbook, which) for playbook in (OURS, THEIRS) for which in (FIRST, SECOND)]
    print()
    heads = [f"{'site.yml' if playbook == OURS else 'commands'}, {which}" for playbook, which in keys]
    print(GROWTH.format("s for one real server", *heads))
    counts = sorted(sizes)
    for fewer, more in zip(counts, counts[1:]):
        cells = [(seconds(sizes[more][key]) - seconds(sizes[fewer][key])) / (more - fewer) for key in keys]
        print(GROWTH.format(f"from {fewer} to {more}", *(f"{cell:.2f}" for cell in cells)))


TASK = "{:<90}{:>12}{:>12}"


def profile(count: int, measured: Measured) -> None:
    """Print where the time goes."""
    for playbook, title in ((OURS, "site.yml"), (THEIRS, "commands")):
        runs = [measured[playbook, which] for which in (FIRST, SECOND)]
        names = dict.fromkeys(name for of_kind in runs for run in of_kind for name in run.tasks)
        rows = {name: [median(run.tasks.get(name, 0.0) for run in of_kind) for of_kind in runs] for name in names}
        whole = [seconds(of_kind) for of_kind in runs]
        shown = {name: row for name, row in rows.items() if any(cell > LEAST * of for cell, of in zip(row, whole))}
        others = [of - sum(row[column] for row in shown.values()) for column, of in enumerate(whole)]
        print()
        print(TASK.format(f"{title}, {count} real servers, where the time goes (s, medians)", FIRST, SECOND))
        for name, row in sorted(shown.items(), key=lambda item: -sum(item[1])):
            print(TASK.format(name, *(f"{cell:.1f}" for cell in row)))
        print(TASK.format("others, and the start", *(f"{cell:.1f}" for cell in others)))
        print(TASK.format("all", *(f"{cell:.1f}" for cell in whole)))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cluster", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--real-servers", default="2,20,100", help="clusters with so many (%(default)s)")
    parser.add_argument("--forks", type=int, default=FORKS, help="Ansible's processes (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    if not os.environ.get("LVS_LAB_INSIDE"):
        sys.exit("this makes network namespaces on a kernel with IPVS: run it with lab/run")
    print(f"{options.runs} runs of each in turns, medians (lowest..highest); {options.forks} forks;", end=" ")
    print(f"ansible-core {ansible_core}, Linux {platform.release()}\n")
    print(ROW.format("", "site.yml (s)", "commands (s)", "ratio", "aim", ""), flush=True)
    sizes: dict[int, Measured] = {}
    try:
        with tempfile.TemporaryDirectory() as folder, closing(Modules(Path(folder))) as modules:
            for count in map(int, options.real_servers.split(",")):
                measured: Measured = defaultdict(list)
                for _round in range(options.runs):
                    for playbook in (OURS, THEIRS):
                        first, second = measure(modules, playbook, count, options.forks)
                        measured[playbook, FIRST].append(first)
                        measured[playbook, SECOND].append(second)
                sizes[count] = measured
                show(count, measured)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    grow(sizes)
    profile(max(sizes), sizes[max(sizes)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
