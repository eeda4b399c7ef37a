# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Port mappings: packets for a VIP's port, handed to another port of the same VIP.

Source: nft(8), statement C(dnat), and its maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, ClassVar

from .._errors import InvalidValue, MissingValue
from .._reconcile import Item, Wanted
from . import values

TABLE = "inet lvs_cluster"
MAP = "port_dnat"
CHAIN = "prerouting"
# nat chains see the first packet of a connection; -100 is where destinations are translated (NF_IP_PRI_NAT_DST).
CHAIN_TYPE = "{ type nat hook prerouting priority -100; policy accept; }"
MAP_TYPE = "{ type ipv4_addr . inet_proto . inet_service : inet_service; }"
RULE = f"meta nfproto ipv4 meta l4proto {{ tcp, udp }} dnat to :ip daddr . meta l4proto . th dport map @{MAP}"
PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class MappingKey:
    """What a packet is recognised by."""

    vip: IPv4Address
    protocol: str
    port: int

    def __str__(self) -> str:
        return f"{self.vip} . {self.protocol} . {self.port}"


@dataclass(frozen=True)
class PortMapping(Item):
    """A port of a VIP, and the port that answers."""

    key: MappingKey
    to_port: int

    def line(self, action: str = "add") -> str:
        """As a command of nft(8); a C(set) is two of them in one transaction."""
        delete = f"delete element {TABLE} {MAP} {{ {self.key} }}"
        add = f"add element {TABLE} {MAP} {{ {self.key} : {self.to_port} }}"
        return {"add": add, "set": f"{delete}; {add}", "remove": delete}[action]

    def facts(self) -> dict[str, Any]:
        """The mapping as a module returns it."""
        return {
            "vip": str(self.key.vip),
            "protocol": self.key.protocol,
            "port": self.key.port,
            "to_port": self.to_port,
        }


@dataclass(frozen=True)
class Scaffold(Item):
    """The table with its chain, rule and map, which all mappings share."""

    key: str = TABLE

    STATEMENTS: ClassVar[tuple[str, ...]] = (
        f"add table {TABLE}",
        f"add map {TABLE} {MAP} {MAP_TYPE}",
        f"add chain {TABLE} {CHAIN} {CHAIN_TYPE}",
        f"flush chain {TABLE} {CHAIN}",
        f"add rule {TABLE} {CHAIN} {RULE}",
    )

    def line(self, action: str = "add") -> str:
        """As commands of nft(8), run again without harm."""
        return f"delete table {TABLE}" if action == "remove" else "\n".join(self.STATEMENTS)


def wanted_mapping(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What the options O(vip), O(port), O(to_port), O(protocol) and O(state) describe."""
    vip = values.vip(options["vip"])
    if not isinstance(vip, IPv4Address):
        raise InvalidValue("vip", vip, "is an IPv6 address: this version maps the ports of IPv4 VIPs only")
    protocol = values.choice("protocol", options["protocol"], PROTOCOLS)
    key = MappingKey(vip, protocol, values.port("port", options["port"]))
    if options["state"] == "absent":
        return [Wanted.absent(key)]
    if options.get("to_port") is None:
        raise MissingValue("to_port", "name the port that answers")
    mapping = PortMapping(key, values.port("to_port", options["to_port"]))
    if mapping.to_port == key.port:
        raise InvalidValue("to_port", mapping.to_port, "is the port itself: there is nothing to map")
    return [Wanted(TABLE, Scaffold(), {}), Wanted(key, mapping, {"to_port": mapping.to_port})]
