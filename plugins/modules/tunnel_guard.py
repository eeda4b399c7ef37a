#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send tunnelled packets to a real server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tunnel_guard
short_description: Let tunnelled packets in from the directors only
version_added: 0.1.0
description:
  - A real server unwraps what reaches its tunnel device, and reverse path filtering is off there. Without this module, whoever reaches
    the real server can hand it packets with any source and any destination.
  - Packets of the tunnels' protocols, and packets for the UDP ports of Generic UDP Encapsulation (GUE), are dropped unless they come from
    one of the directors, over IPv4 and IPv6. They are counted.
  - What is let in here still has to pass the host's other rules. Nothing here helps where somebody can send with a director's address as
    the source.
  - Keeps all of it in a part of the nftables table C(inet lvs_cluster). Other tables are not touched. All changes of a task are one
    transaction.
  - The part goes when neither a protocol nor a port is left in it, and the table with its last part. The chain C(tunnel_guard) is this
    module's alone. What else somebody made in the table stays.
options:
  sources:
    description:
      - The directors' addresses, which tunnelled packets come from. IPv4 and IPv6.
      - Required for O(state=present). An empty list, which needs O(purge=true), lets nobody in.
    type: list
    elements: str
  protocols:
    description:
      - The protocols of tunnelled packets, as numbers. V(4) is IPv4 in IP, V(41) is IPv6 in IP, V(47) is GRE.
      - Left out, all three with O(state=present).
    type: list
    elements: int
    choices: [4, 41, 47]
  gue_ports:
    description: The UDP ports that this host takes GUE on, V(1) to V(65535). Left out, none with O(state=present).
    type: list
    elements: int
  purge:
    description: Whether addresses, protocols and ports that are not named go. Not for O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether it shall be there.
      - With V(absent), the named addresses, protocols and ports go. All of it goes where O(sources), O(protocols) and O(gue_ports) are
        left out.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - the Python binding of libnftables (Debian package C(python3-nftables))
  - root on the managed host, in check mode too
seealso:
  - module: lvs.cluster.tunl_vip
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.mss_clamp
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.state
"""

EXAMPLES = r"""
- name: Two directors, and nobody else
  lvs.cluster.tunnel_guard:
    sources: [192.168.56.181, 192.168.56.182]
    purge: true

- name: GUE on port 6080 alone
  lvs.cluster.tunnel_guard:
    sources: [192.168.56.181]
    protocols: []
    gue_ports: [6080]

- name: Anybody again
  lvs.cluster.tunnel_guard:
    state: absent
"""

RETURN = r"""
guard:
  description: Who may send what, as it is now; empty lists where nothing is guarded.
  returned: success
  type: dict
  sample: {sources: [192.168.56.181, 192.168.56.182], protocols: [4, 41, 47], gue_ports: []}
dropped:
  description: What was dropped until now, since the rules were made.
  returned: success
  type: dict
  sample: {packets: 0, bytes: 0}
commands:
  description: What was changed (in check mode, what would be), as commands of C(nft(8)).
  returned: success
  type: list
  elements: str
  sample: ["add element inet lvs_cluster tunnel_sources { 192.168.56.182 }"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import STATE
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._nft.libnftables import PartOfTable
from ansible_collections.lvs.cluster.plugins.module_utils._nft.tunnel_guard import PART, report, wanted_guard, with_purge


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            **STATE,
            "sources": {"type": "list", "elements": "str"},
            "protocols": {"type": "list", "elements": "int", "choices": [4, 41, 47]},
            "gue_ports": {"type": "list", "elements": "int"},
            "purge": {"type": "bool", "default": False},
        },
        wanted_of=wanted_guard,
        room_of=lambda options: PartOfTable(PART),
        scope=with_purge,
        report=report,
    )


if __name__ == "__main__":
    main()
