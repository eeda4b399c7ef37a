# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The status of a cluster as lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import RATES, HostView, ServiceView, Status, short

HEADINGS = ("forward", "weight", "active", "inactive", *RATES.values())


def table(status: Status) -> list[str]:
    """The services in the manner of C(ipvsadm -L), then what differs."""
    lines = [f"LVS cluster, {status.generated}"]
    for director in status.directors:
        lines += ["", f"director {director.host.name}: {director.facts or director.host.state_label}"]
        if director.services:
            lines += _aligned(_service_rows(director.services))
        elif director.facts:
            lines.append("no services")
    lines.append("")
    checks = [f"  ERROR: {line}" for host in status.hosts for line in host.outages]
    checks += [f"  {line}" for host in status.hosts for line in host.out]
    if checks:
        lines += ["checks that fail:", *checks, ""]
    if any(host.differs for host in status.hosts):
        lines.append("differs from the inventory:")
    elif not any(host.problems for host in status.hosts):
        lines.append("nothing differs from the inventory")
    else:
        lines.append("nothing differs from the inventory on the hosts that could be read")
    for host in status.hosts:
        if host.problems or host.differs or host.warnings:
            lines += _host_lines(host)
    return lines


def _host_lines(host: HostView) -> list[str]:
    return [
        f"  {host.name}, {host.role}" + (f": {host.state_label}" if host.problems else ""),
        *(f"    {line}" for line in (*host.problems, *host.contradictions, *host.commands)),
        *(f"    warning: {line}" for line in host.warnings),
    ]


def _service_rows(services: Sequence[ServiceView]) -> list[list[str]]:
    rows = [["", *HEADINGS, ""]]
    for service in services:
        name = f" ({service.name})" if service.name else ""
        counters = [str(service.active), str(service.inactive), *_rate_cells(service.rates)]
        rows.append([f"{service.address} {service.settings}{name}", "", "", *counters, ", ".join(service.notes)])
        for real_server in service.real_servers:
            host = f" ({real_server.host})" if real_server.host else ""
            counters = [str(real_server.active), str(real_server.inactive), *_rate_cells(real_server.rates)]
            cells = [f"  -> {real_server.endpoint}{host}", real_server.forward, str(real_server.weight)]
            rows.append([*cells, *counters, ", ".join(real_server.notes)])
    return rows


def _rate_cells(rates: Mapping[str, int]) -> list[str]:
    return [short(rates.get(name, 0)) for name in RATES]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines: columns of text to the left, columns of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if column in (0, 1, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
