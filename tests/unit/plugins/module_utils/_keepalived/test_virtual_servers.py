# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services of keepalived: their options, their blocks, and what is read of a configuration again."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_table import owned
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SCHEDULERS
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.checker import Check
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.service_rules import service_rules
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.virtual_servers import (
    FIRST_MARK,
    MARKS,
    CheckedServer,
    VirtualServer,
    check_number,
    checks_a_second,
    global_lines,
    needs_accept_local,
    read_virtual_servers,
    render,
)
from tests.unit.strategies import valid_destinations, valid_services

from .parser import Block, parsed

SOURCES = [ip_address("192.168.56.181"), ip_address("2001:db8:56::181")]
RIPS = ("192.168.56.183", "192.168.56.184")
WEB: dict[str, Any] = {
    "vip": "192.0.2.1",
    "port": 80,
    "scheduler": "wrr",
    "destinations": [{"rip": rip, "weight": 2, "check": "tcp"} for rip in RIPS],
}


def servers_of(*rows: dict[str, Any]) -> list[VirtualServer]:
    return read_virtual_servers(rows)


def blocks_of(*rows: dict[str, Any]) -> list[Block]:
    return parsed(render(servers_of(*rows), SOURCES))


def server_block(blocks: list[Block]) -> Block:
    """The only service that clients use."""
    (block,) = [block for block in blocks if block[0] == "virtual_server" and "fwmark" not in block]
    return block


def real_servers(block: Block) -> list[Block]:
    return [line for line in block[-1] if line[0] == "real_server"]


def line(block: Block, name: str) -> Any:
    """What is behind a keyword that is there once."""
    (found,) = [line[1:] for line in block[-1] if line[0] == name]
    return found


def test_checks_go_through_a_mark_to_one_real_server() -> None:
    blocks = blocks_of(WEB)
    for rip, real_server in zip(RIPS, real_servers(server_block(blocks))):
        assert real_server[:3] == ["real_server", rip, "80"]
        ((_name, check),) = [entry for entry in real_server[-1] if entry[0] == "TCP_CHECK"]
        assert ["connect_ip", "192.0.2.1"] in check
        assert ["bindto", "192.168.56.181"] in check
        ((_keyword, mark),) = [entry for entry in check if entry[0] == "fwmark"]
        (through,) = [block for block in blocks if block[:3] == ["virtual_server", "fwmark", mark]]
        assert through[-1] == [
            ["ip_family", "inet"],
            ["lb_algo", "rr"],
            ["ops"],
            ["real_server", rip, "0", [["weight", "1"], ["lvs_method", "TUN"]]],
        ]


def test_each_real_server_has_a_file_for_its_weight() -> None:
    blocks = blocks_of(WEB)
    for rip, real_server in zip(RIPS, real_servers(server_block(blocks))):
        (name, weight) = line(real_server, "FILE_CHECK")[0]
        assert weight == ["weight", "1"]
        (tracked,) = [block for block in blocks if block[0] == "track_file" and block[1] == name[1]]
        assert tracked[-1] == [["file", f"/var/lib/lvs.cluster/weights/tcp-192.0.2.1-80-{rip}-80"], ["weight", "1"]]


def test_a_mark_stays_when_another_real_server_is_added() -> None:
    def marks(rows: dict[str, Any]) -> dict[str, str]:
        found = [block for block in blocks_of(rows) if "fwmark" in block]
        return {real_servers(block)[0][1]: block[2] for block in found}

    before = marks(WEB)
    more = [{"rip": f"192.168.57.{number}", "check": "tcp"} for number in range(1, 200)]
    after = marks({**WEB, "destinations": [*more, *WEB["destinations"]]})
    assert before.items() <= after.items()
    assert len(set(after.values())) == 201
    assert all(FIRST_MARK <= int(mark) < FIRST_MARK + MARKS for mark in after.values())


def test_a_mark_of_a_service_is_no_mark_of_a_check() -> None:
    (mark, _other) = sorted(int(block[2]) for block in blocks_of(WEB) if "fwmark" in block)
    marked = {"fwmark": mark, "family": "ipv4", "destinations": [{"rip": RIPS[0]}]}
    marks = [int(block[2]) for block in blocks_of(WEB, marked) if "fwmark" in block]
    assert len(set(marks)) == len(marks) == 3


@pytest.mark.parametrize(
    "service",
    [
        {**WEB, "destinations": [{"rip": RIPS[0], "rport": 8080, "forward": "masquerade", "check": "tcp"}]},
        {"fwmark": 5, "destinations": [{"rip": RIPS[0], "check": {"type": "tcp", "port": 8080}}]},
    ],
)
def test_what_is_rewritten_or_has_no_vip_is_checked_at_its_own_address(service: dict[str, Any]) -> None:
    blocks = blocks_of(service)
    (block,) = [block for block in blocks if block[0] == "virtual_server"]
    check = line(real_servers(block)[0], "TCP_CHECK")[0]
    assert ["connect_ip", RIPS[0]] in check
    assert ["connect_port", "8080"] in check
    assert {entry[0] for entry in check}.isdisjoint({"bindto", "fwmark"})


def test_methods() -> None:
    gue = {"tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "remote_checksum"}
    given: list[dict[str, Any]] = [
        gue,
        {"tunnel_type": "gre"},
        {"forward": "route"},
        {"forward": "local"},
        {"forward": "masquerade", "rport": 81},
    ]
    rows = [{"rip": f"10.0.0.{number}", **row} for number, row in enumerate(given, 1)]
    methods = [line(block, "lvs_method") for block in real_servers(server_block(blocks_of({**WEB, "destinations": rows})))]
    expected = ["TUN type gue port 6080 remcsum", "TUN type gre", "DR", "DR", "NAT"]
    assert [" ".join(method) for method in methods] == expected


def test_options_of_a_service() -> None:
    given = {
        **WEB,
        "scheduler": "mh",
        "scheduler_flags": ["fallback", "port", "flag-3"],
        "persistence_timeout": 60,
        "persistence_netmask": "255.255.255.0",
        "quorum": 3,
        "alpha": True,
        "inhibit_on_failure": True,
        "sorry_server": {"address": "192.168.56.200", "forward": "tunnel"},
    }
    block = server_block(blocks_of(given))
    names = [entry[0] for entry in block[-1]]
    assert {"mh-port", "mh-fallback", "flag-3", "alpha", "inhibit_on_failure"} <= set(names)
    # Flags depend on the scheduler that was read before.
    assert names.index("lb_algo") < names.index("mh-port")
    assert line(block, "persistence_granularity") == ["255.255.255.0"]
    assert line(block, "quorum") == ["3"]
    assert line(block, "sorry_server") == ["192.168.56.200", "80"]
    assert line(block, "sorry_server_lvs_method") == ["TUN"]


def test_udp_in_single_packets() -> None:
    given = {**WEB, "protocol": "udp", "one_packet": True, "destinations": [{"rip": RIPS[0], "check": "dns"}]}
    block = server_block(blocks_of(given))
    assert ["ops"] in block[-1]
    assert line(block, "protocol") == ["UDP"]


def test_ipv6_through_ipv4() -> None:
    given = {**WEB, "vip": "2001:db8::1"}
    blocks = blocks_of(given)
    check = line(real_servers(server_block(blocks))[0], "TCP_CHECK")[0]
    assert ["bindto", "2001:db8:56::181"] in check
    assert [block[-1][:1][0] for block in blocks if "fwmark" in block] == [["ip_family", "inet6"]] * 2
    with pytest.raises(Invalid, match="sources: IPv6 is missing"):
        render(servers_of(given), SOURCES[:1])


def test_programs_run_as_root_only_where_there_are_some() -> None:
    program = {**WEB, "destinations": [{"rip": RIPS[0], "check": {"type": "misc", "command": "/c"}}]}
    assert global_lines(servers_of(WEB)) == []
    assert "enable_script_security" in global_lines(servers_of(program))


def test_quorum_is_told_where_it_can_be_lost() -> None:
    """By a program without a shell, that runs as root."""
    unchecked = {**WEB, "port": 81, "destinations": [{"rip": RIPS[0]}, {"rip": RIPS[1], "check": "none"}]}
    marked = {"fwmark": 5, "family": "ipv6", "destinations": [{"rip": "2001:db8::5", "check": {"type": "tcp", "port": 80}}]}
    servers = [replace(server, track_quorum=True) for server in servers_of(WEB, unchecked, marked)]
    told = [
        [line(block, f"quorum_{name}") for name in ("up", "down") if [f"quorum_{name}"] in [row[:1] for row in block[-1]]]
        for block in parsed(render(servers, SOURCES))
        if block[0] == "virtual_server" and (block[1] != "fwmark" or block[2] == "5")
    ]
    paths = ["/run/lvs.cluster.quorum.tcp-192.0.2.1-80", None, "/run/lvs.cluster.quorum.fwmark-5-ipv6"]
    expected = [
        [[f"/bin/cp /run/lvs.cluster.quorum.{name} {path}"] for name in ("up", "down")] if path else [] for path in paths
    ]
    assert told == expected
    assert "enable_script_security" in global_lines(servers)
    assert global_lines(servers[1:2]) == global_lines(servers_of(WEB)) == []
    assert "quorum_" not in render(servers_of(WEB, marked), SOURCES)


def test_accept_local_is_for_ipv4_with_a_mark() -> None:
    assert needs_accept_local(servers_of(WEB))
    assert not needs_accept_local(servers_of({**WEB, "vip": "2001:db8::1"}))
    assert not needs_accept_local(servers_of({**WEB, "destinations": [{"rip": RIPS[0]}]}))
    rewritten = {"rip": RIPS[0], "forward": "masquerade", "check": "tcp"}
    assert not needs_accept_local(servers_of({**WEB, "destinations": [rewritten]}))


def test_no_more_checks_than_ports() -> None:
    fast = {"type": "tcp", "delay_loop": 0.5}
    rows = [{"rip": f"10.0.{number >> 8}.{number & 255}", "check": fast} for number in range(1, 236)]
    servers = servers_of({**WEB, "destinations": rows[:235]})
    assert checks_a_second(servers) == 470
    check_number(servers)
    with pytest.raises(Invalid, match="delay_loop: 480 checks a second are more than the 470"):
        check_number([*servers, *servers_of({**WEB, "port": 81, "destinations": rows[:5]})])


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"destinations": []}, "weight: 0 of all real servers together is not enough"),
    ({"destinations": [{"rip": RIPS[0], "weight": 0}]}, "of all real servers together"),
    ({"destinations": [{"rip": RIPS[0], "weight": 65536}]}, "real server 192.168.56.183, weight: 65536 is above 65535"),
    ({"destinations": [{"rip": RIPS[0], "check": "dns"}]}, "real server 192.168.56.183, check: dns cannot check a service"),
    (
        {"destinations": [{"rip": RIPS[0], "check": {"type": "tcp", "pott": 1}}]},
        "destinations[0], check, pott: 1 is an unknown",
    ),
    ({"quorum": 5}, "quorum: 5 is more than the 4"),
    ({"quorum": 0}, "quorum: 0 is not in 1..2147483647"),
    ({"scheduler": "wrrr"}, "scheduler: 'wrrr' is not one of rr"),
    ({"sorry_server": {"address": RIPS[0]}}, "sorry_server, address: 192.168.56.183 is a real server of this service"),
    ({"sorry_server": {"address": "192.0.2.1"}}, "sorry_server, address: 192.0.2.1 is the VIP itself"),
    ({"sorry_server": {"address": "2001:db8::2"}}, "sorry_server, address: 2001:db8::2 is no IPv4 address"),
    ({"sorry_server": {"address": "10.0.0.1", "port": 81}}, "sorry_server, port: 81 differs from the service's port"),
    ({"sorry_server": {"port": 81}}, "sorry_server, address: is missing"),
    ({"sorry_server": "10.0.0.1"}, "sorry_server: '10.0.0.1' is not a dictionary"),
    ({"sorry_server": {"address": "x", "prot": 1}}, "sorry_server, prot: 1 is an unknown option"),
    ({"check": "tcp"}, "check: 'tcp' is an unknown option"),
]


@pytest.mark.parametrize(("options", "message"), FAULTS, ids=str)
def test_faults_name_their_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        servers_of({**WEB, **options})
    assert f"services[0], {message}" in str(caught.value) or message in str(caught.value)


def test_a_check_of_all_ports_needs_one() -> None:
    every = {"vip": "192.0.2.1", "port": 0, "persistence_timeout": 60}
    with pytest.raises(Invalid, match="check, port: is missing"):
        servers_of({**every, "destinations": [{"rip": RIPS[0], "check": "tcp"}]})
    servers_of({**every, "destinations": [{"rip": RIPS[0], "check": {"type": "tcp", "port": 80}}]})


def test_what_should_not_exist_is_left_out() -> None:
    rows = [*WEB["destinations"], {"rip": "10.0.0.9", "state": "absent"}]
    (server,) = servers_of({**WEB, "destinations": rows}, {"vip": "192.0.2.9", "port": 1, "state": "absent"})
    assert [str(real_server.destination.key.rip) for real_server in server.real_servers] == list(RIPS)


def test_a_service_is_listed_once() -> None:
    with pytest.raises(Invalid, match="is listed twice"):
        servers_of(WEB, WEB)


@st.composite
def virtual_servers(draw: st.DrawFn) -> VirtualServer:
    service = replace(draw(valid_services()), scheduler=draw(st.sampled_from(SCHEDULERS)))
    destinations = draw(st.lists(valid_destinations(service.key), min_size=1, max_size=3, unique_by=lambda item: item.key))
    checks = st.sampled_from([None, Check("none"), Check("misc", command=("/c", "}"))])
    weights = st.integers(1, 65535)
    return VirtualServer(
        service,
        tuple(CheckedServer(replace(item, weight=draw(weights)), draw(checks)) for item in destinations),
        quorum=draw(st.none() | st.just(1)),
        alpha=draw(st.booleans()),
        track_quorum=draw(st.booleans()),
    )


@given(st.lists(virtual_servers(), max_size=3, unique_by=lambda server: server.key))
def test_what_is_written_is_found_again(servers: list[VirtualServer]) -> None:
    """By the parser of keepalived, and by those who ask what keepalived owns."""
    text = render(servers, SOURCES)
    blocks = parsed(text)
    assert {block[0] for block in blocks} <= {"virtual_server", "track_file"}
    found = owned(text)
    for server in servers:
        assert list(found[server.key]) == [real_server.destination.key for real_server in server.real_servers]
        assert [entry.weight for entry in found[server.key].values()] == [
            real_server.destination.weight for real_server in server.real_servers
        ]
        assert all(entry.weight_file for entry in found[server.key].values())
    rules = [rule.partition("  # ")[0] for rule in service_rules(text) if rule.startswith("-")]
    assert rules[len(rules) - sum(1 + len(server.real_servers) for server in servers) :] == [
        rule
        for server in servers
        for rule in (server.service.rule(), *(one.destination.boot_rule() for one in server.real_servers))
    ]
    others = found.keys() - {server.key for server in servers}
    assert all(FIRST_MARK <= key.fwmark < FIRST_MARK + MARKS for key in others)
    assert len(blocks) == len(found) + sum(len(server.real_servers) for server in servers)


def test_nothing_is_owned_where_nothing_is_configured() -> None:
    assert owned("vrrp_instance lvs_1 {\n    virtual_ipaddress {\n    }\n}\n") == {}
    assert set(owned(render(servers_of(WEB), SOURCES))) >= {ServiceKey(4, "tcp", ip_address("192.0.2.1"), 80)}
