# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files that this collection makes. Their first lines say so: no file of another program is overwritten or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from .options import Facts
from .reconcile import Item

_MADE = "# Made by lvs.cluster."


@dataclass(frozen=True)
class TextFile(Item):
    """A file that this collection made."""

    KIND = "file"

    key: str  # its path
    text: str

    @property
    def lines(self) -> list[str]:
        """Its lines without comments."""
        return [line for line in self.text.splitlines() if line and not line.startswith("#")]

    def command(self, action: str = "add") -> str:
        """A command for each line: echo(1), or rm(1) for the whole file."""
        if action == "remove":
            return f"rm {self.key}"
        lines = self.lines or [""]
        return "\n".join(f"echo {quote(line)} {'>>' if place else '>'} {self.key}" for place, line in enumerate(lines))

    def diff_line(self) -> str:
        """Each line behind the file's path."""
        return "\n".join(f"{self.key}: {line}" for line in self.lines)

    def identity(self) -> Facts:
        """Its path."""
        return {"path": self.key}


def header(module: str) -> str:
    """The first line of a file: which module made it."""
    return f"{_MADE}{module}: what is changed here is lost.\n"


def is_made_here(text: str, module: str = "") -> bool:
    """Whether a file was made by a module of this collection, or by this one. A script begins with its interpreter."""
    first, _newline, rest = text.partition("\n")
    return (rest if first.startswith("#!") else text).startswith(f"{_MADE}{module}")


def made_file(path: str, module: str, lines: Sequence[str]) -> TextFile:
    """A file with these lines, made by this module."""
    return TextFile(path, header(module) + "".join(f"{line}\n" for line in lines))
