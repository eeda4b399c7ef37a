# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the end of connections."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain import Drain
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain_wait import Counter, carried, wait
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import DestinationKey, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import Connections
from ansible_collections.lvs.cluster.plugins.module_utils._net import neighbour

WEB = ServiceKey.of({"vip": "192.0.2.1", "port": 80})
DNS = ServiceKey.of({"vip": "192.0.2.1", "port": 53, "protocol": "udp"})
KEYS = [DestinationKey(WEB, ip_address(rip), 80) for rip in ("10.0.0.1", "10.0.0.2")]


class Backend:
    """Stands for the backend: has these numbers of active connections, a reading each, the last one for ever."""

    def __init__(self, *active: int) -> None:
        self.active = list(active)
        self.read = 0

    def connections(self, keys: Collection[DestinationKey]) -> list[Connections]:
        """The next reading."""
        if not keys:  # of UDP
            return []
        assert keys == KEYS
        self.read += 1
        number = self.active.pop(0) if len(self.active) > 1 else self.active[0]
        return [Connections(number, 7, 0)] if number else []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only sleep moves on, and takes a tenth of a second more for."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds + 0.1

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", sleep)


def waited(backend: Counter, keys: Collection[DestinationKey] = KEYS, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """The result, and what was logged."""
    logged: list[str] = []
    drain_options = {"drain_timeout": 300, "drain_connections": ["active"], "drain_on_timeout": "continue", **options}
    drain = Drain.of({"state": "drained", **drain_options})
    assert drain is not None
    return wait(drain, "10.0.0.1", backend, keys, logged.append), logged


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("active", "complete", "readings"),
    [
        ([0], True, 2),
        ([2, 0, 1, 0, 0, 5], True, 5),  # one that was in its handshake
        ([1], False, 10),
        ([1, 1, 1, 1, 1, 1, 1, 1, 0], True, 10),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], False, 10),
    ],
)
def test_two_readings_without_a_connection(active: list[int], complete: bool, readings: int) -> None:
    backend = Backend(*active)
    found, _logged = waited(backend, drain_timeout=9)
    assert (found["drain"]["complete"], backend.read) == (complete, readings)
    assert found["drain"]["seconds"] == pytest.approx(1.1 * (readings - 1))


class Mixed:
    """Stands for the backend: has these numbers of inactive connections of a UDP service, and one of TCP."""

    def __init__(self, *inactive: int) -> None:
        self.inactive = list(inactive)

    def connections(self, keys: Collection[DestinationKey]) -> list[Connections]:
        """The next reading of each."""
        return [Connections(0, self.inactive.pop(0) if key.service == DNS else 1, 0) for key in keys]


@pytest.mark.usefixtures("clock")
def test_two_readings_without_an_entry_of_udp() -> None:
    """What is inactive of another service does not matter."""
    found, logged = waited(Mixed(3, 1, 0, 2, 0, 0), keys=[DestinationKey(DNS, ip_address("10.0.0.1"), 53), *KEYS])
    assert found["drain"] == {"complete": True, "seconds": 5.5, "left": {"active": 0, "inactive": 2, "persistent": 0}}
    assert logged[0] == "drain of 10.0.0.1: 0 active, 5 inactive, 0 persistent connections left after 0 s"


@pytest.mark.usefixtures("clock")
def test_not_waiting() -> None:
    """One look, which proves nothing."""
    for active in (0, 1):
        backend = Backend(active)
        found, _logged = waited(backend, drain_timeout=0, drain_on_timeout="fail")
        assert (found["drain"]["complete"], found["drain"]["left"]["active"], backend.read) == (False, active, 1)


@pytest.mark.usefixtures("clock")
def test_progress_in_the_log() -> None:
    """The first and the last reading, and what changed, no more often than every five seconds."""
    _found, logged = waited(Backend(*range(20, 0, -1), 1, 1, 1, 1, 1, 0))
    assert logged[0] == "drain of 10.0.0.1: 20 active, 7 inactive, 0 persistent connections left after 0 s"
    assert logged[-1] == "drain of 10.0.0.1: 0 active, 0 inactive, 0 persistent connections left after 29 s, the end"
    assert [line.split()[3] for line in logged] == ["20", "15", "10", "5", "1", "0", "0"]
    _found, logged = waited(Backend(1), drain_timeout=60)
    assert len(logged) == 2


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("options", "held", "complete", "readings"),
    [
        ({}, "192.0.2.9", False, 11),
        ({"drain_standby": False}, "192.0.2.9", True, 0),
        ({"drain_standby": False}, "192.0.2.1", False, 11),
    ],
)
def test_standby(monkeypatch: pytest.MonkeyPatch, options: Facts, held: str, complete: bool, readings: int) -> None:
    """Connections that do not pass this host need not end, if the options say so."""
    device = neighbour.Device(2, "eth0", b"", True, (), (ip_address(held),))
    monkeypatch.setattr(neighbour, "devices", lambda: [device])
    backend = Backend(3)
    facts, _logged = waited(backend, drain_timeout=10, **options)
    assert (facts["drain"]["complete"], backend.read) == (complete, readings)


@pytest.mark.usefixtures("clock")
def test_vip_that_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait begins when the VIP is here, and services with a mark are always waited for."""
    vips = [[], [ip_address("192.0.2.1")]]

    def devices() -> list[neighbour.Device]:
        held = vips.pop(0) if len(vips) > 1 else vips[0]
        return [neighbour.Device(2, "eth0", b"", True, (), tuple(held))]

    monkeypatch.setattr(neighbour, "devices", devices)
    backend = Backend(3)
    facts, _logged = waited(backend, drain_timeout=10, drain_standby=False)
    assert (facts["drain"]["complete"], backend.read) == (False, 10)
    mark = DestinationKey(ServiceKey.of({"fwmark": 7}), ip_address("10.0.0.1"), 0)
    assert carried([mark, *KEYS]) == [mark, *KEYS]
    vips[:] = [[]]
    assert carried([mark, *KEYS]) == [mark]
