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
  - Tunnelling and direct routing deliver a packet to the port that the client named. Where the real server's program listens on
    another one, this module translates the port there.
  - Keeps all mappings in two maps, for IPv4 and IPv6, of a part of the nftables table C(inet lvs_cluster). Other tables are not touched.
    All changes of a task are one transaction. New connections follow a changed mapping at once, those that there are stay as they are.
  - The part goes when its last mapping goes, and the table with its last part. The chain C(prerouting) is this module's alone. What else
    somebody made in the table stays.
  - Warns where another table's rules certainly drop what is translated. They see the port that it is translated to.
options:
  vip:
    description:
      - The address that the client named, a unicast IPv4 or IPv6 address.
      - Goes with O(port). Give one mapping by O(vip), O(port) and O(to_port), or several as O(mappings).
    type: str
  port:
    description: The port that the client named, V(1) to V(65535).
    type: int
  to_port:
    description: The port that the program on the real server listens on, V(1) to V(65535). Required for O(state=present).
    type: int
  protocol:
    description: The protocol of the port. Means nothing with O(mappings).
    type: str
    choices: [tcp, udp]
    default: tcp
  mappings:
    description: Several mappings, instead of O(vip), O(port) and O(to_port). An empty list with O(purge=true) takes all away.
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
    description: Whether mappings that are not named go. Not for O(state=absent).
    type: bool
    default: false
requirements:
  - the Python binding of libnftables (Debian package C(python3-nftables))
  - root on the managed host, in check mode too
seealso:
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.tunnel_guard
  - module: lvs.cluster.mss_clamp
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: Port 8099 of the VIP is answered by port 80
  lvs.cluster.port_dnat:
    vip: 192.168.56.186
    port: 8099
    to_port: 80

- name: These mappings, and no other
  lvs.cluster.port_dnat:
    mappings:
      - {vip: 192.168.56.186, port: 8099, to_port: 80}
      - {vip: "2001:db8::186", port: 53, to_port: 5353, protocol: udp}
    purge: true
"""

RETURN = r"""
mapping:
  description: The mapping as it is now; empty where it is absent, and where not exactly one is named and there.
  returned: success
  type: dict
  sample: {vip: 192.168.56.186, protocol: tcp, port: 8099, to_port: 80}
mappings:
  description: The named mappings as they are now, without those that are absent.
  returned: success
  type: list
  elements: dict
  sample: [{vip: 192.168.56.186, protocol: tcp, port: 8099, to_port: 80}]
commands:
  description: What was changed (in check mode, what would be), as commands of C(nft(8)).
  returned: success
  type: list
  elements: str
  sample: ["add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._nft.libnftables import PortMappings
from ansible_collections.lvs.cluster.plugins.module_utils._nft.port_dnat import report, wanted_mappings, with_purge


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            "vip": {"type": "str"},
            "port": {"type": "int"},
            "to_port": {"type": "int"},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
            # The model validates what is in it, to name every fault with its row.
            "mappings": {"type": "list", "elements": "dict"},
            "purge": {"type": "bool", "default": False},
        },
        wanted_of=wanted_mappings,
        room_of=lambda options: PortMappings(),
        scope=with_purge,
        report=report,
    )


if __name__ == "__main__":
    main()
