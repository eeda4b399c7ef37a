#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look before anything is set up."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find on a director what would become an outage
version_added: 0.1.0
description:
  - Looks from a director at its real servers and its VIPs, before anything is set up. It changes nothing, and looks in check mode, too.
  - Fails where a real server has no route or does not answer, where packets of the size that it reckons with do not reach it, where
    the real servers would drop what this director sends, and where another machine already answers for a VIP. All that was found
    is named at once.
  - What may be meant so is a warning.
  - All real servers are looked at together. Where all answer, this takes less than a second, otherwise a few times O(timeout).
options:
  vips:
    description: The VIPs. Each is asked for on the devices that have a connected network with it; elsewhere nobody could answer.
    type: list
    elements: str
    default: []
  paths:
    description: The ways to the real servers, one for each real server and way of forwarding.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What messages call the real server. Without it, its address.
        type: str
      rip:
        description: The address of the real server.
        type: str
        required: true
      forward:
        description: How packets get there. With V(masquerade) neither the path MTU nor O(sources) matters.
        type: str
        choices: [tunnel, route, masquerade]
        default: tunnel
      tunnel_type:
        description: The kind of tunnel.
        type: str
        choices: [ipip, gue, gre]
        default: ipip
      tunnel_checksum:
        description: The checksum of the tunnel's own header.
        type: str
        choices: [none, checksum, remote_checksum]
        default: none
      inner:
        description: The address families of the VIPs that go this way, V(4) and V(6).
        type: list
        elements: int
        default: [4]
      mtu:
        description: The path MTU that the real server is told to reckon with, C(lvs_path_mtu), in bytes, V(576) (IPv6 V(1280)) to V(65535).
        type: int
      port:
        description: A TCP port of the real server. Where it accepts or refuses a connection, echo requests need no answer.
        type: int
  sources:
    description:
      - The addresses from which the real servers take tunnelled packets, C(lvs_dip).
      - A family of which none is named is not checked.
    type: list
    elements: str
    default: []
  timeout:
    description: The seconds that each kind of probe may take, V(0.1) to V(30).
    type: float
    default: 2
requirements:
  - root on the managed host
seealso:
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.arp_sysctl
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Two real servers, and nobody else has the VIP
  lvs.cluster.preflight:
    vips: [192.168.56.185]
    paths:
      - {name: rs1, rip: 192.168.56.183, port: 80}
      - {name: rs2, rip: 192.168.56.184, port: 80, mtu: 1400}
    sources: [192.168.56.181]
"""

RETURN = r"""
paths:
  description:
    - What was found of each way, in the order of O(paths). RV(paths[].source) is the address that this host sends from,
      RV(paths[].mtu) the largest packet in bytes that gets there in one piece, and RV(paths[].inner_mtu) what the tunnel leaves of it.
    - RV(paths[].mtu) is the route's where no echo request is answered, and with O(paths[].forward=masquerade).
    - RV(paths[].alive) is V(false) for a real server that answered ARP or neighbour discovery alone.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What messages call the real server.
      returned: success
      type: str
      sample: rs1
    rip:
      description: The address of the real server.
      returned: success
      type: str
      sample: 192.168.56.183
    source:
      description: The address that this host sends from.
      returned: success
      type: str
      sample: 192.168.56.181
    mtu:
      description: The path MTU in bytes.
      returned: success
      type: int
      sample: 1500
    inner_mtu:
      description: The bytes that are left for the packets of clients.
      returned: success
      type: int
      sample: 1480
    alive:
      description: Whether an echo request was answered, or the port accepted or refused a connection.
      returned: success
      type: bool
      sample: true
holders:
  description: The MAC addresses of other machines that answer for each VIP that was asked for.
  returned: success
  type: dict
  sample: {192.168.56.185: []}
unchecked:
  description: The VIPs that are in no connected network of this host.
  returned: success
  type: list
  elements: str
  sample: []
warnings:
  description: What may be meant so.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._net.tunnel import CHECKSUMS, TYPES
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight import FORWARDS, verdict, wanted_look
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_sockets import look


def read(options: dict[str, object]) -> dict[str, object]:
    """Look, and judge."""
    plan = wanted_look(options)
    return verdict(plan, look(plan))


def main() -> None:
    """Run the module."""
    path = {
        "name": {"type": "str"},
        "rip": {"type": "str", "required": True},
        "forward": {"type": "str", "choices": list(FORWARDS), "default": "tunnel"},
        "tunnel_type": {"type": "str", "choices": list(TYPES), "default": "ipip"},
        "tunnel_checksum": {"type": "str", "choices": list(CHECKSUMS), "default": "none"},
        "inner": {"type": "list", "elements": "int", "default": [4]},
        "mtu": {"type": "int"},
        "port": {"type": "int"},
    }
    run_reading(
        argument_spec={
            "vips": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "dict", "options": path, "default": []},
            "sources": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 2.0},
        },
        read=read,
    )


if __name__ == "__main__":
    main()
