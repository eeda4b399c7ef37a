# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The plan of a cluster: its description, checked as a whole and expanded to what each host has to hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...module_utils._core.options import Facts, Faults
from . import checks, engine_keepalived, vips_single, vips_vrrp
from .connections import connection_facts
from .description import read_description
from .engine_netlink import ipvs_table_rows
from .errors import InvalidDescription
from .firewall import director_services, untracked
from .health import KEEPALIVED
from .inventory import VRRP, Inventory, read_dips, read_path_mtus
from .preflight import preflight_options
from .probes import probe_rows, tcp_services
from .real_server import RealServerPlan, add_removals, deliveries_by_host, described_vips, real_server_plan


@dataclass
class ClusterPlan:
    """The description, expanded."""

    services: list[Facts] = field(default_factory=list)  # the option of ipvs_table, with what should be removed
    virtual_servers: list[Facts] = field(default_factory=list)  # the option services of keepalived, which owns the table
    check_sources: dict[str, list[str]] = field(default_factory=dict)  # the addresses that checks come from, by director
    names: list[str] = field(default_factory=list)  # of these services
    preflight: Facts = field(default_factory=dict)  # options of the module
    director_vips: list[Facts] = field(default_factory=list)  # rows of tunl_vip or keepalived: the VIPs of directors
    director_vips_removed: list[Facts] = field(default_factory=list)  # and those that they give up
    routers: dict[str, Facts] = field(default_factory=dict)  # the option vrrp of keepalived, by director
    director_services: list[Facts] = field(default_factory=list)  # rows of firewall: what clients use on the director
    director_services_removed: list[Facts] = field(default_factory=list)  # and what they use no more
    connections: Facts = field(default_factory=dict)  # how they go on when another director takes over
    untracked: str = "none"  # of what is one-way: whether none, some or all of it is exempted from connection tracking
    real_servers: dict[str, RealServerPlan] = field(default_factory=dict)  # by host
    probes: list[Facts] = field(default_factory=list)  # rows of the option through of vip_probe
    tcp_services: list[Facts] = field(default_factory=list)  # the option services of vip_probe
    hosts: dict[str, str] = field(default_factory=dict)  # the real servers' names, by RIP
    rips: dict[str, list[str]] = field(default_factory=dict)  # the RIPs by which services reach each real server, by host
    warnings: list[str] = field(default_factory=list)


def make_plan(services: object, inventory: Inventory, faults: Faults | None = None) -> ClusterPlan:
    """Check and expand a description.

    :param services: the variable lvs_services, as the user wrote it
    :param faults: what was found wrong before
    :raises InvalidDescription: all that is wrong with it
    """
    faults = faults or Faults()
    vips = vips_vrrp if inventory.vips == VRRP else vips_single
    vips.check_directors(inventory, faults)
    checks.check_groups(inventory, faults)
    checks.check_real_servers(services, inventory, faults)
    checks.check_rips(inventory, faults)
    description = read_description(services, inventory, faults)
    described = description.services
    checks.check_names(description.names, faults)
    checks.check_keys(described, faults)
    checks.check_vips(described, inventory, faults)
    checks.check_addresses(described, inventory, faults)
    dips, path_mtus = read_dips(inventory, faults), read_path_mtus(inventory, faults)
    deliveries = deliveries_by_host(described, inventory.real_servers)
    checks.check_dips(deliveries, dips, inventory, faults)
    checks.check_gue_ports(deliveries, faults)
    is_keepalived = inventory.engine == KEEPALIVED
    if is_keepalived:
        engine_keepalived.check_services(described, inventory, faults)
    if faults.found:
        raise InvalidDescription(faults.found)
    real_servers = {
        host: real_server_plan(of_host, inventory.vip_devices, dips, path_mtus[host]) for host, of_host in deliveries.items()
    }
    all_vips = described_vips(described)
    for real_server in real_servers.values():
        add_removals(real_server, all_vips, inventory.vip_devices)
    held, removed = vips.director_vips(described)
    is_vrrp = inventory.vips == VRRP
    opened, closed = director_services(described)
    return ClusterPlan(
        services=ipvs_table_rows(described),
        names=[service.name for service in described],
        preflight=preflight_options(described, dips, path_mtus, [] if is_vrrp else held),
        virtual_servers=engine_keepalived.service_rows(described) if is_keepalived else [],
        check_sources={name: engine_keepalived.sources(inventory, name) for name in inventory.directors}
        if is_keepalived
        else {},
        director_vips=held,
        director_vips_removed=removed,
        routers={name: vips_vrrp.router(inventory, name) for name in inventory.directors} if is_vrrp else {},
        director_services=opened,
        director_services_removed=closed,
        connections=connection_facts(described),
        untracked=untracked(described),
        real_servers=real_servers,
        probes=probe_rows(described),
        tcp_services=tcp_services(described),
        hosts=inventory.names_by_address(inventory.real_servers),
        rips={host: list(dict.fromkeys(str(delivery.rip) for delivery in of_host)) for host, of_host in deliveries.items()},
        warnings=[
            *checks.warnings(described),
            *(engine_keepalived.warnings(described) if is_keepalived else ()),
            *(vips_vrrp.warnings(inventory) if is_vrrp else ()),
        ],
    )
