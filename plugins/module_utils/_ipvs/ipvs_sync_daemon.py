# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The daemons that tell one director's connections to another."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._core import values
from .._core.errors import InvalidValue, MissingValue
from .._core.options import ABSENT, STATE, Facts, Options, argument_spec, choice, integer, text
from .._core.reconcile import Seen, Wanted
from .._core.resource import Resource, facts_of
from .._core.values import Address
from .devices import DesiredDaemon, Devices
from .kernel import SyncDaemonsBackend
from .model import DEFAULT_GROUP, SyncDaemon


def _group(option: str, value: object) -> Address:
    group = values.any_address(option, value)
    if not group.is_multicast:
        raise InvalidValue(option, group, f"is not a multicast address: write one like {DEFAULT_GROUP}")
    return group


ROLE = choice("role", ("master", "backup"), required=True)
INTERFACE = text("interface", values.device)
DIP = text("dip", values.any_address)
# The bounds of ipvsadm(8). The kernel itself does not check the sync id.
OPTIONAL = (
    integer("sync_id", 0, 255),
    integer("sync_maxlen", 1, 65535 - 20 - 8),
    text("group", _group),
    integer("port", 1, 65535),
    integer("ttl", 1, 255),
)
ARGUMENT_SPEC = argument_spec(ROLE, INTERFACE, DIP, *OPTIONAL, STATE)


class IpvsSyncDaemon(Resource[DesiredDaemon, str, SyncDaemon, Devices, SyncDaemonsBackend]):
    """The sync daemon of one role."""

    def parse(self, options: Options) -> DesiredDaemon:
        """Read the options; one that is left out stays as it is."""
        role = ROLE.read(options["role"])
        if options["state"] == ABSENT:
            return DesiredDaemon([Wanted.absent(role)])
        interface, dip = options.get("interface"), options.get("dip")
        if interface is not None and dip is not None:
            raise InvalidValue("dip", dip, f"cannot go with interface={interface}: name the device by one of them")
        if interface is None and dip is None:
            raise MissingValue("interface", "name the device that reaches the other director, or the dip that is on it")
        # Which device has the address is known when the host has been read.
        given: Facts = {"interface": "" if interface is None else INTERFACE.read(interface)}
        for option in OPTIONAL:
            if options.get(option.name) is not None:
                given[option.name] = option.read(options[option.name])
        wanted = Wanted(role, SyncDaemon(role, **given), given)
        return DesiredDaemon([wanted], None if dip is None else DIP.read(dip))

    def open(self, desired: DesiredDaemon) -> SyncDaemonsBackend:
        """Connect to IPVS."""
        return SyncDaemonsBackend()

    def plan(self, desired: DesiredDaemon, seen: Seen[str, SyncDaemon, Devices]) -> Sequence[Wanted[str, SyncDaemon]]:
        """The daemon, on a device that exists and, where it starts on it, reaches the group."""
        devices = seen.context
        if desired.dip is not None and devices.of_dip is None:
            raise InvalidValue("dip", desired.dip, "is on no device of this host: name an address that it has, or interface")
        on_devices = desired.wanted_on(devices.of_dip)
        for wanted in on_devices:
            if wanted.new is not None and wanted.new.interface not in devices.names:
                has = ", ".join(sorted(devices.names))
                raise InvalidValue("interface", wanted.new.interface, f"does not exist: this host has {has}")
            daemon = wanted.merged_with(seen.items.get(wanted.key))
            if daemon is not None and daemon.key in devices.unreachable:
                raise InvalidValue("interface", daemon.interface, _why_unreachable(daemon, devices))
        return on_devices

    def result(self, desired: DesiredDaemon, seen: Seen[str, SyncDaemon, Devices]) -> Facts:
        """The daemon as it is now."""
        return {"sync_daemon": facts_of(desired, seen)}


def _why_unreachable(daemon: SyncDaemon, devices: Devices) -> str:
    """Why a daemon cannot send from its device, and what to do."""
    device, group = daemon.interface, daemon.group
    if device in devices.down:
        return f"is down, and a {daemon.key} could not send to {group}: set it up first ('ip link set {device} up')"
    if group.version == 6:
        return f"has no IPv6 address to send to {group} from: give it one, or choose an IPv4 group"
    reason = os.strerror(devices.unreachable[daemon.key])
    return f"cannot send to {group} ({reason}): name the device that reaches the other director"
