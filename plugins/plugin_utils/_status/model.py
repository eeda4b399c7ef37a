# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The status of a cluster: its hosts, its services, and what differs from the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# The states of a host, the gravest first, with their labels: a sign beside the colour.
STATE_LABELS = {
    "unreachable": "✕ unreachable",
    "failed": "! could not be read",
    "outage": "✕ service down",
    "differs": "≠ differs",
    "out": "! real server out",
    "same": "✓ as described",
}
# The rates of services and real servers, with their headings.
RATES = {
    "connections": "conn/s",
    "packets_in": "pkt/s in",
    "packets_out": "pkt/s out",
    "bytes_in": "B/s in",
    "bytes_out": "B/s out",
}
_UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True)
class RealServerView:
    """A real server in a service."""

    rip: str
    endpoint: str  # as ipvsadm writes it
    host: str = ""  # in the inventory; empty: not there
    forward: str = ""
    weight: int = 0
    drained: int | None = None  # its weight before the drain; None: it is not drained
    active: int = 0
    inactive: int = 0
    rates: Mapping[str, int] = field(default_factory=dict)
    share: float = 0.0  # of the service's connections, or of its weights where it has none
    missing: bool = False  # in the inventory, and not in the kernel
    differs: bool = False
    out: bool = False  # keepalived has taken it out
    sorry: bool = False  # it takes the connections that the real servers cannot

    @property
    def name(self) -> str:
        """The host's name, or the address of a real server that is not in the inventory."""
        return self.host or self.rip

    @property
    def kind(self) -> str:
        """What it is, where it has no name in the inventory."""
        return "" if self.host else "sorry server" if self.sorry else "not in the inventory"

    @property
    def notes(self) -> list[str]:
        """What is unusual about it."""
        notes = ["missing"] if self.missing else ["differs"] if self.differs else []
        if self.sorry:
            return [*notes, "sorry server"]
        if self.out:
            notes.append("out")
        if self.drained is not None:
            notes.append(f"drained (was {self.drained})")
        elif self.weight == 0 and not (self.missing or self.out):
            notes.append("no new connections")
        return notes


@dataclass(frozen=True)
class ServiceView:
    """A virtual service on one director."""

    address: str  # TCP 192.168.56.185:80, or FWM 7
    name: str = ""  # in the inventory; empty: not there
    scheduler: str = ""
    persistence_timeout: int = 0
    rates: Mapping[str, int] = field(default_factory=dict)
    real_servers: Sequence[RealServerView] = ()
    commands: Sequence[str] = ()  # that would make it as described
    missing: bool = False  # in the inventory, and not in the kernel
    quorum: int = 1  # the weight with which real servers serve it, and not its sorry server

    @property
    def title(self) -> str:
        """The service's name, or the address of a service that is not in the inventory."""
        return self.name or self.address

    @property
    def active(self) -> int:
        """Active connections."""
        return sum(real_server.active for real_server in self.real_servers)

    @property
    def inactive(self) -> int:
        """Inactive connections."""
        return sum(real_server.inactive for real_server in self.real_servers)

    @property
    def settings(self) -> str:
        """Scheduler and persistence."""
        return self.scheduler + (f", persistent {self.persistence_timeout} s" if self.persistence_timeout else "")

    @property
    def notes(self) -> list[str]:
        """What is unusual about it."""
        if self.missing:
            return ["missing"]
        return [*([] if self.name else ["not in the inventory"]), *(["differs"] if self.commands else [])]


@dataclass(frozen=True)
class HostView:
    """A host of the cluster."""

    name: str
    role: str  # director, real server
    commands: Sequence[str] = ()  # that would make it as described
    problems: Sequence[str] = ()  # why it could not be read
    contradictions: Sequence[str] = ()  # what cannot be right, together with other hosts
    warnings: Sequence[str] = ()
    outages: Sequence[str] = ()  # services of a director that none of their real servers serves
    out: Sequence[str] = ()  # its real servers that keepalived has taken out of services
    unreachable: bool = False

    @property
    def state(self) -> str:
        """One of STATE_LABELS."""
        if self.unreachable:
            return "unreachable"
        states = {
            "failed": self.problems,
            "outage": self.outages,
            "differs": self.commands or self.contradictions,
            "out": self.out,
        }
        return next((state for state, lines in states.items() if lines), "same")

    @property
    def differs(self) -> bool:
        """Whether it is not as described: a real server that is out is described."""
        return bool(self.commands or self.contradictions)

    @property
    def state_label(self) -> str:
        """The state with its sign."""
        return STATE_LABELS[self.state]


@dataclass(frozen=True)
class DirectorView:
    """A director with its services."""

    host: HostView
    facts: str = ""  # kernel, timeouts, daemons; empty: not known
    services: Sequence[ServiceView] = ()


@dataclass(frozen=True)
class Status:
    """The whole cluster."""

    generated: str  # the time
    directors: Sequence[DirectorView] = ()
    real_servers: Sequence[HostView] = ()

    @property
    def hosts(self) -> list[HostView]:
        """Directors and real servers."""
        return [*(director.host for director in self.directors), *self.real_servers]

    @property
    def services(self) -> list[ServiceView]:
        """The services of all directors."""
        return [service for director in self.directors for service in director.services]

    @property
    def names(self) -> list[str]:
        """The real servers: those of the inventory, then others that a director has."""
        real_servers = (real_server for service in self.services for real_server in service.real_servers)
        in_services = (real_server.name for real_server in real_servers if not real_server.sorry)
        return unique([*(host.name for host in self.real_servers), *in_services])

    @property
    def state(self) -> str:
        """The gravest state of a host."""
        states = {host.state for host in self.hosts}
        return next((state for state in STATE_LABELS if state in states), "same")

    @property
    def summary(self) -> str:
        """The status in one sentence."""
        count = {
            "unreachable": sum(host.unreachable for host in self.hosts),
            "failed": sum(host.state == "failed" for host in self.hosts),
            "outage": sum(bool(host.outages) for host in self.hosts),
            "differs": sum(host.differs and host.state not in ("unreachable", "failed") for host in self.hosts),
            "out": sum(bool(host.out) for host in self.hosts),
        }
        parts = [
            f"{counted(count[state], noun)} {predicate}"
            for state, noun, predicate in (
                ("unreachable", "host", "cannot be reached"),
                ("failed", "host", "could not be read"),
                ("outage", "director", f"{_has(count['outage'])} a service that no real server serves"),
                ("out", "director", f"{_has(count['out'])} real servers out, as their checks fail"),
                ("differs", "host", f"{'differs' if count['differs'] == 1 else 'differ'} from the inventory"),
            )
            if count[state]
        ]
        if not parts:
            return "Nothing differs from the inventory"
        if count["differs"]:
            return ", ".join(parts)
        unread = count["unreachable"] or count["failed"]
        return f"{', '.join(parts)}; nothing differs {'on the others' if unread else 'from the inventory'}"

    def total(self, rate: str) -> int:
        """A rate, of all services."""
        return sum(service.rates.get(rate, 0) for service in self.services)


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def counted(number: int, noun: str) -> str:
    """C(1 service), C(2 services)."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(number: float) -> str:
    """A rate in four digits at most: 640, 12.3k, 4.5M; thousands, not 1024s."""
    for unit in _UNITS:
        if number < 999.5 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f}{unit}" if not unit or number >= 99.95 else f"{number:.1f}{unit}"


def unique(lines: Iterable[str]) -> list[str]:
    """The lines, each once."""
    return list(dict.fromkeys(lines))
