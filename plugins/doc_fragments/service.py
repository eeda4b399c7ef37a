# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a virtual service is named."""

from __future__ import annotations


class ModuleDocFragment:
    """The key of a virtual service."""

    DOCUMENTATION = r"""
options:
  vip:
    description:
      - The virtual service's address, a unicast IPv4 or IPv6 address.
      - Goes with O(port). Give O(vip) or O(fwmark), not both.
    type: str
  port:
    description:
      - The virtual service's port, V(0) to V(65535).
      - V(0) takes every port that no other service has. The service has to be persistent.
    type: int
  protocol:
    description: The virtual service's protocol. Means nothing with O(fwmark).
    type: str
    choices: [tcp, udp, sctp]
    default: tcp
  fwmark:
    description: The firewall mark of the packets that belong to the virtual service, V(1) to V(4294967295), instead of O(vip) and O(port).
    type: int
  family:
    description: The address family of a virtual service by O(fwmark), V(ipv4) if left out. A O(vip) tells it by itself.
    type: str
    choices: [ipv4, ipv6]
"""
