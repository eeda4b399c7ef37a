# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The keepalived of somebody else on a host, which may own virtual services."""

from __future__ import annotations

from .._core import systemd
from .foreign_services import ForeignServices, foreign_services
from .keepalived_file import foreign_text
from .keepalived_table import KEEPALIVED


def running_foreign_services() -> ForeignServices:
    """The services of a keepalived that runs with a configuration of somebody else; none where there is no such one.

    :raises LvsError: systemd does not say whether it runs
    """
    found = foreign_services(foreign_text())
    return found if found and systemd.is_running(KEEPALIVED) else ForeignServices()
