# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of preflight."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._probe.preflight_options import Path, parse

from ....helpers import all_refused, refused

PATH: dict[str, Any] = {
    "name": "rs1", "rip": "192.168.56.183", "forward": "tunnel", "tunnel_type": "ipip", "tunnel_checksum": "none",
    "inner": [4], "mtu": None, "port": None, "optional": False,
}  # fmt: skip


def options(**given: Any) -> dict[str, Any]:
    names = ("vips", "paths", "sources", "devices", "directors", "services")
    lists: dict[str, Any] = {name: [] for name in names}
    defaults = {**lists, "phase": "before", "drained": "check", "untracked": False, "timeout": 2.0}
    return {**defaults, **given}


def path(**given: Any) -> Path:
    return parse(options(paths=[{**PATH, **given}])).paths[0]


def test_all_bad_options_are_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse(options(vips=["x"], paths=[{**PATH, "mtu": 1}], sources=["y"], timeout=float("nan")))
    assert [fault.option for fault in caught.value.faults] == ["vips[0], vip", "paths[0] (rs1), mtu", "sources[0]", "timeout"]


def test_services() -> None:
    row = {"vip": "192.168.56.185", "port": 80, "protocol": "udp", "fwmark": None, "family": None}
    mark = {"vip": None, "port": None, "protocol": "tcp", "fwmark": 7, "family": "ipv6"}
    assert [str(service) for service in parse(options(services=[row, mark])).services] == ["-u 192.168.56.185:80", "-f 7 -6"]
    with refused("services[0], port", "is missing"):
        parse(options(services=[{**row, "port": None}]))


def test_values_of_a_path() -> None:
    gre = path(
        name=None,
        rip="2001:db8::183",
        tunnel_type="gre",
        tunnel_checksum="checksum",
        inner=[4, 6],
        mtu=1500,
        port=80,
        optional=True,
    )
    assert gre == Path(
        place="paths[0] (2001:db8::183)",
        name="2001:db8::183",
        rip=ip_address("2001:db8::183"),
        forward="tunnel",
        inner=(4, 6),
        overhead=40 + 8,
        mtu=1500,
        port=80,
        is_optional=True,
    )
    routed = path(forward="route")
    assert (routed.place, routed.name, routed.overhead, routed.mtu, routed.port) == ("paths[0] (rs1)", "rs1", 0, None, None)
    assert not routed.is_optional
    assert [path(forward=forward).mtu_matters for forward in ("tunnel", "route", "masquerade")] == [True, True, False]


def test_devices() -> None:
    """By VIP: several may hold one."""
    rows = [{"device": "tunl0", "vips": ["192.168.56.185", "192.168.56.186"]}, {"device": "eth0", "vips": ["192.168.56.185"]}]
    assert parse(options(devices=rows)).devices == {
        ip_address("192.168.56.185"): ("tunl0", "eth0"),
        ip_address("192.168.56.186"): ("tunl0",),
    }
    with all_refused("devices[0], device: 'a b' is not a device name", "devices[0], vip: 127.0.0.1 is a loopback address"):
        parse(options(devices=[{"device": "a b", "vips": ["127.0.0.1"]}]))


def test_phase() -> None:
    assert [parse(options(phase=given)).is_set_up for given in ("before", "after")] == [False, True]
    with refused("phase", "'later' is not one of before, after"):
        parse(options(phase="later"))


def test_drained() -> None:
    assert [parse(options(drained=given)).tolerates_drained for given in ("check", "warn")] == [False, True]
    with refused("drained", "'skip' is not one of check, warn"):
        parse(options(drained="skip"))


def test_untracked() -> None:
    assert [parse(options(untracked=given)).untracked for given in (False, True)] == [False, True]


@pytest.mark.parametrize(
    ("given", "option", "reason"),
    [
        ({"rip": "192.168.56.300"}, "rip", "is not an IP address"),
        ({"inner": [4, 5]}, "inner", "5 is not an address family: write 4 or 6"),
        ({"port": 0}, "port", "0 is not in 1..65535"),
        ({"mtu": 575}, "mtu", "575 is not in 576..65535"),
        ({"mtu": 1279, "rip": "2001:db8::183"}, "mtu", "1279 is not in 1280..65535"),
        ({"tunnel_checksum": "checksum"}, "tunnel_checksum", "checksum is not for tunnel_type=ipip: gue has all of them"),
        (
            {"tunnel_type": "gre", "tunnel_checksum": "remote_checksum"},
            "tunnel_checksum",
            "remote_checksum is not for tunnel_type=gre: gue has all of them, gre has none and checksum",
        ),
    ],
)
def test_bad_values_of_a_path(given: dict[str, Any], option: str, reason: str) -> None:
    with refused(f"paths[0] (rs1), {option}", reason):
        path(**given)


def test_all_bad_values_of_a_path_are_named_at_once() -> None:
    with all_refused(
        "paths[0] (rs1), tunnel_checksum: remote_checksum is not for tunnel_type=ipip",
        "paths[0] (rs1), mtu: 1 is not in 576..65535",
        "paths[1] (rs2), rip: 'x' is not an IP address",
        "paths[1] (rs2), port: 70000 is not in 1..65535",
    ):
        parse(
            options(
                paths=[
                    {**PATH, "tunnel_checksum": "remote_checksum", "mtu": 1},
                    {**PATH, "name": "rs2", "rip": "x", "port": 70000},
                ]
            )
        )


def test_every_valid_checksum() -> None:
    """Of tunnels in GUE, all; of GRE, two."""
    for checksum in ("none", "checksum", "remote_checksum"):
        path(tunnel_type="gue", tunnel_checksum=checksum)
    for checksum in ("none", "checksum"):
        path(tunnel_type="gre", tunnel_checksum=checksum)
