# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The real servers that resolve the VIPs in the verification, as clients on the same link do. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from ...module_utils._core.values import Address

# The controller does not know the networks of hosts: VIPs in one of this size are left to one real server.
_PREFIX = {4: 24, 6: 64}


def asking_real_servers(vips: Iterable[str], rips: Mapping[str, Sequence[str]]) -> list[str]:
    """For each network with VIPs, the real server that is most likely to be on the same link: the one with the nearest RIP.

    :param rips: the RIPs of the real servers that can be asked, by host
    """
    addresses = [(host, ipaddress.ip_address(rip)) for host, of_host in rips.items() for rip in of_host]
    by_network: dict[str, Address] = {}
    for vip in map(ipaddress.ip_address, vips):
        network = ipaddress.ip_network((vip, _PREFIX[vip.version]), strict=False)
        by_network.setdefault(str(network), vip)
    nearest = []
    for vip in by_network.values():
        distances = {(rip.version != vip.version, int(rip) ^ int(vip)): host for host, rip in reversed(addresses)}
        if distances:
            nearest.append(distances[min(distances)])
    return list(dict.fromkeys(nearest))
