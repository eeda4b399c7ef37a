# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packet sizes are tried, and what the findings mean."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._core.values import Address
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.foreign_services import foreign_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._net.neighbour import Device
from ansible_collections.lvs.cluster.plugins.module_utils._probe.director_settings import Director, Setting
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_checks import (
    Findings,
    PathFinding,
    drained_rips,
    sizes,
    to_result,
)
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_options import parse

from ....helpers import all_refused, refused
from .test_preflight_options import PATH, options

RIP: Address = IPv4Address(PATH["rip"])
DIP: Address = IPv4Address("192.168.56.181")
VIP: Address = IPv4Address("192.168.56.185")


FORWARDING = Director((), {Setting("ipv4/conf", "forwarding", "all"): 1})


def checked(finding: PathFinding, **path: Any) -> dict[str, Any]:
    request = parse(options(paths=[{**PATH, **path}], sources=[str(DIP)]))
    return to_result(request, Findings({RIP: finding}, {}, set(), FORWARDING))


SERVICES = [
    {"vip": "192.168.56.185", "port": 80, "protocol": "tcp", "fwmark": None, "family": None},
    {"vip": "192.168.56.185", "port": 443, "protocol": "tcp", "fwmark": None, "family": None},
]


def with_foreign(text: str, services: list[dict[str, Any]]) -> dict[str, Any]:
    """The result on a host where a keepalived of somebody else runs."""
    return to_result(parse(options(services=services)), Findings({}, {}, set(), foreign=foreign_services(text)))


def test_service_with_two_owners() -> None:
    """The message has the file, and both ways out."""
    with pytest.raises(Invalid) as caught:
        with_foreign("virtual_server 192.168.56.185 443 {\n}\nvirtual_server 192.0.2.1 80 {\n}\n", SERVICES)
    message = str(caught.value)
    ways_out = ("lvs_keepalived_takeover", "stop keepalived")
    for part in ("-t 192.168.56.185:443 belong", "/etc/keepalived/keepalived.conf", *ways_out):
        assert part in message
    assert "185:80" not in message


def test_lines_that_are_not_followed() -> None:
    """Whether there are two owners is not known."""
    (warning,) = with_foreign("include other.conf\n", SERVICES)["warnings"]
    assert "include other.conf" in warning
    assert with_foreign("include other.conf\n", [])["warnings"] == []


def test_services_of_others_beside_those_of_the_description() -> None:
    assert with_foreign("virtual_server 192.0.2.1 80 {\n}\n", SERVICES)["warnings"] == []


@given(st.integers(576, 65535), st.integers(576, 65535))
def test_search_ends_at_the_largest_that_passes(route: int, largest: int) -> None:
    """In at most five rounds, whatever the MTU."""
    passes, fails, rounds = 575, route, 0
    while tried := sizes(passes, fails):
        rounds += 1
        passes = max((size for size in tried if size <= largest), default=passes)
        fails = min((size for size in tried if size > passes), default=fails)
    assert passes == min(largest, route - 1) if route > 576 else passes == 575
    assert rounds <= 5


def test_mtu_that_is_not_measured_is_that_of_the_route() -> None:
    result = checked(PathFinding(source=DIP, route_mtu=1450, open_ports={80}), port=80, mtu=1450)
    assert (result["paths"][0]["mtu"], result["paths"][0]["inner_mtu"], result["warnings"]) == (1450, 1430, [])
    with pytest.raises(Invalid, match="mtu: 1500 is what the real server reckons with, but only 1450 pass"):
        checked(PathFinding(source=DIP, route_mtu=1450, open_ports={80}), port=80, mtu=1500)


def test_neither_mtu_nor_source_matter_for_masquerade() -> None:
    finding = PathFinding(source=IPv4Address("10.0.0.5"), route_mtu=1500, mtu=1400, echo=True)
    assert checked(finding, forward="masquerade", mtu=1500)["warnings"] == []
    with pytest.raises(Invalid, match=r"name 10\.0\.0\.5 in lvs_dip"):
        checked(finding)


def test_answers_for_a_vip() -> None:
    """An answer of this host itself does not count, a real server's is a warning, any other a fault."""
    request = parse(options(vips=[str(VIP), "2001:db8::1"], paths=[PATH]))
    paths: dict[Address, PathFinding] = {RIP: PathFinding(source=DIP, route_mtu=1500, mtu=1500, echo=True, macs={"02:03"})}
    result = to_result(request, Findings(paths, {VIP: {("02:01", "eth0"), ("02:03", "eth0")}}, {"02:01"}))
    assert (result["holders"], result["unchecked"]) == ({str(VIP): ["02:03"]}, [str(ip_address("2001:db8::1"))])
    assert "rs1 (02:03) answers for 192.168.56.185 on eth0" in result["warnings"][0]
    with pytest.raises(Invalid, match=r"vips\[0\]: 192.168.56.185 is answered for by 02:04 on eth1"):
        to_result(request, Findings(paths, {VIP: {("02:04", "eth1")}}, {"02:01"}))


ETH0 = Device(2, "eth0", b"", True, (ip_interface(f"{DIP}/24"), ip_interface(f"{VIP}/24")), (DIP, VIP))
STRICT_ARP = {Setting("ipv4/conf", "arp_ignore", "all"): 1}
NO_ANSWER = "gets no client on eth0: with net.ipv4.conf.all.arp_ignore=1"


def on(director: Director, finding: PathFinding, answers: Any = (), **given: Any) -> dict[str, Any]:
    request = parse(options(vips=[str(VIP)], **given))
    return to_result(request, Findings({RIP: finding}, {VIP: set(answers)}, set(), director))


def test_settings_of_the_director() -> None:
    """Faults beside those of paths; the device that is going to hold the VIP counts before setup only."""
    bare = Director((Device(2, "eth0", b"", True, ETH0.interfaces[:1], (DIP,)),), STRICT_ARP)
    devices = [{"device": "tunl0", "vips": [str(VIP)]}]
    with all_refused(f"paths[0] (rs1), rip: {RIP} does not answer", f"vips: {VIP} {NO_ANSWER}"):
        on(bare, SILENT, devices=devices, paths=[PATH])
    with refused("vips", NO_ANSWER):
        on(bare, SILENT, devices=devices)
    assert on(bare, SILENT)["warnings"] == []
    with refused("vips", "is on no device of this host"):
        on(bare, SILENT, devices=devices, phase="after")


def test_links() -> None:
    """The director's own address beside the VIP."""
    assert on(Director((ETH0,), STRICT_ARP), SILENT)["links"] == [{"vip": str(VIP), "address": str(DIP)}]
    assert on(Director((), {}), SILENT)["links"] == []


def test_paths_after_setup() -> None:
    """Only what a real server answers for; without forwarding, masquerade lets no answer through in either phase."""
    here = Director((ETH0,), {})
    assert on(here, SILENT, paths=[PATH], phase="after")["paths"] == []
    answers = [("02:03", "eth0")]
    audible = PathFinding(source=DIP, macs={"02:03"})
    with refused("vips[0]", "is answered for by rs1 (02:03) on eth0, so that clients reach this real server past the"):
        on(here, audible, answers, paths=[PATH], phase="after")
    (warning,) = on(here, audible, answers, paths=[{**PATH, "optional": True}], phase="after")["warnings"]
    assert "rs1 (02:03) answers for" in warning
    masquerade = {**PATH, "forward": "masquerade"}
    for phase in ("before", "after"):
        with refused("forward", "as net.ipv4.ip_forward is 0"):
            on(here, PathFinding(source=DIP, echo=True), paths=[masquerade], phase=phase)
    assert on(here, audible, paths=[{**masquerade, "optional": True}], phase="after")["warnings"] == []


@pytest.mark.parametrize(
    ("finding", "given", "message"),
    [
        (
            PathFinding(problem="Network is unreachable"),
            {},
            f"rip: {RIP} has no route from this host (Network is unreachable)",
        ),
        (PathFinding(is_own=True), {}, f"rip: {RIP} is an address of this host itself: name that of rs1"),
        (PathFinding(source=DIP), {}, f"rip: {RIP} does not answer: no echo request got a reply within 2 s"),
        (PathFinding(source=DIP), {"port": 80}, f"rip: {RIP} does not answer: neither echo requests nor TCP port 80 got"),
        (
            PathFinding(source=DIP, route_mtu=1500, mtu=1299, echo=True),
            {"inner": [4, 6]},
            "inner: 6 asks for an MTU of 1280 (RFC 8200), but 1299 less 20 of the tunnel leave 1279: raise the MTU on",
        ),
    ],
)
def test_faults_of_a_path(finding: PathFinding, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked(finding, **given)
    assert str(caught.value).startswith(f"paths[0] (rs1), {message}")


@pytest.mark.parametrize(
    ("finding", "warning"),
    [
        (
            PathFinding(source=DIP, route_mtu=1500, macs={"02:03"}),
            f", rip: {RIP} answers ARP, but no echo request: is the real",
        ),
        (PathFinding(source=DIP, route_mtu=1500, echo=True), ": only small echo requests are answered"),
        (PathFinding(source=DIP, route_mtu=1500, mtu=1400, echo=True), ": only 1400 bytes pass, where the route says 1500"),
    ],
)
def test_warnings_of_a_path(finding: PathFinding, warning: str) -> None:
    (text,) = checked(finding)["warnings"]
    assert text.startswith(f"paths[0] (rs1){warning}")


SILENT = PathFinding(source=DIP, route_mtu=1500)
NO_ROUTE = PathFinding(problem="Network is unreachable")
UNANSWERED = (
    f"paths[0] (rs1), rip: {RIP} does not answer: no echo request got a reply within 2 s: start the real server, correct its"
    " address, or let its firewall answer echo requests, or name a TCP port of it (port)"
)


def with_drained(finding: PathFinding, *drained: Address, **path: Any) -> dict[str, Any]:
    request = parse(options(paths=[{**PATH, **path}], sources=[str(DIP)], drained="warn"))
    return to_result(request, Findings({RIP: finding}, {}, set()), drained)


def test_real_servers_that_are_drained() -> None:
    """All destinations have weight 0, of whichever service."""
    web, dns = ServiceKey(4, "tcp", VIP, 80), ServiceKey(4, "udp", VIP, 53)
    drained, half, serving = (IPv4Address(f"192.0.2.{number}") for number in (1, 2, 3))
    destinations = [
        Destination(DestinationKey(service, rip, service.port), weight=weight)
        for service, rip, weight in (
            (web, drained, 0), (dns, drained, 0), (web, half, 0), (dns, half, 1), (web, serving, 1),
        )
    ]  # fmt: skip
    assert drained_rips(destinations) == drained_rips(reversed(destinations)) == {drained}
    assert drained_rips([]) == set()


def test_silent_real_server_that_is_drained() -> None:
    result = with_drained(SILENT, RIP)
    assert result["warnings"] == [f"{UNANSWERED}: rs1 is drained, so this is only a warning"]
    assert result["paths"] == [
        {"name": "rs1", "rip": str(RIP), "source": str(DIP), "mtu": 1500, "inner_mtu": 1480, "alive": False}
    ]


def test_silent_real_server_that_takes_no_part() -> None:
    result = checked(SILENT, optional=True)
    assert result["warnings"] == [f"{UNANSWERED}: rs1 takes no part in this run, so this is only a warning"]
    assert result["paths"][0]["alive"] is False


def test_path_without_a_route_has_neither_source_nor_mtu() -> None:
    result = with_drained(NO_ROUTE, RIP)
    assert result["paths"] == [
        {"name": "rs1", "rip": str(RIP), "source": None, "mtu": None, "inner_mtu": None, "alive": False}
    ]
    (warning,) = result["warnings"]
    assert warning.startswith(f"paths[0] (rs1), rip: {RIP} has no route from this host (Network is unreachable): ")
    assert warning.endswith(": rs1 is drained, so this is only a warning")


def test_each_fault_of_a_path_is_a_warning() -> None:
    """Beside the other warnings of that path."""
    finding = PathFinding(source=IPv4Address("10.0.0.5"), route_mtu=1500, macs={"02:03"})
    warnings = checked(finding, optional=True, mtu=1600)["warnings"]
    assert ["takes no part in this run" in warning for warning in warnings] == [True, True, False]
    assert f"rip: {RIP} gets its tunnelled packets from 10.0.0.5" in warnings[0]
    assert "mtu: 1600 is what the real server reckons with, but only 1500 pass" in warnings[1]
    assert f"rip: {RIP} answers ARP, but no echo request" in warnings[2]


def test_real_server_that_is_needed_fails_beside_one_that_is_not() -> None:
    other: Address = IPv4Address("192.168.56.184")
    rows = [{**PATH, "optional": True}, {**PATH, "name": "rs2", "rip": str(other)}]
    findings = Findings({RIP: SILENT, other: SILENT}, {}, set())
    with pytest.raises(Invalid) as caught:
        to_result(parse(options(paths=rows)), findings, {RIP})
    assert [fault.option for fault in caught.value.faults] == ["paths[1] (rs2), rip"]


def test_fault_of_a_vip_stays_one() -> None:
    request = parse(options(vips=[str(VIP)], paths=[{**PATH, "optional": True}], drained="warn"))
    with pytest.raises(Invalid, match=r"vips\[0\]: 192.168.56.185 is answered for by 02:04 on eth1"):
        to_result(request, Findings({RIP: SILENT}, {VIP: {("02:04", "eth1")}}, set()), {RIP})


def test_way_out_for_a_machine_that_is_down_on_purpose() -> None:
    """To drain it is one where that makes a difference."""
    ends = "; if it is down on purpose, {}give it state: absent, or take it out of the description"
    with pytest.raises(Invalid) as caught:
        with_drained(SILENT, DIP)
    assert str(caught.value) == UNANSWERED + ends.format("drain it (lvs.cluster.drain), ")
    with pytest.raises(Invalid) as caught:
        checked(SILENT)
    assert str(caught.value) == UNANSWERED + ends.format("")
