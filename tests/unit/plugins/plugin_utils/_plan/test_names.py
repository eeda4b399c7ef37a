# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are almost those of variables of this collection."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Faults
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.names import check_names, meant
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.settings import VARIABLES


def slips(name: str) -> set[str]:
    """The name less each of its letters, and with each two neighbours swapped; without names of other variables."""
    less = {name[:index] + name[index + 1 :] for index in range(len(name))}
    swapped = {name[:index] + name[index + 1] + name[index] + name[index + 2 :] for index in range(len(name) - 1)}
    return (less | swapped) - VARIABLES.keys()


MEANT: dict[str, set[str]] = {}  # the variables that each slip may have been meant for
for variable in VARIABLES:
    for slip in slips(variable):
        MEANT.setdefault(slip, set()).add(variable)


def check(*names: str) -> tuple[list[str], list[str]]:
    """The faults and the warnings of a host with variables of these names."""
    faults = Faults()
    warnings = check_names({"rs1": names}, faults)
    return [str(fault) for fault in faults.found], warnings


@pytest.mark.parametrize("name", VARIABLES)
def test_slip_is_a_fault_with_the_right_name(name: str) -> None:
    """A letter less or two swapped, anywhere in the name, the prefix included."""
    assert slips(name)
    for slip in slips(name):
        (fault,), warnings = check(slip)
        (suggested,) = [known for known in MEANT[slip] if f"did you mean {known}? Correct the name" in fault]
        assert fault.startswith(f"host rs1, {slip}: is not a variable of this collection")
        assert fault.endswith(
            "Correct the name" if slip.startswith("lvs_") else f", or set {suggested}, too, if it belongs to something else"
        )
        assert warnings == []
        assert meant(slip, ()) == suggested


def test_few_slips_may_be_meant_for_several_variables() -> None:
    """As real servers and directors have addresses of their own."""
    assert {slip for slip, names in MEANT.items() if len(names) > 1} == {"lvs_ip", "lvs_ip6"}


@given(st.sampled_from(sorted(MEANT)), st.booleans())
def test_name_without_the_prefix_beside_the_one_it_resembles(slip: str, before: bool) -> None:
    """Belongs to something else; with the prefix, it is a slip nevertheless."""
    (known,) = {meant(slip, ())}
    assert known is not None
    faults, warnings = check(*([known, slip] if before else [slip, known]))
    assert len(faults) == (1 if slip.startswith("lvs_") else 0)
    assert warnings == []


@pytest.mark.parametrize("name", VARIABLES)
def test_right_names(name: str) -> None:
    """No fault, whatever other variables are set."""
    assert check(name, *VARIABLES) == ([], [])
    assert meant(name, VARIABLES) is None


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("lvs_purge_net", "lvs_purge_networks"),
        ("lvs_realserver_group", "lvs_realservers_group"),
        ("lvs_real_servers_group", "lvs_realservers_group"),
        ("lvs_drain_time_out", "lvs_drain_timeout"),
        ("lvs_service", "lvs_services"),
        ("lvs_persist_sysctls", "lvs_persist_sysctl"),
        ("lvs_clampmss", "lvs_clamp_mss"),
    ],
)
def test_close_names(name: str, known: str) -> None:
    """More than one letter, if the prefix is right."""
    (fault,), _warnings = check(name)
    assert f"did you mean {known}? " in fault


@pytest.mark.parametrize("name", ["lvs_team", "lvs_", "lvs_cluster_owner", "lvs_x"])
def test_name_that_only_has_the_prefix(name: str) -> None:
    """A warning: the user's own, or an option of another version."""
    assert check(name) == ([], [f"host rs1, {name}: is not a variable of this collection, and has no effect"])


@pytest.mark.parametrize(
    "name", ["purge_networks", "LVS_SERVICES", "ansible_host", "__lvs_plan", "my_lvs_state", "services", ""]
)
def test_names_of_others(name: str) -> None:
    assert check(name) == ([], [])


def test_name_on_several_hosts() -> None:
    """One message, which says on how many; the messages are in the order of the names."""
    faults = Faults()
    hosts = {
        "ds1": ["lvs_team", "lvs_wieght"],
        "rs1": ["lvs_wieght", "lvs_boat"],
        "rs2": ["lvs_wieght", "lvs_team", "lvs_rip"],
    }
    assert check_names(hosts, faults) == [
        "host ds1 and 1 other, lvs_team: is not a variable of this collection, and has no effect"
    ]
    assert [str(fault).partition(": ")[0] for fault in faults.found] == [
        "host rs1, lvs_boat",
        "host ds1 and 2 others, lvs_wieght",
    ]


@pytest.mark.parametrize(
    "hosts", [{"a": ["lvs_rip", "vs_rip"], "b": ["vs_rip"]}, {"b": ["vs_rip"], "a": ["lvs_rip", "vs_rip"]}]
)
def test_name_that_is_a_slip_on_one_host_only(hosts: dict[str, list[str]]) -> None:
    """It is named there, whichever host comes first."""
    faults = Faults()
    assert check_names(hosts, faults) == []
    assert [str(fault).partition(": ")[0] for fault in faults.found] == ["host b, vs_rip"]


def test_name_that_is_a_number() -> None:
    """Ansible accepts it with a warning."""
    hosts: Any = {"rs1": {80: "x"}}
    faults = Faults()
    assert check_names(hosts, faults) == []
    assert faults.found == []
