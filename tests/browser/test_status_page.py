# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page in a browser: what a person sees of it, on a large screen and on a phone, in light and in dark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.page import page as html_page
from tests.browser.status_page import browser, large, show, small

LARGE, PHONE = 1100, 360
CLUSTERS = {"small": small(), "many-services": large(50, 10, 10), "many-real-servers": large(40, 200, 10)}

# Of every text that is shown: its colour and the one behind it, as numbers.
CONTRASTS = """
const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
const solid = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const back = numbers(getComputedStyle(one).backgroundColor);
    if (back.length < 4 || back[3] === 1) return back.slice(0, 3);
  }
};
const found = [];
for (const element of document.querySelectorAll('main *:not(svg *)')) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (own && element.getClientRects().length)
    found.push([element.textContent.trim(), numbers(getComputedStyle(element).color), solid(element)]);
}
for (const element of document.querySelectorAll('svg text')) {
  if (!element.getClientRects().length) continue;
  const place = element.getBoundingClientRect(), x = place.x + 2, y = place.y + place.height / 2;
  const behind = [...element.ownerSVGElement.querySelectorAll('rect')].filter((rect) => {
    const box = rect.getBoundingClientRect();
    return box.x <= x && x <= box.right && box.y <= y && y <= box.bottom;
  }).pop();
  found.push([element.textContent, numbers(getComputedStyle(element).fill), numbers(getComputedStyle(behind).fill)]);
}
return found;
"""

# The places of the drawing's texts, and of the boxes of hosts around them.
PLACES = """
const place = (element) => {
  const {x, y, right, bottom} = element.getBoundingClientRect();
  return [element.textContent || element.getAttribute('class'), x, y, right, bottom];
};
const shown = [...document.querySelectorAll('.drawing svg')].filter((svg) => svg.getClientRects().length);
return shown.map((svg) => [
  [...svg.querySelectorAll('text')].map(place), [...svg.querySelectorAll('rect.host, rect.clients')].map(place)]);
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


Look = Callable[..., Chrome]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The clusters' pages."""
    folder = tmp_path_factory.mktemp("pages")
    for name, status in CLUSTERS.items():
        (folder / f"{name}.html").write_text(html_page(status), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in CLUSTERS}


@pytest.fixture
def look(started: Chrome, pages: dict[str, Path]) -> Look:
    """Open a cluster's page."""

    def opened(name: str = "small", width: int = LARGE, scheme: str = "light") -> Chrome:
        show(started, pages[name], width, scheme=scheme)
        return started

    return opened


def visible(page: Chrome) -> str:
    return str(page.find_element(By.TAG_NAME, "main").text)


def cells(page: Chrome, caption: str) -> list[str]:
    """The rows of a service's table, as one reads them."""
    rows = page.find_elements(By.XPATH, f"//section[.//h3='{caption}']//tbody/tr")
    return [" ".join(row.text.split()) for row in rows]


def test_what_it_says(look: Look) -> None:
    page = look()
    assert page.title == "LVS cluster: 1 host cannot be reached, 2 hosts differ from the inventory"
    assert cells(page, "web") == [
        "rs1 192.168.56.183:80 tunnel 1 42 380 25 % 21 168 0 13.4k 0",
        "rs2 differs 192.168.56.184:80 tunnel 3 118 1130 74 % 62 496 0 39.7k 0",
        "rs3 drained (was 1) 192.168.56.182:80 tunnel 0 2 14 1 % 0 0 0 0 0",
    ]
    text_of_page = visible(page)
    for text in (
        "Seen 2026-11-24 11:13:23 UTC",
        "Linux 6.12.48+deb13-amd64; IPVS 1.2.1",
        "timeouts: tcp 900 s, tcp_fin 120 s, udp 300 s; sync daemon: master on eth0",
        "ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1",
        "sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
        "port 22: No route to host",
    ):
        assert text in text_of_page
    figures = dict(zip(*[iter(page.find_element(By.CLASS_NAME, "figures").text.splitlines())] * 2))
    assert figures == {
        "services": "3", "real servers": "3", "active": "259", "inactive": "2416",
        "conn/s": "131", "packets/s in": "1.0k", "bytes/s in": "83.8k",
    }  # fmt: skip
    drawn = [text.text for text in page.find_elements(By.CSS_SELECTOR, "svg.wide text")]
    assert {"clients", "ds1", "rs1", "weight 3", "118 active", "drained, was 1", "✕ unreachable", "≠ differs"} <= set(drawn)


def test_asks_for_nothing_and_complains_of_nothing(look: Look, started: Chrome, pages: dict[str, Path]) -> None:
    for kind in ("browser", "performance"):
        started.get_log(kind)  # what came before
    look()
    assert started.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in started.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in messages if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [pages["small"].as_uri()]


def luminance(colour: list[float]) -> float:
    """The relative luminance of WCAG 2.2."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: list[float], second: list[float]) -> float:
    dark, bright = sorted((luminance(first), luminance(second)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("width", [LARGE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(look: Look, scheme: str, width: int) -> None:
    """Every text has the 4.5 of WCAG's level AA, and the schemes are what they are called."""
    page = look("small", width, scheme)
    found = page.execute_script(CONTRASTS)
    assert len(found) > 100
    assert {text: contrast(front, back) for text, front, back in found if contrast(front, back) < 4.5} == {}
    heading = next(text for text in found if text[0] == "The cluster")
    assert (luminance(heading[2]) > 0.5) == (scheme == "light")


@pytest.mark.parametrize(
    ("name", "width"), [("small", 320), ("small", 821), *((name, width) for name in CLUSTERS for width in (PHONE, LARGE))]
)
def test_fits_the_screen(look: Look, name: str, width: int) -> None:
    """It never scrolls sideways; one of the drawings is there, and no text in it runs over another, or out of its host."""
    page = look(name, width)
    assert page.execute_script("return document.documentElement.scrollWidth") == width
    ((texts, hosts),) = page.execute_script(PLACES)
    assert len(texts) > 20
    for number, (text, *place) in enumerate(texts):
        assert any(within(place, box) for _name, *box in hosts), text
        assert [other for other, *its in texts[number + 1 :] if overlap(place, its)] == [], text


def test_table_scrolls_in_its_own_box_on_a_phone(look: Look) -> None:
    last = "const box = document.querySelector('section .scroll'); box.scrollLeft = 9999; return box.scrollLeft"
    assert look("small", PHONE).execute_script(last) > 100


def within(place: list[float], box: list[float]) -> bool:
    return box[0] <= place[0] and box[1] <= place[1] and place[2] <= box[2] and place[3] <= box[3]


def overlap(first: list[float], second: list[float], shared: float = 1.0) -> bool:
    """Whether two places share more than a pixel: a line of letters has some room above and below."""
    return (
        first[0] + shared < second[2]
        and second[0] + shared < first[2]
        and first[1] + shared < second[3]
        and second[1] + shared < first[3]
    )


def test_large_drawing_is_legible_on_a_phone(look: Look) -> None:
    """Letters of 200 real servers are not smaller there than of 3."""
    page = look("many-real-servers", PHONE)
    heights = page.execute_script(PLACES)[0][0]
    assert len([place for place in heights if place[0].startswith("server-")]) == 200
    assert min(place[4] - place[2] for place in heights) >= 11


def test_markup_from_elsewhere_is_text(started: Chrome, tmp_path: Path) -> None:
    """Names, messages and commands of others are shown as they are."""
    attack = '<script>document.title = "taken"</script><img src=x onerror="document.title = 1">"\'</style>'
    status = CLUSTERS["small"]
    service = replace(
        status.services[0],
        name=attack,
        scheduler=attack,
        real_servers=[replace(view, host=attack, forward=attack) for view in status.services[0].real_servers],
    )
    hosts = [
        replace(host, name=attack, problems=[attack], warnings=[attack], commands=[attack]) for host in status.real_servers
    ]
    director = replace(status.directors[0], facts=attack, services=[service])
    file = tmp_path / "attacked.html"
    attacked = replace(status, generated=attack, directors=[director], real_servers=hosts)
    file.write_text(html_page(attacked), encoding="utf-8")
    show(started, file, LARGE)
    assert started.title == f"LVS cluster: {attacked.summary}"
    assert started.find_elements(By.CSS_SELECTOR, "script, img") == []
    assert visible(started).count(attack) > 10


def test_can_be_read_aloud(look: Look) -> None:
    """A language, names for what is drawn and for what scrolls, and headers that say what they head."""
    page = look()
    assert page.find_element(By.TAG_NAME, "html").get_dom_attribute("lang") == "en"
    assert page.find_elements(By.CSS_SELECTOR, "th:not([scope])") == []
    for element in page.find_elements(By.CSS_SELECTOR, "[role]"):
        assert element.accessible_name or not element.is_displayed()
    identifiers: list[Any] = page.execute_script("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(identifiers) == len(set(identifiers))


def test_picture_in_the_documentation_is_small() -> None:
    picture = Path(__file__).parents[2] / "docs/status.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 150_000
