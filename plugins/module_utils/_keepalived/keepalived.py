# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The module keepalived: VIPs that move between directors, and services whose real servers are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .._core.errors import InvalidValue, LvsError, NotYetThere
from .._core.options import ABSENT, PURGE, STATE, Facts, Faults, Options, argument_spec
from .._core.reconcile import Transition, Wanted
from .._core.resource import Resource
from .._core.textfile import TextFile
from .._core.values import Address
from .._ipvs.drain import drained_warning
from .._ipvs.keepalived_table import weight_file
from . import config
from .host import KeepalivedBackend
from .model import (
    CONFIG_FILE,
    COPY_FILE,
    DROP_IN,
    OLDEST,
    RELOAD_FILE,
    STANDBY_FILE,
    UNIT,
    KeepalivedContext,
    KeepalivedDesired,
    KeepalivedItem,
    KeepalivedSeen,
    Unit,
    VirtualRouter,
    WantedItem,
    WeightFile,
    drop_in,
    standby_file,
)
from .options import KEEP_WEIGHTS, SERVICES, SOURCES, STANDBY, TAKEOVER, UNPREPARED, VIPS, VRRP, read_router, read_vips

ARGUMENT_SPEC = {
    "vrrp": {"type": "dict", "options": VRRP},
    **argument_spec(VIPS, PURGE, SERVICES, SOURCES, KEEP_WEIGHTS, UNPREPARED, TAKEOVER, STANDBY, STATE),
}
_SETTLING = 10.0  # seconds that keepalived may take until it has done what it was told
_STARTING = 3.0  # seconds that it may take to start


class Keepalived(Resource[KeepalivedDesired, str, KeepalivedItem, KeepalivedContext, KeepalivedBackend]):
    """Keepalived's configuration and unit."""

    def parse(self, options: Options) -> KeepalivedDesired:
        """Read the options."""
        faults = Faults()
        given = options["vrrp"]
        router = faults.collect(read_router, given, where="vrrp") if given is not None else None
        vips = faults.read(read_vips, options["vips"] or ())
        present = STATE.read(options["state"]) != ABSENT
        standby = options["standby"]
        purge = PURGE.read(options["purge"])
        services = faults.read(lambda: None if options["services"] is None else SERVICES.read(options["services"]))
        sources = faults.read(SOURCES.read, options["sources"])
        unprepared = faults.read(UNPREPARED.read, options["unprepared"])
        if given is None and present and standby is None and options["services"] is None and not purge:
            reason = "describe the virtual router, or services, or give standby alone"
            faults.add(InvalidValue("vrrp", "is missing:", reason))
        if given is None and options["vips"]:
            faults.add(InvalidValue("vips", f"{len(options['vips'])} rows", "need a virtual router: describe it with vrrp"))
        if not present and (given is not None or standby is not None or options["services"] is not None):
            faults.add(InvalidValue("state", ABSENT, "cannot go with vrrp, services or standby: leave them out"))
        faults.raise_all()
        held, removed = vips.value
        return KeepalivedDesired(
            [],
            router=None if router is None else replace(router, vips=held),
            services=services.value,
            sources=sources.value,
            keep_weights=KEEP_WEIGHTS.read(options["keep_weights"]),
            unprepared=frozenset(unprepared.value),
            removed=removed,
            purge=purge,
            takeover=TAKEOVER.read(options["takeover"]),
            present=present,
            standby=None if standby is None else STANDBY.read(standby),
        )

    def open(self, desired: KeepalivedDesired) -> KeepalivedBackend:
        """Keepalived of this host."""
        return KeepalivedBackend()

    def plan(self, desired: KeepalivedDesired, seen: KeepalivedSeen) -> Sequence[WantedItem]:
        """The unit comes after its files."""
        if not desired.present:
            return self._plan_removal(seen)
        wanted = _standby(desired)
        context = seen.context
        if not desired.configures:
            if context.advertised is None:
                raise NotYetThere(f"standby: {CONFIG_FILE} has no virtual router of this collection: describe it with vrrp")
            return wanted
        if desired.only_removes and CONFIG_FILE not in seen.items:
            return wanted  # nothing to give up
        if not context.text:
            # Nothing is left, or all that is wanted has to wait.
            return [*wanted, *self._plan_removal(seen)] if CONFIG_FILE in seen.items else wanted
        router = desired.router
        gives_up = desired.removed and router is not None and not router.vips and desired.services is None
        if gives_up and CONFIG_FILE not in seen.items:
            return wanted  # nothing to give up
        _check_host(seen, desired.takeover)
        if context.foreign:
            wanted.append(_wanted(config.ConfigFile(COPY_FILE, context.foreign)))
        return [
            *wanted,
            _wanted(drop_in()),
            *_weights(desired, seen),
            _wanted(config.ConfigFile(CONFIG_FILE, context.text)),
            Wanted(UNIT, Unit(UNIT), {"enabled": True, "running": True}),
            Wanted.absent(RELOAD_FILE),
        ]

    def _plan_removal(self, seen: KeepalivedSeen) -> Sequence[WantedItem]:
        """A keepalived that somebody else configured goes on."""
        files: Sequence[WantedItem] = [Wanted.absent(key) for key in (STANDBY_FILE, DROP_IN, CONFIG_FILE)]
        return [*files, Wanted.absent(UNIT)] if CONFIG_FILE in seen.items else files

    def plan_without_host(self, desired: KeepalivedDesired) -> Sequence[WantedItem]:
        """What check mode shows where keepalived is not installed yet."""
        configured: Sequence[WantedItem] = [_wanted(drop_in()), Wanted(UNIT, Unit(UNIT), {})]
        return [*_standby(desired), *(configured if desired.configures and not desired.only_removes else ())]

    def empty_host(self) -> KeepalivedSeen:
        """A host without keepalived."""
        return KeepalivedSeen({}, KeepalivedContext())

    def outcome(self, desired: KeepalivedDesired, transition: Transition[str, KeepalivedItem, KeepalivedContext]) -> Facts:
        """The version, where the host has told it."""
        context = transition.seen.context
        facts: Facts = {"version": ".".join(map(str, context.version))}
        if desired.services is not None:
            facts["held_back"] = [service.facts() for service in context.held_back]
            facts["held_back_vips"] = list(context.held_back_vips)
            facts["drained"] = [destination.facts() for destination in context.drained]
        warnings = [drained_warning(context.drained)] if context.drained else []
        warnings += [service.warning() for service in context.held_back]
        return {**facts, "warnings": warnings} if warnings else facts

    def after(
        self,
        desired: KeepalivedDesired,
        backend: KeepalivedBackend,
        transition: Transition[str, KeepalivedItem, KeepalivedContext],
        log: Callable[[str], None],
    ) -> Facts:
        """Wait until keepalived has done what it was told."""
        changed = {change.item.key for change in transition.changes}
        router = desired.router
        if desired.standby:
            _wait_for_standby(backend, transition.seen.context)
        if changed.isdisjoint((CONFIG_FILE, UNIT, RELOAD_FILE)):
            return {}
        context = transition.seen.context
        # Whoever owns the table next must not take for its own what keepalived is about to remove.
        if desired.services is not None and not backend.has_services(
            context.services, context.former.keys() - context.services, _SETTLING
        ):
            raise _late("created and removed all services")
        if router is None:
            return {}
        was_active = router.advertised in transition.seen.context.held
        vips = {vip.vip for vip in transition.seen.context.vips}
        return {"active": _wait_for_vips(backend, router, vips, was_active)}


def _wanted(file: TextFile) -> WantedItem:
    return Wanted(file.key, file, {"text": file.text})


def _weights(desired: KeepalivedDesired, seen: KeepalivedSeen) -> list[WantedItem]:
    """The weights that do not stay as they were set ad hoc."""
    wanted: list[WantedItem] = []
    for destination in seen.context.destinations:
        path = weight_file(destination.key)
        exists = destination.key in seen.context.former.get(destination.key.service, {})
        if path in seen.items and not (exists and desired.keep_weights):
            file = WeightFile(path, "0\n", destination)
            wanted.append(Wanted(path, file, {"text": file.text, "destination": destination}))
    return wanted


def _standby(desired: KeepalivedDesired) -> list[WantedItem]:
    return [] if desired.standby is None else [_wanted(standby_file(desired.standby))]


def _check_host(seen: KeepalivedSeen, takeover: bool) -> None:
    """Refuse a host on which the configuration cannot be replaced, or would not work.

    :raises LvsError: the first reason
    """
    context = seen.context
    if context.linked:
        raise LvsError(
            f"{CONFIG_FILE} is a symbolic link: put the file itself in its place, or remove the link. This collection"
            " replaces no link, as the file may belong to another program"
        )
    if context.foreign and not takeover:
        raise LvsError(
            f"{CONFIG_FILE} is there and was not made by this collection: move what it does into the description, then"
            f" set takeover (lvs_keepalived_takeover) to true. Its text is kept as {COPY_FILE}"
        )
    copy = seen.items.get(COPY_FILE)
    if context.foreign and isinstance(copy, TextFile) and copy.text != context.foreign:
        raise LvsError(
            f"{COPY_FILE} is there already, with another text than {CONFIG_FILE}: move it away, so that neither is lost"
        )
    if context.version < OLDEST:
        found, oldest = (".".join(map(str, version)) or "unknown" for version in (context.version, OLDEST))
        raise LvsError(f"keepalived has version {found}, and {oldest} is the oldest that this collection is made for")
    if not context.systemd:
        raise LvsError("systemd does not run on this host, and it is what starts keepalived again when it ends")
    if context.refusal:
        raise LvsError(f"keepalived refuses the configuration, and nothing was changed:\n{context.refusal}")


def _wait_for_standby(backend: KeepalivedBackend, context: KeepalivedContext) -> None:
    if backend.wait(lambda held: context.advertised not in held, _SETTLING) is None:
        raise _late("given up the VIPs")


def _wait_for_vips(backend: KeepalivedBackend, router: VirtualRouter, vips: set[Address], was_active: bool) -> bool:
    """Whether this director is the active one, which then has all the VIPs."""
    if not was_active and backend.wait(lambda held: router.advertised in held, 4 * router.interval + _STARTING) is None:
        return False
    held = backend.wait(lambda held: router.advertised not in held or vips <= held, _SETTLING)
    if held is None:
        raise _late("added all VIPs")
    return router.advertised in held


def _late(what: str) -> LvsError:
    return LvsError(f"keepalived has not {what} after {_SETTLING:g} seconds: 'journalctl -u {UNIT}' may say why")
