# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What is kept for the next start of the host: files in the words of ip(8), nft(8) and ipvsadm(8), each with its checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .textfile import header

SUBJECT = "boot"  # of the state file: which services are kept
FOLDER = "/var/lib/lvs.cluster/boot"
# In the order in which they are loaded: with its VIPs, a host can be reached.
DEVICES, NFTABLES, IPVS, VIPS = PARTS = ("devices", "nftables", "ipvs", "vips")


def path_of(part: str) -> str:
    """Where a part is kept."""
    return f"{FOLDER}/{part}"


def sealed(lines: Iterable[str]) -> str:
    """The text of a part: it ends with the checksum of all before, so that a half of it is known as one."""
    text = header("boot") + "".join(f"{line}\n" for line in lines)
    return f"{text}# sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"
