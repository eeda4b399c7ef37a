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
    errors, the task fails and lists all of them, each with the name of the service and of the field, or of the host and its variable.
  - Reads the variables of the role P(lvs.cluster.lvs#role), in the types of its specification, and refuses misspelt names of these.
  - The whole plan is made once in a run. Each host gets the part that it needs.
options:
  services:
    description: The services. The variable C(lvs_services) of the role P(lvs.cluster.lvs#role) if omitted.
    type: raw
  directors_group:
    description: The inventory group of the director. The variable C(lvs_directors_group) if omitted.
    type: str
  realservers_group:
    description: The inventory group of the real servers. The variable C(lvs_realservers_group) if omitted.
    type: str
  vip_device:
    description:
      - The device that holds IPv4 VIPs on the director, unless a service or O(director_device) names another one.
      - On real servers, the device that holds IPv4 VIPs with direct routing.
      - The variable C(lvs_vip_device) if omitted.
    type: str
  vip6_device:
    description: The device that holds IPv6 VIPs on real servers. The variable C(lvs_vip6_device) if omitted.
    type: str
  director_device:
    description:
      - The device that holds VIPs on the director, unless a service names another one.
      - The variable C(lvs_director_device) if omitted, or else O(vip_device).
    type: str
  state:
    description:
      - Whether the cluster should exist. The variable C(lvs_state) if omitted.
      - With V(absent), the plan removes everything.
    type: str
    choices: [present, absent]
  unprepared:
    description:
      - On a director, the RIPs of the real servers that are not prepared for a change, see O(lvs.cluster.ipvs_table#module:unprepared).
      - If omitted, those that the role P(lvs.cluster.realserver#role) has not set up for this plan in this run.
    type: list
    elements: str
  role:
    description:
      - What the host is to be set up as. The task fails if the host is not in the group for it.
      - If omitted, whatever the host is.
    type: str
    choices: [director, real_server]
extends_documentation_fragment:
  - lvs.cluster.action
"""

EXAMPLES = r"""
- name: Check the description and expand it
  lvs.cluster.cluster_plan:
  register: plan

- name: Show the IPVS table of the director
  ansible.builtin.debug:
    var: plan.director.services
  when: plan.director.services is defined
"""

RETURN = r"""
id:
  description: Identifies the plan. The same for all hosts of the cluster, until the description changes.
  returned: success
  type: str
  sample: 0c1b2f6fd2b44b0c97e0a3a2a1f4e6d8
settings:
  description:
    - The variables of the role P(lvs.cluster.lvs#role) on this host, without the prefix C(lvs_), with their defaults and types.
    - C(purges_vips) says whether VIPs are removed that no service of the description has.
  returned: success
  type: dict
  sample: {boot: true, purge: destinations, purges_vips: false, verify: true}
directors:
  description: The directors of the cluster that this host belongs to.
  returned: success
  type: list
  elements: str
  sample: [ds1]
real_servers:
  description: The real servers of the cluster. On a real server, itself.
  returned: success
  type: list
  elements: str
  sample: [rs1, rs2]
rips:
  description:
    - The RIPs by which the services reach each real server, by the name of the host, for M(lvs.cluster.ipvs_dest).
    - On a real server, its own.
  returned: success
  type: dict
  sample: {rs1: [192.168.56.183], rs2: [192.168.56.184]}
probes:
  description:
    - The real servers to probe through their tunnels, as O(lvs.cluster.vip_probe#module:through).
    - On a real server, itself.
  returned: success
  type: list
  elements: dict
  sample:
    - name: rs1
      vip: 192.168.56.185
      port: 80
      protocol: tcp
      rip: 192.168.56.183
      rport: 80
      forward: tunnel
      tunnel_type: ipip
      tunnel_checksum: none
director:
  description: The part of a director. Empty on other hosts.
  returned: success
  type: dict
  contains:
    services:
      description: The virtual services, including those to remove, as O(lvs.cluster.ipvs_table#module:services).
      returned: on a director
      type: list
      elements: dict
      sample:
        - vip: 192.168.56.185
          port: 80
          protocol: tcp
          scheduler: wrr
          destinations:
            - {rip: 192.168.56.183, forward: tunnel, weight: 1, tunnel_type: ipip}
    names:
      description: The names of the services, in the same order.
      returned: on a director
      type: list
      elements: str
      sample: [web]
    preflight:
      description: The options of M(lvs.cluster.preflight), for its checks before anything is changed and after it.
      returned: on a director
      type: dict
      sample:
        vips: [192.168.56.185]
        paths: [{name: rs1, rip: 192.168.56.183, forward: tunnel, tunnel_type: ipip, tunnel_checksum: none, inner: [4], port: 80}]
        sources: [192.168.56.181]
        devices: [{device: tunl0, vips: [192.168.56.185]}]
        services: [{vip: 192.168.56.185, port: 80, protocol: tcp}]
    sorry_servers:
      description: The services with a sorry server, by the options that identify them, with its address, its port if it has one of its own, and
        the weight that has to be left without it.
      returned: on a director
      type: list
      elements: dict
      sample: [{vip: 192.168.56.185, port: 80, protocol: tcp, rip: 192.168.56.190, rport: null, quorum: 1}]
    hosts:
      description: The names of the real servers of the inventory, by their RIP.
      returned: on a director
      type: dict
      sample: {192.168.56.183: rs1, 192.168.56.184: rs2}
    setup:
      description:
        - What the director needs before it has VIPs, as O(lvs.cluster.batch#module:steps). Only what runs with the tags of the command line.
      returned: on a director
      type: list
      elements: dict
      sample:
        - ipvs_sysctl: {settings: {conn_reuse_mode: 3}, persist: true}
        - ipvs_table: {services: [], purge: destinations, keep_weights: false, unprepared: []}
    label:
      description: The RV(id), as O(lvs.cluster.batch#module:label). Empty if tags leave out the table.
      returned: on a director
      type: str
      sample: 0c1b2f6fd2b44b0c97e0a3a2a1f4e6d8
    finish:
      description:
        - What the director needs after that, as O(lvs.cluster.batch#module:steps), without the VIPs of new services that were left out in
          this run.
      returned: on a director
      type: list
      elements: dict
      sample:
        - tunl_vip: {devices: [{device: tunl0, vips: [192.168.56.185]}], purge: false, announce: true}
    held_back:
      description: The services that had to be left as they were in this run, as RV(lvs.cluster.ipvs_table#module:held_back).
      returned: on a director
      type: list
      elements: dict
      sample: []
    untracked:
      description:
        - How many of the services with tunnels or direct routing are exempted from connection tracking where a firewall runs. Those by
          firewall mark are not, and neither are those that masquerade as well.
      returned: on a director
      type: str
      choices: [none, some, all]
      sample: all
    tcp_services:
      description: The services that clients can connect to, as O(lvs.cluster.vip_probe#module:services).
      returned: on a director
      type: list
      elements: dict
      sample: [{vip: 192.168.56.185, port: 80}]
    ready:
      description: The other directors that have been set up for this plan in this run, so that they can take the VIPs.
      returned: on a director
      type: list
      elements: str
      sample: [ds2]
    neighbours:
      description:
        - The real servers that resolve the VIPs in the verification, for M(lvs.cluster.vip_probe). For each network with VIPs, the one with
          the nearest RIP, of those that were contacted in this run.
      returned: on a director
      type: list
      elements: str
      sample: [rs1]
    unreachable:
      description: The hosts that were found unreachable in this run.
      returned: on a director
      type: list
      elements: str
      sample: []
real_server:
  description: The part of a real server. Empty on other hosts.
  returned: success
  type: dict
  contains:
    setup:
      description: What it needs, as O(lvs.cluster.batch#module:steps). Only those of the tags of the command line.
      returned: on a real server
      type: list
      elements: dict
      sample:
        - arp_sysctl: {device: tunl0, rp_filter: 2, persist: true}
        - tunl_vip: {devices: [{device: tunl0, vips: [192.168.56.185]}]}
        - state_info: {}
    label:
      description: The RV(id), as O(lvs.cluster.batch#module:label). Empty if tags leave out a step.
      returned: on a real server
      type: str
      sample: 0c1b2f6fd2b44b0c97e0a3a2a1f4e6d8
    release:
      description:
        - The removal of what it no longer needs, as O(lvs.cluster.batch#module:steps).
        - Without what a director still uses. Empty if nothing on the host is of this collection.
      returned: on a real server
      type: list
      elements: dict
      sample: []
    waiting_for:
      description: The directors that the role P(lvs.cluster.director#role) has not set up for this plan in this run.
      returned: on a real server
      type: list
      elements: str
      sample: []
warnings:
  description: Findings that the user should look at.
  returned: success
  type: list
  elements: str
  sample: ["service 'web', real_servers: is empty: every connection will be refused"]
"""
