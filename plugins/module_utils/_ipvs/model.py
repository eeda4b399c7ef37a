# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What IPVS holds: virtual services, their destinations, timeouts and sync daemons. Configuration, and the rules of each.

Sources: include/uapi/linux/ip_vs.h and net/netfilter/ipvs/ip_vs_ctl.c of Linux; ipvsadm(8) for the form of rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Address, ip_address
from typing import ClassVar, NamedTuple, Union

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import Facts, Faults, Options
from .._core.reconcile import Item, Wanted
from .._core.values import Address
from .._net import tunnel

DEFAULT_SCHEDULER = "wlc"
DEFAULT_FORWARD = "tunnel"
DEFAULT_WEIGHT = 1
# The forwarding methods, and ipvsadm's switches for them; it has none for local. Only masquerade rewrites ports.
FORWARDS = {"tunnel": "-i", "route": "-g", "masquerade": "-m", "local": "--local"}
FAMILIES = {"ipv4": 4, "ipv6": 6}

# IP_VS_SVC_F_SCHED1 to 3. The first two have names of their own for the schedulers that read them so.
FLAG_BITS = {"flag-1": 0x8, "flag-2": 0x10, "flag-3": 0x20}
HASH_FLAG_BITS = {"fallback": 0x8, "port": 0x10}
HASH_SCHEDULERS = ("sh", "mh")

_TUNNEL_CHECKSUMS = {"none": "--tun-nocsum", "checksum": "--tun-csum", "remote_checksum": "--tun-remcsum"}
_SERVICE_SWITCH = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}


def protocol_of(value: object) -> str:
    """A protocol: its name, or the number of one that another program gave a service."""
    return str(value) if str(value).isdigit() else values.choice("protocol", value, values.PROTOCOLS)


class ServiceKey(NamedTuple):
    """What the kernel identifies a virtual service by: protocol, VIP and port, or a firewall mark."""

    family: int  # 4 or 6
    protocol: str | None = None
    vip: Address | None = None
    port: int = 0
    fwmark: int = 0

    @classmethod
    def of(cls, options: Options) -> ServiceKey:
        """Read O(vip), O(port) and O(protocol), or O(fwmark) and O(family).

        :raises Invalid: all that is wrong with them
        """
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
        key = cls._with_vip(options)
        if family is not None and family != key.family:
            raise InvalidValue("family", options["family"], f"is not that of vip={vip}: leave it out, it is for fwmark")
        return key

    @classmethod
    def _with_vip(cls, options: Options) -> ServiceKey:
        faults = Faults()
        vip = faults.read(values.any_address, "vip", options["vip"])
        port = faults.read(values.integer, "port", options["port"], 0, 65535)
        given = options.get("protocol")
        protocol = faults.read(protocol_of, "tcp" if given is None else given)
        faults.raise_all()
        return cls(vip.value.version, protocol.value, vip.value, port.value)

    @classmethod
    def from_facts(cls, facts: Options) -> ServiceKey:
        """The inverse of C(facts): a key that exists is taken as it is."""
        if facts.get("vip") is None:
            return cls(FAMILIES[facts["family"]], fwmark=facts["fwmark"])
        vip = ip_address(facts["vip"])
        return cls(vip.version, facts["protocol"], vip, facts["port"])

    def __str__(self) -> str:
        if self.vip is None:
            return f"-f {self.fwmark}" + (" -6" if self.family == 6 else "")
        protocol = self.protocol or "tcp"
        return f"{_SERVICE_SWITCH.get(protocol, f'--{protocol}-service')} {values.endpoint(self.vip, self.port)}"

    @property
    def order(self) -> tuple[int, int, str, int, int]:
        """Its place in a list."""
        return self.fwmark, self.family, self.protocol or "", int(self.vip or 0), self.port

    def facts(self) -> Facts:
        """The options that name this service."""
        if self.vip is None:
            return {"fwmark": self.fwmark, "family": f"ipv{self.family}"}
        return {"vip": str(self.vip), "port": self.port, "protocol": self.protocol}


class IpvsItem(Item):
    """An item with a rule of ipvsadm(8)."""

    def rule(self, action: str = "add") -> str:
        """The arguments of ipvsadm(8) that C(add), C(set) or C(remove) it; of several calls, a line each."""
        raise NotImplementedError

    def command(self, action: str = "add") -> str:
        """The rule with the program before it."""
        return "\n".join(f"ipvsadm {line}" for line in self.rule(action).splitlines())

    def diff_line(self) -> str:
        """The rule, as C(ipvsadm -Sn) lists it."""
        return self.rule()


@dataclass(frozen=True)
class Service(IpvsItem):
    """The configuration of a virtual service."""

    key: ServiceKey
    scheduler: str = DEFAULT_SCHEDULER
    scheduler_flags: int = 0  # IP_VS_SVC_F_SCHED1 to 3
    persistence_timeout: int = 0  # seconds; 0: not persistent
    persistence_netmask: str = ""  # as ipvsadm's -M takes it; empty: the whole address
    persistence_engine: str = ""
    one_packet: bool = False

    KIND = "service"
    LETTERS: ClassVar[Mapping[str, str]] = {"add": "-A", "set": "-E", "remove": "-D"}

    def check(self) -> None:
        """Refuse what the kernel accepts and then does not do, and what ipvsadm(8) could not restore."""
        faults = Faults()
        if self.key.vip is not None:
            faults.collect(self._check_key)
        faults.collect(values.integer, "persistence_timeout", self.persistence_timeout, 0, values.MAX_TIMEOUT)
        faults.collect(values.check_netmask, "persistence_netmask", self.persistence_netmask)
        if not self.persistence_timeout:
            for name, value in (
                ("persistence_netmask", self.persistence_netmask),
                ("persistence_engine", self.persistence_engine),
            ):
                if value:
                    faults.add(InvalidValue(name, value, "needs persistence: set persistence_timeout"))
        if self.key.vip is not None and self.key.protocol != "udp":
            reason = f"is for udp alone, and the service's protocol is {self.key.protocol}"
            if self.one_packet:
                faults.add(InvalidValue("one_packet", "true", reason))
            if self.persistence_engine == "sip":
                faults.add(InvalidValue("persistence_engine", "sip", reason))
        faults.raise_all()

    def _check_key(self) -> None:
        values.vip(self.key.vip)
        values.choice("protocol", self.key.protocol, values.PROTOCOLS)
        if self.key.port == 0 and not self.persistence_timeout:
            raise InvalidValue(
                "port", 0, "takes every port, for which the service has to be persistent: set persistence_timeout"
            )

    def rule(self, action: str = "add") -> str:
        """The rule of the service."""
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
        flags = [f"{self.scheduler}-{name}" if name in HASH_FLAG_BITS else name for name in self.flag_names()]
        return rule + (f" -b {','.join(flags)}" if flags else "")

    def flag_names(self) -> list[str]:
        """The scheduler's flags, by the names that it gives them."""
        bits = FLAG_BITS
        if self.scheduler in HASH_SCHEDULERS:
            bits = {**HASH_FLAG_BITS, "flag-3": FLAG_BITS["flag-3"]}
        return [name for name, bit in bits.items() if self.scheduler_flags & bit]

    def identity(self) -> Facts:
        """The options that name it."""
        return self.key.facts()

    def facts(self) -> Facts:
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
        """Its place in the list of its service."""
        return self.rip.version, int(self.rip), self.port

    @classmethod
    def from_facts(cls, facts: Options) -> DestinationKey:
        """The inverse of C(facts): a key that exists is taken as it is."""
        return cls(ServiceKey.from_facts(facts), ip_address(facts["rip"]), facts["rport"] or 0)

    def facts(self) -> Facts:
        """The options that name this destination; in a service without a port, packets keep the port that they have."""
        return {**self.service.facts(), "rip": str(self.rip), "rport": self.port or (0 if self.service.port else None)}


@dataclass(frozen=True)
class Destination(IpvsItem):
    """The configuration of a real server in a service."""

    key: DestinationKey
    forward: str = DEFAULT_FORWARD
    weight: int = DEFAULT_WEIGHT
    upper_threshold: int = 0  # connections; 0: none
    lower_threshold: int = 0  # connections; 0: the kernel's own, three quarters of the upper one
    tunnel_type: str = "ipip"
    tunnel_port: int = 0  # 0: none
    tunnel_checksum: str = "none"
    former_weight: int | None = None  # before it was drained; None: it is not drained

    KIND = "destination"
    LETTERS: ClassVar[Mapping[str, str]] = {"add": "-a", "set": "-e", "remove": "-d"}

    def check(self) -> None:
        """Refuse what the kernel accepts and then does not do, and what it would refuse without naming the option."""
        faults = Faults()
        for check in (self._check_forward, self._check_rip, self._check_port, self._check_thresholds):
            faults.collect(check)
        faults.raise_all()

    def _check_forward(self) -> None:
        if self.forward not in FORWARDS:
            values.choice("forward", self.forward, tuple(FORWARDS))
        if self.tunnel_type != "ipip" or self.tunnel_port or self.tunnel_checksum != "none":
            self._check_tunnel()

    def _check_thresholds(self) -> None:
        upper, lower = self.upper_threshold, self.lower_threshold
        if not (upper or lower):
            return
        values.integer("upper_threshold", upper, 0, values.MAX_COUNT)
        values.integer("lower_threshold", lower, 0, values.MAX_COUNT)
        if lower > upper:
            reason = f"is above upper_threshold={upper}: set an upper_threshold that is at least as large"
            raise InvalidValue("lower_threshold", lower, reason)

    def _check_rip(self) -> None:
        service, rip = self.key.service, values.check_address("rip", self.key.rip)
        if rip == service.vip and self.forward in ("tunnel", "route"):
            raise InvalidValue("rip", rip, "is the VIP itself: name the real server's own address")
        if rip.version != service.family and self.forward != "tunnel":
            raise InvalidValue(
                "rip",
                rip,
                f"is not an IPv{service.family} address as the service's is:"
                " only forward=tunnel goes from one family to the other",
            )

    def _check_port(self) -> None:
        service, port = self.key.service, self.key.port
        if service.port and not port:
            values.port("rport", port)
        # With a firewall mark, packets have a port of their own: ipvsadm(8) takes any for the destination.
        if self.forward != "masquerade" and port != service.port and service.vip is not None:
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
        if self.key.rip == service.vip and port == service.port and self.forward == "masquerade":
            raise InvalidValue(
                "rip", self.key.rip, "is the VIP itself, on the same port: give it another rport, or another rip"
            )

    def _check_tunnel(self) -> None:
        values.choice("tunnel_type", self.tunnel_type, tunnel.TYPES)
        values.choice("tunnel_checksum", self.tunnel_checksum, tunnel.CHECKSUMS)
        if self.forward != "tunnel":
            raise InvalidValue("tunnel_type", self.tunnel_type, f"is for forward=tunnel, and this is forward={self.forward}")
        if self.tunnel_type == "gue" and not self.tunnel_port:
            raise MissingValue("tunnel_port", "tunnel_type=gue needs the UDP port that the real server listens on")
        if self.tunnel_type != "gue" and self.tunnel_port:
            raise InvalidValue("tunnel_port", self.tunnel_port, f"is for tunnel_type=gue, and this is {self.tunnel_type}")
        tunnel.check_checksum(self.tunnel_type, self.tunnel_checksum)

    def rule(self, action: str = "add") -> str:
        """The rule of the destination."""
        rule = f"{self.LETTERS[action]} {self.key}"
        if action == "remove":
            return rule
        rule += f" {FORWARDS.get(self.forward, f'--{self.forward}')} -w {self.weight}"
        if self.tunnel_type != "ipip":
            rule += f" --tun-type {self.tunnel_type}"
            rule += f" --tun-port {self.tunnel_port}" if self.tunnel_port else ""
            rule += f" {_TUNNEL_CHECKSUMS.get(self.tunnel_checksum, '')}".rstrip()
        rule += f" -x {self.upper_threshold}" if self.upper_threshold else ""
        return rule + (f" -y {self.lower_threshold}" if self.lower_threshold else "")

    def boot_rule(self) -> str:
        """The rule that restores it after a reboot.

        ipvsadm(8) has no word for V(local). To an address of the director, direct routing does the same (ip_vs_xmit.c).
        """
        return (replace(self, forward="route") if self.forward == "local" else self).rule()

    def diff_line(self) -> str:
        """The rule, and that it is drained, which no rule tells."""
        return self.rule() if self.former_weight is None else f"{self.rule()}  # drained, weight {self.former_weight} before"

    def identity(self) -> Facts:
        """The options that name it."""
        return self.key.facts()

    def facts(self) -> Facts:
        """The destination as a module returns it, in the words of its options."""
        facts = {
            **self.key.facts(),
            "forward": self.forward,
            "weight": self.weight,
            "drained": self.former_weight,
            "upper_threshold": self.upper_threshold,
            "lower_threshold": self.lower_threshold,
        }
        if self.forward == "tunnel":
            facts.update(
                tunnel_type=self.tunnel_type, tunnel_port=self.tunnel_port or None, tunnel_checksum=self.tunnel_checksum
            )
        return facts


@dataclass(frozen=True)
class WantedDestination(Wanted[DestinationKey, Destination]):
    """A destination as the user describes it."""

    drain: bool = False
    port_given: bool = True  # False: the port is that of the service, as the user named none

    def merged_with(self, current: Destination | None) -> Destination | None:
        """A first drain remembers the weight, a second one changes nothing; without a drain, it comes back or is as given."""
        if self.new is None:
            return None
        if self.drain:
            destination = super().merged_with(current) or self.new
            former = destination.weight if destination.former_weight is None else destination.former_weight
            return replace(destination, weight=0, former_weight=former)
        if current is None or current.former_weight is None:
            return super().merged_with(current)
        return replace(current, **{"weight": current.former_weight, **self.given, "former_weight": None})


IpvsKey = Union[ServiceKey, DestinationKey]
TableItem = Union[Service, Destination]


@dataclass(frozen=True)
class Timeouts(IpvsItem):
    """The seconds that IPVS remembers idle connections; the kernel has one set for each network namespace.

    Source: ip_vs_set_timeout() in net/netfilter/ipvs/ip_vs_ctl.c of Linux; C(--set) in ipvsadm(8).
    """

    KIND = "timeouts"
    KEY: ClassVar[str] = "timeouts"

    tcp: int
    tcp_fin: int
    udp: int

    @property
    def key(self) -> str:
        """The same for all: there is one set of them."""
        return self.KEY

    def check(self) -> None:
        """Refuse what ipvsadm(8) could not restore."""
        faults = Faults()
        for name, value in asdict(self).items():
            faults.collect(values.integer, name, value, 0, values.MAX_TIMEOUT)
        faults.raise_all()

    def rule(self, action: str = "set") -> str:
        """The rule of all three."""
        return f"--set {self.tcp} {self.tcp_fin} {self.udp}"

    def identity(self) -> Facts:
        """Empty: there is one set of them."""
        return {}

    def facts(self) -> Facts:
        """The timeouts as a module returns them."""
        return asdict(self)


DEFAULT_GROUP = IPv4Address("224.0.0.81")
_MIN_BACKUP_MAXLEN = 1024  # bytes; the kernel makes less of a backup's to that
_HEADERS = {4: 20 + 8, 6: 40 + 8}  # bytes of IP and UDP before the message


@dataclass(frozen=True)
class SyncDaemon(IpvsItem):
    """A daemon that tells one director's connections to another. The kernel has at most one of each role.

    Source: start_sync_thread() in net/netfilter/ipvs/ip_vs_sync.c of Linux; C(--start-daemon) in ipvsadm(8).
    """

    KIND = "sync_daemon"

    key: str  # its role
    interface: str
    sync_id: int = 0
    sync_maxlen: int = 0  # bytes; 0: what the kernel takes by itself
    group: Address = DEFAULT_GROUP
    port: int = values.SYNC_PORT
    ttl: int = 1

    def rule(self, action: str = "add") -> str:
        """The rules of the daemon. A running one cannot be changed: it is stopped and started."""
        stop = f"--stop-daemon {self.key}"
        if action == "remove":
            return stop
        start = f"--start-daemon {self.key} --mcast-interface {self.interface} --syncid {self.sync_id}"
        start += f" --sync-maxlen {self.sync_maxlen}" if self.sync_maxlen else ""
        start += f" --mcast-group {self.group} --mcast-port {self.port} --mcast-ttl {self.ttl}"
        return f"{stop}\n{start}" if action == "set" else start

    def identity(self) -> Facts:
        """Its role."""
        return {"role": self.key}

    def facts(self) -> Facts:
        """The daemon as a module returns it, in the words of its options."""
        return {
            **self.identity(),
            "interface": self.interface,
            "sync_id": self.sync_id,
            "sync_maxlen": self.sync_maxlen or None,
            "group": str(self.group),
            "port": self.port,
            "ttl": self.ttl,
        }

    def as_stored_by_kernel(self) -> SyncDaemon:
        """With the length of a message as the kernel bounds it, by role and the group's family."""
        if not self.sync_maxlen:
            return self
        lowest = _MIN_BACKUP_MAXLEN if self.key == "backup" else 1
        return replace(self, sync_maxlen=min(max(self.sync_maxlen, lowest), 65535 - _HEADERS[self.group.version]))
