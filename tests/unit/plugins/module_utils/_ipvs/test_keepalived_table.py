# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says that keepalived owns; that what is written is found again is tested with virtual_servers."""

from __future__ import annotations

from ipaddress import ip_address

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_table import OwnedDestination, drain_name, owned
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import DestinationKey, ServiceKey

MARKED = """
virtual_server fwmark 7 {
    ip_family inet6
    real_server 2001:db8::1 0 {
        weight 1
        lvs_method TUN type gue port 6080
    }
}
vrrp_instance lvs_1 {
    virtual_ipaddress {
        192.0.2.1/32 dev eth0
    }
}
"""


def test_service_of_a_mark() -> None:
    service = ServiceKey(6, fwmark=7)
    destination = DestinationKey(service, ip_address("2001:db8::1"), 0)
    assert owned(MARKED) == {service: {destination: OwnedDestination(1, "TUN type gue port 6080", "")}}


def test_names_of_files_differ() -> None:
    rip = ip_address("10.0.0.1")
    keys = [
        *(DestinationKey(ServiceKey(family, fwmark=7), rip, 0) for family in (4, 6)),
        *(DestinationKey(ServiceKey(4, protocol, rip, port), rip, 80) for protocol in ("tcp", "udp") for port in (80, 81)),
        DestinationKey(ServiceKey(4, "tcp", rip, 80), rip, 81),
    ]
    names = {drain_name(key) for key in keys}
    assert len(names) == len(keys)
    assert not any("/" in name for name in names)
