# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Destinations that are named by their RIP alone, found among those that exist. Pure.

Only masquerading rewrites ports: of any other destination, the port is no more than a part of its name. Other programs choose
ports that differ from that of the service, and a second destination beside such a one would be the same real server again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from .._core.reconcile import Wanted
from .._core.values import Address
from .model import Destination, DestinationKey, ServiceKey, WantedDestination

MASQUERADE = "masquerade"

W = TypeVar("W", bound="Wanted[Any, Any]")


def found_by_rip(wanted: Sequence[W], items: Mapping[Any, Any], masqueraded: bool) -> Sequence[W]:
    """What is wanted, where a destination without a port is the only one of its real server in the service that exists.

    :param masqueraded: also where packets are masqueraded to a port that was not named; otherwise, that port is replaced
    """
    missing = [item for item in wanted if _names_rip_alone(item) and item.key not in items]
    if not missing:
        return wanted
    named = {item.key for item in wanted}
    existing: dict[tuple[ServiceKey, Address], list[Destination]] = {}
    for key, item in items.items():
        if isinstance(key, DestinationKey) and key not in named:
            existing.setdefault((key.service, key.rip), []).append(item)
    found: dict[DestinationKey, W] = {}
    for item in missing:
        same_rip = existing.get((item.key.service, item.key.rip), [])
        if len(same_rip) == 1 and _is_meant(item, same_rip[0], masqueraded):
            found[item.key] = _with_key(item, same_rip[0].key)
    return [found.get(item.key, item) for item in wanted] if found else wanted


def _names_rip_alone(item: Wanted[Any, Any]) -> bool:
    return isinstance(item, WantedDestination) and not item.port_given


def _is_meant(item: Wanted[Any, Any], existing: Destination, masqueraded: bool) -> bool:
    """Whether an existing destination may be the wanted one: not if that would rewrite ports, and this one does not."""
    becomes = existing.forward if item.new is None else item.given.get("forward", existing.forward)
    rewrites = existing.forward == MASQUERADE
    return (becomes == MASQUERADE) == rewrites and (masqueraded or not rewrites)


def _with_key(item: W, key: DestinationKey) -> W:
    return replace(item, key=key, new=None if item.new is None else replace(item.new, key=key))
