#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs on a tunnel device or on any other device."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunl_vip
short_description: Manage VIPs on a device and the tunnel that ends there
version_added: 0.1.0
description:
  - Adds VIPs to a device as host addresses, with a host route for each, and brings the device up.
  - Creates tunnel devices. For a fallback device such as C(tunl0), which accepts packets from any host, the kernel module is loaded if
    necessary. Any other tunnel device accepts packets for O(local) only. The kernel takes one tunnel of a kind for the same O(local)
    and O(remote), so a second one is refused.
  - A VIP that was added to another device by other means is not moved, whether as a host address or with a network, such as C(/24).
    Remove it there first. An address of the host itself cannot become a VIP on another device. Several devices may hold the same VIP
    if this module added it to all of them.
  - IPv6 VIPs are added without duplicate address detection, because the director and the real servers have the same address. They
    are also added as deprecated, so that the kernel never chooses one as the source address of a packet into a tunnel, which the real
    servers would drop as their own (RFC 4862).
  - The module records what it created in C(/var/lib/lvs.cluster/state.json), and removes only that. With the last VIP and GUE listener
    that the module added to a device, the device returns to its former state (down, with another MTU, or absent). Kernel modules stay
    loaded.
  - NetworkManager and systemd-networkd take VIPs and routes from a device that they manage. Before the module creates a tunnel device or
    brings one up, it writes C(/etc/NetworkManager/conf.d/90-lvs-DEVICE.conf) and C(/etc/systemd/network/00-lvs-DEVICE.network), which keep
    both away from the device, also if one of them is installed later. If one of them runs, it is told at once. The files are removed
    with the last that the module added to the device. There are none for a tunnel of another program, for a device that has an address
    of another program, and for a device that is no tunnel. Hold VIPs on a tunnel device or on C(lo), rather than on C(eth0).
  - A real server must not answer ARP for its IPv4 VIPs. Run M(lvs.cluster.arp_sysctl) there first. IPv6 VIPs on a tunnel device or on
    C(lo) are never announced. On a director, IPv6 VIPs have to be on the device that faces the clients.
options:
  vips:
    description:
      - The VIPs, unicast IPv4 or IPv6 addresses, but no loopback addresses, which every host has on C(lo). If omitted or empty, the
        module only manages the device.
      - With O(state=absent), if omitted or empty, the module removes everything that it added to the device.
    type: list
    elements: str
    aliases: [vip]
  device:
    description:
      - The device that holds the VIPs. Defaults to V(tunl0).
      - V(tunl0) (IPv4 in IPv4), V(sit0) (IPv6 in IPv4), V(ip6tnl0) (IPv6 in IPv6), V(gre0) and V(ip6gre0) (IPv4 or IPv6 in GRE over IPv4
        or IPv6) are created if necessary. So is any device with O(tunnel_type). All other devices have to exist.
    type: str
  tunnel_type:
    description:
      - The type of the tunnel that ends at the device. Defaults to the type of the fallback device, and to no tunnel for other devices.
      - V(ipip) is IPv4 in IPv4, V(sit) is IPv6 in IPv4, V(ip6ip6) is IPv6 in IPv6, V(ipip6) is IPv4 in IPv6.
      - V(gue) is any of these in UDP, with a listener on O(tunnel_port) that removes the UDP header.
    type: str
    choices: [ipip, sit, ip6ip6, ipip6, gre, gue]
  local:
    description:
      - The address of this host to which tunnelled packets are sent, its RIP. Not a link-local IPv6 address.
      - Required for a tunnel device that is not a fallback device. Not valid for a fallback device.
    type: str
  remote:
    description: The only source address of tunnelled packets to accept. Not valid for a fallback device.
    type: str
  tunnel_port:
    description: The UDP port of the tunnel, V(1) to V(65535). Required for O(tunnel_type=gue), and not valid otherwise.
    type: int
  tunnel_checksum:
    description:
      - Whether packets in a GRE tunnel have a checksum. A device accepts either packets with a checksum or packets without.
      - GUE accepts both.
      - Defaults to V(none).
    type: str
    choices: [none, checksum, remote_checksum]
  mtu:
    description: The MTU of the device, in bytes, V(68) to V(65535), at least V(1280) with IPv6 VIPs. If omitted, it is not changed.
    type: int
  devices:
    description: Several devices at once, instead of O(device) and the options that belong to it.
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
        description: Whether the VIPs of this device should exist. Defaults to O(state).
        type: str
        choices: [present, absent]
  announce:
    description:
      - Whether to announce new VIPs with gratuitous ARP (RFC 5227) or an unsolicited neighbour advertisement (RFC 4861). For directors
        only, never for real servers.
      - A VIP is announced on the device that holds it, if that is an Ethernet device, and on each device whose network contains it. An
        IPv4 VIP for which there is none of these, such as a floating address on C(tunl0) or C(lo), is announced on the device of the
        default route, or without one on all Ethernet devices with an IPv4 address.
    type: bool
    default: false
  purge:
    description:
      - Whether to remove other VIPs and listeners that this module added to the device.
      - With O(devices), also everything that it added to other devices, and the devices that it created.
    type: bool
    default: false
  state:
    description:
      - Whether the VIPs should exist.
      - V(absent) removes what this module added, and returns a warning for VIPs that it did not add.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - pyroute2 0.5.14 or newer (package C(python3-pyroute2))
  - root on the managed host
seealso:
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.tunnel_guard
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Add the VIP to the tunnel device of a real server
  lvs.cluster.tunl_vip:
    vip: 192.168.56.185

- name: Add a VIP to an ordinary device of the director
  lvs.cluster.tunl_vip:
    vip: 192.168.56.187
    device: eth0
    announce: true

- name: Receive GUE, for a VIP that is on lo
  lvs.cluster.tunl_vip:
    device: sit0
    tunnel_type: gue
    tunnel_port: 6080

- name: Create a device for GRE with checksums
  lvs.cluster.tunl_vip:
    vips: [192.168.56.185, "2001:db8::185"]
    device: lvsgre
    tunnel_type: gre
    tunnel_checksum: checksum
    local: 192.168.56.183

- name: Restore the former state of a device
  lvs.cluster.tunl_vip:
    device: tunl0
    state: absent
"""

RETURN = r"""
devices:
  description: The listed devices after the task.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the device.
      returned: success
      type: str
      sample: tunl0
    kind:
      description: The kind of the tunnel device, as ip(8) names it.
      returned: success, for tunnel devices
      type: str
      sample: ipip
    local:
      description: The local address of the tunnel.
      returned: success, for tunnel devices with a local address
      type: str
      sample: 192.168.56.183
    remote:
      description: The remote address of the tunnel.
      returned: success, for tunnel devices with a remote address
      type: str
      sample: 192.168.56.181
    tunnel_port:
      description: The UDP port of the GUE listener that the device uses.
      returned: success, for devices with C(tunnel_type=gue)
      type: int
      sample: 6080
    mtu:
      description: The MTU in bytes.
      returned: success
      type: int
      sample: 1480
    up:
      description: Whether the device is up. Omitted if it is down.
      returned: success, if the device is up
      type: bool
      sample: true
    vips:
      description:
        - All host addresses on the device, including those that were added by other means. Of the addresses with a network, those that
          are named, and those that replaced a VIP of this module.
      returned: success
      type: list
      elements: str
      sample: [192.168.56.185]
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample:
    - ip address add 192.168.56.185/32 dev tunl0
    - ip route add 192.168.56.185 dev tunl0 scope link
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
      sample: add
    kind:
      description:
        - The kind of object that changed, V(unmanaged), V(tunnel), V(mtu), V(up), V(listener), V(address) or V(route).
        - V(unmanaged) stands for the files that keep network managers away from a device.
      returned: success
      type: str
      sample: address
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {device: tunl0, vip: 192.168.56.185}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: ip address add 192.168.56.185/32 dev tunl0
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._net.options import ARGUMENT_SPEC
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunl_vip import TunlVip


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, TunlVip())


if __name__ == "__main__":
    main()
