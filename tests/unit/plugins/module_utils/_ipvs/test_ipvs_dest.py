# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ipvs_dest is asked for: one destination or a whole real server, and how a drain begins and ends."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError, NoSuchDestination
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, Transition
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain import OPTIONS, Drain, may_be_udp, total
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_dest import IpvsDest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.kernel import DirectorContext
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    WantedDestination,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.statistics import Connections
from tests.unit.helpers import all_refused, applied, reconciled, refused
from tests.unit.strategies import destinations

WEB_OPTIONS = {"vip": "192.0.2.1", "port": 80}
WEB, TLS, SIX, MARK = (
    ServiceKey.of(options)
    for options in (WEB_OPTIONS, {"vip": "192.0.2.1", "port": 443}, {"vip": "2001:db8::1", "port": 80}, {"fwmark": 7})
)
RS1, RS2, RS6 = "10.0.0.1", "10.0.0.2", "2001:db8::2"
DRAINED = {"state": "drained", "drain_timeout": 300, "drain_connections": ["active"], "drain_on_timeout": "fail"}
ONE = {**WEB_OPTIONS, "rip": RS1}


def at(service: ServiceKey, rip: str, weight: int = 1, drained: int | None = None) -> Destination:
    """A destination on the service's own port."""
    return Destination(DestinationKey(service, ip_address(rip), service.port), weight=weight, former_weight=drained)


def table(*items: Any) -> dict[Any, Any]:
    """What there is: services and destinations."""
    return {item.key: item for item in items}


def seen(current: dict[Any, Any], expires_quiescent: bool = False) -> Any:
    """The same, as the kernel's backend reads it."""
    services = {key: item for key, item in current.items() if isinstance(item, Service)}
    items = {key: item for key, item in current.items() if key not in services}
    return Seen(items, DirectorContext(services, expires_quiescent))


def parsed(options: dict[str, Any]) -> Any:
    """What the options describe."""
    return IpvsDest().parse(options)


def planned(options: dict[str, Any], current: dict[Any, Any], expires_quiescent: bool = False) -> Any:
    """What is wanted, given what there is."""
    return IpvsDest().plan(parsed(options), seen(current, expires_quiescent))


def changed(options: dict[str, Any], current: dict[Any, Any], expires_quiescent: bool = False) -> dict[Any, Any]:
    """What there is afterwards."""
    return applied(reconciled(planned(options, current, expires_quiescent), current), current)


def result(options: dict[str, Any], current: dict[Any, Any]) -> dict[str, Any]:
    """What the module returns where there are these items."""
    asked, found = parsed(options), seen(current)
    return IpvsDest().outcome(asked, Transition(IpvsDest().plan(asked, found), found, []))


# ----- one destination


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        (at(WEB, RS1, 3), DRAINED, at(WEB, RS1, 0, drained=3)),
        (at(WEB, RS1, 0), DRAINED, at(WEB, RS1, 0, drained=0)),
        (at(WEB, RS1, 0, drained=3), DRAINED, at(WEB, RS1, 0, drained=3)),
        (at(WEB, RS1, 3), {**DRAINED, "upper_threshold": 9}, replace(at(WEB, RS1, 0, drained=3), upper_threshold=9)),
        (at(WEB, RS1, 0, drained=3), {"state": "present"}, at(WEB, RS1, 3)),
        (at(WEB, RS1, 0, drained=0), {"state": "present"}, at(WEB, RS1, 0)),
        (at(WEB, RS1, 0, drained=3), {"state": "present", "weight": 5}, at(WEB, RS1, 5)),
        (at(WEB, RS1, 0, drained=3), {"state": "present", "weight": 0}, at(WEB, RS1, 0)),
        (at(WEB, RS1, 0, drained=3), {"state": "present", "forward": "route"}, replace(at(WEB, RS1, 3), forward="route")),
        (at(WEB, RS1, 0), {"state": "present"}, at(WEB, RS1, 0)),
    ],
)
def test_drained_and_restored(before: Destination, options: dict[str, Any], after: Destination) -> None:
    current = table(Service(WEB), before, at(WEB, RS2, 0, drained=7))
    assert changed({**ONE, **options}, current) == {**current, after.key: after}


@given(destinations())
def test_a_drain_is_undone(destination: Destination) -> None:
    """Whatever the weight was; drained twice, too."""
    key = destination.key
    drain, restore = WantedDestination(key, destination, {}, drain=True), WantedDestination(key, destination, {})
    once = drain.merged_with(destination)
    assert once == replace(destination, weight=0, former_weight=destination.weight)
    assert drain.merged_with(once) == once
    assert restore.merged_with(once) == destination


def test_what_is_absent_is_not_drained() -> None:
    current = table(Service(WEB), at(WEB, RS1, 0, drained=3))
    assert changed({**ONE, "state": "absent"}, current) == table(Service(WEB))


def test_the_diff_tells_and_the_command_does_not() -> None:
    drained = at(WEB, RS1, 0, drained=3)
    assert drained.rule() == "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0"
    assert drained.diff_line() == f"{drained.rule()}  # drained, weight 3 before"
    assert at(WEB, RS1).diff_line() == at(WEB, RS1).rule()
    assert Change(at(WEB, RS1, 3), drained).command() == "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0"


def test_nothing_to_drain() -> None:
    """In check mode, shown as if it had come and been drained."""
    options = {**ONE, **DRAINED}
    with pytest.raises(NoSuchDestination, match=r"^-t 192\.0\.2\.1:80 -r 10\.0\.0\.1:80 does not exist: there is nothing"):
        planned(options, table(Service(WEB), at(WEB, RS2)))
    assert reconciled(parsed(options).wanted, {}) == [Change(None, at(WEB, RS1, 0, drained=1))]


# ----- a whole real server

WHOLE = table(
    *(Service(WEB), at(WEB, RS1, 2), at(WEB, RS2, 3)),
    *(Service(MARK), at(MARK, RS1, 0, drained=5), at(MARK, RS2, 0, drained=6)),
    *(Service(SIX), at(SIX, RS1, 0), at(SIX, RS6, 4)),
)


def test_a_real_server_in_all_services() -> None:
    drained = changed({"rip": RS1, **DRAINED}, WHOLE)
    mine = (at(WEB, RS1, 0, drained=2), at(MARK, RS1, 0, drained=5), at(SIX, RS1, 0, drained=0))
    assert drained == {**WHOLE, **{destination.key: destination for destination in mine}}
    restored = changed({"rip": RS1, "state": "present"}, drained)
    assert restored == {**WHOLE, at(MARK, RS1).key: at(MARK, RS1, 5)}
    assert changed({"rip": RS1, "state": "present"}, restored) == restored


def test_what_is_not_drained_is_not_in_the_way() -> None:
    """Of what somebody else made, in a way that these modules do not."""
    odd = Destination(DestinationKey(WEB, ip_address(RS1), 8080))
    current = {**WHOLE, odd.key: odd}
    assert changed({"rip": RS1, "state": "present"}, current) == {**current, at(MARK, RS1).key: at(MARK, RS1, 5)}


def test_facts_of_a_whole_real_server() -> None:
    """In the order of the services, marks last; of one destination, its own."""
    found = result({"rip": RS1, "state": "present"}, WHOLE)
    assert found == {"destinations": [at(WEB, RS1, 2).facts(), at(SIX, RS1, 0).facts(), at(MARK, RS1, 0, drained=5).facts()]}
    assert result(ONE, WHOLE) == {"destination": at(WEB, RS1, 2).facts()}
    assert result({**ONE, "port": 443}, WHOLE) == {"destination": {}}


@pytest.mark.parametrize("options", [DRAINED, {"state": "present"}])
def test_real_server_that_is_nowhere(options: dict[str, Any]) -> None:
    asked = {"rip": "10.0.0.9", **options}
    with pytest.raises(NoSuchDestination) as caught:
        planned(asked, WHOLE)
    assert str(caught.value) == f"rip: 10.0.0.9 is in no service of this director: it has {RS1}, {RS2}, {RS6}"
    with pytest.raises(NoSuchDestination, match=r"it has no real server at all$"):
        planned(asked, table(Service(WEB)))


# ----- what cannot be


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"rip": RS1, "state": "absent"}, "vip", "is missing: name the service by vip and port, or by fwmark"),
        ({"rip": RS1, "state": "present", "weight": 2}, "weight", "2 is for one service: name it by vip and port"),
        ({"rip": RS1, "port": 80, **DRAINED}, "port", "80 is for one service"),
        ({"rip": RS1, "upper_threshold": 5, **DRAINED}, "upper_threshold", "5 is for one service"),
        ({"rip": "rs1", **DRAINED}, "rip", "'rs1' is not an IP address"),
        ({**ONE, **DRAINED, "weight": 2}, "weight", "2 is not for state=drained, which sets 0"),
        ({"rip": RS1, **DRAINED, "weight": 0}, "weight", "0 is not for state=drained"),
        ({**ONE, **DRAINED, "drain_timeout": -1}, "drain_timeout", "-1 is not in 0..2678400"),
        ({**ONE, **DRAINED, "drain_connections": []}, "drain_connections", "leaves nothing to wait for: say so with"),
    ],
)
def test_refused(options: dict[str, Any], option: str, says: str) -> None:
    with refused(option, says):
        parsed(options)


def test_all_faults_at_once() -> None:
    with all_refused("drain_timeout: -1 is", "weight: 2 is not for state=drained", "rip: 'rs1' is not"):
        parsed({"rip": "rs1", **DRAINED, "drain_timeout": -1, "weight": 2})


def test_persistent_clients_keep_a_real_server_busy() -> None:
    """Unless the kernel expires them, or they are waited for; other services of the real server do not matter to it."""
    current = table(Service(WEB), at(WEB, RS1), Service(TLS, persistence_timeout=300), at(TLS, RS1), at(TLS, RS2))
    for options in ({"vip": "192.0.2.1", "port": 443, "rip": RS2}, {"rip": RS1}):
        with pytest.raises(LvsError) as caught:
            changed({**options, **DRAINED}, current)
        message = str(caught.value)
        assert message.startswith("state: -t 192.0.2.1:443 is persistent, and net.ipv4.vs.expire_quiescent_template is 0: ")
        for way_out in ("lvs.cluster.ipvs_sysctl", "lvs_ipvs_sysctl: {expire_quiescent_template: 1}", "'persistent' among"):
            assert way_out in message
        for goes in ({**DRAINED, "drain_connections": ["active", "persistent"]}, {"state": "present"}):
            assert changed({**options, **goes}, current)
        assert changed({**options, **DRAINED}, current, expires_quiescent=True)
    assert changed({**ONE, **DRAINED}, current)


# ----- waiting


@pytest.mark.parametrize(
    ("kinds", "left", "over"),
    [
        (["active"], Connections(0, 5, 5), True),
        (["active"], Connections(1, 0, 0), False),
        (["active", "inactive"], Connections(0, 5, 5), False),
        (["active", "persistent"], Connections(0, 5, 0), True),
    ],
)
def test_what_has_to_be_gone(kinds: list[str], left: Connections, over: bool) -> None:
    drain = Drain.of({**DRAINED, "drain_connections": kinds})
    assert drain is not None
    assert drain.is_over(left, Connections()) is over


@pytest.mark.parametrize(
    ("kinds", "left", "udp", "over"),
    [
        (["active"], Connections(0, 5, 0), Connections(0, 5, 0), False),
        (["active"], Connections(0, 5, 1), Connections(0, 0, 1), True),
        (["active", "persistent"], Connections(0, 1, 0), Connections(0, 1, 0), False),
        (["inactive"], Connections(0, 1, 0), Connections(0, 1, 0), False),
        (["persistent"], Connections(0, 1, 0), Connections(0, 1, 0), True),
    ],
)
def test_connections_of_udp_are_active_until_they_are_forgotten(
    kinds: list[str], left: Connections, udp: Connections, over: bool
) -> None:
    """Though the kernel counts them as inactive."""
    drain = Drain.of({**DRAINED, "drain_connections": kinds})
    assert drain is not None
    assert drain.is_over(left, udp) is over


@pytest.mark.parametrize(
    ("service", "may_be"),
    [
        ({"vip": "192.0.2.1", "port": 53, "protocol": "udp"}, True),
        ({"vip": "192.0.2.1", "port": 53, "protocol": "tcp"}, False),
        ({"vip": "192.0.2.1", "port": 53, "protocol": "sctp"}, False),
        ({"fwmark": 7}, True),
    ],
)
def test_services_that_may_have_udp(service: dict[str, Any], may_be: bool) -> None:
    assert may_be_udp(ServiceKey.of(service)) is may_be


def test_connections_are_added_up() -> None:
    assert total([Connections(1, 2, 3), Connections(10, 20, 30)]) == Connections(11, 22, 33)
    assert total([]) == Connections()


@pytest.mark.parametrize(
    ("options", "complete"), [({}, True), ({"drain_timeout": 0}, False), ({"drain_on_timeout": "continue"}, False)]
)
def test_end_that_is_no_failure(options: dict[str, Any], complete: bool) -> None:
    drain = Drain.of({**DRAINED, **options})
    assert drain is not None
    assert drain.result(1.234, Connections(0, 2, 3), Connections(), complete) == {
        "drain": {"complete": complete, "seconds": 1.2, "left": {"active": 0, "inactive": 2, "persistent": 3}}
    }


def test_timeout() -> None:
    """The message says what was left, and what to do; of persistent clients, why."""
    for kinds, why in ((["active"], False), (["active", "persistent"], True)):
        drain = Drain.of({**DRAINED, "drain_connections": kinds})
        assert drain is not None
        with pytest.raises(LvsError) as caught:
            drain.result(300.4, Connections(2, 3, 4), Connections(), complete=False)
        message = str(caught.value)
        assert message.startswith(
            "drain_timeout: after 300 s there are 2 active, 3 inactive, 4 persistent connections left, and"
            f" {' and '.join(kinds)} had to be gone. "
        )
        assert "run the task again to wait on, or restore it with state=present" in message
        assert ("persistence_timeout" in message) is why
        left = {"active": 2, "inactive": 3, "persistent": 4}
        assert caught.value.facts == {"drain": {"complete": False, "seconds": 300.4, "left": left}}


@pytest.mark.parametrize(
    ("kinds", "inactive", "told"), [(["active"], 2, True), (["active"], 0, False), (["inactive"], 2, False)]
)
def test_timeout_with_udp(kinds: list[str], inactive: int, told: bool) -> None:
    """The message says that they have to be gone, too, and how they would be sooner."""
    drain = Drain.of({**DRAINED, "drain_connections": kinds})
    assert drain is not None
    with pytest.raises(LvsError) as caught:
        drain.result(300.4, Connections(1, 3, 0), Connections(0, inactive, 0), complete=False)
    message = str(caught.value)
    for says in ("2 of the inactive ones are of UDP", "lvs.cluster.ipvs_timeouts (udp)", "one_packet"):
        assert (says in message) is told


def test_kinds_of_connections_are_those_that_are_counted() -> None:
    (kinds,) = (option.choices for option in OPTIONS if option.name == "drain_connections")
    assert tuple(kinds) == tuple(Connections.__dataclass_fields__)
