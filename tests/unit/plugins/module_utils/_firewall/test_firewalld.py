# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""firewalld through its library, for which a fake stands in."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, MissingLibrary
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.firewalld import Firewalld
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.model import FIREWALLD, FirewallRule, Opening, RuleKey

WEB = Opening("tcp", destination=ip_address("192.0.2.80"), port=80)
KEY = RuleKey(FIREWALLD, WEB, "public")


class Refusal(Exception):
    """An error of D-Bus."""

    def get_dbus_message(self) -> str:
        """What firewalld says."""
        return "INVALID_ZONE: dmz"


class NoBus(Exception):
    """An error of the library itself."""


class Client:
    """What the library offers: rules in force, and permanent ones."""

    connected = True

    def __init__(self) -> None:
        self.in_force: dict[str, list[str]] = {"public": [], "gone": []}
        self.permanent: dict[str, list[str]] = {"public": [], "new": []}

    def config(self) -> Any:
        """The permanent configuration."""
        return SimpleNamespace(getZoneNames=lambda: list(self.permanent), getZoneByName=self._permanent)

    def _permanent(self, name: str) -> Any:
        rules = self.permanent[name]
        return SimpleNamespace(getRichRules=lambda: rules, addRichRule=rules.append, removeRichRule=rules.remove)

    def __getattr__(self, name: str) -> Any:
        return {
            "getDefaultZone": lambda: "public",
            "getActiveZones": lambda: {"public": {"interfaces": ["eth0"]}},
            "getZones": lambda: list(self.in_force),
            "getRichRules": lambda zone: self.in_force[zone],
            "addRichRule": lambda zone, rule: self._of(zone).append(rule),
            "removeRichRule": lambda zone, rule: self._of(zone).remove(rule),
        }[name]

    def _of(self, zone: str) -> list[str]:
        if zone not in self.in_force:
            raise Refusal
        return self.in_force[zone]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """The library is installed."""
    made = Client()
    for name, content in (
        ("dbus", {}),
        ("dbus.exceptions", {"DBusException": Refusal}),
        ("firewall", {}),
        ("firewall.errors", {"FirewallError": NoBus}),
    ):
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    library = ModuleType("firewall.client")
    vars(library)["FirewallClient"] = lambda: made
    monkeypatch.setitem(sys.modules, "firewall.client", library)
    return made


def add(key: RuleKey) -> Change[FirewallRule]:
    """A rule that is added."""
    return Change(None, FirewallRule(key))


def test_rules_in_force_and_permanent(client: Client) -> None:
    firewalld = Firewalld()
    assert firewalld.zones().of_devices == {"eth0": "public"}
    client.permanent["public"].append('rule service name="http" accept')
    firewalld.apply([add(KEY._replace(permanent=False)), add(KEY)])
    assert client.in_force["public"] == [WEB.rich_rule()]
    zones = ["gone", "new", "nowhere", "public"]
    assert firewalld.existing([WEB], zones) == [KEY._replace(permanent=False), KEY]
    firewalld.apply([Change(FirewallRule(KEY), None)])
    assert firewalld.existing([WEB], zones) == [KEY._replace(permanent=False)]
    assert firewalld.existing([], zones) == []


def test_refusal(client: Client) -> None:
    assert "dmz" not in client.in_force
    with pytest.raises(LvsError, match="firewalld: INVALID_ZONE: dmz"):
        Firewalld().apply([add(KEY._replace(zone="dmz", permanent=False))])


def test_no_answer(client: Client) -> None:
    client.connected = False
    with pytest.raises(LvsError, match="does not answer"):
        Firewalld()


def test_no_system_bus(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has an error of its own for that."""

    def connect() -> Client:
        raise NoBus("DBUS_ERROR: no socket")

    assert client.connected
    monkeypatch.setattr(sys.modules["firewall.client"], "FirewallClient", connect)
    with pytest.raises(LvsError, match=r"^firewalld: DBUS_ERROR: no socket: see .* lvs_firewall to none$"):
        Firewalld()


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dbus.exceptions", None)
    with pytest.raises(MissingLibrary, match="the Python library firewall, which comes with firewalld"):
        Firewalld()
