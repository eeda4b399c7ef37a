# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The settings of IPVS in net.ipv4.vs.

Source: Documentation/networking/ipvs-sysctl.rst of Linux. Which of them there are, the running kernel says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import Faults, InvalidValue, raise_all
from .._core.reconcile import Wanted
from .._core.textfile import wanted_file
from .._sysctl.model import DIRECTORY, Sysctl

SETTINGS_FILE = f"{DIRECTORY}/90-lvs_ipvs.conf"
# systemd-sysctl runs after systemd-modules-load: only then are there settings to be set.
MODULES_FILE = "/etc/modules-load.d/lvs-ipvs.conf"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"-?[0-9]+")
_VALUE = re.compile(r"-?[0-9]+(\s+-?[0-9]+)*")


@dataclass(frozen=True)
class IpvsSysctlKey:
    """A setting of IPVS."""

    name: str

    @property
    def path(self) -> str:
        """Where procfs has it, below /proc/sys."""
        return f"net/ipv4/vs/{self.name}"

    def parsed(self, text: str) -> str:
        """What procfs has, as a value."""
        return value(text)

    def __str__(self) -> str:
        return f"net.ipv4.vs.{self.name}"


def value(text: object) -> str:
    """A value as the kernel is given it: numbers, with one space between."""
    words = str(int(text) if isinstance(text, bool) else text).split()
    return " ".join(str(int(word)) if _NUMBER.fullmatch(word) else word for word in words)


def wanted_settings(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What O(settings) and O(persist) describe."""
    faults = Faults()
    for name, given in options["settings"].items():
        faults.take(_check, name, given)
    raise_all(faults.found)
    these = [Sysctl(IpvsSysctlKey(name), value(given)) for name, given in options["settings"].items()]
    wanted: list[Wanted[Any]] = [Wanted(one.key, one, {"value": one.value}) for one in these]
    if options["persist"] and these:
        wanted.append(wanted_file(MODULES_FILE, "ipvs_sysctl", ["ip_vs"]))
        wanted.append(wanted_file(SETTINGS_FILE, "ipvs_sysctl", [one.line() for one in these]))
    elif options["persist"] is not None:
        wanted += [Wanted.absent(path) for path in (SETTINGS_FILE, MODULES_FILE)]
    return wanted


def with_dropped(_options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """And what was set here before and is not named any more goes back to what it was."""
    named = {one.key for one in wanted}
    return [*wanted, *(Wanted.absent(key) for key in current if key not in named)]


def _check(name: object, given: object) -> None:
    where = f"settings, {name}"
    if not _NAME.fullmatch(str(name)):
        raise InvalidValue(
            where, repr(given), "is for a name that no setting has: write one of net.ipv4.vs, without that prefix"
        )
    if not _VALUE.fullmatch(value(given)):
        raise InvalidValue(where, repr(given), "is not a number: write one, or two with a space between for sync_threshold")
