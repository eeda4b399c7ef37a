# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last one: nothing is left of the pair."""

from __future__ import annotations

from testinfra.host import Host

from tests.nodes import LOOK, PLAYBOOK, Ansible, looked_before


def test_nothing_is_left_of_it(ansible: Ansible, ds1: Host, ds2: Host, rs1: Host, rs3: Host) -> None:
    """What it looked like before, prepare.yml has noted; packages stay."""
    nodes = (ds1, ds2, rs1, rs3)
    teardown = ("ansible-playbook", str(PLAYBOOK.with_name("teardown.yml")), "--extra-vars=lvs_confirm=true")
    ansible(*teardown)
    for node in nodes:
        assert node.check_output(LOOK).strip() == looked_before(node)
    for director in (ds1, ds2):
        assert not director.service("keepalived").is_running
        assert not director.file("/etc/keepalived/keepalived.conf").exists
    assert "changed: [" not in ansible(*teardown).stdout
