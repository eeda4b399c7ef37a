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
    description:
      - The real server's address, a unicast address of the same family as O(vip).
      - O(forward=tunnel) can go from one family to the other, as long as no sync daemon runs.
    type: str
    required: true
  rport:
    description:
      - The real server's port, V(1) to V(65535), the service's own if left out.
      - Another port than the service's works with O(forward=masquerade) alone, by O(fwmark), too. No other method rewrites ports.
        See M(lvs.cluster.port_dnat) for them.
    type: int
  forward:
    description:
      - How packets reach the real server. V(tunnel) wraps them in another IP packet, V(route) sends them on unchanged (direct routing),
        V(masquerade) rewrites their addresses (NAT), V(local) hands them to the director itself.
      - Left out, a new destination gets V(tunnel).
    type: str
    choices: [tunnel, route, masquerade, local]
  weight:
    description:
      - The share of new connections relative to the other real servers, V(0) (none) to V(65535).
      - Left out, a new destination gets V(1).
    type: int
  upper_threshold:
    description: The number of connections from which on it gets no new ones, V(0) (no limit, which a new destination has if this is left out) to V(2147483647).
    type: int
  lower_threshold:
    description:
      - The number of connections below which it gets new ones again, up to O(upper_threshold).
      - V(0), which a new destination has if this is left out, is three quarters of O(upper_threshold).
    type: int
  tunnel_type:
    description:
      - What O(forward=tunnel) wraps packets in, V(ipip) for a new destination if left out.
      - V(gue) is generic UDP encapsulation, for which the real server listens on O(tunnel_port).
    type: str
    choices: [ipip, gue, gre]
  tunnel_port:
    description: The UDP port of O(tunnel_type=gue), V(1) to V(65535), which needs one.
    type: int
  tunnel_checksum:
    description:
      - What protects the outer packet, for O(tunnel_type=gue) any of them, for O(tunnel_type=gre) V(none) or V(checksum).
      - V(remote_checksum) lets the real server make the inner checksum. V(none) for a new destination if left out.
    type: str
    choices: [none, checksum, remote_checksum]
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.port_dnat
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
  - lvs.cluster.service
  - lvs.cluster.state
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

- name: A tunnel through UDP, and no more than 1000 connections
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.182
    tunnel_type: gue
    tunnel_port: 6080
    upper_threshold: 1000

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
    upper_threshold: 0
    lower_threshold: 0
    tunnel_type: ipip
    tunnel_port: null
    tunnel_checksum: none
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["-e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._argument_spec import DESTINATION, SERVICE_KEY, STATE
from ansible_collections.lvs.cluster.plugins.module_utils._kernel.ipvs import IpvsDestinations
from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import wanted_destination
from ansible_collections.lvs.cluster.plugins.module_utils._module import named, run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={**SERVICE_KEY, **DESTINATION, **STATE},
        wanted_of=wanted_destination,
        room_of=lambda options: IpvsDestinations(),
        report=named("destination"),
    )


if __name__ == "__main__":
    main()
