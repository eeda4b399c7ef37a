#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server in a virtual service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_dest
short_description: Manage a real server of a virtual service
version_added: 0.1.0
description:
  - Adds, changes or removes a destination of a virtual service in the kernel's IPVS table, as C(ipvsadm -a), C(-e) and C(-d) do.
  - The service has to be there. An option left out stays as the kernel has it, so a weight is changed by naming nothing but the weight.
  - A destination is changed in place. Its connections stay.
options:
  rip:
    description: The real server's address, a unicast address of the same family as O(vip).
    type: str
    required: true
  rport:
    description:
      - The real server's port, V(1) to V(65535), the service's own if left out.
      - Another port than the service's works with O(forward=masquerade) alone. Tunnelling and direct routing rewrite no ports.
        See M(lvs.cluster.port_dnat) for them.
    type: int
  forward:
    description:
      - How packets reach the real server. V(tunnel) wraps them in another IP packet, V(route) sends them on unchanged (direct routing),
        V(masquerade) rewrites their addresses (NAT).
      - Left out, a new destination gets V(tunnel).
    type: str
    choices: [tunnel, route, masquerade]
  weight:
    description:
      - The share of new connections relative to the other real servers, V(0) (none) to V(2147483647).
      - Left out, a new destination gets V(1).
    type: int
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.port_dnat
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.service
"""

EXAMPLES = r"""
- name: A real server behind an IPIP tunnel
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183

- name: Twice as much for it
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183
    weight: 2

- name: Network address translation to another port
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.187
    port: 80
    rip: 192.168.56.184
    rport: 8080
    forward: masquerade

- name: Out of the service
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.184
    state: absent
"""

RETURN = r"""
destination:
  description: The destination as it is now; empty where it is absent.
  returned: success
  type: dict
  sample:
    vip: 192.168.56.185
    port: 80
    protocol: tcp
    rip: 192.168.56.183
    rport: 80
    forward: tunnel
    weight: 2
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["-e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._argument_spec import SERVICE_KEY
from ansible_collections.lvs.cluster.plugins.module_utils._kernel.ipvs import IpvsDestinations
from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import wanted_destination
from ansible_collections.lvs.cluster.plugins.module_utils._module import named, run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **SERVICE_KEY,
            "rip": {"type": "str", "required": True},
            "rport": {"type": "int"},
            "forward": {"type": "str", "choices": ["tunnel", "route", "masquerade"]},
            "weight": {"type": "int"},
        },
        wanted_of=wanted_destination,
        room_of=lambda options: IpvsDestinations(),
        report=named("destination"),
    )


if __name__ == "__main__":
    main()
