# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings in procfs, with their files for the next boot, and the claims on them in the state file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping

from .._core import files, state
from .._core.errors import KernelRefused, LvsError, NotPermitted
from .._core.reconcile import Change, ContextT, Seen, Transition, Wanted
from .._core.resource import Backend, Desired, DesiredT
from .._core.textfile import TextFile, is_made_here
from .._net.model import FALLBACK_DEVICES
from .._net.rtnetlink import Links
from . import boot_order
from .model import (
    ALL,
    DIRECTORY,
    SUBJECT,
    AnySysctlKey,
    Claims,
    DeviceContext,
    ItemKey,
    Sysctl,
    SysctlItem,
    SysctlKey,
    Value,
)

ROOT = "/proc/sys"


class SysctlBackend(Backend[DesiredT, ItemKey, SysctlItem, ContextT]):
    """Settings that a claimant asks for.

    The state file holds, for each setting, the value found before the first change and the value that each claimant wants.
    So a setting goes back when its last claimant gives it up, and settings without a claim are left alone.
    """

    def __init__(self, claimant: str) -> None:
        self._claimant = claimant

    def _claims(self) -> Claims:
        """The claims of the claimant, as they are."""
        return Claims(state.subject(SUBJECT), self._claimant)

    def _seen(
        self,
        wanted: Iterable[Wanted[ItemKey, SysctlItem]],
        claimed: Iterable[AnySysctlKey],
        values: Mapping[AnySysctlKey, Value],
        context: ContextT,
    ) -> Seen[ItemKey, SysctlItem, ContextT]:
        """These values, and the named files that this collection made.

        :param claimed: the settings that may have a claim
        """
        items: dict[ItemKey, SysctlItem] = {key: Sysctl(key, value) for key, value in values.items()}
        for file in wanted:
            if isinstance(file.key, str):
                text = files.read_made(file.key, "" if file.new is None else "persist")
                if text is not None:
                    items[file.key] = TextFile(file.key, text)
        claims = self._claims()
        former: dict[ItemKey, SysctlItem] = {key: claims.former(key) for key in claimed if claims.value(key) is not None}
        return Seen(items, context, frozenset(former), former)

    def apply(self, transition: Transition[ItemKey, SysctlItem, ContextT]) -> None:
        """Claim the settings, then write them. If one is refused, those written before it and the claims go back."""
        wanted = transition.wanted
        claimed = {setting.new.key: setting.new.value for setting in wanted if isinstance(setting.new, Sysctl)}
        released = [setting.key for setting in wanted if setting.new is None and not isinstance(setting.key, str)]
        claimed_before = self._set_claims(claimed, transition.seen)
        written: list[Sysctl] = []
        try:
            for change in transition.changes:
                before, after = change.before, change.former if change.after is None else change.after
                if isinstance(before, Sysctl) and isinstance(after, Sysctl):
                    write_value(after)
                    written.append(before)
            _write_files(transition.changes)  # last: none of them has to go back
        except LvsError:
            for setting in reversed(written):
                write_value(setting)
            self._set_claims(claimed_before, transition.seen)
            raise
        self._set_claims(dict.fromkeys(released), transition.seen)

    def _set_claims(
        self, values: Mapping[AnySysctlKey, Value | None], seen: Seen[ItemKey, SysctlItem, ContextT]
    ) -> dict[AnySysctlKey, Value | None]:
        """Claim these values, or release what has none; gives the values claimed before."""
        claims = self._claims()
        before = {key: claims.value(key) for key in values}
        if before != values:
            with state.changing() as subjects:
                subject = subjects.setdefault(SUBJECT, {})
                claims = Claims(subject, self._claimant)
                for key, value in values.items():
                    current = seen.items.get(key)
                    if value is None:
                        claims.release(key)
                    elif isinstance(current, Sysctl):
                        claims.claim(key, value, current.value)
                if not subject:
                    del subjects[SUBJECT]
        return before


class DeviceSysctlBackend(SysctlBackend[Desired[ItemKey, SysctlItem], DeviceContext]):
    """The settings of one device, and of C(all); the device is the claimant."""

    def read(self, desired: Desired[ItemKey, SysctlItem]) -> Seen[ItemKey, SysctlItem, DeviceContext]:
        """The settings, the files of other devices, and all files that set something when the host boots.

        A device that does not exist has no settings, unless it is one that can be created.
        """
        devices = _devices()
        keys = [wanted.key for wanted in desired.wanted if isinstance(wanted.key, SysctlKey)]
        coming = {wanted.key for wanted in desired.wanted if wanted.new is not None}
        values: dict[AnySysctlKey, Value] = {}
        for key in keys:
            if key.device == ALL or key.device in devices:
                values[key] = read_value(key)
            elif key in coming and key.device in FALLBACK_DEVICES:
                # A device that is yet to be created begins with the values of `default`.
                values[key] = read_value(SysctlKey("default", key.name))
        claims = self._claims()
        claimed_by_others = {key: value for key in keys for value in [claims.value_of_others(key)] if value is not None}
        device_files, other_files = _boot_files(all_of_them=any(isinstance(key, str) for key in coming))
        seen = self._seen(desired.wanted, keys, values, DeviceContext(devices, claimed_by_others, other_files))
        return Seen({**device_files, **seen.items}, seen.context, seen.owned, seen.former)

    def apply(self, transition: Transition[ItemKey, SysctlItem, DeviceContext]) -> None:
        """Create the device first if it does not exist and can be created."""
        device = self._claimant
        coming = [change.after.key for change in transition.changes if isinstance(change.after, Sysctl)]
        if device not in transition.seen.context.devices and any(
            isinstance(key, SysctlKey) and key.device == device for key in coming
        ):
            _create_fallback_device(device)
        super().apply(transition)


def _create_fallback_device(device: str) -> None:
    with Links() as links:
        links.ensure_tunnel(device)


def _write_files(changes: Iterable[Change[SysctlItem]]) -> None:
    for change in changes:
        if isinstance(change.item, TextFile):
            if change.after is None:
                files.remove(change.item.key)
            else:
                files.write_text(change.item.key, change.item.text)


def _boot_files(all_of_them: bool) -> tuple[dict[ItemKey, SysctlItem], dict[str, str]]:
    """The files that this module wrote for any device, and the texts of those of other programs.

    :param all_of_them: of all folders; otherwise only of sysctl.d in /etc
    """
    folders = [DIRECTORY]
    single_files: tuple[str, ...] = ()
    if all_of_them:
        folders = [*boot_order.DIRECTORIES, *boot_order.NETWORK_DIRECTORIES]
        single_files = (boot_order.LAST_FILE, boot_order.UFW_SWITCH, boot_order.UFW_FILE)
    device_files: dict[ItemKey, SysctlItem] = {}
    other_files = {}
    for path in [*(path for folder in folders for path in _listed(folder)), *single_files]:
        text = None if _is_link_to_last_file(path) else _read_if_readable(path)
        if text is not None:
            if os.path.dirname(path) == DIRECTORY and is_made_here(text, "arp_sysctl"):
                device_files[path] = TextFile(path, text)
            else:
                other_files[path] = text
    return device_files, other_files


def _listed(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith((".conf", ".network"))]
    except OSError:
        return []


def _is_link_to_last_file(path: str) -> bool:
    """Debian has the file that is read last in a directory, too."""
    return path != boot_order.LAST_FILE and os.path.realpath(path) == boot_order.LAST_FILE


def _read_if_readable(path: str) -> str | None:
    """The text of a file of another program; None where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def _devices() -> frozenset[str]:
    try:
        return frozenset(os.listdir(f"{ROOT}/net/ipv4/conf")) - {ALL, "default"}
    except FileNotFoundError:
        return frozenset()


def read_value(key: AnySysctlKey) -> Value:
    """The value of a setting."""
    path = f"{ROOT}/{key.path}"
    text = files.read_text(path)
    if text is None:
        raise KernelRefused(f"{path} does not exist: is procfs mounted, and IPv4 in this kernel?")
    return key.parsed(text)


def write_value(setting: Sysctl) -> None:
    """Set a setting.

    :raises LvsError: the kernel does not accept the value, or the user is not root
    """
    try:
        with open(f"{ROOT}/{setting.key.path}", "w", encoding="ascii") as file:
            file.write(f"{setting.value}\n")
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise NotPermitted(f"writing {setting.key}") from error
        raise KernelRefused(f"{setting.assignment}: {error.strerror}") from error
