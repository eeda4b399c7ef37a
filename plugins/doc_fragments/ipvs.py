# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that talks to IPVS says of itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Requirements."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - Linux with the module C(ip_vs)
  - root on the managed host, in check mode too, as the kernel lets nobody else read IPVS
notes:
  - Talks to the kernel over generic netlink. C(ipvsadm) is not needed.
"""
