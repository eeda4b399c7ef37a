#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server of a virtual service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_dest
short_description: Manage or drain a real server of a virtual service
version_added: 0.1.0
description:
  - Adds, changes or removes a destination of a virtual service in the kernel's IPVS table, like C(ipvsadm -a), C(-e) and C(-d).
  - The service has to exist. An option that is omitted stays as it is in the kernel. To change a weight, give nothing but the weight.
  - A destination is changed in place. Its connections are kept.
  - What the kernel has already is not checked, only what is added or changed.
  - O(state=drained) takes a real server out of service without breaking a connection. The real server receives no new connections, and
    the module waits until the existing ones have ended. The former weight is stored in C(/var/lib/lvs.cluster/state.json), because the
    kernel does not keep it. O(state=present) restores it.
  - Without a service, with O(rip) only, O(state=drained) applies to all destinations that the real server has on this director, and
    O(state=present) to those of them that are drained.
  - Where keepalived owns the service (M(lvs.cluster.keepalived)), it can only be given another O(weight), up to V(65535), drained and restored.
    One that fails its check has the weight when it is back.
options:
  rip:
    description:
      - The address of the real server, a unicast address of the same family as O(vip). It cannot be link-local.
      - With O(forward=tunnel), it may be of the other family, as long as no sync daemon runs.
    type: str
    required: true
  rport:
    description:
      - The port of the real server, V(1) to V(65535).
      - If omitted, the destination on the port of the service. If that does not exist, the only destination that O(rip) has in the
        service, whatever its port. Otherwise, a new destination gets the port of the service.
      - Another port than that of the service requires O(forward=masquerade). No other forwarding method rewrites ports. Use
        M(lvs.cluster.port_dnat) with them. With O(fwmark), the port is then no more than a part of the destination's name.
    type: int
  forward:
    description:
      - The forwarding method. V(tunnel) encapsulates packets in another IP packet, V(route) forwards them unchanged (direct routing),
        V(masquerade) rewrites their addresses (NAT), V(local) delivers them to the director itself.
      - A new destination gets V(tunnel) by default.
    type: str
    choices: [tunnel, route, masquerade, local]
  weight:
    description:
      - The share of new connections relative to the other real servers, V(0) (none) to V(2147483647).
      - If omitted, a new destination gets V(1), and a drained one gets its former weight back.
      - Setting a weight ends a drain. Not valid with O(state=drained), which sets the weight to V(0).
    type: int
  upper_threshold:
    description:
      - The number of connections at which the real server stops receiving new ones, V(0) to V(2147483647).
      - V(0) means no limit, which is the default for a new destination.
    type: int
  lower_threshold:
    description:
      - The number of connections below which the real server receives new ones again, V(0) to V(2147483647) and at most
        O(upper_threshold).
      - V(0) means three quarters of O(upper_threshold), which is the default for a new destination.
    type: int
  tunnel_type:
    description:
      - The encapsulation for O(forward=tunnel). A new destination gets V(ipip) by default.
      - V(gue) is Generic UDP Encapsulation. The real server has to listen on O(tunnel_port) for it.
      - V(gue) needs Linux 5.2 or newer on the director, V(gre) and O(tunnel_checksum) need 5.3.
    type: str
    choices: [ipip, gue, gre]
  tunnel_port:
    description: The UDP port for O(tunnel_type=gue), V(1) to V(65535). Required with O(tunnel_type=gue).
    type: int
  tunnel_checksum:
    description:
      - The checksum that protects the outer packet. O(tunnel_type=gue) supports all values, O(tunnel_type=gre) V(none) and V(checksum).
      - With V(remote_checksum), the real server computes the inner checksum.
      - A new destination gets V(none) by default.
    type: str
    choices: [none, checksum, remote_checksum]
  state:
    description:
      - Whether the destination should exist and receive new connections.
      - V(drained) sets the weight to V(0), which keeps existing connections, and waits until they have ended. The destination has to
        exist. If it is already drained, the weight that was stored first is kept. The drain also ends if another program sets a weight.
      - While C(net.ipv4.vs.expire_quiescent_template) is V(0), clients of a persistent service return to their real server even at
        weight V(0). A drain is then refused, whatever the O(drain_timeout), unless O(drain_connections) contains V(persistent). With
        the sysctl at V(1), such a client goes to another real server with its next connection.
    type: str
    choices: [present, absent, drained]
    default: present
  drain_timeout:
    description:
      - How long to wait for the connections to end, in seconds, up to V(2678400) (31 days).
      - With V(0), the module does not wait, and RV(drain) tells whether connections remain. Only used with O(state=drained).
      - For a UDP service, it has to be longer than the timeout for UDP, see M(lvs.cluster.ipvs_timeouts).
    type: int
    default: 360
  drain_connections:
    description:
      - The connections that have to end. V(active) are established connections, as C(ipvsadm -L) counts them. V(inactive) are all others,
        most of which have ended and are remembered for the timeouts of M(lvs.cluster.ipvs_timeouts).
      - UDP has no established connections. A client stays with its real server until it has sent nothing for the timeout for UDP. With
        V(active), the connections of UDP services, and of services with O(fwmark), have to end even if C(ipvsadm -L) counts them as
        inactive. A service with C(one_packet) has none.
      - V(persistent) are the clients that the service still remembers. The kernel forgets a client when C(persistence_timeout) has passed
        since its last new connection and when it remembers none of the client's connections any more. It checks once a minute.
    type: list
    elements: str
    choices: [active, inactive, persistent]
    default: [active]
  drain_on_timeout:
    description:
      - What to do if connections remain after O(drain_timeout), fail the task or continue.
      - The weight stays V(0) in both cases.
    type: str
    choices: [fail, continue]
    default: fail
  drain_standby:
    description:
      - Whether to wait on a host that does not have the VIP of a service, too, such as a standby director.
      - No connection passes such a host. It knows those that another director has told it of (M(lvs.cluster.ipvs_sync_daemon)), and for
        up to V(tcp) of M(lvs.cluster.ipvs_timeouts) those of whose end it has not heard, such as those that ended while its link was
        down.
    type: bool
    default: true
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.port_dnat
extends_documentation_fragment:
  - lvs.cluster.common
  - lvs.cluster.ipvs
  - lvs.cluster.service
"""

EXAMPLES = r"""
- name: Add a real server behind an IPIP tunnel
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183

- name: Double its weight
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183
    weight: 2

- name: Add a real server with NAT to another port
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.187
    port: 80
    rip: 192.168.56.184
    rport: 8080
    forward: masquerade

- name: Add a real server behind a GUE tunnel, with at most 1000 connections
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.182
    tunnel_type: gue
    tunnel_port: 6080
    upper_threshold: 1000

# ansible ds1 -m lvs.cluster.ipvs_dest -a "rip=192.168.56.184 state=drained"
- name: Drain a real server in all services and wait for its connections to end
  lvs.cluster.ipvs_dest:
    rip: 192.168.56.184
    state: drained

- name: Drain it in one service, and continue after one minute
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.184
    state: drained
    drain_timeout: 60
    drain_on_timeout: continue
  register: drained

# ansible ds1 -m lvs.cluster.ipvs_dest -a "rip=192.168.56.184"
- name: Restore all its former weights
  lvs.cluster.ipvs_dest:
    rip: 192.168.56.184

- name: Remove it from the service
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.184
    state: absent
"""

RETURN = r"""
destination:
  description: The destination after the task. Empty if it is absent.
  returned: if a service is given
  type: dict
  contains:
    vip:
      description: The address of the virtual service.
      returned: if a service is given, unless the service has a firewall mark
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the virtual service.
      returned: if a service is given, unless the service has a firewall mark
      type: int
      sample: 80
    protocol:
      description: The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      returned: if a service is given, unless the service has a firewall mark
      type: str
      sample: tcp
    fwmark:
      description: The firewall mark of the virtual service.
      returned: if a service is given, if the service has a firewall mark
      type: int
      sample: 7
    family:
      description: The address family of a virtual service with a firewall mark, V(ipv4) or V(ipv6).
      returned: if a service is given, if the service has a firewall mark
      type: str
      sample: ipv4
    rip:
      description: The address of the real server.
      returned: if a service is given
      type: str
      sample: 192.168.56.183
    rport:
      description: The port of the real server. V(null) for a service with a firewall mark that rewrites no ports.
      returned: if a service is given
      type: int
      sample: 80
    forward:
      description: The forwarding method, V(tunnel), V(route), V(masquerade) or V(local).
      returned: if a service is given
      type: str
      sample: tunnel
    weight:
      description: The weight. V(0) takes no new connections.
      returned: if a service is given
      type: int
      sample: 2
    drained:
      description: The weight that the destination had before it was drained. V(null) if it is not drained.
      returned: if a service is given
      type: int
      sample: 1
    upper_threshold:
      description: The number of connections at which the destination stops receiving new ones. V(0) for no limit.
      returned: if a service is given
      type: int
      sample: 0
    lower_threshold:
      description: The number of connections below which it receives new ones again. V(0) for three quarters of the upper threshold.
      returned: if a service is given
      type: int
      sample: 0
    tunnel_type:
      description: The tunnel type, V(ipip), V(gue) or V(gre).
      returned: if a service is given, with C(forward=tunnel)
      type: str
      sample: ipip
    tunnel_port:
      description: The UDP port of a GUE tunnel. V(null) for other tunnels.
      returned: if a service is given, with C(forward=tunnel)
      type: int
      sample: 6080
    tunnel_checksum:
      description: The checksum of the outer packet, V(none), V(checksum) or V(remote_checksum).
      returned: if a service is given, with C(forward=tunnel)
      type: str
      sample: none
destinations:
  description: All destinations of the real server after the task.
  returned: if no service is given
  type: list
  elements: dict
  contains:
    vip:
      description: The address of the virtual service.
      returned: if no service is given, unless the service has a firewall mark
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the virtual service.
      returned: if no service is given, unless the service has a firewall mark
      type: int
      sample: 80
    protocol:
      description: The protocol of the virtual service, V(tcp), V(udp) or V(sctp).
      returned: if no service is given, unless the service has a firewall mark
      type: str
      sample: tcp
    fwmark:
      description: The firewall mark of the virtual service.
      returned: if no service is given, if the service has a firewall mark
      type: int
      sample: 7
    family:
      description: The address family of a virtual service with a firewall mark, V(ipv4) or V(ipv6).
      returned: if no service is given, if the service has a firewall mark
      type: str
      sample: ipv4
    rip:
      description: The address of the real server.
      returned: if no service is given
      type: str
      sample: 192.168.56.183
    rport:
      description: The port of the real server. V(null) for a service with a firewall mark that rewrites no ports.
      returned: if no service is given
      type: int
      sample: 80
    forward:
      description: The forwarding method, V(tunnel), V(route), V(masquerade) or V(local).
      returned: if no service is given
      type: str
      sample: tunnel
    weight:
      description: The weight. V(0) takes no new connections.
      returned: if no service is given
      type: int
      sample: 2
    drained:
      description: The weight that the destination had before it was drained. V(null) if it is not drained.
      returned: if no service is given
      type: int
      sample: 1
    upper_threshold:
      description: The number of connections at which the destination stops receiving new ones. V(0) for no limit.
      returned: if no service is given
      type: int
      sample: 0
    lower_threshold:
      description: The number of connections below which it receives new ones again. V(0) for three quarters of the upper threshold.
      returned: if no service is given
      type: int
      sample: 0
    tunnel_type:
      description: The tunnel type, V(ipip), V(gue) or V(gre).
      returned: if no service is given, with C(forward=tunnel)
      type: str
      sample: ipip
    tunnel_port:
      description: The UDP port of a GUE tunnel. V(null) for other tunnels.
      returned: if no service is given, with C(forward=tunnel)
      type: int
      sample: 6080
    tunnel_checksum:
      description: The checksum of the outer packet, V(none), V(checksum) or V(remote_checksum).
      returned: if no service is given, with C(forward=tunnel)
      type: str
      sample: none
drain:
  description: The result of the drain.
  returned: with O(state=drained), also on failure, but not in check mode
  type: dict
  contains:
    complete:
      description: Whether two readings, one second apart, found none of the connections in O(drain_connections).
      returned: with O(state=drained)
      type: bool
      sample: false
    seconds:
      description: How long the module waited, in seconds.
      returned: with O(state=drained)
      type: float
      sample: 300.4
    left:
      description: The connections that remained at the end, of all destinations that were drained.
      returned: with O(state=drained)
      type: dict
      contains:
        active:
          description: Established connections.
          returned: with O(state=drained)
          type: int
          sample: 2
        inactive:
          description: All other connections that IPVS still remembers.
          returned: with O(state=drained)
          type: int
          sample: 14
        persistent:
          description: Clients that a persistent service still remembers.
          returned: with O(state=drained)
          type: int
          sample: 0
commands:
  description:
    - The changes as commands, in the order in which they were made. In check mode, those that would be made.
  returned: success
  type: list
  elements: str
  sample: ["ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"]
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
      sample: set
    kind:
      description: The kind of object that changed, V(destination).
      returned: success
      type: str
      sample: destination
    key:
      description: The values that identify the object.
      returned: success
      type: dict
      sample: {vip: 192.168.56.185, port: 80, protocol: tcp, rip: 192.168.56.183, rport: 80}
    command:
      description: The command that makes the change. Several lines if it takes several commands.
      returned: success
      type: str
      sample: "ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_dest import ARGUMENT_SPEC, IpvsDest


def main() -> None:
    """Run the module."""
    run(ARGUMENT_SPEC, IpvsDest())


if __name__ == "__main__":
    main()
