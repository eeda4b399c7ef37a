# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the settings of a director on which it depends whether clients are answered. Nothing is changed.

Source: nft(8).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from .._core import files, program
from .._net.neighbour import Device
from .._net.route import default_route_devices
from .director_settings import OF_A_DEVICE, OF_THE_HOST, Director, Setting

_SYSCTL = "/proc/sys"
_TRACKING = f"{_SYSCTL}/net/netfilter/nf_conntrack_max"  # there if the kernel tracks connections

_RULESET = ("nft", "--stateless", "list", "ruleset")
_TIMEOUT = 10  # seconds
# What a chain is hooked to, if it is a base chain. A chain that others jump to may get clients' packets.
_HOOK = re.compile(r"\s*type \S+ hook (\S+)")
_ON_THE_WAY_IN = ("prerouting", "input", "ingress")
_DROPS_INVALID = re.compile(r"\bct state (?:\{[^}]*\binvalid\b[^}]*\}|\S*\binvalid\b\S*).*\bdrop\b")
_IS_DROPPED_BY_MAP = re.compile(r"\bct state vmap \{[^}]*\binvalid : drop\b")
_EXEMPTS = re.compile(r"\bnotrack\b")


def read_director(devices: Sequence[Device]) -> Director:
    """The director, with these devices."""
    settings = [*OF_THE_HOST, *(Setting(*setting, device.name) for device in devices for setting in OF_A_DEVICE)]
    values = {setting: value for setting in settings for value in _values(setting)}
    return Director(devices, values, default_route_devices(), os.path.exists(_TRACKING) and drops_invalid(_ruleset()))


def _values(setting: Setting) -> Iterator[int]:
    """The value of a setting, if the kernel has it."""
    text = files.read_text(f"{_SYSCTL}/{setting.path}")
    if text is not None:
        yield int(text)


def _ruleset() -> str:
    """The rules of nftables, as nft(8) writes them; empty where there is no such program."""
    printed, _problem = program.run(*_RULESET, timeout=_TIMEOUT)
    return printed


def drops_invalid(ruleset: str) -> bool:
    """Whether a rule on the way in drops what is invalid to connection tracking, and none exempts packets from tracking."""
    on_the_way_in, found = True, False
    for line in ruleset.splitlines():
        hook = _HOOK.match(line)
        if line.lstrip().startswith("chain "):
            on_the_way_in = True
        elif hook:
            on_the_way_in = hook[1] in _ON_THE_WAY_IN
        elif on_the_way_in:
            if _EXEMPTS.search(line):
                return False
            is_map = "ct state vmap" in line
            found = found or bool((_IS_DROPPED_BY_MAP if is_map else _DROPS_INVALID).search(line))
    return found
