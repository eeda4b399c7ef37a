# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Probes the paths to real servers and the holders of VIPs. Nothing is changed.

All probes of one kind are under way together, so that many real servers take no longer than one.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence

from .._core.values import Address
from .._ipvs.foreign_keepalived import running_foreign_services
from .._ipvs.foreign_services import ForeignServices
from .._net import neighbour, tunnel
from .._net.route import route_to
from .director_host import read_director
from .echo import SMALL, EchoRequest, ping
from .preflight_checks import Findings, PathFinding, sizes
from .preflight_options import Path, PreflightRequest
from .resolve import WAIT, NeighbourQuery, probe_query, resolve
from .tcp_connect import TcpEndpoint, tcp_connect

_LEAST_WINDOW = 0.3  # seconds that a step of the search for the MTU takes at least; four times the slowest reply are added


def run_preflight(request: PreflightRequest) -> Findings:
    """Probe everything that is requested.

    :raises NotPermitted: without root
    """
    devices = neighbour.devices()
    paths = {path.rip: _path_finding(path.rip, devices) for path in request.paths}
    reachable = {rip: finding for rip, finding in paths.items() if not (finding.problem or finding.is_own)}
    directors = {dip: _path_finding(dip, devices) for dip in request.directors}
    answers = _resolve(request, {**directors, **reachable}, devices)
    if not request.is_set_up:
        _probe(request, reachable)
    own_macs = {neighbour.written(device.mac) for device in devices}
    director_macs = {mac: dip for dip, finding in directors.items() for mac in finding.macs}
    foreign = running_foreign_services() if request.services else ForeignServices()
    return Findings(paths, answers, own_macs, read_director(devices), director_macs, foreign)


def _probe(request: PreflightRequest, reachable: dict[Address, PathFinding]) -> None:
    """Whether the real servers are alive, and which packets get to them."""
    _measure(reachable, {path.rip for path in request.paths if path.mtu_matters}, request.timeout)
    silent = [path for path in request.paths if path.rip in reachable and not reachable[path.rip].echo]
    _connect(silent, reachable, request.timeout)


def _path_finding(rip: Address, devices: Sequence[neighbour.Device]) -> PathFinding:
    route = route_to(rip)
    own = neighbour.is_own(rip, devices)
    return PathFinding(problem=route.problem, is_own=own, source=route.source, route_mtu=route.mtu)


def _resolve(
    request: PreflightRequest, reachable: dict[Address, PathFinding], devices: Sequence[neighbour.Device]
) -> dict[Address, set[tuple[str, str]]]:
    """The MAC addresses that answer for each VIP, and their devices; those of RIPs are added to the findings."""
    answers: dict[Address, set[tuple[str, str]]] = {}
    queries = [probe_query(device, vip) for vip in dict.fromkeys(request.vips) for device in devices if device.faces(vip)]
    for rip, finding in reachable.items():
        # Not as a probe: a host that is just about to take an address must not give it up because of the query for a RIP.
        queries += [
            NeighbourQuery(device, rip, finding.source)
            for device in devices
            if finding.source is not None and device.faces(rip)
        ]
    for query, macs in resolve(queries, min(request.timeout, WAIT)).items():
        if query.is_probe:
            answers.setdefault(query.target, set()).update((mac, query.device.name) for mac in macs)
        else:
            reachable[query.target].macs |= macs
    return answers


def _measure(reachable: dict[Address, PathFinding], measured: set[Address], timeout: float) -> None:
    """Which real servers answer echo requests, and how large these may be."""
    small = [EchoRequest(rip, SMALL) for rip in reachable]
    large = [EchoRequest(rip, finding.route_mtu) for rip, finding in reachable.items() if rip in measured]
    answered = ping([*small, *large], timeout)
    for request in answered:
        reachable[request.rip].echo = True
    bounds: dict[Address, tuple[int, int]] = {}
    for request in large:
        if request in answered:
            reachable[request.rip].mtu = request.size
        elif reachable[request.rip].echo:
            bounds[request.rip] = (tunnel.LEAST_MTU[request.rip.version] - 1, request.size)
    window = min(timeout, _LEAST_WINDOW + 4 * max(answered.values(), default=0))
    for rip, largest in _largest_passing(bounds, window).items():
        reachable[rip].mtu = largest if largest >= tunnel.LEAST_MTU[rip.version] else None


def _largest_passing(bounds: dict[Address, tuple[int, int]], window: float) -> dict[Address, int]:
    """The largest size that passes to each RIP, from bounds: a size that passes, and a larger one that does not."""
    while True:
        tried = {rip: sizes(*bound) for rip, bound in bounds.items() if sizes(*bound)}
        if not tried:
            return {rip: passes for rip, (passes, _fails) in bounds.items()}
        answered = ping([EchoRequest(rip, size) for rip, steps in tried.items() for size in steps], window)
        for rip, steps in tried.items():
            passes = max((size for size in steps if (rip, size) in answered), default=bounds[rip][0])
            bounds[rip] = passes, min((size for size in steps if size > passes), default=bounds[rip][1])


def _connect(paths: Iterable[Path], reachable: dict[Address, PathFinding], timeout: float) -> None:
    """Which ports accept or refuse a connection: either shows that the real server is alive."""
    endpoints = [TcpEndpoint(path.rip, path.port) for path in paths if path.port is not None]
    for endpoint, answer in tcp_connect(endpoints, timeout).items():
        if answer.error in (0, errno.ECONNREFUSED):
            reachable[endpoint.address].open_ports.add(endpoint.port)
