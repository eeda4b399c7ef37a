# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the connections that go on when the active director of a pair dies, and measure what that costs.

    lab/run python -m tests.benchmarks.survival [--runs 3] [--case NAME]... [--part quiet|busy|cost]...

Network namespaces on one kernel: a client, two directors with the same table, three real servers behind IPIP tunnels. In each
run connections are opened over four seconds, a tenth of a second apart; then the active director's link is cut and the other
one takes the VIP. The first one boots anew and is the standby; after a pause the other one dies. The cost is in sync messages
of the active director, and in processor time of the whole kernel, with client and real servers, under a steady load. It exits
with 1 where a case that the roles set up lost more than it may, or where the control, directors that know nothing of each
other, lost nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from ..integration.managed_host import Modules
from ..integration.namespaces import Namespace, namespaces
from ..integration.pair import DIRECTORS, RIPS, VIP, Pair
from .clients import KINDS, PORT, STICKY_PORT, Answers, Connection, Others, addresses

EACH = 40  # connections of each kind
APART = 0.1  # seconds from one to the next
SETTLE = 1.0  # seconds after the VIP is on the other director
BUSY = 100.0  # new connections a second beside, where there is other traffic
PAUSE = 6.0  # seconds from the boot of the director that died to the death of the other one
PERSISTENCE = 300
QUIET = ("idle", "silent")  # the kinds of connections where nothing else is sent
LASTING = ("used", "keepalive", "udp")  # the kinds that send something between the failures
MAY_LOSE = 4  # of each kind: so many wait for a message to be full
LOSES = 4  # the control: so many may go on by chance
LEAD = 3.0  # seconds of load before the cost is measured
DRAINING = 1.0  # seconds from the drain to the first failure
Counts = dict[str, list[int]]  # by kind: after each failure


@dataclass(frozen=True)
class Case:
    """Two directors that are to carry each other's connections."""

    name: str
    scheduler: str = "wrr"
    maxlen: int | None = None  # of the sync messages, bytes; 0: the kernel's own; None: no sync daemons
    sysctls: Mapping[str, int | str] = field(default_factory=dict)
    flags: Sequence[str] = ("port", "fallback")  # of the schedulers that hash
    chosen: bool = False  # what the roles set up
    control: bool = False  # has to lose all
    drains: bool = False  # one real server gets the weight 0 before the first failure
    reboots: bool = True  # the director that comes back has booted; otherwise it is its link that comes back

    def services(self, drained: bool = False) -> list[dict[str, Any]]:
        """TCP, UDP, and a persistent service."""
        flags = list(self.flags) if self.scheduler in ("mh", "sh") else []
        plain = {"vip": VIP, "port": PORT, "scheduler": self.scheduler, "scheduler_flags": flags}
        # By the client's address alone: a new connection has another port.
        sticky = {**plain, "port": STICKY_PORT, "scheduler_flags": [flag for flag in flags if flag != "port"]}
        destinations = [{"rip": rip, "weight": int(not drained or rip != RIPS["rs1"])} for rip in RIPS.values()]
        rows = [plain, {**plain, "protocol": "udp"}, {**sticky, "persistence_timeout": PERSISTENCE}]
        return [{**row, "destinations": destinations} for row in rows]

    def daemons(self) -> list[dict[str, Any]]:
        """What the module ipvs_sync_daemon is told: both roles at once."""
        if self.maxlen is None:
            return []
        master = {"role": "master", "interface": "eth0", **({"sync_maxlen": self.maxlen} if self.maxlen else {})}
        return [master, {"role": "backup", "interface": "eth0"}]


def _sync(name: str, threshold: str, refresh: int = 0, maxlen: int = 0, **more: Any) -> Case:
    sysctls = {"sync_threshold": threshold, "sync_refresh_period": refresh, **more.pop("sysctls", {})}
    return Case(name, maxlen=maxlen, sysctls=sysctls, **more)


SLOPPY = {"sloppy_tcp": 1}
CHOSEN = _sync("sync 0 0, refresh 1, maxlen 160", "0 0", 1, 160, chosen=True)
CHOSEN_WITH_MH = replace(CHOSEN, name="mh-port, sloppy_tcp, sync 160", scheduler="mh", sysctls={**CHOSEN.sysctls, **SLOPPY})
CONTROL = Case("nothing", control=True)
CASES = (
    CONTROL,
    Case("sloppy_tcp", sysctls=SLOPPY),
    _sync("sync 3 50", "3 50"),
    _sync("sync 2 50", "2 50"),
    _sync("sync 0 1", "0 1"),
    _sync("sync 0 0, refresh 10", "0 0", 10),
    _sync("sync 0 0, refresh 1", "0 0", 1),
    _sync("sync 0 0, refresh 1, maxlen 1", "0 0", 1, 1),
    CHOSEN,
    replace(CHOSEN, name="the same, and its link returns", reboots=False),
    Case("mh-port", "mh"),
    Case("mh-port, sloppy_tcp", "mh", sysctls=SLOPPY),
    Case("mh, sloppy_tcp", "mh", flags=("fallback",), sysctls=SLOPPY),
    Case("sh, sloppy_tcp", "sh", sysctls=SLOPPY),
    CHOSEN_WITH_MH,
    Case("mh-port, sloppy_tcp, a drain", "mh", sysctls=SLOPPY, drains=True),
    replace(CHOSEN_WITH_MH, name="mh-port, sloppy_tcp, sync 160, a drain", drains=True),
)


class Bench:
    """The network, and what runs in it."""

    def __init__(self, pair: Pair, answers: Answers) -> None:
        self.pair = pair
        self.answers = answers

    def start(self, case: Case) -> None:
        """The directors of a case have booted, and the first has the VIP."""
        for name in DIRECTORS:
            self.boot(case, name)
        self.pair.take_over("a")
        self.pair.client.sh("ip neigh flush all")

    def boot(self, case: Case, name: str, drained: bool = False) -> None:
        """One director of the case."""
        self.pair.boot(name, case.services(drained), dict(case.sysctls), case.daemons())

    def fail_over(self, dying: str, other: str) -> None:
        """One director dies, and the other one has the VIP."""
        self.pair.cut(dying)
        self.pair.take_over(other)

    def come_back(self, case: Case, name: str) -> None:
        """The director that died is the standby."""
        if case.reboots:
            self.boot(case, name, case.drains)
        else:
            self.pair.give_up(name)

    def drain(self, case: Case) -> None:
        """The real server that the case drains has weight 0 on both directors."""
        for director in self.pair.directors.values():
            director.module("ipvs_table", services=case.services(drained=True)).changed()


async def survivors(bench: Bench, case: Case, kinds: Sequence[str], rate: float, pause: float) -> Counts:
    """How many of each kind go on after the first failure, and after the second one.

    :param rate: new connections a second beside
    :param pause: seconds between the failures; 0: there is no second one
    """
    loop = asyncio.get_running_loop()
    async with bench.answers.serving():
        await loop.run_in_executor(None, bench.start, case)
        others = asyncio.create_task(Others(VIP, rate).run()) if rate else None
        with addresses(bench.pair.client, EACH) as sources:
            # How full the message is that waits when the director dies is left to chance.
            spare = [Connection("silent", VIP, None) for _number in range(random.randrange(EACH))]
            await asyncio.gather(*(connection.open() for connection in spare))
            connections = await _opened(kinds, sources)
            if case.drains:
                await loop.run_in_executor(None, bench.drain, case)
                await asyncio.sleep(DRAINING)
            counts: list[Counter[str]] = []
            for dying, other in (("a", "b"), ("b", "a"))[: 2 if pause else 1]:
                if counts:
                    await loop.run_in_executor(None, bench.come_back, case, other)
                    await asyncio.sleep(pause)
                await loop.run_in_executor(None, bench.fail_over, dying, other)
                await asyncio.sleep(SETTLE)
                # In no order: by turns, a persistent client would come to the same real server without being known.
                random.shuffle(connections)
                await asyncio.gather(*(connection.check() for connection in connections))
                counts.append(Counter(connection.kind for connection in connections if connection.lives))
            if others:
                others.cancel()
            for connection in (*spare, *connections):
                await connection.close()
    return {kind: [count[kind] for count in counts] for kind in kinds}


async def _opened(kinds: Sequence[str], sources: Sequence[str]) -> list[Connection]:
    """Connections of these kinds, the oldest of which is four seconds old."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    connections: list[Connection] = []
    opening = []
    for number, source in enumerate(sources):
        await asyncio.sleep(max(began + number * APART - loop.time(), 0))
        for kind in kinds:
            connections.append(Connection(kind, VIP, source if kind == "sticky" else None))
            opening.append(asyncio.create_task(connections[-1].open()))
    await asyncio.sleep(max(began + EACH * APART - loop.time(), 0))
    await asyncio.gather(*opening)
    return connections


def run(bench: Bench, case: Case, kinds: Sequence[str], rate: float, pause: float) -> Counts:
    """The same, with the client's sockets in the client."""
    with bench.pair.client.inside():
        return asyncio.run(survivors(bench, case, kinds, rate, pause))


# ----- cost


@dataclass(frozen=True)
class Cost:
    """What a second of load costs."""

    connections: float  # new ones
    packets: float  # of sync
    octets: float  # of sync, with IP headers
    cpu: float  # processor seconds of the kernel and all in it
    daemons: float  # processor seconds of the sync daemons


def _cpu() -> float:
    """Processor seconds since the boot."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def _daemons() -> float:
    """Processor seconds of the sync daemons that run."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if "(ipvs-" in text:
            fields = text.rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _sent(director: Namespace) -> tuple[int, int]:
    """Multicast packets and bytes that it has sent: sync messages, but for a few of IGMP."""
    names, values = [line.split() for line in director.sh("cat /proc/net/netstat").splitlines() if line.startswith("IpExt:")]
    counters = dict(zip(names, values))
    return int(counters["OutMcastPkts"]), int(counters["OutMcastOctets"])


async def cost(bench: Bench, case: Case, rate: float, kept: int, seconds: float) -> Cost:
    """Under new connections at this rate, and so many that are in use all the while."""
    loop = asyncio.get_running_loop()
    async with bench.answers.serving():
        await loop.run_in_executor(None, bench.start, case)
        connections = [Connection("used", VIP, None) for _number in range(kept)]
        for connection in connections:
            await connection.open()
        others = Others(VIP, rate)
        task = asyncio.create_task(others.run())
        await asyncio.sleep(LEAD)
        began, before = time.monotonic(), (others.opened, *_sent(bench.pair.directors["a"]), _cpu(), _daemons())
        await asyncio.sleep(seconds)
        after, took = (others.opened, *_sent(bench.pair.directors["a"]), _cpu(), _daemons()), time.monotonic() - began
        task.cancel()
        for connection in connections:
            await connection.close()
    return Cost(*((later - earlier) / took for earlier, later in zip(before, after)))


# ----- results


def shown_survivors(results: Sequence[Counts]) -> str:
    """The medians of several runs, after each failure."""
    cells = []
    for kind in KINDS:
        columns = zip(*(result.get(kind, []) for result in results))
        cells.append(" / ".join(f"{median(column):g}" for column in columns) or "-")
    return "".join(f"{cell:>13}" for cell in cells)


def is_wrong(case: Case, part: str, results: Sequence[Counts]) -> str:
    """What speaks against what was measured, or against what the roles set up; empty where nothing does."""
    least = min(median(result[kind][0] for result in results) for kind in results[0])
    if case.control and part == "busy" and least > LOSES:
        return "LOSES NOTHING: NOTHING IS MEASURED"
    after_both = [median(result[kind][-1] for result in results) for kind in LASTING if kind in results[0]]
    if case.chosen and min([least, *after_both]) < EACH - MAY_LOSE:
        return "LOST"
    return ""


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.survival", description=(__doc__ or "").splitlines()[0])
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", choices=names, help="only this one, and what is named by others (all)")
    parser.add_argument("--part", action="append", choices=["quiet", "busy", "cost"], help="only this part (all)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (%(default)s)")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between the failures (%(default)s)")
    parser.add_argument("--rate", type=float, default=300.0, help="new connections a second, of the cost (%(default)s)")
    parser.add_argument("--kept", type=int, default=100, help="connections in use, of the cost (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds of load, of the cost (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    if not os.environ.get("LVS_LAB_INSIDE"):
        sys.exit("this takes network namespaces and IPVS: run it with lab/run")
    cases = [case for case in CASES if not options.case or case.name in options.case]
    parts = options.part or ["quiet", "busy", "cost"]
    failed = False
    print(f"{options.runs} runs of each, medians; Linux {platform.release()}\n", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        modules = stack.enter_context(closing(Modules(folder / "modules")))
        make = stack.enter_context(namespaces(folder / "hosts", modules))
        pair = Pair(make)
        bench = Bench(pair, Answers(pair.real_servers))
        for part, (kinds, rate, pause) in {"quiet": (QUIET, 0.0, 0.0), "busy": (KINDS, BUSY, options.pause)}.items():
            if part not in parts:
                continue
            second = f" / after the second, {pause:g} s later" if pause else ""
            print(f"{part}, {rate:g} new connections a second beside: of {EACH} go on after the first failure{second}")
            print(f"{'':<44}" + "".join(f"{kind:>13}" for kind in KINDS), flush=True)
            for case in cases:
                results = [run(bench, case, kinds, rate, pause) for _run in range(options.runs)]
                wrong = is_wrong(case, part, results)
                failed = failed or bool(wrong)
                print(f"{case.name:<44}{shown_survivors(results)}  {wrong}".rstrip(), flush=True)
            print()
        if "cost" in parts:
            print(f"cost of a second with {options.rate:g} new connections and {options.kept} with 5 requests each")
            print(f"{'':<44}{'new':>8}{'packets':>10}{'bytes':>10}{'CPU s':>9}{'ratio':>8}{'daemons':>9}", flush=True)
            costs: dict[str, list[Cost]] = {case.name: [] for case in cases}
            for _run in range(options.runs):
                for case in cases:
                    with pair.client.inside():
                        costs[case.name].append(asyncio.run(cost(bench, case, options.rate, options.kept, options.seconds)))
            first = median(one.cpu for one in costs[cases[0].name])
            for name, found in costs.items():
                values = [median(getattr(one, key) for one in found) for key in Cost.__dataclass_fields__]
                new, packets, octets, cpu, daemons = values
                print(f"{name:<44}{new:>8.0f}{packets:>10.1f}{octets:>10.0f}{cpu:>9.3f}{cpu / first:>8.2f}{daemons:>9.4f}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
