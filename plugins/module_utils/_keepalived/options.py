# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The options of the module keepalived. Pure."""

from __future__ import annotations

from typing import Any

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import (
    PRESENT,
    STATE,
    Faults,
    Option,
    Options,
    Unique,
    argument_spec,
    boolean,
    check_fields,
    integer,
    number,
    required,
    rows,
    text,
)
from .model import INTERVALS, RouterVip, VirtualRouter, is_plain
from .virtual_servers import VirtualServer, check_number, read_virtual_servers


def _peers(given: Any) -> tuple[values.Address, ...]:
    faults = Faults()
    found = [faults.read(values.address, "peers", peer) for peer in given or ()]
    faults.raise_all()
    return tuple(dict.fromkeys(peer.value for peer in found))


def _device(option: str, given: object) -> str:
    name = values.device(option, given)
    if not is_plain(name):
        raise InvalidValue(option, repr(name), "has characters that keepalived.conf gives a meaning to: rename the device")
    return name


def _devices(given: Any) -> tuple[str, ...]:
    faults = Faults()
    found = [faults.read(_device, "track_devices", name) for name in given or ()]
    faults.raise_all()
    return tuple(dict.fromkeys(device.value for device in found))


_VIP = Option("vip", values.network_vip, required=True)
_DEVICE = Option("device", lambda value: _device("device", value))
VIP_ROW = (_VIP, _DEVICE, STATE)


def read_vips(given: Any) -> tuple[tuple[RouterVip, ...], frozenset[values.Address]]:
    """The option C(vips): those that the virtual router has, and those that it gives up.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    unique = Unique(faults)
    held, removed = [], set()
    for place, (vip, present) in rows("vips", given, [option.name for option in VIP_ROW], _vip, faults):
        unique.add(vip.vip, place, "vip")
        if present:
            held.append(vip)
        else:
            removed.add(vip.vip)
    faults.raise_all()
    return tuple(held), frozenset(removed)


def _vip(row: Options) -> tuple[RouterVip, bool]:
    faults = Faults()
    vip = faults.read(lambda: _VIP.read(required(row, "vip", "name the address that clients use")))
    device = faults.read(lambda: None if row.get("device") is None else _DEVICE.read(row["device"]))
    state = faults.read(STATE.read, PRESENT if row.get("state") is None else row["state"])
    faults.raise_all()
    return RouterVip(vip.value, device.value), state.value == PRESENT


def _version(value: object) -> int:
    return int(values.choice("version", str(value), ("2", "3")))


ID = integer("id", 1, 255, required=True)
SOURCE = Option("source", lambda value: values.address("source", value), required=True)
PEERS = Option("peers", _peers, type="list", elements="str", default=[])
PRIORITY = integer("priority", 1, 254, default=100)
VERSION = Option("version", _version, type="int", choices=(2, 3), default=3)
ADVERT_INTERVAL = number("advert_interval", INTERVALS[3][0], INTERVALS[2][1], " seconds", default=0.1)
PREEMPT = boolean("preempt", default=False)
TRACK_QUORUM = boolean("track_quorum", default=False)
TRACK_DEVICES = Option("track_devices", _devices, type="list", elements="str", default=[])
SECRET = Option("secret", str)
_FIELDS = (ID, SOURCE, PEERS, PRIORITY, VERSION, ADVERT_INTERVAL, PREEMPT, TRACK_QUORUM, _DEVICE, TRACK_DEVICES, SECRET)
VRRP: dict[str, Any] = argument_spec(*_FIELDS)
VRRP["secret"]["no_log"] = True


def _services(given: Any) -> tuple[VirtualServer, ...]:
    servers = read_virtual_servers(given)
    check_number(servers)
    return tuple(servers)


def _addresses(name: str, given: Any) -> tuple[values.Address, ...]:
    faults = Faults()
    found = [faults.read(values.address, name, address) for address in given or ()]
    faults.raise_all()
    return tuple(dict.fromkeys(address.value for address in found))


SERVICES: Option[tuple[VirtualServer, ...]] = Option("services", _services, type="list", elements="dict")
SOURCES = text("sources", _addresses, type="list", elements="str", default=[])
KEEP_WEIGHTS = boolean("keep_weights", default=False)
UNPREPARED = text("unprepared", _addresses, type="list", elements="str", default=[])
VIPS = Option("vips", read_vips, type="list", elements="dict", default=[])
TAKEOVER = boolean("takeover", default=False)
STANDBY = boolean("standby")


def read_router(given: Options) -> VirtualRouter:
    """The option C(vrrp).

    :raises Invalid: all that is wrong with it
    """
    check_fields(dict(given), list(VRRP))
    faults = Faults()
    found = {option.name: faults.read(_value, option, given.get(option.name)) for option in _FIELDS}
    faults.raise_all()
    values_ = {name: read.value for name, read in found.items()}
    interval, secret = values_.pop("advert_interval"), values_.pop("secret")
    router = VirtualRouter(**values_, interval=interval, secret=secret or "")
    router.check()
    return router


def _value(option: Option[Any], given: object) -> Any:
    """What is given, or the default; None where there is neither."""
    if given is None and option.required:
        raise MissingValue(option.name, "a virtual router has an id (1 to 255), and a source, the director's own address")
    value = option.default if given is None else given
    return None if value is None else option.read(value)
