# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A destination of one virtual service, or a real server in all services, and its drain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from .._core.errors import InvalidValue, NoSuchDestination
from .._core.options import ABSENT, PRESENT, Facts, Faults, Options, argument_spec
from .._core.reconcile import Seen, Transition, Wanted
from .._core.resource import Desired, Resource
from .._core.values import Address
from .drain import DRAINED, Drain
from .drain import OPTIONS as DRAIN_OPTIONS
from .drain_wait import wait
from .found_by_rip import found_by_rip
from .kernel import DestinationsBackend, DirectorContext
from .model import Destination, DestinationKey, ServiceKey, WantedDestination
from .options import DESTINATION, RIP, SERVICE_KEY, destination_of

ARGUMENT_SPEC = argument_spec(*SERVICE_KEY, *DESTINATION, *DRAIN_OPTIONS)

# What names a single service, and what belongs to a single destination.
_OF_ONE_SERVICE = [option.name for option in (*SERVICE_KEY, *DESTINATION) if option.name not in ("rip", "protocol")]

SeenDestinations = Seen[DestinationKey, Destination, DirectorContext]


@dataclass(frozen=True)
class DesiredDestination(Desired[DestinationKey, Destination]):
    """A destination of a named service; or, where none is named, all of a real server that are to be drained or restored."""

    rip: Address
    everywhere: bool  # in all services: C(wanted) is empty
    drain: Drain | None


class IpvsDest(Resource[DesiredDestination, DestinationKey, Destination, DirectorContext, DestinationsBackend]):
    """Destinations of one real server."""

    def parse(self, options: Options) -> DesiredDestination:
        """Read the options."""
        faults = Faults()
        everywhere = options.get("vip") is None and options.get("fwmark") is None and options.get("state") != ABSENT
        drain = faults.read(Drain.of, options)
        for name, reason in _refused(options, everywhere).items():
            if options.get(name) is not None:
                faults.add(InvalidValue(name, options[name], reason))
        if everywhere:
            rip = faults.read(RIP.read, options["rip"])
            faults.raise_all()
            return DesiredDestination([], rip.value, everywhere, drain.value)
        destination = faults.read(_destination, options)
        faults.raise_all()
        wanted = replace(destination.value, drain=drain.value is not None)
        return DesiredDestination([wanted], wanted.key.rip, everywhere, drain.value)

    def open(self, desired: DesiredDestination) -> DestinationsBackend:
        """Connect to IPVS."""
        return DestinationsBackend(whole=desired.everywhere, draining=desired.drain is not None)

    def plan(self, desired: DesiredDestination, seen: SeenDestinations) -> Sequence[Wanted[DestinationKey, Destination]]:
        """The destination; or those of the real server that are to be drained, or that are drained and come back.

        :raises LvsError: where there is nothing to drain, and where it would not drain
        """
        wanted = self._wanted(desired, seen)
        if desired.drain is not None:
            for destination in wanted:
                if destination.key not in seen.items:
                    raise NoSuchDestination(f"{destination.key} does not exist: there is nothing to drain")
            services = [destination.key.service for destination in wanted]
            desired.drain.check_persistence(services, seen.context.services, seen.context.expires_quiescent)
        return wanted

    def _wanted(self, desired: DesiredDestination, seen: SeenDestinations) -> Sequence[Wanted[DestinationKey, Destination]]:
        if desired.everywhere:
            return _of_real_server(desired, seen)
        return found_by_rip(desired.wanted, seen.items, masqueraded=True)

    def outcome(
        self, desired: DesiredDestination, transition: Transition[DestinationKey, Destination, DirectorContext]
    ) -> Facts:
        """The destination as it is now, or all of the real server."""
        seen = transition.after()
        if desired.everywhere:
            return {"destinations": [destination.facts() for destination in _of_rip(desired.rip, seen)]}
        (wanted,) = transition.wanted
        return {"destination": seen.items[wanted.key].facts() if wanted.key in seen.items else {}}

    def after(
        self,
        desired: DesiredDestination,
        backend: DestinationsBackend,
        transition: Transition[DestinationKey, Destination, DirectorContext],
        log: Callable[[str], None],
    ) -> Facts:
        """Wait for the connections of what is drained."""
        if desired.drain is None:
            return {}
        return wait(desired.drain, desired.rip, backend, {destination.key for destination in transition.wanted}, log)

    def empty_host(self) -> SeenDestinations:
        """No destination and no service."""
        return Seen({}, DirectorContext())


def _refused(options: Options, everywhere: bool) -> dict[str, str]:
    """The options that must be left out, each with the reason."""
    refused = {}
    if everywhere:
        reason = "is for one service: name it by vip and port, or by fwmark, or drain and restore the rip in all services"
        refused.update(dict.fromkeys(_OF_ONE_SERVICE, reason))
    if options.get("state") == DRAINED:
        refused["weight"] = "is not for state=drained, which sets 0 and remembers the former one: leave it out"
    return refused


def _destination(options: Options) -> WantedDestination:
    if options.get("state") == DRAINED:
        options = {**options, "state": PRESENT}
    return destination_of(ServiceKey.of(options), options)


def _of_rip(rip: Address, seen: SeenDestinations) -> list[Destination]:
    """The destinations of a real server, in the order of the services."""
    own = (destination for destination in seen.items.values() if destination.key.rip == rip)
    return sorted(own, key=lambda destination: (destination.key.service.order, destination.key.order))


def _of_real_server(desired: DesiredDestination, seen: SeenDestinations) -> list[WantedDestination]:
    own = _of_rip(desired.rip, seen)
    if not own:
        has = ", ".join(_rips(seen.items)) or "no real server at all"
        raise NoSuchDestination(f"rip: {desired.rip} is in no service of this director: it has {has}")
    draining = desired.drain is not None
    return [
        WantedDestination(destination.key, destination, {}, "", draining)
        for destination in own
        if draining or destination.former_weight is not None
    ]


def _rips(keys: Iterable[DestinationKey]) -> list[str]:
    """Each RIP once, sorted."""
    return list(dict.fromkeys(str(key.rip) for key in sorted(keys, key=lambda key: key.order)))
