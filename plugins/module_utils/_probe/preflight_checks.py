# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What would become an outage, in what was found of the paths to the real servers and of the holders of the VIPs. Pure.

Sources: RFC 791 and RFC 8200, section 5 (the least MTU of a link); RFC 5227 and RFC 4862 (which host holds an address).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .._core.errors import InvalidValue
from .._core.options import Facts, Faults
from .._core.values import Address
from .._ipvs.model import Destination
from .._net import tunnel
from .preflight_options import Path, PreflightRequest

_SIZES_AT_ONCE = 15  # packet sizes that are tried together


@dataclass
class PathFinding:
    """What was found of the path to a RIP."""

    problem: str = ""  # why there is no route
    source: Address | None = None  # the address that this host sends from
    route_mtu: int = 0  # bytes
    mtu: int | None = None  # bytes of the largest packet that arrived unfragmented; None: not measured
    echo: bool = False  # echo requests are answered
    open_ports: set[int] = field(default_factory=set)  # TCP ports that accept or refuse a connection
    macs: set[str] = field(default_factory=set)  # of the neighbours that answer for the RIP


@dataclass
class Findings:
    """What was found of all paths, and of each VIP that was queried: the MAC addresses that answered, and the devices."""

    paths: Mapping[Address, PathFinding]
    answers: Mapping[Address, set[tuple[str, str]]]
    own_macs: set[str]


def sizes(passes: int, fails: int) -> range:
    """The packet sizes to try next, between one that passes and one that does not; empty if they are a byte apart."""
    step = max(1, math.ceil((fails - passes) / (_SIZES_AT_ONCE + 1)))
    return range(passes + step, fails, step)


def drained_rips(destinations: Iterable[Destination]) -> set[Address]:
    """The RIPs that have a destination, and none with a weight."""
    rips: set[Address] = set()
    weighted: set[Address] = set()
    for destination in destinations:
        (weighted if destination.weight else rips).add(destination.key.rip)
    return rips - weighted


def to_result(request: PreflightRequest, findings: Findings, drained: Collection[Address] = ()) -> Facts:
    """The return values.

    :param drained: the RIPs of drained real servers, faults of whose paths are warnings
    :raises Invalid: every other fault
    """
    faults = Faults()
    warnings: list[str] = []
    for path in request.paths:
        finding, excuse = findings.paths[path.rip], _excuse(path, drained)
        for fault in _path_faults(request, path, finding, is_needed=not excuse):
            if excuse:
                warnings.append(f"{fault.within(path.place)}: {path.name} {excuse}, so this is only a warning")
            else:
                faults.add(fault, path.place)
        warnings += _path_warnings(path, finding)
    holders = {mac: path.name for path in request.paths for mac in findings.paths[path.rip].macs}
    for index, vip in enumerate(request.vips):
        for mac, device in _other_holders(vip, findings):
            if mac not in holders:
                faults.add(_foreign_holder(f"vips[{index}]", vip, mac, device))
    faults.raise_all()
    warnings += [
        f"vips[{index}]: {holders[mac]} ({mac}) answers for {vip} on {device}: a real server has to keep silent about its"
        " VIP; the roles see to it"
        for index, vip in enumerate(request.vips)
        for mac, device in _other_holders(vip, findings)
    ]
    return {
        "paths": [_facts(path, findings.paths[path.rip]) for path in request.paths],
        "holders": {str(vip): sorted({mac for mac, _device in _other_holders(vip, findings)}) for vip in findings.answers},
        "unchecked": [str(vip) for vip in dict.fromkeys(request.vips) if vip not in findings.answers],
        "warnings": list(dict.fromkeys(warnings)),
    }


def _excuse(path: Path, drained: Collection[Address]) -> str:
    """Why faults of a path are warnings; empty if they are not."""
    if path.rip in drained:
        return "is drained"
    return "takes no part in this run" if path.is_optional else ""


def _facts(path: Path, finding: PathFinding) -> Facts:
    mtu = None if finding.problem else _mtu(path, finding)
    return {
        "name": path.name,
        "rip": str(path.rip),
        "source": None if finding.source is None else str(finding.source),
        "mtu": mtu,
        "inner_mtu": None if mtu is None else mtu - path.overhead,
        "alive": _is_alive(path, finding),
    }


def _mtu(path: Path, finding: PathFinding) -> int:
    return finding.mtu if path.mtu_matters and finding.mtu is not None else finding.route_mtu


def _is_alive(path: Path, finding: PathFinding) -> bool:
    return finding.echo or path.port in finding.open_ports


def _unanswered(path: Path) -> str:
    return "no echo request" if path.port is None else f"neither echo requests nor TCP port {path.port}"


def _path_faults(request: PreflightRequest, path: Path, finding: PathFinding, is_needed: bool) -> Iterator[InvalidValue]:
    rip = path.rip
    if finding.problem:
        reason = f"has no route from this host ({finding.problem}): add one, or correct the address"
        yield InvalidValue("rip", rip, reason)
        return
    if finding.source == rip:
        reason = "is an address of this host itself: name the real server's own, or let the service have forward: local"
        yield InvalidValue("rip", rip, reason)
        return
    if not _is_alive(path, finding) and not finding.macs:
        way_out = "start the real server, correct its address, or let its firewall answer echo requests"
        if path.port is None:
            way_out += ", or name a TCP port of it (port)"
        if is_needed:
            drain = "drain it (lvs.cluster.drain), " if request.tolerates_drained else ""
            way_out += f"; if it is down on purpose, {drain}give it state: absent, or take it out of the description"
        reason = f"does not answer: {_unanswered(path)} got a reply within {request.timeout:g} s: {way_out}"
        yield InvalidValue("rip", rip, reason)
        return
    accepted = [source for source in request.sources if source.version == rip.version]
    if path.forward == "tunnel" and accepted and finding.source not in accepted:
        reason = (
            f"gets its tunnelled packets from {finding.source}, which the real servers would drop: name {finding.source} in"
            f" lvs_dip, or route to it from {' or '.join(map(str, accepted))}"
        )
        yield InvalidValue("rip", rip, reason)
    if path.mtu_matters:
        yield from _mtu_faults(path, _mtu(path, finding))


def _mtu_faults(path: Path, mtu: int) -> Iterator[InvalidValue]:
    if path.mtu is not None and mtu < path.mtu:
        reason = f"is what the real server reckons with, but only {mtu} pass: set lvs_path_mtu: {mtu} for it"
        yield InvalidValue("mtu", path.mtu, reason)
    least, left = tunnel.LEAST_MTU[6], mtu - path.overhead
    if 6 in path.inner and left < least:
        reason = (
            f"asks for an MTU of {least} (RFC 8200), but {mtu} less {path.overhead} of the tunnel leave {left}:"
            f" raise the MTU on the way to {least + path.overhead}, or forward by masquerade"
        )
        yield InvalidValue("inner", 6, reason)


def _path_warnings(path: Path, finding: PathFinding) -> Iterator[str]:
    """What may be intended."""
    if finding.macs and not _is_alive(path, finding):
        protocol = "ARP" if path.rip.version == 4 else "neighbour discovery"
        yield f"{path.place}, rip: {path.rip} answers {protocol}, but {_unanswered(path)}: is the real server ready?"
    if not path.mtu_matters:
        return
    mtu, route_mtu = _mtu(path, finding), finding.route_mtu
    if finding.echo and finding.mtu is None:
        yield (
            f"{path.place}: only small echo requests are answered, so that the path MTU could not be measured:"
            f" taken for the route's, {route_mtu}"
        )
    if path.mtu is None and mtu < route_mtu:
        yield (f"{path.place}: only {mtu} bytes pass, where the route says {route_mtu}: set lvs_path_mtu: {mtu} for it")


def _other_holders(vip: Address, findings: Findings) -> list[tuple[str, str]]:
    """The MAC addresses of other hosts that answer for a VIP, and the device that each was heard on."""
    return sorted(answer for answer in findings.answers.get(vip, ()) if answer[0] not in findings.own_macs)


def _foreign_holder(place: str, vip: Address, mac: str, device: str) -> InvalidValue:
    reason = (
        f"is answered for by {mac} on {device}, which is neither this host nor a real server: take the address away there,"
        " or choose another VIP"
    )
    return InvalidValue(place, vip, reason)
