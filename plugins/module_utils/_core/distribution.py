# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Distributions as data: which packages have what this collection uses, and which repository has these packages. Pure.

Decision 24 says where each line was found. A repository that was not found is not named: the command that finds it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What an os-release(5) names as ID or in ID_LIKE. Oracle Linux says that it is like Fedora, not like RHEL.
_FAMILIES = {
    "debian": "debian",
    "ubuntu": "ubuntu",
    "rhel": "rhel",
    "centos": "rhel",
    "ol": "rhel",
    "fedora": "fedora",
    "suse": "suse",
    "opensuse": "suse",
}
_PACKAGE_MANAGERS = {"debian": "apt", "ubuntu": "apt", "rhel": "dnf", "fedora": "dnf", "suse": "zypper"}
_INSTALLING = {"apt": "apt-get install", "dnf": "dnf install", "zypper": "zypper install"}
_SEARCHING = {"apt": "apt-cache policy", "dnf": "dnf provides", "zypper": "zypper search --provides"}

# By library or program. The names are the same in all families.
_PACKAGES = {
    "firewall": "python3-firewall",
    "ipvsadm": "ipvsadm",
    "keepalived": "keepalived",
    "nft": "nftables",
    "nftables": "python3-nftables",
    "pyroute2": "python3-pyroute2",
}

_EPEL = "it is in EPEL: install epel-release, see https://docs.fedoraproject.org/en-US/epel/getting-started/"
_UNIVERSE = "it is in the component universe: add-apt-repository universe"
# By family, major version ("" for all of them), and library or program.
_REPOSITORIES = {
    ("ubuntu", "", "nftables"): _UNIVERSE,
    ("rhel", "9", "ipvsadm"): "it is in AppStream",
    ("rhel", "10", "ipvsadm"): "it is in AppStream",
    ("rhel", "10", "nftables"): "it is in BaseOS",
    ("rhel", "9", "pyroute2"): _EPEL,
    ("rhel", "10", "pyroute2"): _EPEL,
}
_OLD_PYTHON = "its packages are for Python 3.6, which is too old for this collection"
# Libraries whose package is of no use, and why.
_UNUSABLE = {
    ("rhel", "8", "firewall"): _OLD_PYTHON,
    ("rhel", "8", "nftables"): _OLD_PYTHON,
    ("rhel", "8", "pyroute2"): _OLD_PYTHON,
    ("suse", "15", "firewall"): _OLD_PYTHON,
    ("suse", "15", "nftables"): _OLD_PYTHON,
    ("suse", "15", "pyroute2"): _OLD_PYTHON,
}
# What to do where no package can be named.
_BY_HAND = {
    "firewall": (
        "set lvs_firewall to none and open the firewall yourself, or install the Python library firewall, which comes with"
        " firewalld, for {python}"
    ),
    "ipvsadm": "install what has the program ipvsadm",
    "keepalived": "install keepalived 2.2.7 or newer, see https://keepalived.org",
    "nft": "install what has the program nft",
    "nftables": "install the Python library nftables, which comes with nftables' sources, for {python}",
    "pyroute2": "install pyroute2 for {python}, such as with '{python} -m pip install pyroute2'",
}

_FOU = "the kernels of EL 8 and 9 are built without fou, so choose another tunnel_type"
# By family, major version, and kernel module; "" for all.
_KERNEL_PACKAGES = {
    ("ubuntu", "", ""): "linux-modules-extra-$(uname -r) may have it",
    ("rhel", "8", "fou"): _FOU,
    ("rhel", "8", "fou6"): _FOU,
    ("rhel", "9", "fou"): _FOU,
    ("rhel", "9", "fou6"): _FOU,
    ("rhel", "8", "ip_vs_mh"): "kernel-modules-extra has it",
    ("rhel", "", ""): "kernel-modules or kernel-modules-extra may have it",
    ("fedora", "", ""): "kernel-modules or kernel-modules-extra may have it",
}


@dataclass(frozen=True)
class Distribution:
    """What a host runs; without a family where it is not known here."""

    name: str
    family: str = ""
    version: str = ""  # the major one

    @classmethod
    def parse(cls, text: str) -> Distribution:
        """The distribution that an os-release(5) describes."""
        fields = dict(_assignments(text))
        like = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
        return cls(
            fields.get("PRETTY_NAME") or fields.get("NAME") or "this distribution",
            next((_FAMILIES[name] for name in like if name in _FAMILIES), ""),
            fields.get("VERSION_ID", "").partition(".")[0],
        )

    @property
    def package_manager(self) -> str:
        """Its package manager, as Ansible calls it; empty where it is not known."""
        return _PACKAGE_MANAGERS.get(self.family, "")

    def package(self, need: str) -> str:
        """The package that has a library or a program; empty where it is not known."""
        return _PACKAGES[need] if self.family and not self._looked_up(_UNUSABLE, need) else ""

    def how_to_install(self, need: str, python: str) -> str:
        """What to type for a library or a program, and where its package is.

        :param python: the path of the interpreter that runs the modules
        """
        package, manager = self.package(need), self.package_manager
        if not package:
            return _BY_HAND[need].format(python=python) + self._why_by_hand(need)
        found = self._looked_up(_REPOSITORIES, need) or f"'{_SEARCHING[manager]} {package}' shows which repository has it"
        return f"{_INSTALLING[manager]} {package} ({found})"

    def _why_by_hand(self, need: str) -> str:
        unusable = self._looked_up(_UNUSABLE, need)
        return f" ({self.name}: {unusable})" if unusable else f" on {self.name}"

    def kernel_package(self, module: str) -> str:
        """Which package may have a kernel module, as a clause; empty where that is not known."""
        return self._looked_up(_KERNEL_PACKAGES, module)

    def _looked_up(self, rows: Mapping[tuple[str, str, str], str], name: str) -> str:
        keys = [(self.family, version, key) for key in (name, "") for version in (self.version, "")]
        return next((rows[key] for key in keys if key in rows), "")


UNKNOWN = Distribution("this distribution")


def _assignments(text: str) -> Iterable[tuple[str, str]]:
    """The lines of a file of shell variables."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            yield name.strip(), _unquoted(value) or ""


def _unquoted(value: str) -> str | None:
    try:
        return " ".join(shlex.split(value))
    except ValueError:  # an open quote
        return None
