# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeouts of idle connections: options to the three of them, and the three of them to ipvsadm's words."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_timeouts import IpvsTimeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Timeouts
from tests.unit.helpers import reconciled, refused

THERE = Timeouts(tcp=900, tcp_fin=120, udp=300)
CURRENT = {Timeouts.KEY: THERE}


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ({"tcp": 3600}, Timeouts(3600, 120, 300)),
        ({"tcp": None, "tcp_fin": "60", "udp": None}, Timeouts(900, 60, 300)),
        ({"udp": 1}, Timeouts(900, 120, 1)),
        ({"tcp": 2678400, "tcp_fin": 2, "udp": 3}, Timeouts(2678400, 2, 3)),
    ],
)
def test_named_timeouts_change(options: dict[str, Any], after: Timeouts) -> None:
    """The others stay."""
    assert reconciled(IpvsTimeouts().parse(options).wanted, CURRENT) == [Change(THERE, after)]
    assert reconciled(IpvsTimeouts().parse(options).wanted, {Timeouts.KEY: after}) == []


def test_unnamed_timeouts_of_none() -> None:
    """0 leaves them as they are, where nothing could be read of them."""
    assert reconciled(IpvsTimeouts().parse({"tcp_fin": 60}).wanted, {}) == [Change(None, Timeouts(0, 60, 0))]


@pytest.mark.parametrize("options", [{"tcp": 900}, {"tcp_fin": 120, "udp": 300}, THERE.facts()])
def test_nothing_to_do(options: dict[str, Any]) -> None:
    """What is as it shall be; the facts are options."""
    assert reconciled(IpvsTimeouts().parse(options).wanted, CURRENT) == []


@pytest.mark.parametrize("options", [{}, {"tcp": None, "tcp_fin": None, "udp": None}])
def test_nothing_named(options: dict[str, Any]) -> None:
    """The message has all of them."""
    with refused("tcp", "is missing: name at least one of tcp, tcp_fin, udp"):
        IpvsTimeouts().parse(options)


@pytest.mark.parametrize("name", ["tcp", "tcp_fin", "udp"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0, "0 is not in 1..2678400"),
        (-1, "-1 is not in 1..2678400"),
        ("15m", "'15m' is not a whole number"),
    ],
)
def test_bad_timeout(name: str, value: object, says: str) -> None:
    """0 would leave it as it is, without a word."""
    with refused(name, says):
        IpvsTimeouts().parse({"udp": 1, name: value})


def test_timeout_that_ipvsadm_cannot_restore() -> None:
    """It is left as it is where it exists, beside another one that changes."""
    there = Timeouts(2678401, 120, 300)
    wanted = IpvsTimeouts().parse({**there.facts(), "udp": 60}).wanted
    assert reconciled(wanted, {Timeouts.KEY: there}) == [Change(there, Timeouts(2678401, 120, 60))]
    with refused("tcp", "2678401 is not in 0..2678400"):
        reconciled(wanted, CURRENT)


@pytest.mark.parametrize("action", ["add", "set"])
def test_rule(action: str) -> None:
    """As ipvsadm(8) would be told."""
    assert Timeouts(3600, 120, 300).rule(action) == "--set 3600 120 300"
    assert Change(THERE, Timeouts(1, 2, 3)).command() == "ipvsadm --set 1 2 3"


def test_facts() -> None:
    """In the words of the options."""
    assert THERE.facts() == {"tcp": 900, "tcp_fin": 120, "udp": 300}
