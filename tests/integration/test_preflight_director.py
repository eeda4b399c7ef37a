# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a director with which clients are not answered: what a client sees, what is said of it, and the way out."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from .namespaces import Namespace, Result, answering, on_one_bridge, wait_for_links

VIP, VIP6 = "192.168.56.185", "2001:db8:56::185"
DIP, DIP6 = "192.168.56.181", "2001:db8:56::181"
RIP, RIP6 = "192.168.56.183", "2001:db8:56::183"
VIPS = {VIP: (DIP, RIP), VIP6: (DIP6, RIP6)}
PORT = 80


class Lan(NamedTuple):
    """Hosts on one link, without a fault."""

    client: Namespace
    director: Namespace
    real_server: Namespace


@pytest.fixture
def lan(new_namespace: Callable[[], Namespace]) -> Iterator[Lan]:
    """The director forwards through tunnels, and holds no VIP yet."""
    bridge, *hosts = (new_namespace() for _host in range(4))
    for host in hosts:
        host.sh("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0")
    client, director, real_server = hosts
    on_one_bridge(bridge, {180: client, 181: director, 183: real_server})
    sysctl(client, "net.ipv4.neigh.eth0.retrans_time_ms=100", "net.ipv6.neigh.eth0.retrans_time_ms=100")
    real_server.module("arp_sysctl", rp_filter=2).changed()
    real_server.module("tunl_vip", devices=[{"device": "tunl0", "vips": [VIP]}, {"device": "lo", "vips": [VIP6]}]).changed()
    real_server.sh("ip link set ip6tnl0 up")
    table = [{"vip": vip, "port": PORT, "destinations": [{"rip": rip}]} for vip, (_dip, rip) in VIPS.items()]
    director.module("ipvs_table", services=table).changed()
    with answering(real_server, "rs1", [PORT]):
        yield Lan(client, director, real_server)


def is_answered(client: Namespace, vip: str) -> bool:
    """Whether a client that knows nothing of the VIP yet is answered; if not by ARP, its neighbour entry says so."""
    client.sh(f"ip neighbour del {vip} dev eth0 2>/dev/null || true")
    with contextlib.suppress(OSError), client.inside(), socket.create_connection((vip, PORT), timeout=2) as connection:
        return connection.recv(64) == b"rs1 80"
    return False


def neighbour_is_failed(client: Namespace, vip: str) -> bool:
    return "FAILED" in client.sh(f"ip neighbour show {vip}")


def link(director: Namespace, other: Namespace, address: str) -> None:
    """Connect the director's eth1, with this address, to another host's eth0."""
    director.sh(f"ip link add eth1 type veth peer eth0 netns {other.name}")
    director.sh(f"ip address add {address} dev eth1; ip link set eth1 up")
    other.sh("ip link set eth0 up")
    wait_for_links(director, other)


def hold(director: Namespace, device: str, vip: str = VIP) -> None:
    director.module("tunl_vip", device=device, vips=[vip]).changed()


def preflight(director: Namespace, **options: Any) -> Result:
    return director.module("preflight", **options)


def planned(director: Namespace, device: str, vip: str = VIP) -> Result:
    """The checks before setup."""
    return preflight(director, vips=[vip], devices=[{"device": device, "vips": [vip]}])


def verified(director: Namespace, vip: str = VIP) -> Result:
    """The checks after setup."""
    return preflight(director, vips=[vip], phase="after")


def resolved(host: Namespace, vip: str = VIP) -> Result:
    """From a host on the same link."""
    return host.module("vip_probe", resolve=[{"vip": vip, "address": VIPS[vip][0]}])


def warnings(result: Result) -> list[str]:
    found = result.ok().get("warnings", [])
    return [warning if isinstance(warning, str) else str(warning["event"]["msg"]) for warning in found]


def sysctl(host: Namespace, *assignments: str) -> None:
    host.run("sysctl", "-qw", *assignments)


def carry_out(director: Namespace, message: str) -> None:
    """Run the command that the message names."""
    command = message.partition("run sysctl -w ")[2].partition(",")[0]
    sysctl(director, *command.split())


def test_strict_arp(lan: Lan) -> None:
    """With a VIP on a tunnel device, no client is answered; both ways out work."""
    sysctl(lan.director, "net.ipv4.conf.all.arp_ignore=1")
    before = planned(lan.director, "tunl0").failed()
    assert before == (
        f"vips: {VIP} gets no client on eth0: with net.ipv4.conf.all.arp_ignore=1, ARP requests there get no reply for"
        " addresses of tunl0: run sysctl -w net.ipv4.conf.all.arp_ignore=0, and change it in /etc/sysctl.d, too; or let eth0"
        " hold it (lvs_director_device: eth0)"
    )
    hold(lan.director, "tunl0")
    assert not is_answered(lan.client, VIP)
    assert neighbour_is_failed(lan.client, VIP)
    assert verified(lan.director).failed() == before
    for host in (lan.real_server, lan.client):
        assert f"{VIP}: ARP requests on eth0 are answered for {DIP}, but not for the VIP" in resolved(host).failed()

    carry_out(lan.director, before)
    assert is_answered(lan.client, VIP)
    assert verified(lan.director).ok()["links"] == [{"vip": VIP, "address": DIP}]
    mac = lan.director.sh("ip -br link show eth0").split()[2]
    for host in (lan.real_server, lan.client):
        assert resolved(host).ok()["resolved"] == [{"vip": VIP, "address": DIP, "macs": [mac]}]
    assert warnings(planned(lan.director, "tunl0")) == []

    sysctl(lan.director, "net.ipv4.conf.all.arp_ignore=1")
    lan.director.module("tunl_vip", device="tunl0", vips=[VIP], state="absent").changed()
    assert warnings(planned(lan.director, "eth0")) == []
    hold(lan.director, "eth0")
    assert is_answered(lan.client, VIP)
    assert warnings(verified(lan.director)) == warnings(planned(lan.director, "eth0")) == []
    resolved(lan.real_server).ok()


@pytest.mark.parametrize("device", ["tunl0", "eth0", "lo"])
def test_every_mode_of_arp_ignore(lan: Lan, device: str) -> None:
    """The checks say what the kernel does, before setup and after it."""
    settings = [*(("all", mode) for mode in (0, 1, 2, 3, 4, 8)), ("eth0", 1), ("tunl0", 1)]
    expected = {}
    for of, mode in settings:
        sysctl(lan.director, f"net.ipv4.conf.{of}.arp_ignore={mode}")
        expected[of, mode] = planned(lan.director, device)
        sysctl(lan.director, f"net.ipv4.conf.{of}.arp_ignore=0")
    hold(lan.director, device)
    answered = []
    for of, mode in settings:
        sysctl(lan.director, f"net.ipv4.conf.{of}.arp_ignore={mode}")
        if is_answered(lan.client, VIP):
            answered.append((of, mode))
            assert warnings(expected[of, mode]) == warnings(verified(lan.director)) == []
            sysctl(lan.director, f"net.ipv4.conf.{of}.arp_ignore=0")
        else:
            message = expected[of, mode].failed()
            assert f"net.ipv4.conf.{of}.arp_ignore={mode}, ARP requests there get no reply for" in message
            assert verified(lan.director).failed() == message
            carry_out(lan.director, message)
            assert is_answered(lan.client, VIP)
    modes = {"eth0": [1, 2]}.get(device, [])
    assert [mode for of, mode in answered if of == "all"] == [0, *modes, 3, 4]
    assert [of for of, _mode in answered if of != "all"] == (["eth0", "tunl0"] if device == "eth0" else ["tunl0"])
    # What has similar names does no harm.
    sysctl(lan.director, "net.ipv4.conf.all.arp_announce=2", "net.ipv4.conf.all.arp_filter=1")
    assert is_answered(lan.client, VIP)
    assert warnings(verified(lan.director)) == []


def test_scope_host(lan: Lan) -> None:
    lan.director.sh(f"ip address add {VIP}/32 dev lo scope host")
    sysctl(lan.director, "net.ipv4.conf.all.arp_ignore=3")
    assert not is_answered(lan.client, VIP)
    message = verified(lan.director).failed()
    assert "arp_ignore=3, ARP requests there get no reply for addresses of scope host" in message
    lan.director.sh(f"ip address change {VIP}/32 dev lo scope global; ip address del {VIP}/32 dev lo scope host || true")
    lan.director.sh(f"ip address add {VIP}/32 dev lo scope global 2>/dev/null || true")
    assert is_answered(lan.client, VIP)
    verified(lan.director).ok()


def test_two_devices_on_one_network(lan: Lan, new_namespace: Callable[[], Namespace]) -> None:
    """One that answers is enough."""
    other = new_namespace()
    link(lan.director, other, "192.168.56.182/24")
    sysctl(lan.director, "net.ipv4.conf.all.arp_ignore=1")
    assert "gets no client on eth0" in planned(lan.director, "tunl0").failed()
    planned(lan.director, "eth0").ok()
    planned(lan.director, "eth1").ok()
    # Of a VIP that is nowhere yet, nobody knows.
    preflight(lan.director, vips=[VIP]).ok()


def test_vip_that_is_not_there(lan: Lan) -> None:
    assert f"vips: {VIP} is on no device of this host" in verified(lan.director).failed()
    assert "are answered for 192.168.56.181, but not for the VIP" in resolved(lan.real_server).failed()


def test_ipv6_vip_on_another_device(lan: Lan) -> None:
    """Nobody gets a neighbour advertisement for it."""
    before = planned(lan.director, "lo", VIP6).failed()
    assert before.startswith(
        f"vips: {VIP6} gets no client on eth0: neighbour solicitations there are not answered for addresses"
    )
    assert "let eth0 hold it (director_device: eth0" in before
    hold(lan.director, "lo", VIP6)
    assert not is_answered(lan.client, VIP6)
    assert verified(lan.director, VIP6).failed() == before
    assert f"{VIP6}: neighbour solicitations on eth0 are answered for {DIP6}" in resolved(lan.real_server, VIP6).failed()

    sysctl(
        lan.director, "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.eth0.proxy_ndp=1", "net.ipv6.neigh.eth0.proxy_delay=0"
    )
    lan.director.sh(f"ip neighbour add proxy {VIP6} dev eth0")
    assert is_answered(lan.client, VIP6)
    verified(lan.director, VIP6).ok()
    resolved(lan.real_server, VIP6).ok()

    sysctl(lan.director, "net.ipv6.conf.all.forwarding=0", "net.ipv6.conf.eth0.proxy_ndp=0")
    lan.director.module("tunl_vip", device="lo", vips=[VIP6], state="absent").changed()
    planned(lan.director, "eth0", VIP6).ok()
    hold(lan.director, "eth0", VIP6)
    assert is_answered(lan.client, VIP6)
    assert verified(lan.director, VIP6).ok()["links"] == [{"vip": VIP6, "address": DIP6}]
    resolved(lan.real_server, VIP6).ok()


def test_device_without_ipv6(lan: Lan) -> None:
    sysctl(lan.director, "net.ipv6.conf.eth0.disable_ipv6=1")
    message = planned(lan.director, "eth0", VIP6).failed()
    assert message.startswith(f"vips: {VIP6} cannot be on eth0, as net.ipv6.conf.eth0.disable_ipv6 is 1: run sysctl -w")
    carry_out(lan.director, message)
    planned(lan.director, "eth0", VIP6).ok()
    hold(lan.director, "eth0", VIP6)


def test_real_server_that_answers_for_the_vip(lan: Lan) -> None:
    """A warning before setup, as that silences it; a fault after it."""
    hold(lan.director, "eth0")
    sysctl(lan.real_server, "net.ipv4.conf.all.arp_ignore=0")
    path = {"name": "rs1", "rip": RIP}
    (warning,) = warnings(preflight(lan.director, vips=[VIP], paths=[path]))
    assert "rs1 (" in warning
    message = preflight(lan.director, vips=[VIP], paths=[path], phase="after").failed()
    assert message.startswith(f"vips[0]: {VIP} is answered for by rs1 (")
    assert "past the director: set arp_ignore=1 and arp_announce=2 there" in message
    left_out = preflight(lan.director, vips=[VIP], paths=[{**path, "optional": True}], phase="after")
    assert len(warnings(left_out)) == 1


def test_paths_are_not_probed_after_setup(lan: Lan) -> None:
    hold(lan.director, "eth0")
    dead = [{"name": "rs2", "rip": "192.168.56.184"}, {"name": "rs3", "rip": "10.1.2.3"}]
    snapshot = lan.director.snapshot()
    assert "192.168.56.184 does not answer" in preflight(lan.director, vips=[VIP], paths=dead, timeout=0.5).failed()
    assert preflight(lan.director, vips=[VIP], paths=dead, phase="after", timeout=0.5).ok()["paths"] == []
    assert lan.director.snapshot() == snapshot


def test_hosts_that_cannot_resolve(lan: Lan, new_namespace: Callable[[], Namespace]) -> None:
    """The director itself, a host on another network, and one that does not even get to the director's own address."""
    hold(lan.director, "eth0")
    link = {"vip": VIP, "address": DIP}
    elsewhere = new_namespace()
    assert resolved(lan.director).ok()["left_out"] == [link]
    assert resolved(elsewhere).ok()["left_out"] == [link]
    elsewhere.sh("ip link add eth0 type dummy; ip address add 192.168.56.184/24 dev eth0; ip link set eth0 up")
    assert resolved(elsewhere).ok() == {**resolved(elsewhere), "left_out": [link], "resolved": []}


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_masquerade_without_forwarding(lan: Lan, vip: str) -> None:
    """Answers do not come through; tunnels and direct routing need no forwarding."""
    dip, rip = VIPS[vip]
    client = "192.168.56.180" if vip == VIP else "2001:db8:56::180"
    hold(lan.director, "eth0", vip)
    assert is_answered(lan.client, vip)
    tunnel, masquerade = ({"name": "rs1", "rip": rip, "forward": forward} for forward in ("tunnel", "masquerade"))
    preflight(lan.director, vips=[vip], paths=[tunnel]).ok()

    destinations = [{"rip": rip, "forward": "masquerade"}]
    lan.director.module("ipvs_table", services=[{"vip": vip, "port": PORT, "destinations": destinations}]).changed()
    lan.real_server.sh(f"ip address del {vip} dev {'tunl0' if vip == VIP else 'lo'}; ip route add {client} via {dip}")
    assert not is_answered(lan.client, vip)
    setting = "net.ipv4.ip_forward" if vip == VIP else "net.ipv6.conf.all.forwarding"
    for phase in ("before", "after"):
        message = preflight(lan.director, vips=[vip], paths=[masquerade], phase=phase).failed()
        assert message.startswith(
            f"forward: masquerade lets no answer through to clients of IPv{4 if vip == VIP else 6}, as {setting} is 0: run"
        )
    # Of a real server that takes no part, nothing is missed.
    preflight(lan.director, vips=[vip], paths=[{**masquerade, "optional": True}]).ok()
    one = "net.ipv4.conf.eth0.forwarding" if vip == VIP else "net.ipv6.conf.eth0.force_forwarding"
    sysctl(lan.director, f"{one}=1")
    assert is_answered(lan.client, vip)
    preflight(lan.director, vips=[vip], paths=[masquerade]).ok()
    sysctl(lan.director, f"{one}=0")
    assert not is_answered(lan.client, vip)
    carry_out(lan.director, message)
    # A host that becomes a router of IPv6 may miss what comes in that moment.
    assert any(is_answered(lan.client, vip) for _attempt in range(5))
    preflight(lan.director, vips=[vip], paths=[masquerade]).ok()


def test_strict_reverse_path_filter(lan: Lan, new_namespace: Callable[[], Namespace]) -> None:
    """Clients of other networks, behind a router that is not that of the default route."""
    uplink = new_namespace()
    link(lan.director, uplink, "10.9.0.1/24")
    hold(lan.director, "eth0")
    lan.client.sh("ip address add 203.0.113.7/32 dev lo")
    lan.real_server.sh("ip route add 203.0.113.7 via 192.168.56.180")
    asked = f"import socket; print(socket.create_connection(('{VIP}', {PORT}), 3, ('203.0.113.7', 0)).recv(9).decode())"

    def distant_client_is_answered() -> bool:
        return lan.client.run("python3", "-c", asked, check=False).stdout.strip() == "rs1 80"

    sysctl(lan.director, "net.ipv4.conf.all.rp_filter=1")
    assert warnings(verified(lan.director)) == []  # without a default route, nobody means to serve other networks
    lan.director.sh("ip route add default via 10.9.0.2")
    assert not distant_client_is_answered()
    assert is_answered(lan.client, VIP)
    (warning,) = warnings(verified(lan.director))
    assert warning.startswith(
        "net.ipv4.conf.all.rp_filter is 1, and the default route is over eth1: clients in other networks"
    )
    carry_out(lan.director, warning)
    assert warnings(verified(lan.director)) == []
    assert distant_client_is_answered()


@pytest.mark.parametrize("name", ["drop_packet", "drop_entry"])
def test_defence_that_is_always_on(lan: Lan, name: str) -> None:
    hold(lan.director, "eth0")
    for value, count in ((1, 0), (3, 1), (0, 0)):
        sysctl(lan.director, f"net.ipv4.vs.{name}={value}")
        found = warnings(verified(lan.director))
        assert [f"net.ipv4.vs.{name} is {value}" in warning for warning in found] == [True] * count


INVALID = (
    "nft add table inet f; nft add chain inet f other; nft add rule inet f other {};"
    " nft add chain inet f in '{{ type filter hook input priority 0; }}'; nft add rule inet f in jump other"
)


@pytest.mark.parametrize("rule", ["ct state invalid drop", "ct state vmap { established : accept, invalid : drop }"])
def test_packet_filter_that_drops_what_is_invalid(lan: Lan, rule: str) -> None:
    """If IPVS tracks connections, no client is answered; otherwise, IPVS does not see their end."""
    hold(lan.director, "eth0")
    path = {"name": "rs1", "rip": RIP}

    def found(**options: Any) -> list[str]:
        return warnings(preflight(lan.director, vips=[VIP], paths=[path | options], phase="after"))

    sysctl(lan.director, "net.ipv4.vs.conntrack=1", "net.ipv4.ip_forward=1")
    assert is_answered(lan.client, VIP)
    assert found() == []
    lan.director.sh(INVALID.format(f"'{rule}'"))
    assert not is_answered(lan.client, VIP)
    (warning,) = found()
    assert warning.startswith("net.ipv4.vs.conntrack is 1, and the packet filter drops what is invalid")
    assert found(forward="masquerade") == []
    carry_out(lan.director, warning)
    assert is_answered(lan.client, VIP)
    (warning,) = found()
    assert warning.startswith("the packet filter drops what is invalid to connection tracking, as the last packets of")
    assert "ESTABLISHED" in lan.director.sh("sleep 0.5; ipvsadm -Lnc")

    lan.director.sh(
        "nft add table inet raw; nft add chain inet raw early '{ type filter hook prerouting priority -300; }';"
        f" nft add rule inet raw early ip daddr {VIP} notrack"
    )
    lan.director.sh("ipvsadm -D -t 192.168.56.185:80; ipvsadm -A -t 192.168.56.185:80; sysctl -qw net.ipv4.vs.conntrack=1")
    lan.director.sh(f"ipvsadm -a -t 192.168.56.185:80 -r {RIP} -i")
    assert is_answered(lan.client, VIP)
    assert found() == []


def test_filter_of_what_is_forwarded(lan: Lan) -> None:
    """It gets no packet of a client."""
    hold(lan.director, "eth0")
    sysctl(lan.director, "net.ipv4.vs.conntrack=1")
    lan.director.sh(
        "nft add table inet f; nft add chain inet f forward '{ type filter hook forward priority 0; }';"
        " nft add rule inet f forward ct state invalid drop"
    )
    assert is_answered(lan.client, VIP)
    assert warnings(preflight(lan.director, vips=[VIP], paths=[{"name": "rs1", "rip": RIP}], phase="after")) == []
