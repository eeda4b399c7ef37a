# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files on a host: written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile

from .errors import LvsError, NotPermitted
from .textfile import is_made_here


def read_text(path: str) -> str | None:
    """The contents of a file; None where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise NotPermitted(f"reading {path}") from error
    except UnicodeDecodeError as error:
        raise LvsError(f"{path}: has bytes that are not UTF-8: write it in UTF-8, or move it away") from error
    except OSError as error:
        raise LvsError(f"{path}: {error.strerror}") from error


def make_folder(path: str) -> None:
    """Create a folder, unless it is there."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise refused(path, error) from error


def is_readable(path: str) -> bool:
    """Whether there is a file that this user can read."""
    return os.access(path, os.R_OK)


def is_link(path: str) -> bool:
    """Whether a file is a symbolic link, wherever that leads."""
    return os.path.islink(path)


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


def write_text(path: str, text: str, mode: int = 0o644) -> None:
    """Replace a file: on the disk first, then in its place, so that no reader and no power cut meets a half of it."""
    folder = os.path.dirname(path)
    temporary = None
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(folder)
    except OSError as error:
        raise refused(path, error) from error
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
        raise refused(path, error) from error


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise refused(path, error) from error


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


def refused(path: str, error: OSError) -> LvsError:
    """The error of a file that could not be written, in words."""
    if error.errno in (errno.EPERM, errno.EACCES):
        return NotPermitted(f"writing {path}")
    return LvsError(f"{path}: cannot be written: {error.strerror}")
