# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation playbooks on the cluster that has converged. In the end it is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.nodes import PLAYBOOK, PROJECT, Ansible, AsInTheReadme, answers, rules
from tests.readme import running

VIP = "192.168.56.185"
RIPS = {"rs1": "192.168.56.183", "rs2": "192.168.56.184"}
STATE_FILE = "/var/lib/lvs.cluster/state.json"
# What an update does here: it notes on its host that it ran, and what the director's table was meanwhile.
UPDATE = """
- name: Look at the director
  ansible.builtin.command: ipvsadm -Sn
  register: looked
  delegate_to: ds1
  changed_when: false

- name: Update
  ansible.builtin.copy:
    content: "{{ looked.stdout }}"
    dest: /var/tmp/updated
    mode: "0644"
"""
# Paths are relative to this file, not to a role of the collection, which has a file of this name, too.
INCLUDED = """
- name: Include the tasks of the update
  ansible.builtin.include_tasks: main.yml
"""
BROKEN = """
- name: Update that does not work
  ansible.builtin.command: "false"
"""


def playbook(name: str) -> str:
    """Where it is."""
    return str(PROJECT / f"playbooks/{name}.yml")


def weights(table: list[str], rip: str) -> set[str]:
    """The weights of a real server in all services."""
    return {words[words.index("-w") + 1] for words in map(str.split, table) if f" {rip}:" in " ".join(words)}


@pytest.fixture
def before(ds1: Host) -> list[str]:
    """The table as it is to be again."""
    return rules(ds1)


@pytest.mark.parametrize(
    ("target", "says"),
    [("rs9", "names no host of the inventory"), ("realservers:client", "names client: name real servers alone")],
)
def test_target_that_is_no_real_server(ansible: Ansible, before: list[str], ds1: Host, target: str, says: str) -> None:
    done = ansible("ansible-playbook", playbook("drain"), "--extra-vars", f"lvs_target={target}", check=False)
    assert done.returncode != 0
    assert says in " ".join((done.stdout + done.stderr).split())
    assert rules(ds1) == before


def test_drain_site_restore(
    ansible: Ansible, as_in_the_readme: AsInTheReadme, before: list[str], client: Host, ds1: Host
) -> None:
    kept_before = ds1.run("cat %s", STATE_FILE).stdout
    assert "changed: [ds1]" in as_in_the_readme(running("drain") + " --limit directors")
    assert weights(rules(ds1), RIPS["rs2"]) == {"0"}
    assert weights(rules(ds1), RIPS["rs1"]) == weights(before, RIPS["rs1"])
    assert set(answers(client, f"http://{VIP}/", 6)) == {"rs1"}

    again = ansible("ansible-playbook", str(PLAYBOOK))
    assert "changed: [" not in again.stdout
    assert f"drained, and left so: -t {VIP}:80 -r {RIPS['rs2']}:80" in " ".join((again.stdout + again.stderr).split())

    as_in_the_readme(running("restore"))
    assert rules(ds1) == before
    assert ds1.run("cat %s", STATE_FILE).stdout == kept_before
    assert set(answers(client, f"http://{VIP}/", 6)) == {"rs1", "rs2"}


@pytest.fixture
def clean(rs1: Host, rs2: Host) -> Iterator[None]:
    """No real server was updated yet, and in the end nobody sees that one was."""
    yield
    for node in (rs1, rs2):
        node.check_output("rm -f /var/tmp/updated")


@pytest.mark.usefixtures("clean")
def test_rolling_update(
    as_in_the_readme: AsInTheReadme, before: list[str], tmp_path: Path, ds1: Host, rs1: Host, rs2: Host
) -> None:
    (tmp_path / "update.yml").write_text(INCLUDED)
    (tmp_path / "main.yml").write_text(UPDATE)
    as_in_the_readme(running("rolling_update"))
    for node, name, other in ((rs1, "rs1", "rs2"), (rs2, "rs2", "rs1")):
        meanwhile = node.file("/var/tmp/updated").content_string.splitlines()
        assert weights(meanwhile, RIPS[name]) == {"0"}
        assert weights(meanwhile, RIPS[other]) == weights(before, RIPS[other])
    assert rules(ds1) == before


@pytest.mark.usefixtures("clean")
def test_rolling_update_that_fails(
    ansible: Ansible, before: list[str], tmp_path: Path, ds1: Host, rs1: Host, rs2: Host
) -> None:
    tasks = tmp_path / "update.yml"
    tasks.write_text(UPDATE + BROKEN)
    done = ansible("ansible-playbook", playbook("rolling_update"), "--extra-vars", f"lvs_update_tasks={tasks}", check=False)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "The update of rs1 ended at 'Update that does not work'" in said
    assert "It answers, and has its former weights again." in said
    assert rs1.file("/var/tmp/updated").exists
    assert not rs2.file("/var/tmp/updated").exists
    assert rules(ds1) == before


def test_rolling_update_of_nothing(ansible: Ansible, before: list[str], ds1: Host) -> None:
    done = ansible("ansible-playbook", playbook("rolling_update"), check=False)
    assert done.returncode != 0
    assert "Say with lvs_update_tasks" in " ".join((done.stdout + done.stderr).split())
    assert rules(ds1) == before
