# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, where there is nothing to send."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight import ARGUMENT_SPEC, read

from ....helpers import refused
from .test_preflight_options import PATH

pytestmark = pytest.mark.usefixtures("network")
DEFAULTS = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}


def options(**given: Any) -> dict[str, Any]:
    return {**DEFAULTS, **given}


def test_nothing_to_check() -> None:
    assert read(options()) == {"paths": [], "holders": {}, "unchecked": [], "warnings": []}


def test_findings_are_evaluated() -> None:
    with refused("paths[0] (rs1), rip", "127.0.0.1 is an address of this host itself"):
        read(options(paths=[{**PATH, "rip": "127.0.0.1"}]))


def test_options_are_read() -> None:
    with refused("timeout", "0 is not in 0.1..30 seconds"):
        read(options(timeout=0))
