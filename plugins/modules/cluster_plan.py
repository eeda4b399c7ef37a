#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_plan
short_description: Check a cluster description and expand it for each host
version_added: 0.1.0
description:
  - Takes the description of the cluster and works out what the director and each real server should have, and what they should remove.
  - Runs on the controller before anything is installed or changed, and applies the same rules as the modules. If the description has
    errors, the task fails and lists all of them, each with the name of the service and of the field.
options:
  services:
    description: The services, as in the variable C(lvs_services) of the role P(lvs.cluster.lvs#role).
    type: raw
    required: true
  directors_group:
    description: The inventory group of the director.
    type: str
    default: directors
  realservers_group:
    description: The inventory group of the real servers.
    type: str
    default: realservers
  vip_device:
    description:
      - The device that holds IPv4 VIPs on the director, unless a service or O(director_device) names another one.
      - On real servers, the device that holds IPv4 VIPs with direct routing.
    type: str
    default: tunl0
  vip6_device:
    description: The device that holds IPv6 VIPs on real servers.
    type: str
    default: lo
  director_device:
    description: The device that holds VIPs on the director, unless a service names another one. Defaults to O(vip_device).
    type: str
  state:
    description:
      - Whether the cluster should exist.
      - With V(absent), the plan removes everything.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.action
"""

EXAMPLES = r"""
- name: Check the description and expand it
  lvs.cluster.cluster_plan:
    services: "{{ lvs_services }}"
  register: lvs_plan
"""

RETURN = r"""
services:
  description: The director's virtual services, including those to remove, as the option O(lvs.cluster.ipvs_table#module:services).
  returned: success
  type: list
  elements: dict
  sample:
    - vip: 192.168.56.185
      port: 80
      protocol: tcp
      scheduler: wrr
      scheduler_flags: []
      persistence_timeout: 0
      persistence_engine: none
      one_packet: false
      destinations:
        - rip: 192.168.56.183
          forward: tunnel
          weight: 1
          upper_threshold: 0
          lower_threshold: 0
          tunnel_type: ipip
          tunnel_checksum: none
warnings:
  description: Findings that the user should look at.
  returned: success
  type: list
  elements: str
  sample: ["service 'web', real_servers: is empty: every connection will be refused"]
preflight:
  description: The options of M(lvs.cluster.preflight), for checks before anything is changed.
  returned: success
  type: dict
  contains:
    vips:
      description: The VIPs, as O(lvs.cluster.preflight#module:vips).
      returned: success
      type: list
      elements: str
      sample: [192.168.56.185]
    paths:
      description: The paths to the real servers, as O(lvs.cluster.preflight#module:paths).
      returned: success
      type: list
      elements: dict
      sample:
        - {name: rs1, rip: 192.168.56.183, forward: tunnel, tunnel_type: ipip, tunnel_checksum: none, inner: [4], port: 80}
    sources:
      description: The addresses of the directors, as O(lvs.cluster.preflight#module:sources).
      returned: success
      type: list
      elements: str
      sample: [192.168.56.181]
probes:
  description: The real servers to probe through their tunnels, as O(lvs.cluster.vip_probe#module:through).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the real server.
      returned: success
      type: str
      sample: rs1
    vip:
      description: The VIP of the service.
      returned: success
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the service.
      returned: success
      type: int
      sample: 80
    protocol:
      description: The protocol of the service.
      returned: success
      type: str
      sample: tcp
    rip:
      description: The address of the real server.
      returned: success
      type: str
      sample: 192.168.56.183
    rport:
      description: The port that the program on the real server listens on.
      returned: success, unless it is V(0)
      type: int
      sample: 80
    forward:
      description: The forwarding method.
      returned: success
      type: str
      sample: tunnel
    tunnel_type:
      description: The tunnel type.
      returned: success, with C(forward=tunnel)
      type: str
      sample: ipip
    tunnel_port:
      description: The UDP port of a GUE tunnel.
      returned: success, with C(tunnel_type=gue)
      type: int
      sample: 6080
    tunnel_checksum:
      description: The checksum of the outer packet.
      returned: success, with C(forward=tunnel)
      type: str
      sample: none
director_vips:
  description: The VIPs that the director should have, as O(lvs.cluster.tunl_vip#module:devices).
  returned: success
  type: list
  elements: dict
  contains:
    device:
      description: The device that holds the VIPs.
      returned: success
      type: str
      sample: tunl0
    vips:
      description: The VIPs.
      returned: success
      type: list
      elements: str
      sample: [192.168.56.185]
director_vips_removed:
  description: The VIPs that the director should remove, as O(lvs.cluster.tunl_vip#module:devices).
  returned: success
  type: list
  elements: dict
  contains:
    device:
      description: The device that holds the VIPs.
      returned: success
      type: str
      sample: tunl0
    vips:
      description: The VIPs.
      returned: success
      type: list
      elements: str
      sample: [192.168.56.186]
real_servers:
  description:
    - The configuration of each real server, by the name of the host.
    - The lists whose names begin with C(removed_) are VIPs, port mappings and segment sizes of described services that are not
      assigned to this host.
  returned: success
  type: dict
  contains:
    inventory_hostname:
      description: The configuration of one real server. The key is the name of the host.
      returned: success
      type: dict
      contains:
        arp_silent_devices:
          description: The devices that need the settings of M(lvs.cluster.arp_sysctl).
          returned: success
          type: list
          elements: str
          sample: [tunl0]
        guard:
          description: The options of M(lvs.cluster.tunnel_guard). Empty if the host takes no tunnelled packets.
          returned: success
          type: dict
          contains:
            sources:
              description: The addresses of the directors, as O(lvs.cluster.tunnel_guard#module:sources).
              returned: success
              type: list
              elements: str
              sample: [192.168.56.181]
            protocols:
              description: The protocol numbers of the tunnels, as O(lvs.cluster.tunnel_guard#module:protocols).
              returned: success
              type: list
              elements: int
              sample: [4]
            gue_ports:
              description: The UDP ports for GUE, as O(lvs.cluster.tunnel_guard#module:gue_ports).
              returned: success
              type: list
              elements: int
              sample: []
        mappings:
          description: The port mappings, as O(lvs.cluster.port_dnat#module:mappings).
          returned: success
          type: list
          elements: dict
          sample: [{vip: 192.168.56.186, port: 8099, protocol: tcp, to_port: 80}]
        mss:
          description: The tunnels whose segment size is announced, as O(lvs.cluster.mss_clamp#module:tunnels).
          returned: success
          type: list
          elements: dict
          sample: [{vip: 192.168.56.185, director: 192.168.56.181, tunnel_type: ipip, tunnel_checksum: none}]
        tunnel_devices:
          description: The tunnel devices to create, without VIPs, as O(lvs.cluster.tunl_vip#module:devices).
          returned: success
          type: list
          elements: dict
          sample: [{device: lvsgre, tunnel_type: gre, tunnel_checksum: checksum, local: 192.168.56.183}]
        devices:
          description: The devices with their VIPs, as O(lvs.cluster.tunl_vip#module:devices).
          returned: success
          type: list
          elements: dict
          sample: [{device: tunl0, vips: [192.168.56.185]}]
        removed_devices:
          description: The VIPs to remove, as O(lvs.cluster.tunl_vip#module:devices).
          returned: success
          type: list
          elements: dict
          sample: [{device: gre0, vips: [192.168.56.185], state: absent}]
        removed_mappings:
          description: The port mappings to remove, as O(lvs.cluster.port_dnat#module:mappings).
          returned: success
          type: list
          elements: dict
          sample: [{vip: 192.168.56.185, port: 80, protocol: tcp}]
        removed_mss:
          description: The VIPs whose segment size to remove, as O(lvs.cluster.mss_clamp#module:tunnels).
          returned: success
          type: list
          elements: dict
          sample: [{vip: 192.168.56.187}]
hosts:
  description: The names of the real servers of the inventory, by their RIP.
  returned: success
  type: dict
  sample: {192.168.56.183: rs1, 192.168.56.184: rs2}
rips:
  description: The RIPs under which the services reach each real server, by the name of the host, for M(lvs.cluster.ipvs_dest).
  returned: success
  type: dict
  sample: {rs1: [192.168.56.183], rs2: [192.168.56.184]}
"""
