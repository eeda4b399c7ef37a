# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's inventory and description, and rows of options as its plan has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.errors import InvalidDescription
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import ClusterPlan, make_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerPlan

# The lab's inventory and description.
CLIENT, DIP, RS1, RS2 = "192.168.56.180", "192.168.56.181", "192.168.56.183", "192.168.56.184"
HOSTS = {"client": Host(CLIENT), "ds1": Host(DIP), "rs1": Host(RS1), "rs2": Host(RS2)}
LAB = Inventory(HOSTS, directors=["ds1"], real_servers=["rs1", "rs2"])
VIP, MAPPED_VIP, PLAIN_VIP, VIP6 = "192.168.56.185", "192.168.56.186", "192.168.56.187", "2001:db8::b9"
WEB = {"name": "web", "vip": VIP, "port": 80, "scheduler": "wrr"}
MAPPED = {
    "name": "mapped",
    "vip": MAPPED_VIP,
    "port": 8099,
    "rport": 80,
    "scheduler": "wrr",
    "real_servers": [{"host": "rs1", "weight": 2}, {"host": "rs2"}],
}
PLAIN = {
    "name": "plain",
    "vip": PLAIN_VIP,
    "port": 80,
    "scheduler": "wrr",
    "director_device": "eth0",
    "real_servers": [{"host": "rs1", "weight": 1}, {"host": "rs2", "weight": 2}],
}
WEB6 = {**WEB, "name": "web6", "vip": VIP6, "director_device": "eth0"}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "checksum"}
GRE = {"tunnel_type": "gre"}
MAPPING = {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp", "to_port": 80}
TWO_DIRECTORS = replace(LAB, hosts={**HOSTS, "ds2": Host("192.168.56.182")}, directors=["ds1", "ds2"])
VRRP_SETTINGS: dict[str, Any] = {
    "id": 51,
    "version": 3,
    "advert_interval": 0.1,
    "preempt": False,
    "track_quorum": None,
    "multicast": False,
    "track_devices": [],
}
PAIR = replace(TWO_DIRECTORS, vips="vrrp", vrrp=VRRP_SETTINGS)
NO_DIP = (
    "group directors, {0}: no director has an IPv{1} address of its own, from which tunnels to rs1 would come: set {0} there"
)
GONE = {"rip": RS1, "state": "absent"}
MAPPED_GONE = {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp", "state": "absent"}
# The defaults of options that a description leaves out.
PLAIN_SERVICE = {"scheduler_flags": [], "persistence_timeout": 0, "persistence_engine": "none", "one_packet": False}
NOTHING = RealServerPlan()
GUE_ROW = {"tunnel_type": "gue", "tunnel_checksum": "checksum"}
RS1_ENTRY = {"host": "rs1"}
# Services that reach one host by different tunnels, and by direct routing.
DIFFERENT_DELIVERIES: list[dict[str, Any]] = [
    {**WEB, "protocol": "udp", "real_servers": [RS1_ENTRY]},
    {**WEB, "name": "tcp", "real_servers": [RS1_ENTRY], "rport": 8080},
    {**WEB, "name": "tls", "port": 443, "real_servers": [{**RS1_ENTRY, **GUE}]},
    {**WEB6, "real_servers": [{**RS1_ENTRY, **GUE, "tunnel_port": 6081}]},
    {**MAPPED, "real_servers": [{**RS1_ENTRY, **GRE}]},
    {
        **PLAIN,
        "real_servers": [{**RS1_ENTRY, "forward": "route"}, {"address": "10.0.0.9"}, {"address": DIP, "forward": "local"}],
    },
]


def with_host(name: str, **fields: Any) -> Inventory:
    """The lab, with other variables of a host."""
    return replace(LAB, hosts={**HOSTS, name: replace(HOSTS[name], **fields)})


def held(device: str, *vips: str) -> dict[str, Any]:
    """A row of tunl_vip."""
    return {"device": device, "vips": list(vips)}


def tunl0(*vips: str, mappings: Any = (), **known: int) -> RealServerPlan:
    """A real server that takes packets for these VIPs out of plain tunnels from the lab's director."""
    plain = {"director": DIP, "tunnel_type": "ipip", "tunnel_checksum": "none", **known}
    return RealServerPlan(
        arp_silent_devices=["tunl0"],
        guard={"sources": [DIP], "protocols": [4], "gue_ports": []},
        mappings=list(mappings),
        mss=[{"vip": vip, **plain} for vip in vips],
        devices=[held("tunl0", *vips)],
    )


def needs(plan: ClusterPlan) -> dict[str, RealServerPlan]:
    """What each host has to be and to hold, whatever its firewall."""
    return {
        host: replace(real_server, firewall={}, removed_devices=[], removed_mappings=[], removed_mss=[])
        for host, real_server in plan.real_servers.items()
    }


def unmapped(vip: str, port: int, protocol: str = "tcp") -> dict[str, Any]:
    """A row of port_dnat, for a mapping that is removed."""
    return {"vip": vip, "port": port, "protocol": protocol}


def removal_of(*vips: str, mappings: Any, device: str = "tunl0") -> tuple[Any, Any, Any]:
    """What is removed from a host where all of these VIPs are."""
    return [held(device, *vips)] if vips else [], mappings, [{"vip": vip} for vip in vips]


def removals(plan: ClusterPlan, host: str) -> tuple[Any, Any, Any]:
    """What is removed from a host."""
    real_server = plan.real_servers[host]
    # The other devices that may have an IPv4 VIP are in test_real_server.py.
    rows = [row for row in real_server.removed_devices if row["device"] in ("tunl0", "lo")]
    devices = [held(row["device"], *row["vips"]) for row in rows]
    return devices, real_server.removed_mappings, real_server.removed_mss


def service(vip: str, port: int, protocol: str, scheduler: str, *destinations: dict[str, Any]) -> dict[str, Any]:
    """A service as ipvs_table takes it."""
    named = {"vip": vip, "port": port, "protocol": protocol, "scheduler": scheduler}
    return {**named, **PLAIN_SERVICE, "destinations": list(destinations)}


def destination(rip: str, forward: str, weight: object, **others: Any) -> dict[str, Any]:
    """A destination as ipvs_table takes it."""
    tunnel = {"tunnel_type": "ipip", "tunnel_checksum": "none"} if forward == "tunnel" else {}
    limits = {"upper_threshold": 0, "lower_threshold": 0}
    return {"rip": rip, "forward": forward, "weight": weight, **limits, **tunnel, **others}


def path(name: str, rip: str, forward: str = "tunnel", **others: Any) -> dict[str, Any]:
    """A path as preflight takes it."""
    plain = {"tunnel_type": "ipip", "tunnel_checksum": "none", "inner": [4]}
    return {"name": name, "rip": rip, "forward": forward, **plain, **others}


def faults(services: Any, inventory: Inventory = LAB) -> list[str]:
    """All that is wrong; each of them stands in the message, on a line of its own."""
    with pytest.raises(InvalidDescription) as caught:
        make_plan(services, inventory)
    assert str(caught.value).splitlines()[1:] == caught.value.faults
    return caught.value.faults


# What state_info returns on a real server that is set up.
STATE: dict[str, Any] = {
    "devices": [{"name": "tunl0", "vips": [VIP]}],
    "arp_silent_devices": ["tunl0"],
    "drained": [],
    "boot": True,
    "empty": False,
}
