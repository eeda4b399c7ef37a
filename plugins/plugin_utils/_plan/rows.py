# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Rows of module options that several parts of a plan consist of. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._core.options import Facts
from ...module_utils._ipvs.model import Destination, Service


def device_rows(vips: Iterable[tuple[str, str]], **options: str) -> list[Facts]:
    """Rows of M(lvs.cluster.tunl_vip): each device once, with its VIPs, and the same further options for all.

    :param vips: devices and the VIPs on them
    """
    by_device: dict[str, list[str]] = {}
    for device, vip in dict.fromkeys(vips):
        by_device.setdefault(device, []).append(vip)
    return [{"device": device, "vips": on_device, **options} for device, on_device in by_device.items()]


def complete_options(item: Service | Destination) -> Facts:
    """All options of an item, so that an option that leaves the description goes back to its default."""
    return {option: value for option, value in item.facts().items() if value is not None}
