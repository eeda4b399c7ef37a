# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Whether VIPs and the other directors are in networks where VIPs can move. Pure.

Sources: RFC 5798, 6.4.2 (who takes VIPs over tells the neighbours); keepalived.conf(5), unicast_peer (advertisements by
unicast may have passed a router, unless min_ttl says otherwise).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._core.errors import InvalidValue
from .._core.options import Faults
from .._core.values import Address
from .._net.neighbour import Device
from .model import VirtualRouter


def check(router: VirtualRouter, device: str, devices: Sequence[Device]) -> None:
    """Refuse VIPs on another device than the one that faces their network, and directors in another network.

    What is in no network of the host is allowed: it may be routed to the director.

    :param device: that of the VIPs that do not name one
    :param devices: those of the host
    :raises Invalid: all that is wrong
    """
    faults = Faults()
    for vip in router.vips:
        faults.found += _vip_faults(vip.vip, vip.device or device, devices)
    faults.found += _peer_faults(router, devices)
    faults.raise_all()


def _vip_faults(vip: Address, device: str, devices: Iterable[Device]) -> Iterator[InvalidValue]:
    facing = [other for other in devices if other.faces(vip) or (other.name == device and _networks(other, vip))]
    if facing and device not in [other.name for other in facing]:
        name = facing[0].name
        reason = (
            f"would be added to {device}, and is in {_networks(facing[0], vip)[0]}, the network of {name}, where no host"
            f" would be told that it has moved: let {name} have it (device; director_device of the service, or"
            " lvs_director_device)"
        )
        yield InvalidValue("vips", vip, reason)


def _peer_faults(router: VirtualRouter, devices: Iterable[Device]) -> Iterator[InvalidValue]:
    """The peers that are in no network of the device that has the source; none where the source's own one is not known."""
    source = next((device for device in devices if router.source in device.addresses), None)
    if source is None or not _networks(source, router.source):
        return
    for peer in router.peers:
        if not _networks(source, peer):
            reason = (
                f"is in no network of {source.name}, which has this director's own address {router.source}, and VIPs cannot"
                " move to another network: give the directors addresses of one network (lvs_dip)"
            )
            yield InvalidValue("peers", peer, reason)


def _networks(device: Device, address: Address) -> list[str]:
    """The networks of a device that an address is in."""
    return [str(interface.network) for interface in device.interfaces if address in interface.network]
