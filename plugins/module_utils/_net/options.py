# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The options of tunl_vip: declared once, and read once into the devices that they describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import (
    ABSENT,
    PRESENT,
    PURGE,
    STATE,
    Facts,
    Faults,
    Option,
    Options,
    Unique,
    argument_spec,
    boolean,
    choice,
    integer,
    text,
)
from .._core.reconcile import Wanted
from .._core.resource import Desired
from .._core.values import Address
from . import tunnel
from .model import (
    FALLBACK_DEVICES,
    TUNNEL_DEVICE,
    HostRoute,
    ItemKey,
    Listener,
    Mtu,
    NetworkItem,
    Tunnel,
    Up,
    VipAddress,
)

T = TypeVar("T")

_LEAST_MTU = 68  # bytes; RFC 791
# The only family of the packets in a tunnel of this type; GRE and GUE carry either.
_INNER_FAMILY = {"ipip": 4, "sit": 6, "ip6ip6": 6, "ipip6": 4}
# The families of the packets that a fallback device accepts, by its kind.
_FALLBACK_INNER_FAMILIES = {"ipip": (4,), "sit": (6,), "ip6tnl": (6,), "gre": (4, 6), "ip6gre": (4, 6)}


def _vips(vips: Any) -> tuple[Address, ...]:
    """The VIPs, each once."""
    faults = Faults()
    addresses = [faults.collect(values.network_vip, vip) for vip in vips]
    faults.raise_all()
    return tuple(dict.fromkeys(address for address in addresses if address is not None))


DEVICE = text("device", values.device)
VIPS = Option("vips", _vips, type="list", elements="str")
TUNNEL_TYPE = choice("tunnel_type", tunnel.DEVICE_TYPES)
LOCAL = text("local", values.address)
REMOTE = text("remote", values.address)
TUNNEL_PORT = integer("tunnel_port", 1, 65535)
TUNNEL_CHECKSUM = choice("tunnel_checksum", tunnel.CHECKSUMS)
MTU = integer("mtu", _LEAST_MTU, tunnel.MAX_MTU)
ANNOUNCE = boolean("announce", default=False)

_TUNNEL_OPTIONS = (TUNNEL_TYPE, LOCAL, REMOTE, TUNNEL_PORT, TUNNEL_CHECKSUM)
DEVICE_OPTIONS = tuple(option.name for option in (DEVICE, VIPS, *_TUNNEL_OPTIONS, MTU))
ARGUMENT_SPEC: Facts = {
    **argument_spec(STATE, DEVICE, replace(VIPS, aliases=("vip",)), *_TUNNEL_OPTIONS, MTU, ANNOUNCE, PURGE),
    "devices": {
        "type": "list",
        "elements": "dict",
        "options": argument_spec(replace(DEVICE, required=True), VIPS, *_TUNNEL_OPTIONS, MTU, replace(STATE, default=None)),
    },
}


@dataclass(frozen=True)
class TunnelSpec:
    """The options of a tunnel, each of them valid by itself."""

    type: str | None  # None: that of the fallback device, or no tunnel at all
    local: Address | None
    remote: Address | None
    port: int | None  # of GUE
    checksum: str

    @classmethod
    def read(cls, row: Options) -> TunnelSpec:
        """Read the options.

        :raises Invalid: all that is wrong with them
        """
        faults = Faults()
        tunnel_type = faults.read(lambda: _optional(TUNNEL_TYPE, row))
        local = faults.read(lambda: _optional(LOCAL, row))
        remote = faults.read(lambda: _optional(REMOTE, row))
        port = faults.read(lambda: _optional(TUNNEL_PORT, row))
        checksum = faults.read(lambda: _optional(TUNNEL_CHECKSUM, row))
        faults.raise_all()
        return cls(tunnel_type.value, local.value, remote.value, port.value, checksum.value or "none")


@dataclass(frozen=True)
class DeviceSpec:
    """A device and what it should hold, or should no longer hold."""

    name: str
    present: bool
    vips: tuple[Address, ...]
    tunnel: Tunnel | None = None  # None: the device is no tunnel, and has to exist; or nothing of its tunnel is named
    listener: Listener | None = None
    mtu: int | None = None  # bytes; None: it is not changed

    @property
    def removes_all(self) -> bool:
        """Whether everything on the device should be removed, as nothing is named."""
        return not (self.present or self.vips or self.listener)

    def wanted(self) -> list[Wanted[ItemKey, NetworkItem]]:
        """The items of the device, except the listener, which several devices may use."""
        if not self.present:
            return [Wanted.absent(wanted.key) for wanted in self._wanted_vips()]
        wanted = [] if self.tunnel is None else [_wanted(self.tunnel, *_changeable_fields(self.tunnel))]
        if self.mtu is not None:
            wanted.append(_wanted(Mtu(self.name, self.mtu), "mtu"))
        return [*wanted, _wanted(Up(self.name)), *self._wanted_vips()]

    def _wanted_vips(self) -> Iterable[Wanted[ItemKey, NetworkItem]]:
        for vip in self.vips:
            yield _wanted(VipAddress(self.name, vip, deprecated=vip.version == 6), "deprecated")
            if vip.version == 4:
                yield _wanted(HostRoute(self.name, vip))


@dataclass(frozen=True)
class DesiredVips(Desired[ItemKey, NetworkItem]):
    """The devices that the options describe."""

    devices: Sequence[DeviceSpec] = ()
    purge: bool = False  # remove what is not named from these devices
    purge_other_devices: bool = False  # remove everything from all other devices
    announce: bool = False


def read_options(options: Options) -> DesiredVips:
    """Read the options: one device, or a list O(devices).

    :raises Invalid: all that is wrong with them
    """
    if options["devices"] is None:
        devices = [read_device({**options, "device": options["device"] or TUNNEL_DEVICE}, options["state"])]
    else:
        devices = _read_devices(options)
    listeners = dict.fromkeys(spec.listener for spec in devices if spec.present and spec.listener is not None)
    purge = PURGE.read(options["purge"]) and options["state"] != ABSENT
    return DesiredVips(
        wanted=[*map(_wanted, listeners), *(wanted for spec in devices for wanted in spec.wanted())],
        devices=devices,
        purge=purge,
        purge_other_devices=purge and options["devices"] is not None,
        announce=ANNOUNCE.read(options["announce"]),
    )


def _read_devices(options: Options) -> list[DeviceSpec]:
    faults = Faults()
    for name in DEVICE_OPTIONS:
        if options[name] is not None:
            faults.add(InvalidValue(name, options[name], "cannot be combined with devices: set it for one of them"))
    devices = []
    listed = {state: Unique(faults) for state in (PRESENT, ABSENT)}
    for number, row in enumerate(options["devices"]):
        place, state = f"devices[{number}]", row.get("state") or options["state"]
        device = faults.collect(read_device, row, state, where=place)
        if device is not None:
            devices.append(device)
        listed[state].add(row["device"], place, "device")
    faults.raise_all()
    return devices


def read_device(row: Options, state: str) -> DeviceSpec:
    """Read the options of one device.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    name = faults.read(DEVICE.read, row["device"])
    vips = faults.read(VIPS.read, row.get("vips") or ())
    tunnel_spec = faults.read(TunnelSpec.read, row)
    mtu = faults.read(lambda: _optional(MTU, row))
    faults.raise_all()
    return _device(name.value, state == PRESENT, vips.value, tunnel_spec.value, mtu.value)


def _device(name: str, present: bool, vips: tuple[Address, ...], spec: TunnelSpec, mtu: int | None) -> DeviceSpec:
    """A device of values that are each valid by itself."""
    if spec.port is not None and spec.type != "gue":
        raise InvalidValue("tunnel_port", spec.port, "is for tunnel_type=gue: leave it out")
    if spec.port is None and spec.type == "gue" and present:
        raise MissingValue("tunnel_port", "tunnel_type=gue needs the UDP port of the tunnel")
    if not present and spec.port is None:
        return DeviceSpec(name, False, vips)
    if mtu is not None and any(vip.version == 6 for vip in vips):
        values.integer("mtu", mtu, tunnel.LEAST_MTU[6], tunnel.MAX_MTU)
    device_tunnel = _tunnel(name, spec, vips)
    listener = None
    if device_tunnel is not None and spec.port is not None:
        listener = Listener(tunnel.OUTER_FAMILY[device_tunnel.kind], spec.port)
    return DeviceSpec(name, present, vips, device_tunnel, listener, mtu)


def _optional(option: Option[T], row: Options) -> T | None:
    value = row.get(option.name)
    return None if value is None else option.read(value)


def _wanted(item: NetworkItem, *fields: str) -> Wanted[ItemKey, NetworkItem]:
    """An item that should exist; of one that exists, these fields may change."""
    return Wanted(item.key, item, {name: getattr(item, name) for name in fields})


def _changeable_fields(item: Tunnel) -> list[str]:
    if item.device in FALLBACK_DEVICES:
        return []
    return ["local", "remote", "checksum", *([] if item.inner is None else ["inner"])]


def _tunnel(device: str, spec: TunnelSpec, vips: Iterable[Address]) -> Tunnel | None:
    """The tunnel that the device is; None for another device, which has to exist."""
    families = sorted({vip.version for vip in vips})
    if device in FALLBACK_DEVICES:
        _check_fallback_device(device, spec, families)
        return Tunnel(device, FALLBACK_DEVICES[device])
    if spec.type is None:
        _check_ordinary_device(device, spec)
        return None
    return _tunnel_with_addresses(device, spec.type, spec, families)


def _check_ordinary_device(device: str, spec: TunnelSpec) -> None:
    checksum = None if spec.checksum == "none" else spec.checksum
    for name, value in (("local", spec.local), ("remote", spec.remote), ("tunnel_checksum", checksum)):
        if value is not None:
            raise InvalidValue(name, value, f"is for tunnel devices: set tunnel_type for {device}, or leave it out")


def _tunnel_with_addresses(device: str, tunnel_type: str, spec: TunnelSpec, families: Sequence[int]) -> Tunnel:
    """A tunnel device other than the fallback devices."""
    if spec.local is None:
        raise MissingValue(
            "local", f"{device} is no fallback device, and accepts packets for one address of this host only: set the RIP"
        )
    outer = spec.local.version
    if spec.remote is not None and spec.remote.version != outer:
        raise InvalidValue("remote", spec.remote, f"is not an IPv{outer} address as local is")
    inner = _inner_family(tunnel_type, families)
    kind = tunnel.link_kind(tunnel_type, outer, inner or outer)
    if kind is None:
        raise InvalidValue(
            "local", spec.local, f"is an IPv{outer} address, and tunnel_type={tunnel_type} runs over IPv{10 - outer}"
        )
    tunnel.check_checksum(tunnel_type, spec.checksum)
    with_checksum = tunnel_type == "gre" and spec.checksum == "checksum"
    return Tunnel(device, kind, spec.local, spec.remote, inner if kind == "ip6tnl" else None, with_checksum)


def _inner_family(tunnel_type: str, families: Sequence[int]) -> int | None:
    """The family of the packets in the tunnel; None where neither the type nor a VIP says it."""
    only = _INNER_FAMILY.get(tunnel_type)
    if tunnel_type != "gre" and len(families) > 1:
        raise InvalidValue(
            "vips", "of both families", f"cannot be on one device with tunnel_type={tunnel_type}: use two devices"
        )
    if families and only not in (None, families[0]):
        raise InvalidValue("tunnel_type", tunnel_type, f"carries IPv{only}, and the VIPs are IPv{families[0]}")
    return only or (families[0] if families else None)


def _check_fallback_device(device: str, spec: TunnelSpec, families: Sequence[int]) -> None:
    kind = FALLBACK_DEVICES[device]
    for name, address in (("local", spec.local), ("remote", spec.remote)):
        if address is not None:
            raise InvalidValue(name, address, f"is not for {device}, which has no fixed addresses: use another device name")
    for family in families:
        if family not in _FALLBACK_INNER_FAMILIES[kind]:
            others = "sit0, ip6tnl0 or lo" if family == 6 else "tunl0 or lo"
            raise InvalidValue(
                "vips", f"of IPv{family}", f"cannot be on {device}, which carries IPv{10 - family}: use {others}"
            )
    types = [name for name in tunnel.types_of(kind) if name != "ipip6"]
    if spec.type is not None and spec.type not in types:
        raise InvalidValue("tunnel_type", spec.type, f"is not for {device}: leave it out, or write {' or '.join(types)}")
    if spec.type == "gre" and spec.checksum != "none":
        raise InvalidValue(
            "tunnel_checksum",
            spec.checksum,
            f"is not for {device}, which accepts only packets without one: use another device name, with local",
        )
