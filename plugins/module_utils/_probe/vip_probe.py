# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module C(vip_probe): requests to a VIP as clients make them, or probes of real servers through their tunnels."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .._core.options import Facts, Options
from .._ipvs.kernel import IpvsBackend
from .._ipvs.model import Destination, DestinationKey
from . import tunnel_probe, vip_requests
from .tunnel_sockets import send_probes
from .vip_client import send_requests

ARGUMENT_SPEC = {**vip_requests.ARGUMENT_SPEC, **tunnel_probe.ARGUMENT_SPEC}


def read(options: Options) -> Facts:
    """Send requests to the VIP, or probes to the real servers of O(through), and evaluate the answers."""
    return _request_vip(options) if options["through"] is None else _probe_real_servers(options)


def _request_vip(options: Options) -> Facts:
    request = vip_requests.parse(options)
    start = time.monotonic()
    outcomes = send_requests(request)
    return vip_requests.to_result(request, outcomes, time.monotonic() - start)


def _probe_real_servers(options: Options) -> Facts:
    request = tunnel_probe.parse(options)
    table = _destinations(request.targets) if request.skip_drained else {}
    targets, skipped = request.split(table)
    return tunnel_probe.to_result(zip(targets, send_probes(targets, request.timeout)), skipped)


def _destinations(targets: Iterable[tunnel_probe.ProbeTarget]) -> dict[DestinationKey, Destination]:
    """The destinations that this director has in the targets' services."""
    services = {target.destination.key.service for target in targets}
    with IpvsBackend() as ipvs:
        return ipvs.destinations_of_all(services)
