#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server in a virtual service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_dest
short_description: Manage a real server of a virtual service, or drain one
version_added: 0.1.0
description:
  - Adds, changes or removes a destination of a virtual service in the kernel's IPVS table, as C(ipvsadm -a), C(-e) and C(-d) do.
  - The service has to be there. An option left out stays as the kernel has it, so a weight is changed by naming nothing but the weight.
  - A destination is changed in place. Its connections stay.
  - O(state=drained) takes a real server out of service without breaking a connection. It gets no new ones, and the module waits until
    those that there are have ended. The former weight is kept in C(/var/lib/lvs.cluster/state.json), as the kernel forgets it, and
    O(state=present) brings it back.
  - Without a service, by O(rip) alone, O(state=drained) is for all destinations that a real server has on this director, and
    O(state=present) for those of them that are drained.
options:
  rip:
    description:
      - The real server's address, a unicast address of the same family as O(vip).
      - O(forward=tunnel) can go from one family to the other, as long as no sync daemon runs.
    type: str
    required: true
  rport:
    description:
      - The real server's port, V(1) to V(65535), the service's own if left out.
      - Another port than the service's works with O(forward=masquerade) alone, by O(fwmark), too. No other method rewrites ports.
        See M(lvs.cluster.port_dnat) for them.
    type: int
  forward:
    description:
      - How packets reach the real server. V(tunnel) wraps them in another IP packet, V(route) sends them on unchanged (direct routing),
        V(masquerade) rewrites their addresses (NAT), V(local) hands them to the director itself.
      - Left out, a new destination gets V(tunnel).
    type: str
    choices: [tunnel, route, masquerade, local]
  weight:
    description:
      - The share of new connections relative to the other real servers, V(0) (none) to V(65535).
      - Left out, a new destination gets V(1), and one that is drained the weight that it had before.
      - Stated, it ends a drain. O(state=drained) takes none, as that is V(0).
    type: int
  upper_threshold:
    description: The number of connections from which on it gets no new ones, V(0) (no limit, which a new destination has if this is left out) to V(2147483647).
    type: int
  lower_threshold:
    description:
      - The number of connections below which it gets new ones again, up to O(upper_threshold).
      - V(0), which a new destination has if this is left out, is three quarters of O(upper_threshold).
    type: int
  tunnel_type:
    description:
      - What O(forward=tunnel) wraps packets in, V(ipip) for a new destination if left out.
      - V(gue) is generic UDP encapsulation, for which the real server listens on O(tunnel_port).
    type: str
    choices: [ipip, gue, gre]
  tunnel_port:
    description: The UDP port of O(tunnel_type=gue), V(1) to V(65535), which needs one.
    type: int
  tunnel_checksum:
    description:
      - What protects the outer packet, for O(tunnel_type=gue) any of them, for O(tunnel_type=gre) V(none) or V(checksum).
      - V(remote_checksum) lets the real server make the inner checksum. V(none) for a new destination if left out.
    type: str
    choices: [none, checksum, remote_checksum]
  state:
    description:
      - Whether it shall be there, and take new connections.
      - V(drained) sets the weight to V(0), which keeps the connections that there are, and waits until they have ended. The destination has
        to be there. Drained again, it keeps the former weight that was noted first. A weight that somebody else sets meanwhile ends the
        drain, too.
      - A client of a persistent service comes back to its real server at weight V(0), too, while C(net.ipv4.vs.expire_quiescent_template)
        is V(0). Draining one is refused then, whatever O(drain_timeout) is, unless V(persistent) is among O(drain_connections). With the
        setting at V(1), such a client goes to another real server with its next connection.
    type: str
    choices: [present, absent, drained]
    default: present
  drain_timeout:
    description:
      - How long to wait for the end of the connections, in seconds, up to V(2678400) (31 days).
      - V(0) does not wait. Whether connections are left, RV(drain) says. It means nothing with another O(state) than V(drained).
    type: int
    default: 300
  drain_connections:
    description:
      - What has to be gone. V(active) is established connections, as C(ipvsadm -L) counts them, V(inactive) all others, most of which have
        ended and are remembered for the timeouts of M(lvs.cluster.ipvs_timeouts).
      - V(persistent) is clients that the service still remembers. The kernel forgets one when its C(persistence_timeout) has passed since the
        client's last connection came, and none of its connections is remembered any more, for which it looks once a minute.
    type: list
    elements: str
    choices: [active, inactive, persistent]
    default: [active]
  drain_on_timeout:
    description: What it is when connections are left after O(drain_timeout), a failure or not. The weight stays V(0) either way.
    type: str
    choices: [fail, continue]
    default: fail
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
- name: A real server behind an IPIP tunnel
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183

- name: Twice as much for it
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.183
    weight: 2

- name: Network address translation to another port
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.187
    port: 80
    rip: 192.168.56.184
    rport: 8080
    forward: masquerade

- name: A tunnel through UDP, and no more than 1000 connections
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.182
    tunnel_type: gue
    tunnel_port: 6080
    upper_threshold: 1000

# ansible ds1 -m lvs.cluster.ipvs_dest -a "rip=192.168.56.184 state=drained"
- name: No new connections for a real server, in no service, and wait until those that there are have ended
  lvs.cluster.ipvs_dest:
    rip: 192.168.56.184
    state: drained

- name: The same in one service, for a minute at most; go on with what is left then
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.184
    state: drained
    drain_timeout: 60
    drain_on_timeout: continue
  register: drained

# ansible ds1 -m lvs.cluster.ipvs_dest -a "rip=192.168.56.184"
- name: All the weights that it had before
  lvs.cluster.ipvs_dest:
    rip: 192.168.56.184

- name: Out of the service
  lvs.cluster.ipvs_dest:
    vip: 192.168.56.185
    port: 80
    rip: 192.168.56.184
    state: absent
"""

RETURN = r"""
destination:
  description:
    - The destination as it is now; empty where it is absent.
    - C(drained) is the weight that it had before it was drained, C(null) where it is not.
  returned: when a service is named
  type: dict
  sample:
    vip: 192.168.56.185
    port: 80
    protocol: tcp
    rip: 192.168.56.183
    rport: 80
    forward: tunnel
    weight: 2
    drained: null
    upper_threshold: 0
    lower_threshold: 0
    tunnel_type: ipip
    tunnel_port: null
    tunnel_checksum: none
destinations:
  description: All destinations of the real server, each like RV(destination).
  returned: when no service is named
  type: list
  elements: dict
drain:
  description:
    - How the wait ended. C(complete) says whether there was no connection of O(drain_connections) in two readings, a second apart.
      C(seconds) is how long it took.
    - C(left) is the connections that there were then, of all the destinations that were to be drained.
  returned: with O(state=drained), on failure, too, but not in check mode
  type: dict
  sample: {complete: false, seconds: 300.4, left: {active: 2, inactive: 14, persistent: 0}}
commands:
  description: What was changed (in check mode, what would be), as arguments of C(ipvsadm(8)).
  returned: success
  type: list
  elements: str
  sample: ["-e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"]
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import DESTINATION, DRAIN, SERVICE_KEY
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain_wait import IpvsRealServers, drained
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_dest import (
    facts,
    is_whole,
    wanted_destination,
    with_real_server,
)


def main() -> None:
    """Run the module."""
    run(
        argument_spec={**SERVICE_KEY, **DESTINATION, **DRAIN},
        wanted_of=wanted_destination,
        room_of=lambda options: IpvsRealServers(whole=is_whole(options)),
        scope=with_real_server,
        settle=drained,
        report=facts,
    )


if __name__ == "__main__":
    main()
