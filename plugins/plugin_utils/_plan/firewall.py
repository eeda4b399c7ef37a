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
        if not _is_known(service):
            continue
        row: Facts = {"vip": str(service.network_vip), "port": service.key.port, "protocol": service.key.protocol}
        if service.present:
            opened.append({**row, "untracked": _methods(service) == {True}})
        else:
            closed.append(row)
    return opened, closed


def untracked(services: Iterable[ServiceDescription]) -> str:
    """Whether V(none), V(some) or V(all) of the services with a one-way method are exempted from connection tracking."""
    one_way = [service for service in services if service.present and True in _methods(service)]
    exempted = [service for service in one_way if _is_known(service) and _methods(service) == {True}]
    if not exempted:
        return "none"
    return "all" if len(exempted) == len(one_way) else "some"


def _is_known(service: ServiceDescription) -> bool:
    return service.network_vip is not None and service.key.protocol in values.PROTOCOLS


def _methods(service: ServiceDescription) -> set[bool]:
    """Whether methods are one-way: the director sees only what clients send. Masquerading takes answers back, too.

    Connections to a real server that is going to be removed may still be open.
    """
    return {real_server.destination.forward in _ONE_WAY for real_server in service.real_servers}
