# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The text of keepalived.conf. Pure. Sources: keepalived.conf(5) of 2.2.7."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .._core.textfile import TextFile, header, is_made_here
from .._core.values import Address
from .model import STANDBY_FILE, STOPPING_FILE, RouterVip, VirtualRouter
from .service_rules import common_part, service_rules

# With another number than 0 in one of these files, the director gives up the VIPs.
_GIVES_UP = {
    "lvs_standby": (STANDBY_FILE, "init_file 0"),
    "lvs_stopping": (STOPPING_FILE, "init_file 0 overwrite"),
}
_TRACKED = re.compile(r'^ +file "(/run/lvs\.cluster\.\S+)"$', re.MULTILINE)
_INDENT = "    "
_SERVICES = "# Virtual services\n"
# As the active director cannot know what neighbours believe after a split, it announces its VIPs again and again.
_ANNOUNCED_EVERY = 1  # seconds


@dataclass(frozen=True)
class ConfigFile(TextFile):
    """A file of keepalived, whose secrets are not shown."""

    @property
    def lines(self) -> list[str]:
        """Its lines without comments and secrets."""
        return [re.sub(r"(auth_pass)\s.*", r"\1 ********", line) for line in super().lines]

    def diff_line(self) -> str:
        """What is in it: of a file of this collection, services as rules."""
        if not is_made_here(self.text):
            return super().diff_line()
        router, services = Parts.of(self.text)
        lines = TextFile.diff_line(replace(self, text=router + common_part(services)))
        return "\n".join([*([lines] if lines else []), *service_rules(services)])


class Parts(NamedTuple):
    """What a file consists of; a part that is empty is not there."""

    router: str = ""  # the virtual router
    services: str = ""  # virtual services

    @property
    def text(self) -> str:
        """The whole file; empty where it would have nothing."""
        if not any(self):
            return ""
        services = f"{_SERVICES}{self.services}" if self.services else ""
        return header("keepalived") + "".join(f"\n{part}" for part in (self.router, services) if part)

    @classmethod
    def of(cls, text: str) -> Parts:
        """The parts of a file that this collection made."""
        before, _marker, services = text.partition(_SERVICES)
        router = before.partition("\n")[2].strip("\n")
        return cls(router and f"{router}\n", services)


def services_part(blocks: str, lines: Sequence[str]) -> str:
    """The part of virtual services.

    :param lines: of the block C(global_defs)
    """
    return (_block("global_defs", lines) + "\n" if lines else "") + blocks


def router_part(router: VirtualRouter, device: str) -> str:
    """The part of a virtual router.

    :param device: the device that has the virtual router's source
    """
    blocks = [
        # Advertisements are sent in time when the host is busy, too. Real-time priority has a limit that kills keepalived.
        _block("global_defs", [f"vrrp_version {router.version}", "vrrp_priority -20", "vrrp_no_swap"]),
        *(_block(f"track_file {name}", [f'file "{file}"', "weight 0", init]) for name, (file, init) in _GIVES_UP.items()),
        _instance(router, router.device or device),
    ]
    return "\n".join(blocks)


def tracked_files(text: str) -> list[str]:
    """The files in C(/run) that keepalived creates for the virtual router."""
    return _TRACKED.findall(text)


def _instance(router: VirtualRouter, device: str) -> str:
    lines = [
        # The first one that is there takes the VIPs, and one that comes back leaves them where they are.
        "state BACKUP",
        *([] if router.preempt else ["nopreempt"]),
        f"interface {device}",
        f"virtual_router_id {router.id}",
        f"priority {router.priority}",
        f"advert_int {router.interval:g}",
        *_addressing(router),
        "garp_master_delay 1",
        f"garp_master_refresh {_ANNOUNCED_EVERY}",
    ]
    if router.secret:
        lines += _lines("authentication", ["auth_type PASS", f"auth_pass {router.secret}"])
    tracked = [name for name in router.track_devices if name != device]  # its own device is tracked in any case
    if tracked:
        lines += _lines("track_interface", tracked)
    lines += _lines("track_file", _GIVES_UP)
    scope = " scope host" if router.source.version == 4 else ""
    lines += _lines("virtual_ipaddress", [f"{_host(router.advertised)} dev lo{scope}"])
    if router.vips:
        lines += _lines("virtual_ipaddress_excluded", [_vip(vip, device) for vip in router.vips])
    return _block(f"vrrp_instance {router.name}", lines)


def _addressing(router: VirtualRouter) -> list[str]:
    if not router.peers:
        return [f"mcast_src_ip {router.source}"]
    return [
        f"unicast_src_ip {router.source}",
        "check_unicast_src",  # from peers only
        *_lines("unicast_peer", map(str, router.peers)),
    ]


def _vip(vip: RouterVip, device: str) -> str:
    return f"{_host(vip.vip)} dev {vip.device or device}"


def _host(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"


def _block(name: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in _lines(name, lines))


def _lines(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} {{", *(f"{_INDENT}{line}" for line in lines), "}"]
