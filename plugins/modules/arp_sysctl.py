#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls of a real server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: arp_sysctl
short_description: Keep a real server silent about its VIP
version_added: 0.1.0
description:
  - Sets C(arp_ignore), C(arp_announce) and C(rp_filter) of a device, and of C(all) where the device's value alone would have no effect,
    as the kernel acts on the larger of the two.
  - Without the first two, a real server answers ARP requests for a VIP that belongs to the director. Without the third, a packet
    that comes out of the tunnel is dropped.
  - Where several devices want different values for C(all), it has the largest of them, of C(rp_filter) the smallest, in the kernel
    and in the file of each. What a device gives up goes back to what the others want.
  - IPv6 has no counterpart, and needs none. Neighbour discovery answers only for addresses of the device that was asked (RFC 4861,
    section 7.2.3), so that a VIP on C(lo), on a dummy device or on a tunnel is silent by nature; Linux has no C(rp_filter) for IPv6.
  - The values found before the first change are kept in C(/var/lib/lvs.cluster/state.json). O(state=absent) puts them back, removes
    the file that O(persist) made, and leaves alone what was not made here. Keeping that file is no change of its own.
options:
  device:
    description:
      - The device that holds the VIP. For direct routing that is V(lo) or a dummy device.
      - V(tunl0), V(sit0), V(ip6tnl0), V(gre0) and V(ip6gre0) are made if they are not there, by loading their kernel module.
    type: str
    default: tunl0
  arp_ignore:
    description: V(1) answers only for addresses of the device that the request came in on. V(0) to V(8); set for C(all), too.
    type: int
    default: 1
  arp_announce:
    description: V(2) never uses the VIP as the source of an ARP request. V(0) to V(2); set for C(all), too.
    type: int
    default: 2
  rp_filter:
    description:
      - Validation of the source of incoming packets, V(0) (off), V(1) (strict) or V(2) (loose).
      - V(0) and V(1) are set for C(all), too. V(2) is set for the device alone, where it wins over any value of C(all),
        and the other devices stay as strict as they were.
    type: int
    choices: [0, 1, 2]
    default: 0
  persist:
    description:
      - Whether the values come back after a reboot, from the file C(/etc/sysctl.d/90-lvs-DEVICE.conf).
      - Left out, the file stays as it is. V(false) removes it.
      - With V(true), a warning names what takes effect after that file and has the kernel act on another value, in a file of
        C(sysctl.d(5)), in C(/etc/sysctl.conf), of C(ufw) where it is enabled, or of C(systemd-networkd).
    type: bool
requirements:
  - root on the managed host
  - pyroute2 (Debian package C(python3-pyroute2)), only where a device has to be made
seealso:
  - module: lvs.cluster.tunl_vip
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: Silent about the VIP on tunl0, now and after a reboot
  lvs.cluster.arp_sysctl:
    rp_filter: 2
    persist: true

- name: As it was before
  lvs.cluster.arp_sysctl:
    state: absent
"""

RETURN = r"""
effective:
  description: What the kernel now acts on for the device, the larger of its own value and that of C(all).
  returned: O(state=present)
  type: dict
  sample: {arp_ignore: 1, arp_announce: 2, rp_filter: 2}
commands:
  description: What was changed (in check mode, what would be), as C(sysctl(8)) prints it.
  returned: success
  type: list
  elements: str
  sample: ["net.ipv4.conf.all.arp_ignore = 1"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import TUNNEL_DEVICE
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import report, wanted_settings, with_others
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.procfs import DeviceSettings


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            "device": {"type": "str", "default": TUNNEL_DEVICE},
            "arp_ignore": {"type": "int", "default": 1},
            "arp_announce": {"type": "int", "default": 2},
            "rp_filter": {"type": "int", "choices": [0, 1, 2], "default": 0},
            "persist": {"type": "bool"},
        },
        wanted_of=wanted_settings,
        room_of=lambda options: DeviceSettings(options["device"]),
        report=report,
        scope=with_others,
    )


if __name__ == "__main__":
    main()
