# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a filter, held against what becomes of a packet in it."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._nft.verdict import dropping, with_translations

from .namespaces import PYTHON, TIMEOUT, Namespace

VIPS = {4: "192.0.2.185", 6: "2001:db8::185"}
MAPPED = {80: 8099, 22: 8022}  # the port that answers, and the public one

# The translation, in a table of its own.
TRANSLATION = """
table inet mapping { chain prerouting { type nat hook prerouting priority dstnat;
  meta l4proto { tcp, udp } th dport 8099 dnat ip to 192.0.2.185:80
  meta l4proto { tcp, udp } th dport 8022 dnat ip to 192.0.2.185:22
  meta l4proto { tcp, udp } th dport 8099 dnat ip6 to [2001:db8::185]:80
  meta l4proto { tcp, udp } th dport 8022 dnat ip6 to [2001:db8::185]:22
}; }
"""

# Answers on each address that it is given: a TCP connection is taken, a datagram comes back.
SERVER = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for address in sys.argv[1:]:
    for port in (80, 22):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
            one.bind((address, port))
            if kind == socket.SOCK_STREAM:
                one.listen(64)
            selector.register(one, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _events in selector.select():
        if key.fileobj.type == socket.SOCK_STREAM:
            key.fileobj.accept()[0].close()
        else:
            key.fileobj.sendto(*key.fileobj.recvfrom(100))
"""

# Each argument is KEY,ADDRESS,KIND,PORT; prints the keys of those that are answered.
CLIENT = """
import concurrent.futures, socket, sys
def answered(probe):
    key, address, kind, port = probe.split(",")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
        one.settimeout(1.5)
        try:
            one.connect((address, int(port)))
            if kind == "udp":
                one.send(b"x")
                one.recv(9)
        except OSError:
            return ""
        return key
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(*filter(None, pool.map(answered, sys.argv[1:])), sep="\\n")
"""

ALL = {f"{family} {kind} {port}" for family in VIPS for kind in ("tcp", "udp") for port in MAPPED}
TCP, UDP = ({one for one in ALL if kind in one} for kind in ("tcp", "udp"))
V4, V6 = ({one for one in ALL if one[0] == family} for family in "46")
WEB = {one for one in ALL if one.endswith("80")}
NONE: set[str] = set()


def chain(rules: str, policy: str = "drop", priority: int = 0, family: str = "inet", more: str = "") -> str:
    """A table with one chain at the hook, in the words of nft."""
    hook = f"type filter hook input priority {priority}; policy {policy};"
    return f"table {family} fw{priority} {{ {more}\nchain input {{ {hook}\n{rules}\n}}\n}}\n"


# Neighbours have to be found whatever the policy is, and what is answered goes on.
GOES_ON = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\nct state established,related accept\n"
FIREWALLD = """
table inet firewalld {
  chain filter_INPUT { type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    STATUS
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT_ZONES { iifname vmap { "eth0" : goto filter_IN_public, "dummy0" : goto filter_IN_public }
    goto filter_IN_public
  }
  chain filter_IN_public { jump filter_IN_public_pre; jump filter_IN_public_allow
    meta l4proto { icmp, ipv6-icmp } accept
    reject with icmpx admin-prohibited
  }
  chain filter_IN_public_pre { }
  chain filter_IN_public_allow { tcp dport 80 accept; }
}
"""
# ufw's chains, as its rules leave them when 80/tcp is allowed; what its log chains do is left out.
UFW = """
iptables-nft -P INPUT DROP
for c in before after reject track user not-local; do iptables-nft -N ufw-$c; done
for c in before user after reject track; do iptables-nft -A INPUT -j ufw-$c; done
iptables-nft -A ufw-before -i lo -j ACCEPT
iptables-nft -A ufw-before -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-nft -A ufw-before -m conntrack --ctstate INVALID -j DROP
iptables-nft -A ufw-before -p icmp --icmp-type echo-request -j ACCEPT
iptables-nft -A ufw-before -p udp --sport 67 --dport 68 -j ACCEPT
iptables-nft -A ufw-before -j ufw-not-local
iptables-nft -A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
iptables-nft -A ufw-not-local -j DROP
iptables-nft -A ufw-user -p tcp --dport 80 -j ACCEPT
iptables-nft -A ufw-after -p udp --dport 137 -j DROP
"""
IPTABLES = "iptables-nft -P INPUT DROP; iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"

# The rules, for nft or, where they begin with iptables-nft, for a shell; what gets through; what is dropped without notice.
CASES: dict[str, tuple[str, set[str], set[str]]] = {
    "empty": ("", ALL, NONE),
    "public port alone": (chain(GOES_ON + "tcp dport 8099 accept"), NONE, NONE),
    "translated port": (chain(GOES_ON + "tcp dport 80 accept"), TCP & WEB, NONE),
    "either protocol": (chain(GOES_ON + "meta l4proto { tcp, udp } th dport 80 accept"), WEB, NONE),
    "set": (chain(GOES_ON + "tcp dport { 443, 70-90 } accept"), TCP & WEB, NONE),
    "not the set": (chain(GOES_ON + "tcp dport != { 443, 70-90 } accept"), TCP - WEB, NONE),
    "larger": (chain(GOES_ON + "udp dport > 22 accept"), UDP & WEB, NONE),
    "named set": (
        chain(
            GOES_ON + "udp dport @open accept", more="set open { type inet_service; flags interval; elements = { 79-81 } }"
        ),
        UDP & WEB,
        NONE,
    ),
    "verdict map": (
        chain(
            GOES_ON + "tcp dport vmap @ports\nudp dport vmap { 22 : accept }",
            more="chain web { accept; }\nmap ports { type inet_service : verdict; elements = { 80 : jump web, 22 : drop } }",
        ),
        TCP & WEB | UDP - WEB,
        NONE,
    ),
    "states as a map": (
        chain(
            "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
            "ct state vmap { established : accept, related : accept, invalid : drop, new : jump fresh }",
            more="chain fresh { iifname lo accept; tcp dport 80 accept; }",
        ),
        TCP & WEB,
        NONE,
    ),
    "addresses": (
        chain(GOES_ON + "ip daddr 192.0.2.128/25 accept\nip6 daddr 2001:db8::1-2001:db8::184 accept"),
        V4,
        NONE,
    ),
    "address and port": (
        chain(
            GOES_ON + "ip daddr . tcp dport @vips accept",
            more="set vips { type ipv4_addr . inet_service; elements = { 192.0.2.185 . 80 } }",
        ),
        V4 & TCP & WEB,
        NONE,
    ),
    "translated packets": (chain(GOES_ON + "ct status dnat accept"), ALL, NONE),
    "translated packets alone": (chain("ct status dnat drop", "accept"), NONE, NONE),
    "first packets": (chain("ct state new tcp flags & (fin|syn|rst|ack) == syn drop", "accept"), UDP, NONE),
    "first packets otherwise": (chain("tcp flags ! syn drop\ntcp flags syn reject with tcp reset", "accept"), UDP, NONE),
    "not from here": (chain(GOES_ON + "iif != lo tcp dport 22 reject\naccept"), ALL - (TCP - WEB), NONE),
    "tables of a family": (chain("tcp dport 80 drop", "accept", family="ip"), ALL - (V4 & TCP & WEB), NONE),
    "accepted once": (
        chain("tcp dport 80 accept", "accept", -5) + chain("tcp dport 80 drop", "accept", 5),
        ALL - (TCP & WEB),
        NONE,
    ),
    "goto": (
        chain(
            GOES_ON + "jump one\naccept",
            more="chain two { tcp dport 80 return; drop; }\nchain one { goto two; }",
        ),
        TCP & WEB,
        NONE,
    ),
    "counted, logged, dropped": (
        chain('counter meta mark set 7 tcp dport 80 counter drop\ntcp dport 22 drop comment "x"', "accept"),
        UDP,
        NONE,
    ),
    "dormant": (chain("drop", "drop").replace("table inet fw0 {", "table inet fw0 { flags dormant;"), ALL, NONE),
    "set that rules fill": (
        chain(
            GOES_ON + "tcp dport 22 add @known { tcp dport }\ntcp dport @known accept",
            more="set known { type inet_service; flags dynamic; size 9; }",
        ),
        TCP - WEB,
        TCP & WEB,
    ),
    "firewalld": (FIREWALLD.replace("STATUS", ""), TCP & WEB, NONE),
    "firewalld's own": (FIREWALLD.replace("STATUS", "ct status dnat accept"), ALL, NONE),
    # What is not known of the client, or of the device, may let it through.
    "other clients": (chain(GOES_ON + "ip saddr 203.0.113.0/24 accept"), NONE, V4),
    "other devices": (chain(GOES_ON + 'iifname "eth7" accept'), NONE, ALL),
    "these clients": (chain("ip saddr 192.0.2.0/24 drop", "accept"), V6, V4),
    "this device": (chain('iifname "eth0" drop', "accept"), NONE, ALL),
    "rare enough": (chain("limit rate over 1/day burst 1 packets drop\nmeta mark 0 drop", "accept"), NONE, ALL),
    "iptables, public port alone": (
        "iptables-nft -P INPUT DROP; iptables-nft -A INPUT -p tcp --dport 8099 -j ACCEPT",
        V6,
        NONE,
    ),
    "iptables": (IPTABLES + "iptables-nft -A INPUT -p tcp --dport 80 -j ACCEPT", V6 | TCP & WEB, NONE),
    "iptables, several ports": (
        IPTABLES + "iptables-nft -A INPUT -p tcp -m multiport --dports 443,70:90 -m comment --comment web -j ACCEPT",
        V6 | TCP & WEB,
        NONE,
    ),
    "iptables, not these ports": (
        IPTABLES + "iptables-nft -A INPUT -p udp -m multiport ! --dports 443,70:90 -j ACCEPT",
        V6 | UDP - WEB,
        NONE,
    ),
    "iptables, translated packets": (
        IPTABLES + "iptables-nft -A INPUT -m conntrack --ctstate NEW,DNAT -j ACCEPT",
        ALL,
        NONE,
    ),
    "iptables, public port as it was": (
        IPTABLES + "iptables-nft -A INPUT -p tcp -m conntrack --ctstate NEW --ctorigdstport 8099 -j ACCEPT",
        V6 | TCP & WEB,
        V4 & (TCP - WEB),
    ),
    "iptables, valid ones": (
        "iptables-nft -A INPUT -m conntrack ! --ctstate INVALID -p tcp --dport 80 -j DROP",
        ALL - (V4 & TCP & WEB),
        NONE,
    ),
    "ufw": (UFW, V6 | TCP & WEB, NONE),
}


@pytest.fixture(scope="module")
def hosts(new_lasting_namespace: Callable[[], Namespace]) -> Iterator[tuple[Namespace, Namespace]]:
    """A client, and a server with the VIPs."""
    client, server = new_lasting_namespace(), new_lasting_namespace()
    client.sh(f"ip link add eth0 type veth peer eth0 netns {server.name}")
    for number, host in enumerate((client, server), start=1):
        host.sh(f"ip address add 192.0.2.{number}/24 dev eth0; ip address add 2001:db8::{number}/64 dev eth0 nodad")
        host.sh("ip link set eth0 up")
    server.sh("ip address add 192.0.2.185/32 dev eth0; ip address add 2001:db8::185/128 dev eth0 nodad")
    with subprocess.Popen(server.command(PYTHON, "-c", SERVER, *VIPS.values()), stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        try:
            yield client, server
        finally:
            program.terminate()
            program.wait(timeout=TIMEOUT)


def said(host: Namespace, *, with_text: bool = True) -> dict[str, str]:
    """What is said to be dropped, and where."""
    ruleset: list[Any] = json.loads(host.sh("nft -j list ruleset"))["nftables"]
    if with_text:
        ruleset = with_translations(ruleset, host.sh("nft -a list ruleset"))
    found = {}
    for one in ALL:
        family, kind, port = one.split()
        where = dropping(ruleset, int(family), kind, ipaddress.ip_address(VIPS[int(family)]), int(port))
        if where is not None:
            found[one] = where
    return found


def load(host: Namespace, rules: str) -> None:
    """The rules, and the translation."""
    host.run(
        "nft", "-f", "-", input=f"flush ruleset\n{TRANSLATION}" + ("" if rules.lstrip().startswith("iptables") else rules)
    )
    if rules.lstrip().startswith("iptables"):
        host.sh(rules)


@pytest.mark.parametrize("name", CASES)
def test_dropped_as_said(hosts: tuple[Namespace, Namespace], name: str) -> None:
    client, server = hosts
    rules, through, unnoticed = CASES[name]
    load(server, rules)
    probes = []
    for one in sorted(ALL):
        family, kind, port = one.split()
        probes.append(f"{one},{VIPS[int(family)]},{kind},{MAPPED[int(port)]}")
    answered = set(filter(None, client.run(PYTHON, "-c", CLIENT, *probes).stdout.splitlines()))
    dropped = said(server)
    assert not set(dropped) & answered, f"a false alarm: {dropped}"
    assert answered == through, server.sh("nft list ruleset")
    assert ALL - answered - set(dropped) == unnoticed
    # Without the text, less is known, and nothing else.
    assert said(server, with_text=False).items() <= dropped.items()


def test_where_it_is_dropped(hosts: tuple[Namespace, Namespace]) -> None:
    _client, server = hosts
    load(server, chain(GOES_ON + "jump web", more="chain web { udp dport 80 drop; }"))
    listing = server.sh("nft -a list chain inet fw0 web")
    handle = next(line for line in listing.splitlines() if "udp dport 80" in line).split()[-1]
    assert said(server)["4 udp 80"] == f"table inet fw0, chain web, the rule with handle {handle}"
    assert said(server)["4 tcp 80"] == "table inet fw0, chain input, its policy"
