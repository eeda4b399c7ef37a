# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the state file says of a host, and what the host lacks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._boot import state_info
from ansible_collections.lvs.cluster.plugins.module_utils._core import boot_text, requirements
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError

NOTHING = {"devices": [], "arp_silent_devices": [], "drained": [], "opened": [], "boot": False, "empty": True}
DRAINED = {"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "rip": "192.0.2.9", "rport": 80, "weight": 3}
RULE = {"protocol": "tcp", "source": None, "destination": "192.0.2.1", "port": 80, "zone": "", "permanent": True}


@pytest.fixture(autouse=True)
def boot_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where boot files would be."""
    monkeypatch.setattr(boot_text, "FOLDER", str(tmp_path / "boot"))
    monkeypatch.setattr(state_info, "running", lambda: "ufw")
    return tmp_path / "boot"


def noted() -> dict[str, Any]:
    """What the module returns of the state file."""
    returned = state_info.read({})
    return {name: returned[name] for name in NOTHING}


def write(state_file: Path, subjects: dict[str, Any]) -> None:
    """Have the state file contain these subjects."""
    state_file.parent.mkdir()
    state_file.write_text(json.dumps({"version": 1, **subjects}))


def test_untouched_host() -> None:
    """There is no file."""
    assert noted() == NOTHING


def test_every_subject(state_file: Path, boot_folder: Path) -> None:
    """Devices and listeners, settings of devices and of IPVS, drained real servers, and boot files."""
    boot_folder.mkdir()
    subjects = {
        "network": {
            "tunl0": {
                "address 192.0.2.1": None,
                "address 2001:db8::1": None,
                "mtu": 1480,
                "route 192.0.2.1": None,
                "up": None,
            },
            "*": {"listener inet 6080": ["tunl0"]},
            "lvsgre": {"tunnel": None},
        },
        "sysctl": {
            "net.ipv4.conf.all.arp_ignore": {"found": 0, "wanted": {"tunl0": 1, "lo": 1}},
            "net.ipv4.conf.lo.arp_ignore": {"found": 0, "wanted": {"lo": 1}},
            "net.ipv4.vs.conntrack": {"found": "0", "wanted": {"ipvs": "1"}},
        },
        "drained": [DRAINED],
        "firewall": {"ufw": [RULE], "untracked": True},
        "boot": {"services": []},
    }
    write(state_file, subjects)
    assert noted() == {
        "devices": [{"name": "lvsgre", "vips": []}, {"name": "tunl0", "vips": ["192.0.2.1", "2001:db8::1"]}],
        "arp_silent_devices": ["lo", "tunl0"],
        "drained": [DRAINED],
        "opened": [{"vip": "192.0.2.1", "port": 80, "protocol": "tcp"}],
        "boot": True,
        "empty": False,
    }


@pytest.mark.parametrize(("subjects", "empty"), [({"sysctl": {}}, True), ({"boot": {"services": [DRAINED]}}, False)])
def test_a_subject_without_an_entry_is_none(state_file: Path, subjects: dict[str, Any], empty: bool) -> None:
    """Any entry counts, of whichever subject."""
    write(state_file, subjects)
    assert noted() == {**NOTHING, "empty": empty}


def test_damaged_file(state_file: Path) -> None:
    """It is not taken for an empty one."""
    state_file.parent.mkdir()
    state_file.write_text("{")
    with pytest.raises(LvsError, match="not readable as JSON"):
        state_info.read({})


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """See test_requirements.py."""
    monkeypatch.setattr(requirements, "missing", lambda: {"libraries": ["pyroute2"]})
    assert state_info.read({})["missing"] == {"libraries": ["pyroute2"]}


def test_interpreter() -> None:
    assert state_info.read({})["python"] == sys.executable


def test_firewall() -> None:
    assert state_info.read({})["firewall"] == "ufw"
