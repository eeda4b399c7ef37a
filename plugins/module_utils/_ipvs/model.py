# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Virtual services and their destinations: what identifies them, what can be configured, and the rules of both.

Sources: include/uapi/linux/ip_vs.h and net/netfilter/ipvs/ip_vs_ctl.c of Linux; ipvsadm(8) for the rule format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, cast

from .._core import values
from .._core.errors import Faults, InvalidValue, MissingValue, raise_all
from .._core.reconcile import Item, Wanted
from .._core.values import Address

SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos",
)  # fmt: skip
DEFAULT_SCHEDULER = "wlc"
DEFAULT_FORWARD = "tunnel"
DEFAULT_WEIGHT = 1
# The forwarding methods, and ipvsadm's switches for them; it has none for local. Only masquerade rewrites ports.
FORWARDS = {"tunnel": "-i", "route": "-g", "masquerade": "-m", "local": "--local"}
TUNNEL_TYPES = ("ipip", "gue", "gre")
TUNNEL_CHECKSUMS = {"none": "--tun-nocsum", "checksum": "--tun-csum", "remote_checksum": "--tun-remcsum"}
PERSISTENCE_ENGINES = ("none", "sip")
STATES = ("present", "absent")
FAMILIES = {"ipv4": 4, "ipv6": 6}

# IP_VS_SVC_F_SCHED1 to 3. The first two have names of their own for the schedulers that read them so.
_FLAG_BITS = {"flag-1": 0x8, "flag-2": 0x10, "flag-3": 0x20}
_HASH_FLAG_BITS = {"fallback": 0x8, "port": 0x10}
_HASH_SCHEDULERS = ("sh", "mh")
SCHEDULER_FLAGS = (*_HASH_FLAG_BITS, *_FLAG_BITS)

# IP_VS_SCHEDNAME_MAXLEN is 16 with the closing NUL; the kernel loads the module ip_vs_NAME.
_SCHEDULER_NAME = re.compile(r"[a-z0-9_-]{1,15}")
_SERVICE_SWITCH = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}


class ServiceKey(NamedTuple):
    """What the kernel identifies a virtual service by: protocol, VIP and port, or a firewall mark."""

    family: int  # 4 or 6
    protocol: str | None = None
    vip: Address | None = None
    port: int = 0
    fwmark: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ServiceKey:
        """Read O(vip), O(port) and O(protocol), or O(fwmark) and O(family)."""
        vip, fwmark, family = options.get("vip"), options.get("fwmark"), options.get("family")
        if vip is not None and fwmark is not None:
            raise InvalidValue("fwmark", fwmark, f"cannot go with vip={vip}: a service has one or the other")
        if family is not None:
            family = FAMILIES[values.choice("family", family, tuple(FAMILIES))]
        if fwmark is not None:
            if options.get("port") is not None:
                raise InvalidValue("port", options["port"], "cannot go with fwmark: the mark alone identifies the service")
            return cls(family=family or 4, fwmark=values.integer("fwmark", fwmark, 1, values.MAX_FWMARK))
        if vip is None:
            raise MissingValue("vip", "name the service by vip and port, or by fwmark")
        if options.get("port") is None:
            raise MissingValue("port", "a service with a vip needs its port")
        faults = Faults()
        parsed = faults.take(values.vip, vip)
        port = faults.take(values.integer, "port", options["port"], 0, 65535)
        given = options.get("protocol")
        protocol = faults.take(values.choice, "protocol", "tcp" if given is None else given, values.PROTOCOLS)
        raise_all(faults.found)
        parsed = cast("Address", parsed)  # it was read, or raised
        if family is not None and family != parsed.version:
            raise InvalidValue("family", options["family"], f"is not that of vip={vip}: leave it out, it is for fwmark")
        return cls(family=parsed.version, protocol=protocol, vip=parsed, port=port or 0)

    def __str__(self) -> str:
        if self.vip is None:
            return f"-f {self.fwmark}" + (" -6" if self.family == 6 else "")
        protocol = self.protocol or "tcp"
        return f"{_SERVICE_SWITCH.get(protocol, f'--{protocol}-service')} {values.endpoint(self.vip, self.port)}"

    @property
    def order(self) -> tuple[int, int, str, int, int]:
        """Where it stands in a list."""
        return self.fwmark, self.family, self.protocol or "", int(self.vip or 0), self.port

    def facts(self) -> dict[str, Any]:
        """The options that name this service."""
        if self.vip is None:
            return {"fwmark": self.fwmark, "family": f"ipv{self.family}"}
        return {"vip": str(self.vip), "port": self.port, "protocol": self.protocol}


@dataclass(frozen=True)
class Service(Item):
    """The configuration of a virtual service."""

    key: ServiceKey
    scheduler: str = DEFAULT_SCHEDULER
    scheduler_flags: int = 0  # IP_VS_SVC_F_SCHED1 to 3
    persistence_timeout: int = 0  # seconds; 0: not persistent
    persistence_netmask: str = ""  # as ipvsadm's -M takes it; empty: the whole address
    persistence_engine: str = ""
    one_packet: bool = False

    LETTERS: ClassVar[dict[str, str]] = {"add": "-A", "set": "-E", "remove": "-D"}

    def check(self) -> None:
        """Refuse what the kernel takes and then does not do."""
        key, persistent = self.key, self.persistence_timeout > 0
        if key.vip is not None and key.port == 0 and not persistent:
            raise InvalidValue(
                "port", 0, "takes every port, for which the service has to be persistent: set persistence_timeout"
            )
        if self.persistence_netmask and not persistent:
            raise InvalidValue("persistence_netmask", self.persistence_netmask, "needs persistence: set persistence_timeout")
        if self.persistence_engine and not persistent:
            raise InvalidValue("persistence_engine", self.persistence_engine, "needs persistence: set persistence_timeout")
        if key.vip is not None and key.protocol != "udp":
            if self.one_packet:
                raise InvalidValue("one_packet", "true", f"is for udp alone, and the service's protocol is {key.protocol}")
            if self.persistence_engine == "sip":
                raise InvalidValue(
                    "persistence_engine", "sip", f"is for udp alone, and the service's protocol is {key.protocol}"
                )

    def line(self, action: str = "add") -> str:
        """The rule that ipvsadm(8) would be given."""
        rule = f"{self.LETTERS[action]} {self.key}"
        if action == "remove":
            return rule
        rule += f" -s {self.scheduler}"
        if self.persistence_timeout:
            rule += f" -p {self.persistence_timeout}"
            if self.persistence_netmask:
                rule += f" -M {self.persistence_netmask}"
        if self.persistence_engine:
            rule += f" --pe {self.persistence_engine}"
        if self.one_packet:
            rule += " -o"
        flags = [f"{self.scheduler}-{name}" if name in _HASH_FLAG_BITS else name for name in self.flag_names()]
        return rule + (f" -b {','.join(flags)}" if flags else "")

    def flag_names(self) -> list[str]:
        """The scheduler's flags, by the names that it gives them."""
        bits = _FLAG_BITS
        if self.scheduler in _HASH_SCHEDULERS:
            bits = {**_HASH_FLAG_BITS, "flag-3": _FLAG_BITS["flag-3"]}
        return [name for name, bit in bits.items() if self.scheduler_flags & bit]

    def facts(self) -> dict[str, Any]:
        """The service as a module returns it, in the words of its options."""
        mask = self.persistence_netmask or ("255.255.255.255" if self.key.family == 4 else "128")
        return {
            **self.key.facts(),
            "scheduler": self.scheduler,
            "scheduler_flags": self.flag_names(),
            "persistence_timeout": self.persistence_timeout,
            "persistence_netmask": mask if self.persistence_timeout else None,
            "persistence_engine": self.persistence_engine or "none",
            "one_packet": self.one_packet,
        }


class DestinationKey(NamedTuple):
    """What identifies a real server within a service."""

    service: ServiceKey
    rip: Address
    port: int

    def __str__(self) -> str:
        return f"{self.service} -r {values.endpoint(self.rip, self.port)}"

    @property
    def order(self) -> tuple[int, int, int]:
        """Where it stands in its service's list."""
        return self.rip.version, int(self.rip), self.port


@dataclass(frozen=True)
class Destination(Item):
    """The configuration of a real server in a service."""

    key: DestinationKey
    forward: str = DEFAULT_FORWARD
    weight: int = DEFAULT_WEIGHT
    upper_threshold: int = 0  # connections; 0: none
    lower_threshold: int = 0  # connections; 0: the kernel's own, three quarters of the upper one
    tunnel_type: str = "ipip"
    tunnel_port: int = 0  # 0: none
    tunnel_checksum: str = "none"
    drained: int | None = None  # the weight before it was drained; the weight is 0 then

    LETTERS: ClassVar[dict[str, str]] = {"add": "-a", "set": "-e", "remove": "-d"}

    def check(self) -> None:
        """Refuse what the kernel takes and then does not do, and what it would refuse without naming the option."""
        service, port = self.key.service, self.key.port
        if self.forward != "masquerade" and port != service.port:
            raise InvalidValue(
                "rport",
                port,
                f"differs from the service's port {service.port}, and forward={self.forward} rewrites no ports:"
                " leave rport out, and translate the port on the real server with lvs.cluster.port_dnat",
            )
        if service.vip is not None and service.port == 0 and port != 0:
            raise InvalidValue(
                "rport", port, "cannot be: a service on port 0 takes every port and rewrites none, so leave it out"
            )
        if self.key.rip.version != service.family and self.forward != "tunnel":
            raise InvalidValue(
                "rip",
                self.key.rip,
                f"is not an IPv{service.family} address as the service's is:"
                " only forward=tunnel goes from one family to the other",
            )
        if self.lower_threshold > self.upper_threshold:
            raise InvalidValue(
                "lower_threshold",
                self.lower_threshold,
                f"is above upper_threshold={self.upper_threshold}: set an upper_threshold that is at least as large",
            )
        if self.tunnel_type != "ipip" or self.tunnel_port or self.tunnel_checksum != "none":
            self._check_tunnel()

    def _check_tunnel(self) -> None:
        if self.forward != "tunnel":
            raise InvalidValue("tunnel_type", self.tunnel_type, f"is for forward=tunnel, and this is forward={self.forward}")
        if self.tunnel_type == "gue" and not self.tunnel_port:
            raise MissingValue("tunnel_port", "tunnel_type=gue needs the UDP port that the real server listens on")
        if self.tunnel_type != "gue" and self.tunnel_port:
            raise InvalidValue("tunnel_port", self.tunnel_port, f"is for tunnel_type=gue, and this is {self.tunnel_type}")
        if self.tunnel_type == "ipip" or (self.tunnel_type == "gre" and self.tunnel_checksum == "remote_checksum"):
            raise InvalidValue(
                "tunnel_checksum",
                self.tunnel_checksum,
                f"is not for tunnel_type={self.tunnel_type}: gue has all of them, gre has none and checksum",
            )

    def line(self, action: str = "add") -> str:
        """The rule that ipvsadm(8) would be given."""
        rule = f"{self.LETTERS[action]} {self.key}"
        if action == "remove":
            return rule
        rule += f" {FORWARDS.get(self.forward, f'--{self.forward}')} -w {self.weight}"
        if self.tunnel_type != "ipip":
            rule += f" --tun-type {self.tunnel_type}"
            rule += f" --tun-port {self.tunnel_port}" if self.tunnel_port else ""
            rule += f" {TUNNEL_CHECKSUMS.get(self.tunnel_checksum, '')}".rstrip()
        rule += f" -x {self.upper_threshold}" if self.upper_threshold else ""
        return rule + (f" -y {self.lower_threshold}" if self.lower_threshold else "")

    @property
    def restored_by(self) -> str:
        """The rule that brings it back after a reboot.

        ipvsadm(8) has no word for V(local). To an address of the director, direct routing does the same (ip_vs_xmit.c).
        """
        return (replace(self, forward="route") if self.forward == "local" else self).line()

    def shown(self) -> str:
        """The rule, and that it is drained, which no rule tells."""
        return self.line() if self.drained is None else f"{self.line()}  # drained, weight {self.drained} before"

    def facts(self) -> dict[str, Any]:
        """The destination as a module returns it, in the words of its options."""
        facts = {
            **self.key.service.facts(),
            "rip": str(self.key.rip),
            "rport": self.key.port or None,  # by a mark alone, packets keep the port that they have
            "forward": self.forward,
            "weight": self.weight,
            "drained": self.drained,
            "upper_threshold": self.upper_threshold,
            "lower_threshold": self.lower_threshold,
        }
        if self.forward == "tunnel":
            facts.update(
                tunnel_type=self.tunnel_type, tunnel_port=self.tunnel_port or None, tunnel_checksum=self.tunnel_checksum
            )
        return facts


@dataclass(frozen=True)
class WantedDestination(Wanted[Destination]):
    """A destination as the user described it."""

    drained: bool = False

    def over(self, current: Destination | None) -> Destination | None:
        """The first drain remembers the weight, and the next ones keep that; it comes back where no other one is stated."""
        if self.new is None:
            return None
        if self.drained:
            one = super().over(current) or self.new
            return replace(one, weight=0, drained=one.weight if one.drained is None else one.drained)
        if current is None or current.drained is None:
            return super().over(current)
        return replace(current, **{"weight": current.drained, **self.stated, "drained": None})


def scheduler_name(value: object) -> str:
    """A name that a scheduler can have: whether the kernel has one of that name, only the kernel knows."""
    if not _SCHEDULER_NAME.fullmatch(str(value)):
        raise InvalidValue("scheduler", repr(value), f"is not a scheduler's name: {', '.join(SCHEDULERS)}")
    return str(value)


def _scheduler_flags(value: object, scheduler: object) -> int:
    """The bits of a list of flags, or of their names with commas between."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise InvalidValue("scheduler_flags", repr(value), f"is not a list: of {', '.join(SCHEDULER_FLAGS)}")
    bits = 0
    for name in names:
        name = str(name).strip()
        values.choice("scheduler_flags", name, SCHEDULER_FLAGS)
        if name in _HASH_FLAG_BITS and scheduler not in _HASH_SCHEDULERS:
            raise InvalidValue(
                "scheduler_flags",
                name,
                f"is a flag of the schedulers {' and '.join(_HASH_SCHEDULERS)}: name one of them as the scheduler, too",
            )
        bits |= {**_FLAG_BITS, **_HASH_FLAG_BITS}[name]
    return bits


def service_of(options: Mapping[str, Any], where: str = "") -> Wanted[Service]:
    """A service as the options describe it; an option left out stays as it is.

    :raises Invalid: all that is wrong with them
    """
    faults = Faults()
    key = faults.take(ServiceKey.of, options) or ServiceKey(family=4)
    stated = _stated(
        options,
        {
            "scheduler": scheduler_name,
            "scheduler_flags": lambda value: _scheduler_flags(value, options.get("scheduler")),
            "persistence_timeout": lambda value: values.integer("persistence_timeout", value, 0, values.MAX_TIMEOUT),
            "persistence_netmask": lambda value: values.netmask("persistence_netmask", value, key.family),
            "persistence_engine": _engine,
            "one_packet": lambda value: values.boolean("one_packet", value),
        },
        faults,
    )
    if stated.get("persistence_timeout") == 0:
        # What only a persistent service can have goes with it.
        stated = {"persistence_netmask": "", "persistence_engine": "", **stated}
    new = Service(key=key, **stated)
    return Wanted(key, None if _absent(options, faults) else new, stated, where)


def destination_of(service: ServiceKey, options: Mapping[str, Any], where: str = "") -> WantedDestination:
    """A destination of a service as the options describe it; an option left out stays as it is.

    :raises Invalid: all that is wrong with them
    """
    if options.get("rip") is None:
        raise MissingValue("rip", "name the real server's address")
    rip = values.address("rip", options["rip"])
    if rip == service.vip:
        raise InvalidValue("rip", rip, "is the VIP itself: name the real server's own address")
    faults = Faults()
    stated = _stated(options, DESTINATION_READERS, faults)
    port = stated.pop("rport", service.port)
    if stated.get("upper_threshold") == 0:
        stated = {"lower_threshold": 0, **stated}
    # What the former forwarding method or tunnel had, and the stated one cannot have, goes with it.
    if stated.get("forward", "tunnel") != "tunnel":
        stated = {"tunnel_type": "ipip", "tunnel_port": 0, "tunnel_checksum": "none", **stated}
    elif stated.get("tunnel_type") == "ipip":
        stated = {"tunnel_port": 0, "tunnel_checksum": "none", **stated}
    elif stated.get("tunnel_type") == "gre":
        stated = {"tunnel_port": 0, **stated}
    new = Destination(key=DestinationKey(service, rip, port), **stated)
    return WantedDestination(new.key, None if _absent(options, faults) else new, stated, where)


def _engine(value: object) -> str:
    chosen = values.choice("persistence_engine", value, PERSISTENCE_ENGINES)
    return "" if chosen == "none" else chosen


def _threshold(option: str) -> Callable[[object], int]:
    return lambda value: values.integer(option, value, 0, values.MAX_COUNT)


def _one_of(option: str, choices: Iterable[str]) -> Callable[[object], str]:
    return lambda value: values.choice(option, value, tuple(choices))


DESTINATION_READERS: Mapping[str, Callable[[object], Any]] = {
    "rport": lambda value: values.port("rport", value),
    "forward": _one_of("forward", FORWARDS),
    "weight": lambda value: values.weight("weight", value),
    "upper_threshold": _threshold("upper_threshold"),
    "lower_threshold": _threshold("lower_threshold"),
    "tunnel_type": _one_of("tunnel_type", TUNNEL_TYPES),
    "tunnel_port": lambda value: values.port("tunnel_port", value),
    "tunnel_checksum": _one_of("tunnel_checksum", TUNNEL_CHECKSUMS),
}


def _stated(options: Mapping[str, Any], readers: Mapping[str, Callable[[object], Any]], faults: Faults) -> dict[str, Any]:
    """The options that are given, read."""
    stated: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None and name in readers:
            read = faults.take(readers[name], value)
            if read is not None:
                stated[name] = read
    return stated


def wanted_service(options: Mapping[str, Any]) -> list[Wanted[Service]]:
    """The one service that the options of M(lvs.cluster.ipvs_service) describe."""
    return [service_of(options)]


def _absent(options: Mapping[str, Any], faults: Faults) -> bool:
    """Whether it shall not be there; raises what was found wrong, if anything was."""
    state = options.get("state")
    if state is not None:
        faults.take(values.choice, "state", state, STATES)
    raise_all(faults.found)
    return state == "absent"
