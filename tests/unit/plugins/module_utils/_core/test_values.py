# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw values in, checked values out."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
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


numbers = st.integers(0, 300).map(str) | st.sampled_from(["00", "01", "001", "1000", "-1", "+1", " 1", "1_0", "", "\u0661"])


@given(st.lists(numbers, min_size=3, max_size=5).map(".".join))
def test_address_is_what_the_library_takes_for_one(text: str) -> None:
    """Neither more nor less, whatever way there is to the same result."""
    try:
        expected = ip_address(text.strip())
    except ValueError:
        with refused("rip", "is not an IP address"):
            values.any_address("rip", text)
    else:
        assert values.any_address("rip", text) == expected


@pytest.mark.parametrize("value", ["224.0.0.81", "239.255.255.255", "ff02::1", "0.0.0.0", "::", "255.255.255.255"])
def test_no_unicast_address(value: str) -> None:
    """Multicast, unspecified and broadcast addresses."""
    with refused("rip", "is not a unicast address: a host must be able to hold it"):
        values.address("rip", value)


@pytest.mark.parametrize("value", ["2001:db8::1%1", "ff02::81%eth0"])
def test_no_address_with_a_scope(value: str) -> None:
    """IPVS knows no devices."""
    for read in (values.address, values.any_address):
        with refused("rip", "has a scope, which IPVS does not know: leave out what is behind the %"):
            read("rip", value)


@pytest.mark.parametrize("value", ["fe80::1%eth0", "febf::1%2"])
def test_no_link_local_address_with_a_scope(value: str) -> None:
    """Without the scope, the kernel would refuse it."""
    says = "is a link-local address with a scope, and IPVS knows no scopes: name a global or unique local address"
    for read in (values.address, values.any_address):
        with refused("rip", says):
            read("rip", value)
    with refused("vip", says):
        values.vip(value)


@pytest.mark.parametrize("value", ["fe80::1", "febf:ffff::", ip_address("fe80::b9")])
def test_no_link_local_address(value: object) -> None:
    """The kernel refuses it as a RIP; it is an address nevertheless."""
    says = "is a link-local address, which can be neither a RIP nor the end of a tunnel of IPVS: name a global or unique"
    with refused("rip", says):
        values.address("rip", value)
    assert values.any_address("rip", value) == ip_address(str(value))


@pytest.mark.parametrize("value", ["fe7f:ffff::1", "fec0::1", "fd00::1", "169.254.1.1"])
def test_beside_link_local_addresses(value: str) -> None:
    """Those of IPv4 belong to no link, as far as the kernel knows."""
    assert values.address("rip", value) == ip_address(value)


@pytest.mark.parametrize("value", ["224.0.0.81", "ff02::81", "0.0.0.0", "127.0.0.1"])
def test_any_address(value: str) -> None:
    """Whether or not a host can hold it."""
    assert values.any_address("group", value) == ip_address(value)


NETWORK_VIPS = ["192.168.56.185", "2001:db8::b9", "10.0.0.0", "169.254.1.1", "fe80::1"]


@pytest.mark.parametrize("value", [*NETWORK_VIPS, "127.0.0.1", "127.1.2.3", "::1"])
def test_vip(value: str) -> None:
    """Whatever a client can reach, also one on the director itself."""
    assert values.vip(value) == ip_address(value)


@pytest.mark.parametrize("value", NETWORK_VIPS)
def test_network_vip(value: str) -> None:
    """Whatever a client on another host can reach."""
    assert values.network_vip(value) == ip_address(value)


@pytest.mark.parametrize("read", [values.vip, values.network_vip])
@pytest.mark.parametrize(
    ("value", "says"),
    [("web", "is not an IP address: write one like"), ("224.0.0.81", "is not a unicast address"), ("::", "is not a unicast")],
)
def test_no_vip(read: Any, value: str, says: str) -> None:
    """What no host can hold."""
    with refused("vip", says):
        read(value)


@pytest.mark.parametrize("value", ["127.0.0.1", "127.1.2.3", "::1"])
def test_no_network_vip(value: str) -> None:
    """A real server may be the host itself, and a client, but nobody else."""
    with refused("vip", "is a loopback address, which every host has on lo and no other host reaches: leave it out"):
        values.network_vip(value)


def test_real_server_on_the_loopback_device() -> None:
    """It has one."""
    assert values.address("rip", "127.0.0.1") == ip_address("127.0.0.1")


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (" 4 ", 4), ("+5", 5), ("-3", -3), ("007", 7)])
def test_integer(value: object, expected: int) -> None:
    """A number, or a string of its digits, as Jinja makes it."""
    assert values.integer("count", value, -3, 7) == expected


@pytest.mark.parametrize("value", [-4, 8, "8", "99999999999999999999"])
def test_integer_out_of_range(value: object) -> None:
    """The message has the range."""
    with refused("count", f"{value} is not in -3..7"):
        values.integer("count", value, -3, 7)


@pytest.mark.parametrize("value", ["1e3", "0x10", "1_000", "\u0663", "1 0", "--1", "+", b"1", {}])
def test_no_integer(value: object) -> None:
    """Neither in another notation, nor in other digits."""
    with refused("count", f"{value!r} is not a whole number: write one from 0 to 9999"):
        values.integer("count", value, 0, 9999)


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


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_weight(value: int) -> None:
    """What ipvsadm(8) takes."""
    assert values.weight("weight", value) == value


@pytest.mark.parametrize("value", [-1, 2147483648])
def test_weight_out_of_range(value: int) -> None:
    """The message has the range."""
    with refused("weight", f"{value} is not in 0..2147483647"):
        values.weight("weight", value)


@pytest.mark.parametrize("value", [True, "yes", "TRUE", " on ", 1, "1"])
def test_true(value: object) -> None:
    """In the words of YAML."""
    assert values.boolean("one_packet", value) is True


@pytest.mark.parametrize("value", [False, "no", "False", "off\n", 0, "0"])
def test_false(value: object) -> None:
    """In the words of YAML."""
    assert values.boolean("one_packet", value) is False


@pytest.mark.parametrize("value", ["", "maybe", 2, 1.0, None, [True]])
def test_no_boolean(value: object) -> None:
    """The message shows what was written."""
    with refused("one_packet", f"{value!r} is neither true nor false: write one of them"):
        values.boolean("one_packet", value)


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
    ("family", "value", "expected"),
    [
        (4, 24, "255.255.255.0"),
        (4, " 24 ", "255.255.255.0"),
        (4, "255.255.255.0", "255.255.255.0"),
        (4, "255.255.254.0", "255.255.254.0"),
        (4, 1, "128.0.0.0"),
        (4, "128.0.0.0", "128.0.0.0"),
        (4, 31, "255.255.255.254"),
        (4, 32, ""),
        (4, "255.255.255.255", ""),
        (6, 64, "64"),
        (6, " 64", "64"),
        (6, 1, "1"),
        (6, 32, "32"),
        (6, "127", "127"),
        (6, 128, ""),
    ],
)
def test_netmask(family: int, value: object, expected: str) -> None:
    """As ipvsadm -M takes it, and empty for the whole address, which is no mask."""
    assert values.netmask("persistence_netmask", value, family) == expected


@pytest.mark.parametrize(
    "value",
    [
        33,
        "64",
        128,
        129, -1, "", "/24", "24.0", "\u00b2", "ffff::", True, None,
    ],
)  # fmt: skip
def test_no_netmask_of_ipv4(value: object) -> None:
    with refused("persistence_netmask", f"{value!r} is not a netmask of an IPv4 service: write one like 255.255.255.0 or 24"):
        values.netmask("persistence_netmask", value, 4)


@pytest.mark.parametrize("value", [129, 0, -1, "", "255.255.255.0", "ffff:ffff::", "::", "/64", None])
def test_no_netmask_of_ipv6(value: object) -> None:
    """The length alone, as ipvsadm(8) has it."""
    with refused("persistence_netmask", f"{value!r} is not a netmask of an IPv6 service: write one like 64, 1 to 128 bits"):
        values.netmask("persistence_netmask", value, 6)
