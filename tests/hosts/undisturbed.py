# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program that manages the network must not change on a host of the cluster, and requests while it acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .conftest import ADDRESSES, VIP, Site

HOSTS = ("ds1", "rs1")
TUNNEL, TUNNEL_VIP = "lvsgre", "192.168.56.199"  # a device of the collection's own, and its VIP

# The kernel's own things do not count: link-local addresses, and the index of a device.
_LOOK = f"""
for device in tunl0 {TUNNEL}; do
    ip -br link show dev $device; ip -br -4 address show dev $device; ip route show dev $device
done 2>/dev/null
cd /proc/sys/net/ipv4/conf && grep -s '' */arp_ignore */arp_announce */rp_filter
nft --stateless list table inet lvs_cluster 2>/dev/null
ipvsadm -Sn
"""
_STOP, _ANSWERS = "/tmp/stop-requests", "/tmp/answers"
_REQUESTS = f"""
rm -f {_STOP} {_ANSWERS}
(while [ ! -e {_STOP} ]; do
    curl -sS --max-time 5 http://{VIP} || echo none
    sleep 0.1
done >{_ANSWERS}.new 2>&1; mv {_ANSWERS}.new {_ANSWERS}) >/dev/null 2>&1 &
"""


def look(site: Site) -> dict[str, list[str]]:
    """The VIPs, tunnels and routes of each host, its settings, its nftables table and its services, line by line."""
    return {name: str(site.host(name).check_output(_LOOK)).splitlines() for name in HOSTS}


@contextmanager
def answered(site: Site) -> Iterator[None]:
    """Requests of a client meanwhile: none of them is lost."""
    client = site.host("client")
    client.check_output(_REQUESTS)
    yield
    script = f"touch {_STOP}; timeout 30 sh -c 'while [ ! -e {_ANSWERS} ]; do sleep 0.1; done'; cat {_ANSWERS}"
    answers = str(client.check_output(script)).splitlines()
    assert len(answers) > 1
    assert set(answers) == {"rs1"}, f"{len(answers)} requests: {sorted(set(answers))}"


def on_hosts(site: Site, command: str) -> None:
    """Run a command on the director and on the real server."""
    for name in HOSTS:
        site.host(name).check_output(command)


def add_tunnel(site: Site) -> None:
    """Have a real server create a tunnel device with a VIP, ad hoc."""
    device = f"device={TUNNEL} tunnel_type=gre tunnel_checksum=checksum local={ADDRESSES['rs1']} vip={TUNNEL_VIP}"
    site.ansible("ansible", "rs1", "-m", "lvs.cluster.tunl_vip", "-a", device)


def know_devices(site: Site, name: str) -> None:
    """Have udev, which was installed just now, know the devices as after a boot."""
    site.host(name).check_output("udevadm trigger --subsystem-match=net && udevadm settle --timeout=30")
