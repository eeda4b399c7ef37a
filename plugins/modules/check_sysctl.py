#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls that a director needs for checks of its real servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_sysctl
short_description: Let a director receive the answers to its checks
version_added: 0.1.0
description:
  - The checks that M(lvs.cluster.keepalived) configures go to a VIP, and so the answers come from it. A director that holds the VIP takes an
    answer from its own address for a forged one, and every check fails.
  - Sets C(accept_local) of the devices that have O(sources). Sets C(rp_filter) of them to V(2) (loose) if it is V(1) (strict) and VIPs are on
    other devices.
  - IPv6 has no such settings.
  - The values found before the first change are stored in C(/var/lib/lvs.cluster/state.json). O(state=absent) restores them.
options:
  sources:
    description: The addresses that checks come from, as in O(lvs.cluster.keepalived#module:sources).
    type: list
    elements: str
    default: []
  vip_devices:
    description: The devices that hold VIPs, if they are not those of O(sources).
    type: list
    elements: str
    default: []
  persist:
    description:
      - Whether to restore the values at boot, from the file C(/etc/sysctl.d/90-lvs_checks.conf).
      - If omitted, the file is left unchanged. V(false) removes it.
    type: bool
  state:
    description: Whether the settings should be in effect. V(absent) removes the file, too.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.cluster.keepalived
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Receive the answers to checks, now and after a reboot
  lvs.cluster.check_sysctl:
    sources: [192.168.56.181]
    persist: true
"""

RETURN = r"""
devices:
  description: The devices that have O(sources) of IPv4.
  returned: success
  type: list
  elements: str
  sample: [eth0]
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["sysctl -w net.ipv4.conf.eth0.accept_local=1"]
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
      sample: {name: net.ipv4.conf.eth0.accept_local}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: sysctl -w net.ipv4.conf.eth0.accept_local=1
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.check_sysctl import ARGUMENT_SPEC, CheckSysctl


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, CheckSysctl())


if __name__ == "__main__":
    main()
