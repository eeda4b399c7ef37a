# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs in the networks of a host's devices, and in others."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import RouterVip, VirtualRouter
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.networks import check
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from tests.unit.helpers import all_refused

DIP = "192.0.2.2"


def device(name: str, *addresses: str, has_neighbours: bool = True) -> Device:
    """A device with these addresses, each with the length of its prefix."""
    interfaces = tuple(map(ip_interface, addresses))
    networks = tuple(interface for interface in interfaces if interface.network.num_addresses > 1)
    return Device(2, name, b"", has_neighbours, networks, tuple(interface.ip for interface in interfaces))


ETH0 = device("eth0", f"{DIP}/24", "2001:db8::2/64", "fe80::2/64")
ETH1 = device("eth1", "198.51.100.2/24", "2001:db8:1::2/64", "fe80::3/64")
DUMMY = device("dummy0", "203.0.113.1/24", has_neighbours=False)
HOST = [device("lo", "127.0.0.1/8", has_neighbours=False), ETH0, ETH1, DUMMY]


def router(*vips: tuple[str, str | None]) -> VirtualRouter:
    """A virtual router with these VIPs and their devices."""
    of_router = tuple(RouterVip(ip_address(vip), name) for vip, name in vips)
    return VirtualRouter(51, ip_address(DIP), vips=of_router)


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
        f"vips: {vip} would be added to {name or 'eth0'}, and is in {network}, the network of {facing}, where no host would be"
        f" told that it has moved: let {facing} have it (device; director_device of the service, or lvs_director_device)"
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


def test_all_faults_at_once() -> None:
    vips = ("198.51.100.80", None), ("192.0.2.80", "eth1"), ("192.0.2.81", None)
    with all_refused("vips: 198.51.100.80 would", "vips: 192.0.2.80 would"):
        check(router(*vips), "eth0", HOST)
