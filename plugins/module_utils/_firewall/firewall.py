# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module firewall: what the cluster needs is let in by the firewall that runs on the host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .._core import values
from .._core.errors import InvalidValue, LvsError
from .._core.options import (
    ABSENT,
    PURGE,
    STATE,
    Facts,
    Faults,
    Option,
    Options,
    Unique,
    argument_spec,
    boolean,
    choice,
    integer,
    required,
    rows,
)
from .._core.reconcile import Seen, Transition, Wanted
from .._core.resource import Resource
from .._core.values import Address
from .._net import tunnel
from .._nft.notrack import SECTION, Untracked, errors_of, is_service
from .._nft.table import Element, ElementKey
from .host import FirewallBackend, FirewallDesired
from .model import (
    AUTO,
    NONE,
    PROGRAMS,
    FirewallContext,
    FirewallItem,
    FirewallRule,
    FirewallSeen,
    Key,
    Opening,
    RuleKey,
    ServicePort,
)


def _read_devices(names: Any) -> tuple[str, ...]:
    return tuple(values.device("devices", name) for name in names)


PROGRAM = choice("program", (AUTO, *PROGRAMS, NONE), default=AUTO)
_VIP = Option("vip", values.network_vip, required=True)
_PORT = integer("port", 0, 65535, required=True)
_PROTOCOL = choice("protocol", values.PROTOCOLS, default="tcp")
_DEVICES = Option("devices", _read_devices, type="list", elements="str")
_UNTRACKED = boolean("untracked")
ROW = (_VIP, _PORT, _PROTOCOL, _DEVICES, _UNTRACKED)
_FIELDS = [option.name for option in ROW]
# Ansible does not look into the rows: parse names every fault with its row.
ARGUMENT_SPEC = {
    **argument_spec(PROGRAM, STATE, PURGE),
    "sources": {"type": "list", "elements": "str", "default": []},
    "protocols": {"type": "list", "elements": "int", "choices": list(tunnel.PROTOCOLS), "default": []},
    "gue_ports": {"type": "list", "elements": "int", "default": []},
    "directors": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "dict", "default": []},
}


class Firewall(Resource[FirewallDesired, Key, FirewallItem, FirewallContext, FirewallBackend]):
    """The firewall of a host."""

    def parse(self, options: Options) -> FirewallDesired:
        """Read the options."""
        faults = Faults()
        program = faults.read(PROGRAM.read, options["program"])
        absent = STATE.read(options["state"]) == ABSENT
        purge = faults.read(_read_purge, options, absent)
        sources = faults.read(_read_addresses, "sources", options)
        directors = faults.read(_read_addresses, "directors", options)
        protocols = faults.read(_read_protocols, options)
        ports = faults.read(_read_gue_ports, options)
        services = _read_services(options, faults)
        faults.raise_all()
        tunnels = [Opening(protocol, source) for source in sources.value for protocol in protocols.value]
        tunnels += [Opening("udp", source, port=port) for source in sources.value for port in ports.value]
        for director in directors.value:
            tunnels += [Opening(str(values.VRRP), director), Opening("udp", director, port=values.SYNC_PORT)]
        return FirewallDesired([], program.value, absent, purge.value, tunnels, services, sources.value)

    def open(self, desired: FirewallDesired) -> FirewallBackend:
        """The firewall that runs."""
        return FirewallBackend()

    def plan(self, desired: FirewallDesired, seen: FirewallSeen) -> Sequence[Wanted[Key, FirewallItem]]:
        """The rules that let in what is named, and without those of this collection that nothing needs any more."""
        keys = desired.keys(seen.context)
        if seen.context.drops_ipv6:
            _check_no_ipv6(keys)
        wanted: list[Wanted[Key, FirewallItem]] = [Wanted(key, FirewallRule(key), {}) for key in keys]
        owned = sorted((key for key in seen.owned if isinstance(key, RuleKey) and key not in keys), key=str)
        # What is still let in is let in elsewhere: a device is in another zone than before.
        moved = {key.opening for key in keys}
        wanted += [Wanted.absent(key) for key in owned if key.opening in moved or self._removes(desired, key.opening)]
        return [*wanted, *self._plan_table(desired, seen)]

    def _removes(self, desired: FirewallDesired, opening: Opening) -> bool:
        """Whether a rule goes that this collection added and that is not wanted."""
        if desired.absent and desired.openings:
            return opening in desired.openings
        return desired.absent or desired.purge or desired.program == NONE

    def _plan_table(self, desired: FirewallDesired, seen: FirewallSeen) -> Sequence[Wanted[Key, FirewallItem]]:
        """The section of the table."""
        context, table = seen.context, seen.context.table
        if table is None:
            return ()
        opens = bool(context.running) and desired.opens
        wanted = [untracked.key for untracked in desired.untracked] if opens else []
        left_as_they_are = {_element(service) for service in desired.services if opens and service.untracked is None}
        named = {_element(service) for service in desired.services} - {*wanted, *left_as_they_are}
        everything = desired.purge or desired.program == NONE or (desired.absent and not desired.openings)
        existing = [key for key in table.items if isinstance(key, ElementKey) and is_service(key)]
        left = [key for key in existing if key in left_as_they_are or not (everything or key in named)]
        elements = [*dict.fromkeys([*left, *wanted])]
        elements += errors_of(elements)
        return SECTION.plan([Element(key).wanted() for key in elements], table, lambda _key: True)  # type: ignore[return-value]

    def outcome(self, desired: FirewallDesired, transition: Transition[Key, FirewallItem, FirewallContext]) -> Facts:
        """The firewall that runs, and what is open in it for the cluster."""
        seen = transition.after()
        context = seen.context
        added = [change.item.key for change in transition.changes if change.before is None]
        ours = [key for key in dict.fromkeys([*sorted(seen.owned, key=str), *added]) if key in seen.items]
        warnings = [
            f"{program} does not run: what this collection opened in it stays in its configuration. Start it, and run this"
            " again"
            for program in context.stopped
            if not desired.openings
        ]
        return {
            "program": context.running,
            "rules": [FirewallRule(key).identity() for key in ours if isinstance(key, RuleKey)],
            "untracked": [" . ".join(key.match) for key in seen.items if isinstance(key, ElementKey) and is_service(key)],
            **({"warnings": warnings} if warnings else {}),
        }

    def empty_host(self) -> FirewallSeen:
        """No firewall."""
        return Seen({}, FirewallContext())


def _check_no_ipv6(keys: Iterable[RuleKey]) -> None:
    addresses = sorted({str(key.opening.address) for key in keys if key.opening.family == 6})
    if addresses:
        raise LvsError(
            f"ufw drops all IPv6 on this host, and packets from or to {', '.join(addresses)} must be let in: set IPV6=yes in"
            " /etc/default/ufw and run 'ufw reload', or set program (lvs_firewall) to none"
        )


def _element(service: ServicePort) -> ElementKey:
    return Untracked(service.vip, service.opening.protocol, service.opening.port).key


def _read_purge(options: Options, absent: bool) -> bool:
    purge = PURGE.read(options["purge"])
    if purge and absent:
        raise InvalidValue("purge", "true", "cannot go with state=absent: leave it out, and name what is to be closed")
    return purge


def _read_addresses(name: str, options: Options) -> list[Address]:
    return [values.address(name, address) for address in options.get(name) or ()]


def _read_protocols(options: Options) -> list[str]:
    return [str(tunnel.read_protocol("protocols", number)) for number in options["protocols"] or ()]


def _read_gue_ports(options: Options) -> list[int]:
    return [values.port("gue_ports", port) for port in options["gue_ports"] or ()]


def _read_services(options: Options, faults: Faults) -> list[ServicePort]:
    unique = Unique(faults)
    services = []
    for place, service in rows("services", options["services"] or (), _FIELDS, _read_service, faults):
        unique.add(service.opening, place, shown=_endpoint)
        services.append(service)
    return services


def _endpoint(opening: Opening) -> str:
    return f"{opening.protocol} {values.endpoint(opening.address, opening.port)}"


def _read_service(row: Options) -> ServicePort:
    faults = Faults()
    vip = faults.read(lambda: _VIP.read(required(row, "vip", "name the address that clients use")))
    port = faults.read(lambda: _PORT.read(required(row, "port", "name the port that packets come with, or 0 for every port")))
    protocol = faults.read(_PROTOCOL.read, row.get("protocol") or _PROTOCOL.default)
    devices = faults.read(_DEVICES.read, row.get("devices") or ())
    untracked = faults.read(lambda: None if row.get("untracked") is None else _UNTRACKED.read(row["untracked"]))
    faults.raise_all()
    opening = Opening(protocol.value, destination=vip.value, port=port.value)
    return ServicePort(opening, devices.value, untracked.value)
