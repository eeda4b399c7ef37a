# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""How established connections go on when another director takes the VIPs over. Pure.

The sync daemons tell the other directors of each connection. Besides, a scheduler that hashes finds the same real server on each
director, whoever knows the connection, as long as the tables are the same.

Sources, in net/netfilter/ipvs of Linux: ip_vs_sync_conn_needed() and ip_vs_sync_buff_create() in ip_vs_sync.c; tcp_conn_schedule()
in ip_vs_proto_tcp.c for sloppy_tcp; ip_vs_mh.c, ip_vs_sh.c. Figures: tests/benchmarks/survival.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...module_utils._core import values
from ...module_utils._core.options import ABSENT, PRESENT, Facts, Options
from ...module_utils._ipvs.model import HASH_SCHEDULERS
from .description import ServiceDescription
from .errors import DescriptionFault, InvalidDescription
from .inventory import Inventory
from .steps import Step, step

SYNC_DAEMON = "ipvs_sync_daemon"
VRRP = "vrrp"
_ROLES = ("master", "backup")  # on every director: whichever has the VIPs sends, and the others receive
# A connection is sent with the first packet behind its handshake, and again with a packet that comes a second later or more: so a
# director that has come back learns of what is in use. The kernel's own is the third packet of every fifty.
_SYNC_SYSCTLS = {"sync_threshold": "0 0", "sync_refresh_period": 1}
# Bytes, of four IPv4 connections: a message is sent when the next one no longer fits into it, or after 2 to 3 s. Of the kernel's own
# length, which is that of the MTU, forty wait for each other, and are lost together.
_MASTER_MAXLEN = 160
# A packet of a connection that is not known is scheduled. Of a scheduler that does not hash, to any real server, which resets it.
_HASH_SYSCTLS = {"sloppy_tcp": 1}
_GROUP6 = "ff02::81"  # the IPv6 form of the kernel's own 224.0.0.81


def connection_facts(services: Iterable[ServiceDescription], inventory: Inventory) -> Facts:
    """What the steps of the directors depend on: C(hashed) and C(unhashed) services, and the C(dips) of each director."""
    hashed: list[str] = []
    unhashed: list[str] = []
    for service in services:
        # Each datagram of a service with one_packet is scheduled on its own.
        if service.configuration is not None and not service.configuration.one_packet:
            (hashed if service.configuration.scheduler in HASH_SCHEDULERS else unhashed).append(service.name)
    return {
        "hashed": hashed,
        "unhashed": unhashed,
        "dips": {director: inventory.addresses(director) for director in inventory.directors},
    }


def sysctls(facts: Options, settings: Options) -> Facts:
    """The IPVS sysctls of a director that are set unless the description says otherwise.

    :param facts: what C(connection_facts) returned
    """
    if settings.get("vips") != VRRP:
        return {}
    return {**(_SYNC_SYSCTLS if settings["sync"] else {}), **(_HASH_SYSCTLS if facts["hashed"] else {})}


def sync_steps(facts: Options, settings: Options, host: str) -> list[Step]:
    """The sync daemons of a director.

    :raises InvalidDescription: it is not known on which device
    """
    if settings.get("vips") != VRRP:
        return []
    if settings["state"] != PRESENT or not settings["sync"]:
        return [step(SYNC_DAEMON, "ipvs", role=role, state=ABSENT) for role in _ROLES]
    options: Facts = {"sync_id": settings["vrrp_id"] if settings["sync_id"] is None else settings["sync_id"]}
    family = _common_family(facts["dips"].values())
    if settings["sync_device"] is not None:
        options["interface"] = settings["sync_device"]
    else:
        options["dip"] = _dip(facts["dips"][host], family, host)
    if family == 6:
        options["group"] = _GROUP6
    lengths = {"master": {"sync_maxlen": _MASTER_MAXLEN}, "backup": {}}
    return [step(SYNC_DAEMON, "ipvs", role=role, **options, **lengths[role]) for role in _ROLES]


def warnings(facts: Options, settings: Options) -> list[str]:
    """What ends connections when another director takes over, though it is allowed."""
    if settings.get("vips") != VRRP or settings["state"] != PRESENT or settings["sync"]:
        return []
    found = []
    if facts["unhashed"]:
        found.append(
            f"lvs_sync: is false: connections to {_names(facts['unhashed'])} end when another director takes over. Set it to true, or"
            " their scheduler to mh with the flag port"
        )
    if not facts["hashed"]:
        return found
    names = _names(facts["hashed"])
    if settings["keep_weights"]:
        found.append(
            f"lvs_keep_weights: is true, and lvs_sync is false: where a weight differs between directors, connections to {names} end"
            " when another one takes over"
        )
    if str(settings["ipvs_sysctl"].get("sloppy_tcp", 1)) != "1":
        found.append(
            f"lvs_ipvs_sysctl: sloppy_tcp is not 1, and lvs_sync is false: TCP connections to {names} end when another director takes"
            " over"
        )
    return found


def _names(services: Sequence[str]) -> str:
    return f"the service{'s' if len(services) > 1 else ''} {', '.join(services)}"


def _common_family(dips: Iterable[Sequence[str]]) -> int:
    """The family of the messages: 4 where every director has an IPv4 DIP, or none is known."""
    return 4 if all(not of_director or 4 in map(_family, of_director) for of_director in dips) else 6


def _dip(dips: Sequence[str], family: int, host: str) -> str:
    """The DIP of this family."""
    found = next((dip for dip in dips if _family(dip) == family), None)
    if found is None:
        reason = f"is not set, and the director has no IPv{family} DIP by which its device could be found: set one of them"
        raise InvalidDescription([DescriptionFault(f"host {host}, lvs_sync_device", reason)])
    return found


def _family(dip: str) -> int:
    return values.any_address("lvs_dip", dip).version
