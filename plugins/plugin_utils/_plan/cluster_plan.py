# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A host's part of the plan, with what the run has done so far: the return values of M(lvs.cluster.cluster_plan)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import LvsError
from ...module_utils._core.options import ABSENT, PRESENT, Facts, Options
from ...module_utils._ipvs.model import ServiceKey
from . import connections, director_steps, real_server_steps, vips_vrrp
from .clusters import Cluster
from .health import NETLINK
from .neighbours import asking_real_servers
from .planner import Planner
from .real_server import RealServerPlan
from .settings import SECRET
from .steps import Step, rows, selected, step

DIRECTOR, REAL_SERVER = "director", "real_server"

# What the roles note of each host in a run.
_HOST = "__lvs_host"  # the result of state_info, by which the host was contacted
# The results of batch, with the id of the plan as their label. That of a real server ends with its state.
_SETUP = "__lvs_setup"


@dataclass(frozen=True)
class _Progress:
    """What the run has done on a host so far."""

    contacted: bool | None  # None: nobody tried
    plan: str  # the id of the plan that the host was set up for; empty: none
    results: Sequence[Options]  # of the steps of its set-up
    engine: str  # who owns services of this collection in the table of a director, as it was found
    takes_part: bool  # in a virtual router of this collection, as it was found

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> _Progress:
        """The progress of a host, from its variables."""
        host, setup = raw.get(_HOST), raw.get(_SETUP) or {}
        contacted = None if host is None else not (host.get("unreachable") or host.get("failed"))
        engine, takes_part = str((host or {}).get("engine", "")), bool((host or {}).get("vrrp"))
        return cls(contacted, str(setup.get("label", "")), setup.get("results", ()), engine, takes_part)

    @property
    def state(self) -> Options | None:
        """What the collection has set up on a real server, as its set-up has left it."""
        last = self.results[-1] if self.results else {}
        return last if last.get("module") == "state_info" else None

    def of_table(self, value: str) -> list[Any]:
        """A return value of M(lvs.cluster.ipvs_table) on a director."""
        tables = [result for result in self.results if result["module"] in (director_steps.TABLE, director_steps.ENGINE)]
        return [entry for table in tables for entry in table.get(value, ())]


@dataclass(frozen=True)
class _Task:
    """What steps depend on, beside the plan."""

    settings: Options
    plan_id: str
    tags: Mapping[str, Collection[str]]

    def of_tags(self, steps: Sequence[Step]) -> list[Step]:
        """The steps that run with the tags of the command line."""
        return selected(steps, self.tags["own"], self.tags["run"], self.tags["skip"])


def cluster_plan(
    planner: Planner,
    options: Options,
    role: str | None,
    tags: Mapping[str, Collection[str]],
    unprepared: Collection[str] | None = None,
) -> Facts:
    """The return values.

    :param options: those that stand in for variables
    :param role: what the host is to be set up as; C(None): whatever it is
    :param tags: C(run) and C(skip), of the command line, and C(own), of the task
    :param unprepared: the RIPs of real servers that are not ready, where the task names them
    :raises LvsError: all that is wrong
    """
    settings = planner.settings(options)
    cluster = planner.cluster(settings)
    _check_role(planner.host, role, cluster)
    key = planner.plan(cluster, settings)
    common = planner.common(key)
    settings["purges_vips"] = _purges_vips(settings, common)
    task = _Task(settings, common["id"], tags)
    plan: Facts = {
        "id": common["id"],
        "warnings": common["warnings"],
        "settings": {name: value for name, value in settings.items() if name not in ("services", SECRET)},
        "directors": list(cluster.directors),
        "real_servers": [],
        "rips": {},
        "probes": [],
        DIRECTOR: {},
        REAL_SERVER: {},
    }
    directors = _progress(planner, cluster.directors)
    if planner.host in cluster.real_servers:
        part, operations = planner.of_real_server(key)
        plan.update(real_servers=[planner.host], rips={planner.host: operations["rips"]}, probes=operations["probes"])
        plan[REAL_SERVER] = _real_server(task, part, planner, directors)
    if planner.host in cluster.directors:
        whole = planner.of_cluster(key)
        plan.update(real_servers=list(cluster.real_servers), rips=whole["rips"], probes=whole["probes"])
        progress = {**directors, **_progress(planner, cluster.real_servers)}
        plan[DIRECTOR] = _director(task, whole, planner.host, cluster.directors, progress, unprepared)
        of_connections = connections.warnings(whole["connections"], settings)
        plan["warnings"] = [*plan["warnings"], *of_connections, *_absences(progress)]
    return plan


def _progress(planner: Planner, hosts: Iterable[str]) -> dict[str, _Progress]:
    return {host: _Progress.of(planner.hosts[host].raw) for host in hosts}


def _absences(progress: Mapping[str, _Progress]) -> list[str]:
    """The hosts that the run could not reach."""
    lost = [host for host, of_host in progress.items() if of_host.contacted is False]
    if not lost:
        return []
    return [f"hosts that could not be reached take no part in this run: {', '.join(lost)}. What needs them is left as it is"]


def _real_server(task: _Task, part: RealServerPlan, planner: Planner, directors: Mapping[str, _Progress]) -> Facts:
    """The real server's part."""
    steps = real_server_steps.setup_steps(part, task.settings)
    chosen = task.of_tags(steps)
    raw = planner.hosts[planner.host].raw
    # By the time that anything is removed, a host that is to be set up is no longer empty.
    found = raw.get(_HOST) or {}
    state = _Progress.of(raw).state or ({**found, "empty": False} if chosen and found.get("empty") else found)
    held_back = {vip for progress in directors.values() for vip in _held_back(progress)}
    return {
        "setup": rows([*chosen, step("state_info")] if chosen or not steps else []),
        "label": task.plan_id if len(chosen) == len(steps) else "",
        "release": rows(real_server_steps.release_steps(part, task.settings, state, held_back or None)),
        "waiting_for": [host for host, progress in directors.items() if progress.plan != task.plan_id],
    }


def _held_back(director: _Progress) -> list[str]:
    """The VIPs of the services that a director left as they were, and "" for a firewall mark."""
    return [service.get("vip", "") for service in director.of_table("held_back")]


def _purges_vips(settings: Options, common: Options) -> bool:
    """Whether VIPs go that are of this collection and that no service of the description has.

    Not where a service has a firewall mark: its VIPs are those that somebody assigned, which the description does not know.
    """
    everything = settings["purge"] == "services" and settings["purge_networks"] is None
    return bool(everything and settings["state"] == PRESENT and common["services"] and not common["marks"])


def _check_role(host: str, role: str | None, cluster: Cluster) -> None:
    """Check that the host may be set up as what a play wants it to be."""
    groups = {
        DIRECTOR: ("director", cluster.directors, cluster.names.directors, "lvs_directors_group"),
        REAL_SERVER: ("real server", cluster.real_servers, cluster.names.real_servers, "lvs_realservers_group"),
    }
    if role is None or host in groups[role][1]:
        return
    noun, _hosts, group, variable = groups[role]
    other = next((f": it is a {noun} of this cluster" for noun, hosts, *_names in groups.values() if host in hosts), "")
    raise LvsError(
        f"host {host}: the role of a {noun} is for the hosts of the group {group}, and {host} is not one{other}. Put it into"
        f" that group, or set {variable} to the name of its group. Nothing was changed."
    )


def _director(
    task: _Task,
    plan: Options,
    host: str,
    directors: Iterable[str],
    progress: Mapping[str, _Progress],
    unprepared: Collection[str] | None,
) -> Facts:
    """The director's part of a C(ClusterPlan) as data."""
    unreachable = [name for name, of_host in progress.items() if of_host.contacted is False]
    # Where the run contacts hosts, one that it has not contacted takes no part: it is down, or left out by --limit.
    any_contacted = any(of_host.contacted for of_host in progress.values())
    left_out = {name for name, of_host in progress.items() if any_contacted and not of_host.contacted}
    contacted = {name: rips for name, rips in plan["rips"].items() if progress[name].contacted}
    preflight = plan["preflight"]
    names = plan["hosts"]
    paths = [{**row, "optional": True} if names.get(row["rip"]) in left_out else row for row in preflight["paths"]]
    if unprepared is None:
        unprepared = list(_rips(plan, (name for name in plan["rips"] if progress[name].plan != task.plan_id)))
    router = _router(plan["routers"].get(host, {}), task.settings)
    sources = plan["check_sources"].get(host, [])
    setup = task.of_tags(director_steps.setup_steps(plan, task.settings, unprepared, router, sources, progress[host].engine))
    held_back, held_back_vips = progress[host].of_table("held_back"), progress[host].of_table("held_back_vips")
    takes_part = progress[host].takes_part
    finish = director_steps.finish_steps(plan, task.settings, held_back, held_back_vips, router, takes_part)
    return {
        "services": plan["services"],
        "preflight": {
            **preflight,
            "paths": paths,
            "directors": vips_vrrp.other_dips(plan["routers"], router),
            "services": _owned(plan["services"], task.settings),
        },
        "trial": rows(director_steps.trial_steps([*setup, *finish])),
        "setup": rows(setup),
        # Real servers give up only what no director uses any more.
        "label": task.plan_id if any(director_steps.sets_table(of.module, of.options) for of in setup) else "",
        "finish": rows(task.of_tags(finish)),
        "held_back": held_back,
        "untracked": plan["untracked"],
        "tcp_services": plan["tcp_services"],
        "names": plan["names"],
        "sorry_servers": _sorry_servers(plan["virtual_servers"]),
        "hosts": names,
        "ready": [name for name in directors if name != host and progress[name].plan == task.plan_id],
        "neighbours": asking_real_servers(preflight["vips"], contacted),
        "unreachable": unreachable,
    }


def _owned(services: Iterable[Options], settings: Options) -> list[Facts]:
    """The services that the modules of this collection own, where they do: what identifies each."""
    if settings["engine"] != NETLINK:
        return []
    return [ServiceKey.of(row).facts() for row in services if row.get("state") != ABSENT]


def _sorry_servers(services: Iterable[Options]) -> list[Facts]:
    """The sorry servers of the services that have one, and with which weight left these are up."""
    return [
        {
            **ServiceKey.of(row).facts(),
            "rip": row["sorry_server"]["address"],
            "rport": row["sorry_server"].get("port"),
            "quorum": row.get("quorum", 1),
        }
        for row in services
        if row.get("sorry_server")
    ]


def _router(router: Facts, settings: Options) -> Facts:
    """The virtual router, with the secret."""
    return {**router, "secret": settings[SECRET]} if router and settings[SECRET] else router


def _rips(plan: Options, hosts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(rip for host in hosts for rip in plan["rips"][host])
