# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with options, and what they mean."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import Invalid
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import RouterVip, VirtualRouter
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.options import read_router, read_vips
from tests.unit.helpers import all_refused, refused

DIP, OTHER_DIP = "192.0.2.2", "192.0.2.3"
VRRP: dict[str, Any] = {"id": 51, "source": DIP}
VERSION_2: dict[str, Any] = {"version": 2, "advert_interval": 1}


def test_defaults() -> None:
    assert read_router(VRRP) == VirtualRouter(51, ip_address(DIP))


def test_everything_given() -> None:
    given = {
        "id": "7",
        "source": DIP,
        "peers": [OTHER_DIP, "192.0.2.4", OTHER_DIP],
        "priority": 254,
        "version": 2,
        "advert_interval": 2,
        "preempt": True,
        "track_quorum": True,
        "device": "eth0",
        "track_devices": ["eth1", "tunl0", "eth1"],
        "secret": "s3cret-8",
    }
    assert read_router(given) == VirtualRouter(
        id=7,
        source=ip_address(DIP),
        peers=(ip_address(OTHER_DIP), ip_address("192.0.2.4")),
        priority=254,
        version=2,
        interval=2.0,
        preempt=True,
        track_quorum=True,
        device="eth0",
        track_devices=("eth1", "tunl0"),
        secret="s3cret-8",
    )


@pytest.mark.parametrize("missing", ["id", "source"])
def test_what_every_virtual_router_has(missing: str) -> None:
    with refused(missing, "is missing: a virtual router has an id (1 to 255), and a source"):
        read_router({**VRRP, missing: None})


@pytest.mark.parametrize(
    ("given", "option", "message"),
    [
        ({"id": 0}, "id", "0 is not in 1..255"),
        ({"id": 256}, "id", "256 is not in 1..255"),
        ({"id": "web"}, "id", "'web' is not a whole number"),
        ({"source": "eth0"}, "source", "'eth0' is not an IP address"),
        ({"source": "fe80::1"}, "source", "is a link-local address"),
        ({"source": "224.0.0.18"}, "source", "is not a unicast address"),
        ({"peers": ["director2"]}, "peers", "'director2' is not an IP address"),
        ({"peers": [OTHER_DIP, DIP]}, "peers", f"{DIP} is this director's own address: name the other directors alone"),
        ({"peers": ["2001:db8::3"]}, "peers", "2001:db8::3 is no IPv4 address, as source is"),
        ({"source": "2001:db8::2", "peers": [OTHER_DIP]}, "peers", f"{OTHER_DIP} is no IPv6 address, as source is"),
        ({"priority": 0}, "priority", "0 is not in 1..254"),
        ({"priority": 255}, "priority", "255 is not in 1..254"),
        ({"version": 4}, "version", "'4' is not one of 2, 3"),
        ({**VERSION_2, "source": "2001:db8::2"}, "version", "2 is for IPv4: take version 3"),
        ({"preempt": "perhaps"}, "preempt", "'perhaps' is neither true nor false"),
        ({"track_quorum": "perhaps"}, "track_quorum", "'perhaps' is neither true nor false"),
        ({"device": "eth 0"}, "device", "'eth 0' is not a device name"),
        ({"device": "eth0#1"}, "device", "'eth0#1' has characters that keepalived.conf gives a meaning to: rename"),
        ({"track_devices": ["eth1", "a/b"]}, "track_devices", "'a/b' is not a device name"),
        ({"track_devices": ["}"]}, "track_devices", "'}' has characters that keepalived.conf gives a meaning to"),
        ({"colour": 1}, "colour", "1 is an unknown option: valid options are id, source, peers, priority,"),
    ],
)
def test_fault(given: dict[str, Any], option: str, message: str) -> None:
    with refused(option, message):
        read_router({**VRRP, **given})


HUNDREDTHS = "is not in 0.01..40.95 seconds, in hundredths of a second, as VRRP version 3 has it"
WHOLE_SECONDS = "is not in 1..255 seconds, in whole seconds, as VRRP version 2 has it"


@pytest.mark.parametrize(
    ("version", "interval", "message"),
    [
        (3, 0.005, "0.005 is not in 0.01..255 seconds"),
        (3, 0.015, f"0.015 {HUNDREDTHS}"),
        (3, 40.96, f"40.96 {HUNDREDTHS}"),
        (3, 255, f"255 {HUNDREDTHS}"),
        (3, "soon", "'soon' is not a number"),
        (3, "nan", "nan is not in 0.01..255 seconds"),
        (2, 0.1, f"0.1 {WHOLE_SECONDS}"),
        (2, 1.5, f"1.5 {WHOLE_SECONDS}"),
        (2, 256, "256 is not in 0.01..255 seconds"),
    ],
)
def test_interval_that_the_version_does_not_have(version: int, interval: object, message: str) -> None:
    with refused("advert_interval", message):
        read_router({**VRRP, "version": version, "advert_interval": interval})


@pytest.mark.parametrize(("version", "interval"), [(3, 0.01), (3, 0.07), (3, "0.29"), (3, 1), (3, 40.95), (2, 1), (2, 255.0)])
def test_interval(version: int, interval: object) -> None:
    """Also those that a computer has no exact number for."""
    assert read_router({**VRRP, "version": version, "advert_interval": interval}).interval == float(str(interval))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"secret": "s3cret"}, "cannot be with version 3, which has no authentication"),
        ({**VERSION_2, "secret": "s3cret123"}, "is longer than 8 bytes"),
        ({**VERSION_2, "secret": "ääääs"}, "is longer than 8 bytes"),
        ({**VERSION_2, "secret": "s3 cret"}, "has characters that keepalived.conf gives a meaning to"),
        ({**VERSION_2, "secret": 's3"cret'}, "has characters that keepalived.conf gives a meaning to"),
        ({**VERSION_2, "secret": "s3cret#"}, "has characters that keepalived.conf gives a meaning to"),
        ({**VERSION_2, "secret": "s3cret\n"}, "has characters that keepalived.conf gives a meaning to"),
    ],
)
def test_secret_that_cannot_be(given: dict[str, Any], message: str) -> None:
    """It is not in the message."""
    with refused("secret", f"the value {message}") as raised:
        read_router({**VRRP, **given})
    assert given["secret"] not in str(raised.value)
    assert given["secret"] not in repr(raised.value.faults[0].value)


def test_no_secret() -> None:
    """An empty one is none, also with version 3."""
    assert read_router({**VRRP, "secret": ""}).secret == ""


def test_all_faults_of_single_options_at_once() -> None:
    with all_refused("id: 0 is not", "priority: 300 is not", "advert_interval: 'x' is not a number"):
        read_router({**VRRP, "id": 0, "priority": 300, "advert_interval": "x"})


def test_all_faults_of_options_together_at_once() -> None:
    with all_refused(
        "peers: 2001:db8::2 is this director's own address",
        "peers: 192.0.2.3 is no IPv6 address",
        "advert_interval: 0.1 is not in 1..255",
        "version: 2 is for IPv4",
        "secret: the value is longer than",
    ):
        peers = ["2001:db8::2", OTHER_DIP]
        read_router({**VRRP, "source": "2001:db8::2", "peers": peers, "version": 2, "secret": "s3cret123"})


def test_vips() -> None:
    """Those that it has, with their devices, and those that it gives up."""
    rows = [
        {"vip": "192.0.2.80"},
        {"vip": "2001:db8::80", "device": "eth1", "state": "present"},
        {"vip": "192.0.2.81", "device": "eth1", "state": "absent"},
        {"vip": "fe80::80", "device": None, "state": None},
    ]
    held, removed = read_vips(rows)
    assert held == (
        RouterVip(ip_address("192.0.2.80")),
        RouterVip(ip_address("2001:db8::80"), "eth1"),
        RouterVip(ip_address("fe80::80")),
    )
    assert removed == {ip_address("192.0.2.81")}
    assert read_vips([]) == ((), frozenset())


@pytest.mark.parametrize(
    ("row", "option", "message"),
    [
        ({}, "vips[0], vip", "is missing: name the address that clients use"),
        ({"vip": "web"}, "vips[0], vip", "'web' is not an IP address"),
        ({"vip": "192.0.2.80/24"}, "vips[0], vip", "'192.0.2.80/24' is not an IP address"),
        ({"vip": "127.0.0.1"}, "vips[0], vip", "is a loopback address"),
        ({"vip": "224.0.0.1"}, "vips[0], vip", "is not a unicast address"),
        ({"vip": "192.0.2.80", "device": "a:b"}, "vips[0], device", "'a:b' is not a device name"),
        ({"vip": "192.0.2.80", "device": "a{b"}, "vips[0], device", "'a{b' has characters that keepalived.conf"),
        ({"vip": "192.0.2.80", "state": "gone"}, "vips[0], state", "'gone' is not one of present, absent"),
        ({"vip": "192.0.2.80", "port": 80}, "vips[0], port", "80 is an unknown option: valid options are vip, device, state"),
        ("192.0.2.80", "vips[0], value", "'192.0.2.80' is not a dictionary"),
    ],
)
def test_fault_of_a_vip(row: Any, option: str, message: str) -> None:
    with refused(option, message):
        read_vips([row])


def test_vip_that_is_named_twice() -> None:
    """Also to be given up; written in another way it is the same."""
    rows = [
        {"vip": "2001:db8::80"},
        {"vip": "192.0.2.80"},
        {"vip": "2001:DB8:0::80"},
        {"vip": "192.0.2.80", "device": "eth1", "state": "absent"},
    ]
    with all_refused("vips[2], vip: 2001:db8::80 is vips[0] already: list it once", "vips[3], vip: 192.0.2.80 is vips[1]"):
        read_vips(rows)


def test_all_faults_of_all_vips_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        read_vips([{"vip": "x", "device": "a b"}, {"vip": "192.0.2.80"}, {"device": "eth0"}])
    assert [fault.option for fault in raised.value.faults] == ["vips[0], vip", "vips[0], device", "vips[2], vip"]
