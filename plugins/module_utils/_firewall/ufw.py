# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""ufw: a block of rules in its files for rules that come after those of its command line.

Its command line knows neither protocol 4 nor SCTP. After its own rules, what an administrator denies stays denied.

Source: ufw-framework(8).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from .._core import files, program
from .._core.errors import LvsError
from .._core.reconcile import Change
from .model import UFW, UFW_FILES, FirewallRule, Opening, RuleKey

_BEGIN, _END = "# BEGIN lvs.cluster.firewall: what is changed here is lost", "# END lvs.cluster.firewall"
_TIMEOUT = 60  # seconds


class Ufw:
    """The ufw of a host."""

    def existing(self, openings: Collection[Opening]) -> list[RuleKey]:
        """Which of these openings there are."""
        lines = {line for path in UFW_FILES.values() for line in _block(_read(path))}
        return [RuleKey(UFW, opening) for opening in openings if opening.ufw_rule() in lines]

    def apply(self, changes: Iterable[Change[FirewallRule]]) -> None:
        """Add and remove rules, and have ufw load them."""
        by_family: dict[int, list[Change[FirewallRule]]] = {}
        for change in changes:
            by_family.setdefault(change.item.key.opening.family, []).append(change)
        for family, of_family in by_family.items():
            path = UFW_FILES[family]
            text = _read(path)
            removed = {change.item.text for change in of_family if change.after is None}
            block = [line for line in _block(text) if line not in removed]
            block += [change.item.text for change in of_family if change.after is not None]
            files.write_text(path, with_block(text, block, path), mode=os.stat(path).st_mode & 0o777)
        if by_family:
            _printed, problem = program.run(UFW, "reload", timeout=_TIMEOUT)
            if problem:
                raise LvsError(f"ufw reload: {problem}: its files have what the cluster needs, and it does not use them yet")


def with_block(text: str, block: Sequence[str], path: str) -> str:
    """A file of rules with this block of ours, before the rules for filters are committed; without one if it is empty."""
    lines = text.splitlines(keepends=True)
    begin, end = _place(text)
    del lines[begin:end]
    if not block:
        return "".join(lines)
    tables = [number for number, line in enumerate(lines) if line.strip() == "*filter"]
    commits = [number for number, line in enumerate(lines) if line.strip() == "COMMIT" and tables and number > tables[0]]
    if not commits:
        raise LvsError(f"{path}: has no rules for filters (*filter to COMMIT): bring back the one that came with ufw")
    lines[commits[0] : commits[0]] = [f"{line}\n" for line in (_BEGIN, *block, _END)]
    return "".join(lines)


def _read(path: str) -> str:
    text = files.read_text(path)
    if text is None:
        raise LvsError(f"{path}: is missing: bring back the one that came with ufw")
    return text


def _place(text: str) -> tuple[int, int]:
    """The lines of our block, with its first and last line; (0, 0) without one."""
    lines = text.splitlines()
    if _BEGIN not in lines or _END not in lines:
        return 0, 0
    return lines.index(_BEGIN), lines.index(_END) + 1


def _block(text: str) -> list[str]:
    begin, end = _place(text)
    return text.splitlines()[begin + 1 : end - 1] if end else []
