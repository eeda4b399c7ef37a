# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Keepalived as it is on a host: its version, its files, its unit, and what it says of a configuration."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from .._core import files, program, requirements, systemd
from .._core.errors import LvsError, NotYetThere
from .._core.reconcile import Transition
from .._core.resource import Backend
from .._core.textfile import TextFile, is_made_here
from .._core.values import Address
from .._core.waiting import wait_for
from .._ipvs import keepalived_file, keepalived_table
from .._ipvs.kernel import IpvsBackend
from .._ipvs.model import ServiceKey
from .._net import neighbour
from . import config, networks, quorum
from .model import (
    CONFIG_FILE,
    COPY_FILE,
    DROP_IN,
    RELOAD_FILE,
    STANDBY_FILE,
    UNIT,
    DueReload,
    KeepalivedContext,
    KeepalivedDesired,
    KeepalivedItem,
    KeepalivedSeen,
    Unit,
    VirtualRouter,
    advertised_in,
    all_vips,
    standby_file,
    version_of,
    vips_in,
)
from .virtual_servers import global_lines, render_prepared, with_former_weights
from .weights import read_weights

_TIMEOUT = 30  # seconds; a busy host takes some to start a program
_NAME = keepalived_table.KEEPALIVED


class KeepalivedBackend(Backend[KeepalivedDesired, str, KeepalivedItem, KeepalivedContext]):
    """Files and unit of keepalived."""

    def read(self, desired: KeepalivedDesired) -> KeepalivedSeen:
        """The files that this collection made, the unit, and what keepalived says of the configuration that is wanted."""
        items: dict[str, KeepalivedItem] = {}
        standby = files.read_text(STANDBY_FILE)
        if standby is not None:
            # Keepalived itself makes it when it starts.
            items[STANDBY_FILE] = standby_file(standby.strip() not in ("", "0"))
        text = files.read_text(CONFIG_FILE) or ""
        linked = files.is_link(CONFIG_FILE)
        ours = text if is_made_here(text) and not linked else ""
        devices = neighbour.devices()
        context = KeepalivedContext(
            held=neighbour.held_addresses(devices), systemd=systemd.runs(), advertised=advertised_in(ours)
        )
        if not desired.configures:
            return KeepalivedSeen(items, context)
        if ours:
            items[CONFIG_FILE] = config.ConfigFile(CONFIG_FILE, ours)
        copy = files.read_text(COPY_FILE)
        if copy is not None:
            items[COPY_FILE] = config.ConfigFile(COPY_FILE, copy)
        made = files.read_made(DROP_IN, "state" if desired.present else "")
        if made is not None:
            items[DROP_IN] = TextFile(DROP_IN, made)
        # The keepalived of somebody else is not looked at where nothing is to be configured.
        if context.systemd and (ours or desired.present):
            unit = Unit(UNIT, systemd.is_enabled(UNIT), systemd.is_running(_NAME))
            if unit.enabled or unit.running:
                items[UNIT] = unit
            if unit.running and files.read_text(RELOAD_FILE) is not None:
                items[RELOAD_FILE] = DueReload(RELOAD_FILE, "")
        context = replace(context, linked=linked, foreign="" if ours else text)
        if desired.present and (ours or not desired.only_removes):
            context = _with_config(context, desired, ours, devices)
            weights = read_weights(context.destinations, context.former)
            items.update((file.key, file) for file in weights.ad_hoc)
            context = replace(context, drained=weights.drained)
        return KeepalivedSeen(items, context)

    def apply(self, transition: Transition[str, KeepalivedItem, KeepalivedContext]) -> None:
        """Write or remove the files in their order; then have systemd and keepalived read them.

        A keepalived that ran before reads its configuration again, and one that was just started has read it. If this is
        killed, the next run sees that what is written has not been read.
        """
        before = transition.seen.items.get(UNIT)
        ran = isinstance(before, Unit) and before.running
        changed = {change.item.key for change in transition.changes}
        units_read = changed.isdisjoint((DROP_IN, RELOAD_FILE))
        if ran and UNIT in transition.after().items and not changed.isdisjoint((DROP_IN, CONFIG_FILE)):
            files.write_text(RELOAD_FILE, "")
        items = (transition.seen.items.get(CONFIG_FILE), transition.after().items.get(CONFIG_FILE))
        texts = [item.text if isinstance(item, config.ConfigFile) else "" for item in items]
        if CONFIG_FILE in changed:
            _tidy_weight_files(*map(keepalived_table.owned, texts))
        for change in transition.changes:
            item = change.item
            if isinstance(item, DueReload):
                continue
            if isinstance(item, Unit):
                if change.after is not None and not units_read:
                    systemd.reload_units()
                    units_read = True
                systemd.control("disable" if change.after is None else "enable", "--now", UNIT)
            elif change.after is None:
                files.remove(item.key)
            else:
                files.write_text(item.key, item.text, 0o600 if isinstance(item, config.ConfigFile) else 0o644)
        files.remove_folder(os.path.dirname(DROP_IN))
        if not units_read:
            systemd.reload_units()
        if not changed.isdisjoint((CONFIG_FILE, RELOAD_FILE)) and ran and UNIT in transition.after().items:
            systemd.control("reload", UNIT)
        if not changed.isdisjoint((DROP_IN, CONFIG_FILE, UNIT, RELOAD_FILE)):
            files.remove(RELOAD_FILE)
        # Keepalived writes them, so it comes first; one that is there when it reloads keeps its number.
        for path in sorted(set(config.tracked_files(texts[0])).difference(config.tracked_files(texts[1]))):
            files.remove(path)

    def has_services(self, coming: Collection[ServiceKey], going: Collection[ServiceKey], timeout: float) -> bool:
        """Whether IPVS has all services that come, and none of those that go, in time.

        :param timeout: seconds
        """

        def done(existing: set[ServiceKey]) -> bool:
            return existing.issuperset(coming) and existing.isdisjoint(going)

        with IpvsBackend() as ipvs:
            return wait_for(lambda: {service.key for service in ipvs.services()}, done, timeout) is not None

    def wait(self, done: Callable[[frozenset[Address]], bool], timeout: float) -> frozenset[Address] | None:
        """The addresses of the host, as soon as they are as expected; None where they are not in time.

        :param timeout: seconds
        """
        return wait_for(lambda: neighbour.held_addresses(neighbour.devices()), done, timeout)


def vrrp_state() -> str:
    """Whether this host is C(active), C(standby) or C(stopped) in a virtual router of this collection; empty: it has none."""
    advertised = advertised_in(keepalived_file.own_text())
    if advertised is None:
        return ""
    if neighbour.holder(advertised, neighbour.devices()) is not None:
        return "active"
    return "standby" if systemd.is_running(_NAME) else "stopped"


def _tidy_weight_files(before: keepalived_table.Owned, after: keepalived_table.Owned) -> None:
    """Have the folder, which keepalived watches, and no files of destinations that go."""
    if after:
        files.make_folder(keepalived_table.WEIGHT_FOLDER)
    kept = set(_weight_files(after))
    for path in _weight_files(before):
        if path not in kept:
            files.remove(path)
    if before and not after:
        files.remove_folder(keepalived_table.WEIGHT_FOLDER)


def _weight_files(owned: keepalived_table.Owned) -> list[str]:
    return [entry.weight_file for entries in owned.values() for entry in entries.values() if entry.weight_file]


def _with_config(
    context: KeepalivedContext, desired: KeepalivedDesired, text: str, devices: Sequence[neighbour.Device]
) -> KeepalivedContext:
    """With the configuration that is wanted, and what keepalived says of it.

    :param text: the configuration of this collection that is there; empty: there is none
    """
    former = config.Parts.of(text)
    if desired.router is not None:
        context = _with_router(context, desired, desired.router, former.router, devices)
    tracks = _tracks_quorum(desired, former.router)
    context = _with_services(context, desired, former.services, tracks)
    router = context.text if desired.router is not None else "" if desired.purge else former.router
    services = former.services if desired.services is None else context.services_text
    router = quorum.tracking(router, services) if tracks else quorum.without(router)
    wanted = config.Parts(router, services).text
    if not wanted:
        return replace(context, text="")
    if program.path_of(_NAME) is None:
        raise NotYetThere(f"keepalived is not installed: {requirements.advice(_NAME)}")
    version = version_of(program.spoken(_NAME, "--version", timeout=_TIMEOUT)[0])
    return replace(context, version=version, text=wanted, refusal="" if wanted == text else _refusal(wanted))


def _with_router(
    context: KeepalivedContext,
    desired: KeepalivedDesired,
    router: VirtualRouter,
    former: str,
    devices: Sequence[neighbour.Device],
) -> KeepalivedContext:
    device = router.device or neighbour.holder(router.source, devices)
    if device is None:
        raise LvsError(
            f"source: {router.source} is no address of this host: set lvs_dip to the address from which this director sends"
            " packets into tunnels, or name the device"
        )
    vips = all_vips(desired, vips_in(former))
    wanted = config.router_part(replace(router, vips=vips), device)
    if wanted != quorum.without(former):
        networks.check(router, device, devices)
    return replace(context, device=device, text=wanted, vips=vips)


def _with_services(
    context: KeepalivedContext, desired: KeepalivedDesired, former: str, tracks_quorum: bool
) -> KeepalivedContext:
    servers = desired.services
    if servers is None:
        return context
    before = keepalived_table.owned(former)
    if desired.keep_weights:
        servers = with_former_weights(servers, before)
    servers = tuple(replace(server, track_quorum=tracks_quorum) for server in servers)
    rendered = render_prepared(servers, desired.sources, desired.unprepared, former)
    held = {service.service for service in rendered.held_back}
    of_services = frozenset(keepalived_table.owned(rendered.text))
    served = {key.vip for key in of_services}
    missing = dict.fromkeys(str(key.vip) for key in held if key.vip is not None and key.vip not in served)
    return replace(
        context,
        services_text=config.services_part(rendered.text, global_lines(servers)),
        services=of_services,
        destinations=tuple(
            real_server.destination for server in servers if server.key not in held for real_server in server.real_servers
        ),
        former=before,
        held_back=rendered.held_back,
        held_back_vips=tuple(missing),
    )


def _tracks_quorum(desired: KeepalivedDesired, former: str) -> bool:
    """Whether services below their quorum lower the priority in the virtual router that there is afterwards."""
    if desired.router is not None:
        return desired.router.track_quorum
    return not desired.purge and quorum.is_tracked(former)


def _refusal(text: str) -> str:
    """What C(keepalived --config-test) says against a configuration; empty where it has nothing to say."""
    handle, path = tempfile.mkstemp(prefix="keepalived.", suffix=".conf")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        said, accepted = program.spoken(_NAME, "--config-test", f"--use-file={path}", timeout=_TIMEOUT)
    finally:
        os.unlink(path)
    return "" if accepted else said.replace(path, CONFIG_FILE).strip() or "no reason"
