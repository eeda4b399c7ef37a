#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port mapping on a real server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_dnat
short_description: Map a port of a VIP to another port on a real server
version_added: 0.1.0
description:
  - Tunnelling and direct routing deliver a packet to the port that the client named. Where the real server's program listens on
    another one, this module translates the port there.
  - Keeps all mappings in one map of one nftables table of its own, C(inet lvs_cluster). Other tables are not touched. Each change is one
    transaction.
  - The table goes when its last mapping goes.
options:
  vip:
    description: The address that the client named, a unicast IPv4 address.
    type: str
    required: true
  port:
    description: The port that the client named, V(1) to V(65535).
    type: int
    required: true
  to_port:
    description: The port that the program on the real server listens on, V(1) to V(65535). Required for O(state=present).
    type: int
  protocol:
    description: The protocol of the port.
    type: str
    choices: [tcp, udp]
    default: tcp
requirements:
  - the Python binding of libnftables (Debian package C(python3-nftables))
  - root on the managed host, in check mode too
seealso:
  - module: lvs.cluster.ipvs_dest
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
"""

RETURN = r"""
mapping:
  description: The mapping as it is now; empty where it is absent.
  returned: success
  type: dict
  sample: {vip: 192.168.56.186, protocol: tcp, port: 8099, to_port: 80}
commands:
  description: What was changed (in check mode, what would be), as commands of C(nft(8)).
  returned: success
  type: list
  elements: str
  sample: ["add element inet lvs_cluster port_dnat { 192.168.56.186 . tcp . 8099 : 80 }"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._kernel.nftables import PortMappings
from ansible_collections.lvs.cluster.plugins.module_utils._model.dnat import wanted_mapping
from ansible_collections.lvs.cluster.plugins.module_utils._module import named, run


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            "vip": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "to_port": {"type": "int"},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
        },
        wanted_of=wanted_mapping,
        room_of=lambda options: PortMappings(),
        report=named("mapping"),
    )


if __name__ == "__main__":
    main()
