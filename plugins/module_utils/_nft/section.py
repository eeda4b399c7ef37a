# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What the modules have in common that keep a section of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .._core.errors import InvalidValue
from .._core.options import ABSENT, PURGE, STATE, Option, Options, T, required
from .._core.reconcile import Seen, Wanted
from .._core.resource import Desired, Resource
from .libnftables import SectionBackend
from .table import ElementKey, Key, SectionContext, SectionSeen, TableItem, TableSection


@dataclass(frozen=True)
class SectionDesired(Desired[Key, TableItem]):
    """The wanted elements, and what becomes of the others."""

    remove_others: bool  # all elements that are not wanted

    def removes(self, key: ElementKey) -> bool:
        """Whether an element is to be removed that exists and is not wanted."""
        return self.remove_others


DesiredT = TypeVar("DesiredT", bound=SectionDesired)


class SectionResource(Resource[DesiredT, Key, TableItem, SectionContext, SectionBackend[DesiredT]], Generic[DesiredT]):
    """A section of the table."""

    section: ClassVar[TableSection]

    def open(self, desired: DesiredT) -> SectionBackend[DesiredT]:
        """The table in the kernel."""
        return SectionBackend(self.section)

    def plan(self, desired: DesiredT, seen: SectionSeen) -> Sequence[Wanted[Key, TableItem]]:
        """The elements, with the table, sets and chain that they need, and without what nothing needs any more."""
        return self.section.plan(desired.wanted, seen, desired.removes)

    def plan_without_host(self, desired: DesiredT) -> Sequence[Wanted[Key, TableItem]]:
        """What a host without the table gets."""
        return self.plan(desired, self.empty_host())

    def empty_host(self) -> SectionSeen:
        """No table."""
        return Seen({}, SectionContext())


def is_absent(options: Options) -> bool:
    """Whether O(state) is C(absent)."""
    return STATE.read(options["state"]) == ABSENT


def read_purge(options: Options) -> bool:
    """O(purge), which goes with O(state=present)."""
    purge = PURGE.read(options["purge"])
    if purge and is_absent(options):
        raise InvalidValue("purge", "true", "cannot go with state=absent: leave it out, and name what is to be removed")
    return purge


def read_required(row: Options, option: Option[T], why: str) -> T:
    """The value of an option that must not be left out."""
    value: Any = required(row, option.name, why)
    return option.read(value)
