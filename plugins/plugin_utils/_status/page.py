# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The status of a cluster as one HTML file."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .drawing import NARROW, WIDE, drawing
from .model import RATES, STATE_LABELS, Status, short


def page(status: Status) -> str:
    """The page, which needs no script and nothing from a network."""
    # Inventories, kernels and error messages are where its texts come from: none of them is markup.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("page.html.j2").render(
        status=status,
        state_labels=STATE_LABELS,
        short=short,
        rates=RATES,
        wide=drawing(status, WIDE),
        narrow=drawing(status, NARROW),
    )
