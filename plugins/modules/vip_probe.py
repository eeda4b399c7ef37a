#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a VIP as a client, and of each real server through its tunnel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_probe
short_description: Probe VIPs as a client, or each real server through its tunnel
version_added: 0.1.0
description:
  - With O(vip), makes requests to a VIP from any host, each on a new connection. Returns how often each real server answered and how
    long it took. Fails if a request fails, or if the distribution of the answers does not match O(shares).
  - With O(services), does this for several VIPs and ports, at the same time.
  - With O(through), run on the director, probes each real server in the same way as IPVS forwards clients' packets to it, whatever its
    weight. This finds real servers that answer directly but not through the tunnel. Fails with a list of all real servers that did not
    answer.
  - With O(resolve), run on a host on the same link, resolves VIPs with ARP or neighbour discovery, as clients there do. Fails if a VIP is
    not answered.
  - All results are returned even if the task fails.
  - Changes nothing. It also probes in check mode.
options:
  vip:
    description: The VIP to make requests to, an IPv4 or IPv6 address.
    type: str
  port:
    description: The port of the VIP, V(1) to V(65535).
    type: int
  services:
    description: Several VIPs with ports, instead of O(vip) and O(port). The other options are for the requests to each of them.
    type: list
    elements: dict
    suboptions:
      vip:
        description: The VIP.
        type: str
        required: true
      port:
        description: The port of the VIP, V(1) to V(65535).
        type: int
        required: true
  kind:
    description:
      - V(http) requests O(path).
      - V(tcp) opens a connection and uses O(send), O(expect) and O(identify) on it. Without any of these, an accepted connection counts
        as an answer from C(unknown).
    type: str
    choices: [http, tcp]
    default: http
  path:
    description: The path of the HTTP request.
    type: str
    default: /
  host_header:
    description: The C(Host) header of the HTTP request. Defaults to O(vip) and O(port).
    type: str
  send:
    description: The text to send over TCP. Write C("\r\n") in double quotes for the end of a line.
    type: str
  expect:
    description:
      - A Python regular expression that has to match in the body of an HTTP response, or in the text received over TCP.
      - Over TCP, an answer is complete when O(expect) and O(identify) match. If both are omitted, it is complete at the end of the first
        line. It is always complete when the server closes the connection.
    type: str
  identify:
    description:
      - A Python regular expression with one group. The group has to match the name of the real server in the headers and body of an answer.
      - Defaults to the first line of the body.
    type: str
  status:
    description: The accepted HTTP status codes, V(100) to V(599).
    type: list
    elements: int
    default: [200]
  requests:
    description: The number of requests, V(1) to V(100000).
    type: int
    default: 10
  parallel:
    description: The number of concurrent requests, V(1) to V(200).
    type: int
    default: 1
  timeout:
    description:
      - The timeout of each request in seconds, V(0.1) to V(60).
      - With O(through), the timeout for all real servers together. They are probed in parallel, three times within this time. If a real
        server does not answer, the module takes up to 3 more seconds to find out why.
    type: float
    default: 5
  shares:
    description:
      - The expected share of the answers for each name, as weights by name. No other name may answer.
      - If omitted, the distribution is not checked.
    type: dict
  tolerance:
    description: The allowed deviation of a share, V(0) to V(1), where V(1) stands for all answers.
    type: float
    default: 0.1
  through:
    description:
      - The real servers to probe, at most 4096. RV(lvs.cluster.cluster_plan#module:probes) has this format.
      - For TCP, a SYN is sent to the VIP inside the tunnel, at most three times, and an accepted connection is reset at once. For other
        protocols and for services on port 0, an echo request is sent.
      - With C(forward=masquerade), a connection to the real server's own address is made. With C(forward=local), and if C(rip) is an
        address of the director itself, nothing is probed.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the real server in messages. Defaults to its address.
        type: str
      vip:
        description: The VIP of the service.
        type: str
        required: true
      port:
        description: The port of the service, V(0) to V(65535).
        type: int
        required: true
      protocol:
        description: The protocol of the service.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      rip:
        description: The address of the real server.
        type: str
        required: true
      rport:
        description: The port that the program on the real server listens on. Defaults to O(through[].port).
        type: int
      forward:
        description: The forwarding method.
        type: str
        choices: [tunnel, route, masquerade, local]
        default: tunnel
      tunnel_type:
        description: The tunnel type. Defaults to V(ipip).
        type: str
        choices: [ipip, gue, gre]
      tunnel_port:
        description: The UDP port for O(through[].tunnel_type=gue).
        type: int
      tunnel_checksum:
        description:
          - The checksum of the outer packet. Defaults to V(none).
          - With V(remote_checksum), probes are sent as with V(none), as IPVS does with clients' packets.
        type: str
        choices: [none, checksum, remote_checksum]
  drained:
    description:
      - Whether to probe real servers to which this director sends no connections.
      - V(skip) skips the entries of O(through) that have weight 0 in the director's table, or are not in it.
    type: str
    choices: [probe, skip]
    default: probe
  resolve:
    description:
      - The VIPs to resolve, from this host's own address. RV(lvs.cluster.preflight#module:links) has this format.
      - An entry is left out if this host is on no such link, is the director itself, or does not get an answer for O(resolve[].address)
        either.
    type: list
    elements: dict
    suboptions:
      vip:
        description: The VIP.
        type: str
        required: true
      address:
        description: An address that the director has on the same link.
        type: str
        required: true
requirements:
  - root on the managed host, with O(through) and O(resolve)
notes:
  - The answers to O(through) have a VIP as their source address, which the director has itself. If C(net.ipv4.conf.*.log_martians) is
    set, the kernel logs them.
seealso:
  - module: lvs.cluster.preflight
  - module: lvs.cluster.cluster_plan
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Check that rs1 gives twice as many answers as rs2
  lvs.cluster.vip_probe:
    vip: 192.168.56.186
    port: 8099
    requests: 30
    shares: {rs1: 2, rs2: 1}

- name: Find the name of the real server in a header
  lvs.cluster.vip_probe:
    vip: 192.168.56.185
    port: 80
    path: /health
    host_header: www.example.com
    identify: '^X-Served-By: (\S+)'
    expect: '^ok$'

- name: Check the greeting of a mail server
  lvs.cluster.vip_probe:
    vip: 192.168.56.185
    port: 25
    kind: tcp
    expect: '^220 '
    identify: '^220 (\S+)'

- name: Check that two services accept connections
  lvs.cluster.vip_probe:
    services:
      - {vip: 192.168.56.185, port: 80}
      - {vip: 192.168.56.185, port: 443}
    kind: tcp

- name: Check that a real server answers through its tunnel
  lvs.cluster.vip_probe:
    through:
      - {name: rs1, rip: 192.168.56.183, vip: 192.168.56.185, port: 80}

- name: Check from another host on the link that the director answers ARP requests for its VIP
  lvs.cluster.vip_probe:
    resolve:
      - {vip: 192.168.56.185, address: 192.168.56.181}
"""

RETURN = r"""
answers:
  description: The number of answers by name.
  returned: with O(vip)
  type: dict
  sample: {rs1: 20, rs2: 10}
failures:
  description: The failed requests, by problem.
  returned: with O(vip)
  type: list
  elements: dict
  contains:
    problem:
      description: The problem.
      returned: with O(vip)
      type: str
      sample: refused
    times:
      description: How often it occurred.
      returned: with O(vip)
      type: int
      sample: 3
    example:
      description: The text of the first wrong answer with this problem.
      returned: with O(vip)
      type: str
      sample: ""
latency:
  description:
    - The time from the start of the connection to the end of the answer, in milliseconds, for the requests that were answered. Empty if
      none was.
    - Percentiles are by nearest rank, the lowest latency that this percentage of the answers does not exceed.
  returned: with O(vip)
  type: dict
  sample: {min: 0.9, p50: 1.2, p90: 1.6, p99: 3.1, max: 3.1, mean: 1.3}
requests:
  description: The number of requests.
  returned: with O(vip)
  type: int
  sample: 30
seconds:
  description: The duration of all requests together, in seconds.
  returned: with O(vip)
  type: float
  sample: 0.041
services:
  description: The entries of O(services), in the same order.
  returned: with O(services)
  type: list
  elements: dict
  contains:
    vip:
      description: The VIP.
      returned: with O(services)
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the VIP.
      returned: with O(services)
      type: int
      sample: 80
    answers:
      description: Like RV(answers), as are C(failures), C(latency), C(requests) and C(seconds).
      returned: with O(services)
      type: dict
      sample: {rs1: 20, rs2: 10}
real_servers:
  description: The entries of O(through) that were probed, in the same order.
  returned: with O(through)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the real server.
      returned: with O(through)
      type: str
      sample: rs1
    rip:
      description: The address of the real server.
      returned: with O(through)
      type: str
      sample: 192.168.56.183
    vip:
      description: The VIP of the service.
      returned: with O(through)
      type: str
      sample: 192.168.56.185
    port:
      description: The port of the service.
      returned: with O(through)
      type: int
      sample: 80
    answered:
      description: Whether the real server is ready for clients.
      returned: with O(through)
      type: bool
      sample: true
    seconds:
      description: The time until the answer, in seconds. V(null) if there was none.
      returned: with O(through)
      type: float
      sample: 0.000431
    problem:
      description: What is wrong and what to do about it. Empty if there is no problem.
      returned: with O(through)
      type: str
      sample: ""
resolved:
  description: The entries of O(resolve) that were not left out.
  returned: with O(resolve)
  type: list
  elements: dict
  contains:
    vip:
      description: The VIP.
      returned: with O(resolve)
      type: str
      sample: 192.168.56.185
    address:
      description: The director's own address.
      returned: with O(resolve)
      type: str
      sample: 192.168.56.181
    macs:
      description: The MAC addresses that answered for the VIP. Empty if none did.
      returned: with O(resolve)
      type: list
      elements: str
      sample: ["02:00:00:00:00:01"]
left_out:
  description:
    - The entries of O(through) that were left out because of O(drained), or as they are the director itself, with name, addresses and port.
    - With O(resolve), its entries that were left out.
  returned: with O(through) or O(resolve)
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_probe import ARGUMENT_SPEC, read


def main() -> None:
    """Run the module."""
    run_reading(ARGUMENT_SPEC, read)


if __name__ == "__main__":
    main()
