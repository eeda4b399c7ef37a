# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What can go wrong. Each message names the option or the thing, and says what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class LvsError(Exception):
    """Anything that ends a module with C(failed) and a message meant for the person who runs it.

    C(facts) are return values that the module has nevertheless.
    """

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = dict(facts or {})


class Invalid(LvsError):
    """What was asked for cannot work, whatever the kernel holds."""

    faults: list[InvalidValue]


class InvalidValue(Invalid):
    """An option has a value that cannot work."""

    def __init__(self, option: str, value: object, reason: str) -> None:
        super().__init__(f"{option}: {value} {reason}".rstrip())
        self.faults = [self]
        self.option = option
        self.value = value
        self.reason = reason

    def within(self, where: str) -> InvalidValue:
        """The same, of an option in a list."""
        return InvalidValue(f"{where}, {self.option}", self.value, self.reason) if where else self


class InvalidValues(Invalid):
    """Several of them, a line each."""

    def __init__(self, faults: Sequence[InvalidValue]) -> None:
        super().__init__("\n".join([f"{len(faults)} invalid values; nothing was changed:", *map(str, faults)]))
        self.faults = list(faults)


class MissingValue(InvalidValue):
    """An option is left out that has to be there."""

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(option, "is missing:", reason)


class KernelRefused(LvsError):
    """The kernel said no."""


class BatchRefused(KernelRefused):
    """The kernel refused some of several changes; C(facts) has those it made, and C(refused), the commands of the others."""


class NotPermitted(LvsError):
    """Reading or writing needs a privilege that the caller has not."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs root: run the task with 'become: true'")


class MissingKernelSupport(LvsError):
    """A subsystem is neither built in nor loadable."""


class NotYetThere(LvsError):
    """Something is missing that an earlier task of the same play may bring; check mode goes on without it."""


class NoSuchService(NotYetThere):
    """A destination was named whose virtual service does not exist."""

    def __init__(self, service: object) -> None:
        super().__init__(f"the virtual service {service} does not exist: create it with lvs.cluster.ipvs_service first")


class NoSuchDestination(NotYetThere):
    """A real server was to be drained that is not there."""


class NoSuchDevice(NotYetThere):
    """A network device was named that does not exist, and that is not one of those that can be made."""

    def __init__(self, device: str, devices: Iterable[str]) -> None:
        super().__init__(f"device: {device} does not exist: this host has {', '.join(devices)}")


class MissingLibrary(NotYetThere):
    """A Python library is not installed for the interpreter that runs the module, or is too old."""

    def __init__(self, library: str, cause: object, advice: str) -> None:
        super().__init__(f"the Python library {library} is missing for {sys.executable} ({cause}): {advice}")
