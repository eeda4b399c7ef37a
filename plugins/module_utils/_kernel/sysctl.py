# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Per-device IPv4 settings in procfs, their file for the next boot, and the values that were there before."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from typing import Any

from .._errors import InvalidValue, KernelRefused, NotPermitted
from .._model.network import TUNNEL_DEVICE
from .._model.sysctl import ALL, Sysctl, SysctlFile, SysctlKey
from .._reconcile import Change, Wanted
from . import files
from .links import Links

_ROOT = "/proc/sys/net/ipv4/conf"
_SUBJECT = "sysctl"


class Settings:
    """The settings of one device and of C(all); a context manager.

    A state file keeps, for each setting, the value found before the first change and which device wants which value. So
    a setting goes back when the last device that wants it gives it up, and what nobody here asked for is left alone.
    """

    def __init__(self, device: str) -> None:
        self._device = device

    def __enter__(self) -> Settings:
        self._state = files.load_state()
        self._claims: dict[str, Any] = self._state.setdefault(_SUBJECT, {})
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """The named settings as they are; of those that shall go, only the ones that this device asked for."""
        self._wanted = list(wanted)
        exists = os.path.isdir(f"{_ROOT}/{self._device}")
        if not exists and self._device != TUNNEL_DEVICE and any(one.new is not None for one in self._wanted):
            names = sorted(set(os.listdir(_ROOT)) - {ALL, "default"})
            raise InvalidValue("device", self._device, f"does not exist: this host has {', '.join(names)}")
        self._current: dict[Any, Any] = {}
        for one in self._wanted:
            key = one.key
            if isinstance(key, str):
                text = files.read_text(key)
                if text is not None:
                    self._current[key] = SysctlFile(key, text)
                continue
            there = exists or key.device == ALL
            if one.new is None and not (there and self._device in self._wants(key)):
                continue
            # A device that is yet to be made begins with the values of `default`.
            value = _read(key if there else SysctlKey("default", key.name))
            self._current[key] = Sysctl(key, value, self._former(key))
        return self._current

    def apply(self, changes: Sequence[Change[Any]]) -> None:
        """Write the changes; first of all, what there was before."""
        coming = [change.after for change in changes if isinstance(change.after, Sysctl)]
        if any(one.key.device == self._device for one in coming) and not os.path.isdir(f"{_ROOT}/{self._device}"):
            with Links() as links:
                links.ensure_tunnel(self._device)
        self._claim()
        for change in changes:
            item = change.item
            if isinstance(item, SysctlFile):
                if change.after is None:
                    files.remove(item.key)
                else:
                    files.write_text(item.key, item.text)
            else:
                _write(item.key, item.former if change.after is None else item.value)
        self._release()

    def _wants(self, key: SysctlKey) -> dict[str, int]:
        wants: dict[str, int] = self._claims.get(str(key), {}).get("wanted", {})
        return wants

    def _former(self, key: SysctlKey) -> int | None:
        """What the setting is when this device no longer asks for it."""
        others = [value for device, value in self._wants(key).items() if device != self._device]
        if not others:
            found: int | None = self._claims.get(str(key), {}).get("found")
            return found
        return min(others) if key.name == "rp_filter" else max(others)

    def _claim(self) -> None:
        changed = False
        for one in self._wanted:
            if isinstance(one.new, Sysctl):
                claim = self._claims.setdefault(str(one.key), {"found": self._current[one.key].value, "wanted": {}})
                changed = changed or claim["wanted"].get(self._device) != one.new.value
                claim["wanted"][self._device] = one.new.value
        if changed:
            files.save_state(self._state)

    def _release(self) -> None:
        changed = False
        for one in self._wanted:
            if one.new is None and not isinstance(one.key, str) and self._device in self._wants(one.key):
                changed = True
                del self._claims[str(one.key)]["wanted"][self._device]
                if not self._wants(one.key):
                    del self._claims[str(one.key)]
        if changed:
            files.save_state(self._state)


def _path(key: SysctlKey) -> str:
    return f"{_ROOT}/{key.device}/{key.name}"


def _read(key: SysctlKey) -> int:
    text = files.read_text(_path(key))
    if text is None:
        raise KernelRefused(f"{_path(key)} does not exist: is procfs mounted, and IPv4 in this kernel?")
    return int(text)


def _write(key: SysctlKey, value: int) -> None:
    try:
        with open(_path(key), "w", encoding="ascii") as file:
            file.write(f"{value}\n")
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise NotPermitted(f"writing {key}") from error
        raise KernelRefused(f"{key} = {value}: {error.strerror}") from error
