# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The files that keep network managers away from a device, and the managers that run and have to know of them."""

from __future__ import annotations

import contextlib
import os

from .._core import files, program, systemd
from .._core.errors import LvsError
from .._core.textfile import TextFile
from . import managers
from .model import Unmanaged

_TIMEOUT = 30  # seconds
_NETWORK_MANAGER = "NetworkManager"
# In the order of the files of a device.
_RELOAD = {_NETWORK_MANAGER: ("nmcli", "general", "reload", "conf"), "systemd-networkd": ("networkctl", "reload")}
_UNMANAGED = "10"  # NMDeviceState, of the D-Bus interface of NetworkManager


def read(device: str, asked_by: str) -> Unmanaged | None:
    """The files of a device that were made here.

    :param asked_by: the option that wants them; empty where none does
    """
    found = []
    for file in managers.unmanaged(device).files:
        text = files.read_made(file.key, asked_by)
        if text is not None:
            found.append(TextFile(file.key, text))
    return Unmanaged(device, tuple(found)) if found else None


def write(item: Unmanaged) -> None:
    """Have the managers let go of a device with all that it holds, and write its files.

    :raises LvsError: a manager that does not; then there are no files, and the next run begins anew
    """
    try:
        if systemd.is_running(_NETWORK_MANAGER):
            state, problem = program.run("nmcli", "-g", "GENERAL.STATE", "device", "show", item.device, timeout=_TIMEOUT)
            if not problem and state.split()[:1] != [_UNMANAGED]:
                # By its configuration alone, NetworkManager would set the device down.
                _tell(_NETWORK_MANAGER, item.device, "nmcli", "device", "set", item.device, "managed", "no")
        # One after the other: a run that ended in between has not written all.
        for file, unit in zip(item.files, _RELOAD):
            files.write_text(file.key, file.text)
            _reload(unit, item.device)
    except LvsError:
        for file in item.files:
            files.remove(file.key)
        raise


def remove(item: Unmanaged) -> None:
    """Remove the files of a device.

    :raises LvsError: a manager that does not read that
    """
    for file in item.files:
        files.remove(file.key)
    _remove_folders()
    for unit in _RELOAD:
        _reload(unit, item.device)


def _reload(unit: str, device: str) -> None:
    if systemd.is_running(unit):
        _tell(unit, device, *_RELOAD[unit])


def _remove_folders() -> None:
    """Remove the folders of NetworkManager where it is not installed: there is nothing else in them."""
    folder = managers.NETWORK_MANAGER_FOLDER
    parent = os.path.dirname(folder)
    with contextlib.suppress(OSError):
        if os.listdir(parent) == [os.path.basename(folder)]:
            files.remove_folder(folder)
            files.remove_folder(parent)


def _tell(unit: str, device: str, *command: str) -> None:
    _printed, problem = program.run(*command, timeout=_TIMEOUT)
    if problem:
        raise LvsError(
            f"{unit} has to know that it does not manage {device}, and does not answer: {' '.join(command)}: {problem}:"
            f" see systemctl status {unit}, then run this task again"
        )
