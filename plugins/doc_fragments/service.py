# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that identify a virtual service."""

from __future__ import annotations


class ModuleDocFragment:
    """The key of a virtual service."""

    DOCUMENTATION = r"""
options:
  vip:
    description:
      - The address of the virtual service, a unicast IPv4 or IPv6 address. A loopback address serves clients on the director itself,
        which has it already.
      - Requires O(port). Mutually exclusive with O(fwmark).
    type: str
  port:
    description:
      - The port of the virtual service, V(0) to V(65535).
      - V(0) matches every port that no other service has. It requires a persistent service.
    type: int
  protocol:
    description: The protocol of the virtual service. Ignored with O(fwmark).
    type: str
    choices: [tcp, udp, sctp]
    default: tcp
  fwmark:
    description:
      - The firewall mark of the packets that belong to the virtual service, V(1) to V(4294967295).
      - Replaces O(vip) and O(port).
    type: int
  family:
    description: The address family of a virtual service with O(fwmark). Defaults to V(ipv4). With O(vip), the address determines it.
    type: str
    choices: [ipv4, ipv6]
"""
