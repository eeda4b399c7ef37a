# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Files that modules make. Their first lines tell whose they are, so that nobody else's is overwritten or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .reconcile import Item, Wanted

_MADE = "# Made by lvs.cluster."


@dataclass(frozen=True)
class TextFile(Item):
    """A file that was made here."""

    key: str  # its path
    text: str

    def line(self, action: str = "add") -> str:
        """The file's lines, each behind the file's name; of one that goes, that it goes."""
        if action == "remove":
            return f"rm {self.key}"
        return "\n".join(f"{self.key}: {line}" for line in self.text.splitlines() if line and not line.startswith("#"))


def header(module: str) -> str:
    """The line that tells which module made a file."""
    return f"{_MADE}{module}: what is changed here is lost.\n"


def is_made_here(text: str, module: str = "") -> bool:
    """Whether a file was made by a module of this collection, or by this one. A script begins with its interpreter."""
    first, _newline, rest = text.partition("\n")
    return (rest if first.startswith("#!") else text).startswith(f"{_MADE}{module}")


def wanted_file(path: str, module: str, lines: Sequence[str]) -> Wanted[TextFile]:
    """A file with these lines."""
    file = TextFile(path, header(module) + "".join(f"{line}\n" for line in lines))
    return Wanted(path, file, {"text": file.text})
