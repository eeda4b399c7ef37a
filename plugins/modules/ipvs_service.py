#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual service in the kernel's IPVS table."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Manage a virtual service of Linux Virtual Server
version_added: 0.1.0
description:
  - Adds, changes or removes a virtual service in the kernel's IPVS table, as C(ipvsadm -A), C(-E) and C(-D) do.
  - A service is changed in place. Its real servers and its connections stay.
options:
  scheduler:
    description:
      - How the service picks a real server, for instance V(rr), V(wrr), V(lc), V(wlc), V(sh) or V(mh). See C(ipvsadm(8)).
      - The kernel loads the module C(ip_vs_NAME) for it.
      - Left out, a new service gets V(wlc), and one that exists keeps its own.
    type: str
seealso:
  - module: lvs.cluster.ipvs_dest
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.service
"""

EXAMPLES = r"""
- name: A web service, weighted round robin
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 80
    scheduler: wrr

- name: All that the firewall marked with 7
  lvs.cluster.ipvs_service:
    fwmark: 7
    scheduler: rr

- name: No service on that port any more
  lvs.cluster.ipvs_service:
    vip: 192.168.56.186
    port: 8099
    state: absent
"""

RETURN = r"""
service:
  description: The service as it is now; empty where it is absent.
  returned: success
  type: dict
  sample: {vip: 192.168.56.185, port: 80, protocol: tcp, scheduler: wrr}
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["-A -t 192.168.56.185:80 -s wrr"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._argument_spec import SERVICE_KEY
from ansible_collections.lvs.cluster.plugins.module_utils._kernel.ipvs import IpvsServices
from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import wanted_service
from ansible_collections.lvs.cluster.plugins.module_utils._module import named, run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={**SERVICE_KEY, "scheduler": {"type": "str"}},
        wanted_of=wanted_service,
        room_of=lambda options: IpvsServices(),
        report=named("service"),
    )


if __name__ == "__main__":
    main()
