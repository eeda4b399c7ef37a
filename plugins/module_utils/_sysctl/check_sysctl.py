# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The settings of a director that the answers to checks need, which come from a VIP that the director may hold itself.

Measured in docs/decisions/0029-checks-the-way-of-clients.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core import values
from .._core.errors import LvsError
from .._core.options import PRESENT, STATE, Facts, Faults, Options, argument_spec, boolean, text
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource
from .._core.textfile import made_file
from .._core.values import Address
from .._net import neighbour
from .model import (
    ALL,
    CHECKS_CLAIMANT,
    DIRECTORY,
    AnySysctlKey,
    ItemKey,
    Sysctl,
    SysctlItem,
    SysctlKey,
    Value,
    wanted_item,
)
from .procfs import SysctlBackend, read_value

OWN_FILE = f"{DIRECTORY}/90-lvs_checks.conf"
STRICT, LOOSE = 1, 2


def _addresses(name: str, given: Any) -> tuple[Address, ...]:
    faults = Faults()
    found = [faults.read(values.address, name, address) for address in given or ()]
    faults.raise_all()
    return tuple(address.value for address in found)


def _devices(name: str, given: Any) -> tuple[str, ...]:
    return tuple(values.device(name, device) for device in given or ())


SOURCES = text("sources", _addresses, type="list", elements="str", default=[])
VIP_DEVICES = text("vip_devices", _devices, type="list", elements="str", default=[])
PERSIST = boolean("persist")
ARGUMENT_SPEC = argument_spec(SOURCES, VIP_DEVICES, PERSIST, STATE)


@dataclass(frozen=True)
class ChecksDesired(Desired[ItemKey, SysctlItem]):
    """From which addresses checks come."""

    sources: tuple[Address, ...] = ()  # of IPv4: IPv6 has no such settings
    vip_devices: tuple[str, ...] = ()
    persist: bool | None = None  # None: the file stays as it is


@dataclass(frozen=True)
class ChecksContext:
    """The devices that answers come in on, and their filters."""

    devices: dict[Address, str] = field(default_factory=dict)  # of each source
    strict: frozenset[str] = frozenset()  # devices that filter by the route back


ChecksSeen = Seen[ItemKey, SysctlItem, ChecksContext]


class CheckSysctl(Resource[ChecksDesired, ItemKey, SysctlItem, ChecksContext, "CheckSysctlBackend"]):
    """The settings of the devices that have the sources, and their file for the next boot."""

    def parse(self, options: Options) -> ChecksDesired:
        """Read the options."""
        faults = Faults()
        sources = faults.read(SOURCES.read, options["sources"])
        devices = faults.read(VIP_DEVICES.read, options["vip_devices"])
        faults.raise_all()
        present, persist = options["state"] == PRESENT, options["persist"]
        own = tuple(source for source in sources.value if present and source.version == 4)
        return ChecksDesired([], own, devices.value, persist if present else False)

    def open(self, desired: ChecksDesired) -> CheckSysctlBackend:
        """Procfs."""
        return CheckSysctlBackend(CHECKS_CLAIMANT)

    def plan(self, desired: ChecksDesired, seen: ChecksSeen) -> Sequence[Wanted[ItemKey, SysctlItem]]:
        """A strict filter is loosened only where VIPs are on other devices: elsewhere, answers pass it."""
        items: list[Sysctl] = []
        for source in desired.sources:
            device = seen.context.devices.get(source)
            if device is None:
                raise LvsError(f"sources: {source} is no address of this host: name the address that checks come from")
            items.append(Sysctl(SysctlKey(device, "accept_local"), 1))
            filters = SysctlKey(device, "rp_filter")
            elsewhere = any(other != device for other in desired.vip_devices)
            if elsewhere and (device in seen.context.strict or filters in seen.owned):
                items.append(Sysctl(filters, LOOSE))
        wanted = [wanted_item(item) for item in dict.fromkeys(items)]
        named = {item.key for item in wanted}
        wanted += [Wanted.absent(key) for key in sorted(seen.owned - named, key=str)]
        if desired.persist and items:
            lines = [item.assignment for item in dict.fromkeys(items)]
            wanted.append(wanted_item(made_file(OWN_FILE, "check_sysctl", lines)))
        elif desired.persist is not None:
            wanted.append(Wanted.absent(OWN_FILE))
        return wanted

    def result(self, desired: ChecksDesired, seen: ChecksSeen) -> Facts:
        """The devices that answers to checks come in on."""
        return {"devices": sorted({seen.context.devices[source] for source in desired.sources})}

    def empty_host(self) -> ChecksSeen:
        """No device."""
        return Seen({}, ChecksContext())


class CheckSysctlBackend(SysctlBackend[ChecksDesired, ChecksContext]):
    """The settings of the devices that have the sources, and of those that had them."""

    def read(self, desired: ChecksDesired) -> ChecksSeen:
        """The settings, with what is claimed of other devices."""
        devices = {address: device.name for device in neighbour.devices() for address in device.addresses}
        keys = [SysctlKey(device, name) for device in sorted(set(devices.values())) for name in ("accept_local", "rp_filter")]
        current: dict[AnySysctlKey, Value] = {key: read_value(key) for key in keys}
        of_all = int(read_value(SysctlKey(ALL, "rp_filter")))
        strict = {key.device for key in keys if key.name == "rp_filter" and max(int(current[key]), of_all) == STRICT}
        file: Wanted[ItemKey, SysctlItem]
        file = Wanted.absent(OWN_FILE) if not desired.persist else wanted_item(made_file(OWN_FILE, "check_sysctl", []))
        return self._seen([file], keys, current, ChecksContext(devices, frozenset(strict)))
