# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The sysctls that keep a real server silent about its VIP, and let it take packets out of a tunnel.

Source: Documentation/networking/ip-sysctl.rst of Linux. For each of the three the kernel acts on the larger of the
device's value and that of C(all).
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .._core import values
from .._core.errors import InvalidValue
from .._core.reconcile import Item, Wanted
from .._core.textfile import TextFile, wanted_file

ALL = "all"
LOOSE = 2  # rp_filter: any route back to the source will do
RANGES = {"arp_ignore": (0, 8), "arp_announce": (0, 2), "rp_filter": (0, 2)}
DIRECTORY = "/etc/sysctl.d"
# sysctl.d(5), and what sysctl(8) of procps adds: a name in an earlier one hides the same name in those behind it.
DIRECTORIES = (DIRECTORY, "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
LAST_FILE = "/etc/sysctl.conf"
# What sets them again, when it starts: ufw(8), if it is enabled, and systemd.network(5).
UFW_SWITCH = "/etc/ufw/ufw.conf"
UFW_FILE = "/etc/ufw/sysctl.conf"
NETWORK_DIRECTORIES = ("/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network")
_REVERSE_PATH_FILTER = {
    **dict.fromkeys(("no", "false", "off", "n", "f", "0"), 0),
    **dict.fromkeys(("strict", "yes", "true", "on", "y", "t", "1"), 1),
    "loose": 2,
}


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
    others: int | None = field(default=None, compare=False)  # what counts of those that others of us want

    def line(self, action: str = "add") -> str:
        """As sysctl(8) prints it and sysctl.d(5) reads it."""
        return f"{self.key} = {self.former if action == 'remove' else self.value}"


@dataclass(frozen=True)
class BootFile(Item):
    """Somebody else's file, which sets something when the host starts."""

    key: str  # its path
    text: str


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


def own_file(device: str) -> str:
    """The file that brings a device's settings back."""
    return f"{DIRECTORY}/90-lvs-{device}.conf"


def wanted_settings(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """What the options O(device), O(arp_ignore), O(arp_announce), O(rp_filter), O(persist) and O(state) describe."""
    device = values.device("device", options["device"])
    if device in (ALL, "default"):
        raise InvalidValue("device", device, f"is not a device: name the one that holds the VIP; {ALL} is set along with it")
    path = own_file(device)
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


def combined(name: str, numbers: Iterable[int]) -> int:
    """What C(all) has where several want a value of it: what is enough for each of them."""
    return min(numbers) if name == "rp_filter" else max(numbers)


def with_others(options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """And what other devices of ours want of C(all): in the kernel, and in the file of each of us, whichever is read last."""
    plan = []
    of_all: dict[str, int] = {}  # what C(all) has in each file, by name
    for one in wanted:
        if isinstance(one.key, SysctlKey) and one.key.device == ALL:
            others = current[one.key].others if one.key in current else None
            numbers = [number for number in (others, one.new and one.new.value) if number is not None]
            if numbers:
                of_all[one.key.name] = combined(one.key.name, numbers)
            if one.new is not None:
                value = of_all[one.key.name]
                one = replace(one, new=replace(one.new, value=value), stated={"value": value})
        elif isinstance(one.new, TextFile):
            one = _with_all(one.new, of_all)
        plan.append(one)
    named = {one.key for one in plan} | {own_file(options["device"])}
    theirs = [item for item in current.values() if isinstance(item, TextFile) and item.key not in named]
    return plan + [_with_all(file, of_all) for file in theirs]


def _with_all(file: TextFile, of_all: Mapping[str, int]) -> Wanted[TextFile]:
    text = file.text
    for name, value in of_all.items():
        text = re.sub(rf"(?m)^{re.escape(str(SysctlKey(ALL, name)))} = .*$", f"{SysctlKey(ALL, name)} = {value}", text)
    return Wanted(file.key, replace(file, text=text), {"text": text})


def report(options: Mapping[str, Any], keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """What the kernel acts on, and what will be in the way after a reboot."""
    found = effective(options, keys, items)
    if options["state"] == "present" and options["persist"]:
        files = {path: item.text for path, item in items.items() if isinstance(item, (BootFile, TextFile))}
        warnings = overrides(options["device"], own_file(options["device"]), files)
        found.update({"warnings": warnings} if warnings else {})
    return found


def effective(options: Mapping[str, Any], _keys: list[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """What the kernel acts on for the device: the larger of its own value and that of C(all)."""
    if options["state"] == "absent":
        return {}
    both = (ALL, options["device"])
    keys = {name: [SysctlKey(where, name) for where in both] for name in RANGES}
    return {"effective": {name: max(items[key].value for key in keys[name] if key in items) for name in RANGES}}


class _Assignment(NamedTuple):
    """A line that sets a value when the host starts."""

    place: str  # file and line
    text: str
    key: str  # the path below /proc/sys
    value: str


def overrides(device: str, path: str, files: Mapping[str, str]) -> list[str]:
    """What takes effect later than our file when the host starts, and has the kernel act on another value.

    :param device: the device of our file
    :param path: our file
    :param files: the text of each file that sets something, by its path; ours is one of them
    """
    ours = {one.key: _number(one.value) for one in _assignments(path, files.get(path, ""))}
    later: dict[str, _Assignment] = {}
    for one in _later(device, path, files):
        # A glob does not count where the setting is named, too: sysctl.d(5).
        if _number(one.value) is not None and not set(one.key) & set("*?["):
            later[one.key] = one
    messages = []
    for name in RANGES:
        keys = [SysctlKey(where, name).path for where in (ALL, device)]
        wanted = [ours.get(key) for key in keys]
        found = [_number(later[key].value) if key in later else ours.get(key) for key in keys]
        differs = max(number or 0 for number in wanted) != max(number or 0 for number in found)
        for key, ours_is, is_then in zip(keys, wanted, found):
            # Requests come in on other devices: of these two, the value of all counts by itself.
            by_itself = key == keys[0] and name != "rp_filter" and ours_is is not None
            if is_then != ours_is and (differs or by_itself):
                one = later[key]
                instead = "" if ours_is is None else f", or set it to {ours_is}"
                messages.append(
                    f"{one.place}: '{one.text}' takes effect after {path} when this host starts, and undoes"
                    f" {name} of {device}: remove that line{instead}"
                )
    return messages


def _later(device: str, path: str, files: Mapping[str, str]) -> Iterator[_Assignment]:
    """What sets something after our file, in that order."""
    of_system = _in_order(DIRECTORIES, files)
    after = of_system[of_system.index(path) + 1 :] if path in of_system else of_system
    for one in [*after, LAST_FILE]:
        yield from _assignments(one, files.get(one, ""))
    if any((one.key, one.value.lower()) == ("ENABLED", "yes") for one in _assignments(UFW_SWITCH, files.get(UFW_SWITCH, ""))):
        yield from _assignments(UFW_FILE, files.get(UFW_FILE, ""))
    for one in _in_order(NETWORK_DIRECTORIES, files):
        sections = _network(one, files[one])
        if _names_match(device, [name for line in sections if line.key == "Match.Name" for name in line.value.split()]):
            key = SysctlKey(device, "rp_filter").path
            for line in sections:
                if line.key == "Network.IPv4ReversePathFilter" and line.value.lower() in _REVERSE_PATH_FILTER:
                    yield line._replace(key=key, value=str(_REVERSE_PATH_FILTER[line.value.lower()]))
            return  # the first file that matches is the device's


def _in_order(directories: Sequence[str], files: Iterable[str]) -> list[str]:
    """The files of these directories that are read, sorted by their names."""
    found: dict[str, str] = {}
    for directory in directories:
        for path in files:
            if os.path.dirname(path) == directory:
                found.setdefault(os.path.basename(path), path)
    return [found[name] for name in sorted(found)]


def _assignments(path: str, text: str) -> Iterator[_Assignment]:
    """The lines of a file as sysctl.d(5) and sysctl.conf(5) have it."""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        key, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            key = key.strip().lstrip("-").strip()
            # With a slash as the first separator a dot is a part of a name, and the other way round.
            if key.replace("/", ".").find(".") == key.find("."):
                key = key.translate(str.maketrans("./", "/."))
            yield _Assignment(f"{path}, line {number}", line, key, value.strip().strip("\"'"))


def _network(path: str, text: str) -> list[_Assignment]:
    """The lines of a file as systemd.syntax(7) has it, each key behind its section and a dot."""
    section = ""
    found = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        key, equals, value = map(str.strip, line.partition("="))
        if line.startswith("["):
            section = line.strip("[]")
        elif equals and line[0] not in "#;":
            found.append(_Assignment(f"{path}, line {number}", line, f"{section}.{key}", value))
    return found


def _names_match(device: str, patterns: Sequence[str]) -> bool:
    """systemd.network(5): any of them; with ! before the first, none."""
    if not patterns:
        return False
    inverted = patterns[0].startswith("!")
    return any(fnmatchcase(device, pattern.lstrip("!")) for pattern in patterns) is not inverted


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
