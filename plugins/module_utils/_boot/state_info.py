# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What this collection has set up on a host, from the state file, and what of its requirements the host lacks."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys

from .._core import boot_files, boot_text, state
from .._core.options import Facts, Options
from .._firewall.model import SUBJECT as FIREWALL
from .._firewall.model import opened_services
from .._firewall.running import running
from .._ipvs import drain_notes
from .._net.ownership import Claims
from .._net.rtnetlink import SUBJECT as NETWORK
from .._sysctl.model import IPVS_CLAIMANT, claimants
from .._sysctl.model import SUBJECT as SYSCTL

_LIBRARIES = ("nftables", "pyroute2")
_PROGRAMS = ("ipvsadm", "nft")
_FOLDERS_OF_ROOT = ("/usr/sbin", "/sbin")  # not in every user's PATH


def read(_options: Options) -> Facts:
    """The claims on devices, VIPs and settings, the drained real servers, whether the host has boot files, what it lacks."""
    subjects = state.load()
    claims = Claims.load(subjects.get(NETWORK, {}))
    return {
        "devices": [{"name": device, "vips": claims.vips(device)} for device in sorted(claims.devices)],
        "arp_silent_devices": sorted(claimants(subjects.get(SYSCTL, {})) - {IPVS_CLAIMANT}),
        "services": list(subjects.get(boot_text.SUBJECT, {}).get("services", [])),
        "drained": list(subjects.get(drain_notes.SUBJECT, [])),
        "opened": opened_services(subjects.get(FIREWALL, {})),
        "firewall": running(),
        "boot": boot_files.exist(),
        "empty": not any(subjects.values()),
        "missing": _missing(),
        "python": sys.executable,
    }


def _missing() -> dict[str, list[str]]:
    """What is not installed. Libraries are not imported, which would take a multiple of the module's time."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS_OF_ROOT])
    return {
        "libraries": [name for name in _LIBRARIES if importlib.util.find_spec(name) is None],
        "programs": [name for name in _PROGRAMS if shutil.which(name, path=path) is None],
    }
