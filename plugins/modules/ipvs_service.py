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
  scheduler_flags:
    description:
      - Settings of the scheduler, all of them. An empty list takes them away.
      - V(fallback) picks another real server where the chosen one takes none, and V(port) counts the client's port in. They are flags of
        the schedulers V(sh) and V(mh), of which O(scheduler) has to name one along with them.
      - V(flag-1), V(flag-2) and V(flag-3) are their names for any scheduler. V(fallback) is V(flag-1) and V(port) is V(flag-2).
    type: list
    elements: str
    choices: [fallback, port, flag-1, flag-2, flag-3]
  persistence_timeout:
    description:
      - How long a client stays with its real server after its last connection ended, in seconds, up to V(2678400) (31 days).
      - V(0) is no persistence. A new service has none if this is left out.
    type: int
  persistence_netmask:
    description:
      - The clients that stay together, those whose addresses are equal under this mask, such as V(255.255.255.0), or its length.
        For IPv6, the length, V(1) to V(128). Needs persistence.
      - Left out, each client of a new service is by itself.
    type: str
  persistence_engine:
    description: V(sip) keeps the packets of a SIP call together, by its Call-ID. Needs persistence, and O(protocol=udp) or a O(fwmark).
    type: str
    choices: [none, sip]
  one_packet:
    description: Whether each packet is scheduled by itself. Needs O(protocol=udp) or a O(fwmark).
    type: bool
seealso:
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.ipvs_table
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
  - lvs.cluster.service
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: A web service, weighted round robin
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 80
    scheduler: wrr

- name: Each client stays with its real server for five minutes, together with its /24
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 443
    persistence_timeout: 300
    persistence_netmask: 255.255.255.0

- name: By the client's address and port, and past a real server that is drained
  lvs.cluster.ipvs_service:
    vip: 2001:db8::185
    port: 80
    scheduler: mh
    scheduler_flags: [fallback, port]

- name: DNS, a query at a time
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 53
    protocol: udp
    one_packet: true

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
  sample:
    vip: 192.168.56.185
    port: 80
    protocol: tcp
    scheduler: wrr
    scheduler_flags: []
    persistence_timeout: 0
    persistence_netmask: null
    persistence_engine: none
    one_packet: false
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["-A -t 192.168.56.185:80 -s wrr"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import SERVICE, SERVICE_KEY, STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import named, run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import IpvsServices
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import wanted_service


def main() -> None:
    """Run the module."""
    run(
        argument_spec={**SERVICE_KEY, **SERVICE, **STATE},
        wanted_of=wanted_service,
        room_of=lambda options: IpvsServices(),
        report=named("service"),
    )


if __name__ == "__main__":
    main()
