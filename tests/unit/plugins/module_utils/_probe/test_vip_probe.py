# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the two kinds of probe the options ask for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_probe import ARGUMENT_SPEC, read

from ....helpers import all_refused, refused
from .test_tunnel_probe import ROW

DEFAULTS = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}


def options(**given: Any) -> dict[str, Any]:
    return {**DEFAULTS, **given}


def test_requests_to_a_vip() -> None:
    with all_refused("vip: is missing: name the VIP and its port", "port: is missing:"):
        read(options())


@pytest.mark.usefixtures("network")
def test_vips_that_are_resolved() -> None:
    link = {"vip": "203.0.113.7", "address": "203.0.113.1"}
    assert read(options(resolve=[link])) == {"resolved": [], "left_out": [link]}
    with refused("vip", "is given beside resolve"):
        read(options(vip="192.168.56.186", resolve=[link]))


def test_probes_of_real_servers() -> None:
    with refused("vip", "stands beside through"):
        read(options(vip="192.168.56.186", through=[ROW]))
    local = {**ROW, "forward": "local"}
    skipped = {"name": "rs1", "rip": "192.168.56.183", "vip": "192.168.56.186", "port": 8099}
    assert read(options(through=[local])) == {"real_servers": [], "left_out": [skipped]}
