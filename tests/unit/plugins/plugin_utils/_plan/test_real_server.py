# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real server has to be, for every way that packets can come to it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import model as network
from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel
from ansible_collections.lvs.cluster.plugins.module_utils._nft import mss_clamp as mss
from ansible_collections.lvs.cluster.plugins.module_utils._nft import tunnel_guard as guard
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerSide, Way, device_of, leave, side

VIPS = {4: ip_address("192.0.2.1"), 6: ip_address("2001:db8::1")}
RIPS = {4: ip_address("10.0.0.3"), 6: ip_address("fd00::3")}
DIPS = [ip_address("10.0.0.1"), ip_address("fd00::1"), ip_address("10.0.0.2")]
HOLDERS = {4: "tunl0", 6: "lo"}
KINDS = [
    ("ipip", "none"), ("gue", "none"), ("gue", "checksum"), ("gue", "remote_checksum"), ("gre", "none"), ("gre", "checksum"),
]  # fmt: skip


def tunnelled(inner: int, outer: int, tunnel_type: str = "ipip", checksum: str = "none", port: int = 6080) -> Way:
    """A way through a tunnel."""
    return Way(inner, VIPS[inner], RIPS[outer], "tunnel", tunnel_type, port if tunnel_type == "gue" else 0, checksum)


def routed(inner: int, vip: str | None = None) -> Way:
    """A way by direct routing."""
    return Way(inner, ip_address(vip) if vip else VIPS[inner], RIPS[inner], "route", "ipip", 0, "none")


def clamp(vip: Any, director: Any, tunnel_type: str = "ipip", checksum: str = "none", **known: int) -> dict[str, Any]:
    """A row of mss_clamp."""
    return {
        "vip": str(vip),
        "director": str(director),
        "tunnel_type": tunnel_type,
        "tunnel_checksum": checksum,
        **known,
    }


def made(
    *ways: Way, holders: dict[int, str] | None = None, directors: Any = None, path_mtu: int | None = None
) -> RealServerSide:
    """What these ways ask for; all of it is what the modules take."""
    result = side(ways, holders or HOLDERS, DIPS if directors is None else directors, path_mtu)
    common: dict[str, Any] = {"state": "present", "purge": False}
    if result.guard and result.guard["sources"]:
        guard.wanted_guard({**common, **result.guard})
    mss.wanted_sizes({**common, "tunnels": result.clamps}, lambda _director: 1500)
    network.wanted_vips({**common, "devices": result.devices})
    return result


def commands(rows: list[dict[str, Any]]) -> list[str]:
    """What the tunnels in these rows are."""
    wanted = network.wanted_vips({"state": "present", "purge": False, "devices": rows})
    return [one.new.line() for one in wanted if isinstance(one.new, network.Tunnel)]


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
MADE = {
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


def own_of(row: dict[str, Any]) -> dict[str, Any]:
    """The same device before it takes GUE."""
    made = {name: value for name, value in row.items() if name != "tunnel_port"}
    return {**made, "tunnel_type": "ipip6"} if made["tunnel_type"] == "gue" else made


@pytest.mark.parametrize("path_mtu", [None, 1400])
@pytest.mark.parametrize(("tunnel_type", "checksum"), KINDS)
@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_every_tunnel(outer: int, inner: int, tunnel_type: str, checksum: str, path_mtu: int | None) -> None:
    """The device that takes it out, whom the guard lets in, where to be silent, and what fits through."""
    way, row = tunnelled(inner, outer, tunnel_type, checksum), row_of(outer, inner, tunnel_type, checksum)
    result = made(way, holders={4: "dummy0", 6: "lo"}, path_mtu=path_mtu)
    vip = str(VIPS[inner])
    known = {} if path_mtu is None else {"path_mtu": path_mtu}
    outer_dips = [dip for dip in DIPS if dip.version == outer]
    assert device_of(way) == row["device"]
    # Where packets come in GUE, they leave it as what the device takes out of a plain tunnel, which anyone could send.
    protocol = tunnel.protocol(inner, "ipip" if tunnel_type == "gue" else tunnel_type)
    assert result == RealServerSide(
        silent=[row["device"]] if inner == 4 else [],
        guard={
            "sources": ["10.0.0.1", "fd00::1", "10.0.0.2"],
            "protocols": [protocol],
            "gue_ports": [6080] if tunnel_type == "gue" else [],
        },
        mappings=[],
        clamps=[clamp(vip, dip, tunnel_type, checksum, **known) for dip in outer_dips],
        own_devices=[own_of(row)] if "local" in row else [],
        # Loose filtering takes IPv4 only out of a device that has an address.
        devices=[{**row, "vips": [vip]}] if inner == 4 else [{**row, "vips": []}, {"device": "lo", "vips": [vip]}],
    )


@pytest.mark.parametrize(("tunnel_type", "checksum"), KINDS)
@pytest.mark.parametrize("inner", [4, 6])
@pytest.mark.parametrize("outer", [4, 6])
def test_every_tunnel_is_what_ip_makes(outer: int, inner: int, tunnel_type: str, checksum: str) -> None:
    """The rows are of a device for packets of the VIP's family, before it has VIPs and afterwards."""
    way = tunnelled(inner, outer, tunnel_type, checksum)
    result = made(way)
    assert commands(result.devices) == [MADE[device_of(way)]]
    assert commands(result.own_devices) == ([MADE[device_of(way)]] if result.own_devices else [])


def test_vip_on_the_tunnel_device_itself() -> None:
    """One row for both; it keeps silent once."""
    result = made(tunnelled(4, 4))
    assert result.devices == [{"device": "tunl0", "vips": ["192.0.2.1"]}]
    assert result.silent == ["tunl0"]
    assert made(tunnelled(6, 4), holders={4: "tunl0", 6: "sit0"}).devices == [{"device": "sit0", "vips": ["2001:db8::1"]}]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("outer", [4, 6])
def test_ipip_and_gue_share_a_device(outer: int, order: int) -> None:
    """One row, with the listener of the one; the VIP comes in either, so that the lesser size counts."""
    plain, gue = tunnelled(4, outer), tunnelled(4, outer, "gue", "remote_checksum")
    result = made(*[plain, gue][::order], holders={4: device_of(plain), 6: "lo"})
    assert result.devices == [{**PLAIN[outer, 4], **GUE, "vips": ["192.0.2.1"]}]
    assert (result.guard["protocols"], result.guard["gue_ports"]) == ([4], [6080])
    dips = [dip for dip in DIPS if dip.version == outer]
    kinds = [("ipip", "none"), ("gue", "remote_checksum")][::order]
    assert result.clamps == [clamp(VIPS[4], dip, *kind) for kind in kinds for dip in dips]


def test_every_tunnel_at_once() -> None:
    """A device for each, and each of them once; the guard has all protocols and ports, sorted."""
    ways = [tunnelled(inner, outer, *kind) for outer in (4, 6) for inner in (4, 6) for kind in KINDS]
    ways.append(tunnelled(6, 4, "gue", port=443))
    result = made(*ways, *ways)
    devices = [row["device"] for row in result.devices]
    assert sorted(devices) == sorted([*MADE, "lo"])
    assert result.guard == {"sources": [str(dip) for dip in DIPS], "protocols": [4, 41, 47], "gue_ports": [443, 6080]}
    assert result.silent == ["tunl0", "gre0", "lvsgre", "lvs4in6", "ip6gre0", "lvsgre6"]
    assert len(result.clamps) == 2 * len(KINDS) * len(DIPS)


def test_both_families() -> None:
    """IPv6 VIPs are on a device of their own, and silent by nature."""
    result = made(tunnelled(4, 4), tunnelled(6, 4), tunnelled(6, 4))
    assert result.devices == [
        {"device": "tunl0", "vips": ["192.0.2.1"]},
        {"device": "sit0", "vips": []},
        {"device": "lo", "vips": ["2001:db8::1"]},
    ]
    assert result.silent == ["tunl0"]
    assert result.guard["protocols"] == [4, 41]


@pytest.mark.parametrize(
    ("holders", "protocols"),
    [
        (HOLDERS, [4]),
        ({4: "lo", 6: "lo"}, []),
        ({4: "dummy0", 6: "dummy0"}, []),
        ({4: "gre0", 6: "sit0"}, [41, 47]),
        ({4: "tunl0", 6: "ip6tnl0"}, [4, 41]),
    ],
)
@pytest.mark.parametrize("directors", [DIPS, []])
def test_direct_routing(holders: dict[int, str], protocols: list[int], directors: Any) -> None:
    """Nothing to take out, and nothing that does not fit. A tunnel device that holds VIPs takes packets out nevertheless."""
    result = made(routed(4), routed(6), routed(4, "192.0.2.2"), routed(4), holders=holders, directors=directors)
    held: dict[str, list[str]] = {}
    for family, vip in ((4, "192.0.2.1"), (6, "2001:db8::1"), (4, "192.0.2.2")):
        held.setdefault(holders[family], []).append(vip)
    sources = [str(dip) for dip in directors]
    assert result == RealServerSide(
        silent=[holders[4]],
        guard={"sources": sources, "protocols": protocols, "gue_ports": []} if protocols else {},
        devices=[{"device": device, "vips": vips} for device, vips in held.items()],
    )
    assert made(routed(6)).silent == []


@pytest.mark.parametrize("forward", ["masquerade", "local"])
def test_forwarding_that_asks_for_nothing(forward: str) -> None:
    """The director rewrites what comes."""
    mapping = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "to_port": 8080}
    assert made(replace(routed(4), forward=forward, mapping=mapping)) == RealServerSide()
    assert made() == RealServerSide()


@pytest.mark.parametrize("family", [4, 6])
def test_service_by_firewall_mark(family: int) -> None:
    """Its VIPs are not known: a device that takes packets out, and for IPv4 is silent, is all that there is to do."""
    device = device_of(tunnelled(family, 4))
    assert made(replace(tunnelled(family, 4), vip=None)) == RealServerSide(
        silent=[device] if family == 4 else [],
        guard={"sources": [str(dip) for dip in DIPS], "protocols": [{4: 4, 6: 41}[family]], "gue_ports": []},
        devices=[{"device": device, "vips": []}],
    )
    assert made(replace(routed(family), vip=None)) == RealServerSide()


def test_mappings() -> None:
    """As the ways have them, in their order, however packets come; a copy, which may be altered."""
    mapping = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "to_port": 8080}
    other = {**mapping, "vip": "2001:db8::1"}
    result = made(replace(tunnelled(4, 4), mapping=mapping), routed(4), replace(routed(6), mapping=other))
    assert result.mappings == [mapping, other]
    assert result.mappings[0] is not mapping


MAPPING = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp"}


IPV4_HOLDERS = ("tunl0", "gre0", "ip6gre0", "lvs4in6", "lvsgre", "lvsgre6")


def leaving(vip: str, *devices: str) -> list[dict[str, Any]]:
    """The rows that take it away."""
    return [{"device": device, "vips": [vip], "state": "absent"} for device in devices]


def gone(one: RealServerSide, *described: Any) -> tuple[Any, Any, Any]:
    """What has to go of what the description knows."""
    leave(one, described, HOLDERS)
    return one.leaving_devices, one.leaving_mappings, one.leaving_clamps


def test_all_leaves_of_which_a_host_has_no_part() -> None:
    """From every device that may have held it, and once, however many services have the VIP."""
    tls = {**MAPPING, "port": 443}
    assert gone(RealServerSide(), (VIPS[4], MAPPING), (VIPS[6], None), (VIPS[4], tls), (VIPS[4], dict(MAPPING))) == (
        [*leaving("192.0.2.1", *IPV4_HOLDERS), *leaving("2001:db8::1", "lo")],
        [MAPPING, tls],
        [{"vip": "192.0.2.1"}, {"vip": "2001:db8::1"}],
    )
    assert gone(RealServerSide()) == ([], [], [])


@pytest.mark.parametrize("to_port", [80, 8080])
def test_nothing_leaves_of_which_a_host_has_a_part(to_port: int) -> None:
    """A mapping stays, wherever it leads to; what has no part in a tunnel has no size."""
    ways = replace(tunnelled(4, 4), mapping={**MAPPING, "to_port": to_port}), tunnelled(6, 4)
    elsewhere = leaving("192.0.2.1", *IPV4_HOLDERS[1:])
    assert gone(made(*ways), (VIPS[4], MAPPING), (VIPS[6], None)) == (elsewhere, [], [])
    assert gone(made(tunnelled(4, 4)), (VIPS[4], MAPPING)) == (elsewhere, [MAPPING], [])
    assert gone(made(routed(4)), (VIPS[4], None)) == (elsewhere, [], [{"vip": "192.0.2.1"}])
    # A VIP that now comes by another tunnel leaves the device that had it.
    by_gre = leaving("192.0.2.1", "tunl0", *IPV4_HOLDERS[2:])
    assert gone(made(tunnelled(4, 4, "gre")), (VIPS[4], None)) == (by_gre, [], [])


def test_device_that_others_come_through_stays_up() -> None:
    """One VIP leaves, and a service by firewall mark still has its packets taken out by the same device."""
    stays = made(replace(tunnelled(4, 4), vip=None))
    rows = gone(stays, (VIPS[4], None))[0]
    options = {"state": "present", "purge": False, "devices": [*stays.devices, *rows]}
    up = network.Up("tunl0").marked(True)
    assert [
        one.key for one in network.what_goes(options, network.wanted_vips(options), {up.key: up}) if one.new is None
    ] == []
