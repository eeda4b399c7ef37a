# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of tunl_vip: the items that they describe, and the values that cannot work."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
import yaml

from ansible_collections.lvs.cluster.plugins.module_utils._net.model import FALLBACK_DEVICES, Mtu, Tunnel, Up, VipAddress
from ansible_collections.lvs.cluster.plugins.module_utils._net.options import ARGUMENT_SPEC, DEVICE_OPTIONS, read_options
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunnel import DEVICE_TYPES
from ansible_collections.lvs.cluster.plugins.modules import tunl_vip
from tests.unit.helpers import all_refused, refused
from tests.unit.plugins.module_utils._net.hosts import (
    ABSENT,
    ADDRESS,
    ADDRESS6,
    BASE,
    DIP,
    GRE,
    GUE,
    OTHER,
    RIP,
    RIP6,
    ROUTE,
    TUNNEL,
    UP,
    VIP,
    VIP6,
    lines,
    listener,
    outcome,
    owned,
)


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
        ([TUNNEL, ADDRESS, ROUTE], ["ip link set tunl0 up"]),
        ([TUNNEL, UP, ROUTE], ["ip address add 192.168.56.185/32 dev tunl0"]),
        ([TUNNEL, UP, ADDRESS], ["ip route add 192.168.56.185 dev tunl0 scope link"]),
        ([TUNNEL, UP, ADDRESS, ROUTE], []),
        ([TUNNEL, UP, VipAddress("eth0", VIP), ROUTE], ["ip address add 192.168.56.185/32 dev tunl0"]),
    ],
)
@pytest.mark.parametrize("device", ["tunl0", None])
def test_present(device: str | None, there: list[Any], commands: list[str]) -> None:
    """Whatever is missing is added, in an order that works; tunl0 is the default device."""
    assert lines({"vips": [str(VIP)], "device": device}, *there) == commands


def test_vips_of_an_ordinary_device() -> None:
    """It has to exist, and is brought up; a VIP that is named twice is added once; the kernel adds the IPv6 route."""
    assert lines({"device": "eth0", "vips": ["192.168.56.185", "2001:db8::185", "192.168.56.185 ", "2001:DB8:0::185"]}) == [
        "ip link set eth0 up",
        "ip address add 192.168.56.185/32 dev eth0",
        "ip route add 192.168.56.185 dev eth0 scope link",
        "ip -6 address add 2001:db8::185/128 dev eth0 preferred_lft 0 nodad",
    ]


@pytest.mark.parametrize("vips", [None, []])
def test_device_alone(vips: Any) -> None:
    """The end of a tunnel, for VIPs that another device holds."""
    assert lines({"device": "sit0", "vips": vips}) == ["ip link add sit0 type sit", "ip link set sit0 up"]


def test_ipv6_vip_becomes_deprecated() -> None:
    """One that was added by hand could be the source of a packet."""
    there = [Tunnel("sit0", "sit"), Up("sit0"), VipAddress("sit0", VIP6)]
    assert lines({"device": "sit0", "vips": [str(VIP6)]}, *there) == [
        "ip -6 address change 2001:db8::185/128 dev sit0 preferred_lft 0 nodad"
    ]
    assert VipAddress("sit0", VIP6).command() == "ip -6 address add 2001:db8::185/128 dev sit0 preferred_lft forever nodad"
    assert ADDRESS6.command("remove") == "ip -6 address del 2001:db8::185/128 dev sit0"


@pytest.mark.parametrize(
    ("device", "kind", "fitting", "vips"),
    [
        ("tunl0", "ipip", "ipip", [VIP]),
        ("sit0", "sit", "sit", [VIP6]),
        ("ip6tnl0", "ip6tnl", "ip6ip6", [VIP6]),
        ("gre0", "gre", "gre", [VIP, VIP6]),
        ("ip6gre0", "ip6gre", "gre", [VIP, VIP6]),
    ],
)
def test_fallback_device(device: str, kind: str, fitting: str, vips: list[Any]) -> None:
    """Created as its module would create it, whether its type is named or not."""
    assert FALLBACK_DEVICES[device] == kind
    for tunnel_type in (None, fitting):
        for checksum in (None, "none"):
            made = {"device": device, "tunnel_type": tunnel_type, "tunnel_checksum": checksum, "vips": vips}
            assert lines(made)[:2] == [f"ip link add {device} type {kind}", f"ip link set {device} up"]


OWN = [
    ("ipip", RIP, [], "ipip"),
    ("ipip", RIP, [VIP, OTHER], "ipip"),
    ("sit", RIP, [VIP6], "sit"),
    ("ip6ip6", RIP6, [VIP6], "ip6tnl mode ip6ip6"),
    ("ipip6", RIP6, [VIP], "ip6tnl mode ipip6"),
    ("ipip6", RIP6, [], "ip6tnl mode ipip6"),
    ("gre", RIP, [], "gre"),
    ("gre", RIP, [VIP, VIP6], "gre"),
    ("gre", RIP6, [VIP, VIP6], "ip6gre"),
    ("gue", RIP, [], "ipip"),
    ("gue", RIP, [VIP], "ipip"),
    ("gue", RIP, [VIP6], "sit"),
    ("gue", RIP6, [VIP6], "ip6tnl mode ip6ip6"),
    ("gue", RIP6, [VIP], "ip6tnl mode ipip6"),
]


@pytest.mark.parametrize(("tunnel_type", "local", "vips", "kind"), OWN, ids=str)
def test_other_tunnel_device(tunnel_type: str, local: Any, vips: list[Any], kind: str) -> None:
    """Its kind follows from its type, the family of its ends and that of its VIPs."""
    port = 6080 if tunnel_type == "gue" else None
    options = {"device": "lvs0", "tunnel_type": tunnel_type, "local": f" {local}", "vips": vips, "tunnel_port": port}
    held_there = lines({"device": "eth0", "vips": vips}, Up("eth0"))
    assert lines(options) == [
        *([f"ip {'fou' if local is RIP else '-6 fou'} add port 6080 gue"] if port else []),
        f"ip link add lvs0 type {kind} local {local}",
        "ip link set lvs0 up",
        *(line.replace("eth0", "lvs0") for line in held_there),
    ]


def test_ends_and_checksum_of_a_tunnel() -> None:
    """The remote address, if only one may send; GRE with a checksum; GUE takes either."""
    gre = {"device": "lvs0", "tunnel_type": "gre", "local": str(RIP), "remote": str(DIP), "tunnel_checksum": "checksum"}
    assert lines(gre)[0] == "ip link add lvs0 type gre local 192.168.56.183 remote 192.168.56.181 icsum"
    assert lines({**gre, "tunnel_checksum": "none"})[0].endswith("remote 192.168.56.181")
    gue = {**gre, "tunnel_type": "gue", "tunnel_port": "6080", "tunnel_checksum": "remote_checksum"}
    assert lines(gue)[1] == "ip link add lvs0 type ipip local 192.168.56.183 remote 192.168.56.181"


def test_tunnel_is_set_to_its_options() -> None:
    """All of them, so that one that is left out goes back; a fallback device has none."""
    gre = {"device": "lvs0", "tunnel_type": "gre", "local": str(RIP)}
    there = Tunnel("lvs0", "gre", ip_address("192.168.56.184"), DIP, checksum=True)
    assert lines(gre, *owned(there), Up("lvs0")) == ["ip link set lvs0 type gre local 192.168.56.183"]
    v4in6 = {"device": "lvs0", "tunnel_type": "ipip6", "local": str(RIP6)}
    assert lines(v4in6, *owned(Tunnel("lvs0", "ip6tnl", RIP6, inner=6)), Up("lvs0")) == [
        "ip link set lvs0 type ip6tnl mode ipip6 local 2001:db8::183"
    ]


@pytest.mark.parametrize(
    ("options", "tunnel"),
    [
        ({"tunnel_type": "sit", "local": str(RIP)}, Tunnel("lvs0", "sit", RIP)),
        ({"tunnel_type": "gre", "local": str(RIP)}, Tunnel("lvs0", "gre", RIP)),
        # Without VIPs, nothing says the family of the packets: it remains.
        ({**GUE, "local": str(RIP6)}, Tunnel("lvs0", "ip6tnl", RIP6, inner=4)),
    ],
)
def test_tunnel_as_the_kernel_has_it(options: dict[str, Any], tunnel: Tunnel) -> None:
    """It needs no change."""
    there = [*owned(tunnel, Up("lvs0")), listener(6080, outer=6)]
    assert lines({"device": "lvs0", **options}, *there) == []


@pytest.mark.parametrize("there", [[listener(6080)], owned(listener(6080, "tunl0")), owned(listener(6080, "sit0"))])
def test_listener(there: list[Any]) -> None:
    """One for all devices that use it; created before the first of them, and left alone if another program created it."""
    gue = {**GUE, "vips": [str(VIP)]}
    assert lines(gue, TUNNEL, UP, ADDRESS, ROUTE) == ["ip fou add port 6080 gue"]
    assert lines(gue, TUNNEL, UP, ADDRESS, ROUTE, *there) == []
    assert lines({**gue, "tunnel_port": 6081}, TUNNEL, UP, ADDRESS, ROUTE, *there) == ["ip fou add port 6081 gue"]
    rows = [{**GUE, "device": "tunl0"}, {**GUE, "device": "ip6tnl0"}, {**GUE, "device": "sit0"}]
    commands, after = outcome({"devices": rows})
    assert commands == [
        "ip fou add port 6080 gue",
        "ip -6 fou add port 6080 gue",
        *(line for device in ("tunl0", "ip6tnl0", "sit0") for line in lines({"device": device})),
    ]
    assert after >= {listener(6080, "tunl0", "sit0"), listener(6080, "ip6tnl0", outer=6)}


@pytest.mark.parametrize(
    ("mtu", "vips"), [(68, []), (68, [VIP]), (1280, [VIP6]), (1400, [VIP, VIP6]), ("1480", []), (65535, [])]
)
def test_mtu(mtu: Any, vips: list[Any]) -> None:
    """Set before the device is up, and left alone if it is not given."""
    options = {"device": "gre0", "vips": vips, "mtu": mtu}
    there = [Tunnel("gre0", "gre"), Mtu("gre0", 1476)]
    assert lines(options, *there)[:2] == [f"ip link set gre0 mtu {mtu}", "ip link set gre0 up"]
    assert lines({**options, "mtu": None}, *there)[0] == "ip link set gre0 up"
    assert [line for line in lines(options, there[0], Mtu("gre0", int(mtu))) if "mtu" in line] == []


def test_several_devices() -> None:
    """Each as if it were alone, in their order."""
    rows: list[dict[str, Any]] = [
        {"device": "tunl0", "vips": ["192.168.56.185"], "tunnel_type": "gue", "tunnel_port": 6080},
        {"device": "lvsgre", "tunnel_type": "gre", "tunnel_checksum": "checksum", "local": "192.168.56.183"},
        {"device": "lo", "vips": ["2001:db8::185"]},
    ]
    listening, *others = lines(rows[0])
    assert lines({"devices": rows}) == [listening, *others, *lines(rows[1]), *lines(rows[2])]
    # A listener is there before any of them.
    assert lines({"devices": rows[::-1]}) == [listening, *lines(rows[2]), *lines(rows[1]), *others]
    assert lines({"devices": []}) == []


# Values that cannot work


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"vips": ["web"]}, "vip", "is not an IP address: write one like"),
        ({"vips": ["224.0.0.81"]}, "vip", "is not a unicast address"),
        ({"vips": ["127.0.0.5"]}, "vip", "is a loopback address"),
        ({"device": "eth0:1"}, "device", "is not a device name"),
        ({"device": "../eth0"}, "device", "is not a device name"),
        ({"tunnel_port": 6080}, "tunnel_port", "6080 is for tunnel_type=gue: leave it out"),
        ({"tunnel_port": 6080, "tunnel_type": "ipip"}, "tunnel_port", "6080 is for tunnel_type=gue: leave it out"),
        ({**GUE, "tunnel_port": 0}, "tunnel_port", "0 is not in 1..65535"),
        ({**GUE, "tunnel_port": 65536}, "tunnel_port", "65536 is not in 1..65535"),
        ({**GUE, "device": "lvs0"}, "local", "is missing: lvs0 is no fallback device"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str, state: str) -> None:
    """A value that cannot work, in either state."""
    with refused(option, says):
        read_options({**BASE, "vips": [str(VIP)], **options, "state": state})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"tunnel_type": "vxlan", "device": "lvs0"}, "tunnel_type", f"'vxlan' is not one of {', '.join(DEVICE_TYPES)}"),
        ({"tunnel_type": "gue"}, "tunnel_port", "is missing: tunnel_type=gue needs the UDP port of the tunnel"),
        # Fallback devices.
        ({"local": str(RIP)}, "local", "192.168.56.183 is not for tunl0, which has no fixed addresses"),
        ({"device": "gre0", "remote": str(DIP)}, "remote", "192.168.56.181 is not for gre0, which has no fixed addresses"),
        ({"vips": [VIP6]}, "vips", "of IPv6 cannot be on tunl0, which carries IPv4: use sit0, ip6tnl0 or lo"),
        ({"device": "sit0", "vips": [VIP]}, "vips", "of IPv4 cannot be on sit0, which carries IPv6: use tunl0 or lo"),
        ({"device": "ip6tnl0", "vips": [VIP6, VIP]}, "vips", "of IPv4 cannot be on ip6tnl0, which carries IPv6"),
        ({"tunnel_type": "gre"}, "tunnel_type", "gre is not for tunl0: leave it out, or write gue or ipip"),
        (
            {"device": "sit0", "tunnel_type": "ipip"},
            "tunnel_type",
            "ipip is not for sit0: leave it out, or write gue or",
        ),
        (
            {"device": "ip6tnl0", "tunnel_type": "ipip6"},
            "tunnel_type",
            "is not for ip6tnl0: leave it out, or write gue",
        ),
        ({**GUE, "device": "gre0"}, "tunnel_type", "gue is not for gre0: leave it out, or write gre"),
        (
            {"device": "ip6gre0", "tunnel_type": "gre", "tunnel_checksum": "checksum"},
            "tunnel_checksum",
            "checksum is not for ip6gre0, which accepts only packets without one: use another device name, with local",
        ),
        # Options of tunnels.
        (
            {"device": "eth0", "local": str(RIP)},
            "local",
            "is for tunnel devices: set tunnel_type for eth0, or leave it out",
        ),
        ({"device": "eth0", "remote": str(RIP)}, "remote", "192.168.56.183 is for tunnel devices: set tunnel_type for eth0"),
        (
            {"device": "eth0", "tunnel_checksum": "checksum"},
            "tunnel_checksum",
            "checksum is for tunnel devices: set tunnel_type",
        ),
        # Other tunnel devices.
        ({"device": "lvs0", "tunnel_type": "gre"}, "local", "is missing: lvs0 is no fallback device, and accepts packets"),
        ({"device": "lvs0", **GRE, "local": "rs1"}, "local", "is not an IP address"),
        ({"device": "lvs0", **GRE, "local": "255.255.255.255"}, "local", "is not a unicast address"),
        ({"device": "lvs0", **GRE, "local": "fe80::183"}, "local", "is a link-local address, which can be neither a RIP nor"),
        ({"device": "lvs0", **GRE, "remote": "ds1"}, "remote", "is not an IP address"),
        ({"device": "lvs0", **GRE, "remote": str(RIP6)}, "remote", "2001:db8::183 is not an IPv4 address as local is"),
        (
            {"device": "lvs0", **GRE, "local": RIP6, "remote": RIP},
            "remote",
            "192.168.56.183 is not an IPv6 address as local is",
        ),
        (
            {"device": "lvs0", **GRE, "tunnel_checksum": "remote_checksum"},
            "tunnel_checksum",
            "is not for tunnel_type=gre: gue has",
        ),
        *(
            (
                {"device": "lvs0", "tunnel_type": kind, "local": local, "vips": []},
                "local",
                f"is an IPv{local.version} address, and tunnel_type={kind} runs over IPv{10 - local.version}",
            )
            for kind, local in (("ipip", RIP6), ("sit", RIP6), ("ip6ip6", RIP), ("ipip6", RIP))
        ),
        *(
            (
                {"device": "lvs0", "tunnel_type": kind, "local": local, "vips": [vip]},
                "tunnel_type",
                f"{kind} carries IPv{10 - vip.version}, and the VIPs are IPv{vip.version}",
            )
            for kind, local, vip in (("ipip", RIP, VIP6), ("sit", RIP, VIP), ("ip6ip6", RIP6, VIP), ("ipip6", RIP6, VIP6))
        ),
        *(
            (
                {"device": "lvs0", "tunnel_type": kind, "local": RIP, "vips": [VIP, VIP6], "tunnel_port": port},
                "vips",
                f"of both families cannot be on one device with tunnel_type={kind}: use two devices",
            )
            for kind, port in (("ipip", None), ("sit", None), ("gue", 6080))
        ),
        ({"mtu": 67}, "mtu", "67 is not in 68..65535"),
        ({"mtu": 65536}, "mtu", "65536 is not in 68..65535"),
        ({"mtu": "big"}, "mtu", "is not a whole number: write one from 68 to 65535"),
        ({"device": "gre0", "vips": [VIP, VIP6], "mtu": 1279}, "mtu", "1279 is not in 1280..65535"),
    ],
)
def test_bad_device(options: dict[str, Any], option: str, says: str) -> None:
    """The same message in a list, with the place in front."""
    options = {"device": "tunl0", "vips": [], **options}
    with refused(option, says):
        read_options({**BASE, **options})
    with refused(f"devices[1], {option}", says):
        read_options({**BASE, "devices": [{"device": "lo"}, options]})


def test_all_faults_at_once() -> None:
    """Of one device, and of each in a list, and of the options that cannot be combined with it."""
    with all_refused("device: 'a b' is not a device name", "vip: 'x' is not an IP", "vip: 127.0.0.1 is a loopback"):
        read_options({**BASE, "device": "a b", "vips": ["x", "127.0.0.1"]})
    rows = [{"device": "tunl0", "vips": ["x"]}, {"device": "lo", "mtu": 0}, {"device": "tunl0"}]
    with all_refused(
        *(f"{name}: 1 cannot be combined with devices: set it for one of them" for name in DEVICE_OPTIONS),
        "devices[0], vip: 'x' is not an IP address",
        "devices[1], mtu: 0 is not in 68..65535",
        "devices[2], device: tunl0 is devices[0] already",
    ):
        read_options({**BASE, **dict.fromkeys(DEVICE_OPTIONS, 1), "devices": rows})


def test_absent_listener_is_not_created() -> None:
    """Not even where nothing is known of the host."""
    assert read_options({**BASE, **ABSENT, **GUE}).wanted == []


def test_documentation_has_the_same_options() -> None:
    """Names, types, choices and defaults; those of C(state) may come from a fragment."""
    documented = yaml.safe_load(tunl_vip.DOCUMENTATION)["options"]
    assert {*documented, "state"} == {*ARGUMENT_SPEC}
    assert {*documented["devices"]["suboptions"]} == {*ARGUMENT_SPEC["devices"]["options"]}
    rows = zip((documented, documented["devices"]["suboptions"]), (ARGUMENT_SPEC, ARGUMENT_SPEC["devices"]["options"]))
    for described, spec in rows:
        for name, option in described.items():
            fields = {key: value for key, value in option.items() if key not in ("description", "suboptions")}
            assert (name, fields) == (name, {key: value for key, value in spec[name].items() if key != "options"})
