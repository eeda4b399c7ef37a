#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS table, counters and settings of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Read the IPVS table, counters, timeouts and sync daemons of a host
version_added: 0.1.0
description:
  - Returns the virtual services and their real servers with their counters, the timeouts and the sync daemons, as shown by C(ipvsadm -L).
  - The services with firewall marks that checks of M(lvs.cluster.keepalived) go through are left out.
  - Also returns the table in the format of the variable C(lvs_services). With it, an inventory can take over a director that was set up
    by hand.
seealso:
  - module: lvs.cluster.ipvs_table
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
"""

EXAMPLES = r"""
- name: Read the director's table
  lvs.cluster.ipvs_info:
  register: ipvs

- name: Check that no client is connected
  ansible.builtin.assert:
    that: ipvs.services | map(attribute='destinations') | flatten | map(attribute='connections.active') | sum == 0

- name: Write the description of a director that was set up by hand
  ansible.builtin.copy:
    content: "{{ {'lvs_services': ipvs.lvs_services} | to_nice_yaml }}"
    dest: group_vars/all/lvs.yml
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
services:
  description: The virtual services, with the same field names as the options of M(lvs.cluster.ipvs_service).
  returned: success
  type: list
  elements: dict
  contains:
    vip:
      description: The address of the virtual service.
      returned: success, unless the service has a firewall mark
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the virtual service.
      returned: success, unless the service has a firewall mark
      type: int
      sample: 80
    protocol:
      description: The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      returned: success, unless the service has a firewall mark
      type: str
      sample: tcp
    fwmark:
      description: The firewall mark of the virtual service.
      returned: success, if the service has a firewall mark
      type: int
      sample: 7
    family:
      description: The address family of a virtual service with a firewall mark, V(ipv4) or V(ipv6).
      returned: success, if the service has a firewall mark
      type: str
      sample: ipv4
    scheduler:
      description: The scheduler.
      returned: success
      type: str
      sample: wrr
    scheduler_flags:
      description: The flags of the scheduler.
      returned: success
      type: list
      elements: str
      sample: []
    persistence_timeout:
      description: The persistence timeout in seconds. V(0) for a service without persistence.
      returned: success
      type: int
      sample: 0
    persistence_netmask:
      description: The netmask, for IPv6 the prefix length, that groups clients. V(null) without persistence.
      returned: success
      type: str
      sample: 255.255.255.255
    persistence_engine:
      description: The persistence engine, V(none) or V(sip).
      returned: success
      type: str
      sample: none
    one_packet:
      description: Whether each packet is scheduled on its own.
      returned: success
      type: bool
      sample: false
    statistics:
      description:
        - Counters (64 bits) since the service was created, and the rates of the last few seconds.
        - The kernel updates them every two seconds.
      returned: success
      type: dict
      contains:
        connections:
          description: Connections scheduled.
          returned: success
          type: int
          sample: 12
        packets_in:
          description: Packets received from clients.
          returned: success
          type: int
          sample: 96
        packets_out:
          description: Packets sent back to clients through the director. V(0) if real servers answer directly.
          returned: success
          type: int
          sample: 0
        bytes_in:
          description: Bytes received from clients.
          returned: success
          type: int
          sample: 7680
        bytes_out:
          description: Bytes sent back to clients through the director.
          returned: success
          type: int
          sample: 0
        connections_per_second:
          description: Rate of new connections.
          returned: success
          type: int
          sample: 1
        packets_in_per_second:
          description: Rate of packets received from clients.
          returned: success
          type: int
          sample: 8
        packets_out_per_second:
          description: Rate of packets sent back through the director.
          returned: success
          type: int
          sample: 0
        bytes_in_per_second:
          description: Rate of bytes received from clients.
          returned: success
          type: int
          sample: 640
        bytes_out_per_second:
          description: Rate of bytes sent back through the director.
          returned: success
          type: int
          sample: 0
    destinations:
      description: The real servers of the service, with the same field names as the options of M(lvs.cluster.ipvs_dest).
      returned: success
      type: list
      elements: dict
      contains:
        rip:
          description: The address of the real server.
          returned: success
          type: str
          sample: 192.168.56.183
        rport:
          description: The port of the real server. V(null) for a service with a firewall mark that rewrites no ports.
          returned: success
          type: int
          sample: 80
        forward:
          description: The forwarding method, V(tunnel), V(route), V(masquerade) or V(local).
          returned: success
          type: str
          sample: tunnel
        weight:
          description: The weight. V(0) takes no new connections.
          returned: success
          type: int
          sample: 2
        drained:
          description: The weight that the destination had before it was drained. V(null) if it is not drained.
          returned: success
          type: int
          sample: 1
        upper_threshold:
          description: The number of connections at which the destination stops receiving new ones. V(0) for no limit.
          returned: success
          type: int
          sample: 0
        lower_threshold:
          description: The number of connections below which it receives new ones again. V(0) for three quarters of the upper threshold.
          returned: success
          type: int
          sample: 0
        tunnel_type:
          description: The tunnel type, V(ipip), V(gue) or V(gre).
          returned: success, with C(forward=tunnel)
          type: str
          sample: ipip
        tunnel_port:
          description: The UDP port of a GUE tunnel. V(null) for other tunnels.
          returned: success, with C(forward=tunnel)
          type: int
          sample: 6080
        tunnel_checksum:
          description: The checksum of the outer packet, V(none), V(checksum) or V(remote_checksum).
          returned: success, with C(forward=tunnel)
          type: str
          sample: none
        connections:
          description: The current connections.
          returned: success
          type: dict
          contains:
            active:
              description: Established connections.
              returned: success
              type: int
              sample: 1
            inactive:
              description: All other connections that IPVS still remembers.
              returned: success
              type: int
              sample: 11
            persistent:
              description: Clients that a persistent service still remembers.
              returned: success
              type: int
              sample: 0
        statistics:
          description: Counters (64 bits) since the destination was created, and the rates of the last few seconds.
          returned: success
          type: dict
          contains:
            connections:
              description: Connections scheduled.
              returned: success
              type: int
              sample: 12
            packets_in:
              description: Packets received from clients.
              returned: success
              type: int
              sample: 96
            packets_out:
              description: Packets sent back to clients through the director. V(0) if real servers answer directly.
              returned: success
              type: int
              sample: 0
            bytes_in:
              description: Bytes received from clients.
              returned: success
              type: int
              sample: 7680
            bytes_out:
              description: Bytes sent back to clients through the director.
              returned: success
              type: int
              sample: 0
            connections_per_second:
              description: Rate of new connections.
              returned: success
              type: int
              sample: 1
            packets_in_per_second:
              description: Rate of packets received from clients.
              returned: success
              type: int
              sample: 8
            packets_out_per_second:
              description: Rate of packets sent back through the director.
              returned: success
              type: int
              sample: 0
            bytes_in_per_second:
              description: Rate of bytes received from clients.
              returned: success
              type: int
              sample: 640
            bytes_out_per_second:
              description: Rate of bytes sent back through the director.
              returned: success
              type: int
              sample: 0
    out:
      description:
        - The real servers that keepalived has taken out as their checks fail, or whose weight it has set to 0, with the fields of RV(services[].destinations)
          except the counters. RV(services[].destinations[].weight) is the one that they get when they are back.
        - Those that it has taken out because RV(services) has its sorry server are among them.
      returned: success, if keepalived owns the service by a configuration of M(lvs.cluster.keepalived)
      type: list
      elements: dict
      sample: [{rip: 192.168.56.184, rport: 80, forward: tunnel, weight: 1, drained: null}]
lvs_services:
  description:
    - The same table as the roles of this collection take it, without values that are the default.
    - Real servers that keepalived has taken out are there, and sorry servers are not. Checks, sorry servers and the quorum of a service that
      keepalived owns are not there.
    - C(director_device) is the device that holds the VIP. It is omitted if no device does.
    - C(adopted=true) is set if this collection would not create the service or one of its destinations with these values. See
      O(lvs.cluster.lvs#role:main:lvs_services[].adopted).
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
engine:
  description: V(keepalived) if it owns virtual services by a configuration of M(lvs.cluster.keepalived). Otherwise empty.
  returned: success
  type: str
  sample: ""
foreign_keepalived:
  description:
    - What a keepalived that runs with a configuration of somebody else has to do with the table. Real servers that it has taken out are not in
      the table.
    - Empty if there is no such keepalived, or if its configuration has neither virtual services nor lines that include other files.
  returned: success
  type: dict
  contains:
    config:
      description: The configuration.
      returned: success
      type: str
      sample: /etc/keepalived/keepalived.conf
    services:
      description: The names, as in RV(lvs_services), of the services of the table that the configuration has, too.
      returned: success
      type: list
      elements: str
      sample: [tcp-192.168.56.185-80]
    unread:
      description: The lines by which it may have others, as they include files that are not read, or have names in place of addresses.
      returned: success
      type: list
      elements: str
      sample: [include /etc/keepalived/conf.d/*.conf]
timeouts:
  description: How long IPVS remembers idle connections, in seconds.
  returned: success
  type: dict
  contains:
    tcp:
      description: The timeout of TCP connections.
      returned: success
      type: int
      sample: 900
    tcp_fin:
      description: The timeout of TCP connections that one side has closed.
      returned: success
      type: int
      sample: 120
    udp:
      description: The timeout for UDP.
      returned: success
      type: int
      sample: 300
sync_daemons:
  description: The running sync daemons, with the same field names as the options of M(lvs.cluster.ipvs_sync_daemon).
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: The role, V(master) or V(backup).
      returned: success
      type: str
      sample: master
    interface:
      description: The device that reaches the other directors.
      returned: success
      type: str
      sample: eth0
    sync_id:
      description: The ID of the group of directors.
      returned: success
      type: int
      sample: 1
    sync_maxlen:
      description: The maximum length of a message, in bytes.
      returned: success
      type: int
      sample: 1472
    group:
      description: The multicast address of the messages.
      returned: success
      type: str
      sample: 224.0.0.81
    port:
      description: The UDP port of the messages.
      returned: success
      type: int
      sample: 8848
    ttl:
      description: The TTL of the messages.
      returned: success
      type: int
      sample: 1
connection_table_size:
  description: The number of buckets of the connection hash table.
  returned: success
  type: int
  sample: 4096
version:
  description: The version of IPVS.
  returned: success
  type: str
  sample: 1.2.1
kernel:
  description: The release of the kernel.
  returned: success
  type: str
  sample: 6.12.48+deb13-amd64
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_info import read


def main() -> None:
    """Run the module."""
    run_reading({}, read)


if __name__ == "__main__":
    main()
