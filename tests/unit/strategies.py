# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and destinations as the kernel may hold them, for Hypothesis."""

from __future__ import annotations

import string
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
)

HASHED = 0x2
u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
names = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=15)
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@st.composite
def service_keys(draw: st.DrawFn) -> ServiceKey:
    """A firewall mark, or a protocol with VIP and port."""
    vip: IPv4Address | IPv6Address = draw(addresses)
    if draw(st.booleans()):
        return ServiceKey(family=vip.version, fwmark=draw(st.integers(1, 0xFFFFFFFF)))
    protocol = draw(st.sampled_from(["tcp", "udp", "sctp"]))
    return ServiceKey(family=vip.version, protocol=protocol, vip=vip, port=draw(u16))


@st.composite
def services(draw: st.DrawFn) -> Service:
    """A service with every field set; the prefix of a whole address is written as None."""
    key = draw(service_keys())
    return Service(
        key=key,
        scheduler=draw(names),
        flags=draw(u32) & ~HASHED,
        timeout=draw(u32),
        prefix_length=draw(st.none() | st.integers(1, 31 if key.family == 4 else 127)),
        persistence_engine=draw(st.just("") | names),
    )


@st.composite
def destinations(draw: st.DrawFn) -> Destination:
    """A destination with every field set, of either family whatever the service's."""
    return Destination(
        key=DestinationKey(draw(service_keys()), draw(addresses), draw(u16)),
        forward=draw(st.sampled_from(["masquerade", "local", "tunnel", "route", "bypass"])),
        weight=draw(st.integers(0, 0x7FFFFFFF)),
        upper_threshold=draw(u32),
        lower_threshold=draw(u32),
        tunnel_type=draw(st.sampled_from(["ipip", "gue", "gre"])),
        tunnel_port=draw(u16),
        tunnel_flags=draw(u16),
    )
