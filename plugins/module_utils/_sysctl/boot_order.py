# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the host sets when it boots, in its order, and which of it takes effect later than our file. Pure.

Sources: sysctl.d(5), sysctl(8) of procps, ufw(8), systemd.network(5), systemd.syntax(7).
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from .model import ALL, DIRECTORY, SysctlKey

NAMES = ("arp_ignore", "arp_announce", "rp_filter")
# A file in an earlier directory hides files of the same name in later ones.
DIRECTORIES = (DIRECTORY, "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
LAST_FILE = "/etc/sysctl.conf"
# Programs that set them again when they start: ufw, if it is enabled, and systemd-networkd.
UFW_SWITCH = "/etc/ufw/ufw.conf"
UFW_FILE = "/etc/ufw/sysctl.conf"
NETWORK_DIRECTORIES = ("/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network")
_REVERSE_PATH_FILTER = {
    **dict.fromkeys(("no", "false", "off", "n", "f", "0"), 0),
    **dict.fromkeys(("strict", "yes", "true", "on", "y", "t", "1"), 1),
    "loose": 2,
}


class Assignment(NamedTuple):
    """A line of a file that sets a value."""

    place: str  # file and line
    text: str
    key: str  # for sysctls, the path below /proc/sys
    value: str


def overrides(device: str, path: str, files: Mapping[str, str]) -> list[str]:
    """Warnings about lines that take effect after our file when the host boots, and change what the kernel does.

    :param device: the device of our file
    :param path: our file
    :param files: the text of each file that sets something, by its path; ours is one of them
    """
    own = {line.key: _number(line.value) for line in _sysctl_lines(path, files.get(path, ""))}
    later: dict[str, Assignment] = {}
    for line in _lines_after(device, path, files):
        # sysctl.d(5): a glob does not count where the setting is named, too.
        if _number(line.value) is not None and not set(line.key) & set("*?["):
            later[line.key] = line
    return [warning for name in NAMES for warning in _warnings(device, path, name, own, later)]


def _warnings(
    device: str, path: str, name: str, own: Mapping[str, int | None], later: Mapping[str, Assignment]
) -> Iterator[str]:
    """The warnings about one setting."""
    keys = [SysctlKey(where, name).path for where in (ALL, device)]
    from_file = [own.get(key) for key in keys]
    after_boot = [_number(later[key].value) if key in later else own.get(key) for key in keys]
    differs = max(value or 0 for value in from_file) != max(value or 0 for value in after_boot)
    for key, before, after in zip(keys, from_file, after_boot):
        # ARP requests arrive on other devices: for them, only the value of C(all) counts.
        counts_alone = key == keys[0] and name != "rp_filter" and before is not None
        if after != before and (differs or counts_alone):
            line = later[key]
            instead = "" if before is None else f", or set it to {before}"
            yield (
                f"{line.place}: '{line.text}' takes effect after {path} when this host starts, and undoes"
                f" {name} of {device}: remove that line{instead}"
            )


def _lines_after(device: str, path: str, files: Mapping[str, str]) -> Iterator[Assignment]:
    """The lines that take effect after our file, in that order."""
    read_by_systemd = _in_order(DIRECTORIES, files)
    later = read_by_systemd[read_by_systemd.index(path) + 1 :] if path in read_by_systemd else read_by_systemd
    for name in [*later, LAST_FILE]:
        yield from _sysctl_lines(name, files.get(name, ""))
    switches = _sysctl_lines(UFW_SWITCH, files.get(UFW_SWITCH, ""))
    if any((line.key, line.value.lower()) == ("ENABLED", "yes") for line in switches):
        yield from _sysctl_lines(UFW_FILE, files.get(UFW_FILE, ""))
    yield from _networkd_lines(device, files)


def _networkd_lines(device: str, files: Mapping[str, str]) -> Iterator[Assignment]:
    """What systemd-networkd sets for the device: from the first file that matches it."""
    for path in _in_order(NETWORK_DIRECTORIES, files):
        lines = _section_lines(path, files[path])
        if _names_match(device, [name for line in lines if line.key == "Match.Name" for name in line.value.split()]):
            key = SysctlKey(device, "rp_filter").path
            for line in lines:
                if line.key == "Network.IPv4ReversePathFilter" and line.value.lower() in _REVERSE_PATH_FILTER:
                    yield line._replace(key=key, value=str(_REVERSE_PATH_FILTER[line.value.lower()]))
            return


def _in_order(directories: Sequence[str], files: Iterable[str]) -> list[str]:
    """The files of these directories that are read, sorted by their names."""
    paths: dict[str, str] = {}
    for directory in directories:
        for path in files:
            if os.path.dirname(path) == directory:
                paths.setdefault(os.path.basename(path), path)
    return [paths[name] for name in sorted(paths)]


def _sysctl_lines(path: str, text: str) -> Iterator[Assignment]:
    """The assignments in a file of sysctl.d(5) or sysctl.conf(5)."""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        key, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            key = key.strip().lstrip("-").strip()
            # With a slash as the first separator a dot is a part of a name, and the other way round.
            if key.replace("/", ".").find(".") == key.find("."):
                key = key.translate(str.maketrans("./", "/."))
            yield Assignment(f"{path}, line {number}", line, key, value.strip().strip("\"'"))


def _section_lines(path: str, text: str) -> list[Assignment]:
    """The assignments in a file of systemd.syntax(7), each key behind its section and a dot."""
    section = ""
    assignments = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        key, equals, value = map(str.strip, line.partition("="))
        if line.startswith("["):
            section = line.strip("[]")
        elif equals and line[0] not in "#;":
            assignments.append(Assignment(f"{path}, line {number}", line, f"{section}.{key}", value))
    return assignments


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
