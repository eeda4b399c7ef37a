#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts from which a real server accepts tunnelled packets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunnel_guard
short_description: Accept tunnelled packets from the directors only
version_added: 0.1.0
description:
  - A real server decapsulates every packet that reaches its tunnel device, and reverse path filtering is off or loose on it. Without
    this module, any host that can reach the real server can inject packets with any source and destination address.
  - Packets of the tunnel protocols and packets for the UDP ports of Generic UDP Encapsulation (GUE) are dropped unless they come from
    one of the directors, over IPv4 and IPv6. They are counted.
  - Accepted packets still have to pass the host's other rules. The module gives no protection if another host can send packets with
    the source address of a director.
  - The rules are in the chain C(tunnel_guard) of the nftables table C(inet lvs_cluster). Other tables are not changed. All changes of a
    task are one transaction.
  - The chain is removed when it has neither protocols nor ports left, and the table with the last chain of this collection. Do not add
    rules to this chain. Anything else that was added to the table by other means is kept.
options:
  sources:
    description:
      - The source addresses of the directors' tunnelled packets, IPv4 and IPv6.
      - Required for O(state=present). An empty list, which requires O(purge=true), drops the packets of all hosts.
    type: list
    elements: str
  protocols:
    description:
      - The protocol numbers of the tunnels. V(4) is IPv4 in IP, V(41) is IPv6 in IP, V(47) is GRE.
      - Defaults to all three with O(state=present).
    type: list
    elements: int
    choices: [4, 41, 47]
  gue_ports:
    description: The UDP ports on which this host receives GUE, V(1) to V(65535). Defaults to none with O(state=present).
    type: list
    elements: int
  purge:
    description: Whether to remove addresses, protocols and ports that are not listed. Not valid with O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether the listed addresses, protocols and ports should be in the rules.
      - V(absent) removes the listed addresses, protocols and ports, or all rules if O(sources), O(protocols) and O(gue_ports) are omitted.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - the Python binding of libnftables (package C(python3-nftables))
  - root on the managed host, also in check mode
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.mss_clamp
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Accept tunnelled packets from two directors only
  lvs.cluster.tunnel_guard:
    sources: [192.168.56.181, 192.168.56.182]
    purge: true

- name: Check the source of GUE packets on port 6080 only
  lvs.cluster.tunnel_guard:
    sources: [192.168.56.181]
    protocols: []
    gue_ports: [6080]

- name: Accept tunnelled packets from all hosts again
  lvs.cluster.tunnel_guard:
    state: absent
"""

RETURN = r"""
guard:
  description: The addresses, protocols and ports after the task. Empty lists if there are no rules.
  returned: success
  type: dict
  contains:
    sources:
      description: The addresses from which tunnelled packets are accepted.
      returned: success
      type: list
      elements: str
      sample: [192.168.56.181, 192.168.56.182]
    protocols:
      description: The protocol numbers.
      returned: success
      type: list
      elements: int
      sample: [4, 41, 47]
    gue_ports:
      description: The UDP ports.
      returned: success
      type: list
      elements: int
      sample: []
dropped:
  description: The packets and bytes dropped since the rules were created.
  returned: success
  type: dict
  sample: {packets: 0, bytes: 0}
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["nft add element inet lvs_cluster tunnel_sources '{ 192.168.56.182 }'"]
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
      description: The kind of object that changed, V(table), V(set), V(chain) or V(element).
      returned: success
      type: str
      sample: element
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {set: tunnel_sources, match: 192.168.56.182}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "nft add element inet lvs_cluster tunnel_sources '{ 192.168.56.182 }'"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._nft.tunnel_guard import ARGUMENT_SPEC, TunnelGuard


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, TunnelGuard())


if __name__ == "__main__":
    main()
