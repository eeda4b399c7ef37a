# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for services and hosts together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.inventory import Host, Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIP,
    GUE,
    HOSTS,
    LAB,
    MAPPED,
    NO_DIP,
    PAIR,
    PLAIN,
    VIP,
    VIP6,
    WEB,
    WEB6,
    faults,
    with_host,
)


def test_host_on_both_sides() -> None:
    """A host cannot be silent about a VIP and answer for it."""
    (fault,) = faults([WEB], replace(LAB, directors=["rs1"]))
    assert fault.startswith("host rs1: is in both groups, directors and realservers")


def test_director_needs_an_address_only_for_tunnels_to_hosts() -> None:
    """Neither for an unmanaged real server, which has no guard of ours, nor for one that the director routes to."""
    inventory = with_host("ds1", rip=None)
    servers = [{"address": "10.0.0.9"}, {"host": "rs1", "forward": "masquerade"}, {"host": "rs2", "state": "absent"}]
    services = [{**WEB, "real_servers": servers}, {**MAPPED, "state": "absent"}]
    assert make_plan(services, inventory).preflight["sources"] == []


def test_gue_ports_on_different_devices() -> None:
    """On several hosts, or for VIPs of two families, as other devices take these out; nor those of an absent real server."""

    def over(port: int, *hosts: str, **others: str) -> list[dict[str, Any]]:
        return [{"host": host, **GUE, "tunnel_port": port, **others} for host in hosts]

    web = {**WEB, "real_servers": [*over(6080, "rs1"), *over(6081, "rs2")]}
    web6 = {**WEB6, "real_servers": over(6082, "rs1")}
    absent = {**PLAIN, "real_servers": over(6083, "rs1", state="absent")}
    plan = make_plan([web, web6, absent], LAB)
    assert [real_server.guard["gue_ports"] for real_server in plan.real_servers.values()] == [[6080, 6082], [6081]]


def test_nothing_described() -> None:
    """Allowed, with a warning."""
    assert make_plan([], LAB).warnings == ["lvs_services: is empty: there is nothing to set up"]


@pytest.mark.parametrize("real_servers", [[], [{"address": "10.0.0.9"}]])
def test_absent_service_gives_no_warning(real_servers: list[dict[str, Any]]) -> None:
    """Neither that it is empty nor that a port mapping is missing."""
    assert make_plan([WEB, {**MAPPED, "state": "absent", "real_servers": real_servers}], LAB).warnings == []


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
        *(
            (
                [
                    {**WEB, "real_servers": [{"host": "rs1", **GUE}]},
                    {**service, "real_servers": [{"host": "rs1", **GUE, "tunnel_port": 443}]},
                ],
                "host rs1, tunnel_port: 443 is another port for GUE than 6080 of another service: take one",
            )
            for service in (MAPPED, {"name": "marked", "fwmark": 7})
        ),
    ],
)
def test_fault_of_services_together(services: Any, message: str) -> None:
    """What each service allows, and all of them together do not."""
    assert faults(services) == [message]


def test_services_with_one_firewall_mark() -> None:
    """They are the same to the kernel."""
    marked = {"name": "marked", "fwmark": 7}
    assert faults([marked, {**marked, "name": "again"}]) == ["service 'again': fwmark: -f 7 is the service 'marked' already"]


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (with_host("client", rip=VIP), f"service 'web': vip: {VIP} is the address of the host client"),
        (with_host("client", rip6=f"{VIP} "), f"service 'web': vip: {VIP} is the address of the host client"),
        (with_host("ds1", rip=VIP), f"service 'web': vip: {VIP} is the address of the host ds1"),
        (with_host("ds1", rip=None), NO_DIP.format("lvs_dip", 4)),
        (with_host("ds1", rip=None, rip6="fd00::1"), NO_DIP.format("lvs_dip", 4)),
        (with_host("ds1", rip="fd00::1"), NO_DIP.format("lvs_dip", 4)),
        (with_host("rs1", rip="fd00::3"), NO_DIP.format("lvs_dip6", 6)),
        (replace(LAB, hosts={**HOSTS, "ds1": Host(), "rs1": Host("fd00::3")}), NO_DIP.format("lvs_dip", 6)),
    ],
)
def test_addresses_of_hosts(inventory: Inventory, message: str) -> None:
    """They are no VIPs, and tunnels come from them."""
    (fault,) = faults([WEB], inventory)
    assert fault.startswith(message)


@pytest.mark.parametrize(
    ("inventory", "fields", "message"),
    [
        (with_host("rs1", rip6="fd00::3"), {}, NO_DIP.format("lvs_dip6", 6)),
        (with_host("ds1", rip=None), {}, NO_DIP.format("lvs_dip", 4)),
        (with_host("client", rip6="2001:DB8::B9"), {}, f"service 'web6': vip: {VIP6} is the address of the host client"),
        (
            with_host("rs2", rip6="fd00::9"),
            {"real_servers": [{"address": "fd00::9"}]},
            "service 'web6', real_servers: address: fd00::9 is the host rs2: write host: rs2",
        ),
    ],
)
def test_addresses_of_hosts_for_ipv6(inventory: Inventory, fields: dict[str, Any], message: str) -> None:
    """Those of lvs_rip6 and lvs_dip6, where there are any."""
    (fault,) = faults([{**WEB6, "real_servers": [{"host": "rs1"}], **fields}], inventory)
    assert fault.startswith(message)


def test_vip_as_a_real_server() -> None:
    """Of another service: it works, and may be a mistake."""
    plan = make_plan([WEB, {**PLAIN, "real_servers": [{"address": VIP}]}], LAB)
    assert plan.warnings == [
        f"service 'plain', real_servers: {VIP} is the VIP of service 'web': packets go on to its real servers"
    ]


@pytest.mark.parametrize("vips", ["single", "vrrp"])
@pytest.mark.parametrize("flags", [[], ["port"]])
@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_hash_without_fallback(scheduler: str, flags: list[str], vips: str) -> None:
    """Clients are refused because of one real server, however the director gets its VIPs."""
    inventory = PAIR if vips == "vrrp" else LAB
    (warning,) = make_plan([{**WEB, "scheduler": scheduler, "scheduler_flags": flags}], inventory).warnings
    assert warning.startswith("service 'web', scheduler_flags: has no fallback, so new clients whose hash is that of a real")
    assert warning.endswith("add the flag fallback")


@pytest.mark.parametrize(
    "fields",
    [
        {"scheduler": "mh", "scheduler_flags": ["port", "fallback"]},
        {"scheduler": "sh", "scheduler_flags": ["flag-1"]},
        {"scheduler": "rr"},
        {"scheduler": "mh", "real_servers": [{"host": "rs1"}, {"host": "rs2", "state": "absent"}]},
        {"scheduler": "mh", "state": "absent"},
    ],
)
def test_hash_that_needs_no_fallback(fields: dict[str, Any]) -> None:
    """There is one, by either of its names, or no client is refused that another real server would take."""
    assert make_plan([PLAIN, {**WEB, **fields}], LAB).warnings == []


@pytest.mark.parametrize("forward", ["local", "route", "masquerade", "tunnel"])
@pytest.mark.parametrize("address", [DIP, "127.0.0.1"])
def test_director_as_a_real_server(address: str, forward: str) -> None:
    """A program of the director itself, such as one that says sorry."""
    plan = make_plan([{**WEB, "real_servers": [{"address": address, "forward": forward}]}], LAB)
    assert [row["rip"] for row in plan.services[0]["destinations"]] == [address]


def test_director_as_an_absent_real_server() -> None:
    """Its address is that of a host, as it has to be with this forwarding method."""
    servers = [{"address": DIP, "forward": "local", "state": "absent"}]
    plan = make_plan([{**WEB, "real_servers": servers}], LAB)
    assert plan.services[0]["destinations"] == [{"rip": DIP, "state": "absent"}]


EMPTY_GROUP = (
    "group realservers: has no host: put the real servers into it, or set lvs_realservers_group to the name of their group. A"
    " service without real servers says so with real_servers: []"
)
WITHOUT_REAL_SERVERS = replace(LAB, real_servers=[])
UNMANAGED = [{"address": "10.0.0.9"}]


@pytest.mark.parametrize(
    ("services", "inventory"),
    [
        ([WEB], WITHOUT_REAL_SERVERS),
        ([{**WEB, "real_servers": UNMANAGED}, {**MAPPED, "real_servers": None}], WITHOUT_REAL_SERVERS),
        ([{**WEB, "state": "absent"}], WITHOUT_REAL_SERVERS),
        # A teardown of what the description no longer has, with a group that is misspelt.
        ([], replace(WITHOUT_REAL_SERVERS, state="absent")),
    ],
)
def test_group_of_real_servers_is_empty(services: Any, inventory: Inventory) -> None:
    """Where a service has all of them: it would have none."""
    assert EMPTY_GROUP in faults(services, inventory)


@pytest.mark.parametrize(
    ("services", "inventory"),
    [
        ([{**WEB, "real_servers": UNMANAGED}], WITHOUT_REAL_SERVERS),
        ([{**WEB, "real_servers": []}], WITHOUT_REAL_SERVERS),
        ([{**WEB, "real_servers": []}], replace(WITHOUT_REAL_SERVERS, state="absent")),
        ([], WITHOUT_REAL_SERVERS),
        ([], replace(LAB, state="absent")),
    ],
)
def test_group_of_real_servers_may_be_empty(services: Any, inventory: Inventory) -> None:
    """Where all services name their real servers, and where there is nothing to set up."""
    assert make_plan(services, inventory).real_servers.keys() == set(inventory.real_servers)


@pytest.mark.parametrize("services", ["web", 5, None, ["web"], {"web": 80}])
def test_services_that_are_none_are_no_fault_of_the_group(services: Any) -> None:
    assert EMPTY_GROUP not in faults(services, WITHOUT_REAL_SERVERS)


def test_empty_group_has_its_own_name() -> None:
    inventory = replace(WITHOUT_REAL_SERVERS, real_servers_group="webs")
    assert faults([WEB], inventory) == [EMPTY_GROUP.replace("group realservers", "group webs")]


@pytest.mark.parametrize(
    ("inventory", "message"),
    [
        (
            with_host("rs2", rip=HOSTS["rs1"].rip),
            f"host rs2: {HOSTS['rs1'].rip} is the address of rs1, too: give each host its own, in lvs_rip",
        ),
        (with_host("rs2", rip=DIP), f"host rs2: {DIP} is the address of ds1, too: give each host its own, in lvs_rip"),
        (with_host("rs2", rip6=f"{HOSTS['rs1'].rip} "), f"host rs2: {HOSTS['rs1'].rip} is the address of rs1, too"),
        (
            replace(LAB, hosts={**HOSTS, "rs1": Host("10.0.0.3", "FD00::3"), "rs2": Host("10.0.0.4", "fd00:0::3")}),
            "host rs2: fd00::3 is the address of rs1, too: give each host its own",
        ),
    ],
)
def test_address_of_two_hosts(inventory: Inventory, message: str) -> None:
    """Of the cluster, however it is written."""
    found = [fault for fault in faults([{**WEB, "real_servers": []}], inventory) if "too" in fault]
    assert len(found) == 1
    assert found[0].startswith(message)


def test_address_of_three_hosts() -> None:
    """Each further one is a fault; of a director, with the name of its variable."""
    same = {name: Host(DIP) for name in ("ds1", "ds2", "rs1")}
    inventory = replace(LAB, hosts={**HOSTS, **same}, directors=["ds1", "ds2"])
    found = [fault for fault in faults([{**WEB, "real_servers": []}], inventory) if "too" in fault]
    assert [fault.split(":")[0] for fault in found] == ["host ds2", "host rs1"]
    assert "in lvs_dip or ansible_host" in found[0]
    assert "in lvs_rip or ansible_host" in found[1]


@pytest.mark.parametrize(
    "inventory",
    [
        # One host twice: itself, or both of its addresses.
        with_host("rs1", rip6=HOSTS["rs1"].rip),
        # Outside of the cluster, where nothing depends on it.
        with_host("client", rip=DIP),
        replace(LAB, hosts={**HOSTS, "ds1": Host(DIP), "rs1": Host(), "rs2": Host()}),
    ],
)
def test_addresses_that_are_the_hosts_own(inventory: Inventory) -> None:
    make_plan([{**WEB, "real_servers": []}], inventory)
