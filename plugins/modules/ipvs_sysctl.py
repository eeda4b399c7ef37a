#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of IPVS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sysctl
short_description: Manage the sysctls of IPVS
version_added: 0.1.0
description:
  - Sets C(net.ipv4.vs.*). These sysctls exist only while the kernel module C(ip_vs) is loaded. The module loads it.
  - The values found before the first change are stored in C(/var/lib/lvs.cluster/state.json). A sysctl that is no longer listed is set
    back to that value. A sysctl that was never listed is not changed.
options:
  settings:
    description:
      - All sysctls to set, with their values, such as V(expire_nodest_conn) or V(conntrack).
      - A value is a number, or two for V(sync_threshold), such as V(3 50). The value of V(est_cpulist) is a list of CPUs of this host,
        such as V(0-3,6), V(0-7:1/2) (the first of every two), V(all), or an empty string.
      - An empty dictionary restores all former values.
      - See C(Documentation/networking/ipvs-sysctl.rst) in the Linux source for their meaning.
    type: dict
    required: true
  persist:
    description:
      - Whether to restore the values at boot, from the file C(/etc/sysctl.d/90-lvs_ipvs.conf). The file
        C(/etc/modules-load.d/lvs-ipvs.conf) loads C(ip_vs) before.
      - If omitted, the files are left unchanged. V(false) removes them, and so do empty O(settings).
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
- name: Let clients of a dead real server move to another one, now and after a reboot
  lvs.cluster.ipvs_sysctl:
    settings:
      expire_nodest_conn: 1
      expire_quiescent_template: 1
    persist: true

- name: Restore the former values
  lvs.cluster.ipvs_sysctl:
    settings: {}
    persist: false
"""

RETURN = r"""
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["sysctl -w net.ipv4.vs.expire_nodest_conn=1"]
changes:
  description: The same changes as data. RV(commands) has the lines of RV(changes[].command).
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: The action, V(add), V(set) or V(remove).
      returned: success
      type: str
      sample: set
    kind:
      description: The kind of object that changed, V(sysctl) or V(file).
      returned: success
      type: str
      sample: sysctl
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {name: net.ipv4.vs.expire_nodest_conn}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: sysctl -w net.ipv4.vs.expire_nodest_conn=1
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_sysctl import ARGUMENT_SPEC, IpvsSysctl


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsSysctl())


if __name__ == "__main__":
    main()
