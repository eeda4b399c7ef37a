# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The settings of IPVS in net.ipv4.vs. Which of them exist depends on the running kernel."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .._core import files
from .._core.errors import InvalidValue
from .._core.options import Faults, Option, Options, argument_spec, boolean
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource
from .._core.textfile import made_file
from .._sysctl import procfs
from .._sysctl.model import DIRECTORY, IPVS_CLAIMANT, IpvsSysctlKey, ItemKey, Sysctl, SysctlItem, wanted_item
from . import cpulist
from .kernel import load_ipvs

SETTINGS_FILE = f"{DIRECTORY}/90-lvs_ipvs.conf"
# systemd-sysctl runs after systemd-modules-load: the settings exist only when the module is loaded.
MODULES_FILE = "/etc/modules-load.d/lvs-ipvs.conf"

CPUS = "est_cpulist"  # the one setting that is a list of CPUs; the others are numbers
_STATUS = "/proc/self/status"
_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*(\S+)$", re.MULTILINE)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"-?[0-9]+(\s+-?[0-9]+)*")


def value(name: str, given: object) -> str:
    """A value as the kernel shows it: numbers with one space between them, or a list of CPUs.

    :raises ValueError: it is neither
    """
    text = str(int(given) if isinstance(given, bool) else given).strip()
    if name == CPUS:
        return text if text == cpulist.ALL else cpulist.written(cpulist.parse(text))
    if not _VALUE.fullmatch(text):
        raise ValueError(text)
    return " ".join(str(int(number)) for number in text.split())


def _setting(name: object, given: object) -> str:
    where = f"settings, {name}"
    if not _NAME.fullmatch(str(name)):
        raise InvalidValue(
            where, repr(given), "is for a name that no setting has: write one of net.ipv4.vs, without that prefix"
        )
    try:
        return value(str(name), given)
    except ValueError:
        reason = "is not a number: write one, or two with a space between for sync_threshold"
        if name == CPUS:
            reason = "is not a list of CPUs: write numbers and ranges such as 0-3,6, or all, or '' for none"
        raise InvalidValue(where, repr(given), reason) from None


def _settings(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise InvalidValue("settings", repr(given), "is not a dictionary: write names and values")
    faults = Faults()
    settings = {str(name): faults.read(_setting, name, number) for name, number in given.items()}
    faults.raise_all()
    return {name: setting.value for name, setting in settings.items()}


SETTINGS = Option("settings", _settings, type="dict", required=True)
PERSIST = boolean("persist")
ARGUMENT_SPEC = argument_spec(SETTINGS, PERSIST)

IpvsDesired = Desired[ItemKey, SysctlItem]


@dataclass(frozen=True)
class IpvsSysctlContext:
    """What the settings depend on."""

    names: Sequence[str] = ()  # the settings of this kernel, sorted
    cpus: frozenset[int] = frozenset()  # that est_cpulist can name
    release: str = ""  # of the kernel


IpvsSeen = Seen[ItemKey, SysctlItem, IpvsSysctlContext]


class IpvsSysctl(Resource[IpvsDesired, ItemKey, SysctlItem, IpvsSysctlContext, "IpvsSysctlBackend"]):
    """The settings of IPVS, and their files for the next boot."""

    def parse(self, options: Options) -> IpvsDesired:
        """Read the options; without settings there are no files."""
        persist = options["persist"]
        items = [Sysctl(IpvsSysctlKey(name), text) for name, text in SETTINGS.read(options["settings"]).items()]
        wanted = [wanted_item(item) for item in items]
        if persist and items:
            wanted.append(wanted_item(made_file(MODULES_FILE, "ipvs_sysctl", ["ip_vs"])))
            wanted.append(wanted_item(made_file(SETTINGS_FILE, "ipvs_sysctl", [item.assignment for item in items])))
        elif persist is not None:
            wanted += [Wanted.absent(path) for path in (SETTINGS_FILE, MODULES_FILE)]
        return Desired(wanted)

    def open(self, desired: IpvsDesired) -> IpvsSysctlBackend:
        """Procfs."""
        return IpvsSysctlBackend(IPVS_CLAIMANT)

    def plan(self, desired: IpvsDesired, seen: IpvsSeen) -> Sequence[Wanted[ItemKey, SysctlItem]]:
        """Settings that this module changed before, and that are no longer named, go back."""
        names = seen.context.names
        for wanted in desired.wanted:
            if isinstance(wanted.key, IpvsSysctlKey) and wanted.key.name not in names:
                raise InvalidValue(
                    "settings",
                    wanted.key.name,
                    f"is no setting of this kernel's IPVS: it has {', '.join(names)} (Linux {seen.context.release})",
                )
        named = {wanted.key for wanted in desired.wanted}
        return [
            *(_on_this_host(wanted, seen) for wanted in desired.wanted),
            *(Wanted.absent(key) for key in sorted(seen.owned, key=str) if key not in named),
        ]


def _on_this_host(wanted: Wanted[ItemKey, SysctlItem], seen: IpvsSeen) -> Wanted[ItemKey, SysctlItem]:
    """A setting as the kernel would keep it: a list of CPUs without those that it would leave out is refused."""
    setting, current = wanted.new, seen.items.get(wanted.key)
    if not isinstance(setting, Sysctl) or setting.key != IpvsSysctlKey(CPUS) or setting == current:
        return wanted
    cpus = cpulist.written(seen.context.cpus)
    if setting.value == cpulist.ALL:
        return wanted_item(replace(setting, value=cpus))
    if not cpulist.parse(str(setting.value)) <= seen.context.cpus:
        raise InvalidValue(f"settings, {CPUS}", setting.value, f"has CPUs that this host does not have: it has {cpus}")
    return wanted


class IpvsSysctlBackend(procfs.SysctlBackend[IpvsDesired, IpvsSysctlContext]):
    """The settings of IPVS in procfs."""

    def read(self, desired: IpvsDesired) -> IpvsSeen:
        """The named settings and those with a claim, as far as this kernel has them."""
        if any(isinstance(wanted.new, Sysctl) for wanted in desired.wanted):
            load_ipvs()
        folder = f"{procfs.ROOT}/net/ipv4/vs"
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        claimed = [IpvsSysctlKey(name[len(IpvsSysctlKey.PREFIX) :]) for name in self._claims().names()]
        named = [wanted.key for wanted in desired.wanted if isinstance(wanted.key, IpvsSysctlKey)]
        keys = [key for key in dict.fromkeys([*named, *claimed]) if key.name in names]
        context = IpvsSysctlContext(names, _allowed_cpus(), os.uname().release)
        return self._seen(desired.wanted, claimed, {key: procfs.read_value(key) for key in keys}, context)


def _allowed_cpus() -> frozenset[int]:
    """The CPUs that this process may run on: of a list that it writes, the kernel takes no others."""
    match = _ALLOWED.search(files.read_text(_STATUS) or "")
    return frozenset() if match is None else cpulist.parse(match[1])
