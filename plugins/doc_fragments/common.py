# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by all modules of the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Returns what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the changes as rules of C(ipvsadm -Sn), C(ip), C(nft) and C(sysctl.d).
    support: full
  idempotent:
    description: Changes nothing when run again with the same options.
    support: full
  platform:
    description: Runs on Linux.
    support: full
    platforms: linux
author:
  - The lvs.cluster authors (@lvs-cluster)
options: {}
"""
