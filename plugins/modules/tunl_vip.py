#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs on a tunnel device, or on an ordinary one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunl_vip
short_description: Hold VIPs on a device, and make that device a tunnel's end
version_added: 0.1.0
description:
  - Puts VIPs on a device as host addresses, with a host route to each, and brings the device up.
  - Makes the device, where it is a tunnel's. For a fallback device, such as C(tunl0), which takes packets from anyone, the kernel
    module is loaded if need be. A tunnel of its own takes the packets that come to O(local).
  - A VIP that somebody put on another device is not moved. Remove it there first. Several devices may hold a VIP that was put on all of
    them here.
  - IPv6 VIPs are put there without duplicate address detection, as real servers have them, too, and as deprecated, so that the kernel
    never picks one as the source of a packet into a tunnel, which the real servers would drop as their own (RFC 4862).
  - What was made here is noted in C(/var/lib/lvs.cluster/state.json). Only that is removed. The device goes back to what it was (down,
    another MTU, or not there) with the last VIP and listener that was put on it here. Loaded kernel modules stay.
  - A real server has to keep silent about its IPv4 VIPs. Run M(lvs.cluster.arp_sysctl) there first. IPv6 VIPs on a tunnel device or on
    C(lo) are silent by nature. On a director, they have to be on the device that faces the clients.
options:
  vips:
    description:
      - The addresses, unicast IPv4 or IPv6. None, if left out or empty. Then only the device is seen to.
      - With O(state=absent), all that this module put on the device if left out or empty.
    type: list
    elements: str
    aliases: [vip]
  device:
    description:
      - The device that holds them.
      - V(tunl0) (IPv4 in IPv4), V(sit0) (IPv6 in IPv4), V(ip6tnl0) (IPv6 in IPv6), V(gre0) and V(ip6gre0) (either, in GRE over IPv4 or
        IPv6) are made if they are not there. So is another one with O(tunnel_type). Any other device has to exist.
      - V(tunl0) if left out.
    type: str
  tunnel_type:
    description:
      - The tunnel that the device is the end of. Left out, a fallback device's own kind, and none for other devices.
      - V(ipip) is IPv4 in IPv4, V(sit) IPv6 in IPv4, V(ip6ip6) IPv6 in IPv6, V(ipip6) IPv4 in IPv6.
      - V(gue) is each of these in UDP, with a listener at O(tunnel_port) that takes that off.
    type: str
    choices: [ipip, sit, ip6ip6, ipip6, gre, gue]
  local:
    description:
      - The address of this host that packets in the tunnel come to, its RIP.
      - Required for a tunnel device of its own. Not for a fallback device.
    type: str
  remote:
    description: The address that packets in the tunnel come from, if only one. Not for a fallback device.
    type: str
  tunnel_port:
    description: The UDP port that packets come to, V(1) to V(65535). Required with O(tunnel_type=gue), and only for that.
    type: int
  tunnel_checksum:
    description:
      - Whether packets in a GRE tunnel carry a checksum. A device takes those with one, or those without.
      - GUE takes either.
      - V(none) if left out.
    type: str
    choices: [none, checksum, remote_checksum]
  mtu:
    description: The size of the largest packet on the device, in bytes, V(68) to V(65535), from V(1280) with IPv6 VIPs. Left out, it stays.
    type: int
  devices:
    description: Several devices at once, instead of O(device) and the options that go with it.
    type: list
    elements: dict
    suboptions:
      device:
        description: See O(device).
        type: str
        required: true
      vips:
        description: See O(vips).
        type: list
        elements: str
      tunnel_type:
        description: See O(tunnel_type).
        type: str
        choices: [ipip, sit, ip6ip6, ipip6, gre, gue]
      local:
        description: See O(local).
        type: str
      remote:
        description: See O(remote).
        type: str
      tunnel_port:
        description: See O(tunnel_port).
        type: int
      tunnel_checksum:
        description: See O(tunnel_checksum).
        type: str
        choices: [none, checksum, remote_checksum]
      mtu:
        description: See O(mtu).
        type: int
      state:
        description: See O(state), which is meant if this is left out.
        type: str
        choices: [present, absent]
  announce:
    description:
      - Whether the network is told of a VIP that comes, by gratuitous ARP (RFC 5227) or an unsolicited neighbour advertisement (RFC 4861),
        on each device whose network the VIP is in. For a director, never for a real server.
    type: bool
    default: false
  purge:
    description:
      - Whether other VIPs and listeners that this module put on the device go.
      - With O(devices), also all that it put on other devices, and those devices that it made.
    type: bool
    default: false
requirements:
  - pyroute2 (Debian package C(python3-pyroute2))
  - root on the managed host
seealso:
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.tunnel_guard
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: The VIP on the tunnel device of a real server
  lvs.cluster.tunl_vip:
    vip: 192.168.56.185

- name: A VIP on an ordinary device of the director
  lvs.cluster.tunl_vip:
    vip: 192.168.56.187
    device: eth0
    announce: true

- name: Packets in GUE, for a VIP that lo holds
  lvs.cluster.tunl_vip:
    device: sit0
    tunnel_type: gue
    tunnel_port: 6080

- name: GRE with checksums, on a device of its own
  lvs.cluster.tunl_vip:
    vips: [192.168.56.185, "2001:db8::185"]
    device: lvsgre
    tunnel_type: gre
    tunnel_checksum: checksum
    local: 192.168.56.183

- name: As it was before
  lvs.cluster.tunl_vip:
    device: tunl0
    state: absent
"""

RETURN = r"""
devices:
  description: The named devices as they are now, with all host addresses that are on them, whoever put them there.
  returned: success
  type: list
  elements: dict
  sample: [{name: tunl0, kind: ipip, mtu: 1480, up: true, vips: [192.168.56.185]}]
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

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import DESTINATION, STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._net.model import (
    TUNNEL_TYPES,
    device_report,
    wanted_vips,
    what_goes,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net.rtnetlink import DeviceLinks

DEVICE = {
    "device": {"type": "str"},
    "tunnel_type": {"type": "str", "choices": list(TUNNEL_TYPES)},
    "local": {"type": "str"},
    "remote": {"type": "str"},
    "tunnel_port": {"type": "int"},
    "tunnel_checksum": DESTINATION["tunnel_checksum"],
    "mtu": {"type": "int"},
}
ROW = {
    **DEVICE,
    "state": {"type": "str", "choices": ["present", "absent"]},
    "device": {"type": "str", "required": True},
    "vips": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            **DEVICE,
            "vips": {"type": "list", "elements": "str", "aliases": ["vip"]},
            "devices": {"type": "list", "elements": "dict", "options": ROW},
            "announce": {"type": "bool", "default": False},
            "purge": {"type": "bool", "default": False},
        },
        wanted_of=wanted_vips,
        room_of=lambda options: DeviceLinks(announcing=options["announce"]),
        report=device_report,
        scope=what_goes,
    )


if __name__ == "__main__":
    main()
