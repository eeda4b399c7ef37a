# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VIPs a host on the same link resolves, and what the answers mean."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_neighbours import Link, parse, queries, to_result
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_requests import ProbeFailed

from ....helpers import all_refused, refused

VIP, DIP, OWN = (ip_address(f"192.168.56.{number}") for number in (185, 181, 183))
VIP6, DIP6, OWN6 = (ip_address(f"2001:db8::{number}") for number in (185, 181, 183))
LINK, LINK6 = Link(VIP, DIP), Link(VIP6, DIP6)
ROW = {"vip": str(VIP), "address": str(DIP)}
MAC = "02:00:00:00:00:01"


def options(*rows: Any, **given: Any) -> dict[str, Any]:
    return {"resolve": list(rows), "vip": None, "port": None, "services": None, "through": None, **given}


def host(*interfaces: str, name: str = "eth0", has_neighbours: bool = True, holds: Any = ()) -> Device:
    networks = tuple(map(ip_interface, interfaces))
    return Device(2, name, b"", has_neighbours, networks, (*(network.ip for network in networks), *holds))


ETH0 = host(f"{OWN}/24", f"{OWN6}/64")


def test_options() -> None:
    assert parse(options(ROW, {"vip": str(VIP6), "address": str(DIP6)})) == [LINK, LINK6]
    assert parse(options()) == []


def test_bad_options() -> None:
    with all_refused(
        "port: is given beside resolve", "resolve[0], vip: 127.0.0.1 is a loopback", "resolve[0], address: 'x' is"
    ):
        parse(options({"vip": "127.0.0.1", "address": "x"}, port=80))
    with refused("resolve[0], address", "is of another address family than 192.168.56.185"):
        parse(options({**ROW, "address": str(DIP6)}))


def test_queries_come_from_the_own_address() -> None:
    """As those of a client do; a real server has the VIP on another device."""
    found = queries([LINK, LINK6], [host(name="tunl0", has_neighbours=False, holds=[VIP]), ETH0])
    assert [of_link.link for of_link in found] == [LINK, LINK6]
    sources = [
        (query.device.name, query.source, query.target) for of_link in found for query in of_link.vip + of_link.address
    ]
    assert sources == [
        ("eth0", OWN, VIP), ("eth0", OWN, DIP), ("eth0", OWN6, VIP6), ("eth0", OWN6, DIP6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "device",
    [
        host("192.168.57.183/24"),
        host("192.168.56.186/29"),  # the director's own address is in another network
        host(f"{DIP}/24"),  # the director itself
        host(f"{OWN}/24", has_neighbours=False),
        host(f"{VIP}/24"),  # no address of its own
    ],
)
def test_hosts_that_cannot_ask(device: Device) -> None:
    (of_link,) = queries([LINK], [device])
    assert (of_link.vip, of_link.address) == ((), ())
    assert to_result([of_link], {}) == {"resolved": [], "left_out": [ROW]}


def answered(vip: set[str], address: set[str], link: Link = LINK) -> dict[str, Any]:
    asked = queries([link], [ETH0])
    (of_link,) = asked
    return to_result(asked, {of_link.vip[0]: vip, of_link.address[0]: address})


def test_answers() -> None:
    assert answered({MAC}, {MAC}) == {"resolved": [{**ROW, "macs": [MAC]}], "left_out": []}
    assert answered({MAC}, set())["resolved"][0]["macs"] == [MAC]
    assert answered(set(), set()) == {"resolved": [], "left_out": [ROW]}


@pytest.mark.parametrize(("link", "asked_by"), [(LINK, "ARP requests"), (LINK6, "neighbour solicitations")])
def test_vip_that_is_not_answered(link: Link, asked_by: str) -> None:
    with pytest.raises(ProbeFailed) as caught:
        answered(set(), {MAC}, link)
    text = (
        f"1 of 1 VIPs were not answered:\n{link.vip}: {asked_by} on eth0 are answered for {link.address}, but not for the VIP"
    )
    assert str(caught.value).startswith(text)
    assert caught.value.facts["resolved"][0]["macs"] == []
