# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of rules in the files of ufw."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import ufw
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.model import UFW, FirewallRule, Opening, RuleKey

RULES = """\
*nat
:POSTROUTING ACCEPT [0:0]
:ufw-after-input - [0:0]
-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
-A ufw-after-input -j RETURN
COMMIT
# for filters
*filter
:ufw-after-input - [0:0]
:ufw6-after-input - [0:0]
:ufw-after-forward - [0:0]
-A ufw-after-input -p udp --dport 137 -j ufw-skip-to-policy-input
-A ufw6-after-input -p udp --dport 137 -j ufw6-skip-to-policy-input
-A ufw-after-forward -j ACCEPT
# don't delete the 'COMMIT' line
COMMIT
*filter
:ufw-user-forward - [0:0]
[0:0] -A ufw-after-input -j own
COMMIT
"""
TUNNEL = Opening("4", source=ip_address("192.0.2.1"))
WEB, WEB6 = (Opening("tcp", destination=ip_address(vip), port=80) for vip in ("192.0.2.80", "2001:db8::80"))


class Kernel:
    """The chains of ufw, which two programs fill."""

    def __init__(self) -> None:
        self.chains: dict[str, list[str]] = {}
        self.tested: list[str] = []
        self.refusing: tuple[str, ...] = ()
        self.files: dict[int, str] = {}
        self.files_when_loaded: list[bool] = []

    def run(self, *command: str, timeout: float, given: str) -> tuple[str, str]:
        """What program.run does."""
        name, *options = command
        assert timeout > 0
        assert options[:2] == ["--noflush", "--wait=60"]
        if " ".join((name, *options[2:])) in self.refusing:
            return "", "line 3 failed"
        if options[2:] == ["--test"]:
            self.tested.append(name)
            return "", ""
        begin, chain, *rules, end = given.splitlines()
        assert (begin, end) == ("*filter", "COMMIT")
        self.files_when_loaded.append(any(rule in Path(path).read_text() for path in self.files.values() for rule in OURS))
        self.chains[chain] = rules
        return "", ""


OURS = [opening.ufw_rule() for opening in (TUNNEL, WEB, WEB6)]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A host with ufw, whose files have the rules it comes with."""
    files = {4: str(tmp_path / "after.rules"), 6: str(tmp_path / "after6.rules")}
    for path in files.values():
        Path(path).write_text(RULES)
        Path(path).chmod(0o640)
    (tmp_path / "defaults").write_text("IPV6=yes\n")
    found = Kernel()
    found.files = files
    monkeypatch.setattr(ufw, "UFW_FILES", files)
    monkeypatch.setattr(ufw, "_DEFAULTS", str(tmp_path / "defaults"))
    monkeypatch.setattr(program, "run", found.run)
    return found


def change(opening: Opening, action: str = "add") -> Change[FirewallRule]:
    """A rule that is added or removed."""
    rule = FirewallRule(RuleKey(UFW, opening))
    return Change(None, rule) if action == "add" else Change(rule, None)


@pytest.mark.usefixtures("kernel")
def test_rules_come_and_go(tmp_path: Path) -> None:
    """Before the filters are committed; the files are then as they were, with their modes."""
    firewall = ufw.Ufw()
    assert firewall.existing([TUNNEL, WEB, WEB6]) == []
    firewall.apply([change(TUNNEL), change(WEB), change(WEB6)])
    lines = (tmp_path / "after.rules").read_text().splitlines()
    place = lines.index(TUNNEL.ufw_rule())
    assert lines[place + 1] == WEB.ufw_rule()
    assert lines[place + 3] == "COMMIT"
    assert [key.opening for key in firewall.existing([WEB6, TUNNEL, Opening("47", source=TUNNEL.source)])] == [WEB6, TUNNEL]
    firewall.apply([change(TUNNEL, "remove")])
    assert [key.opening for key in firewall.existing([TUNNEL, WEB])] == [WEB]
    firewall.apply([change(WEB, "remove"), change(WEB6, "remove")])
    for name in ("after.rules", "after6.rules"):
        assert (tmp_path / name).read_text() == RULES
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o640


def test_rules_in_force(kernel: Kernel) -> None:
    """Only the chain is filled again, with all that the files have for it, and ufw stays on."""
    ufw.Ufw().apply([change(TUNNEL), change(WEB6)])
    before, after = "-A ufw-after-input -p udp --dport 137 -j ufw-skip-to-policy-input", "[0:0] -A ufw-after-input -j own"
    before6 = "-A ufw6-after-input -p udp --dport 137 -j ufw6-skip-to-policy-input"
    assert kernel.chains == {
        ":ufw-after-input - [0:0]": [before, TUNNEL.ufw_rule(), after],
        ":ufw6-after-input - [0:0]": [before6, WEB6.ufw_rule()],
    }
    ufw.Ufw().apply([change(TUNNEL, "remove"), change(WEB6, "remove")])
    assert kernel.chains == {":ufw-after-input - [0:0]": [before, after], ":ufw6-after-input - [0:0]": [before6]}


def test_in_force_before_in_the_file(kernel: Kernel) -> None:
    """A run that ends in between is repeated by the next one, which finds the rule missing from the file."""
    ufw.Ufw().apply([change(WEB)])
    assert kernel.files_when_loaded == [False]
    assert [key.opening for key in ufw.Ufw().existing([WEB])] == [WEB]


def test_nothing_to_do(kernel: Kernel) -> None:
    ufw.Ufw().apply([])
    assert (kernel.chains, kernel.tested) == ({}, [])


@pytest.mark.parametrize("refusing", ["iptables-restore", "iptables-restore --test", "ip6tables-restore --test"])
def test_rules_that_are_refused(kernel: Kernel, refusing: str, tmp_path: Path) -> None:
    """All stays as it was, in the files as well."""
    kernel.refusing = (refusing,)
    chain = "ufw6-after-input" if "6" in refusing else "ufw-after-input"
    message = rf"^ufw: {refusing.split()[0]} refuses the rules of {chain} in .*: line 3 failed: .*lvs_firewall to none"
    with pytest.raises(LvsError, match=message):
        ufw.Ufw().apply([change(WEB), change(WEB6)])
    assert kernel.chains == {}
    assert (tmp_path / "after.rules").read_text() == (tmp_path / "after6.rules").read_text() == RULES


def test_ipv6_that_is_refused_late(kernel: Kernel, tmp_path: Path) -> None:
    """What a test does not find: each chain is as its file says, and the next run goes on."""
    kernel.refusing = ("ip6tables-restore",)
    with pytest.raises(LvsError, match="ip6tables-restore refuses"):
        ufw.Ufw().apply([change(WEB), change(WEB6)])
    assert list(kernel.chains) == [":ufw-after-input - [0:0]"]
    assert [key.opening for key in ufw.Ufw().existing([WEB, WEB6])] == [WEB]
    assert (tmp_path / "after6.rules").read_text() == RULES


@pytest.mark.parametrize(
    ("settings", "drops"), [("IPV6=yes\n", False), ('IPV6="YES"\n', False), ("#IPV6=yes\nIPV6=no\n", True), (None, True)]
)
def test_ipv6_that_is_switched_off(kernel: Kernel, settings: str | None, drops: bool, tmp_path: Path) -> None:
    """Then ufw has no chain for it: rules only leave the file."""
    ufw.Ufw().apply([change(WEB6)])
    kernel.chains = {}
    if settings is None:
        (tmp_path / "defaults").unlink()
    else:
        (tmp_path / "defaults").write_text(settings)
    assert ufw.drops_ipv6() is drops
    ufw.Ufw().apply([change(WEB6, "remove")])
    assert bool(kernel.chains) is not drops
    assert (tmp_path / "after6.rules").read_text() == RULES


@pytest.mark.usefixtures("kernel")
def test_files_that_are_not_as_they_came(tmp_path: Path) -> None:
    (tmp_path / "after.rules").write_text("*nat\nCOMMIT\n")
    with pytest.raises(LvsError, match="has no rules for filters"):
        ufw.Ufw().apply([change(WEB)])
    (tmp_path / "after.rules").unlink()
    with pytest.raises(LvsError, match="is missing"):
        ufw.Ufw().existing([WEB])
