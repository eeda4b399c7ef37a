#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_status
short_description: Report the status of a cluster
version_added: 0.1.0
description:
  - Prints a table in the style of C(ipvsadm -L) and the differences from the inventory. Writes the same to an HTML page with a diagram.
  - Reports what other tasks have read. The playbook C(lvs.cluster.status) contains these tasks.
  - The page is a single file that needs neither a network nor scripts. It counts as output and not as a change, so the task never
    reports a change. The page is replaced as a whole. It is not written in check mode.
options:
  directors:
    description:
      - For each director, its C(name), the result of M(lvs.cluster.ipvs_info) as C(info), and the C(results) of tasks run in check mode.
      - From the results, C(commands) are reported as differences, along with C(warnings). For a task that failed and for a host that
        could not be reached, the message is reported.
      - C(services), C(names), C(hosts) and C(sorry_servers) are what the description says, as in RV(lvs.cluster.cluster_plan#module:director).
      - C(engine) is O(lvs.cluster.lvs#role:main:lvs_engine). A table that another program owns is reported as a difference.
      - A real server that keepalived has taken out as its check fails is reported as such, and is no difference. A service is reported as an
        error if none of its real servers is left.
      - C(vrrp) is what M(lvs.cluster.state_info) returns, and C(directors) the names of the directors of the same cluster. With these, it is
        reported if several directors hold the VIPs, or none of them.
      - If a destination in C(info) has a value in C(drained), this is reported as its weight before the drain.
    type: list
    elements: dict
    required: true
  real_servers:
    description: For each real server, its C(name) and the C(results) of tasks run in check mode.
    type: list
    elements: dict
    required: true
  page:
    description:
      - The file on the controller for the HTML page, relative to the current directory.
      - If empty, no page is written.
    type: str
    default: lvs-status.html
extends_documentation_fragment:
  - lvs.cluster.action
"""

EXAMPLES = r"""
- name: Report the status of the cluster
  lvs.cluster.cluster_status:
    directors:
      - name: ds1
        info: "{{ ipvs }}"
        results: ["{{ table }}"]
        services: "{{ plan.director.services }}"
        names: "{{ plan.director.names }}"
        hosts: "{{ plan.director.hosts }}"
        sorry_servers: "{{ plan.director.sorry_servers }}"
        engine: "{{ plan.settings.engine }}"
    real_servers: []
    page: /var/www/html/lvs.html
"""

RETURN = r"""
table:
  description: The lines of the table. Printed as they are, if the callback that writes the output is Ansible's default.
  returned: success
  type: list
  elements: str
state:
  description:
    - The most severe state of any host, in this order V(unreachable), V(failed), V(outage), V(differs), V(out), V(same).
    - With V(outage), a service of a director has real servers that are out, and none that is left. With V(out), real servers are out.
  returned: success
  type: str
  sample: same
page:
  description: The path of the page. Empty if no page was written.
  returned: success
  type: str
  sample: /home/admin/lvs-status.html
"""
