# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""VIPs that clients reach on one director, which holds all of them: rows and steps of M(lvs.cluster.tunl_vip). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...module_utils._core.options import ABSENT, Facts, Faults
from .connections import sync_removal_steps
from .description import ServiceDescription
from .errors import DescriptionFault
from .inventory import Inventory
from .rows import device_rows
from .steps import Step, step
from .vips_vrrp import check_priorities


def check_directors(inventory: Inventory, faults: Faults) -> None:
    """Check that there is one director."""
    place = f"group {inventory.directors_group}"
    directors = inventory.directors
    if not directors:
        faults.add(DescriptionFault(place, "has no host: name the director (lvs_directors_group is the group's name)"))
    elif len(directors) > 1:
        faults.add(
            DescriptionFault(
                place,
                f"has {len(directors)} hosts ({', '.join(directors)}), and each of them would hold the VIPs: set lvs_vips to"
                " vrrp, or leave one in the group",
            )
        )
    check_priorities(inventory, faults)  # not used, but a wrong value is told before it is


def director_vips(services: Iterable[ServiceDescription]) -> tuple[list[Facts], list[Facts]]:
    """The VIPs that the director holds, and those that it gives up: rows of M(lvs.cluster.tunl_vip)."""
    held: list[tuple[str, str]] = []
    removed: list[tuple[str, str]] = []
    for service in services:
        if service.network_vip is not None:
            (held if service.present else removed).append((service.director_device, str(service.network_vip)))
    # A VIP that one service gives up and another service needs stays.
    return device_rows(held), device_rows(vip for vip in removed if vip not in held)


def removal_steps(rows: Sequence[Facts]) -> list[Step]:
    """What removes VIPs. Before their services: a director that has the VIP but not the service answers with resets."""
    return [step("tunl_vip", "vips", "ipvs", devices=rows, state=ABSENT)] if rows else []


def assignment_steps(rows: Sequence[Facts], purge: bool, takes_part: bool, has_keepalived: bool) -> list[Step]:
    """What assigns the VIPs, when their services are there.

    :param purge: whether VIPs of this collection are removed that are not in the rows
    :param takes_part: whether the director still takes part in a virtual router of this collection
    :param has_keepalived: whether keepalived owns the table, so that only its virtual router goes
    """
    # Of a cluster that had several directors before: keepalived has the VIPs until it ends. Sync daemons of a director that
    # was in no virtual router are somebody else's. They go with the same tags, and before what tells that it was in one: if
    # this run is killed, the next one finds it.
    daemons = sync_removal_steps("vips") if takes_part else []
    former = step("keepalived", "vips", purge=True) if has_keepalived else step("keepalived", "vips", state=ABSENT)
    return [*daemons, former, step("tunl_vip", "vips", devices=rows, purge=purge, announce=True)]
