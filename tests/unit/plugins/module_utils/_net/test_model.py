# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of a host's network: their keys and commands."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._net.model import Listener, Mtu, Tunnel, Up
from ansible_collections.lvs.cluster.plugins.module_utils._net.ownership import Claims
from tests.unit.plugins.module_utils._net.hosts import ADDRESS, ADDRESS6, RIP, RIP6, ROUTE, TUNNEL, UP


def test_items() -> None:
    """A key has the device, the kind, and what tells several apart; a claim is made of the last two."""
    for item, claim in {
        TUNNEL: "tunnel", UP: "up", Mtu("tunl0", 1480): "mtu", ADDRESS: "address 192.168.56.185",
        ROUTE: "route 192.168.56.185", Listener(4, 6080): "listener inet 6080", Listener(6, 1): "listener inet6 1",
    }.items():  # fmt: skip
        claims = Claims({item.key}, users={item.key: frozenset()} if isinstance(item, Listener) else {})
        assert [*claims.dump()[item.device]] == [claim]
        assert Claims.load(claims.dump()) == claims
    for listener in (Listener(4, 6080), Listener(6, 1)):
        assert Listener.of(listener.key) == listener


def test_identity() -> None:
    """The key in the words of the options."""
    assert [item.identity() for item in (TUNNEL, UP, Mtu("lo", 1400))] == [
        {"device": "tunl0"}, {"device": "tunl0"}, {"device": "lo"}
    ]  # fmt: skip
    assert ADDRESS.identity() == ROUTE.identity() == {"device": "tunl0", "vip": "192.168.56.185"}
    assert ADDRESS6.identity() == {"device": "sit0", "vip": "2001:db8::185"}
    assert Listener(6, 6080).identity() == {"tunnel_port": 6080, "family": "ipv6"}


def test_commands() -> None:
    """What ip(8) is given to add, to change, and to remove."""
    gre = Tunnel("lvs0", "gre", RIP, checksum=True)
    assert [gre.command(action) for action in ("add", "set", "remove")] == [
        "ip link add lvs0 type gre local 192.168.56.183 icsum",
        "ip link set lvs0 type gre local 192.168.56.183 icsum",
        "ip link del lvs0",
    ]
    assert Tunnel("lvs0", "ip6tnl", RIP6).command() == "ip link add lvs0 type ip6tnl mode any local 2001:db8::183"
    assert Tunnel("ip6tnl0", "ip6tnl").command() == "ip link add ip6tnl0 type ip6tnl"
    assert [Up("lo").command(action) for action in ("add", "remove")] == ["ip link set lo up", "ip link set lo down"]
    assert [Listener(6, 1).command(action) for action in ("add", "remove")] == [
        "ip -6 fou add port 1 gue",
        "ip -6 fou del port 1",
    ]
