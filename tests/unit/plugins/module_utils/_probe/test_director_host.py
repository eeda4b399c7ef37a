# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a director, in a tree of files; and which rulesets drop what is invalid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._net import route
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._probe import director_host
from ansible_collections.lvs.cluster.plugins.module_utils._probe.director_host import drops_invalid, read_director
from ansible_collections.lvs.cluster.plugins.module_utils._probe.director_settings import Setting

ETH0 = Device(2, "eth0", b"", True, ())
ROUTES = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0138A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth1\t00000000\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
)


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Without connection tracking."""
    monkeypatch.setattr(director_host, "_SYSCTL", str(tmp_path))
    monkeypatch.setattr(route, "_ROUTES", str(tmp_path / "route"))
    monkeypatch.setattr(director_host, "_TRACKING", str(tmp_path / "tracking"))
    return tmp_path


def write(proc: Path, path: str, text: str) -> None:
    (proc / path).parent.mkdir(parents=True, exist_ok=True)
    (proc / path).write_text(text)


def test_settings_that_the_kernel_has(proc: Path) -> None:
    write(proc, "net/ipv4/conf/eth0/arp_ignore", "1\n")
    write(proc, "net/ipv4/conf/all/rp_filter", "2\n")
    write(proc, "net/ipv4/vs/conntrack", "1\n")
    found = read_director([ETH0])
    assert found.settings == {
        Setting("ipv4/conf", "arp_ignore", "eth0"): 1,
        Setting("ipv4/conf", "rp_filter", "all"): 2,
        Setting("ipv4/vs", "conntrack"): 1,
    }
    assert (found.default_devices, found.drops_invalid) == (frozenset(), False)


def test_default_routes(proc: Path) -> None:
    write(proc, "route", ROUTES)
    assert read_director([]).default_devices == {"eth0"}


def test_rules_are_read_only_where_connections_are_tracked(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def run(*command: str, **_options: Any) -> tuple[str, str]:
        calls.append(command)
        return table("input", "ct state invalid drop"), ""

    monkeypatch.setattr(program, "run", run)
    assert not read_director([]).drops_invalid
    assert calls == []
    write(proc, "tracking", "1\n")
    assert read_director([]).drops_invalid
    assert len(calls) == 1


def test_host_without_nft(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(proc, "tracking", "1\n")
    monkeypatch.setattr(director_host, "_RULESET", (str(proc / "no-such-program"),))
    assert not read_director([]).drops_invalid


def table(hook: str, *rules: str) -> str:
    """A ruleset as nft(8) writes it; without a hook, with a chain that others jump to."""
    base = [f"\t\ttype filter hook {hook} priority filter; policy accept;"] if hook else []
    return "\n".join(["table inet filter {", "\tchain one {", *base, *(f"\t\t{rule}" for rule in rules), "\t}", "}", ""])


@pytest.mark.parametrize("hook", ["input", "prerouting", ""])
@pytest.mark.parametrize(
    "rule",
    [
        "ct state invalid drop",
        'ct state { invalid } log prefix "STATE_INVALID_DROP: " drop',
        "ct state invalid counter packets 0 bytes 0 drop",
        "ct state invalid,untracked drop",
        "ct state { invalid, untracked } counter drop",
        "ct state vmap { invalid : drop, established : accept, related : accept }",
    ],
)
def test_rules_that_drop_what_is_invalid(hook: str, rule: str) -> None:
    assert drops_invalid(table(hook, "ct state established accept", rule))


@pytest.mark.parametrize(
    "rule",
    [
        "ct state established,related accept",
        "ct state invalid counter packets 0 bytes 0",
        "ct state new drop",
        "ct state vmap { invalid : accept, new : drop }",
    ],
)
def test_rules_that_do_not(rule: str) -> None:
    assert not drops_invalid(table("input", rule))


def test_chains_that_packets_of_clients_do_not_pass() -> None:
    rule = "ct state invalid drop"
    for hook in ("forward", "output", "postrouting"):
        assert not drops_invalid(table(hook, rule))
    assert drops_invalid(table("forward", rule) + table("input", rule))
    assert not drops_invalid("")


def test_packets_that_are_not_tracked() -> None:
    assert not drops_invalid(table("input", "ct state invalid drop") + table("prerouting", "ip daddr 10.0.0.1 notrack"))
    assert drops_invalid(table("input", "ct state invalid drop") + table("output", "notrack"))
