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
  tunnel_device:
    description: The device that holds the VIPs, except where a service names another one for the director.
    type: str
    default: tunl0
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
director:
  description: What the director has to hold beside its table, as options of the modules, in the lists C(vips) and C(mappings).
  returned: success
  type: dict
director_withdrawn:
  description: What it has to let go of.
  returned: success
  type: dict
real_servers:
  description: What each real server has to hold, by host, in the same lists.
  returned: success
  type: dict
real_servers_withdrawn:
  description: What each real server has to let go of, by host.
  returned: success
  type: dict
"""
