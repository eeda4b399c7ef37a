# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What this collection has set up on a host, from the state file, and what of its requirements the host lacks."""

from __future__ import annotations

import sys

from .._core import boot_files, boot_text, requirements, state
from .._core.options import Facts, Options
from .._firewall.model import SUBJECT as FIREWALL
from .._firewall.model import opened_services
from .._firewall.running import running
from .._ipvs import drain_notes
from .._ipvs.keepalived_changes import KeepalivedTable
from .._keepalived.host import vrrp_state
from .._net.ownership import Claims
from .._net.rtnetlink import SUBJECT as NETWORK
from .._sysctl.model import CHECKS_CLAIMANT, IPVS_CLAIMANT, claimants
from .._sysctl.model import SUBJECT as SYSCTL


def read(_options: Options) -> Facts:
    """The claims on devices, VIPs and settings, the drained real servers, whether the host has boot files, what it lacks."""
    subjects = state.load()
    claims = Claims.load(subjects.get(NETWORK, {}))
    return {
        "devices": [{"name": device, "vips": claims.vips(device)} for device in sorted(claims.devices)],
        "arp_silent_devices": sorted(claimants(subjects.get(SYSCTL, {})) - {IPVS_CLAIMANT, CHECKS_CLAIMANT}),
        "services": list(subjects.get(boot_text.SUBJECT, {}).get("services", [])),
        "drained": list(subjects.get(drain_notes.SUBJECT, [])),
        "opened": opened_services(subjects.get(FIREWALL, {})),
        "firewall": running(),
        "vrrp": vrrp_state(),
        "engine": KeepalivedTable().engine,
        "boot": boot_files.exist(),
        "empty": not any(subjects.values()),
        "missing": requirements.missing(),
        "python": sys.executable,
    }
