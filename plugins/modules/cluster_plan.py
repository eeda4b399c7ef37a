#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_plan
short_description: Check a description of a cluster and expand it
version_added: 0.1.0
description:
  - Takes the one description of the cluster and works out what the director and each real server has to hold, or to let go of.
  - Runs on the controller, over the same rules as the modules, before anything is installed or changed anywhere. Fails with all
    the faults at once, each with the name of the service and the field.
options:
  services:
    description: The services, as the variable C(lvs_services) of the role P(lvs.cluster.lvs#role) has them.
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
    description: The device that holds IPv4 VIPs on the director where nothing else is named, and on real servers with direct routing.
    type: str
    default: tunl0
  vip6_device:
    description: The real servers' device that holds IPv6 VIPs.
    type: str
    default: lo
  director_device:
    description: The director's device that holds VIPs, where a service names no other. O(vip_device) if left out.
    type: str
  state:
    description: V(absent) makes a plan of taking everything away.
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
  description: The director's table, as M(lvs.cluster.ipvs_table) takes it, with what is to go.
  returned: success
  type: list
  elements: dict
warnings:
  description: What the user has to see to.
  returned: success
  type: list
  elements: str
preflight:
  description: What to look at before anything is changed, as options of M(lvs.cluster.preflight).
  returned: success
  type: dict
director:
  description: The VIPs that the director has to hold, as rows of options of M(lvs.cluster.tunl_vip).
  returned: success
  type: list
  elements: dict
director_withdrawn:
  description: The VIPs that it has to let go of.
  returned: success
  type: list
  elements: dict
rips:
  description: The RIPs by which services reach each real server, by host, for M(lvs.cluster.ipvs_dest).
  returned: success
  type: dict
  sample: {rs1: [192.168.56.183], rs2: [192.168.56.184]}
real_servers:
  description:
    - What each real server has to be and to hold, by host.
    - In each, C(silent) is devices for M(lvs.cluster.arp_sysctl), C(guard) options of M(lvs.cluster.tunnel_guard), C(mappings) is for
      M(lvs.cluster.port_dnat), C(clamps) is tunnels for M(lvs.cluster.mss_clamp), C(own_devices) and C(devices) are rows of options of
      M(lvs.cluster.tunl_vip). What begins with C(leaving_) is what the description knows and the host has no part in.
  returned: success
  type: dict
"""
