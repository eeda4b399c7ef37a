# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster as a whole: what each side needs, and what it has to give up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerPlan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIFFERENT_DELIVERIES,
    DIP,
    GONE,
    GRE,
    GUE_ROW,
    LAB,
    MAPPED,
    MAPPED_GONE,
    MAPPED_VIP,
    MAPPING,
    NOTHING,
    PLAIN,
    PLAIN_SERVICE,
    PLAIN_VIP,
    RS1,
    RS2,
    TWO_DIRECTORS,
    VIP,
    VIP6,
    WEB,
    WEB6,
    destination,
    faults,
    held,
    needs,
    path,
    removal_of,
    removals,
    service,
    tunl0,
    unmapped,
    with_host,
)


def test_the_labs_description() -> None:
    """Exactly what each side needs; a mapping that a service may have had before is removed."""
    plan = make_plan([WEB, MAPPED, PLAIN], LAB)
    assert plan.services == [
        service(VIP, 80, "tcp", "wrr", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 1)),
        service(MAPPED_VIP, 8099, "tcp", "wrr", destination(RS1, "tunnel", 2), destination(RS2, "tunnel", 1)),
        service(PLAIN_VIP, 80, "tcp", "wrr", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 2)),
    ]
    assert plan.preflight == {
        "vips": [VIP, MAPPED_VIP, PLAIN_VIP],
        "paths": [path("rs1", RS1, port=80), path("rs2", RS2, port=80)],
        "sources": [DIP],
        "devices": plan.director_vips,
    }
    assert plan.hosts == {RS1: "rs1", RS2: "rs2"}
    assert plan.director_vips == [held("tunl0", VIP, MAPPED_VIP), held("eth0", PLAIN_VIP)]
    assert plan.director_vips_removed == []
    real_server = tunl0(VIP, MAPPED_VIP, PLAIN_VIP, mappings=[MAPPING])
    assert needs(plan) == {"rs1": real_server, "rs2": real_server}
    assert removals(plan, "rs1") == removals(plan, "rs2") == removal_of(mappings=[unmapped(VIP, 80), unmapped(PLAIN_VIP, 80)])
    assert plan.warnings == []


def test_rips_by_which_services_reach_a_host() -> None:
    """Each once; none that only services use which are absent, or which leave the host out."""
    six = {"vip": VIP6, "director_device": "eth0", "forward": "route", "real_servers": [{"host": "rs1"}]}
    services = [
        *(WEB, MAPPED, {**WEB, "name": "web6", **six}),
        {**PLAIN, "port": 81, "name": "absent", "state": "absent"},
        {**WEB, "port": 82, "name": "one", "real_servers": [{"host": "rs1", "forward": "masquerade"}]},
    ]
    plan = make_plan(services, with_host("rs1", rip6="2001:db8::1"))
    assert plan.rips == {"rs1": [RS1, "2001:db8::1"], "rs2": [RS2]}
    assert make_plan([{**services[-1], "real_servers": [{"host": "rs1"}]}], LAB).rips == {"rs1": [RS1], "rs2": []}


def test_two_services_on_one_vip() -> None:
    """The VIP once on each side."""
    plan = make_plan([WEB, {**WEB, "name": "tls", "port": 443}, {**WEB, "name": "quic", "port": 443, "protocol": "udp"}], LAB)
    assert [(row["port"], row["protocol"]) for row in plan.services] == [(80, "tcp"), (443, "tcp"), (443, "udp")]
    assert plan.director_vips == [held("tunl0", VIP)]
    assert needs(plan)["rs1"] == tunl0(VIP)
    assert plan.preflight["vips"] == [VIP]


def test_masquerade() -> None:
    """The director rewrites the port: real servers need nothing, not even what they had for a tunnel."""
    plan = make_plan([{**MAPPED, "forward": "masquerade"}], LAB)
    assert plan.services[0]["destinations"] == [
        destination(RS1, "masquerade", 2, rport=80),
        destination(RS2, "masquerade", 1, rport=80),
    ]
    assert plan.director_vips == [held("tunl0", MAPPED_VIP)]
    assert needs(plan) == {"rs1": NOTHING, "rs2": NOTHING}
    for host in ("rs1", "rs2"):
        assert removals(plan, host) == removal_of(MAPPED_VIP, mappings=[unmapped(MAPPED_VIP, 8099)])
    assert plan.preflight["paths"] == [path("rs1", RS1, "masquerade", port=80), path("rs2", RS2, "masquerade", port=80)]


@pytest.mark.parametrize("dip", [DIP, None])
def test_direct_routing_needs_the_mapping_too(dip: str | None) -> None:
    """No port is rewritten on the way; nor does it matter which address the director speaks from."""
    plan = make_plan([{**MAPPED, "forward": "route", "real_servers": [{"host": "rs1"}]}], with_host("ds1", rip=dip))
    assert plan.services[0]["destinations"] == [destination(RS1, "route", 1)]
    sources = [] if dip is None else [dip]
    assert needs(plan)["rs1"] == RealServerPlan(
        arp_silent_devices=["tunl0"],
        guard={"sources": sources, "protocols": [4], "gue_ports": []},
        mappings=[MAPPING],
        devices=[held("tunl0", MAPPED_VIP)],
    )
    # Packets come as they are: none is too large.
    assert removals(plan, "rs1") == ([], [], [{"vip": MAPPED_VIP}])
    assert plan.preflight == {
        "vips": [MAPPED_VIP],
        "paths": [path("rs1", RS1, "route", port=80)],
        "sources": sources,
        "devices": plan.director_vips,
    }


def test_unmanaged_address() -> None:
    """It is a destination, and its port mapping is up to the user, who is told."""
    unmanaged = {"real_servers": [{"address": "10.0.0.9", "weight": 3}]}
    plan = make_plan(
        [{**WEB, **unmanaged}, {**MAPPED, **unmanaged}, {**PLAIN, **unmanaged, "forward": "masquerade", "rport": 81}],
        LAB,
    )
    assert [row["destinations"] for row in plan.services] == [
        [destination("10.0.0.9", "tunnel", 3)],
        [destination("10.0.0.9", "tunnel", 3)],
        [destination("10.0.0.9", "masquerade", 3, rport=81)],
    ]
    assert needs(plan) == {"rs1": NOTHING, "rs2": NOTHING}
    assert plan.preflight["paths"] == [
        path("10.0.0.9", "10.0.0.9", port=80),
        path("10.0.0.9", "10.0.0.9", "masquerade", port=81),
    ]
    (warning,) = plan.warnings
    assert warning.startswith("service 'mapped', real_servers: 10.0.0.9 is not a host of the inventory")
    assert "maps port 8099 to 80" in warning


@pytest.mark.parametrize(("real_servers", "rows_of_it"), [([], []), ([{"host": "rs1", "state": "absent"}], [GONE])])
def test_service_without_real_servers(real_servers: list[dict[str, Any]], rows_of_it: list[dict[str, Any]]) -> None:
    """Allowed, with a warning; the service and its VIP are on the director."""
    plan = make_plan([{**WEB, "real_servers": real_servers}], LAB)
    assert plan.services == [service(VIP, 80, "tcp", "wrr", *rows_of_it)]
    assert plan.director_vips == [held("tunl0", VIP)]
    assert needs(plan) == {"rs1": NOTHING, "rs2": NOTHING}
    assert plan.preflight == {"vips": [VIP], "paths": [], "sources": [DIP], "devices": [held("tunl0", VIP)]}
    assert plan.warnings == ["service 'web', real_servers: is empty: every connection will be refused"]


def test_absent_service() -> None:
    """It takes its destinations with it; both sides give up its VIP, and real servers its mapping."""
    plan = make_plan([WEB, {**MAPPED, "state": "absent"}], LAB)
    assert plan.services[1] == MAPPED_GONE
    assert plan.director_vips == [held("tunl0", VIP)]
    assert plan.director_vips_removed == [held("tunl0", MAPPED_VIP)]
    assert needs(plan) == {"rs1": tunl0(VIP), "rs2": tunl0(VIP)}
    for host in ("rs1", "rs2"):
        assert removals(plan, host) == removal_of(MAPPED_VIP, mappings=[unmapped(VIP, 80), unmapped(MAPPED_VIP, 8099)])
    assert plan.preflight["vips"] == [VIP]
    assert plan.warnings == []


def test_absent_real_server() -> None:
    """Out of the service, which keeps its VIP; the host gives up VIP and mapping."""
    plan = make_plan([{**MAPPED, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}], LAB)
    assert (plan.director_vips, plan.director_vips_removed) == ([held("tunl0", MAPPED_VIP)], [])
    assert plan.services[0]["destinations"] == [GONE, destination(RS2, "tunnel", 1)]
    assert needs(plan) == {"rs1": NOTHING, "rs2": tunl0(MAPPED_VIP, mappings=[MAPPING])}
    assert removals(plan, "rs1") == removal_of(MAPPED_VIP, mappings=[unmapped(MAPPED_VIP, 8099)])
    assert removals(plan, "rs2") == removal_of(mappings=[])
    assert plan.preflight["paths"] == [path("rs2", RS2, port=80)]


def test_absent_real_server_keeps_a_vip_that_it_serves_otherwise() -> None:
    """Two services on one VIP, and the host leaves one of them."""
    leaving = {**WEB, "name": "tls", "port": 443, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}
    plan = make_plan([WEB, leaving], LAB)
    assert needs(plan) == {"rs1": tunl0(VIP), "rs2": tunl0(VIP)}
    assert plan.services[1]["destinations"][0] == GONE


def test_all_absent() -> None:
    """Of each service, of each host, and of the director; nothing to look at first, and nothing to warn of."""
    marked = {"name": "marked", "fwmark": 7}
    services = [WEB, {**MAPPED, "real_servers": []}, PLAIN, WEB6, marked, {**WEB, "name": "tls", "port": 443}]
    plan = make_plan(services, replace(LAB, state="absent"))
    assert plan.services == [
        {"vip": VIP, "port": 80, "protocol": "tcp", "state": "absent"},
        MAPPED_GONE,
        {"vip": PLAIN_VIP, "port": 80, "protocol": "tcp", "state": "absent"},
        {"vip": VIP6, "port": 80, "protocol": "tcp", "state": "absent"},
        {"fwmark": 7, "family": "ipv4", "state": "absent"},
        {"vip": VIP, "port": 443, "protocol": "tcp", "state": "absent"},
    ]
    assert plan.director_vips == []
    assert plan.director_vips_removed == [held("tunl0", VIP, MAPPED_VIP), held("eth0", PLAIN_VIP, VIP6)]
    assert needs(plan) == {"rs1": NOTHING, "rs2": NOTHING}
    vips = (VIP, MAPPED_VIP, PLAIN_VIP)
    ports = [(VIP, 80), (MAPPED_VIP, 8099), (PLAIN_VIP, 80), (VIP6, 80), (VIP, 443)]
    for host in ("rs1", "rs2"):
        assert removals(plan, host) == (
            [held("tunl0", *vips), held("lo", VIP6)],
            [unmapped(*port) for port in ports],
            [{"vip": vip} for vip in (*vips, VIP6)],
        )
    assert plan.preflight == {"vips": [], "paths": [], "sources": [DIP], "devices": []}
    assert plan.warnings == []
    # What nothing comes through needs no address to come from.
    assert make_plan([WEB], replace(with_host("ds1", rip=None), state="absent")).preflight["sources"] == []


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
    plan = make_plan([WEB, WEB6], Inventory(hosts, directors=["ds1"], real_servers=["rs1"]))
    assert [row["destinations"] for row in plan.services] == [
        [destination(comes_to, "tunnel", 1)],
        [destination(comes_to6, "tunnel", 1)],
    ]
    real_server = plan.real_servers["rs1"]
    assert {*devices, "lo"} == {row["device"] for row in real_server.devices}
    assert {(row["vip"], row["director"], row["path_mtu"]) for row in real_server.mss} == {
        (VIP, "fd00::1" if ":" in comes_to else DIP, 9000),
        (VIP6, "fd00::1" if ":" in comes_to6 else DIP, 9000),
    }
    assert real_server.guard["sources"] == [DIP, "fd00::1"]
    assert plan.director_vips == [held("tunl0", VIP), held("eth0", VIP6)]
    ways = {comes_to: [4, 6]} if comes_to == comes_to6 else {comes_to: [4], comes_to6: [6]}
    assert plan.preflight == {
        "vips": [VIP, VIP6],
        "paths": [path("rs1", rip, inner=inner, port=80, mtu=9000) for rip, inner in ways.items()],
        "sources": [DIP, "fd00::1"],
        "devices": [held("tunl0", VIP), held("eth0", VIP6)],
    }


def test_director_of_ipv6_alone() -> None:
    """Its one address may be of either family."""
    hosts = {"ds1": Host("fd00::1"), "rs1": Host("fd00::3")}
    plan = make_plan([WEB6], Inventory(hosts, directors=["ds1"], real_servers=["rs1"]))
    assert plan.real_servers["rs1"].guard == {"sources": ["fd00::1"], "protocols": [41], "gue_ports": []}
    assert plan.preflight["sources"] == ["fd00::1"]


@pytest.mark.parametrize(("family", "device", "protocol"), [(4, "tunl0", 4), (6, "sit0", 41)])
def test_service_by_firewall_mark(family: int, device: str, protocol: int) -> None:
    """It has no VIP that a host could hold, and no port that could be asked: real servers take its packets out."""
    plan = make_plan([{"name": "marked", "fwmark": 7, "family": f"ipv{family}", "real_servers": [{"host": "rs1"}]}], LAB)
    rs1 = destination(RS1, "tunnel", 1)
    row = {"fwmark": 7, "family": f"ipv{family}", "scheduler": "wlc", **PLAIN_SERVICE, "destinations": [rs1]}
    assert plan.services == [row]
    assert plan.preflight == {"vips": [], "paths": [path("rs1", RS1, inner=[family])], "sources": [DIP], "devices": []}
    assert (plan.director_vips, plan.director_vips_removed) == ([], [])
    side = RealServerPlan(
        arp_silent_devices=[device] if family == 4 else [],
        guard={"sources": [DIP], "protocols": [protocol], "gue_ports": []},
        devices=[held(device)],
    )
    assert needs(plan) == {"rs1": side, "rs2": NOTHING}


def test_all_faults_at_once() -> None:
    """Of the groups, of each service, of each real server, and of services together."""
    messages = faults(
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
    assert [message[: len(start)] for message, start in zip(messages, expected)] == expected
    assert len(messages) == len(expected)


def test_services_that_reach_a_host_in_different_ways() -> None:
    """A device for real_server, and what fits through each tunnel."""
    plan = make_plan(DIFFERENT_DELIVERIES, with_host("rs1", path_mtu="1400"))
    row = {"director": DIP, "tunnel_type": "ipip", "tunnel_checksum": "none", "path_mtu": 1400}
    assert needs(plan)["rs1"] == RealServerPlan(
        arp_silent_devices=["tunl0", "gre0"],
        guard={"sources": [DIP], "protocols": [4, 41, 47], "gue_ports": [6080, 6081]},
        mappings=[{"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}, MAPPING],
        mss=[
            {**row, "vip": VIP},
            {**row, "vip": VIP, **GUE_ROW},
            {**row, "vip": VIP6, **GUE_ROW},
            {**row, "vip": MAPPED_VIP, **GRE},
        ],
        devices=[
            {**held("tunl0", VIP, PLAIN_VIP), "tunnel_type": "gue", "tunnel_port": 6080},
            {**held("sit0"), "tunnel_type": "gue", "tunnel_port": 6081},
            held("lo", VIP6),
            held("gre0", MAPPED_VIP),
        ],
    )
    assert needs(plan)["rs2"] == NOTHING
    without = [unmapped(VIP, 80, "udp"), unmapped(VIP, 443), unmapped(VIP6, 80), unmapped(PLAIN_VIP, 80)]
    # Only tunnels have sizes that do not fit.
    assert removals(plan, "rs1") == ([held("tunl0", MAPPED_VIP)], without, [{"vip": PLAIN_VIP}])


def test_host_that_a_service_leaves_out_gets_nothing_of_it() -> None:
    """Neither its VIP nor its mapping."""
    plan = make_plan([WEB, {**MAPPED, "real_servers": [{"host": "rs1"}]}], LAB)
    assert needs(plan) == {"rs1": tunl0(VIP, MAPPED_VIP, mappings=[MAPPING]), "rs2": tunl0(VIP)}
    assert removals(plan, "rs1") == removal_of(mappings=[unmapped(VIP, 80)])
    assert removals(plan, "rs2") == removal_of(MAPPED_VIP, mappings=[unmapped(VIP, 80), unmapped(MAPPED_VIP, 8099)])


def test_mapping_that_a_service_cannot_have_had() -> None:
    """Where no module could have made it."""
    persistent = {**PLAIN, "port": 0, "persistence_timeout": 60}
    plan = make_plan([{**WEB, "protocol": "sctp"}, persistent, {"name": "marked", "fwmark": 7}], replace(LAB, state="absent"))
    assert removals(plan, "rs1") == removal_of(VIP, PLAIN_VIP, mappings=[])


def test_mappings_of_real_servers_differ() -> None:
    """Each maps to the port that its own program listens on."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs2", "forward": "masquerade"}]
    plan = make_plan([{**WEB, "rport": 81, "real_servers": servers}], LAB)
    assert plan.services[0]["destinations"] == [
        destination("192.168.56.183", "tunnel", 1),
        destination("192.168.56.184", "masquerade", 1, rport=81),
    ]
    mapping = {"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}
    assert needs(plan) == {"rs1": tunl0(VIP, mappings=[mapping]), "rs2": NOTHING}


def test_move_to_another_port_keeps_the_mapping_that_comes() -> None:
    """One entry of a host is new and another one is absent: the mapping is not removed again."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs1", "forward": "masquerade", "rport": 8080, "state": "absent"}]
    plan = make_plan([{**WEB, "real_servers": servers}], LAB)
    assert needs(plan)["rs1"].mappings == [{"vip": VIP, "port": 80, "protocol": "tcp", "to_port": 8080}]
    assert removals(plan, "rs1") == removal_of(mappings=[])
