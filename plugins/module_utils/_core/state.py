# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The state file of a host: what this collection claims there, and what was there before. Only modules read it.

It is a JSON object with a C(version), and one entry for each subject: C(network), C(sysctl), C(drained), C(boot),
C(firewall). The file that writes a subject knows its form.
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import os
from collections.abc import Iterator
from typing import Any

from . import files
from .errors import LvsError
from .options import Facts

STATE_FILE = "/var/lib/lvs.cluster/state.json"
LOCK_FILE = "/run/lvs.cluster.lock"
VERSION = 1


def load() -> Facts:
    """All subjects; none where there is no file.

    :raises LvsError: a file that is damaged, or written by a newer version of this collection
    """
    text = files.read_text(STATE_FILE)
    if text is None:
        return {}
    try:
        state = json.loads(text)
        if not isinstance(state, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise LvsError(f"{STATE_FILE}: not readable as JSON ({error}): restore it from a backup, or remove it") from error
    version = state.pop("version", VERSION)
    if version != VERSION:
        raise LvsError(
            f"{STATE_FILE}: has version {version!r}, and this version of lvs.cluster reads up to version {VERSION}:"
            " run the task with the newer version of the collection that wrote it"
        )
    return state


def subject(name: str) -> Any:
    """One subject; empty where nothing is noted of it."""
    return load().get(name, {})


@contextlib.contextmanager
def changing() -> Iterator[Facts]:
    """All subjects, to be changed in place: no other module changes them meanwhile, and they are saved in the end."""
    # The kernel unlocks when the file is closed, of a process that was killed, too.
    with _locked():
        state = load()
        before = copy.deepcopy(state)
        yield state
        if state != before:
            _save(state)


def save_subject(name: str, value: object) -> None:
    """Save one subject; the others stay as they are."""
    with changing() as state:
        state[name] = value


def _save(state: Facts) -> None:
    """Replace the file; without anything to note, there is none."""
    if any(state.values()):
        files.write_text(STATE_FILE, json.dumps({"version": VERSION, **state}, indent=2, sort_keys=True) + "\n")
        return
    files.remove(STATE_FILE)
    files.remove_folder(os.path.dirname(STATE_FILE))


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    try:
        descriptor = os.open(LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise files.refused(LOCK_FILE, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
