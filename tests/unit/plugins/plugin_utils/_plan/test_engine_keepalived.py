# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of keepalived: checks, and what else only keepalived does; what it cannot do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.virtual_servers import read_virtual_servers
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import ClusterPlan, make_plan
from tests.unit.plugins.plugin_utils._plan.lab import DIP, LAB, MAPPED, RS1, RS2, WEB, WEB6, faults, with_host

CHECKED = replace(LAB, engine="keepalived")
CHECKED6 = replace(with_host("ds1", rip6="2001:db8:56::181"), engine="keepalived")
SECOND = {"address": "10.0.0.9"}


def plan_of(*services: dict[str, Any], inventory: Any = CHECKED) -> ClusterPlan:
    """The plan, whose rows the module takes."""
    plan = make_plan(list(services), inventory)
    read_virtual_servers(plan.virtual_servers)
    return plan


def checks_of(service: dict[str, Any], inventory: Any = CHECKED) -> list[Any]:
    """The check of each real server of a service."""
    (row,) = plan_of(service, inventory=inventory).virtual_servers
    return [destination.get("check") for destination in row["destinations"]]


def test_engine_netlink_has_no_rows_of_keepalived() -> None:
    plan = make_plan([WEB], LAB)
    assert (plan.virtual_servers, plan.check_sources) == ([], {})


def test_a_service_as_the_module_takes_it() -> None:
    given = {**WEB, "quorum": 2, "alpha": True, "sorry_server": {"address": "10.0.0.1"}}
    plan = plan_of({**given, "inhibit_on_failure": False})
    (row,) = plan.virtual_servers
    assert [destination["rip"] for destination in row.pop("destinations")] == [RS1, RS2]
    assert row.items() >= {"vip": WEB["vip"], "port": 80, "scheduler": "wrr", "quorum": 2, "alpha": True}.items()
    assert row["sorry_server"] == {"address": "10.0.0.1", "forward": "route"}
    assert "inhibit_on_failure" not in row
    assert plan.check_sources == {"ds1": [DIP]}
    assert plan.warnings == []


def test_what_should_not_exist_has_no_row() -> None:
    (row,) = plan_of({**WEB, "real_servers": [{"host": "rs1"}, {"host": "rs2", "state": "absent"}]}).virtual_servers
    assert [destination["rip"] for destination in row["destinations"]] == [RS1]
    assert plan_of({**WEB, "state": "absent"}).virtual_servers == []


def test_tcp_is_the_default_where_there_is_one_port() -> None:
    assert checks_of(WEB) == checks_of(MAPPED) == [{"type": "tcp"}] * 2


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"protocol": "udp"}, "udp"),
        ({"protocol": "sctp"}, "sctp"),
        ({"port": 0, "persistence_timeout": 60}, "every port"),
        ({"vip": None, "port": None, "fwmark": 7}, "a firewall mark"),
    ],
)
def test_no_default_is_a_warning(fields: dict[str, Any], kind: str) -> None:
    given = {name: value for name, value in {**WEB, **fields}.items() if value is not None}
    reason = (
        f"there is no default for {kind}: connections go to {RS1}, {RS2} whether they answer or not. Name a check, or none"
    )
    assert plan_of(given).warnings == [f"service 'web', check: {reason}"]
    assert plan_of({**given, "check": "none"}).warnings == []


def test_programs_of_the_director_have_no_default() -> None:
    assert checks_of({**WEB, "real_servers": [{"host": "rs1"}, {"address": DIP, "forward": "local"}]}) == [
        {"type": "tcp"},
        None,
    ]


def test_a_real_server_has_options_of_its_own() -> None:
    servers = [{"host": "rs1", "check": {"retries": 5}}, {"host": "rs2", "check": "tcp"}, {**SECOND, "check": "none"}]
    given = {**WEB, "check": {"type": "http", "path": "/health"}, "real_servers": servers}
    assert checks_of(given) == [{"type": "http", "path": "/health", "retries": 5}, {"type": "tcp"}, {"type": "none"}]


def test_ipv6_services_are_checked_from_an_ipv6_address() -> None:
    checks_of({**WEB6, "director_device": "eth0"}, CHECKED6)
    assert faults([{**WEB6, "director_device": "eth0"}], CHECKED) == [
        "host ds1, lvs_dip6: is missing: checks of IPv6 services come from an IPv6 address of the director"
    ]
    # Nothing is checked: nothing is needed.
    plan_of({**WEB6, "director_device": "eth0", "check": "none"})


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"check": "ping"}, "check, type: 'ping' is not one of tcp, http, https, smtp, dns, misc, none"),
        ({"check": {"type": "http", "path": "x"}}, "check, path: 'x' is not the path of a URL"),
        ({"check": "dns"}, "check: dns cannot check a service whose protocol is tcp"),
        (
            {"check": "tcp", "protocol": "udp"},
            "check: tcp cannot check a service whose protocol is udp: choose one of dns, misc",
        ),
        ({"quorum": 3}, "quorum: 3 is more than the 2 that all real servers weigh"),
        ({"sorry_server": {"address": RS1}}, f"sorry_server, address: {RS1} is a real server of this service"),
        ({"sorry_server": {"address": "10.0.0.1", "prot": 1}}, "sorry_server, prot: 1 is an unknown option"),
        ({"alpha": "perhaps"}, "alpha: 'perhaps' is neither true nor false"),
        ({"real_servers": []}, "weight: 0 of all real servers together is not enough"),
        ({"real_servers": [{"host": "rs1", "weight": 65536}]}, f"real server {RS1}, weight: 65536 is above 65535"),
        (
            {"real_servers": [{"host": "rs1", "check": {"type": "http", "sni": True}}]},
            "real_servers[0], check, sni: True is not for",
        ),
        ({"real_servers": [{"host": "rs1", "check": "dns"}]}, "real_servers[0], check: dns cannot check"),
    ],
    ids=str,
)
def test_faults_name_their_field(fields: dict[str, Any], fault: str) -> None:
    found = faults([{**WEB, **fields}], CHECKED)
    assert len(found) == 1
    assert found[0].startswith(f"service 'web', {fault}")


@pytest.mark.parametrize("name", ["check", "sorry_server", "quorum", "inhibit_on_failure", "alpha"])
def test_netlink_does_not_check(name: str) -> None:
    value = {"check": "tcp", "sorry_server": {"address": "10.0.0.1"}, "quorum": 1}.get(name, True)
    (fault,) = faults([{**WEB, name: value}])
    assert fault.startswith(f"service 'web', {name}: {value} needs keepalived, which checks real servers: set lvs_engine to")


def test_netlink_does_not_check_a_real_server() -> None:
    (fault,) = faults([{**WEB, "real_servers": [{"host": "rs1", "check": "tcp"}]}])
    assert fault.startswith("service 'web', real_servers[0], check: tcp needs keepalived")


def test_all_faults_are_told_at_once() -> None:
    found = faults([{**WEB, "vip": "x", "check": "ping", "quorum": 0}], CHECKED)
    assert [fault.split(": ")[0] for fault in found] == [
        "service 'web', vip",
        "service 'web', check, type",
        "service 'web', quorum",
    ]


def test_no_more_checks_than_ports() -> None:
    servers = [{"address": f"10.{number >> 8}.{number & 255}.1"} for number in range(48)]
    services = [{**WEB, "name": str(port), "port": port, "check": {"type": "tcp", "delay_loop": 0.1}} for port in (80, 81)]
    (fault,) = faults([{**service, "real_servers": servers} for service in services], CHECKED)
    assert fault.startswith("lvs_services, check: delay_loop: 960 checks a second are more than the 470")
