# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The hosts of all clusters of an inventory: the return values of M(lvs.cluster.cluster_hosts)."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core.options import Facts, Faults
from .clusters import Cluster, Groups, find_clusters, group_names
from .errors import InvalidDescription
from .variables import AllHosts


def cluster_hosts(groups: Groups, hosts: AllHosts) -> Facts:
    """The directors and the real servers.

    :raises InvalidDescription: there is no cluster, or its hosts do not agree on their groups
    """
    faults = Faults()
    names = {host: group_names(hosts[host], faults) for host in groups["all"]}
    clusters = find_clusters(groups, names, faults)
    if faults.found:
        raise InvalidDescription(faults.found)
    return {
        "directors": _unique(host for cluster in clusters for host in cluster.directors),
        "real_servers": _unique(host for cluster in clusters for host in cluster.real_servers),
        "directors_of": _directors_of(clusters),
    }


def _directors_of(clusters: Iterable[Cluster]) -> dict[str, list[str]]:
    """The directors of each real server."""
    directors: dict[str, list[str]] = {}
    for cluster in clusters:
        for host in cluster.real_servers:
            directors[host] = _unique([*directors.get(host, []), *cluster.directors])
    return directors


def _unique(hosts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(hosts))
