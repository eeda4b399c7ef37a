# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a cluster, by its geometry: what has a line, how wide it is, and that all is inside."""

from __future__ import annotations

from itertools import combinations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.drawing import (
    NARROW,
    THICK,
    THIN,
    WIDE,
    Box,
    Drawing,
    drawing,
    shortened,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Director, Host, RealServer, Service, Status


def real_server(number: int, **fields: object) -> RealServer:
    """A real server of the inventory."""
    given = {"weight": 1, "active": 10, "share": 0.5, **fields}
    return RealServer(f"10.0.0.{number}", f"10.0.0.{number}:80", f"rs{number}", "tunnel", **given)  # type: ignore[arg-type]


def cluster(*services: Service, real_servers: int = 2) -> Status:
    """A director with these services, and so many real servers."""
    hosts = [Host(f"rs{number}", "real server") for number in range(1, real_servers + 1)]
    return Status("now", [Director(Host("ds1", "director", ["x"]), "Linux", services)], hosts)


def service(*real_servers: RealServer, port: int = 80) -> Service:
    """A service."""
    return Service(f"TCP 192.0.2.1:{port}", name=f"web{port}", scheduler="wrr", real_servers=real_servers)


def crowd(services: int, real_servers: int) -> Status:
    """Every service on every real server."""
    each = [real_server(number, share=1 / real_servers) for number in range(1, real_servers + 1)]
    return cluster(*(service(*each, port=port) for port in range(80, 80 + services)), real_servers=real_servers)


SIZES = [(1, 1), (3, 2), (3, 8), (6, 4), (50, 10), (2, 12), (2, 13), (50, 200), (0, 3)]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("services", "real_servers"), SIZES)
def test_boxes_are_inside_and_hosts_apart(services: int, real_servers: int, width: int) -> None:
    """Whatever the size of the cluster; each host is there once."""
    made = drawing(crowd(services, real_servers), width)
    for box in made.boxes:
        assert box.x >= 0
        assert box.x + box.width <= made.width + 0.01
        assert box.y + box.height <= made.height
    hosts = [box for box in made.boxes if box.style.startswith(("host", "clients"))]
    assert len(hosts) == real_servers + 2
    assert not any(overlap(one, other) for one, other in combinations(hosts, 2))


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("services", "real_servers"), SIZES)
def test_texts_are_inside_their_boxes(services: int, real_servers: int, width: int) -> None:
    """By their baselines; that none runs over another, a browser has to tell."""
    made = drawing(crowd(services, real_servers), width)
    boxes = [box for box in made.boxes if box.style.startswith(("host", "clients"))]
    for text in made.texts:
        assert any(box.x < text.x < box.x + box.width and box.y < text.y < box.y + box.height for box in boxes), text


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share a place."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize(
    ("services", "real_servers", "width", "lines"),
    [
        (3, 2, WIDE, 1 + 6),  # each service to each real server
        (6, 4, WIDE, 1 + 24),
        (7, 4, WIDE, 1 + 4),  # for all services together
        (50, 10, WIDE, 1 + 10),
        (1, 13, WIDE, 1 + 1),  # to the frame
        (3, 2, NARROW, 1 + 2 + 1),  # from a trunk
        (50, 10, NARROW, 1 + 10 + 1),
        (50, 200, NARROW, 1 + 1),
    ],
)
def test_what_has_a_line(services: int, real_servers: int, width: int, lines: int) -> None:
    """Fewer lines than there are, where nobody could follow them."""
    assert len(drawing(crowd(services, real_servers), width).lines) == lines


@pytest.mark.parametrize(("share", "width"), [(0.0, THIN), (0.5, (THIN + THICK) / 2), (1.0, THICK)])
def test_width_is_the_share(share: float, width: float) -> None:
    """From thin to thick."""
    made = drawing(cluster(service(real_server(1, share=share))), WIDE)
    assert made.lines[1].width == pytest.approx(width, abs=0.06)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("fields", "says"),
    [({"weight": 0}, "weight 0"), ({"weight": 0, "drained": 3}, "drained, was 3"), ({"missing": True}, "missing")],
)
def test_what_takes_no_new_connections(fields: dict[str, object], says: str, width: int) -> None:
    """It is dashed, and says why."""
    made = drawing(cluster(service(real_server(1, **fields), real_server(2))), width)
    links = [line.style for line in made.lines if line.style in ("link", "idle")]
    assert links == ["idle", "link"]
    assert [box.style for box in made.boxes if box.style.startswith("host")][1:] == ["host same idle", "host same"]
    assert says in [text.text for text in made.texts]


def test_part_of_the_services_has_weight_0() -> None:
    """One line for all of them is not dashed, and says how many it is."""
    idle = service(*(real_server(number, weight=0) for number in range(1, 5)), port=1)
    others = crowd(6, 4).services
    made = drawing(cluster(idle, *others, real_servers=4), WIDE)
    assert [line.style for line in made.lines] == ["request", *["link"] * 4]
    assert [text.text for text in made.texts].count("weight 0 in 1") == 4


@pytest.mark.parametrize(("real_servers", "width"), [(2, WIDE), (2, NARROW), (13, WIDE), (13, NARROW)])
def test_state_has_a_sign(real_servers: int, width: int) -> None:
    """Colour is not the only thing that tells."""
    found = cluster(service(real_server(1)), real_servers=real_servers - 1)
    lost = Host("rs99", "real server", problems=["no route"], unreachable=True)
    made = drawing(Status("now", found.directors, [*found.real_servers, lost]), width)
    assert [text.text[0] for text in made.texts if text.style == "state unreachable"] == ["✕"]
    assert [text.text[0] for text in made.texts if text.style == "state differs"] == ["≠"]


def test_real_servers_that_nobody_described() -> None:
    """They are there, by their addresses."""
    stranger = RealServer("10.0.0.9", "10.0.0.9:80", weight=1)
    made = drawing(cluster(service(real_server(1), stranger)), WIDE)
    assert texts(made, "name") == ["clients", "ds1", "rs1", "rs2", "10.0.0.9"]
    assert "not in the inventory" in texts(made, "state ")
    assert "in no service" in texts(made, "entry")  # rs2


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("real_servers", [2, 13])
def test_director_that_tells_nothing(real_servers: int, width: int) -> None:
    """Then nobody knows what a real server serves."""
    lost = Director(Host("ds1", "director", problems=["no route"], unreachable=True))
    made = drawing(Status("now", [lost], cluster(real_servers=real_servers).real_servers), width)
    said = [text.text for text in made.texts]
    assert said.count("services not known") == 1 + real_servers
    assert "in no service" not in said
    assert not any("active" in one for one in said if real_servers == 2)


def texts(made: Drawing, style: str) -> list[str]:
    """The texts of a style."""
    return [text.text for text in made.texts if text.style == style]


@pytest.mark.parametrize(
    ("text", "letters", "left"),
    [
        ("rs1", 3, "rs1"),
        ("rs12", 3, "rs…"),
        ("server-01.example", 10, "server-01…"),
        ("[2001:db8::1]:443", 9, "[200…:443"),
        ("rs1", 0, "r…"),
    ],
)
def test_shortened(text: str, letters: int, left: str) -> None:
    """A name keeps its beginning, an address both ends."""
    assert shortened(text, letters) == left
