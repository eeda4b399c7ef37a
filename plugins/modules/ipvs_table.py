#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole IPVS table, or a part of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Manage virtual services and their real servers as one list
version_added: 0.1.0
description:
  - Makes the kernel's IPVS table match a list, as C(ipvsadm --restore) would, but changes only what differs.
  - Services and destinations are changed in place. New destinations are added before others are removed, so a service that remains
    always has a destination. The whole list is validated before the first change, and sent to the kernel in a single exchange.
  - An option that is omitted stays as it is in the kernel, as in M(lvs.cluster.ipvs_service) and M(lvs.cluster.ipvs_dest).
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
        description:
          - Whether the virtual service should exist.
          - V(absent) removes it with all its destinations.
        type: str
        choices: [present, absent]
        default: present
      destinations:
        description: The real servers of the service. If omitted, they are not changed, whatever the value of O(purge).
        type: list
        elements: dict
        suboptions:
          rip:
            description: See O(lvs.cluster.ipvs_dest#module:rip).
            type: str
            required: true
          rport:
            description:
              - See O(lvs.cluster.ipvs_dest#module:rport).
              - If it is omitted with C(forward=masquerade), the port of the service.
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
            description: Whether the destination should exist.
            type: str
            choices: [present, absent]
            default: present
  purge:
    description:
      - What to remove although it is not listed with C(state=absent). V(none) removes nothing. V(destinations) removes those
        destinations of listed services that are not listed. V(services) also removes every service that is not listed.
      - Services that another program manages, such as keepalived or a container engine, should be neither in O(services) nor in
        O(purge_networks).
    type: str
    choices: [none, destinations, services]
    default: none
  purge_networks:
    description:
      - The networks, such as V(192.0.2.0/24), to which O(purge=services) is limited. Only services whose VIP is in one of them are removed.
      - A service with a firewall mark is in no network. If omitted, all services that are not listed are removed, including those with
        a firewall mark.
    type: list
    elements: str
  keep_weights:
    description: Whether existing destinations keep their weights, which an operator may have changed.
    type: bool
    default: false
  keep_drained:
    description:
      - Whether a destination that was drained with M(lvs.cluster.ipvs_dest) stays drained, whatever its listed weight. A warning names it.
      - V(false) ends the drain with the listed weight or, if none is listed, with the former weight.
    type: bool
    default: true
  after_keepalived:
    description:
      - Whether M(lvs.cluster.keepalived) has given up its services before, in the same run. Check mode then shows what is added when they
        are gone. Otherwise it fails where they would be changed.
    type: bool
    default: false
  unprepared:
    description:
      - The RIPs of real servers that have not been prepared for a change, because they cannot be reached or are left out of the run.
      - A service whose change needs one of them to be prepared is left as it is, with all its destinations. Nothing in it is added,
        changed or purged, and whether its options go together with those in the kernel is not validated. A warning names it, and
        RV(held_back) has it. Other services are changed as usual.
      - A real server has to be prepared for a new destination, and for a change of O(services[].destinations[].forward),
        O(services[].destinations[].tunnel_type), O(services[].destinations[].tunnel_port) or
        O(services[].destinations[].tunnel_checksum). It needs nothing for a change of a weight or a threshold, for a removal, or if the
        forwarding method becomes V(masquerade) or V(local).
      - RIPs that are in no service have no effect.
    type: list
    elements: str
    default: []
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_dest
  - module: lvs.cluster.ipvs_info
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Set these services, and remove all others in this network
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

- name: Add a real server and change nothing else
  lvs.cluster.ipvs_table:
    services:
      - vip: 192.168.56.185
        port: 80
        destinations:
          - {rip: 192.168.56.182}

- name: Change the tunnel, except for services with a real server that could not be reached
  lvs.cluster.ipvs_table:
    services:
      - vip: 192.168.56.185
        port: 80
        destinations:
          - {rip: 192.168.56.183, tunnel_type: gue, tunnel_port: 6080}
          - {rip: 192.168.56.184, tunnel_type: gue, tunnel_port: 6080}
    unprepared: [192.168.56.184]
"""

RETURN = r"""
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
    - If the kernel refused a change, those that it made nevertheless.
  returned: always
  type: list
  elements: str
  sample: ["ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1"]
changes:
  description: The first 1000 of the changes as data. RV(commands) has the lines of RV(changes[].command), of all of them.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: The action, V(add), V(set) or V(remove).
      returned: always
      type: str
      sample: add
    kind:
      description: The kind of object that changed, V(service) or V(destination).
      returned: always
      type: str
      sample: destination
    key:
      description: The values that identify the object.
      returned: always
      type: dict
      sample: {vip: 192.168.56.185, port: 80, protocol: tcp, rip: 192.168.56.184, rport: 80}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: always
      type: str
      sample: "ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1"
drained:
  description: The listed destinations that are drained, each like RV(lvs.cluster.ipvs_dest#module:destination).
  returned: success
  type: list
  elements: dict
held_back:
  description:
    - The services that are left as they are because of O(unprepared), in the order of O(services).
    - Each also has the options that identify it, O(services[].vip), O(services[].port) and O(services[].protocol), or
      O(services[].fwmark) and O(services[].family).
  returned: success
  type: list
  elements: dict
  contains:
    rips:
      description: The real servers that have to be prepared for the change.
      returned: always
      type: list
      elements: str
      sample: [192.168.56.184]
    exists:
      description: Whether this host has the service.
      returned: always
      type: bool
      sample: true
  sample: [{vip: 192.168.56.185, port: 80, protocol: tcp, rips: [192.168.56.184], exists: true}]
held_back_vips:
  description:
    - The VIPs of services in RV(held_back) that do not exist on this host, unless another service has the VIP after the changes.
    - A director should not get them yet, as it would not forward their packets.
  returned: success
  type: list
  elements: str
  sample: [192.168.56.187]
purged:
  description:
    - The services that O(purge=services) removed because they are not listed. In check mode, those that it would remove.
    - Each has the options that identify it, O(services[].vip), O(services[].port) and O(services[].protocol), or
      O(services[].fwmark) and O(services[].family).
  returned: success
  type: list
  elements: dict
  sample: [{vip: 192.168.56.199, port: 25, protocol: tcp}]
refused:
  description: The commands for the changes that the kernel refused. If it refused an addition or a change, nothing was removed.
  returned: if the kernel refused a change
  type: list
  elements: str
  sample: ["ipvsadm -a -t 192.168.56.185:80 -r 192.168.57.184:80 -i -w 1"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import ARGUMENT_SPEC, IpvsTable


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsTable())


if __name__ == "__main__":
    main()
