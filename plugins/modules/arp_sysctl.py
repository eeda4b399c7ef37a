#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls that a real server needs for its VIPs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: arp_sysctl
short_description: Keep a real server from answering ARP for its VIPs
version_added: 0.1.0
description:
  - Sets C(arp_ignore), C(arp_announce) and C(rp_filter) of a device. Also sets them for C(all) where the device's value alone would have
    no effect, because the kernel uses the larger of the two.
  - Without C(arp_ignore) and C(arp_announce), a real server answers ARP requests for a VIP that belongs to the director. Without
    C(rp_filter), the kernel drops packets that come out of the tunnel.
  - If several devices need different values of C(all), the largest is used, for C(rp_filter) the smallest, both in the kernel and in
    each device's file. When a device no longer needs a value, C(all) is set to what the remaining devices need.
  - IPv6 needs no such settings. Neighbour discovery answers only for addresses of the device that received the request (RFC 4861,
    section 7.2.3), so a VIP on C(lo), on a dummy device or on a tunnel device is never announced. Linux has no C(rp_filter) for IPv6.
  - The values found before the first change are stored in C(/var/lib/lvs.cluster/state.json). O(state=absent) restores them, removes
    the file that O(persist) created, and does not touch anything else. Updating the state file is not reported as a change.
options:
  device:
    description:
      - The device that holds the VIPs. With direct routing, V(lo) or a dummy device.
      - V(tunl0), V(sit0), V(ip6tnl0), V(gre0) and V(ip6gre0) are created if necessary, by loading their kernel module.
    type: str
    default: tunl0
  arp_ignore:
    description:
      - V(0) to V(8). With V(1), the host answers ARP only for addresses of the device that received the request.
      - Also set for C(all).
    type: int
    default: 1
  arp_announce:
    description:
      - V(0) to V(2). With V(2), the host never uses the VIP as the source address of an ARP request.
      - Also set for C(all).
    type: int
    default: 2
  rp_filter:
    description:
      - Source validation of incoming packets (reverse path filtering), V(0) (off), V(1) (strict) or V(2) (loose).
      - V(0) and V(1) are also set for C(all). V(2) is set for the device only, where it overrides any value of C(all). The other
        devices keep their filtering.
    type: int
    choices: [0, 1, 2]
    default: 0
  persist:
    description:
      - Whether to restore the values at boot, from the file C(/etc/sysctl.d/90-lvs-DEVICE.conf).
      - If omitted, the file is left unchanged. V(false) removes it.
      - With V(true), the module warns about every setting that is applied after that file and changes the effective value. It
        looks for them in sysctl.d(5), in C(/etc/sysctl.conf), in C(ufw) if that is enabled, and in C(systemd-networkd).
    type: bool
  state:
    description:
      - Whether the settings should be in effect.
      - V(absent) restores the values found before the first change.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - root on the managed host
  - pyroute2 (package C(python3-pyroute2)), only if a device has to be created
seealso:
  - module: lvs.cluster.tunl_vip
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Do not answer ARP for VIPs on tunl0, now and after a reboot
  lvs.cluster.arp_sysctl:
    rp_filter: 2
    persist: true

- name: Restore the former settings
  lvs.cluster.arp_sysctl:
    state: absent
"""

RETURN = r"""
effective:
  description: The values that the kernel uses for the device, each the larger of the device's own value and that of C(all).
  returned: with O(state=present)
  type: dict
  contains:
    arp_ignore:
      description: The effective value of C(arp_ignore).
      returned: with O(state=present)
      type: int
      sample: 1
    arp_announce:
      description: The effective value of C(arp_announce).
      returned: with O(state=present)
      type: int
      sample: 2
    rp_filter:
      description: The effective value of C(rp_filter).
      returned: with O(state=present)
      type: int
      sample: 2
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["sysctl -w net.ipv4.conf.all.arp_ignore=1"]
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
      sample: {name: net.ipv4.conf.all.arp_ignore}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: sysctl -w net.ipv4.conf.all.arp_ignore=1
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.arp_sysctl import ARGUMENT_SPEC, ArpSysctl


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, ArpSysctl())


if __name__ == "__main__":
    main()
