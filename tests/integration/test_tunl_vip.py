# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs and the devices that hold them, compared with ip(8)."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from .managed_host import PYTHON
from .namespaces import Namespace, on_one_bridge

VIP, OTHER = "192.168.56.185", "192.168.56.186"
VIP6 = "2001:db8:56::185"
RIP, RIP6 = "192.168.56.183", "2001:db8:56::183"
STATE_FILE = "/var/lib/lvs.cluster/state.json"
ETH_P_ARP = 0x0806  # include/uapi/linux/if_ether.h
NETWORK_MANAGER_FILE, NETWORKD_FILE = (
    "/etc/NetworkManager/conf.d/90-lvs-tunl0.conf",
    "/etc/systemd/network/00-lvs-tunl0.network",
)


SETUP = f"""
ip link add eth0 type dummy; ip address add {RIP}/24 dev eth0; ip -6 address add {RIP6}/64 dev eth0 nodad; ip link set eth0 up
"""


def in_kernel(result: dict[str, Any]) -> list[str]:
    """The commands of a result, without those that write and remove files for network managers."""
    return [command for command in result["commands"] if "/etc/" not in command]


@pytest.fixture
def host(host: Namespace) -> Namespace:
    """A host with an ordinary device and addresses of both families."""
    host.sh(SETUP)
    return host


@pytest.fixture(scope="module")
def lasting_host(new_lasting_namespace: Callable[[], Namespace]) -> tuple[Namespace, str]:
    """One host for many cases, and its snapshot: each case restores it."""
    host = new_lasting_namespace()
    host.sh(SETUP)
    return host, host.snapshot()


def test_from_nothing_to_nothing(host: Namespace) -> None:
    before = host.snapshot()
    predicted = host.module("tunl_vip", vip=VIP, check_mode=True).changed()
    assert host.snapshot() == before
    made = host.module("tunl_vip", vip=VIP).changed()
    assert made["commands"] == predicted["commands"] == [
        f"echo '[keyfile]' > {NETWORK_MANAGER_FILE}",
        f"echo unmanaged-devices+=interface-name:=tunl0 >> {NETWORK_MANAGER_FILE}",
        f"echo '[Match]' > {NETWORKD_FILE}",
        f"echo Name=tunl0 >> {NETWORKD_FILE}",
        f"echo '[Link]' >> {NETWORKD_FILE}",
        f"echo Unmanaged=yes >> {NETWORKD_FILE}",
        "ip link set tunl0 up",
        f"ip address add {VIP}/32 dev tunl0",
        f"ip route add {VIP} dev tunl0 scope link",
    ]  # fmt: skip
    assert made["devices"] == [{"name": "tunl0", "kind": "ipip", "mtu": 1480, "up": True, "vips": [VIP]}]
    assert f"inet {VIP}/32 scope global tunl0" in host.sh("ip -o address show dev tunl0")
    assert host.sh("ip route show dev tunl0").split()[0] == VIP
    assert "UP" in host.sh("ip -br link show tunl0")
    host.module("tunl_vip", vip=VIP).ok()

    # What was removed by hand is added again, and nothing else is changed.
    host.sh(f"ip route del {VIP} dev tunl0")
    assert host.module("tunl_vip", vip=VIP).changed()["commands"] == [f"ip route add {VIP} dev tunl0 scope link"]

    host.module("tunl_vip", vip=OTHER).changed()
    predicted = host.module("tunl_vip", vip=VIP, state="absent", check_mode=True).changed()
    gone = host.module("tunl_vip", vip=VIP, state="absent").changed()
    assert gone["commands"] == predicted["commands"] == [
        f"ip route del {VIP} dev tunl0 scope link",
        f"ip address del {VIP}/32 dev tunl0",
    ]  # fmt: skip
    assert gone["devices"][0]["vips"] == [OTHER]
    host.module("tunl_vip", vip=VIP, state="absent").ok()

    # With the last VIP, the device is restored.
    last = host.module("tunl_vip", vip=OTHER, state="absent").changed()
    assert last["commands"][-3:] == ["ip link set tunl0 down", f"rm {NETWORK_MANAGER_FILE}", f"rm {NETWORKD_FILE}"]
    assert host.snapshot() == before


# Every kind of device

FALLBACK = [
    ("tunl0", [VIP], {}),
    ("tunl0", [VIP], {"tunnel_type": "gue", "tunnel_port": 6080}),
    ("sit0", [VIP6], {}),
    ("sit0", [VIP6], {"tunnel_type": "gue", "tunnel_port": 6080}),
    ("ip6tnl0", [VIP6], {"tunnel_type": "ip6ip6"}),
    ("ip6tnl0", [VIP6], {"tunnel_type": "gue", "tunnel_port": 6080}),
    ("gre0", [VIP, VIP6], {"tunnel_type": "gre"}),
    ("ip6gre0", [VIP, VIP6], {}),
    ("lo", [VIP, VIP6], {}),
    ("eth0", [VIP6], {"mtu": 1400}),
]
OWN = [
    ("own", [VIP], {"tunnel_type": "ipip", "local": RIP}),
    ("own", [VIP], {"tunnel_type": "ipip", "local": RIP, "remote": "192.168.56.181", "mtu": 1400}),
    ("own", [VIP6], {"tunnel_type": "sit", "local": RIP}),
    ("own", [VIP6], {"tunnel_type": "ip6ip6", "local": RIP6}),
    ("own", [VIP], {"tunnel_type": "ipip6", "local": RIP6}),
    ("own", [VIP, VIP6], {"tunnel_type": "gre", "local": RIP, "tunnel_checksum": "checksum"}),
    ("own", [VIP, VIP6], {"tunnel_type": "gre", "local": RIP6}),
    ("own", [VIP, VIP6], {"tunnel_type": "gre", "local": RIP6, "tunnel_checksum": "checksum"}),
    ("own", [VIP], {"tunnel_type": "gue", "tunnel_port": 6080, "local": RIP}),
    ("own", [VIP6], {"tunnel_type": "gue", "tunnel_port": 6080, "local": RIP}),
    ("own", [VIP], {"tunnel_type": "gue", "tunnel_port": 6080, "local": RIP6}),
    ("own", [], {"tunnel_type": "gre", "local": RIP}),
]


@pytest.mark.parametrize(("device", "vips", "options"), FALLBACK + OWN)
def test_every_kind_and_back(
    lasting_host: tuple[Namespace, str], device: str, vips: list[str], options: dict[str, Any]
) -> None:
    host, before = lasting_host
    predicted = host.module("tunl_vip", device=device, vips=vips, check_mode=True, **options).changed()
    made = host.module("tunl_vip", device=device, vips=vips, **options).changed()
    assert made["commands"] == predicted["commands"]
    assert set(vips) <= set(made["devices"][0]["vips"])
    host.module("tunl_vip", device=device, vips=vips, **options).ok()
    shown = host.sh(
        f"ip -o address show dev {device}; ip fou show; ip -br link show dev {device}; ip -d link show dev {device}"
    )
    for vip in vips:
        assert re.search(rf" {vip}/32 scope global " if "." in vip else rf" {vip}/128 scope global .*deprecated", shown)
    assert ("port 6080 gue" in shown) is ("tunnel_port" in options)
    assert (" icsum " in shown) is ("tunnel_checksum" in options)
    assert ",UP" in shown
    host.module("tunl_vip", device=device, state="absent").changed()
    assert host.snapshot() == before


def test_fallback_devices_that_do_not_exist(without_fallback_devices: Namespace) -> None:
    """In a container, the kernel may have no fallback devices: those that the module created are removed again."""
    host = without_fallback_devices
    assert "tunl0" not in host.sh("ip -br link")
    before = host.snapshot()
    rows = [{"device": "tunl0", "vips": [VIP]}, {"device": "gre0"}, {"device": "sit0"}]
    predicted = host.module("tunl_vip", devices=rows, check_mode=True).changed()
    assert in_kernel(predicted)[0] == "ip link add tunl0 type ipip"
    assert host.snapshot() == before
    assert host.module("tunl_vip", devices=rows).changed()["commands"] == predicted["commands"]
    assert f"inet {VIP}/32" in host.sh("ip -o address show dev tunl0")
    host.module("tunl_vip", devices=rows).ok()
    assert in_kernel(host.module("tunl_vip", devices=[], purge=True).changed()) == [
        "ip link del tunl0",
        "ip link del sit0",
        "ip link del gre0",
    ]
    assert host.snapshot() == before


# Ownership


def test_vip_of_another_program_remains(host: Namespace) -> None:
    host.sh(f"ip link set tunl0 up; ip address add {VIP}/32 dev tunl0; ip route add {VIP} dev tunl0 scope link")
    before = host.snapshot()
    host.module("tunl_vip", vip=VIP).ok()
    kept = host.module("tunl_vip", vip=VIP, state="absent").ok()
    assert f"vips: {VIP} on tunl0 was not added by this collection, and remains: ip address del" in str(kept["warnings"])
    host.module("tunl_vip", vip=OTHER).changed()
    host.module("tunl_vip", state="absent").changed()
    assert host.snapshot() == before


def test_device_remains_up_for_a_vip_of_another_program(host: Namespace) -> None:
    host.module("tunl_vip", vip=VIP).changed()
    host.sh(f"ip address add {OTHER}/32 dev tunl0")
    assert "ip link set tunl0 down" not in host.module("tunl_vip", vip=VIP, state="absent").changed()["commands"]
    assert "UP" in host.sh("ip -br link show dev tunl0")


def test_tunnel_of_another_program(host: Namespace) -> None:
    """It is used if it fits the options, and is neither changed nor removed."""
    host.sh(f"ip link add own type gre local {RIP}")
    host.module("tunl_vip", device="own", tunnel_type="gre", local=RIP, vip=VIP).changed()
    with_checksum: dict[str, Any] = {"device": "own", "tunnel_type": "gre", "local": RIP, "tunnel_checksum": "checksum"}
    refused = host.module("tunl_vip", vip=VIP, **with_checksum).failed()
    assert (
        f"device: own was not created by this collection, and is another tunnel (ip link add own type gre local {RIP})"
        in refused
    )
    assert "is of the kind gre" in host.module("tunl_vip", device="own", tunnel_type="ipip", local=RIP).failed()
    assert (
        "is no tunnel: choose another device"
        in host.module("tunl_vip", device="eth0", tunnel_type="ipip", local=RIP).failed()
    )
    host.module("tunl_vip", device="own", state="absent").changed()
    assert "own" in host.sh("ip -br link")


def test_tunnel_is_changed_in_place(host: Namespace) -> None:
    options: dict[str, Any] = {"device": "own", "tunnel_type": "gre", "vip": VIP}
    host.module("tunl_vip", local=RIP, **options).changed()
    index = host.sh("ip -o link show dev own").split(":")[0]
    changed = host.module("tunl_vip", local="192.168.56.9", tunnel_checksum="checksum", **options).changed()
    assert changed["commands"] == ["ip link set own type gre local 192.168.56.9 icsum"]
    assert "local 192.168.56.9" in host.sh("ip -d link show dev own")
    assert host.sh("ip -o link show dev own").split(":")[0] == index
    host.module("tunl_vip", local="192.168.56.9", tunnel_checksum="checksum", **options).ok()


SAME_ENDS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"tunnel_type": "ipip", "local": RIP}, {}, "type ipip local 192.168.56.183"),
    ({"tunnel_type": "sit", "local": RIP}, {}, "type sit local 192.168.56.183"),
    ({"tunnel_type": "gre", "local": RIP}, {"tunnel_checksum": "checksum"}, "type gre local 192.168.56.183"),
    ({"tunnel_type": "gre", "local": RIP, "remote": "192.168.56.9"}, {}, "type gre local 192.168.56.183 remote 192.168.56.9"),
    ({"tunnel_type": "gre", "local": RIP6}, {}, f"type ip6gre local {RIP6}"),
    ({"tunnel_type": "ipip6", "local": RIP6}, {"tunnel_type": "ip6ip6"}, f"type ip6tnl mode ipip6 local {RIP6}"),
]


@pytest.mark.parametrize(("options", "others", "link"), SAME_ENDS, ids=[link for *_options, link in SAME_ENDS])
def test_tunnels_with_the_same_ends(
    lasting_host: tuple[Namespace, str], options: dict[str, Any], others: dict[str, Any], link: str
) -> None:
    """The kernel takes one of them: the other one is refused before anything is made, also in check mode."""
    host, before = lasting_host
    first, second = {"device": "own", **options}, {"device": "own2", **options, **others}
    says = "device: own2 cannot have the ends of own (local "
    for check_mode in (True, False):
        assert says in host.module("tunl_vip", devices=[first, second], check_mode=check_mode).failed()
    assert host.snapshot() == before

    host.sh(f"ip link add own {link}")
    there = host.snapshot()
    by_hand = host.run("sh", "-c", f"ip link add own2 {link}", check=False)
    assert by_hand.returncode != 0
    for check_mode in (True, False):
        assert says in host.module("tunl_vip", **second, check_mode=check_mode).failed()
        assert (
            says in host.module("tunl_vip", devices=[{"device": "lo", "vips": [VIP]}, second], check_mode=check_mode).failed()
        )
    assert host.snapshot() == there
    # Another one that is changed to the same ends.
    local = "192.168.56.9" if options["local"] == RIP else "2001:db8:56::9"
    host.module("tunl_vip", **{**second, "local": local}).changed()
    assert says in host.module("tunl_vip", **second).failed()
    host.module("tunl_vip", device="own2", state="absent").changed()
    host.sh("ip link del own")
    assert host.snapshot() == before


@pytest.mark.parametrize(
    "link",
    [
        *(f"type {kind} local {RIP} dev eth0" for kind in ("ipip", "sit", "gre")),
        *(f"type {kind} local {RIP6} dev eth0" for kind in ("ip6gre", "ip6tnl")),
        f"type gre local {RIP} key 7",
        f"type ip6gre local {RIP6} key 7",
        f"type gretap local {RIP}",
        f"type ipip local {RIP} remote 192.168.56.9",
    ],
)
def test_tunnel_beside_another_one(lasting_host: tuple[Namespace, str], link: str) -> None:
    """A key or a device tells tunnels apart, too."""
    host, before = lasting_host
    host.sh(f"ip link add other {link}")
    kind = link.split()[1]
    tunnel_type = {"ip6gre": "gre", "gretap": "gre", "ip6tnl": "ipip6"}.get(kind, kind)
    options = {"device": "own", "tunnel_type": tunnel_type, "local": RIP6 if kind.startswith("ip6") else RIP}
    host.module("tunl_vip", **options).changed()
    host.module("tunl_vip", **options).ok()
    host.module("tunl_vip", device="own", state="absent").changed()
    host.sh("ip link del other")
    assert host.snapshot() == before


def test_mtu_is_restored(host: Namespace) -> None:
    host.module("tunl_vip", vip=VIP, mtu=1400).changed()
    assert host.module("tunl_vip", vip=VIP, mtu=1300).changed()["commands"] == ["ip link set tunl0 mtu 1300"]
    host.module("tunl_vip", vip=VIP).ok()
    assert "ip link set tunl0 mtu 1480" in host.module("tunl_vip", vip=VIP, state="absent").changed()["commands"]


def test_purge(host: Namespace) -> None:
    """What is owned and not named is removed: from the named device, or, with a list of devices, from all devices."""
    before = host.snapshot()
    host.sh("ip link set gre0 up; ip address add 10.9.9.9/32 dev gre0")
    foreign = host.snapshot()
    gue = {"device": "tunl0", "tunnel_type": "gue", "tunnel_port": 6080, "vips": [VIP, OTHER]}
    own = {"device": "own", "tunnel_type": "sit", "local": RIP}
    rows = [gue, own, {"device": "lo", "vips": [VIP6]}, {"device": "gre0", "vips": ["192.168.56.187"]}]
    host.module("tunl_vip", devices=rows).changed()
    assert host.module("tunl_vip", vip=VIP, purge=True).changed()["commands"] == [
        f"ip route del {OTHER} dev tunl0 scope link",
        f"ip address del {OTHER}/32 dev tunl0",
        "ip fou del port 6080",
    ]
    last = [{"device": "tunl0", "vips": [VIP]}]
    predicted = host.module("tunl_vip", devices=last, purge=True, check_mode=True).changed()
    done = host.module("tunl_vip", devices=last, purge=True).changed()
    assert done["commands"] == predicted["commands"]
    assert {"ip link del own", f"ip -6 address del {VIP6}/128 dev lo"} <= set(done["commands"])
    assert "own" not in host.sh("ip -br link")
    host.module("tunl_vip", devices=last, purge=True).ok()
    host.module("tunl_vip", devices=[], purge=True).changed()
    assert host.snapshot() == foreign
    host.sh("ip address del 10.9.9.9/32 dev gre0; ip link set gre0 down")
    assert host.snapshot() == before


@pytest.mark.parametrize("first", ["tunl0", "sit0"])
def test_listener_of_two_devices(host: Namespace, first: str) -> None:
    """It is removed with the last of them."""
    before = host.snapshot()
    gue: dict[str, Any] = {"tunnel_type": "gue", "tunnel_port": 6080}
    host.module("tunl_vip", device="tunl0", **gue).changed()
    assert in_kernel(host.module("tunl_vip", device="sit0", **gue).changed()) == ["ip link set sit0 up"]
    host.module("tunl_vip", device=first, state="absent").changed()
    assert "port 6080 gue" in host.sh("ip fou show")
    host.module("tunl_vip", devices=[], purge=True).changed()
    assert host.snapshot() == before


def test_claims_do_not_outlive_what_they_are_on(host: Namespace) -> None:
    """As after a reboot: what another program adds then is not owned."""
    before = host.snapshot()
    host.module("tunl_vip", vip=VIP).changed()
    host.sh(f"ip address del {VIP}/32 dev tunl0; ip link set tunl0 down")
    host.module("tunl_vip", device="lo", vip=OTHER).changed()
    host.sh(f"ip link set tunl0 up; ip address add {VIP}/32 dev tunl0")
    host.module("tunl_vip", devices=[], purge=True).changed()
    assert f"inet {VIP}/32" in host.sh("ip -o address show dev tunl0")
    host.sh(f"ip address del {VIP}/32 dev tunl0; ip link set tunl0 down")
    assert host.snapshot() == before


# Conflicts


def test_port_in_use(host: Namespace) -> None:
    gue: dict[str, Any] = {"device": "tunl0", "tunnel_type": "gue", "tunnel_port": 6080}
    host.sh("ip fou add port 6080 ipproto 4")
    assert (
        "tunnel_port: 6080 already has a FOU listener that is not GUE: choose another port"
        in host.module("tunl_vip", **gue).failed()
    )
    host.sh("ip fou del port 6080")
    bind = "import socket, time; s = socket.socket(type=2); s.bind(('', 6080)); print(flush=True); time.sleep(60)"
    with subprocess.Popen(host.command(PYTHON, "-c", bind), stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        try:
            assert "tunnel_port: 6080 is in use by another program" in host.module("tunl_vip", **gue).failed()
        finally:
            program.kill()


def test_vip_that_another_device_holds(host: Namespace) -> None:
    host.sh(f"ip -6 address add {VIP6}/128 dev eth0 nodad; ip address add {VIP}/32 dev eth0")
    for vip, device in ((VIP6, "lo"), (VIP, "tunl0")):
        refused = host.module("tunl_vip", device=device, vip=vip).failed()
        assert f"device: {device} cannot hold {vip}, which is on eth0: choose another VIP" in refused


@pytest.mark.parametrize(
    ("vip", "prefix"),
    [(VIP, f"{VIP}/24"), (VIP, f"{VIP}/16"), (VIP6, f"{VIP6}/64"), (RIP, f"{RIP}/24"), (RIP6, f"{RIP6}/64")],
)
def test_vip_that_another_device_holds_with_a_network(host: Namespace, vip: str, prefix: str) -> None:
    """As keepalived has it, or the host itself. It is not added, and where it is already, nothing is refused."""
    if vip in (VIP, VIP6):
        host.sh(f"ip address add {prefix} dev eth0 {'nodad' if vip == VIP6 else ''}")
    before = host.snapshot()
    ip = "ip" if "." in vip else "ip -6"
    for check_mode in (True, False):
        refused = host.module("tunl_vip", device="lo", vip=vip, check_mode=check_mode).failed()
        assert (
            f"device: lo cannot hold {vip}, which is on eth0: choose another VIP if it is the host's own address" in refused
        )
        assert f"name device=eth0 or remove it there first ({ip} address del {prefix} dev eth0)" in refused
    assert host.snapshot() == before
    host.module("tunl_vip", device="lo", vip=vip, state="absent").ok()
    host.sh(f"{ip} address add {vip} dev lo {'preferred_lft 0 nodad' if ':' in vip else ''}")
    host.module("tunl_vip", device="lo", vip=vip).ok()
    host.sh(f"{ip} address del {prefix} dev eth0; {ip} address del {vip} dev lo")
    host.module("tunl_vip", device="lo", vip=vip).changed()


@pytest.mark.parametrize(("vip", "ip", "length", "network"), [(VIP, "ip", 32, 24), (VIP6, "ip -6", 128, 64)])
@pytest.mark.parametrize("options", [{"named": True}, {"named": False}, {"purge": True}], ids=str)
def test_vip_that_was_replaced_by_one_with_a_network(
    host: Namespace, vip: str, ip: str, length: int, network: int, options: dict[str, bool]
) -> None:
    """It is removed as the kernel has it."""
    before = host.snapshot()
    host.module("tunl_vip", device="gre0", vip=vip).changed()
    lifetime = "preferred_lft 0 nodad" if ":" in vip else ""
    host.sh(f"{ip} address del {vip}/{length} dev gre0; {ip} address add {vip}/{network} dev gre0 {lifetime}")
    # With the last address of a device, the kernel removes its routes.
    host.sh(f"ip route add {vip} dev gre0 scope link" if length == 32 else "true")
    host.module("tunl_vip", device="gre0", vip=vip).ok()
    if "purge" in options:
        gone = host.module("tunl_vip", devices=[], purge=True).changed()
    else:
        gone = host.module("tunl_vip", device="gre0", vips=[vip] if options["named"] else [], state="absent").changed()
    assert f"{ip} address del {vip}/{network} dev gre0" in gone["commands"]
    assert host.snapshot() == before


def test_vips_that_go_with_the_first_of_their_network(host: Namespace) -> None:
    """The kernel has removed the second one with it."""
    host.sh("sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.tunl0.promote_secondaries=0")
    before = host.snapshot()
    host.module("tunl_vip", vips=[OTHER, VIP]).changed()
    for vip in (OTHER, VIP):  # the second is removed first
        host.sh(f"ip address del {vip}/32 dev tunl0; ip address add {vip}/24 dev tunl0")
    host.module("tunl_vip", vips=[OTHER, VIP], state="absent").changed()
    assert host.snapshot() == before


def test_ipv6_that_is_switched_off(host: Namespace) -> None:
    host.sh("sysctl -qw net.ipv6.conf.lo.disable_ipv6=1")
    refused = host.module("tunl_vip", device="lo", vip=VIP6).failed()
    assert "lo has IPv6 switched off: set net.ipv6.conf.lo.disable_ipv6 to 0" in refused


def test_ipv6_vip_is_deprecated(host: Namespace) -> None:
    """One that the kernel could choose as a source address is changed in place."""
    host.sh(f"ip -6 address add {VIP6}/128 dev eth0 nodad")
    changed = host.module("tunl_vip", device="eth0", vip=VIP6).changed()
    assert changed["commands"] == [f"ip -6 address change {VIP6}/128 dev eth0 preferred_lft 0 nodad"]
    host.module("tunl_vip", device="eth0", vip=VIP6).ok()
    assert RIP6 in host.sh("ip -6 route get 2001:db8:56::1")


def test_added_vip_is_announced(new_namespace: Callable[[], Namespace]) -> None:
    """A client that has another MAC address for the VIP learns the new one, if the option says so."""
    bridge, client, director = (new_namespace() for number in range(3))
    on_one_bridge(bridge, {180: client, 181: director})
    client.sh(f"ip neigh replace {VIP} lladdr 02:00:00:00:00:01 dev eth0 nud stale")
    director.module("tunl_vip", vip=VIP, announce=False).changed()
    assert "02:00:00:00:00:01" in client.sh(f"ip neigh show {VIP}")
    director.module("tunl_vip", vip=VIP, state="absent").changed()
    director.module("tunl_vip", vip=VIP, announce=True).changed()
    assert director.sh("ip -br link show dev eth0").split()[2] in client.sh(f"ip neigh show {VIP}")


FLOATING = "203.0.113.185"  # of a network that no device of the director is in
BY_ROUTE = "ip route add default via 192.168.56.1 dev eth0"
HOST_ADDRESS = "ip address flush dev eth0; ip address add 192.168.56.181/32 dev eth0"


@pytest.mark.parametrize(
    ("device", "setup"),
    [
        ("tunl0", BY_ROUTE),
        ("lo", BY_ROUTE),
        ("eth0", ""),
        ("tunl0", ""),
        ("tunl0", HOST_ADDRESS),
        ("tunl0", f"{HOST_ADDRESS}; ip route add 192.168.56.1 dev eth0; {BY_ROUTE}"),
    ],
)
def test_floating_vip_is_announced(new_namespace: Callable[[], Namespace], device: str, setup: str) -> None:
    """As the router of the network has it on the link of the director."""
    bridge, router, director = (new_namespace() for number in range(3))
    on_one_bridge(bridge, {180: router, 181: director})
    director.sh(setup or "true")
    router.sh(
        f"ip route add 203.0.113.0/24 dev eth0; ip neigh replace {FLOATING} lladdr 02:00:00:00:00:01 dev eth0 nud stale"
    )
    director.module("tunl_vip", vip=FLOATING, device=device, announce=True).changed()
    assert director.sh("ip -br link show dev eth0").split()[2] in router.sh(f"ip neigh show {FLOATING}")


def test_many_vips_are_announced_together(new_namespace: Callable[[], Namespace]) -> None:
    """In three rounds with all of them, rather than one after the other with its pauses."""
    bridge, client, director = (new_namespace() for number in range(3))
    on_one_bridge(bridge, {180: client, 181: director})
    vips = [f"192.168.56.{number}" for number in range(1, 51)]
    with client.inside():
        listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ARP))
    heard: list[str] = []
    with listening, suppress(TimeoutError):
        director.module("tunl_vip", vips=vips, announce=True).changed()
        listening.settimeout(1)
        while True:
            heard.append(socket.inet_ntoa(listening.recv(64)[14:18]))
    assert [sender for sender in heard if sender in vips] == vips * 3


def test_loopback_vip_is_for_ipvs_alone(host: Namespace) -> None:
    """A client on the director reaches its service, and no device has to hold the VIP."""
    for vip, port, rip in (("127.0.0.1", 8080, "127.0.0.2"), ("::1", 8086, RIP6)):
        service: dict[str, Any] = {"vip": vip, "port": port}
        host.module("ipvs_service", scheduler="rr", **service).changed()
        host.module("ipvs_dest", rip=rip, rport=80, forward="masquerade", **service).changed()
        host.module("ipvs_service", **service).ok()
        assert f"vip: {vip} is a loopback address" in host.module("tunl_vip", vip=vip, device="lo", announce=True).failed()
        answer = (
            "import socket, sys; c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print(c.recv(9).decode())"
        )
        with serving(host, rip, 80):
            assert host.run(PYTHON, "-c", answer, vip, str(port)).stdout == "yes\n"


@contextmanager
def serving(host: Namespace, address: str, port: int) -> Iterator[None]:
    """Answer one connection."""
    with host.inside():
        listening = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)

    def answer() -> None:
        with listening.accept()[0] as connection:
            connection.sendall(b"yes")

    listening.settimeout(10)
    with listening:
        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


def test_link_local_address_is_no_rip(host: Namespace) -> None:
    """The kernel would refuse it, without a reason."""
    host.module("ipvs_service", vip=VIP6, port=80).changed()
    by_hand = host.run("ipvsadm", "-a", "-t", f"[{VIP6}]:80", "-r", "[fe80::183]:80", "-g", check=False)
    assert by_hand.returncode != 0
    for rip in ("fe80::183", "fe80::183%eth0"):
        assert f"rip: {rip} is a link-local address" in host.module("ipvs_dest", vip=VIP6, port=80, rip=rip).failed()
