# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what clients lose when a director fails: of a pair set up by hand, and by this collection, with each engine.

    lab/run python -m tests.benchmarks.failover [--runs 3] [--fault NAME]... [--way hand|netlink|keepalived]...

In a cluster of its own: two directors, three real servers, a client. The pair by hand is keepalived as its manual has it,
with checks and the kernel's sync daemon, and its unit as the distribution has it. Each fault happens to the active director,
under short requests and lasting connections (traffic.py), and so does its end. It exits with 1 where more requests were
lost by what an operator does, or by a director that returns, than were under way, in a pair of the collection.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ansible.release import __version__ as ansible_core

from . import faults, traffic
from .faults import FAULTS, Fault, holders, on
from .lasting import IDLE, USED
from .loss import refuse_elsewhere
from .traffic import Seen, Wrong

PROJECT = Path(__file__).parents[2]
INVENTORY = ("--inventory=lab/inventory", "--inventory=molecule/pair/inventory")
AS_BY_DEFAULT = ("--extra-vars=lvs_vrrp_advert_interval=0.1",)  # the scenarios of Molecule have a longer one
NODES = {"client": 180, "ds1": 181, "ds2": 182, "rs1": 183, "rs2": 184, "rs3": 188}
DIRECTORS = ("ds1", "ds2")
REAL_SERVERS = ("rs1", "rs2", "rs3")
WEB, HASHED = "192.168.56.185", "192.168.56.186"
PLAN = traffic.Plan(WEB, (WEB, HASHED))
WATCHED = 4.0  # seconds from a fault, or its end, to the last request
UNDER_WAY = 1  # request at the moment of a switch, at this rate: with wrr, the other director does not know it
STABLE = 2.0  # seconds that exactly one director holds the VIPs before something is done
TIMEOUT = 900  # seconds that a playbook, or the pair, may take


def address(name: str) -> str:
    """The address of a node."""
    return f"192.168.56.{NODES[name]}"


def run(*words: str) -> str:
    """Run a command to its end.

    :raises Wrong: it failed
    """
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise Wrong(f"{' '.join(words)} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    return done.stdout


# ----- the two ways


def with_netlink() -> None:
    """What a user of the collection runs."""
    run("ansible-playbook", *INVENTORY, *AS_BY_DEFAULT, "playbooks/site.yml")


def with_keepalived() -> None:
    """What a user of the collection runs who wants real servers checked."""
    run("ansible-playbook", *INVENTORY, "--inventory=molecule/checks/inventory", *AS_BY_DEFAULT, "playbooks/site.yml")


_REAL_SERVER = f"""
ip link set tunl0 up
for vip in {WEB} {HASHED}; do ip address replace $vip/32 dev tunl0; done
sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0
"""


def by_hand() -> None:
    """What an administrator types who has read the manual of keepalived."""
    for name in REAL_SERVERS:
        on(name, _REAL_SERVER)
    for name, peer in zip(DIRECTORS, reversed(DIRECTORS)):
        on(name, "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install keepalived >/dev/null 2>&1")
        on(name, f"cat >/etc/keepalived/keepalived.conf <<'END'\n{hand_written(name, peer)}END\nkeepalived --config-test")
        on(name, "systemctl enable --quiet --now keepalived; systemctl restart keepalived")


def hand_written(name: str, peer: str) -> str:
    """A keepalived.conf."""
    servers = "".join(
        f"    real_server {address(server)} 80 {{\n        weight 1\n        TCP_CHECK {{\n"
        "            connect_timeout 2\n        }\n    }\n"
        for server in REAL_SERVERS
    )
    services = "".join(
        f"virtual_server {vip} 80 {{\n    delay_loop 3\n    lvs_sched {scheduler}\n    lvs_method TUN\n    protocol TCP\n"
        f"{servers}}}\n"
        for vip, scheduler in ((WEB, "wrr"), (HASHED, "mh\n    mh-port\n    mh-fallback"))
    )
    return f"""global_defs {{
    router_id {name}
    vrrp_version 3
    lvs_sync_daemon eth0 VI_1 id 51
}}
vrrp_instance VI_1 {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {101 - NODES[name] % 10}
    advert_int 0.1
    unicast_src_ip {address(name)}
    unicast_peer {{
        {address(peer)}
    }}
    virtual_ipaddress {{
        {WEB}/32 dev eth0
        {HASHED}/32 dev eth0
    }}
}}
{services}"""


@dataclass(frozen=True)
class Way:
    """A way to set up the pair."""

    name: str
    what: str
    set_up: Callable[[], None]
    ours: bool = True  # whether nothing may be lost by what an operator does


WAYS = (
    Way("hand", "by hand", by_hand, ours=False),
    Way("netlink", "lvs.cluster, engine netlink", with_netlink),
    Way("keepalived", "lvs.cluster, engine keepalived", with_keepalived),
)


@contextmanager
def pair(way: Way) -> Iterator[None]:
    """The cluster, for this block."""
    print(f"starting the cluster {way.what}, some minutes", file=sys.stderr, flush=True)
    try:
        run("lab/topology", "up", *(f"{name}={address(name)}" for name in NODES))
        run("ansible-playbook", *INVENTORY, "lab/workload.yml", "molecule/pair/workload.yml", "molecule/ipv6.yml")
        way.set_up()
        yield
    finally:
        run("lab/topology", "down", *NODES)


# ----- what is measured


@dataclass(frozen=True)
class Phase:
    """What a fault did, or its end."""

    seen: Seen
    since: float  # time.monotonic()
    none: float  # seconds in which no director had the VIP
    both: float  # seconds in which two had it
    holders: Sequence[str]  # afterwards

    @property
    def pause(self) -> float:
        """Seconds without service."""
        return self.seen.pause(self.since)


def settled() -> str:
    """Wait until exactly one director has held the VIPs for a while, and give its name.

    :raises Wrong: that does not come
    """
    end, since, before = time.monotonic() + TIMEOUT / 10, time.monotonic(), list[str]()
    while time.monotonic() < end:
        now = holders(WEB, DIRECTORS)
        if now != before or len(now) != 1:
            since, before = time.monotonic(), now
        elif time.monotonic() - since > STABLE:
            return now[0]
        time.sleep(0.2)
    raise Wrong(f"the VIP is held by {holders(WEB, DIRECTORS)}")


def measure(act: Callable[[], object], plan: traffic.Plan = PLAN) -> Phase:
    """Do something under traffic."""
    with tempfile.TemporaryDirectory() as folder, faults.watch(WEB, DIRECTORS, Path(folder)) as watch:
        with traffic.traffic(plan) as going:
            since, clock = time.monotonic(), time.time()
            act()
            time.sleep(max(0.0, since + WATCHED - time.monotonic()))
            found, until = holders(WEB, DIRECTORS), time.time()
            seen = going.end()
        held = watch.seconds(clock, until)
    return Phase(seen, since, held[0], held[2], found)


def suffer(fault: Fault, plan: traffic.Plan = PLAN) -> tuple[Phase, Phase]:
    """A fault of the active director, and its end."""
    active = settled()
    struck = measure(lambda: fault.strike(active), plan)
    back = measure(lambda: fault.recover(active), plan)
    settled()
    return struck, back


# ----- what is printed

HEAD = (
    "",
    "no service, s",
    "failed",
    *(f"{kind} {name}" for kind in (USED, IDLE) for name in ("wrr", "mh")),
    "none",
    "two",
    "then",
)
WIDTHS = (38, 20, 14, 11, 11, 11, 11, 7, 7, 10)


def line(cells: Sequence[object]) -> str:
    """A line of the table."""
    first, *others = zip(cells, WIDTHS)
    return (f"{first[0]:<{first[1]}}" + "".join(f"{cell!s:>{width}}" for cell, width in others)).rstrip()


def shown(what: str, phases: Sequence[Phase]) -> str:
    """The row of what was measured some times: medians, and sums."""
    pauses = [phase.pause for phase in phases]
    spread = f" ({min(pauses):.2f}..{max(pauses):.2f})" if len(pauses) > 1 else ""
    failed, requests = (
        sum(numbers) for numbers in zip(*((len(phase.seen.failures), phase.seen.requests) for phase in phases))
    )
    lasting = []
    for kind in (USED, IDLE):
        for vip in (WEB, HASHED):
            go_on, opened = (sum(numbers) for numbers in zip(*(phase.seen.going_on(vip, kind) for phase in phases)))
            lasting.append(f"{go_on}/{opened}")
    none, both = (median(getattr(phase, name) for phase in phases) for name in ("none", "both"))
    then = sorted({len(phase.holders) for phase in phases})
    numbers = ",".join({0: "none", 1: "one", 2: "two"}[count] for count in then)
    cells = (what, f"{median(pauses):.2f}{spread}", f"{failed}/{requests}", *lasting, f"{none:.2f}", f"{both:.2f}", numbers)
    return line(cells)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.failover", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS], help="only this one (all)")
    parser.add_argument("--way", action="append", choices=[way.name for way in WAYS], help="only this one (all)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print it."""
    options = parsed(arguments)
    refuse_elsewhere()
    chosen = [fault for fault in FAULTS if not options.fault or fault.name in options.fault]
    lost = []
    print(
        f"{options.runs} runs of each, {PLAN.rate:g} requests a second to {WEB} (wrr); to it and to {HASHED} (mh),", end=" "
    )
    print(f"{PLAN.used} connections each that are used, and {PLAN.idle} that are idle")
    print(f"ansible-core {ansible_core}, Linux {platform.release()}, {os.cpu_count()} CPUs\n")
    try:
        for way in WAYS:
            if options.way and way.name not in options.way:
                continue
            with pair(way):
                print(line((way.what, *HEAD[1:])), flush=True)
                for fault in chosen:
                    rounds = [suffer(fault) for _round in range(options.runs)]
                    struck, back = ([phases[number] for phases in rounds] for number in (0, 1))
                    print(shown(fault.what, struck), flush=True)
                    print(shown("    and its end", back), flush=True)
                    certain = back + (struck if fault.planned else [])
                    if way.ours and any(len(phase.seen.failures) > UNDER_WAY for phase in certain):
                        lost.append(fault.what)
            print(flush=True)
    except (Wrong, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    for what in lost:
        print(f"LOST where nothing may be: {what}")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
