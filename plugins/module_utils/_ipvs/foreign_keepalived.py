# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The keepalived of somebody else on a host, which may own virtual services."""

from __future__ import annotations

from .._core import files, systemd
from .._core.textfile import is_made_here
from .foreign_services import ForeignServices, foreign_services
from .keepalived_table import CONFIG_FILE

_NAME = "keepalived"


def running_foreign_services() -> ForeignServices:
    """The services of a keepalived that runs with a configuration of somebody else; none where there is no such one.

    :raises LvsError: systemd does not say whether it runs
    """
    text = files.read_text(CONFIG_FILE) if files.is_readable(CONFIG_FILE) else None
    if not text or is_made_here(text):
        return ForeignServices()
    found = foreign_services(text)
    return found if found and systemd.is_running(_NAME) else ForeignServices()
