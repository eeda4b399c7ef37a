#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VIP on a tunnel device, or on an ordinary one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunl_vip
short_description: Hold a VIP on a device
version_added: 0.1.0
description:
  - Puts a VIP on a device as a host address, with a host route to it, and brings the device up.
  - For C(tunl0), the fallback device of IPIP, the kernel module C(ipip) is loaded if need be.
  - A VIP that another device holds is not moved. Remove it there first.
  - Removing the VIP takes its address and its route away. The device stays as it is.
  - A real server has to keep silent about its VIP. Run M(lvs.cluster.arp_sysctl) there first.
options:
  vip:
    description: The address, a unicast IPv4 address.
    type: str
    required: true
  device:
    description: The device that holds it. Any device but V(tunl0) has to exist.
    type: str
    default: tunl0
requirements:
  - pyroute2 (Debian package C(python3-pyroute2))
  - root on the managed host
seealso:
  - module: lvs.cluster.arp_sysctl
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: The VIP on the tunnel device
  lvs.cluster.tunl_vip:
    vip: 192.168.56.185

- name: A VIP on an ordinary device of the director
  lvs.cluster.tunl_vip:
    vip: 192.168.56.187
    device: eth0
"""

RETURN = r"""
vip:
  description: The VIP as it is now; empty where it is absent.
  returned: success
  type: dict
  sample: {device: tunl0, up: true, address: 192.168.56.185/32, route: 192.168.56.185/32}
commands:
  description: What was changed (in check mode, what would be), as commands of C(ip(8)).
  returned: success
  type: list
  elements: str
  sample:
    - ip link set tunl0 up
    - ip address add 192.168.56.185/32 dev tunl0
    - ip route add 192.168.56.185 dev tunl0 scope link
"""

from ansible_collections.lvs.cluster.plugins.module_utils._argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._kernel.links import Links
from ansible_collections.lvs.cluster.plugins.module_utils._model.network import TUNNEL_DEVICE, wanted_vip
from ansible_collections.lvs.cluster.plugins.module_utils._module import named, run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            "vip": {"type": "str", "required": True},
            "device": {"type": "str", "default": TUNNEL_DEVICE},
        },
        wanted_of=wanted_vip,
        room_of=lambda options: Links(),
        report=named("vip"),
    )


if __name__ == "__main__":
    main()
