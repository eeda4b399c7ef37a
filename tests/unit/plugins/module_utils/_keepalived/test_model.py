# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routers, their VIPs, and the files and the unit of keepalived."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.textfile import is_made_here
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import model
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    KeepalivedDesired,
    RouterVip,
    Unit,
    VirtualRouter,
    advertised_in,
    all_vips,
    version_of,
    vips_in,
)

DIP = ip_address("192.0.2.2")
# In the order in which they are written: IPv4 first, by their numbers.
A, B, C, D = (RouterVip(ip_address(vip), "eth0") for vip in ("192.0.2.9", "192.0.2.80", "198.51.100.1", "2001:db8::1"))


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("Keepalived v2.2.7 (01/16,2022)\n\nCopyright(C) 2001-2022 Alexandre Cassen\n", (2, 2, 7)),
        ("warning: x\nKeepalived v2.3.10 (03/30,2025), git commit v2.3.9+\n", (2, 3, 10)),
        ("keepalived v1.3.5", (1, 3, 5)),
        ("error while loading shared libraries", ()),
        ("", ()),
    ],
)
def test_version(printed: str, version: tuple[int, ...]) -> None:
    assert version_of(printed) == version


@pytest.mark.parametrize(
    ("number", "source", "advertised"),
    [(1, "192.0.2.2", "169.254.255.1"), (255, "192.0.2.2", "169.254.255.255"), (10, "2001:db8::2", "fe80::a9fe:ff0a")],
)
def test_advertised_address(number: int, source: str, advertised: str) -> None:
    """It has the number of the virtual router, whatever its VIPs are."""
    router = VirtualRouter(number, ip_address(source), vips=(A, D))
    assert router.advertised == ip_address(advertised)
    assert router.name == f"lvs_{number}"


@pytest.mark.parametrize(
    ("changed", "vips"),
    [
        ({}, (A, B, C, D)),
        ({"purge": True}, (B, D)),
        ({"removed": frozenset({A.vip})}, (B, C, D)),
        ({"removed": frozenset({A.vip}), "purge": True}, (B, D)),
        ({"router": None}, (A, C)),
    ],
)
def test_vips_that_are_not_named_stay(changed: dict[str, Any], vips: tuple[RouterVip, ...]) -> None:
    """Unless they are to be purged or removed; sorted in any case."""
    desired: dict[str, Any] = {"router": VirtualRouter(51, DIP, vips=(D, B)), **changed}
    assert all_vips(KeepalivedDesired([], **desired), [C, A]) == vips


def test_named_vip_has_the_device_that_is_named() -> None:
    moved = RouterVip(A.vip, "eth1")
    assert all_vips(KeepalivedDesired([], router=VirtualRouter(51, DIP, vips=(moved,))), [A, B]) == (moved, B)


CHANGED_BY_HAND = """\
virtual_ipaddress {
    169.254.255.51/32 dev lo scope host
}
virtual_ipaddress_excluded {
    192.0.2.80/32 dev eth0
    # 192.0.2.81/32 dev eth0
    192.0.2.82
    192.0.2.83/32
    192.0.2/32 dev eth0

    2001:db8::80/128   dev eth0
    2001:DB8::81/128 dev eth0 scope global # mine
}
"""


def test_lines_that_were_changed_by_hand() -> None:
    """Those that are not as this collection writes them are not read."""
    assert [str(vip.vip) for vip in vips_in(CHANGED_BY_HAND)] == ["192.0.2.80", "2001:db8::81"]
    assert advertised_in(CHANGED_BY_HAND) == ip_address("169.254.255.51")
    assert (vips_in("global_defs {\n}\n"), advertised_in("global_defs {\n}\n")) == ([], None)


def test_unit() -> None:
    unit = Unit("keepalived.service")
    assert unit.command() == unit.command("set") == "systemctl enable --now keepalived.service"
    assert unit.command("remove") == "systemctl disable --now keepalived.service"
    assert unit.identity() == {"unit": "keepalived.service"}


def test_files_beside_the_configuration() -> None:
    """The drop-in says whose it is; keepalived reads the other one, a number."""
    drop_in = model.drop_in()
    assert is_made_here(drop_in.text, "keepalived")
    assert {"After=lvs-cluster.service", "Restart=always"} <= set(drop_in.lines)
    assert f'ExecStop=-/bin/sh -c "echo 1 >{model.STOPPING_FILE}; exec sleep 0.5"' in drop_in.lines
    assert [model.standby_file(standby).text for standby in (False, True)] == ["0\n", "1\n"]


def test_secret_is_in_no_representation() -> None:
    assert "s3cret" not in repr(VirtualRouter(51, DIP, version=2, interval=1.0, secret="s3cret"))
