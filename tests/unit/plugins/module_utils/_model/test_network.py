# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VIP on its device."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model.network import HostRoute, Link, VipAddress, wanted_vip
from ansible_collections.lvs.cluster.plugins.module_utils._reconcile import reconcile
from tests.unit.helpers import applied, refused

VIP = IPv4Address("192.168.56.185")
LINK, ADDRESS, ROUTE = Link("tunl0"), VipAddress("tunl0", VIP), HostRoute("tunl0", VIP)
OPTIONS = {"vip": str(VIP), "device": "tunl0", "state": "present"}


def lines(options: dict[str, Any], *items: Any) -> list[str]:
    """The commands that lead from the items there are to what the options describe."""
    changes = reconcile(wanted_vip(options), {item.key: item for item in items})
    return [line for change in changes for line in change.line().splitlines()]


@pytest.mark.parametrize(
    ("there", "commands"),
    [
        (
            [],
            [
                "ip link add tunl0 type ipip",
                "ip link set tunl0 up",
                "ip address add 192.168.56.185/32 dev tunl0",
                "ip route add 192.168.56.185 dev tunl0 scope link",
            ],
        ),
        ([Link("tunl0", up=False), ADDRESS, ROUTE], ["ip link set tunl0 up"]),
        ([LINK, ROUTE], ["ip address add 192.168.56.185/32 dev tunl0"]),
        ([LINK, ADDRESS], ["ip route add 192.168.56.185 dev tunl0 scope link"]),
        ([LINK, ADDRESS, ROUTE], []),
        ([LINK, VipAddress("eth0", VIP), ROUTE], ["ip address add 192.168.56.185/32 dev tunl0"]),
    ],
)
def test_present(there: list[Any], commands: list[str]) -> None:
    """Whatever is missing is added, in an order that works."""
    assert lines(OPTIONS, *there) == commands


def test_absent() -> None:
    """Route and address go; the device, and another VIP on it, stay."""
    other = VipAddress("tunl0", IPv4Address("192.168.56.186"))
    current = {item.key: item for item in (LINK, ADDRESS, ROUTE, other)}
    changes = reconcile(wanted_vip({**OPTIONS, "state": "absent"}), current)
    assert applied(changes, current) == {"tunl0": LINK, other: other}
    assert [change.line() for change in changes] == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
    ]
    assert lines({**OPTIONS, "state": "absent"}, LINK, other) == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"vip": "web"}, "vip", "is not an IP address: write one like"),
        ({"vip": "224.0.0.81"}, "vip", "is not a unicast address"),
        ({"vip": "2001:db8::b9"}, "vip", "the device tunl0 is an IPv4 tunnel: name an IPv4 VIP"),
        (
            {"vip": "2001:db8::b9", "device": "eth0"},
            "vip",
            "the device eth0 is set up for IPv4 only by this version: name an IPv4",
        ),
        ({"device": "eth0:1"}, "device", "is not a device name"),
        ({"device": "../eth0"}, "device", "is not a device name"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str, state: str) -> None:
    """A value that cannot work."""
    with refused(option, says):
        wanted_vip({**OPTIONS, **options, "state": state})


def test_facts() -> None:
    """What a module returns."""
    assert {**LINK.facts(), **ADDRESS.facts(), **ROUTE.facts()} == {
        "device": "tunl0",
        "up": True,
        "address": "192.168.56.185/32",
        "route": "192.168.56.185/32",
    }
