# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages are installed where a host lacks them. A stand-in installs nothing, and says so."""

from __future__ import annotations

import pytest

from .standins import Answer, Inventory, Player, cluster, failing

APT = {"packages": {"pyroute2": "python3-pyroute2"}, "package_manager": "apt", "advice": {"pyroute2": "add its repository"}}
MISSING = {"libraries": ["pyroute2"], "programs": [], **APT}
OWN = "- hosts: realservers\n  gather_facts: false\n  roles: [lvs.cluster.realserver]\n"


def lacking(**missing: object) -> Answer:
    """A host that lacks pyroute2."""
    return Answer("state_info", {"missing": {**MISSING, **missing}, "python": "/opt/bin/python3"}, host="rs1")


def installing() -> Inventory:
    """The cluster, where packages are installed."""
    return cluster(lvs_install_packages=True)


@pytest.mark.parametrize("arguments", [(), ("--tags", "packages"), ("--tags", "all,packages")])
def test_what_a_host_lacks(play: Player, arguments: tuple[str, ...]) -> None:
    """Once more with new package lists, and then it is said where the package is."""
    run = play("site", *arguments, inventory=installing(), results=[lacking()]).failed("does not run this: apt")
    first, again, advice = run.failures
    assert "[rs1]" in first
    assert "[rs1]" in again
    assert "rs1: python3-pyroute2 could not be installed:" in advice
    assert "Way out: add its repository." in advice
    assert "libraries have to be there for /opt/bin/python3" in advice


@pytest.mark.parametrize(
    ("manager", "message"), [("dnf", "which major revision of dnf"), ("zypper", "does not run this: apt")]
)
def test_package_manager_of_the_distribution(play: Player, manager: str, message: str) -> None:
    """The module dnf finds out which dnf it is, and the module package, which package manager: here, that of the stand-in."""
    run = play("site", inventory=installing(), results=[lacking(package_manager=manager)])
    refused, advice = run.failed("Way out: add its repository").failures
    assert message in refused
    assert message in advice


@pytest.mark.parametrize("manager", ["apt", "dnf", "zypper"])
def test_check_mode_shows_the_packages(play: Player, manager: str) -> None:
    """The package lists may never have been fetched, so it asks no package manager."""
    run = play("site", inventory=installing(), results=[lacking(package_manager=manager)], check=True).succeeded()
    assert f"{'apt-get' if manager == 'apt' else manager} install python3-pyroute2" in run.output
    assert "rs1 : ok=" in run.output


@pytest.mark.parametrize("check", [False, True])
def test_no_package_has_it(play: Player, check: bool) -> None:
    """A library that is there for another Python, or a distribution that is not known."""
    advice = {"pyroute2": "set ansible_python_interpreter to /usr/bin/python3"}
    run = play("site", inventory=installing(), results=[lacking(packages={}, advice=advice)], check=check)
    (failure,) = run.failed("rs1: set ansible_python_interpreter to /usr/bin/python3").failures
    assert "set lvs_install_packages to false" in failure
    assert not run.calls(changing=True)


def test_role_alone_reads_the_state_of_the_host(play: Player) -> None:
    playbook = play.folder / "own.yml"
    playbook.write_text(OWN)
    run = play(str(playbook), inventory=installing(), results=[lacking()])
    failures = run.failed("does not run this: apt").failures
    assert {"[rs1]" in failure for failure in failures} == {True}


@pytest.mark.parametrize(
    "arguments", [("--skip-tags", "packages"), ("--tags", "sysctl"), ("--extra-vars", "lvs_install_packages=false")]
)
def test_nothing_is_installed(play: Player, arguments: tuple[str, ...]) -> None:
    play("site", *arguments, inventory=installing(), results=[lacking()]).succeeded()


@pytest.mark.parametrize(
    ("running", "setting", "installs"), [("firewalld", "auto", True), ("firewalld", "none", False), ("ufw", "auto", False)]
)
def test_library_of_firewalld(play: Player, running: str, setting: str, installs: bool) -> None:
    """Where that runs, and is not left alone."""
    missing = {"libraries": ["firewall"], "packages": {"firewall": "python3-firewall"}, "advice": {"firewall": "install it"}}
    answer = Answer("state_info", {**lacking(**missing).result, "firewall": running}, host="rs1")
    run = play("site", inventory=cluster(lvs_install_packages=True, lvs_firewall=setting), results=[answer], check=True)
    assert ("apt-get install python3-firewall" in run.succeeded().output) == installs


def test_nothing_is_missing(play: Player) -> None:
    play("site", inventory=installing()).succeeded()


@pytest.mark.parametrize(
    ("message", "stderr"),
    [
        ("Module result deserialization failed", "SyntaxError: future feature annotations is not defined"),
        ("Module result deserialization failed", "SyntaxError: invalid syntax"),
        ("Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18 (default) [GCC 12.2.0]", ""),
    ],
)
def test_python_too_old(play: Player, message: str, stderr: str) -> None:
    """As Ansible says it of Python 3.6, 3.7 and, in its different versions, 3.8."""
    answer = Answer("state_info", {"failed": True, "msg": message, "module_stderr": stderr}, host="rs1")
    run = play("site", results=[answer]).failed("rs1: ")
    assert any("is older than Python 3.9" in failure for failure in run.failures)
    assert not run.calls(changing=True)


def test_any_other_failure_is_told_as_it_is(play: Player) -> None:
    run = play("site", results=[failing("state_info", "rs1", "state.json is damaged")]).failed("state.json is damaged")
    assert not any("older than" in failure for failure in run.failures)
