# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a host has now and is to have again after a boot, and the files that restore it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._core import files, state, systemd
from .._core.boot_text import FOLDER, IPVS, NFTABLES, SUBJECT
from .._core.errors import MissingLibrary
from .._core.options import Options
from .._core.reconcile import Seen, Transition
from .._core.resource import Backend
from .._ipvs.kernel import IpvsBackend
from .._ipvs.model import ServiceKey
from .._net.rtnetlink import NetworkBackend
from .._nft.libnftables import KernelTable
from .model import FILES, LINKS, UNITS, BootContext, BootDesired, BootItem, Link, boot_item, services_to_restore

_IPVS_LOADED = "/proc/net/ip_vs"  # there if the kernel has IPVS


class BootBackend(Backend[BootDesired, str, BootItem, BootContext]):
    """Boot files, script, units and links, and the systemd that reads them."""

    def read(self, desired: BootDesired) -> Seen[str, BootItem, BootContext]:
        """The files and links that exist, and what the host has to restore."""
        items: dict[str, BootItem] = {}
        for path in FILES:
            text = files.read_made(path, "state" if desired.present else "")
            if text is not None:
                items[path] = boot_item(path, text)
        for path in LINKS:
            target = files.read_link(path)
            if target is not None:
                items[path] = Link(path, target)
        return Seen(items, _context(desired.services) if desired.present else BootContext())

    def apply(self, transition: Transition[str, BootItem, BootContext]) -> None:
        """Note the services, then write or remove the files in their order, and folders without a file left."""
        services = transition.seen.context.services
        with state.changing() as subjects:
            subjects.pop(SUBJECT, None)
            if services:
                subjects[SUBJECT] = {"services": list(services)}
        for change in transition.changes:
            item = change.item
            if change.after is None:
                files.remove(item.key)
            elif isinstance(item, Link):
                files.write_link(item.key, item.target)
            else:
                files.write_text(item.key, item.text)
        files.remove_folder(FOLDER)
        files.remove_folder(os.path.dirname(FOLDER))
        if not {change.item.key for change in transition.changes}.isdisjoint((*UNITS, *LINKS)):
            systemd.reload_units()


def _context(described: Sequence[Options]) -> BootContext:
    lines = _network()
    lines[NFTABLES] = _nftables()
    noted = state.subject(SUBJECT).get("services", [])
    # Daemons may run for services of another program. A host without IPVS does not need it for this.
    if not (described or noted or os.path.exists(_IPVS_LOADED)):
        return BootContext(lines=lines)
    services, rules = _ipvs(described, noted)
    return BootContext(services, {**lines, IPVS: rules} if rules else lines)


def _network() -> dict[str, Sequence[str]]:
    """The boot files of devices and VIPs, and the kernel modules for them."""
    with NetworkBackend() as network:
        return {name: list(lines) for name, lines in network.boot_files().items()}


def _nftables() -> list[str]:
    """The boot file of the table lvs_cluster."""
    try:
        return KernelTable().boot_lines()
    except MissingLibrary:
        return []  # the library is needed to create the table: there is none


def _ipvs(described: Sequence[Options], noted: Sequence[Options]) -> tuple[list[Options], list[str]]:
    """The services to restore, and the boot file of IPVS."""
    with IpvsBackend() as ipvs:
        existing = [service for service in noted if ipvs.service(ServiceKey.from_facts(service)) is not None]
        services = services_to_restore(described, existing)
        # Keepalived makes its services when it starts.
        services = [service for service in services if not ipvs.is_of_keepalived(ServiceKey.from_facts(service))]
        return services, ipvs.boot_rules(services)
