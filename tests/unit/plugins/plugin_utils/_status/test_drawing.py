# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a cluster, by its geometry: what has a line, how wide it is, and that all is inside."""

from __future__ import annotations

from itertools import combinations

import pytest

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.drawing import NARROW, THICK, THIN, WIDE, drawing
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import (
    DirectorView,
    HostView,
    RealServerView,
    ServiceView,
    Status,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.shapes import Box, Drawing


def real_server(number: int, **fields: object) -> RealServerView:
    """A real server of the inventory."""
    given = {"weight": 1, "active": 10, "share": 0.5, **fields}
    return RealServerView(f"10.0.0.{number}", f"10.0.0.{number}:80", f"rs{number}", "tunnel", **given)  # type: ignore[arg-type]


def cluster(*services: ServiceView, real_servers: int = 2) -> Status:
    """A director with these services, and so many real servers."""
    hosts = [HostView(f"rs{number}", "real server") for number in range(1, real_servers + 1)]
    return Status("now", [DirectorView(HostView("ds1", "director", ["x"]), "Linux", services)], hosts)


def service(*real_servers: RealServerView, port: int = 80) -> ServiceView:
    """A service."""
    return ServiceView(f"TCP 192.0.2.1:{port}", name=f"web{port}", scheduler="wrr", real_servers=real_servers)


def crowd(services: int, real_servers: int) -> Status:
    """Every service on every real server."""
    real_server_views = [real_server(number, share=1 / real_servers) for number in range(1, real_servers + 1)]
    return cluster(*(service(*real_server_views, port=port) for port in range(80, 80 + services)), real_servers=real_servers)


SIZES = [(1, 1), (3, 2), (3, 8), (6, 4), (50, 10), (2, 12), (2, 13), (50, 200), (0, 3)]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("services", "real_servers"), SIZES)
def test_boxes_are_inside_and_hosts_apart(services: int, real_servers: int, width: int) -> None:
    """Whatever the size of the cluster; each host is drawn once."""
    result = drawing(crowd(services, real_servers), width)
    for box in result.boxes:
        assert box.x >= 0
        assert box.x + box.width <= result.width + 0.01
        assert box.y + box.height <= result.height
    hosts = [box for box in result.boxes if box.style.startswith(("host", "clients"))]
    assert len(hosts) == real_servers + 2
    assert not any(overlap(first, second) for first, second in combinations(hosts, 2))


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("services", "real_servers"), SIZES)
def test_texts_are_inside_their_boxes(services: int, real_servers: int, width: int) -> None:
    """By their baselines; whether texts overlap is tested in a browser."""
    result = drawing(crowd(services, real_servers), width)
    boxes = [box for box in result.boxes if box.style.startswith(("host", "clients"))]
    for text in result.texts:
        assert any(box.x < text.x < box.x + box.width and box.y < text.y < box.y + box.height for box in boxes), text


def overlap(first: Box, second: Box) -> bool:
    """Whether two boxes share a place."""
    return (
        first.x < second.x + second.width
        and second.x < first.x + first.width
        and first.y < second.y + second.height
        and second.y < first.y + first.height
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
    """Fewer lines where there would be too many to follow."""
    assert len(drawing(crowd(services, real_servers), width).lines) == lines


@pytest.mark.parametrize(("share", "width"), [(0.0, THIN), (0.5, (THIN + THICK) / 2), (1.0, THICK)])
def test_width_is_the_share(share: float, width: float) -> None:
    """From thin to thick."""
    result = drawing(cluster(service(real_server(1, share=share))), WIDE)
    assert result.lines[1].width == pytest.approx(width, abs=0.06)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("fields", "note"),
    [({"weight": 0}, "weight 0"), ({"weight": 0, "drained": 3}, "drained, was 3"), ({"missing": True}, "missing")],
)
def test_what_takes_no_new_connections(fields: dict[str, object], note: str, width: int) -> None:
    """It is dashed, and note why."""
    result = drawing(cluster(service(real_server(1, **fields), real_server(2))), width)
    links = [line.style for line in result.lines if line.style in ("link", "idle")]
    assert links == ["idle", "link"]
    assert [box.style for box in result.boxes if box.style.startswith("host")][1:] == ["host same idle", "host same"]
    assert note in [text.text for text in result.texts]


def test_part_of_the_services_has_weight_0() -> None:
    """One line for all of them is not dashed, and note how many it is."""
    idle = service(*(real_server(number, weight=0) for number in range(1, 5)), port=1)
    others = crowd(6, 4).services
    result = drawing(cluster(idle, *others, real_servers=4), WIDE)
    assert [line.style for line in result.lines] == ["request", *["link"] * 4]
    assert [text.text for text in result.texts].count("weight 0 in 1") == 4


@pytest.mark.parametrize(("real_servers", "width"), [(2, WIDE), (2, NARROW), (13, WIDE), (13, NARROW)])
def test_state_has_a_sign(real_servers: int, width: int) -> None:
    """Beside its colour."""
    status = cluster(service(real_server(1)), real_servers=real_servers - 1)
    lost = HostView("rs99", "real server", problems=["no route"], unreachable=True)
    result = drawing(Status("now", status.directors, [*status.real_servers, lost]), width)
    assert [text.text[0] for text in result.texts if text.style == "state unreachable"] == ["✕"]
    assert [text.text[0] for text in result.texts if text.style == "state differs"] == ["≠"]


def test_real_servers_that_are_not_in_the_inventory() -> None:
    """They are drawn, with their addresses."""
    other = RealServerView("10.0.0.9", "10.0.0.9:80", weight=1)
    result = drawing(cluster(service(real_server(1), other)), WIDE)
    assert texts(result, "name") == ["clients", "ds1", "rs1", "rs2", "10.0.0.9"]
    assert "not in the inventory" in texts(result, "state ")
    assert "in no service" in texts(result, "entry")  # rs2


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("real_servers", [2, 13])
def test_director_that_is_not_known(real_servers: int, width: int) -> None:
    """Nor are the services of real servers."""
    lost = DirectorView(HostView("ds1", "director", problems=["no route"], unreachable=True))
    result = drawing(Status("now", [lost], cluster(real_servers=real_servers).real_servers), width)
    shown = [text.text for text in result.texts]
    assert shown.count("services not known") == 1 + real_servers
    assert "in no service" not in shown
    assert not any("active" in text for text in shown if real_servers == 2)


def texts(result: Drawing, style: str) -> list[str]:
    """The texts of a style."""
    return [text.text for text in result.texts if text.style == style]
