# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The firewall of a host, and the section of the collection's own table that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from .._core import state
from .._core.errors import NotYetThere
from .._core.options import Facts
from .._core.reconcile import Change, Seen, Transition
from .._core.resource import Backend, Desired
from .._core.values import Address
from .._net import neighbour
from .._net.route import default_route_devices, default_route_devices6, device_towards
from .._nft.libnftables import SectionBackend
from .._nft.notrack import SECTION, Untracked
from .._nft.table import TableItem
from .firewalld import Firewalld
from .model import (
    FIREWALLD,
    NONE,
    PROGRAMS,
    SUBJECT,
    UFW,
    FirewallContext,
    FirewallItem,
    FirewallRule,
    FirewallSeen,
    Key,
    Opening,
    RuleKey,
    ServicePort,
    dump_claims,
    load_claims,
    rules_of,
)
from .running import is_gone, running
from .ufw import Ufw, drops_ipv6

_UNTRACKED = "untracked"  # in the notes: whether the section may exist


@dataclass(frozen=True)
class FirewallDesired(Desired[Key, FirewallItem]):
    """What is to be let in. Which rules that takes depends on the host: C(wanted) is empty."""

    program: str
    absent: bool
    purge: bool
    tunnels: Sequence[Opening]  # and what other directors send
    services: Sequence[ServicePort]
    sources: Sequence[Address]

    @property
    def opens(self) -> bool:
        """Whether anything may be let in."""
        return self.program != NONE and not self.absent

    def keys(self, context: FirewallContext) -> list[RuleKey]:
        """The rules that are to be there."""
        return rules_of(self.tunnels, self.services, self.sources, context) if self.opens and context.running else []

    @property
    def untracked(self) -> list[Untracked]:
        """What connection tracking must not see."""
        return [
            Untracked(service.vip, service.opening.protocol, service.opening.port)
            for service in self.services
            if service.untracked
        ]

    @property
    def openings(self) -> list[Opening]:
        """All of them."""
        return [*self.tunnels, *(opening for service in self.services for opening in service.openings)]


class FirewallBackend(Backend[FirewallDesired, Key, FirewallItem, FirewallContext]):
    """The firewall that runs, the state file, and the table."""

    def __enter__(self) -> FirewallBackend:
        self._open = ExitStack()
        self._firewall: Firewalld | Ufw | None = None
        self._table: SectionBackend[FirewallDesired] | None = None
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    def read(self, desired: FirewallDesired) -> FirewallSeen:
        """The rules of the firewall that runs, among those that are named or of this collection; and the table's section."""
        name = running()
        if desired.program in PROGRAMS and desired.program != name:
            raise NotYetThere(
                f"program: {desired.program} does not run on this host: start it, or choose auto for what runs, or none"
                " (lvs_firewall)"
            )
        self._noted = notes = state.subject(SUBJECT)
        self._claims = claims = load_claims(notes)
        context = FirewallContext(running=name, stopped=tuple(_stopped(claims, name)))
        mine = [claim for claim in claims if claim.program == name]
        openings = list(dict.fromkeys([*(desired.openings if desired.opens else ()), *(claim.opening for claim in mine)]))
        existing: Iterable[RuleKey] = ()
        if name == FIREWALLD and openings:
            self._firewall = firewalld = Firewalld()
            if desired.opens:
                context = replace(
                    context,
                    zones=firewalld.zones(),
                    towards=_towards([*desired.sources, *(tunnel.address for tunnel in desired.tunnels)]),
                    facing=_facing(service.vip for service in desired.services if not service.devices),
                )
            existing = firewalld.existing(openings, sorted({key.zone for key in (*desired.keys(context), *mine)}))
        elif name == UFW and openings:
            self._firewall = ufw = Ufw()
            existing = ufw.existing(openings)
            context = replace(context, drops_ipv6=drops_ipv6())
        items: dict[Key, FirewallItem] = {key: FirewallRule(key) for key in existing}
        if (name and desired.opens and desired.untracked) or notes.get(_UNTRACKED):
            self._table = SectionBackend(SECTION)
            self._open.enter_context(self._table)
            section = self._table.read(desired)
            items.update(section.items.items())
            context = replace(context, table=section)
        return Seen(items, context, owned=frozenset(key for key in claims if key in items))

    def apply(self, transition: Transition[Key, FirewallItem, FirewallContext]) -> None:
        """Note what is added, make the changes, and forget what is not there any more."""
        after = transition.after()
        context = transition.seen.context
        rules, others = _apart(transition.changes)
        coming = [change.item.key for change in rules if change.after is not None]
        if coming or others:
            with state.changing() as subjects:
                notes = subjects.get(SUBJECT, {})
                _note(subjects, [*load_claims(notes), *coming], bool(others) or _UNTRACKED in notes)
        if self._firewall is not None:
            self._firewall.apply(rules)
        if self._table is not None and context.table is not None:
            self._table.apply(Transition((), context.table, others))
        untracked = SECTION.chain in after.items
        if transition.changes or _notes(_left(self._claims, after), untracked) != self._noted:
            with state.changing() as subjects:
                _note(subjects, _left(load_claims(subjects.get(SUBJECT, {})), after), untracked)

    def boot_files(self) -> Mapping[str, Iterable[str]]:
        """The whole table, if it was read."""
        return {} if self._table is None else self._table.boot_files()


def _apart(changes: Iterable[Change[FirewallItem]]) -> tuple[list[Change[FirewallRule]], list[Change[TableItem]]]:
    """The changes of the firewall, and those of the table."""
    rules: list[Any] = []
    others: list[Any] = []
    for change in changes:
        (rules if isinstance(change.item, FirewallRule) else others).append(change)
    return rules, others


def _note(subjects: Facts, claims: Iterable[RuleKey], untracked: bool) -> None:
    """Note the rules of this collection, and whether the table may have the section."""
    notes = _notes(claims, untracked)
    subjects.pop(SUBJECT, None)
    if notes:
        subjects[SUBJECT] = notes


def _notes(claims: Iterable[RuleKey], untracked: bool) -> Facts:
    notes = dump_claims(dict.fromkeys(claims))
    if untracked:
        notes[_UNTRACKED] = True
    return notes


def _left(claims: Iterable[RuleKey], after: FirewallSeen) -> list[RuleKey]:
    """The rules of this collection that are there, or come back with a firewall that does not run."""
    return [claim for claim in claims if claim in after.items or claim.program in after.context.stopped]


def _stopped(claims: Iterable[RuleKey], name: str) -> list[str]:
    """The firewalls of rules that are installed and do not run."""
    return [
        program for program in dict.fromkeys(claim.program for claim in claims) if program != name and not is_gone(program)
    ]


def _towards(sources: Iterable[Address]) -> dict[Address, str]:
    """The device of the route to each source; none for those without a route."""
    return {source: device for source in sources for device in [device_towards(source)] if device}


def _facing(vips: Iterable[Address]) -> dict[Address, Sequence[str]]:
    """The devices in a VIP's network; of a VIP in none, those of the default routes."""
    devices = neighbour.devices()
    found: dict[Address, Sequence[str]] = {}
    for vip in dict.fromkeys(vips):
        facing = [device.name for device in devices if device.faces(vip)]
        found[vip] = facing or sorted(default_route_devices() if vip.version == 4 else default_route_devices6())
    return found
