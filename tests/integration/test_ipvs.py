# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services and destinations, held against ipvsadm."""

from __future__ import annotations

from typing import Any

import pytest

from .namespaces import Namespace

SERVICE: dict[str, Any] = {"vip": "192.168.56.185", "port": 80}
DEST: dict[str, Any] = {**SERVICE, "rip": "192.168.56.183"}


@pytest.fixture
def director(host: Namespace) -> Namespace:
    """A host that has a route to the real servers, and a service that another program made."""
    host.sh("ip link add eth0 type dummy; ip address add 192.168.56.181/24 dev eth0; ip link set eth0 up")
    host.sh("ipvsadm -A -t 192.0.2.1:443 -s sh -p 300; ipvsadm -a -t 192.0.2.1:443 -r 192.168.56.190 -g -w 5")
    return host


FOREIGN = ["-A -t 192.0.2.1:443 -s sh -p 300", "-a -t 192.0.2.1:443 -r 192.168.56.190:443 -g -w 5"]


def test_service_from_nothing_to_nothing(director: Namespace) -> None:
    made = director.module("ipvs_service", **SERVICE, scheduler="wrr").changed()
    assert made["diff"] == {"before": "", "after": "-A -t 192.168.56.185:80 -s wrr\n"}
    assert made["service"] == {
        "vip": "192.168.56.185",
        "port": 80,
        "protocol": "tcp",
        "scheduler": "wrr",
        "scheduler_flags": [],
        "persistence_timeout": 0,
        "persistence_netmask": None,
        "persistence_engine": "none",
        "one_packet": False,
    }
    assert director.rules() == [*FOREIGN, "-A -t 192.168.56.185:80 -s wrr"]
    director.module("ipvs_service", **SERVICE, scheduler="wrr").ok()
    director.module("ipvs_service", **SERVICE).ok()  # a scheduler left out stays

    changed = director.module("ipvs_service", **SERVICE, scheduler="rr").changed()
    assert changed["commands"] == ["ipvsadm -E -t 192.168.56.185:80 -s rr"]
    assert director.rules() == [*FOREIGN, "-A -t 192.168.56.185:80 -s rr"]

    assert director.module("ipvs_service", **SERVICE, state="absent").changed()["service"] == {}
    assert director.rules() == FOREIGN
    director.module("ipvs_service", **SERVICE, state="absent").ok()


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (SERVICE, "-A -t 192.168.56.185:80 -s wlc"),
        ({**SERVICE, "protocol": "udp"}, "-A -u 192.168.56.185:80 -s wlc"),
        ({**SERVICE, "protocol": "sctp"}, "-A --sctp-service 192.168.56.185:80 -s wlc"),
        ({"fwmark": 7, "scheduler": "rr"}, "-A -f 7 -s rr"),
        ({"fwmark": 7, "family": "ipv6", "scheduler": "rr"}, "-A -f 7 -6 -s rr"),
        ({"vip": "2001:db8::1", "port": 80}, "-A -t [2001:db8::1]:80 -s wlc"),
        ({**SERVICE, "port": 0, "persistence_timeout": 300}, "-A -t 192.168.56.185:0 -s wlc -p 300"),
        (
            {**SERVICE, "scheduler": "sh", "scheduler_flags": ["fallback", "port"]},
            "-A -t 192.168.56.185:80 -s sh -b sh-fallback,sh-port",
        ),
        (
            {**SERVICE, "persistence_timeout": 60, "persistence_netmask": "255.255.0.0"},
            "-A -t 192.168.56.185:80 -s wlc -p 60 -M 255.255.0.0",
        ),
        (
            {"vip": "2001:db8::1", "port": 80, "persistence_timeout": 60, "persistence_netmask": "64"},
            "-A -t [2001:db8::1]:80 -s wlc -p 60 -M 64",
        ),
        (
            {**SERVICE, "protocol": "udp", "one_packet": True, "persistence_timeout": 60, "persistence_engine": "sip"},
            "-A -u 192.168.56.185:80 -s wlc -p 60 --pe sip -o",
        ),
    ],
)
def test_kinds_of_service(host: Namespace, options: dict[str, Any], rule: str) -> None:
    host.module("ipvs_service", **options).changed()
    assert host.rules() == [rule]
    host.module("ipvs_service", **options).ok()
    host.module("ipvs_service", **options, state="absent").changed()
    assert host.rules() == []


def test_destination_from_nothing_to_nothing(director: Namespace) -> None:
    director.module("ipvs_service", **SERVICE, scheduler="wrr").changed()
    rules = [*FOREIGN, "-A -t 192.168.56.185:80 -s wrr"]

    made = director.module("ipvs_dest", **DEST).changed()
    assert made["diff"] == {"before": "", "after": "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1\n"}
    assert director.rules() == [*rules, "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1"]
    director.module("ipvs_dest", **DEST).ok()

    changed = director.module("ipvs_dest", **DEST, weight=2).changed()
    assert changed["commands"] == ["ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 2"]
    assert changed["destination"]["weight"] == 2
    director.module("ipvs_dest", **DEST, forward="route").changed()  # the weight left out stays
    assert director.rules() == [*rules, "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -g -w 2"]

    director.module("ipvs_dest", **DEST, state="absent").changed()
    assert director.rules() == rules
    director.module("ipvs_dest", **DEST, state="absent").ok()


def test_masquerade_has_a_port_of_its_own(director: Namespace) -> None:
    director.module("ipvs_service", **SERVICE).changed()
    director.module("ipvs_dest", **DEST, rport=8080, forward="masquerade").changed()
    assert "-a -t 192.168.56.185:80 -r 192.168.56.183:8080 -m -w 1" in director.rules()
    director.module("ipvs_dest", **DEST, rport=8080, weight=3).changed()  # named by its port, its method left out
    assert "-a -t 192.168.56.185:80 -r 192.168.56.183:8080 -m -w 3" in director.rules()


def test_destination_of_a_firewall_mark(director: Namespace) -> None:
    director.module("ipvs_service", fwmark=7, scheduler="rr").changed()
    director.module("ipvs_dest", fwmark=7, rip="192.168.56.183").changed()
    assert "-a -f 7 -r 192.168.56.183:0 -i -w 1" in director.rules()
    director.module("ipvs_dest", fwmark=7, rip="192.168.56.183", weight=1).ok()


@pytest.mark.parametrize(
    ("service", "options", "rule"),
    [
        ({"fwmark": 7}, {"rport": 8080, "forward": "masquerade"}, "-a -f 7 -r 192.168.56.183:8080 -m -w 1"),
        (SERVICE, {"rip": "2001:db8::3"}, "-a -t 192.168.56.185:80 -r [2001:db8::3]:80 -i -w 1"),
        ({"vip": "2001:db8::b9", "port": 80}, {}, "-a -t [2001:db8::b9]:80 -r 192.168.56.183:80 -i -w 1"),
        (
            SERVICE,
            {"tunnel_type": "gue", "tunnel_port": 6080, "tunnel_checksum": "remote_checksum"},
            "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
        ),
        (
            SERVICE,
            {"tunnel_type": "gre", "tunnel_checksum": "checksum"},
            "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1 --tun-type gre --tun-csum",
        ),
        (
            {**SERVICE, "port": 0, "persistence_timeout": 60},
            {"forward": "masquerade"},
            "-a -t 192.168.56.185:0 -r 192.168.56.183:0 -m -w 1",
        ),
        (SERVICE, {"rip": "192.168.56.181", "forward": "local"}, "-a -t 192.168.56.185:80 -r 192.168.56.181:80 -g -w 1"),
    ],
)
def test_kinds_of_destination(director: Namespace, service: dict[str, Any], options: dict[str, Any], rule: str) -> None:
    director.module("ipvs_service", **service).changed()
    named: dict[str, Any] = {name: service[name] for name in ("vip", "port", "fwmark") if name in service}
    named.update({"rip": DEST["rip"], **options})
    director.module("ipvs_dest", **named).changed()
    assert rule in director.rules()
    director.module("ipvs_dest", **named).ok()
    director.module("ipvs_dest", **named, state="absent").changed()
    assert rule not in director.rules()


def test_local_destination_is_the_director_itself(director: Namespace) -> None:
    """Ipvsadm saves it as direct routing, and lists it as what it is."""
    director.module("ipvs_service", **SERVICE).changed()
    made = director.module("ipvs_dest", **SERVICE, rip="192.168.56.181", forward="local").changed()
    assert made["commands"] == ["ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.181:80 --local -w 1"]
    assert "192.168.56.181:80            Local   1" in director.sh("ipvsadm -Ln")


def test_tunnel_goes_with_its_forwarding_method(director: Namespace) -> None:
    director.module("ipvs_service", **SERVICE).changed()
    director.module("ipvs_dest", **DEST, tunnel_type="gue", tunnel_port=6080).changed()
    director.module("ipvs_dest", **DEST, forward="route").changed()
    director.module("ipvs_dest", **DEST, forward="tunnel").changed()
    assert "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1" in director.rules()


def test_absent_destination_of_an_absent_service(director: Namespace) -> None:
    director.module("ipvs_dest", **DEST, state="absent").ok()


def test_options_that_others_set_stay(director: Namespace) -> None:
    """A change of one option must not reset the ones that these modules do not manage."""
    director.sh(
        "ipvsadm -A -t 192.168.56.185:80 -s wlc -p 600 -M 255.255.255.0 -b flag-1;"
        "ipvsadm -a -t 192.168.56.185:80 -r 192.168.56.183 -i --tun-type gue --tun-port 6080 -w 1 -x 100 -y 50"
    )
    director.module("ipvs_service", **SERVICE, scheduler="wrr").changed()
    director.module("ipvs_dest", **DEST, weight=4).changed()
    rules = director.rules()
    assert any(
        rule.startswith("-A -t 192.168.56.185:80 -s wrr -p 600 -M 255.255.255.0") and "flag-1" in rule for rule in rules
    ), rules
    assert "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 4 --tun-type gue --tun-port 6080" in " ".join(rules)
    thresholds = director.sh("ipvsadm -Ln --thresholds -t 192.168.56.185:80")
    assert thresholds.split("-> 192.168.56.183:80")[1].split()[:2] == ["100", "50"]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("ipvs_service", {**SERVICE, "scheduler": "rr"}),
        ("ipvs_service", {"vip": "192.0.2.1", "port": 443, "scheduler": "rr"}),
        ("ipvs_service", {"vip": "192.0.2.1", "port": 443, "state": "absent"}),
        ("ipvs_dest", {"vip": "192.0.2.1", "port": 443, "rip": "192.168.56.183"}),
        ("ipvs_dest", {"vip": "192.0.2.1", "port": 443, "rip": "192.168.56.190", "weight": 0}),
        ("ipvs_dest", {"vip": "192.0.2.1", "port": 443, "rip": "192.168.56.190", "state": "absent"}),
    ],
)
def test_check_mode_says_what_the_run_then_does(director: Namespace, module: str, options: dict[str, Any]) -> None:
    predicted = director.module(module, check_mode=True, **options).changed()
    assert director.rules() == FOREIGN
    done = director.module(module, **options).changed()
    assert {key: predicted[key] for key in ("commands", "diff")} == {key: done[key] for key in ("commands", "diff")}
    assert director.rules() != FOREIGN


def test_check_mode_before_the_service_is_there(director: Namespace) -> None:
    """In a play that has not run yet, the task before would have made the service."""
    predicted = director.module("ipvs_dest", check_mode=True, **DEST).changed()
    assert predicted["diff"]["after"] == "-a -t 192.168.56.185:80 -r 192.168.56.183:80 -i -w 1\n"
    assert "does not exist" in str(predicted["warnings"])
    assert director.rules() == FOREIGN
