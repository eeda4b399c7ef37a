# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Kernel settings (sysctls) of devices and of IPVS, and the claims on them. Pure.

Sources: Documentation/networking/ip-sysctl.rst and ipvs-sysctl.rst of Linux, sysctl.d(5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import TypedDict, Union

from .._core.options import Facts
from .._core.reconcile import Item, Wanted
from .._core.textfile import TextFile

ALL = "all"  # of each device setting, the kernel uses the larger of the device's value and that of C(all)
SUBJECT = "sysctl"  # of the state file
IPVS_CLAIMANT = "ipvs"  # claims the settings of IPVS; those of devices are claimed by the device
CHECKS_CLAIMANT = "checks of real servers"  # but those that answers to checks need; no device has such a name
DIRECTORY = "/etc/sysctl.d"

Value = Union[int, str]


@dataclass(frozen=True)
class SysctlKey:
    """A setting of a device, or of C(all)."""

    device: str
    name: str

    @property
    def path(self) -> str:
        """Its path below /proc/sys."""
        return f"net/ipv4/conf/{self.device}/{self.name}"

    def parsed(self, text: str) -> int:
        """The value that procfs shows."""
        return int(text)

    def __str__(self) -> str:
        # sysctl.d(5): with a slash as the first separator, a dot is a part of the device's name.
        separator = "/" if "." in self.device else "."
        return separator.join(("net", "ipv4", "conf", self.device, self.name))


@dataclass(frozen=True)
class IpvsSysctlKey:
    """A setting of IPVS."""

    name: str

    PREFIX = "net.ipv4.vs."

    @property
    def path(self) -> str:
        """Its path below /proc/sys."""
        return f"net/ipv4/vs/{self.name}"

    def parsed(self, text: str) -> str:
        """The value that procfs shows: numbers with one space between them."""
        return " ".join(text.split())

    def __str__(self) -> str:
        return f"{self.PREFIX}{self.name}"


AnySysctlKey = Union[SysctlKey, IpvsSysctlKey]


@dataclass(frozen=True)
class Sysctl(Item):
    """A setting and its value."""

    KIND = "sysctl"

    key: AnySysctlKey
    value: Value

    @property
    def assignment(self) -> str:
        """The setting as a line of sysctl.d(5)."""
        return f"{self.key} = {self.value}"

    def command(self, action: str = "add") -> str:
        """A command of sysctl(8): a setting is never added or removed."""
        return f"sysctl -w {quote(f'{self.key}={self.value}')}"

    def diff_line(self) -> str:
        """The setting as sysctl(8) prints it."""
        return self.assignment

    def identity(self) -> Facts:
        """Its name."""
        return {"name": str(self.key)}


# The modules of settings manage the files in which these are stored for the next boot, too. A file's key is its path.
ItemKey = Union[SysctlKey, IpvsSysctlKey, str]
SysctlItem = Union[Sysctl, TextFile]


def wanted_item(item: SysctlItem) -> Wanted[ItemKey, SysctlItem]:
    """A setting with this value, or a file with this text."""
    given: Facts = {"value": item.value} if isinstance(item, Sysctl) else {"text": item.text}
    return Wanted(item.key, item, given)


@dataclass(frozen=True)
class DeviceContext:
    """What the settings of a device depend on beside their values."""

    devices: frozenset[str] = frozenset()  # the devices of the host
    claimed_by_others: Mapping[SysctlKey, int] = field(default_factory=dict)  # what other devices need of C(all)
    files: Mapping[str, str] = field(default_factory=dict)  # the texts of other programs' files that the host reads at boot


@dataclass(frozen=True)
class WantedShared(Wanted[ItemKey, SysctlItem]):
    """A setting of C(all), which other devices may claim, too: it becomes what is sufficient for each of them."""

    shared: Sysctl | None = None

    def merged_with(self, current: SysctlItem | None) -> SysctlItem | None:
        """The setting with the value for all claimants."""
        return self.shared


def shared_value(name: str, values: Iterable[int]) -> int:
    """The value of C(all) that is sufficient for several devices: the largest, of rp_filter the smallest."""
    return min(values) if name == "rp_filter" else max(values)


class Claim(TypedDict):
    """The claims on a setting in the state file."""

    found: Value  # before the first change
    wanted: dict[str, Value]  # by claimant


def claimants(subject: Mapping[str, Claim]) -> set[str]:
    """All claimants of settings in the state file."""
    return {claimant for claim in subject.values() for claimant in claim["wanted"]}


class Claims:
    """The claims of one claimant, in the subject C(sysctl) of the state file, by the name of the setting."""

    def __init__(self, subject: dict[str, Claim], claimant: str) -> None:
        self._subject = subject
        self._claimant = claimant

    def names(self) -> list[str]:
        """The settings that the claimant claims."""
        return [name for name, claim in self._subject.items() if self._claimant in claim["wanted"]]

    def value(self, key: AnySysctlKey) -> Value | None:
        """The value that the claimant claims; None without a claim."""
        claim = self._subject.get(str(key))
        return None if claim is None else claim["wanted"].get(self._claimant)

    def value_of_others(self, key: AnySysctlKey) -> int | None:
        """The value that is sufficient for all other claimants; None where there are none."""
        claim = self._subject.get(str(key))
        wanted = {} if claim is None else claim["wanted"]
        values = [int(value) for claimant, value in wanted.items() if claimant != self._claimant]
        return shared_value(key.name, values) if values else None

    def former(self, key: AnySysctlKey) -> Sysctl:
        """What a claimed setting goes back to when the claimant gives it up."""
        of_others = self.value_of_others(key)
        return Sysctl(key, self._subject[str(key)]["found"] if of_others is None else of_others)

    def claim(self, key: AnySysctlKey, value: Value, found: Value) -> None:
        """Claim a value; C(found) is noted with the first claim on the setting."""
        self._subject.setdefault(str(key), {"found": found, "wanted": {}})["wanted"][self._claimant] = value

    def release(self, key: AnySysctlKey) -> None:
        """Give a claim up."""
        claim = self._subject.get(str(key))
        if claim is not None:
            claim["wanted"].pop(self._claimant, None)
            if not claim["wanted"]:
                del self._subject[str(key)]
