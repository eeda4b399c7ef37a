# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Virtual services whose IPVS table keepalived owns, and their blocks in keepalived.conf. Pure.

Checks travel as the packets of clients do: to the VIP, with a firewall mark, whose service sends them to this one real server
by its forwarding method. What masquerade rewrites, and what has no VIP, is checked at the real server's own address.

Sources: keepalived.conf(5), keepalived/check/check_parser.c and check_data.c of keepalived 2.2.7.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import (
    ABSENT,
    Facts,
    Faults,
    Option,
    Options,
    Read,
    boolean,
    check_fields,
    choice,
    integer,
    required,
    text,
)
from .._core.values import Address
from .._ipvs.held_back import HeldBack
from .._ipvs.keepalived_table import Owned, OwnedDestination, check_weight, owned, weight_file, weight_file_name
from .._ipvs.model import FORWARDS, HASH_SCHEDULERS, Destination, DestinationKey, Service, ServiceKey
from .._ipvs.options import DESTINATION, SCHEDULERS, SERVICE, SERVICE_KEY, destination_of, service_of
from . import quorum
from .checker import Aim, Check, check_protocol, read_check

# Of the marks that keepalived gives to its own connections; the rest is a hash of where each mark leads to.
FIRST_MARK, MARKS = 0x50000000, 0x10000000
# Each connection of a check keeps its port for a minute after it ended (TIME_WAIT), and keepalived binds them to an address.
# Where none of them is free, keepalived does not check, and takes the real server for what it was before.
PORTS, PORT_BUSY = 28232, 60  # ports of net.ipv4.ip_local_port_range; seconds

_METHODS = {"tunnel": "TUN", "route": "DR", "masquerade": "NAT", "local": "DR"}
_CHECKSUMS = {"none": "", "checksum": " csum", "remote_checksum": " remcsum"}
_INDENT = "    "
_BLOCK = re.compile(r"^((\S[^\n]*) \{\n.*?^\}\n)", re.MULTILINE | re.DOTALL)
_TRACKED = re.compile(r"^ +track_file (\S+)$", re.MULTILINE)
_KIND = re.compile(r"^ {4}((?:protocol|ip_family) \S+)$", re.MULTILINE)
_MARK = re.compile(r"^ +fwmark (\d+)$", re.MULTILINE)

SORRY_SERVER: tuple[Option[Any], ...] = (
    text("address", values.address, required=True),
    integer("port", 1, 65535),
    choice("forward", tuple(FORWARDS)),
)
QUORUM = integer("quorum", 1, 0x7FFFFFFF)
INHIBIT = boolean("inhibit_on_failure")
ALPHA = boolean("alpha")
CHECK: Option[Check] = Option("check", read_check, type="raw")
# What a service with keepalived has beside what every service has.
OF_KEEPALIVED: tuple[Option[Any], ...] = (QUORUM, INHIBIT, ALPHA)
_DESTINATION_FIELDS = (*(option.name for option in DESTINATION), "check", "state")
_SERVICE_FIELDS = (
    *(option.name for option in (*SERVICE_KEY, *SERVICE, *OF_KEEPALIVED)),
    "sorry_server",
    "destinations",
    "state",
)


@dataclass(frozen=True)
class SorryServer:
    """What takes the connections of a service whose real servers are all out, or fewer than its quorum."""

    address: Address
    port: int | None = None  # None: that of the service
    forward: str = "route"

    def facts(self) -> Facts:
        """The options, as they can be read again."""
        return {"address": str(self.address), "port": self.port, "forward": self.forward}


@dataclass(frozen=True)
class CheckedServer:
    """A real server of a service, and how it is checked."""

    destination: Destination
    check: Check | None = None  # None: not at all

    @property
    def checked_through(self) -> bool:
        """Whether its check goes the way of clients' packets: not where packets are rewritten, nor without a VIP."""
        return self.destination.forward in ("tunnel", "route") and self.destination.key.service.vip is not None

    @property
    def check_port(self) -> int:
        """The port that the check connects to."""
        if self.check is not None and self.check.port:
            return self.check.port
        key = self.destination.key
        return key.service.port if self.checked_through else key.port


class _Path(NamedTuple):
    """Where the service of a mark sends packets."""

    family: int  # of the VIP
    rip: Address
    method: str  # as keepalived writes it


@dataclass(frozen=True)
class VirtualServer:
    """A service with its real servers."""

    service: Service
    real_servers: tuple[CheckedServer, ...] = ()
    sorry_server: SorryServer | None = None
    quorum: int | None = None  # the sum of weights with which the service is up; None: 1
    inhibit_on_failure: bool = False
    alpha: bool = False
    track_quorum: bool = False  # whether it lowers the director's priority when it is not up

    @property
    def key(self) -> ServiceKey:
        """What identifies it."""
        return self.service.key

    @property
    def tells_quorum(self) -> bool:
        """Whether the director is told when the quorum is lost: without a check, it never is."""
        checks = (real_server.check for real_server in self.real_servers)
        return self.track_quorum and any(check is not None and check.runs for check in checks)

    def check(self) -> None:
        """Refuse what keepalived cannot do, and what it would change by itself.

        :raises Invalid: all that is wrong
        """
        faults = Faults()
        faults.collect(self.service.check)
        faults.collect(values.choice, "scheduler", self.service.scheduler, SCHEDULERS)
        for real_server in self.real_servers:
            faults.collect(self._check_real_server, real_server, where=f"real server {real_server.destination.key.rip}")
        weights = sum(real_server.destination.weight for real_server in self.real_servers)
        if not weights:
            reason = "of all real servers together is not enough: keepalived needs one with more. Drain a real server instead"
            faults.add(InvalidValue("weight", 0, reason))
        elif self.quorum is not None and self.quorum > weights:
            reason = f"is more than the {weights} that all real servers weigh: the service would never be up"
            faults.add(InvalidValue("quorum", self.quorum, reason))
        faults.collect(self._check_sorry_server)
        faults.raise_all()

    def _check_real_server(self, real_server: CheckedServer) -> None:
        faults = Faults()
        destination, check = real_server.destination, real_server.check
        faults.collect(destination.check)
        faults.collect(check_weight, destination.weight)
        if check is not None and check.runs:
            faults.collect(check_protocol, check, self.key.protocol)
            if check.connects and not real_server.check_port:
                reason = f"{self.key} has no single port: name the one that is to be checked"
                faults.add(MissingValue("check, port", reason))
        faults.raise_all()

    def _check_sorry_server(self) -> None:
        sorry = self.sorry_server
        if sorry is None:
            return
        if any(real_server.destination.key.rip == sorry.address for real_server in self.real_servers):
            reason = "is a real server of this service: it would have to answer when all of them do not"
            raise InvalidValue("sorry_server, address", sorry.address, reason)
        if sorry.address == self.key.vip and sorry.forward != "local":
            reason = "is the VIP itself: packets would come back to the director"
            raise InvalidValue("sorry_server, address", sorry.address, reason)
        if sorry.address.version != self.key.family and sorry.forward != "tunnel":
            reason = f"is no IPv{self.key.family} address, as the VIP is: only a tunnel goes from one family to the other"
            raise InvalidValue("sorry_server, address", sorry.address, reason)
        if sorry.port not in (None, self.key.port) and sorry.forward != "masquerade":
            reason = f"differs from the service's port, which {sorry.forward} does not rewrite: leave it out"
            raise InvalidValue("sorry_server, port", sorry.port, reason)


def read_virtual_servers(given: Iterable[object]) -> list[VirtualServer]:
    """The option C(services). Services and destinations with C(state=absent) are left out, as the file has what is there.

    :raises Invalid: all that is wrong
    """
    faults = Faults()
    found: list[VirtualServer] = []
    for number, row in enumerate(given):
        server = faults.collect(_virtual_server, row, where=f"services[{number}]")
        if server is not None:
            if any(server.key == other.key for other in found):
                faults.add(InvalidValue("services", server.key, "is listed twice"))
            found.append(server)
    faults.raise_all()
    return found


def _virtual_server(row: Any) -> VirtualServer | None:
    faults = Faults()
    faults.collect(check_fields, row, _SERVICE_FIELDS)
    faults.raise_all()
    wanted = faults.read(service_of, row)
    faults.raise_all()
    if row.get("state") == ABSENT or wanted.value.new is None:
        return None
    key = wanted.value.key
    real_servers = [
        faults.collect(_real_server, key, destination, where=f"destinations[{number}]")
        for number, destination in enumerate(row.get("destinations") or ())
    ]
    sorry = faults.read(read_sorry_server, row.get("sorry_server"))
    own = read_own_options(row, faults)
    faults.raise_all()
    server = VirtualServer(
        wanted.value.new,
        tuple(real_server for real_server in real_servers if real_server is not None),
        sorry.value,
        **own,
    )
    server.check()
    return server


def _real_server(service: ServiceKey, row: Any) -> CheckedServer | None:
    check_fields(row, _DESTINATION_FIELDS)
    faults = Faults()
    destination = faults.read(destination_of, service, {name: row[name] for name in row if name != "check"})
    check = faults.read(lambda: None if row.get("check") is None else read_check(row["check"]), where="check")
    faults.raise_all()
    return None if destination.value.new is None else CheckedServer(destination.value.new, check.value)


def read_own_options(row: Options, faults: Faults) -> Facts:
    """What a row has of C(OF_KEEPALIVED), where it is right; faults are added."""
    given = [option for option in OF_KEEPALIVED if row.get(option.name) is not None]
    found = {option.name: faults.collect(option.read, row[option.name]) for option in given}
    return {name: value for name, value in found.items() if value is not None}


def read_sorry_server(given: object) -> SorryServer | None:
    """The option C(sorry_server).

    :raises Invalid: all that is wrong with it
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise InvalidValue("sorry_server", repr(given), "is not a dictionary: write its address, and what else it needs")
    faults = Faults()
    row = {name: value for name, value in given.items() if value is not None}
    faults.collect(check_fields, row, [option.name for option in SORRY_SERVER], where="sorry_server")
    faults.collect(required, row, "address", "name the sorry server's address", where="sorry_server")
    found: dict[str, Read[Any]] = {
        option.name: faults.read(option.read, row[option.name], where="sorry_server")
        for option in SORRY_SERVER
        if option.name in row
    }
    faults.raise_all()
    return SorryServer(**{name: read.value for name, read in found.items()})


def checks_a_second(servers: Iterable[VirtualServer]) -> float:
    """The connections for checks that this director begins in a second, at most."""
    checks = (real_server.check for server in servers for real_server in server.real_servers)
    return sum(1 / check.delay_loop for check in checks if check is not None and check.connects)


def check_number(servers: Iterable[VirtualServer]) -> None:
    """Refuse more checks than there are ports for.

    :raises InvalidValue: there are more
    """
    rate, possible = checks_a_second(servers), PORTS // PORT_BUSY
    if rate > possible:
        raise InvalidValue(
            "delay_loop",
            f"{rate:.0f} checks a second",
            f"are more than the {possible} for which a director has ports, and keepalived would not see what fails: make it"
            " longer, or check fewer real servers",
        )


def needs_accept_local(servers: Iterable[VirtualServer]) -> bool:
    """Whether checks are answered from addresses that the active director holds itself. IPv6 knows no such rule."""
    return any(
        real_server.checked_through and real_server.check.connects and server.key.family == 4
        for server in servers
        for real_server in server.real_servers
        if real_server.check is not None
    )


def runs_programs(servers: Iterable[VirtualServer]) -> bool:
    """Whether checks are programs of the user's, or quorums are told by one."""
    return any(
        server.tells_quorum
        or any(real_server.check is not None and real_server.check.type == "misc" for real_server in server.real_servers)
        for server in servers
    )


def global_lines(servers: Iterable[VirtualServer]) -> list[str]:
    """What the block C(global_defs) needs for them."""
    return ["script_user root", "enable_script_security"] if runs_programs(servers) else []


def render(servers: Sequence[VirtualServer], sources: Collection[Address]) -> str:
    """The blocks of all services.

    :param sources: the director's own addresses, at most one of each family, from which checks come
    :raises InvalidValue: there is none of a family that is needed
    """
    marks = _marks(servers)
    blocks = [_mark_block(path, mark) for path, mark in sorted(marks.items(), key=lambda item: item[1])]
    by_family: dict[int, Address] = {source.version: source for source in sources}
    for server in servers:
        blocks += [_weight_block(real_server.destination.key) for real_server in server.real_servers]
        blocks.append(_server_block(server, marks, by_family))
    return "\n".join(blocks)


def with_former_weights(servers: Iterable[VirtualServer], former: Owned) -> tuple[VirtualServer, ...]:
    """The services, with the weights that destinations have by the configuration that is there.

    :raises Invalid: a service that cannot be with them
    """
    faults = Faults()
    found = []
    for server in servers:
        entries = former.get(server.key, {})
        kept = replace(server, real_servers=tuple(_with_former_weight(one, entries) for one in server.real_servers))
        if kept != server:
            faults.collect(kept.check, where=f"keep_weights, {server.key}")
        found.append(kept)
    faults.raise_all()
    return tuple(found)


def _with_former_weight(real_server: CheckedServer, entries: Mapping[DestinationKey, OwnedDestination]) -> CheckedServer:
    destination = real_server.destination
    entry = entries.get(destination.key)
    if entry is None:
        return real_server
    return replace(real_server, destination=replace(destination, weight=entry.weight))


class Rendered(NamedTuple):
    """The blocks of services, and what of them is left as it is."""

    text: str
    held_back: tuple[HeldBack, ...] = ()


def render_prepared(
    servers: Sequence[VirtualServer], sources: Collection[Address], unprepared: Collection[Address], former: str
) -> Rendered:
    """The blocks of all services, where a service is as before if packets would go in a new way to what is not prepared.

    :param unprepared: the RIPs of such real servers
    :param former: the blocks that there are
    """
    before = {(key, entry.method) for destinations in owned(former).values() for key, entry in destinations.items()}
    held: dict[ServiceKey, list[Address]] = {}
    for server in servers:
        for real_server in server.real_servers:
            key = real_server.destination.key
            is_new = (key, _method(real_server.destination)) not in before
            if is_new and key.rip in unprepared and real_server.destination.forward in ("tunnel", "route"):
                held.setdefault(server.key, []).append(key.rip)
    blocks = _blocks_of(render([server for server in servers if server.key not in held], sources))
    former_blocks = _blocks_of(former)
    held_back = []
    for service, rips in held.items():
        own = former_blocks.get(_block_name(service))
        held_back.append(HeldBack(service, rips, own is not None))
        if own is not None:
            needed = [f"track_file {name}" for name in _TRACKED.findall(own)]
            of_marks = [name for name in former_blocks if name.split()[:3] in _marks_in(own)]
            blocks = {**{name: former_blocks[name] for name in (*needed, *of_marks)}, **blocks, _block_name(service): own}
    return Rendered("\n".join(blocks.values()), tuple(held_back))


def _marks_in(block: str) -> list[list[str]]:
    return [["virtual_server", "fwmark", mark] for mark in _MARK.findall(block)]


def _blocks_of(text: str) -> dict[str, str]:
    """The blocks of a part of a file that this collection made, by their names."""
    return {" ".join([name, *_KIND.findall(block)[:1]]): block for block, name in _BLOCK.findall(text)}


def _block_name(key: ServiceKey) -> str:
    return f"{_server_name(key)} {_kind(key)}"


def _kind(key: ServiceKey) -> str:
    """What tells two services with the same first line apart: their protocol, and of a firewall mark the family."""
    return _family(key.family) if key.vip is None else f"protocol {(key.protocol or 'tcp').upper()}"


def _marks(servers: Iterable[VirtualServer]) -> dict[_Path, int]:
    """A mark for each way of packets: the same one in each configuration, so that checks go on when another way is added."""
    paths = {_path(real_server) for server in servers for real_server in server.real_servers if _has_mark(real_server)}
    taken = {server.key.fwmark for server in servers}
    found: dict[_Path, int] = {}
    for path in sorted(paths, key=str):
        number = zlib.crc32(str(path).encode())
        while (mark := FIRST_MARK + number % MARKS) in taken:
            number += 1
        found[path] = mark
        taken.add(mark)
    return found


def _has_mark(real_server: CheckedServer) -> bool:
    check = real_server.check
    # A program of the user's may want to connect in the same way.
    return real_server.checked_through and check is not None and check.runs


def _path(real_server: CheckedServer) -> _Path:
    key = real_server.destination.key
    return _Path(key.service.family, key.rip, _method(real_server.destination))


def _method(destination: Destination) -> str:
    method = _METHODS[destination.forward]
    if destination.forward != "tunnel" or destination.tunnel_type == "ipip":
        return method
    port = f" port {destination.tunnel_port}" if destination.tunnel_port else ""
    return f"{method} type {destination.tunnel_type}{port}{_CHECKSUMS[destination.tunnel_checksum]}"


def _mark_block(path: _Path, mark: int) -> str:
    return _block(
        f"virtual_server fwmark {mark}",
        [
            _family(path.family),
            "lb_algo rr",
            "ops",  # of UDP, nothing is remembered that a later check from the same port would follow
            *_lines(f"real_server {path.rip} 0", ["weight 1", f"lvs_method {path.method}"]),
        ],
    )


def _family(family: int) -> str:
    return f"ip_family {'inet6' if family == 6 else 'inet'}"


def _weight_block(key: DestinationKey) -> str:
    return _block(f"track_file {weight_file_name(key)}", [f'file "{weight_file(key)}"', "weight 1"])


def _server_block(server: VirtualServer, marks: Mapping[_Path, int], sources: Mapping[int, Address]) -> str:
    service, key = server.service, server.key
    lines = [_kind(key), f"lb_algo {service.scheduler}"]
    hashes = service.scheduler in HASH_SCHEDULERS
    lines += [f"{service.scheduler}-{name}" if hashes and name != "flag-3" else name for name in service.flag_names()]
    if service.one_packet:
        lines.append("ops")
    if service.persistence_timeout:
        lines.append(f"persistence_timeout {service.persistence_timeout}")
        lines += [f"persistence_granularity {service.persistence_netmask}"] if service.persistence_netmask else []
        lines += [f"persistence_engine {service.persistence_engine}"] if service.persistence_engine else []
    lines += ["alpha"] if server.alpha else []
    lines += ["inhibit_on_failure"] if server.inhibit_on_failure else []
    lines += [f"quorum {server.quorum}"] if server.quorum is not None else []
    lines += quorum.commands(key) if server.tells_quorum else []
    if server.sorry_server is not None:
        sorry = server.sorry_server
        lines.append(f"sorry_server {sorry.address} {sorry.port or key.port}")
        lines.append(f"sorry_server_lvs_method {_METHODS[sorry.forward]}")
    for real_server in server.real_servers:
        lines += _real_server_lines(real_server, marks, sources)
    return _block(_server_name(key), lines)


def _server_name(key: ServiceKey) -> str:
    """The first line of a service; several may have the same."""
    return "virtual_server " + (f"fwmark {key.fwmark}" if key.vip is None else f"{key.vip} {key.port}")


def _real_server_lines(
    real_server: CheckedServer, marks: Mapping[_Path, int], sources: Mapping[int, Address]
) -> Iterator[str]:
    destination, check = real_server.destination, real_server.check
    lines = [f"weight {destination.weight}", f"lvs_method {_method(destination)}"]
    lines += [f"uthreshold {destination.upper_threshold}"] if destination.upper_threshold else []
    lines += [f"lthreshold {destination.lower_threshold}"] if destination.lower_threshold else []
    if check is not None and check.runs:
        lines += check.lines(_aim(real_server, check, marks, sources))
    lines += _lines("FILE_CHECK", [f"track_file {weight_file_name(destination.key)}", "weight 1"])
    yield from _lines(f"real_server {destination.key.rip} {destination.key.port}", lines)


def _aim(real_server: CheckedServer, check: Check, marks: Mapping[_Path, int], sources: Mapping[int, Address]) -> Aim:
    key = real_server.destination.key
    vip, rip, port = key.service.vip, key.rip, real_server.check_port
    if not real_server.checked_through or vip is None:
        return Aim(rip, port, vip=vip, rip=rip)
    source = sources.get(vip.version)
    if source is None and check.connects:
        raise InvalidValue(
            "sources",
            f"IPv{vip.version}",
            f"is missing: checks of {key.service} need an IPv{vip.version} address of this director that they come from",
        )
    return Aim(vip, port, source, marks[_path(real_server)], vip, rip)


def _block(name: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in _indented(_lines(name, lines)))


def _lines(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} {{", *lines, "}"]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    """Each line behind the blanks of the blocks that it is in."""
    depth = 0
    for line in lines:
        depth -= line == "}"
        yield f"{_INDENT * depth}{line}"
        depth += line.endswith(" {")
