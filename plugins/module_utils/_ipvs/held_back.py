# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Services that are left as they are, because their change needs real servers that have not been prepared for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .._core.options import Facts
from .._core.reconcile import Wanted
from .._core.values import Address
from .model import Destination, DestinationKey, IpvsKey, ServiceKey, TableItem

# The others deliver packets that are still addressed to the VIP, which the real server has to hold.
_NOTHING_TO_PREPARE = ("masquerade", "local")


@dataclass(frozen=True)
class HeldBack:
    """A service that is left as it is."""

    service: ServiceKey
    rips: Sequence[Address]  # the real servers that would have to be prepared
    exists: bool

    def facts(self) -> Facts:
        """The service as the module returns it."""
        return {**self.service.facts(), "rips": [str(rip) for rip in self.rips], "exists": self.exists}

    def warning(self) -> str:
        """What a person should know, and do."""
        rips = ", ".join(map(str, self.rips))
        return (
            f"{self.service}: left as it is, as real servers are not prepared for the change: {rips}. Run it again with these"
            " real servers"
        )


def held_back(
    wanted: Iterable[Wanted[IpvsKey, TableItem]], items: Mapping[IpvsKey, TableItem], unprepared: AbstractSet[Address]
) -> list[HeldBack]:
    """The services with a destination whose real server would have to be prepared and is not, in the order of the list."""
    if not unprepared:
        return []
    services: dict[ServiceKey, dict[Address, None]] = {}
    for item in wanted:
        key = item.key
        if isinstance(key, DestinationKey) and key.rip in unprepared:
            before = items.get(key)
            if _has_to_be_prepared(before, item.merged_with(before)):
                services.setdefault(key.service, {})[key.rip] = None
    return [HeldBack(service, tuple(rips), service in items) for service, rips in services.items()]


def vips_without_service(held: Iterable[HeldBack], after: Mapping[IpvsKey, TableItem]) -> list[str]:
    """The VIPs of these services that no service has after the changes."""
    vips = dict.fromkeys(service.service.vip for service in held if service.service.vip is not None)
    if not vips:
        return []
    served = {key.vip for key in after if isinstance(key, ServiceKey)}
    return [str(vip) for vip in vips if vip not in served]


def _has_to_be_prepared(before: TableItem | None, after: TableItem | None) -> bool:
    delivery = _delivery(after)
    return delivery is not None and delivery != _delivery(before)


def _delivery(destination: TableItem | None) -> tuple[str, str, int, str] | None:
    """How packets reach the real server; None where it needs nothing for that."""
    if not isinstance(destination, Destination) or destination.forward in _NOTHING_TO_PREPARE:
        return None
    return destination.forward, destination.tunnel_type, destination.tunnel_port, destination.tunnel_checksum
