# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The table of port mappings, through libnftables: text in, JSON out, one transaction for every change."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable, Sequence
from typing import Any

from .._errors import KernelRefused, MissingLibrary, NotPermitted
from .._model.dnat import MAP, TABLE, MappingKey, PortMapping, Scaffold
from .._reconcile import Change, Wanted

# Without /etc/protocols (Debian package netbase), as in a small container, nft writes a protocol as its number.
_PROTOCOL_NAMES = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}


class PortMappings:
    """Our own table; a context manager."""

    def __enter__(self) -> PortMappings:
        try:
            import nftables

            self._nft = nftables.Nftables()
        except (ImportError, OSError) as error:
            raise MissingLibrary("nftables", "python3-nftables", error) from error
        self._nft.set_json_output(True)
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """All mappings, and the table where it is complete."""
        family, name = TABLE.split()
        tables = [one["table"] for one in self._run("list tables") if "table" in one]
        if not any(table["family"] == family and table["name"] == name for table in tables):
            return {}
        current: dict[Any, Any] = {}
        rules = 0
        mapped = False
        for one in self._run(f"list table {TABLE}"):
            rules += "rule" in one and f'"@{MAP}"' in json.dumps(one["rule"])
            if "map" in one and one["map"]["name"] == MAP:
                mapped = True
                for element, to_port in one["map"].get("elem", []):
                    vip, protocol, port = element["concat"]
                    key = MappingKey(ipaddress.IPv4Address(vip), _PROTOCOL_NAMES.get(protocol, protocol), port)
                    current[key] = PortMapping(key, to_port)
        if mapped and rules == 1:
            current[TABLE] = Scaffold()
        return current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Carry the changes out as one transaction; the table goes with its last mapping."""
        if not changes:
            return
        commands = [change.line() for change in changes]
        going = {change.item.key for change in changes if change.after is None}
        if going and not self.read([]).keys() - going - {TABLE}:
            commands = [Scaffold().line("remove")]
        self._run("\n".join(commands))

    def _run(self, commands: str) -> list[dict[str, Any]]:
        status, output, message = self._nft.cmd(commands)
        if status != 0:
            if "Operation not permitted" in message or "Permission denied" in message:
                raise NotPermitted("nftables")
            raise KernelRefused(f"nftables: {message.strip()} (refused: {commands})")
        return json.loads(output)["nftables"] if output else []
