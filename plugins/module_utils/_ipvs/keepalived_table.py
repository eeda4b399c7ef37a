# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What keepalived owns of the IPVS table, as a configuration of this collection has it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from .._core.errors import InvalidValue
from .._core.values import Address
from .model import DestinationKey, ServiceKey

KEEPALIVED = "keepalived"
CONFIG_FILE = "/etc/keepalived/keepalived.conf"
# A file for each destination: keepalived adds the number in it to the configured weight.
WEIGHT_FOLDER = "/var/lib/lvs.cluster/weights"
HIGHEST_WEIGHT = 65535  # IPVS_WEIGHT_LIMIT in keepalived/include/ip_vs.h
DRAINED = -HIGHEST_WEIGHT  # the number with which any weight is 0

_TOP = re.compile(r"^(virtual_server (?:fwmark )?\S.*?) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^    (protocol|ip_family) (\S+)$", re.MULTILINE)
_INHIBITS = re.compile(r"^    inhibit_on_failure$", re.MULTILINE)
_REAL_SERVER = re.compile(r"^    real_server (\S+) (\d+) \{\n(.*?)^    \}", re.MULTILINE | re.DOTALL)
_METHOD = re.compile(r"^ +lvs_method (.+)$", re.MULTILINE)
_WEIGHT = re.compile(r"^ +weight (\d+)$", re.MULTILINE)
_TRACKED = re.compile(r"^ +track_file (\S+)$", re.MULTILINE)
_NUMBER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True)
class OwnedDestination:
    """A real server of a service that keepalived owns."""

    weight: int  # as configured
    method: str  # as keepalived writes it
    weight_file: str  # its path; empty for the services that checks go through
    inhibited: bool = False  # whether it stays in the service with weight 0 when it fails

    def weight_with(self, number: int) -> int:
        """The weight that it has with this number in its file, while it answers."""
        return max(0, min(self.weight + number, HIGHEST_WEIGHT))

    def number_for(self, weight: int) -> int:
        """The number with which it has this weight, and is not drained."""
        number = weight - self.weight
        return number - 1 if number == DRAINED else number


Owned = Mapping[ServiceKey, Mapping[DestinationKey, OwnedDestination]]


def check_weight(weight: int) -> None:
    """Refuse a weight that keepalived does not take.

    :raises InvalidValue: it is too high
    """
    if weight > HIGHEST_WEIGHT:
        raise InvalidValue("weight", weight, f"is above {HIGHEST_WEIGHT}, the most that keepalived takes")


def number_in(text: str | None) -> int:
    """The number in such a file, as keepalived reads it: 0 where there is none.

    :param text: None: there is no file
    """
    found = _NUMBER.match(text or "")
    return int(found[1]) if found else 0


def weight_file(key: DestinationKey) -> str:
    """The path of a destination's file."""
    return f"{WEIGHT_FOLDER}/{weight_file_name(key)}"


def weight_file_name(key: DestinationKey) -> str:
    """Its name, by which the configuration calls it, too."""
    return f"{service_name(key.service)}-{key.rip}-{key.port}"


def service_name(key: ServiceKey) -> str:
    """The name of a service in names of files."""
    if key.vip is None:
        return f"fwmark-{key.fwmark}-ipv{key.family}"
    return f"{key.protocol}-{key.vip}-{key.port}"


def owned(text: str) -> Owned:
    """The services of a configuration, with their destinations.

    :param text: a file that this collection made
    """
    return {service: dict(_destinations(service, block)) for service, block in services(text)}


def services(text: str) -> Iterator[tuple[ServiceKey, str]]:
    """The services of a configuration, with what is in their blocks."""
    for name, block in _TOP.findall(text):
        fields = dict(_FIELD.findall(block))
        _word, first, second = name.split()
        if first == "fwmark":
            yield ServiceKey(6 if fields.get("ip_family") == "inet6" else 4, fwmark=int(second)), block
        else:
            vip = ip_address(first)
            yield ServiceKey(vip.version, fields.get("protocol", "TCP").lower(), vip, int(second)), block


def real_servers(block: str) -> Iterator[tuple[Address, int, str]]:
    """The addresses and ports of a service's real servers, with what is in their blocks.

    :param block: of the service
    """
    for rip, port, lines in _REAL_SERVER.findall(block):
        yield ip_address(rip), int(port), lines


def _destinations(service: ServiceKey, block: str) -> Iterator[tuple[DestinationKey, OwnedDestination]]:
    inhibited = _INHIBITS.search(block) is not None
    for rip, port, lines in real_servers(block):
        weight, method, tracked = (pattern.search(lines) for pattern in (_WEIGHT, _METHOD, _TRACKED))
        path = f"{WEIGHT_FOLDER}/{tracked[1]}" if tracked else ""
        yield (
            DestinationKey(service, rip, port),
            OwnedDestination(int(weight[1]) if weight else 1, method[1] if method else "", path, inhibited),
        )
