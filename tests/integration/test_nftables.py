# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's nftables table and its sections, held against nft, and against traffic."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from .managed_host import PYTHON, TIMEOUT
from .namespaces import Namespace, on_one_bridge, web_server

VIP, VIP6 = "192.168.56.186", "2001:db8:56::186"
MAPPING: dict[str, Any] = {"vip": VIP, "port": 8099}
DIRECTOR, DIRECTOR6 = "192.168.56.181", "2001:db8:56::181"

# One of each kind.
SECTIONS: dict[str, dict[str, Any]] = {
    "port_dnat": {
        "mappings": [
            {"vip": VIP, "port": 8099, "to_port": 80},
            {"vip": VIP, "port": 8099, "to_port": 53, "protocol": "udp"},
            {"vip": VIP6, "port": 8099, "to_port": 80},
        ]
    },
    "tunnel_guard": {"sources": [DIRECTOR, DIRECTOR6], "gue_ports": [6080]},
    "mss_clamp": {
        "tunnels": [
            {"vip": VIP, "director": DIRECTOR, "path_mtu": 1500},
            {"vip": VIP6, "director": DIRECTOR, "path_mtu": 1500},
        ]
    },
}
CHAINS = {"port_dnat": "prerouting", "tunnel_guard": "tunnel_guard", "mss_clamp": "mss_clamp"}
SETS = {"port_dnat": "map inet lvs_cluster port_dnat6", "tunnel_guard": "set inet lvs_cluster tunnel_sources"}
SETS["mss_clamp"] = "set inet lvs_cluster mss_1440"


def mappings(host: Namespace) -> str:
    """The map, on one line."""
    return " ".join(host.sh("nft list map inet lvs_cluster port_dnat").split())


def ruleset(host: Namespace) -> str:
    """All rules without their counters; of what nft lists by the order in which it was made, sorted."""
    return "\n".join(sorted(re.split(r"\n\n|\n(?=\t(?:chain|set|map) )", host.sh("nft -s list ruleset"))))


def test_mapping_from_nothing_to_nothing(host: Namespace) -> None:
    host.sh("nft add table ip other; nft add chain ip other prerouting '{ type filter hook prerouting priority 0; }'")
    before = host.snapshot()
    predicted = host.module("port_dnat", **MAPPING, to_port=80, check_mode=True).changed()
    assert host.snapshot() == before
    made = host.module("port_dnat", **MAPPING, to_port=80).changed()
    assert made["commands"] == predicted["commands"]
    assert made["mapping"] == {"vip": VIP, "protocol": "tcp", "port": 8099, "to_port": 80}
    assert made["mappings"] == [made["mapping"]]
    assert "{ 192.168.56.186 . tcp . 8099 : 80 }" in mappings(host)
    host.module("port_dnat", **MAPPING, to_port=80).ok()

    changed = host.module("port_dnat", **MAPPING, to_port=81).changed()
    assert changed["diff"]["before"].endswith("{ 192.168.56.186 . tcp . 8099 : 80 }\n")
    assert changed["diff"]["after"].endswith("{ 192.168.56.186 . tcp . 8099 : 81 }\n")
    assert "{ 192.168.56.186 . tcp . 8099 : 81 }" in mappings(host)

    host.module("port_dnat", **MAPPING, to_port=53, protocol="udp").changed()
    assert "192.168.56.186 . udp . 8099 : 53" in mappings(host)
    assert host.sh("nft list chain inet lvs_cluster prerouting").count("dnat to") == 2
    removed = host.module("port_dnat", **MAPPING, protocol="udp", state="absent").changed()
    assert removed["commands"] == ["nft delete element inet lvs_cluster port_dnat '{ 192.168.56.186 . udp . 8099 }'"]
    assert "udp . 8099" not in mappings(host)
    predicted = host.module("port_dnat", **MAPPING, state="absent", check_mode=True).changed()
    last = host.module("port_dnat", **MAPPING, state="absent").changed()
    assert last["commands"] == predicted["commands"]
    assert last["commands"][0] == "nft delete element inet lvs_cluster port_dnat '{ 192.168.56.186 . tcp . 8099 }'"
    assert last["commands"][-1] == "nft delete table inet lvs_cluster"
    assert (last["mapping"], last["mappings"]) == ({}, [])
    assert host.snapshot() == before
    host.module("port_dnat", **MAPPING, state="absent").ok()


def test_list_of_mappings_is_one_transaction(host: Namespace) -> None:
    host.module("port_dnat", **SECTIONS["port_dnat"]).changed()
    host.module("port_dnat", **SECTIONS["port_dnat"]).ok()
    other = {"vip": VIP, "port": 8100, "to_port": 80, "protocol": "tcp"}
    host.module("port_dnat", mappings=[other]).changed()
    host.module("port_dnat", mappings=[{**other, "to_port": 81}, SECTIONS["port_dnat"]["mappings"][2]]).changed()
    predicted = host.module("port_dnat", mappings=[other], purge=True, check_mode=True).changed()
    done = host.module("port_dnat", mappings=[other], purge=True).changed()
    assert predicted["commands"] == done["commands"]
    assert done["mappings"] == [other]
    assert "elements = { 192.168.56.186 . tcp . 8100 : 80 }" in mappings(host)
    assert "elements" not in host.sh("nft list map inet lvs_cluster port_dnat6")
    host.module("port_dnat", mappings=[other], purge=True).ok()
    host.module("port_dnat", mappings=[], purge=True).changed()
    assert host.sh("nft list ruleset") == ""
    host.module("port_dnat", mappings=[], purge=True).ok()
    host.module("port_dnat", **SECTIONS["port_dnat"]).changed()
    host.module("port_dnat", **SECTIONS["port_dnat"], state="absent").changed()
    assert host.sh("nft list ruleset") == ""


@pytest.mark.parametrize("module", SECTIONS)
def test_section_from_nothing_to_nothing(host: Namespace, module: str) -> None:
    before = host.snapshot()
    predicted = host.module(module, **SECTIONS[module], check_mode=True).changed()
    assert host.snapshot() == before
    made = host.module(module, **SECTIONS[module]).changed()
    assert made["commands"] == predicted["commands"]
    assert made["diff"]["before"] == ""
    host.module(module, **SECTIONS[module]).ok()
    host.module(module, **SECTIONS[module], purge=True).ok()
    everything = {"mappings": [], "purge": True} if module == "port_dnat" else {"state": "absent"}
    predicted = host.module(module, **everything, check_mode=True).changed()
    gone = host.module(module, **everything).changed()
    assert gone["commands"] == predicted["commands"]
    assert (gone["diff"]["before"], gone["diff"]["after"]) == (made["diff"]["after"], "")
    assert host.snapshot() == before
    host.module(module, **everything).ok()


def test_sections_leave_each_other_and_foreign_objects_alone(host: Namespace) -> None:
    host.sh("nft add table inet lvs_cluster; nft add chain inet lvs_cluster mine; nft add rule inet lvs_cluster mine accept")
    host.sh("nft add set inet lvs_cluster mss '{ type mark; elements = { 7 } }'")
    stages = [ruleset(host)]
    for module, options in SECTIONS.items():
        host.module(module, **options).changed()
        stages.append(ruleset(host))
    for module, options in SECTIONS.items():
        host.module(module, **options).ok()
    del stages[-1]
    for module, options in reversed(list(SECTIONS.items())):
        if module == "tunnel_guard":
            options = {}
        gone = host.module(module, **options, state="absent").changed()
        assert "nft delete table inet lvs_cluster" not in gone["commands"]
        assert ruleset(host) == stages.pop()


HARMS = {
    "flush ruleset": "flush ruleset",
    "flush chain": "flush chain inet lvs_cluster {chain}",
    "flush set": "flush {set}",
    "no chain": "delete chain inet lvs_cluster {chain}",
    "more": "add rule inet lvs_cluster {chain} accept",
    "first": "insert rule inet lvs_cluster {chain} iifname eth9 accept",
}


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize("harm", HARMS)
def test_section_survives_what_others_do(host: Namespace, module: str, harm: str) -> None:
    host.module(module, **SECTIONS[module]).changed()
    whole = ruleset(host)
    host.sh("nft " + HARMS[harm].format(chain=CHAINS[module], set=SETS[module]))
    assert ruleset(host) != whole
    predicted = host.module(module, **SECTIONS[module], check_mode=True).changed()
    mended = host.module(module, **SECTIONS[module]).changed()
    assert mended["commands"] == predicted["commands"]
    assert ruleset(host) == whole
    host.module(module, **SECTIONS[module]).ok()


@pytest.mark.parametrize("module", SECTIONS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"priority [-+ a-z0-9]+;", "priority 7;"),
        (r"policy accept", "policy drop"),
        (r"\n\t\t([^\n]* comment [^\n]*)", r"\n\t\t\1\n\t\t\1"),  # every rule twice
        (r"\n\t\t([^\n]* comment [^\n]*)", r"\n\t\tiifname eth9 \1"),
        (r"\n\t\t([^\n]* comment [^\n]*)\n\t\t([^\n]*)", r"\n\t\t\2\n\t\t\1"),
        (r' comment "[a-z0-9_]*"', ""),
    ],
)
def test_edited_section_is_made_whole(host: Namespace, module: str, old: str, new: str) -> None:
    """As by an administrator who saves the rules, edits them and loads them again."""
    host.module(module, **SECTIONS[module]).changed()
    whole = ruleset(host)
    saved, edits = re.subn(old, new, host.sh("nft -s list ruleset"))
    assert edits
    host.run("nft", "-f", "-", input=f"flush ruleset\n{saved}")
    assert ruleset(host) != whole
    host.module(module, **SECTIONS[module]).changed()
    assert ruleset(host) == whole
    host.module(module, **SECTIONS[module]).ok()


def test_edited_values_are_made_right(host: Namespace) -> None:
    for module, options in SECTIONS.items():
        host.module(module, **options).changed()
    whole = ruleset(host)
    saved = host.sh("nft -s list ruleset")
    edited = saved.replace("size set 1440", "size set 1460").replace("counter drop", "counter accept").replace(": 53", ": 54")
    assert edited.count("1460") == 1
    host.run("nft", "-f", "-", input=f"flush ruleset\n{edited}")
    for module, options in SECTIONS.items():
        host.module(module, **options).changed()
    assert ruleset(host) == whole


def test_rules_can_be_saved_and_loaded(host: Namespace) -> None:
    for module, options in SECTIONS.items():
        host.module(module, **options).changed()
    whole = ruleset(host)
    host.run("nft", "-f", "-", input="flush ruleset\n" + host.sh("nft list ruleset"))
    assert ruleset(host) == whole
    for module, options in SECTIONS.items():
        host.module(module, **options).ok()


def test_host_without_names_for_protocols(host: Namespace) -> None:
    without_names = ("sh", "-ec", 'mount --bind /dev/null /etc/protocols; exec "$@"', "without", PYTHON)
    for module, options in SECTIONS.items():
        host.module(module, **options, python=without_names).changed()
        host.module(module, **options, python=without_names).ok()
        host.module(module, **options).ok()


def test_dormant_tables(host: Namespace) -> None:
    """Another program's does not matter; of the collection's own, nft 1.0.6 writes no JSON."""
    host.sh("nft add table inet stranger '{ flags dormant; }'")
    host.module("port_dnat", **MAPPING, to_port=80).changed()
    host.module("port_dnat", **MAPPING, to_port=80).ok()
    host.sh("nft add table inet lvs_cluster '{ flags dormant; }'")
    before = host.snapshot()
    assert "run 'nft delete table inet lvs_cluster' first" in host.module("port_dnat", **MAPPING, to_port=81).failed()
    assert host.snapshot() == before


# Traffic ----------------------------------------------------------------------------------------------------------------

_ECHO = """
import socket, sys, threading
port = int(sys.argv[1])
stream = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
datagram = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagram.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
# A reply to a datagram has to come from the address that it was sent to.
datagram.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
datagram.bind(("::", port))
print("ready", flush=True)
def streams():
    while True:
        connection, _ = stream.accept()
        connection.sendall(sys.argv[1].encode()); connection.close()
threading.Thread(target=streams, daemon=True).start()
while True:
    data, control, flags, peer = datagram.recvmsg(64, 64)
    datagram.sendmsg([sys.argv[1].encode()], control, 0, peer)
"""
_ASK = """
import socket, sys
kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[sys.argv[1]]
with socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET, kind) as ask:
    ask.settimeout(2)
    ask.connect((sys.argv[2], int(sys.argv[3])))
    if sys.argv[1] == "udp": ask.send(b"?")
    print(ask.recv(64).decode())
"""


@contextmanager
def program(host: Namespace, *command: str, says: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that runs meanwhile; it is ready when it has said so."""
    with subprocess.Popen(
        host.command(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        assert process.stdout is not None
        try:
            assert any(says in line for line in process.stdout), command
            yield process
        finally:
            process.terminate()
            process.wait(timeout=TIMEOUT)


def ask(client: Namespace, protocol: str, address: str, port: int) -> str:
    """Which port answers: its number, or nothing."""
    return client.run(PYTHON, "-c", _ASK, protocol, address, str(port), check=False).stdout.strip()


@pytest.fixture(scope="module")
def pair(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[tuple[Namespace, Namespace]]:
    """A client, and a real server with both VIPs and programs on the ports 80 and 81."""
    bridge, client, server = (new_lasting_namespace() for name in range(3))
    on_one_bridge(bridge, {180: client, 183: server})
    server.sh(f"ip address add {VIP}/32 dev eth0; ip address add {VIP6}/128 dev eth0 nodad")
    with ExitStack() as programs:
        for port in ("80", "81"):
            programs.enter_context(program(server, PYTHON, "-c", _ECHO, port, says="ready"))
        yield client, server


@pytest.fixture
def clean_pair(pair: tuple[Namespace, Namespace]) -> Iterator[tuple[Namespace, Namespace]]:
    """Without any rules, before and after."""
    yield pair
    pair[1].sh("nft flush ruleset")


ENDPOINTS = [(protocol, vip) for protocol in ("tcp", "udp") for vip in (VIP, VIP6)]


def rows(to_port: int) -> list[dict[str, Any]]:
    """Each VIP's port 8099, for both protocols."""
    return [{"vip": vip, "port": 8099, "to_port": to_port, "protocol": protocol} for protocol, vip in ENDPOINTS]


def answers(client: Namespace) -> list[str]:
    """Who answers at each VIP's port 8099."""
    return [ask(client, protocol, vip, 8099) for protocol, vip in ENDPOINTS]


def test_mapped_port_is_answered(clean_pair: tuple[Namespace, Namespace]) -> None:
    client, server = clean_pair
    assert [ask(client, protocol, vip, 80) for protocol, vip in ENDPOINTS] == ["80"] * 4
    assert answers(client) == [""] * 4
    server.module("port_dnat", mappings=rows(80)).changed()
    assert answers(client) == ["80"] * 4
    server.module("port_dnat", mappings=rows(81)).changed()
    assert answers(client) == ["81"] * 4
    assert [ask(client, protocol, vip, 80) for protocol, vip in ENDPOINTS] == ["80"] * 4
    server.module("port_dnat", mappings=[], purge=True).changed()
    assert answers(client) == [""] * 4


# What firewalld 1.3 makes of a zone that takes a few ports, in short.
FIREWALLD = """
table inet firewalld {
  chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10; policy accept; jump nat_PREROUTING_POLICIES; }
  chain nat_PREROUTING_POLICIES { }
  chain filter_PREROUTING {
    type filter hook prerouting priority filter + 10; policy accept;
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
  }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    meta l4proto ipv6-icmp accept
    tcp dport { 22 } accept
    reject with icmpx admin-prohibited
  }
}
"""
# iptables-nft's own tables, where nft can read them.
IPTABLES = """
iptables-nft -t nat -N OURS; iptables-nft -t nat -A PREROUTING -j OURS
iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT
iptables-nft -A INPUT -p icmp -j ACCEPT
iptables-nft -A INPUT -j DROP
"""


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("firewall", "endpoints"), [("firewalld", ENDPOINTS), ("iptables", ENDPOINTS[::2])])
def test_mapping_lives_beside_a_firewall(
    clean_pair: tuple[Namespace, Namespace], firewall: str, endpoints: list[tuple[str, str]], first: bool
) -> None:
    client, server = clean_pair

    def load() -> None:
        if firewall == "firewalld":
            server.run("nft", "-f", "-", input=FIREWALLD)
        else:
            server.sh(IPTABLES)

    def theirs() -> str:
        listed = server.sh("nft -s list ruleset")
        return "".join(table for table in re.split(r"(?m)^(?=table )", listed) if not table.startswith("table inet lvs_"))

    def ours() -> str:
        return server.sh("nft -s list table inet lvs_cluster")

    if first:
        load()
        before = theirs()
        assert before
        server.module("port_dnat", mappings=rows(80)).changed()
        assert theirs() == before
    else:
        server.module("port_dnat", mappings=rows(80)).changed()
        mine = ours()
        load()
        assert ours() == mine
    before, mine = theirs(), ours()
    assert [ask(client, protocol, vip, 8099) for protocol, vip in endpoints] == ["80"] * len(endpoints)
    assert [ask(client, protocol, vip, 80) for protocol, vip in endpoints] == [""] * len(endpoints)
    server.module("port_dnat", mappings=rows(80)).ok()
    server.module("port_dnat", mappings=rows(81)).changed()
    assert [ask(client, protocol, vip, 8099) for protocol, vip in endpoints] == ["81"] * len(endpoints)
    assert theirs() == before
    server.module("port_dnat", mappings=[], purge=True).changed()
    assert theirs() == before


RS, RS6 = "192.168.56.183", "2001:db8:56::183"


@pytest.fixture(scope="module")
def street(new_lasting_namespace: Callable[[], Namespace]) -> dict[str, Namespace]:
    """An attacker, a director and a real server on one bridge; the real server unwraps whatever comes."""
    names = {66: "attacker", 181: "director", 183: "real server", 180: "client"}
    hosts = {number: new_lasting_namespace() for number in names}
    on_one_bridge(new_lasting_namespace(), hosts)
    off = "for each in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $each; done"
    for number, name in names.items():
        if name not in ("real server", "client"):
            hosts[number].sh(off)
    server = hosts[183]
    server.module("arp_sysctl", rp_filter=0).changed()
    for device in ("tunl0", "sit0", "gre0", "ip6tnl0"):
        server.sh(f"ip link set {device} up")
    server.sh(f"ip address add {VIP}/32 dev tunl0; ip address add {VIP6}/128 dev ip6tnl0 nodad; ip fou add port 6080 gue")
    server.sh(off)
    return {name: hosts[number] for number, name in names.items()}


GUE = "encap gue encap-sport auto encap-dport 6080"
# What is guarded, the tunnel, and the family of its outer and its inner header.
TUNNELS: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "ipip": ({"protocols": [4]}, ("ipip", 4, 4)),
    "sit": ({"protocols": [41]}, ("sit", 4, 6)),
    "gre": ({"protocols": [47]}, ("gre", 4, 4)),
    "gue": ({"protocols": [], "gue_ports": [6080]}, (f"ipip {GUE}", 4, 4)),
    "ip6ip6": ({"protocols": [41]}, ("ip6tnl mode ip6ip6 encaplimit none", 6, 6)),
}


def gets_in(host: Namespace, number: int, tunnel: str, outer: int, inner: int) -> bool:
    """Whether a packet for the VIP, sent through a tunnel to the real server, is answered."""
    address = {4: f"192.168.56.{number}", 6: f"2001:db8:56::{number}"}
    kind, _space, more = tunnel.partition(" ")
    host.sh(f"ip link add t0 type {kind} local {address[outer]} remote {RS if outer == 4 else RS6} ttl 64 {more}")
    vip = VIP if inner == 4 else VIP6
    try:
        host.sh(f"ip link set t0 up; ip -{inner} route add {vip} dev t0")
        return host.run("ping", "-c", "2", "-i", "0.2", "-W", "1", "-I", address[inner], vip, check=False).returncode == 0
    finally:
        host.sh("ip link del t0")


@pytest.mark.parametrize("kind", TUNNELS)
def test_only_directors_get_in(street: dict[str, Namespace], kind: str) -> None:
    guarded, tunnel = TUNNELS[kind]
    attacker, director, server = street["attacker"], street["director"], street["real server"]
    assert gets_in(attacker, 66, *tunnel)
    assert gets_in(director, 181, *tunnel)
    server.module("tunnel_guard", sources=[DIRECTOR, DIRECTOR6], **guarded).changed()
    assert not gets_in(attacker, 66, *tunnel)
    assert gets_in(director, 181, *tunnel)
    found = server.module("tunnel_guard", sources=[DIRECTOR, DIRECTOR6], **guarded).ok()
    assert found["dropped"]["packets"] >= 2
    assert found["dropped"]["bytes"] > 100
    assert found["guard"] == {"sources": [DIRECTOR, DIRECTOR6], "gue_ports": [], **guarded}
    # Somebody else's director now.
    server.module("tunnel_guard", sources=["192.168.56.66", "2001:db8:56::66"], **guarded, purge=True).changed()
    assert gets_in(attacker, 66, *tunnel)
    assert not gets_in(director, 181, *tunnel)
    server.module("tunnel_guard", state="absent").changed()
    assert gets_in(director, 181, *tunnel)
    assert server.sh("nft list ruleset") == ""


def test_guard_lets_ipvs_through(street: dict[str, Namespace]) -> None:
    client, director, server = street["client"], street["director"], street["real server"]
    director.module("ipvs_service", vip=VIP, port=80, scheduler="rr").changed()
    director.module("ipvs_dest", vip=VIP, port=80, rip=RS).changed()
    director.sh(f"ip address add {VIP}/32 dev eth0")
    client.sh(f"ip neighbour flush all; ping -c 1 -W 1 {DIRECTOR}")
    reach = f"curl -sS --max-time 3 http://{VIP}/name"
    with web_server(server, "rs1"):
        server.module("tunnel_guard", sources=[DIRECTOR]).changed()
        assert client.sh(reach) == "rs1\n"
        server.module("tunnel_guard", sources=["192.168.56.182"], purge=True).changed()
        assert client.run("sh", "-c", reach, check=False).stdout == ""
        server.module("tunnel_guard", sources=[DIRECTOR], purge=True).changed()
        assert client.sh(reach) == "rs1\n"
    server.module("tunnel_guard", state="absent").changed()
    director.sh(f"ip address del {VIP}/32 dev eth0; ipvsadm -C")


def test_guard_takes_and_gives_some(host: Namespace) -> None:
    host.module("tunnel_guard", sources=[DIRECTOR, DIRECTOR], gue_ports=[6080]).changed()
    more = host.module("tunnel_guard", sources=[DIRECTOR6], protocols=[4], gue_ports=[6081]).changed()
    assert more["guard"] == {"sources": [DIRECTOR, DIRECTOR6], "protocols": [4, 41, 47], "gue_ports": [6080, 6081]}
    less = host.module("tunnel_guard", protocols=[41], gue_ports=[6081], state="absent").changed()
    assert less["guard"] == {"sources": [DIRECTOR, DIRECTOR6], "protocols": [4, 47], "gue_ports": [6080]}
    assert less["commands"] == [
        "nft delete element inet lvs_cluster gue_ports '{ 6081 }'",
        "nft delete element inet lvs_cluster tunnel_protocols '{ 41 }'",
    ]
    nobody = host.module("tunnel_guard", sources=[], protocols=[4], purge=True).changed()
    assert nobody["guard"] == {"sources": [], "protocols": [4], "gue_ports": []}
    host.module("tunnel_guard", sources=[], protocols=[], purge=True).changed()
    assert host.sh("nft list ruleset") == ""
    host.module("tunnel_guard", sources=[DIRECTOR], protocols=[]).ok()


def announced(client: Namespace, address: str) -> int:
    """The MSS of the SYN-ACK that a client gets."""
    answer = "tcp[13] & 18 == 18 or (ip6[6] == 6 and ip6[53] & 18 == 18)"
    command = ("tcpdump", "-nn", "-l", "-c", "1", "-i", "eth0", answer)
    with program(client, *command, says="listening on") as listening:
        assert ask(client, "tcp", address, 80) == "80"
        output, _nothing = listening.communicate(timeout=TIMEOUT)
    found = re.search(r"Flags \[S\.\].*\bmss (\d+)", output)
    assert found, output
    return int(found[1])


@pytest.mark.parametrize(
    ("vip", "tunnel", "size"),
    [
        (VIP, {"director": DIRECTOR}, 1440),
        (VIP, {"director": DIRECTOR, "tunnel_type": "gue"}, 1428),
        (VIP, {"director": DIRECTOR, "tunnel_type": "gue", "tunnel_checksum": "remote_checksum"}, 1420),
        (VIP, {"director": DIRECTOR, "tunnel_type": "gre"}, 1436),
        (VIP, {"director": DIRECTOR, "tunnel_type": "gre", "tunnel_checksum": "checksum"}, 1432),
        (VIP, {"director": DIRECTOR6}, 1420),
        (VIP, {"director": DIRECTOR, "path_mtu": 1400}, 1340),
        (VIP6, {"director": DIRECTOR6}, 1400),
        (VIP6, {"director": DIRECTOR}, 1420),
        (VIP6, {"director": DIRECTOR6, "tunnel_type": "gre", "path_mtu": 1400}, 1296),
        (VIP, {"director": DIRECTOR, "path_mtu": 9000}, 1460),  # never raised
    ],
)
def test_client_is_told_what_fits(
    clean_pair: tuple[Namespace, Namespace], vip: str, tunnel: dict[str, Any], size: int
) -> None:
    client, server = clean_pair
    assert announced(client, vip) == (1460 if vip == VIP else 1440)
    made = server.module("mss_clamp", tunnels=[{"vip": vip, **tunnel}]).changed()
    assert announced(client, vip) == size
    assert made["sizes"][vip] == size or tunnel["path_mtu"] == 9000
    # Other addresses announce what they did.
    assert announced(client, RS) == 1460
    assert announced(client, RS6) == 1440
    server.module("mss_clamp", state="absent").changed()
    assert announced(client, vip) == (1460 if vip == VIP else 1440)


def test_size_follows_the_path(clean_pair: tuple[Namespace, Namespace]) -> None:
    client, server = clean_pair
    tunnels = [{"vip": VIP, "director": DIRECTOR}, {"vip": VIP6, "director": DIRECTOR}]
    assert server.module("mss_clamp", tunnels=tunnels).changed()["sizes"] == {VIP: 1440, VIP6: 1420}
    server.sh(f"ip route add {DIRECTOR} dev eth0 mtu 1400")
    predicted = server.module("mss_clamp", tunnels=tunnels, check_mode=True).changed()
    assert announced(client, VIP) == 1440
    followed = server.module("mss_clamp", tunnels=tunnels).changed()
    assert followed["commands"] == predicted["commands"]
    assert followed["sizes"] == {VIP: 1340, VIP6: 1320}
    assert announced(client, VIP) == 1340
    server.module("mss_clamp", tunnels=tunnels).ok()
    server.sh(f"ip route del {DIRECTOR} dev eth0 mtu 1400")

    # The smallest counts; a VIP that is named alone leaves the others alone; each can be removed alone.
    several = [{"vip": VIP, "director": DIRECTOR, "path_mtu": mtu} for mtu in (1500, 1300, 1400)]
    assert server.module("mss_clamp", tunnels=several).changed()["sizes"] == {VIP: 1240, VIP6: 1320}
    server.module("mss_clamp", tunnels=several).ok()
    listed = json.loads(server.sh("nft -j list sets"))["nftables"]
    assert sorted(entry["set"]["name"] for entry in listed if "set" in entry) == ["mss6_1320", "mss_1240"]
    assert server.module("mss_clamp", tunnels=[{"vip": VIP}], state="absent").changed()["sizes"] == {VIP6: 1320}
    assert announced(client, VIP) == 1460
    assert announced(client, VIP6) == 1320
    assert server.module("mss_clamp", tunnels=several, purge=True).changed()["sizes"] == {VIP: 1240}
    server.module("mss_clamp", tunnels=[], purge=True).changed()
    assert server.sh("nft list ruleset") == ""
