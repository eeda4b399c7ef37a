# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a cluster: what it expands to, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.cluster_plan import (
    Cluster,
    Host,
    InvalidDescription,
    Plan,
    plan,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerSide

# The lab's inventory and description.
CLIENT, DIP, RS1, RS2 = "192.168.56.180", "192.168.56.181", "192.168.56.183", "192.168.56.184"
HOSTS = {"client": Host(CLIENT), "ds1": Host(DIP), "rs1": Host(RS1), "rs2": Host(RS2)}
LAB = Cluster(HOSTS, directors=["ds1"], real_servers=["rs1", "rs2"])
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


def with_host(name: str, **fields: Any) -> Cluster:
    """The lab, where the inventory says something else of a host."""
    return replace(LAB, hosts={**HOSTS, name: replace(HOSTS[name], **fields)})


def held(device: str, *vips: str) -> dict[str, Any]:
    """A row of tunl_vip."""
    return {"device": device, "vips": list(vips)}


def tunl0(*vips: str, mappings: Any = (), **known: int) -> RealServerSide:
    """A real server that takes packets for these VIPs out of plain tunnels from the lab's director."""
    plain = {"director": DIP, "tunnel_type": "ipip", "tunnel_checksum": "none", **known}
    return RealServerSide(
        silent=["tunl0"],
        guard={"sources": [DIP], "protocols": [4], "gue_ports": []},
        mappings=list(mappings),
        clamps=[{"vip": vip, **plain} for vip in vips],
        devices=[held("tunl0", *vips)],
    )


NOTHING = RealServerSide()


def sides(made: Plan) -> dict[str, RealServerSide]:
    """What each host has to be and to hold."""
    return {
        host: replace(one, leaving_devices=[], leaving_mappings=[], leaving_clamps=[])
        for host, one in made.real_servers.items()
    }


def unmapped(vip: str, port: int, protocol: str = "tcp") -> dict[str, Any]:
    """A row of port_dnat, for a mapping that goes."""
    return {"vip": vip, "port": port, "protocol": protocol}


def leaving(*vips: str, mappings: Any, device: str = "tunl0") -> tuple[Any, Any, Any]:
    """What goes from a host where all of these VIPs go."""
    return [held(device, *vips)] if vips else [], mappings, [{"vip": vip} for vip in vips]


def gone(made: Plan, host: str) -> tuple[Any, Any, Any]:
    """What goes from a host."""
    one = made.real_servers[host]
    # Which devices else an IPv4 VIP may be on, test_real_server.py knows.
    named = {row["device"]: row["vips"] for row in one.leaving_devices if row["device"] in ("tunl0", "lo")}
    return [held(device, *vips) for device, vips in named.items()], one.leaving_mappings, one.leaving_clamps


# What a description that leaves it out wants nevertheless.
PLAIN_SERVICE = {"scheduler_flags": [], "persistence_timeout": 0, "persistence_engine": "none", "one_packet": False}


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


def test_the_labs_description() -> None:
    """Exactly what each side needs; a mapping that a service once had and has no more, goes."""
    made = plan([WEB, MAPPED, PLAIN], LAB)
    assert made.services == [
        service(VIP, 80, "tcp", "wrr", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 1)),
        service(MAPPED_VIP, 8099, "tcp", "wrr", destination(RS1, "tunnel", 2), destination(RS2, "tunnel", 1)),
        service(PLAIN_VIP, 80, "tcp", "wrr", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 2)),
    ]
    assert made.preflight == {
        "vips": [VIP, MAPPED_VIP, PLAIN_VIP],
        "paths": [path("rs1", RS1, port=80), path("rs2", RS2, port=80)],
        "sources": [DIP],
    }
    assert made.hosts == {RS1: "rs1", RS2: "rs2"}
    assert made.director == [held("tunl0", VIP, MAPPED_VIP), held("eth0", PLAIN_VIP)]
    assert made.director_withdrawn == []
    each = tunl0(VIP, MAPPED_VIP, PLAIN_VIP, mappings=[MAPPING])
    assert sides(made) == {"rs1": each, "rs2": each}
    assert gone(made, "rs1") == gone(made, "rs2") == leaving(mappings=[unmapped(VIP, 80), unmapped(PLAIN_VIP, 80)])
    assert made.warnings == []


def test_real_servers_by_their_addresses() -> None:
    """Those of both families, as the kernel writes them; those without a service, too."""
    assert plan([], with_host("rs1", rip6="2001:DB8::0:3")).hosts == {RS1: "rs1", "2001:db8::3": "rs1", RS2: "rs2"}


def test_rips_by_which_services_reach_a_host() -> None:
    """Each once; none that only services use which are absent, or which leave the host out."""
    six = {"vip": VIP6, "director_device": "eth0", "forward": "route", "real_servers": [{"host": "rs1"}]}
    services = [
        *(WEB, MAPPED, {**WEB, "name": "web6", **six}),
        {**PLAIN, "port": 81, "name": "absent", "state": "absent"},
        {**WEB, "port": 82, "name": "one", "real_servers": [{"host": "rs1", "forward": "masquerade"}]},
    ]
    made = plan(services, with_host("rs1", rip6="2001:db8::1"))
    assert made.rips == {"rs1": [RS1, "2001:db8::1"], "rs2": [RS2]}
    assert plan([{**services[-1], "real_servers": [{"host": "rs1"}]}], LAB).rips == {"rs1": [RS1], "rs2": []}


def test_defaults_of_a_service() -> None:
    """Name, VIP and port are enough: tcp, wlc, tunnel, all hosts of the group, weights of the inventory."""
    made = plan([{"name": "web", "vip": VIP, "port": "80"}], with_host("rs2", weight="5"))
    assert made.services == [service(VIP, 80, "tcp", "wlc", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 5))]


@pytest.mark.parametrize(
    ("devices", "director"),
    [
        ({"director_device": "eth0"}, [held("eth0", VIP, VIP6, PLAIN_VIP)]),
        ({"vip_device": "dummy0"}, [held("dummy0", VIP, VIP6), held("eth0", PLAIN_VIP)]),
        (
            {"vip_device": "lo", "vip6_device": "sit0", "director_device": "eth1"},
            [held("eth1", VIP, VIP6), held("eth0", PLAIN_VIP)],
        ),
    ],
)
def test_devices_that_hold_vips(devices: dict[str, Any], director: list[dict[str, Any]]) -> None:
    """On real servers one for each family, but of IPv4 the tunnel's own; the director's, or else that of IPv4."""
    cluster = replace(LAB, **devices)
    made = plan([WEB, {**WEB, "name": "web6", "vip": VIP6}, {**PLAIN, "forward": "route"}], cluster)
    assert made.director == director
    for one in made.real_servers.values():
        on_device = {row["device"]: row["vips"] for row in one.devices if row["vips"]}
        assert on_device == {cluster.vip_device: [PLAIN_VIP], "tunl0": [VIP], cluster.vip6_device: [VIP6]} or (
            cluster.vip_device == "tunl0" and on_device == {"tunl0": [VIP, PLAIN_VIP], "lo": [VIP6]}
        )


def test_weight_of_a_service_beats_that_of_the_host() -> None:
    """Also where it is 0."""
    made = plan([{**WEB, "real_servers": [{"host": "rs1", "weight": 0}]}], with_host("rs1", weight=7))
    assert made.services[0]["destinations"] == [destination(RS1, "tunnel", 0)]


def test_host_that_a_service_leaves_out_gets_nothing_of_it() -> None:
    """Neither its VIP nor its mapping."""
    made = plan([WEB, {**MAPPED, "real_servers": [{"host": "rs1"}]}], LAB)
    assert sides(made) == {"rs1": tunl0(VIP, MAPPED_VIP, mappings=[MAPPING]), "rs2": tunl0(VIP)}
    assert gone(made, "rs1") == leaving(mappings=[unmapped(VIP, 80)])
    assert gone(made, "rs2") == leaving(MAPPED_VIP, mappings=[unmapped(VIP, 80), unmapped(MAPPED_VIP, 8099)])


def test_two_services_on_one_vip() -> None:
    """The VIP once on each side."""
    made = plan([WEB, {**WEB, "name": "tls", "port": 443}, {**WEB, "name": "quic", "port": 443, "protocol": "udp"}], LAB)
    assert [(one["port"], one["protocol"]) for one in made.services] == [(80, "tcp"), (443, "tcp"), (443, "udp")]
    assert made.director == [held("tunl0", VIP)]
    assert sides(made)["rs1"] == tunl0(VIP)
    assert made.preflight["vips"] == [VIP]


def test_masquerade() -> None:
    """The director rewrites the port: real servers need nothing, not even what they had for a tunnel."""
    made = plan([{**MAPPED, "forward": "masquerade"}], LAB)
    assert made.services[0]["destinations"] == [
        destination(RS1, "masquerade", 2, rport=80),
        destination(RS2, "masquerade", 1, rport=80),
    ]
    assert made.director == [held("tunl0", MAPPED_VIP)]
    assert sides(made) == {"rs1": NOTHING, "rs2": NOTHING}
    for host in ("rs1", "rs2"):
        assert gone(made, host) == leaving(MAPPED_VIP, mappings=[unmapped(MAPPED_VIP, 8099)])
    assert made.preflight["paths"] == [path("rs1", RS1, "masquerade", port=80), path("rs2", RS2, "masquerade", port=80)]


@pytest.mark.parametrize("dip", [DIP, None])
def test_direct_routing_needs_the_mapping_too(dip: str | None) -> None:
    """No port is rewritten on the way; nor does it matter which address the director speaks from."""
    made = plan([{**MAPPED, "forward": "route", "real_servers": [{"host": "rs1"}]}], with_host("ds1", rip=dip))
    assert made.services[0]["destinations"] == [destination(RS1, "route", 1)]
    sources = [] if dip is None else [dip]
    assert sides(made)["rs1"] == RealServerSide(
        silent=["tunl0"],
        guard={"sources": sources, "protocols": [4], "gue_ports": []},
        mappings=[MAPPING],
        devices=[held("tunl0", MAPPED_VIP)],
    )
    # Packets come as they are: none is too large.
    assert gone(made, "rs1") == ([], [], [{"vip": MAPPED_VIP}])
    assert made.preflight == {"vips": [MAPPED_VIP], "paths": [path("rs1", RS1, "route", port=80)], "sources": sources}


def test_unmanaged_address() -> None:
    """It is a destination, and its port mapping is up to the user, who is told."""
    unmanaged = {"real_servers": [{"address": "10.0.0.9", "weight": 3}]}
    made = plan(
        [{**WEB, **unmanaged}, {**MAPPED, **unmanaged}, {**PLAIN, **unmanaged, "forward": "masquerade", "rport": 81}],
        LAB,
    )
    assert [one["destinations"] for one in made.services] == [
        [destination("10.0.0.9", "tunnel", 3)],
        [destination("10.0.0.9", "tunnel", 3)],
        [destination("10.0.0.9", "masquerade", 3, rport=81)],
    ]
    assert sides(made) == {"rs1": NOTHING, "rs2": NOTHING}
    assert made.preflight["paths"] == [
        path("10.0.0.9", "10.0.0.9", port=80),
        path("10.0.0.9", "10.0.0.9", "masquerade", port=81),
    ]
    (warning,) = made.warnings
    assert warning.startswith("service 'mapped', real_servers: 10.0.0.9 is not a host of the inventory")
    assert "maps port 8099 to 80" in warning


GONE = {"rip": RS1, "state": "absent"}


@pytest.mark.parametrize(("real_servers", "rows_of_it"), [([], []), ([{"host": "rs1", "state": "absent"}], [GONE])])
def test_service_without_real_servers(real_servers: list[dict[str, Any]], rows_of_it: list[dict[str, Any]]) -> None:
    """Allowed, with a warning; the service and its VIP are on the director."""
    made = plan([{**WEB, "real_servers": real_servers}], LAB)
    assert made.services == [service(VIP, 80, "tcp", "wrr", *rows_of_it)]
    assert made.director == [held("tunl0", VIP)]
    assert sides(made) == {"rs1": NOTHING, "rs2": NOTHING}
    assert made.preflight == {"vips": [VIP], "paths": [], "sources": [DIP]}
    assert made.warnings == ["service 'web', real_servers: is empty: every connection will be refused"]


MAPPED_GONE = {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp", "state": "absent"}


def test_service_that_goes() -> None:
    """It takes its destinations with it; both sides give up its VIP, and real servers its mapping."""
    made = plan([WEB, {**MAPPED, "state": "absent"}], LAB)
    assert made.services[1] == MAPPED_GONE
    assert made.director == [held("tunl0", VIP)]
    assert made.director_withdrawn == [held("tunl0", MAPPED_VIP)]
    assert sides(made) == {"rs1": tunl0(VIP), "rs2": tunl0(VIP)}
    for host in ("rs1", "rs2"):
        assert gone(made, host) == leaving(MAPPED_VIP, mappings=[unmapped(VIP, 80), unmapped(MAPPED_VIP, 8099)])
    assert made.preflight["vips"] == [VIP]
    assert made.warnings == []


@pytest.mark.parametrize("real_servers", [[], [{"address": "10.0.0.9"}]])
def test_service_that_goes_gives_no_warning(real_servers: list[dict[str, Any]]) -> None:
    """Neither that it is empty nor that somebody should see to a port mapping."""
    assert plan([WEB, {**MAPPED, "state": "absent", "real_servers": real_servers}], LAB).warnings == []


@pytest.mark.parametrize("order", [1, -1])
def test_shared_vip_stays_with_the_service_that_stays(order: int) -> None:
    """Whichever comes first; only the service goes, and the VIP where nothing else needs it."""
    going = {**MAPPED, "vip": VIP, "state": "absent"}
    staying = {**WEB, "real_servers": [{"host": "rs1"}]}
    made = plan([going, staying][::order], LAB)
    assert [one.get("state") for one in made.services] == ["absent", None][::order]
    assert (made.director, made.director_withdrawn) == ([held("tunl0", VIP)], [])
    assert sides(made) == {"rs1": tunl0(VIP), "rs2": NOTHING}
    mappings = [unmapped(VIP, 8099), unmapped(VIP, 80)][::order]
    assert gone(made, "rs1") == leaving(mappings=mappings)
    assert gone(made, "rs2") == leaving(VIP, mappings=mappings)


def test_real_server_that_goes() -> None:
    """Out of the service, which keeps its VIP; the host gives up VIP and mapping."""
    made = plan([{**MAPPED, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}], LAB)
    assert (made.director, made.director_withdrawn) == ([held("tunl0", MAPPED_VIP)], [])
    assert made.services[0]["destinations"] == [GONE, destination(RS2, "tunnel", 1)]
    assert sides(made) == {"rs1": NOTHING, "rs2": tunl0(MAPPED_VIP, mappings=[MAPPING])}
    assert gone(made, "rs1") == leaving(MAPPED_VIP, mappings=[unmapped(MAPPED_VIP, 8099)])
    assert gone(made, "rs2") == leaving(mappings=[])
    assert made.preflight["paths"] == [path("rs2", RS2, port=80)]


def test_real_server_that_goes_keeps_a_vip_that_it_serves_otherwise() -> None:
    """Two services on one VIP, and the host leaves one of them."""
    leaving = {**WEB, "name": "tls", "port": 443, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}
    made = plan([WEB, leaving], LAB)
    assert sides(made) == {"rs1": tunl0(VIP), "rs2": tunl0(VIP)}
    assert made.services[1]["destinations"][0] == GONE


def test_all_that_goes() -> None:
    """Of each service, of each host, and of the director; nothing to look at first, and nothing to warn of."""
    marked = {"name": "marked", "fwmark": 7}
    services = [WEB, {**MAPPED, "real_servers": []}, PLAIN, WEB6, marked, {**WEB, "name": "tls", "port": 443}]
    made = plan(services, replace(LAB, state="absent"))
    assert made.services == [
        {"vip": VIP, "port": 80, "protocol": "tcp", "state": "absent"},
        MAPPED_GONE,
        {"vip": PLAIN_VIP, "port": 80, "protocol": "tcp", "state": "absent"},
        {"vip": VIP6, "port": 80, "protocol": "tcp", "state": "absent"},
        {"fwmark": 7, "family": "ipv4", "state": "absent"},
        {"vip": VIP, "port": 443, "protocol": "tcp", "state": "absent"},
    ]
    assert made.director == []
    assert made.director_withdrawn == [held("tunl0", VIP, MAPPED_VIP), held("eth0", PLAIN_VIP, VIP6)]
    assert sides(made) == {"rs1": NOTHING, "rs2": NOTHING}
    vips = (VIP, MAPPED_VIP, PLAIN_VIP)
    ports = [(VIP, 80), (MAPPED_VIP, 8099), (PLAIN_VIP, 80), (VIP6, 80), (VIP, 443)]
    for host in ("rs1", "rs2"):
        assert gone(made, host) == (
            [held("tunl0", *vips), held("lo", VIP6)],
            [unmapped(*port) for port in ports],
            [{"vip": vip} for vip in (*vips, VIP6)],
        )
    assert made.preflight == {"vips": [], "paths": [], "sources": [DIP]}
    assert made.warnings == []
    # What nothing comes through needs no address to come from.
    assert plan([WEB], replace(with_host("ds1", rip=None), state="absent")).preflight["sources"] == []


@pytest.mark.parametrize(
    ("rip", "rip6", "comes_to", "comes_to6", "devices"),
    [
        (RS1, None, RS1, RS1, ["tunl0", "sit0"]),
        (RS1, "fd00::3", RS1, "fd00::3", ["tunl0", "ip6tnl0"]),
        ("fd00::3", None, "fd00::3", "fd00::3", ["lvs4in6", "ip6tnl0"]),
        ("fd00::3", RS1, "fd00::3", RS1, ["lvs4in6", "sit0"]),
    ],
)
def test_families(rip: str, rip6: str | None, comes_to: str, comes_to6: str, devices: list[str]) -> None:
    """IPv6 comes to lvs_rip6, or to lvs_rip where there is none; each in a tunnel over whatever family that is."""
    hosts = {"ds1": Host(DIP, "fd00::1"), "rs1": Host(rip, rip6, path_mtu=9000)}
    made = plan([WEB, WEB6], Cluster(hosts, directors=["ds1"], real_servers=["rs1"]))
    assert [one["destinations"] for one in made.services] == [
        [destination(comes_to, "tunnel", 1)],
        [destination(comes_to6, "tunnel", 1)],
    ]
    one = made.real_servers["rs1"]
    assert {*devices, "lo"} == {row["device"] for row in one.devices}
    assert {(row["vip"], row["director"], row["path_mtu"]) for row in one.clamps} == {
        (VIP, "fd00::1" if ":" in comes_to else DIP, 9000),
        (VIP6, "fd00::1" if ":" in comes_to6 else DIP, 9000),
    }
    assert one.guard["sources"] == [DIP, "fd00::1"]
    assert made.director == [held("tunl0", VIP), held("eth0", VIP6)]
    ways = {comes_to: [4, 6]} if comes_to == comes_to6 else {comes_to: [4], comes_to6: [6]}
    assert made.preflight == {
        "vips": [VIP, VIP6],
        "paths": [path("rs1", rip, inner=inner, port=80, mtu=9000) for rip, inner in ways.items()],
        "sources": [DIP, "fd00::1"],
    }


def test_probes() -> None:
    """Every real server of each service that there is and has a VIP, with its own port."""
    rs1, gone, persistent = {"host": "rs1"}, {"host": "rs2", "state": "absent"}, {"persistence_timeout": 60}
    ipip = {"forward": "tunnel", "tunnel_type": "ipip", "tunnel_checksum": "none"}
    services = [
        WEB6,
        {**MAPPED, "real_servers": [{**rs1, "weight": 0}, {"address": "10.0.0.9", **GUE}, gone]},
        {**PLAIN, "forward": "masquerade", "rport": 8080, "real_servers": [rs1]},
        {**WEB, "port": 0, "protocol": "udp", **persistent, "real_servers": [{"address": DIP, "forward": "local"}]},
        {"name": "marked", "fwmark": 1},
        {**WEB, "name": "gone", "port": 443, "state": "absent"},
    ]
    web6, mapped = {"vip": VIP6, "port": 80, "protocol": "tcp"}, {"vip": MAPPED_VIP, "port": 8099, "protocol": "tcp"}
    assert plan(services, LAB).probes == [
        {"name": "rs1", **web6, "rip": RS1, **ipip, "rport": 80},
        {"name": "rs2", **web6, "rip": RS2, **ipip, "rport": 80},
        {"name": "rs1", **mapped, "rip": RS1, **ipip, "rport": 80},
        {"name": "10.0.0.9", **mapped, "rip": "10.0.0.9", "forward": "tunnel", **GUE, "rport": 80},
        {"name": "rs1", "vip": PLAIN_VIP, "port": 80, "protocol": "tcp", "rip": RS1, "forward": "masquerade", "rport": 8080},
        {"name": DIP, "vip": VIP, "port": 0, "protocol": "udp", "rip": DIP, "forward": "local"},
    ]
    assert plan(services, replace(LAB, state="absent")).probes == []


def test_director_of_ipv6_alone() -> None:
    """Its one address may be of either family."""
    hosts = {"ds1": Host("fd00::1"), "rs1": Host("fd00::3")}
    made = plan([WEB6], Cluster(hosts, directors=["ds1"], real_servers=["rs1"]))
    assert made.real_servers["rs1"].guard == {"sources": ["fd00::1"], "protocols": [41], "gue_ports": []}
    assert made.preflight["sources"] == ["fd00::1"]


def test_services_that_reach_a_host_in_different_ways() -> None:
    """A way for each, and the port of the first that has one; what serves both families is looked at once."""
    rs1 = {"host": "rs1"}
    services = [
        {**WEB, "protocol": "udp", "real_servers": [rs1]},
        {**WEB, "name": "tcp", "real_servers": [rs1], "rport": 8080},
        {**WEB, "name": "tls", "port": 443, "real_servers": [{**rs1, **GUE}]},
        {**WEB6, "real_servers": [{**rs1, **GUE, "tunnel_port": 6081}]},
        {**MAPPED, "real_servers": [{**rs1, **GRE}]},
        {
            **PLAIN,
            "real_servers": [{**rs1, "forward": "route"}, {"address": "10.0.0.9"}, {"address": DIP, "forward": "local"}],
        },
    ]
    made = plan(services, with_host("rs1", path_mtu="1400"))
    gue = {"tunnel_type": "gue", "tunnel_checksum": "checksum"}
    assert made.preflight["paths"] == [
        path("rs1", RS1, port=8080, mtu=1400),
        path("rs1", RS1, **gue, inner=[4, 6], port=443, mtu=1400),
        path("rs1", RS1, **GRE, port=80, mtu=1400),
        path("rs1", RS1, "route", port=80, mtu=1400),
        path("10.0.0.9", "10.0.0.9", port=80),
    ]
    row = {"director": DIP, "tunnel_type": "ipip", "tunnel_checksum": "none", "path_mtu": 1400}
    assert sides(made)["rs1"] == RealServerSide(
        silent=["tunl0", "gre0"],
        guard={"sources": [DIP], "protocols": [4, 41, 47], "gue_ports": [6080, 6081]},
        mappings=[{"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}, MAPPING],
        clamps=[
            {**row, "vip": VIP},
            {**row, "vip": VIP, **gue},
            {**row, "vip": VIP6, **gue},
            {**row, "vip": MAPPED_VIP, **GRE},
        ],
        devices=[
            {**held("tunl0", VIP, PLAIN_VIP), "tunnel_type": "gue", "tunnel_port": 6080},
            {**held("sit0"), "tunnel_type": "gue", "tunnel_port": 6081},
            held("lo", VIP6),
            held("gre0", MAPPED_VIP),
        ],
    )
    assert sides(made)["rs2"] == NOTHING
    without = [unmapped(VIP, 80, "udp"), unmapped(VIP, 443), unmapped(VIP6, 80), unmapped(PLAIN_VIP, 80)]
    # Only tunnels have sizes that do not fit.
    assert gone(made, "rs1") == ([held("tunl0", MAPPED_VIP)], without, [{"vip": PLAIN_VIP}])


def test_mapping_that_a_service_cannot_have_had() -> None:
    """Where no module could have made it."""
    persistent = {**PLAIN, "port": 0, "persistence_timeout": 60}
    made = plan([{**WEB, "protocol": "sctp"}, persistent, {"name": "marked", "fwmark": 7}], replace(LAB, state="absent"))
    assert gone(made, "rs1") == leaving(VIP, PLAIN_VIP, mappings=[])


def faults(services: Any, cluster: Cluster = LAB) -> list[str]:
    """All that is wrong; each of them stands in the message, on a line of its own."""
    with pytest.raises(InvalidDescription) as caught:
        plan(services, cluster)
    assert str(caught.value).splitlines()[1:] == caught.value.faults
    return caught.value.faults


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({"vip": "127.0.0.5"}, "vip", "is a loopback address"),
        ({"vip": "web.example"}, "vip", "is not an IP address: write one like"),
        ({"vip": "224.0.0.81"}, "vip", "is not a unicast address"),
        (
            {"vip": VIP6},
            "director_device",
            f"tunl0 cannot hold {VIP6}: a director answers for an IPv6 VIP only on the device",
        ),
        *(
            ({"vip": VIP6, "director_device": device}, "director_device", f"{device} cannot hold {VIP6}")
            for device in ("lo", "sit0", "ip6tnl0", "gre0", "ip6gre0")
        ),
        (
            {"vip": "192.168.56.180"},
            "vip",
            "192.168.56.180 is the address of the host client: a VIP is an address of its own",
        ),
        ({"port": 0}, "port", "0 takes every port, for which the service has to be persistent"),
        ({"port": 65536}, "port", "65536 is not in 0..65535"),
        ({"protocol": "icmp"}, "protocol", "is not one of tcp, udp, sctp"),
        ({"scheduler": "fastest"}, "scheduler", "'fastest' is not one of rr, wrr"),
        ({"forward": "teleport"}, "forward", "is not one of tunnel, route, masquerade"),
        ({"rport": 0}, "rport", "0 is not in 1..65535"),
        ({"rport": 65536}, "rport", "65536 is not in 1..65535"),
        ({"rport": 81, "protocol": "sctp"}, "rport", "needs a port mapping, which sctp has not: leave it out"),
        ({"one_packet": True}, "one_packet", "is for udp alone"),
        ({"persistence_netmask": 24}, "persistence_netmask", "needs persistence: set persistence_timeout"),
        ({"scheduler_flags": ["port"]}, "scheduler_flags", "is a flag of the schedulers sh and mh"),
        ({"port": 0, "persistence_timeout": 60, "rport": 81}, "rport", "cannot be for port 0, which takes every port"),
        ({"scheduler": 5}, "scheduler", "5 is not one of rr"),
        ({"family": "ipv6"}, "family", "is not that of vip=192.168.56.185"),
        ({"real_servers": [{"host": "rs1", "tunnel_type": "gue"}]}, "real_servers[0], tunnel_port", "tunnel_type=gue needs"),
        ({"real_servers": [{"host": "rs1", "lower_threshold": 5}]}, "real_servers[0], lower_threshold", "is above"),
        ({"real_servers": [{"host": "rs1", "forward": "local"}]}, "real_servers[0], forward", "give its address instead"),
        ({"director_device": "eth0:1"}, "director_device", "is not a device name"),
        ({"state": "gone"}, "state", "is not one of present, absent"),
        ({"schedular": "rr"}, "schedular", "is no field of it: the fields are name, vip, port, protocol, fwmark"),
        ({"real_servers": "rs1"}, "real_servers", "is not a list of real servers"),
        ({"real_servers": {"host": "rs1"}}, "real_servers", "is not a list of real servers"),
        ({"real_servers": [{"address": "192.168.56.185"}]}, "real_servers[0], address", "is the VIP itself"),
        (
            {"real_servers": [{"address": "2001:db8::b7", "forward": "route"}]},
            "real_servers[0], address",
            "only forward=tunnel goes from one family to the other",
        ),
        (
            {"forward": "route", "vip": VIP6, "director_device": "eth0", "real_servers": [{"host": "rs1"}]},
            "real_servers[0], lvs_rip",
            "only forward=tunnel goes",
        ),
        ({"real_servers": ["rs1"]}, "real_servers[0]", "is not a real server: write host: NAME, or address: RIP"),
        ({"real_servers": [{}]}, "real_servers[0], host", "give one of the two"),
        ({"real_servers": [{"host": "rs1", "address": "10.0.0.9"}]}, "real_servers[0], host", "give one of the two"),
        (
            {"real_servers": [{"host": "rs9"}]},
            "real_servers[0], host",
            "rs9 is not a host of the inventory: add it there",
        ),
        ({"real_servers": [{"host": "client"}]}, "real_servers[0], host", "is not in the group realservers"),
        ({"real_servers": [{"address": "rs1"}]}, "real_servers[0], address", "is not an IP address"),
        ({"real_servers": [{"address": "224.0.0.81"}]}, "real_servers[0], address", "is not a unicast address"),
        (
            {"real_servers": [{"host": "rs1"}, {"host": "rs1"}]},
            "real_servers[1], host",
            "192.168.56.183 is listed twice",
        ),
        (
            {"real_servers": [{"host": "rs1"}, {"address": "192.168.56.183"}]},
            "real_servers[1], address",
            "192.168.56.183 is listed twice",
        ),
        (
            {"real_servers": [{"address": "192.168.56.184"}]},
            "real_servers",
            "192.168.56.184 is the host rs2: write host: rs2",
        ),
        ({"real_servers": [{"host": ["rs1"]}]}, "real_servers[0], host", "is not a host of the inventory"),
        ({"real_servers": [{"host": "rs1", "weight": -1}]}, "real_servers[0], weight", "-1 is not in 0..65535"),
        ({"real_servers": [{"host": "rs1", "weight": "x"}]}, "real_servers[0], weight", "is not a whole number"),
        (
            {"real_servers": [{"host": "rs1", "state": "off"}]},
            "real_servers[0], state",
            "is not one of present, absent",
        ),
        (
            {"real_servers": [{"host": "rs1", "wieght": 1}]},
            "real_servers[0], wieght",
            "the fields are host, address, rport, forward, weight",
        ),
    ],
)
def test_fault_in_a_service(fields: dict[str, Any], where: str, says: str) -> None:
    """One message, which names the service and the field, and says what to do."""
    (message,) = faults([{**WEB, **fields}])
    assert message.startswith((f"service 'web', {where}: ", f"service 'web': {where}: "))
    assert says in message


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ([WEB, {**WEB, "port": 81}], "service 'web': name: is used twice"),
        (
            [WEB, {**WEB, "name": "again"}],
            "service 'again': vip, port and protocol: -t 192.168.56.185:80 is the service 'web' already",
        ),
        (
            [WEB, {**WEB, "name": "tls", "port": 443, "director_device": "eth0"}],
            (
                "service 'tls': director_device: eth0 differs from the tunl0 of service 'web',"
                " and both have the VIP 192.168.56.185"
            ),
        ),
        (
            [WEB, {**PLAIN, "real_servers": [{"address": VIP}]}],
            f"service 'plain', real_servers: address: {VIP} is the VIP of service 'web': name a real server's own address",
        ),
        *(
            (
                [
                    {**WEB, "real_servers": [{"host": "rs1", **GUE}]},
                    {**one, "real_servers": [{"host": "rs1", **GUE, "tunnel_port": 443}]},
                ],
                "host rs1, tunnel_port: 443 is another port for GUE than 6080 of another service: take one",
            )
            for one in (MAPPED, {"name": "marked", "fwmark": 7})
        ),
        ("web", "lvs_services: is not a list of services"),
        (None, "lvs_services: is not a list of services"),
        (WEB, "lvs_services: is not a list of services"),
        ([WEB, "mapped"], "lvs_services[1]: 'mapped' is not a service: write name, vip and port"),
        (
            [{"vip": "192.168.56.185", "port": 80}],
            "lvs_services[0]: has no name: messages and tasks call a service by it",
        ),
    ],
)
def test_fault_in_the_list(services: Any, message: str) -> None:
    """What each service allows, and all of them together do not."""
    assert faults(services) == [message]


TWO_DIRECTORS = replace(LAB, hosts={**HOSTS, "ds2": Host("192.168.56.182")}, directors=["ds1", "ds2"])
NO_DIP = (
    "group directors, {0}: no director has an IPv{1} address of its own, from which tunnels to rs1 would come: set {0} there"
)


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (TWO_DIRECTORS, "group directors: has 2 hosts (ds1, ds2), and each of them would hold the VIPs"),
        (
            with_host("rs1", rip=None),
            "service 'web', real_servers[0], host: rs1 has no RIP: set its lvs_rip (or an ansible_host that",
        ),
        (with_host("rs2", rip="rs2.example"), "service 'web', real_servers[1], lvs_rip: 'rs2.example' is not an IP address"),
        (with_host("rs2", weight=65536), "service 'web', real_servers[1], lvs_weight: 65536 is not in 0..65535"),
        (with_host("client", rip=VIP), f"service 'web': vip: {VIP} is the address of the host client"),
        (with_host("client", rip6=f"{VIP} "), f"service 'web': vip: {VIP} is the address of the host client"),
        (with_host("ds1", rip=VIP), f"service 'web': vip: {VIP} is the address of the host ds1"),
        (with_host("ds1", rip=None), NO_DIP.format("lvs_dip", 4)),
        (with_host("ds1", rip=None, rip6="fd00::1"), NO_DIP.format("lvs_dip", 4)),
        (with_host("ds1", rip="fd00::1"), NO_DIP.format("lvs_dip", 4)),
        (with_host("rs1", rip="fd00::3"), NO_DIP.format("lvs_dip6", 6)),
        (replace(LAB, hosts={**HOSTS, "ds1": Host(), "rs1": Host("fd00::3")}), NO_DIP.format("lvs_dip", 6)),
        (with_host("ds1", rip6="ds1.example"), "host ds1, lvs_dip6: 'ds1.example' is not an IP address"),
        (with_host("ds1", rip6="ff02::1"), "host ds1, lvs_dip6: ff02::1 is not a unicast address"),
        *(
            (with_host("rs2", path_mtu=mtu), f"host rs2, lvs_path_mtu: {mtu!r} is not {says}")
            for mtu, says in (
                (575, "in 576..65535"),
                (65536, "in 576..65535"),
                ("big", "a whole number"),
                (0, "in 576..65535"),
            )
        ),
    ],
)
def test_fault_in_the_inventory(cluster: Cluster, message: str) -> None:
    """It is named by what the user would change there."""
    (found,) = faults([WEB], cluster)
    assert found.startswith(message)


def test_group_without_a_director() -> None:
    """Before anything that follows from it."""
    assert faults([WEB], replace(LAB, directors=[]))[0].startswith(
        "group directors: has no host: name the director (lvs_directors_group is the group's name)"
    )


NO_DEVICES_FOR_IPV6: list[tuple[dict[str, Any], str]] = [
    ({"vip_device": "lo"}, "lo cannot hold"),
    ({"director_device": "sit0"}, "sit0 cannot hold"),
    ({"director_device": "a/b"}, "'a/b' is not a device name"),
]


@pytest.mark.parametrize(
    ("cluster", "fields", "message"),
    [
        (with_host("rs1", rip6="rs1.example"), {}, "service 'web6', real_servers[0], lvs_rip6: 'rs1.example' is not an IP"),
        (with_host("rs1", rip6=VIP6), {}, f"service 'web6', real_servers[0], lvs_rip6: {VIP6} is the VIP itself"),
        (
            with_host("rs1", rip6=RS1),
            {"forward": "route"},
            f"service 'web6', real_servers[0], lvs_rip6: {RS1} is not an IPv6",
        ),
        (with_host("rs1", rip6="fd00::3"), {}, NO_DIP.format("lvs_dip6", 6)),
        (with_host("ds1", rip=None), {}, NO_DIP.format("lvs_dip", 4)),
        (with_host("client", rip6="2001:DB8::B9"), {}, f"service 'web6': vip: {VIP6} is the address of the host client"),
        (
            with_host("client", rip6="fd00::9"),
            {"real_servers": [{"address": "fd00::9"}]},
            "service 'web6', real_servers: address: fd00::9 is the host client: write host: client",
        ),
        *(
            (replace(LAB, **devices), {"director_device": None}, f"service 'web6', director_device: {says}")
            for devices, says in NO_DEVICES_FOR_IPV6
        ),
    ],
)
def test_fault_in_the_inventory_for_ipv6(cluster: Cluster, fields: dict[str, Any], message: str) -> None:
    """That of lvs_rip6, where there is one."""
    given = {"real_servers": [{"host": "rs1"}], **fields}
    described = {name: value for name, value in {**WEB6, **given}.items() if value is not None}
    (found,) = faults([described], cluster)
    assert found.startswith(message)


def test_nobody_needs_an_address_to_speak_from_but_for_tunnels_to_hosts() -> None:
    """Neither for an unmanaged real server, which has no guard of ours, nor for one that the director routes to."""
    cluster = with_host("ds1", rip=None)
    servers = [{"address": "10.0.0.9"}, {"host": "rs1", "forward": "masquerade"}, {"host": "rs2", "state": "absent"}]
    assert plan([{**WEB, "real_servers": servers}, {**MAPPED, "state": "absent"}], cluster).preflight["sources"] == []


def test_ports_for_gue_that_do_not_meet() -> None:
    """On several hosts, or for VIPs of two families, whose packets other devices take out; nor does one that goes count."""

    def over(port: int, *hosts: str, **others: str) -> list[dict[str, Any]]:
        return [{"host": host, **GUE, "tunnel_port": port, **others} for host in hosts]

    web = {**WEB, "real_servers": [*over(6080, "rs1"), *over(6081, "rs2")]}
    web6 = {**WEB6, "real_servers": over(6082, "rs1")}
    gone = {**PLAIN, "real_servers": over(6083, "rs1", state="absent")}
    made = plan([web, web6, gone], LAB)
    assert [one.guard["gue_ports"] for one in made.real_servers.values()] == [[6080, 6082], [6081]]


@pytest.mark.parametrize("field", ["vip", "port"])
def test_missing_field(field: str) -> None:
    """Said as such; a field without a value is no field that is left out."""
    service = {name: value for name, value in WEB.items() if name != field}
    (fault,) = faults([service])
    assert fault.startswith(f"service 'web', {field}: is missing: ")
    assert "service 'web', protocol: has no value: give it one, or leave it out" in faults([{**WEB, "protocol": None}])


def test_every_option_of_ipvs_reaches_the_table() -> None:
    """Those of the service, and those of each real server, which beat the service's own."""
    options = {"scheduler": "mh", "scheduler_flags": ["fallback"], "persistence_timeout": 300, "persistence_netmask": "24"}
    limits = {"weight": 3, "upper_threshold": 100, "lower_threshold": 50}
    servers = [
        {"host": "rs1", **limits},
        {"host": "rs2", **GUE},
        {"address": "10.0.0.9", "forward": "masquerade", "rport": 81},
        {"address": DIP, "forward": "local"},
    ]
    made = plan([{**WEB, **options, "real_servers": servers}], LAB)
    assert made.services == [
        {
            "vip": "192.168.56.185",
            "port": 80,
            "protocol": "tcp",
            **PLAIN_SERVICE,
            **options,
            "persistence_netmask": "255.255.255.0",
            "destinations": [
                destination("192.168.56.183", "tunnel", **limits),
                destination("192.168.56.184", "tunnel", 1, **GUE),
                destination("10.0.0.9", "masquerade", 1, rport=81),
                destination("192.168.56.181", "local", 1),
            ],
        }
    ]
    assert sides(made)["rs1"] == tunl0(VIP)
    assert made.real_servers["rs2"].devices == [{**held("tunl0", VIP), "tunnel_type": "gue", "tunnel_port": 6080}]
    assert made.warnings == []


@pytest.mark.parametrize(("family", "device", "protocol"), [(4, "tunl0", 4), (6, "sit0", 41)])
def test_service_by_firewall_mark(family: int, device: str, protocol: int) -> None:
    """It has no VIP that a host could hold, and no port that could be asked: real servers take its packets out."""
    made = plan([{"name": "marked", "fwmark": 7, "family": f"ipv{family}", "real_servers": [{"host": "rs1"}]}], LAB)
    rs1 = destination(RS1, "tunnel", 1)
    row = {"fwmark": 7, "family": f"ipv{family}", "scheduler": "wlc", **PLAIN_SERVICE, "destinations": [rs1]}
    assert made.services == [row]
    assert made.preflight == {"vips": [], "paths": [path("rs1", RS1, inner=[family])], "sources": [DIP]}
    assert (made.director, made.director_withdrawn) == ([], [])
    side = RealServerSide(
        silent=[device] if family == 4 else [],
        guard={"sources": [DIP], "protocols": [protocol], "gue_ports": []},
        devices=[held(device)],
    )
    assert sides(made) == {"rs1": side, "rs2": NOTHING}


def test_fault_in_a_service_by_firewall_mark() -> None:
    """What only a VIP could have."""
    marked = {"name": "marked", "fwmark": 7}
    assert faults([{**marked, "rport": 81}]) == [
        "service 'marked', rport: 81 needs a port mapping, which a service by fwmark has not: leave it out"
    ]
    assert faults([{**marked, "director_device": "eth0"}])[0].startswith(
        "service 'marked', director_device: eth0 means nothing"
    )
    assert faults([marked, {**marked, "name": "again"}]) == ["service 'again': fwmark: -f 7 is the service 'marked' already"]


def test_mappings_of_real_servers_differ() -> None:
    """Each maps to the port that its own program listens on."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs2", "forward": "masquerade"}]
    made = plan([{**WEB, "rport": 81, "real_servers": servers}], LAB)
    assert made.services[0]["destinations"] == [
        destination("192.168.56.183", "tunnel", 1),
        destination("192.168.56.184", "masquerade", 1, rport=81),
    ]
    mapping = {"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}
    assert sides(made) == {"rs1": tunl0(VIP, mappings=[mapping]), "rs2": NOTHING}


def test_move_to_another_port_keeps_the_mapping_that_comes() -> None:
    """One entry comes and another of the same host goes: the mapping is not taken away again."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs1", "forward": "masquerade", "rport": 8080, "state": "absent"}]
    made = plan([{**WEB, "real_servers": servers}], LAB)
    assert sides(made)["rs1"].mappings == [{"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}]
    assert gone(made, "rs1") == leaving(mappings=[])


def test_real_servers_that_say_how_packets_reach_them() -> None:
    """A port of the service is no fault where none of them needs a mapping for it."""
    servers = [{"host": "rs1", "forward": "masquerade"}]
    made = plan([{**WEB, "protocol": "sctp", "rport": 81, "real_servers": servers}], LAB)
    assert made.services[0]["destinations"] == [destination("192.168.56.183", "masquerade", 1, rport=81)]


def test_host_on_both_sides() -> None:
    """Silence about a VIP, and answers for it, cannot be had on one host."""
    (fault,) = faults([WEB], replace(LAB, directors=["rs1"]))
    assert fault.startswith("host rs1: is in both groups, directors and realservers")


def test_nothing_described() -> None:
    """Allowed, with a warning."""
    assert plan([], LAB).warnings == ["lvs_services: is empty: there is nothing to set up"]


def test_all_faults_at_once() -> None:
    """Of the groups, of each service, of each real server, and of services together."""
    found = faults(
        [
            {**WEB, "scheduler": "fastest", "real_servers": [{"host": "rs9"}, {"host": "rs1", "weight": -1}]},
            "nothing",
            {**MAPPED, "vip": "x", "port": -1, "forward": "nat", "state": False},
            PLAIN,
            {**PLAIN, "director_device": "tunl0"},
        ],
        replace(
            TWO_DIRECTORS, hosts={**TWO_DIRECTORS.hosts, "ds1": Host("ds1"), "ds2": Host(), "rs1": Host(RS1, path_mtu=0)}
        ),
    )
    expected = [
        "group directors: has 2 hosts",
        "service 'web', scheduler: 'fastest' is not one of",
        "service 'web', real_servers[0], host: rs9 is not a host of the inventory",
        "service 'web', real_servers[1], weight: -1 is not in",
        "lvs_services[1]: 'nothing' is not a service",
        "service 'mapped', vip: 'x' is not an IP address",
        "service 'mapped', port: -1 is not in",
        "service 'mapped', state: False is not one of",
        "service 'mapped', forward: 'nat' is not one of",
        "service 'plain': name: is used twice",
        "service 'plain': vip, port and protocol: -t 192.168.56.187:80 is the service 'plain' already",
        "service 'plain': director_device: tunl0 differs from the eth0",
        "host ds1, lvs_dip: 'ds1' is not an IP address",
        "host rs1, lvs_path_mtu: 0 is not in 576..65535",
        "group directors, lvs_dip: no director has an IPv4 address",
    ]
    assert [message[: len(start)] for message, start in zip(found, expected)] == expected
    assert len(found) == len(expected)
