#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_hosts
short_description: Find the directors and the real servers of an inventory
version_added: 0.1.0
description:
  - Finds the hosts of all clusters of the inventory. A cluster consists of the hosts of the two groups that their own variables
    C(lvs_directors_group) and C(lvs_realservers_group) name, see the role P(lvs.cluster.lvs#role).
  - Runs on the controller. One host of a play runs it for all.
  - Fails if there is no director, and if hosts of a cluster name different groups.
extends_documentation_fragment:
  - lvs.cluster.action
"""

EXAMPLES = r"""
- name: Find the hosts of all clusters
  lvs.cluster.cluster_hosts:
  register: cluster
  run_once: true

- name: Group the directors
  ansible.builtin.add_host:
    name: "{{ item }}"
    groups: [my_directors]
  loop: "{{ cluster.directors }}"
  run_once: true
"""

RETURN = r"""
directors:
  description: The directors of all clusters.
  returned: success
  type: list
  elements: str
  sample: [ds1]
real_servers:
  description: The real servers of all clusters.
  returned: success
  type: list
  elements: str
  sample: [rs1, rs2]
directors_of:
  description: The directors of each real server.
  returned: success
  type: dict
  sample: {rs1: [ds1], rs2: [ds1]}
"""
