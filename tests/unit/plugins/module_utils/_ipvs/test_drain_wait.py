# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights that drained destinations had: when notes are made and dropped. Waiting for the end of connections."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import files, netlink
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import drain_wait as drain
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import kernel as ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain_notes import Notes
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import Connections
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, Service, ServiceKey

WEB, MARK = ServiceKey.of({"vip": "192.0.2.1", "port": 80}), ServiceKey.of({"fwmark": 7})
RS1, RS2, RS6 = (
    Destination(DestinationKey(WEB, ip_address(rip), 80), weight=3) for rip in ("10.0.0.1", "10.0.0.2", "2001:db8::b7")
)
MARKED = Destination(DestinationKey(MARK, ip_address("10.0.0.1"), 0), weight=3)
NAMES = {
    RS1.key: "-t 192.0.2.1:80 -r 10.0.0.1:80",
    RS2.key: "-t 192.0.2.1:80 -r 10.0.0.2:80",
    RS6.key: "-t 192.0.2.1:80 -r [2001:db8::b7]:80",
    MARKED.key: "-f 7 -r 10.0.0.1:0",
}


class Kernel:
    """Stands for the netlink socket: notes what was remembered when it was told something, and refuses as the test says."""

    def __init__(self, refusal: BaseException | None = None) -> None:
        self.told = 0
        self.noted: dict[str, int] = {}
        self._refusal = refusal

    def send_all(self, requests: Sequence[Any]) -> None:
        """Take requests; a send of nothing is none."""
        if requests:
            self.told += len(requests)
            self.noted = remembered()
            if self._refusal is not None:
                raise self._refusal


def remembered() -> dict[str, int]:
    """The notes in the state file."""
    return dict(files.load_state().get("drained", {}))


def carry_out(kernel: Kernel, *changes: Change[Any]) -> None:
    """Have a room make the changes."""
    room: Any = ipvs.IpvsDestinations()
    room._socket = kernel
    room.apply(changes)


def drained(destination: Destination) -> Destination:
    """It after a drain."""
    return replace(destination, weight=0, drained=destination.weight)


def remember(*destinations: Destination) -> None:
    """Notes of an earlier run, and what another subject has."""
    files.save_state({"sysctl": {"x": 1}, "drained": {NAMES[one.key]: one.weight for one in destinations}})


def test_a_weight_of_zero_with_a_note_is_drained() -> None:
    """A note is void where there is a weight, whoever set it."""
    remember(RS1, RS6, MARKED)
    merged = Notes().merged
    for one in (RS1, RS6, MARKED):
        assert merged(replace(one, weight=0)) == drained(one)
        assert merged(one) == one
    assert merged(replace(RS2, weight=0)) == replace(RS2, weight=0)


def test_noted_before_the_kernel_is_told() -> None:
    remember(RS2)
    kernel = Kernel()
    carry_out(kernel, Change(RS1, drained(RS1)), Change(MARKED, drained(MARKED)))
    assert kernel.told == 2
    assert kernel.noted == {NAMES[one.key]: 3 for one in (RS1, RS2, MARKED)} == remembered()
    assert files.load_state()["sysctl"] == {"x": 1}


@pytest.mark.parametrize("after", [RS1, replace(RS1, weight=9), None])
def test_forgotten_after_the_kernel_has_it(after: Destination | None) -> None:
    """Restored, or gone."""
    remember(RS1, RS2)
    kernel = Kernel()
    carry_out(kernel, Change(drained(RS1), after))
    assert kernel.noted == {NAMES[RS1.key]: 3, NAMES[RS2.key]: 3}
    assert remembered() == {NAMES[RS2.key]: 3}


def test_last_note_takes_the_file_along(state_file: Any) -> None:
    carry_out(Kernel(), Change(RS1, drained(RS1)))
    assert state_file.exists()
    carry_out(Kernel(), Change(drained(RS1), RS1))
    assert not state_file.parent.exists()


def test_void_note_goes_with_the_next_change() -> None:
    """So that it does not come to life when somebody sets the weight to 0 one day."""
    remember(RS1)
    carry_out(Kernel(), Change(RS1, replace(RS1, weight=5)))
    assert files.load_state() == {"sysctl": {"x": 1}}


def test_service_that_goes_takes_its_notes_along() -> None:
    remember(RS1, RS6, MARKED)
    room: Any = ipvs.IpvsServices()
    room._socket = Kernel()
    room.apply([Change(Service(WEB), None)])
    assert remembered() == {NAMES[MARKED.key]: 3}
    room.apply([Change(Service(MARK), Service(MARK, "rr"))])
    assert remembered() == {NAMES[MARKED.key]: 3}


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (replace(RS1, weight=0), replace(RS1, weight=0, drained=0), {NAMES[RS1.key]: 0}),
        (replace(RS1, weight=0, drained=0), replace(RS1, weight=0), {}),
    ],
)
def test_what_concerns_the_note_alone(before: Destination, after: Destination, notes: dict[str, int]) -> None:
    """The kernel is not told; of the others it is."""
    if not notes:
        remember(replace(RS1, weight=0))
    kernel = Kernel()
    carry_out(kernel, Change(before, after), Change(RS2, replace(RS2, weight=1)))
    assert (kernel.told, remembered()) == (1, notes)


def test_refused_by_the_kernel() -> None:
    """Of what was refused the note goes back; what was carried out keeps its own."""
    remember(MARKED)
    changes = [Change(RS1, drained(RS1)), Change(RS2, drained(RS2))]
    with pytest.raises(LvsError):
        carry_out(Kernel(netlink.SomeRefused({1: errno.ENOENT}, 2)), *changes, Change(drained(MARKED), None))
    assert remembered() == {NAMES[RS1.key]: 3, NAMES[MARKED.key]: 3}


def test_no_answer_of_the_kernel() -> None:
    """It may have done it: the weight stays remembered. One that was to be restored does, too."""
    remember(RS2)
    with pytest.raises(LvsError):
        carry_out(Kernel(OSError("timed out")), Change(RS1, drained(RS1)), Change(drained(RS2), RS2))
    assert remembered() == {NAMES[RS1.key]: 3, NAMES[RS2.key]: 3}


def test_nothing_drained_touches_no_file(state_file: Any) -> None:
    carry_out(Kernel(), Change(None, RS1), Change(RS2, None))
    assert not state_file.parent.exists()


# ----- waiting


class Room:
    """Stands for the room: has these numbers of active connections, a reading each, the last one for ever."""

    def __init__(self, *active: int) -> None:
        self.active = list(active)
        self.read = 0

    def connections(self, keys: Sequence[Any]) -> list[Connections]:
        """The next reading."""
        assert keys == [RS1.key, RS2.key]
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


def waited(room: Any, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """The result, and what was logged."""
    logged: list[str] = []
    drain_options = {"drain_timeout": 300, "drain_connections": ["active"], "drain_on_timeout": "continue", **options}
    plan = [Wanted(one.key, one, {}) for one in (RS1, RS2)]
    found = drain.drained({"rip": "10.0.0.1", "state": "drained", **drain_options}, room, plan, logged.append)
    return found, logged


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
    room = Room(*active)
    found, _logged = waited(room, drain_timeout=9)
    assert (found["drain"]["complete"], room.read) == (complete, readings)
    assert found["drain"]["seconds"] == pytest.approx(1.1 * (readings - 1))


@pytest.mark.usefixtures("clock")
def test_not_waiting() -> None:
    """One look, which proves nothing."""
    for active in (0, 1):
        room = Room(active)
        found, _logged = waited(room, drain_timeout=0, drain_on_timeout="fail")
        assert (found["drain"]["complete"], found["drain"]["left"]["active"], room.read) == (False, active, 1)


@pytest.mark.usefixtures("clock")
def test_progress_in_the_log() -> None:
    """The first and the last reading, and what changed, no more often than every five seconds."""
    _found, logged = waited(Room(*range(20, 0, -1), 1, 1, 1, 1, 1, 0))
    assert logged[0] == "drain of 10.0.0.1: 20 active, 7 inactive, 0 persistent connections left after 0 s"
    assert logged[-1] == "drain of 10.0.0.1: 0 active, 0 inactive, 0 persistent connections left after 29 s, the end"
    assert [line.split()[3] for line in logged] == ["20", "15", "10", "5", "1", "0", "0"]
    _found, logged = waited(Room(1), drain_timeout=60)
    assert len(logged) == 2


def test_nothing_to_wait_for() -> None:
    assert drain.drained({"state": "present"}, Room(1), [], print) == {}  # type: ignore[arg-type]  # it is not asked
