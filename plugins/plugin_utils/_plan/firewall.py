# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the firewall of a director lets in: rows of M(lvs.cluster.firewall). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core import values
from ...module_utils._core.options import Facts
from .description import ServiceDescription

_ONE_WAY = {"tunnel", "route"}  # the real server answers clients itself


def director_services(services: Iterable[ServiceDescription]) -> tuple[list[Facts], list[Facts]]:
    """The services that are let in, and those that are not any more.

    A service by firewall mark has no VIP in the description: what clients use is known to the rules that set the mark.
    """
    opened: list[Facts] = []
    closed: list[Facts] = []
    for service in services:
        if service.network_vip is None or service.key.protocol not in values.PROTOCOLS:
            continue
        row: Facts = {"vip": str(service.network_vip), "port": service.key.port, "protocol": service.key.protocol}
        if service.present:
            opened.append({**row, "untracked": _is_one_way(service)})
        else:
            closed.append(row)
    return opened, closed


def _is_one_way(service: ServiceDescription) -> bool:
    """Whether the director sees only what clients send. Masquerading takes answers back, too."""
    methods = {real_server.destination.forward for real_server in service.present_real_servers}
    return bool(methods) and methods <= _ONE_WAY
