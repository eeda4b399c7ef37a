# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What would become an outage: the ways from a director to its real servers, and who answers for its VIPs.

Options in, what to look at out; what was found in, faults, warnings and return values out. C(_kernel/probe.py) looks.

Sources: RFC 791 and RFC 8200, 5 (the least MTU of a link); RFC 5227 and RFC 4862 (who holds an address).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import values
from .._core.errors import Faults, InvalidValue, raise_all
from .._core.values import Address
from .._net import tunnel

FORWARDS = ("tunnel", "route", "masquerade")
TIMEOUT = (0.1, 30.0)  # seconds
LEAST_MTU = {4: 576, 6: 1280}  # bytes; below, the way is not worth measuring
_MAX_MTU = 65535
_STEPS = 15  # sizes that are tried at once


@dataclass(frozen=True)
class Path:
    """A way to a real server."""

    where: str  # its place among the options, with its name, for messages
    name: str
    rip: Address
    forward: str
    inner: tuple[int, ...]  # the families of the VIPs, 4 and 6
    overhead: int  # bytes that IPVS puts before a packet
    mtu: int | None  # the path MTU that the real server reckons with
    port: int | None  # a TCP port

    @property
    def measured(self) -> bool:
        """Whether its MTU is: a director that rewrites addresses is a router, and works with any MTU as one does."""
        return self.forward != "masquerade"


@dataclass(frozen=True)
class Plan:
    """What to look at."""

    vips: tuple[Address, ...]
    paths: tuple[Path, ...]
    sources: tuple[Address, ...]
    timeout: float  # seconds, for each kind of probe


@dataclass
class Way:
    """What was found of the way to a RIP."""

    problem: str = ""  # why there is none
    source: Address | None = None  # the address that this host speaks from
    route_mtu: int = 0
    mtu: int | None = None  # bytes of the largest packet that came through in one piece; None: not measured
    echo: bool = False  # echo requests are answered
    open_doors: set[int] = field(default_factory=set)  # TCP ports, accepting or refusing
    macs: set[str] = field(default_factory=set)  # of the neighbour that answers for the RIP


@dataclass
class Findings:
    """What was found of all: of each RIP its way, of each VIP that was asked for who answered, (MAC, device)."""

    ways: Mapping[Address, Way]
    answers: Mapping[Address, set[tuple[str, str]]]
    own_macs: set[str]


def wanted_look(options: Mapping[str, Any]) -> Plan:
    """What the options O(vips), O(paths), O(sources) and O(timeout) ask for."""
    faults = Faults()
    vips = [faults.take(values.vip, value, where=f"vips[{number}]") for number, value in enumerate(options["vips"])]
    paths = [faults.take(_path, place, one, where=_where(place, one)) for place, one in enumerate(options["paths"])]
    sources = [faults.take(values.address, f"sources[{number}]", value) for number, value in enumerate(options["sources"])]
    timeout = faults.take(_timeout, options["timeout"])
    raise_all(faults.found)
    return Plan(
        tuple(vip for vip in vips if vip),
        tuple(path for path in paths if path),
        tuple(source for source in sources if source),
        timeout or TIMEOUT[0],
    )


def _where(place: int, one: Mapping[str, Any]) -> str:
    return f"paths[{place}] ({one.get('name') or one['rip']})"


def _path(place: int, one: Mapping[str, Any]) -> Path:
    rip = values.address("rip", one["rip"])
    forward = values.choice("forward", one["forward"], FORWARDS)
    kind = values.choice("tunnel_type", one["tunnel_type"], tunnel.TYPES)
    checksum = values.choice("tunnel_checksum", one["tunnel_checksum"], tunnel.CHECKSUMS)
    for family in one["inner"]:
        if family not in (4, 6):
            raise InvalidValue("inner", family, "is not an address family: write 4 or 6")
    mtu, port = one.get("mtu"), one.get("port")
    return Path(
        where=_where(place, one),
        name=one.get("name") or str(rip),
        rip=rip,
        forward=forward,
        inner=tuple(one["inner"]),
        overhead=tunnel.overhead(rip.version, kind, checksum) if forward == "tunnel" else 0,
        mtu=None if mtu is None else values.integer("mtu", mtu, LEAST_MTU[rip.version], _MAX_MTU),
        port=None if port is None else values.port("port", port),
    )


def _timeout(value: float) -> float:
    lowest, highest = TIMEOUT
    if not lowest <= value <= highest:  # nor is what is not a number
        raise InvalidValue("timeout", value, f"is not in {lowest:g}..{highest:g} seconds")
    return value


def sizes(passes: int, fails: int) -> range:
    """The packet sizes to try next, where the first is known to pass and the second is known to fail; empty at the end."""
    step = max(1, math.ceil((fails - passes) / (_STEPS + 1)))
    return range(passes + step, fails, step)


def verdict(plan: Plan, found: Findings) -> dict[str, Any]:
    """The return values.

    :raises Invalid: every fault
    """
    faults: list[InvalidValue] = []
    warnings: list[str] = []
    for path in plan.paths:
        _judge_way(plan, path, found.ways[path.rip], faults, warnings)
    for number, vip in enumerate(plan.vips):
        _judge_vip(plan, f"vips[{number}]", vip, found, faults, warnings)
    raise_all(faults)
    return {
        "paths": [_facts(path, found.ways[path.rip]) for path in plan.paths],
        "holders": {str(vip): sorted({mac for mac, _device in _others(vip, found)}) for vip in found.answers},
        "unchecked": [str(vip) for vip in dict.fromkeys(plan.vips) if vip not in found.answers],
        "warnings": list(dict.fromkeys(warnings)),
    }


def _facts(path: Path, way: Way) -> dict[str, Any]:
    mtu = _mtu(path, way)
    return {
        "name": path.name,
        "rip": str(path.rip),
        "source": str(way.source),
        "mtu": mtu,
        "inner_mtu": mtu - path.overhead,
        "alive": _alive(path, way),
    }


def _mtu(path: Path, way: Way) -> int:
    return way.mtu if path.measured and way.mtu is not None else way.route_mtu


def _alive(path: Path, way: Way) -> bool:
    return way.echo or path.port in way.open_doors


def _judge_way(plan: Plan, path: Path, way: Way, faults: list[InvalidValue], warnings: list[str]) -> None:
    def fault(option: str, value: object, reason: str) -> None:
        faults.append(InvalidValue(option, value, reason).within(path.where))

    if way.problem:
        fault("rip", path.rip, f"has no route from this host ({way.problem}): add one, or correct the address")
        return
    if way.source == path.rip:
        fault(
            "rip",
            path.rip,
            "is an address of this host itself: name the real server's own, or let the service have forward: local",
        )
        return
    if not _alive(path, way):
        silent = "no echo request" if path.port is None else f"neither echo requests nor TCP port {path.port}"
        if not way.macs:
            fault(
                "rip",
                path.rip,
                f"does not answer: {silent} got a reply within {plan.timeout:g} s: start the real server, correct its"
                " address, or let its firewall answer echo requests"
                + (", or name a TCP port of it (port)" if path.port is None else ""),
            )
            return
        asked = "ARP" if path.rip.version == 4 else "neighbour discovery"
        warnings.append(f"{path.where}, rip: {path.rip} answers {asked}, but {silent}: is the real server ready?")
    allowed = [source for source in plan.sources if source.version == path.rip.version]
    if path.forward == "tunnel" and allowed and way.source not in allowed:
        fault(
            "rip",
            path.rip,
            f"gets its tunnelled packets from {way.source}, which the real servers would drop: name {way.source} in lvs_dip,"
            f" or route to it from {' or '.join(map(str, allowed))}",
        )
    if path.measured:
        _judge_mtu(path, way, fault, warnings)


def _judge_mtu(path: Path, way: Way, fault: Any, warnings: list[str]) -> None:
    if way.echo and way.mtu is None:
        warnings.append(
            f"{path.where}: only small echo requests are answered, so that the path MTU could not be measured:"
            f" taken for the route's, {way.route_mtu}"
        )
    mtu = _mtu(path, way)
    if path.mtu is not None and mtu < path.mtu:
        fault("mtu", path.mtu, f"is what the real server reckons with, but only {mtu} pass: set lvs_path_mtu: {mtu} for it")
    elif path.mtu is None and mtu < way.route_mtu:
        warnings.append(
            f"{path.where}: only {mtu} bytes pass, where the route says {way.route_mtu}: set lvs_path_mtu: {mtu} for it"
        )
    if 6 in path.inner and mtu - path.overhead < LEAST_MTU[6]:
        fault(
            "inner",
            6,
            f"asks for an MTU of {LEAST_MTU[6]} (RFC 8200), but {mtu} less {path.overhead} of the tunnel leave"
            f" {mtu - path.overhead}: raise the MTU on the way to {LEAST_MTU[6] + path.overhead}, or forward by masquerade",
        )


def _others(vip: Address, found: Findings) -> list[tuple[str, str]]:
    """Who else answers for a VIP."""
    return sorted(answer for answer in found.answers.get(vip, ()) if answer[0] not in found.own_macs)


def _judge_vip(
    plan: Plan, where: str, vip: Address, found: Findings, faults: list[InvalidValue], warnings: list[str]
) -> None:
    names = {mac: path.name for path in plan.paths for mac in found.ways[path.rip].macs}
    for mac, device in _others(vip, found):
        if mac in names:
            warnings.append(
                f"{where}: {names[mac]} ({mac}) answers for {vip} on {device}: a real server has to keep silent about its"
                " VIP; the roles see to it"
            )
        else:
            faults.append(
                InvalidValue(
                    where,
                    vip,
                    f"is answered for by {mac} on {device}, which is neither this host nor a real server: take the address"
                    " away there, or choose another VIP",
                )
            )
