# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Virtual services and their destinations: what identifies them, what can be configured, and the rules of both.

Sources: include/uapi/linux/ip_vs.h and net/netfilter/ipvs/ip_vs_ctl.c of Linux; ipvsadm(8) for the rule format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .._errors import InvalidValue, MissingValue
from .._reconcile import Item, ItemT, Wanted
from . import values
from .values import Address

SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos",
)  # fmt: skip
DEFAULT_SCHEDULER = "wlc"
DEFAULT_FORWARD = "tunnel"
DEFAULT_WEIGHT = 1
# The forwarding methods that a user can ask for, and ipvsadm's letters for them. Neither tunnel nor route rewrites ports.
FORWARDS = {"tunnel": "-i", "route": "-g", "masquerade": "-m"}

FLAG_PERSISTENT = 0x1
FLAG_ONE_PACKET = 0x4
_SCHEDULER_FLAGS = {0x8: "flag-1", 0x10: "flag-2", 0x20: "flag-3"}

# IP_VS_SCHEDNAME_MAXLEN is 16 with the closing NUL; the kernel loads the module ip_vs_NAME.
_SCHEDULER_NAME = re.compile(r"[a-z0-9_-]{1,15}")
_SERVICE_SWITCH = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}


@dataclass(frozen=True)
class ServiceKey:
    """What the kernel identifies a virtual service by: protocol, VIP and port, or a firewall mark."""

    family: int  # 4 or 6
    protocol: str | None = None
    vip: Address | None = None
    port: int = 0
    fwmark: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ServiceKey:
        """Read O(vip), O(port) and O(protocol), or O(fwmark)."""
        vip, fwmark = options.get("vip"), options.get("fwmark")
        if vip is not None and fwmark is not None:
            raise InvalidValue("fwmark", fwmark, f"cannot go with vip={vip}: a service has one or the other")
        if fwmark is not None:
            if options.get("port") is not None:
                raise InvalidValue("port", options["port"], "cannot go with fwmark: the mark alone identifies the service")
            return cls(family=4, fwmark=values.integer("fwmark", fwmark, 1, values.MAX_FWMARK))
        if vip is None:
            raise MissingValue("vip", "name the service by vip and port, or by fwmark")
        if options.get("port") is None:
            raise MissingValue("port", "a service with a vip needs its port")
        parsed = values.vip(vip)
        return cls(
            family=parsed.version,
            protocol=values.choice("protocol", options.get("protocol") or "tcp", values.PROTOCOLS),
            vip=parsed,
            port=values.port("port", options["port"]),
        )

    def __str__(self) -> str:
        if self.vip is None:
            return f"-f {self.fwmark}" + (" -6" if self.family == 6 else "")
        return f"{_SERVICE_SWITCH[self.protocol or 'tcp']} {values.endpoint(self.vip, self.port)}"

    def facts(self) -> dict[str, Any]:
        """The options that name this service."""
        if self.vip is None:
            return {"fwmark": self.fwmark}
        return {"vip": str(self.vip), "port": self.port, "protocol": self.protocol}


@dataclass(frozen=True)
class Service(Item):
    """The configuration of a virtual service. What follows the scheduler is carried along, so that no edit loses it."""

    key: ServiceKey
    scheduler: str = DEFAULT_SCHEDULER
    flags: int = 0  # IP_VS_SVC_F_*, without the kernel's own HASHED
    timeout: int = 0  # of persistence, seconds
    prefix_length: int | None = None  # granularity of persistence; None: the whole address
    persistence_engine: str = ""

    LETTERS: ClassVar[dict[str, str]] = {"add": "-A", "set": "-E", "remove": "-D"}

    def line(self, action: str = "add") -> str:
        """The rule that ipvsadm(8) would be given."""
        rule = f"{self.LETTERS[action]} {self.key}"
        if action == "remove":
            return rule
        rule += f" -s {self.scheduler}"
        if self.flags & FLAG_PERSISTENT:
            rule += f" -p {self.timeout}"
            if self.prefix_length is not None:
                rule += f" -M {values.netmask(self.key.family, self.prefix_length)}"
        if self.persistence_engine:
            rule += f" --pe {self.persistence_engine}"
        if self.flags & FLAG_ONE_PACKET:
            rule += " -o"
        flags = [name for bit, name in _SCHEDULER_FLAGS.items() if self.flags & bit]
        return rule + (f" -b {','.join(flags)}" if flags else "")

    def facts(self) -> dict[str, Any]:
        """The service as a module returns it."""
        return {**self.key.facts(), "scheduler": self.scheduler}


@dataclass(frozen=True)
class DestinationKey:
    """What identifies a real server within a service."""

    service: ServiceKey
    rip: Address
    port: int


@dataclass(frozen=True)
class Destination(Item):
    """The configuration of a real server in a service. The fields after the weight are carried along unchanged."""

    key: DestinationKey
    forward: str = DEFAULT_FORWARD
    weight: int = DEFAULT_WEIGHT
    upper_threshold: int = 0  # connections; 0: none
    lower_threshold: int = 0
    tunnel_type: str = "ipip"
    tunnel_port: int = 0
    tunnel_flags: int = 0

    LETTERS: ClassVar[dict[str, str]] = {"add": "-a", "set": "-e", "remove": "-d"}

    def check(self) -> None:
        """Refuse what the kernel takes and then does not do: tunnel and direct routing leave the port alone."""
        if self.forward in ("tunnel", "route") and self.key.port != self.key.service.port:
            raise InvalidValue(
                "rport",
                self.key.port,
                f"differs from the service's port {self.key.service.port}, and forward={self.forward} rewrites no ports:"
                " leave rport out, and translate the port on the real server with lvs.cluster.port_dnat",
            )

    def line(self, action: str = "add") -> str:
        """The rule that ipvsadm(8) would be given."""
        rule = f"{self.LETTERS[action]} {self.key.service} -r {values.endpoint(self.key.rip, self.key.port)}"
        if action == "remove":
            return rule
        rule += f" {FORWARDS.get(self.forward, '')}".rstrip() + f" -w {self.weight}"
        if self.forward == "tunnel" and self.tunnel_type != "ipip":
            rule += f" --tun-type {self.tunnel_type}"
            rule += f" --tun-port {self.tunnel_port}" if self.tunnel_port else ""
        rule += f" -x {self.upper_threshold}" if self.upper_threshold else ""
        return rule + (f" -y {self.lower_threshold}" if self.lower_threshold else "")

    def facts(self) -> dict[str, Any]:
        """The destination as a module returns it."""
        return {
            **self.key.service.facts(),
            "rip": str(self.key.rip),
            "rport": self.key.port or None,  # by a mark alone, packets keep the port that they have
            "forward": self.forward,
            "weight": self.weight,
        }


def scheduler_name(value: object) -> str:
    """A name that a scheduler can have: whether the kernel has one of that name, only the kernel knows."""
    if not _SCHEDULER_NAME.fullmatch(str(value)):
        raise InvalidValue("scheduler", repr(value), f"is not a scheduler's name: {', '.join(SCHEDULERS)}")
    return str(value)


def wanted_service(options: Mapping[str, Any]) -> list[Wanted[Service]]:
    """A service as the options describe it; an option left out stays as it is."""
    key = ServiceKey.of(options)
    stated: dict[str, Any] = {}
    if options.get("scheduler") is not None:
        stated["scheduler"] = scheduler_name(options["scheduler"])
    return [_wanted(options, Service(key=key, **stated), stated)]


def wanted_destination(options: Mapping[str, Any]) -> list[Wanted[Destination]]:
    """A destination as the options describe it; an option left out stays as it is."""
    service = ServiceKey.of(options)
    rip = values.address("rip", options["rip"])
    if rip == service.vip:
        raise InvalidValue("rip", rip, "is the VIP itself: name the real server's own address")
    if rip.version != service.family:
        raise InvalidValue("rip", rip, f"is not an IPv{service.family} address as the service's is")
    port = service.port if options.get("rport") is None else values.port("rport", options["rport"])
    stated: dict[str, Any] = {}
    if options.get("forward") is not None:
        stated["forward"] = values.choice("forward", options["forward"], tuple(FORWARDS))
    if options.get("weight") is not None:
        stated["weight"] = values.weight("weight", options["weight"])
    return [_wanted(options, Destination(key=DestinationKey(service, rip, port), **stated), stated)]


def _wanted(options: Mapping[str, Any], new: ItemT, stated: dict[str, Any]) -> Wanted[ItemT]:
    return Wanted.absent(new.key) if options.get("state") == "absent" else Wanted(new.key, new, stated)
