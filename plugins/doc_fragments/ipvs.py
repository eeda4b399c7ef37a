# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by all modules that use IPVS."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - Linux with the module C(ip_vs)
  - root on the managed host, also in check mode, because the kernel allows only root to read IPVS
notes:
  - Uses generic netlink to communicate with the kernel. C(ipvsadm) is not required.
  - Services that M(lvs.cluster.keepalived) configured belong to keepalived, and are not changed. M(lvs.cluster.ipvs_dest) drains and restores
    their destinations.
"""
