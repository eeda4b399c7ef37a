# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, destinations and virtual routers for Hypothesis.

As the kernel may hold them, and as the options can describe them.
"""

from __future__ import annotations

import string
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SyncDaemon,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SCHEDULERS
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import RouterVip, VirtualRouter

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
ports = st.integers(1, 0xFFFF)
names = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=15)
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
hosts = {
    4: st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="192.0.2.0/28"),
    6: st.ip_addresses(network="2001:db8::/32"),
}
plain_devices = st.text(string.ascii_letters + string.digits + ".,;+*=_-", min_size=1, max_size=15)
scheduler_flags = st.integers(0, 7).map(lambda bits: bits * 0x8)
# By name, or by the number of something that has none here.
protocols = st.sampled_from(["tcp", "udp", "sctp", "1", "47"])
forwards = st.sampled_from(["masquerade", "local", "tunnel", "route", "bypass", "5", "7"])
tunnel_types = st.sampled_from(["ipip", "gue", "gre", "3", "255"])
tunnel_checksums = st.sampled_from(["none", "checksum", "remote_checksum", "3", "65535"])


@st.composite
def service_keys(draw: st.DrawFn) -> ServiceKey:
    """A firewall mark, or a protocol with VIP and port."""
    vip: IPv4Address | IPv6Address = draw(addresses)
    if draw(st.booleans()):
        return ServiceKey(family=vip.version, fwmark=draw(st.integers(1, 0xFFFFFFFF)))
    return ServiceKey(family=vip.version, protocol=draw(protocols), vip=vip, port=draw(u16))


@st.composite
def netmasks(draw: st.DrawFn, family: int) -> str:
    """A mask as the kernel may hold it: any bits for IPv4, which the whole address has not."""
    if family == 6:
        return draw(st.just("") | st.integers(1, 127).map(str))
    mask = str(draw(st.just("255.255.255.255") | st.ip_addresses(v=4)))
    return "" if mask == "255.255.255.255" else mask


@st.composite
def services(draw: st.DrawFn) -> Service:
    """A service as the kernel may hold it, whoever made it."""
    key = draw(service_keys())
    persistent = draw(st.booleans())
    return Service(
        key=key,
        scheduler=draw(names),
        scheduler_flags=draw(scheduler_flags),
        persistence_timeout=draw(st.integers(1, 0xFFFFFFFF)) if persistent else 0,
        persistence_netmask=draw(netmasks(key.family)) if persistent else "",
        persistence_engine=draw(st.just("") | names),
        one_packet=draw(st.booleans()),
    )


@st.composite
def destinations(draw: st.DrawFn) -> Destination:
    """A destination as the kernel may hold it, of either family whatever the service's."""
    forward = draw(forwards)
    tunnel: dict[str, Any] = {}
    if forward == "tunnel":
        tunnel = {
            "tunnel_type": draw(tunnel_types),
            "tunnel_port": draw(u16),
            "tunnel_checksum": draw(tunnel_checksums),
        }
    return Destination(
        key=DestinationKey(draw(service_keys()), draw(addresses), draw(u16)),
        forward=forward,
        weight=draw(st.integers(0, 0x7FFFFFFF)),
        upper_threshold=draw(u32),
        lower_threshold=draw(u32),
        **tunnel,
    )


@st.composite
def daemons(draw: st.DrawFn) -> SyncDaemon:
    """A sync daemon as the kernel may hold it."""
    return SyncDaemon(
        key=draw(st.sampled_from(["master", "backup"])),
        interface=draw(names),
        sync_id=draw(u32),
        sync_maxlen=draw(ports),
        group=draw(addresses),
        port=draw(u16),
        ttl=draw(u8),
    )


@st.composite
def valid_services(draw: st.DrawFn) -> Service:
    """A service that options can describe, and that can work."""
    family, persistent = draw(st.sampled_from([4, 6])), draw(st.booleans())
    if draw(st.booleans()):
        key = ServiceKey(family=family, fwmark=draw(st.integers(1, values.MAX_FWMARK)))
    else:
        protocol = draw(st.sampled_from(values.PROTOCOLS))
        key = ServiceKey(family, protocol, draw(hosts[family]), draw(u16 if persistent else ports))
    datagrams = key.vip is None or key.protocol == "udp"
    lengths = st.integers(1, 32 if family == 4 else 128)
    return Service(
        key=key,
        scheduler=draw(st.sampled_from(SCHEDULERS) | names),
        scheduler_flags=draw(scheduler_flags),
        persistence_timeout=draw(st.integers(1, values.MAX_TIMEOUT)) if persistent else 0,
        persistence_netmask=values.netmask("", draw(lengths), family) if persistent else "",
        persistence_engine=draw(st.sampled_from(["", "sip"])) if persistent and datagrams else "",
        one_packet=draw(st.booleans()) if datagrams else False,
    )


@st.composite
def valid_destinations(draw: st.DrawFn, service: ServiceKey) -> Destination:
    """A destination of a service that options can describe, and that can work."""
    forward = draw(st.sampled_from(["tunnel", "route", "masquerade", "local"]))
    family = draw(st.sampled_from([4, 6])) if forward == "tunnel" else service.family
    port = service.port
    if forward == "masquerade" and (service.vip is None or port):
        port = draw(u16 if service.vip is None else ports)
    tunnel: dict[str, Any] = {}
    if forward == "tunnel":
        tunnel = draw(
            st.just({})
            | st.just({"tunnel_type": "gre"})
            | st.just({"tunnel_type": "gre", "tunnel_checksum": "checksum"})
            | st.fixed_dictionaries(
                {
                    "tunnel_type": st.just("gue"),
                    "tunnel_port": ports,
                    "tunnel_checksum": st.sampled_from(["none", "checksum", "remote_checksum"]),
                }
            )
        )
    upper = draw(st.integers(0, values.MAX_COUNT))
    return Destination(
        key=DestinationKey(service, draw(hosts[family].filter(lambda rip: rip != service.vip)), port),
        forward=forward,
        weight=draw(st.integers(0, values.MAX_WEIGHT)),
        upper_threshold=upper,
        lower_threshold=draw(st.integers(0, upper)),
        **tunnel,
    )


@st.composite
def virtual_routers(draw: st.DrawFn) -> VirtualRouter:
    """A virtual router with VIPs, as options can describe it."""
    family = draw(st.sampled_from([4, 6]))
    version = draw(st.sampled_from([2, 3])) if family == 4 else 3
    source, *peers = draw(st.lists(hosts[family], min_size=1, max_size=3, unique=True))
    devices = st.none() | plain_devices
    vips = st.lists(st.builds(RouterVip, addresses, devices), max_size=4, unique_by=lambda vip: vip.vip)
    return VirtualRouter(
        id=draw(st.integers(1, 255)),
        source=source,
        peers=tuple(peers),
        priority=draw(st.integers(1, 254)),
        version=version,
        interval=float(draw(st.integers(1, 255))) if version == 2 else draw(st.integers(1, 4095)) / 100,
        preempt=draw(st.booleans()),
        device=draw(devices),
        vips=tuple(draw(vips)),
        track_devices=tuple(draw(st.lists(plain_devices, max_size=2, unique=True))),
        secret=draw(st.sampled_from(["", "s3cret"])) if version == 2 else "",
    )
