# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw values in, checked values out."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model import values
from tests.unit.helpers import refused


@pytest.mark.parametrize("value", ["192.168.56.185", " 192.168.56.185\n", ip_address("192.168.56.185")])
def test_address(value: object) -> None:
    """However it is written."""
    assert values.address("vip", value) == ip_address("192.168.56.185")


def test_ipv6_address_has_one_form() -> None:
    """Long and short forms are the same address."""
    assert values.address("vip", "2001:0DB8:0::00b9") == values.address("vip", "2001:db8::b9")


@pytest.mark.parametrize("value", ["", "web", "192.168.56", "192.168.56.256", "192.168.56.0/24", "1.2.3.4:80", None, 80])
def test_no_address(value: object) -> None:
    """The message shows what one looks like."""
    with refused("vip", "is not an IP address: write one like 192.168.56.185"):
        values.address("vip", value)


@pytest.mark.parametrize("value", ["224.0.0.81", "239.255.255.255", "ff02::1", "0.0.0.0", "::", "255.255.255.255"])
def test_no_unicast_address(value: str) -> None:
    """Multicast, unspecified and broadcast addresses."""
    with refused("rip", "is not a unicast address: a host must be able to hold it"):
        values.address("rip", value)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), ("80", 80), (65535, 65535)])
def test_port(value: object, expected: int) -> None:
    """The first, one as a string, the last."""
    assert values.port("port", value) == expected


@pytest.mark.parametrize("value", [0, 65536, -1, "0"])
def test_port_out_of_range(value: object) -> None:
    """The message has the range."""
    with refused("rport", f"{value} is not in 1..65535"):
        values.port("rport", value)


@pytest.mark.parametrize("value", ["http", "", "80.0", 80.0, True, None, [80]])
def test_no_whole_number(value: object) -> None:
    """A bool and a float are none either."""
    with refused("port", "is not a whole number"):
        values.port("port", value)


@pytest.mark.parametrize("value", [0, 1, 2147483647])
def test_weight(value: int) -> None:
    """What the kernel keeps in a signed int."""
    assert values.weight("weight", value) == value


@pytest.mark.parametrize("value", [-1, 2147483648])
def test_weight_out_of_range(value: int) -> None:
    """The message has the range."""
    with refused("weight", f"{value} is not in 0..2147483647"):
        values.weight("weight", value)


@pytest.mark.parametrize("value", ["udp", "tcp"])
def test_choice(value: str) -> None:
    """One of the words."""
    assert values.choice("protocol", value, ("tcp", "udp")) == value


@pytest.mark.parametrize("value", ["TCP", "", "icmp", None, ["tcp"]])
def test_no_choice(value: Any) -> None:
    """The message has all of the words."""
    with refused("protocol", "is not one of tcp, udp"):
        values.choice("protocol", value, ("tcp", "udp"))


@pytest.mark.parametrize("value", ["tunl0", "eth0.100", "a", "abcdefghijklmno", "..."])
def test_device(value: str) -> None:
    """What the kernel takes for a name."""
    assert values.device("device", value) == value


@pytest.mark.parametrize("value", ["", ".", "..", "eth0/1", "eth0:1", "eth 0", "\teth0", "abcdefghijklmnop"])
def test_no_device(value: str) -> None:
    """What it does not take; some of these would be paths elsewhere in procfs."""
    with refused("device", "is not a device name: up to 15 bytes"):
        values.device("device", value)


@pytest.mark.parametrize(("host", "expected"), [("192.0.2.1", "192.0.2.1:80"), ("2001:db8::1", "[2001:db8::1]:80")])
def test_endpoint(host: str, expected: str) -> None:
    """As ipvsadm writes it."""
    assert values.endpoint(ip_address(host), 80) == expected


@pytest.mark.parametrize(
    ("family", "length", "expected"),
    [(4, 24, "255.255.255.0"), (4, 0, "0.0.0.0"), (4, 32, "255.255.255.255"), (6, 64, "64")],
)
def test_netmask(family: int, length: int, expected: str) -> None:
    """As ipvsadm -M takes it."""
    assert values.netmask(family, length) == expected
