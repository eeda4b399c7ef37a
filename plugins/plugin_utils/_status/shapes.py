# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Shapes of a drawing: boxes, texts and lines, in pixels at its full size. Pure; the page's template writes them as SVG."""

from __future__ import annotations

from dataclasses import dataclass, field

EDGE = 8  # around the drawing
LETTER = 7.25  # width of a letter of the drawing's fixed-width font at 12 pixels
NAME_LETTER = 8.45  # at 14 pixels


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    style: str  # its class on the page


@dataclass(frozen=True)
class Text:
    """A text, from its baseline."""

    x: float
    y: float
    text: str
    style: str
    anchor: str = "start"  # or middle, end


@dataclass(frozen=True)
class Line:
    """A path, with a title that appears where a pointer is over it."""

    path: str
    width: float
    style: str  # request, link, idle; trunk: without an arrow's head
    title: str


@dataclass
class Drawing:
    """The shapes: lines are behind boxes, boxes behind texts."""

    width: float
    height: float = 0
    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Add a rectangle."""
        self.boxes.append(Box(x, y, width, height, style))
        self.height = max(self.height, y + height + EDGE)

    def text(self, x: float, y: float, text: str, style: str, space: float, anchor: str = "start") -> None:
        """Add a text, shortened to the space that it has; an empty text adds nothing."""
        if not text:
            return
        letters = int(space / (NAME_LETTER if style == "name" else LETTER))
        self.texts.append(Text(x, y, shortened(text, letters), style, anchor))

    def line(self, path: str, width: float, style: str, title: str) -> None:
        """Add a path."""
        self.lines.append(Line(path, width, style, title))


def shortened(text: str, letters: int) -> str:
    """A text in at most this many letters; an address keeps its end, which differs most, and a name its beginning."""
    if len(text) <= letters:
        return text
    remaining = max(letters - 1, 1)
    at_end = remaining // 2 if ":" in text else 0
    return f"{text[: remaining - at_end]}…{text[len(text) - at_end :]}"
