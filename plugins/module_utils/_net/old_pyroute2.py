# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What pyroute2 before 0.6.10 does differently, and the way around it.

Debian 11 and EPEL 9 package 0.5.14, Ubuntu 22.04 has 0.6.4.

Source: pyroute2/iproute/linux.py and pyroute2/netlink/rtnl/req.py of pyroute2 0.5.14 and 0.6.4.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .._core.requirements import missing_library

OLDEST = (0, 5, 14)
_WITHOUT_FAULTS = (0, 6, 10)

# include/uapi/linux/netlink.h and rtnetlink.h
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_RTM_DELLINK, _RTM_DELADDR, _RTM_DELROUTE = 17, 21, 25


def installed() -> tuple[int, ...] | None:
    """The version that is installed; None where nothing says."""
    try:
        numbers = re.match(r"\d+(\.\d+)*", version("pyroute2"))
    except PackageNotFoundError:
        return None
    return tuple(map(int, numbers[0].split("."))) if numbers else None


def fitting(iproute: Any, found: tuple[int, ...] | None) -> Any:
    """The class IPRoute of this version, with the faults of old ones mended.

    :raises MissingLibrary: it is older than what has been tried
    """
    if found is None or found >= _WITHOUT_FAULTS:
        return iproute
    if found < OLDEST:
        has, needed = (".".join(map(str, numbers)) for numbers in (found, OLDEST))
        raise missing_library("pyroute2", f"{has} is too old, {needed} or newer is needed")

    class OldIPRoute(iproute):  # type: ignore[misc]
        """IPRoute as newer versions have it."""

        def link(self, command: str, **attributes: Any) -> Any:
            return super().link(_plain(command, _RTM_DELLINK), **attributes)

        def route(self, command: str, **attributes: Any) -> Any:
            return super().route(_plain(command, _RTM_DELROUTE), **attributes)

        def addr(self, command: str, **attributes: Any) -> Any:
            if "cacheinfo" in attributes:
                # Newer ones add the prefix themselves.
                attributes["cacheinfo"] = {f"ifa_{name}": seconds for name, seconds in attributes["cacheinfo"].items()}
            return super().addr(_plain(command, _RTM_DELADDR), **attributes)

    return OldIPRoute


def _plain(command: str, deletion: int) -> Any:
    """A deletion with flags of its own: old versions add NLM_F_EXCL, which kernels since 5.19 take for NLM_F_BULK."""
    return (deletion, _NLM_F_REQUEST | _NLM_F_ACK) if command == "del" else command
