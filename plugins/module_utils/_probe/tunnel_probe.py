# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Real servers, asked through their tunnels: options in, whom to ask out; what was found in, what to say of it out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .._core import values
from .._core.errors import Faults, InvalidValue, raise_all
from .._core.values import Address
from .._ipvs import model as ipvs
from . import vip_requests as requests
from .vip_requests import ProbeFailed

FORWARDS = ("tunnel", "route", "masquerade", "local")
MAX_ROWS = 4096
DRAINED = ("probe", "skip")

# What came back.
OPEN, REFUSED, SILENT = "open", "refused", "silent"
ECHO = "echo"  # an echo reply: for TCP, only directly


@dataclass(frozen=True)
class RealServer:
    """A real server of a service."""

    name: str
    destination: ipvs.Destination
    rport: int  # where its program listens

    @property
    def rip(self) -> Address:
        """Its own address."""
        return self.destination.key.rip

    @property
    def vip(self) -> Address:
        """That of the service."""
        return cast("Address", self.destination.key.service.vip)  # _row names no service by a mark

    @property
    def port(self) -> int:
        """That of the service."""
        return self.destination.key.service.port

    @property
    def forward(self) -> str:
        """How packets get there."""
        return self.destination.forward

    @property
    def knocked(self) -> bool:
        """Whether it is asked by TCP; else by an echo request."""
        return self.destination.key.service.protocol == "tcp" and self.port != 0

    def facts(self) -> dict[str, Any]:
        """As the module returns it."""
        return {"name": self.name, "rip": str(self.rip), "vip": str(self.vip), "port": self.port}


@dataclass(frozen=True)
class Plan:
    """Whom to ask."""

    real_servers: tuple[RealServer, ...]
    timeout: float  # seconds, for all together
    skip_drained: bool

    def split(self, table: Mapping[ipvs.DestinationKey, ipvs.Destination]) -> tuple[list[RealServer], list[RealServer]]:
        """Whom to ask, and whom not, where a director has this table."""
        asked: list[RealServer] = []
        skipped: list[RealServer] = []
        for one in self.real_servers:
            kept = table.get(one.destination.key)
            drained = self.skip_drained and (kept is None or kept.weight == 0)
            (skipped if drained or one.forward == "local" else asked).append(one)
        return asked, skipped


@dataclass
class Found:
    """What was found of a real server."""

    came: str = SILENT
    seconds: float | None = None  # until the answer
    problem: str = ""  # why nobody could be asked
    source: Address | None = None  # the address that it was asked from
    directly: str = SILENT  # what came back without the tunnel, where nothing came through it


def wanted_through(options: Mapping[str, Any]) -> Plan:
    """Whom the option O(through) names.

    :raises Invalid: all that is wrong
    """
    faults = Faults()
    for name in ("vip", "port"):
        if options[name] is not None:
            faults.found.append(InvalidValue(name, options[name], "stands beside through: give it within one of its rows"))
    if len(options["through"]) > MAX_ROWS:
        rows = f"{len(options['through'])} rows"
        faults.found.append(InvalidValue("through", rows, f"are more than {MAX_ROWS}: ask for some, and then for others"))
    real_servers = [
        faults.take(_row, one, where=f"through[{number}] ({one.get('name') or one['rip']})")
        for number, one in enumerate(options["through"])
    ]
    timeout = faults.take(requests.seconds, options["timeout"])
    skip = faults.take(values.choice, "drained", options["drained"], DRAINED) == "skip"
    raise_all(faults.found)
    return Plan(tuple(row for row in real_servers if row is not None), timeout or requests.TIMEOUT[0], skip)


def _row(one: Mapping[str, Any]) -> RealServer:
    key = ipvs.ServiceKey.of({name: one[name] for name in ("vip", "port", "protocol")})
    port = key.port if one["rport"] is None else values.port("rport", one["rport"])
    # Only with masquerade does IPVS know of another port.
    theirs = one if one["forward"] == "masquerade" else {**one, "rport": None}
    destination = cast("ipvs.Destination", ipvs.destination_of(key, theirs).new)  # a row has no state: it is there
    destination.check()
    return RealServer(one["name"] or str(destination.key.rip), destination, port)


def verdict(plan: Sequence[tuple[RealServer, Found]], skipped: Sequence[RealServer]) -> dict[str, Any]:
    """The return values.

    :raises ProbeFailed: with them, where somebody did not answer
    """
    rows, told = [], []
    for one, found in plan:
        problem = _problem(one, found)
        seconds = None if found.seconds is None else round(found.seconds, 6)
        rows.append({**one.facts(), "answered": not problem, "seconds": seconds, "problem": problem})
        if problem:
            told.append(f"{one.name} ({one.rip}) for {values.endpoint(one.vip, one.port)}: {problem}")
    facts = {"real_servers": rows, "skipped": [one.facts() for one in skipped]}
    if told:
        head = f"{len(told)} of {len(rows)} probes of real servers were not answered:"
        raise ProbeFailed("\n".join([head, *told]), facts)
    return facts


def means(one: RealServer) -> str:
    """What packets take to it."""
    if one.forward == "tunnel":
        return f"the {one.destination.tunnel_type.upper()} tunnel"
    return "direct routing" if one.forward == "route" else "masquerade"


def _problem(one: RealServer, found: Found) -> str:
    """What is wrong, and the way out; empty: nothing."""
    if found.problem:
        return found.problem
    if found.came == (OPEN if one.knocked else ECHO):
        return ""
    door = values.endpoint(one.rip, one.rport)
    start = f"start its program, or correct the port ({one.rport})"
    if one.forward == "masquerade":
        if found.came == REFUSED:
            return f"nothing listens on {door}: {start}"
        asked = f"no connection to {door}" if one.knocked else "no echo request"
        return f"{asked} got an answer: see that it is up and that its firewall lets {found.source} in"
    if found.came == REFUSED:
        mapped = "" if one.rport == one.port else f", and see that port {one.port} is mapped to {one.rport} there"
        return (
            f"the VIP is there, behind {means(one)}, but nothing listens on {values.endpoint(one.vip, one.port)}:"
            f" {start}, let it listen on every address{mapped}"
        )
    return _silence(one, found, door, start)


def _silence(one: RealServer, found: Found, door: str, start: str) -> str:
    device = "that the tunnel's device is up, " if one.forward == "tunnel" else ""
    guard = f", that its guard lets {found.source} in" if one.forward == "tunnel" else ""
    see = f"see there {device}that it holds {one.vip}{guard}, and that rp_filter is 0 or 2 where the packets come in"
    if found.directly == OPEN:
        return f"answers directly on {door}, but not through {means(one)}: {see}"
    if found.directly == REFUSED:
        return f"does not answer through {means(one)}, and directly nothing listens on {door}: {start}, and {see}"
    if found.directly == ECHO:
        return f"answers echo requests directly, but not through {means(one)}: {see}"
    return f"answers neither through {means(one)} nor directly: see that it is up, and that {one.rip} is its address"
