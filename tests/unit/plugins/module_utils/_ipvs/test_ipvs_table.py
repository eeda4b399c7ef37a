# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table as one list: what it describes, what is wrong with it, what goes beside it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change, Seen, Transition
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import ipvs_table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_table import IpvsTable
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, Service, ServiceKey
from tests.unit.helpers import all_refused, applied, reconciled, refused

WEB_OPTIONS = {"vip": "192.0.2.1", "port": 80}
DNS_OPTIONS = {"vip": "192.0.2.2", "port": 53, "protocol": "udp"}
MARK_OPTIONS = {"fwmark": 7}
WEB6_OPTIONS = {"vip": "2001:db8::1", "port": 80}
WEB, DNS, MARK, WEB6 = (ServiceKey.of(options) for options in (WEB_OPTIONS, DNS_OPTIONS, MARK_OPTIONS, WEB6_OPTIONS))
FAR = ServiceKey.of({"vip": "198.51.100.1", "port": 80})
RS1, RS2, RS3 = "10.0.0.1", "10.0.0.2", "10.0.0.3"


def listed(*services: Any, **options: Any) -> dict[str, Any]:
    """The options of a module that has these services."""
    defaults = {"purge": "none", "purge_networks": None, "keep_weights": False, "keep_drained": True}
    return {"services": list(services), "unprepared": [], **defaults, **options}


def at(service: ServiceKey, rip: str, **fields: Any) -> Destination:
    """A destination on the service's own port."""
    return Destination(DestinationKey(service, ip_address(rip), service.port), **fields)


def table(*items: Any) -> dict[Any, Any]:
    """What there is: each service with its destinations behind it."""
    return {item.key: item for item in items}


def parsed(options: dict[str, Any]) -> list[Any]:
    """What the options describe."""
    return list(IpvsTable().parse(options).wanted)


def planned(options: dict[str, Any], current: dict[Any, Any]) -> list[Any]:
    """The same, with what is to be removed beside it."""
    return list(IpvsTable().plan(IpvsTable().parse(options), Seen(current, None)))


def result(options: dict[str, Any], current: dict[Any, Any]) -> dict[str, Any]:
    """What the module returns when it has made its changes."""
    wanted = planned(options, current)
    transition = Transition(wanted, Seen(current, None), reconciled(wanted, current))
    return IpvsTable().outcome(IpvsTable().parse(options), transition)


NOTHING: dict[str, Any] = {"drained": [], "held_back": [], "held_back_vips": [], "purged": []}


def lines(options: dict[str, Any], current: dict[Any, Any]) -> list[str]:
    """The changes that the options ask for, as rules of ipvsadm(8)."""
    return [change.item.rule(change.action) for change in reconciled(planned(options, current), current)]


# ----- what a list describes


def test_services_with_their_destinations_behind_them() -> None:
    """Each service before its destinations, in the order of the list, with the place of each."""
    options = listed(
        {**WEB_OPTIONS, "scheduler": "wrr", "destinations": [{"rip": RS1, "weight": 2}, {"rip": RS2}]},
        {**DNS_OPTIONS},
        {**MARK_OPTIONS, "destinations": [{"rip": RS1, "state": "absent"}]},
    )
    wanted = parsed(options)
    assert [item.key for item in wanted] == [WEB, at(WEB, RS1).key, at(WEB, RS2).key, DNS, MARK, at(MARK, RS1).key]
    assert [item.where for item in wanted] == [
        "services[0]",
        "services[0], destinations[0]",
        "services[0], destinations[1]",
        "services[1]",
        "services[2]",
        "services[2], destinations[0]",
    ]
    assert [item.new for item in wanted] == [
        Service(WEB, "wrr"),
        at(WEB, RS1, weight=2),
        at(WEB, RS2),
        Service(DNS),
        Service(MARK),
        None,
    ]
    assert [item.given for item in wanted] == [{"scheduler": "wrr"}, {"weight": 2}, {}, {}, {}, {}]
    assert planned(options, {}) == wanted


def test_who_gets_no_connections_comes_last() -> None:
    """The others keep the order of the list, and each its own place."""
    rows = [{"rip": RS1, "weight": 0}, {"rip": RS2}, {"rip": "10.0.0.4", "weight": "0"}, {"rip": RS3, "weight": 5}]
    wanted = parsed(listed({**WEB_OPTIONS, "destinations": rows}))
    assert [(item.key, item.where) for item in wanted[1:]] == [
        (at(WEB, RS2).key, "services[0], destinations[1]"),
        (at(WEB, RS3).key, "services[0], destinations[3]"),
        (at(WEB, RS1).key, "services[0], destinations[0]"),
        (at(WEB, "10.0.0.4").key, "services[0], destinations[2]"),
    ]


def test_who_takes_over_comes_before_who_is_drained() -> None:
    """A service has a real server that takes connections all the time."""
    options = listed({**WEB_OPTIONS, "destinations": [{"rip": RS1, "weight": 0}, {"rip": RS2, "weight": 1}]})
    current = table(Service(WEB), at(WEB, RS1), at(WEB, RS2, weight=0))
    assert lines(options, current) == [
        "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 1",
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0",
    ]


@pytest.mark.parametrize("rows", [None, []])
def test_no_destinations(rows: list[Any] | None) -> None:
    """Left out, and listed as none."""
    assert [item.key for item in parsed(listed({**WEB_OPTIONS, "destinations": rows}))] == [WEB]


def test_empty_list() -> None:
    """Nothing is described, and nothing done."""
    assert lines(listed(), table(Service(WEB), at(WEB, RS1))) == []


def test_absent_service_takes_its_destinations_along() -> None:
    """Those that are there, whatever the list has of them; they go first."""
    options = listed({**WEB_OPTIONS, "state": "absent", "destinations": [{"rip": RS1, "weight": 3}]}, DNS_OPTIONS)
    assert [(item.key, item.new) for item in parsed(options)] == [(WEB, None), (DNS, Service(DNS))]
    current = table(Service(WEB), at(WEB, RS1), at(WEB, RS2), Service(DNS), at(DNS, RS1))
    assert lines(options, current) == [
        "-d -t 192.0.2.1:80 -r 10.0.0.2:80",
        "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
        "-D -t 192.0.2.1:80",
    ]


@pytest.mark.parametrize("after", [True, False])
def test_backend_knows_whether_keepalived_came_before(monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    monkeypatch.setattr(ipvs_table, "TableBackend", lambda *arguments: arguments)
    module = IpvsTable()
    opened: Any = module.open(module.parse(listed(after_keepalived=after)))
    assert opened == (False, after)


def test_keep_weights() -> None:
    """Of destinations that are there; a new one has the weight that is listed."""
    rows = [{"rip": RS1, "weight": 5, "upper_threshold": 9}, {"rip": RS2, "weight": 6}, {"rip": RS3, "weight": 0}]
    options = listed({**WEB_OPTIONS, "destinations": rows}, keep_weights=True)
    current = table(Service(WEB), at(WEB, RS1, weight=1), at(WEB, RS3, weight=7))
    assert lines(options, current) == [
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 1 -x 9",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 6",
    ]
    assert lines({**options, "keep_weights": False}, current) == [
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 5 -x 9",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 6",
        "-e -t 192.0.2.1:80 -r 10.0.0.3:80 -i -w 0",
    ]


def test_keep_weights_keeps_no_destination() -> None:
    """One that is listed as absent goes."""
    rows = [{"rip": RS1, "weight": 5, "state": "absent"}]
    options = listed({**WEB_OPTIONS, "destinations": rows}, keep_weights=True)
    assert lines(options, table(Service(WEB), at(WEB, RS1))) == ["-d -t 192.0.2.1:80 -r 10.0.0.1:80"]


# ----- what is wrong with a list


@pytest.mark.parametrize(
    ("row", "option", "says"),
    [
        (
            "web",
            "services[0], value",
            "'web' is not a dictionary: write some of vip, port, protocol, fwmark, family, scheduler",
        ),
        (None, "services[0], value", "None is not a dictionary"),
        ({"vip": "192.0.2.1"}, "services[0], port", "is missing: a service with a vip needs its port"),
        (
            {**WEB_OPTIONS, "sheduler": "rr"},
            "services[0], sheduler",
            "'rr' is an unknown option: valid options are vip, port",
        ),
        ({**WEB_OPTIONS, "weight": 1}, "services[0], weight", "1 is an unknown option"),
        ({**WEB_OPTIONS, "rip": RS1}, "services[0], rip", "is an unknown option"),
        (dict([*WEB_OPTIONS.items(), (5, None)]), "services[0], 5", "None is an unknown option"),
        ({**WEB_OPTIONS, "scheduler": "WRR"}, "services[0], scheduler", "'WRR' is not a scheduler's name"),
        ({**WEB_OPTIONS, "state": "gone"}, "services[0], state", "'gone' is not one of present, absent"),
        (
            {**WEB_OPTIONS, "destinations": {"rip": RS1}},
            "services[0], destinations",
            "is not a list: write one dictionary for each",
        ),
        ({**WEB_OPTIONS, "destinations": RS1}, "services[0], destinations", "'10.0.0.1' is not a list"),
        (
            {**WEB_OPTIONS, "destinations": [RS1]},
            "services[0], destinations[0], value",
            "'10.0.0.1' is not a dictionary: write some of rip, rport, forward, weight",
        ),
        (
            {**WEB_OPTIONS, "destinations": [{}]},
            "services[0], destinations[0], rip",
            "is missing: name the real server's address",
        ),
        (
            {**WEB_OPTIONS, "destinations": [{"rip": RS1}, {"rip": RS2, "wieght": 1}]},
            "services[0], destinations[1], wieght",
            "1 is an unknown option: valid options are rip, rport, forward, weight",
        ),
        (
            {**WEB_OPTIONS, "destinations": [{"rip": RS1, "vip": "192.0.2.1"}]},
            "services[0], destinations[0], vip",
            "is an unknown option",
        ),
        (
            {**WEB_OPTIONS, "state": "absent", "destinations": [{"rip": RS1, "weight": -1}]},
            "services[0], destinations[0], weight",
            "-1 is not in 0..2147483647",
        ),
    ],
)
def test_bad_row(row: Any, option: str, says: str) -> None:
    """The message has the place."""
    with refused(option, says):
        parsed(listed(row))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"purge": "none", "purge_networks": ["192.0.2.0/24"]},
            "['192.0.2.0/24'] means nothing with purge=none: leave it out",
        ),
        ({"purge": "destinations", "purge_networks": []}, "[] means nothing with purge=destinations: leave it out"),
        ({"purge": "services", "purge_networks": ["192.0.2.0/33"]}, "'192.0.2.0/33' is not a network ("),
        ({"purge": "services", "purge_networks": ["192.0.2.1/24"]}, "has host bits set): write one like 192.0.2.0/24"),
        ({"purge": "services", "purge_networks": ["192.0.2.0/24", "web"]}, "'web' is not a network ("),
    ],
)
def test_bad_networks(options: dict[str, Any], says: str) -> None:
    """Before anything is read."""
    with refused("purge_networks", says):
        parsed(listed(WEB_OPTIONS, **options))


def test_everything_that_is_wrong_at_once() -> None:
    """Of the networks, then of each service and its destinations, with their places."""
    rows = [
        {**WEB_OPTIONS, "scheduler": "WRR", "persistence_timeout": -1},
        {**DNS_OPTIONS, "destinations": [{"rip": RS1, "weight": "heavy", "forward": "magic"}, {"rip": "rs2"}, {"rip": RS3}]},
        "web",
        {**MARK_OPTIONS, "destinations": [{"rip": RS1, "wieght": 1}]},
        {"port": 80},
    ]
    with all_refused(
        "purge_networks: 'web' is not a network",
        "services[0], scheduler: 'WRR' is not a scheduler's name",
        "services[0], persistence_timeout: -1 is not in",
        "services[1], destinations[0], weight: 'heavy' is not a whole number",
        "services[1], destinations[0], forward: 'magic' is not one of",
        "services[1], destinations[1], rip: 'rs2' is not an IP address",
        "services[2], value: 'web' is not a dictionary",
        "services[3], destinations[0], wieght: 1 is an unknown option",
        "services[4], vip: is missing",
    ):
        parsed(listed(*rows, purge="services", purge_networks=["web"]))


@pytest.mark.parametrize("fault", [{"vip": "2001:db8::g"}, {"port": "http"}, {"scheduler_flags": ["port"]}])
def test_fault_of_a_service_is_none_of_its_destinations(fault: dict[str, Any]) -> None:
    row = {"vip": "2001:db8::1", "port": 80, "destinations": [{"rip": "2001:db8::b7", "forward": "route"}], **fault}
    (option,) = fault
    with refused(f"services[0], {option}", ""):
        parsed(listed(row))


def test_rules_name_the_place_too() -> None:
    """What cannot go together, in the list or with what is there."""
    rows = [
        {**WEB_OPTIONS, "destinations": [{"rip": RS1, "weight": 0, "rport": 8080}, {"rip": RS2, "lower_threshold": 1}]},
        {**DNS_OPTIONS, "persistence_netmask": 24, "destinations": [{"rip": RS1, "tunnel_type": "gue"}]},
    ]
    options = listed(*rows)
    with all_refused(
        "services[0], destinations[1], lower_threshold: 1 is above upper_threshold=0",
        "services[0], destinations[0], rport: 8080 differs from the service's port 80",
        "services[1], persistence_netmask: 255.255.255.0 needs persistence",
        "services[1], destinations[0], tunnel_port: is missing: tunnel_type=gue needs",
    ):
        reconciled(planned(options, {}), {})
    current = table(Service(DNS, persistence_timeout=1), at(DNS, RS1, tunnel_port=6080))
    with all_refused("services[0], destinations[1], lower_threshold", "services[0], destinations[0], rport"):
        reconciled(planned(options, current), current)


def test_listed_twice() -> None:
    """However it is written, and in whatever state; the same real server may be in two services."""
    rows = [
        {**WEB_OPTIONS, "destinations": [{"rip": RS1}, {"rip": RS2}, {"rip": RS1, "rport": 80, "state": "absent"}]},
        {**WEB6_OPTIONS, "destinations": [{"rip": "2001:db8::b7"}, {"rip": "2001:DB8:0::b7"}]},
        {**DNS_OPTIONS, "destinations": [{"rip": RS1}, {"rip": RS1, "rport": 5353, "forward": "masquerade"}]},
        {**WEB_OPTIONS, "protocol": "tcp", "state": "absent"},
        {**WEB_OPTIONS, "protocol": "udp"},
        {**MARK_OPTIONS, "family": "ipv6"},
        MARK_OPTIONS,
        {**MARK_OPTIONS, "family": "ipv4"},
    ]
    with all_refused(
        "services[0], destinations[2]: -t 192.0.2.1:80 -r 10.0.0.1 is services[0], destinations[0] already: list it once",
        "services[1], destinations[1]: -t [2001:db8::1]:80 -r 2001:db8::b7 is services[1], destinations[0] already",
        "services[3]: -t 192.0.2.1:80 is services[0] already: list it once",
        "services[7]: -f 7 is services[6] already: list it once",
    ):
        parsed(listed(*rows))


def test_destinations_of_a_service_that_is_listed_twice() -> None:
    """They may be the same ones: what is wrong is the service."""
    row = {**WEB_OPTIONS, "destinations": [{"rip": RS1}]}
    with all_refused(
        "services[1]: -t 192.0.2.1:80 is services[0] already",
        "services[1], destinations[0]: -t 192.0.2.1:80 -r 10.0.0.1 is services[0], destinations[0] already",
    ):
        parsed(listed(row, row))


# ----- what goes beside it

CURRENT = table(
    Service(WEB), at(WEB, RS1), at(WEB, RS2),
    Service(DNS), at(DNS, RS1),
    Service(FAR), at(FAR, RS1),
    Service(WEB6), at(WEB6, "2001:db8::b7"),
    Service(MARK), at(MARK, RS1),
)  # fmt: skip
ONE_OF_WEB = {**WEB_OPTIONS, "destinations": [{"rip": RS1}]}
OTHERS_OF_WEB = ["-d -t 192.0.2.1:80 -r 10.0.0.2:80"]
ALL_OF_DNS = ["-d -u 192.0.2.2:53 -r 10.0.0.1:53", "-D -u 192.0.2.2:53"]
ALL_OF_FAR = ["-d -t 198.51.100.1:80 -r 10.0.0.1:80", "-D -t 198.51.100.1:80"]
ALL_OF_WEB6 = ["-d -t [2001:db8::1]:80 -r [2001:db8::b7]:80", "-D -t [2001:db8::1]:80"]
ALL_OF_MARK = ["-d -f 7 -r 10.0.0.1:0", "-D -f 7"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (listed(ONE_OF_WEB), []),
        (listed(ONE_OF_WEB, purge="destinations"), OTHERS_OF_WEB),
        (
            listed({**WEB_OPTIONS, "destinations": []}, purge="destinations"),
            [*OTHERS_OF_WEB, "-d -t 192.0.2.1:80 -r 10.0.0.1:80"],
        ),
        (listed(WEB_OPTIONS, purge="destinations"), []),
        (listed({**WEB_OPTIONS, "destinations": None}, purge="destinations"), []),
        (
            listed({**WEB_OPTIONS, "state": "absent"}),
            [*OTHERS_OF_WEB, "-d -t 192.0.2.1:80 -r 10.0.0.1:80", "-D -t 192.0.2.1:80"],
        ),
        (
            listed(ONE_OF_WEB, purge="services"),
            [*ALL_OF_MARK, *ALL_OF_WEB6, *ALL_OF_FAR, *ALL_OF_DNS, *OTHERS_OF_WEB],
        ),
        (listed(WEB_OPTIONS, purge="services"), [*ALL_OF_MARK, *ALL_OF_WEB6, *ALL_OF_FAR, *ALL_OF_DNS]),
        (listed(ONE_OF_WEB, purge="services", purge_networks=["192.0.2.0/24"]), [*ALL_OF_DNS, *OTHERS_OF_WEB]),
        (
            listed(ONE_OF_WEB, purge="services", purge_networks=["192.0.2.2/32", "2001:db8::/64"]),
            [*ALL_OF_WEB6, *ALL_OF_DNS, *OTHERS_OF_WEB],
        ),
        (listed(ONE_OF_WEB, purge="services", purge_networks=[" 198.51.100.1 "]), [*ALL_OF_FAR, *OTHERS_OF_WEB]),
        (
            listed(ONE_OF_WEB, purge="services", purge_networks=["0.0.0.0/0", "::/0"]),
            [*ALL_OF_WEB6, *ALL_OF_FAR, *ALL_OF_DNS, *OTHERS_OF_WEB],
        ),
        (listed(ONE_OF_WEB, purge="services", purge_networks=[]), OTHERS_OF_WEB),
        (listed(purge="services", purge_networks=["192.0.2.2/32"]), ALL_OF_DNS),
        (listed(purge="destinations"), []),
    ],
)  # fmt: skip
def test_purge(options: dict[str, Any], expected: list[str]) -> None:
    """What is listed bounds it: nothing, the other destinations of a service, other services of a network, or all."""
    assert lines(options, CURRENT) == expected


def test_listed_service_outside_the_networks() -> None:
    """The networks bound which services go, not whose destinations do."""
    rows = {"vip": "198.51.100.1", "port": 80, "destinations": [{"rip": RS2}]}
    options = listed(rows, purge="services", purge_networks=["203.0.113.0/24"])
    assert lines(options, CURRENT) == ["-a -t 198.51.100.1:80 -r 10.0.0.2:80 -i -w 1", "-d -t 198.51.100.1:80 -r 10.0.0.1:80"]


def test_same_real_server_on_another_port_goes() -> None:
    """It is another destination; the new one comes before the old one goes."""
    row = {**WEB_OPTIONS, "destinations": [{"rip": RS1, "rport": 8080, "forward": "masquerade"}]}
    assert lines(listed(row, purge="destinations"), table(Service(WEB), at(WEB, RS1))) == [
        "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1",
        "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
    ]


def test_everything_comes_before_anything_goes() -> None:
    """Services before their destinations, and a destination before its service."""
    options = listed(
        {**WEB_OPTIONS, "scheduler": "rr", "destinations": [{"rip": RS3}]},
        {"vip": "192.0.2.3", "port": 80, "destinations": [{"rip": RS1}]},
        purge="services",
        purge_networks=["192.0.2.0/24"],
    )
    assert lines(options, CURRENT) == [
        "-E -t 192.0.2.1:80 -s rr",
        "-a -t 192.0.2.1:80 -r 10.0.0.3:80 -i -w 1",
        "-A -t 192.0.2.3:80 -s wlc",
        "-a -t 192.0.2.3:80 -r 10.0.0.1:80 -i -w 1",
        "-d -u 192.0.2.2:53 -r 10.0.0.1:53",
        "-D -u 192.0.2.2:53",
        "-d -t 192.0.2.1:80 -r 10.0.0.2:80",
        "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
    ]


def test_what_goes_is_next_to_its_service() -> None:
    """In a diff, each destination is shown with its service, whoever is listed."""
    options = listed(ONE_OF_WEB, DNS_OPTIONS, purge="services", purge_networks=["198.51.100.0/24"])
    wanted = planned(options, CURRENT)
    assert [item.key for item in wanted] == [WEB, at(WEB, RS1).key, at(WEB, RS2).key, DNS, FAR, at(FAR, RS1).key]


# ----- for any table and any list

NAMES: list[dict[str, Any]] = [WEB_OPTIONS, DNS_OPTIONS, MARK_OPTIONS, WEB6_OPTIONS, {"vip": "198.51.100.1", "port": 80}]
SERVERS = [RS1, RS2, RS3, "2001:db8::b7"]  # either family, as all are reached by tunnel
schedulers = st.sampled_from(["rr", "wlc", "sh"])
counts = st.integers(0, 2)


@st.composite
def tables(draw: st.DrawFn) -> dict[Any, Any]:
    """What there may be."""
    current: dict[Any, Any] = {}
    for options in draw(st.permutations(NAMES)):
        if draw(st.booleans()):
            service = ServiceKey.of(options)
            current[service] = Service(service, draw(schedulers), persistence_timeout=draw(counts))
            for rip in draw(st.lists(st.sampled_from(SERVERS), unique=True)):
                destination = at(service, rip, weight=draw(counts), upper_threshold=draw(counts))
                current[destination.key] = destination
    return current


@st.composite
def lists(draw: st.DrawFn) -> dict[str, Any]:
    """What may be asked for, of what can be asked for."""
    state = {"state": st.sampled_from(["present", "present", "absent"])}
    row = {**state, "weight": counts, "upper_threshold": counts}
    rows = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique_by=str)):
        fields = draw(st.fixed_dictionaries({}, optional={**state, "scheduler": schedulers, "persistence_timeout": counts}))
        if draw(st.booleans()):
            servers = draw(st.lists(st.sampled_from(SERVERS), unique=True))
            fields["destinations"] = [{"rip": rip, **draw(st.fixed_dictionaries({}, optional=row))} for rip in servers]
        rows.append({**name, **fields})
    purge = draw(st.sampled_from(["none", "destinations", "services"]))
    networks = None
    if purge == "services":
        networks = draw(st.none() | st.lists(st.sampled_from(["192.0.2.0/24", "192.0.2.2/32", "2001:db8::/32", "0.0.0.0/0"])))
    return listed(*rows, purge=purge, purge_networks=networks, keep_weights=draw(st.booleans()))


def goes(options: dict[str, Any], service: ServiceKey) -> bool:
    """Whether a service that is not listed goes."""
    if options["purge"] != "services":
        return False
    networks = options["purge_networks"]
    return networks is None or any(service.vip in ip_network(network) for network in networks if service.vip)


def row_of(options: dict[str, Any], service: ServiceKey) -> dict[str, Any] | None:
    """The row that names a service."""
    return next((row for row in options["services"] if ServiceKey.of(row) == service), None)


def expected(options: dict[str, Any], current: dict[Any, Any]) -> dict[Any, Any]:
    """The table that the options ask for, service by service, in plain words."""
    after = {}
    for service in map(ServiceKey.of, NAMES):
        there = {key: item for key, item in current.items() if key == service or getattr(key, "service", None) == service}
        row = row_of(options, service)
        if row is None:
            after.update({} if goes(options, service) else there)
            continue
        if row.get("state") == "absent":
            continue
        given: dict[str, Any] = {name: row[name] for name in ("scheduler", "persistence_timeout") if name in row}
        after[service] = replace(there.get(service, Service(service)), **given)
        destinations = {key: item for key, item in there.items() if key != service}
        if options["purge"] != "none" and "destinations" in row:
            listed_keys = {at(service, destination["rip"]).key for destination in row["destinations"]}
            destinations = {key: item for key, item in destinations.items() if key in listed_keys}
        for destination in row.get("destinations", []):
            key = at(service, destination["rip"]).key
            if destination.get("state") == "absent":
                destinations.pop(key, None)
                continue
            given = {name: destination[name] for name in ("weight", "upper_threshold") if name in destination}
            if key in destinations and options["keep_weights"]:
                given.pop("weight", None)
            destinations[key] = replace(destinations.get(key, at(service, destination["rip"])), **given)
        after.update(destinations)
    return after


@given(lists(), tables())
def test_any_list_over_any_table(options: dict[str, Any], current: dict[Any, Any]) -> None:
    """The table becomes what the list asks for, nothing is left for a second run, and nothing else is touched."""
    changes = reconciled(planned(options, current), current)
    after = applied(changes, current)
    assert after == expected(options, current)
    assert reconciled(planned(options, after), after) == []
    assert all(change.before == current.get(change.item.key) for change in changes)
    assert len({change.item.key for change in changes}) == len(changes)


def destinations_of(items: dict[Any, Any], service: ServiceKey) -> int:
    """How many there are."""
    return sum(isinstance(key, DestinationKey) and key.service == service for key in items)


@given(lists(), tables())
def test_every_step_of_the_way(options: dict[str, Any], current: dict[Any, Any]) -> None:
    """No destination is without its service; no service that stays, and has destinations in the end, is ever without one."""
    changes = reconciled(planned(options, current), current)
    end = applied(changes, current)
    serving = [
        key for key in current if key in end and not isinstance(key, DestinationKey)
        and destinations_of(current, key) and destinations_of(end, key)
    ]  # fmt: skip
    items = current
    for change in changes:
        items = applied([change], items)
        assert all(destinations_of(items, service) for service in serving)
        assert all(key.service in items for key in items if isinstance(key, DestinationKey))


@given(lists(), tables())
def test_services_that_are_not_listed_need_not_be_read(options: dict[str, Any], current: dict[Any, Any]) -> None:
    """Unless they are purged: what is wanted is the same without them."""
    if options["purge"] == "services":
        options = {**options, "purge": "destinations", "purge_networks": None}
    named = {ServiceKey.of(row) for row in options["services"]}
    read = {key: item for key, item in current.items() if (key.service if isinstance(key, DestinationKey) else key) in named}
    changes: list[Change[Any]] = reconciled(planned(options, read), read)
    assert changes == reconciled(planned(options, current), current)


# ----- what is drained

LISTED = listed({**WEB_OPTIONS, "destinations": [{"rip": RS1, "weight": 5, "upper_threshold": 9}, {"rip": RS2, "weight": 6}]})
DRAINED = table(
    Service(WEB), at(WEB, RS1, weight=0, former_weight=3), at(WEB, RS2, weight=6), at(WEB, RS3, weight=0, former_weight=1)
)


def test_what_is_drained_stays_so() -> None:
    """Whatever weight is listed, or none; the rest of the row counts."""
    assert lines(LISTED, DRAINED) == ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 0 -x 9"]
    after = applied(reconciled(planned(LISTED, DRAINED), DRAINED), DRAINED)
    assert after[at(WEB, RS1).key].former_weight == 3
    without = listed({**WEB_OPTIONS, "destinations": [{"rip": RS1}]}, keep_weights=True)
    assert lines(without, DRAINED) == []


def test_what_is_drained_goes_like_any_other() -> None:
    """Where it is listed as absent, and where it is purged."""
    absent = listed({**WEB_OPTIONS, "destinations": [{"rip": RS1, "state": "absent"}]})
    assert lines(absent, DRAINED) == ["-d -t 192.0.2.1:80 -r 10.0.0.1:80"]
    assert "-d -t 192.0.2.1:80 -r 10.0.0.3:80" in lines({**LISTED, "purge": "destinations"}, DRAINED)


def test_list_that_ends_a_drain() -> None:
    """With the weight that it has, or the former one."""
    assert lines({**LISTED, "keep_drained": False}, DRAINED) == ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 5 -x 9"]
    without = listed({**WEB_OPTIONS, "destinations": [{"rip": RS1}]}, keep_drained=False)
    assert lines(without, DRAINED) == ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 3"]


def test_drained_is_reported() -> None:
    """What the list has, with a warning that says how it comes back; other destinations are not its concern."""
    both = {**DRAINED, at(WEB, RS2).key: at(WEB, RS2, weight=0, former_weight=6)}
    backwards = dict(reversed(both.items()))  # the kernel's order is any
    assert [destination["rip"] for destination in result(LISTED, backwards)["drained"]] == [RS1, RS2]
    found = result(LISTED, DRAINED)
    assert found["drained"] == [at(WEB, RS1, weight=0, former_weight=3, upper_threshold=9).facts()]
    (warning,) = found["warnings"]
    assert warning.startswith("drained, and left so: -t 192.0.2.1:80 -r 10.0.0.1:80. ")
    assert "lvs.cluster.restore, or lvs.cluster.ipvs_dest with rip=10.0.0.1 and state=present" in warning
    assert result(listed(WEB_OPTIONS), DRAINED) == NOTHING
    assert result(LISTED, table(Service(WEB), at(WEB, RS1, weight=0))) == NOTHING


# ----- what is purged


@pytest.mark.parametrize(
    ("options", "services"),
    [
        (listed(ONE_OF_WEB, purge="services"), [WEB6, DNS, FAR, MARK]),
        (listed(ONE_OF_WEB, DNS_OPTIONS, purge="services", purge_networks=["192.0.2.0/24", "2001:db8::/32"]), [WEB6]),
        (listed({**WEB_OPTIONS, "state": "absent"}, purge="services", purge_networks=["198.51.100.0/24"]), [FAR]),
        (listed({**WEB_OPTIONS, "state": "absent"}, purge="destinations"), []),
        (listed({**WEB_OPTIONS, "destinations": []}, purge="destinations"), []),
        (listed(ONE_OF_WEB), []),
    ],
)
def test_purged_services_are_reported(options: dict[str, Any], services: list[ServiceKey]) -> None:
    """In the order of ipvs_info; not those that are listed as absent, and no destinations."""
    in_order = sorted(services, key=lambda service: service.order)
    assert result(options, CURRENT) == {**NOTHING, "purged": [service.facts() for service in in_order]}


def test_nothing_is_purged_twice() -> None:
    options = listed(ONE_OF_WEB, purge="services")
    after = applied(reconciled(planned(options, CURRENT), CURRENT), CURRENT)
    assert result(options, after) == NOTHING


# ----- services that are held back

GUE = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE = {"tunnel_type": "gre"}
TO_GUE = {**WEB_OPTIONS, "scheduler": "rr", "destinations": [{"rip": RS1, **GUE}, {"rip": RS2, **GUE, "weight": 7}]}


def held(options: dict[str, Any], current: dict[Any, Any]) -> list[tuple[Any, list[str], bool]]:
    """The services that are held back: VIP or mark, with the real servers, and whether they exist."""
    rows = result(options, current)["held_back"]
    return [(row.get("vip", row.get("fwmark")), row["rips"], row["exists"]) for row in rows]


@pytest.mark.parametrize(
    ("current", "row", "prepared"),
    [
        # A destination that is new here.
        (None, {}, True),
        (None, {"weight": 0}, True),
        (None, GUE, True),
        (None, {"forward": "route"}, True),
        (None, {"forward": "masquerade"}, False),
        (None, {"forward": "masquerade", "rport": 8080}, False),
        (None, {"forward": "local"}, False),
        (None, {"state": "absent"}, False),
        # One that changes for the real server.
        ({}, GUE, True),
        ({}, GRE, True),
        ({}, {"forward": "route"}, True),
        ({"forward": "route"}, {"forward": "tunnel"}, True),
        ({"forward": "masquerade"}, {"forward": "tunnel"}, True),
        ({"forward": "masquerade"}, {"forward": "route"}, True),
        ({"forward": "local"}, {"forward": "route"}, True),
        (GUE, {"tunnel_port": 6081}, True),
        (GUE, {"tunnel_checksum": "checksum"}, True),
        (GUE, {"tunnel_type": "ipip"}, True),
        (GUE, GRE, True),
        (GUE, {"forward": "route"}, True),
        ({"weight": 0, "former_weight": 3}, GUE, True),
        # One that does not: as given, and merged with the kernel's.
        ({}, {}, False),
        ({}, {"forward": "tunnel", "tunnel_type": "ipip", "tunnel_checksum": "none"}, False),
        (GUE, {}, False),
        (GUE, {**GUE, "tunnel_checksum": "none"}, False),
        ({"forward": "route"}, {}, False),
        ({}, {"weight": 0}, False),
        ({"weight": 0, "former_weight": 3}, {"weight": 9}, False),
        ({}, {"upper_threshold": 9, "lower_threshold": 3}, False),
        # One that the director rewrites from now on, and one that goes.
        ({}, {"forward": "masquerade"}, False),
        (GUE, {"forward": "masquerade"}, False),
        ({"forward": "route"}, {"forward": "local"}, False),
        (GUE, {"forward": "local"}, False),
        ({"forward": "masquerade"}, {"forward": "local"}, False),
        (GUE, {**GRE, "state": "absent"}, False),
    ],
)
@pytest.mark.parametrize("keep_drained", [True, False])
def test_who_has_to_be_prepared(
    current: dict[str, Any] | None, row: dict[str, Any], prepared: bool, keep_drained: bool
) -> None:
    """Whoever gets packets for the VIP in a way that is new to it. Otherwise, all is changed as if it were prepared."""
    items = table(Service(WEB), at(WEB, RS2), *([] if current is None else [at(WEB, RS1, **current)]))
    options = listed({**WEB_OPTIONS, "scheduler": "rr", "destinations": [{"rip": RS1, **row}]}, keep_drained=keep_drained)
    unprepared = {**options, "unprepared": [RS1]}
    assert held(unprepared, items) == ([("192.0.2.1", [RS1], True)] if prepared else [])
    assert lines(unprepared, items) == ([] if prepared else lines(options, items))
    assert lines(options, items) == lines({**options, "unprepared": [RS2, RS3]}, items) != []


def test_service_that_is_held_back_is_left_whole() -> None:
    """Its own options, its other destinations, and what would be purged of it; the rest of the table is changed."""
    current = table(Service(WEB), at(WEB, RS1), at(WEB, RS2), at(WEB, RS3), Service(DNS), at(DNS, RS1), Service(FAR))
    dns = {**DNS_OPTIONS, "destinations": [{"rip": RS1, "weight": 4}]}
    options = listed(TO_GUE, dns, purge="services", unprepared=[f" {RS1} "])
    assert lines(options, current) == ["-e -u 192.0.2.2:53 -r 10.0.0.1:53 -i -w 4", "-D -t 198.51.100.1:80"]
    warning = (
        "-t 192.0.2.1:80: left as it is, as real servers are not prepared for the change: 10.0.0.1. Run it again with these"
        " real servers"
    )
    assert result(options, current) == {
        **NOTHING,
        "held_back": [{"vip": "192.0.2.1", "port": 80, "protocol": "tcp", "rips": [RS1], "exists": True}],
        "purged": [FAR.facts()],
        "warnings": [warning],
    }


def test_change_that_needs_no_preparation_is_made() -> None:
    """A weight of an unprepared real server, also next to a new one that is prepared; and the removal of the service."""
    row = {**WEB_OPTIONS, "destinations": [{"rip": RS1, "weight": 5}, {"rip": RS2}]}
    current = table(Service(WEB), at(WEB, RS1))
    assert lines(listed(row, unprepared=[RS1]), current) == [
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -i -w 5",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -i -w 1",
    ]
    assert held(listed({**TO_GUE, "state": "absent"}, unprepared=[RS1, RS2]), current) == []
    assert lines(listed({**TO_GUE, "state": "absent"}, unprepared=[RS1, RS2]), current)[-1] == "-D -t 192.0.2.1:80"
    assert lines(listed(purge="services", unprepared=[RS1]), current)[-1] == "-D -t 192.0.2.1:80"


def test_all_real_servers_that_have_to_be_prepared_are_named() -> None:
    """Each once, with the services in the order of the list; a real server with a mark or in the other family, too."""
    twice = [{"rip": "2001:db8::b7"}, {"rip": RS2, "rport": 8080, "forward": "masquerade"}, {"rip": RS1}, {"rip": RS3}]
    rows = [{**MARK_OPTIONS, "destinations": [{"rip": RS1}]}, {**WEB_OPTIONS, "destinations": twice}, DNS_OPTIONS]
    options = listed(*rows, unprepared=["2001:DB8:0::b7", RS1, RS2])
    assert held(options, table(Service(WEB))) == [(7, [RS1], False), ("192.0.2.1", ["2001:db8::b7", RS1], True)]
    first, second = result(options, {})["warnings"]
    assert first.startswith("-f 7: left as it is, as real servers are not prepared for the change: 10.0.0.1. ")
    assert ": 2001:db8::b7, 10.0.0.1. " in second


@pytest.mark.parametrize(
    ("services", "current", "options", "vips"),
    [
        ([TO_GUE], {}, {}, ["192.0.2.1"]),
        ([TO_GUE, {**TO_GUE, "port": 443}], {}, {}, ["192.0.2.1"]),
        ([TO_GUE], table(Service(WEB), at(WEB, RS1)), {}, []),
        ([TO_GUE, {**TO_GUE, "port": 443}], table(Service(WEB), at(WEB, RS1)), {}, []),
        # Another service has the VIP: one that is created by the same list, or one that was there.
        ([TO_GUE, {**WEB_OPTIONS, "port": 443}], {}, {}, []),
        ([TO_GUE], table(Service(ServiceKey.of({**WEB_OPTIONS, "port": 443}))), {"purge": "destinations"}, []),
        # It has it no longer.
        ([TO_GUE], table(Service(ServiceKey.of({**WEB_OPTIONS, "port": 443}))), {"purge": "services"}, ["192.0.2.1"]),
        (
            [TO_GUE, {**WEB_OPTIONS, "port": 443, "state": "absent"}],
            table(Service(ServiceKey.of({**WEB_OPTIONS, "port": 443}))), {}, ["192.0.2.1"],
        ),
        # It has no VIP.
        ([{**MARK_OPTIONS, "destinations": [{"rip": RS1}]}], {}, {}, []),
    ],
)  # fmt: skip
def test_vips_without_a_service(
    services: list[Any], current: dict[Any, Any], options: dict[str, Any], vips: list[str]
) -> None:
    """A director should not get them yet."""
    assert result(listed(*services, unprepared=[RS1], **options), current)["held_back_vips"] == vips


def test_bad_unprepared() -> None:
    """With what is wrong elsewhere."""
    with all_refused(
        "unprepared[0]: 'rs1' is not an IP address",
        "unprepared[2]: 224.0.0.1 is not a unicast address",
        "services[0], scheduler: 'WRR' is not a scheduler's name",
    ):
        parsed(listed({**WEB_OPTIONS, "scheduler": "WRR"}, unprepared=["rs1", RS1, "224.0.0.1"]))


@given(lists(), tables(), st.sets(st.sampled_from(SERVERS)))
def test_any_unprepared(options: dict[str, Any], current: dict[Any, Any], unprepared: set[str]) -> None:
    """A service is changed as if all were prepared, or not at all; what is returned is the same after the changes."""
    without = reconciled(planned(options, current), current)
    options = {**options, "unprepared": sorted(unprepared)}
    changes = reconciled(planned(options, current), current)
    returned = result(options, current)
    services = [ServiceKey.from_facts(row) for row in returned["held_back"]]
    kept = [change for change in without if getattr(change.item.key, "service", change.item.key) not in services]
    assert changes == kept
    # In these tables, all is tunnelled the same way: what a real server has to be prepared for is a new destination.
    new = {
        (change.item.key.service, str(change.item.key.rip)) for change in without
        if change.action == "add" and isinstance(change.item, Destination) and str(change.item.key.rip) in unprepared
    }  # fmt: skip
    assert {(service, rip) for service, row in zip(services, returned["held_back"]) for rip in row["rips"]} == new
    after = applied(changes, current)
    again = result(options, after)
    assert {**returned, "purged": []} == again
    assert reconciled(planned(options, after), after) == []
