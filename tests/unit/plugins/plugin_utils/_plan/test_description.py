# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description's own values: what is left out, and what is wrong with each service and real server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    LAB,
    RS1,
    RS2,
    VIP,
    VIP6,
    WEB,
    WEB6,
    destination,
    faults,
    service,
    with_host,
)


def test_defaults_of_a_service() -> None:
    """Name, VIP and port are enough: tcp, wlc, tunnel, all hosts of the group, weights of the inventory."""
    plan = make_plan([{"name": "web", "vip": VIP, "port": "80"}], with_host("rs2", weight="5"))
    assert plan.services == [service(VIP, 80, "tcp", "wlc", destination(RS1, "tunnel", 1), destination(RS2, "tunnel", 5))]


def test_weight_of_a_service_beats_that_of_the_host() -> None:
    """Also where it is 0."""
    plan = make_plan([{**WEB, "real_servers": [{"host": "rs1", "weight": 0}]}], with_host("rs1", weight=7))
    assert plan.services[0]["destinations"] == [destination(RS1, "tunnel", 0)]


def test_real_servers_that_say_how_packets_reach_them() -> None:
    """A port of the service is no fault where none of them needs a mapping for it."""
    servers = [{"host": "rs1", "forward": "masquerade"}]
    plan = make_plan([{**WEB, "protocol": "sctp", "rport": 81, "real_servers": servers}], LAB)
    assert plan.services[0]["destinations"] == [destination("192.168.56.183", "masquerade", 1, rport=81)]


@pytest.mark.parametrize(
    ("fields", "where", "reason"),
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
        ({"schedular": "rr"}, "schedular", "is an unknown option: valid options are name, vip, port, protocol, fwmark"),
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
        ({"real_servers": [{"host": "rs1", "weight": -1}]}, "real_servers[0], weight", "-1 is not in 0..2147483647"),
        ({"real_servers": [{"host": "rs1", "weight": "x"}]}, "real_servers[0], weight", "is not a whole number"),
        (
            {"real_servers": [{"host": "rs1", "state": "off"}]},
            "real_servers[0], state",
            "is not one of present, absent",
        ),
        (
            {"real_servers": [{"host": "rs1", "wieght": 1}]},
            "real_servers[0], wieght",
            "valid options are host, address, rport, forward, weight",
        ),
    ],
)
def test_fault_in_a_service(fields: dict[str, Any], where: str, reason: str) -> None:
    """One message, which names the service and the field, and reason what to do."""
    (message,) = faults([{**WEB, **fields}])
    assert message.startswith((f"service 'web', {where}: ", f"service 'web': {where}: "))
    assert reason in message


@pytest.mark.parametrize(
    ("services", "message"),
    [
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
    """Of what is no service."""
    assert faults(services) == [message]


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (
            with_host("rs1", rip=None),
            "service 'web', real_servers[0], host: rs1 has no RIP: set its lvs_rip (or an ansible_host that",
        ),
        (with_host("rs2", rip="rs2.example"), "service 'web', real_servers[1], lvs_rip: 'rs2.example' is not an IP address"),
        (
            with_host("rs2", weight=2147483648),
            "service 'web', real_servers[1], lvs_weight: 2147483648 is not in 0..2147483647",
        ),
    ],
)
def test_fault_in_the_inventory_of_a_real_server(inventory: Inventory, message: str) -> None:
    """It is named by what the user would change there."""
    (fault,) = faults([WEB], inventory)
    assert fault.startswith(message)


NO_DEVICES_FOR_IPV6: list[tuple[dict[str, Any], str]] = [
    ({"vip_device": "lo"}, "lo cannot hold"),
    ({"director_device": "sit0"}, "sit0 cannot hold"),
    ({"director_device": "a/b"}, "'a/b' is not a device name"),
]


@pytest.mark.parametrize(
    ("inventory", "fields", "message"),
    [
        (with_host("rs1", rip6="rs1.example"), {}, "service 'web6', real_servers[0], lvs_rip6: 'rs1.example' is not an IP"),
        (with_host("rs1", rip6=VIP6), {}, f"service 'web6', real_servers[0], lvs_rip6: {VIP6} is the VIP itself"),
        (
            with_host("rs1", rip6=RS1),
            {"forward": "route"},
            f"service 'web6', real_servers[0], lvs_rip6: {RS1} is not an IPv6",
        ),
        *(
            (replace(LAB, **devices), {"director_device": None}, f"service 'web6', director_device: {reason}")
            for devices, reason in NO_DEVICES_FOR_IPV6
        ),
    ],
)
def test_fault_in_the_inventory_for_ipv6(inventory: Inventory, fields: dict[str, Any], message: str) -> None:
    """That of lvs_rip6, where there is one."""
    given = {"real_servers": [{"host": "rs1"}], **fields}
    described = {name: value for name, value in {**WEB6, **given}.items() if value is not None}
    (fault,) = faults([described], inventory)
    assert fault.startswith(message)


@pytest.mark.parametrize("field", ["vip", "port"])
def test_missing_field(field: str) -> None:
    """Said as such; a field without a value is no field that is left out."""
    service = {name: value for name, value in WEB.items() if name != field}
    (fault,) = faults([service])
    assert fault.startswith(f"service 'web', {field}: is missing: ")
    assert "service 'web', protocol: has no value: give it one, or leave it out" in faults([{**WEB, "protocol": None}])


def test_fault_in_a_service_by_firewall_mark() -> None:
    """What only a VIP could have."""
    marked = {"name": "marked", "fwmark": 7}
    assert faults([{**marked, "rport": 81}]) == [
        "service 'marked', rport: 81 needs a port mapping, which a service by fwmark has not: leave it out"
    ]
    assert faults([{**marked, "director_device": "eth0"}])[0].startswith(
        "service 'marked', director_device: eth0 means nothing"
    )


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"scheduler": "fastest"}, "scheduler"),
        ({"scheduler_flags": ["port"]}, "scheduler_flags"),
        ({"persistence_netmask": 129}, "persistence_netmask"),
        ({"persistence_timeout": "long"}, "persistence_timeout"),
        ({"vip": "2001:db8::g"}, "vip"),
        ({"vip": "ff02::1"}, "vip"),
        ({"port": "http"}, "port"),
        ({"protocol": "icmp"}, "protocol"),
        ({"family": "ipv4"}, "family"),
        ({"fwmark": 7}, "fwmark"),
        ({"state": "gone"}, "state"),
        ({"vipp": VIP6}, "vipp"),
        ({"forward": "direct"}, "forward"),
        ({"rport": 0}, "rport"),
    ],
)
@pytest.mark.parametrize(
    "real_servers",
    [
        [{"address": "2001:db8::b7"}, {"address": "2001:db8::b8"}],
        [{"host": "rs1"}],
        [{"address": "2001:db8::b7", "forward": "masquerade", "rport": rport} for rport in (80, 81)],
        [
            {"address": "2001:db8::b7", "forward": "masquerade"},
            {"address": "2001:db8::b7", "forward": "masquerade", "rport": 81},
        ],
    ],
)
def test_fault_of_a_service_is_none_of_its_real_servers(
    fields: dict[str, Any], option: str, real_servers: list[dict[str, Any]]
) -> None:
    """Of another family than any service by default, too."""
    inventory = with_host("rs1", rip=None, rip6="2001:db8::b3")
    described = {**WEB6, "forward": "route", "real_servers": real_servers}
    make_plan([described], inventory)
    (message,) = faults([{**described, **fields}], inventory)
    assert message.startswith(f"service 'web6', {option}: ")


@pytest.mark.parametrize("fields", [{"forward": "masquerad"}, {"forward": "masquerad", "port": "http"}, {"protocol": "utp"}])
def test_port_of_a_service_with_a_fault_is_no_fault_of_its_real_servers(fields: dict[str, Any]) -> None:
    """What depends on the method or the protocol cannot be known."""
    servers = [{"host": "rs1", "rport": 8080}, {"host": "rs1", "rport": 8081}]
    described = {**WEB, "protocol": "sctp", "forward": "masquerade", "real_servers": servers}
    make_plan([described], LAB)
    found = faults([{**described, **fields}])
    assert [message.partition(": ")[0].removeprefix("service 'web', ") for message in found] == list(reversed(fields))


@pytest.mark.parametrize(
    "fields", [{"vip": "2001:db8::g"}, {"port": "http"}, {"scheduler_flags": ["port"]}, {"forward": "direct"}]
)
def test_faults_of_real_servers_are_found_beside_that_of_their_service(fields: dict[str, Any]) -> None:
    """Those that do not depend on it."""
    servers = [{"address": "2001:db8::b7", "weight": -1}, {"address": "rs1"}, {"host": "rs9"}, "rs1"]
    messages = faults([{**WEB6, "real_servers": servers, **fields}])
    places = [message.removeprefix("service 'web6', ").partition(": ")[0] for message in messages]
    wrong = ["real_servers[0], weight", "real_servers[1], address", "real_servers[2], host", "real_servers[3]"]
    assert places == [*fields, *wrong]


def test_family_of_a_real_server_beside_a_fault_of_its_service() -> None:
    """The service's is known where the fault is not in its key."""
    servers = [{"address": "192.168.56.190", "forward": "route"}]
    flags, family = faults([{**WEB6, "scheduler_flags": ["port"], "real_servers": servers}])
    assert flags.startswith("service 'web6', scheduler_flags: ")
    assert "is not an IPv6 address as the service's is" in family


ADOPTED: dict[str, Any] = {**WEB, "adopted": True}
OWN_PORT = {"address": "10.0.0.9", "rport": 8080}


def test_adopted_service() -> None:
    """It is not judged, and a port is that of the destination, whatever the forwarding method: nothing is mapped."""
    service = {**ADOPTED, "one_packet": True, "scheduler": "custom", "real_servers": [OWN_PORT, {**OWN_PORT, "rport": 0}]}
    plan = make_plan([service], LAB)
    assert [row["rport"] for row in plan.services[0]["destinations"]] == [8080, 0]
    assert plan.warnings == []
    found = faults([{**service, "adopted": False}])
    assert len(found) == 3, found


@pytest.mark.parametrize("adopted", ["maybe", 2, []])
def test_adopted_is_a_boolean(adopted: object) -> None:
    (fault,) = faults([{**WEB, "adopted": adopted}])
    assert fault == f"service 'web', adopted: {adopted!r} is neither true nor false: write one of them"


def test_adopted_service_of_the_director_itself() -> None:
    """No other host reaches its VIP: nothing is held, checked or probed for it."""
    service = {**ADOPTED, "name": "local", "vip": "127.0.0.1", "real_servers": [{"address": "127.0.0.2", "forward": "local"}]}
    plan = make_plan([service, WEB], LAB)
    assert plan.director_vips == [{"device": "tunl0", "vips": [VIP]}]
    assert plan.preflight["vips"] == [VIP]
    assert {row["vip"] for row in plan.probes} == {VIP}


@pytest.mark.parametrize(
    "fields",
    [
        {"forward": "bypass"},
        {"tunnel_type": "7"},
        {"tunnel_type": "gue"},
        {"tunnel_type": "gre", "tunnel_checksum": "remote_checksum"},
    ],
)
def test_adopted_real_server_that_cannot_be_probed(fields: dict[str, Any]) -> None:
    """How packets reach it is not known here."""
    plan = make_plan([{**ADOPTED, "real_servers": [{"address": "10.0.0.9", **fields}]}], LAB)
    assert (plan.preflight["paths"], plan.probes) == ([], [])


def test_adopted_real_server_on_a_port_of_its_own_is_probed() -> None:
    """On the port that packets have."""
    plan = make_plan([{**ADOPTED, "real_servers": [OWN_PORT]}], LAB)
    assert [(row["rip"], row["port"]) for row in plan.probes] == [("10.0.0.9", 80)]
    assert plan.preflight["vips"] == []  # clients may come by a route


def test_adopted_service_of_another_protocol_is_not_probed() -> None:
    assert make_plan([{**ADOPTED, "protocol": "132", "real_servers": [OWN_PORT]}], LAB).probes == []
