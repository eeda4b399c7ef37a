# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says that keepalived owns; that what is written is found again is tested with virtual_servers."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_table import (
    DRAINED,
    OwnedDestination,
    number_in,
    owned,
    weight_file_name,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import DestinationKey, ServiceKey

INHIBITED = """
virtual_server 192.0.2.1 80 {
    protocol TCP
    inhibit_on_failure
    real_server 10.0.0.1 80 {
        weight 3
        lvs_method DR
        FILE_CHECK {
            track_file rs1
            weight 1
        }
    }
}
"""
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
    names = {weight_file_name(key) for key in keys}
    assert len(names) == len(keys)
    assert not any("/" in name for name in names)


def test_real_server_that_stays_when_it_fails() -> None:
    (entries,) = owned(INHIBITED).values()
    assert list(entries.values()) == [OwnedDestination(3, "DR", "/var/lib/lvs.cluster/weights/rs1", inhibited=True)]


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, 0), ("", 0), ("0\n", 0), ("7", 7), (" +2\n", 2), ("-65535\n", DRAINED), ("3 4\n", 3), ("x\n", 0)],
)
def test_number_in_a_file(text: str | None, number: int) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize("configured", [0, 1, 5, 65535])
def test_number_for_a_weight(configured: int) -> None:
    """No weight is taken for a drain, of which the number makes 0 of every weight."""
    destination = OwnedDestination(configured, "", "")
    for weight in (0, 1, 7, 65535):
        assert destination.weight_with(destination.number_for(weight)) == weight
        assert destination.number_for(weight) != DRAINED
    assert destination.weight_with(DRAINED) == 0
    assert destination.weight_with(65535) == 65535
    assert destination.weight_with(0) == configured
