# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Restoring at boot what this collection set up on a host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .._core.errors import InvalidValue
from .._core.options import ABSENT, PRESENT, STATE, Facts, Faults, Option, Options, argument_spec
from .._core.reconcile import Seen
from .._core.resource import Resource
from .._ipvs.model import ServiceKey
from .host import BootBackend
from .model import BootContext, BootDesired, BootItem, WantedBoot, nothing_wanted, wanted_boot_files, wanted_units

_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+\.(service|target|socket|mount|path)")


def _services(given: Any) -> list[Facts]:
    """The services that should exist, as the options that identify them."""
    faults = Faults()
    keys = [
        faults.read(ServiceKey.of, row, where=f"services[{number}]")
        for number, row in enumerate(given)
        if row.get("state") != ABSENT
    ]
    faults.raise_all()
    return [key.value.facts() for key in keys]


def _units(given: Any) -> list[str]:
    """Names of units of systemd."""
    faults = Faults()
    for unit in given:
        if not _UNIT_NAME.fullmatch(unit):
            faults.add(InvalidValue("vips_after", repr(unit), "is not a unit's name: write one like nginx.service"))
    faults.raise_all()
    return list(given)


SERVICES = Option("services", _services, type="list", elements="dict", default=[])
VIPS_AFTER = Option("vips_after", _units, type="list", elements="str", default=[])
ARGUMENT_SPEC = argument_spec(SERVICES, VIPS_AFTER, STATE)


class Boot(Resource[BootDesired, str, BootItem, BootContext, BootBackend]):
    """The boot files, the units that load them, and what these need."""

    def parse(self, options: Options) -> BootDesired:
        """Read the options. The boot files depend on the host: they are planned when it has been read."""
        faults = Faults()
        services = faults.read(_services, options["services"])
        units = faults.read(_units, options["vips_after"])
        faults.raise_all()
        if options["state"] == PRESENT:
            return BootDesired(wanted_units(units.value), True, services.value)
        return BootDesired(nothing_wanted(), False, ())

    def open(self, desired: BootDesired) -> BootBackend:
        """The host."""
        return BootBackend()

    def plan(self, desired: BootDesired, seen: Seen[str, BootItem, BootContext]) -> Sequence[WantedBoot]:
        """The boot files come before the units, which never exist without them."""
        return [*wanted_boot_files(seen.context), *desired.wanted] if desired.present else desired.wanted

    def empty_host(self) -> Seen[str, BootItem, BootContext]:
        """No files, and nothing to restore."""
        return Seen({}, BootContext())
