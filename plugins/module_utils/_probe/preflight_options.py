# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The options of the module C(preflight): which real servers and VIPs to check. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core import values
from .._core.errors import InvalidValue
from .._core.options import Faults, Option, Options, Read, argument_spec, boolean, choice, integer, number, text
from .._core.values import Address
from .._ipvs.model import ServiceKey
from .._ipvs.options import SERVICE_KEY
from .._net import tunnel
from .options import OptionReader


def _address_families(given: Any) -> tuple[int, ...]:
    families = tuple(given)
    for family in families:
        if family not in (4, 6):
            raise InvalidValue("inner", family, "is not an address family: write 4 or 6")
    return families


def _vips(given: Any) -> tuple[Address, ...]:
    return tuple(map(values.network_vip, given))


NAME = Option("name", str)
RIP = text("rip", values.address, required=True)
FORWARD = choice("forward", ("tunnel", "route", "masquerade"), default="tunnel")
TUNNEL_TYPE = choice("tunnel_type", tunnel.TYPES, default="ipip")
TUNNEL_CHECKSUM = choice("tunnel_checksum", tunnel.CHECKSUMS, default="none")
INNER: Option[tuple[int, ...]] = Option("inner", _address_families, type="list", elements="int", default=[4])
# By the address family of the real server.
MTU = {version: integer("mtu", least, tunnel.MAX_MTU) for version, least in tunnel.LEAST_MTU.items()}
PORT = integer("port", 1, 65535)
OPTIONAL = boolean("optional", default=False)
DEVICE = text("device", values.device, required=True)
VIPS: Option[tuple[Address, ...]] = Option("vips", _vips, type="list", elements="str", required=True)
PHASE = choice("phase", ("before", "after"), default="before")
DRAINED = choice("drained", ("check", "warn"), default="check")
UNTRACKED = boolean("untracked", default=False)
TIMEOUT = number("timeout", 0.1, 30, " seconds", default=2.0)

ARGUMENT_SPEC = {
    "vips": {"type": "list", "elements": "str", "default": []},
    "paths": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": argument_spec(NAME, RIP, FORWARD, TUNNEL_TYPE, TUNNEL_CHECKSUM, INNER, MTU[4], PORT, OPTIONAL),
    },
    "sources": {"type": "list", "elements": "str", "default": []},
    "devices": {"type": "list", "elements": "dict", "default": [], "options": argument_spec(DEVICE, VIPS)},
    "directors": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "dict", "default": [], "options": argument_spec(*SERVICE_KEY)},
    **argument_spec(PHASE, DRAINED, UNTRACKED, TIMEOUT),
}


@dataclass(frozen=True)
class Path:
    """A path from this host to a real server."""

    place: str  # among the options, with the real server's name, for messages
    name: str
    rip: Address
    forward: str
    inner: tuple[int, ...]  # the address families of the VIPs, 4 and 6
    overhead: int  # bytes that IPVS puts before a packet
    mtu: int | None  # bytes: the path MTU that the real server is configured for
    port: int | None  # a TCP port
    is_optional: bool  # the real server takes no part in this run

    @property
    def mtu_matters(self) -> bool:
        """Whether to measure the MTU: a director that masquerades is a router, and works with any MTU."""
        return self.forward != "masquerade"


@dataclass(frozen=True)
class PreflightRequest:
    """What to check."""

    vips: tuple[Address, ...]
    paths: tuple[Path, ...]
    sources: tuple[Address, ...]  # from which the real servers accept tunnelled packets
    devices: Mapping[Address, tuple[str, ...]]  # by VIP: those that are going to hold it
    directors: tuple[Address, ...]  # the other ones, of which one may have the VIPs
    services: tuple[ServiceKey, ...]  # that this collection is going to own
    is_set_up: bool  # the VIPs are where they should be, and paths are not probed
    tolerates_drained: bool  # faults of a path to a drained real server are warnings
    untracked: bool  # packets for VIPs are going to be exempted from connection tracking
    timeout: float  # seconds, for each kind of probe


def parse(options: Options) -> PreflightRequest:
    """Read the options.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    vips = [faults.read(values.network_vip, vip, where=f"vips[{index}]") for index, vip in enumerate(options["vips"])]
    paths: list[Read[Path]] = []
    for index, row in enumerate(options["paths"]):
        place = f"paths[{index}] ({row['name'] or row['rip']})"
        paths.append(faults.read(_path, row, place, where=place))
    sources = [faults.read(values.address, f"sources[{index}]", source) for index, source in enumerate(options["sources"])]
    devices = [faults.read(_device, row, where=f"devices[{index}]") for index, row in enumerate(options["devices"])]
    directors = [
        faults.read(values.address, f"directors[{index}]", director) for index, director in enumerate(options["directors"])
    ]
    services = [faults.read(ServiceKey.of, row, where=f"services[{index}]") for index, row in enumerate(options["services"])]
    phase = faults.read(PHASE.read, options["phase"])
    drained = faults.read(DRAINED.read, options["drained"])
    untracked = faults.read(UNTRACKED.read, options["untracked"])
    timeout = faults.read(TIMEOUT.read, options["timeout"])
    faults.raise_all()
    by_vip: dict[Address, tuple[str, ...]] = {}
    for device in devices:
        name, held = device.value
        by_vip.update({vip: (*by_vip.get(vip, ()), name) for vip in held})
    return PreflightRequest(
        tuple(vip.value for vip in vips),
        tuple(path.value for path in paths),
        tuple(source.value for source in sources),
        by_vip,
        tuple(director.value for director in directors),
        tuple(service.value for service in services),
        phase.value == "after",
        drained.value == "warn",
        untracked.value,
        timeout.value,
    )


def _device(row: Options) -> tuple[str, tuple[Address, ...]]:
    """A device and the VIPs that it is going to hold."""
    reader = OptionReader(row)
    name, vips = reader.read(DEVICE), reader.read(VIPS)
    reader.faults.raise_all()
    return name.value, vips.value


def _path(row: Options, place: str) -> Path:
    reader = OptionReader(row)
    name, rip, forward = reader.read_optional(NAME), reader.read(RIP), reader.read(FORWARD)
    tunnel_type, checksum = reader.read(TUNNEL_TYPE), reader.read(TUNNEL_CHECKSUM)
    inner, port, optional = reader.read(INNER), reader.read_optional(PORT), reader.read(OPTIONAL)
    reader.faults.raise_all()
    outer = rip.value.version
    reader.faults.collect(tunnel.check_checksum, tunnel_type.value, checksum.value)
    mtu = reader.read_optional(MTU[outer])
    reader.faults.raise_all()
    return Path(
        place=place,
        name=name.value or str(rip.value),
        rip=rip.value,
        forward=forward.value,
        inner=inner.value,
        overhead=tunnel.overhead(outer, tunnel_type.value, checksum.value) if forward.value == "tunnel" else 0,
        mtu=mtu.value,
        port=port.value,
        is_optional=optional.value,
    )
