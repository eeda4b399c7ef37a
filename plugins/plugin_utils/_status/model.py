# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""How a cluster stands: what each host told, put together, and the same as lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core import values
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey

# The states of a host, the gravest first, and how each is written: a sign beside the colour.
STATES = {
    "unreachable": "✕ unreachable",
    "failed": "! could not be read",
    "differs": "≠ differs",
    "same": "✓ as described",
}
RATES = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
_UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True)
class RealServer:
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
    missing: bool = False  # the inventory has it, the kernel has not
    differs: bool = False

    @property
    def name(self) -> str:
        """What to call it."""
        return self.host or self.rip

    @property
    def notes(self) -> list[str]:
        """What is not as usual."""
        notes = ["missing"] if self.missing else ["differs"] if self.differs else []
        if self.drained is not None:
            notes.append(f"drained (was {self.drained})")
        elif self.weight == 0 and not self.missing:
            notes.append("no new connections")
        return notes


@dataclass(frozen=True)
class Service:
    """A virtual service on one director."""

    address: str  # TCP 192.168.56.185:80, or FWM 7
    key: str = ""  # as ipvsadm writes it
    name: str = ""  # in the inventory; empty: not there
    scheduler: str = ""
    persistence_timeout: int = 0
    rates: Mapping[str, int] = field(default_factory=dict)
    real_servers: Sequence[RealServer] = ()
    commands: Sequence[str] = ()  # what would make it as the inventory has it
    missing: bool = False

    @property
    def title(self) -> str:
        """What to call it."""
        return self.name or self.address

    @property
    def active(self) -> int:
        """Active connections."""
        return sum(one.active for one in self.real_servers)

    @property
    def inactive(self) -> int:
        """Inactive connections."""
        return sum(one.inactive for one in self.real_servers)

    @property
    def settings(self) -> str:
        """Scheduler and persistence."""
        return self.scheduler + (f", persistent {self.persistence_timeout} s" if self.persistence_timeout else "")

    @property
    def notes(self) -> list[str]:
        """What is not as usual."""
        if self.missing:
            return ["missing"]
        return [*([] if self.name else ["not in the inventory"]), *(["differs"] if self.commands else [])]


@dataclass(frozen=True)
class Host:
    """A host of the cluster."""

    name: str
    role: str  # director, real server
    commands: Sequence[str] = ()  # what would make it as the inventory has it
    problems: Sequence[str] = ()  # why it could not be looked at
    warnings: Sequence[str] = ()
    unreachable: bool = False

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.unreachable:
            return "unreachable"
        return "failed" if self.problems else "differs" if self.commands else "same"

    @property
    def shown_state(self) -> str:
        """The same, as it is written."""
        return STATES[self.state]


@dataclass(frozen=True)
class Director:
    """What a director told."""

    host: Host
    facts: str = ""  # kernel, timeouts, daemons; empty: it told nothing
    services: Sequence[Service] = ()


@dataclass(frozen=True)
class Status:
    """The whole cluster."""

    generated: str
    directors: Sequence[Director] = ()
    real_servers: Sequence[Host] = ()

    @property
    def hosts(self) -> list[Host]:
        """All of them."""
        return [*(one.host for one in self.directors), *self.real_servers]

    @property
    def services(self) -> list[Service]:
        """Those of all directors."""
        return [service for director in self.directors for service in director.services]

    @property
    def names(self) -> list[str]:
        """The real servers: those of the inventory, then others that a director knows."""
        known = (one.name for service in self.services for one in service.real_servers)
        return _unique([*(host.name for host in self.real_servers), *known])

    @property
    def state(self) -> str:
        """The gravest state of a host."""
        states = {host.state for host in self.hosts}
        return next((state for state in STATES if state in states), "same")

    @property
    def verdict(self) -> str:
        """One sentence about all of it."""
        count = {state: sum(host.state == state for host in self.hosts) for state in STATES}
        said = [
            f"{_hosts(count[state])} {says}"
            for state, says in (
                ("unreachable", "cannot be reached"),
                ("failed", "could not be read"),
                ("differs", f"{'differs' if count['differs'] == 1 else 'differ'} from the inventory"),
            )
            if count[state]
        ]
        if not said:
            return "Nothing differs from the inventory"
        return ", ".join(said) + ("" if count["differs"] else "; nothing differs on the others")

    def total(self, rate: str) -> int:
        """A rate, of all services."""
        return sum(service.rates.get(rate, 0) for service in self.services)


def _hosts(number: int) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


def status(
    directors: Iterable[Mapping[str, Any]],
    real_servers: Iterable[Mapping[str, Any]],
    services: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    hosts: Mapping[str, str],
    generated: str,
) -> Status:
    """Put together what was seen.

    :param directors: of each its C(name), the result of ipvs_info as C(info), and the C(results) of its other tasks
    :param real_servers: of each its C(name) and the C(results) of its tasks
    :param services: the table of the plan
    :param names: what the inventory calls these services, in their order
    :param hosts: RIPs to names of hosts
    :param generated: when it was seen
    """
    wanted = {ServiceKey.of(row): (plain(name), row) for name, row in zip(names, services)}
    return Status(
        generated=generated,
        directors=[_director(one, wanted, hosts) for one in directors],
        real_servers=[_host(one["name"], "real server", one["results"]) for one in real_servers],
    )


def plain(text: object) -> str:
    """A text from elsewhere on one line, without what would steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())


# ----- hosts


def _host(name: str, role: str, results: Iterable[Mapping[str, Any]]) -> Host:
    each = list(_single(results))
    lost = [_message(one) for one in each if one.get("unreachable")]
    return Host(
        name=plain(name),
        role=role,
        # In check mode, two tasks may each find the same thing to do.
        commands=_unique(as_typed(plain(line)) for one in each for line in one.get("commands") or ()),
        problems=lost[:1] or _unique(_message(one) for one in each if one.get("failed")),
        warnings=_unique(plain(line) for one in each for line in one.get("warnings") or ()),
        unreachable=bool(lost),
    )


def _message(result: Mapping[str, Any]) -> str:
    """Why a task failed, with what the host said instead of a result."""
    return plain(f"{result.get('msg', '')} {result.get('module_stderr', '')}")


def _single(results: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The results of tasks, those of a loop one by one."""
    for one in results:
        if isinstance(one.get("results"), (list, tuple)) and not one.get("unreachable"):
            yield from one["results"]
        else:
            yield one


def _unique(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def as_typed(command: str) -> str:
    """A line of a module's C(commands) with the program's name in front, where the module leaves that out."""
    if command.startswith("-"):
        return f"ipvsadm {command}"
    return f"nft {command}" if command.split(" ", 1)[0] in ("add", "delete") else command


# ----- services

Named = Mapping[ServiceKey, "tuple[str, Mapping[str, Any]]"]  # of the inventory: name, and row of ipvs_table


def _director(seen: Mapping[str, Any], wanted: Named, hosts: Mapping[str, str]) -> Director:
    info = seen["info"]
    host = _host(seen["name"], "director", [info, *seen["results"]])
    if "services" not in info:
        return Director(host)
    found = {ServiceKey.of(row): row for row in info["services"]}
    here = [key for key in wanted if wanted[key][1].get("state") != "absent" or key in found]
    keys = [*here, *(key for key in found if key not in wanted)]  # the inventory's order, then what it does not have
    return Director(host, _facts(info), [_service(key, found.get(key), wanted, hosts, host.commands) for key in keys])


def _facts(info: Mapping[str, Any]) -> str:
    timeouts = ", ".join(f"{name} {seconds} s" for name, seconds in info["timeouts"].items())
    daemons = [f"{one['role']} on {one['interface']}, sync ID {one['sync_id']}" for one in info["sync_daemons"]]
    told = (
        f"Linux {info['kernel']}",
        f"IPVS {info['version']}",
        f"connection table of {info['connection_table_size']} rows",
        f"timeouts: {timeouts}",
        f"sync daemon: {'; '.join(daemons)}" if daemons else "no sync daemon",
    )
    return plain("; ".join(told))


def _service(
    key: ServiceKey, found: Mapping[str, Any] | None, wanted: Named, hosts: Mapping[str, str], commands: Sequence[str]
) -> Service:
    name, described = wanted.get(key, ("", {}))
    row = described if found is None else found
    own = [line for line in commands if f" {key} " in f"{line} "]
    return Service(
        address=_address(key),
        key=str(key),
        name=name,
        scheduler=plain(row.get("scheduler", "")),
        persistence_timeout=row.get("persistence_timeout") or 0,
        rates=_rates(row),
        real_servers=_real_servers(key, (found or {}).get("destinations", ()), described, hosts, own),
        commands=own,
        missing=found is None,
    )


def _address(key: ServiceKey) -> str:
    if key.vip is None:
        return f"FWM {key.fwmark}" + (" IPv6" if key.family == 6 else "")
    return f"{(key.protocol or '').upper()} {values.endpoint(key.vip, key.port)}"


def _real_servers(
    service: ServiceKey,
    rows: Iterable[Mapping[str, Any]],
    described: Mapping[str, Any],
    hosts: Mapping[str, str],
    commands: Sequence[str],
) -> list[RealServer]:
    """In the order of the inventory, then those that only the kernel has."""
    found = {_endpoint(service, one): one for one in rows}
    wanted = {_endpoint(service, one): one for one in described.get("destinations", ()) if one.get("state") != "absent"}
    counted = {place: (one["connections"]["active"], one["connections"]["inactive"]) for place, one in found.items()}
    whole = sum(map(sum, counted.values()))
    weights = sum(int(one["weight"]) for one in found.values())
    made = []
    for place, one in {**wanted, **found}.items():
        active, inactive = counted.get(place, (0, 0))
        weight = int(one["weight"])
        share = (active + inactive) / whole if whole else weight / weights if weights and place in found else 0.0
        rip = plain(one["rip"])
        made.append(
            RealServer(
                rip=rip,
                endpoint=place,
                host=plain(hosts.get(rip, "")),
                forward=_forward(one),
                weight=weight,
                drained=one.get("drained"),
                active=active,
                inactive=inactive,
                rates=_rates(one),
                share=share,
                missing=place not in found,
                differs=any(f" -r {place} " in f"{line} " for line in commands),
            )
        )
    return made


def _endpoint(service: ServiceKey, row: Mapping[str, Any]) -> str:
    """A real server of a service as ipvsadm names it."""
    port = row.get("rport")
    return values.endpoint(values.address("rip", row["rip"]), service.port if port is None else int(port))


def _forward(row: Mapping[str, Any]) -> str:
    kind = row.get("tunnel_type", "ipip")
    return plain(row["forward"] if kind == "ipip" else f"{row['forward']} {kind}")


def _rates(row: Mapping[str, Any]) -> dict[str, int]:
    counted = row.get("statistics", {})
    return {name: counted.get(f"{name}_per_second", 0) for name in RATES}


# ----- for a terminal


def short(number: float) -> str:
    """A rate in four digits at most: 640, 12.3k, 4.5M; thousands, not 1024s."""
    for unit in _UNITS:
        if number < 999.5 or unit == _UNITS[-1]:
            break
        number /= 1000
    return f"{number:.0f}{unit}" if not unit or number >= 99.95 else f"{number:.1f}{unit}"


HEADINGS = ("forward", "weight", "active", "inactive", "conn/s", "pkt/s in", "pkt/s out", "B/s in", "B/s out")


def lines(seen: Status) -> list[str]:
    """The status as a table, in the manner of C(ipvsadm -L), then what differs."""
    made = [f"LVS cluster, {seen.generated}"]
    for director in seen.directors:
        made += ["", f"director {director.host.name}: {director.facts or director.host.shown_state}"]
        made += _aligned(_cells(director.services)) if director.services else ["no services"] if director.facts else []
    made.append("")
    differing = [host for host in seen.hosts if host.state != "same" or host.warnings]
    if any(host.commands for host in seen.hosts):
        made.append("differs from the inventory:")
    elif seen.state == "same":
        made.append("nothing differs from the inventory")
    else:
        made.append("nothing differs from the inventory on the hosts that could be read")
    for host in differing:
        made.append(f"  {host.name}, {host.role}" + (f": {host.shown_state}" if host.problems else ""))
        made += [f"    {line}" for line in (*host.problems, *host.commands)]
        made += [f"    warning: {line}" for line in host.warnings]
    return made


def _cells(services: Sequence[Service]) -> list[list[str]]:
    rows = [["", *HEADINGS, ""]]
    for service in services:
        name = f" ({service.name})" if service.name else ""
        counts = [str(service.active), str(service.inactive), *_shown_rates(service.rates)]
        rows.append([f"{service.address} {service.settings}{name}", "", "", *counts, ", ".join(service.notes)])
        for one in service.real_servers:
            host = f" ({one.host})" if one.host else ""
            counts = [str(one.active), str(one.inactive), *_shown_rates(one.rates)]
            rows.append([f"  -> {one.endpoint}{host}", one.forward, str(one.weight), *counts, ", ".join(one.notes)])
    return rows


def _shown_rates(rates: Mapping[str, int]) -> list[str]:
    return [short(rates.get(name, 0)) for name in RATES]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns: what is text to the left, what is a number to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if place in (0, 1, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
