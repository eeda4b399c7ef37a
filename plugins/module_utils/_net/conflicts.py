# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a host has that makes a plan impossible. Nothing of other programs is changed."""

from __future__ import annotations

from .._core.errors import InvalidValue
from .._core.options import Faults
from .._core.values import Address
from .model import Listener, SeenNetwork, Tunnel, VipAddress
from .options import DesiredVips, DeviceSpec


def check(desired: DesiredVips, seen: SeenNetwork) -> None:
    """Check what should exist against what the host has.

    :raises Invalid: the first conflict of each device
    """
    faults = Faults()
    tunnels = _Tunnels(desired, seen)
    for spec in desired.devices:
        if spec.present:
            faults.collect(_check_device, spec, seen, tunnels)
    faults.raise_all()


class _Tunnels:
    """The tunnels of the host by their ends, as the plan changes them one after the other."""

    def __init__(self, desired: DesiredVips, seen: SeenNetwork) -> None:
        self._seen = seen
        self._wanted = {wanted.key: wanted for wanted in desired.wanted}
        self._devices = dict(seen.context.tunnel_ends)

    def change(self, tunnel: Tunnel) -> None:
        """Create or change a tunnel, unless it exists as it is wanted.

        :raises InvalidValue: of a tunnel of another program, or of one that the kernel would refuse
        """
        current = self._seen.items.get(tunnel.key)
        if self._wanted[tunnel.key].merged_with(current) == current:
            return
        if current is not None and tunnel.key not in self._seen.owned:
            raise InvalidValue(
                "device",
                tunnel.device,
                f"was not created by this collection, and is another tunnel ({current.command()}): choose another device",
            )
        other = self._devices.get(tunnel.ends, tunnel.device)
        if other != tunnel.device:
            raise InvalidValue(
                "device",
                tunnel.device,
                f"cannot have the ends of {other} (local {tunnel.local or 'any'}, remote {tunnel.remote or 'any'}), as the"
                f" kernel takes one {tunnel.kind} tunnel between them: use {other} for both, give one of them another local"
                f" or remote, or remove {other} in a task before (ip link del {other})",
            )
        if isinstance(current, Tunnel):
            self._devices.pop(current.ends, None)
        self._devices[tunnel.ends] = tunnel.device


def _check_device(spec: DeviceSpec, seen: SeenNetwork, tunnels: _Tunnels) -> None:
    if spec.listener is not None:
        _check_listener(spec.listener, seen)
    if spec.tunnel is not None:
        _check_tunnel(spec.tunnel, seen)
        tunnels.change(spec.tunnel)
    elif spec.name not in seen.context.devices:
        raise InvalidValue("device", spec.name, f"does not exist: this host has {', '.join(seen.context.devices)}")
    for vip in spec.vips:
        _check_vip(spec.name, vip, seen)


def _check_listener(listener: Listener, seen: SeenNetwork) -> None:
    family_and_port = (listener.outer, listener.port)
    takes_gue = seen.context.listeners.get(family_and_port)
    if takes_gue is None and family_and_port in seen.context.bound_ports:
        raise InvalidValue("tunnel_port", listener.port, "is in use by another program: see ss -lun, or choose another port")
    if takes_gue is False:
        raise InvalidValue("tunnel_port", listener.port, "already has a FOU listener that is not GUE: choose another port")


def _check_tunnel(tunnel: Tunnel, seen: SeenNetwork) -> None:
    if tunnel.device not in seen.context.devices:
        return
    current = seen.items.get(tunnel.key)
    if not isinstance(current, Tunnel) or current.kind != tunnel.kind:
        kind = f"of the kind {current.kind}" if isinstance(current, Tunnel) else "no tunnel"
        raise InvalidValue("device", tunnel.device, f"exists already and is {kind}: choose another device for this tunnel")


def _check_vip(device: str, vip: Address, seen: SeenNetwork) -> None:
    if VipAddress(device, vip).key in seen.items:
        return
    for holder, length in sorted(seen.context.holders.get(vip, {}).items()):
        held = VipAddress(holder, vip, network_length=length)
        # Several devices may hold a VIP if this collection added it to all of them.
        if holder != device and held.key not in seen.owned:
            raise InvalidValue(
                "device",
                device,
                f"cannot hold {vip}, which is on {holder}: choose another VIP if it is the host's own address, otherwise name"
                f" device={holder} or remove it there first ({held.command('remove')})",
            )
    if vip.version == 6 and device in seen.context.ipv6_disabled:
        raise InvalidValue("device", device, f"has IPv6 switched off: set net.ipv6.conf.{device}.disable_ipv6 to 0")
