# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Probes of real servers through their tunnels: which to send, and what their findings mean. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from .._core import values
from .._core.errors import InvalidValue
from .._core.options import Facts, Option, Options, argument_spec, choice, integer, text
from .._core.values import Address
from .._ipvs.found_by_rip import found_by_rip
from .._ipvs.model import Destination, DestinationKey, ServiceKey, WantedDestination
from .._ipvs.options import destination_of
from .._net import tunnel
from .options import OptionReader
from .vip_requests import TIMEOUT, ProbeFailed

_MAX_ROWS = 4096

# The answer to a probe.
OPEN, REFUSED, ECHO, SILENT = "open", "refused", "echo", "silent"  # ECHO for TCP: only where it is sent directly

TUNNEL, SERVICE = "tunnel", "service"

NAME = Option("name", str)
VIP = Option("vip", values.vip, required=True)
PORT = integer("port", 0, 65535, required=True)
PROTOCOL = choice("protocol", values.PROTOCOLS, default="tcp")
RPORT = integer("rport", 1, 65535)
DRAINED = choice("drained", ("probe", "skip"), default="probe")
# Of a destination: C(destination_of) reads these.
_DESTINATION = (
    text("rip", values.address, required=True),
    choice("forward", ("tunnel", "route", "masquerade", "local"), default="tunnel"),
    choice("tunnel_type", tunnel.TYPES),
    integer("tunnel_port", 1, 65535),
    choice("tunnel_checksum", tunnel.CHECKSUMS),
)

ARGUMENT_SPEC = {
    "through": {
        "type": "list",
        "elements": "dict",
        "options": argument_spec(NAME, VIP, PORT, PROTOCOL, RPORT, *_DESTINATION),
    },
    **argument_spec(DRAINED),
}


@dataclass(frozen=True)
class ProbeTarget:
    """A real server of a virtual service."""

    name: str
    vip: Address
    rport: int  # that its program listens on
    destination: Destination

    @property
    def rip(self) -> Address:
        """The real server's own address."""
        return self.destination.key.rip

    @property
    def port(self) -> int:
        """The port of the service."""
        return self.destination.key.service.port

    @property
    def forward(self) -> str:
        """The forwarding method."""
        return self.destination.forward

    @property
    def uses_tcp(self) -> bool:
        """Whether the probe is a SYN; otherwise it is an echo request."""
        return self.destination.key.service.protocol == "tcp" and self.port != 0

    @property
    def is_mapped(self) -> bool:
        """Whether the real server maps the service's port to another."""
        return self.forward != "masquerade" and self.rport != self.port

    def facts(self) -> Facts:
        """The target as the module returns it."""
        return {"name": self.name, "rip": str(self.rip), "vip": str(self.vip), "port": self.port}


@dataclass(frozen=True)
class ProbeRequest:
    """Which real servers to probe."""

    targets: tuple[ProbeTarget, ...]
    timeout: float  # seconds, for all together
    skip_drained: bool

    def split(
        self, table: Mapping[DestinationKey, Destination], own: Collection[Address] = ()
    ) -> tuple[list[ProbeTarget], list[ProbeTarget]]:
        """The targets to probe and those to skip, on a director with this table.

        :param own: RIPs that are addresses of the director itself
        """
        probed: list[ProbeTarget] = []
        skipped: list[ProbeTarget] = []
        asked = [
            WantedDestination(target.destination.key, target.destination, {"forward": target.forward}, port_given=False)
            for target in self.targets
        ]
        for target, found in zip(self.targets, found_by_rip(asked, table, masqueraded=False)):
            destination = table.get(found.key)
            is_drained = destination is None or destination.weight == 0
            skip = target.forward == "local" or target.rip in own or (self.skip_drained and is_drained)
            (skipped if skip else probed).append(target)
        return probed, skipped


@dataclass
class ProbeFinding:
    """What was found of a real server."""

    answer: str = SILENT
    seconds: float | None = None  # until the answer
    problem: str = ""  # why no probe could be sent
    source: Address | None = None  # the address of this host that probes are sent from
    rejected: str = ""  # what a firewall rejected: TUNNEL or SERVICE
    rejected_by: Address | None = None
    direct_answer: str = SILENT  # to a probe of the RIP without the tunnel, which is sent if there is none through it


def parse(options: Options) -> ProbeRequest:
    """Read the options.

    :raises Invalid: all that is wrong with them
    """
    reader = OptionReader(options)
    faults = reader.faults
    for name in ("vip", "port"):
        if options[name] is not None:
            faults.add(InvalidValue(name, options[name], "stands beside through: give it within one of its rows"))
    if options["services"] is not None:
        faults.add(
            InvalidValue("services", f"{len(options['services'])} rows", "stand beside through: leave one of them out")
        )
    rows = options["through"]
    if len(rows) > _MAX_ROWS:
        reason = f"are more than {_MAX_ROWS}: probe some of them first, and then the others"
        faults.add(InvalidValue("through", f"{len(rows)} rows", reason))
    targets = [
        faults.read(_target, row, where=f"through[{index}] ({row['name'] or row['rip']})") for index, row in enumerate(rows)
    ]
    timeout, drained = reader.read(TIMEOUT), reader.read(DRAINED)
    faults.raise_all()
    return ProbeRequest(tuple(target.value for target in targets), timeout.value, drained.value == "skip")


def _target(row: Options) -> ProbeTarget:
    reader = OptionReader(row)
    name, rport = reader.read_optional(NAME), reader.read_optional(RPORT)
    vip, port, protocol = reader.read(VIP), reader.read(PORT), reader.read(PROTOCOL)
    reader.faults.raise_all()
    service = ServiceKey(vip.value.version, protocol.value, vip.value, port.value)
    destination = _destination(service, row)
    destination.check()
    return ProbeTarget(
        name.value or str(destination.key.rip),
        vip.value,
        service.port if rport.value is None else rport.value,
        destination,
    )


def _destination(service: ServiceKey, row: Options) -> Destination:
    """The destination of a row. Only with masquerade does IPVS itself rewrite the port."""
    options = row if row["forward"] == "masquerade" else {**row, "rport": None}
    return cast("Destination", destination_of(service, options).new)  # a row has no state, so that its destination exists


def to_result(findings: Iterable[tuple[ProbeTarget, ProbeFinding]], skipped: Sequence[ProbeTarget]) -> Facts:
    """The return values.

    :raises ProbeFailed: with the return values, if a real server is not ready for clients
    """
    rows, messages = [], []
    for target, finding in findings:
        problem = _problem(target, finding)
        seconds = None if finding.seconds is None else round(finding.seconds, 6)
        rows.append({**target.facts(), "answered": not problem, "seconds": seconds, "problem": problem})
        if problem:
            messages.append(f"{target.name} ({target.rip}) for {values.endpoint(target.vip, target.port)}: {problem}")
    facts = {"real_servers": rows, "left_out": [target.facts() for target in skipped]}
    if messages:
        summary = f"{len(messages)} of {len(rows)} probes of real servers were not answered:"
        raise ProbeFailed("\n".join([summary, *messages]), facts)
    return facts


def describe_forwarding(target: ProbeTarget) -> str:
    """The forwarding method in words."""
    if target.forward == "tunnel":
        return f"the {target.destination.tunnel_type.upper()} tunnel"
    return "direct routing" if target.forward == "route" else "masquerade"


def _problem(target: ProbeTarget, finding: ProbeFinding) -> str:
    """What is wrong, and the way out; empty if nothing is."""
    if finding.problem:
        return finding.problem
    if finding.answer == (OPEN if target.uses_tcp else ECHO):
        return ""
    if finding.rejected:
        return _rejection(target, finding)
    endpoint = values.endpoint(target.rip, target.rport)
    start = f"start its program, or correct the port ({target.rport})"
    if target.forward == "masquerade":
        if finding.answer == REFUSED:
            return f"nothing listens on {endpoint}: {start}"
        probe = f"no connection to {endpoint}" if target.uses_tcp else "no echo request"
        return f"{probe} got an answer: see that it is up and that its firewall lets {finding.source} in"
    if finding.answer == REFUSED:
        mapping = f", and see that port {target.port} is mapped to {target.rport} there" if target.is_mapped else ""
        return (
            f"the VIP is there, behind {describe_forwarding(target)}, but nothing listens on"
            f" {values.endpoint(target.vip, target.port)}: {start}, let it listen on every address{mapping}"
        )
    return _silence(target, finding, endpoint, start) + _filter_hint(target)


def _rejection(target: ProbeTarget, finding: ProbeFinding) -> str:
    """What a firewall said: of firewalld, that a host is not reached or that a packet is prohibited."""
    whose = "its firewall" if finding.rejected_by in (target.rip, target.vip) else f"the firewall of {finding.rejected_by}"
    what = describe_forwarding(target)
    if finding.rejected == SERVICE:
        protocol = target.destination.key.service.protocol
        port = f"{protocol} port {target.rport}" if target.uses_tcp else "echo requests"
        what = f"{port} of {target.vip}"
    way_out = f"let that in from {finding.source}" if finding.rejected == TUNNEL else "let that in"
    return f"{whose} rejects {what}: {way_out} (lvs_firewall: auto opens firewalld and ufw)"


def _silence(target: ProbeTarget, finding: ProbeFinding, endpoint: str, start: str) -> str:
    forwarding = describe_forwarding(target)
    device = "that the tunnel's device is up, " if target.forward == "tunnel" else ""
    guard = f", that its guard lets {finding.source} in" if target.forward == "tunnel" else ""
    firewall = ", that its firewall lets that in (lvs_firewall)"
    see = f"see there {device}that it holds {target.vip}{guard}{firewall}, and that rp_filter is 0 or 2 where packets come in"
    if finding.direct_answer == OPEN:
        return f"answers directly on {endpoint}, but not through {forwarding}: {see}"
    if finding.direct_answer == REFUSED:
        return f"does not answer through {forwarding}, and directly nothing listens on {endpoint}: {start}, and {see}"
    if finding.direct_answer == ECHO:
        return f"answers echo requests directly, but not through {forwarding}: {see}"
    return f"answers neither through {forwarding} nor directly: see that it is up, and that {target.rip} is its address"


def _filter_hint(target: ProbeTarget) -> str:
    """A likely cause of silence: the mapping precedes the firewall, which sees the real server's own port."""
    if not target.is_mapped or not target.uses_tcp:
        return ""
    return (
        f"; port {target.rport}, to which port {target.port} is mapped, may be filtered on the real server: its firewall must"
        f" let {target.destination.key.service.protocol} port {target.rport} in"
    )
