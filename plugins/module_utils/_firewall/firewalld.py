# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""firewalld, through its own library: what is in force, and what it starts with.

Source: firewalld.dbus(5).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from .._core.errors import LvsError
from .._core.reconcile import Change
from .._core.requirements import missing_library
from .model import FIREWALLD, FirewallRule, Opening, RuleKey, Zones

_WAY_OUT = "see systemctl status firewalld, or set lvs_firewall to none"


class Firewalld:
    """The firewalld that runs.

    :raises MissingLibrary: its library is not there for this Python
    """

    def __init__(self) -> None:
        try:
            from dbus.exceptions import DBusException
            from firewall.client import FirewallClient
            from firewall.errors import FirewallError
        except ImportError as error:
            raise missing_library("firewall", error) from error
        self._refusals = (DBusException, FirewallError)  # the latter where there is no system bus
        with self._explained():
            self._client = FirewallClient()
        if not self._client.connected:
            raise LvsError(f"firewalld does not answer: {_WAY_OUT}")

    def zones(self) -> Zones:
        """Its zones, as devices and sources are bound to them now."""
        with self._explained():
            return Zones.of(self._client.getDefaultZone(), self._client.getActiveZones())

    def existing(self, openings: Collection[Opening], zones: Iterable[str]) -> list[RuleKey]:
        """Which of these openings there are in which of these zones."""
        texts = {opening.rich_rule(): opening for opening in openings}
        found = []
        with self._explained():
            known = {False: set(self._client.getZones()), True: set(self._client.config().getZoneNames())}
            for zone in zones:
                for permanent in (False, True):
                    rules = self._zone(zone, permanent).rules() if zone in known[permanent] else ()
                    found += [RuleKey(FIREWALLD, texts[rule], zone, permanent) for rule in rules if rule in texts]
        return found

    def apply(self, changes: Iterable[Change[FirewallRule]]) -> None:
        """Add and remove rules."""
        with self._explained():
            for change in changes:
                zone = self._zone(change.item.key.zone, change.item.key.permanent)
                (zone.remove if change.after is None else zone.add)(change.item.text)

    def _zone(self, name: str, permanent: bool) -> _PermanentZone | _Zone:
        return _PermanentZone(self._client, name) if permanent else _Zone(self._client, name)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._refusals as error:
            said = getattr(error, "get_dbus_message", error.__str__)()
            raise LvsError(f"firewalld: {said}: {_WAY_OUT}") from error


class _Zone:
    """A zone as it is in force."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def rules(self) -> list[str]:
        """Its rich rules."""
        return list(map(str, self._client.getRichRules(self._name)))

    def add(self, rule: str) -> None:
        """Add a rich rule."""
        self._client.addRichRule(self._name, rule)

    def remove(self, rule: str) -> None:
        """Remove a rich rule."""
        self._client.removeRichRule(self._name, rule)


class _PermanentZone:
    """A zone as firewalld starts with it."""

    def __init__(self, client: Any, name: str) -> None:
        self._zone = client.config().getZoneByName(name)

    def rules(self) -> list[str]:
        """Its rich rules."""
        return list(map(str, self._zone.getRichRules()))

    def add(self, rule: str) -> None:
        """Add a rich rule."""
        self._zone.addRichRule(rule)

    def remove(self, rule: str) -> None:
        """Remove a rich rule."""
        self._zone.removeRichRule(rule)
