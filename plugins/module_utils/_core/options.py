# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Options: declared once, for Ansible's argument specification and for the code that reads them; all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

# The first says what a host's Python lacks, before the second needs it.
from . import oldest_python, values  # noqa: F401  # pylint: disable=unused-import
from .errors import Invalid, InvalidValue, InvalidValues, MissingValue

T = TypeVar("T")

Options = Mapping[str, Any]  # as Ansible hands them over, or a row of a list among them
Facts = dict[str, Any]  # as a module returns them


@dataclass(frozen=True)
class Option(Generic[T]):
    """An option: how its value is read, and how Ansible is told of it.

    C(bounds) is the range of a number, for the documentation: the reader enforces it.
    """

    name: str
    read: Callable[[object], T]
    type: str = "str"
    choices: Sequence[Any] = ()
    bounds: tuple[float, float] | None = None
    default: Any = None
    required: bool = False
    elements: str = ""
    aliases: Sequence[str] = ()

    @property
    def spec(self) -> Facts:
        """The option in an argument specification."""
        spec: Facts = {"type": self.type}
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.default is not None:
            spec["default"] = self.default
        if self.required:
            spec["required"] = True
        if self.elements:
            spec["elements"] = self.elements
        if self.aliases:
            spec["aliases"] = list(self.aliases)
        return spec


def argument_spec(*options: Option[Any]) -> Facts:
    """The argument specification of these options."""
    return {option.name: option.spec for option in options}


def text(name: str, read: Callable[[str, object], T], **spec: Any) -> Option[T]:
    """An option whose reader takes the option's name and its value."""
    return Option(name, lambda value: read(name, value), **spec)


def integer(name: str, lowest: int, highest: int, **spec: Any) -> Option[int]:
    """A whole number in a range."""
    return Option(
        name, lambda value: values.integer(name, value, lowest, highest), type="int", bounds=(lowest, highest), **spec
    )


def number(name: str, lowest: float, highest: float, unit: str = "", **spec: Any) -> Option[float]:
    """A number in a range."""
    return Option(
        name, lambda value: values.number(name, value, lowest, highest, unit), type="float", bounds=(lowest, highest), **spec
    )


def choice(name: str, choices: Sequence[str], **spec: Any) -> Option[str]:
    """One of a few words."""
    return Option(name, lambda value: values.choice(name, value, tuple(choices)), choices=choices, **spec)


def boolean(name: str, **spec: Any) -> Option[bool]:
    """Yes or no."""
    return Option(name, lambda value: values.boolean(name, value), type="bool", **spec)


PRESENT, ABSENT = "present", "absent"
STATE = choice("state", (PRESENT, ABSENT), default=PRESENT)
PURGE = boolean("purge", default=False)


class Read(Generic[T]):
    """The value of an option that was read along with others: to be used when none of them had a fault."""

    def __init__(self, values: tuple[T, ...]) -> None:
        self._values = values

    @property
    def failed(self) -> bool:
        """Whether there is no value."""
        return not self._values

    @property
    def value(self) -> T:
        """The value; C(Faults.raise_all) comes first."""
        return self._values[0]


class Faults:
    """Collects what is wrong, so that the user sees all of it at once."""

    def __init__(self) -> None:
        self.found: list[InvalidValue] = []

    def add(self, fault: InvalidValue, where: str = "") -> None:
        """Add a fault, with the place of its option."""
        self.found.append(fault.within(where))

    def collect(self, read: Callable[..., T], *arguments: object, where: str = "") -> T | None:
        """What is read of the arguments; None where they are wrong: the faults are added, with their place."""
        try:
            return read(*arguments)
        except Invalid as error:
            self.found += [fault.within(where) for fault in error.faults]
            return None

    def read(self, read: Callable[..., T], *arguments: object, where: str = "") -> Read[T]:
        """The same, for a value that is used only when nothing is wrong."""
        try:
            return Read((read(*arguments),))
        except Invalid as error:
            self.found += [fault.within(where) for fault in error.faults]
            return Read(())

    def raise_all(self) -> None:
        """Raise all faults, if there are any.

        :raises Invalid: one fault, or several with a line each
        """
        if self.found:
            raise self.found[0] if len(self.found) == 1 else InvalidValues(self.found)


def required(row: Options, option: str, why: str) -> Any:
    """The value of an option that must not be left out."""
    if row.get(option) is None:
        raise MissingValue(option, why)
    return row[option]


def check_fields(row: object, known: Collection[str]) -> None:
    """Check that a row of a list is a dictionary and has no other options than these.

    :raises Invalid: all that is wrong
    """
    if not isinstance(row, dict):
        raise InvalidValue("value", repr(row), f"is not a dictionary: write some of {', '.join(known)}")
    unknown = [name for name in row if name not in known]
    if unknown:
        faults = Faults()
        for name in unknown:
            reason = f"is an unknown option: valid options are {', '.join(known) or 'none'}"
            faults.add(InvalidValue(str(name), repr(row[name]), reason))
        faults.raise_all()


def rows(
    name: str, given: Iterable[object], known: Collection[str], read: Callable[[Options], T], faults: Faults
) -> Iterator[tuple[str, T]]:
    """What is read of each row of a list, with the row's place; rows with faults are left out, and their faults added."""

    def checked(row: Any) -> T:
        check_fields(row, known)
        return read(row)

    for number, row in enumerate(given):
        place = f"{name}[{number}]"
        value = faults.collect(checked, row, where=place)
        if value is not None:
            yield place, value


@dataclass
class Unique:
    """Finds what a list names twice."""

    faults: Faults
    places: dict[object, str] = field(default_factory=dict)

    def add(self, key: T, place: str, option: str = "", shown: Callable[[T], object] | None = None) -> None:
        """Note a key at its place; a fault where it has one already.

        :param option: the option that names it; the row itself if left out
        :param shown: the key in the message; the key itself if left out
        """
        first = self.places.setdefault(key, place)
        if first != place:
            where, named = (place, option) if option else ("", place)
            value = key if shown is None else shown(key)
            self.faults.add(InvalidValue(named, value, f"is {first} already: list it once"), where)
