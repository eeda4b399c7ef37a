# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that somebody else's keepalived.conf names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.foreign_services import foreign_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey

TEXT = """\
! Configuration File for keepalived
# virtual_server 192.0.2.7 80 {
vrrp_instance VI_1 {
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.8
    }
}
virtual_server 192.0.2.1 80 {
    delay_loop 6
    real_server 10.0.0.1 80 {
        weight 1
    }
}
  virtual_server   192.0.2.1   53 # the name server
{
    protocol UDP
}
virtual_server fwmark 0x7 {
    ip_family inet6
}
virtual_server_group mail {
    192.0.2.20-22 25
    2001:db8::1 25
    fwmark 9
}
virtual_server group mail {
    protocol TCP
}
virtual_server 2001:db8::2 443
{
}
@second virtual_server 192.0.2.40 443 {
}
"""


def key(vip: str, port: int, protocol: str = "tcp") -> ServiceKey:
    return ServiceKey.of({"vip": vip, "port": port, "protocol": protocol})


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (key("192.0.2.1", 80), True),
        (key("192.0.2.1", 81), False),
        (key("192.0.2.1", 80, "udp"), False),
        (key("192.0.2.1", 53, "udp"), True),
        (key("192.0.2.1", 53), False),
        (key("192.0.2.7", 80), False),
        (key("192.0.2.8", 80), False),
        (key("10.0.0.1", 80), False),
        (ServiceKey.of({"fwmark": 7}), True),
        (ServiceKey.of({"fwmark": 7, "family": "ipv6"}), True),
        (ServiceKey.of({"fwmark": 8}), False),
        (ServiceKey.of({"fwmark": 9}), True),
        (key("192.0.2.19", 25), False),
        (key("192.0.2.20", 25), True),
        (key("192.0.2.22", 25), True),
        (key("192.0.2.23", 25), False),
        (key("2001:db8::1", 25), True),
        (key("2001:db8::2", 443), True),
        (key("192.0.2.40", 443), True),
    ],
)
def test_services(service: ServiceKey, expected: bool) -> None:
    found = foreign_services(TEXT)
    assert (found.has(service), found.unread) == (expected, [])


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("include /etc/keepalived/conf.d/*.conf\n", ["include /etc/keepalived/conf.d/*.conf"]),
        ("    includer other.conf  \n", ["includer other.conf"]),
        ("# include other.conf\n", []),
        ("virtual_server $VIP 80 {\n}\n", ["virtual_server $VIP 80"]),
        ("virtual_server group elsewhere {\n}\n", ["virtual_server group elsewhere"]),
        ("virtual_server_group a {\n $VIP 80\n}\nvirtual_server group a {\n}\n", ["virtual_server $VIP 80"]),
        ("vrrp_instance a {\n}\n", []),
        ("", []),
    ],
)
def test_what_is_not_written_out(text: str, unread: list[str]) -> None:
    found: Any = foreign_services(text)
    assert (found.unread, bool(found)) == (unread, bool(unread))


@given(st.text(alphabet="virtual_server group fwmark 0123456789.:{}\n-$#!@"))
def test_any_text_is_read(text: str) -> None:
    foreign_services(text).has(key("192.0.2.1", 80))
