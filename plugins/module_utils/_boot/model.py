# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What restores a host when it boots: the boot files, the script that loads them, and the units that run it. Pure.

Sources: systemd.unit(5), systemd.service(5), modules-load.d(5).
"""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from .._core.boot_text import BOOT_FILES, DEVICES, FOLDER, IPVS, MODULES, MODULES_FILE, NFTABLES, VIPS, path_of, with_checksum
from .._core.options import Facts, Options
from .._core.reconcile import Item, Wanted
from .._core.resource import Desired
from .._core.textfile import TextFile, header, made_file
from .restore_script import RESTORE_SCRIPT

SCRIPT = f"{FOLDER}/restore"
_UNITS = "/etc/systemd/system"
_TARGET = "multi-user.target"
SETUP_UNIT, VIPS_UNIT = UNITS = (f"{_UNITS}/lvs-cluster.service", f"{_UNITS}/lvs-cluster-vips.service")
# All files that there can be: each comes after those that it needs.
FILES = (*map(path_of, BOOT_FILES), MODULES_FILE, SCRIPT, *UNITS)
LINKS = tuple(f"{_UNITS}/{_TARGET}.wants/{os.path.basename(unit)}" for unit in UNITS)
_SHORT_FILES = (*map(path_of, (DEVICES, IPVS, VIPS)), MODULES_FILE)  # in a diff line by line

_SETUP_ORDER = f"""\
RequiresMountsFor={FOLDER}
Wants=network-online.target
After=network-online.target NetworkManager.service systemd-networkd.service networking.service
# What sets sysctls, or replaces rules of nftables and services of IPVS.
After=systemd-modules-load.service systemd-sysctl.service nftables.service firewalld.service ufw.service ipvsadm.service"""

_VIPS_ORDER = """\
# Last, and only where all the rest is there: who has a VIP and nothing behind it answers clients with resets.
Requires={unit}
After={after}"""


@dataclass(frozen=True)
class LongFile(TextFile):
    """A file of which a diff shows only that it differs: its lines would hide what matters."""

    @property
    def digest(self) -> str:
        """Its length and the beginning of its checksum."""
        return f"{len(self.text.splitlines())} lines, sha256 {hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    def command(self, action: str = "add") -> str:
        """A command of tee(1), without the file's text, or of rm(1)."""
        return super().command(action) if action == "remove" else f"tee {self.key}  # {self.digest}"

    def diff_line(self) -> str:
        """The digest behind the file's path."""
        return f"{self.key}: {self.digest}"


@dataclass(frozen=True)
class Link(Item):
    """A symbolic link, with which systemd enables a unit."""

    KIND = "link"

    key: str  # its path
    target: str

    def command(self, action: str = "add") -> str:
        """A command of ln(1) or rm(1)."""
        return f"rm {self.key}" if action == "remove" else f"ln -sfn {self.target} {self.key}"

    def identity(self) -> Facts:
        """Its path."""
        return {"path": self.key}


BootItem = Union[TextFile, Link]
WantedBoot = Wanted[str, BootItem]


@dataclass(frozen=True)
class BootDesired(Desired[str, BootItem]):
    """What is to be restored."""

    present: bool
    services: Sequence[Options]  # the options that identify each virtual service


@dataclass(frozen=True)
class BootContext:
    """What the host has now, and is to have again after a boot."""

    services: Sequence[Options] = ()
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by boot file, and the kernel modules for these


def boot_item(path: str, text: str) -> TextFile:
    """The file at this path."""
    return (TextFile if path in _SHORT_FILES else LongFile)(path, text)


def wanted_units(vips_after: Sequence[str]) -> list[WantedBoot]:
    """The script, the units that run it, and the links that enable them.

    :param vips_after: the units that have to be started before the VIPs are added
    """
    setup = os.path.basename(SETUP_UNIT)
    after_setup = _VIPS_ORDER.format(unit=setup, after=" ".join([setup, *vips_after]))
    texts = {
        SCRIPT: RESTORE_SCRIPT,
        SETUP_UNIT: _unit("devices, nftables and IPVS", _SETUP_ORDER, (DEVICES, NFTABLES, IPVS)),
        VIPS_UNIT: _unit("VIPs", after_setup, (VIPS,)),
    }
    wanted = [_wanted_file(boot_item(path, text)) for path, text in texts.items()]
    wanted += [Wanted(link, Link(link, unit), {"target": unit}) for link, unit in zip(LINKS, UNITS)]
    return wanted


def nothing_wanted() -> list[WantedBoot]:
    """None of the files and links."""
    return [Wanted.absent(path) for path in (*FILES, *LINKS)]


def wanted_boot_files(context: BootContext) -> list[WantedBoot]:
    """The boot files, and the kernel modules to load."""
    files = [boot_item(path_of(name), with_checksum(context.lines.get(name, ()))) for name in BOOT_FILES]
    modules = [*(["ip_vs"] if IPVS in context.lines else []), *context.lines.get(MODULES, ())]
    return [_wanted_file(file) for file in [*files, made_file(MODULES_FILE, "boot", modules)]]


def services_to_restore(described: Sequence[Options], noted: Sequence[Options]) -> list[Options]:
    """The described services, and those noted before that still exist: leaving a service out does not remove it."""
    return [*described, *(service for service in noted if service not in described)]


def _unit(description: str, order: str, boot_files: Sequence[str]) -> str:
    return f"""\
{header("boot")}[Unit]
Description=Linux Virtual Server: {description}
Documentation=https://github.com/lvs-cluster/lvs.cluster
{order}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {SCRIPT} {" ".join(boot_files)}

[Install]
WantedBy={_TARGET}
"""


def _wanted_file(file: TextFile) -> WantedBoot:
    return Wanted(file.key, file, {"text": file.text})
