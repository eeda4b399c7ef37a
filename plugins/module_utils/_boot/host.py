# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is here and is to come back, and the files that bring it back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core import files
from .._core.errors import MissingLibrary
from .._core.keep import DEVICES, FOLDER, IPVS, NFTABLES, SUBJECT, VIPS
from .._core.reconcile import Change, Wanted
from .._ipvs.kernel import Ipvs
from .._ipvs.model import ServiceKey
from .._net.model import device_lines, vip_lines
from .._net.rtnetlink import DeviceLinks
from .._nft.libnftables import PartOfTable
from .._nft.port_dnat import PART
from .model import FILES, LINKS, Found, Link, file_of, services_of


class BootFiles:
    """Parts, script, units and links; a context manager."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._present = options["state"] == "present"
        self._services = [key.facts() for key in services_of(options)] if self._present else []  # as the state file has them

    def __enter__(self) -> BootFiles:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def read(self, _wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The files that are there, and what is to come back."""
        current: dict[Any, Any] = {}
        for path in FILES:
            text = files.read_made(path, "state" if self._present else "")
            if text is not None:
                current[path] = file_of(path, text)
        for path in LINKS:
            target = files.read_link(path)
            if target is not None:
                current[path] = Link(path, target)
        if self._present:
            found = self._found()
            current[found.key] = found
        return current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Write or remove them, in their order: a unit comes when all that it needs is there, and goes before it."""
        with files.changing_state() as state:
            state.pop(SUBJECT, None)
            if self._services:
                state[SUBJECT] = {"services": self._services}
        for change in changes:
            item = change.item
            if change.after is None:
                files.remove(item.key)
            elif isinstance(item, Link):
                files.write_link(item.key, item.target)
            else:
                files.write_text(item.key, item.text)
        if not self._present:
            files.remove_folder(FOLDER)
            files.remove_folder(os.path.dirname(FOLDER))

    def _found(self) -> Found:
        with DeviceLinks(announcing=False) as links:
            links.read([])
            network = links.ours()
        lines = {DEVICES: device_lines(network), VIPS: vip_lines(network), NFTABLES: _table()}
        kept = files.load_state().get(SUBJECT, {}).get("services", [])
        if self._services or kept:
            with Ipvs() as ipvs:
                # Who no longer describes a service has not said that it shall go.
                self._services += [one for one in kept if one not in self._services and ipvs.service(ServiceKey.of(one))]
                lines[IPVS] = ipvs.boot_lines(self._services)
        return Found(lines, network)


def _table() -> list[str]:
    try:
        with PartOfTable(PART) as part:
            return part.boot_lines()
    except MissingLibrary:
        return []  # without it, no module of ours can have made the table
