# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a director tells of itself: with counters, and in the words of an inventory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.foreign_services import foreign_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import (
    CountedDestination,
    CountedService,
    DirectorInfo,
    facts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SyncDaemon,
    Timeouts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import destination_of, service_of
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import Connections, Statistics
from tests.unit.strategies import valid_destinations, valid_services

WEB = ServiceKey.of({"vip": "192.0.2.1", "port": 80})
MARK = ServiceKey.of({"fwmark": 7})
RS1, RS2, RS3 = "10.0.0.1", "10.0.0.2", "10.0.0.3"


def at(service: ServiceKey, rip: str, port: int | None = None, **fields: Any) -> Destination:
    """A destination, on the service's own port unless another is given."""
    return Destination(DestinationKey(service, ip_address(rip), service.port if port is None else port), **fields)


def director(*services: CountedService) -> DirectorInfo:
    """A director with these services."""
    return DirectorInfo(services, Timeouts(900, 120, 300), [SyncDaemon("master", "eth0", 7, 1472)], "1.2.1", 4096)


def counted(service: Service, *destinations: Destination) -> CountedService:
    """A service with nothing counted."""
    found = [CountedDestination(destination, Connections(), Statistics()) for destination in destinations]
    return CountedService(service, Statistics(), found)


def described(service: Service, *destinations: Destination) -> dict[str, Any]:
    """The service as an inventory has it."""
    (description,) = facts(director(counted(service, *destinations)))["lvs_services"]
    assert isinstance(description, dict)
    return description


def test_director() -> None:
    """What is not of a service."""
    assert facts(director()) == {
        "version": "1.2.1",
        "connection_table_size": 4096,
        "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300},
        "sync_daemons": [SyncDaemon("master", "eth0", 7, 1472).facts()],
        "services": [],
        "lvs_services": [],
        "engine": "",
        "foreign_keepalived": {},
    }


def of_keepalived(*kernel: Destination, configured: Sequence[Destination], out: Sequence[Destination] = ()) -> Facts:
    """What is told of a service that keepalived owns."""
    keys = frozenset(destination.key for destination in configured)
    return facts(replace(director(replace(counted(Service(WEB), *kernel), configured=keys, out=out)), engine="keepalived"))


def test_real_servers_that_keepalived_has_taken_out() -> None:
    """A sorry server is in the table as long as they are, and belongs to no description."""
    there, gone = at(WEB, RS1), at(WEB, RS2, weight=3)
    found = of_keepalived(there, at(WEB, RS3, forward="route"), configured=[there, gone], out=[gone])
    assert found["engine"] == "keepalived"
    (service,) = found["services"]
    assert [destination["rip"] for destination in service["destinations"]] == [RS1, RS3]
    assert [(row["rip"], row["rport"], row["weight"]) for row in service["out"]] == [(RS2, 80, 3)]
    (description,) = found["lvs_services"]
    assert description["real_servers"] == [{"address": RS1, "weight": 1}, {"address": RS2, "weight": 3}]


def test_real_server_whose_weight_keepalived_has_set_to_0() -> None:
    found = of_keepalived(at(WEB, RS1, weight=0), configured=[at(WEB, RS1)], out=[at(WEB, RS1, weight=2)])
    (service,) = found["lvs_services"]
    assert service["real_servers"] == [{"address": RS1, "weight": 2}]


def test_service_of_nobodys_checks_has_nothing_out() -> None:
    assert "out" not in facts(director(counted(Service(WEB))))["services"][0]


def test_services_of_a_foreign_keepalived() -> None:
    """By the names that they have in the description."""
    foreign = foreign_services("include other.conf\nvirtual_server 192.0.2.1 80 {\n}\nvirtual_server 192.0.2.9 80 {\n}\n")
    found = facts(replace(director(counted(Service(WEB)), counted(Service(MARK))), foreign=foreign))
    assert found["foreign_keepalived"] == {
        "config": "/etc/keepalived/keepalived.conf",
        "services": ["tcp-192.0.2.1-80"],
        "unread": ["include other.conf"],
    }


def test_services_with_their_counters() -> None:
    """Every setting and every counter; a destination does not repeat its service's name."""
    destination = CountedDestination(
        at(WEB, RS1, 8080, forward="masquerade", weight=2), Connections(1, 2, 3), Statistics(*range(11, 21))
    )
    gue = CountedDestination(at(WEB, RS2, tunnel_type="gue", tunnel_port=6080), Connections(), Statistics())
    (found,) = facts(director(CountedService(Service(WEB, "wrr"), Statistics(*range(1, 11)), [destination, gue])))["services"]
    nothing = {
        "connections": 0, "packets_in": 0, "packets_out": 0, "bytes_in": 0, "bytes_out": 0, "connections_per_second": 0,
        "packets_in_per_second": 0, "packets_out_per_second": 0, "bytes_in_per_second": 0, "bytes_out_per_second": 0,
    }  # fmt: skip
    assert found == {
        "vip": "192.0.2.1", "port": 80, "protocol": "tcp", "scheduler": "wrr", "scheduler_flags": [],
        "persistence_timeout": 0, "persistence_netmask": None, "persistence_engine": "none", "one_packet": False,
        "statistics": {
            "connections": 1, "packets_in": 2, "packets_out": 3, "bytes_in": 4, "bytes_out": 5, "connections_per_second": 6,
            "packets_in_per_second": 7, "packets_out_per_second": 8, "bytes_in_per_second": 9, "bytes_out_per_second": 10,
        },
        "destinations": [
            {
                "rip": RS1, "rport": 8080, "forward": "masquerade", "weight": 2, "drained": None,
                "upper_threshold": 0, "lower_threshold": 0,
                "connections": {"active": 1, "inactive": 2, "persistent": 3},
                "statistics": {
                    "connections": 11, "packets_in": 12, "packets_out": 13, "bytes_in": 14, "bytes_out": 15,
                    "connections_per_second": 16, "packets_in_per_second": 17, "packets_out_per_second": 18,
                    "bytes_in_per_second": 19, "bytes_out_per_second": 20,
                },
            },
            {
                "rip": RS2, "rport": 80, "forward": "tunnel", "weight": 1, "drained": None,
                "upper_threshold": 0, "lower_threshold": 0,
                "tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "none",
                "connections": {"active": 0, "inactive": 0, "persistent": 0},
                "statistics": nothing,
            },
        ],
    }  # fmt: skip


def test_order_of_services_is_the_kernels() -> None:
    """In both of the lists, which go together."""
    found = facts(director(counted(Service(MARK)), counted(Service(WEB))))
    assert [row.get("fwmark") for row in found["services"]] == [7, None]
    assert [row["name"] for row in found["lvs_services"]] == ["fwmark-7", "tcp-192.0.2.1-80"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"vip": "192.0.2.1", "port": 80}, "tcp-192.0.2.1-80"),
        ({"vip": "2001:db8::1", "port": 53, "protocol": "udp"}, "udp-2001:db8::1-53"),
        ({"vip": "192.0.2.1", "port": 0}, "tcp-192.0.2.1-0"),
        ({"fwmark": 7}, "fwmark-7"),
        ({"fwmark": 7, "family": "ipv6"}, "fwmark-7-ipv6"),
    ],
)
def test_name_of_a_described_service(options: dict[str, Any], name: str) -> None:
    """By what identifies it, so that no two have the same."""
    assert described(Service(ServiceKey.of(options)))["name"] == name


PLAIN = {
    "name": "tcp-192.0.2.1-80",
    "vip": "192.0.2.1",
    "port": 80,
    "protocol": "tcp",
    "scheduler": "wlc",
    "forward": "tunnel",
}


@pytest.mark.parametrize(
    ("service", "more"),
    [
        (Service(WEB), {}),
        (Service(WEB, "wrr"), {"scheduler": "wrr"}),
        (Service(WEB, "sh", 0x18), {"scheduler": "sh", "scheduler_flags": ["fallback", "port"]}),
        (
            Service(WEB, persistence_timeout=300, persistence_netmask="255.255.255.0"),
            {"persistence_timeout": 300, "persistence_netmask": "255.255.255.0"},
        ),
        (
            Service(WEB, persistence_timeout=300, persistence_netmask="255.255.255.0", persistence_engine="sip"),
            {
                "persistence_timeout": 300,
                "persistence_netmask": "255.255.255.0",
                "persistence_engine": "sip",
                "adopted": True,  # for udp alone
            },
        ),
        (Service(WEB, one_packet=True), {"one_packet": True, "adopted": True}),
        (Service(WEB, persistence_timeout=300), {"persistence_timeout": 300}),
    ],
)
def test_described_service_has_what_is_not_as_it_would_be_anyway(service: Service, more: dict[str, Any]) -> None:
    """Beside its name and its scheduler."""
    assert described(service) == {**PLAIN, **more, "real_servers": []}


@pytest.mark.parametrize(
    ("destination", "more"),
    [
        (at(WEB, RS1), {}),
        (at(WEB, RS1, weight=0), {"weight": 0}),
        (at(WEB, RS1, upper_threshold=9, lower_threshold=5), {"upper_threshold": 9, "lower_threshold": 5}),
        (
            at(WEB, RS1, tunnel_type="gue", tunnel_port=6080, tunnel_checksum="checksum"),
            {"tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "checksum"},
        ),
        (at(WEB, RS1, tunnel_type="gre"), {"tunnel_type": "gre"}),
    ],
)
def test_described_real_server_has_what_is_not_as_it_would_be_anyway(destination: Destination, more: dict[str, Any]) -> None:
    """Beside its address and its weight."""
    assert described(Service(WEB), destination)["real_servers"] == [{"address": RS1, "weight": 1, **more}]


def test_described_weight_of_a_drained_real_server() -> None:
    """The one that it is to have again; what the kernel has, and that it is drained, is told of the table."""
    drained = at(WEB, RS1, weight=0, former_weight=3)
    assert described(Service(WEB), drained)["real_servers"] == [{"address": RS1, "weight": 3}]
    (service,) = facts(director(counted(Service(WEB), drained)))["services"]
    assert [(row["weight"], row["drained"]) for row in service["destinations"]] == [(0, 3)]


def test_described_port_of_a_real_server() -> None:
    """Where it is not the service's."""
    services = described(Service(WEB), at(WEB, RS1, 8080, forward="masquerade"), at(WEB, RS2, forward="masquerade"))
    assert services["real_servers"] == [{"address": RS1, "weight": 1, "rport": 8080}, {"address": RS2, "weight": 1}]
    by_mark = described(Service(MARK), at(MARK, RS1, 8080, forward="masquerade"), at(MARK, RS2, forward="masquerade"))
    assert by_mark["real_servers"] == services["real_servers"]


@pytest.mark.parametrize(
    ("forwards", "common", "own"),
    [
        ([], "tunnel", []),
        (["route"], "route", [None]),
        (["route", "masquerade", "route"], "route", [None, "masquerade", None]),
        (["tunnel", "route", "route"], "route", ["tunnel", None, None]),
        (["route", "masquerade"], "masquerade", ["route", None]),
        (["masquerade", "route"], "masquerade", [None, "route"]),
    ],
)
def test_forwarding_method_that_most_have(forwards: list[str], common: str, own: list[str | None]) -> None:
    """It is the service's, and the others have theirs beside it; a tie goes to the same one each time."""
    found = described(
        Service(WEB), *(at(WEB, f"10.0.0.{number}", forward=forward) for number, forward in enumerate(forwards, 1))
    )
    assert found["forward"] == common
    assert [row.get("forward") for row in found["real_servers"]] == own


@given(st.data())
def test_description_makes_the_same_table(data: st.DataObject) -> None:
    """What is left out is what it would be anyway."""
    service = data.draw(valid_services())
    destinations = data.draw(st.lists(valid_destinations(service.key), max_size=3))
    found = described(service, *destinations)
    assert service_of(found).new == service
    made = []
    for row in found["real_servers"]:
        options = {"forward": found["forward"], **row, "rip": row["address"]}
        made.append(destination_of(service.key, options).new)
    assert made == destinations
    assert replace(service, **service_of(found).given) == service


@pytest.mark.parametrize(
    ("service", "destinations"),
    [
        (Service(WEB), [at(WEB, RS1, 8080)]),
        (Service(MARK), [at(MARK, RS1, 80)]),
        (Service(WEB), [at(WEB, RS1, forward="bypass")]),
        (Service(ServiceKey.of({"vip": "127.0.0.1", "port": 80})), []),
        (Service(ServiceKey.of({"vip": "2001:db8::1", "port": 80})), []),
        (Service(ServiceKey.of({"vip": "192.0.2.1", "port": 0})), []),
    ],
)
def test_service_that_would_not_be_created(service: Service, destinations: list[Destination]) -> None:
    """It is described as another program made it."""
    assert described(service, *destinations)["adopted"] is True


@pytest.mark.parametrize("forward", ["masquerade", "route"])
def test_service_as_any_other(forward: str) -> None:
    port = 8080 if forward == "masquerade" else None
    assert "adopted" not in described(Service(WEB), at(WEB, RS1, port, forward=forward))
