#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_status
short_description: Show how a cluster stands
version_added: 0.1.0
description:
  - Prints a table in the manner of C(ipvsadm -L), and what differs from the inventory, and writes the same as a page with a drawing.
  - Shows what other tasks have read. The playbook C(lvs.cluster.status) has them.
  - The page is one file that needs no network and no script. It is output, not a change, so the task is never changed.
    It is replaced whole, and not written in check mode.
options:
  directors:
    description:
      - Of each director its C(name), the result of M(lvs.cluster.ipvs_info) as C(info), and the C(results) of tasks in check mode.
      - Of the results, C(commands) are shown as differences, and C(warnings). A task that failed, and a host that could not be reached,
        are shown with their message.
      - Where a destination in C(info) has C(drained), that is shown as its weight before the drain.
    type: list
    elements: dict
    required: true
  real_servers:
    description: Of each real server its C(name) and the C(results) of tasks in check mode.
    type: list
    elements: dict
    required: true
  services:
    description: The services of the inventory, as M(lvs.cluster.cluster_plan) returns them.
    type: list
    elements: dict
    required: true
  names:
    description: The names of O(services), in the same order.
    type: list
    elements: str
    required: true
  hosts:
    description: Which real server has which RIP, as M(lvs.cluster.cluster_plan) returns it.
    type: dict
    required: true
  page:
    description: The file on the controller to write the page to, from the current folder. Nothing is written where it is empty.
    type: str
    default: lvs-status.html
extends_documentation_fragment:
  - lvs.cluster.action
"""

EXAMPLES = r"""
- name: Show how the cluster stands
  lvs.cluster.cluster_status:
    directors:
      - name: ds1
        info: "{{ found }}"
        results: ["{{ table }}"]
    real_servers: []
    services: "{{ lvs_plan.services }}"
    names: "{{ lvs_services | map(attribute='name') }}"
    hosts: "{{ lvs_plan.hosts }}"
    page: /var/www/html/lvs.html
"""

RETURN = r"""
table:
  description: The lines that were printed.
  returned: success
  type: list
  elements: str
state:
  description: The gravest state of a host, V(unreachable), V(failed), V(differs) or V(same).
  returned: success
  type: str
  sample: same
page:
  description: The file that was written; empty where none was.
  returned: success
  type: str
  sample: /home/admin/lvs-status.html
"""
