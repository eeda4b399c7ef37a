# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director with two real servers, and every way of forwarding to them, over both families."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .namespaces import Namespace, answering, on_one_bridge

DIPS = ["192.168.56.181", "2001:db8:56::181"]
# The real servers' addresses, by family. A tunnel device takes all tunnelled packets that come to its local address, those
# that it then drops, too: so the devices that are not fallback devices have second addresses for themselves.
RIPS = {4: ("192.168.56.183", "192.168.56.184"), 6: ("2001:db8:56::183", "2001:db8:56::184")}
OWN_RIPS = {4: ("192.168.56.193", "192.168.56.194"), 6: ("2001:db8:56::193", "2001:db8:56::194")}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre"}
CHECKSUM = {"tunnel_checksum": "checksum"}

# Of the real servers: devices and what tunl_vip is told of them.
DEVICES: dict[str, dict[str, Any]] = {
    # With a listener for GUE, these take packets in UDP and without.
    "tunl0": GUE,
    "sit0": GUE,
    "ip6tnl0": GUE,
    "gre0": {},
    "ip6gre0": {},
    "lvsgre": {**GRE, **CHECKSUM},
    "lvsgre6": {**GRE, **CHECKSUM},
    "lvs4in6": {"tunnel_type": "ipip6"},
    "lo": {},
    "dummy0": {},
}
OWN_DEVICES = {"lvsgre": 4, "lvsgre6": 6, "lvs4in6": 6}  # the family of their ends
STRICT_OTHERWISE = ("tunl0", "gre0", "ip6gre0", "lvsgre", "lvsgre6", "lvs4in6")


class Case(NamedTuple):
    """A forwarding method, and how it gets to a VIP."""

    name: str
    vip: str
    outer: int  # the family of the RIPs
    device: str  # of the real servers, where the packets come out and the VIP is
    destination: dict[str, Any]

    @property
    def rips(self) -> tuple[str, str]:
        return (OWN_RIPS if self.device in OWN_DEVICES else RIPS)[self.outer]


def _cases(*rows: tuple[str, int, int, str, dict[str, Any]]) -> dict[str, Case]:
    return {
        name: Case(name, f"{'192.168.56.' if inner == 4 else '2001:db8:56::'}{number}", outer, device, destination)
        for number, (name, inner, outer, device, destination) in enumerate(rows, 200)
    }


# the family of the VIP and that of the RIPs
CASES = _cases(
    ("ipip", 4, 4, "tunl0", {}),
    ("gue", 4, 4, "tunl0", GUE),
    ("gue, checksum", 4, 4, "tunl0", {**GUE, **CHECKSUM}),
    ("gue, remote checksum", 4, 4, "tunl0", {**GUE, "tunnel_checksum": "remote_checksum"}),
    ("gre", 4, 4, "gre0", GRE),
    ("gre, checksum", 4, 4, "lvsgre", {**GRE, **CHECKSUM}),
    ("IPv6 in IPv6", 6, 6, "ip6tnl0", {}),
    ("IPv6 in IPv6, gue", 6, 6, "ip6tnl0", GUE),
    ("IPv6 in IPv6, gre", 6, 6, "ip6gre0", GRE),
    ("IPv6 in IPv6, gre, checksum", 6, 6, "lvsgre6", {**GRE, **CHECKSUM}),
    ("IPv6 in IPv4", 6, 4, "sit0", {}),
    ("IPv6 in IPv4, gue", 6, 4, "sit0", GUE),
    ("IPv6 in IPv4, gre", 6, 4, "gre0", GRE),
    ("IPv4 in IPv6", 4, 6, "lvs4in6", {}),
    ("IPv4 in IPv6, gue", 4, 6, "lvs4in6", GUE),
    ("IPv4 in IPv6, gre", 4, 6, "ip6gre0", GRE),
    ("route, lo", 4, 4, "lo", {"forward": "route"}),
    ("IPv6, route, lo", 6, 6, "lo", {"forward": "route"}),
    ("route, dummy", 4, 4, "dummy0", {"forward": "route"}),
    ("IPv6, route, dummy", 6, 6, "dummy0", {"forward": "route"}),
)
TUNNELLED = [case for case in CASES.values() if "forward" not in case.destination]

PORT, WEIGHTED = 80, 81  # by turns; by weights
MAPPED, MAPPED_WEIGHTED = 90, 91  # that the real servers map to these
PORTS = (PORT, WEIGHTED)
WEIGHTS = (2, 1)


def services(
    vip: str, rips: tuple[str, str], destination: dict[str, Any], ports: tuple[int, int] = PORTS
) -> list[dict[str, Any]]:
    """Four for the table: TCP and UDP, by turns and by weights."""
    both = [{"rip": rip, **destination} for rip in rips]
    weighted = [{**row, "weight": weight} for row, weight in zip(both, WEIGHTS)]
    by_turns, by_weight = ({"vip": vip, "port": port} for port in ports)
    # What is sent on to another address has to be known when its answer comes back.
    one_packet = destination.get("forward") != "masquerade"
    return [
        {**by_turns, "scheduler": "rr", "destinations": both},
        {**by_turns, "scheduler": "wrr", "protocol": "udp", "one_packet": one_packet, "destinations": both},
        {**by_weight, "scheduler": "wrr", "destinations": weighted},
        {**by_weight, "scheduler": "wrr", "protocol": "udp", "destinations": weighted},
    ]


def prepare(real_server: Namespace, which: int) -> None:
    """The first or the second one, for all cases."""
    for rips, length in ((OWN_RIPS[4], 24), (OWN_RIPS[6], 64)):
        real_server.sh(f"ip address add {rips[which]}/{length} dev eth0 {'nodad' if length == 64 else ''}")
    # As most distributions have it.
    real_server.sh("ip link add dummy0 type dummy; sysctl -qw net.ipv4.conf.all.rp_filter=1")
    real_server.module("arp_sysctl", rp_filter=2).changed()
    devices = [
        {
            "device": device,
            "vips": [case.vip for case in CASES.values() if case.device == device],
            **options,
            **({"local": OWN_RIPS[OWN_DEVICES[device]][which]} if device in OWN_DEVICES else {}),
        }
        for device, options in DEVICES.items()
    ]
    real_server.module("tunl_vip", devices=devices).changed()
    for device in STRICT_OTHERWISE[1:]:
        real_server.module("arp_sysctl", device=device, rp_filter=2).changed()
    real_server.module("tunnel_guard", sources=DIPS, gue_ports=[GUE["tunnel_port"]]).changed()
    mapped = zip((MAPPED, MAPPED_WEIGHTED), PORTS)
    rows = [(port, to_port, protocol) for port, to_port in mapped for protocol in ("tcp", "udp")]
    mappings = [
        {"vip": CASES[name].vip, "port": port, "to_port": to_port, "protocol": protocol}
        for name in MAPPED_CASES
        for port, to_port, protocol in rows
    ]
    real_server.module("port_dnat", mappings=mappings).changed()


MAPPED_CASES = ("ipip", "IPv6 in IPv6", "IPv6, route, lo")
# Firewall marks by VIP and protocol; a service each, for both ports.
MARKS = {("ipip", "udp"): 1, ("ipip", "tcp"): 2, ("IPv6 in IPv6", "udp"): 3, ("IPv6 in IPv6", "tcp"): 4}
MARKED = (70, 71)


class Cluster(NamedTuple):
    """The hosts of it."""

    client: Namespace
    director: Namespace
    real_servers: tuple[Namespace, Namespace]


@contextmanager
def standing(new_namespace: Callable[[], Namespace]) -> Iterator[Cluster]:
    """A client, a director and two real servers on one bridge, with all cases."""
    bridge, client, director, rs1, rs2 = (new_namespace() for name in range(5))
    on_one_bridge(bridge, {180: client, 181: director, 183: rs1, 184: rs2})
    prepare(rs1, 0)
    prepare(rs2, 1)
    director.module("tunl_vip", device="eth0", vips=[case.vip for case in CASES.values()]).changed()
    table = [service for case in CASES.values() for service in services(case.vip, case.rips, case.destination)]
    for name in MAPPED_CASES:
        case = CASES[name]
        table += services(case.vip, case.rips, case.destination, (MAPPED, MAPPED_WEIGHTED))
    director.sh("nft add table inet marks; nft add chain inet marks in '{ type filter hook prerouting priority mangle; }'")
    for (name, protocol), mark in MARKS.items():
        case = CASES[name]
        family = "ip6" if case.outer == 6 else "ip"
        director.sh(
            f"nft add rule inet marks in {family} daddr {case.vip} {protocol} dport {{ 70, 71 }} meta mark set {mark}"
        )
        both = [{"rip": rip, "weight": weight} for rip, weight in zip(case.rips, WEIGHTS)]
        table.append({"fwmark": mark, "family": f"ipv{case.outer}", "scheduler": "wrr", "destinations": both})
    director.module("ipvs_table", services=table).changed()
    ports = (*PORTS, *MARKED)
    with answering(rs1, "rs1", ports), answering(rs2, "rs2", ports):
        yield Cluster(client, director, (rs1, rs2))
