# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The director's IPVS table where this collection owns it: rows of M(lvs.cluster.ipvs_table). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core.options import ABSENT, Facts
from .description import RealServerDescription, ServiceDescription
from .rows import complete_options


def ipvs_table_rows(services: Iterable[ServiceDescription]) -> list[Facts]:
    """The services, with those that should be removed."""
    return [_service_row(service) for service in services]


def _service_row(service: ServiceDescription) -> Facts:
    if service.configuration is None:
        return {**service.key.facts(), "state": ABSENT}
    destinations = [_destination_row(real_server) for real_server in service.real_servers]
    return {**complete_options(service.configuration), "destinations": destinations}


def _destination_row(real_server: RealServerDescription) -> Facts:
    key = real_server.destination.key
    omitted = {*key.service.facts(), *(["rport"] if key.port == key.service.port else [])}
    row = {option: value for option, value in complete_options(real_server.destination).items() if option not in omitted}
    if real_server.present:
        return row
    return {**{option: row[option] for option in ("rip", "rport") if option in row}, "state": ABSENT}
