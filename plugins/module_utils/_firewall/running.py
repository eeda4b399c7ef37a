# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which firewall runs on a host."""

from __future__ import annotations

import re

from .._core import files, program
from .model import FIREWALLD, UFW

_IS_ACTIVE = ("systemctl", "is-active", "firewalld.service")
_TIMEOUT = 30  # seconds
_UFW_SETTINGS = "/etc/ufw/ufw.conf"
_ENABLED = re.compile(r"^\s*ENABLED=[\"']?yes\b", re.MULTILINE | re.IGNORECASE)


def running() -> str:
    """The name of the firewall; empty where none of those runs that this collection knows."""
    if program.path_of(FIREWALLD):
        printed, _problem = program.run(*_IS_ACTIVE, timeout=_TIMEOUT)
        if printed.strip() == "active":
            return FIREWALLD
    if program.path_of(UFW) and _ENABLED.search(files.read_text(_UFW_SETTINGS) or ""):
        return UFW
    return ""
