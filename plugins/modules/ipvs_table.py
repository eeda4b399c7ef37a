#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole IPVS table, or a part of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Manage virtual services and their real servers as one list
version_added: 0.1.0
description:
  - Brings the kernel's IPVS table to what a list says, as C(ipvsadm --restore) would, and touches nothing that is as it shall be.
  - Services and destinations are changed in place. New destinations are there before others go, so that a service that stays always
    has one. Everything is validated before the first change, and sent to the kernel in one go.
  - An option left out stays as the kernel has it, as in M(lvs.cluster.ipvs_service) and M(lvs.cluster.ipvs_dest).
options:
  services:
    description: The virtual services.
    type: list
    elements: dict
    required: true
    suboptions:
      vip:
        description: See O(lvs.cluster.ipvs_service#module:vip).
        type: str
      port:
        description: See O(lvs.cluster.ipvs_service#module:port).
        type: int
      protocol:
        description: See O(lvs.cluster.ipvs_service#module:protocol).
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      fwmark:
        description: See O(lvs.cluster.ipvs_service#module:fwmark).
        type: int
      family:
        description: See O(lvs.cluster.ipvs_service#module:family).
        type: str
        choices: [ipv4, ipv6]
      scheduler:
        description: See O(lvs.cluster.ipvs_service#module:scheduler).
        type: str
      scheduler_flags:
        description: See O(lvs.cluster.ipvs_service#module:scheduler_flags).
        type: list
        elements: str
        choices: [fallback, port, flag-1, flag-2, flag-3]
      persistence_timeout:
        description: See O(lvs.cluster.ipvs_service#module:persistence_timeout).
        type: int
      persistence_netmask:
        description: See O(lvs.cluster.ipvs_service#module:persistence_netmask).
        type: str
      persistence_engine:
        description: See O(lvs.cluster.ipvs_service#module:persistence_engine).
        type: str
        choices: [none, sip]
      one_packet:
        description: See O(lvs.cluster.ipvs_service#module:one_packet).
        type: bool
      state:
        description: Whether it shall be there. A service that goes takes its destinations along.
        type: str
        choices: [present, absent]
        default: present
      destinations:
        description: The service's real servers. Left out, they stay as they are, whatever O(purge) says.
        type: list
        elements: dict
        suboptions:
          rip:
            description: See O(lvs.cluster.ipvs_dest#module:rip).
            type: str
            required: true
          rport:
            description: See O(lvs.cluster.ipvs_dest#module:rport).
            type: int
          forward:
            description: See O(lvs.cluster.ipvs_dest#module:forward).
            type: str
            choices: [tunnel, route, masquerade, local]
          weight:
            description: See O(lvs.cluster.ipvs_dest#module:weight).
            type: int
          upper_threshold:
            description: See O(lvs.cluster.ipvs_dest#module:upper_threshold).
            type: int
          lower_threshold:
            description: See O(lvs.cluster.ipvs_dest#module:lower_threshold).
            type: int
          tunnel_type:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_type).
            type: str
            choices: [ipip, gue, gre]
          tunnel_port:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_port).
            type: int
          tunnel_checksum:
            description: See O(lvs.cluster.ipvs_dest#module:tunnel_checksum).
            type: str
            choices: [none, checksum, remote_checksum]
          state:
            description: Whether it shall be there.
            type: str
            choices: [present, absent]
            default: present
  purge:
    description:
      - What goes without being listed as absent. V(none) is nothing. V(destinations) is those destinations of the listed services that
        are not listed. V(services) is those, and every service that is not listed.
      - Leave services that another program manages, such as keepalived or a container engine, out of the list and out of
        O(purge_networks).
    type: str
    choices: [none, destinations, services]
    default: none
  purge_networks:
    description:
      - The networks, such as V(192.0.2.0/24), in which O(purge=services) takes services away, those whose VIP lies in one of them.
      - A service by firewall mark lies in none. Left out, every service that is not listed goes, those by firewall mark, too.
    type: list
    elements: str
  keep_weights:
    description: Whether a destination that is there keeps its weight, which an operator may have changed.
    type: bool
    default: false
  keep_drained:
    description:
      - Whether a destination that M(lvs.cluster.ipvs_dest) has drained stays so, whatever weight is listed. A warning names it.
      - V(false) ends the drain, with the weight that is listed or, where none is, the one that it had before.
    type: bool
    default: true
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.ipvs_info
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: These services, and no other in this network
  lvs.cluster.ipvs_table:
    services:
      - vip: 192.168.56.185
        port: 80
        scheduler: wrr
        destinations:
          - {rip: 192.168.56.183, weight: 2}
          - {rip: 192.168.56.184}
      - vip: 192.168.56.187
        port: 80
        destinations:
          - {rip: 192.168.56.184, rport: 8080, forward: masquerade}
    purge: services
    purge_networks: [192.168.56.0/24]

- name: Another real server, nothing else
  lvs.cluster.ipvs_table:
    services:
      - vip: 192.168.56.185
        port: 80
        destinations:
          - {rip: 192.168.56.182}
"""

RETURN = r"""
commands:
  description:
    - What was changed (in check mode, what would be), in this order, as arguments of C(ipvsadm(8)).
    - Where the kernel refused something, what it carried out nevertheless.
  returned: always
  type: list
  elements: str
  sample: ["-a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1"]
drained:
  description: The listed destinations that are drained, each like RV(lvs.cluster.ipvs_dest#module:destination).
  returned: success
  type: list
  elements: dict
refused:
  description: What the kernel refused. Nothing is removed where something that was to come was refused.
  returned: when the kernel refused something
  type: list
  elements: str
  sample: ["-a -t 192.168.56.185:80 -r 192.168.57.184:80 -i -w 1"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import drained_facts, planned, wanted_table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import IpvsTable


def main() -> None:
    """Run the module."""
    run(
        argument_spec={
            # The model validates what is in it: of 10,000 destinations, that takes a third of the time.
            "services": {"type": "list", "elements": "dict", "required": True},
            "purge": {"type": "str", "choices": ["none", "destinations", "services"], "default": "none"},
            "purge_networks": {"type": "list", "elements": "str"},
            "keep_weights": {"type": "bool", "default": False},
            "keep_drained": {"type": "bool", "default": True},
        },
        wanted_of=wanted_table,
        room_of=lambda options: IpvsTable(whole=options["purge"] == "services"),
        scope=planned,
        report=drained_facts,
    )


if __name__ == "__main__":
    main()
