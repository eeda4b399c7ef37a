# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""VIPs that move between directors: rows and steps of M(lvs.cluster.keepalived). Pure.

All directors take part in one virtual router, which has all VIPs of both families.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...module_utils._core import values
from ...module_utils._core.errors import Invalid
from ...module_utils._core.options import ABSENT, Facts, Faults, Options
from ...module_utils._core.values import Address
from ...module_utils._keepalived import options as keepalived
from ...module_utils._keepalived.quorum import LOWERS
from .description import ServiceDescription
from .errors import DescriptionFault
from .health import KEEPALIVED
from .inventory import Inventory
from .steps import Step, step

_HIGHEST = 254  # priority of the first director of the group: the higher, the sooner another one takes over (RFC 5798, 6.1)
# The options of a virtual router, and the variables that they are from.
_SHARED = ("id", "version", "advert_interval", "preempt", "track_devices")
_VARIABLES = {"source": "lvs_dip", "peers": "lvs_dip", "device": "lvs_director_device"}


def check_directors(inventory: Inventory, faults: Faults) -> None:
    """Check that there is a director, and that the directors can make one virtual router."""
    if not inventory.directors:
        place = f"group {inventory.directors_group}"
        faults.add(DescriptionFault(place, "has no host: name the directors (lvs_directors_group is the group's name)"))
    if inventory.vrrp["id"] is None:
        reason = "is missing: number the virtual router, with 1 to 255, as no other one on the network"
        faults.add(DescriptionFault("lvs_vrrp_id", reason))
    if inventory.vrrp["track_quorum"] and inventory.engine != KEEPALIVED:
        reason = (
            "needs keepalived, which checks real servers: set lvs_engine to keepalived, or leave lvs_vrrp_track_quorum out"
        )
        faults.add(DescriptionFault("lvs_vrrp_track_quorum", reason))
    before = len(faults.found)
    check_priorities(inventory, faults)
    families = {family for name in inventory.directors for family in [_family(inventory, name, faults)] if family}
    if len(families) > 1:
        reason = "is an IPv4 address of some directors and an IPv6 address of others: give all of them one of a family"
        faults.add(DescriptionFault(f"group {inventory.directors_group}, lvs_dip", reason))
    if inventory.vrrp["id"] is not None and len(faults.found) == before:
        _check_router(inventory, faults)


def check_priorities(inventory: Inventory, faults: Faults) -> None:
    """Check that each director has a priority of its own."""
    names: dict[int, str] = {}
    for name in inventory.directors:
        priority = faults.collect(_priority, inventory, name, where=f"host {name}")
        if priority is None:
            continue
        first = names.setdefault(priority, name)
        if first != name:
            reason = f"is {priority}, as that of {first}: give each director its own"
            faults.add(DescriptionFault(f"host {name}, lvs_vrrp_priority", reason))


def _priority(inventory: Inventory, name: str) -> int:
    """The priority of a director.

    :raises InvalidValue: it has none that VRRP knows
    """
    given = inventory.hosts[name].vrrp_priority
    place = list(inventory.directors).index(name)
    return values.integer("lvs_vrrp_priority", _HIGHEST - place if given is None else given, 1, 254)


def _family(inventory: Inventory, name: str, faults: Faults) -> int:
    dip = inventory.hosts[name].rip
    if dip is None:
        reason = "is missing: directors send advertisements from it (an ansible_host that is an address does)"
        faults.add(DescriptionFault(f"host {name}, lvs_dip", reason))
        return 0
    try:
        return values.address("lvs_dip", dip).version
    except Invalid:
        return 0  # a fault that read_dips adds


def _check_router(inventory: Inventory, faults: Faults) -> None:
    """Check the settings that all directors share, as the module does."""
    found = Faults()
    for name in inventory.directors:
        found.collect(keepalived.read_router, router(inventory, name))
    reasons = {f"{fault.value} {fault.reason}": fault.option for fault in found.found}
    for reason, option in reasons.items():
        faults.add(DescriptionFault(_VARIABLES.get(option, f"lvs_vrrp_{option}"), reason))


def router(inventory: Inventory, name: str) -> Facts:
    """The option C(vrrp) of a director. Its secret is not in the plan."""
    settings = inventory.vrrp
    others = [inventory.hosts[other].rip for other in inventory.directors if other != name]
    found: Facts = {
        **{option: settings[option] for option in _SHARED},
        "track_quorum": _tracks_quorum(inventory),
        "source": inventory.hosts[name].rip,
        "peers": [] if settings["multicast"] else others,
        "priority": _priority(inventory, name),
    }
    return {**found, "device": inventory.director_device} if inventory.director_device else found


def _tracks_quorum(inventory: Inventory) -> bool:
    given = inventory.vrrp["track_quorum"]
    return inventory.engine == KEEPALIVED if given is None else given


def other_dips(routers: Mapping[str, Options], router: Options | None) -> list[str]:
    """The DIPs of the other directors, also where they hear each other by multicast.

    :param routers: those of all directors, by their names
    :param router: that of a director; None, or empty: it takes part in none
    """
    return [other["source"] for other in routers.values() if router and other["source"] != router["source"]]


def director_vips(services: Iterable[ServiceDescription]) -> tuple[list[Facts], list[Facts]]:
    """The VIPs that the virtual router has, and those that it gives up: rows of M(lvs.cluster.keepalived)."""
    held: dict[Address, Facts] = {}
    removed: dict[Address, Facts] = {}
    for service in services:
        vip = service.network_vip
        if vip is not None:
            device = {"device": service.director_device} if service.director_device else {}
            (held if service.present else removed)[vip] = {"vip": str(vip), **device}
    return list(held.values()), [row for vip, row in removed.items() if vip not in held]


def removal_steps(rows: Sequence[Facts], router: Options | None, takeover: bool) -> list[Step]:
    """What removes VIPs. Before their services: a director that has the VIP but not the service answers with resets."""
    if not router:
        return [step("keepalived", "vips", "ipvs", state=ABSENT)]
    absent = [{**row, "state": ABSENT} for row in rows]
    return [step("keepalived", "vips", "ipvs", vrrp=router, vips=absent, takeover=takeover)] if rows else []


def assignment_steps(rows: Sequence[Facts], router: Options | None, takeover: bool, purge: bool, marks: bool) -> list[Step]:
    """What has the virtual router have the VIPs, when their services are there.

    :param purge: whether it gives up VIPs that are not in the rows
    :param marks: whether a service has a firewall mark, so that somebody assigned its VIPs
    """
    # A run that was killed may have left a director on standby.
    options = {"vrrp": router, "vips": rows, "purge": purge, "takeover": takeover, "standby": False}
    steps = [step("keepalived", "vips", **options)] if router else []
    # Of a cluster that had one director before, which held them all the time.
    return steps if marks and router else [*steps, step("tunl_vip", "vips", devices=[], purge=True)]


def warnings(inventory: Inventory) -> Iterator[str]:
    """What is allowed and leaves clients without a director."""
    if len(inventory.directors) == 1:
        (name,) = inventory.directors
        yield (
            f"group {inventory.directors_group}: {name} is the only director of the virtual router"
            f" {inventory.vrrp['id']}, and nothing takes over when it fails: put a second one into the group"
        )
    if _tracks_quorum(inventory):
        yield from _priorities_apart(inventory)


def _priorities_apart(inventory: Inventory) -> Iterator[str]:
    priorities = sorted(((_priority(inventory, name), name) for name in inventory.directors), reverse=True)
    for (higher, name), (lower, next_name) in zip(priorities, priorities[1:]):
        if higher - lower >= LOWERS:
            yield (
                f"lvs_vrrp_track_quorum: {name} has priority {higher} and {next_name} has {lower}. A service below its quorum"
                f" takes {LOWERS} away, which leaves the VIPs where they are: set lvs_vrrp_priority closer to each other"
            )
