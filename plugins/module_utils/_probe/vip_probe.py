# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module C(vip_probe): requests to VIPs as clients make them, or probes of real servers through their tunnels."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .._core.options import Facts, Options
from .._ipvs.kernel import IpvsBackend
from .._ipvs.model import Destination, DestinationKey
from .._net import neighbour
from . import tunnel_probe, vip_neighbours, vip_requests
from .resolve import WAIT, resolve
from .tunnel_sockets import send_probes
from .vip_client import send_requests
from .vip_requests import Outcome, VipRequests

_SERVICES_AT_ONCE = 16

ARGUMENT_SPEC = {**vip_requests.ARGUMENT_SPEC, **tunnel_probe.ARGUMENT_SPEC, **vip_neighbours.ARGUMENT_SPEC}


def read(options: Options) -> Facts:
    """Send requests to the VIPs, probes to the real servers, or queries of neighbours, and evaluate the answers."""
    if options["resolve"] is not None:
        return _resolve(options)
    if options["through"] is not None:
        return _probe_real_servers(options)
    if options["services"] is not None:
        return _request_services(vip_requests.parse_services(options))
    return vip_requests.to_result(*_answered(vip_requests.parse(options)))


def _resolve(options: Options) -> Facts:
    asked = vip_neighbours.queries(vip_neighbours.parse(options), neighbour.devices())
    queries = [query for of_link in asked for query in (*of_link.vip, *of_link.address)]
    return vip_neighbours.to_result(asked, resolve(queries, WAIT))


def _request_services(requests: Sequence[VipRequests]) -> Facts:
    with ThreadPoolExecutor(_SERVICES_AT_ONCE) as workers:
        return vip_requests.to_services_result(workers.map(_answered, requests))


def _answered(request: VipRequests) -> tuple[VipRequests, Sequence[Outcome], float]:
    """The requests to a VIP, their outcomes, and the seconds that they took."""
    start = time.monotonic()
    outcomes = send_requests(request)
    return request, outcomes, time.monotonic() - start


def _probe_real_servers(options: Options) -> Facts:
    request = tunnel_probe.parse(options)
    table = _destinations(request.targets) if request.skip_drained else {}
    devices = neighbour.devices()
    own = {target.rip for target in request.targets if neighbour.is_own(target.rip, devices)}
    targets, skipped = request.split(table, own)
    return tunnel_probe.to_result(zip(targets, send_probes(targets, request.timeout)), skipped)


def _destinations(targets: Iterable[tunnel_probe.ProbeTarget]) -> dict[DestinationKey, Destination]:
    """The destinations that this director has in the targets' services."""
    services = {target.destination.key.service for target in targets}
    with IpvsBackend() as ipvs:
        return ipvs.destinations_of_all(services)
