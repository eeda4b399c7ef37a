# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Addresses, ports, weights, device names: a raw value in, a checked value out, or C(InvalidValue) with the option's name."""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from typing import Union

from .errors import InvalidValue

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132}  # include/uapi/linux/in.h
VRRP = 112  # the protocol; RFC 9568
SYNC_PORT = 8848  # UDP, of the messages of sync daemons; IP_VS_SYNC_PORT in net/netfilter/ipvs/ip_vs_sync.c
PROTOCOL_NAMES = {number: name for name, number in PROTOCOL_NUMBERS.items()}
PROTOCOLS = tuple(PROTOCOL_NUMBERS)
MAX_WEIGHT = 0x7FFFFFFF  # ipvsadm, and ip_vs_add_dest() in net/netfilter/ipvs/ip_vs_ctl.c: a signed int
MAX_FWMARK = 0xFFFFFFFF
MAX_TIMEOUT = 31 * 86400  # seconds; ipvsadm(8)
MAX_COUNT = 0x7FFFFFFF  # connections; ipvsadm(8)
MAX_KERNEL = 0xFFFFFFFF  # of a number that the kernel keeps in 32 bits, whatever ipvsadm(8) accepts

# dev_valid_name() in net/core/dev.c: at most IFNAMSIZ - 1 bytes, no slash, no colon, no white space, neither . nor ..
_DEVICE = re.compile(r"[^/:\s]+")
_DEVICE_BYTES = 15
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
_BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


_FOUR_NUMBERS = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")


_BEYOND_ONE_LINK = "name a global or unique local address (ip -6 address show scope global)"


@cache  # a table names the same address many times
def _parsed(text: str) -> Address:
    if _FOUR_NUMBERS.fullmatch(text):
        # The library's own way from a text takes five times as long, which counts in a table of thousands.
        return ipaddress.IPv4Address(bytes(map(int, text.split("."))))
    return ipaddress.ip_address(text)


def any_address(option: str, value: object) -> Address:
    """An IPv4 or IPv6 address."""
    try:
        parsed = _parsed(str(value).strip())
    except ValueError:
        raise InvalidValue(option, repr(value), "is not an IP address: write one like 192.168.56.185") from None
    if parsed.version == 6 and "%" in str(parsed):
        if _is_link_local(parsed):
            reason = f"is a link-local address with a scope, and IPVS knows no scopes: {_BEYOND_ONE_LINK}"
        else:
            reason = "has a scope, which IPVS does not know: leave out what is behind the %"
        raise InvalidValue(option, parsed, reason)
    return parsed


def _is_link_local(address: Address) -> bool:
    """Whether it is in fe80::/10. Those of IPv4 need no scope: to the kernel, they are like any others."""
    return address.version == 6 and int(address) >> 118 == 0xFE80 >> 6


# 224.0.0.0/4 and the broadcast address, as numbers: the library's properties would each look into a network.
_MULTICAST, _EXPERIMENTAL, _BROADCAST = 0xE0000000, 0xF0000000, 0xFFFFFFFF


def is_unicast(address: Address) -> bool:
    """Whether a host can hold it."""
    if address.version == 6:
        return not (address.is_multicast or address.is_unspecified)
    number = int(address)
    return 0 < number < _MULTICAST or _EXPERIMENTAL <= number < _BROADCAST


def _unicast(option: str, parsed: Address) -> Address:
    if not is_unicast(parsed):
        raise InvalidValue(option, parsed, "is not a unicast address: a host must be able to hold it")
    return parsed


def address(option: str, value: object) -> Address:
    """An address of a host, as of a real server (RIP) or of the end of a tunnel: unicast, and not link-local."""
    return check_address(option, any_address(option, value))


def check_address(option: str, parsed: Address) -> Address:
    """Refuse an address that no real server can have.

    The kernel refuses a link-local RIP (ip_vs_new_dest() in net/netfilter/ipvs/ip_vs_ctl.c), as it cannot know the link.
    """
    if _is_link_local(parsed):
        reason = f"is a link-local address, which can be neither a RIP nor the end of a tunnel of IPVS: {_BEYOND_ONE_LINK}"
        raise InvalidValue(option, parsed, reason)
    return _unicast(option, parsed)


def vip(value: object) -> Address:
    """The address of a virtual service: unicast.

    A loopback address is for clients on the director itself, a link-local one for those on the link of the VIP's device.
    """
    return _unicast("vip", any_address("vip", value))


def network_vip(value: object) -> Address:
    """A VIP that a device has to hold, so that other hosts reach it."""
    parsed = vip(value)
    if parsed.is_loopback:
        raise InvalidValue(
            "vip", parsed, "is a loopback address, which every host has on lo and no other host reaches: leave it out"
        )
    return parsed


def integer(option: str, value: object, lowest: int, highest: int) -> int:
    """A whole number from lowest to highest."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = str(value).strip()
        if isinstance(value, (bool, float)) or not _WHOLE_NUMBER.fullmatch(text):
            raise InvalidValue(option, repr(value), f"is not a whole number: write one from {lowest} to {highest}")
        number = int(text)
    if not lowest <= number <= highest:
        raise InvalidValue(option, number, f"is not in {lowest}..{highest}")
    return number


def number(option: str, value: object, lowest: float, highest: float, unit: str = "") -> float:
    """A number from lowest to highest, of a unit such as C( seconds)."""
    try:
        found = float(str(value))
    except ValueError:
        raise InvalidValue(option, repr(value), "is not a number") from None
    if not lowest <= found <= highest:  # nor is what is not a number
        raise InvalidValue(option, value, f"is not in {lowest:g}..{highest:g}{unit}")
    return found


def port(option: str, value: object) -> int:
    """A port, 1 to 65535."""
    return integer(option, value, 1, 65535)


def weight(option: str, value: object) -> int:
    """A weight, 0 (no new connections) or more."""
    return integer(option, value, 0, MAX_WEIGHT)


def boolean(option: str, value: object) -> bool:
    """Yes or no, in the words of YAML."""
    found = _BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise InvalidValue(option, repr(value), "is neither true nor false: write one of them")
    return found


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


def netmask(option: str, value: object, family: int) -> str:
    """A mask or its length, as ipvsadm's -M takes it: a mask for IPv4, the length for IPv6; empty for the whole address."""
    bits, lowest = (32, 0) if family == 4 else (128, 1)
    text = str(value).strip()
    try:
        if text.isdigit():
            length = int(text)
            if not lowest <= length <= bits:
                raise ValueError
            mask = str(length) if family == 6 else str(ipaddress.IPv4Network((0, length)).netmask)
        elif family == 6:
            raise ValueError
        else:
            mask = str(ipaddress.IPv4Address(text))
    except ValueError:
        example = "255.255.255.0 or 24" if family == 4 else "64"
        reason = f"is not a netmask of an IPv{family} service: write one like {example}, {lowest} to {bits} bits"
        raise InvalidValue(option, repr(value), reason) from None
    return "" if mask in ("255.255.255.255", "128") else mask


def check_netmask(option: str, mask: str) -> None:
    """Refuse an IPv4 mask with a gap, such as 0.0.0.255: the kernel would group clients by the end of their address."""
    if "." not in mask:
        return
    number = int(ipaddress.IPv4Address(mask))
    if number != 0xFFFFFFFF << 32 - bin(number).count("1") & 0xFFFFFFFF:
        raise InvalidValue(option, mask, "has a gap: write a mask like 255.255.255.0")
