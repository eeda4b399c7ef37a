# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""How established connections go on when another director takes the VIPs over. Pure.

The sync daemons tell the other directors of each connection. Besides, a scheduler that hashes finds the same real server on
each director, whoever knows the connection, as long as the tables are the same.

Sources, in net/netfilter/ipvs of Linux: ip_vs_sync_conn_needed() and ip_vs_sync_buff_create() in ip_vs_sync.c;
tcp_conn_schedule() in ip_vs_proto_tcp.c for sloppy_tcp; ip_vs_mh.c, ip_vs_sh.c. Figures: tests/benchmarks/survival.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from ...module_utils._core.options import ABSENT, PRESENT, Facts, Options
from ...module_utils._ipvs.model import HASH_SCHEDULERS
from .description import ServiceDescription
from .inventory import VRRP
from .steps import Step, step

SYNC_DAEMON = "ipvs_sync_daemon"
_ROLES = ("master", "backup")  # on every director: whichever has the VIPs sends, and the others receive
# A connection is sent with the first packet behind its handshake, and again with a packet that comes a second later or more:
# so a director that has come back learns of what is in use. The kernel's own is the third packet of every fifty.
_SYNC_SYSCTLS = {"sync_threshold": "0 0", "sync_refresh_period": 1}
# Bytes, of four IPv4 connections: a message is sent when the next one no longer fits into it, or after 2 to 3 s. With the
# kernel's own length, which is that of the MTU, forty wait for each other, and are lost together.
_MASTER_MAXLEN = 160
# A packet of a connection that is not known is scheduled. A scheduler that does not hash sends it to any real server, which
# resets the connection.
_HASH_SYSCTLS = {"sloppy_tcp": 1}
_GROUP6 = "ff02::81"  # the IPv6 form of the kernel's own 224.0.0.81


def connection_facts(services: Iterable[ServiceDescription]) -> Facts:
    """The names of services by how another director finds their connections: C(hashed), or C(unhashed), from sync alone."""
    hashed: list[str] = []
    unhashed: list[str] = []
    for service in services:
        # Each datagram of a service with one_packet is scheduled on its own.
        if service.configuration is not None and not service.configuration.one_packet:
            (hashed if service.configuration.scheduler in HASH_SCHEDULERS else unhashed).append(service.name)
    return {"hashed": hashed, "unhashed": unhashed}


def sysctls(facts: Options, settings: Options) -> Facts:
    """The IPVS sysctls of a director that are set unless the description says otherwise.

    :param facts: what C(connection_facts) returned
    """
    if settings["vips"] != VRRP:
        return {}
    return {**(_SYNC_SYSCTLS if settings["sync"] else {}), **(_HASH_SYSCTLS if facts["hashed"] else {})}


def sync_steps(settings: Options, router: Options | None) -> list[Step]:
    """The sync daemons of a director.

    :param router: the option C(vrrp) of M(lvs.cluster.keepalived): the director's DIP and the id that others do not have
    """
    if settings["vips"] != VRRP:
        return []
    if settings["state"] != PRESENT or not settings["sync"] or not router:
        return sync_removal_steps("ipvs")
    options: Facts = {"sync_id": router["id"] if settings["sync_id"] is None else settings["sync_id"]}
    if settings["sync_device"] is None:
        options["dip"] = router["source"]
    else:
        options["interface"] = settings["sync_device"]
    # The DIPs of all directors are of one family.
    if ipaddress.ip_address(router["source"]).version == 6:
        options["group"] = _GROUP6
    lengths: dict[str, Facts] = {"master": {"sync_maxlen": _MASTER_MAXLEN}, "backup": {}}
    return [step(SYNC_DAEMON, "ipvs", role=role, **options, **lengths[role]) for role in _ROLES]


def sync_removal_steps(*tags: str) -> list[Step]:
    """What stops the sync daemons."""
    return [step(SYNC_DAEMON, *tags, role=role, state=ABSENT) for role in _ROLES]


def warnings(facts: Options, settings: Options) -> list[str]:
    """What ends connections when another director takes over, though it is allowed."""
    if settings["vips"] != VRRP or settings["state"] != PRESENT or settings["sync"]:
        return []
    found = []
    if facts["unhashed"]:
        found.append(
            f"lvs_sync: is false: connections to {_names(facts['unhashed'])} end when another director takes over. Set it to"
            " true, or their scheduler to mh with the flags port and fallback"
        )
    if not facts["hashed"]:
        return found
    names = _names(facts["hashed"])
    if settings["keep_weights"]:
        found.append(
            "lvs_keep_weights: is true, and lvs_sync is false: where a weight differs between directors, connections to"
            f" {names} end when another one takes over"
        )
    if str(settings["ipvs_sysctl"].get("sloppy_tcp", 1)) != "1":
        found.append(
            f"lvs_ipvs_sysctl: sloppy_tcp is not 1, and lvs_sync is false: TCP connections to {names} end when another"
            " director takes over"
        )
    return found


def _names(services: Sequence[str]) -> str:
    return f"the service{'s' if len(services) > 1 else ''} {', '.join(services)}"
