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
from .._ipvs.foreign_services import ForeignServices
from .._ipvs.keepalived_table import CONFIG_FILE
from .._ipvs.model import Destination
from .._net import tunnel
from . import director_settings
from .director_settings import Director, Use
from .preflight_options import Path, PreflightRequest

_SIZES_AT_ONCE = 15  # packet sizes that are tried together


@dataclass
class PathFinding:
    """What was found of the path to a RIP."""

    problem: str = ""  # why there is no route
    is_own: bool = False  # the RIP is an address of this host itself
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
    director: Director = field(default_factory=lambda: Director((), {}))
    director_macs: Mapping[str, Address] = field(default_factory=dict)  # of the other directors
    foreign: ForeignServices = field(default_factory=ForeignServices)  # of a keepalived of somebody else


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
    probed = () if request.is_set_up else request.paths
    for path in probed:
        finding, excuse = findings.paths[path.rip], _excuse(path, drained)
        for fault in _path_faults(request, path, finding, is_needed=not excuse):
            if excuse:
                warnings.append(f"{fault.within(path.place)}: {path.name} {excuse}, so this is only a warning")
            else:
                faults.add(fault, path.place)
        warnings += _path_warnings(path, finding)
    use = _use(request, findings, drained)
    for fault in director_settings.faults(findings.director, use):
        faults.add(fault)
    warnings += director_settings.warnings(findings.director, use)
    warnings += _foreign_warnings(request, findings.foreign)
    for fault in _foreign_owner(request, findings.foreign):
        faults.add(fault)
    real_servers = {mac: path for path in request.paths for mac in findings.paths[path.rip].macs}
    for index, vip in enumerate(request.vips):
        for mac, device in _other_holders(vip, findings):
            place, real_server = f"vips[{index}]", real_servers.get(mac)
            if mac in findings.director_macs:
                if findings.director.holders(vip):
                    faults.add(_second_holder(place, vip, findings.director_macs[mac], device))
            elif real_server is None:
                faults.add(_foreign_holder(place, vip, mac, device))
            elif request.is_set_up and not real_server.is_optional:
                faults.add(_audible_real_server(place, vip, f"{real_server.name} ({mac})", device))
            else:
                warnings.append(
                    f"{place}: {real_server.name} ({mac}) answers for {vip} on {device}: a real server has to keep silent"
                    " about its VIP; the roles see to it"
                )
    faults.raise_all()
    return {
        "paths": [_facts(path, findings.paths[path.rip]) for path in probed],
        "holders": {str(vip): sorted({mac for mac, _device in _other_holders(vip, findings)}) for vip in findings.answers},
        "links": [link for vip in dict.fromkeys(request.vips) for link in _links(vip, findings.director)],
        "unchecked": [str(vip) for vip in dict.fromkeys(request.vips) if vip not in findings.answers],
        "warnings": list(dict.fromkeys(warnings)),
    }


def _foreign_owner(request: PreflightRequest, foreign: ForeignServices) -> Iterator[InvalidValue]:
    """The services that two programs would own. Each would undo what the other one does."""
    owned = [str(service) for service in request.services if foreign.has(service)]
    if owned:
        reason = (
            f"belong to the keepalived that runs on this host with {CONFIG_FILE}, which this collection did not make: it"
            " would take real servers out and put them back while this collection changes the same services. Let keepalived"
            " go on checking them, with lvs_engine: keepalived and lvs_keepalived_takeover: true, which replaces the file and"
            " keeps a copy; or take them out of the file (or disable and stop keepalived), which removes them from the table"
            " until this is run again"
        )
        yield InvalidValue("services", ", ".join(owned), reason)


def _foreign_warnings(request: PreflightRequest, foreign: ForeignServices) -> Iterator[str]:
    if request.services and foreign.unread:
        yield (
            f"services: keepalived runs with {CONFIG_FILE}, which this collection did not make, and in which these lines were"
            f" not followed: {', '.join(foreign.unread)}. If it has services of the description, two programs change them"
        )


def _use(request: PreflightRequest, findings: Findings, drained: Collection[Address]) -> Use:
    """What the director is used for; what only excused paths need is not missed, and programs of its own need nothing."""
    forwarded = [path for path in request.paths if not findings.paths[path.rip].is_own]
    needed = [path for path in forwarded if not _excuse(path, drained)]
    return Use(
        vips=request.vips,
        devices=request.devices,
        is_set_up=request.is_set_up,
        masquerades={path.rip.version for path in needed if path.forward == "masquerade"},
        one_way=any(path.forward != "masquerade" for path in forwarded),
        untracked=request.untracked,
        elsewhere=_elsewhere(request, findings),
    )


def _elsewhere(request: PreflightRequest, findings: Findings) -> set[Address]:
    """The VIPs that another director has, or may have where no answer can be heard."""
    if not request.directors:
        return set()
    directors = findings.director_macs
    answering = {vip for vip in request.vips for mac, _device in _other_holders(vip, findings) if mac in directors}
    return answering | {vip for vip in request.vips if vip not in findings.answers}


def _links(vip: Address, director: Director) -> Iterator[Facts]:
    """The director's own address in each network that contains a VIP."""
    for device in director.facing(vip):
        own = [interface.ip for interface in device.interfaces if vip in interface.network and interface.ip != vip]
        yield from ({"vip": str(vip), "address": str(address)} for address in own[:1])


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
    if finding.is_own:
        # An address without a name is a program of the director itself: IPVS delivers to it as with forward: local.
        if path.name != str(rip):
            reason = f"is an address of this host itself: name that of {path.name}, or let the service have forward: local"
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
    if finding.is_own:
        return
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


def _second_holder(place: str, vip: Address, director: Address, device: str) -> InvalidValue:
    reason = (
        f"is held by this director and by {director}, which answers for it on {device}: see whether keepalived runs on both"
        " (systemctl status keepalived), and whether VRRP (IP protocol 112) passes between them"
    )
    return InvalidValue(place, vip, reason)


def _foreign_holder(place: str, vip: Address, mac: str, device: str) -> InvalidValue:
    reason = (
        f"is answered for by {mac} on {device}, which is neither this host nor a real server: take the address away there,"
        " or choose another VIP"
    )
    return InvalidValue(place, vip, reason)


def _audible_real_server(place: str, vip: Address, real_server: str, device: str) -> InvalidValue:
    reason = (
        f"is answered for by {real_server} on {device}, so that clients reach this real server past the director: set"
        " arp_ignore=1 and arp_announce=2 there, as lvs.cluster.site does for hosts of the inventory, or take the address off"
        " its other devices"
    )
    return InvalidValue(place, vip, reason)
