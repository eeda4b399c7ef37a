#!/usr/bin/python
# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether clients are answered, and every real server through its tunnel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_probe
short_description: Ask a VIP as a client does, or each real server through its own tunnel
version_added: 0.1.0
description:
  - With O(vip), from any host, makes requests to a VIP, each on a new connection. It tells who answered how often, and how long it took.
    Fails where a request fails, or where the answers are not distributed as O(shares) says.
  - With O(through), from the director, asks each real server in the way that IPVS sends it the packets of clients, whatever its weight.
    So a real server is found that answers directly, and not through the tunnel. Fails with all that did not answer.
  - Where it fails, it nevertheless returns all that it found.
  - Changes nothing. Asks in check mode, too.
options:
  vip:
    description: The VIP to make requests to, an IPv4 or IPv6 address.
    type: str
  port:
    description: Its port, V(1) to V(65535).
    type: int
  kind:
    description:
      - V(http) is a request for O(path).
      - V(tcp) is a connection, with O(send), O(expect) and O(identify) what is said on it. Without any of these, being accepted is an
        answer, of C(unknown).
    type: str
    choices: [http, tcp]
    default: http
  path:
    description: What is asked for over HTTP.
    type: str
    default: /
  host_header:
    description: The C(Host) of a request over HTTP. O(vip) and O(port) if left out.
    type: str
  send:
    description: The text to send over TCP. Write C("\r\n") in double quotes for the end of a line.
    type: str
  expect:
    description:
      - A regular expression of Python that has to be found in the body of an answer over HTTP, or in what is said over TCP.
      - Over TCP, what was said is a whole answer when O(expect) and O(identify) are found in it, without both when a line is at its
        end, and in any case when the other side closes.
    type: str
  identify:
    description:
      - A regular expression of Python with one group, which finds in the header fields and the body of an answer who gave it.
      - The first line of the body if left out.
    type: str
  status:
    description: The status codes of HTTP that are right, V(100) to V(599).
    type: list
    elements: int
    default: [200]
  requests:
    description: How many requests to make, V(1) to V(100000).
    type: int
    default: 10
  parallel:
    description: How many of them to have under way at once, V(1) to V(200).
    type: int
    default: 1
  timeout:
    description:
      - The seconds that each request may take, V(0.1) to V(60).
      - With O(through), the seconds until all real servers have answered. They are asked together, and three times within this time. Where
        one is silent, it takes up to 3 seconds more to find out why.
    type: float
    default: 5
  shares:
    description:
      - What part of the answers each name has to have, as weights by name. Another name must not answer.
      - Nothing is asked of the distribution if left out.
    type: dict
  tolerance:
    description: How far a part of the answers may be off, V(0) to V(1), where V(1) is all answers.
    type: float
    default: 0.1
  through:
    description:
      - The real servers to ask, at most 4096. C(probes) of M(lvs.cluster.cluster_plan) are such rows.
      - For TCP, a SYN goes to the VIP inside the tunnel, three times at most, and what is accepted is reset at once. For another
        protocol, or a service on port 0, an echo request.
      - With C(forward=masquerade), a connection to the real server's own address is made. With C(forward=local), nobody is asked.
    type: list
    elements: dict
    suboptions:
      name:
        description: What messages call the real server. Without it, its address.
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
        description: The port that the real server's program listens on. O(through[].port) if left out.
        type: int
      forward:
        description: How packets get there.
        type: str
        choices: [tunnel, route, masquerade, local]
        default: tunnel
      tunnel_type:
        description: The kind of tunnel. V(ipip) if left out.
        type: str
        choices: [ipip, gue, gre]
      tunnel_port:
        description: The UDP port of O(through[].tunnel_type=gue).
        type: int
      tunnel_checksum:
        description:
          - The checksum of the tunnel's own header. V(none) if left out.
          - With V(remote_checksum), IPVS sends packets of clients as with V(none), and so does this.
        type: str
        choices: [none, checksum, remote_checksum]
  drained:
    description: Whether V(skip) leaves out the rows of O(through) that this director sends nothing to, as its table has weight 0 for them, or none.
    type: str
    choices: [probe, skip]
    default: probe
requirements:
  - root on the managed host, with O(through)
notes:
  - The answers to O(through) come from a VIP, which the director holds itself. Where C(net.ipv4.conf.*.log_martians) is set, it logs them.
seealso:
  - module: lvs.cluster.preflight
  - module: lvs.cluster.cluster_plan
extends_documentation_fragment:
  - lvs.cluster.common
"""

EXAMPLES = r"""
- name: Twice as many answers from rs1
  lvs.cluster.vip_probe:
    vip: 192.168.56.186
    port: 8099
    requests: 30
    shares: {rs1: 2, rs2: 1}

- name: Who answers is in a header field
  lvs.cluster.vip_probe:
    vip: 192.168.56.185
    port: 80
    path: /health
    host_header: www.example.com
    identify: '^X-Served-By: (\S+)'
    expect: '^ok$'

- name: A mail server says hello
  lvs.cluster.vip_probe:
    vip: 192.168.56.185
    port: 25
    kind: tcp
    expect: '^220 '
    identify: '^220 (\S+)'

- name: A real server answers through its tunnel
  lvs.cluster.vip_probe:
    through:
      - {name: rs1, rip: 192.168.56.183, vip: 192.168.56.185, port: 80}
"""

RETURN = r"""
answers:
  description: How often each name answered, with O(vip).
  returned: with O(vip)
  type: dict
  sample: {rs1: 20, rs2: 10}
failures:
  description: What went wrong, how often, and what the first wrong answer of this kind said.
  returned: with O(vip)
  type: list
  elements: dict
  sample: [{problem: refused, times: 3, example: ""}]
latency:
  description:
    - From the beginning of a connection to the end of the answer, in milliseconds. Of the requests that were answered. Empty without any.
    - A percentile is by nearest rank, the least latency that is not exceeded by that part of the answers.
  returned: with O(vip)
  type: dict
  sample: {min: 0.9, p50: 1.2, p90: 1.6, p99: 3.1, max: 3.1, mean: 1.3}
requests:
  description: How many requests were made.
  returned: with O(vip)
  type: int
  sample: 30
seconds:
  description: The seconds that all of them took.
  returned: with O(vip)
  type: float
  sample: 0.041
real_servers:
  description: The rows of O(through) that were asked, in their order.
  returned: with O(through)
  type: list
  elements: dict
  contains:
    name:
      description: What messages call the real server.
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
      description: Whether it is ready for clients.
      returned: with O(through)
      type: bool
      sample: true
    seconds:
      description: The seconds until the answer. None without one.
      returned: with O(through)
      type: float
      sample: 0.000431
    problem:
      description: What is wrong, and what to do. Empty if nothing is.
      returned: with O(through)
      type: str
      sample: ""
skipped:
  description: The rows of O(through) that were not asked, as O(drained) or C(forward=local) says, with their names, addresses and ports.
  returned: with O(through)
  type: list
  elements: dict
  sample: []
"""

import time

from ansible_collections.lvs.cluster.plugins.module_utils._core.argument_spec import DESTINATION, SERVICE_KEY
from ansible_collections.lvs.cluster.plugins.module_utils._core.module import run_reading
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import IpvsDestinations
from ansible_collections.lvs.cluster.plugins.module_utils._probe import tunnel_probe as through
from ansible_collections.lvs.cluster.plugins.module_utils._probe import vip_requests as requests
from ansible_collections.lvs.cluster.plugins.module_utils._probe.tunnel_sockets import ask
from ansible_collections.lvs.cluster.plugins.module_utils._probe.vip_client import ask_all


def read(options: dict[str, object]) -> dict[str, object]:
    """Ask, and judge."""
    if options["through"] is None:
        wanted = requests.wanted_requests(options)
        start = time.monotonic()
        outcomes = ask_all(wanted)
        return requests.verdict(wanted, outcomes, time.monotonic() - start)
    plan = through.wanted_through(options)
    table = {}
    if plan.skip_drained:
        with IpvsDestinations() as ipvs:
            table = ipvs.read([Wanted.absent(one.destination.key) for one in plan.real_servers])
    asked, skipped = plan.split(table)
    return through.verdict(list(zip(asked, ask(asked, plan.timeout))), skipped)


def main() -> None:
    """Run the module."""
    named = {name: DESTINATION[name] for name in ("rip", "rport", "tunnel_type", "tunnel_port", "tunnel_checksum")}
    row = {
        "name": {"type": "str"},
        "vip": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
        "protocol": SERVICE_KEY["protocol"],
        **named,
        "forward": {**DESTINATION["forward"], "default": "tunnel"},
    }
    run_reading(
        argument_spec={
            "vip": {"type": "str"},
            "port": {"type": "int"},
            "kind": {"type": "str", "choices": list(requests.KINDS), "default": "http"},
            "path": {"type": "str", "default": "/"},
            "host_header": {"type": "str"},
            "send": {"type": "str"},
            "expect": {"type": "str"},
            "identify": {"type": "str"},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "requests": {"type": "int", "default": 10},
            "parallel": {"type": "int", "default": 1},
            "timeout": {"type": "float", "default": 5.0},
            "shares": {"type": "dict"},
            "tolerance": {"type": "float", "default": 0.1},
            "through": {"type": "list", "elements": "dict", "options": row},
            "drained": {"type": "str", "choices": list(through.DRAINED), "default": "probe"},
        },
        read=read,
    )


if __name__ == "__main__":
    main()
