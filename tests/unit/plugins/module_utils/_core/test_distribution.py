# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributions, by their own descriptions of themselves: their packages, and where these are."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.distribution import UNKNOWN, Distribution

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
UBUNTU = 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n'
MINT = 'PRETTY_NAME="Linux Mint 22"\nVERSION_ID="22"\nID=linuxmint\nID_LIKE="ubuntu debian"\n'
RHEL = 'PRETTY_NAME="Red Hat Enterprise Linux 9.6 (Plow)"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.6"\n'
ROCKY = 'PRETTY_NAME="Rocky Linux 10.0 (Red Quartz)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="10.0"\n'
STREAM = 'PRETTY_NAME="CentOS Stream 9"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="9"\n'
ORACLE = 'PRETTY_NAME="Oracle Linux Server 8.10"\nID="ol"\nID_LIKE="fedora"\nVERSION_ID="8.10"\n'
FEDORA = 'PRETTY_NAME="Fedora Linux 43 (Server Edition)"\nID=fedora\nVERSION_ID=43\n'
LEAP = "PRETTY_NAME='openSUSE Leap 15.6'\nID='opensuse-leap'\nID_LIKE='suse opensuse'\nVERSION_ID='15.6'\n"
SLES = 'PRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"\nID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"\n'
ARCH = 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\n'
PYTHON = "/usr/bin/python3"
NEEDS = {"ipvsadm": "ipvsadm", "nft": "nftables", "nftables": "python3-nftables", "pyroute2": "python3-pyroute2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN, ("Debian GNU/Linux 12 (bookworm)", "debian", "12", "apt")),
        (UBUNTU, ("Ubuntu 24.04.1 LTS", "ubuntu", "24", "apt")),
        (MINT, ("Linux Mint 22", "ubuntu", "22", "apt")),
        (RHEL, ("Red Hat Enterprise Linux 9.6 (Plow)", "rhel", "9", "dnf")),
        (ROCKY, ("Rocky Linux 10.0 (Red Quartz)", "rhel", "10", "dnf")),
        (STREAM, ("CentOS Stream 9", "rhel", "9", "dnf")),
        (ORACLE, ("Oracle Linux Server 8.10", "rhel", "8", "dnf")),
        (FEDORA, ("Fedora Linux 43 (Server Edition)", "fedora", "43", "dnf")),
        (LEAP, ("openSUSE Leap 15.6", "suse", "15", "zypper")),
        (SLES, ("SUSE Linux Enterprise Server 15 SP6", "suse", "15", "zypper")),
        (ARCH, ("Arch Linux", "", "", "")),
        ("", (UNKNOWN.name, "", "", "")),
        ('# ID=debian\n\nID="debian\nnonsense\nNAME=Half\n', ("Half", "", "", "")),
    ],
)
def test_parse(text: str, expected: tuple[str, str, str, str]) -> None:
    """A derivative counts as what it says it is like, the nearest first."""
    found = Distribution.parse(text)
    assert (found.name, found.family, found.version, found.package_manager) == expected


@pytest.mark.parametrize("text", [DEBIAN, UBUNTU, ROCKY, FEDORA])
def test_packages(text: str) -> None:
    assert {need: Distribution.parse(text).package(need) for need in NEEDS} == NEEDS


@pytest.mark.parametrize("text", [ORACLE, LEAP])
def test_libraries_for_a_python_that_is_too_old(text: str) -> None:
    """The programs are as good as anywhere."""
    found = Distribution.parse(text)
    assert [found.package(need) for need in NEEDS] == ["ipvsadm", "nftables", "", ""]
    why = f"({found.name}: its packages are for Python 3.6, which is too old for this collection)"
    for need in ("nftables", "pyroute2"):
        advice = found.how_to_install(need, "/usr/bin/python3.11")
        assert "for /usr/bin/python3.11" in advice
        assert advice.endswith(why)


@pytest.mark.parametrize("text", [RHEL, STREAM])
def test_library_in_another_repository(text: str) -> None:
    found = Distribution.parse(text)
    assert found.package("pyroute2") == "python3-pyroute2"
    assert found.how_to_install("pyroute2", PYTHON).startswith("dnf install python3-pyroute2 (it is in EPEL: ")


def test_unknown_distribution() -> None:
    found = Distribution.parse(ARCH)
    assert [found.package(need) for need in NEEDS] == [""] * len(NEEDS)
    assert found.how_to_install("nft", PYTHON) == "install what has the program nft on Arch Linux"
    assert found.how_to_install("nftables", PYTHON).endswith("for /usr/bin/python3 on Arch Linux")
    assert found.how_to_install("firewall", PYTHON).startswith(
        "set lvs_firewall to none and open the firewall yourself, or install "
    )
    assert found.kernel_package("fou") == ""


@pytest.mark.parametrize(
    ("text", "need", "advice"),
    [
        (
            DEBIAN,
            "pyroute2",
            "apt-get install python3-pyroute2 ('apt-cache policy python3-pyroute2' shows which repository has it)",
        ),
        (
            UBUNTU,
            "nftables",
            "apt-get install python3-nftables (it is in the component universe: add-apt-repository universe)",
        ),
        (RHEL, "ipvsadm", "dnf install ipvsadm (it is in AppStream)"),
        (ROCKY, "nftables", "dnf install python3-nftables (it is in BaseOS)"),
        (STREAM, "nftables", "dnf install python3-nftables ('dnf provides python3-nftables' shows which repository has it)"),
        (ORACLE, "nft", "dnf install nftables ('dnf provides nftables' shows which repository has it)"),
        (FEDORA, "pyroute2", "dnf install python3-pyroute2 ('dnf provides python3-pyroute2' shows which repository has it)"),
        (SLES, "ipvsadm", "zypper install ipvsadm ('zypper search --provides ipvsadm' shows which repository has it)"),
    ],
)
def test_where_a_package_is(text: str, need: str, advice: str) -> None:
    """A repository is named where it is known, and otherwise the command that finds it."""
    assert Distribution.parse(text).how_to_install(need, PYTHON) == advice


def test_package_in_epel() -> None:
    advice = Distribution.parse(ROCKY).how_to_install("pyroute2", PYTHON)
    assert advice.startswith(
        "dnf install python3-pyroute2 (it is in EPEL: install epel-release, see https://docs.fedoraproject.org/"
    )


@pytest.mark.parametrize(
    ("text", "module", "clause"),
    [
        (DEBIAN, "fou", ""),
        (UBUNTU, "fou", "linux-modules-extra-$(uname -r) may have it"),
        (ORACLE, "ip_vs_mh", "kernel-modules-extra has it"),
        (RHEL, "ip_vs_mh", "kernel-modules or kernel-modules-extra may have it"),
        (RHEL, "fou", "the kernels of EL 8 and 9 are built without fou, so choose another tunnel_type"),
        (ROCKY, "fou", "kernel-modules or kernel-modules-extra may have it"),
        (FEDORA, "ipip", "kernel-modules or kernel-modules-extra may have it"),
    ],
)
def test_package_of_a_kernel_module(text: str, module: str, clause: str) -> None:
    """The most specific row counts."""
    assert Distribution.parse(text).kernel_package(module) == clause
