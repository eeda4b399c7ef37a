# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run on a real server for its plan, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.plan import make_plan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server import RealServerPlan
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.real_server_steps import release_steps, setup_steps
from ansible_collections.lvs.cluster.plugins.plugin_utils._plan.steps import rows
from tests.unit.plugins.plugin_utils._plan.lab import (
    DIFFERENT_DELIVERIES,
    DIP,
    GRE,
    LAB,
    MAPPED,
    MAPPED_VIP,
    MAPPING,
    NOTHING,
    PLAIN_VIP,
    RS1_ENTRY,
    STATE,
    VIP,
    WEB,
    held,
    tunl0,
)
from tests.unit.plugins.plugin_utils._plan.modules import modules_take

SETTINGS: Facts = {
    "tunnel_guard": True,
    "tunnel_sources": [],
    "clamp_mss": True,
    "rp_filter": 2,
    "persist_sysctl": True,
    "boot": True,
    "boot_after": ["nginx.service"],
    "state": "present",
    "purges_vips": False,
    "firewall": "auto",
}
GUARD: Facts = {"sources": [DIP], "protocols": [4], "gue_ports": []}
MSS = {"vip": VIP, "director": DIP, "tunnel_type": "ipip", "tunnel_checksum": "none"}
SIMPLE = tunl0(VIP)
# Devices of the collection's own, the kernel's fallback devices, a device without a tunnel, a port mapping.
OWN_DEVICE = {
    "name": "own",
    "vip": "192.168.56.188",
    "port": 80,
    "real_servers": [{**RS1_ENTRY, **GRE, "tunnel_checksum": "checksum"}],
}
COMPLEX = make_plan([*DIFFERENT_DELIVERIES, OWN_DEVICE], LAB).real_servers["rs1"]


def setup(plan: RealServerPlan, **settings: Any) -> list[Facts]:
    """The steps of the set-up."""
    return rows(setup_steps(plan, {**SETTINGS, **settings}))


def release(
    plan: RealServerPlan, kept_vips: Collection[str] | None = None, noted: Facts | None = None, **settings: Any
) -> list[Facts]:
    """The steps of the removal, from a host with this noted state, or with STATE."""
    return rows(release_steps(plan, {**SETTINGS, **settings}, STATE if noted is None else noted, kept_vips))


def names(steps: Iterable[Facts]) -> list[str]:
    """The modules of steps."""
    return [module for step in steps for module in step]


def test_setup() -> None:
    """Everything before the VIP."""
    assert setup(tunl0(VIP, mappings=[MAPPING])) == [
        {"tunnel_guard": GUARD},
        {"arp_sysctl": {"device": "tunl0", "rp_filter": 2, "persist": True}},
        {"port_dnat": {"mappings": [MAPPING]}},
        {"mss_clamp": {"tunnels": [MSS]}},
        {"tunl_vip": {"devices": [held("tunl0", VIP)]}},
        {"boot": {"vips_after": ["nginx.service"], "state": "present"}},
    ]


def test_nothing_to_set_up() -> None:
    """A real server that no service has."""
    assert setup(NOTHING) == []
    assert setup(NOTHING, boot=False, tunnel_guard=False, clamp_mss=False) == []


def test_order() -> None:
    """The guard before the devices that accept packets, these before their settings, the settings before the VIPs."""
    steps = setup(COMPLEX)
    assert COMPLEX.tunnel_devices
    assert names(steps) == [
        "tunnel_guard",
        "firewall",
        "tunl_vip",
        *["arp_sysctl"] * len(COMPLEX.arp_silent_devices),
        "port_dnat",
        "mss_clamp",
        "tunl_vip",
        "boot",
    ]
    first, last = (step["tunl_vip"]["devices"] for step in steps if "tunl_vip" in step)
    assert first == COMPLEX.tunnel_devices
    assert not any(row.get("vips") for row in first)
    assert last == COMPLEX.devices
    assert {device for device in map(_arp_device, steps) if device} == set(COMPLEX.arp_silent_devices)


def _arp_device(step: Facts) -> str | None:
    device: str | None = step.get("arp_sysctl", {}).get("device")
    return device


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"tunnel_guard": False}, {"tunnel_guard": None}),
        ({"tunnel_guard": False, "tunnel_sources": ["10.0.0.9"]}, {"tunnel_guard": None}),
        ({"tunnel_sources": ["10.0.0.9"]}, {"tunnel_guard": {**GUARD, "sources": [DIP, "10.0.0.9"]}}),
        ({"clamp_mss": False}, {"mss_clamp": None}),
        ({"boot": False}, {"boot": {"state": "absent"}}),
        ({"boot_after": []}, {"boot": {"vips_after": [], "state": "present"}}),
        ({"persist_sysctl": False}, {"arp_sysctl": {"device": "tunl0", "rp_filter": 2, "persist": False}}),
        ({"rp_filter": 0}, {"arp_sysctl": {"device": "tunl0", "rp_filter": 0, "persist": True}}),
        ({"purges_vips": True, "state": "absent"}, {}),
    ],
)
def test_setting(settings: Facts, changed: Facts) -> None:
    """What each one changes, and that it changes nothing else."""
    expected = [{module: changed.get(module, options) for module, options in step.items()} for step in setup(SIMPLE)]
    assert setup(SIMPLE, **settings) == [step for step in expected if None not in step.values()]


def test_firewall() -> None:
    """Open for further tunnels, too; what it lets in for a service goes where the host has given that up."""
    assert NEEDS_WEB.firewall["services"] == [{"vip": VIP, "port": 80, "protocol": "tcp", "devices": ["tunl0"]}]
    steps = setup(NEEDS_WEB, firewall="ufw", tunnel_sources=["10.0.0.9"])
    assert {"firewall": {"program": "ufw", **NEEDS_WEB.firewall, "sources": [DIP, "10.0.0.9"]}} in steps
    opened = [{"vip": vip, "port": port, "protocol": "tcp"} for vip in (VIP, PLAIN_VIP) for port in (80, 443)]
    noted = {**STATE, "opened": opened, "devices": [{"name": "tunl0", "vips": [VIP, PLAIN_VIP]}]}
    assert {"firewall": {"services": opened[1:2], "state": "absent"}} in release(NEEDS_WEB, noted=noted)
    assert {"firewall": {"services": opened[:2], "state": "absent"}} in release(NEEDS_NOTHING, noted=noted)
    assert "firewall" not in names(release(NEEDS_NOTHING, {VIP}, noted))


def test_firewall_that_does_not_run_any_more() -> None:
    """What needs nothing of it does not fail for it."""
    everything = release(NOTHING, noted={**STATE, "devices": []}, firewall="ufw")
    assert {"firewall": {"state": "absent"}} in everything
    steps = release(NEEDS_WEB, noted=STATE, firewall="ufw", purges_vips=True)
    assert {"firewall": {"program": "ufw", **NEEDS_WEB.firewall, "purge": True}} in steps


def test_guard_without_a_source_is_none() -> None:
    """It would let nobody through: the directors have no address, as they reach nobody by a tunnel."""
    plan = RealServerPlan(**{**asdict(SIMPLE), "guard": {**GUARD, "sources": []}})
    assert "tunnel_guard" not in names(setup(plan))
    assert {"tunnel_guard": {**GUARD, "sources": ["10.0.0.9"]}} in setup(plan, tunnel_sources=["10.0.0.9"])


def test_plan_is_not_changed() -> None:
    """By what is made of it, as it is used again."""
    before = asdict(COMPLEX)
    for _again in range(2):
        setup(COMPLEX, tunnel_sources=["10.0.0.9"])
        release(COMPLEX, tunnel_sources=["10.0.0.9"], clamp_mss=False, noted={**STATE, "devices": []})
    assert asdict(COMPLEX) == before


# What rs1 gives up where rs2 has it: WEB's VIP, and the mapping of MAPPED.
GIVES_UP = make_plan(
    [
        {**WEB, "real_servers": [{"host": "rs2"}]},
        {**MAPPED, "real_servers": [{"host": "rs2"}]},
        {"name": "kept", "vip": PLAIN_VIP, "port": 80, "real_servers": [RS1_ENTRY]},
    ],
    LAB,
).real_servers["rs1"]
NEEDS_WEB = make_plan([WEB], LAB).real_servers["rs1"]
NEEDS_NOTHING = make_plan([{**WEB, "real_servers": [{"host": "rs2"}]}], LAB).real_servers["rs1"]


def removed_by(steps: Iterable[Facts]) -> set[tuple[str, str]]:
    """What steps remove: the name of a device, of a port mapping or of a size, each with its VIP."""
    removed: set[tuple[str, str]] = set()
    for step in steps:
        for module, options in step.items():
            gone = [row for row in options.get("devices", ()) if row.get("state") == "absent"]
            removed |= {(row["device"], vip) for row in gone for vip in row["vips"]}
            if options.get("state") == "absent":
                removed |= {(module, row["vip"]) for row in (*options.get("mappings", ()), *options.get("tunnels", ()))}
    return removed


@pytest.mark.parametrize("state", [{}, {"empty": True}, {"unreachable": True, "msg": "no route"}, {**STATE, "empty": True}])
@pytest.mark.parametrize(
    "settings", [{}, {"state": "absent"}, {"tunnel_guard": False, "clamp_mss": False, "purges_vips": True}]
)
def test_nothing_is_removed_where_nothing_is_of_the_collection(state: Facts, settings: Facts) -> None:
    """Nor where it is not known."""
    assert release(GIVES_UP, noted=state, **settings) == []


def test_release() -> None:
    """What the description knows and the host does not need, beside what its devices keep."""
    steps = release(GIVES_UP, noted={**STATE, "devices": [{"name": "tunl0", "vips": [VIP, "192.0.2.9"]}]})
    assert names(steps) == ["tunl_vip", "port_dnat", "mss_clamp"]
    assert steps[0]["tunl_vip"]["devices"] == [*GIVES_UP.devices, *GIVES_UP.removed_devices]
    assert steps[1] == {"port_dnat": {"mappings": GIVES_UP.removed_mappings, "state": "absent"}}
    assert steps[2] == {"mss_clamp": {"tunnels": [{"vip": VIP}, {"vip": MAPPED_VIP}], "state": "absent"}}
    assert ("tunl0", VIP) in removed_by(steps)
    assert ("tunl0", PLAIN_VIP) not in removed_by(steps)


@given(
    st.sets(st.sampled_from([VIP, MAPPED_VIP, PLAIN_VIP, ""])),
    st.booleans(),
    st.sampled_from(["present", "absent"]),
    st.booleans(),
)
def test_nothing_of_a_vip_that_is_kept_is_removed(kept: set[str], purges: bool, state: str, clamp: bool) -> None:
    """And all of the others: a director that was left behind sends packets for these VIPs. Nothing is purged."""
    settings: Facts = {"purges_vips": purges, "state": state, "clamp_mss": clamp}
    steps = release(GIVES_UP, kept, **settings)
    # Without the purge, as the host has a VIP that the description does not know.
    everything = removed_by(release(GIVES_UP, (), {**STATE, "devices": [{"name": "lo", "vips": ["192.0.2.9"]}]}, **settings))
    # The sizes of a VIP that the host needs go when the user turns them off.
    needed = set() if clamp else {("mss_clamp", PLAIN_VIP)}
    assert removed_by(steps) == {(name, vip) for name, vip in everything if vip not in kept} | needed
    assert not any(options.get("purge") for step in steps for options in step.values())


def test_everything_is_kept() -> None:
    assert release(GIVES_UP, {VIP, MAPPED_VIP, PLAIN_VIP}) == []


def test_sizes_are_no_longer_clamped() -> None:
    """Those of the VIPs that stay, too."""
    assert {"mss_clamp": {"tunnels": SIMPLE.mss, "state": "absent"}} in release(SIMPLE, clamp_mss=False)
    assert release(SIMPLE) == []
    both = [*GIVES_UP.removed_mss, *GIVES_UP.mss]
    assert {"mss_clamp": {"tunnels": both, "state": "absent"}} in release(GIVES_UP, clamp_mss=False)


def test_tunnels_are_no_longer_guarded() -> None:
    assert release(SIMPLE, tunnel_guard=False) == [{"tunnel_guard": {"state": "absent"}}]


@pytest.mark.parametrize(
    ("plan", "devices", "settings", "purges"),
    [
        # A VIP of a service that left the description without a word: a director may have it.
        (SIMPLE, {"tunl0": [VIP, PLAIN_VIP]}, {}, False),
        (NEEDS_NOTHING, {"tunl0": [PLAIN_VIP]}, {}, False),
        (NEEDS_NOTHING, {"tunl0": [VIP], "lo": [PLAIN_VIP]}, {}, False),
        # The description has services for the host.
        (SIMPLE, {"tunl0": [VIP]}, {}, False),
        (SIMPLE, {}, {}, False),
        # The VIP is removed from other devices only: a service that it had may still be on a director.
        (NEEDS_WEB, {"tunl0": [VIP]}, {}, False),
        (NEEDS_WEB, {}, {}, False),
        # Everything that the host has is removed by the description.
        (NEEDS_NOTHING, {"tunl0": [VIP]}, {}, True),
        (NEEDS_NOTHING, {"tunl0": []}, {}, True),
        (NEEDS_NOTHING, {}, {}, True),
        (NOTHING, {}, {}, True),
        # The user says so.
        (SIMPLE, {"tunl0": [VIP, PLAIN_VIP]}, {"purges_vips": True}, True),
        (NEEDS_NOTHING, {"tunl0": [PLAIN_VIP]}, {"state": "absent"}, True),
    ],
)
def test_purge(plan: RealServerPlan, devices: dict[str, list[str]], settings: Facts, purges: bool) -> None:
    """Where no VIP is left that only a director knows of, and where that was asked for."""
    state = {**STATE, "devices": [{"name": name, "vips": vips} for name, vips in devices.items()]}
    steps = release(plan, noted=state, **settings)
    assert any(options.get("purge") for step in steps for options in step.values()) == purges
    assert not any(
        options.get("purge") for step in release(plan, {PLAIN_VIP}, state, **settings) for options in step.values()
    )


def test_purge_of_a_host_that_needs_nothing() -> None:
    """Everything goes: tunnels before their guard, the settings of devices and what runs at boot last."""
    steps = release(NOTHING, noted={**STATE, "devices": [], "arp_silent_devices": ["eth0", "tunl0"]})
    assert steps == [
        {"tunl_vip": {"devices": [], "purge": True}},
        {"mss_clamp": {"tunnels": [], "purge": True}},
        {"port_dnat": {"mappings": [], "purge": True}},
        {"tunnel_guard": {"sources": [], "protocols": [], "gue_ports": [], "purge": True}},
        {"firewall": {"state": "absent"}},
        {"arp_sysctl": {"device": "eth0", "state": "absent"}},
        {"arp_sysctl": {"device": "tunl0", "state": "absent"}},
        {"boot": {"state": "absent"}},
    ]


def test_purge_of_a_host_with_services() -> None:
    """What it needs stays."""
    state = {**STATE, "arp_silent_devices": ["eth0", "tunl0"]}
    steps = release(SIMPLE, noted=state, purges_vips=True, tunnel_sources=["10.0.0.9"])
    assert steps == [
        {"tunl_vip": {"devices": SIMPLE.devices, "purge": True}},
        {"mss_clamp": {"tunnels": SIMPLE.mss, "purge": True}},
        {"port_dnat": {"mappings": [], "purge": True}},
        {"tunnel_guard": {**GUARD, "sources": [DIP, "10.0.0.9"], "purge": True}},
        {"firewall": {"state": "absent"}},
        {"arp_sysctl": {"device": "eth0", "state": "absent"}},
    ]
    unclamped = release(SIMPLE, noted=state, purges_vips=True, clamp_mss=False)
    assert {"mss_clamp": {"tunnels": [], "purge": True}} in unclamped


@pytest.mark.parametrize("plan", [SIMPLE, COMPLEX, GIVES_UP, NEEDS_NOTHING, NOTHING])
@pytest.mark.parametrize(
    "settings", [{}, {"tunnel_guard": False, "clamp_mss": False, "boot": False}, {"purges_vips": True}, {"state": "absent"}]
)
def test_modules_take_their_steps(plan: RealServerPlan, settings: Facts) -> None:
    """Those of the set-up and those of the removal."""
    modules_take([*setup(plan, **settings), *release(plan, **settings)])


def test_steps_that_remove_have_the_tag_of_the_directors_table() -> None:
    """A real server loses nothing that the director may still use."""
    steps = release_steps(COMPLEX, {**SETTINGS, "purges_vips": True, "clamp_mss": False}, STATE, None)
    assert {step.tags for step in steps} == {frozenset({"ipvs"})}
