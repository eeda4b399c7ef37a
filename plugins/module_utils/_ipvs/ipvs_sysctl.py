# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The settings of IPVS in net.ipv4.vs. Which of them exist depends on the running kernel."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from .._core.errors import InvalidValue
from .._core.options import Faults, Option, Options, argument_spec, boolean
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource
from .._core.textfile import made_file
from .._sysctl import procfs
from .._sysctl.model import DIRECTORY, IPVS_CLAIMANT, IpvsSysctlKey, ItemKey, Sysctl, SysctlItem, wanted_item
from .kernel import load_ipvs

SETTINGS_FILE = f"{DIRECTORY}/90-lvs_ipvs.conf"
# systemd-sysctl runs after systemd-modules-load: the settings exist only when the module is loaded.
MODULES_FILE = "/etc/modules-load.d/lvs-ipvs.conf"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"-?[0-9]+")
_VALUE = re.compile(r"-?[0-9]+(\s+-?[0-9]+)*")


def value(given: object) -> str:
    """A value as the kernel takes it: numbers with one space between them."""
    words = str(int(given) if isinstance(given, bool) else given).split()
    return " ".join(str(int(word)) if _NUMBER.fullmatch(word) else word for word in words)


def _check(name: object, given: object) -> None:
    where = f"settings, {name}"
    if not _NAME.fullmatch(str(name)):
        raise InvalidValue(
            where, repr(given), "is for a name that no setting has: write one of net.ipv4.vs, without that prefix"
        )
    if not _VALUE.fullmatch(value(given)):
        raise InvalidValue(where, repr(given), "is not a number: write one, or two with a space between for sync_threshold")


def _settings(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise InvalidValue("settings", repr(given), "is not a dictionary: write names and values")
    faults = Faults()
    for name, number in given.items():
        faults.collect(_check, name, number)
    faults.raise_all()
    return {str(name): value(number) for name, number in given.items()}


SETTINGS = Option("settings", _settings, type="dict", required=True)
PERSIST = boolean("persist")
ARGUMENT_SPEC = argument_spec(SETTINGS, PERSIST)

IpvsDesired = Desired[ItemKey, SysctlItem]
SettingNames = Sequence[str]  # those of this kernel, sorted
IpvsSeen = Seen[ItemKey, SysctlItem, SettingNames]


class IpvsSysctl(Resource[IpvsDesired, ItemKey, SysctlItem, SettingNames, "IpvsSysctlBackend"]):
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
        names = seen.context
        for wanted in desired.wanted:
            if isinstance(wanted.key, IpvsSysctlKey) and wanted.key.name not in names:
                raise InvalidValue(
                    "settings", wanted.key.name, f"is no setting of this kernel's IPVS: it has {', '.join(names)}"
                )
        named = {wanted.key for wanted in desired.wanted}
        return [*desired.wanted, *(Wanted.absent(key) for key in sorted(seen.owned, key=str) if key not in named)]


class IpvsSysctlBackend(procfs.SysctlBackend[IpvsDesired, SettingNames]):
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
        return self._seen(desired.wanted, claimed, {key: procfs.read_value(key) for key in keys}, names)
