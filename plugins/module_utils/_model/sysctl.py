# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The sysctls that keep a real server silent about its VIP, and let it take packets out of a tunnel.

Source: Documentation/networking/ip-sysctl.rst of Linux. For each of the three the kernel acts on the larger of the
device's value and that of C(all).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import InvalidValue
from .._reconcile import Item, Wanted
from . import values

ALL = "all"
LOOSE = 2  # rp_filter: any route back to the source will do
RANGES = {"arp_ignore": (0, 8), "arp_announce": (0, 2), "rp_filter": (0, 2)}
DIRECTORY = "/etc/sysctl.d"
MADE = "# Made by lvs.cluster."
HEADER = MADE + "{module}: what is changed here is lost.\n"


@dataclass(frozen=True)
class SysctlKey:
    """A setting of a device, or of C(all)."""

    device: str
    name: str

    @property
    def path(self) -> str:
        """Where procfs has it, below /proc/sys."""
        return f"net/ipv4/conf/{self.device}/{self.name}"

    def parsed(self, text: str) -> int:
        """What procfs has, as a value."""
        return int(text)

    def __str__(self) -> str:
        # sysctl.d(5): with a slash as the first separator, a dot is a part of the device's name.
        separator = "/" if "." in self.device else "."
        return separator.join(("net", "ipv4", "conf", self.device, self.name))


@dataclass(frozen=True)
class Sysctl(Item):
    """A setting and its value."""

    key: Any  # a SysctlKey, or another that has a path and is written as sysctl(8) does
    value: int | str
    former: int | str | None = field(default=None, compare=False)  # what it goes back to when nobody here wants it

    def line(self, action: str = "add") -> str:
        """As sysctl(8) prints it and sysctl.d(5) reads it."""
        return f"{self.key} = {self.former if action == 'remove' else self.value}"


@dataclass(frozen=True)
class SysctlFile(Item):
    """A file that brings settings back after a reboot."""

    key: str  # its path
    text: str

    def line(self, action: str = "add") -> str:
        """The file's settings, each behind the file's name."""
        if action == "remove":
            return f"rm {self.key}"
        return "\n".join(f"{self.key}: {line}" for line in self.text.splitlines() if not line.startswith("#"))


def settings(device: str, options: Mapping[str, Any]) -> list[Sysctl]:
    """The settings of a device, and those of C(all) without which they have no effect.

    ARP requests arrive on another device than the one with the VIP: O(arp_ignore) and O(arp_announce) go to C(all), too.
    So does O(rp_filter), but for loose mode: the largest value wins on the device alone, and the others stay as they are.
    """
    wanted = []
    for name, (lowest, highest) in RANGES.items():
        value = values.integer(name, options[name], lowest, highest)
        if not (name == "rp_filter" and value == LOOSE):
            wanted.append(Sysctl(SysctlKey(ALL, name), value))
        wanted.append(Sysctl(SysctlKey(device, name), value))
    return wanted


def wanted_settings(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What the options O(device), O(arp_ignore), O(arp_announce), O(rp_filter), O(persist) and O(state) describe."""
    device = values.device("device", options["device"])
    if device in (ALL, "default"):
        raise InvalidValue("device", device, f"is not a device: name the one that holds the VIP; {ALL} is set along with it")
    path = f"{DIRECTORY}/90-lvs-{device}.conf"
    if options["state"] == "absent":
        keys = [SysctlKey(where, name) for name in RANGES for where in (ALL, device)]
        return [Wanted.absent(key) for key in [path, *keys]]
    these = settings(device, options)
    wanted: list[Wanted[Any]] = [Wanted(one.key, one, {"value": one.value}) for one in these]
    # Loose mode does without C(all): what an earlier strictness set there goes back.
    loose = SysctlKey(ALL, "rp_filter")
    if all(one.key != loose for one in wanted):
        wanted.append(Wanted.absent(loose))
    if options["persist"]:
        wanted.append(wanted_file(path, "arp_sysctl", [one.line() for one in these]))
    elif options["persist"] is not None:
        wanted.append(Wanted.absent(path))
    return wanted


def wanted_file(path: str, module: str, lines: Sequence[str]) -> Wanted[SysctlFile]:
    """A file with these lines."""
    file = SysctlFile(path, HEADER.format(module=module) + "".join(f"{line}\n" for line in lines))
    return Wanted(path, file, {"text": file.text})


def effective(options: Mapping[str, Any], _keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """What the kernel acts on for the device: the larger of its own value and that of C(all)."""
    if options["state"] == "absent":
        return {}
    both = (ALL, options["device"])
    keys = {name: [SysctlKey(where, name) for where in both] for name in RANGES}
    return {"effective": {name: max(items[key].value for key in keys[name] if key in items) for name in RANGES}}
