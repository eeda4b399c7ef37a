# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a module consists of: what it wants, its access to the host, and the five steps in which modules differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from .options import Facts, Options
from .reconcile import ContextT, ItemT, KeyT, Seen, Transition, Wanted


@dataclass(frozen=True)
class Desired(Generic[KeyT, ItemT]):
    """What the options ask for, parsed once. A module adds what else its plan depends on."""

    wanted: Sequence[Wanted[KeyT, ItemT]]  # in the order of the options


DesiredT = TypeVar("DesiredT", bound="Desired[Any, Any]")
BackendT = TypeVar("BackendT", bound="Backend[Any, Any, Any, Any]")


class Backend(Generic[DesiredT, KeyT, ItemT, ContextT]):
    """A module's access to the host: it reads and writes items, and decides nothing. A context manager."""

    def __enter__(self: BackendT) -> BackendT:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Nothing has to be closed, unless a backend says so."""

    def read(self, desired: DesiredT) -> Seen[KeyT, ItemT, ContextT]:
        """The named items that exist; others do no harm."""
        raise NotImplementedError

    def check(self, transition: Transition[KeyT, ItemT, ContextT]) -> None:
        """Refuse changes that cannot be made on this host; in check mode, too.

        :raises LvsError: there are such changes
        """

    def apply(self, transition: Transition[KeyT, ItemT, ContextT]) -> None:
        """Make the changes, in their order."""
        raise NotImplementedError

    def boot_files(self) -> Mapping[str, Iterable[str]]:
        """The lines of the boot files that these items are in, as the host is now, and the kernel modules for them."""
        return {}


class Resource(Generic[DesiredT, KeyT, ItemT, ContextT, BackendT]):
    """What a module manages."""

    def parse(self, options: Options) -> DesiredT:
        """Read the options.

        :raises Invalid: all that is wrong with them
        """
        raise NotImplementedError

    def open(self, desired: DesiredT) -> BackendT:
        """The access to the host."""
        raise NotImplementedError

    def plan(self, desired: DesiredT, seen: Seen[KeyT, ItemT, ContextT]) -> Sequence[Wanted[KeyT, ItemT]]:
        """What is wanted, given what there is: with what is to be removed beside the named items.

        :raises LvsError: what cannot be, given what there is
        """
        return desired.wanted

    def result(self, desired: DesiredT, seen: Seen[KeyT, ItemT, ContextT]) -> Facts:
        """The module's own return values, given what there is afterwards; C(warnings) among them are given as such."""
        return {}

    def outcome(self, desired: DesiredT, transition: Transition[KeyT, ItemT, ContextT]) -> Facts:
        """The same, where what there was before, or what changed, counts, too."""
        return self.result(desired, transition.after())

    def after(
        self,
        desired: DesiredT,
        backend: BackendT,
        transition: Transition[KeyT, ItemT, ContextT],
        log: Callable[[str], None],
    ) -> Facts:
        """What follows the changes and takes its time, such as the wait of a drain; not in check mode. More return values."""
        return {}

    def plan_without_host(self, desired: DesiredT) -> Sequence[Wanted[KeyT, ItemT]]:
        """What check mode takes as wanted where the host cannot be read."""
        return desired.wanted

    def empty_host(self) -> Seen[KeyT, ItemT, ContextT]:
        """What check mode assumes where the host cannot be read, as an earlier task of the play has yet to prepare it."""
        return Seen({}, cast("ContextT", None))


AnyResource = Resource[Any, Any, Any, Any, Any]


def facts_of(desired: Desired[KeyT, ItemT], seen: Seen[KeyT, ItemT, ContextT]) -> Facts:
    """The only item that the options name, as it is now; empty where it does not exist."""
    (wanted,) = desired.wanted
    item = seen.items.get(wanted.key)
    return {} if item is None else item.facts()
