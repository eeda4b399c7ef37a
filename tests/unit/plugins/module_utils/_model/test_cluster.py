# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a cluster: what it expands to, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model.cluster import (
    Cluster,
    Host,
    InvalidDescription,
    Side,
    plan,
)

# The lab's inventory and description.
HOSTS = {
    "client": Host("192.168.56.180"),
    "ds1": Host("192.168.56.181"),
    "rs1": Host("192.168.56.183"),
    "rs2": Host("192.168.56.184"),
}
LAB = Cluster(HOSTS, directors=["ds1"], real_servers=["rs1", "rs2"])
WEB = {"name": "web", "vip": "192.168.56.185", "port": 80, "scheduler": "wrr"}
MAPPED = {
    "name": "mapped",
    "vip": "192.168.56.186",
    "port": 8099,
    "rport": 80,
    "scheduler": "wrr",
    "real_servers": [{"host": "rs1", "weight": 2}, {"host": "rs2"}],
}
PLAIN = {
    "name": "plain",
    "vip": "192.168.56.187",
    "port": 80,
    "scheduler": "wrr",
    "director_device": "eth0",
    "real_servers": [{"host": "rs1", "weight": 1}, {"host": "rs2", "weight": 2}],
}


def rows(columns: str, *values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """A table of options."""
    names = columns.split()
    assert {len(row) for row in values} <= {len(names)}
    return [dict(zip(names, row)) for row in values]


VIP = "vip device"
MAPPING = "vip port protocol to_port"
UNMAPPED = "vip port protocol"


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


def test_the_labs_description() -> None:
    """Exactly what each side needs; a mapping that a service once had and has no more, goes."""
    made = plan([WEB, MAPPED, PLAIN], LAB)
    rs1, rs2 = "192.168.56.183", "192.168.56.184"
    assert made.services == [
        service("192.168.56.185", 80, "tcp", "wrr", destination(rs1, "tunnel", 1), destination(rs2, "tunnel", 1)),
        service("192.168.56.186", 8099, "tcp", "wrr", destination(rs1, "tunnel", 2), destination(rs2, "tunnel", 1)),
        service("192.168.56.187", 80, "tcp", "wrr", destination(rs1, "tunnel", 1), destination(rs2, "tunnel", 2)),
    ]
    assert made.director == Side(
        vips=rows(VIP, ("192.168.56.185", "tunl0"), ("192.168.56.186", "tunl0"), ("192.168.56.187", "eth0")),
    )
    each = Side(
        vips=rows(VIP, ("192.168.56.185", "tunl0"), ("192.168.56.186", "tunl0"), ("192.168.56.187", "tunl0")),
        mappings=rows(MAPPING, ("192.168.56.186", 8099, "tcp", 80)),
    )
    assert made.real_servers == {"rs1": each, "rs2": each}
    assert made.director_withdrawn == Side()
    gone = Side(mappings=rows(UNMAPPED, ("192.168.56.185", 80, "tcp"), ("192.168.56.187", 80, "tcp")))
    assert made.real_servers_withdrawn == {"rs1": gone, "rs2": gone}
    assert made.warnings == []


def test_defaults_of_a_service() -> None:
    """Name, VIP and port are enough: tcp, wlc, tunnel, all hosts of the group, weights of the inventory."""
    cluster = replace(LAB, hosts={**HOSTS, "rs2": Host("192.168.56.184", weight="5")}, tunnel_device="lvs0")
    made = plan([{"name": "web", "vip": "192.168.56.185", "port": "80"}], cluster)
    rs1, rs2 = destination("192.168.56.183", "tunnel", 1), destination("192.168.56.184", "tunnel", 5)
    assert made.services == [service("192.168.56.185", 80, "tcp", "wlc", rs1, rs2)]
    assert made.director.vips == made.real_servers["rs2"].vips == rows(VIP, ("192.168.56.185", "lvs0"))


def test_weight_of_a_service_beats_that_of_the_host() -> None:
    """Also where it is 0."""
    cluster = replace(LAB, hosts={**HOSTS, "rs1": Host("192.168.56.183", weight=7)})
    made = plan([{**WEB, "real_servers": [{"host": "rs1", "weight": 0}]}], cluster)
    assert made.services[0]["destinations"] == [destination("192.168.56.183", "tunnel", 0)]


def test_host_that_a_service_leaves_out_gets_nothing_of_it() -> None:
    """Neither its VIP nor its mapping."""
    made = plan([WEB, {**MAPPED, "real_servers": [{"host": "rs1"}]}], LAB)
    assert made.real_servers["rs2"] == Side(vips=rows(VIP, ("192.168.56.185", "tunl0")))


def test_two_services_on_one_vip() -> None:
    """The VIP once on each side."""
    made = plan([WEB, {**WEB, "name": "tls", "port": 443}, {**WEB, "name": "quic", "port": 443, "protocol": "udp"}], LAB)
    assert [(one["port"], one["protocol"]) for one in made.services] == [(80, "tcp"), (443, "tcp"), (443, "udp")]
    assert made.director.vips == made.real_servers["rs1"].vips == rows(VIP, ("192.168.56.185", "tunl0"))


def test_masquerade() -> None:
    """The director rewrites the port: real servers need neither VIP nor mapping."""
    made = plan([{**MAPPED, "forward": "masquerade"}], LAB)
    assert made.services[0]["destinations"] == [
        destination("192.168.56.183", "masquerade", 2, rport=80),
        destination("192.168.56.184", "masquerade", 1, rport=80),
    ]
    assert made.director.vips == rows(VIP, ("192.168.56.186", "tunl0"))
    assert made.real_servers == {"rs1": Side(), "rs2": Side()}
    # Nor do they keep those of a tunnel that the service was before.
    gone = Side(vips=rows(VIP, ("192.168.56.186", "tunl0")), mappings=rows(UNMAPPED, ("192.168.56.186", 8099, "tcp")))
    assert made.real_servers_withdrawn == {"rs1": gone, "rs2": gone}


def test_direct_routing_needs_the_mapping_too() -> None:
    """No port is rewritten on the way."""
    made = plan([{**MAPPED, "forward": "route", "real_servers": [{"host": "rs1"}]}], LAB)
    assert made.services[0]["destinations"] == [destination("192.168.56.183", "route", 1)]
    assert made.real_servers["rs1"] == Side(
        vips=rows(VIP, ("192.168.56.186", "tunl0")), mappings=rows(MAPPING, ("192.168.56.186", 8099, "tcp", 80))
    )


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
    assert made.real_servers == {"rs1": Side(), "rs2": Side()}
    (warning,) = made.warnings
    assert warning.startswith("service 'mapped', real_servers: 10.0.0.9 is not a host of the inventory")
    assert "maps port 8099 to 80" in warning


GONE = {"rip": "192.168.56.183", "state": "absent"}


@pytest.mark.parametrize(("real_servers", "rows_of_it"), [([], []), ([{"host": "rs1", "state": "absent"}], [GONE])])
def test_service_without_real_servers(real_servers: list[dict[str, Any]], rows_of_it: list[dict[str, Any]]) -> None:
    """Allowed, with a warning; the service and its VIP are on the director."""
    made = plan([{**WEB, "real_servers": real_servers}], LAB)
    assert made.services == [service("192.168.56.185", 80, "tcp", "wrr", *rows_of_it)]
    assert made.director == Side(vips=rows(VIP, ("192.168.56.185", "tunl0")))
    assert made.warnings == ["service 'web', real_servers: is empty: every connection will be refused"]


def test_service_that_goes() -> None:
    """It takes its destinations with it; both sides give up its VIP, and real servers its mapping."""
    made = plan([WEB, {**MAPPED, "state": "absent"}], LAB)
    assert made.services[1] == {"vip": "192.168.56.186", "port": 8099, "protocol": "tcp", "state": "absent"}
    assert made.director_withdrawn == Side(vips=rows(VIP, ("192.168.56.186", "tunl0")))
    gone = Side(
        vips=rows(VIP, ("192.168.56.186", "tunl0")),
        mappings=rows(UNMAPPED, ("192.168.56.185", 80, "tcp"), ("192.168.56.186", 8099, "tcp")),
    )
    assert made.real_servers_withdrawn == {"rs1": gone, "rs2": gone}
    assert made.director.vips == made.real_servers["rs1"].vips == rows(VIP, ("192.168.56.185", "tunl0"))
    assert made.real_servers["rs1"].mappings == []
    assert made.warnings == []


@pytest.mark.parametrize("real_servers", [[], [{"address": "10.0.0.9"}]])
def test_service_that_goes_gives_no_warning(real_servers: list[dict[str, Any]]) -> None:
    """Neither that it is empty nor that somebody should see to a port mapping."""
    assert plan([WEB, {**MAPPED, "state": "absent", "real_servers": real_servers}], LAB).warnings == []


@pytest.mark.parametrize("order", [1, -1])
def test_shared_vip_stays_with_the_service_that_stays(order: int) -> None:
    """Whichever comes first; only the service and its mapping go, and the VIP where nothing else needs it."""
    going = {**MAPPED, "vip": WEB["vip"], "state": "absent"}
    staying = {**WEB, "real_servers": [{"host": "rs1"}]}
    made = plan([going, staying][::order], LAB)
    vip = rows(VIP, ("192.168.56.185", "tunl0"))
    mapped, unmapped = rows(UNMAPPED, ("192.168.56.185", 8099, "tcp"), ("192.168.56.185", 80, "tcp"))
    assert made.director_withdrawn == Side()
    assert [one.get("state") for one in made.services] == ["absent", None][::order]
    assert made.director.vips == vip
    assert made.real_servers == {"rs1": Side(vips=vip), "rs2": Side()}
    assert made.real_servers_withdrawn == {
        "rs1": Side(mappings=[mapped, unmapped][::order]),
        "rs2": Side(vips=vip, mappings=[mapped]),
    }


def test_real_server_that_goes() -> None:
    """Out of the service, which keeps its VIP; the host gives up VIP and mapping."""
    made = plan([{**MAPPED, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}], LAB)
    assert made.director_withdrawn == Side()
    assert made.services[0]["destinations"] == [GONE, destination("192.168.56.184", "tunnel", 1)]
    vip, mapping = rows(VIP, ("192.168.56.186", "tunl0")), rows(MAPPING, ("192.168.56.186", 8099, "tcp", 80))
    assert made.real_servers == {"rs1": Side(), "rs2": Side(vips=vip, mappings=mapping)}
    gone = Side(vips=vip, mappings=rows(UNMAPPED, ("192.168.56.186", 8099, "tcp")))
    assert made.real_servers_withdrawn == {"rs1": gone, "rs2": Side()}


def test_real_server_that_goes_keeps_a_vip_that_it_serves_otherwise() -> None:
    """Two services on one VIP, and the host leaves one of them."""
    leaving = {**WEB, "name": "tls", "port": 443, "real_servers": [{"host": "rs1", "state": "absent"}, {"host": "rs2"}]}
    made = plan([WEB, leaving], LAB)
    assert [side.vips for side in made.real_servers_withdrawn.values()] == [[], []]
    assert made.real_servers["rs1"].vips == rows(VIP, ("192.168.56.185", "tunl0"))
    assert made.services[1]["destinations"][0] == GONE


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
        ({"vip": "2001:db8::b9"}, "vip", "the device tunl0 is an IPv4 tunnel: name an IPv4 VIP"),
        ({"vip": "2001:db8::b9", "director_device": "eth0"}, "vip", "is set up for IPv4 only by this version"),
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


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (replace(LAB, directors=[]), "group directors: has no host: name the director (lvs_directors_group is"),
        (
            replace(LAB, directors=["ds1", "ds2"]),
            "group directors: has 2 hosts (ds1, ds2), and each of them would hold the VIPs",
        ),
        (
            replace(LAB, hosts={**HOSTS, "rs1": Host()}),
            "service 'web', real_servers[0], host: rs1 has no RIP: set its lvs_rip (or an ansible_host that",
        ),
        (
            replace(LAB, hosts={**HOSTS, "rs2": Host("rs2.example")}),
            "service 'web', real_servers[1], lvs_rip: 'rs2.example' is not an IP address",
        ),
        (
            replace(LAB, hosts={**HOSTS, "ds1": Host("192.168.56.185")}),
            "service 'web': vip: 192.168.56.185 is the address of the host ds1",
        ),
    ],
)
def test_fault_in_the_inventory(cluster: Cluster, message: str) -> None:
    """It is named by what the user would change there."""
    (found,) = faults([WEB], cluster)
    assert found.startswith(message)


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
    gue = {"tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "checksum"}
    servers = [
        {"host": "rs1", **limits},
        {"host": "rs2", **gue},
        {"address": "10.0.0.9", "forward": "masquerade", "rport": 81},
        {"address": "192.168.56.181", "forward": "local"},
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
                destination("192.168.56.184", "tunnel", 1, **gue),
                destination("10.0.0.9", "masquerade", 1, rport=81),
                destination("192.168.56.181", "local", 1),
            ],
        }
    ]
    (warning,) = made.warnings
    assert warning.startswith("service 'web', real_servers: rs2 gets packets by gue")


def test_service_by_firewall_mark() -> None:
    """A matter of the director's table alone: it has no VIP that a host could hold."""
    made = plan([{"name": "marked", "fwmark": 7, "family": "ipv4", "real_servers": [{"host": "rs1"}]}], LAB)
    rs1 = destination("192.168.56.183", "tunnel", 1)
    row = {"fwmark": 7, "family": "ipv4", "scheduler": "wlc", **PLAIN_SERVICE, "destinations": [rs1]}
    assert made.services == [row]
    assert (made.director, made.real_servers) == (Side(), {"rs1": Side(), "rs2": Side()})
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
    assert made.real_servers["rs1"].mappings == rows(MAPPING, ("192.168.56.185", 80, "tcp", 8080))
    assert made.real_servers["rs2"] == Side()


def test_move_to_another_port_keeps_the_mapping_that_comes() -> None:
    """One entry comes and another of the same host goes: the mapping is not taken away again."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs1", "forward": "masquerade", "rport": 8080, "state": "absent"}]
    made = plan([{**WEB, "real_servers": servers}], LAB)
    assert made.real_servers["rs1"].mappings == rows(MAPPING, ("192.168.56.185", 80, "tcp", 8080))
    assert made.real_servers_withdrawn["rs1"] == Side()


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
        replace(LAB, directors=["ds1", "ds2"]),
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
    ]
    assert [message[: len(start)] for message, start in zip(found, expected)] == expected
    assert len(found) == len(expected)
