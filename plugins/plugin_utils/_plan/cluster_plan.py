# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A host's part of the plan, with what the run has done so far: the return values of M(lvs.cluster.cluster_plan)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import LvsError
from ...module_utils._core.options import PRESENT, Facts, Options
from . import steps
from .clusters import Cluster
from .planner import Planner

DIRECTOR, REAL_SERVER = "director", "real_server"

# What the roles note of each host in a run.
_HOST = "__lvs_host"  # the result of state_info, by which the host was contacted
_SETUP = "__realserver_setup"  # the result of batch on a real server, with its state afterwards
_DONE = "__lvs_done"  # the id of the plan that the host was set up for, and the services that a director held back


@dataclass(frozen=True)
class _Progress:
    """What the run has done on a host so far."""

    contacted: bool | None  # None: nobody tried
    plan: str  # the id of the plan that the host was set up for; empty: none
    held_back: Collection[str]  # VIPs of services that a director left as they were

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> _Progress:
        """The progress of a host, from its variables."""
        host, done = raw.get(_HOST), raw.get(_DONE) or {}
        contacted = None if host is None else not (host.get("unreachable") or host.get("failed"))
        return cls(contacted, str(done.get("plan", "")), [str(vip) for vip in done.get("held_back", ())])


def cluster_plan(planner: Planner, options: Options, role: str | None, tags: Mapping[str, Collection[str]]) -> Facts:
    """The return values.

    :param options: those that stand in for variables
    :param role: what the host is to be set up as; C(None): whatever it is
    :param tags: C(run) and C(skip), of the command line, and C(own), of the task
    :raises LvsError: all that is wrong
    """
    settings = planner.settings(options)
    cluster = planner.cluster(settings)
    _check_role(planner.host, role, cluster)
    key = planner.plan(cluster, settings)
    common = planner.common(key)
    settings["purges_vips"] = _purges_vips(settings, common)
    plan: Facts = {
        "id": common["id"],
        "warnings": common["warnings"],
        "settings": {name: value for name, value in settings.items() if name != "services"},
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
        setup = steps.setup_steps(part, settings)
        chosen = steps.selected(setup, tags["own"], tags["run"], tags["skip"])
        held_back = {vip for progress in directors.values() for vip in progress.held_back}
        release = steps.release_steps(part, settings, _state(planner, bool(chosen)), held_back or None)
        plan[REAL_SERVER] = {
            "setup": steps.rows(chosen),
            "complete": len(chosen) == len(setup),
            "release": steps.rows(release),
            "waiting_for": [host for host, progress in directors.items() if progress.plan != common["id"]],
        }
    if planner.host in cluster.directors:
        whole = planner.of_cluster(key)
        plan.update(real_servers=list(cluster.real_servers), rips=whole["rips"], probes=whole["probes"])
        progress = {**directors, **_progress(planner, cluster.real_servers)}
        plan[DIRECTOR] = _director(whole, progress, common["id"])
        plan["warnings"] = [*plan["warnings"], *_absences(progress)]
    return plan


def _progress(planner: Planner, hosts: Iterable[str]) -> dict[str, _Progress]:
    return {host: _Progress.of(planner.hosts[host].raw) for host in hosts}


def _absences(progress: Mapping[str, _Progress]) -> list[str]:
    """The hosts that the run could not reach."""
    lost = [host for host, of_host in progress.items() if of_host.contacted is False]
    if not lost:
        return []
    return [f"hosts that could not be reached take no part in this run: {', '.join(lost)}. What needs them is left as it is"]


def _state(planner: Planner, set_up: bool) -> Options:
    """What the collection has set up on this host: as its set-up has left it, or as it was found.

    :param set_up: the host is to be set up: by the time that anything is removed from it, it is no longer empty
    """
    raw = planner.hosts[planner.host].raw
    after_setup = (raw.get(_SETUP) or {}).get("results") or [{}]
    if after_setup[-1].get("module") == "state_info":
        return dict(after_setup[-1])
    found = raw.get(_HOST) or {}
    return {**found, "empty": False} if set_up and found.get("empty") else found


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


def _director(plan: Options, progress: Mapping[str, _Progress], plan_id: str) -> Facts:
    """The director's part."""
    unreachable = [host for host, of_host in progress.items() if of_host.contacted is False]
    # Where the run contacts hosts, one that it has not contacted takes no part: it is down, or left out by --limit.
    any_contacted = any(of_host.contacted for of_host in progress.values())
    left_out = {host for host, of_host in progress.items() if any_contacted and not of_host.contacted}
    preflight = plan["preflight"]
    names = plan["hosts"]
    paths = [{**row, "optional": True} if names.get(row["rip"]) in left_out else row for row in preflight["paths"]]
    return {
        "services": plan["services"],
        "preflight": {**preflight, "paths": paths},
        "vips": plan["director_vips"],
        "vips_removed": plan["director_vips_removed"],
        "names": plan["names"],
        "hosts": names,
        "unreachable": unreachable,
        "unprepared": list(_rips(plan, (host for host in plan["rips"] if progress[host].plan != plan_id))),
    }


def _rips(plan: Options, hosts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(rip for host in hosts for rip in plan["rips"][host])
