# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module C(preflight): checks real servers and VIPs from a director, before anything is set up."""

from __future__ import annotations

from .._core.errors import NotPermitted
from .._core.options import Facts, Options
from .._core.values import Address
from .._ipvs.kernel import IpvsBackend, is_loaded
from .preflight_checks import drained_rips, to_result
from .preflight_options import ARGUMENT_SPEC, parse
from .preflight_sockets import run_preflight

__all__ = ["ARGUMENT_SPEC", "read"]


def read(options: Options) -> Facts:
    """Probe what the options name, and evaluate the findings."""
    request = parse(options)
    findings = run_preflight(request)
    return to_result(request, findings, _drained_rips() if request.tolerates_drained else ())


def _drained_rips() -> set[Address]:
    """The RIPs of the real servers that are drained on this host; none where it has no table, or does not show it."""
    if not is_loaded():
        return set()
    try:
        with IpvsBackend() as ipvs:
            return drained_rips(ipvs.destinations_of_all(service.key for service in ipvs.services()).values())
    except NotPermitted:  # probes need CAP_NET_RAW only, the table CAP_NET_ADMIN
        return set()
