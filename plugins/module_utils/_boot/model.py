# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What brings a host back when it starts: the parts, the script that loads them, and the units that call it. Pure.

Sources: systemd.unit(5), systemd.service(5), modules-load.d(5), systemd-sysctl(8).
"""

from __future__ import annotations

import hashlib
import os.path
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import Faults, InvalidValue, raise_all
from .._core.keep import DEVICES, FOLDER, IPVS, NFTABLES, PARTS, VIPS, path_of, sealed
from .._core.reconcile import Item, Wanted
from .._core.textfile import TextFile, header, wanted_file
from .._ipvs.ipvs_sysctl import SETTINGS_FILE
from .._ipvs.model import ServiceKey
from .._net.model import Listener, Tunnel

SCRIPT = f"{FOLDER}/restore"
MODULES_FILE = "/etc/modules-load.d/lvs-cluster.conf"
_UNITS = "/etc/systemd/system"
_WANTED_BY = "multi-user.target"
SETUP_UNIT, VIPS_UNIT = f"{_UNITS}/lvs-cluster.service", f"{_UNITS}/lvs-cluster-vips.service"
# All that there can be: what needs others comes after them.
FILES = (*map(path_of, PARTS), MODULES_FILE, SCRIPT, SETUP_UNIT, VIPS_UNIT)
_SHOWN = (*map(path_of, (DEVICES, IPVS, VIPS)), MODULES_FILE)  # in a diff, line by line
LINKS = tuple(f"{_UNITS}/{_WANTED_BY}.wants/{os.path.basename(unit)}" for unit in (SETUP_UNIT, VIPS_UNIT))

_MODULES = {"ipip": "ipip", "sit": "sit", "ip6tnl": "ip6_tunnel", "gre": "ip_gre", "ip6gre": "ip6_gre"}
_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+\.(service|target|socket|mount|path)")

_SCRIPT = """\
#!/bin/sh
{header}# Bring back what was set up here, part by part: /bin/sh {script} {parts}
# A file that is not whole is not loaded, and neither is anything else then. What is there already is used as it is.
set -euf
cd {folder}
sysctl=/lib/systemd/systemd-sysctl

fail() {{
    echo "lvs.cluster: $*" >&2
    exit 1
}}

bring() {{
    said="$("$@" 2>&1)" || case "$said" in
        *exists* | *already*) ;;
        *) fail "$*: $said" ;;
    esac
}}

# What the lines say that are no comments.
lines() {{ sed '/^#/d' "$1"; }}

for part; do
    sum="$(sed '$d' "$part" | sha256sum)"
    [ "# sha256 ${{sum%% *}}" = "$(tail -n 1 "$part")" ] || fail "$part is not whole: run the playbook lvs.cluster.site"
done

for part; do
    # Where there is nothing for it, a program may not be installed.
    [ -n "$(lines "$part")" ] || continue
    case "$part" in
    {devices} | {vips})
        lines "$part" | while read -r line; do
            # shellcheck disable=SC2086 # words of a command
            bring $line
        done
        ;;
    {nftables}) nft --file "$part" ;;
    {ipvs})
        said="$(lines "$part" | ipvsadm --restore 2>&1 | sed '/already exists$/d; /already run$/d')"
        [ -z "$said" ] || fail "ipvsadm --restore: $said"
        ;;
    esac
    # What was not there when the system set its settings. Without silence there must be no VIP; IPVS does without a setting.
    case "$part" in
    {devices}) find /etc/sysctl.d -name '90-lvs-*.conf' -exec "$sysctl" {{}} + ;;
    {ipvs}) [ ! -e {ipvs_settings} ] || "$sysctl" {ipvs_settings} || : ;;
    esac
done
"""

_UNIT = """\
{header}[Unit]
Description=Linux Virtual Server: {what}
Documentation=https://github.com/lvs-cluster/lvs.cluster
{order}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {script} {parts}

[Install]
WantedBy={wanted_by}
"""

_SETUP_ORDER = """\
RequiresMountsFor={folder}
Wants=network-online.target
After=network-online.target systemd-modules-load.service systemd-sysctl.service nftables.service ipvsadm.service"""

_VIPS_ORDER = """\
# Last, and only where all the rest is there: who has a VIP and nothing behind it answers clients with resets.
Requires={setup_unit}
After={after}"""


@dataclass(frozen=True)
class LongFile(TextFile):
    """A file of which a diff tells that it is another one: its lines would hide what matters."""

    def line(self, action: str = "add") -> str:
        """The file, with its length and the beginning of its checksum."""
        if action == "remove":
            return super().line(action)
        return (
            f"{self.key}: {len(self.text.splitlines())} lines, sha256 {hashlib.sha256(self.text.encode()).hexdigest()[:12]}"
        )


@dataclass(frozen=True)
class Link(Item):
    """A symbolic link, with which systemd enables a unit."""

    key: str  # its path
    target: str

    def line(self, action: str = "add") -> str:
        """As a command of ln(1) or rm(1)."""
        return f"rm {self.key}" if action == "remove" else f"ln -sfn {self.target} {self.key}"


@dataclass(frozen=True)
class Found(Item):
    """What is on the host now and is to come back."""

    key = "found"
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by part
    network: Sequence[Item] = ()  # the items that the lines of devices and VIPs are of


def services_of(options: Mapping[str, Any]) -> list[ServiceKey]:
    """The services of O(services) that shall be there."""
    faults = Faults()
    found = [
        faults.take(ServiceKey.of, row, where=f"services[{number}]")
        for number, row in enumerate(options["services"])
        if row.get("state") != "absent"
    ]
    raise_all(faults.found)
    return [key for key in found if key is not None]


def wanted_files(options: Mapping[str, Any]) -> list[Wanted[Any]]:
    """The units and what enables them, or nothing of it all. The parts are added when it is known what there is."""
    services_of(options)
    for unit in options["vips_after"]:
        if not _UNIT_NAME.fullmatch(unit):
            raise InvalidValue("vips_after", repr(unit), "is not a unit's name: write one like nginx.service")
    if options["state"] == "absent":
        return [Wanted.absent(path) for path in (*FILES, *LINKS)]
    setup = os.path.basename(SETUP_UNIT)
    common = {"header": header("boot"), "folder": FOLDER, "script": SCRIPT, "wanted_by": _WANTED_BY}
    first, last = " ".join((DEVICES, NFTABLES, IPVS)), VIPS
    after_network = _SETUP_ORDER.format(folder=FOLDER)
    after_all = _VIPS_ORDER.format(setup_unit=setup, after=" ".join([setup, *options["vips_after"]]))
    texts = {
        SCRIPT: _SCRIPT.format(
            **common, parts=" ".join(PARTS), **{part: part for part in PARTS}, ipvs_settings=SETTINGS_FILE
        ),
        SETUP_UNIT: _UNIT.format(**common, what="devices, nftables and IPVS", order=after_network, parts=first),
        VIPS_UNIT: _UNIT.format(**common, what="VIPs", order=after_all, parts=last),
    }
    wanted: list[Wanted[Any]] = [_wanted_text(path, text) for path, text in texts.items()]
    for link, unit in zip(LINKS, (SETUP_UNIT, VIPS_UNIT)):
        wanted.append(Wanted(link, Link(link, unit), {"target": unit}))
    return wanted


def with_parts(_options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]) -> list[Wanted[Any]]:
    """And the parts, from what is there now; before the units, which are never there without them."""
    found = current.get(Found.key)
    if found is None:
        return list(wanted)
    parts = [_wanted_text(path_of(part), sealed(found.lines.get(part, ()))) for part in PARTS]
    modules = wanted_file(MODULES_FILE, "boot", _modules(found.network, IPVS in found.lines))
    return [*parts, modules, *wanted]


def _modules(network: Iterable[Item], director: bool) -> list[str]:
    """The kernel's modules, so that their settings are there when systemd sets them."""
    names = ["ip_vs"] if director else []
    for item in network:
        if isinstance(item, Listener):
            names.append("fou" if item.outer == 4 else "fou6")
        elif isinstance(item, Tunnel):
            names.append(_MODULES[item.kind])
    return list(dict.fromkeys(names))


def file_of(path: str, text: str) -> TextFile:
    """The file of that path."""
    return (TextFile if path in _SHOWN else LongFile)(path, text)


def _wanted_text(path: str, text: str) -> Wanted[TextFile]:
    return Wanted(path, file_of(path, text), {"text": text})
