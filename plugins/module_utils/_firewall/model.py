# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What a firewall lets in for the cluster, in the words of firewalld and of ufw, and the zones that it is opened in. Pure.

Sources: firewalld.richlanguage(5), firewalld.zones(5), ufw-framework(8), iptables(8).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import NamedTuple, Union, cast

from .._core import values
from .._core.options import Facts, Options
from .._core.reconcile import Item, Seen
from .._core.values import Address
from .._nft.table import Key as TableKey
from .._nft.table import SectionSeen, TableItem

SUBJECT = "firewall"  # of the state file
FIREWALLD, UFW = PROGRAMS = ("firewalld", "ufw")
AUTO, NONE = "auto", "none"

_IPTABLES = {4: "iptables", 6: "ip6tables"}
# The errors without which no path MTU is found. They belong to connections that are not tracked: nothing else accepts them.
ERRORS = {4: "destination-unreachable", 6: "packet-too-big"}


class Opening(NamedTuple):
    """Packets that are let in."""

    protocol: str  # tcp, udp, sctp; a number for tunnels; one of ERRORS
    source: Address | None = None
    destination: Address | None = None
    port: int = 0  # 0: every port

    @property
    def address(self) -> Address:
        """The one that packets come from or go to."""
        return cast("Address", self.destination if self.source is None else self.source)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version

    @property
    def service(self) -> Facts | None:
        """The service that it is for; None if it is for a tunnel."""
        if self.destination is None or self.protocol not in values.PROTOCOLS:
            return None
        return {"vip": str(self.destination), "port": self.port, "protocol": self.protocol}

    def facts(self) -> Facts:
        """The opening in the state file and in a result."""
        return {
            "protocol": self.protocol,
            "source": None if self.source is None else str(self.source),
            "destination": None if self.destination is None else str(self.destination),
            "port": self.port,
        }

    @classmethod
    def from_facts(cls, facts: Options) -> Opening:
        """The opening that C(facts) describes."""
        source, destination = (
            None if facts[name] is None else values.any_address(name, facts[name]) for name in ("source", "destination")
        )
        return cls(facts["protocol"], source, destination, facts["port"])

    def rich_rule(self) -> str:
        """The opening as firewalld itself writes a rule: rules are compared as texts."""
        words = [f'rule family="ipv{self.family}"']
        if self.source is not None:
            words.append(f'source address="{self.source}"')
        if self.destination is not None:
            words.append(f'destination address="{self.destination}"')
        if self.port:
            words.append(f'port port="{self.port}" protocol="{self.protocol}"')
        elif self.protocol in ERRORS.values():
            words.append(f'icmp-type name="{self.protocol}"')
        else:
            # A name would need /etc/protocols.
            words.append(f'protocol value="{values.PROTOCOL_NUMBERS.get(self.protocol, self.protocol)}"')
        return " ".join([*words, "accept"])

    def ufw_rule(self) -> str:
        """The opening as a line of after.rules."""
        words = [f"-A {UFW_CHAINS[self.family]}"]
        if self.source is not None:
            words.append(f"-s {self.source}")
        if self.destination is not None:
            words.append(f"-d {self.destination}")
        words.append(f"-p {self.protocol}")
        if self.port:
            words.append(f"--dport {self.port}")
        return " ".join([*words, "-j ACCEPT"])


class RuleKey(NamedTuple):
    """A rule of a firewall."""

    program: str
    opening: Opening
    zone: str = ""  # of firewalld
    permanent: bool = True  # firewalld keeps what is in force apart from what it starts with

    def facts(self) -> Facts:
        """The rule in the state file."""
        return {**self.opening.facts(), "zone": self.zone, "permanent": self.permanent}

    @classmethod
    def from_facts(cls, program: str, facts: Options) -> RuleKey:
        """The rule that C(facts) describes."""
        return cls(program, Opening.from_facts(facts), facts["zone"], facts["permanent"])


UFW_FILES = {4: "/etc/ufw/after.rules", 6: "/etc/ufw/after6.rules"}
UFW_CHAINS = {4: "ufw-after-input", 6: "ufw6-after-input"}


@dataclass(frozen=True)
class FirewallRule(Item):
    """A rule of a firewall. It has no configuration beside its key."""

    KIND = "firewall_rule"

    key: RuleKey

    @property
    def text(self) -> str:
        """The rule in the words of its firewall."""
        return self.key.opening.rich_rule() if self.key.program == FIREWALLD else self.key.opening.ufw_rule()

    def command(self, action: str = "add") -> str:
        """A command of firewall-cmd(1). ufw has none for it: the rule in force, and the line of its file."""
        if self.key.program == FIREWALLD:
            permanent = "--permanent " if self.key.permanent else ""
            return f"firewall-cmd {permanent}--zone={self.key.zone} --{action}-rich-rule={quote(self.text)}"
        removed, family = action == "remove", self.key.opening.family
        in_force = f"{_IPTABLES[family]} {self.text.replace('-A', '-D', 1) if removed else self.text}"
        script = f"/^{self.text}$/d" if removed else f"/^COMMIT/i {self.text}"
        return f"{in_force} && sed -i {quote(script)} {UFW_FILES[family]}"

    def diff_line(self) -> str:
        """The rule, and where it is."""
        if self.key.program == FIREWALLD:
            where = "permanent" if self.key.permanent else "runtime"
            return f"firewalld, zone {self.key.zone}, {where}: {self.text}"
        return f"{UFW_FILES[self.key.opening.family]}: {self.text}"

    def identity(self) -> Facts:
        """The firewall, its zone, and the rule."""
        facts: Facts = {"program": self.key.program, "rule": self.text}
        if self.key.program == FIREWALLD:
            facts.update(zone=self.key.zone, permanent=self.key.permanent)
        return facts


Key = Union[RuleKey, TableKey]
FirewallItem = Union[FirewallRule, TableItem]


@dataclass(frozen=True)
class Zones:
    """The zones of firewalld that packets come to: that of their source first, then that of the device they come in on."""

    default: str = ""
    of_devices: Mapping[str, str] = field(default_factory=dict)
    of_sources: Mapping[str, str] = field(default_factory=dict)  # networks and addresses; firewalld knows other sources, too

    @classmethod
    def of(cls, default: str, active: Mapping[str, Mapping[str, Sequence[str]]]) -> Zones:
        """From what firewalld returns of its active zones: the devices and sources of each."""
        devices = {device: zone for zone, bound in active.items() for device in bound.get("interfaces", ())}
        sources = {source: zone for zone, bound in sorted(active.items()) for source in bound.get("sources", ())}
        return cls(default, devices, sources)

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {self.default, *self.of_devices.values(), *self.of_sources.values()}

    def of_device(self, device: str) -> str:
        """The zone of a device."""
        return self.of_devices.get(device, self.default)

    def of_packets(self, source: Address, device: str | None) -> str:
        """The zone that packets of a source come to which come in on a device."""
        for network, zone in self.of_sources.items():
            if _contains(network, source):
                return zone
        return self.default if device is None else self.of_device(device)


def _contains(network: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False  # a MAC address, or a set of addresses


@dataclass(frozen=True)
class FirewallContext:
    """What a plan depends on beside the rules."""

    running: str = ""  # the firewall that runs
    zones: Zones = Zones()
    towards: Mapping[Address, str] = field(default_factory=dict)  # the device of the route to a source
    facing: Mapping[Address, Sequence[str]] = field(default_factory=dict)  # the devices that packets for a VIP come in on
    drops_ipv6: bool = False  # ufw drops all of it, whatever its rules say
    stopped: tuple[str, ...] = ()  # firewalls that do not run, and have rules of this collection
    table: SectionSeen | None = None  # None: nothing of the section is wanted, and nothing is there


FirewallSeen = Seen[Key, FirewallItem, FirewallContext]


@dataclass(frozen=True)
class ServicePort:
    """A service's port of a VIP."""

    opening: Opening
    devices: tuple[str, ...] = ()  # that packets come in on; empty: as the routes say
    untracked: bool | None = None  # None: as it is

    @property
    def vip(self) -> Address:
        """The address."""
        return self.opening.address

    @property
    def openings(self) -> Iterator[Opening]:
        """What has to be let in for it."""
        yield self.opening
        if self.untracked:
            yield Opening(ERRORS[self.vip.version], destination=self.vip)


def rules_of(
    tunnels: Iterable[Opening], services: Iterable[ServicePort], sources: Sequence[Address], context: FirewallContext
) -> list[RuleKey]:
    """The rules that let these in, in the firewall that runs.

    :param sources: the directors, from which packets of services come if their devices are not known otherwise
    """
    keys: dict[RuleKey, None] = {}
    for tunnel in tunnels:
        zone = context.zones.of_packets(tunnel.address, context.towards.get(tunnel.address))
        keys.update(dict.fromkeys(_rule_keys(context.running, tunnel, [zone])))
    for service in services:
        devices: Iterable[str] = service.devices
        if not devices:
            towards = [context.towards[source] for source in sources if source in context.towards]
            devices = towards or context.facing.get(service.vip, ())
        zones = dict.fromkeys(map(context.zones.of_device, devices)) or [context.zones.default]
        for opening in service.openings:
            keys.update(dict.fromkeys(_rule_keys(context.running, opening, zones)))
    return list(keys)


def _rule_keys(program: str, opening: Opening, zones: Iterable[str]) -> Iterator[RuleKey]:
    if program == UFW:
        if opening.protocol not in ERRORS.values():  # its before.rules let these in
            yield RuleKey(UFW, opening)
        return
    # In force first: what firewalld starts with is a copy.
    for zone in zones:
        for permanent in (False, True):
            yield RuleKey(FIREWALLD, opening, zone, permanent)


def load_claims(notes: Options) -> list[RuleKey]:
    """The rules that this collection added, from the state file."""
    return [RuleKey.from_facts(program, facts) for program in PROGRAMS for facts in notes.get(program, ())]


def dump_claims(claims: Iterable[RuleKey]) -> Facts:
    """The same for the state file."""
    notes: Facts = {}
    for key in claims:
        notes.setdefault(key.program, []).append(key.facts())
    return notes


def opened_services(notes: Options) -> list[Facts]:
    """The services that this collection opened ports for."""
    found: list[Facts] = []
    for key in load_claims(notes):
        service = key.opening.service
        if service is not None and service not in found:
            found.append(service)
    return found
