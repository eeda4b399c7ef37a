# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights that drained destinations had: when notes are made and forgotten."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import netlink, state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import kernel as ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain_notes import Notes
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, Service, ServiceKey
from tests.unit.helpers import save_state

WEB, MARK = ServiceKey.of({"vip": "192.0.2.1", "port": 80}), ServiceKey.of({"fwmark": 7})
RS1, RS2, RS6 = (
    Destination(DestinationKey(WEB, ip_address(rip), 80), weight=3) for rip in ("10.0.0.1", "10.0.0.2", "2001:db8::b7")
)
MARKED = Destination(DestinationKey(MARK, ip_address("10.0.0.1"), 0), weight=3)


class Kernel:
    """Stands for the netlink socket: notes what was remembered when it was told something, and refuses as the test says."""

    def __init__(self, refusal: BaseException | None = None) -> None:
        self.told = 0
        self.noted: dict[DestinationKey, int] = {}
        self._refusal = refusal

    def send_all(self, requests: Sequence[Any]) -> None:
        """Take requests; a send of nothing is none."""
        if requests:
            self.told += len(requests)
            self.noted = remembered()
            if self._refusal is not None:
                raise self._refusal


def remembered() -> dict[DestinationKey, int]:
    """The notes in the state file."""
    return {DestinationKey.from_facts(note): note["weight"] for note in state.load().get("drained", [])}


def carry_out(kernel: Kernel, *changes: Change[Any]) -> None:
    """Have a backend make the changes."""
    backend: Any = ipvs.IpvsBackend()
    backend._socket = kernel
    backend.make(changes)


def drained(destination: Destination) -> Destination:
    """It after a drain."""
    return replace(destination, weight=0, former_weight=destination.weight)


def remember(*destinations: Destination) -> None:
    """Notes of an earlier run, and what another subject has."""
    rows = [{**destination.key.facts(), "weight": destination.weight} for destination in destinations]
    save_state({"sysctl": {"x": 1}, "drained": rows})


def test_a_weight_of_zero_with_a_note_is_drained() -> None:
    """A note is void where there is a weight, whoever set it."""
    remember(RS1, RS6, MARKED)
    with_note = Notes().with_note
    for destination in (RS1, RS6, MARKED):
        assert with_note(replace(destination, weight=0)) == drained(destination)
        assert with_note(destination) == destination
    assert with_note(replace(RS2, weight=0)) == replace(RS2, weight=0)


def test_noted_before_the_kernel_is_told() -> None:
    remember(RS2)
    kernel = Kernel()
    carry_out(kernel, Change(RS1, drained(RS1)), Change(MARKED, drained(MARKED)))
    assert kernel.told == 2
    assert kernel.noted == {destination.key: 3 for destination in (RS1, RS2, MARKED)} == remembered()
    assert state.load()["sysctl"] == {"x": 1}


@pytest.mark.parametrize("after", [RS1, replace(RS1, weight=9), None])
def test_forgotten_after_the_kernel_has_it(after: Destination | None) -> None:
    """Restored, or gone."""
    remember(RS1, RS2)
    kernel = Kernel()
    carry_out(kernel, Change(drained(RS1), after))
    assert kernel.noted == {RS1.key: 3, RS2.key: 3}
    assert remembered() == {RS2.key: 3}


def test_last_note_takes_the_file_along(state_file: Any) -> None:
    carry_out(Kernel(), Change(RS1, drained(RS1)))
    assert state_file.exists()
    carry_out(Kernel(), Change(drained(RS1), RS1))
    assert not state_file.parent.exists()


def test_void_note_goes_with_the_next_change() -> None:
    """So that it does not come to life when somebody sets the weight to 0 one day."""
    remember(RS1)
    carry_out(Kernel(), Change(RS1, replace(RS1, weight=5)))
    assert state.load() == {"sysctl": {"x": 1}}


def test_service_that_goes_takes_its_notes_along() -> None:
    remember(RS1, RS6, MARKED)
    carry_out(Kernel(), Change(Service(WEB), None))
    assert remembered() == {MARKED.key: 3}
    carry_out(Kernel(), Change(Service(MARK), Service(MARK, "rr")))
    assert remembered() == {MARKED.key: 3}


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (replace(RS1, weight=0), replace(RS1, weight=0, former_weight=0), {RS1.key: 0}),
        (replace(RS1, weight=0, former_weight=0), replace(RS1, weight=0), {}),
    ],
)
def test_what_concerns_the_note_alone(before: Destination, after: Destination, notes: dict[DestinationKey, int]) -> None:
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
    assert remembered() == {RS1.key: 3, MARKED.key: 3}


def test_no_answer_of_the_kernel() -> None:
    """It may have done it: the weight stays remembered. One that was to be restored does, too."""
    remember(RS2)
    with pytest.raises(LvsError):
        carry_out(Kernel(OSError("timed out")), Change(RS1, drained(RS1)), Change(drained(RS2), RS2))
    assert remembered() == {RS1.key: 3, RS2.key: 3}


def test_nothing_drained_touches_no_file(state_file: Any) -> None:
    carry_out(Kernel(), Change(None, RS1), Change(RS2, None))
    assert not state_file.parent.exists()


@pytest.mark.parametrize(
    "subject", [{"-t 192.0.2.1:80": 3}, [{"weight": 3}], [7], 7, [{**RS1.key.facts(), "rip": "rs1", "weight": 1}]]
)
def test_damaged_notes(subject: Any) -> None:
    """The message names the file and the entry, and says what to do."""
    save_state({"drained": subject})
    with pytest.raises(LvsError, match=r"state.json: 'drained' is not a list of drained destinations .*: remove that entry"):
        Notes().with_note(RS1)
