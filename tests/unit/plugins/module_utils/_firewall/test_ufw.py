# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block of rules in the files of ufw."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import program
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import ufw
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.model import UFW, FirewallRule, Opening, RuleKey

RULES = """\
*nat
COMMIT
# for filters
*filter
:ufw-after-input - [0:0]
# don't delete the 'COMMIT' line
COMMIT
"""
TUNNEL = Opening("4", source=ip_address("192.0.2.1"))
WEB, WEB6 = (Opening("tcp", destination=ip_address(vip), port=80) for vip in ("192.0.2.80", "2001:db8::80"))


@pytest.fixture
def reloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls of the program, and files of its rules."""
    files = {4: str(tmp_path / "after.rules"), 6: str(tmp_path / "after6.rules")}
    for path in files.values():
        Path(path).write_text(RULES)
        Path(path).chmod(0o640)
    calls: list[Any] = []
    monkeypatch.setattr(ufw, "UFW_FILES", files)

    def run(*command: str, **_options: float) -> tuple[str, str]:
        calls.append(command)
        return "", ""

    monkeypatch.setattr(program, "run", run)
    return calls


def change(opening: Opening, action: str = "add") -> Change[FirewallRule]:
    """A rule that is added or removed."""
    rule = FirewallRule(RuleKey(UFW, opening))
    return Change(None, rule) if action == "add" else Change(rule, None)


def test_rules_come_and_go(reloads: list[Any], tmp_path: Path) -> None:
    """Before the filters are committed; the files are then as they were, with their modes."""
    firewall = ufw.Ufw()
    assert firewall.existing([TUNNEL, WEB, WEB6]) == []
    firewall.apply([change(TUNNEL), change(WEB), change(WEB6)])
    assert reloads == [("ufw", "reload")]
    lines = (tmp_path / "after.rules").read_text().splitlines()
    assert lines[-4:-2] == [TUNNEL.ufw_rule(), WEB.ufw_rule()]
    assert lines[-1] == "COMMIT"
    assert [key.opening for key in firewall.existing([WEB6, TUNNEL, Opening("47", source=TUNNEL.source)])] == [WEB6, TUNNEL]
    firewall.apply([change(TUNNEL, "remove")])
    assert [key.opening for key in firewall.existing([TUNNEL, WEB])] == [WEB]
    firewall.apply([change(WEB, "remove"), change(WEB6, "remove")])
    for name in ("after.rules", "after6.rules"):
        assert (tmp_path / name).read_text() == RULES
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("reloads")
def test_nothing_to_do(reloads: list[Any]) -> None:
    ufw.Ufw().apply([])
    assert reloads == []


@pytest.mark.usefixtures("reloads")
def test_rules_that_ufw_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "run", lambda *_command, **_options: ("", "bad rule"))
    with pytest.raises(LvsError, match="ufw reload: bad rule"):
        ufw.Ufw().apply([change(WEB)])


@pytest.mark.usefixtures("reloads")
def test_files_that_are_not_as_they_came(tmp_path: Path) -> None:
    (tmp_path / "after.rules").write_text("*nat\nCOMMIT\n")
    with pytest.raises(LvsError, match="has no rules for filters"):
        ufw.Ufw().apply([change(WEB)])
    (tmp_path / "after.rules").unlink()
    with pytest.raises(LvsError, match="is missing"):
        ufw.Ufw().existing([WEB])
