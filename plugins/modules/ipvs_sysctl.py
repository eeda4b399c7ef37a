#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of IPVS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sysctl
short_description: Manage the settings of IPVS
version_added: 0.1.0
description:
  - Sets C(net.ipv4.vs.*), which are there only once the kernel module C(ip_vs) is loaded. This module has it loaded.
  - The values found before the first change are kept in C(/var/lib/lvs.cluster/state.json). A setting that is no longer named goes back
    to that value, and one that was never named is left alone.
options:
  settings:
    description:
      - Names and values, such as V(expire_nodest_conn) or V(conntrack), all that are to be set. An empty dictionary puts everything back.
      - See C(Documentation/networking/ipvs-sysctl.rst) of Linux for what they do.
    type: dict
    required: true
  persist:
    description:
      - Whether the values come back after a reboot, from the file C(/etc/sysctl.d/90-lvs_ipvs.conf), with
        C(/etc/modules-load.d/lvs-ipvs.conf), which has C(ip_vs) loaded before.
      - Left out, the files stay as they are. V(false), and O(settings) without any, removes them.
    type: bool
requirements:
  - Linux with the module C(ip_vs)
  - root on the managed host
seealso:
  - module: lvs.cluster.ipvs_timeouts
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Let clients of a dead real server find another one, now and after a reboot
  lvs.cluster.ipvs_sysctl:
    settings:
      expire_nodest_conn: 1
      expire_quiescent_template: 1
    persist: true

- name: As it was before
  lvs.cluster.ipvs_sysctl:
    settings: {}
    persist: false
"""

RETURN = r"""
commands:
  description: What was changed (in check mode, what would be), as C(sysctl(8)) prints it, and lines of files behind the file's name.
  returned: success
  type: list
  elements: str
  sample: ["net.ipv4.vs.expire_nodest_conn = 1"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sysctl import wanted_settings, with_dropped
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import IpvsSettings


def main() -> None:
    """Run the module."""
    run(
        argument_spec={"settings": {"type": "dict", "required": True}, "persist": {"type": "bool"}},
        wanted_of=wanted_settings,
        room_of=lambda options: IpvsSettings(),
        scope=with_dropped,
        report=lambda options, keys, items: {},
    )


if __name__ == "__main__":
    main()
