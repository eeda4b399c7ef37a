#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments that fit through the tunnel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mss_clamp
short_description: Announce TCP segments that fit through the tunnel
version_added: 0.1.0
description:
  - A client's packets grow by the tunnel's headers on the way from the director to the real server. A full one no longer fits, and
    where the ICMP message about that does not reach the client, the connection hangs.
  - The real server answers clients past the director. So it is the real server's SYN-ACK that tells the client how large its segments may
    be, the maximum segment size (MSS). This module lowers it to what fits, for the VIPs that it is given. A size is never raised.
  - Keeps all of it in a part of the nftables table C(inet lvs_cluster). Other tables are not touched. All changes of a task are one
    transaction.
  - The part goes when its last VIP goes, and the table with its last part. The chain C(mss_clamp) is this module's alone. What else
    somebody made in the table stays.
options:
  tunnels:
    description:
      - The tunnels that packets for a VIP come through. Of a VIP in several rows, the smallest size counts.
      - Required for O(state=present). An empty list with O(purge=true) takes all away.
    type: list
    elements: dict
    suboptions:
      vip:
        description: The address that clients use, a unicast IPv4 or IPv6 address.
        type: str
        required: true
      director:
        description:
          - The address that the director sends tunnelled packets from. Its family is that of the outer header.
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
          - The largest packet, in bytes, that passes from the director to this host, V(576) to V(65535), over IPv6 from V(1280) on.
          - Left out, the MTU of this host's route to O(tunnels[].director), or less where the kernel has learned so.
        type: int
  purge:
    description: Whether VIPs that are not named go. Not for O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether it shall be there.
      - With V(absent), the named VIPs go. All of them go where O(tunnels) is left out.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - the Python binding of libnftables (Debian package C(python3-nftables))
  - root on the managed host, in check mode too
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.tunnel_guard
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: What fits through IPIP, whatever the MTU of the route to the director is
  lvs.cluster.mss_clamp:
    tunnels:
      - {vip: 192.168.56.185, director: 192.168.56.181}
      - {vip: 192.168.56.185, director: 192.168.56.182}

- name: GUE over a path with a smaller MTU, and nothing else
  lvs.cluster.mss_clamp:
    tunnels:
      - {vip: "2001:db8::185", director: 198.51.100.1, tunnel_type: gue, path_mtu: 1420}
    purge: true
"""

RETURN = r"""
sizes:
  description: The largest segment, in bytes, that is announced for each VIP, as it is now.
  returned: success
  type: dict
  sample: {192.168.56.185: 1440}
commands:
  description: What was changed (in check mode, what would be), as commands of C(nft(8)).
  returned: success
  type: list
  elements: str
  sample: ["add element inet lvs_cluster mss_1440 { 192.168.56.185 }"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._net.route import path_mtu
from ansible_collections.lvs.cluster.plugins.module_utils._nft.libnftables import PartOfTable
from ansible_collections.lvs.cluster.plugins.module_utils._nft.mss_clamp import PART, report, wanted_sizes, with_purge


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            # The model validates what is in it, to name every fault with its row.
            "tunnels": {"type": "list", "elements": "dict"},
            "purge": {"type": "bool", "default": False},
        },
        wanted_of=lambda options: wanted_sizes(options, path_mtu),
        room_of=lambda options: PartOfTable(PART),
        scope=with_purge,
        report=report,
    )


if __name__ == "__main__":
    main()
