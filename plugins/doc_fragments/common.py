# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says of itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Says what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows what changed as the commands that an administrator would have typed.
    support: full
  idempotent:
    description: Changes nothing when run again.
    support: full
  platform:
    description: Runs on Linux.
    support: full
    platforms: linux
author:
  - The lvs.cluster authors (@lvs-cluster)
options: {}
"""
