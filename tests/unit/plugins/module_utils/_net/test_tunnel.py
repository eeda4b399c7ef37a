# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tunnel puts around a packet."""

from __future__ import annotations

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import model as ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._net import tunnel


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


def test_words_are_those_of_a_destination() -> None:
    """A word that the table takes and nothing else knows would come to light on a host."""
    assert tunnel.TYPES == ipvs.TUNNEL_TYPES
    assert tuple(ipvs.TUNNEL_CHECKSUMS) == tunnel.CHECKSUMS
