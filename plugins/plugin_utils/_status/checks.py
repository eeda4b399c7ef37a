# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""What failing checks mean to the services of a director, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .model import DirectorView, RealServerView, ServiceView


class FailingChecks(NamedTuple):
    """Lines for a person."""

    outages: Sequence[str] = ()  # services that none of their real servers serves
    out: Sequence[str] = ()  # real servers that are out


def failing_checks(director: DirectorView, others: Sequence[DirectorView]) -> FailingChecks:
    """What keepalived has taken out on a director.

    :param others: the other directors of its cluster
    """
    name = director.host.name
    outages: list[str] = []
    out: list[str] = []
    for service in director.services:
        gone = [real_server for real_server in service.real_servers if real_server.out]
        if not gone:
            continue
        if not any(_serves(real_server) for real_server in service.real_servers):
            outages.append(_outage(service, name))
        if _is_below_quorum(service):
            continue  # those whose checks succeed are out, too
        out += [
            f"{real_server.name} is out of {service.title} on {name}: its check fails there"
            + _elsewhere(service, real_server, others)
            for real_server in gone
        ]
    return FailingChecks(outages, out)


def _serves(real_server: RealServerView) -> bool:
    return not (real_server.out or real_server.sorry or real_server.missing) and real_server.weight > 0


def _is_below_quorum(service: ServiceView) -> bool:
    """Whether it is not known which checks fail, as all real servers have made room for the sorry server."""
    return service.quorum > 1 and any(real_server.sorry for real_server in service.real_servers)


def _outage(service: ServiceView, director: str) -> str:
    sorry = next((real_server.name for real_server in service.real_servers if real_server.sorry), "")
    if _is_below_quorum(service):
        reason = f"{service.title} has less than its quorum of {service.quorum} left on {director}"
    else:
        counted = [real_server for real_server in service.real_servers if not real_server.sorry]
        rest = "" if all(real_server.out for real_server in counted) else ", or have weight 0"
        reason = f"all real servers of {service.title} are out on {director}, as their checks fail{rest}"
    return f"{reason}: " + (f"the sorry server {sorry} takes the connections" if sorry else "nobody takes connections")


def _elsewhere(service: ServiceView, real_server: RealServerView, others: Iterable[DirectorView]) -> str:
    """On which other directors the same real server is in, so that the tables differ."""
    names = [other.host.name for other in others if any(_is_in(view, real_server) for view in _same(service, other))]
    return f", and succeeds on {', '.join(names)}" if names else ""


def _same(service: ServiceView, director: DirectorView) -> Iterator[RealServerView]:
    for other in director.services:
        if other.address == service.address:
            yield from other.real_servers


def _is_in(view: RealServerView, real_server: RealServerView) -> bool:
    return view.endpoint == real_server.endpoint and not (view.out or view.missing)
