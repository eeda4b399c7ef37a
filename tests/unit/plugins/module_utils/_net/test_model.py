# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and the VIPs on them: what options describe, what comes, and what goes."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import (
    ANY_DEVICE,
    FALLBACK_DEVICES,
    ROW_OPTIONS,
    TUNNEL_TYPES,
    HostRoute,
    Listener,
    Mtu,
    Part,
    Tunnel,
    Up,
    VipAddress,
    device_report,
    wanted_vips,
    what_goes,
)
from tests.unit.helpers import all_refused, applied, refused

VIP, OTHER, VIP6 = (ip_address(text) for text in ("192.168.56.185", "192.168.56.186", "2001:db8::185"))
RIP, RIP6, DIP = (ip_address(text) for text in ("192.168.56.183", "2001:db8::183", "192.168.56.181"))
BASE: dict[str, Any] = {**dict.fromkeys((*ROW_OPTIONS, "devices")), "state": "present", "purge": False}
ABSENT = {"state": "absent"}
GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre", "local": str(RIP)}

TUNNEL, UP = Tunnel("tunl0", "ipip"), Up("tunl0")
ADDRESS, ROUTE = VipAddress("tunl0", VIP), HostRoute("tunl0", VIP)
ADDRESS6 = VipAddress("sit0", VIP6, deprecated=True)


def ours(*items: Any) -> list[Any]:
    """The same, made here; copies, as an item that is marked stays so."""
    return [_copy(item).marked(True) for item in items]


def _copy(item: Any) -> Any:
    return type(item)(*(getattr(item, name) for name, one in item.__dataclass_fields__.items() if one.init))


def listener(port: int, *users: str, outer: int = 4) -> Listener:
    """A listener that these devices use."""
    return Listener(ANY_DEVICE, outer, port, frozenset(users))


def held(device: str, vip: Any) -> list[Any]:
    """A VIP on a device, with its route."""
    return [VipAddress(device, vip), HostRoute(device, vip)]


def outcome(options: dict[str, Any], *items: Any) -> tuple[list[str], set[Any]]:
    """The commands that lead from these items to what the options ask for, and what there is then; a second run has none."""
    options, current = {**BASE, **options}, {item.key: item for item in items}

    def changes() -> Any:
        return reconcile(what_goes(options, wanted_vips(options), current), current)

    first = changes()
    for change in first:
        current = applied([change], current)
        if change.action == "remove" and change.item.key.what == "tunnel":  # all that is on a device goes with it
            current = {key: item for key, item in current.items() if key.device != change.item.device}
        elif change.after is not None:
            current[change.item.key] = change.after.marked(True)
    assert changes() == []
    return [change.line() for change in first if change.line()], set(current.values())


def lines(options: dict[str, Any], *items: Any) -> list[str]:
    """The commands alone."""
    return outcome(options, *items)[0]


# ----- what comes


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
    """Whatever is missing is added, in an order that works; tunl0 is the device where none is named."""
    assert lines({"vips": [str(VIP)], "device": device}, *there) == commands


def test_vips_of_an_ordinary_device() -> None:
    """It has to be there, and is brought up; a VIP that is named twice comes once; the kernel makes the IPv6 route itself."""
    assert lines({"device": "eth0", "vips": ["192.168.56.185", "2001:db8::185", "192.168.56.185 ", "2001:DB8:0::185"]}) == [
        "ip link set eth0 up",
        "ip address add 192.168.56.185/32 dev eth0",
        "ip route add 192.168.56.185 dev eth0 scope link",
        "ip -6 address add 2001:db8::185/128 dev eth0 preferred_lft 0 nodad",
    ]


@pytest.mark.parametrize("vips", [None, []])
def test_device_alone(vips: Any) -> None:
    """A tunnel's end for VIPs that another device holds."""
    assert lines({"device": "sit0", "vips": vips}) == ["ip link add sit0 type sit", "ip link set sit0 up"]


def test_ipv6_vip_becomes_deprecated() -> None:
    """One that was put there by hand could be the source of a packet."""
    there = [Tunnel("sit0", "sit"), Up("sit0"), VipAddress("sit0", VIP6)]
    assert lines({"device": "sit0", "vips": [str(VIP6)]}, *there) == [
        "ip -6 address change 2001:db8::185/128 dev sit0 preferred_lft 0 nodad"
    ]
    assert VipAddress("sit0", VIP6).line() == "ip -6 address add 2001:db8::185/128 dev sit0 preferred_lft forever nodad"
    assert ADDRESS6.line("remove") == "ip -6 address del 2001:db8::185/128 dev sit0"


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
    """Made as its module would make it, whether its type is named or not."""
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
def test_device_of_its_own(tunnel_type: str, local: Any, vips: list[Any], kind: str) -> None:
    """Of the kind that its type, the family of its ends and that of its VIPs ask for."""
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
    """The far end, if only one may send; GRE with a checksum on the way in; GUE takes either."""
    gre = {"device": "lvs0", "tunnel_type": "gre", "local": str(RIP), "remote": str(DIP), "tunnel_checksum": "checksum"}
    assert lines(gre)[0] == "ip link add lvs0 type gre local 192.168.56.183 remote 192.168.56.181 icsum"
    assert lines({**gre, "tunnel_checksum": "none"})[0].endswith("remote 192.168.56.181")
    gue = {**gre, "tunnel_type": "gue", "tunnel_port": "6080", "tunnel_checksum": "remote_checksum"}
    assert lines(gue)[1] == "ip link add lvs0 type ipip local 192.168.56.183 remote 192.168.56.181"


def test_tunnel_of_its_own_is_set_as_it_shall_be() -> None:
    """All of its options, so that one that is left out goes back; those of a fallback device cannot be set."""
    gre = {"device": "lvs0", "tunnel_type": "gre", "local": str(RIP)}
    there = Tunnel("lvs0", "gre", ip_address("192.168.56.184"), DIP, checksum=True)
    assert lines(gre, *ours(there), Up("lvs0")) == ["ip link set lvs0 type gre local 192.168.56.183"]
    v4in6 = {"device": "lvs0", "tunnel_type": "ipip6", "local": str(RIP6)}
    assert lines(v4in6, *ours(Tunnel("lvs0", "ip6tnl", RIP6, inner=6)), Up("lvs0")) == [
        "ip link set lvs0 type ip6tnl mode ipip6 local 2001:db8::183"
    ]


@pytest.mark.parametrize("there", [[listener(6080)], ours(listener(6080, "tunl0")), ours(listener(6080, "sit0"))])
def test_listener(there: list[Any]) -> None:
    """One for all devices that use it; made before the first of them is, and left alone where somebody else made it."""
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
    """Set before the device is up, and left alone where it is not stated."""
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


# ----- what cannot be


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
        ({**GUE, "device": "lvs0"}, "local", "is missing: lvs0 is a device of its own"),
    ],
)
def test_bad_options(options: dict[str, Any], option: str, says: str, state: str) -> None:
    """A value that cannot work, in either state."""
    with refused(option, says):
        wanted_vips({**BASE, "vips": [str(VIP)], **options, "state": state})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"tunnel_type": "vxlan", "device": "lvs0"}, "tunnel_type", f"'vxlan' is not one of {', '.join(TUNNEL_TYPES)}"),
        ({"tunnel_type": "gue"}, "tunnel_port", "is missing: tunnel_type=gue needs the UDP port that packets come to"),
        # What each fallback device is for.
        ({"local": str(RIP)}, "local", "192.168.56.183 is not for tunl0, which takes packets from and to any"),
        ({"device": "gre0", "remote": str(DIP)}, "remote", "192.168.56.181 is not for gre0, which takes packets from and to"),
        ({"vips": [VIP6]}, "vips", "of IPv6 do not go with tunl0, which carries IPv4: name sit0, ip6tnl0 or lo"),
        ({"device": "sit0", "vips": [VIP]}, "vips", "of IPv4 do not go with sit0, which carries IPv6: name tunl0 or lo"),
        ({"device": "ip6tnl0", "vips": [VIP6, VIP]}, "vips", "of IPv4 do not go with ip6tnl0, which carries IPv6"),
        ({"tunnel_type": "gre"}, "tunnel_type", "gre is not what tunl0 is for: leave it out, or write gue or ipip"),
        (
            {"device": "sit0", "tunnel_type": "ipip"},
            "tunnel_type",
            "ipip is not what sit0 is for: leave it out, or write gue or",
        ),
        (
            {"device": "ip6tnl0", "tunnel_type": "ipip6"},
            "tunnel_type",
            "is not what ip6tnl0 is for: leave it out, or write gue",
        ),
        ({**GUE, "device": "gre0"}, "tunnel_type", "gue is not what gre0 is for: leave it out, or write gre"),
        (
            {"device": "ip6gre0", "tunnel_type": "gre", "tunnel_checksum": "checksum"},
            "tunnel_checksum",
            "checksum is not for ip6gre0, which takes packets without one: name a device of your own, with local",
        ),
        # What is for tunnels alone.
        (
            {"device": "eth0", "local": str(RIP)},
            "local",
            "is for a tunnel: say with tunnel_type what eth0 is, or leave it out",
        ),
        ({"device": "eth0", "remote": str(RIP)}, "remote", "192.168.56.183 is for a tunnel: say with tunnel_type what eth0"),
        (
            {"device": "eth0", "tunnel_checksum": "checksum"},
            "tunnel_checksum",
            "checksum is for a tunnel: say with tunnel_type",
        ),
        # What a device of its own is.
        ({"device": "lvs0", "tunnel_type": "gre"}, "local", "is missing: lvs0 is a device of its own, and takes the packets"),
        ({"device": "lvs0", **GRE, "local": "rs1"}, "local", "is not an IP address"),
        ({"device": "lvs0", **GRE, "local": "255.255.255.255"}, "local", "is not a unicast address"),
        ({"device": "lvs0", **GRE, "remote": "ds1"}, "remote", "is not an IP address"),
        ({"device": "lvs0", **GRE, "remote": str(RIP6)}, "remote", "2001:db8::183 is not an IPv4 address as local is"),
        (
            {"device": "lvs0", **GRE, "local": RIP6, "remote": RIP},
            "remote",
            "192.168.56.183 is not an IPv6 address as local is",
        ),
        ({"device": "lvs0", **GRE, "tunnel_checksum": "remote_checksum"}, "tunnel_checksum", "is not one of none, checksum"),
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
                f"of both families do not fit into one device of tunnel_type={kind}: take two",
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
    """What a device cannot be; the same within a list, which says where."""
    options = {"device": "tunl0", "vips": [], **options}
    with refused(option, says):
        wanted_vips({**BASE, **options})
    with refused(f"devices[1], {option}", says):
        wanted_vips({**BASE, "devices": [{"device": "lo"}, options]})


def test_all_faults_at_once() -> None:
    """Of one device, and of each in a list; what is beside the list belongs into it."""
    with all_refused("device: 'a b' is not a device name", "vip: 'x' is not an IP", "vip: 127.0.0.1 is a loopback"):
        wanted_vips({**BASE, "device": "a b", "vips": ["x", "127.0.0.1"]})
    rows = [{"device": "tunl0", "vips": ["x"]}, {"device": "lo", "mtu": 0}, {"device": "tunl0"}]
    with all_refused(
        *(f"{name}: 1 stands beside devices: give it within one of them" for name in ROW_OPTIONS),
        "devices[0], vip: 'x' is not an IP address",
        "devices[1], mtu: 0 is not in 68..65535",
        "devices[2], device: tunl0 is devices[0] already",
    ):
        wanted_vips({**BASE, **dict.fromkeys(ROW_OPTIONS, 1), "devices": rows})


# ----- what goes


def test_absent() -> None:
    """What is named, and ours; the rest of the device stays while it carries something."""
    kept = [*ours(TUNNEL, UP), *held("tunl0", OTHER)]
    commands, left = outcome({**ABSENT, "vips": [str(VIP)]}, *kept, *ours(ADDRESS, ROUTE))
    assert commands == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
    ]
    assert left == set(kept)
    assert lines({**ABSENT, "vips": [str(VIP)]}, *kept) == []


@pytest.mark.parametrize("vips", [None, ["192.168.56.185"]])
@pytest.mark.parametrize("there", [[], [TUNNEL, Mtu("tunl0", 1480)], [TUNNEL, UP, ADDRESS, ROUTE, listener(6080)]])
def test_absent_is_not_for_what_others_put_there(there: list[Any], vips: Any) -> None:
    """Nor is there anything to do where there is nothing."""
    assert lines({**ABSENT, "vips": vips}, *there) == []


@pytest.mark.parametrize("vips", [None, [], ["192.168.56.185", "192.168.56.186"]])
def test_device_goes_back_with_the_last_that_it_carried(vips: Any) -> None:
    """What was there before stays, down and with its MTU as it was; that somebody else brought it up is left alone."""
    carried = ours(ADDRESS, ROUTE, *held("tunl0", OTHER))
    down = [*ours(UP, Mtu("tunl0", 1400, 1480))]
    commands, left = outcome({**ABSENT, "vips": vips}, TUNNEL, *down, *carried)
    assert commands == [
        "ip route del 192.168.56.186 dev tunl0 scope link",
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.186/32 dev tunl0",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link set tunl0 down",
        "ip link set tunl0 mtu 1480",
    ]
    assert left == {TUNNEL}
    assert outcome({**ABSENT, "vips": vips}, TUNNEL, UP, Mtu("tunl0", 1480), *carried)[1] == {TUNNEL, UP, Mtu("tunl0", 1480)}


def test_device_that_was_made_goes_with_all_that_is_ours() -> None:
    """At once; and its listener after it, which is none of its parts."""
    made = ours(Tunnel("lvs0", "gre", RIP), Up("lvs0"), *held("lvs0", VIP))
    strange = [TUNNEL, UP, ADDRESS]
    assert outcome({**ABSENT, "device": "lvs0"}, *made, *ours(listener(6080, "lvs0")), *strange) == (
        ["ip link del lvs0", "ip fou del port 6080"],
        set(strange),
    )
    assert outcome({**ABSENT, "device": "lvs0"}, *made, *ours(listener(6080, "lvs0", "tunl0")), *strange) == (
        ["ip link del lvs0"],
        {*strange, listener(6080, "tunl0")},
    )


@pytest.mark.parametrize("other", [VipAddress("lvs0", OTHER), HostRoute("lvs0", OTHER)])
def test_device_that_was_made_stays_for_others(other: Any) -> None:
    """For what somebody else put on it."""
    made = ours(Tunnel("lvs0", "gre", RIP), Up("lvs0"))
    commands, left = outcome({**ABSENT, "device": "lvs0"}, *made, *ours(*held("lvs0", VIP)), other)
    assert commands == ["ip route del 192.168.56.185 dev lvs0 scope link", "ip address del 192.168.56.185/32 dev lvs0"]
    assert left == {*made, other}


UNHELD, UNHEARD, DOWN = "ip address del 192.168.56.185/32 dev tunl0", "ip fou del port 6080", "ip link set tunl0 down"


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        (GUE, [UNHEARD]),
        ({**GUE, "tunnel_port": 6081}, []),
        ({"tunnel_type": "gue", "vips": ["192.168.56.185"]}, [UNHELD]),
        ({**GUE, "vips": ["192.168.56.185"]}, [UNHELD, DOWN, UNHEARD]),
        ({}, [UNHELD, DOWN, UNHEARD]),
        ({"device": "sit0"}, []),
        ({**GUE, "device": "sit0"}, []),
    ],
)
def test_listener_goes(options: dict[str, Any], commands: list[str]) -> None:
    """Where it is named with its port, or with the whole device; a device stays up for one of the two that it carries."""
    assert lines({**ABSENT, **options}, TUNNEL, *ours(UP, ADDRESS, listener(6080, "tunl0"))) == commands
    shared = outcome({**ABSENT, **options}, TUNNEL, *ours(UP, ADDRESS, listener(6080, "tunl0", "lvs0")))
    assert shared[0] == [line for line in commands if line != UNHEARD]
    assert (listener(6080, "lvs0") in shared[1]) == (UNHEARD in commands)
    # Nor is one of somebody else's ours to remove, and no device stays up for it.
    strange = outcome({**ABSENT, **options}, TUNNEL, *ours(UP, ADDRESS), listener(6080))
    assert UNHEARD not in strange[0]
    assert listener(6080) in strange[1]
    assert (DOWN in strange[0]) == (UNHELD in commands)


def test_device_that_only_listens_goes_back_with_its_listener() -> None:
    """It carries nothing else."""
    made = ours(Tunnel("sit0", "sit"), Up("sit0"), listener(6080, "sit0"))
    assert outcome({**ABSENT, **GUE, "device": "sit0"}, *made) == (["ip link del sit0", UNHEARD], set())
    other = ours(listener(6081, "sit0"))
    assert outcome({**ABSENT, **GUE, "device": "sit0"}, *made, *other) == ([UNHEARD], {*made[:2], *other})


def test_absent_in_a_list() -> None:
    """What each row names."""
    rows = [{"device": "tunl0", "vips": ["192.168.56.185"]}, {"device": "sit0"}]
    there = [TUNNEL, *ours(UP, ADDRESS, ROUTE, *held("tunl0", OTHER), Tunnel("sit0", "sit"), Up("sit0"), ADDRESS6)]
    commands, left = outcome({**ABSENT, "devices": rows}, *there)
    assert commands == [
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link del sit0",
    ]
    assert left == {TUNNEL, UP, *held("tunl0", OTHER)}


# What this collection put on three devices, and one VIP that it did not.
ESTATE = [
    TUNNEL, *ours(UP, ADDRESS, ROUTE, listener(6080, "tunl0")), *held("tunl0", OTHER),
    *ours(Tunnel("lvs0", "gre", RIP), Up("lvs0"), VipAddress("lvs0", VIP6, deprecated=True)),
    *ours(Up("lo"), Mtu("lo", 1400, 65536), VipAddress("lo", ip_address("2001:db8::186"), deprecated=True)),
]  # fmt: skip
STRANGERS = {TUNNEL, *held("tunl0", OTHER)}
CLEARED = [
    "ip route del 192.168.56.185 dev tunl0 scope link",
    "ip address del 192.168.56.185/32 dev tunl0",
]
CLEARED_LO = [
    "ip -6 address del 2001:db8::186/128 dev lo",
    "ip link set lo down",
    "ip link set lo mtu 65536",
]


@pytest.mark.parametrize(
    ("options", "commands"),
    [
        # All of one device, which stays up for the device's own sake.
        ({"device": "tunl0"}, [*CLEARED, UNHEARD]),
        ({"device": "tunl0", "vips": ["192.168.56.185"]}, [UNHEARD]),
        ({"device": "tunl0", **GUE}, CLEARED),
        ({"device": "lo"}, CLEARED_LO[:1]),
        # A list is of all devices.
        ({"devices": []}, [*CLEARED, "ip link del lvs0", *CLEARED_LO, UNHEARD]),
        ({"devices": [{"device": "tunl0"}]}, [*CLEARED, "ip link del lvs0", *CLEARED_LO, UNHEARD]),
        (
            {"devices": [{"device": "lo", "vips": ["2001:db8::186"]}, {"device": "lvs0", **GRE}]},
            [*CLEARED, "ip -6 address del 2001:db8::185/128 dev lvs0", UNHEARD],
        ),
    ],
)
def test_purge(options: dict[str, Any], commands: list[str]) -> None:
    """What is ours and not named goes, listeners last; without purge, nothing does."""
    made, left = outcome({"purge": True, **options}, *ESTATE)
    order = ("tunl0", "lvs0", "lo")  # and then the listener
    assert sorted(made, key=lambda line: [word not in line.split() for word in order]) == commands
    assert UNHEARD not in made[:-1]
    assert left >= STRANGERS
    assert lines(options, *ESTATE) == []


def test_purge_is_not_for_what_is_absent() -> None:
    """There, what goes is named."""
    options = {**ABSENT, "purge": True, "device": "tunl0", "vips": ["192.168.56.185"]}
    assert lines(options, *ESTATE) == CLEARED


def test_purge_of_a_listener_that_others_use() -> None:
    """It is for one device, or for all."""
    there = [TUNNEL, *ours(UP, ADDRESS, ROUTE), *ours(listener(6080, "tunl0", "sit0"))]
    purged = {"purge": True, "vips": ["192.168.56.185"]}
    assert outcome(purged, *there) == ([], {TUNNEL, UP, ADDRESS, ROUTE, listener(6080, "sit0")})
    assert lines({"purge": True, "devices": [{"device": "tunl0", "vips": ["192.168.56.185"]}]}, *there) == [UNHEARD]
    assert outcome({**purged, **GUE, "tunnel_port": 6081}, *there) == (
        ["ip fou add port 6081 gue"],
        {TUNNEL, UP, ADDRESS, ROUTE, listener(6080, "sit0"), listener(6081, "tunl0")},
    )


def test_what_comes_comes_first() -> None:
    """A host that changes its tunnels is never without both."""
    options = {"purge": True, "devices": [{"device": "gre0", "vips": ["192.168.56.186"]}]}
    assert lines(options, TUNNEL, *ours(UP, ADDRESS, ROUTE)) == [
        "ip link add gre0 type gre",
        "ip link set gre0 up",
        "ip address add 192.168.56.186/32 dev gre0",
        "ip route add 192.168.56.186 dev gre0 scope link",
        "ip route del 192.168.56.185 dev tunl0 scope link",
        "ip address del 192.168.56.185/32 dev tunl0",
        "ip link set tunl0 down",
    ]


# ----- items and what a module returns


def test_items() -> None:
    """Who made one is no part of what it is; a key and a claim name the same."""
    assert ours(UP) == [UP]
    assert (UP.ours, ours(UP)[0].ours) == (False, True)
    assert Mtu("lo", 1400, 65536) == Mtu("lo", 1400)
    for item, claim in {
        TUNNEL: "tunnel", UP: "up", Mtu("tunl0", 1480): "mtu", ADDRESS: "address 192.168.56.185",
        ROUTE: "route 192.168.56.185", listener(6080): "listener inet 6080", listener(1, outer=6): "listener inet6 1",
    }.items():  # fmt: skip
        assert item.key.claim == claim
        assert Part.of(item.device, claim) == item.key
    for one in (listener(6080, "tunl0", "sit0"), listener(1, outer=6)):
        assert Listener.of(one.key, one.users) == one


def report(options: dict[str, Any], *items: Any) -> dict[str, Any]:
    """What a module returns, where it finds these items afterwards."""
    options = {**BASE, **options}
    return device_report(options, [one.key for one in wanted_vips(options)], {item.key: item for item in items})


def test_report() -> None:
    """The named devices with all that they hold and use, in the order in which they are named."""
    tunl0 = [TUNNEL, Mtu("tunl0", 1480), UP, ADDRESS, ROUTE, VipAddress("tunl0", OTHER)]
    lvs0 = [Tunnel("lvs0", "gre", RIP, DIP), Mtu("lvs0", 1476), Up("lvs0")]
    facts = {"name": "tunl0", "kind": "ipip", "mtu": 1480, "up": True, "vips": ["192.168.56.185", "192.168.56.186"]}
    assert report({"vips": ["192.168.56.185"]}, *tunl0, *lvs0) == {"devices": [facts]}
    listening = listener(6080, "tunl0", "sit0")
    assert report(GUE, *tunl0, *lvs0, listening) == {"devices": [{**facts, "tunnel_port": 6080}]}
    assert report({}, listening, *tunl0) == {"devices": [{**facts, "tunnel_port": 6080}]}
    assert report({"device": "lvs0"}, *lvs0, listening)["devices"][0].get("tunnel_port") is None
    rows = [{"device": "lvs0", **GRE, "remote": str(DIP)}, {"device": "gone0"}, {"device": "tunl0"}]
    ends = {"kind": "gre", "local": "192.168.56.183", "remote": "192.168.56.181"}
    assert report({"devices": rows}, *tunl0, *lvs0) == {
        "devices": [{"name": "lvs0", "mtu": 1476, "up": True, "vips": [], **ends}, facts]
    }


def test_report_of_what_stays() -> None:
    """A VIP that is somebody else's is left there, and the user is told how to remove it."""
    there = [TUNNEL, ADDRESS, *ours(VipAddress("tunl0", OTHER))]
    both = {"vips": ["192.168.56.185", "192.168.56.186"]}
    (warning,) = report({**ABSENT, **both}, *there)["warnings"]
    assert warning == (
        "vips: 192.168.56.185 on tunl0 was not put there by this collection, and stays:"
        " ip address del 192.168.56.185 dev tunl0"
    )
    assert "warnings" not in report({**ABSENT, "vips": ["192.168.56.186"]}, *there)
    assert "warnings" not in report(both, *there)


def test_report_of_a_device_that_went() -> None:
    """There is nothing to tell of it."""
    options, there = (
        {**BASE, **ABSENT, "device": "lvs0"},
        [*ours(Tunnel("lvs0", "gre", RIP), Up("lvs0")), Mtu("lvs0", 1476, of_tunnel=True)],
    )
    current = {item.key: item for item in there}
    changes = reconcile(what_goes(options, wanted_vips(options), current), current)
    assert [change.line() for change in changes] == ["ip link del lvs0"]
    assert report(options, *applied(changes, current).values())["devices"] == []
