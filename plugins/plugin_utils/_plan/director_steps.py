# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is run on a director for its plan: steps of M(lvs.cluster.batch), in their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ...module_utils._core.options import ABSENT, PRESENT, Facts, Options
from . import vips_single, vips_vrrp
from .connections import sync_steps, sysctls
from .health import KEEPALIVED
from .inventory import VRRP
from .steps import Step, step

TABLE, ENGINE = "ipvs_table", "keepalived"  # what gives IPVS its services
# With conn_reuse_mode 3, a new connection from the same client port is scheduled anew. With the kernel's default and tunnels,
# it goes to the same real server for two minutes, even if that is drained or removed.
_SYSCTLS = {"conn_reuse_mode": 3}


def setup_steps(
    plan: Options,
    settings: Options,
    unprepared: Collection[str],
    router: Options | None = None,
    sources: Sequence[str] = (),
    former_engine: str = "",
) -> list[Step]:
    """What comes before the VIPs: no client reaches a director that has no service for the VIP yet.

    :param plan: a C(ClusterPlan) as data
    :param router: the option C(vrrp) of M(lvs.cluster.keepalived), where VIPs move between directors
    :param unprepared: the RIPs of real servers for which no service is changed that needs something of them
    :param sources: the director's own addresses, from which checks come
    :param former_engine: who owns services of this collection in the table, as it is
    """
    present = settings["state"] == PRESENT
    of_connections = sysctls(plan["connections"], settings)
    wanted = {**_SYSCTLS, **of_connections, **settings["ipvs_sysctl"]} if present else {}
    kept = {name: value for name, value in wanted.items() if value is not None}
    steps = [step("ipvs_sysctl", "sysctl", "ipvs", settings=kept, persist=settings["persist_sysctl"] and present)]
    # Connection tracking has to see what is masqueraded.
    tracked = [row for row in plan["director_services"] if not row["untracked"]]
    if tracked:
        steps.append(step("firewall", "nftables", "vips", program=settings["firewall"], services=tracked))
    removed = plan["director_vips_removed"]
    if settings["vips"] == VRRP:
        steps += vips_vrrp.removal_steps(removed, router if present else None, settings["keepalived_takeover"])
    else:
        steps += vips_single.removal_steps(removed)
    if settings["engine"] == KEEPALIVED and present:
        return [*steps, *_engine_steps(plan, settings, unprepared, router, sources), *sync_steps(settings, router)]
    after_keepalived = former_engine == KEEPALIVED
    if after_keepalived:
        # Two programs must not own the table.
        steps.append(step("keepalived", "ipvs", services=[]))
        steps.append(step("check_sysctl", "sysctl", "ipvs", state=ABSENT))
    table: Facts = {
        "services": plan["services"],
        "purge": "none",
        "keep_weights": settings["keep_weights"],
        "unprepared": list(unprepared),
        **({"after_keepalived": True} if after_keepalived else {}),
    }
    # An empty description is taken for a mistake: nothing is purged. Neither is anything of other programs at teardown.
    if plan["services"] and present:
        table["purge"] = settings["purge"]
        if settings["purge_networks"] is not None:
            table["purge_networks"] = settings["purge_networks"]
    # A connection that another director tells of needs its service, and its real server.
    return [*steps, step(TABLE, "ipvs", **table), *sync_steps(settings, router)]


def _engine_steps(
    plan: Options, settings: Options, unprepared: Collection[str], router: Options | None, sources: Sequence[str]
) -> list[Step]:
    """What has keepalived own the table. Its checks succeed only with their settings."""
    devices = sorted({row["device"] for row in plan["director_vips"] if row.get("device")})
    options: Facts = {
        "services": plan["virtual_servers"],
        "sources": list(sources),
        "keep_weights": settings["keep_weights"],
        "unprepared": list(unprepared),
        "takeover": settings["keepalived_takeover"],
    }
    if router:
        options["vrrp"] = router
    return [
        step(
            "check_sysctl", "sysctl", "ipvs", sources=list(sources), vip_devices=devices, persist=settings["persist_sysctl"]
        ),
        step("keepalived", "ipvs", **options),
    ]


def sets_table(module: str, options: Options) -> bool:
    """Whether a step gives IPVS the services of the description."""
    return module == TABLE or (module == ENGINE and bool(options.get("services")))


def trial_steps(steps: Iterable[Step]) -> list[Step]:
    """What is tried in check mode before the first change of the cluster: whether keepalived takes its configuration.

    :param steps: what is run on the director, at last
    """
    found = [step for step in steps if step.module == ENGINE and (step.options.get("vrrp") or step.options.get("services"))]
    # Nothing is prepared yet.
    return [replace(step, options={**step.options, "unprepared": []}) for step in found]


def finish_steps(
    plan: Options,
    settings: Options,
    held_back: Iterable[Options] = (),
    held_back_vips: Collection[str] = (),
    router: Options | None = None,
    takes_part: bool = False,
) -> list[Step]:
    """What comes after the services.

    :param held_back: the options that identify the services that were left as they are
    :param held_back_vips: VIPs of new services that were left out
    :param takes_part: whether the director took part in a virtual router of this collection before
    """
    present = settings["state"] == PRESENT
    others = vips_vrrp.other_dips(plan["routers"], router if present else None)
    opened: Facts = {
        "program": settings["firewall"],
        "services": _firewall_rows(plan["director_services"], held_back),
        **({"directors": others} if others else {}),
    }
    steps = []
    # Before the VIPs, and when nothing is masqueraded any more.
    if opened["services"] or others:
        steps.append(step("firewall", "nftables", "vips", **opened))
    purge = not present or settings["purges_vips"]
    if settings["vips"] == VRRP:
        rows = [row for row in plan["director_vips"] if row["vip"] not in held_back_vips]
        marks = any("fwmark" in service for service in plan["services"])
        takeover = settings["keepalived_takeover"]
        steps += vips_vrrp.assignment_steps(rows, router if present else None, takeover, purge, marks)
    else:
        rows = [{**row, "vips": [vip for vip in row["vips"] if vip not in held_back_vips]} for row in plan["director_vips"]]
        has_keepalived = settings["engine"] == KEEPALIVED and present
        steps += vips_single.assignment_steps(rows, purge, takes_part, has_keepalived)
    # After their VIPs.
    if not present:
        steps.append(step("firewall", "nftables", "vips", state=ABSENT))
    elif purge:
        steps.append(step("firewall", "nftables", "vips", **opened, purge=True))
    elif plan["director_services_removed"]:
        steps.append(step("firewall", "nftables", "vips", services=plan["director_services_removed"], state=ABSENT))
    if plan["services"] or not present:
        state = PRESENT if settings["boot"] and present else ABSENT
        services = [{name: value for name, value in row.items() if name != "destinations"} for row in plan["services"]]
        steps.append(step("boot", "boot", services=services, state=state))
    return steps


def _firewall_rows(services: Iterable[Options], held_back: Iterable[Options]) -> list[Facts]:
    """The rows of M(lvs.cluster.firewall). Of a service that was left as it is, the tracking stays as it is, too."""
    left = [_identity(service) for service in held_back]
    return [{key: row[key] for key in row if key != "untracked" or _identity(row) not in left} for row in services]


def _identity(service: Options) -> tuple[object, ...]:
    return tuple(service.get(name) for name in ("vip", "port", "protocol"))
