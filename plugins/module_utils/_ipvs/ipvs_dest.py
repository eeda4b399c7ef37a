# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""One destination, or a real server in all services: what is wanted of it, and what has to be gone before it is drained.

Source: ip_vs_check_template() in net/netfilter/ipvs/ip_vs_conn.c of Linux for what a weight of 0 means to persistent clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from .._core import values
from .._core.argument_spec import DESTINATION, SERVICE_KEY
from .._core.errors import Faults, InvalidValue, LvsError, NoSuchDestination, raise_all
from .._core.reconcile import Wanted
from .ipvs_info import Connections
from .ipvs_sysctl import IpvsSysctlKey
from .model import Destination, ServiceKey, WantedDestination, destination_of

# Where it is 0, a client of a persistent service stays with its real server, whatever the weight of that.
QUIESCENT = IpvsSysctlKey("expire_quiescent_template")

# What a single service is named by, and what is one destination's alone.
_OF_ONE = tuple(name for name in (*SERVICE_KEY, *DESTINATION) if name not in ("rip", "protocol"))
_ONE_SERVICE = "is for one service: name it by vip and port, or by fwmark, or drain and restore the rip in all services"


@dataclass(frozen=True)
class Drain:
    """How long to wait, and for what."""

    timeout: int  # seconds; 0: not at all
    kinds: tuple[str, ...]  # of connections, fields of C(Connections)
    goes_on: bool  # whether running into the timeout is no failure

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Drain | None:
        """Read the options; None where nothing is to be drained."""
        if options.get("state") != "drained":
            return None
        timeout = values.integer("drain_timeout", options["drain_timeout"], 0, values.MAX_TIMEOUT)
        kinds = tuple(options["drain_connections"])
        if not kinds:
            raise InvalidValue("drain_connections", "[]", "leaves nothing to wait for: say so with drain_timeout=0")
        return cls(timeout, kinds, options["drain_on_timeout"] == "continue")

    def is_over(self, left: Connections) -> bool:
        """Whether none is left of those that have to be gone."""
        return not any(getattr(left, kind) for kind in self.kinds)


def is_whole(options: Mapping[str, Any]) -> bool:
    """Whether a real server is meant in all services: where none is named, and it shall not go."""
    return options.get("vip") is None and options.get("fwmark") is None and options.get("state") != "absent"


def wanted_destination(options: Mapping[str, Any]) -> list[Wanted[Destination]]:
    """The one destination that the options of M(lvs.cluster.ipvs_dest) describe; none where a whole real server is meant."""
    faults = Faults()
    drained = options.get("state") == "drained"
    refused = dict.fromkeys(_OF_ONE, _ONE_SERVICE) if is_whole(options) else {}
    if drained:
        faults.take(Drain.of, options)
        refused["weight"] = "is not for state=drained, which sets 0 and remembers the former one: leave it out"
    for name, reason in refused.items():
        if options.get(name) is not None:
            faults.take(_refuse, name, options[name], reason)
    if is_whole(options):
        faults.take(values.address, "rip", options["rip"])
        raise_all(faults.found)
        return []
    one = faults.take(_destination, {**options, "state": "present"} if drained else options)
    raise_all(faults.found)
    return [] if one is None else [replace(one, drained=drained)]


def _destination(options: Mapping[str, Any]) -> WantedDestination:
    return destination_of(ServiceKey.of(options), options)


def _refuse(option: str, value: object, reason: str) -> None:
    raise InvalidValue(option, value, reason)


def with_real_server(
    options: Mapping[str, Any], wanted: Sequence[Wanted[Any]], current: Mapping[Any, Any]
) -> Sequence[Wanted[Any]]:
    """What is wanted; of a whole real server, all its destinations that are to be drained, or that are drained.

    :raises LvsError: where there is nothing to drain, and where it would not drain
    """
    drain = Drain.of(options)
    plan = list(_of_real_server(options, current, drain is not None) if is_whole(options) else wanted)
    if drain is not None:
        for one in plan:
            if one.key not in current:
                raise NoSuchDestination(f"{one.key} does not exist: there is nothing to drain")
        _check_persistence([one.key.service for one in plan], current, drain)
    return plan


def _of_real_server(options: Mapping[str, Any], current: Mapping[Any, Any], drained: bool) -> list[WantedDestination]:
    own = _own(options, current)
    if not own:
        rips = {one.key.order: str(one.key.rip) for one in current.values() if isinstance(one, Destination)}
        others = ", ".join(dict.fromkeys(rips[order] for order in sorted(rips))) or "no real server at all"
        raise NoSuchDestination(f"rip: {options['rip']} is in no service of this director: it has {others}")
    return [WantedDestination(one.key, one, {}, "", drained) for one in own if drained or one.drained is not None]


def _check_persistence(services: Sequence[ServiceKey], current: Mapping[Any, Any], drain: Drain) -> None:
    persistent = [str(key) for key in services if key in current and current[key].persistence_timeout]
    if persistent and "persistent" not in drain.kinds and not current.get(QUIESCENT):
        raise LvsError(
            f"state: {', '.join(persistent)} is persistent, and {QUIESCENT} is 0: clients that came before would keep coming"
            " at weight 0, and it would not drain. Set it to 1 with lvs.cluster.ipvs_sysctl (lvs_ipvs_sysctl:"
            f" {{{QUIESCENT.name}: 1}}), or have 'persistent' among drain_connections, to wait until none of them is"
            " remembered any more"
        )


def drain_facts(drain: Drain, seconds: float, left: Connections, complete: bool) -> dict[str, Any]:
    """How a drain ended.

    :raises LvsError: where it ran into its timeout, and that is a failure
    """
    facts = {"drain": {"complete": complete, "seconds": round(seconds, 1), "left": asdict(left)}}
    if complete or not drain.timeout or drain.goes_on:
        return facts
    message = f"drain_timeout: after {drain.timeout} s there are {told(left)} connections left, and {_named(drain.kinds)} had"
    message += " to be gone. The weight is 0, and stays: run the task again to wait on, or restore it with state=present"
    if left.persistent and "persistent" in drain.kinds:
        message += (
            ". A persistent client is remembered for its service's persistence_timeout and for as long as any of its"
            f" connections; while {QUIESCENT} is 0, it comes back until then, and is remembered anew"
        )
    raise LvsError(message, facts)


def told(left: Connections) -> str:
    """Numbers of connections, for a person."""
    return ", ".join(f"{number} {kind}" for kind, number in asdict(left).items())


def _named(kinds: Sequence[str]) -> str:
    return " and ".join(kinds)


def added(connections: Iterable[Connections]) -> Connections:
    """All of them together."""
    every = [(one.active, one.inactive, one.persistent) for one in connections]
    return Connections(*(sum(column) for column in zip(*every)))


def facts(options: Mapping[str, Any], keys: Sequence[Any], items: Mapping[Any, Any]) -> dict[str, Any]:
    """The destination as it is now, or all of a whole real server."""
    if not is_whole(options):
        return {"destination": items[keys[0]].facts() if keys[0] in items else {}}
    return {"destinations": [one.facts() for one in _own(options, items)]}


def _own(options: Mapping[str, Any], items: Mapping[Any, Any]) -> list[Destination]:
    """What a whole real server has, in the order of the services."""
    rip = values.address("rip", options["rip"])
    own = [one for one in items.values() if isinstance(one, Destination) and one.key.rip == rip]
    return sorted(own, key=lambda one: (one.key.service.order, one.key.order))
