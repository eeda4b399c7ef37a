# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules can be steps, and what is wrong with the options of steps."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._batch.batch import MODULES, read, secrets
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.modules import batch
from tests.unit.helpers import all_refused, refused

PACKAGE = batch.__name__.rpartition(".")[0]


@pytest.mark.parametrize("name", MODULES)
def test_step_is_the_module(name: str) -> None:
    """The same options, and the same implementation."""
    module = importlib.import_module(f"{PACKAGE}.{name}")
    spec, implementation = MODULES[name]()
    assert spec == getattr(module, "ARGUMENT_SPEC", {})
    named = implementation if callable(implementation) else type(implementation)
    assert any(value is named for value in vars(module).values())


def test_every_module_that_changes_a_host_can_be_a_step() -> None:
    names = [path.stem for path in Path(str(batch.__file__)).parent.glob("*.py") if path.stem != "__init__"]
    changing = {name for name in names if getattr(importlib.import_module(f"{PACKAGE}.{name}"), "run", None) is run}
    assert changing | {"preflight", "state_info", "vip_probe"} == MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_documentation_lists_the_module(name: str) -> None:
    options = batch.DOCUMENTATION.partition("options:")[2].partition("requirements:")[0]
    assert f"M(lvs.cluster.{name})" in options


def test_steps_in_order() -> None:
    """Those that are not carried out come last."""
    steps = read(
        {
            "steps": [{"tunl_vip": {"vip": "192.0.2.1"}}, {"state_info": None}, {"state_info": {}}, {"tunl_vip": {}}],
            "preview": [{"boot": {"state": "absent"}}, {"tunl_vip": {}}],
        }
    )
    assert [(step.place, step.module, step.preview) for step in steps] == [
        ("steps[0] tunl_vip", "tunl_vip", False),
        ("steps[1] state_info", "state_info", False),
        ("steps[2] state_info", "state_info", False),
        ("steps[3] tunl_vip", "tunl_vip", False),
        ("preview[0] boot", "boot", True),
        ("preview[1] tunl_vip", "tunl_vip", True),
    ]


def test_secrets_of_all_steps() -> None:
    """Also of those in which something is wrong."""
    vrrp = {"id": 300, "secret": "one"}
    steps = [{"keepalived": {"vrrp": vrrp}}, {"state_info": None}, {"no_module": vrrp}, {"keepalived": None}, {}]
    preview = [{"keepalived": {"vrrp": {"secret": "two"}}}]
    assert list(secrets({"steps": steps, "preview": preview})) == ["one", "two"]


def test_no_steps() -> None:
    assert list(secrets({"steps": [], "preview": []})) == []
    assert read({"steps": [], "preview": []}) == []


@pytest.mark.parametrize(
    ("step", "option", "message"),
    [
        ({}, "steps[0]", "{} is not one module: write a step for each"),
        ({"state_info": {}, "boot": {}}, "steps[0]", "state_info, boot is not one module: write a step for each"),
        ({"ipvs_info": {}}, "steps[0]", "'ipvs_info' is not a module that can be a step: valid ones are arp_sysctl, boot, "),
        ({"batch": {"steps": []}}, "steps[0]", "'batch' is not a module that can be a step"),
        (
            {"boot": "absent"},
            "steps[0] boot, value",
            "'absent' is not a dictionary: write some of services, ",
        ),
        ({"state_info": {"x": 1}}, "steps[0] state_info, x", "1 is an unknown option: valid options are none"),
    ],
)
def test_step_that_cannot_be(step: dict[str, Any], option: str, message: str) -> None:
    with refused(option, message):
        read({"steps": [step], "preview": []})
    with refused(option.replace("steps", "preview"), message):
        read({"steps": [], "preview": [step]})


def test_all_faults_of_all_steps_at_once() -> None:
    """Those of a step itself, those that Ansible finds, and those that the module finds, with their places."""
    steps: list[dict[str, Any]] = [
        {"tunnel": {}},
        {"arp_sysctl": {"device": "all", "arp_ignore": 9}},
        {"boot": {}},
        {"arp_sysctl": {"rp_filter": 3, "persist": "perhaps"}},
        {"mss_clamp": {"tunnels": [{"vip": "192.0.2.1", "director": "x"}]}},
        {"ipvs_dest": {"weight": 1}},
    ]
    with all_refused(
        "steps[0]: 'tunnel' is not a module",
        "steps[1] arp_sysctl, device: all is not a device",
        "steps[1] arp_sysctl, arp_ignore: 9 is not in 0..8",
        "steps[3] arp_sysctl: ",
        "steps[3] arp_sysctl: ",
        "steps[4] mss_clamp, tunnels[0], director: 'x' is not an IP address",
        "steps[5] ipvs_dest: missing required arguments: rip",
        "preview[0]: 'vip' is not a module",
    ):
        read({"steps": steps, "preview": [{"vip": {}}]})
