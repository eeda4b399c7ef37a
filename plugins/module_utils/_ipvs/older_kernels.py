# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What IPVS of an older kernel does not do: it ignores attributes that it does not know, and answers without them. Pure.

Sources: include/uapi/linux/ip_vs.h and ip_vs_genl_parse_dest() in net/netfilter/ipvs/ip_vs_ctl.c of Linux 4.19, 5.10 and 6.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._core.errors import InvalidValue
from .._core.kernel_release import Version, older
from .._core.options import Faults
from .._core.reconcile import Wanted
from .model import Destination

# A kernel without IPVS_DEST_ATTR_TUN_TYPE or IPVS_DEST_ATTR_TUN_FLAGS takes the destination, and sends IPIP to it.
_GUE: Version = (5, 2)
_GRE: Version = (5, 3)
_TUNNEL_CHECKSUM: Version = (5, 3)
_ALL_TUNNELS = max(_GUE, _GRE, _TUNNEL_CHECKSUM)


def check_tunnels(wanted: Iterable[Wanted[Any, Any]], release: str) -> None:
    """Check that the kernel knows the tunnels of all destinations that are wanted.

    :param release: of the kernel
    :raises Invalid: of O(tunnel_type) and O(tunnel_checksum)
    """
    if not older(release, _ALL_TUNNELS):
        return
    faults = Faults()
    for item in wanted:
        if isinstance(item.new, Destination):
            faults.collect(_check_tunnel, item.new, release, where=item.where)
    faults.raise_all()


def _check_tunnel(destination: Destination, release: str) -> None:
    needed = {"gue": _GUE, "gre": _GRE}.get(destination.tunnel_type)
    if needed is not None and older(release, needed):
        raise InvalidValue("tunnel_type", destination.tunnel_type, _needs(needed, release, "tunnel_type=ipip"))
    if destination.tunnel_checksum != "none" and older(release, _TUNNEL_CHECKSUM):
        raise InvalidValue(
            "tunnel_checksum", destination.tunnel_checksum, _needs(_TUNNEL_CHECKSUM, release, "tunnel_checksum=none")
        )


def _needs(needed: Version, release: str, instead: str) -> str:
    return f"needs Linux {needed[0]}.{needed[1]} or newer on the director, which has {release}: write {instead} instead"
