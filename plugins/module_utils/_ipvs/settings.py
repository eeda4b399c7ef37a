# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The settings of IPVS in procfs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .._core.errors import InvalidValue
from .._core.reconcile import Wanted
from .._sysctl.model import Sysctl
from .._sysctl.procfs import ROOT, Settings
from .ipvs_sysctl import IpvsSysctlKey
from .kernel import load_ipvs

_IPVS = f"{ROOT}/net/ipv4/vs"


class IpvsSettings(Settings):
    """The settings of IPVS."""

    def __init__(self) -> None:
        super().__init__("ipvs")

    def read(self, wanted: Iterable[Wanted[Any]]) -> dict[Any, Any]:
        """See above; also those that were asked for before."""
        wanted = list(wanted)
        if any(isinstance(one.new, Sysctl) for one in wanted):
            load_ipvs()
        names = sorted(os.listdir(_IPVS)) if os.path.isdir(_IPVS) else []
        for one in wanted:
            if isinstance(one.key, IpvsSysctlKey) and one.key.name not in names:
                raise InvalidValue(
                    "settings", one.key.name, f"is no setting of this kernel's IPVS: it has {', '.join(names)}"
                )
        super().read(wanted)
        for name in names:
            key = IpvsSysctlKey(name)
            if key not in self._current and self._claimant in self._wants(key):
                self._take_in(key)
        return self._current
