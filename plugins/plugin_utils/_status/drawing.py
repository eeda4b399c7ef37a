# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The cluster as a drawing: where its boxes, lines and texts are. Pure.

Clients, directors with their services, real servers. In a small cluster, each service has a line to each of its real servers.
In a larger one, a real server has one line for all of its services, and in a large one it is a tile with a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .model import RealServerView, ServiceView, Status, counted
from .shapes import EDGE, LETTER, Drawing

MANY_LINES = 24  # with more lines, one line stands for all services of a real server
MANY_SERVICES = 8  # that a director lists
MANY_REAL_SERVERS = 12  # that have a line each

WIDE, NARROW = 980, 344
INSET = 12  # of a text within its box
GAP = 14  # between boxes
HEAD = 46  # a host's name and address
CHIP, ROW = 40, 24  # a service on a director, and on a real server
CHIP_EDGE = 6  # around a service on a director
TILE_WIDTH, TILE_HEIGHT, TILE_GAP = 150, 52, 10
THIN, THICK = 1.5, 6.0  # lines
ARROW = 9  # the head of an arrow


@dataclass
class _Entry:
    """The line of text that a real server has for a service, or for all services of a director."""

    director: int
    service: int | None  # None: all services
    label: str
    weight: str
    active: int
    share: float
    idle: bool  # takes no new connections

    @property
    def style(self) -> str:
        return "idle" if self.idle else "link"


@dataclass
class _Node:
    """A host."""

    name: str
    address: str
    state: str = ""
    state_label: str = ""
    entries: list[_Entry] = field(default_factory=list)
    empty_text: str = "in no service"  # instead of entries

    @property
    def idle(self) -> bool:
        """Whether none of its services sends it new connections."""
        return bool(self.entries) and all(entry.idle for entry in self.entries)

    @property
    def style(self) -> str:
        return f"host {self.state}" + (" idle" if self.idle else "")

    @property
    def active(self) -> int:
        """Active connections."""
        return sum(entry.active for entry in self.entries)

    @property
    def share(self) -> float:
        """Its mean share of a service."""
        return sum(entry.share for entry in self.entries) / max(len(self.entries), 1)

    @property
    def is_compact(self) -> bool:
        """Whether its entries begin on the line below its name, as each is a sum of services."""
        return bool(self.entries) and all(entry.service is None for entry in self.entries)


def drawing(status: Status, width: float) -> Drawing:
    """The drawing for a screen of this width, WIDE or NARROW."""
    nodes = _nodes(status)
    # The services that each director lists.
    listed = [director.services for director in status.directors]
    if sum(len(node.entries) for node in nodes) > MANY_LINES or len(nodes) > MANY_REAL_SERVERS:
        for node in nodes:
            node.entries = _summed(node.entries)
        listed = [services if len(services) <= MANY_SERVICES else () for services in listed]
    if width == WIDE and len(nodes) <= MANY_REAL_SERVERS:
        return _across(status, nodes, listed)
    return _downwards(status, nodes, listed, width)


def _nodes(status: Status) -> list[_Node]:
    """The real servers: those of the inventory, then others that a director has."""
    nodes = {host.name: _Node(host.name, "", host.state, host.state_label) for host in status.real_servers}
    if not any(director.facts for director in status.directors):
        for node in nodes.values():
            node.empty_text = "services not known"
    for director_index, director in enumerate(status.directors):
        for service_index, service in enumerate(director.services):
            for real_server in service.real_servers:
                name, rip = real_server.name, real_server.rip
                node = nodes.setdefault(name, _Node(name, "", "", real_server.kind))
                if rip not in node.address.split(", ") and rip != node.name:
                    node.address += f", {rip}" if node.address else rip
                node.entries.append(_entry(director_index, service_index, service, real_server))
    return list(nodes.values())


def _entry(director: int, index: int, service: ServiceView, real_server: RealServerView) -> _Entry:
    weight = f"weight {real_server.weight}"
    if real_server.missing:
        weight = "missing"
    elif real_server.out:
        weight = "out"
    elif real_server.drained is not None:
        weight = f"drained, was {real_server.drained}"
    idle = real_server.weight == 0 or real_server.missing or real_server.out
    return _Entry(director, index, service.title, weight, real_server.active, real_server.share, idle)


def _summed(entries: Sequence[_Entry]) -> list[_Entry]:
    """An entry for all services, one for each director."""
    by_director: dict[int, list[_Entry]] = {}
    for entry in entries:
        by_director.setdefault(entry.director, []).append(entry)
    return [_sum(director, of_director) for director, of_director in by_director.items()]


def _sum(director: int, entries: Sequence[_Entry]) -> _Entry:
    idle = sum(entry.idle for entry in entries)
    weight = f"weight 0 in {idle}" if idle else ""
    if len({entry.weight for entry in entries}) == 1:
        weight = entries[0].weight
    return _Entry(
        director=director,
        service=None,
        label=counted(len(entries), "service"),
        weight=weight,
        active=sum(entry.active for entry in entries),
        share=sum(entry.share for entry in entries) / len(entries),
        idle=idle == len(entries),
    )


def _thickness(share: float) -> float:
    return round(THIN + (THICK - THIN) * min(share, 1.0), 1)


def _draw_clients(result: Drawing, x: float, y: float, width: float, height: float) -> None:
    result.box(x, y, width, height, "clients")
    result.text(x + width / 2, y + height / 2 + 5, "clients", "name", width, "middle")


def _draw_head(result: Drawing, x: float, y: float, width: float, node: _Node, below: str) -> None:
    """A host's name and state, and a text below."""
    space = width - 2 * INSET
    state_width = (len(node.state_label) + 2) * LETTER
    result.text(x + INSET, y + 20, node.name, "name", space - state_width)
    result.text(x + width - INSET, y + 20, node.state_label, f"state {node.state}", space, "end")
    result.text(x + INSET, y + 37, below, "address", space)


def _director_height(services: Sequence[ServiceView]) -> float:
    return HEAD + (CHIP + CHIP_EDGE) * max(len(services), 1) + CHIP_EDGE


def _draw_director(
    result: Drawing, x: float, y: float, width: float, status: Status, index: int, listed: Sequence[ServiceView]
) -> list[float]:
    """A director with its services; the heights at which their lines begin."""
    director = status.directors[index]
    host, services = director.host, director.services
    result.box(x, y, width, _director_height(listed), f"host {host.state}")
    _draw_head(result, x, y, width, _Node(host.name, "", host.state, host.state_label), "director")
    chips = [(service.title, f"{service.address} {service.scheduler}", service.active) for service in listed]
    if not director.facts:
        chips = [("services not known", "", 0)]
    elif not listed:
        vips = {service.address.rsplit(":", 1)[0] for service in services}
        active = sum(service.active for service in services)
        chips = [(counted(len(services), "service"), f"on {counted(len(vips), 'VIP')}", active)]
    middles = []
    left, right = x + CHIP_EDGE + INSET, x + width - CHIP_EDGE - INSET
    for row, (title, below, active) in enumerate(chips):
        top = y + HEAD + row * (CHIP + CHIP_EDGE)
        result.box(x + CHIP_EDGE, top, width - 2 * CHIP_EDGE, CHIP, "vip")
        count = f"{active} active" if director.facts else ""
        count_width = (len(count) + 2) * LETTER
        result.text(left, top + 17, title, "viptext strong", width - 24 - INSET - count_width)
        result.text(right, top + 17, count, "viptext", width, "end")
        result.text(left, top + 33, below, "viptext", right - left)
        middles.append(top + CHIP / 2)
    return middles


def _real_server_height(node: _Node) -> float:
    if node.is_compact:
        return HEAD + ROW * (len(node.entries) - 1) + 2
    return HEAD + ROW * max(len(node.entries), 1) + 4


def _draw_real_server(result: Drawing, x: float, y: float, width: float, node: _Node) -> list[float]:
    """A real server with its entries; the heights at which their lines end."""
    result.box(x, y, width, _real_server_height(node), node.style)
    _draw_head(result, x, y, width, node, "" if node.is_compact else node.address or "real server")
    middles = []
    column = (width - 2 * INSET) / 3
    for row, entry in enumerate(node.entries):
        base = y + (37 if node.is_compact else HEAD + 15) + row * ROW
        result.text(x + INSET, base, entry.label, "entry", column - LETTER)
        result.text(x + INSET + column, base, entry.weight, "entry strong", column * 1.15)
        result.text(x + width - INSET, base, f"{entry.active} active", "entry", column * 0.85, "end")
        middles.append(base - 4)
    if not node.entries:
        result.text(x + INSET, y + HEAD + 15, node.empty_text, "entry", width - 2 * INSET)
    return middles


def _line_title(node: _Node, entry: _Entry) -> str:
    weight = entry.weight or "several weights"
    return f"{entry.label} to {node.name}: {weight}, {entry.active} active, {entry.share:.0%}"


def _draw_tiles(result: Drawing, x: float, y: float, width: float, nodes: Iterable[_Node]) -> None:
    """Real servers in a grid."""
    columns = int((width + TILE_GAP) / (TILE_WIDTH + TILE_GAP))
    tile = (width - (columns - 1) * TILE_GAP) / columns
    for index, node in enumerate(nodes):
        left = x + index % columns * (tile + TILE_GAP)
        top = y + index // columns * (TILE_HEIGHT + TILE_GAP)
        result.box(left, top, tile, TILE_HEIGHT, node.style)
        sign = node.state_label[:1] if node.state else "?"
        result.text(left + 10, top + 19, node.name, "name small", tile - 44)
        result.text(left + tile - 10, top + 19, sign, f"state {node.state}", 20, "end")
        weights = {entry.weight for entry in node.entries}
        below = weights.pop() if node.idle and len(weights) == 1 else f"{node.active} active"
        result.text(left + 10, top + 36, below if node.entries else node.empty_text, "entry", tile - 20)
        result.box(left + 10, top + 42, tile - 20, 4, "track")
        result.box(left + 10, top + 42, (tile - 20) * min(node.share, 1.0), 4, "bar")


def _across(status: Status, nodes: Sequence[_Node], listed: Sequence[Sequence[ServiceView]]) -> Drawing:
    """From the left to the right."""
    result = Drawing(WIDE)
    clients, director, real_server = 104.0, 288.0, 344.0  # widths
    middle, right = EDGE + clients + 76, WIDE - EDGE - real_server
    heights = [_director_height(services) for services in listed]
    directors_height = sum(heights) + GAP * (len(heights) - 1)
    real_servers_height = sum(map(_real_server_height, nodes)) + GAP * (len(nodes) - 1)
    height = max(directors_height, real_servers_height, 80)
    _draw_clients(result, EDGE, EDGE + height / 2 - 30, clients, 60)
    starts, middles = [], []
    top = EDGE + (height - directors_height) / 2
    for index, services in enumerate(listed):
        starts.append(_draw_director(result, middle, top, director, status, index, services))
        middles.append(top + heights[index] / 2)
        path = _curve(EDGE + clients, EDGE + height / 2, middle, middles[-1])
        result.line(path, 2.5, "request", f"clients to {status.directors[index].host.name}")
        top += heights[index] + GAP
    top = EDGE + (height - real_servers_height) / 2
    for node in nodes:
        for end, entry in zip(_draw_real_server(result, right, top, real_server, node), node.entries):
            start = middles[entry.director] if entry.service is None else starts[entry.director][entry.service]
            path = _curve(middle + director, start, right, end)
            result.line(path, _thickness(entry.share), entry.style, _line_title(node, entry))
        top += _real_server_height(node) + GAP
    return result


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    to_x -= ARROW
    middle = (x + to_x) / 2
    return f"M{x:.1f} {y:.1f}C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _downwards(status: Status, nodes: Sequence[_Node], listed: Sequence[Sequence[ServiceView]], width: float) -> Drawing:
    """From the top to the bottom: the real servers on a trunk, or in a grid."""
    result = Drawing(width)
    inner = width - 2 * EDGE if width == NARROW else 420
    left = (width - inner) / 2
    _draw_clients(result, width / 2 - 60, EDGE, 120, 34)
    top: float = EDGE + 34
    for index, services in enumerate(listed):
        if index == 0:
            result.line(f"M{width / 2:.1f} {top}V{top + 28 - ARROW}", 2.5, "request", "clients to the services' VIPs")
        top += 28 if index == 0 else GAP
        _draw_director(result, left, top, inner, status, index, services)
        top += _director_height(services)
    if len(nodes) > MANY_REAL_SERVERS:
        path = f"M{width / 2:.1f} {top}V{top + 30 - ARROW}"
        result.line(path, THICK / 2, "link", f"the services to {counted(len(nodes), 'real server')}")
        _draw_tiles(result, EDGE, top + 30, width - 2 * EDGE, nodes)
    else:
        _draw_trunk(result, left, top, inner, nodes)
    return result


def _draw_trunk(result: Drawing, x: float, y: float, width: float, nodes: Iterable[_Node]) -> None:
    """Real servers below each other, each on a line from a trunk at the left."""
    trunk, left, top, end = x + 14, x + 34, y, y
    for node in nodes:
        top += GAP
        _draw_real_server(result, left, top, width - 34, node)
        end = top + 20
        if node.entries:
            titles = "; ".join(_line_title(node, entry) for entry in node.entries)
            style = "idle" if node.idle else "link"
            result.line(f"M{trunk} {end}H{left - ARROW}", _thickness(node.share), style, titles)
        top += _real_server_height(node)
    result.line(f"M{trunk} {y}V{end}", 2.5, "trunk", "the services to their real servers")
