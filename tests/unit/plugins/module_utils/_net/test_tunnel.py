# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tunnel puts around a packet."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel
from tests.unit.helpers import refused


@pytest.mark.parametrize(
    ("tunnel_type", "checksum", "over_ipv4"),
    [
        ("ipip", "none", 20),
        ("gue", "none", 20 + 8 + 4),
        ("gue", "checksum", 20 + 8 + 4),  # UDP's own, which has its place in any case
        ("gue", "remote_checksum", 20 + 8 + 4 + 8),
        ("gre", "none", 20 + 4),
        ("gre", "checksum", 20 + 8),
    ],
)
def test_overhead(tunnel_type: str, checksum: str, over_ipv4: int) -> None:
    """An IPv6 header is 20 bytes longer, and the rest the same."""
    assert tunnel.overhead(4, tunnel_type, checksum) == over_ipv4
    assert tunnel.overhead(6, tunnel_type, checksum) == over_ipv4 + 20


def test_overhead_without_a_checksum() -> None:
    """Where none is named."""
    assert [tunnel.overhead(4, tunnel_type) for tunnel_type in tunnel.TYPES] == [20, 32, 24]


@pytest.mark.parametrize(("inner", "inner_mtu", "size"), [(4, 1500, 1460), (4, 1480, 1440), (6, 1500, 1440), (6, 1280, 1220)])
def test_segment(inner: int, inner_mtu: int, size: int) -> None:
    """What is left of a packet by its own headers."""
    assert tunnel.segment(inner, inner_mtu) == size


@pytest.mark.parametrize(
    ("inner", "tunnel_type", "number"),
    [(4, "ipip", 4), (6, "ipip", 41), (4, "gre", 47), (6, "gre", 47), (4, "gue", None), (6, "gue", None)],
)
def test_protocol(inner: int, tunnel_type: str, number: int | None) -> None:
    """As the registry of protocol numbers has them; GUE comes as UDP."""
    assert tunnel.protocol(inner, tunnel_type) == number


@pytest.mark.parametrize(
    ("tunnel_type", "refused_checksums"),
    [("ipip", ("checksum", "remote_checksum")), ("gre", ("remote_checksum",)), ("gue", ())],
)
def test_checksum(tunnel_type: str, refused_checksums: tuple[str, ...]) -> None:
    """IPIP has none, GRE has no remote one, GUE has all."""
    for checksum in tunnel.CHECKSUMS:
        if checksum in refused_checksums:
            says = f"{checksum} is not for tunnel_type={tunnel_type}: gue has all of them, gre has none and checksum"
            with refused("tunnel_checksum", says):
                tunnel.check_checksum(tunnel_type, checksum)
        else:
            tunnel.check_checksum(tunnel_type, checksum)


@pytest.mark.parametrize(
    ("kind", "outer", "types"),
    [
        ("ipip", 4, ["gue", "ipip"]),
        ("sit", 4, ["gue", "sit"]),
        ("ip6tnl", 6, ["gue", "ip6ip6", "ipip6"]),
        ("gre", 4, ["gre"]),
        ("ip6gre", 6, ["gre"]),
    ],
)
def test_link_kinds(kind: str, outer: int, types: list[str]) -> None:
    """Each kind has one outer family; GUE is any kind but those of GRE."""
    assert (tunnel.OUTER_FAMILY[kind], tunnel.types_of(kind)) == (outer, types)
