# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Programs of a host, where no library does what they do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import TypeVar

from .errors import MissingKernelSupport

T = TypeVar("T")

_FOLDERS = ("/usr/sbin", "/sbin")  # which the PATH of an interpreter may lack
_MODPROBE_TIMEOUT = 30  # seconds


def path_of(name: str) -> str | None:
    """The path of a program; None where this host has none of that name."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS]))


def run(*command: str, timeout: float, given: str = "") -> tuple[str, str]:
    """What a program prints, and why it failed: empty where it did not.

    :param timeout: seconds
    :param given: what the program reads from its standard input
    """
    done, problem = _done(command, timeout, given)
    if done is None:
        return "", problem
    if done.returncode:
        problem = done.stderr.strip() or f"exit status {done.returncode}"
    return done.stdout, problem


def spoken(*command: str, timeout: float) -> tuple[str, bool]:
    """All that a program prints, also to its standard error, and whether it succeeded.

    :param timeout: seconds
    """
    done, problem = _done(command, timeout)
    return (problem, False) if done is None else (f"{done.stdout}{done.stderr}", not done.returncode)


def _done(command: Sequence[str], timeout: float, given: str = "") -> tuple[subprocess.CompletedProcess[str] | None, str]:
    """A program that has ended; None, and why, where it did not start, or not end in time."""
    name, *arguments = command
    program = path_of(name)
    if program is None:
        return None, f"this host has no {name}"
    try:
        # AnsibleModule.run_command has no limit of time.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [program, *arguments], input=given, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return done, ""


def load_module(name: str) -> str:
    """Load a module of the kernel; why that failed, empty where it did not."""
    return run("modprobe", name, timeout=_MODPROBE_TIMEOUT)[1]


def with_module(name: str, use: Callable[[], T]) -> T:
    """What C(use) returns: without kernel support for it, once more with this module of the kernel loaded.

    :raises MissingKernelSupport: it cannot be loaded, or does not help
    """
    try:
        return use()
    except MissingKernelSupport as error:
        problem = load_module(name)
        if problem:
            raise MissingKernelSupport(f"{error} (modprobe {name}: {problem})") from error
        return use()
