# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The cluster as a drawing: where its boxes, lines and texts are. Pure; the page's template writes them as SVG.

Clients, directors with their services, real servers. Where they are few, each service has a line to each of its real servers.
Where they are more, a real server has one line for all of its services, and where they are many it is a tile with a bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import RealServer, Service, Status

MANY_LINES = 24  # from more than these on, one line stands for all services of a real server
MANY_SERVICES = 8  # that a director lists
MANY_REAL_SERVERS = 12  # that have a line each

# All in the drawing's own units, which are pixels where it is shown at its full size.
WIDE, NARROW = 980, 344
EDGE = 8  # around the drawing
INSET = 12  # of a text within its box
GAP = 14  # between boxes
HEAD = 46  # a host's name and address
CHIP, ROW = 40, 24  # a service on a director, and on a real server
TILE_WIDTH, TILE_HEIGHT, TILE_GAP = 150, 52, 10
THIN, THICK = 1.5, 6.0  # lines
HEADED = 9  # the head of an arrow
LETTER = 7.25  # width of a letter of the drawing's font at 12 pixels: it is of a fixed width
NAME_LETTER = 8.45  # at 14 pixels


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    style: str  # its class on the page


@dataclass(frozen=True)
class Text:
    """A text, from its baseline."""

    x: float
    y: float
    text: str
    style: str
    anchor: str = "start"  # or middle, end


@dataclass(frozen=True)
class Line:
    """A path, with what it says to who points at it."""

    path: str
    width: float
    style: str  # request, link, idle; trunk: without an arrow's head
    title: str


@dataclass
class Drawing:
    """What there is to draw, in this order."""

    width: float
    height: float = 0
    lines: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Add a rectangle."""
        self.boxes.append(Box(x, y, width, height, style))
        self.height = max(self.height, y + height + EDGE)

    def text(self, x: float, y: float, text: str, style: str, room: float, anchor: str = "start") -> None:
        """Add a text, if there is one, shortened to the room that it has."""
        if not text:
            return
        letters = int(room / (NAME_LETTER if style == "name" else LETTER))
        self.texts.append(Text(x, y, shortened(text, letters), style, anchor))

    def line(self, path: str, width: float, style: str, title: str) -> None:
        """Add a path."""
        self.lines.append(Line(path, width, style, title))


@dataclass
class _Entry:
    """What a real server has of one service, or of all of them."""

    director: int
    service: int | None  # None: all of them
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
    """A real server."""

    name: str
    address: str
    state: str = ""
    shown_state: str = ""
    entries: list[_Entry] = field(default_factory=list)
    without: str = "in no service"  # what it says where it has no entries

    @property
    def idle(self) -> bool:
        """Whether none of its services sends it new connections."""
        return bool(self.entries) and all(one.idle for one in self.entries)


def shortened(text: str, letters: int) -> str:
    """A text in no more letters than these. An address is told from others by its end, a name by its beginning."""
    if len(text) <= letters:
        return text
    kept = max(letters - 1, 1)
    behind = kept // 2 if ":" in text else 0
    return f"{text[: kept - behind]}…{text[len(text) - behind :]}"


def drawing(seen: Status, width: float) -> Drawing:
    """The drawing for a screen of this width, WIDE or NARROW."""
    nodes = _nodes(seen)
    if sum(len(node.entries) for node in nodes) > MANY_LINES or len(nodes) > MANY_REAL_SERVERS:
        for node in nodes:
            node.entries = _together(node.entries)
        listed: list[Sequence[Service]] = [
            one.services if len(one.services) <= MANY_SERVICES else () for one in seen.directors
        ]
    else:
        listed = [one.services for one in seen.directors]
    if width == WIDE and len(nodes) <= MANY_REAL_SERVERS:
        return _across(seen, nodes, listed)
    return _downwards(seen, nodes, listed, width)


# ----- what there is to draw


def _nodes(seen: Status) -> list[_Node]:
    """The real servers: those of the inventory, then others that a director knows."""
    nodes = {host.name: _Node(host.name, "", host.state, host.shown_state) for host in seen.real_servers}
    if not any(director.facts for director in seen.directors):
        for node in nodes.values():
            node.without = "services not known"
    for number, director in enumerate(seen.directors):
        for place, service in enumerate(director.services):
            for one in service.real_servers:
                node = nodes.setdefault(one.name, _Node(one.name, "", "", "" if one.host else "not in the inventory"))
                if one.rip not in node.address.split(", ") and one.rip != node.name:
                    node.address += f", {one.rip}" if node.address else one.rip
                node.entries.append(_entry(number, place, service, one))
    return list(nodes.values())


def _entry(director: int, place: int, service: Service, one: RealServer) -> _Entry:
    weight = f"weight {one.weight}"
    if one.missing:
        weight = "missing"
    elif one.drained is not None:
        weight = f"drained, was {one.drained}"
    return _Entry(director, place, service.title, weight, one.active, one.share, one.weight == 0 or one.missing)


def _together(entries: Sequence[_Entry]) -> list[_Entry]:
    """An entry for all services, one for each director."""
    made = []
    for director in dict.fromkeys(one.director for one in entries):
        these = [one for one in entries if one.director == director]
        idle = [one for one in these if one.idle]
        weight = these[0].weight if len({one.weight for one in these}) == 1 else f"weight 0 in {len(idle)}" if idle else ""
        made.append(
            _Entry(
                director=director,
                service=None,
                label=counted(len(these), "service"),
                weight=weight,
                active=sum(one.active for one in these),
                share=sum(one.share for one in these) / len(these),
                idle=len(idle) == len(these),
            )
        )
    return made


def counted(number: int, what: str) -> str:
    """C(1 service), C(2 services)."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _thickness(share: float) -> float:
    return round(THIN + (THICK - THIN) * min(share, 1.0), 1)


# ----- parts


def _clients(made: Drawing, x: float, y: float, width: float, height: float) -> None:
    made.box(x, y, width, height, "clients")
    made.text(x + width / 2, y + height / 2 + 5, "clients", "name", width, "middle")


def _head(made: Drawing, x: float, y: float, width: float, node: _Node, what: str) -> None:
    """A host's name and state, and what it is."""
    state = node.shown_state
    room = width - 2 * INSET
    taken = (len(state) + 2) * LETTER
    made.text(x + INSET, y + 20, node.name, "name", room - taken)
    made.text(x + width - INSET, y + 20, state, f"state {node.state}", room, "end")
    made.text(x + INSET, y + 37, what, "address", room)


def _director_height(services: Sequence[Service]) -> float:
    return HEAD + (CHIP + 6) * max(len(services), 1) + 6


def _director(
    made: Drawing, x: float, y: float, width: float, seen: Status, number: int, listed: Sequence[Service]
) -> list[float]:
    """A director with its services; where the lines of these begin."""
    director = seen.directors[number]
    host = director.host
    made.box(x, y, width, _director_height(listed), f"host {host.state}")
    _head(made, x, y, width, _Node(host.name, "", host.state, host.shown_state), "director")
    services = director.services
    chips = [(one.title, f"{one.address} {one.scheduler}", one.active) for one in listed]
    if not director.facts:
        chips = [("services not known", "", 0)]
    elif not listed:
        vips = len({one.address.rsplit(":", 1)[0] for one in services})
        chips = [(counted(len(services), "service"), f"on {counted(vips, 'VIP')}", sum(one.active for one in services))]
    middles = []
    for place, (title, below, active) in enumerate(chips):
        top = y + HEAD + place * (CHIP + 6)
        made.box(x + 6, top, width - 12, CHIP, "vip")
        shown = f"{active} active" if director.facts else ""
        made.text(x + 6 + INSET, top + 17, title, "viptext strong", width - 24 - INSET - (len(shown) + 2) * LETTER)
        made.text(x + width - 6 - INSET, top + 17, shown, "viptext", width, "end")
        made.text(x + 6 + INSET, top + 33, below, "viptext", width - 12 - 2 * INSET)
        middles.append(top + CHIP / 2)
    return middles


def _is_compact(node: _Node) -> bool:
    """Whether all that it has is on the line below its name."""
    return bool(node.entries) and all(one.service is None for one in node.entries)


def _server_height(node: _Node) -> float:
    if _is_compact(node):
        return HEAD + ROW * (len(node.entries) - 1) + 2
    return HEAD + ROW * max(len(node.entries), 1) + 4


def _server(made: Drawing, x: float, y: float, width: float, node: _Node) -> list[float]:
    """A real server with what it has of each service; where the lines of these end."""
    made.box(x, y, width, _server_height(node), f"host {node.state}" + (" idle" if node.idle else ""))
    _head(made, x, y, width, node, "" if _is_compact(node) else node.address or "real server")
    middles = []
    room = (width - 2 * INSET) / 3
    for place, one in enumerate(node.entries):
        base = y + (37 if _is_compact(node) else HEAD + 15) + place * ROW
        made.text(x + INSET, base, one.label, "entry", room - LETTER)
        made.text(x + INSET + room, base, one.weight, "entry strong", room * 1.15)
        made.text(x + width - INSET, base, f"{one.active} active", "entry", room * 0.85, "end")
        middles.append(base - 4)
    if not node.entries:
        made.text(x + INSET, y + HEAD + 15, node.without, "entry", width - 2 * INSET)
    return middles


def _title(node: _Node, one: _Entry) -> str:
    return f"{one.label} to {node.name}: {one.weight or 'several weights'}, {one.active} active, {one.share:.0%}"


def _tiles(made: Drawing, x: float, y: float, width: float, nodes: Iterable[_Node]) -> None:
    """Real servers in a grid."""
    columns = int((width + TILE_GAP) / (TILE_WIDTH + TILE_GAP))
    tile = (width - (columns - 1) * TILE_GAP) / columns
    for place, node in enumerate(nodes):
        left = x + place % columns * (tile + TILE_GAP)
        top = y + place // columns * (TILE_HEIGHT + TILE_GAP)
        made.box(left, top, tile, TILE_HEIGHT, f"host {node.state}" + (" idle" if node.idle else ""))
        sign = node.shown_state[:1] if node.state else "?"
        made.text(left + 10, top + 19, node.name, "name small", tile - 44)
        made.text(left + tile - 10, top + 19, sign, f"state {node.state}", 20, "end")
        weights = {one.weight for one in node.entries}
        said = weights.pop() if node.idle and len(weights) == 1 else f"{sum(one.active for one in node.entries)} active"
        made.text(left + 10, top + 36, said if node.entries else node.without, "entry", tile - 20)
        share = sum(one.share for one in node.entries) / max(len(node.entries), 1)
        made.box(left + 10, top + 42, tile - 20, 4, "track")
        made.box(left + 10, top + 42, (tile - 20) * min(share, 1.0), 4, "bar")


# ----- the whole


def _across(seen: Status, nodes: Sequence[_Node], listed: Sequence[Sequence[Service]]) -> Drawing:
    """From the left to the right."""
    made = Drawing(WIDE)
    clients, director, server = 104.0, 288.0, 344.0
    middle, right = EDGE + clients + 76, WIDE - EDGE - server
    heights = [_director_height(one) for one in listed]
    on_the_left = sum(heights) + GAP * (len(heights) - 1)
    on_the_right = sum(map(_server_height, nodes)) + GAP * (len(nodes) - 1)
    whole = max(on_the_left, on_the_right, 80)
    _clients(made, EDGE, EDGE + whole / 2 - 30, clients, 60)
    starts, middles = [], []
    top = EDGE + (whole - on_the_left) / 2
    for number, services in enumerate(listed):
        starts.append(_director(made, middle, top, director, seen, number, services))
        middles.append(top + heights[number] / 2)
        path = _curve(EDGE + clients, EDGE + whole / 2, middle, middles[-1])
        made.line(path, 2.5, "request", f"clients to {seen.directors[number].host.name}")
        top += heights[number] + GAP
    top = EDGE + (whole - on_the_right) / 2
    for node in nodes:
        for end, one in zip(_server(made, right, top, server, node), node.entries):
            start = middles[one.director] if one.service is None else starts[one.director][one.service]
            path = _curve(middle + director, start, right, end)
            made.line(path, _thickness(one.share), one.style, _title(node, one))
        top += _server_height(node) + GAP
    return made


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    to_x -= HEADED
    middle = (x + to_x) / 2
    return f"M{x:.1f} {y:.1f}C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _downwards(seen: Status, nodes: Sequence[_Node], listed: Sequence[Sequence[Service]], width: float) -> Drawing:
    """From the top to the bottom: the real servers on a trunk, or in a frame."""
    made = Drawing(width)
    narrow = width == NARROW
    inner = width - 2 * EDGE if narrow else 420
    left = (width - inner) / 2
    _clients(made, width / 2 - 60, EDGE, 120, 34)
    top: float = EDGE + 34
    for number, services in enumerate(listed):
        if number == 0:
            made.line(f"M{width / 2:.1f} {top}V{top + 28 - HEADED}", 2.5, "request", "clients to the services' VIPs")
        top += 28 if number == 0 else GAP
        _director(made, left, top, inner, seen, number, services)
        top += _director_height(services)
    if len(nodes) > MANY_REAL_SERVERS:
        frame = width - 2 * EDGE
        path = f"M{width / 2:.1f} {top}V{top + 30 - HEADED}"
        made.line(path, THICK / 2, "link", f"the services to {counted(len(nodes), 'real server')}")
        top += 30
        _tiles(made, EDGE, top, frame, nodes)
        return made
    trunk = left + 14
    start, end = top, top
    for node in nodes:
        top += GAP
        _server(made, left + 34, top, inner - 34, node)
        end = top + 20
        share = sum(one.share for one in node.entries) / max(len(node.entries), 1)
        style = "idle" if node.idle else "link"
        if node.entries:
            titles = "; ".join(_title(node, one) for one in node.entries)
            made.line(f"M{trunk} {end}H{left + 34 - HEADED}", _thickness(share), style, titles)
        top += _server_height(node)
    made.line(f"M{trunk} {start}V{end}", 2.5, "trunk", "the services to their real servers")
    return made
