# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real server has to be, for every way in which packets can come to it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Seen
from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel
from ansible_collections.lvs.cluster.plugins.module_utils._net.options import DEVICE_OPTIONS, DesiredVips, read_options
from ansible_collections.lvs.cluster.plugins.module_utils._net.ownership import Ownership
from ansible_collections.lvs.cluster.plugins.module_utils._nft.mss_clamp import MssClamp
from ansible_collections.lvs.cluster.plugins.module_utils._nft.tunnel_guard import TunnelGuard
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import (
    Delivery,
    RealServerPlan,
    add_removals,
    device_of,
    real_server_plan,
)

VIPS = {4: ip_address("192.0.2.1"), 6: ip_address("2001:db8::1")}
RIPS = {4: ip_address("10.0.0.3"), 6: ip_address("fd00::3")}
DIPS = [ip_address("10.0.0.1"), ip_address("fd00::1"), ip_address("10.0.0.2")]
VIP_DEVICES = {4: "tunl0", 6: "lo"}
KINDS = [
    ("ipip", "none"), ("gue", "none"), ("gue", "checksum"), ("gue", "remote_checksum"), ("gre", "none"), ("gre", "checksum"),
]  # fmt: skip


def tunnelled(inner: int, outer: int, tunnel_type: str = "ipip", checksum: str = "none", port: int = 6080) -> Delivery:
    """A delivery through a tunnel."""
    return Delivery(inner, VIPS[inner], RIPS[outer], "tunnel", tunnel_type, port if tunnel_type == "gue" else 0, checksum)


def routed(inner: int, vip: str | None = None) -> Delivery:
    """A delivery by direct routing."""
    return Delivery(inner, ip_address(vip) if vip else VIPS[inner], RIPS[inner], "route", "ipip", 0, "none")


def mss_row(vip: Any, director: Any, tunnel_type: str = "ipip", checksum: str = "none", **known: int) -> dict[str, Any]:
    """A row of mss_clamp."""
    return {
        "vip": str(vip),
        "director": str(director),
        "tunnel_type": tunnel_type,
        "tunnel_checksum": checksum,
        **known,
    }


def needs(
    *deliveries: Delivery, vip_devices: dict[int, str] | None = None, dips: Any = None, path_mtu: int | None = None
) -> RealServerPlan:
    """What these deliveries ask for; all of it is what the modules take."""
    result = real_server_plan(deliveries, vip_devices or VIP_DEVICES, DIPS if dips is None else dips, path_mtu)
    common: dict[str, Any] = {"state": "present", "purge": False}
    if result.guard and result.guard["sources"]:
        TunnelGuard().parse({**common, **result.guard})
    MssClamp().parse({**common, "tunnels": result.mss})
    parsed(result.devices)
    return result


def parsed(rows: list[dict[str, Any]]) -> DesiredVips:
    """These rows as tunl_vip reads them."""
    common = {**dict.fromkeys(DEVICE_OPTIONS), "state": "present", "purge": False, "announce": False}
    return read_options({**common, "devices": rows})


def commands(rows: list[dict[str, Any]]) -> list[str]:
    """What the tunnels in these rows are."""
    return [wanted.new.command() for wanted in parsed(rows).wanted if isinstance(wanted.new, network.Tunnel)]


RIP6, RIP4 = str(RIPS[6]), str(RIPS[4])
OWN4IN6: dict[str, Any] = {"device": "lvs4in6", "local": RIP6}
PLAIN: dict[tuple[int, int], dict[str, Any]] = {
    (4, 4): {"device": "tunl0"},
    (4, 6): {"device": "sit0"},
    (6, 6): {"device": "ip6tnl0"},
    (6, 4): {**OWN4IN6, "tunnel_type": "ipip6"},
}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {4: {"device": "gre0"}, 6: {"device": "ip6gre0"}}
GRE_CHECKSUM = {
    4: {"device": "lvsgre", "tunnel_type": "gre", "local": RIP4, "tunnel_checksum": "checksum"},
    6: {"device": "lvsgre6", "tunnel_type": "gre", "local": RIP6, "tunnel_checksum": "checksum"},
}
COMMANDS = {
    "tunl0": "ip link add tunl0 type ipip",
    "sit0": "ip link add sit0 type sit",
    "ip6tnl0": "ip link add ip6tnl0 type ip6tnl",
    "lvs4in6": "ip link add lvs4in6 type ip6tnl mode ipip6 local fd00::3",
    "gre0": "ip link add gre0 type gre",
    "ip6gre0": "ip link add ip6gre0 type ip6gre",
    "lvsgre": "ip link add lvsgre type gre local 10.0.0.3 icsum",
    "lvsgre6": "ip link add lvsgre6 type ip6gre local fd00::3 icsum",
}


def row_of(outer: int, inner: int, tunnel_type: str, checksum: str) -> dict[str, Any]:
    """The row of the device that takes such packets out."""
    if tunnel_type == "gre":
        return (GRE if checksum == "none" else GRE_CHECKSUM)[outer]
    return {**PLAIN[outer, inner], **(GUE if tunnel_type == "gue" else {})}


def created_of(row: dict[str, Any]) -> dict[str, Any]:
    """The same device before it takes GUE."""
    created = {name: value for name, value in row.items() if name != "tunnel_port"}
    return {**created, "tunnel_type": "ipip6"} if created["tunnel_type"] == "gue" else created


@pytest.mark.parametrize("path_mtu", [None, 1400])
@pytest.mark.parametrize(("tunnel_type", "checksum"), KINDS)
@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_every_tunnel(outer: int, inner: int, tunnel_type: str, checksum: str, path_mtu: int | None) -> None:
    """The device that takes packets out, the senders that the guard accepts, where ARP is silent, and what fits through."""
    delivery, row = tunnelled(inner, outer, tunnel_type, checksum), row_of(outer, inner, tunnel_type, checksum)
    result = needs(delivery, vip_devices={4: "dummy0", 6: "lo"}, path_mtu=path_mtu)
    vip = str(VIPS[inner])
    known = {} if path_mtu is None else {"path_mtu": path_mtu}
    outer_dips = [dip for dip in DIPS if dip.version == outer]
    assert device_of(delivery) == row["device"]
    # Where packets come in GUE, they leave it as what the device takes out of a plain tunnel, which anyone could send.
    protocol = tunnel.protocol(inner, "ipip" if tunnel_type == "gue" else tunnel_type)
    assert result == RealServerPlan(
        arp_silent_devices=[row["device"]] if inner == 4 else [],
        guard={
            "sources": ["10.0.0.1", "fd00::1", "10.0.0.2"],
            "protocols": [protocol],
            "gue_ports": [6080] if tunnel_type == "gue" else [],
        },
        mappings=[],
        mss=[mss_row(vip, dip, tunnel_type, checksum, **known) for dip in outer_dips],
        # A firewall sees GUE as UDP only.
        firewall={
            "sources": ["10.0.0.1", "fd00::1", "10.0.0.2"],
            "protocols": [] if tunnel_type == "gue" else [protocol],
            "gue_ports": [6080] if tunnel_type == "gue" else [],
            "services": [{"vip": vip, "port": 0, "protocol": "tcp", "devices": [row["device"]]}],
        },
        tunnel_devices=[created_of(row)] if "local" in row else [],
        # Loose filtering takes IPv4 only out of a device that has an address.
        devices=[{**row, "vips": [vip]}] if inner == 4 else [{**row, "vips": []}, {"device": "lo", "vips": [vip]}],
    )


@pytest.mark.parametrize(("tunnel_type", "checksum"), KINDS)
@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_every_tunnel_is_what_ip_makes(outer: int, inner: int, tunnel_type: str, checksum: str) -> None:
    """The rows are of a device for packets of the VIP's family, before it has VIPs and afterwards."""
    delivery = tunnelled(inner, outer, tunnel_type, checksum)
    result = needs(delivery)
    assert commands(result.devices) == [COMMANDS[device_of(delivery)]]
    assert commands(result.tunnel_devices) == ([COMMANDS[device_of(delivery)]] if result.tunnel_devices else [])


def test_vip_on_the_tunnel_device_itself() -> None:
    """One row for both; the device is silent once."""
    result = needs(tunnelled(4, 4))
    assert result.devices == [{"device": "tunl0", "vips": ["192.0.2.1"]}]
    assert result.arp_silent_devices == ["tunl0"]
    assert needs(tunnelled(6, 4), vip_devices={4: "tunl0", 6: "sit0"}).devices == [
        {"device": "sit0", "vips": ["2001:db8::1"]}
    ]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("outer", [4, 6])
def test_ipip_and_gue_share_a_device(outer: int, order: int) -> None:
    """One row, with the listener for GUE; packets for the VIP come through both, so that the lesser size counts."""
    plain, gue = tunnelled(4, outer), tunnelled(4, outer, "gue", "remote_checksum")
    result = needs(*[plain, gue][::order], vip_devices={4: device_of(plain), 6: "lo"})
    assert result.devices == [{**PLAIN[outer, 4], **GUE, "vips": ["192.0.2.1"]}]
    assert (result.guard["protocols"], result.guard["gue_ports"]) == ([4], [6080])
    dips = [dip for dip in DIPS if dip.version == outer]
    kinds = [("ipip", "none"), ("gue", "remote_checksum")][::order]
    assert result.mss == [mss_row(VIPS[4], dip, *kind) for kind in kinds for dip in dips]


def test_every_tunnel_at_once() -> None:
    """A device for each, and each of them once; the guard has all protocols and ports, sorted."""
    deliveries = [tunnelled(inner, outer, *kind) for outer in (4, 6) for inner in (4, 6) for kind in KINDS]
    deliveries.append(tunnelled(6, 4, "gue", port=443))
    result = needs(*deliveries, *deliveries)
    devices = [row["device"] for row in result.devices]
    assert sorted(devices) == sorted([*COMMANDS, "lo"])
    assert result.guard == {"sources": [str(dip) for dip in DIPS], "protocols": [4, 41, 47], "gue_ports": [443, 6080]}
    assert result.arp_silent_devices == ["tunl0", "gre0", "lvsgre", "lvs4in6", "ip6gre0", "lvsgre6"]
    assert len(result.mss) == 2 * len(KINDS) * len(DIPS)


def test_both_families() -> None:
    """IPv6 VIPs are on a device of their own, and silent by nature."""
    result = needs(tunnelled(4, 4), tunnelled(6, 4), tunnelled(6, 4))
    assert result.devices == [
        {"device": "tunl0", "vips": ["192.0.2.1"]},
        {"device": "sit0", "vips": []},
        {"device": "lo", "vips": ["2001:db8::1"]},
    ]
    assert result.arp_silent_devices == ["tunl0"]
    assert result.guard["protocols"] == [4, 41]


@pytest.mark.parametrize(
    ("vip_devices", "protocols"),
    [
        (VIP_DEVICES, [4]),
        ({4: "lo", 6: "lo"}, []),
        ({4: "dummy0", 6: "dummy0"}, []),
        ({4: "gre0", 6: "sit0"}, [41, 47]),
        ({4: "tunl0", 6: "ip6tnl0"}, [4, 41]),
    ],
)
@pytest.mark.parametrize("dips", [DIPS, []])
def test_direct_routing(vip_devices: dict[int, str], protocols: list[int], dips: Any) -> None:
    """Nothing to take out, and nothing that does not fit. A tunnel device that holds VIPs takes packets out nevertheless."""
    result = needs(routed(4), routed(6), routed(4, "192.0.2.2"), routed(4), vip_devices=vip_devices, dips=dips)
    held: dict[str, list[str]] = {}
    for family, vip in ((4, "192.0.2.1"), (6, "2001:db8::1"), (4, "192.0.2.2")):
        held.setdefault(vip_devices[family], []).append(vip)
    sources = [str(dip) for dip in dips]
    assert result == RealServerPlan(
        arp_silent_devices=[vip_devices[4]],
        guard={"sources": sources, "protocols": protocols, "gue_ports": []} if protocols else {},
        firewall={
            "sources": sources,
            "protocols": [],
            "gue_ports": [],
            "services": [{"vip": vip, "port": 0, "protocol": "tcp"} for vip in ("192.0.2.1", "2001:db8::1", "192.0.2.2")],
        },
        devices=[{"device": device, "vips": vips} for device, vips in held.items()],
    )
    assert needs(routed(6)).arp_silent_devices == []


@pytest.mark.parametrize("forward", ["masquerade", "local"])
def test_forwarding_that_asks_for_nothing(forward: str) -> None:
    """The director rewrites what comes."""
    mapping = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "to_port": 8080}
    assert needs(replace(routed(4), forward=forward, mapping=mapping)) == RealServerPlan()
    assert needs() == RealServerPlan()


@pytest.mark.parametrize("family", [4, 6])
def test_service_by_firewall_mark(family: int) -> None:
    """Its VIPs are not known: a device that takes packets out, and for IPv4 is silent, is all that there is to do."""
    device = device_of(tunnelled(family, 4))
    guard = {"sources": [str(dip) for dip in DIPS], "protocols": [{4: 4, 6: 41}[family]], "gue_ports": []}
    assert needs(replace(tunnelled(family, 4), vip=None)) == RealServerPlan(
        arp_silent_devices=[device] if family == 4 else [],
        guard=guard,
        firewall={**guard, "services": []},
        devices=[{"device": device, "vips": []}],
    )
    assert needs(replace(routed(family), vip=None)) == RealServerPlan()


def test_mappings() -> None:
    """As the deliveries have them, in their order, however packets come; a copy, which may be altered."""
    mapping = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "to_port": 8080}
    other = {**mapping, "vip": "2001:db8::1"}
    result = needs(replace(tunnelled(4, 4), mapping=mapping), routed(4), replace(routed(6), mapping=other))
    assert result.mappings == [mapping, other]
    assert result.mappings[0] is not mapping


MAPPING = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp"}


IPV4_TUNNEL_DEVICES = ("tunl0", "gre0", "ip6gre0", "lvs4in6", "lvsgre", "lvsgre6")


def removal_rows(vip: str, *devices: str) -> list[dict[str, Any]]:
    """The rows that remove a VIP from these devices."""
    return [{"device": device, "vips": [vip], "state": "absent"} for device in devices]


def removals(plan: RealServerPlan, *described: Any) -> tuple[Any, Any, Any]:
    """What is removed of what the description knows."""
    add_removals(plan, described, VIP_DEVICES)
    return plan.removed_devices, plan.removed_mappings, plan.removed_mss


def test_all_leaves_of_which_a_host_has_no_part() -> None:
    """From every device that may have held it, and once, however many services have the VIP."""
    tls = {**MAPPING, "port": 443}
    assert removals(RealServerPlan(), (VIPS[4], MAPPING), (VIPS[6], None), (VIPS[4], tls), (VIPS[4], dict(MAPPING))) == (
        [*removal_rows("192.0.2.1", *IPV4_TUNNEL_DEVICES), *removal_rows("2001:db8::1", "lo")],
        [MAPPING, tls],
        [{"vip": "192.0.2.1"}, {"vip": "2001:db8::1"}],
    )
    assert removals(RealServerPlan()) == ([], [], [])


@pytest.mark.parametrize("to_port", [80, 8080])
def test_nothing_leaves_of_which_a_host_has_a_part(to_port: int) -> None:
    """A mapping stays, wherever it leads to; what has no part in a tunnel has no size."""
    deliveries = replace(tunnelled(4, 4), mapping={**MAPPING, "to_port": to_port}), tunnelled(6, 4)
    elsewhere = removal_rows("192.0.2.1", *IPV4_TUNNEL_DEVICES[1:])
    assert removals(needs(*deliveries), (VIPS[4], MAPPING), (VIPS[6], None)) == (elsewhere, [], [])
    assert removals(needs(tunnelled(4, 4)), (VIPS[4], MAPPING)) == (elsewhere, [MAPPING], [])
    assert removals(needs(routed(4)), (VIPS[4], None)) == (elsewhere, [], [{"vip": "192.0.2.1"}])
    # A VIP that now comes by another tunnel leaves the device that had it.
    by_gre = removal_rows("192.0.2.1", "tunl0", *IPV4_TUNNEL_DEVICES[2:])
    assert removals(needs(tunnelled(4, 4, "gre")), (VIPS[4], None)) == (by_gre, [], [])


def test_device_that_others_come_through_stays_up() -> None:
    """One VIP leaves, and a service by firewall mark still has its packets taken out by the same device."""
    stays = needs(replace(tunnelled(4, 4), vip=None))
    rows = removals(stays, (VIPS[4], None))[0]
    up = network.Up("tunl0")
    seen: network.SeenNetwork = Seen({up.key: up}, network.HostNetwork(), {up.key})
    wanted = Ownership(parsed([*stays.devices, *rows]), seen).plan()
    assert [item.key for item in wanted if item.new is None] == []
