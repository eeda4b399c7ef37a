#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port mappings on a real server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_dnat
short_description: Map ports of a VIP to other ports on a real server
version_added: 0.1.0
description:
  - With tunnelling and direct routing, a packet arrives at the real server with the destination port that the client used. If the
    program there listens on another port, this module translates the port on the real server.
  - The mappings are in two maps, for IPv4 and IPv6, of the nftables table C(inet lvs_cluster), and are used by its chain C(prerouting).
    Other tables are not changed. All changes of a task are one transaction. A changed mapping applies to new connections at once.
    Existing connections are not affected.
  - The chain is removed with its last mapping, and the table with the last chain of this collection. Do not add rules to this chain.
    Anything else that was added to the table by other means is kept.
  - Packet filters of the host see the translated port.
options:
  vip:
    description:
      - The address that clients use, a unicast IPv4 or IPv6 address.
      - Give one mapping with O(vip), O(port) and O(to_port), or several with O(mappings).
    type: str
  port:
    description: The port that clients use, V(1) to V(65535).
    type: int
  to_port:
    description: The port that the program on the real server listens on, V(1) to V(65535). Required for O(state=present).
    type: int
  protocol:
    description: The protocol of the port. Ignored with O(mappings).
    type: str
    choices: [tcp, udp]
    default: tcp
  mappings:
    description:
      - Several mappings, instead of O(vip), O(port) and O(to_port).
      - An empty list with O(purge=true) removes all mappings.
    type: list
    elements: dict
    suboptions:
      vip:
        description: See O(vip).
        type: str
        required: true
      port:
        description: See O(port).
        type: int
        required: true
      to_port:
        description: See O(to_port).
        type: int
      protocol:
        description: See O(protocol).
        type: str
        choices: [tcp, udp]
        default: tcp
  purge:
    description: Whether to remove mappings that are not listed. Not valid with O(state=absent).
    type: bool
    default: false
  state:
    description: Whether the mappings should exist.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - the Python binding of libnftables 1.0.6 or newer (package C(python3-nftables)), and Linux 5.2 or newer
  - root on the managed host, also in check mode
seealso:
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.tunnel_guard
  - module: lvs.cluster.mss_clamp
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Map port 8099 of the VIP to port 80
  lvs.cluster.port_dnat:
    vip: 192.168.56.186
    port: 8099
    to_port: 80

- name: Set these mappings and remove all others
  lvs.cluster.port_dnat:
    mappings:
      - {vip: 192.168.56.186, port: 8099, to_port: 80}
      - {vip: "2001:db8::186", port: 53, to_port: 5353, protocol: udp}
    purge: true
"""

RETURN = r"""
mapping:
  description: The mapping after the task. Empty if it is absent, or if the task does not name exactly one mapping.
  returned: success
  type: dict
  sample: {vip: 192.168.56.186, protocol: tcp, port: 8099, to_port: 80}
mappings:
  description: The listed mappings that exist after the task.
  returned: success
  type: list
  elements: dict
  contains:
    vip:
      description: The address that clients use.
      returned: success
      type: str
      sample: 192.168.56.186
    protocol:
      description: The protocol, V(tcp) or V(udp).
      returned: success
      type: str
      sample: tcp
    port:
      description: The port that clients use.
      returned: success
      type: int
      sample: 8099
    to_port:
      description: The port on the real server.
      returned: success
      type: int
      sample: 80
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["nft add element inet lvs_cluster port_dnat '{ 192.168.56.186 . tcp . 8099 : 80 }'"]
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
      description: The kind of object that changed, V(table), V(map), V(chain) or V(element).
      returned: success
      type: str
      sample: element
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {set: port_dnat, match: 192.168.56.186 . tcp . 8099}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "nft add element inet lvs_cluster port_dnat '{ 192.168.56.186 . tcp . 8099 : 80 }'"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._nft.port_dnat import ARGUMENT_SPEC, PortDnat


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, PortDnat())


if __name__ == "__main__":
    main()
