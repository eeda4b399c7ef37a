# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services and destinations: options to items, items to ipvsadm's rules."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Change
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import codec, model
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_dest import IpvsDest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.ipvs_service import IpvsService
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SyncDaemon,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    DESTINATION,
    SCHEDULERS,
    SERVICE,
    SERVICE_KEY,
)
from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel
from tests.unit.helpers import all_refused, reconciled, refused
from tests.unit.strategies import destinations, services, valid_destinations, valid_services

VIP, RIP = "192.168.56.185", "192.168.56.183"
WEB = ServiceKey(family=4, protocol="tcp", vip=ip_address(VIP), port=80)
WEB6 = ServiceKey(family=6, protocol="udp", vip=ip_address("2001:db8::b9"), port=53)
SIP = ServiceKey(family=4, protocol="udp", vip=ip_address(VIP), port=5060)
ANY_PORT = ServiceKey(family=4, protocol="tcp", vip=ip_address(VIP), port=0)
MARK = ServiceKey(family=4, fwmark=7)
MARK6 = ServiceKey(family=6, fwmark=7)
WEB_OPTIONS = {"vip": VIP, "port": 80}
WEB6_OPTIONS = {"vip": "2001:db8::b9", "port": 53, "protocol": "udp"}


def wanted_service(options: dict[str, Any]) -> Any:
    """The service that the options describe."""
    return IpvsService().parse(options).wanted


def wanted_destination(options: dict[str, Any]) -> Any:
    """The destination that the options describe."""
    return IpvsDest().parse(options).wanted


SIP_OPTIONS = {"vip": VIP, "port": 5060, "protocol": "udp"}
RS1 = DestinationKey(WEB, ip_address(RIP), 80)
RS1_OPTIONS = {**WEB_OPTIONS, "rip": RIP}


# ----- what identifies a service


@pytest.mark.parametrize(
    ("options", "key", "facts"),
    [
        (WEB_OPTIONS, WEB, {"vip": VIP, "port": 80, "protocol": "tcp"}),
        (
            {"vip": "2001:db8:0::b9", "port": "53", "protocol": "udp", "fwmark": None, "family": None},
            WEB6,
            {"vip": "2001:db8::b9", "port": 53, "protocol": "udp"},
        ),
        ({"vip": VIP, "port": 0, "family": "ipv4"}, ANY_PORT, {"vip": VIP, "port": 0, "protocol": "tcp"}),
        ({**WEB6_OPTIONS, "family": "ipv6"}, WEB6, {"vip": "2001:db8::b9", "port": 53, "protocol": "udp"}),
        ({"fwmark": 7, "vip": None, "port": None, "protocol": "tcp"}, MARK, {"fwmark": 7, "family": "ipv4"}),
        ({"fwmark": "7", "family": "ipv4"}, MARK, {"fwmark": 7, "family": "ipv4"}),
        ({"fwmark": 7, "family": "ipv6"}, MARK6, {"fwmark": 7, "family": "ipv6"}),
        ({"fwmark": 4294967295}, ServiceKey(4, fwmark=4294967295), {"fwmark": 4294967295, "family": "ipv4"}),
    ],
)
def test_key(options: dict[str, Any], key: ServiceKey, facts: dict[str, Any]) -> None:
    """By VIP and port, or by a mark and its family; the facts are options again."""
    assert ServiceKey.of(options) == key
    assert key.facts() == facts
    assert ServiceKey.of(facts) == key


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, "vip", "is missing: name the service by vip and port, or by fwmark"),
        ({"port": 80}, "vip", "is missing: name the service by vip and port, or by fwmark"),
        ({"family": "ipv6"}, "vip", "is missing: name the service by vip and port, or by fwmark"),
        ({**WEB_OPTIONS, "fwmark": 1}, "fwmark", f"1 cannot go with vip={VIP}: a service has one or the other"),
        ({"fwmark": 1, "port": 80}, "port", "80 cannot go with fwmark: the mark alone identifies the service"),
        ({"fwmark": 1, "port": 0}, "port", "0 cannot go with fwmark: the mark alone identifies the service"),
        ({"fwmark": 0}, "fwmark", "0 is not in 1..4294967295"),
        ({"fwmark": 4294967296}, "fwmark", "4294967296 is not in 1..4294967295"),
        ({"fwmark": "red"}, "fwmark", "is not a whole number"),
        ({"fwmark": 1, "family": "inet6"}, "family", "'inet6' is not one of ipv4, ipv6"),
        ({**WEB_OPTIONS, "family": "ipv6"}, "family", f"ipv6 is not that of vip={VIP}: leave it out, it is for fwmark"),
        ({**WEB6_OPTIONS, "family": "ipv4"}, "family", "ipv4 is not that of vip=2001:db8::b9: leave it out"),
        ({"vip": VIP}, "port", "is missing: a service with a vip needs its port"),
        ({"vip": VIP, "port": -1}, "port", "-1 is not in 0..65535"),
        ({"vip": VIP, "port": 65536}, "port", "65536 is not in 0..65535"),
        ({"vip": "web", "port": 80}, "vip", "is not an IP address: write one like"),
        ({**WEB_OPTIONS, "protocol": "icmp"}, "protocol", "is not one of tcp, udp, sctp"),
        ({**WEB_OPTIONS, "protocol": ""}, "protocol", "'' is not one of tcp, udp, sctp"),
    ],
)
def test_bad_key(options: dict[str, Any], option: str, says: str) -> None:
    """The same for a service and for a destination of it."""
    with refused(option, says):
        wanted_service(options)
    with refused(option, says):
        wanted_destination({"state": "absent", **options, "rip": RIP})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"vip": "224.0.0.81", "port": 80}, "vip", "is not a unicast address"),
        ({"vip": VIP, "port": 80, "protocol": "47"}, "protocol", "'47' is not one of tcp, udp, sctp"),
    ],
)
def test_key_of_a_service_that_can_only_exist(options: dict[str, Any], option: str, says: str) -> None:
    """It is no fault where it exists: only a new service is refused."""
    (wanted,) = wanted_service({**options, "scheduler": "rr"})
    with refused(option, says):
        reconciled([wanted], {})
    there = Service(wanted.key, scheduler="wrr")
    assert reconciled([wanted], {wanted.key: there}) == [Change(there, replace(there, scheduler="rr"))]
    assert reconciled(wanted_service({**options, "state": "absent"}), {wanted.key: there}) == [Change(there, None)]


# ----- the options of a service


@pytest.mark.parametrize("name", ["", "WLC", "w l c", "ip_vs/../x", "sixteen-letters-", "rr\n", 5.0])
def test_bad_scheduler(name: object) -> None:
    """The message has those that there are; it would be a part of a kernel module's name."""
    with refused("scheduler", "is not a scheduler's name: rr, wrr, lc, wlc"):
        wanted_service({**WEB_OPTIONS, "scheduler": name})


@pytest.mark.parametrize("name", [*SCHEDULERS, "none", "my_own-1", "fifteen-letters"])
def test_scheduler(name: str) -> None:
    """Those that are documented, and any other that a kernel may have."""
    assert wanted_service({**WEB_OPTIONS, "scheduler": name})[0].given == {"scheduler": name}


@pytest.mark.parametrize(
    ("scheduler", "flags", "bits"),
    [
        ("rr", [], 0),
        ("rr", ["flag-1"], 0x8),
        ("rr", ["flag-2"], 0x10),
        ("rr", ["flag-3"], 0x20),
        ("rr", ["flag-3", "flag-1", "flag-3"], 0x28),
        ("rr", ("flag-1",), 0x8),
        (None, ["flag-2"], 0x10),
        ("sh", ["fallback"], 0x8),
        ("sh", ["port"], 0x10),
        ("mh", ["fallback", "port"], 0x18),
        ("mh", ["fallback", "flag-1", "flag-3"], 0x28),
        ("mh", "port,fallback", 0x18),
        ("sh", "port, flag-3", 0x30),
        ("rr", "flag-1", 0x8),
    ],
)
def test_scheduler_flags(scheduler: str | None, flags: object, bits: int) -> None:
    """By the names that a scheduler gives them, or by those for any; a list, or one string as ipvsadm(8) takes it."""
    (wanted,) = wanted_service({**WEB_OPTIONS, "scheduler": scheduler, "scheduler_flags": flags})
    assert wanted.given["scheduler_flags"] == bits
    assert wanted.new
    assert wanted.new.scheduler_flags == bits


@pytest.mark.parametrize(
    ("scheduler", "flags", "says"),
    [
        ("sh", ["sh-port"], "'sh-port' is not one of fallback, port, flag-1, flag-2, flag-3"),
        ("sh", "port,", "'' is not one of fallback, port"),
        ("sh", [0x8], "'8' is not one of fallback, port"),
        ("sh", 0x8, "8 is not a list: of fallback, port, flag-1, flag-2, flag-3"),
        ("sh", {"port": True}, "is not a list"),
        ("rr", ["port"], "port is a flag of the schedulers sh and mh: name one of them as the scheduler, too"),
        (None, ["flag-1", "fallback"], "fallback is a flag of the schedulers sh and mh: name one of them"),
    ],
)
def test_bad_scheduler_flags(scheduler: str | None, flags: object, says: str) -> None:
    """Without the scheduler's name, another scheduler might take the flag for something else."""
    with refused("scheduler_flags", says):
        wanted_service({**WEB_OPTIONS, "scheduler": scheduler, "scheduler_flags": flags})


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"persistence_timeout": 300}, {"persistence_timeout": 300}),
        ({"persistence_timeout": "2678400"}, {"persistence_timeout": 2678400}),
        ({"persistence_netmask": "255.255.255.0"}, {"persistence_netmask": "255.255.255.0"}),
        ({"persistence_netmask": 24}, {"persistence_netmask": "255.255.255.0"}),
        ({"persistence_netmask": 32}, {"persistence_netmask": ""}),
        ({"persistence_engine": "sip"}, {"persistence_engine": "sip"}),
        ({"persistence_engine": "none"}, {"persistence_engine": ""}),
        ({"one_packet": "yes"}, {"one_packet": True}),
        ({"one_packet": False}, {"one_packet": False}),
        (
            {"persistence_timeout": 0},
            {"persistence_timeout": 0, "persistence_netmask": "", "persistence_engine": ""},
        ),
        (
            {"persistence_timeout": 0, "persistence_netmask": 24},
            {"persistence_timeout": 0, "persistence_netmask": "255.255.255.0", "persistence_engine": ""},
        ),
        ({"scheduler": None, "persistence_timeout": None, "state": None, "destinations": []}, {}),
    ],
)
def test_options_of_a_service(options: dict[str, Any], given: dict[str, Any]) -> None:
    """What is given is what is given, in one form; without persistence there is nothing that needs it."""
    (wanted,) = wanted_service({**WEB_OPTIONS, **options})
    assert (wanted.key, wanted.given) == (WEB, given)
    assert wanted.new == replace(Service(WEB), **given)


def test_netmask_has_the_family_of_the_service() -> None:
    """A length of 64 bits, or one of 32, which is the whole address of the other family."""
    for options in (WEB6_OPTIONS, {"fwmark": 7, "family": "ipv6"}):
        assert wanted_service({**options, "persistence_netmask": 64})[0].given == {"persistence_netmask": "64"}
        assert wanted_service({**options, "persistence_netmask": 32})[0].given == {"persistence_netmask": "32"}
        with refused("persistence_netmask", "is not a netmask of an IPv6 service"):
            wanted_service({**options, "persistence_netmask": "255.255.255.0"})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"persistence_timeout": -1}, "persistence_timeout", "-1 is not in 0..2678400"),
        ({"persistence_netmask": "24 bits"}, "persistence_netmask", "is not a netmask of an IPv4 service"),
        ({"persistence_engine": "ftp"}, "persistence_engine", "'ftp' is not one of none, sip"),
        ({"one_packet": "maybe"}, "one_packet", "is neither true nor false"),
        ({"state": "gone"}, "state", "'gone' is not one of present, absent"),
        ({"state": ""}, "state", "'' is not one of present, absent"),
    ],
)
def test_bad_option_of_a_service(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work, whatever the kernel holds."""
    with refused(option, says):
        wanted_service({**SIP_OPTIONS, **options})


@pytest.mark.parametrize(
    ("netmask", "says"), [("0.0.0.255", "has a gap"), ("255.0.255.0", "has a gap"), ("255.255.255.1", "has a gap")]
)
def test_netmask_with_a_gap(netmask: str, says: str) -> None:
    """It is refused where it is new."""
    there = Service(WEB, persistence_timeout=300, persistence_netmask=netmask)
    options = {**WEB_OPTIONS, "persistence_timeout": 300, "persistence_netmask": netmask}
    assert reconciled(wanted_service(options), {WEB: there}) == []
    with refused("persistence_netmask", says):
        reconciled(wanted_service(options), {WEB: replace(there, persistence_netmask="")})


def test_persistence_that_ipvsadm_cannot_restore() -> None:
    options = {**WEB_OPTIONS, "persistence_timeout": 2678401}
    with refused("persistence_timeout", "2678401 is not in 0..2678400"):
        reconciled(wanted_service(options), {})
    assert reconciled(wanted_service(options), {WEB: Service(WEB, persistence_timeout=2678401)}) == []


def test_all_bad_options_of_a_service_at_once() -> None:
    """The name of the service first."""
    bad = {"scheduler": "WLC", "persistence_timeout": -1, "one_packet": "maybe", "vip": "web", "port": 80, "state": "gone"}
    with all_refused(
        "vip: 'web' is",
        "scheduler: 'WLC' is",
        "persistence_timeout: -1 is",
        "one_packet: 'maybe' is",
        "state: 'gone' is",
    ):
        wanted_service(bad)


# ----- the rules of a service


@pytest.mark.parametrize(
    ("service", "option", "says"),
    [
        (
            Service(ANY_PORT),
            "port",
            "0 takes every port, for which the service has to be persistent: set persistence_timeout",
        ),
        (
            Service(WEB, persistence_netmask="255.0.0.0"),
            "persistence_netmask",
            "255.0.0.0 needs persistence: set persistence_timeout",
        ),
        (Service(MARK6, persistence_netmask="64"), "persistence_netmask", "64 needs persistence: set persistence_timeout"),
        (Service(SIP, persistence_engine="sip"), "persistence_engine", "sip needs persistence: set persistence_timeout"),
        (Service(MARK, persistence_engine="sip"), "persistence_engine", "sip needs persistence: set persistence_timeout"),
        (Service(WEB, one_packet=True), "one_packet", "true is for udp alone, and the service's protocol is tcp"),
        (
            Service(ServiceKey(4, "sctp", ip_address(VIP), 9), one_packet=True),
            "one_packet",
            "true is for udp alone, and the service's protocol is sctp",
        ),
        (
            Service(WEB, persistence_timeout=300, persistence_engine="sip"),
            "persistence_engine",
            "sip is for udp alone, and the service's protocol is tcp",
        ),
    ],
)
def test_service_that_cannot_work(service: Service, option: str, says: str) -> None:
    """The kernel takes it, and then does something else."""
    with refused(option, says):
        service.check()


@pytest.mark.parametrize(
    "service",
    [
        Service(WEB),
        Service(ANY_PORT, persistence_timeout=1),
        Service(MARK),
        Service(WEB, persistence_timeout=300, persistence_netmask="255.255.255.0"),
        Service(WEB6, persistence_timeout=300, persistence_netmask="64", persistence_engine="sip", one_packet=True),
        Service(SIP, one_packet=True),
        Service(MARK, persistence_timeout=300, persistence_engine="sip", one_packet=True),
        Service(WEB, persistence_timeout=300, persistence_engine="other"),
        Service(WEB, "sh", 0x38),
    ],
)
def test_service_that_works(service: Service) -> None:
    """A mark has no protocol, so that any may be meant; of other engines nothing is known."""
    service.check()


@pytest.mark.parametrize("key", [WEB, WEB6, MARK, MARK6])
def test_new_service_has_the_documented_defaults(key: ServiceKey) -> None:
    """Scheduler wlc, without persistence."""
    expected = Service(key, "wlc", 0, 0, "", "", one_packet=False)
    assert reconciled(wanted_service(key.facts()), {}) == [Change(None, expected)]


def test_service_keeps_what_the_options_leave_out() -> None:
    """Persistence, flags and engine stay when the scheduler changes; naming the service alone changes nothing."""
    there = Service(SIP, "rr", 0x8, 300, "255.255.255.0", "sip", one_packet=True)
    assert reconciled(wanted_service(SIP_OPTIONS), {SIP: there}) == []
    (change,) = reconciled(wanted_service({**SIP_OPTIONS, "scheduler": "sh"}), {SIP: there})
    assert change.after == Service(SIP, "sh", 0x8, 300, "255.255.255.0", "sip", one_packet=True)


def test_persistence_takes_its_mask_and_engine_along() -> None:
    """The end of persistence needs no more than its own option; what needs it cannot stay by name."""
    there = Service(SIP, "rr", 0x8, 300, "255.255.255.0", "sip", one_packet=True)
    (change,) = reconciled(wanted_service({**SIP_OPTIONS, "persistence_timeout": 0}), {SIP: there})
    assert change.after == Service(SIP, "rr", 0x8, one_packet=True)
    for name, value in (("persistence_netmask", "255.0.0.0"), ("persistence_engine", "sip")):
        with refused(name, "needs persistence: set persistence_timeout"):
            reconciled(wanted_service({**SIP_OPTIONS, "persistence_timeout": 0, name: value}), {SIP: there})


def test_rules_look_at_what_is_there_too() -> None:
    """An option that needs persistence does so until the service has it."""
    options = {**WEB_OPTIONS, "persistence_netmask": 24}
    with refused("persistence_netmask", "needs persistence"):
        reconciled(wanted_service(options), {WEB: Service(WEB)})
    there = Service(WEB, persistence_timeout=300)
    after = replace(there, persistence_netmask="255.255.255.0")
    assert reconciled(wanted_service(options), {WEB: there}) == [Change(there, after)]


# ----- the options of a destination


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"rip": None}, "rip", "is missing: name the real server's address"),
        ({"rip": "rs1"}, "rip", "is not an IP address: write one like"),
        ({"rport": 65536, "forward": "masquerade"}, "rport", "65536 is not in 1..65535"),
        ({"weight": -1}, "weight", "-1 is not in 0..2147483647"),
        ({"weight": 2147483648}, "weight", "2147483648 is not in 0..2147483647"),
        ({"weight": "heavy"}, "weight", "is not a whole number"),
        ({"upper_threshold": -1}, "upper_threshold", "-1 is not in 0..2147483647"),
        ({"lower_threshold": -1}, "lower_threshold", "-1 is not in 0..2147483647"),
        ({"tunnel_type": "vxlan"}, "tunnel_type", "'vxlan' is not one of ipip, gue, gre"),
        ({"tunnel_type": "gue", "tunnel_port": 0}, "tunnel_port", "0 is not in 1..65535"),
        ({"tunnel_type": "gue", "tunnel_port": 65536}, "tunnel_port", "65536 is not in 1..65535"),
        ({"tunnel_checksum": "both"}, "tunnel_checksum", "'both' is not one of none, checksum, remote_checksum"),
        ({"state": "gone"}, "state", "'gone' is not one of present, absent"),
    ],
)
def test_bad_destination(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work, whatever the kernel holds."""
    with refused(option, says):
        wanted_destination({**RS1_OPTIONS, **options})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"rip": "239.1.1.1"}, "rip", "is not a unicast address"),
        ({"rip": VIP}, "rip", "is the VIP itself: name the real server's own address"),
        ({"rip": VIP, "forward": "route"}, "rip", "is the VIP itself: name the real server's own address"),
        ({"rip": VIP, "forward": "masquerade"}, "rip", "is the VIP itself, on the same port"),
        ({"rport": 0, "forward": "masquerade"}, "rport", "0 is not in 1..65535"),
        ({"rport": 81}, "rport", "differs from the service's port 80"),
        ({"forward": "bypass"}, "forward", "is not one of tunnel, route, masquerade, local"),
        ({"forward": "5"}, "forward", "'5' is not one of tunnel, route, masquerade, local"),
        ({"tunnel_type": "7"}, "tunnel_type", "'7' is not one of ipip, gue, gre"),
        ({"tunnel_checksum": "3"}, "tunnel_checksum", "'3' is not one of none, checksum, remote_checksum"),
        ({"upper_threshold": 2147483648}, "upper_threshold", "2147483648 is not in 0..2147483647"),
        ({"upper_threshold": 2147483647, "lower_threshold": 2147483648}, "lower_threshold", "2147483648 is not in"),
    ],
)
def test_destination_that_can_only_exist(options: dict[str, Any], option: str, says: str) -> None:
    """It is no fault where it exists: it is left as it is, gets another weight, or goes."""
    given = {**RS1_OPTIONS, **options}
    (wanted,) = wanted_destination(given)
    with pytest.raises(Invalid, match=re.escape(f"{option}: ") + ".*" + re.escape(says)):
        reconciled([wanted], {})
    there = cast("Destination", wanted.new)
    assert reconciled([wanted], {wanted.key: there}) == []
    heavier = replace(there, weight=7)
    assert reconciled(wanted_destination({**given, "weight": 7}), {wanted.key: there}) == [Change(there, heavier)]
    assert reconciled(wanted_destination({**given, "state": "absent"}), {wanted.key: there}) == [Change(there, None)]


def test_real_server_that_is_the_director() -> None:
    """The VIP on another port, and a program of the director itself."""
    for options in ({"rip": VIP, "rport": 8080, "forward": "masquerade"}, {"rip": VIP, "forward": "local"}):
        (wanted,) = wanted_destination({**RS1_OPTIONS, **options})
        assert [change.after for change in reconciled([wanted], {})] == [wanted.new]


def test_all_bad_options_of_a_destination_at_once() -> None:
    """In the order in which they are given."""
    bad = {"weight": -1, "rport": 65536, "forward": "magic", "upper_threshold": "many", "tunnel_type": "", "state": "gone"}
    with all_refused(
        "weight: -1 is",
        "rport: 65536 is",
        "forward: 'magic' is",
        "upper_threshold: 'many' is",
        "tunnel_type: '' is",
        "state: 'gone' is",
    ):
        wanted_destination({**RS1_OPTIONS, **bad})


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"weight": 0}, {"weight": 0}),
        ({"weight": "2147483647"}, {"weight": 2147483647}),
        ({"upper_threshold": 2147483647, "lower_threshold": "0"}, {"upper_threshold": 2147483647, "lower_threshold": 0}),
        ({"forward": "tunnel"}, {"forward": "tunnel"}),
        ({"tunnel_type": "gue", "tunnel_port": "6080"}, {"tunnel_type": "gue", "tunnel_port": 6080}),
        ({"tunnel_checksum": "checksum"}, {"tunnel_checksum": "checksum"}),
        ({"upper_threshold": 0}, {"upper_threshold": 0, "lower_threshold": 0}),
        (
            {"forward": "route"},
            {"forward": "route", "tunnel_type": "ipip", "tunnel_port": 0, "tunnel_checksum": "none"},
        ),
        ({"weight": None, "rport": None, "tunnel_port": None, "state": None}, {}),
    ],
)
def test_options_of_a_destination(options: dict[str, Any], given: dict[str, Any]) -> None:
    """What is given is what is given, in one form."""
    (wanted,) = wanted_destination({**RS1_OPTIONS, **options})
    assert (wanted.key, wanted.given) == (RS1, given)
    assert wanted.new == replace(Destination(RS1), **given)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (RS1_OPTIONS, RS1),
        ({**RS1_OPTIONS, "rport": "8080"}, DestinationKey(WEB, ip_address(RIP), 8080)),
        ({"vip": VIP, "port": 0, "rip": RIP}, DestinationKey(ANY_PORT, ip_address(RIP), 0)),
        ({"fwmark": 7, "rip": RIP}, DestinationKey(MARK, ip_address(RIP), 0)),
        ({"fwmark": 7, "rip": RIP, "rport": 8080}, DestinationKey(MARK, ip_address(RIP), 8080)),
        ({"fwmark": 7, "family": "ipv6", "rip": "2001:db8::b7"}, DestinationKey(MARK6, ip_address("2001:db8::b7"), 0)),
        ({**RS1_OPTIONS, "rip": "127.0.0.1"}, DestinationKey(WEB, ip_address("127.0.0.1"), 80)),
    ],
)
def test_key_of_a_destination(options: dict[str, Any], key: DestinationKey) -> None:
    """The port is the service's own where nothing is said; it is no setting, but a part of the key."""
    (wanted,) = wanted_destination(options)
    assert wanted.key == key
    assert wanted.given == {}


# ----- the rules of a destination


@pytest.mark.parametrize("options", [{}, {"forward": "tunnel"}, {"forward": "route"}, {"forward": "local"}])
@pytest.mark.parametrize("service", [WEB_OPTIONS, {"vip": VIP, "port": 0}])
def test_port_that_would_not_be_rewritten(service: dict[str, Any], options: dict[str, Any]) -> None:
    """The kernel takes the port and then does nothing with it: the message names what does."""
    wanted = wanted_destination({**service, "rip": RIP, "rport": 8080, **options})
    with refused("rport", "leave rport out, and translate the port on the real server with lvs.cluster.port_dnat"):
        reconciled(wanted, {})


@pytest.mark.parametrize("forward", ["tunnel", "route", "local", "masquerade"])
def test_port_with_a_firewall_mark(forward: str) -> None:
    """Packets have a port of their own: any is taken, as by ipvsadm(8)."""
    (wanted,) = wanted_destination({"fwmark": 7, "rip": RIP, "rport": 8080, "forward": forward})
    assert [change.after for change in reconciled([wanted], {})] == [wanted.new]


IN_A_GUE_TUNNEL: dict[str, Any] = {"tunnel_type": "gue", "tunnel_port": 6080}
RS6 = DestinationKey(WEB, ip_address("2001:db8::b7"), 80)


@pytest.mark.parametrize(
    ("destination", "option", "says"),
    [
        (
            Destination(DestinationKey(WEB, ip_address(RIP), 8080), "route"),
            "rport",
            "8080 differs from the service's port 80, and forward=route rewrites no ports",
        ),
        (
            Destination(DestinationKey(ANY_PORT, ip_address(RIP), 80), "masquerade"),
            "rport",
            "80 cannot be: a service on port 0 takes every port and rewrites none, so leave it out",
        ),
        (
            Destination(RS6, "masquerade"),
            "rip",
            "2001:db8::b7 is not an IPv4 address as the service's is: only forward=tunnel goes from one family to the other",
        ),
        (Destination(RS6, "route"), "rip", "2001:db8::b7 is not an IPv4 address as the service's is"),
        (
            Destination(DestinationKey(MARK6, ip_address(RIP), 0), "local"),
            "rip",
            f"{RIP} is not an IPv6 address as the service's is",
        ),
        (
            Destination(RS1, upper_threshold=50, lower_threshold=51),
            "lower_threshold",
            "51 is above upper_threshold=50: set an upper_threshold that is at least as large",
        ),
        (Destination(RS1, lower_threshold=1), "lower_threshold", "1 is above upper_threshold=0"),
        (
            Destination(RS1, "route", **IN_A_GUE_TUNNEL),
            "tunnel_type",
            "gue is for forward=tunnel, and this is forward=route",
        ),
        (Destination(RS1, tunnel_type="gue"), "tunnel_port", "is missing: tunnel_type=gue needs the UDP port"),
        (Destination(RS1, tunnel_port=6080), "tunnel_port", "6080 is for tunnel_type=gue, and this is ipip"),
        (
            Destination(RS1, tunnel_type="gre", tunnel_port=6080),
            "tunnel_port",
            "6080 is for tunnel_type=gue, and this is gre",
        ),
        (
            Destination(RS1, tunnel_checksum="checksum"),
            "tunnel_checksum",
            "checksum is not for tunnel_type=ipip: gue has all of them, gre has none and checksum",
        ),
        (
            Destination(RS1, tunnel_checksum="remote_checksum"),
            "tunnel_checksum",
            "remote_checksum is not for tunnel_type=ipip",
        ),
        (
            Destination(RS1, tunnel_type="gre", tunnel_checksum="remote_checksum"),
            "tunnel_checksum",
            "remote_checksum is not for tunnel_type=gre",
        ),
    ],
)
def test_destination_that_cannot_work(destination: Destination, option: str, says: str) -> None:
    """The kernel takes it and then does something else, or refuses it without a word."""
    with refused(option, says):
        destination.check()


@pytest.mark.parametrize(
    "destination",
    [
        Destination(RS1),
        Destination(RS1, "route"),
        Destination(RS1, "local"),
        Destination(DestinationKey(WEB, ip_address(RIP), 8080), "masquerade"),
        Destination(DestinationKey(MARK, ip_address(RIP), 8080), "masquerade"),
        Destination(DestinationKey(MARK, ip_address(RIP), 0), "masquerade"),
        Destination(DestinationKey(ANY_PORT, ip_address(RIP), 0), "masquerade"),
        Destination(DestinationKey(ANY_PORT, ip_address(RIP), 0), "route"),
        Destination(RS6),
        Destination(DestinationKey(MARK6, ip_address(RIP), 0)),
        Destination(RS1, upper_threshold=50),
        Destination(RS1, upper_threshold=50, lower_threshold=50),
        Destination(RS1, **IN_A_GUE_TUNNEL),
        Destination(RS1, **IN_A_GUE_TUNNEL, tunnel_checksum="checksum"),
        Destination(RS1, **IN_A_GUE_TUNNEL, tunnel_checksum="remote_checksum"),
        Destination(RS1, tunnel_type="gre"),
        Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum"),
    ],
    ids=str,
)
def test_destination_that_works(destination: Destination) -> None:
    """At the edges of the rules."""
    destination.check()


def test_masquerade_to_another_port_and_back_to_tunnel() -> None:
    """The port is part of the key: what masquerade may have, a change to tunnel may not keep."""
    key = DestinationKey(WEB, ip_address(RIP), 8080)
    options = {**RS1_OPTIONS, "rport": 8080}
    made = Destination(key, forward="masquerade")
    assert reconciled(wanted_destination({**options, "forward": "masquerade"}), {}) == [Change(None, made)]
    heavier = Destination(key, forward="masquerade", weight=3)
    assert reconciled(wanted_destination({**options, "weight": 3}), {key: made}) == [Change(made, heavier)]
    with refused("rport", "forward=tunnel rewrites no ports"):
        reconciled(wanted_destination({**options, "forward": "tunnel"}), {key: made})


def test_new_destination_has_the_documented_defaults() -> None:
    """Tunnel by IPIP, weight 1, the service's port, no thresholds."""
    expected = Destination(RS1, "tunnel", 1, 0, 0, "ipip", 0, "none")
    assert reconciled(wanted_destination(RS1_OPTIONS), {}) == [Change(None, expected)]


def test_destination_keeps_what_the_options_leave_out() -> None:
    """Thresholds, tunnel and method stay when the weight changes, to 0, too."""
    there = Destination(RS1, "tunnel", 5, 100, 50, "gue", 6080, "checksum")
    for options in ({}, {"forward": "tunnel"}, {"tunnel_type": "gue"}):
        assert reconciled(wanted_destination({**RS1_OPTIONS, **options}), {RS1: there}) == []
    (change,) = reconciled(wanted_destination({**RS1_OPTIONS, "weight": 0}), {RS1: there})
    assert change.after == Destination(RS1, "tunnel", 0, 100, 50, "gue", 6080, "checksum")


GUE = Destination(RS1, "tunnel", 5, 100, 50, "gue", 6080, "remote_checksum")


@pytest.mark.parametrize(
    ("there", "options", "after"),
    [
        (GUE, {"forward": "route"}, Destination(RS1, "route", 5, 100, 50)),
        (GUE, {"upper_threshold": 0}, Destination(RS1, "tunnel", 5, 0, 0, "gue", 6080, "remote_checksum")),
        (GUE, {"forward": "masquerade"}, Destination(RS1, "masquerade", 5, 100, 50)),
        (GUE, {"tunnel_type": "ipip"}, Destination(RS1, "tunnel", 5, 100, 50)),
        (
            Destination(RS1, "tunnel", 5, 100, 50, "gue", 6080, "checksum"),
            {"tunnel_type": "gre"},
            Destination(RS1, "tunnel", 5, 100, 50, "gre", 0, "checksum"),
        ),
        (
            GUE,
            {"forward": "tunnel", "tunnel_type": "gre", "tunnel_checksum": "checksum"},
            Destination(RS1, "tunnel", 5, 100, 50, "gre", 0, "checksum"),
        ),
        (
            Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum"),
            {"tunnel_type": "gue", "tunnel_port": 1},
            Destination(RS1, tunnel_type="gue", tunnel_port=1, tunnel_checksum="checksum"),
        ),
        (Destination(RS1, "route", 5), {"forward": "tunnel"}, Destination(RS1, "tunnel", 5)),
        (Destination(RS1, "route"), {"forward": "tunnel", **IN_A_GUE_TUNNEL}, Destination(RS1, **IN_A_GUE_TUNNEL)),
        (
            Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum"),
            {"tunnel_type": "ipip"},
            Destination(RS1),
        ),
    ],
)
def test_change_takes_along_what_no_longer_applies(there: Destination, options: dict[str, Any], after: Destination) -> None:
    """What the former method or tunnel had and the new one cannot have needs no option of its own."""
    assert reconciled(wanted_destination({**RS1_OPTIONS, **options}), {RS1: there}) == [Change(there, after)]


def test_gre_keeps_its_checksum() -> None:
    """An option left out stays, as far as it can."""
    there = Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum")
    assert reconciled(wanted_destination({**RS1_OPTIONS, "tunnel_type": "gre"}), {RS1: there}) == []


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"forward": "route", "tunnel_type": "gue"}, "tunnel_type", "gue is for forward=tunnel, and this is forward=route"),
        ({"forward": "masquerade", "tunnel_checksum": "checksum"}, "tunnel_type", "is for forward=tunnel"),
        ({"tunnel_type": "gre", "tunnel_port": 6080}, "tunnel_port", "6080 is for tunnel_type=gue, and this is gre"),
        ({"tunnel_type": "ipip", "tunnel_checksum": "checksum"}, "tunnel_checksum", "checksum is not for tunnel_type=ipip"),
        ({"upper_threshold": 49}, "lower_threshold", "50 is above upper_threshold=49"),
        ({"lower_threshold": 101}, "lower_threshold", "101 is above upper_threshold=100"),
        ({"upper_threshold": 0, "lower_threshold": 1}, "lower_threshold", "1 is above upper_threshold=0"),
    ],
)
def test_what_is_given_does_not_go_along(options: dict[str, Any], option: str, says: str) -> None:
    """An option that cannot go with another one is refused, not ignored."""
    with refused(option, says):
        reconciled(wanted_destination({**RS1_OPTIONS, **options}), {RS1: GUE})


def test_tunnel_setting_of_a_destination_without_a_tunnel() -> None:
    """It is not one by its tunnel's settings."""
    with refused("tunnel_type", "gue is for forward=tunnel, and this is forward=route"):
        reconciled(wanted_destination({**RS1_OPTIONS, **IN_A_GUE_TUNNEL}), {RS1: Destination(RS1, "route")})


def test_absent() -> None:
    """By the key alone, whatever else it has; only the one that is named."""
    other = Destination(DestinationKey(WEB, ip_address("192.168.56.184"), 80))
    rs1 = Destination(RS1, "masquerade", 9)
    assert reconciled(wanted_service({**WEB_OPTIONS, "state": "absent"}), {WEB: Service(WEB, "rr")}) == [
        Change(Service(WEB, "rr"), None)
    ]
    current = {other.key: other, RS1: rs1}
    assert reconciled(wanted_destination({**RS1_OPTIONS, "state": "absent"}), current) == [Change(rs1, None)]


# ----- rules as ipvsadm(8) has them


@pytest.mark.parametrize(
    ("service", "rule"),
    [
        (Service(WEB), "-A -t 192.168.56.185:80 -s wlc"),
        (Service(WEB6, "rr"), "-A -u [2001:db8::b9]:53 -s rr"),
        (Service(ServiceKey(4, "sctp", ip_address(VIP), 9), "rr"), "-A --sctp-service 192.168.56.185:9 -s rr"),
        (Service(ServiceKey(4, "47", ip_address(VIP), 0), "rr"), "-A --47-service 192.168.56.185:0 -s rr"),
        (Service(MARK, "rr"), "-A -f 7 -s rr"),
        (Service(MARK6, "rr"), "-A -f 7 -6 -s rr"),
        (Service(WEB, "rr", persistence_timeout=300), "-A -t 192.168.56.185:80 -s rr -p 300"),
        (Service(WEB, "rr", 0, 60, "255.255.255.0"), "-A -t 192.168.56.185:80 -s rr -p 60 -M 255.255.255.0"),
        (Service(WEB6, "rr", 0, 60, "64", "sip"), "-A -u [2001:db8::b9]:53 -s rr -p 60 -M 64 --pe sip"),
        (Service(WEB6, "rr", one_packet=True), "-A -u [2001:db8::b9]:53 -s rr -o"),
        (Service(WEB, "sh", 0x18), "-A -t 192.168.56.185:80 -s sh -b sh-fallback,sh-port"),
        (Service(WEB, "mh", 0x8), "-A -t 192.168.56.185:80 -s mh -b mh-fallback"),
        (Service(WEB, "mh", 0x30), "-A -t 192.168.56.185:80 -s mh -b mh-port,flag-3"),
        (Service(WEB, "rr", 0x38), "-A -t 192.168.56.185:80 -s rr -b flag-1,flag-2,flag-3"),
        (
            Service(SIP, "sh", 0x10, 60, "255.0.0.0", "sip", one_packet=True),
            "-A -u 192.168.56.185:5060 -s sh -p 60 -M 255.0.0.0 --pe sip -o -b sh-port",
        ),
    ],
)
def test_rule_of_a_service(service: Service, rule: str) -> None:
    """As ipvsadm(8) would be given it; a removal has the key alone."""
    assert service.rule() == rule
    assert service.rule("set") == rule.replace("-A", "-E", 1)
    assert service.rule("remove") == rule.partition(" -s ")[0].replace("-A", "-D", 1)


RULE = "-a -t 192.168.56.185:80 -r 192.168.56.183:80"


@pytest.mark.parametrize(
    ("destination", "rule"),
    [
        (Destination(RS1), f"{RULE} -i -w 1"),
        (Destination(RS1, "route", 0), f"{RULE} -g -w 0"),
        (Destination(RS1, "local"), f"{RULE} --local -w 1"),
        (Destination(RS1, "masquerade", 2, 100, 50), f"{RULE} -m -w 2 -x 100 -y 50"),
        (Destination(RS1, upper_threshold=100), f"{RULE} -i -w 1 -x 100"),
        (Destination(RS1, **IN_A_GUE_TUNNEL), f"{RULE} -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum"),
        (
            Destination(RS1, "tunnel", 2, 100, 50, "gue", 6080, "remote_checksum"),
            f"{RULE} -i -w 2 --tun-type gue --tun-port 6080 --tun-remcsum -x 100 -y 50",
        ),
        (Destination(RS1, tunnel_type="gre"), f"{RULE} -i -w 1 --tun-type gre --tun-nocsum"),
        (Destination(RS1, tunnel_type="gre", tunnel_checksum="checksum"), f"{RULE} -i -w 1 --tun-type gre --tun-csum"),
        (Destination(RS1, tunnel_type="3", tunnel_checksum="3"), f"{RULE} -i -w 1 --tun-type 3"),
        (Destination(RS1, "bypass"), f"{RULE} --bypass -w 1"),
        (
            Destination(DestinationKey(WEB6, ip_address("2001:db8::b7"), 53)),
            "-a -u [2001:db8::b9]:53 -r [2001:db8::b7]:53 -i -w 1",
        ),
        (Destination(RS6), "-a -t 192.168.56.185:80 -r [2001:db8::b7]:80 -i -w 1"),
    ],
)
def test_rule_of_a_destination(destination: Destination, rule: str) -> None:
    """As ipvsadm(8) would be given it; a removal has the key alone."""
    assert destination.rule() == rule
    assert destination.rule("set") == rule.replace("-a", "-e", 1)
    assert destination.rule("remove") == " ".join(["-d", *rule.split()[1:5]])


def test_rule_of_a_destination_by_mark() -> None:
    """The mark's family comes with the mark."""
    destination = Destination(DestinationKey(MARK6, ip_address("2001:db8::b7"), 0))
    assert destination.rule() == "-a -f 7 -6 -r [2001:db8::b7]:0 -i -w 1"
    assert destination.rule("remove") == "-d -f 7 -6 -r [2001:db8::b7]:0"


# ----- facts


@pytest.mark.parametrize(
    ("service", "facts"),
    [
        (
            Service(WEB, "rr"),
            {
                "vip": VIP, "port": 80, "protocol": "tcp", "scheduler": "rr", "scheduler_flags": [],
                "persistence_timeout": 0, "persistence_netmask": None, "persistence_engine": "none", "one_packet": False,
            },
        ),
        (
            Service(MARK6, "mh", 0x38, 300, "", "sip", one_packet=True),
            {
                "fwmark": 7, "family": "ipv6", "scheduler": "mh", "scheduler_flags": ["fallback", "port", "flag-3"],
                "persistence_timeout": 300, "persistence_netmask": "128", "persistence_engine": "sip", "one_packet": True,
            },
        ),
        (
            Service(WEB, "wrr", 0x38, 300),
            {
                "vip": VIP, "port": 80, "protocol": "tcp", "scheduler": "wrr",
                "scheduler_flags": ["flag-1", "flag-2", "flag-3"], "persistence_timeout": 300,
                "persistence_netmask": "255.255.255.255", "persistence_engine": "none", "one_packet": False,
            },
        ),
        (
            Service(WEB, "sh", 0x8, 300, "255.255.255.0"),
            {
                "vip": VIP, "port": 80, "protocol": "tcp", "scheduler": "sh", "scheduler_flags": ["fallback"],
                "persistence_timeout": 300, "persistence_netmask": "255.255.255.0", "persistence_engine": "none",
                "one_packet": False,
            },
        ),
    ],
)  # fmt: skip
def test_facts_of_a_service(service: Service, facts: dict[str, Any]) -> None:
    """All that can be configured, in the words of the options."""
    assert service.facts() == facts


def test_facts_of_a_destination() -> None:
    """All that can be configured; what only a tunnel has, with a tunnel alone."""
    plain = {
        "vip": VIP, "port": 80, "protocol": "tcp", "rip": RIP, "rport": 80, "forward": "route", "weight": 3, "drained": None,
        "upper_threshold": 100, "lower_threshold": 50,
    }  # fmt: skip
    assert Destination(RS1, "route", 3, 100, 50).facts() == plain
    tunnel = {"forward": "tunnel", "tunnel_type": "ipip", "tunnel_port": None, "tunnel_checksum": "none"}
    assert Destination(RS1, "tunnel", 3, 100, 50).facts() == {**plain, **tunnel}
    gue = {"forward": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "remote_checksum"}
    assert Destination(RS1, "tunnel", 3, 100, 50, "gue", 6080, "remote_checksum").facts() == {**plain, **gue}
    by_mark = Destination(DestinationKey(MARK, ip_address(RIP), 0), "masquerade").facts()
    assert by_mark == {
        "fwmark": 7, "family": "ipv4", "rip": RIP, "rport": None, "forward": "masquerade", "weight": 1,
        "drained": None, "upper_threshold": 0, "lower_threshold": 0,
    }  # fmt: skip


@given(valid_services(), services())
def test_facts_of_a_service_are_its_options(service: Service, other: Service) -> None:
    """They make the same service, out of nothing and out of any that has its key, and leave it as it is."""
    service.check()
    wanted = wanted_service(service.facts())
    assert reconciled(wanted, {}) == [Change(None, service)]
    assert wanted[0].merged_with(replace(other, key=service.key)) == service
    assert reconciled(wanted, {service.key: service}) == []


@given(valid_services().flatmap(lambda service: valid_destinations(service.key)), destinations())
def test_facts_of_a_destination_are_its_options(destination: Destination, other: Destination) -> None:
    """They make the same destination, out of nothing and out of any that has its key, and leave it as it is."""
    destination.check()
    wanted = wanted_destination(destination.facts())
    assert reconciled(wanted, {}) == [Change(None, destination)]
    assert wanted[0].merged_with(replace(other, key=destination.key)) == destination
    assert reconciled(wanted, {destination.key: destination}) == []


@given(valid_services(), st.data())
def test_nothing_given_changes_nothing(service: Service, data: st.DataObject) -> None:
    """The key alone asks for no more than that it is there."""
    destination = data.draw(valid_destinations(service.key))
    assert reconciled(wanted_service(service.key.facts()), {service.key: service}) == []
    key = {**service.key.facts(), "rip": str(destination.key.rip), "rport": destination.key.port or None}
    assert reconciled(wanted_destination(key), {destination.key: destination}) == []


# ----- the same words everywhere


def test_facts_have_the_names_of_the_options() -> None:
    """Each option but the state, and the weight before a drain."""
    keys, service, destination = ({option.name for option in group} for group in (SERVICE_KEY, SERVICE, DESTINATION))
    assert set(Service(WEB).facts()) | set(Service(MARK).facts()) == keys | service
    assert set(Destination(RS1).facts()) == {"vip", "port", "protocol", "drained"} | destination


def test_keys_are_the_facts_that_name_them() -> None:
    """Of a key that exists, whatever the rules for new ones say."""
    loopback = ServiceKey(4, "tcp", ip_address("127.0.0.1"), 80)
    for service in (WEB, WEB6, SIP, ANY_PORT, MARK, MARK6, loopback):
        assert ServiceKey.from_facts(service.facts()) == service
        for rip, port in ((RIP, service.port), ("2001:db8::b7", 8080)):
            key = DestinationKey(service, ip_address(rip), port)
            assert DestinationKey.from_facts(key.facts()) == key
    assert Service(WEB).identity() == WEB.facts()
    assert Destination(RS1).identity() == {**WEB.facts(), "rip": RIP, "rport": 80}


def test_every_tunnel_has_its_words() -> None:
    """Of ipvsadm(8), and the numbers of the kernel."""
    assert tuple(model._TUNNEL_CHECKSUMS) == codec._CHECKSUM == tunnel.CHECKSUMS
    assert codec._TUNNEL == tunnel.TYPES
    assert set(codec._FORWARD) == {*model.FORWARDS, "bypass"}


def test_commands_have_the_program() -> None:
    """Rules have not: a diff shows them as C(ipvsadm -Sn) does."""
    assert Service(WEB).command("remove") == f"ipvsadm -D -t {VIP}:80"
    assert Destination(RS1).command() == f"ipvsadm -a -t {VIP}:80 -r {RIP}:80 -i -w 1"
    assert Destination(RS1).diff_line() == f"-a -t {VIP}:80 -r {RIP}:80 -i -w 1"
    daemon = SyncDaemon("master", "eth0")
    assert daemon.command("set").splitlines() == ["ipvsadm --stop-daemon master", f"ipvsadm {daemon.rule()}"]
