# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages are installed where a host lacks them. A stand-in installs nothing, and says so."""

from __future__ import annotations

import pytest

from .standins import Answer, Inventory, Player, cluster

MISSING = {"libraries": ["pyroute2"], "programs": []}
LACKING = Answer("state_info", {"missing": MISSING}, host="rs1")
OWN = "- hosts: realservers\n  gather_facts: false\n  roles: [lvs.cluster.realserver]\n"


def installing() -> Inventory:
    """The cluster, where packages are installed."""
    return cluster(lvs_install_packages=True, ansible_facts={"os_family": "Debian"})


@pytest.mark.parametrize("arguments", [(), ("--tags", "packages"), ("--tags", "all,packages")])
def test_what_a_host_lacks(play: Player, arguments: tuple[str, ...]) -> None:
    run = play("site", *arguments, inventory=installing(), results=[LACKING]).failed("does not run this: apt")
    first, again = run.failures  # with the package lists that are there, and with new ones
    assert "[rs1]" in first
    assert "[rs1]" in again


def test_check_mode_shows_the_packages(play: Player) -> None:
    """The package lists may never have been fetched, so it asks no package manager."""
    run = play("site", inventory=installing(), results=[LACKING], check=True).succeeded()
    assert "apt-get install python3-pyroute2" in run.output
    assert "rs1 : ok=" in run.output


def test_role_alone_reads_the_state_of_the_host(play: Player) -> None:
    playbook = play.folder / "own.yml"
    playbook.write_text(OWN)
    run = play(str(playbook), inventory=installing(), results=[LACKING])
    failures = run.failed("does not run this: apt").failures
    assert {"[rs1]" in failure for failure in failures} == {True}


@pytest.mark.parametrize(
    "arguments", [("--skip-tags", "packages"), ("--tags", "sysctl"), ("--extra-vars", "lvs_install_packages=false")]
)
def test_nothing_is_installed(play: Player, arguments: tuple[str, ...]) -> None:
    play("site", *arguments, inventory=installing(), results=[LACKING]).succeeded()


def test_nothing_is_missing(play: Player) -> None:
    play("site", inventory=installing()).succeeded()
