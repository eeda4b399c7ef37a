# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services and destinations: options to items, items to ipvsadm's rules."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._model import ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._model.ipvs import (
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    wanted_destination,
    wanted_service,
)
from ansible_collections.lvs.cluster.plugins.module_utils._reconcile import Change, reconcile
from tests.unit.helpers import refused

VIP, RIP = "192.168.56.185", "192.168.56.183"
WEB = ServiceKey(family=4, protocol="tcp", vip=ip_address(VIP), port=80)
WEB6 = ServiceKey(family=6, protocol="udp", vip=ip_address("2001:db8::b9"), port=53)
MARK = ServiceKey(family=4, fwmark=7)
WEB_OPTIONS = {"vip": VIP, "port": 80}
RS1 = DestinationKey(WEB, ip_address(RIP), 80)
RS1_OPTIONS = {**WEB_OPTIONS, "rip": RIP}


@pytest.mark.parametrize(
    ("options", "key", "facts"),
    [
        (WEB_OPTIONS, WEB, {"vip": VIP, "port": 80, "protocol": "tcp"}),
        (
            {"vip": "2001:db8:0::b9", "port": "53", "protocol": "udp", "fwmark": None},
            WEB6,
            {"vip": "2001:db8::b9", "port": 53, "protocol": "udp"},
        ),
        ({"fwmark": 7, "vip": None, "port": None, "protocol": "tcp"}, MARK, {"fwmark": 7}),
    ],
)
def test_key(options: dict[str, Any], key: ServiceKey, facts: dict[str, Any]) -> None:
    """By VIP and port, or by a mark; the facts are options again."""
    assert ServiceKey.of(options) == key
    assert key.facts() == facts
    assert ServiceKey.of(facts) == key


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({}, "vip", "name the service by vip and port, or by fwmark"),
        ({"port": 80}, "vip", "name the service by vip and port, or by fwmark"),
        ({**WEB_OPTIONS, "fwmark": 1}, "fwmark", f"cannot go with vip={VIP}: a service has one or the other"),
        ({"fwmark": 1, "port": 80}, "port", "cannot go with fwmark: the mark alone identifies the service"),
        ({"fwmark": 0}, "fwmark", "0 is not in 1..4294967295"),
        ({"fwmark": 4294967296}, "fwmark", "4294967296 is not in 1..4294967295"),
        ({"fwmark": "red"}, "fwmark", "is not a whole number"),
        ({"vip": VIP}, "port", "a service with a vip needs its port"),
        ({"vip": VIP, "port": 0}, "port", "0 is not in 1..65535"),
        ({"vip": VIP, "port": 65536}, "port", "65536 is not in 1..65535"),
        ({"vip": "web", "port": 80}, "vip", "is not an IP address: write one like"),
        ({"vip": "224.0.0.81", "port": 80}, "vip", "is not a unicast address"),
        ({**WEB_OPTIONS, "protocol": "icmp"}, "protocol", "is not one of tcp, udp, sctp"),
    ],
)
def test_bad_key(options: dict[str, Any], option: str, says: str) -> None:
    """The same for a service and for a destination of it."""
    with refused(option, says):
        wanted_service(options)
    with refused(option, says):
        wanted_destination({**options, "rip": RIP})


@pytest.mark.parametrize("name", ["", "WLC", "w l c", "ip_vs/../x", "sixteen-letters-"])
def test_bad_scheduler(name: str) -> None:
    """The message has those that there are; it would be a part of a kernel module's name."""
    with refused("scheduler", "is not a scheduler's name: rr, wrr, lc, wlc"):
        wanted_service({**WEB_OPTIONS, "scheduler": name})


@pytest.mark.parametrize(
    ("options", "option", "says"),
    [
        ({"rip": "rs1"}, "rip", "is not an IP address: write one like"),
        ({"rip": "239.1.1.1"}, "rip", "is not a unicast address"),
        ({"rip": VIP}, "rip", "is the VIP itself: name the real server's own address"),
        ({"rip": "2001:db8::b7"}, "rip", "is not an IPv4 address as the service's is"),
        ({"vip": "2001:db8::b9"}, "rip", "is not an IPv6 address as the service's is"),
        ({"rport": 0, "forward": "masquerade"}, "rport", "0 is not in 1..65535"),
        ({"rport": 65536, "forward": "masquerade"}, "rport", "65536 is not in 1..65535"),
        ({"forward": "local"}, "forward", "is not one of tunnel, route, masquerade"),
        ({"weight": -1}, "weight", "-1 is not in 0..2147483647"),
        ({"weight": 2147483648}, "weight", "2147483648 is not in 0..2147483647"),
        ({"weight": "heavy"}, "weight", "is not a whole number"),
    ],
)
def test_bad_destination(options: dict[str, Any], option: str, says: str) -> None:
    """A value that cannot work, whatever the kernel holds."""
    with refused(option, says):
        wanted_destination({**RS1_OPTIONS, **options})


@pytest.mark.parametrize("options", [{}, {"forward": "tunnel"}, {"forward": "route"}])
@pytest.mark.parametrize("service", [WEB_OPTIONS, {"fwmark": 7}])
def test_port_that_would_not_be_rewritten(service: dict[str, Any], options: dict[str, Any]) -> None:
    """The kernel takes the port and then does nothing with it: the message names what does."""
    wanted = wanted_destination({**service, "rip": RIP, "rport": 8080, **options})
    with refused("rport", "leave rport out, and translate the port on the real server with lvs.cluster.port_dnat"):
        reconcile(wanted, {})


def test_masquerade_to_another_port_and_back_to_tunnel() -> None:
    """The port is part of the key: what masquerade may have, a change to tunnel may not keep."""
    key = DestinationKey(WEB, ip_address(RIP), 8080)
    options = {**RS1_OPTIONS, "rport": 8080}
    made = Destination(key, forward="masquerade")
    assert reconcile(wanted_destination({**options, "forward": "masquerade"}), {}) == [Change(None, made)]
    heavier = Destination(key, forward="masquerade", weight=3)
    assert reconcile(wanted_destination({**options, "weight": 3}), {key: made}) == [Change(made, heavier)]
    with refused("rport", "forward=tunnel rewrites no ports"):
        reconcile(wanted_destination({**options, "forward": "tunnel"}), {key: made})


def test_new_service_and_destination_have_the_documented_defaults() -> None:
    """Scheduler wlc; tunnel, weight 1, the service's port."""
    assert reconcile(wanted_service(WEB_OPTIONS), {}) == [Change(None, Service(WEB, scheduler="wlc"))]
    expected = Destination(RS1, forward="tunnel", weight=1, tunnel_type="ipip")
    assert reconcile(wanted_destination(RS1_OPTIONS), {}) == [Change(None, expected)]
    (change,) = reconcile(wanted_destination({"fwmark": 7, "rip": RIP}), {})
    assert change.item.key == DestinationKey(MARK, ip_address(RIP), 0)


def test_service_keeps_what_the_options_leave_out() -> None:
    """Persistence, flags and engine stay when the scheduler changes; naming the service alone changes nothing."""
    there = Service(WEB, "rr", flags=0x1, timeout=300, prefix_length=24, persistence_engine="sip")
    assert reconcile(wanted_service(WEB_OPTIONS), {WEB: there}) == []
    (change,) = reconcile(wanted_service({**WEB_OPTIONS, "scheduler": "sh"}), {WEB: there})
    assert change.after == Service(WEB, "sh", flags=0x1, timeout=300, prefix_length=24, persistence_engine="sip")


def test_destination_keeps_what_the_options_leave_out() -> None:
    """Thresholds, tunnel and method stay when the weight changes, to 0, too."""
    there = Destination(RS1, "route", 5, 100, 50, "gue", 6080, 1)
    assert reconcile(wanted_destination(RS1_OPTIONS), {RS1: there}) == []
    (change,) = reconcile(wanted_destination({**RS1_OPTIONS, "weight": 0}), {RS1: there})
    assert change.after == Destination(RS1, "route", 0, 100, 50, "gue", 6080, 1)


def test_absent() -> None:
    """By the key alone, whatever else it has; only the one that is named."""
    other = Destination(DestinationKey(WEB, ip_address("192.168.56.184"), 80))
    rs1 = Destination(RS1, "masquerade", 9)
    assert reconcile(wanted_service({**WEB_OPTIONS, "state": "absent"}), {WEB: Service(WEB, "rr")}) == [
        Change(Service(WEB, "rr"), None)
    ]
    current = {other.key: other, RS1: rs1}
    assert reconcile(wanted_destination({**RS1_OPTIONS, "state": "absent"}), current) == [Change(rs1, None)]


@pytest.mark.parametrize(
    ("service", "rule"),
    [
        (Service(WEB), "-A -t 192.168.56.185:80 -s wlc"),
        (Service(WEB6, "rr"), "-A -u [2001:db8::b9]:53 -s rr"),
        (Service(ServiceKey(4, "sctp", ip_address(VIP), 9), "rr"), "-A --sctp-service 192.168.56.185:9 -s rr"),
        (Service(MARK, "rr"), "-A -f 7 -s rr"),
        (Service(ServiceKey(family=6, fwmark=7), "rr"), "-A -f 7 -6 -s rr"),
        (Service(WEB, "rr", flags=1, timeout=300), "-A -t 192.168.56.185:80 -s rr -p 300"),
        (Service(WEB, "rr", 1, 60, prefix_length=24), "-A -t 192.168.56.185:80 -s rr -p 60 -M 255.255.255.0"),
        (Service(WEB6, "rr", 1, 60, 64, "sip"), "-A -u [2001:db8::b9]:53 -s rr -p 60 -M 64 --pe sip"),
        (Service(WEB6, "rr", flags=4), "-A -u [2001:db8::b9]:53 -s rr -o"),
        (Service(WEB, "sh", flags=0x18), "-A -t 192.168.56.185:80 -s sh -b flag-1,flag-2"),
    ],
)
def test_rule_of_a_service(service: Service, rule: str) -> None:
    """As ipvsadm(8) would be given it; a removal has the key alone."""
    assert service.line() == rule
    assert service.line("set") == rule.replace("-A", "-E", 1)
    assert service.line("remove") == rule.partition(" -s ")[0].replace("-A", "-D", 1)


RULE = "-a -t 192.168.56.185:80 -r 192.168.56.183:80"


@pytest.mark.parametrize(
    ("destination", "rule"),
    [
        (Destination(RS1), f"{RULE} -i -w 1"),
        (Destination(RS1, "route", 0), f"{RULE} -g -w 0"),
        (Destination(RS1, "masquerade", 2, 100, 50), f"{RULE} -m -w 2 -x 100 -y 50"),
        (Destination(RS1, tunnel_type="gue", tunnel_port=6080), f"{RULE} -i -w 1 --tun-type gue --tun-port 6080"),
        (Destination(RS1, tunnel_type="gre"), f"{RULE} -i -w 1 --tun-type gre"),
        (
            Destination(DestinationKey(WEB6, ip_address("2001:db8::b7"), 53)),
            "-a -u [2001:db8::b9]:53 -r [2001:db8::b7]:53 -i -w 1",
        ),
    ],
)
def test_rule_of_a_destination(destination: Destination, rule: str) -> None:
    """As ipvsadm(8) would be given it; a removal has the key alone."""
    assert destination.line() == rule
    assert destination.line("set") == rule.replace("-a", "-e", 1)
    assert destination.line("remove") == " ".join(["-d", *rule.split()[1:5]])


def test_facts_are_the_options() -> None:
    """What a module returns can be given to it again."""
    destination = Destination(DestinationKey(WEB, ip_address(RIP), 8080), "masquerade", 3)
    assert destination.facts() == {
        "vip": VIP, "port": 80, "protocol": "tcp", "rip": RIP, "rport": 8080, "forward": "masquerade", "weight": 3,
    }  # fmt: skip
    assert reconcile(wanted_destination(destination.facts()), {}) == [Change(None, destination)]
    assert Service(MARK, "rr").facts() == {"fwmark": 7, "scheduler": "rr"}


@pytest.mark.parametrize("name", ipvs.SCHEDULERS)
def test_schedulers_of_the_kernel_are_names(name: str) -> None:
    """None of the documented ones is refused."""
    assert wanted_service({**WEB_OPTIONS, "scheduler": name})[0].stated == {"scheduler": name}
