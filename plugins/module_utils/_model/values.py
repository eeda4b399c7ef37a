# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Addresses, ports, weights, device names: a raw value in, a checked value out, or C(InvalidValue) with the option's name."""

from __future__ import annotations

import ipaddress
import re
from typing import Union

from .._errors import InvalidValue

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

PROTOCOLS = ("tcp", "udp", "sctp")
MAX_WEIGHT = 0x7FFFFFFF  # the kernel keeps a weight in a signed int (struct ip_vs_dest)
MAX_FWMARK = 0xFFFFFFFF

# dev_valid_name() in net/core/dev.c: at most IFNAMSIZ - 1 bytes, no slash, no colon, no white space, neither . nor ..
_DEVICE = re.compile(r"[^/:\s]+")
_DEVICE_BYTES = 15
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


def address(option: str, value: object) -> Address:
    """A unicast IPv4 or IPv6 address."""
    try:
        parsed = ipaddress.ip_address(str(value).strip())
    except ValueError:
        raise InvalidValue(option, repr(value), "is not an IP address: write one like 192.168.56.185") from None
    if "%" in str(parsed):
        raise InvalidValue(option, parsed, "has a scope, which IPVS does not know: leave out what is behind the %")
    if parsed.is_multicast or parsed.is_unspecified or str(parsed) == "255.255.255.255":
        raise InvalidValue(option, parsed, "is not a unicast address: a host must be able to hold it")
    return parsed


def vip(value: object) -> Address:
    """The address of a virtual service: one that clients can reach."""
    parsed = address("vip", value)
    if parsed.is_loopback:
        raise InvalidValue("vip", parsed, "is a loopback address, which no client reaches: name one of the network's")
    return parsed


def integer(option: str, value: object, lowest: int, highest: int) -> int:
    """A whole number from lowest to highest."""
    text = str(value).strip()
    if isinstance(value, (bool, float)) or not _WHOLE_NUMBER.fullmatch(text):
        raise InvalidValue(option, repr(value), "is not a whole number")
    number = int(text)
    if not lowest <= number <= highest:
        raise InvalidValue(option, number, f"is not in {lowest}..{highest}")
    return number


def port(option: str, value: object) -> int:
    """A port, 1 to 65535."""
    return integer(option, value, 1, 65535)


def weight(option: str, value: object) -> int:
    """A weight, 0 (no new connections) or more."""
    return integer(option, value, 0, MAX_WEIGHT)


def choice(option: str, value: object, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if value not in choices:
        raise InvalidValue(option, repr(value), f"is not one of {', '.join(choices)}")
    return str(value)


def device(option: str, value: object) -> str:
    """The name of a network device."""
    name = str(value)
    if not _DEVICE.fullmatch(name) or name in (".", "..") or len(name.encode()) > _DEVICE_BYTES:
        raise InvalidValue(
            option, repr(value), f"is not a device name: up to {_DEVICE_BYTES} bytes, without '/', ':' or spaces"
        )
    return name


def endpoint(host: Address, number: int) -> str:
    """C(192.0.2.1:80) or C([2001:db8::1]:80), as ipvsadm writes it."""
    return f"[{host}]:{number}" if host.version == 6 else f"{host}:{number}"


def netmask(family: int, prefix_length: int) -> str:
    """A prefix length as ipvsadm's -M takes it: a mask for IPv4, the length itself for IPv6."""
    return str(prefix_length) if family == 6 else str(ipaddress.IPv4Network((0, prefix_length)).netmask)
