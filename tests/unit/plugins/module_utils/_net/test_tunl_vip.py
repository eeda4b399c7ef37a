# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module tunl_vip: what it returns, what it refuses because of what the host has, and what it announces."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import announce
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import Mtu, Tunnel, Up, VipAddress
from ansible_collections.lvs.cluster.plugins.module_utils._net.rtnetlink import NetworkBackend
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunl_vip import TunlVip
from tests.unit.helpers import all_refused, refused
from tests.unit.plugins.module_utils._net.hosts import (
    ABSENT,
    ADDRESS,
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
    host,
    listener,
    made,
    owned,
    transition_to,
)

MODULE = TunlVip()


def report(options: dict[str, Any], *items: Any) -> dict[str, Any]:
    """What the module returns, where these items exist afterwards."""
    return MODULE.result(MODULE.parse({**BASE, **options}), host(*items))


def test_report() -> None:
    """The named devices with everything that they hold and use, in the order in which they are named."""
    tunl0 = [TUNNEL, Mtu("tunl0", 1480), UP, ADDRESS, ROUTE, VipAddress("tunl0", OTHER)]
    lvs0 = [Tunnel("lvs0", "gre", RIP, DIP), Mtu("lvs0", 1476), Up("lvs0")]
    facts = {"name": "tunl0", "kind": "ipip", "mtu": 1480, "up": True, "vips": ["192.168.56.185", "192.168.56.186"]}
    assert report({"vips": ["192.168.56.185"]}, *tunl0, *lvs0) == {"devices": [facts]}
    (listening,) = owned(listener(6080, "tunl0", "sit0"))
    assert report(GUE, *tunl0, *lvs0, listening) == {"devices": [{**facts, "tunnel_port": 6080}]}
    assert report({}, listening, *tunl0) == {"devices": [{**facts, "tunnel_port": 6080}]}
    assert report({"device": "lvs0"}, *lvs0, listening)["devices"][0].get("tunnel_port") is None
    rows = [{"device": "lvs0", **GRE, "remote": str(DIP)}, {"device": "gone0"}, {"device": "tunl0"}]
    ends = {"kind": "gre", "local": "192.168.56.183", "remote": "192.168.56.181"}
    assert report({"devices": rows}, *tunl0, *lvs0) == {
        "devices": [{"name": "lvs0", "mtu": 1476, "up": True, "vips": [], **ends}, facts]
    }


def test_report_of_a_vip_that_remains() -> None:
    """A VIP that another program added is not removed; a warning says how to remove it."""
    there = [TUNNEL, ADDRESS, *owned(VipAddress("tunl0", OTHER))]
    both = {"vips": ["192.168.56.185", "192.168.56.186"]}
    (warning,) = report({**ABSENT, **both}, *there)["warnings"]
    assert warning == (
        "vips: 192.168.56.185 on tunl0 was not added by this collection, and remains:"
        " ip address del 192.168.56.185/32 dev tunl0"
    )
    assert "warnings" not in report({**ABSENT, "vips": ["192.168.56.186"]}, *there)
    assert "warnings" not in report(both, *there)


def test_report_of_a_device_that_was_removed() -> None:
    """There is nothing to return of it."""
    options = {**ABSENT, "device": "lvs0"}
    transition = transition_to(options, host(*owned(Tunnel("lvs0", "gre", RIP), Up("lvs0")), Mtu("lvs0", 1476)))
    assert [change.command() for change in transition.changes] == ["ip link del lvs0"]
    assert MODULE.result(MODULE.parse({**BASE, **options}), transition.after())["devices"] == []


def test_report_of_a_listener_after_the_changes() -> None:
    """With the listener that is created, and without the one that is removed."""
    present, absent = MODULE.parse({**BASE, **GUE}), MODULE.parse({**BASE, **ABSENT, **GUE})
    transition = transition_to(GUE, host(TUNNEL, UP))
    assert MODULE.result(present, transition.after())["devices"][0]["tunnel_port"] == 6080
    transition = transition_to({**ABSENT, **GUE}, made(transition))
    assert "tunnel_port" not in MODULE.result(absent, transition.after())["devices"][0]


def test_report_of_nothing() -> None:
    """Check mode on a host that cannot be read."""
    assert MODULE.result(MODULE.parse({**BASE, "vips": [str(VIP)]}), MODULE.empty_host()) == {"devices": []}


# Conflicts with what the host has


def plan(options: dict[str, Any], *items: Any, **network: Any) -> Any:
    """What the module plans for a host with these items and devices."""
    return MODULE.plan(MODULE.parse({**BASE, **options}), host(*items, **{"devices": ("lo", "eth0"), **network}))


OWN = {"device": "own", "tunnel_type": "gre", "local": str(RIP)}
OWN6 = {"device": "own", **GUE, "local": str(RIP6)}
THERE: dict[str, Any] = {"devices": ("lo", "eth0", "own")}
MOVED = "choose another VIP if it is the host's own address, otherwise name device={} or remove it there first ({})"
SAME_ENDS = (
    "tunnel between them: use other for both, give one of them another local or remote, or remove other in a task before"
    " (ip link del other)"
)


@pytest.mark.parametrize(
    ("options", "items", "network", "option", "says"),
    [
        ({"device": "eth9"}, [], {}, "device", "eth9 does not exist: this host has lo, eth0"),
        (GUE, [], {"listeners": {(4, 6080): False}}, "tunnel_port", "6080 already has a FOU listener that is not GUE"),
        (GUE, [], {"bound_ports": frozenset({(4, 6080)})}, "tunnel_port", "6080 is in use by another program"),
        (OWN, [], THERE, "device", "own exists already and is no tunnel: choose another device"),
        (OWN, [Tunnel("own", "sit", RIP)], THERE, "device", "own exists already and is of the kind sit"),
        (OWN, owned(Tunnel("own", "sit", RIP)), THERE, "device", "own exists already and is of the kind sit"),
        (
            OWN,
            [Tunnel("own", "gre", DIP)],
            THERE,
            "device",
            "own was not created by this collection, and is another tunnel (ip link add own type gre local 192.168.56.181)",
        ),
        (
            {"vips": [str(VIP)]},
            [],
            {"holders": {VIP: {"eth0": 24}}},
            "device",
            f"tunl0 cannot hold {VIP}, which is on eth0: {MOVED.format('eth0', f'ip address del {VIP}/24 dev eth0')}",
        ),
        (
            {"device": "eth0", "vips": [str(VIP6)]},
            [],
            {"holders": {VIP6: {"lo": 128}}},
            "device",
            f"eth0 cannot hold {VIP6}, which is on lo: {MOVED.format('lo', f'ip -6 address del {VIP6}/128 dev lo')}",
        ),
        (
            OWN,
            [Tunnel("other", "gre", RIP)],
            {},
            "device",
            f"own cannot have the ends of other (local 192.168.56.183, remote any), as the kernel takes one gre {SAME_ENDS}",
        ),
        # Changed in place.
        (
            OWN,
            [*owned(Tunnel("own", "gre", DIP)), Tunnel("other", "gre", RIP)],
            THERE,
            "device",
            "own cannot have the ends of other",
        ),
        (
            {"device": "lo", "vips": [str(VIP6)]},
            [],
            {"ipv6_disabled": frozenset({"lo"})},
            "device",
            "lo has IPv6 switched off: set net.ipv6.conf.lo.disable_ipv6 to 0",
        ),
    ],
)
def test_conflict(options: dict[str, Any], items: list[Any], network: dict[str, Any], option: str, says: str) -> None:
    """Refused for what should exist; a removal has no conflicts."""
    with refused(option, says):
        plan(options, *items, **network)
    plan({**options, **ABSENT}, *items, **network)


@pytest.mark.parametrize(
    ("options", "items", "network"),
    [
        ({"device": "eth0"}, [], {}),
        (GUE, [listener(6080)], {"bound_ports": frozenset({(4, 6080)})}),
        (GUE, [], {"bound_ports": frozenset({(6, 6080), (4, 6081)})}),
        (OWN, [], {}),
        (OWN, [Tunnel("own", "gre", RIP)], THERE),
        (OWN, owned(Tunnel("own", "gre", DIP)), THERE),
        ({}, [TUNNEL], {"devices": ("tunl0",)}),
        ({"vips": [str(VIP)]}, [ADDRESS], {"holders": {VIP: {"tunl0": 32}}}),
        ({"vips": [str(VIP)]}, owned(VipAddress("eth0", VIP)), {"holders": {VIP: {"eth0": 24}}}),
        # It is on both already.
        ({"vips": [str(VIP)]}, [ADDRESS], {"holders": {VIP: {"tunl0": 32, "eth0": 24}}}),
        ({"device": "eth0", "vips": [str(VIP)]}, [VipAddress("eth0", VIP)], {"holders": {VIP: {"eth0": 24, "lo": 32}}}),
        # Other ends.
        (OWN, [Tunnel("other", "gre", RIP, DIP), Tunnel("third", "ipip", RIP)], {}),
        (
            OWN,
            owned(Tunnel("own", "gre", RIP, checksum=True)),
            {**THERE, "tunnel_ends": {Tunnel("", "gre", DIP).ends: "other"}},
        ),
        # The options do not say what the packets in it are.
        (OWN6, [Tunnel("own", "ip6tnl", RIP6, inner=4)], THERE),
        # A tunnel with a key or a device exists beside another one.
        (OWN, [Tunnel("own", "gre", RIP)], {**THERE, "tunnel_ends": {Tunnel("", "gre", RIP).ends: "other"}}),
        ({"device": "lo", "vips": [str(VIP)]}, [], {"ipv6_disabled": frozenset({"lo"})}),
    ],
)
def test_no_conflict(options: dict[str, Any], items: list[Any], network: dict[str, Any]) -> None:
    """What the options describe exists already, or is owned, or concerns something else."""
    plan(options, *items, **network)


def test_first_conflict_of_each_device() -> None:
    """All at once."""
    rows = [{"device": "eth8", "vips": [str(VIP)]}, {"device": "eth0"}, {"device": "eth9"}]
    with all_refused("device: eth8 does not exist: this host has lo", "device: eth9 does not exist: this host has lo"):
        plan({"devices": rows}, holders={VIP: {"lo": 32}})


def test_tunnels_with_the_same_ends_in_a_list() -> None:
    """The first of them is named; a change makes room for what comes behind it, and not for what comes before it."""
    rows = [{**OWN, "device": name} for name in ("own", "own2", "own3")]
    with all_refused("device: own2 cannot have the ends of own (local", "device: own3 cannot have the ends of own (local"):
        plan({"devices": rows})
    plan({"devices": [rows[0], {**rows[1], "remote": str(DIP)}, {**rows[2], "local": str(DIP)}]})
    plan({"devices": [rows[0], {**rows[1], "state": "absent"}]})
    moved = [{**OWN, "local": str(DIP)}, rows[1]]
    there = owned(Tunnel("own", "gre", RIP))
    plan({"devices": moved}, *there, **THERE)
    with refused("device", "own2 cannot have the ends of own"):
        plan({"devices": moved[::-1]}, *there, **THERE)
    # It is removed after what is added.
    with refused("device", "own2 cannot have the ends of own"):
        plan({"devices": [{**OWN, "state": "absent"}, rows[1]]}, *there, **THERE)


def test_tunnels_of_different_families_with_the_same_ends() -> None:
    """To the kernel, the family of the packets makes no difference."""
    rows = [
        {"device": f"in{family}", "tunnel_type": tunnel_type, "local": "2001:db8::183"}
        for family, tunnel_type in ((4, "ipip6"), (6, "ip6ip6"))
    ]
    with refused(
        "device", "in6 cannot have the ends of in4 (local 2001:db8::183, remote any), as the kernel takes one ip6tnl"
    ):
        plan({"devices": rows})


# Announcements


def announced(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], *items: Any) -> list[Any]:
    """The calls that announce VIPs after the changes: each VIP with the devices that hold it."""
    calls: list[Any] = []
    monkeypatch.setattr(announce, "announce", calls.append)
    transition = transition_to(options, host(*items))
    assert MODULE.after(MODULE.parse({**BASE, **options}), NetworkBackend(), transition, print) == {}
    return calls


def test_added_vips_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once; neither a VIP that existed, nor one that is only changed or removed."""
    options = {"device": "sit0", "vips": [str(VIP6), "2001:db8::186", "2001:db8::188"], "announce": True, "purge": True}
    changed = VipAddress("sit0", VIP6, deprecated=False)
    assert announced(monkeypatch, options, changed, *owned(VipAddress("sit0", ip_address("2001:db8::187")))) == [
        {ip_address("2001:db8::186"): ["sit0"], ip_address("2001:db8::188"): ["sit0"]}
    ]
    rows = [{"device": device, "vips": [str(VIP)]} for device in ("tunl0", "gre0")]
    assert announced(monkeypatch, {"devices": rows, "announce": True}) == [{VIP: ["tunl0", "gre0"]}]
    assert announced(monkeypatch, {"vips": [str(VIP)], "announce": True}, TUNNEL, UP, ADDRESS, ROUTE) == []


def test_nothing_is_announced_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server must not announce its VIPs."""
    assert announced(monkeypatch, {"vips": [str(VIP)]}) == []
