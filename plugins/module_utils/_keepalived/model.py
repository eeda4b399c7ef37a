# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Keepalived on a host: the virtual router that it takes part in, its files and its unit. Pure.

Sources: RFC 5798 (VRRP version 3), RFC 2338 (version 2, with authentication), keepalived.conf(5), systemd.unit(5).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Union

from .._core.errors import InvalidValue
from .._core.options import Facts, Faults
from .._core.reconcile import Item, Seen, Wanted
from .._core.resource import Desired
from .._core.textfile import TextFile, made_file
from .._core.values import Address
from .._ipvs import keepalived_table
from .._ipvs.held_back import HeldBack
from .._ipvs.keepalived_table import Owned
from .._ipvs.model import Destination, ServiceKey
from .virtual_servers import VirtualServer

CONFIG_FILE = keepalived_table.CONFIG_FILE
COPY_FILE = f"{CONFIG_FILE}.before-lvs-cluster"  # what somebody else wrote
# In /run: a host that starts again has not been told to stand by.
STANDBY_FILE = "/run/lvs.cluster.standby"
STOPPING_FILE = "/run/lvs.cluster.stopping"  # keepalived empties it when it starts
# There from the first change of keepalived's files until it has read them. In /run: one that starts reads them.
RELOAD_FILE = "/run/lvs.cluster.keepalived-reload"
UNIT = "keepalived.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/lvs-cluster.conf"
OLDEST = (2, 2, 7)
SECRET_BYTES = 8  # RFC 2338, 5.3.10
# Seconds. Version 3 counts hundredths in 12 bits (RFC 5798, 5.2.7), version 2 whole seconds in 8 (RFC 2338, 5.3.7).
INTERVALS = {3: (0.01, 40.95), 2: (1.0, 255.0)}
HUNDREDTH = 0.01
_GIVING_UP = 0.5  # seconds for which a director that stops still has its table, when it has given up the VIPs

# What stands for itself in keepalived.conf, unlike quotes, braces, $, ! and #.
_PLAIN = re.compile(r"[A-Za-z0-9.,:;/+*=_-]+")
_VIP_LINE = re.compile(r"\s*([0-9a-fA-F.:]+)/\d+ dev (\S+)")
_VERSION = re.compile(r"[Kk]eepalived v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class RouterVip:
    """A VIP of a virtual router."""

    vip: Address
    device: str | None = None  # None: that of the virtual router


@dataclass(frozen=True)
class VirtualRouter:
    """The virtual router of a cluster, as one director takes part in it."""

    id: int
    source: Address  # the director's own address, from which it sends
    peers: tuple[Address, ...] = ()  # the other directors; empty: multicast
    priority: int = 100
    version: int = 3
    interval: float = 0.1  # seconds between two advertisements
    preempt: bool = False
    track_quorum: bool = False  # whether services below their quorum lower the priority
    device: str | None = None  # None: the one that has C(source)
    vips: tuple[RouterVip, ...] = ()
    track_devices: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return f"lvs_{self.id}"

    @property
    def advertised(self) -> Address:
        """The address in its advertisements, which no other host sees on the network, and which is on no network device.

        A director drops advertisements whose addresses are not those of its own configuration, and takes the VIPs. With an
        address that never changes, it does not when its VIPs change before, or after, those of the others.
        169.254.255.0/24 is reserved (RFC 3927, 2.1).
        """
        if self.source.version == 4:
            return ipaddress.IPv4Address(f"169.254.255.{self.id}")
        return ipaddress.IPv6Address(f"fe80::a9fe:ff{self.id:02x}")

    def check(self) -> None:
        """Refuse values that cannot work together.

        :raises Invalid: all that is wrong
        """
        faults = Faults()
        for peer in self.peers:
            if peer == self.source:
                faults.add(InvalidValue("peers", peer, "is this director's own address: name the other directors alone"))
            elif peer.version != self.source.version:
                reason = f"is no IPv{self.source.version} address, as source is: directors need addresses of one family"
                faults.add(InvalidValue("peers", peer, reason))
        self._check_interval(faults)
        if self.version == 2 and self.source.version == 6:
            faults.add(InvalidValue("version", 2, "is for IPv4: take version 3"))
        faults.found += secret_faults(self.secret, self.version)
        faults.raise_all()

    def _check_interval(self, faults: Faults) -> None:
        lowest, highest = INTERVALS[self.version]
        steps = self.interval if self.version == 2 else self.interval / HUNDREDTH
        if not lowest <= self.interval <= highest or abs(steps - round(steps)) > 1e-6:
            unit = "whole seconds" if self.version == 2 else "hundredths of a second"
            reason = f"is not in {lowest:g}..{highest:g} seconds, in {unit}, as VRRP version {self.version} has it"
            faults.add(InvalidValue("advert_interval", f"{self.interval:g}", reason))


@dataclass(frozen=True)
class DueReload(TextFile):
    """What a run has left behind that ended before keepalived had read its files."""

    KIND = "reload"

    def command(self, action: str = "add") -> str:
        """What a run would have done that did not end too soon."""
        return f"systemctl daemon-reload\nsystemctl reload {UNIT}"

    def diff_line(self) -> str:
        """What it means."""
        return f"{UNIT} has not read its files"

    def identity(self) -> Facts:
        """The unit."""
        return {"unit": UNIT}


@dataclass(frozen=True)
class WeightFile(TextFile):
    """The file with the number that keepalived adds to the weight of a destination."""

    destination: Destination  # with the weight that it has by this number

    def diff_line(self) -> str:
        """The rule of the destination."""
        return self.destination.diff_line()


@dataclass(frozen=True)
class Unit(Item):
    """The unit of keepalived."""

    KIND = "unit"

    key: str
    enabled: bool = True
    running: bool = True

    def command(self, action: str = "add") -> str:
        """A command of systemctl(1)."""
        return f"systemctl {'disable' if action == 'remove' else 'enable'} --now {self.key}"

    def identity(self) -> Facts:
        """Its name."""
        return {"unit": self.key}


KeepalivedItem = Union[TextFile, Unit]
WantedItem = Wanted[str, KeepalivedItem]


@dataclass(frozen=True)
class KeepalivedDesired(Desired[str, KeepalivedItem]):
    """What the options ask for; the text of the configuration depends on the host."""

    router: VirtualRouter | None = None  # None: what there is stays
    services: tuple[VirtualServer, ...] | None = None  # all that keepalived owns; None: what there is stays
    sources: tuple[Address, ...] = ()  # from which checks come
    keep_weights: bool = False  # whether destinations that exist keep their weights
    unprepared: frozenset[Address] = frozenset()  # the RIPs of real servers that have not been prepared for a change
    removed: frozenset[Address] = frozenset()  # VIPs that it gives up
    purge: bool = False  # whether it gives up all VIPs that are not named
    takeover: bool = False
    present: bool = True
    standby: bool | None = None

    @property
    def configures(self) -> bool:
        """Whether keepalived is configured, or its configuration removed: not where a director is only told to stand by."""
        return self.router is not None or self.services is not None or self.purge or not self.present

    @property
    def only_removes(self) -> bool:
        """Whether nothing is wanted that has to be there: then keepalived does not have to be there, either."""
        return self.router is None and not self.services


@dataclass(frozen=True)
class KeepalivedContext:
    """What else of the host counts."""

    version: tuple[int, ...] = ()
    device: str = ""  # that has the source of the virtual router
    linked: bool = False  # whether the configuration is a symbolic link
    foreign: str = ""  # the configuration, where somebody else wrote it
    refusal: str = ""  # what keepalived has to say against the configuration
    text: str = ""  # the configuration that is wanted; empty: none
    services_text: str = ""  # the part of it with the services
    vips: tuple[RouterVip, ...] = ()  # in it
    held_back: tuple[HeldBack, ...] = ()  # services that are in it as they were before
    held_back_vips: tuple[str, ...] = ()  # VIPs that no service has, because of these
    services: frozenset[ServiceKey] = frozenset()  # that are in it
    destinations: tuple[Destination, ...] = ()  # of those that are not held back
    former: Owned = field(default_factory=dict)  # what the configuration that is there owns
    drained: tuple[Destination, ...] = ()  # of the destinations
    advertised: Address | None = None  # by the configuration that is there
    held: frozenset[Address] = frozenset()  # the addresses of the host
    systemd: bool = True  # whether it runs there


KeepalivedSeen = Seen[str, KeepalivedItem, KeepalivedContext]


def is_plain(word: str) -> bool:
    """Whether keepalived reads a word of its configuration as it is written."""
    return _PLAIN.fullmatch(word) is not None


def secret_faults(secret: str, version: int) -> Iterator[InvalidValue]:
    """What is wrong with the password in advertisements, which itself is in no message.

    :param version: of VRRP
    """
    if secret and version == 3:
        reason = (
            "cannot be with version 3, which has no authentication (RFC 5798, 9): leave it out, as only peers are"
            " listened to, or take version 2"
        )
        yield InvalidValue("secret", "the value", reason)
    if len(secret.encode()) > SECRET_BYTES:
        reason = f"is longer than {SECRET_BYTES} bytes, and VRRP has no more: choose a shorter one"
        yield InvalidValue("secret", "the value", reason)
    elif secret and not is_plain(secret):
        reason = "has characters that keepalived.conf gives a meaning to: take letters, digits and any of .,:;/+*=_-"
        yield InvalidValue("secret", "the value", reason)


def version_of(printed: str) -> tuple[int, ...]:
    """The version that C(keepalived --version) prints; empty where it prints none."""
    found = _VERSION.search(printed)
    return tuple(map(int, found.groups())) if found else ()


def drop_in() -> TextFile:
    """What the unit needs beside the distribution's.

    Keepalived that was killed starts again, after the table is there. Until then, its VIPs are on this host, and on the
    director that has taken them. Keepalived that is stopped removes its services at the same time as its VIPs, and would
    have connections reset meanwhile: it gives up the VIPs before.
    """
    lines = [
        "[Unit]",
        "After=lvs-cluster.service",
        "StartLimitIntervalSec=0",
        "[Service]",
        "Restart=always",
        "RestartSec=100ms",
        f'ExecStop=-/bin/sh -c "echo 1 >{STOPPING_FILE}; exec sleep {_GIVING_UP:g}"',
    ]
    return made_file(DROP_IN, "keepalived", lines)


def standby_file(standby: bool) -> TextFile:
    """The file that keepalived watches: with another number than 0, the director gives up its VIPs."""
    return TextFile(STANDBY_FILE, f"{int(standby)}\n")


def all_vips(desired: KeepalivedDesired, existing: Iterable[RouterVip]) -> tuple[RouterVip, ...]:
    """The VIPs that the virtual router has afterwards: those that are not named stay as they are.

    :param existing: those of the configuration that is there
    """
    named = desired.router.vips if desired.router is not None else ()
    others = desired.removed.union(vip.vip for vip in named)
    left = [vip for vip in existing if vip.vip not in others and not desired.purge]
    return tuple(sorted([*named, *left], key=lambda vip: (vip.vip.version, int(vip.vip))))


def vips_in(text: str) -> list[RouterVip]:
    """The VIPs that a configuration of this collection has."""
    return _vips_in("virtual_ipaddress_excluded", text)


def advertised_in(text: str) -> Address | None:
    """The address that a configuration of this collection advertises; None where it has no virtual router."""
    return next((vip.vip for vip in _vips_in("virtual_ipaddress", text)), None)


def _vips_in(block: str, text: str) -> list[RouterVip]:
    """The addresses of a block, which has one in each line, such as C(192.0.2.1/32 dev eth0).

    Lines that are written in another way were changed by somebody: they are not read.
    """
    found = re.search(rf"\b{block} \{{(.*?)\}}", text, re.DOTALL)
    rows = filter(None, map(_VIP_LINE.match, found[1].splitlines())) if found else ()
    return [RouterVip(ipaddress.ip_address(row[1]), row[2]) for row in rows if _is_address(row[1])]


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
