# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The boot files: what a host loads when it starts, in the words of ip(8), nft(8) and ipvsadm(8), with checksums. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .textfile import header

SUBJECT = "boot"  # of the state file: which services are restored
FOLDER = "/var/lib/lvs.cluster/boot"
MODULES_FILE = "/etc/modules-load.d/lvs-cluster.conf"
MODULES = "modules"  # the kernel modules in it, beside the boot files
# In the order in which they are loaded: with its VIPs, a host can be reached.
DEVICES, NFTABLES, IPVS, VIPS = BOOT_FILES = ("devices", "nftables", "ipvs", "vips")


def path_of(name: str) -> str:
    """The path of a boot file."""
    return f"{FOLDER}/{name}"


def with_checksum(lines: Iterable[str]) -> str:
    """The text of a boot file: it ends with the checksum of all before, so that half of one is recognised."""
    text = header("boot") + "".join(f"{line}\n" for line in lines)
    return f"{text}# sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"
