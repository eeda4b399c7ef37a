# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml shows of the cluster that has converged, and of one that somebody has changed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.nodes import LOOK, PROJECT, Ansible, AsInTheReadme, rules
from tests.readme import running

STATUS = PROJECT / "playbooks/status.yml"
BY_HAND = "ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 5"
BACK = BY_HAND.replace("-w 5", "-w 1")


@pytest.fixture
def by_hand(ds1: Host) -> Iterator[list[str]]:
    """A weight that somebody changed; gives the table before."""
    before = rules(ds1)
    ds1.check_output(BY_HAND)
    yield before
    ds1.check_output(BACK)


def shown(ansible: Ansible, page: Path) -> list[str]:
    """The lines that the playbook prints of the cluster, without blanks at their ends."""
    printed = ansible("ansible-playbook", str(STATUS), f"--extra-vars=lvs_status_page={page}").stdout
    assert f"the same as a page: {page}" in printed
    lines: list[str] = printed[printed.index("LVS cluster, ") : printed.index("the same as a page")].splitlines()
    return lines


def test_what_is_shown_puts_it_back(
    ansible: Ansible, as_in_the_readme: AsInTheReadme, by_hand: list[str], tmp_path: Path, ds1: Host, rs1: Host, rs2: Host
) -> None:
    page = tmp_path / "status.html"
    changed = [node.check_output(LOOK) for node in (ds1, rs1, rs2)]
    lines = shown(ansible, page)
    assert [node.check_output(LOOK) for node in (ds1, rs1, rs2)] == changed  # it only looks

    services = [line.split("  ")[0] for line in lines if line.startswith("TCP ")]
    assert services == [
        "TCP 192.168.56.185:80 wrr (web)",
        "TCP 192.168.56.186:8099 wrr (mapped)",
        "TCP 192.168.56.187:80 wrr (plain)",
    ]
    weights = [line.split()[1:5] for line in lines if line.startswith("  -> ")]
    assert weights == [
        ["192.168.56.183:80", "(rs1)", "tunnel", "5"],
        ["192.168.56.184:80", "(rs2)", "tunnel", "1"],
        ["192.168.56.183:8099", "(rs1)", "tunnel", "2"],
        ["192.168.56.184:8099", "(rs2)", "tunnel", "1"],
        ["192.168.56.183:80", "(rs1)", "tunnel", "1"],
        ["192.168.56.184:80", "(rs2)", "tunnel", "2"],
    ]
    _heading, host, command = [line for line in lines[lines.index("differs from the inventory:") :] if line]
    assert (host, command.strip()) == ("  ds1, director", BACK)
    assert command.strip() in page.read_text(encoding="utf-8")

    ds1.check_output(command.strip())
    assert rules(ds1) == by_hand
    assert "nothing differs from the inventory" in as_in_the_readme(running("status"))
    assert (tmp_path / "lvs-status.html").exists()
