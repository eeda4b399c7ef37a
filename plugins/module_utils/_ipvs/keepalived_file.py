# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The configuration that keepalived has on a host, by whose it is."""

from __future__ import annotations

from .._core import files
from .._core.errors import LvsError
from .._core.textfile import is_made_here
from .keepalived_table import CONFIG_FILE


def own_text() -> str:
    """That of this collection; empty where there is none that this user can read."""
    try:
        text = _text()
    except LvsError:  # it is no text: somebody else wrote it
        return ""
    return text if is_made_here(text) else ""


def foreign_text() -> str:
    """That of somebody else; empty where there is none that this user can read.

    :raises LvsError: it is not in UTF-8
    """
    text = _text()
    return "" if is_made_here(text) else text


def _text() -> str:
    return (files.read_text(CONFIG_FILE) or "") if files.is_readable(CONFIG_FILE) else ""
