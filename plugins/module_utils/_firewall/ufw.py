# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""ufw: a block of rules in its files for rules that come after those of its command line.

Its command line knows neither protocol 4 nor SCTP. After its own rules, what an administrator denies stays denied.

A reload of ufw switches it off and on again, and leaves it off if it does not come up. Therefore only the chain of the rules
is filled again from the file, as a start of ufw does it: by iptables-restore(8), which changes all of it or nothing.

Source: ufw-framework(8), and ufw-init-functions of ufw 0.36.2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from .._core import files, program
from .._core.errors import LvsError
from .._core.reconcile import Change
from .model import UFW, UFW_CHAINS, UFW_FILES, FirewallRule, Opening, RuleKey

_BEGIN, _END = "# BEGIN lvs.cluster.firewall: what is changed here is lost", "# END lvs.cluster.firewall"
_STATE, _DEFAULTS = "/etc/ufw/ufw.conf", "/etc/default/ufw"
_RESTORE = {4: "iptables-restore", 6: "ip6tables-restore"}
_LOCK_TIMEOUT = 60  # seconds, for another program that changes rules
_TIMEOUT = 120  # seconds


def is_enabled() -> bool:
    """Whether ufw is switched on."""
    return program.path_of(UFW) is not None and _is_set(_STATE, "ENABLED")


def drops_ipv6() -> bool:
    """Whether ufw drops all IPv6, and does not load its rules for it."""
    return not _is_set(_DEFAULTS, "IPV6")


class Ufw:
    """The ufw of a host."""

    def existing(self, openings: Collection[Opening]) -> list[RuleKey]:
        """Which of these openings there are."""
        lines = {line for path in UFW_FILES.values() for line in _block(_read(path))}
        return [RuleKey(UFW, opening) for opening in openings if opening.ufw_rule() in lines]

    def apply(self, changes: Iterable[Change[FirewallRule]]) -> None:
        """Add and remove rules, in force and in the files."""
        by_family: dict[int, list[Change[FirewallRule]]] = {}
        for change in changes:
            by_family.setdefault(change.item.key.opening.family, []).append(change)
        texts = {family: _changed(UFW_FILES[family], of_family) for family, of_family in by_family.items()}
        loaded = [family for family in texts if family == 4 or not drops_ipv6()]
        for family in loaded:
            _load(family, texts[family], "--test")
        for family, text in texts.items():
            # In force first: if the run ends in between, the next one sees in the file what is left to do.
            if family in loaded:
                _load(family, text)
            path = UFW_FILES[family]
            files.write_text(path, text, mode=os.stat(path).st_mode & 0o777)


def _changed(path: str, changes: Iterable[Change[FirewallRule]]) -> str:
    """A file of rules with these changes."""
    text = _read(path)
    removed = {change.item.text for change in changes if change.after is None}
    block = [line for line in _block(text) if line not in removed]
    block += [change.item.text for change in changes if change.after is not None]
    return with_block(text, block, path)


def _load(family: int, text: str, *options: str) -> None:
    """Fill the chain of our rules as a file says.

    :raises LvsError: it stays as it is
    """
    command = (_RESTORE[family], "--noflush", f"--wait={_LOCK_TIMEOUT}", *options)
    _printed, problem = program.run(*command, timeout=_TIMEOUT, given=refill(text, UFW_CHAINS[family]))
    if problem:
        raise LvsError(
            f"ufw: {_RESTORE[family]} refuses the rules of {UFW_CHAINS[family]} in {UFW_FILES[family]}, and they stay as they"
            f" were, in force and in the file: {problem}: see whether 'ufw status' says active, or set lvs_firewall to none"
        )


def refill(text: str, chain: str) -> str:
    """What iptables-restore(8) has to read to fill a chain as a file of rules says, and to leave everything else alone."""
    rules = [line for line in _filters(text) if _chain_of(line) == chain]
    return "".join(f"{line}\n" for line in ("*filter", f":{chain} - [0:0]", *rules, "COMMIT"))


def _filters(text: str) -> Iterator[str]:
    """The lines of the table C(filter)."""
    table = ""
    for line in map(str.strip, text.splitlines()):
        table = line if line.startswith("*") else table
        if table == "*filter":
            yield line


def _chain_of(line: str) -> str:
    """The chain of a rule; empty where a line is none."""
    words = line.split()
    if words and words[0].startswith("["):  # its counters
        words = words[1:]
    return words[1] if len(words) > 1 and words[0].startswith("-") else ""


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


def _is_set(path: str, name: str) -> bool:
    """Whether a setting of ufw is C(yes)."""
    return re.search(rf"^\s*{name}=[\"']?yes\b", files.read_text(path) or "", re.MULTILINE | re.IGNORECASE) is not None


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
