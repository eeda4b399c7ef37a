# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an older kernel's IPVS does not do."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.reconcile import Wanted
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey, Service, ServiceKey
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.older_kernels import check_tunnels
from tests.unit.helpers import all_refused, refused

WEB = ServiceKey.of({"vip": "192.0.2.1", "port": 80})
RS1 = DestinationKey(WEB, ip_address("10.0.0.1"), 80)
EL8, UBUNTU_22 = "4.18.0-553.el8_10.x86_64", "5.15.0-91-generic"

GUE: dict[str, Any] = {"tunnel_type": "gue", "tunnel_port": 6080}
GRE: dict[str, Any] = {"tunnel_type": "gre"}
CHECKSUM: dict[str, Any] = {**GUE, "tunnel_checksum": "checksum"}


def wanted(options: dict[str, Any], where: str = "") -> Wanted[Any, Any]:
    """A destination behind that tunnel."""
    return Wanted(RS1, Destination(RS1, **options), options, where)


@pytest.mark.parametrize(
    ("release", "options"),
    [
        (EL8, {}),
        ("5.2.0", GUE),
        *((release, options) for release in ("5.3.0", UBUNTU_22, "7.2.12", "mine") for options in (GUE, GRE, CHECKSUM)),
    ],
)
def test_tunnel_that_the_kernel_knows(release: str, options: dict[str, Any]) -> None:
    """IPIP, of every kernel."""
    check_tunnels([Wanted(WEB, Service(WEB), {}), wanted(options), Wanted.absent(RS1)], release)


@pytest.mark.parametrize(
    ("release", "options", "option", "says"),
    [
        (EL8, GUE, "tunnel_type", f"gue needs Linux 5.2 or newer on the director, which has {EL8}: write tunnel_type=ipip"),
        (EL8, GRE, "tunnel_type", "gre needs Linux 5.3 or newer"),
        ("5.2.0", GRE, "tunnel_type", "gre needs Linux 5.3 or newer"),
        ("5.2.0", CHECKSUM, "tunnel_checksum", "checksum needs Linux 5.3 or newer"),
    ],
)
def test_tunnel_that_the_kernel_does_not_know(release: str, options: dict[str, Any], option: str, says: str) -> None:
    """The message has what it takes, and what there is."""
    with refused(option, says):
        check_tunnels([wanted(options)], release)


def test_all_that_the_kernel_does_not_know() -> None:
    """Each with its place."""
    rows = [wanted(options, f"services[0], destinations[{number}]") for number, options in enumerate((GUE, {}, GRE))]
    with all_refused("services[0], destinations[0], tunnel_type: gue", "services[0], destinations[2], tunnel_type: gre"):
        check_tunnels(rows, EL8)
