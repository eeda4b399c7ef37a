#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a director, before anything is set up and after it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check a director, its real servers, paths and VIPs for outages
version_added: 0.1.0
description:
  - Checks a director's real servers and VIPs before anything is set up. It changes nothing, and does the same in check mode.
  - Fails if a real server has no route or does not answer, if packets of the assumed path MTU do not reach it, if the real servers would
    drop what this director sends, and if another host already answers for a VIP. All problems are reported at once.
  - Fails if settings of this host keep it from answering clients, see the notes.
  - Findings that may be intentional are returned as warnings. So are all findings about a path with O(paths[].optional), and with
    O(drained=warn), about the path to a drained real server. Findings about VIPs are not affected.
  - All real servers are checked in parallel. If all of them answer, this takes less than a second, otherwise a few times O(timeout).
options:
  vips:
    description:
      - The VIPs. Each is resolved with ARP or neighbour discovery on the devices whose network contains it. A VIP in no connected network
        is not checked, as no host could answer for it.
    type: list
    elements: str
    default: []
  paths:
    description: The paths to the real servers, one for each real server and forwarding method.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the real server in messages. Defaults to its address.
        type: str
      rip:
        description: The address of the real server.
        type: str
        required: true
      forward:
        description: The forwarding method. With V(masquerade), neither the path MTU nor O(sources) is checked.
        type: str
        choices: [tunnel, route, masquerade]
        default: tunnel
      tunnel_type:
        description: The tunnel type.
        type: str
        choices: [ipip, gue, gre]
        default: ipip
      tunnel_checksum:
        description: The checksum of the outer packet.
        type: str
        choices: [none, checksum, remote_checksum]
        default: none
      inner:
        description: The address families of the VIPs whose packets use this path, V(4) and V(6).
        type: list
        elements: int
        default: [4]
      mtu:
        description: The path MTU that the real server assumes (C(lvs_path_mtu)), in bytes, V(576) (IPv6 V(1280)) to V(65535).
        type: int
      port:
        description: A TCP port of the real server. If it accepts or refuses a connection, the real server need not answer echo requests.
        type: int
      optional:
        description:
          - Whether what is wrong with this path is a warning instead of a failure.
          - For a real server that takes no part in this run and for which nothing changes.
        type: bool
        default: false
  drained:
    description:
      - Whether what is wrong with the path to a drained real server is a failure.
      - With V(warn), it is a warning. A real server is drained if this host's IPVS table has at least one destination with its address,
        and all of them have weight V(0).
      - No real server is drained if the kernel module C(ip_vs) is not loaded, or if the table may not be read. The module does not
        load it.
    type: str
    choices: [check, warn]
    default: check
  devices:
    description:
      - The devices that are going to hold the VIPs, beside those that hold them already. As O(lvs.cluster.tunl_vip#module:devices).
      - Of a VIP that no device holds or is going to hold, only the settings are checked that do not depend on the device.
    type: list
    elements: dict
    default: []
    suboptions:
      device:
        description: The device.
        type: str
        required: true
      vips:
        description: The VIPs.
        type: list
        elements: str
        required: true
  directors:
    description:
      - The addresses (DIPs) of the other directors, where VIPs move between several of them. One of them may answer for a VIP.
      - It is a fault if this host has a VIP, and one of them answers for it, too.
    type: list
    elements: str
    default: []
  services:
    description:
      - The virtual services that this collection is going to own. It is a fault if a keepalived runs on this host with a configuration that this
        collection did not make, and has one of them, as both would change the same services.
      - Of that configuration, only the lines with C(virtual_server) are read. There is a warning of files that it includes.
    type: list
    elements: dict
    default: []
    suboptions:
      vip:
        description: The VIP.
        type: str
      port:
        description: The port, V(0) to V(65535).
        type: int
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      fwmark:
        description: The firewall mark, in place of O(services[].vip) and O(services[].port), V(1) to V(4294967295).
        type: int
      family:
        description: The address family of a service with a firewall mark. Defaults to V(ipv4).
        type: str
        choices: [ipv4, ipv6]
  phase:
    description:
      - With V(before), for checks before setup.
      - With V(after), for a verification after it. The VIPs have to be on this host, or on one of O(directors). O(devices) is not used, and
        real servers must not answer for a VIP, unless the path is O(paths[].optional). Paths are not probed, as M(lvs.cluster.vip_probe)
        does this.
    type: str
    choices: [before, after]
    default: before
  sources:
    description:
      - The addresses from which the real servers accept tunnelled packets (C(lvs_dip)).
      - An address family without an address in this list is not checked.
    type: list
    elements: str
    default: []
  untracked:
    description:
      - Whether packets for the VIPs are going to be exempted from connection tracking, as M(lvs.cluster.firewall) does where firewalld or ufw
        runs. There is then no warning of rules that drop what is invalid to connection tracking.
    type: bool
    default: false
  timeout:
    description: The timeout for each kind of probe, in seconds, V(0.1) to V(30).
    type: float
    default: 2
requirements:
  - root on the managed host
notes:
  - Settings of C(net.ipv4.conf) count with the larger of the values of C(all) and of the device that faces the clients, which is the one
    whose network contains the VIP.
  - The module fails with C(arp_ignore) V(1) and V(2) if the VIP is on another device than the one that faces the clients, with V(3) if the
    VIP has scope host, and with V(8).
  - It fails if an IPv6 VIP is on another device than the one that faces the clients, unless C(proxy_ndp) is set, and if C(disable_ipv6) is
    set on the device that is going to hold it.
  - It fails with C(net.ipv4.ip_forward=0) or C(net.ipv6.conf.all.forwarding=0) if a path of the family has O(paths[].forward=masquerade),
    unless a single device forwards. Tunnels and direct routing need no forwarding.
  - It warns of a strict C(rp_filter) on a device that faces clients while the default route is over another device, of
    C(net.ipv4.vs.drop_entry=3) and C(net.ipv4.vs.drop_packet=3), and of rules of nftables that drop what is invalid to connection tracking.
    If the program C(nft) is not installed, no rules are checked.
  - C(arp_announce) does not matter on a director, as it only sends ARP replies for a VIP, and no requests from it that clients depend on.
seealso:
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.vip_probe
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Check two real servers, and that no other host has the VIP
  lvs.cluster.preflight:
    vips: [192.168.56.185]
    paths:
      - {name: rs1, rip: 192.168.56.183, port: 80}
      - {name: rs2, rip: 192.168.56.184, port: 80, mtu: 1400}
    sources: [192.168.56.181]
    devices:
      - {device: tunl0, vips: [192.168.56.185]}

- name: Check after setup that this director answers for its VIP
  lvs.cluster.preflight:
    vips: [192.168.56.185]
    phase: after

- name: Check them while rs2 is drained and powered off
  lvs.cluster.preflight:
    paths:
      - {name: rs1, rip: 192.168.56.183, port: 80}
      - {name: rs2, rip: 192.168.56.184, port: 80}
    drained: warn
"""

RETURN = r"""
paths:
  description: The result for each path, in the order of O(paths). Empty with O(phase=after).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the real server.
      returned: success
      type: str
      sample: rs1
    rip:
      description: The address of the real server.
      returned: success
      type: str
      sample: 192.168.56.183
    source:
      description: The source address that this host uses. V(null) if there is no route.
      returned: success
      type: str
      sample: 192.168.56.181
    mtu:
      description:
        - The path MTU, the largest packet in bytes that arrives without fragmentation.
        - The MTU of the route if no echo request is answered, and with O(paths[].forward=masquerade).
        - V(null) if there is no route.
      returned: success
      type: int
      sample: 1500
    inner_mtu:
      description: The bytes that remain for clients' packets inside the tunnel. V(null) if there is no route.
      returned: success
      type: int
      sample: 1480
    alive:
      description:
        - Whether an echo request was answered, or the port accepted or refused a connection.
        - V(false) if the real server answered nothing but ARP or neighbour discovery.
      returned: success
      type: bool
      sample: true
holders:
  description: The MAC addresses of other hosts that answer for each VIP that was checked.
  returned: success
  type: dict
  sample: {192.168.56.185: []}
links:
  description:
    - This host's own address in each connected network that contains a VIP. Clients in this network resolve the VIP.
    - As O(lvs.cluster.vip_probe#module:resolve).
  returned: success
  type: list
  elements: dict
  contains:
    vip:
      description: The VIP.
      returned: success
      type: str
      sample: 192.168.56.185
    address:
      description: The own address.
      returned: success
      type: str
      sample: 192.168.56.181
unchecked:
  description: The VIPs that are in no connected network of this host.
  returned: success
  type: list
  elements: str
  sample: []
warnings:
  description: Findings that may be intentional, settings that may surprise, and findings about real servers that are drained or take no part in this run.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight import ARGUMENT_SPEC, read


def main() -> None:
    """Run the module."""
    run_reading(ARGUMENT_SPEC, read)


if __name__ == "__main__":
    main()
