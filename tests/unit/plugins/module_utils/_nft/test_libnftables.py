# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table in the kernel, with a library that answers as nft 1.0.6 does."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import requirements, values
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    KernelRefused,
    LvsError,
    MissingLibrary,
    NotPermitted,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Transition, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._nft import mss_clamp, port_dnat, tunnel_guard
from ansible_collections.lvs.cluster.plugins.module_utils._nft.libnftables import KernelTable, SectionBackend
from ansible_collections.lvs.cluster.plugins.module_utils._nft.section import SectionDesired, SectionResource
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import Chain, Element, NamedMap, Table, TableSection

LIST = "list table inet lvs_cluster"
NO_TABLE = (1, "", "Error: No such file or directory\nlist table inet lvs_cluster\n                ^^^^^^^^^^^\n")


class Library:
    """C(nftables.Nftables): answers by command and by the output's form, and remembers what it was given."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[int, Any, str]] = {(LIST, "json"): NO_TABLE}
        self.commands: list[str] = []
        self.json = self.stateless = self.numeric = False

    def set_json_output(self, value: bool) -> None:
        """C(nft --json)."""
        self.json = value

    def set_stateless_output(self, value: bool) -> None:
        """C(nft --stateless)."""
        self.stateless = value

    def set_numeric_proto_output(self, value: bool) -> None:
        """C(nft --numeric-protocol)."""
        self.numeric = value

    def cmd(self, command: str) -> tuple[int, Any, str]:
        """The exit status, what is printed, and what is printed as an error."""
        self.commands.append(command)
        assert self.json == self.numeric
        form = "json" if self.json else "stateless" if self.stateless else "text"
        return self.answers.get((command, form), (0, "", ""))

    def holds(self, *objects: dict[str, Any], table: dict[str, Any] | None = None) -> None:
        """Have the table hold these objects."""
        head = [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "lvs_cluster", **(table or {})}}]
        self.answers[LIST, "json"] = (0, json.dumps({"nftables": [*head, *objects]}), "")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """In place of the library."""
    fake, module = Library(), ModuleType("nftables")
    monkeypatch.setattr(module, "Nftables", lambda: fake, raising=False)
    monkeypatch.setitem(sys.modules, "nftables", module)
    return fake


def section_map(name: str, kind: str, *elements: Any) -> dict[str, Any]:
    """The map of port_dnat for a family."""
    return {
        "map": {
            "family": "inet",
            "name": name,
            "table": "lvs_cluster",
            "type": [kind, "inet_proto", "inet_service"],
            "handle": 1,
            "map": "inet_service",
            "elem": [[{"concat": concat}, value] for concat, value in elements],
        }
    }


def rule(chain: str, comment: str, *expr: dict[str, Any]) -> dict[str, Any]:
    """A rule."""
    return {"rule": {"family": "inet", "table": "lvs_cluster", "chain": chain, "comment": comment, "expr": list(expr)}}


def chain(name: str, **hook: Any) -> dict[str, Any]:
    """A chain."""
    return {"chain": {"family": "inet", "table": "lvs_cluster", "name": name, "handle": 3, **hook}}


def match(left: Any, right: Any) -> dict[str, Any]:
    """A condition."""
    return {"match": {"op": "==", "left": left, "right": right}}


PREROUTING = chain("prerouting", type="nat", hook="prerouting", prio=-100, policy="accept")
NFPROTO, L4PROTO = {"meta": {"key": "nfproto"}}, {"meta": {"key": "l4proto"}}


def dnat(family: str, name: str) -> dict[str, Any]:
    """A rule of port_dnat."""
    return rule(
        "prerouting",
        name,
        match(NFPROTO, "ipv4"),
        match(L4PROTO, {"set": [6, 17]}),
        {"dnat": {"family": family, "port": {"map": {"key": {"concat": []}, "data": f"@{name}"}}}},
    )


MAPPED = (
    section_map("port_dnat", "ipv4_addr", (["192.0.2.1", 6, 8099], 80), (["192.0.2.1", 17, 53], 5353)),
    section_map("port_dnat6", "ipv6_addr", (["2001:DB8::1", 6, 8099], 80)),
    PREROUTING,
    dnat("ip", "port_dnat"),
    dnat("ip6", "port_dnat6"),
)
MAPPINGS: list[dict[str, Any]] = [
    {"vip": "192.0.2.1", "port": 8099, "to_port": 80},
    {"vip": "192.0.2.1", "port": 53, "to_port": 5353, "protocol": "udp"},
    {"vip": "2001:db8::1", "port": 8099, "to_port": 80},
]


def backend(section: TableSection = port_dnat.SECTION) -> SectionBackend[Any]:
    """A section, opened."""
    return SectionBackend[Any](section).__enter__()


def transition(resource: SectionResource[Any], options: dict[str, Any], opened: SectionBackend[Any]) -> Any:
    """What the options change of what the library lists."""
    desired = resource.parse({"state": "present", "purge": False, **options})
    seen = opened.read(desired)
    wanted = resource.plan(desired, seen)
    return Transition(wanted, seen, reconcile(wanted, seen))


def dnat_options(*mappings: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The options of port_dnat."""
    return {"vip": None, "port": None, "to_port": None, "mappings": list(mappings), **options}


NOTHING_WANTED = SectionDesired((), remove_others=False)


def test_host_without_the_table(library: Library) -> None:
    """Nothing is there; another refusal is an error."""
    opened = backend()
    assert not opened.read(NOTHING_WANTED).items
    assert (library.json, library.stateless) == (False, False)
    assert opened.boot_files() == {"nftables": []}
    library.answers[LIST, "json"] = (1, "", "Error: Could not process rule: Operation not permitted\n")
    with pytest.raises(NotPermitted, match="nftables needs root"):
        opened.read(NOTHING_WANTED)
    library.answers[LIST, "json"] = (1, "", "Error: syntax error\n")
    with pytest.raises(KernelRefused, match=r"nftables: Error: syntax error \(refused: list table inet lvs_cluster\)"):
        opened.read(NOTHING_WANTED)


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to it is named."""
    monkeypatch.setitem(sys.modules, "nftables", None)
    monkeypatch.setattr(requirements, "advice", lambda need: f"install {need}")
    with pytest.raises(MissingLibrary, match=r"nftables is missing for .*: install nftables"):
        backend()


def test_section_is_read_as_it_was_made(library: Library) -> None:
    """Elements, whatever the spelling; rules, which nft lists in other words."""
    library.holds(*MAPPED)
    opened = backend()
    seen = opened.read(NOTHING_WANTED)
    assert [str(item.key) for item in seen.items.values() if isinstance(item, Element)] == [
        "192.0.2.1 . tcp . 8099",
        "192.0.2.1 . udp . 53",
        "2001:db8::1 . tcp . 8099",
    ]
    assert [item.types for item in seen.items.values() if isinstance(item, NamedMap)] == [
        "ipv4_addr . inet_proto . inet_service : inet_service",
        "ipv6_addr . inet_proto . inet_service : inet_service",
    ]
    assert transition(port_dnat.PortDnat(), dnat_options(*MAPPINGS), opened).changes == []
    assert not seen.context.shared
    assert set(library.commands) == {LIST}  # every rule was recognised: nothing else was asked


def test_element_with_a_comment(library: Library) -> None:
    """An administrator added it."""
    commented = {"elem": {"val": "192.0.2.1", "comment": "ours"}}
    content = {"family": "inet", "name": "tunnel_sources", "table": "lvs_cluster", "type": "ipv4_addr", "elem": [commented]}
    library.holds({"set": content})
    (_table, element, _set) = backend(tunnel_guard.SECTION).read(NOTHING_WANTED).items.values()
    assert element.diff_line() == "add element inet lvs_cluster tunnel_sources { 192.0.2.1 }"


@pytest.mark.parametrize(
    "other", [chain("mine"), rule("mine", "", {"accept": None}), {"set": {"name": "port_dnat7", "type": "mark"}}]
)
def test_anything_else_keeps_the_table(library: Library, other: dict[str, Any]) -> None:
    """Another section, or what an administrator put there."""
    library.holds(*MAPPED, other)
    opened = backend()
    changes = transition(port_dnat.PortDnat(), dnat_options(purge=True), opened).changes
    assert Table.key not in [change.item.key for change in changes]
    assert len(changes) == 6  # three elements, a chain and two maps


FOREIGN = rule("prerouting", "", match({"meta": {"key": "iifname"}}, "eth9"), {"accept": None})
LISTED = """\
table inet lvs_cluster {
    chain prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        iifname "eth9" accept
        meta l4proto { 6, 17 } dnat ip to :ip daddr . meta l4proto . th dport map @port_dnat comment "port_dnat"
        meta nfproto ipv6 meta l4proto { 6, 17 } dnat ip6 to :ip6 daddr . meta l4proto . th dport map @port_dnat6
    }
}
""".replace("    ", "\t")  # as nft indents


def test_foreign_rule_is_shown_as_nft_lists_it(library: Library) -> None:
    """The section's own rules are shown as they are given to nft; a rule without its comment is not one of them."""
    edited = dnat("ip6", "port_dnat6")
    del edited["rule"]["comment"]
    library.holds(*MAPPED[:3], FOREIGN, MAPPED[3], edited)
    library.answers["list chain inet lvs_cluster prerouting", "stateless"] = (0, LISTED, "")
    opened = backend()
    (change,) = transition(port_dnat.PortDnat(), dnat_options(MAPPINGS[0]), opened).changes
    assert isinstance(change.before, Chain)
    assert isinstance(change.after, Chain)
    assert change.before.rules == (
        'iifname "eth9" accept',
        change.after.rules[0],
        "meta nfproto ipv6 meta l4proto { 6, 17 } dnat ip6 to :ip6 daddr . meta l4proto . th dport map @port_dnat6",
    )
    assert not library.stateless


def edited(**changes: Any) -> dict[str, Any]:
    """The rule of port_dnat for IPv4, otherwise."""
    content = {**dnat("ip", "port_dnat")["rule"], **changes}
    return {"rule": content}


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [MAPPED[4], MAPPED[3]],
        [MAPPED[3], MAPPED[3], MAPPED[4]],
        [edited(comment="other"), MAPPED[4]],
        [edited(expr=dnat("ip", "port_dnat6")["rule"]["expr"]), MAPPED[4]],
        [edited(expr=[match({"meta": {"key": "iifname"}}, "eth9"), *MAPPED[3]["rule"]["expr"]]), MAPPED[4]],
    ],
    ids=["flushed", "other order", "twice", "comment", "map", "condition"],
)
def test_edited_rules_are_replaced(library: Library, rules: list[dict[str, Any]]) -> None:
    """The chain as a whole, and nothing else."""
    library.holds(*MAPPED[:3], *rules)
    library.answers["list chain inet lvs_cluster prerouting", "stateless"] = (0, LISTED, "")
    (change,) = transition(port_dnat.PortDnat(), dnat_options(MAPPINGS[0]), backend()).changes
    assert (change.item.key, change.action) == (port_dnat.SECTION.chain, "set")


def test_chain_without_a_hook_is_replaced(library: Library) -> None:
    """An administrator made it."""
    library.holds(*MAPPED[:2], chain("prerouting"), *MAPPED[3:])
    (change,) = transition(port_dnat.PortDnat(), dnat_options(MAPPINGS[0]), backend()).changes
    assert (change.before.hook, change.action) == ("", "set")


def guard_rules(*tunnelled: dict[str, Any]) -> list[dict[str, Any]]:
    """The guard's rules on protocols or on ports, with what they counted."""
    sources = [match({"payload": {"protocol": "ip", "field": "saddr"}}, f"@tunnel_sources{six}") for six in ("", "6")]
    counted = {"counter": {"packets": 7, "bytes": 700}}
    return [
        *(rule("tunnel_guard", "tunnel_guard", source, *tunnelled, counted, {"accept": None}) for source in sources),
        rule("tunnel_guard", "tunnel_guard", *tunnelled, {"counter": {"packets": 2, "bytes": 90}}, {"drop": None}),
    ]


def test_dropped_packets_are_counted(library: Library) -> None:
    """By the rules that drop."""
    protocols = guard_rules(match(L4PROTO, "@tunnel_protocols"))
    ports = guard_rules(match({"payload": {"protocol": "udp", "field": "dport"}}, "@gue_ports"))
    library.holds(chain("tunnel_guard"), *protocols, *ports)
    context = backend(tunnel_guard.SECTION).read(NOTHING_WANTED).context
    assert (context.dropped_packets, context.dropped_bytes) == (4, 180)


def clamp_rule(size: int) -> dict[str, Any]:
    """A rule of mss_clamp."""
    return rule(
        "mss_clamp",
        "mss_clamp",
        match({"payload": {"protocol": "ip", "field": "saddr"}}, f"@mss_{size}"),
        match({"payload": {"protocol": "tcp", "field": "flags"}}, "syn"),
        {"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": size}},
    )


def test_rule_of_an_empty_set_is_recognised(library: Library) -> None:
    """Only the element is missing."""
    content = {"name": "mss_1440", "type": "ipv4_addr"}
    hook = {"type": "filter", "hook": "output", "prio": -150, "policy": "accept"}
    library.holds({"set": content}, chain("mss_clamp", **hook), clamp_rule(1440))
    options = {"tunnels": [{"vip": "192.0.2.1", "director": "192.0.2.9", "path_mtu": 1500}]}
    (change,) = transition(mss_clamp.MssClamp(), options, backend(mss_clamp.SECTION)).changes
    assert change.item.diff_line() == "add element inet lvs_cluster mss_1440 { 192.0.2.1 }"


def test_path_mtus_are_read_for_the_plan(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the directors whose path MTU is not given, with a table and without."""
    monkeypatch.setattr(mss_clamp, "path_mtu", lambda director: {"192.0.2.8": None, "192.0.2.9": 1400}[str(director)])
    resource = mss_clamp.MssClamp()
    rows = [{"vip": "192.0.2.1", "director": director} for director in ("192.0.2.9", "192.0.2.8")]
    rows.append({"vip": "192.0.2.1", "director": "192.0.2.7", "path_mtu": 1500})  # type: ignore[dict-item]
    desired = resource.parse({"state": "present", "purge": False, "tunnels": rows})
    expected = {values.address("", "192.0.2.9"): 1400, values.address("", "192.0.2.8"): None}
    with resource.open(desired) as opened:
        assert opened.read(desired).context.path_mtus == expected
        library.holds()
        assert opened.read(desired).context.path_mtus == expected


def test_changes_are_one_transaction(library: Library) -> None:
    """Without changes, nothing is sent."""
    opened = backend()
    opened.apply(transition(port_dnat.PortDnat(), dnat_options(MAPPINGS[0]), opened))
    assert library.commands[-1].splitlines()[::3] == [
        "add table inet lvs_cluster",
        "add chain inet lvs_cluster prerouting { type nat hook prerouting priority -100; policy accept; }",
        "add element inet lvs_cluster port_dnat { 192.0.2.1 . tcp . 8099 : 80 }",
    ]
    library.holds(*MAPPED)
    opened.apply(transition(port_dnat.PortDnat(), dnat_options({**MAPPINGS[0], "to_port": 81}), opened))
    assert library.commands[-1].splitlines() == [
        "delete element inet lvs_cluster port_dnat { 192.0.2.1 . tcp . 8099 }",
        "add element inet lvs_cluster port_dnat { 192.0.2.1 . tcp . 8099 : 81 }",
    ]
    opened.apply(transition(port_dnat.PortDnat(), dnat_options(MAPPINGS[0]), opened))
    assert library.commands[-1] == LIST


@pytest.mark.parametrize("listed", [{"nftables": [{"table": {"flags": ["dormant"]}}]}, "\x02"])
def test_dormant_table_is_refused(library: Library, listed: Any) -> None:
    """Its rules are not in force; nft 1.0.6 writes no JSON of its flags."""
    library.answers[LIST, "json"] = (0, listed if isinstance(listed, str) else json.dumps(listed), "")
    with pytest.raises(LvsError, match="run 'nft delete table inet lvs_cluster' first"):
        backend().read(NOTHING_WANTED)


def test_boot_file_replaces_the_table(library: Library) -> None:
    """Without counters, which begin anew; the JSON listing says whether there is a table."""
    library.holds(*MAPPED)
    library.answers[LIST, "stateless"] = (0, "table inet lvs_cluster {\n\tchain prerouting {\n\t}\n}\n", "")
    lines = ["table inet lvs_cluster", "delete table inet lvs_cluster", "table inet lvs_cluster {"]
    lines += ["\tchain prerouting {", "\t}", "}"]
    assert KernelTable().boot_lines() == lines
    assert backend().boot_files() == {"nftables": lines}


EL8 = "4.18.0-193.el8.x86_64"
MAPPED_PORTS: dict[str, Any] = {"mappings": MAPPINGS, **dict.fromkeys(("vip", "port", "to_port", "protocol"))}
GUARDED: dict[str, Any] = {"sources": ["192.0.2.9"], "protocols": None, "gue_ports": None}
NO_NAT, EPROTO = "Operation not supported", "Protocol error"


@pytest.mark.parametrize(
    ("resource", "options", "release", "refusal", "why"),
    [
        (port_dnat.PortDnat(), MAPPED_PORTS, EL8, NO_NAT, f"it needs Linux 5.2 or newer, .* and this is {EL8}"),
        (port_dnat.PortDnat(), MAPPED_PORTS, "5.2.0", EPROTO, "nftables 0.9.8 writes .*: install nftables 1.0.6 or newer"),
        (port_dnat.PortDnat(), MAPPED_PORTS, "5.2.0", NO_NAT, ""),
        (tunnel_guard.TunnelGuard(), GUARDED, EL8, EPROTO, ""),
    ],
)
def test_refusal_that_a_version_explains(
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    resource: Any,
    options: dict[str, Any],
    release: str,
    refusal: str,
    why: str,
) -> None:
    """Of the rules that translate ports: other sections need neither."""
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(release=release))
    opened = backend(resource.section)
    made = transition(resource, options, opened)
    monkeypatch.setattr(library, "cmd", lambda _command: (1, "", f"Error: Could not process rule: {refusal}"))
    explained = f": {why}; nothing was changed" if why else ""
    with pytest.raises(KernelRefused, match=rf"(?s)rule: {refusal} \(refused: add table .*\){explained}$"):
        opened.apply(made)
