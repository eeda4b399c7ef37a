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
    description: The virtual service's port, V(1) to V(65535).
    type: int
  protocol:
    description: The virtual service's protocol. Means nothing with O(fwmark).
    type: str
    choices: [tcp, udp, sctp]
    default: tcp
  fwmark:
    description:
      - The firewall mark of the packets that belong to the virtual service, V(1) to V(4294967295), instead of O(vip) and O(port).
      - The service is one for IPv4.
    type: int
requirements:
  - Linux with the module C(ip_vs)
  - root on the managed host, in check mode too, as the kernel lets nobody else read IPVS
notes:
  - Talks to the kernel over generic netlink. C(ipvsadm) is not needed.
"""
