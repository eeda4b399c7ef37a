# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the options of a module, or of a row of a list among them."""

from __future__ import annotations

from typing import TypeVar

from .._core.options import Faults, Option, Options, Read

T = TypeVar("T")


class OptionReader:
    """Reads options one by one, and collects their faults."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.faults = Faults()

    def read(self, option: Option[T]) -> Read[T]:
        """The value of an option that is always there: it is required, or has a default."""
        return self.faults.read(option.read, self._options[option.name])

    def read_optional(self, option: Option[T]) -> Read[T | None]:
        """The value of an option, None if it is left out."""

        def read(value: object) -> T | None:
            return None if value is None else option.read(value)

        return self.faults.read(read, self._options[option.name])
