# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Names of variables that are almost those of this collection."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping

from ...module_utils._core.options import Faults
from .errors import DescriptionFault
from .settings import PREFIX, VARIABLES

_CLOSE = 0.8  # of difflib's ratio: lvs_purge_net is close to lvs_purge_networks, lvs_team is not close to any


def _slips(name: str) -> Iterator[str]:
    """The name with a letter missing, and with two letters swapped."""
    for index in range(len(name)):
        yield name[:index] + name[index + 1 :]
        yield name[:index] + name[index + 1 : index + 2] + name[index] + name[index + 2 :]


_SLIPS = {slip: name for name in VARIABLES for slip in _slips(name) if slip not in VARIABLES}


def meant(name: str, others: Collection[str]) -> str | None:
    """The variable that a name was probably meant for.

    A name without the prefix may be a variable of something else: not if the one that it resembles is set, too.

    :param others: the names that the host has, too
    """
    known = _SLIPS.get(name)
    if known is not None and not name.startswith(PREFIX) and known in others:
        return None
    if known is None and name.startswith(PREFIX) and name not in VARIABLES:
        close = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=_CLOSE)
        known = close[0] if close else None
    return known


def check_names(hosts: Mapping[str, Collection[str]], faults: Faults) -> list[str]:
    """Check the names of variables; gives warnings of those that only begin like a variable of this collection.

    :param hosts: the names of each host's variables
    """
    found: dict[tuple[str, str | None], list[str]] = {}
    for host, names in hosts.items():
        for name in map(str, names):
            if name not in VARIABLES and (name.startswith(PREFIX) or name in _SLIPS):
                found.setdefault((name, meant(name, names)), []).append(host)
    warnings = []
    for (name, known), of_hosts in sorted(found.items(), key=str):
        place = _hosts(of_hosts)
        if known is not None:
            way_out = "" if name.startswith(PREFIX) else f", or set {known}, too, if it belongs to something else"
            reason = f"is not a variable of this collection: did you mean {known}? Correct the name{way_out}"
            faults.add(DescriptionFault(f"{place}, {name}", reason))
        elif name.startswith(PREFIX):
            warnings.append(f"{place}, {name}: is not a variable of this collection, and has no effect")
    return warnings


def _hosts(names: Iterable[str]) -> str:
    """Hosts in a message."""
    first, *others = names
    if not others:
        return f"host {first}"
    return f"host {first} and {len(others)} other{'s' if len(others) > 1 else ''}"
