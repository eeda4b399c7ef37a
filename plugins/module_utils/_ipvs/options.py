# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The options of virtual services and destinations, and what is read of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import ABSENT, STATE, Facts, Faults, Option, Options, boolean, choice, integer, text
from .._core.reconcile import Wanted
from .._net import tunnel
from .model import (
    FAMILIES,
    FLAG_BITS,
    FORWARDS,
    HASH_FLAG_BITS,
    HASH_SCHEDULERS,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    WantedDestination,
)

SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos",
)  # fmt: skip
SCHEDULER_FLAGS = (*HASH_FLAG_BITS, *FLAG_BITS)
PERSISTENCE_ENGINES = ("none", "sip")

# IP_VS_SCHEDNAME_MAXLEN is 16 with the closing NUL; the kernel loads the module ip_vs_NAME.
_SCHEDULER_NAME = re.compile(r"[a-z0-9_-]{1,15}")


def kernel_number(name: str, lowest: int, highest: int) -> Option[int]:
    """A number in the range of ipvsadm(8). More, as another program may have set, is no fault where it exists."""

    def read(value: object) -> int:
        if isinstance(value, int) and highest < value <= values.MAX_KERNEL:
            return value
        return values.integer(name, value, lowest, highest)

    return Option(name, read, type="int", bounds=(lowest, highest))


def _destination_port(value: object) -> int:
    """A port. None at all, as another program may have set, is no fault where it exists."""
    return 0 if value == 0 and not isinstance(value, bool) else values.port("rport", value)


def _kernel_word(name: str, choices: tuple[str, ...]) -> Option[str]:
    """One of a few words. What has no word here, as reported of the kernel's table, is no fault where it exists."""

    def read(value: object) -> str:
        word = str(value)
        return word if word.isdigit() or word == "bypass" else values.choice(name, value, choices)

    return Option(name, read, choices=choices)


def _scheduler_name(option: str, value: object) -> str:
    """A name that a scheduler can have: whether the kernel has one of that name, only the kernel knows."""
    if not _SCHEDULER_NAME.fullmatch(str(value)):
        raise InvalidValue(option, repr(value), f"is not a scheduler's name: {', '.join(SCHEDULERS)}")
    return str(value)


def _persistence_engine(value: object) -> str:
    chosen = values.choice("persistence_engine", value, PERSISTENCE_ENGINES)
    return "" if chosen == "none" else chosen


# What names a virtual service: C(ServiceKey.of) reads them together.
SERVICE_KEY: tuple[Option[Any], ...] = (
    text("vip", values.any_address),
    integer("port", 0, 65535),
    choice("protocol", values.PROTOCOLS, default="tcp"),
    integer("fwmark", 1, values.MAX_FWMARK),
    choice("family", tuple(FAMILIES)),
)

# What can be configured of it. Flags depend on the scheduler, and a netmask on the family: C(service_of) reads these two.
SERVICE: tuple[Option[Any], ...] = (
    text("scheduler", _scheduler_name),
    Option("scheduler_flags", str, type="list", elements="str", choices=SCHEDULER_FLAGS),
    kernel_number("persistence_timeout", 0, values.MAX_TIMEOUT),
    Option("persistence_netmask", str),
    Option("persistence_engine", _persistence_engine, choices=PERSISTENCE_ENGINES),
    boolean("one_packet"),
)

# A destination within its service.
RIP = text("rip", values.any_address, required=True)
DESTINATION: tuple[Option[Any], ...] = (
    RIP,
    Option("rport", _destination_port, type="int", bounds=(1, 65535)),
    _kernel_word("forward", tuple(FORWARDS)),
    integer("weight", 0, values.MAX_WEIGHT),
    kernel_number("upper_threshold", 0, values.MAX_COUNT),
    kernel_number("lower_threshold", 0, values.MAX_COUNT),
    _kernel_word("tunnel_type", tunnel.TYPES),
    integer("tunnel_port", 1, 65535),
    _kernel_word("tunnel_checksum", tunnel.CHECKSUMS),
)

_SERVICE_READERS = {option.name: option.read for option in SERVICE}
DESTINATION_READERS: Mapping[str, Callable[[object], Any]] = {
    option.name: option.read for option in DESTINATION if option is not RIP
}


def _scheduler_flags(value: object, scheduler: object) -> int:
    """The bits of a list of flags, or of their names with commas between."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise InvalidValue("scheduler_flags", repr(value), f"is not a list: of {', '.join(SCHEDULER_FLAGS)}")
    bits = 0
    for name in names:
        name = str(name).strip()
        values.choice("scheduler_flags", name, SCHEDULER_FLAGS)
        if name in HASH_FLAG_BITS and scheduler not in HASH_SCHEDULERS:
            raise InvalidValue(
                "scheduler_flags",
                name,
                f"is a flag of the schedulers {' and '.join(HASH_SCHEDULERS)}: name one of them as the scheduler, too",
            )
        bits |= {**FLAG_BITS, **HASH_FLAG_BITS}[name]
    return bits


def service_of(options: Options, where: str = "") -> Wanted[ServiceKey, Service]:
    """A service as the options describe it; an option left out stays as it is.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    key = faults.collect(ServiceKey.of, options) or ServiceKey(family=4)
    readers = {
        **_SERVICE_READERS,
        "scheduler_flags": lambda value: _scheduler_flags(value, options.get("scheduler")),
        "persistence_netmask": lambda value: values.netmask("persistence_netmask", value, key.family),
    }
    given = _given(options, readers, faults)
    if given.get("persistence_timeout") == 0:
        # What only a persistent service can have goes with it.
        given = {"persistence_netmask": "", "persistence_engine": "", **given}
    new = Service(key=key, **given)
    return Wanted(key, None if _absent(options, faults) else new, given, where)


def destination_of(service: ServiceKey, options: Options, where: str = "") -> WantedDestination:
    """A destination of a service as the options describe it; an option left out stays as it is.

    :raises Invalid: all that is wrong with them
    """
    if options.get("rip") is None:
        raise MissingValue("rip", "name the real server's address")
    faults = Faults()
    rip = faults.read(RIP.read, options["rip"])
    given = _given(options, DESTINATION_READERS, faults)
    port = given.pop("rport", None)
    if given.get("upper_threshold") == 0:
        given = {"lower_threshold": 0, **given}
    # What the former forwarding method or tunnel had, and the given one cannot have, goes with it.
    if given.get("forward", "tunnel") != "tunnel":
        given = {"tunnel_type": "ipip", "tunnel_port": 0, "tunnel_checksum": "none", **given}
    elif given.get("tunnel_type") == "ipip":
        given = {"tunnel_port": 0, "tunnel_checksum": "none", **given}
    elif given.get("tunnel_type") == "gre":
        given = {"tunnel_port": 0, **given}
    absent = _absent(options, faults)
    new = Destination(key=DestinationKey(service, rip.value, service.port if port is None else port), **given)
    return WantedDestination(new.key, None if absent else new, given, where, port_given=port is not None)


def _given(options: Options, readers: Mapping[str, Callable[[object], Any]], faults: Faults) -> Facts:
    """The options that are not left out, read."""
    given: Facts = {}
    for name, value in options.items():
        if value is not None and name in readers:
            read = faults.collect(readers[name], value)
            if read is not None:
                given[name] = read
    return given


def _absent(options: Options, faults: Faults) -> bool:
    """Whether it should not exist; raises what was found wrong, if anything was."""
    state = options.get("state")
    if state is not None:
        faults.collect(STATE.read, state)
    faults.raise_all()
    return bool(state == ABSENT)
