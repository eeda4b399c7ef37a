# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs and directors in the networks of a host's devices, and in others."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import RouterVip, VirtualRouter
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.networks import check
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from tests.unit.helpers import all_refused

DIP, DIP6 = "192.0.2.2", "2001:db8::2"


def device(name: str, *addresses: str, has_neighbours: bool = True) -> Device:
    """A device with these addresses, each with the length of its prefix."""
    interfaces = tuple(map(ip_interface, addresses))
    networks = tuple(interface for interface in interfaces if interface.network.num_addresses > 1)
    return Device(2, name, b"", has_neighbours, networks, tuple(interface.ip for interface in interfaces))


ETH0 = device("eth0", f"{DIP}/24", f"{DIP6}/64", "fe80::2/64")
ETH1 = device("eth1", "198.51.100.2/24", "2001:db8:1::2/64", "fe80::3/64")
DUMMY = device("dummy0", "203.0.113.1/24", has_neighbours=False)
HOST = [device("lo", "127.0.0.1/8", has_neighbours=False), ETH0, ETH1, DUMMY]


def router(*vips: tuple[str, str | None], source: str = DIP, peers: tuple[str, ...] = ()) -> VirtualRouter:
    """A virtual router with these VIPs and their devices."""
    of_router = tuple(RouterVip(ip_address(vip), name) for vip, name in vips)
    return VirtualRouter(51, ip_address(source), tuple(map(ip_address, peers)), vips=of_router)


@pytest.mark.parametrize(
    ("vip", "name", "network", "facing"),
    [
        ("198.51.100.80", None, "198.51.100.0/24", "eth1"),
        ("192.0.2.80", "eth1", "192.0.2.0/24", "eth0"),
        ("2001:db8:1::80", "eth0", "2001:db8:1::/64", "eth1"),
        ("198.51.100.80", "eth9", "198.51.100.0/24", "eth1"),
    ],
)
def test_vip_in_the_network_of_another_device(vip: str, name: str | None, network: str, facing: str) -> None:
    """Nobody there would hear that it has moved."""
    with pytest.raises(InvalidValue) as error:
        check(router((vip, name)), "eth0", HOST)
    assert str(error.value) == (
        f"vips: {vip} would be added to {name or 'eth0'}, and is in {network}, the network of {facing}, where no host would"
        f" be told that it has moved: let {facing} have it (device; director_device of the service, or lvs_director_device)"
    )


@pytest.mark.parametrize(
    ("vip", "name"),
    [
        ("192.0.2.80", None),
        ("198.51.100.80", "eth1"),
        ("2001:db8::80", "eth0"),
        ("fe80::80", "eth1"),  # a network of both
        ("10.0.0.80", None),  # routed to the director
        ("203.0.113.80", None),  # the same, with the prefix on a device without neighbours
    ],
)
def test_vip_that_can_move(vip: str, name: str | None) -> None:
    check(router((vip, name)), "eth0", HOST)


def test_device_of_the_vip_that_is_down() -> None:
    """The network is its own all the same, though it is another one's as well."""
    down = device("eth1", "192.0.2.3/24", has_neighbours=False)
    check(router(("192.0.2.80", "eth1")), "eth0", [ETH0, down])


@pytest.mark.parametrize(
    ("source", "peer"),
    [(DIP, "192.0.3.3"), (DIP, "198.51.100.3"), (DIP6, "2001:db8:1::3"), ("fe80::2", "2001:db8:2::3")],
)
def test_director_in_another_network(source: str, peer: str) -> None:
    """Also in one of another device: VIPs are not there."""
    with pytest.raises(InvalidValue) as error:
        check(router(source=source, peers=(peer,)), "eth1", HOST)
    assert str(error.value) == (
        f"peers: {peer} is in no network of eth0, which has this director's own address {source}, and VIPs cannot move to"
        " another network: give the directors addresses of one network (lvs_dip)"
    )


@pytest.mark.parametrize(
    ("source", "peers"),
    [
        (DIP, ("192.0.2.3", "192.0.2.4")),
        (DIP6, ("2001:db8::3",)),
        ("fe80::2", ("fe80::9",)),
        (DIP, ()),  # multicast
        ("10.0.0.2", ("10.9.0.2",)),  # of no device
    ],
)
def test_directors_in_one_network(source: str, peers: tuple[str, ...]) -> None:
    check(router(source=source, peers=peers), "eth0", HOST)


@pytest.mark.parametrize(("source", "peer"), [("192.0.2.2/32", "192.0.3.3"), ("2001:db8::2/128", "2001:db8::3")])
def test_source_without_a_network(source: str, peer: str) -> None:
    """As DHCPv6 assigns it: which addresses are neighbours is not known from it."""
    check(router(source=source.partition("/")[0], peers=(peer,)), "eth0", [device("eth0", source, "fe80::2/64")])


def test_all_faults_at_once() -> None:
    vips = ("198.51.100.80", None), ("192.0.2.80", "eth1"), ("192.0.2.81", None)
    with all_refused("vips: 198.51.100.80 would", "vips: 192.0.2.80 would", "peers: 192.0.3.3 is"):
        check(router(*vips, peers=("192.0.2.3", "192.0.3.3")), "eth0", HOST)
