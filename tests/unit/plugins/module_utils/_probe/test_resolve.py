# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries for the holders of addresses, on a network with some."""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._probe.resolve import (
    NeighbourQuery,
    probe_query,
    resolve,
)

from .fake_network import FakeNetwork, FakeSocket

DIP, DIP6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
RIP, RIP6 = ip_address("192.0.2.3"), ip_address("2001:db8::3")
ETH0 = Device(2, "eth0", b"\x02\0\0\0\0\x01", True, ())
ETH1 = Device(3, "eth1", b"\x02\0\0\0\0\x02", True, ())
ETH_P_ARP = socket.htons(0x0806)


def mac(number: int) -> bytes:
    return bytes([2, 0, 0, 0, 0, number])


def advertise(network: FakeNetwork, device: int, number: int, hop_limit: int = 255) -> None:
    message = neighbour.advertisement(mac(number), RIP6, False)[40:]
    ancillary = [(41, 52, struct.pack("=i", hop_limit)), (41, 50, struct.pack("=16si", RIP6.packed, device))]
    network.deliver(socket.AF_INET6, 58, message, ("fe80::1", 0), ancillary)


def holders(network: FakeNetwork, *numbers: int) -> list[tuple[Any, ...]]:
    """Hosts on eth0 that hold RIP and RIP6; the queries that they get."""
    queries: list[tuple[Any, ...]] = []

    def on_send(_sock: FakeSocket, _packet: bytes, address: tuple[Any, ...]) -> None:
        device, protocol = address[:2]
        queries.append((device, protocol))
        for number in numbers if device == "eth0" else ():
            if protocol == 0x0806:
                reply = neighbour.arp_request(mac(number), RIP, DIP)
                network.deliver(socket.AF_PACKET, ETH_P_ARP, reply, (device, protocol, 0, 1, mac(number)))
            else:
                advertise(network, ETH0.index, number)

    network.on_send = on_send
    return queries


@pytest.mark.parametrize(("source", "target"), [(DIP, RIP), (DIP6, RIP6)])
def test_the_first_answer_to_a_query_is_enough(network: FakeNetwork, source: Any, target: Any) -> None:
    queries = holders(network, 3)
    query = NeighbourQuery(ETH0, target, source)
    assert resolve([query], 60) == {query: {"02:00:00:00:00:03"}}
    assert len(queries) == 1
    assert network.sockets == []


@pytest.mark.parametrize("target", [RIP, RIP6])
def test_several_may_answer_a_probe(network: FakeNetwork, target: Any) -> None:
    queries = holders(network, 3, 4)
    query, other = probe_query(ETH0, target), probe_query(ETH1, target)
    assert resolve([query, other], 0) == {query: {"02:00:00:00:00:03", "02:00:00:00:00:04"}, other: set()}
    assert len(queries) == 2 * 3  # three attempts
    assert query.is_probe
    assert query.source.is_unspecified


def test_no_answer(network: FakeNetwork) -> None:
    query = NeighbourQuery(ETH0, RIP, DIP)
    queries = holders(network)
    assert resolve([query], 0) == {query: set()}
    assert len(queries) == 3


def test_advertisement_that_a_router_forwarded(network: FakeNetwork) -> None:
    network.on_send = lambda _sock, _packet, _address: advertise(network, ETH0.index, 3, hop_limit=64)
    query = NeighbourQuery(ETH0, RIP6, DIP6)
    assert resolve([query], 0) == {query: set()}


def test_advertisement_on_another_device(network: FakeNetwork) -> None:
    network.on_send = lambda _sock, _packet, _address: advertise(network, ETH1.index, 3)
    query = NeighbourQuery(ETH0, RIP6, DIP6)
    assert resolve([query], 0) == {query: set()}
