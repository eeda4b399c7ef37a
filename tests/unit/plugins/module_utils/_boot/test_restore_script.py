# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that loads the boot files, as it is on hosts."""

from __future__ import annotations

import hashlib

from ansible_collections.lvs.cluster.plugins.module_utils._boot.model import SCRIPT
from ansible_collections.lvs.cluster.plugins.module_utils._boot.restore_script import RESTORE_SCRIPT
from ansible_collections.lvs.cluster.plugins.module_utils._core.boot_text import BOOT_FILES, FOLDER
from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import header
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sysctl import SETTINGS_FILE
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.arp_sysctl import own_file


def test_script_on_hosts_does_not_change() -> None:
    """A change of its text is a change on every host: update the checksum only if that is intended."""
    checksum = "ac5a23819da0c2d90b9b55297326243a71e8d39229ab474e151c3f1576ea8b86"
    assert hashlib.sha256(RESTORE_SCRIPT.encode()).hexdigest() == checksum


def test_script_has_the_names_of_the_other_files() -> None:
    """It is written out in full: what it names elsewhere in the code must be the same."""
    assert RESTORE_SCRIPT.startswith(f"#!/bin/sh\n{header('boot')}")
    assert f"/bin/sh {SCRIPT} {' '.join(BOOT_FILES)}\n" in RESTORE_SCRIPT
    assert f"\ncd {FOLDER}\n" in RESTORE_SCRIPT
    assert f'[ ! -e {SETTINGS_FILE} ] || "$sysctl" {SETTINGS_FILE} || :' in RESTORE_SCRIPT
    folder, prefix, suffix = own_file("*").rpartition("/")[0], "90-lvs-", ".conf"
    assert f"find {folder} -name '{prefix}*{suffix}' -exec" in RESTORE_SCRIPT
