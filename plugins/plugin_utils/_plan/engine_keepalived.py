# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The director's IPVS table where keepalived owns it: rows of M(lvs.cluster.keepalived). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...module_utils._core.errors import Invalid
from ...module_utils._core.options import Facts, Faults
from ...module_utils._ipvs.model import Service
from ...module_utils._keepalived.checker import Check
from ...module_utils._keepalived.virtual_servers import CheckedServer, VirtualServer, check_number
from . import health
from .description import ServiceDescription
from .errors import DescriptionFault
from .inventory import Inventory
from .rows import complete_options


def service_rows(services: Iterable[ServiceDescription]) -> list[Facts]:
    """The services of the option O(lvs.cluster.keepalived#module:services): what is not among them goes."""
    return [_service_row(service, service.configuration) for service in services if service.configuration is not None]


def _service_row(service: ServiceDescription, configuration: Service) -> Facts:
    of_service = service.health
    row: Facts = {**complete_options(configuration)}
    row["destinations"] = [_destination_row(real_server) for real_server in service.checked_servers]
    if of_service.sorry_server is not None:
        row["sorry_server"] = {name: value for name, value in of_service.sorry_server.facts().items() if value is not None}
    if of_service.quorum is not None:
        row["quorum"] = of_service.quorum
    flags = {"inhibit_on_failure": of_service.inhibit_on_failure, "alpha": of_service.alpha}
    return {**row, **{name: True for name, value in flags.items() if value}}


def _destination_row(real_server: CheckedServer) -> Facts:
    key = real_server.destination.key
    omitted = {*key.service.facts(), *(["rport"] if key.port == key.service.port else [])}
    row = {name: value for name, value in complete_options(real_server.destination).items() if name not in omitted}
    return row if real_server.check is None else {**row, "check": real_server.check.facts()}


def sources(inventory: Inventory, director: str) -> list[str]:
    """The addresses of a director that its checks come from."""
    host = inventory.hosts[director]
    return [address for address in (host.rip, host.rip6) if address is not None]


def check_services(services: Sequence[ServiceDescription], inventory: Inventory, faults: Faults) -> None:
    """Check that directors can make all these checks: they need addresses of the families of VIPs, and ports."""
    servers = list(_virtual_servers(services))
    try:
        check_number(servers)
    except Invalid as error:
        for fault in error.faults:
            faults.add(DescriptionFault("lvs_services, check", f"{fault.option}: {fault.value} {fault.reason}"))
    for family in sorted({server.key.family for server in servers if _needs_source(server)}):
        for director in inventory.directors:
            own = (address for address in sources(inventory, director) if (":" in address) == (family == 6))
            if next(own, None) is None:
                option = "lvs_dip6" if family == 6 else "lvs_dip"
                reason = f"is missing: checks of IPv{family} services come from an IPv{family} address of the director"
                faults.add(DescriptionFault(f"host {director}, {option}", reason))


def _virtual_servers(services: Iterable[ServiceDescription]) -> Iterator[VirtualServer]:
    for service in services:
        if service.configuration is not None:
            yield service.health.virtual_server(service.configuration, service.checked_servers)


def _needs_source(server: VirtualServer) -> bool:
    checks: Iterator[Check] = (
        real_server.check
        for real_server in server.real_servers
        if real_server.checked_through and real_server.check is not None
    )
    return any(check.connects for check in checks)


def warnings(services: Iterable[ServiceDescription]) -> Iterator[str]:
    """What the description allows and the user has to know."""
    for service in services:
        if service.present:
            yield from health.warnings(service.place, service.key, service.checked_servers)
