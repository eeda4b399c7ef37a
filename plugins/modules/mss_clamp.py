#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TCP segment size that fits into the tunnel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mss_clamp
short_description: Announce a TCP segment size that fits into the tunnel
version_added: 0.1.0
description:
  - The tunnel headers make a client's packets larger on the way from the director to the real server. A full-sized packet no longer
    fits, and if the ICMP message about this does not reach the client, the connection hangs.
  - The real server answers clients directly, so its SYN-ACK tells the client how large its segments may be (maximum segment size,
    MSS). This module lowers the MSS in the SYN-ACK to what fits, for the given VIPs. It never raises the MSS.
  - The rules are in the chain C(mss_clamp) of the nftables table C(inet lvs_cluster). Other tables are not changed. All changes of a
    task are one transaction.
  - The chain is removed with its last VIP, and the table with the last chain of this collection. Do not add rules to this chain.
    Anything else that was added to the table by other means is kept.
options:
  tunnels:
    description:
      - The tunnels through which packets for a VIP arrive. If a VIP is in several entries, the smallest size is used.
      - Required for O(state=present). An empty list with O(purge=true) removes all VIPs.
    type: list
    elements: dict
    suboptions:
      vip:
        description: The address that clients use, a unicast IPv4 or IPv6 address.
        type: str
        required: true
      director:
        description:
          - The source address of the director's tunnelled packets. Its family is that of the outer header.
          - Required for O(state=present).
        type: str
      tunnel_type:
        description: See O(lvs.cluster.ipvs_dest#module:tunnel_type).
        type: str
        choices: [ipip, gue, gre]
        default: ipip
      tunnel_checksum:
        description: See O(lvs.cluster.ipvs_dest#module:tunnel_checksum).
        type: str
        choices: [none, checksum, remote_checksum]
        default: none
      path_mtu:
        description:
          - The largest packet, in bytes, that can be sent from the director to this host, V(576) to V(65535), with IPv6 at least V(1280).
          - Defaults to the MTU of this host's route to O(tunnels[].director), or to a smaller path MTU that the kernel has learned.
        type: int
  purge:
    description: Whether to remove VIPs that are not listed. Not valid with O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether the segment size of the VIPs should be lowered.
      - V(absent) removes the listed VIPs, or all of them if O(tunnels) is omitted.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - the Python binding of libnftables (package C(python3-nftables))
  - root on the managed host, also in check mode
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.tunnel_guard
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Announce what fits into IPIP, given the MTU of the routes to the directors
  lvs.cluster.mss_clamp:
    tunnels:
      - {vip: 192.168.56.185, director: 192.168.56.181}
      - {vip: 192.168.56.185, director: 192.168.56.182}

- name: Announce what fits into GUE over a path with a smaller MTU, and remove all other VIPs
  lvs.cluster.mss_clamp:
    tunnels:
      - {vip: "2001:db8::185", director: 198.51.100.1, tunnel_type: gue, path_mtu: 1420}
    purge: true
"""

RETURN = r"""
sizes:
  description: The MSS, in bytes, that is announced for each VIP after the task.
  returned: success
  type: dict
  sample: {192.168.56.185: 1440}
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["nft add element inet lvs_cluster mss_1440 '{ 192.168.56.185 }'"]
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
      sample: {set: mss_1440, match: 192.168.56.185}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "nft add element inet lvs_cluster mss_1440 '{ 192.168.56.185 }'"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._nft.mss_clamp import ARGUMENT_SPEC, MssClamp


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, MssClamp())


if __name__ == "__main__":
    main()
