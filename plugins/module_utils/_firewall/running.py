# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which firewall runs on a host."""

from __future__ import annotations

import os

from .._core import program, systemd
from . import ufw
from .model import FIREWALLD, UFW, UFW_FILES

_FIREWALLD_FOLDER = "/etc/firewalld"


def running() -> str:
    """The name of the firewall; empty where none of those runs that this collection knows."""
    if program.path_of(FIREWALLD) and systemd.is_running(FIREWALLD):
        return FIREWALLD
    return UFW if ufw.is_enabled() else ""


def is_gone(name: str) -> bool:
    """Whether a firewall was removed from this host with its configuration, and the rules in it."""
    if name == UFW:
        return not any(map(os.path.exists, UFW_FILES.values()))
    return program.path_of(name) is None and not os.path.isdir(_FIREWALLD_FOLDER)
