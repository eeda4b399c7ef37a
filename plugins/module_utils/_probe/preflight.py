# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module C(preflight): checks real servers and VIPs from a director, before anything is set up."""

from __future__ import annotations

from .._core.options import Facts, Options
from .preflight_checks import to_result
from .preflight_options import ARGUMENT_SPEC, parse
from .preflight_sockets import run_preflight

__all__ = ["ARGUMENT_SPEC", "read"]


def read(options: Options) -> Facts:
    """Probe what the options name, and evaluate the findings."""
    request = parse(options)
    return to_result(request, run_preflight(request))
