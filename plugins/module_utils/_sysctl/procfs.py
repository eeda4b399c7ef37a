# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings in procfs, their files for the next boot, and the values that were there before."""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Iterable, Sequence
from typing import Any

from .._core import files
from .._core.errors import KernelRefused, LvsError, NoSuchDevice, NotPermitted
from .._core.reconcile import Change, Wanted
from .._core.textfile import TextFile, is_made_here
from .._net.model import FALLBACK_DEVICES
from .._net.rtnetlink import Links
from .model import (
    ALL,
    DIRECTORIES,
    DIRECTORY,
    LAST_FILE,
    NETWORK_DIRECTORIES,
    UFW_FILE,
    UFW_SWITCH,
    BootFile,
    Sysctl,
    SysctlKey,
    combined,
)

ROOT = "/proc/sys"
_DEVICES = f"{ROOT}/net/ipv4/conf"
_SUBJECT = "sysctl"


class Settings:
    """Settings that one of us asks for; a context manager.

    A state file keeps, for each setting, the value found before the first change and who wants which value. So a setting
    goes back when the last who wants it gives it up, and what nobody here asked for is left alone.
    """

    def __init__(self, claimant: str) -> None:
        self._claimant = claimant

    def __enter__(self) -> Any:
        self._claims: dict[str, Any] = files.load_state().get(_SUBJECT, {})
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The named settings as they are; of those that shall go, only the ones that we asked for."""
        self._wanted = list(wanted)
        self._current: dict[Any, Any] = {}
        for one in self._wanted:
            if isinstance(one.key, str):
                made = files.read_made(one.key, "" if one.new is None else "persist")
                if made is not None:
                    self._current[one.key] = TextFile(one.key, made)
            elif one.new is not None or self._claimant in self._wants(one.key):
                self._take_in(one.key)
        return self._current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Write the changes; first of all, what there was before. If one is refused, what is written already goes back."""
        before = copy.deepcopy(self._claims)
        done: list[Sysctl] = []
        try:
            self._claim()
            # Files last: nothing of them has to go back.
            for change in sorted(changes, key=lambda change: isinstance(change.item, TextFile)):
                item = change.item
                if isinstance(item, TextFile):
                    if change.after is None:
                        files.remove(item.key)
                    else:
                        files.write_text(item.key, item.text)
                else:
                    _write(item.key, item.former if change.after is None else item.value)
                    done.append(self._current[item.key])
        except LvsError:
            for one in reversed(done):
                _write(one.key, one.value)
            if before != self._claims:
                files.save_subject(_SUBJECT, before)
            raise
        self._release(one.key for one in [*self._wanted, *(change.item for change in changes if change.after is None)])

    def _take_in(self, key: Any) -> None:
        self._current[key] = Sysctl(key, _read(key), self._former(key), self._others(key))

    def _wants(self, key: object) -> dict[str, Any]:
        wants: dict[str, Any] = self._claims.get(str(key), {}).get("wanted", {})
        return wants

    def _others(self, key: Any) -> int | None:
        """What others of us want of it."""
        # Numbers, as IPVS's own settings have no others that want them.
        numbers = [number for claimant, number in self._wants(key).items() if claimant != self._claimant]
        return combined(key.name, numbers) if numbers else None

    def _former(self, key: Any) -> int | str | None:
        """What the setting is when we no longer ask for it."""
        found: int | str | None = self._claims.get(str(key), {}).get("found")
        others = self._others(key)
        return found if others is None else others

    def _claim(self) -> None:
        changed = False
        for one in self._wanted:
            if isinstance(one.new, Sysctl):
                claim = self._claims.setdefault(str(one.key), {"found": self._current[one.key].value, "wanted": {}})
                changed = changed or claim["wanted"].get(self._claimant) != one.new.value
                claim["wanted"][self._claimant] = one.new.value
        if changed:
            files.save_subject(_SUBJECT, self._claims)

    def _release(self, keys: Iterable[Any]) -> None:
        kept = {one.key for one in self._wanted if one.new is not None}
        changed = False
        for key in keys:
            if key not in kept and not isinstance(key, str) and self._claimant in self._wants(key):
                changed = True
                del self._claims[str(key)]["wanted"][self._claimant]
                if not self._wants(key):
                    del self._claims[str(key)]
        if changed:
            files.save_subject(_SUBJECT, self._claims)


class DeviceSettings(Settings):
    """The settings of one device, and of C(all); the device asks for them."""

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """See above, and the files that set something when the host starts.

        A device that is not there has no settings, but those that can be made.
        """
        wanted = list(wanted)
        device = self._claimant
        self._exists = os.path.isdir(f"{_DEVICES}/{device}")
        if not self._exists and device not in FALLBACK_DEVICES and any(one.new is not None for one in wanted):
            raise NoSuchDevice(device, sorted(set(os.listdir(_DEVICES)) - {ALL, "default"}))
        super().read(wanted)
        if any(isinstance(one.new, TextFile) for one in wanted):
            paths = [path for folder in (*DIRECTORIES, *NETWORK_DIRECTORIES) for path in _listed(folder)]
            self._take_in_files([*paths, LAST_FILE, UFW_SWITCH, UFW_FILE])
        else:
            self._take_in_files(_listed(DIRECTORY))
        return self._current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """See above; a device that can be made is made for the settings that it shall have."""
        device = self._claimant
        coming = [change.after for change in changes if isinstance(change.after, Sysctl)]
        if any(one.key.device == device for one in coming) and not os.path.isdir(f"{_DEVICES}/{device}"):
            with Links() as links:
                links.ensure_tunnel(device)
        super().apply(changes)

    def _take_in(self, key: SysctlKey) -> None:
        there = self._exists or key.device == ALL
        if there:
            super()._take_in(key)
        elif any(one.key == key and one.new is not None for one in self._wanted):
            # A device that is yet to be made begins with the values of `default`.
            default = _read(SysctlKey("default", key.name))
            self._current[key] = Sysctl(key, default, self._former(key), self._others(key))

    def _take_in_files(self, paths: Iterable[str]) -> None:
        """Those of other devices of ours, and what others have."""
        for path in paths:
            text = None if path in self._current or _is_link_to_last(path) else _read_if_readable(path)
            if text is not None:
                ours = os.path.dirname(path) == DIRECTORY and is_made_here(text, "arp_sysctl")
                self._current[path] = TextFile(path, text) if ours else BootFile(path, text)


def _listed(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith((".conf", ".network"))]
    except OSError:
        return []


def _is_link_to_last(path: str) -> bool:
    """Debian has the file that is read last in a directory, too."""
    return path != LAST_FILE and os.path.realpath(path) == LAST_FILE


def _read_if_readable(path: str) -> str | None:
    """What somebody else wrote: whether it can be read is no concern of ours."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _read(key: Any) -> int | str:
    path = f"{ROOT}/{key.path}"
    text = files.read_text(path)
    if text is None:
        raise KernelRefused(f"{path} does not exist: is procfs mounted, and IPv4 in this kernel?")
    return key.parsed(text)  # type: ignore[no-any-return]  # each kind of key has its own


def _write(key: Any, number: object) -> None:
    try:
        with open(f"{ROOT}/{key.path}", "w", encoding="ascii") as file:
            file.write(f"{number}\n")
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise NotPermitted(f"writing {key}") from error
        raise KernelRefused(f"{key} = {number}: {error.strerror}") from error
