# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module, on hosts with and without a firewall."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core import state
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NotYetThere
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Transition, after, reconcile
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import host
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.firewall import Firewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.model import (
    FIREWALLD,
    UFW,
    FirewallRule,
    Opening,
    RuleKey,
    Zones,
)
from ansible_collections.lvs.cluster.plugins.module_utils._nft.table import ElementKey, SectionContext, SectionSeen
from tests.unit.helpers import all_refused, refused, save_state

RESOURCE = Firewall()
DIP, VIP = "192.0.2.1", "192.0.2.80"
BASE: Facts = {
    "program": "auto",
    "sources": [],
    "protocols": [],
    "gue_ports": [],
    "directors": [],
    "services": [],
    "purge": False,
    "state": "present",
}
REAL_SERVER: Facts = {"sources": [DIP], "protocols": [4], "services": [{"vip": VIP, "port": 80, "devices": ["tunl0"]}]}
DIRECTOR: Facts = {"services": [{"vip": VIP, "port": 80, "untracked": True}]}
TUNNEL, WEB = Opening("4", source=ip_address(DIP)), Opening("tcp", destination=ip_address(VIP), port=80)


class Host:
    """A host with a firewall, which is its own access to it, and with a table."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, running: str) -> None:
        self.running = running
        self.rules: set[RuleKey] = set()
        self.table = SectionSeen({}, SectionContext())
        self.opened = 0
        self.gone = False
        self.ipv6 = True
        self.zone = "public"
        self.asked: list[str] = []
        monkeypatch.setattr(host, "running", lambda: self.running)
        monkeypatch.setattr(host, "is_gone", lambda _name: self.gone)
        monkeypatch.setattr(host, "drops_ipv6", lambda: not self.ipv6)
        monkeypatch.setattr(host, "Firewalld", self._open)
        monkeypatch.setattr(host, "Ufw", self._open)
        monkeypatch.setattr(host, "SectionBackend", lambda _section: Table(self))
        monkeypatch.setattr(host, "_towards", lambda _sources: {})
        monkeypatch.setattr(host, "_facing", lambda _vips: {})

    def _open(self) -> Host:
        self.opened += 1
        return self

    def zones(self) -> Zones:
        """One for all that is wanted here, and another one."""
        return Zones(self.zone, of_devices={"eth7": "dmz"})

    def existing(self, openings: Collection[Opening], zones: Iterable[str] = ("",)) -> list[RuleKey]:
        """The rules, among these."""
        self.asked = list(zones)
        return sorted((key for key in self.rules if key.opening in openings and key.zone in set(zones)), key=str)

    def apply(self, changes: Iterable[Change[FirewallRule]]) -> None:
        """Make the changes."""
        self.rules = set(after({key: FirewallRule(key) for key in self.rules}, changes))

    def run(self, check: bool = False, **options: Any) -> Facts:
        """Run the module; returns what it returns, with its commands."""
        desired = RESOURCE.parse({**BASE, **options})
        with RESOURCE.open(desired) as backend:
            seen = backend.read(desired)
            wanted = RESOURCE.plan(desired, seen)
            transition = Transition(wanted, seen, reconcile(wanted, seen))
            if not check:
                backend.apply(transition)
            result = RESOURCE.outcome(desired, transition)
            boot = list(backend.boot_files())
        commands = [line for change in transition.changes for line in change.command().splitlines()]
        return {**result, "commands": commands, "boot": boot}

    def in_force(self) -> set[Opening]:
        """What is let in."""
        return {key.opening for key in self.rules if not key.permanent or key.program == UFW}


class Table:
    """The access to the table."""

    def __init__(self, of: Host) -> None:
        self._host = of

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Nothing to close."""

    def read(self, _desired: object) -> SectionSeen:
        """The section."""
        return self._host.table

    def apply(self, transition: Any) -> None:
        """Make the changes."""
        self._host.table = SectionSeen(after(self._host.table.items, transition.changes), SectionContext())

    def boot_files(self) -> dict[str, list[str]]:
        """The name of the table's boot file."""
        return {"nftables": []}


@pytest.fixture(params=[FIREWALLD, UFW])
def firewalled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with one of the firewalls."""
    return Host(monkeypatch, request.param)


@pytest.fixture
def open_host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host without a firewall."""
    return Host(monkeypatch, "")


def test_real_server(firewalled: Host) -> None:
    """Opened once, and closed again without a trace."""
    first = firewalled.run(**REAL_SERVER)
    assert firewalled.in_force() == {TUNNEL, WEB}
    assert first["program"] == firewalled.running
    assert len(first["rules"]) == len(first["commands"]) == len(firewalled.rules)
    assert first["boot"] == []
    assert firewalled.run(**REAL_SERVER)["commands"] == []
    closed = firewalled.run(purge=True)
    assert firewalled.rules == set()
    assert closed["rules"] == []
    assert state.load() == {}


def test_other_directors(firewalled: Host) -> None:
    """VRRP and the messages of their sync daemons come from them, and closed is what is named."""
    others = [ip_address("192.0.2.2"), ip_address("2001:db8::2")]
    directors = [str(other) for other in others]
    firewalled.run(**DIRECTOR, directors=directors)
    opened = {Opening("112", other) for other in others} | {Opening("udp", other, port=8848) for other in others}
    assert opened < firewalled.in_force()
    assert all(opening.service is None for opening in opened)
    firewalled.run(directors=directors[:1], state="absent")
    assert firewalled.in_force() & opened == {opening for opening in opened if opening.source == others[1]}
    with refused("directors", "'ds2' is not an IP address"):
        firewalled.run(directors=["ds2"])


def test_what_somebody_else_opened_stays(firewalled: Host) -> None:
    """Also if it is what the cluster needs."""
    foreign = RuleKey(firewalled.running, WEB, "public" if firewalled.running == FIREWALLD else "", permanent=True)
    firewalled.rules = {foreign}
    firewalled.run(**REAL_SERVER)
    firewalled.run(state="absent")
    assert firewalled.rules == {foreign}


def test_what_is_named_is_closed(firewalled: Host) -> None:
    firewalled.run(**REAL_SERVER)
    firewalled.run(state="absent", services=[{"vip": VIP, "port": 443}])
    assert firewalled.in_force() == {TUNNEL, WEB}
    firewalled.run(state="absent", services=[{"vip": VIP, "port": 80}])
    assert firewalled.in_force() == {TUNNEL}
    firewalled.run(**REAL_SERVER)
    firewalled.run(**{**REAL_SERVER, "services": []})
    assert firewalled.in_force() == {TUNNEL, WEB}
    firewalled.run(**{**REAL_SERVER, "services": []}, purge=True)
    assert firewalled.in_force() == {TUNNEL}


def test_director(firewalled: Host) -> None:
    """With a section of the table, while there is something in it."""
    first = firewalled.run(**DIRECTOR)
    assert WEB in firewalled.in_force()
    assert first["untracked"] == [f"{VIP} . tcp . 80"]
    assert first["boot"] == ["nftables"]
    # What is let in comes before what is not tracked.
    assert [command.split()[0] for command in first["commands"]][-1] == "nft"
    assert firewalled.run(**DIRECTOR)["commands"] == []
    masqueraded = [{**DIRECTOR["services"][0], "untracked": False}]
    second = firewalled.run(services=masqueraded)
    assert second["untracked"] == []
    assert firewalled.table.items == {}
    assert WEB in firewalled.in_force()
    firewalled.run(**DIRECTOR)
    firewalled.run(state="absent")
    assert (firewalled.rules, firewalled.table.items, state.load()) == (set(), {}, {})


def test_one_of_two_services_is_tracked_again(firewalled: Host) -> None:
    """Errors for the VIP stay exempted while one of its services is."""
    tls = {"vip": VIP, "port": 443, "untracked": True}
    firewalled.run(services=[*DIRECTOR["services"], tls])
    assert firewalled.run(state="absent", services=[{"vip": VIP, "port": 80}])["untracked"] == [f"{VIP} . tcp . 443"]
    assert ElementKey("untracked_vips", (VIP,)) in firewalled.table.items


def test_tracking_stays_as_it_is(firewalled: Host) -> None:
    """Where the option is left out, even if all else goes that is not listed."""
    as_it_is = [{"vip": VIP, "port": 80}]
    assert firewalled.run(services=as_it_is)["untracked"] == []
    firewalled.run(**DIRECTOR)
    assert firewalled.run(services=as_it_is, purge=True)["untracked"] == [f"{VIP} . tcp . 80"]
    assert firewalled.run(services=as_it_is, program="none")["untracked"] == []


def test_check_mode(firewalled: Host) -> None:
    assert firewalled.run(check=True, **REAL_SERVER)["commands"]
    assert (firewalled.rules, state.load()) == (set(), {})


@pytest.mark.parametrize("options", [REAL_SERVER, DIRECTOR, {"state": "absent"}, {"purge": True}])
def test_no_firewall(open_host: Host, options: Facts) -> None:
    """Nothing is opened, and nothing is exempted: rules of another kind may rely on the tracking."""
    result = open_host.run(**options)
    assert (result["program"], result["commands"], result["rules"], result["untracked"]) == ("", [], [], [])
    assert open_host.opened == 0
    assert open_host.run(program="none", **options)["commands"] == []


@pytest.mark.parametrize("program", [FIREWALLD, UFW])
def test_firewall_that_does_not_run(open_host: Host, program: str) -> None:
    with pytest.raises(NotYetThere, match=rf"^program: {program} does not run .*lvs_firewall"):
        open_host.run(program=program, **REAL_SERVER)


def test_none_closes_what_was_opened(firewalled: Host) -> None:
    firewalled.run(**DIRECTOR)
    firewalled.run(program="none", **DIRECTOR)
    assert (firewalled.rules, firewalled.table.items, state.load()) == (set(), {}, {})


def test_none_without_anything_opened(firewalled: Host) -> None:
    """The firewall is left alone, and its library is not needed."""
    result = firewalled.run(program="none", **DIRECTOR)
    assert (result["commands"], firewalled.opened) == ([], 0)
    firewalled.run(state="absent", **DIRECTOR)
    assert firewalled.opened == 0


def test_ufw_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """It drops what its rules let in: nothing is changed, unless something is to be closed."""
    ufw = Host(monkeypatch, UFW)
    services = [*REAL_SERVER["services"], {"vip": "2001:db8::80", "port": 80}]
    ufw.run(services=services)
    ufw.ipv6 = False
    before = set(ufw.rules)
    message = r"^ufw drops all IPv6 .* 2001:db8::80 must .* /etc/default/ufw .*\(lvs_firewall\) to none"
    with pytest.raises(LvsError, match=message):
        ufw.run(services=services)
    assert ufw.rules == before
    ufw.run(**REAL_SERVER, purge=True)
    assert ufw.in_force() == {TUNNEL, WEB}


def test_device_that_was_moved_to_another_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules move with it; those of services that are not named stay, and those of somebody else."""
    firewalld = Host(monkeypatch, FIREWALLD)
    other = {"vip": VIP, "port": 443}
    firewalld.run(**{**REAL_SERVER, "services": [*REAL_SERVER["services"], other]})
    firewalld.zone = "internal"
    firewalld.rules.add(RuleKey(FIREWALLD, WEB, "dmz"))
    commands = firewalld.run(**REAL_SERVER)["commands"]
    assert ["--add-" in command for command in commands] == [True] * 4 + [False] * 4
    zones = {(key.opening.port, key.zone) for key in firewalld.rules}
    assert zones == {(80, "internal"), (0, "internal"), (443, "public"), (80, "dmz")}
    assert firewalld.run(**REAL_SERVER)["commands"] == []


def test_zones_that_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of rules that are wanted, or of this collection."""
    firewalld = Host(monkeypatch, FIREWALLD)
    firewalld.run(**REAL_SERVER)
    assert firewalld.asked == ["public"]
    firewalld.zone = "internal"
    firewalld.run(check=True, **REAL_SERVER)
    assert firewalld.asked == ["internal", "public"]


@pytest.mark.parametrize("options", [DIRECTOR, {"state": "absent"}, {"purge": True}])
def test_state_file_is_left_alone_where_nothing_changes(
    firewalled: Host, options: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    firewalled.run(**options)
    monkeypatch.setattr(state, "changing", None)
    assert firewalled.run(**options)["commands"] == []


def test_firewall_that_was_uninstalled(firewalled: Host) -> None:
    """With its configuration, and with what was opened in it."""
    firewalled.run(**REAL_SERVER)
    firewalled.running, firewalled.gone = "", True
    assert "warnings" not in firewalled.run(state="absent")
    assert state.load() == {}


def test_firewall_that_was_stopped(firewalled: Host) -> None:
    """Its rules are noted further on, and packets are tracked again."""
    firewalled.run(**DIRECTOR)
    name, firewalled.running = firewalled.running, ""
    result = firewalled.run(state="absent")
    assert result["warnings"][0].startswith(f"{name} does not run: what this collection opened in it stays")
    assert firewalled.table.items == {}
    firewalled.running = name
    firewalled.run(state="absent")
    assert (firewalled.rules, state.load()) == (set(), {})


def test_rule_that_somebody_removed(firewalled: Host) -> None:
    """Its note goes with the next run."""
    firewalled.run(**REAL_SERVER)
    firewalled.rules = set()
    assert firewalled.run(state="absent")["commands"] == []
    assert state.load() == {}


def test_other_subjects_stay(firewalled: Host) -> None:
    save_state({"boot": {"services": []}, "network": {"tunl0": {"up": None}}})
    firewalled.run(**REAL_SERVER)
    firewalled.run(state="absent")
    assert state.load() == {"boot": {"services": []}, "network": {"tunl0": {"up": None}}}


def test_invalid_options() -> None:
    with refused("purge", "cannot go with state=absent"):
        RESOURCE.parse({**BASE, "purge": True, "state": "absent"})
    with all_refused(
        "sources: 'x' is not an IP address",
        "protocols: 6 is not one of 4, 41, 47",
        "gue_ports: 0 ",
        "services[0], vip: is missing",
        "services[0], port: is missing",
        "services[1], port: 65536 ",
        "services[1], protocol: 'icmp' is not one of tcp, udp, sctp",
        "services[1], devices: ",
        "services[3]: tcp 192.0.2.80:0 is services[2] already",
    ):
        RESOURCE.parse(
            {
                **BASE,
                "sources": ["x"],
                "protocols": [6],
                "gue_ports": [0],
                "services": [
                    {},
                    {"vip": VIP, "port": 65536, "protocol": "icmp", "devices": ["a b"]},
                    {"vip": VIP, "port": 0},
                    {"vip": VIP, "port": 0, "untracked": True},
                ],
            }
        )
