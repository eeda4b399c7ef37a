# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight of real servers that are addresses of this host's loopback network; their echo replies are a test's."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.foreign_services import foreign_services
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour, packets
from ansible_collections.lvs.cluster.plugins.module_utils._probe import preflight_sockets
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_options import PreflightRequest, parse
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_sockets import run_preflight

from .fake_network import FakeNetwork, FakeSocket
from .test_preflight_options import PATH, options

RIP, OWN = ip_address("127.0.0.2"), ip_address("127.0.0.1")


@pytest.fixture(autouse=True)
def other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the loopback network, this host has one address."""
    monkeypatch.setattr(neighbour, "is_own", lambda address, devices: address == OWN)


def request(**given: Any) -> PreflightRequest:
    """Of a short timeout, for hosts that answer at once or never."""
    return replace(parse(options(paths=[{**PATH, "rip": str(RIP), **given}])), timeout=0.03)


def path_mtu(network: FakeNetwork, mtu: int) -> list[int]:
    """A real server that echo requests up to a size get to; the sizes that are tried."""
    sizes: list[int] = []

    def on_send(_sock: FakeSocket, packet: bytes, address: tuple[Any, ...]) -> None:
        sizes.append(20 + len(packet))
        if 20 + len(packet) <= mtu:
            reply = packets.ip(ip_address(address[0]), ip_address("127.0.0.1"), 1, b"\0" + packet[1:])
            network.deliver(socket.AF_INET, 1, reply, (address[0], 0))

    network.on_send = on_send
    return sizes


@pytest.mark.parametrize("services", [[], [{"vip": "192.0.2.1", "port": 80}]])
@pytest.mark.usefixtures("network")
def test_foreign_keepalived_is_looked_for_where_there_are_services(
    monkeypatch: pytest.MonkeyPatch, services: list[dict[str, Any]]
) -> None:
    found = foreign_services("include other.conf\n")
    monkeypatch.setattr(preflight_sockets, "running_foreign_services", lambda: found)
    foreign = run_preflight(parse(options(services=services))).foreign
    assert foreign.unread == (found.unread if services else ())


@pytest.mark.parametrize(("mtu", "measured"), [(65535, 65535), (1397, 1397), (576, 576), (575, None)])
def test_path_mtu_is_measured(network: FakeNetwork, mtu: int, measured: int | None) -> None:
    path_mtu(network, mtu)
    finding = run_preflight(request()).paths[RIP]
    assert (finding.source, finding.route_mtu, finding.echo) == (ip_address("127.0.0.1"), 65535, True)
    assert finding.mtu == measured


def test_path_mtu_is_not_measured_for_masquerade(network: FakeNetwork) -> None:
    sizes = path_mtu(network, 1397)
    finding = run_preflight(request(forward="masquerade")).paths[RIP]
    assert (finding.echo, finding.mtu, sizes) == (True, None, [64])


def test_nothing_is_sent_to_real_servers_after_setup(network: FakeNetwork) -> None:
    sizes = path_mtu(network, 65535)
    finding = run_preflight(replace(request(port=80), is_set_up=True)).paths[RIP]
    assert (finding.echo, finding.open_ports, sizes) == (False, set(), [])


def test_port_of_a_real_server_that_answers_no_echo_request(network: FakeNetwork) -> None:
    """It is alive if it refuses a connection, too."""
    path_mtu(network, 0)
    with socket.create_server((str(RIP), 0)) as server:
        port = server.getsockname()[1]
        accepting = run_preflight(request(port=port)).paths[RIP]
    refusing = run_preflight(request(port=port)).paths[RIP]
    for finding in (accepting, refusing):
        assert (finding.echo, finding.mtu, finding.open_ports) == (False, None, {port})


def test_address_of_this_host_and_no_route(network: FakeNetwork) -> None:
    """Neither is probed. The kernel refuses the broadcast address, as it refuses an address without a route."""
    sizes = path_mtu(network, 65535)
    broadcast = ip_address("255.255.255.255")
    (path,) = request(port=80).paths
    paths = (replace(path, rip=OWN), replace(path, rip=broadcast))
    findings = run_preflight(replace(request(), paths=paths)).paths
    assert (findings[OWN].is_own, findings[OWN].problem) == (True, "")
    assert findings[broadcast].source is None
    assert findings[broadcast].problem  # which, depends on this host's routes
    assert sizes == []
