#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS tells of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Read all that IPVS tells of a host
version_added: 0.1.0
description:
  - Returns the virtual services and their real servers with their counters, the timeouts, and the sync daemons, as C(ipvsadm -L) shows them.
  - Returns the same table in the words of the variable C(lvs_services), with which an inventory takes over a director that was set up
    by hand.
seealso:
  - module: lvs.cluster.ipvs_table
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Look at the director
  lvs.cluster.ipvs_info:
  register: found

- name: Nobody is connected any more
  ansible.builtin.assert:
    that: found.services | map(attribute='destinations') | flatten | map(attribute='connections.active') | sum == 0

- name: The description of a director that was set up by hand
  ansible.builtin.copy:
    content: "{{ {'lvs_services': found.lvs_services} | to_nice_yaml }}"
    dest: group_vars/all/lvs.yml
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
services:
  description:
    - The virtual services, in the words of the options of M(lvs.cluster.ipvs_service), each with its C(destinations), in those of
      M(lvs.cluster.ipvs_dest).
    - C(statistics) counts connections, packets and bytes (64 bits) since the service or destination was made, and has their rates of
      the last seconds. The kernel adds them up every two seconds. C(connections) is what a destination has now.
  returned: success
  type: list
  elements: dict
  sample:
    - vip: 192.168.56.185
      port: 80
      protocol: tcp
      scheduler: wrr
      scheduler_flags: []
      persistence_timeout: 0
      persistence_netmask: null
      persistence_engine: none
      one_packet: false
      statistics:
        connections: 12
        packets_in: 96
        packets_out: 0
        bytes_in: 7680
        bytes_out: 0
        connections_per_second: 1
        packets_in_per_second: 8
        packets_out_per_second: 0
        bytes_in_per_second: 640
        bytes_out_per_second: 0
      destinations:
        - rip: 192.168.56.183
          rport: 80
          forward: tunnel
          weight: 1
          drained: null
          upper_threshold: 0
          lower_threshold: 0
          tunnel_type: ipip
          tunnel_port: null
          tunnel_checksum: none
          connections: {active: 1, inactive: 11, persistent: 0}
          statistics:
            connections: 12
            packets_in: 96
            packets_out: 0
            bytes_in: 7680
            bytes_out: 0
            connections_per_second: 1
            packets_in_per_second: 8
            packets_out_per_second: 0
            bytes_in_per_second: 640
            bytes_out_per_second: 0
lvs_services:
  description:
    - The same table as the roles of this collection take it, without what is as it would be anyway.
    - C(director_device) is the device that holds the VIP. It is left out where none does.
  returned: success
  type: list
  elements: dict
  sample:
    - name: tcp-192.168.56.185-80
      vip: 192.168.56.185
      port: 80
      protocol: tcp
      scheduler: wrr
      director_device: tunl0
      forward: tunnel
      real_servers: [{address: 192.168.56.183, weight: 1}]
timeouts:
  description: How long IPVS remembers a connection in which nothing happens, in seconds.
  returned: success
  type: dict
  sample: {tcp: 900, tcp_fin: 120, udp: 300}
sync_daemons:
  description: The sync daemons that run, in the words of the options of M(lvs.cluster.ipvs_sync_daemon).
  returned: success
  type: list
  elements: dict
  sample: [{role: master, interface: eth0, sync_id: 1, sync_maxlen: 1472, group: 224.0.0.81, port: 8848, ttl: 1}]
connection_table_size:
  description: The number of rows of the hash table of connections.
  returned: success
  type: int
  sample: 4096
version:
  description: The version of IPVS.
  returned: success
  type: str
  sample: 1.2.1
kernel:
  description: The version of the kernel.
  returned: success
  type: str
  sample: 6.12.48+deb13-amd64
"""

import os

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import facts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import IpvsInfo


def read(_options: dict[str, object]) -> dict[str, object]:
    """Ask the kernel."""
    with IpvsInfo() as ipvs:
        return {**facts(ipvs.director()), "kernel": os.uname().release}


def main() -> None:
    """Run the module."""
    run_reading(argument_spec={}, read=read)


if __name__ == "__main__":
    main()
