# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The inventory's side of a cluster's description: its groups, and the variables of hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._core import values
from ...module_utils._core.errors import InvalidValue
from ...module_utils._core.options import PRESENT, Faults, Options
from ...module_utils._core.values import Address
from ...module_utils._net.model import TUNNEL_DEVICE

PATH_MTU = (576, 65535)  # bytes; RFC 791
SINGLE, VRRP = "single", "vrrp"  # how VIPs reach directors


@dataclass(frozen=True)
class Host:
    """A host of the inventory, with its variables as the user wrote them."""

    rip: str | None = None  # lvs_rip (of a director lvs_dip), or ansible_host
    rip6: str | None = None  # lvs_rip6, lvs_dip6
    weight: object = None  # lvs_weight
    path_mtu: object = None  # lvs_path_mtu
    vrrp_priority: object = None  # lvs_vrrp_priority

    def rip_option(self, family: int) -> str:
        """The variable that names the RIP for services of a family; IPv6 goes through IPv4 where there is no other."""
        return "lvs_rip6" if family == 6 and self.rip6 is not None else "lvs_rip"

    def rip_for(self, family: int) -> str | None:
        """The RIP for services of a family."""
        return self.rip6 if self.rip_option(family) == "lvs_rip6" else self.rip


@dataclass(frozen=True)
class Inventory:
    """What the inventory and the options of the plan add to the services."""

    hosts: Mapping[str, Host]
    directors: Sequence[str]
    real_servers: Sequence[str]
    directors_group: str = "directors"
    real_servers_group: str = "realservers"
    vip_device: str = TUNNEL_DEVICE  # holds IPv4 VIPs whose packets come through no tunnel
    vip6_device: str = "lo"  # holds IPv6 VIPs on real servers
    director_device: str | None = None  # holds VIPs on directors; None: vip_device
    state: str = PRESENT  # absent: nothing of the description should exist
    vips: str = SINGLE  # how VIPs reach directors
    engine: str = "netlink"  # who owns the IPVS table
    vrrp: Options = field(default_factory=dict)  # the settings of VRRP, without their prefix

    @property
    def vip_devices(self) -> dict[int, str]:
        """The devices that hold VIPs on real servers, by family, except IPv4 VIPs whose packets come through a tunnel."""
        return {4: self.vip_device, 6: self.vip6_device}

    @property
    def default_director_device(self) -> str:
        """The device that holds VIPs on directors; empty: the one that has the DIP, which only the director knows."""
        return self.director_device or ("" if self.vips == VRRP else self.vip_device)

    def addresses(self, name: str) -> list[str]:
        """The addresses of a host, as IPVS writes them."""
        host = self.hosts[name]
        return list(dict.fromkeys(_normalized(rip) for rip in (host.rip, host.rip6) if rip is not None))

    def names_by_address(self, names: Iterable[str]) -> dict[str, str]:
        """The addresses of these hosts, with the name of the host that has each."""
        return {address: name for name in names for address in self.addresses(name)}

    def real_server(self, name: object) -> Host:
        """The host of a real server.

        :raises InvalidValue: it is not a host that the plan can set up
        """
        if not isinstance(name, str) or name not in self.hosts:
            raise InvalidValue("host", name, "is not a host of the inventory: add it there, or give its address instead")
        if name not in self.real_servers:
            raise InvalidValue("host", name, f"is not in the group {self.real_servers_group}, so nothing would set it up")
        host = self.hosts[name]
        if host.rip is None and host.rip6 is None:
            raise InvalidValue("host", name, "has no RIP: set its lvs_rip (or an ansible_host that is an address)")
        return host


def read_dips(inventory: Inventory, faults: Faults) -> list[Address]:
    """The directors' own addresses, from which tunnels come."""
    dips = []
    for name in inventory.directors:
        host = inventory.hosts[name]
        for option, address in (("lvs_dip", host.rip), ("lvs_dip6", host.rip6)):
            if address is not None:
                dip = faults.collect(values.address, option, address, where=f"host {name}")
                dips += [] if dip is None else [dip]
    return dips


def read_path_mtus(inventory: Inventory, faults: Faults) -> dict[str, int | None]:
    """The largest packet, in bytes, between the directors and each real server; None where the inventory has none."""
    mtus: dict[str, int | None] = {}
    for name in inventory.real_servers:
        mtu = inventory.hosts[name].path_mtu
        mtus[name] = (
            None if mtu is None else faults.collect(values.integer, "lvs_path_mtu", mtu, *PATH_MTU, where=f"host {name}")
        )
    return mtus


def _normalized(address: object) -> str:
    """An address as IPVS writes it; a text that is no address as it is."""
    try:
        return str(values.address("lvs_rip", address))
    except InvalidValue:
        return str(address)
