# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which hosts of an inventory make a cluster: those of the two groups that their own variables name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...module_utils._core.options import Faults
from .errors import DescriptionFault
from .variables import HostVariables

Groups = Mapping[str, Sequence[str]]  # the hosts of each group


@dataclass(frozen=True)
class GroupNames:
    """The variables of a host that name the groups of its cluster."""

    directors: str = "directors"
    real_servers: str = "realservers"


@dataclass(frozen=True)
class Cluster:
    """Directors, and their real servers."""

    names: GroupNames
    directors: tuple[str, ...]
    real_servers: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts, each once."""
        return tuple(dict.fromkeys((*self.directors, *self.real_servers)))


def group_names(variables: HostVariables, faults: Faults) -> GroupNames:
    """The groups that a host's variables name."""
    default = GroupNames()
    return GroupNames(
        str(faults.collect(variables.get, "lvs_directors_group") or default.directors),
        str(faults.collect(variables.get, "lvs_realservers_group") or default.real_servers),
    )


def cluster_of(names: GroupNames, groups: Groups) -> Cluster:
    """The cluster of a host with these variables."""
    return Cluster(names, tuple(groups.get(names.directors, ())), tuple(groups.get(names.real_servers, ())))


def find_clusters(groups: Groups, names: Mapping[str, GroupNames], faults: Faults) -> list[Cluster]:
    """The clusters of an inventory, in its order.

    :param names: the variables of each host
    """
    clusters: dict[GroupNames, Cluster] = {}
    for host, of_host in names.items():
        cluster = cluster_of(of_host, groups)
        if host in cluster.hosts:
            clusters.setdefault(of_host, cluster)
    for cluster in clusters.values():
        check_cluster(cluster, names, faults)
    if not clusters:
        faults.add(_without_director(next(iter(names.values()), GroupNames())))
    return list(clusters.values())


def check_cluster(cluster: Cluster, names: Mapping[str, GroupNames], faults: Faults) -> None:
    """Check that there is a director, and that all hosts of the cluster name the same groups.

    :param names: the variables of the cluster's hosts at least
    """
    if not cluster.directors:
        faults.add(_without_director(cluster.names))
    for host in cluster.hosts:
        if names[host] != cluster.names:
            others = f"{names[host].directors} and {names[host].real_servers}"
            faults.add(
                DescriptionFault(
                    f"host {host}",
                    f"is in a cluster of the groups {cluster.names.directors} and {cluster.names.real_servers}, but its own"
                    f" lvs_directors_group and lvs_realservers_group are {others}: set the two for all hosts of the cluster",
                )
            )


def _without_director(names: GroupNames) -> DescriptionFault:
    return DescriptionFault(
        f"group {names.directors}",
        "has no host: put the director into it, or set lvs_directors_group to the name of its group",
    )
