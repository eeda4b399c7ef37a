# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Faults of a description, each with its place."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core.errors import InvalidValue, LvsError


class DescriptionFault(InvalidValue):
    """A fault of a place in the description or the inventory, where no single value is wrong."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, "", reason)
        self.args = (f"{place}: {reason}",)

    def within(self, where: str) -> InvalidValue:
        """The same fault, of a place in a list."""
        return DescriptionFault(f"{where}, {self.option}", self.reason) if where else self


class InvalidDescription(LvsError):
    """The description has faults: all of them, a line each."""

    def __init__(self, faults: Iterable[InvalidValue]) -> None:
        self.faults = [str(fault) for fault in faults]
        super().__init__("\n".join(["the description of the cluster cannot work, and nothing was changed:", *self.faults]))
