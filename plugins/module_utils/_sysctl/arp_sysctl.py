# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The sysctls of a real server: no ARP answers for its VIP, and packets out of the tunnel are accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .._core import values
from .._core.errors import InvalidValue, NoSuchDevice
from .._core.options import PRESENT, STATE, Facts, Faults, Option, Options, argument_spec, boolean, integer
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource
from .._core.textfile import TextFile, made_file
from .._net.model import FALLBACK_DEVICES, TUNNEL_DEVICE
from .boot_order import NAMES, overrides
from .model import (
    ALL,
    DIRECTORY,
    DeviceContext,
    ItemKey,
    Sysctl,
    SysctlItem,
    SysctlKey,
    WantedShared,
    shared_value,
    wanted_item,
)
from .procfs import DeviceSysctlBackend

LOOSE = 2  # rp_filter: any route back to the source is accepted


def _device(value: object) -> str:
    device = values.device("device", value)
    if device in (ALL, "default"):
        raise InvalidValue("device", device, f"is not a device: name the one that holds the VIP; {ALL} is set along with it")
    return device


DEVICE = Option("device", _device, default=TUNNEL_DEVICE)
SETTINGS = (
    integer("arp_ignore", 0, 8, default=1),
    integer("arp_announce", 0, 2, default=2),
    integer("rp_filter", 0, 2, choices=(0, 1, 2), default=0),
)
PERSIST = boolean("persist")
ARGUMENT_SPEC = argument_spec(DEVICE, *SETTINGS, PERSIST, STATE)


@dataclass(frozen=True)
class ArpDesired(Desired[ItemKey, SysctlItem]):
    """The settings of a device."""

    device: str
    present: bool
    persist: bool | None  # None: a file stays as it is


ArpSeen = Seen[ItemKey, SysctlItem, DeviceContext]
ArpWanted = Wanted[ItemKey, SysctlItem]


class ArpSysctl(Resource[ArpDesired, ItemKey, SysctlItem, DeviceContext, DeviceSysctlBackend]):
    """The settings of a device, those of C(all) that they depend on, and their file for the next boot."""

    def parse(self, options: Options) -> ArpDesired:
        """Read the options; the values only where they are to be set."""
        present, persist = options["state"] == PRESENT, options["persist"]
        faults = Faults()
        device = faults.read(DEVICE.read, options["device"])
        given = {option.name: faults.read(option.read, options[option.name]) for option in SETTINGS if present}
        faults.raise_all()
        numbers = {name: number.value for name, number in given.items()}
        wanted = _wanted(device.value, numbers, persist) if present else _absent(device.value)
        return ArpDesired(wanted, device.value, present, persist)

    def open(self, desired: ArpDesired) -> DeviceSysctlBackend:
        """Procfs, on behalf of the device."""
        return DeviceSysctlBackend(desired.device)

    def plan(self, desired: ArpDesired, seen: ArpSeen) -> Sequence[ArpWanted]:
        """What other devices claim of C(all) counts, too: in the kernel, and in the file of each of them.

        Only settings that the device claims go back.
        """
        device, context = desired.device, seen.context
        if desired.present and device not in context.devices and device not in FALLBACK_DEVICES:
            raise NoSuchDevice(device, sorted(context.devices))
        claimed = [
            wanted
            for wanted in desired.wanted
            if wanted.new is not None or isinstance(wanted.key, str) or wanted.key in seen.owned
        ]
        values_of_all = _values_of_all(claimed, context.claimed_by_others)
        named = {wanted.key for wanted in claimed} | {own_file(device)}
        files_of_others = [item for item in seen.items.values() if isinstance(item, TextFile) and item.key not in named]
        return [
            *(_with_values_of_all(wanted, values_of_all) for wanted in claimed),
            *(_with_values_of_all(wanted_item(file), values_of_all) for file in files_of_others),
        ]

    def result(self, desired: ArpDesired, seen: ArpSeen) -> Facts:
        """The values that the kernel uses for the device, and a warning about what replaces them after a reboot."""
        if not desired.present:
            return {}
        facts: Facts = {"effective": effective(desired.device, seen.items)}
        if desired.persist:
            files = {item.key: item.text for item in seen.items.values() if isinstance(item, TextFile)}
            warnings = overrides(desired.device, own_file(desired.device), {**seen.context.files, **files})
            facts.update({"warnings": warnings} if warnings else {})
        return facts

    def empty_host(self) -> ArpSeen:
        """No device and no file."""
        return Seen({}, DeviceContext())


def own_file(device: str) -> str:
    """The file that sets a device's settings when the host boots."""
    return f"{DIRECTORY}/90-lvs-{device}.conf"


def settings(device: str, numbers: Mapping[str, int]) -> list[Sysctl]:
    """The settings of a device, and those of C(all) without which they have no effect.

    ARP requests arrive on other devices than the one with the VIP: O(arp_ignore) and O(arp_announce) go to C(all), too.
    So does O(rp_filter), except for loose mode: it is the largest value and wins on the device alone, so that other devices
    keep theirs.
    """
    items = []
    for name, number in numbers.items():
        if not (name == "rp_filter" and number == LOOSE):
            items.append(Sysctl(SysctlKey(ALL, name), number))
        items.append(Sysctl(SysctlKey(device, name), number))
    return items


def _wanted(device: str, numbers: Mapping[str, int], persist: bool | None) -> list[ArpWanted]:
    items = settings(device, numbers)
    wanted = [wanted_item(item) for item in items]
    # Loose mode does without C(all): what an earlier strict mode set there goes back.
    rp_filter_of_all = SysctlKey(ALL, "rp_filter")
    if all(item.key != rp_filter_of_all for item in items):
        wanted.append(Wanted.absent(rp_filter_of_all))
    if persist:
        wanted.append(wanted_item(made_file(own_file(device), "arp_sysctl", [item.assignment for item in items])))
    elif persist is not None:
        wanted.append(Wanted.absent(own_file(device)))
    return wanted


def _absent(device: str) -> list[ArpWanted]:
    keys: list[ItemKey] = [SysctlKey(where, name) for name in NAMES for where in (ALL, device)]
    return [Wanted.absent(key) for key in [own_file(device), *keys]]


def _values_of_all(wanted: Sequence[ArpWanted], claimed_by_others: Mapping[SysctlKey, int]) -> dict[str, int]:
    """The values of C(all) for all claimants, by name; without those that go back to what was there before."""
    values_of_all = {}
    for setting in wanted:
        if isinstance(setting.key, SysctlKey) and setting.key.device == ALL:
            claimed = [claimed_by_others[setting.key]] if setting.key in claimed_by_others else []
            if isinstance(setting.new, Sysctl):
                claimed.append(int(setting.new.value))
            if claimed:
                values_of_all[setting.key.name] = shared_value(setting.key.name, claimed)
    return values_of_all


def _with_values_of_all(wanted: ArpWanted, values_of_all: Mapping[str, int]) -> ArpWanted:
    """A setting or a file, with the values of C(all) for all claimants."""
    key, item = wanted.key, wanted.new
    if isinstance(item, TextFile):
        lines = item.text
        for name, value in values_of_all.items():
            setting = Sysctl(SysctlKey(ALL, name), value)
            lines = re.sub(rf"(?m)^{re.escape(str(setting.key))} = .*$", setting.assignment, lines)
        return wanted_item(replace(item, text=lines))
    if isinstance(item, Sysctl) and isinstance(key, SysctlKey) and key.device == ALL:
        return WantedShared(key, item, wanted.given, wanted.where, replace(item, value=values_of_all[key.name]))
    return wanted


def effective(device: str, items: Mapping[ItemKey, SysctlItem]) -> dict[str, int]:
    """The value that the kernel uses for each setting of the device: the larger of its own and that of C(all)."""
    numbers: dict[str, list[int]] = {name: [] for name in NAMES}
    for key, item in items.items():
        if isinstance(key, SysctlKey) and isinstance(item, Sysctl) and key.device in (ALL, device):
            numbers[key.name].append(int(item.value))
    return {name: max(of_both) for name, of_both in numbers.items()}
