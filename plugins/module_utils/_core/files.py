# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files: written whole or not at all, and the one that remembers what there was before."""

from __future__ import annotations

import contextlib
import copy
import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from .errors import LvsError, NotPermitted
from .textfile import is_made_here

STATE_FILE = "/var/lib/lvs.cluster/state.json"
LOCK_FILE = "/run/lvs.cluster.lock"


def read_text(path: str) -> str | None:
    """The contents of a file; None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LvsError(f"{path}: {error.strerror}") from error


def read_made(path: str, asked_by: str) -> str | None:
    """The contents of a file that was made here; None where there is none.

    :param asked_by: the option that wants it to be there, so that one of somebody else's is in the way; empty where none does
    """
    text = read_text(path)
    if text is None or is_made_here(text):
        return text
    if asked_by:
        raise LvsError(f"{asked_by}: {path} is there and was not made by this collection: move it away")
    return None


def write_text(path: str, text: str) -> None:
    """Replace a file: on the disk first, then in its place, so that no reader and no power cut meets a half of it."""
    folder = os.path.dirname(path)
    temporary = None
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(folder)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def read_link(path: str) -> str | None:
    """Where a symbolic link leads; None where there is none."""
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LvsError(f"{path} is there and is no symbolic link: move it away ({error.strerror})") from error


def write_link(path: str, target: str) -> None:
    """Replace a symbolic link."""
    temporary = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(target, temporary)
        os.replace(temporary, path)
        _sync_folder(os.path.dirname(path))
    except OSError as error:
        raise _refused(path, error) from error


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _refused(path, error) from error


def remove_folder(path: str) -> None:
    """Remove a folder that has nothing in it any more; other things in there stay, with their folder."""
    with contextlib.suppress(OSError):
        os.rmdir(path)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_state() -> dict[str, Any]:
    """What was found before it was changed, by subject."""
    try:
        text = read_text(STATE_FILE)
        state = {} if text is None else json.loads(text)
        if not isinstance(state, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise LvsError(f"{STATE_FILE}: not readable as JSON ({error}): restore it from a backup, or remove it") from error
    return state


def save_state(state: dict[str, Any]) -> None:
    """Keep what was found; nothing to keep, no file."""
    if any(state.values()):
        write_text(STATE_FILE, json.dumps(state, indent=2, sort_keys=True) + "\n")
        return
    remove(STATE_FILE)
    remove_folder(os.path.dirname(STATE_FILE))


@contextlib.contextmanager
def changing_state() -> Iterator[dict[str, Any]]:
    """What was found, to be changed: nobody else of us changes it meanwhile, and it is saved in the end."""
    # The kernel unlocks when the file is closed, of a process that was killed, too.
    with _locked():
        state = load_state()
        before = copy.deepcopy(state)
        yield state
        if state != before:
            save_state(state)


def save_subject(subject: str, found: dict[str, Any]) -> None:
    """Keep what was found of one subject; that of others is as they left it."""
    with changing_state() as state:
        state[subject] = found


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    try:
        descriptor = os.open(LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _refused(LOCK_FILE, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refused(path: str, error: OSError) -> LvsError:
    if error.errno in (errno.EPERM, errno.EACCES):
        return NotPermitted(f"writing {path}")
    return LvsError(f"{path}: cannot be written: {error.strerror}")
