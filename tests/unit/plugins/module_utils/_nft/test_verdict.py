# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a filter is said to do with a translated port; tests/integration/test_verdict.py asks a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._nft.verdict import dropping, with_translations

VIPS = {4: "192.0.2.185", 6: "2001:db8::185"}
DROP: dict[str, Any] = {"drop": None}
ACCEPT: dict[str, Any] = {"accept": None}
RULE = "table inet fw, chain input, the rule with handle 10"
POLICY = "table inet fw, chain input, its policy"


def payload(protocol: str, field: str) -> dict[str, Any]:
    """A field of a header."""
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> dict[str, Any]:
    """What the kernel knows of a packet."""
    return {"meta": {"key": key}}


def ct(key: str, **more: str) -> dict[str, Any]:
    """What the kernel knows of a connection."""
    return {"ct": {"key": key, **more}}


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    """A comparison."""
    return {"match": {"op": op, "left": left, "right": right}}


def concat(*parts: Any) -> dict[str, Any]:
    """Several values as one."""
    return {"concat": list(parts)}


DPORT = payload("tcp", "dport")
FLAGS = payload("tcp", "flags")
BASICS = ["fin", "syn", "rst", "ack"]


def ruleset(
    *rules: list[Any], policy: str = "accept", family: str = "inet", more: tuple[Any, ...] = (), **chains: list[list[Any]]
) -> list[dict[str, Any]]:
    """A table with a chain at the hook, whose rules have the handles 10, 11 and so on, and with others."""
    of = {"family": family, "table": "fw"}
    found: list[dict[str, Any]] = [{"metainfo": {}}, {"table": {"family": family, "name": "fw"}}]
    hook = {"type": "filter", "hook": "input", "prio": 0, "policy": policy}
    found += [{"chain": {**of, "name": "input", **hook}}, *({"chain": {**of, "name": name}} for name in chains)]
    found += [{kind: {**of, **what}} for kind, what in more]
    for name, its in {"input": rules, **chains}.items():
        found += [{"rule": {**of, "chain": name, "handle": 10 + n, "expr": expr}} for n, expr in enumerate(its)]
    return found


def said(rules: Sequence[Mapping[str, Any]], family: int = 4, protocol: str = "tcp", port: int = 80) -> str | None:
    """What is said of a packet."""
    return dropping(rules, family, protocol, ip_address(VIPS[family]), port)


# What is asked, and the answer for a TCP packet of IPv4 to port 80.
MATCHES: list[tuple[dict[str, Any], bool | None]] = [
    (match(DPORT, 80), True),
    (match(DPORT, 81), False),
    (match(DPORT, 80, "!="), False),
    (match(DPORT, 80, "in"), True),
    (match(DPORT, 79, ">"), True),
    (match(DPORT, 80, "<"), False),
    (match(DPORT, 80, "<="), True),
    (match(DPORT, {"range": [70, 80]}), True),
    (match(DPORT, {"range": [81, 90]}), False),
    (match(DPORT, {"range": [81, 90]}, "!="), True),
    (match(DPORT, {"set": [22, {"range": [70, 90]}]}), True),
    (match(DPORT, {"set": [22, {"elem": {"val": 80, "comment": "web"}}]}), True),
    (match(DPORT, {"set": [22, {"elem": {"val": 80, "timeout": 9, "expires": 3}}]}), None),
    (match(DPORT, {"set": 80}), True),
    (match(DPORT, "@open"), True),
    (match(DPORT, "@filled"), None),
    (match(DPORT, "@nowhere"), None),
    (match(DPORT, "http"), None),
    (match({"&": [DPORT, 1]}, 1), None),
    (match(payload("th", "dport"), 80), True),
    (match(payload("tcp", "sport"), 80), None),
    # What the packet has no header of is not even another one.
    (match(payload("udp", "dport"), 80, "!="), False),
    (match(payload("icmp", "type"), "echo-request", "!="), False),
    (match(payload("ip6", "daddr"), "2001:db8::185", "!="), False),
    (match(concat(payload("ip6", "daddr"), DPORT), {"set": [concat("2001:db8::185", 80)]}, "!="), False),
    (match({"&": [payload("ip6", "daddr"), 1]}, 1, "!="), False),
    (match(payload("ether", "saddr"), "02:00:00:00:00:01"), None),
    (match(payload("ip", "daddr"), "192.0.2.185"), True),
    (match(payload("ip", "daddr"), "192.0.2.186"), False),
    (match(payload("ip", "daddr"), {"prefix": {"addr": "192.0.2.128", "len": 25}}), True),
    (match(payload("ip", "daddr"), {"prefix": {"addr": "192.0.2.0", "len": 25}}), False),
    (match(payload("ip", "daddr"), {"set": [{"range": ["192.0.2.180", "192.0.2.189"]}, "10.0.0.1"]}), True),
    (match(payload("ip", "daddr"), "vip.example"), None),
    (match(payload("ip", "saddr"), "192.0.2.1"), None),
    (match(payload("ip", "protocol"), "tcp"), True),
    (match(payload("ip", "protocol"), 17), False),
    (match(meta("l4proto"), 6), True),
    (match(meta("l4proto"), {"set": ["udp", "tcp"]}), True),
    (match(meta("l4proto"), "icmp"), False),
    (match(meta("nfproto"), "ipv6"), False),
    (match(meta("nfproto"), 10), None),
    (match(meta("protocol"), "ip"), True),
    (match(meta("iifname"), "lo"), False),
    (match(meta("iif"), "lo", "!="), True),
    (match(meta("iifname"), "eth0"), None),
    (match(meta("iifname"), {"set": ["lo", "eth*"]}), None),
    (match(meta("mark"), 1), None),
    (match(concat(payload("ip", "daddr"), DPORT), {"set": [concat("192.0.2.185", 80)]}), True),
    (match(concat(payload("ip", "saddr"), DPORT), {"set": [concat("192.0.2.1", 81)]}), False),
    (match(concat(payload("ip", "saddr"), DPORT), {"set": [concat("192.0.2.1", 80)]}), None),
    (match(concat(meta("iifname"), DPORT), "@elsewhere"), None),
    (match(ct("state"), ["established", "related"], "in"), False),
    (match(ct("state"), ["established", "new"], "in"), True),
    (match(ct("state"), "invalid", "!"), True),
    (match(ct("state"), "new", "!"), False),
    (match(ct("state"), {"set": ["established", "new"]}), True),
    (match(ct("state"), "new", "!="), False),
    (match(ct("state"), ["established", "related"], "!="), True),
    (match(ct("state"), ["established", "new"], "!="), None),
    (match(ct("status"), "dnat", "in"), True),
    (match(ct("status"), ["snat", "dnat"], "in"), True),
    (match(ct("status"), "snat", "in"), None),
    (match(ct("status"), "dnat"), None),
    (match(ct("direction"), "original"), True),
    (match(ct("direction"), "reply"), False),
    (match(ct("proto-dst", dir="original"), 8099), None),
    (match(ct("helper"), "ftp"), None),
    (match(FLAGS, "syn", "in"), True),
    (match(FLAGS, "ack", "in"), False),
    (match(FLAGS, "ecn", "in"), None),
    (match(FLAGS, "syn", "!"), False),
    (match(FLAGS, "syn"), None),
    (match({"&": [FLAGS, BASICS]}, "syn"), True),
    (match({"&": [FLAGS, {"|": ["syn", {"|": ["ack", "rst"]}]}]}, "syn"), True),
    (match({"&": [FLAGS, BASICS]}, "syn", "!="), False),
    (match({"&": [FLAGS, BASICS]}, ["syn", "ack"]), False),
    (match({"&": [FLAGS, BASICS]}, 0), False),
    (match({"&": [FLAGS, [*BASICS, "ecn"]]}, "syn"), None),
    (match({"fib": {"result": "type", "flags": "daddr"}}, "local"), None),
    (match({"nobody": "knows"}, 1), None),
    (match("text", 1), None),
    (match(DPORT, {"nobody": "knows"}), None),
    (match(DPORT, 80, "~"), None),
    ({"match": {}}, None),
    ({"counter": {"packets": 1}}, True),
    ({"counter": "name"}, True),
    ({"log": {"prefix": "x"}}, True),
    ({"mangle": {"key": meta("mark"), "value": 1}}, True),
    ({"continue": None}, True),
    ({"limit": {"rate": 1}}, None),
    ({"quota": {"val": 1}}, None),
    ({"xt": {"type": "match", "name": "comment"}}, True),
    ({"xt": {"type": "target", "name": "LOG"}}, True),
    ({"xt": {"type": "match", "name": "conntrack"}}, None),
    ({"xt": None}, None),
    ({"synproxy": {}}, None),
]
SETS = (
    ("set", {"name": "open", "elem": [22, 80]}),
    ("set", {"name": "filled", "elem": [22]}),
    ("map", {"name": "ports", "elem": [[80, DROP], [443, ACCEPT]]}),
    ("map", {"name": "filled_map", "elem": [[80, DROP]]}),
)
FILLING = [
    [match(DPORT, 1), {"set": {"op": "add", "elem": DPORT, "set": "@filled"}}],
    [match(DPORT, 1), {"map": {"op": "add", "elem": DPORT, "data": DROP, "map": "@filled_map"}}],
]


@pytest.mark.parametrize(("statement", "answer"), MATCHES)
def test_statement(statement: dict[str, Any], answer: bool | None) -> None:
    """True: a drop behind it is certain. False: an accept behind it does not happen. Unknown: neither."""
    dropped = said(ruleset([statement, DROP], more=SETS, unused=FILLING))
    assert dropped == (RULE if answer is True else None)
    dropped = said(ruleset([statement, ACCEPT], policy="drop", more=SETS, unused=FILLING))
    assert dropped == (POLICY if answer is False else None)


@pytest.mark.parametrize(
    ("key", "data", "dropped"),
    [
        (DPORT, {"set": [[80, DROP]]}, True),
        (DPORT, {"set": [[81, DROP]]}, False),
        (DPORT, {"set": [[{"range": [70, 90]}, DROP], [22, ACCEPT]]}, True),
        (DPORT, {"set": [[22, ACCEPT], ["*", DROP]]}, True),
        (DPORT, {"set": [[80, ACCEPT], ["*", DROP]]}, False),
        (DPORT, {"set": [[80, {"jump": {"target": "gone"}}]]}, True),
        (DPORT, {"set": [[80, {"continue": None}]]}, False),
        (DPORT, "@ports", True),
        (DPORT, "@filled_map", False),
        (DPORT, "@nowhere", False),
        (payload("udp", "dport"), {"set": [["*", DROP]]}, False),
        (ct("state"), {"set": [["established", ACCEPT], ["new", DROP]]}, True),
        (meta("iifname"), {"set": [["lo", ACCEPT], ["*", DROP]]}, True),
        (meta("iifname"), {"set": [["eth0", ACCEPT], ["*", DROP]]}, False),
        (meta("iifname"), {"set": [["eth0", DROP]]}, False),
        (concat(meta("iifname"), DPORT), {"set": [[concat("lo", 80), ACCEPT], ["*", DROP]]}, True),
        (DPORT, {"set": 7}, False),
        (DPORT, None, False),
    ],
)
def test_verdict_map(key: Any, data: Any, dropped: bool) -> None:
    """The verdict of what is looked up; none where it is not in there."""
    rules = ruleset([{"vmap": {"key": key, "data": data}}], more=SETS, unused=FILLING, gone=[[DROP]])
    assert (said(rules) is not None) is dropped


@pytest.mark.parametrize(
    ("rules", "chains", "dropped"),
    [
        ([[{"jump": {"target": "a"}}]], {"a": [[DROP]]}, "a"),
        ([[{"jump": {"target": "a"}}]], {"a": [[{"return": None}], [DROP]]}, ""),
        ([[{"jump": {"target": "a"}}], [DROP]], {"a": [[{"return": None}]]}, "input"),
        ([[{"jump": {"target": "a"}}], [DROP]], {"a": [[ACCEPT]]}, ""),
        ([[{"goto": {"target": "a"}}], [DROP]], {"a": []}, ""),
        ([[{"goto": {"target": "a"}}]], {"a": [[{"reject": {"type": "tcp reset"}}]]}, "a"),
        # Behind a goto, a return is to the caller of the chain with the goto.
        (
            [[{"jump": {"target": "a"}}], [DROP]],
            {"a": [[{"goto": {"target": "b"}}], [ACCEPT]], "b": [[{"return": None}]]},
            "input",
        ),
        ([[match(meta("mark"), 1), {"jump": {"target": "a"}}], [DROP]], {"a": [[ACCEPT]]}, ""),
        ([[match(meta("mark"), 1), {"jump": {"target": "a"}}], [DROP]], {"a": [[DROP]]}, "input"),
        ([[match(meta("mark"), 1), {"return": None}], [DROP]], {}, ""),
        ([[{"jump": {"target": "nowhere"}}], [DROP]], {}, ""),
        ([[{"jump": {"target": "a"}}], [DROP]], {"a": [[{"jump": {"target": "a"}}]]}, ""),
        ([[{"queue": {"num": 0}}], [DROP]], {}, ""),
        ([[{"xt": {"type": "target", "name": "REJECT"}}]], {}, "input"),
        ([[{"xt": {"type": "target", "name": "NFQUEUE"}}], [DROP]], {}, ""),
        ([["a text, for want of JSON", DROP]], {}, ""),
        ([[{"tproxy": {}}], [DROP]], {}, ""),
    ],
)
def test_way_through_the_chains(rules: list[list[Any]], chains: dict[str, Any], dropped: str) -> None:
    """Where it ends; a chain's name stands for its last rule."""
    found = said(ruleset(*rules, **chains))
    assert (found or "").startswith(f"table inet fw, chain {dropped}, the rule" if dropped else "")
    assert (found is not None) is bool(dropped)


def test_policy() -> None:
    """Of a chain whose end is reached."""
    assert said(ruleset(policy="drop")) == POLICY
    assert said(ruleset()) is None
    assert said([]) is None


@pytest.mark.parametrize(("family", "hits"), [("inet", {4, 6}), ("ip", {4}), ("ip6", {6}), ("bridge", set()), ("arp", set())])
def test_families_of_tables(family: str, hits: set[int]) -> None:
    """Those that see the packet."""
    assert {version for version in VIPS if said(ruleset(policy="drop", family=family), version)} == hits


@pytest.mark.parametrize(
    ("key", "value"), [("type", "nat"), ("type", "route"), ("hook", "forward"), ("hook", "output"), ("hook", "prerouting")]
)
def test_other_chains_do_not_count(key: str, value: str) -> None:
    """The filter at the hook input alone."""
    rules = ruleset(policy="drop")
    rules[2]["chain"][key] = value
    assert said(rules) is None


@pytest.mark.parametrize(
    ("flags", "asleep"),
    [
        ("dormant", True),
        (["dormant"], True),
        ("any memory", True),
        ("owner", False),
        (["owner", "persist"], False),
        ([], False),
    ],
)
def test_table_that_sleeps(flags: Any, asleep: bool) -> None:
    """It has no effect; which flag it is, nft 1.0.6 does not say."""
    rules = ruleset(policy="drop")
    rules[1]["table"]["flags"] = flags
    assert (said(rules) is None) is asleep


def test_accepted_is_not_through_yet() -> None:
    """Another base chain has its say; of several that drop, the first in the order of priorities is named."""
    first, second = ruleset([ACCEPT]), ruleset([DROP], family="ip")
    assert said(first + second) == RULE.replace("inet", "ip")
    first[2]["chain"]["policy"] = "drop"
    first[-1]["rule"]["expr"] = [DROP]
    second[2]["chain"]["prio"] = -10
    assert said(first + second) == RULE.replace("inet", "ip")


LISTING = """table ip filter { # handle 2
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\tTEXT counter packets 0 bytes 0 accept # handle 7
\t}
}
"""


@pytest.mark.parametrize(
    ("name", "text", "dropped"),
    [
        ("conntrack", "ct state related,established", True),
        ("conntrack", "ct state ! invalid", False),
        ("conntrack", "ct state ! invalid,new", True),
        ("conntrack", "ct state new", False),
        # More than a state, or no state at all.
        ("conntrack", "ct direction original ct state related,established", False),
        ("conntrack", "ct status dnat", False),
        ("multiport", "meta l4proto tcp tcp dport { 443, 81-90 }", True),
        ("multiport", "meta l4proto tcp tcp dport { 443, 70-90 }", False),
        ("multiport", "meta l4proto tcp tcp dport 81", True),
        ("multiport", "meta l4proto tcp tcp dport != { 80 }", True),
        ("multiport", "meta l4proto tcp tcp dport != 81", False),
        ("multiport", "meta l4proto tcp tcp sport . tcp dport { 0-65535 . 81, 81 . 0-65535 }", False),
        ("multiport", "meta l4proto tcp tcp sport { 81 }", False),
        ("addrtype", "fib daddr type local", False),
    ],
)
def test_extension_of_iptables(name: str, text: str, dropped: bool) -> None:
    """JSON has its name only; what the text says of it counts where that is all that it asks."""
    of = {"family": "ip", "table": "filter"}
    rules: list[dict[str, Any]] = [
        {"table": {"family": "ip", "name": "filter"}},
        {"chain": {**of, "name": "INPUT", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
        {
            "rule": {
                **of,
                "chain": "INPUT",
                "handle": 7,
                "expr": [{"xt": {"type": "match", "name": name}}, {"counter": {}}, ACCEPT],
            }
        },
    ]
    assert said(rules) is None
    assert said(with_translations(rules, "")) is None
    assert (said(with_translations(rules, LISTING.replace("TEXT", text))) is not None) is dropped
