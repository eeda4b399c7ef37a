# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with values: one fault, or all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, InvalidValues, MissingValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Faults
from tests.unit.helpers import all_refused, refused


def raise_all(faults: Sequence[InvalidValue]) -> None:
    """Collect these faults, and raise them."""
    collected = Faults()
    for fault in faults:
        collected.add(fault)
    collected.raise_all()


PORT, VIP = InvalidValue("port", 0, "is not in 1..65535"), MissingValue("vip", "name the service")


def test_fault_in_words() -> None:
    """The option, its value, and what is wrong with it."""
    assert str(PORT) == "port: 0 is not in 1..65535"
    assert str(VIP) == "vip: is missing: name the service"


def test_fault_within_a_list() -> None:
    """The place in front of the option; nowhere is no place."""
    assert str(PORT.within("services[1]")) == "services[1], port: 0 is not in 1..65535"
    assert str(VIP.within("services[1]")) == "services[1], vip: is missing: name the service"
    assert PORT.within("") is PORT


def test_no_fault() -> None:
    """Nothing is raised."""
    raise_all([])


def test_one_fault_is_raised_as_it_is() -> None:
    """Without a word of others."""
    with pytest.raises(InvalidValue) as caught:
        raise_all([PORT])
    assert caught.value is PORT


def test_several_faults() -> None:
    """A line each, in their order, and still to be had one by one."""
    with pytest.raises(InvalidValues) as caught:
        raise_all([PORT, VIP])
    assert str(caught.value).splitlines() == ["2 invalid values; nothing was changed:", str(PORT), str(VIP)]
    assert caught.value.faults == [PORT, VIP]


def test_faults_are_collected() -> None:
    """One by one or several at once; what was read well is kept, and what is no fault of the options goes through."""

    def fail(*faults: InvalidValue) -> int:
        raise_all(faults)
        return 5

    faults = Faults()
    assert faults.collect(fail) == 5
    assert faults.collect(lambda: fail(PORT)) is None
    assert faults.collect(lambda: fail(VIP, PORT)) is None
    assert faults.found == [PORT, VIP, PORT]
    with pytest.raises(ZeroDivisionError):
        faults.collect(lambda: 1 // 0)


def test_helpers_tell_faults_apart() -> None:
    """A test that expects another fault, another number of them or another order fails."""
    with refused("port", "is not in"):
        raise_all([PORT])
    with all_refused("port: 0", "vip: is"):
        raise_all([PORT, VIP])
    for wrong in (refused("vip", "is not in"), refused("port", "is missing")):
        with pytest.raises(AssertionError), wrong:
            raise_all([PORT])
    for faults in ([VIP, PORT], [PORT, VIP, PORT]):
        with pytest.raises(AssertionError), all_refused("port: 0", "vip: is"):
            raise_all(faults)
