# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The checks of a service, and what happens when real servers fail them, from the description. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ...module_utils._core.errors import InvalidValue
from ...module_utils._core.options import Faults, Options
from ...module_utils._ipvs.model import Destination, Service, ServiceKey
from ...module_utils._keepalived.checker import NONE, Check, check_protocol, read_check
from ...module_utils._keepalived.virtual_servers import (
    OF_KEEPALIVED,
    CheckedServer,
    SorryServer,
    VirtualServer,
    read_own_options,
    read_sorry_server,
)

NETLINK, KEEPALIVED = "netlink", "keepalived"  # who owns the IPVS table
SERVICE_FIELDS = ("check", "sorry_server", *(option.name for option in OF_KEEPALIVED))
REAL_SERVER_FIELDS = ("check",)


@dataclass(frozen=True)
class Health:
    """What a service has beside its configuration in IPVS."""

    check: Check | None = None  # of its real servers; None: the default of each
    sorry_server: SorryServer | None = None
    quorum: int | None = None
    inhibit_on_failure: bool = False
    alpha: bool = False

    def virtual_server(self, service: Service, real_servers: Iterable[CheckedServer]) -> VirtualServer:
        """The service as keepalived has it."""
        rest = (self.sorry_server, self.quorum, self.inhibit_on_failure, self.alpha)
        return VirtualServer(service, tuple(real_servers), *rest)


def check_engine(row: Options, fields: Collection[str], engine: str, faults: Faults, where: str = "") -> bool:
    """Check that a row of the description has fields of keepalived only where keepalived owns the table."""
    if engine == KEEPALIVED:
        return True
    for name in fields:
        if row.get(name) is not None:
            reason = "needs keepalived, which checks real servers: set lvs_engine to keepalived, or leave it out"
            faults.add(InvalidValue(name, row[name], reason), where)
    return False


def read_health(row: Options, protocol: str | None, engine: str, faults: Faults) -> Health:
    """The fields of a service; faults are added.

    :param protocol: of the service; C(None) for a firewall mark, and where it has a fault
    """
    if not check_engine(row, SERVICE_FIELDS, engine, faults):
        return Health()
    check = None
    if row.get("check") is not None:
        check = faults.collect(read_check, row["check"], where="check")
        if check is not None:
            faults.collect(check_protocol, check, protocol)
    sorry = faults.collect(read_sorry_server, row.get("sorry_server"))
    return Health(check, sorry, **read_own_options(row, faults))


def read_own_check(entry: Options, health: Health, protocol: str | None, engine: str, faults: Faults) -> Check | None:
    """The check of a real server, where it is not that of the service; faults are added."""
    if not check_engine(entry, REAL_SERVER_FIELDS, engine, faults) or entry.get("check") is None:
        return health.check
    check = faults.collect(read_check, entry["check"], health.check, where="check")
    if check is not None:
        faults.collect(check_protocol, check, protocol)
    return check


def default_check(destination: Destination) -> Check | None:
    """The check of a real server that is given none: whether its program takes TCP connections.

    The director itself has programs on addresses of its own, or of the VIP: nothing is known of them.
    """
    service = destination.key.service
    has_port = service.port or (destination.forward == "masquerade" and destination.key.port)
    return Check("tcp") if service.protocol == "tcp" and has_port and destination.forward != "local" else None


def check_service(health: Health, service: Service, real_servers: Iterable[CheckedServer]) -> None:
    """Check a service that has no other faults.

    :raises Invalid: what keepalived cannot do
    """
    health.virtual_server(service, real_servers).check()


def warnings(place: str, key: ServiceKey, real_servers: Iterable[CheckedServer]) -> Iterator[str]:
    """What the user has to know of real servers without a check, unless the description says so itself."""
    unchecked = [str(real_server.destination.key.rip) for real_server in real_servers if real_server.check is None]
    if unchecked:
        kind = "a firewall mark" if key.vip is None else "every port" if not key.port else key.protocol
        yield (
            f"{place}, check: there is no default for {kind}: connections go to {', '.join(unchecked)} whether they answer or"
            f" not. Name a check, or {NONE}"
        )
