# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Probes of real servers, through their tunnels, and of services, as clients: options of M(lvs.cluster.vip_probe). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core.options import Facts
from .description import RealServerDescription, ServiceDescription
from .rows import complete_options

_OPTIONS = ("vip", "port", "protocol", "rip", "forward", "tunnel_type", "tunnel_port", "tunnel_checksum")


def probe_rows(services: Iterable[ServiceDescription]) -> list[Facts]:
    """A row for each real server of each service that other hosts can reach by a VIP."""
    return [
        _probe_row(real_server)
        for service in services
        if service.network_vip is not None
        for real_server in service.present_real_servers
        if real_server.can_be_probed
    ]


def tcp_services(services: Iterable[ServiceDescription]) -> list[Facts]:
    """The services that other hosts can connect to: the option services of M(lvs.cluster.vip_probe)."""
    return [
        {"vip": str(service.network_vip), "port": service.key.port}
        for service in services
        if service.present
        and service.network_vip is not None
        and service.key.protocol == "tcp"
        and service.key.port
        and service.real_servers
    ]


def _probe_row(real_server: RealServerDescription) -> Facts:
    options = complete_options(real_server.destination)
    row = {"name": real_server.name, **{option: options[option] for option in _OPTIONS if option in options}}
    return {**row, "rport": real_server.rport} if real_server.rport else row
