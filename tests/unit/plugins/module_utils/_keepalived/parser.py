# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How keepalived reads a configuration: lib/parser.c of 2.2.7 again, for what this collection writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MAXBUF = 1024
# A block is a list: words of its line, then what is in it.
Block = list[Any]


def decommented(line: str) -> str:
    """decomment(): without comments, which do not begin within quotes."""
    quote, at = False, 0
    line = line.lstrip(" \t")
    while at < len(line):
        if line[at] == '"':
            quote = not quote
        elif line[at] == "\\":
            assert at + 1 < len(line), "a line goes on in the next one"
            at += 1
        elif line[at] in "!#" and not quote:
            line = line[:at]
        at += 1
    assert not quote, "a quote is not closed"
    return line.rstrip(" \t")


def pieces(line: str) -> Iterator[str]:
    """read_line(): what is before a brace, the brace, and what is behind it, each as a line."""
    while line:
        found, at = None, 0
        if line[0] not in "{}":
            while found is None and (hit := re.compile(r'[{}"]').search(line, at)):
                if hit[0] == '"':
                    closing = line.find('"', hit.end())
                    if closing < 0:
                        break
                    at = closing + 1
                else:
                    found = hit.start()
        else:
            found = 0
        if found is None:
            yield line
            return
        yield from filter(None, (line[:found].strip(" \t"), line[found]))
        line = line[found + 1 :].strip(" \t")


def words(line: str) -> list[str]:
    """alloc_strvec_r(): words, of which quotes make one."""
    found, at = [], 0
    while (at := len(line) - len(line[at:].lstrip(" \t\f\v"))) < len(line):
        if line[at] == '"':
            closing = line.index('"', at + 1)
            found.append(line[at + 1 : closing])
            at = closing + 1
        else:
            end = re.compile(r'[ \t\f\v"]|$').search(line, at)
            assert end is not None
            found.append(line[at : end.start()])
            at = end.start()
    return found


def unescaped(line: str) -> list[str]:
    """alloc_strvec_quoted_escaped(): words with quotes and escapes in them."""
    found: list[bytes] = []
    word, quote, at = None, "", 0
    raw = line.encode("utf-8", "surrogateescape")
    while at < len(raw):
        char = chr(raw[at])
        at += 1
        if char == "\\":
            digits = re.match(rb"[0-7]{1,3}", raw[at : at + 3])
            assert digits, "an escape that this collection does not write"
            word = (word or b"") + bytes([int(digits[0], 8)])
            at += len(digits[0])
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, word = char, word or b""
        elif not quote and char in " \t\f\v":
            found += [] if word is None else [word]
            word = None
        else:
            word = (word or b"") + bytes([raw[at - 1]])
    assert not quote
    return [part.decode("utf-8", "surrogateescape") for part in (*found, *([] if word is None else [word]))]


def parsed(text: str) -> list[Block]:
    """The blocks of a file: lines as lists of words, with what is in their braces behind them."""
    stack: list[list[Any]] = [[]]
    for line in text.split("\n"):
        assert len(line.encode("utf-8", "surrogateescape")) < MAXBUF - 1, "a line is cut"
        for piece in pieces(decommented(line)):
            assert "$" not in piece, "a parameter is replaced"
            assert piece[0] not in "@~", "a condition, or a sequence"
            if piece == "{":
                stack.append([])
                stack[-2][-1].append(stack[-1])
            elif piece == "}":
                stack.pop()
            else:
                keyword = piece.split(" ")[0]
                found = unescaped(piece) if keyword in ("misc_path", "regex") else words(piece)
                if keyword == "misc_path":  # set_script_params_array() in lib/notify.c reads it once more
                    (_keyword, line) = found
                    found = [keyword, *unescaped(line)]
                stack[-1].append(found)
    assert len(stack) == 1
    return stack[0]
