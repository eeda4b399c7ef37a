# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines for every test, and the README's inventory with how they are reached."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .machines import Image, Machine
from .site import ADDRESSES, Site

# See lab/vm/run.
SUITES = os.environ["LVS_VM_SUITES"].split()
_took: list[tuple[str, float]] = []


@pytest.fixture(scope="module", params=SUITES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A director and two real servers with a web server each, as they are when they have started.

    All are of one suite, but the second real server, which is of the newest.
    """
    folder = Path(tempfile.mkdtemp(prefix="lvs-vm.", dir="/var/tmp"))  # of a short path: sockets of SSH are in it
    suites = {"rs2": SUITES[-1]}
    machines = {
        name: Machine(name, address, Image.of(suites.get(name, request.param)), folder) for name, address in ADDRESSES.items()
    }
    try:
        for machine in machines.values():
            machine.start()
        for machine in machines.values():
            machine.wait_started()
        yield Site(folder, machines)
    finally:
        for machine in machines.values():
            machine.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _duration(request: pytest.FixtureRequest) -> Iterator[None]:
    started = time.monotonic()
    yield
    _took.append((request.node.name, time.monotonic() - started))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each part took, and what was measured."""
    terminalreporter.section("seconds")
    for name, seconds in _took:
        terminalreporter.write_line(f"{name:<60}{seconds:>8.0f}")
    terminalreporter.section("measured")
    for line in Site.measured:
        terminalreporter.write_line(line)
