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
  - Adds, changes or removes a virtual service in the kernel's IPVS table, like C(ipvsadm -A), C(-E) and C(-D).
  - A service is changed in place. Its real servers and connections are kept.
options:
  scheduler:
    description:
      - The scheduler, for instance V(rr), V(wrr), V(lc), V(wlc), V(sh) or V(mh). See ipvsadm(8).
      - The kernel loads the module C(ip_vs_NAME) for it.
      - A new service gets V(wlc) by default. An existing service keeps its scheduler.
    type: str
  scheduler_flags:
    description:
      - The flags of the scheduler, as a complete list. An empty list clears them.
      - V(fallback) chooses another real server if the first choice accepts no connections. V(port) includes the client's port in the
        hash. They are flags of the schedulers V(sh) and V(mh), one of which O(scheduler) has to name as well.
      - V(flag-1), V(flag-2) and V(flag-3) are generic names for any scheduler. V(fallback) is V(flag-1), and V(port) is V(flag-2).
    type: list
    elements: str
    choices: [fallback, port, flag-1, flag-2, flag-3]
  persistence_timeout:
    description:
      - How long a client stays with its real server after its last connection has ended, in seconds, up to V(2678400) (31 days).
      - V(0) turns persistence off, which is the default for a new service.
    type: int
  persistence_netmask:
    description:
      - Clients whose addresses are equal under this netmask stay together. A netmask such as V(255.255.255.0) or its length. For IPv6,
        the prefix length, V(1) to V(128). Requires persistence.
      - In a new service, each client is on its own by default.
    type: str
  persistence_engine:
    description: V(sip) keeps the packets of a SIP call together, by Call-ID. Requires persistence, and O(protocol=udp) or O(fwmark).
    type: str
    choices: [none, sip]
  one_packet:
    description: Whether to schedule each packet on its own. Requires O(protocol=udp) or O(fwmark).
    type: bool
  state:
    description:
      - Whether the virtual service should exist.
      - V(absent) removes it with all its destinations.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.ipvs_table
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
  - lvs.cluster.service
"""

EXAMPLES = r"""
- name: Create a web service with weighted round robin
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 80
    scheduler: wrr

- name: Keep all clients of a /24 network on the same real server for five minutes
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 443
    persistence_timeout: 300
    persistence_netmask: 255.255.255.0

- name: Hash the client's address and port, and skip real servers that are drained
  lvs.cluster.ipvs_service:
    vip: 2001:db8::185
    port: 80
    scheduler: mh
    scheduler_flags: [fallback, port]

- name: Schedule each DNS query on its own
  lvs.cluster.ipvs_service:
    vip: 192.168.56.185
    port: 53
    protocol: udp
    one_packet: true

- name: Create a service for packets with firewall mark 7
  lvs.cluster.ipvs_service:
    fwmark: 7
    scheduler: rr

- name: Remove a service
  lvs.cluster.ipvs_service:
    vip: 192.168.56.186
    port: 8099
    state: absent
"""

RETURN = r"""
service:
  description: The service after the task. Empty if it is absent.
  returned: success
  type: dict
  contains:
    vip:
      description: The address of the virtual service.
      returned: success, unless the service has a firewall mark
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the virtual service.
      returned: success, unless the service has a firewall mark
      type: int
      sample: 80
    protocol:
      description: The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      returned: success, unless the service has a firewall mark
      type: str
      sample: tcp
    fwmark:
      description: The firewall mark of the virtual service.
      returned: success, if the service has a firewall mark
      type: int
      sample: 7
    family:
      description: The address family of a virtual service with a firewall mark, V(ipv4) or V(ipv6).
      returned: success, if the service has a firewall mark
      type: str
      sample: ipv4
    scheduler:
      description: The scheduler.
      returned: success
      type: str
      sample: wrr
    scheduler_flags:
      description: The flags of the scheduler.
      returned: success
      type: list
      elements: str
      sample: []
    persistence_timeout:
      description: The persistence timeout in seconds. V(0) for a service without persistence.
      returned: success
      type: int
      sample: 0
    persistence_netmask:
      description: The netmask, for IPv6 the prefix length, that groups clients. V(null) without persistence.
      returned: success
      type: str
      sample: 255.255.255.255
    persistence_engine:
      description: The persistence engine, V(none) or V(sip).
      returned: success
      type: str
      sample: none
    one_packet:
      description: Whether each packet is scheduled on its own.
      returned: success
      type: bool
      sample: false
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["ipvsadm -A -t 192.168.56.185:80 -s wrr"]
changes:
  description: The same changes as data. RV(commands) has the lines of RV(changes[].command).
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: The action, V(add), V(set) or V(remove).
      returned: success
      type: str
      sample: add
    kind:
      description: The kind of object that changed, V(service).
      returned: success
      type: str
      sample: service
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {vip: 192.168.56.185, port: 80, protocol: tcp}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "ipvsadm -A -t 192.168.56.185:80 -s wrr"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_service import ARGUMENT_SPEC, IpvsService


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsService())


if __name__ == "__main__":
    main()
