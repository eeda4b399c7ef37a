# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters to look at, and a browser to look with.

C(PYTHONPATH=.collections python -m tests.browser.status_page docs/status.png), in the environment that C(lab/venv) names,
makes the picture in the documentation.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from ansible_collections.lvs.cluster.plugins.plugin_utils._status.cluster_status import cluster_status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.model import Status
from ansible_collections.lvs.cluster.plugins.plugin_utils._status.page import page

SEEN = "2026-11-24 11:13:23 UTC (UTC+0000)"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
SCREEN = (1100, 1000)  # of the picture in the documentation


def destination(rip: str, weight: int, active: int, inactive: int, **others: Any) -> dict[str, Any]:
    """A destination as ipvs_info returns it: with some traffic, as many packets as connections ask for."""
    per_second = (active + inactive) // 20
    return {
        "rip": rip, "rport": 80, "forward": "tunnel", "weight": weight, "upper_threshold": 0, "lower_threshold": 0,
        "tunnel_type": "ipip", "tunnel_port": None, "tunnel_checksum": "none",
        "connections": {"active": active, "inactive": inactive, "persistent": 0},
        "statistics": rates(per_second),
        **others,
    }  # fmt: skip


def rates(per_second: int) -> dict[str, int]:
    """Rates that go with so many connections per second."""
    return {
        "connections_per_second": per_second, "packets_in_per_second": 8 * per_second, "packets_out_per_second": 0,
        "bytes_in_per_second": 640 * per_second, "bytes_out_per_second": 0,
    }  # fmt: skip


def service(vip: str, port: int, *destinations: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """A service as ipvs_info returns it."""
    per_second = sum(row["statistics"]["connections_per_second"] for row in destinations)
    return {
        "vip": vip, "port": port, "protocol": "tcp", "scheduler": "wrr", "persistence_timeout": 0,
        "statistics": rates(per_second), "destinations": list(destinations), **others,
    }  # fmt: skip


def director(
    name: str,
    services: Sequence[Mapping[str, Any]],
    *results: Mapping[str, Any],
    names: Sequence[str],
    hosts: Mapping[str, str],
) -> dict[str, Any]:
    """A director as the playbook gathers it."""
    info = {
        "version": "1.2.1", "kernel": "6.12.48+deb13-amd64", "connection_table_size": 4096,
        "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300},
        "sync_daemons": [{"role": "master", "interface": "eth0", "sync_id": 7}],
        "services": services,
    }  # fmt: skip
    return {
        "name": name,
        "info": info,
        "results": list(results),
        "services": wanted(services),
        "names": names,
        "hosts": hosts,
    }


def real_server(name: str, *results: Mapping[str, Any]) -> dict[str, Any]:
    """A real server as the playbook gathers it."""
    return {"name": name, "results": list(results)}


def changed(command: str, kind: str, **key: Any) -> dict[str, Any]:
    """The result of a task that makes a change."""
    return {"changes": [{"action": "set", "kind": kind, "key": key, "command": command}]}


def wanted(services: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The plan's table, where it is what the kernel has."""
    return [dict(service) for service in services]


RS1, RS2, RS3 = "192.168.56.183", "192.168.56.184", "192.168.56.182"
UNREACHABLE = "Failed to connect to the host via ssh: ssh: connect to host 192.168.56.182 port 22: No route to host"


def small() -> Status:
    """The walk-through's cluster, a weight changed by hand, and a third real server, drained and out of reach."""
    web = service(
        "192.168.56.185",
        80,
        destination(RS1, 1, 42, 380),
        destination(RS2, 3, 118, 1130),
        destination(RS3, 0, 2, 14, drained=1),
    )
    mapped = service("192.168.56.186", 8099, destination(RS1, 2, 66, 590), destination(RS2, 1, 31, 302))
    plain = service("192.168.56.187", 80, destination(RS1, 1, 0, 0), destination(RS2, 2, 0, 0))
    services = [web, mapped, plain]
    key = {"vip": "192.168.56.185", "port": 80, "protocol": "tcp", "rip": RS2, "rport": 80}
    weight = changed("ipvsadm -e -t 192.168.56.185:80 -r 192.168.56.184:80 -i -w 1", "destination", **key)
    options = {
        "directors": [
            director("ds1", services, weight, names=["web", "mapped", "plain"], hosts={RS1: "rs1", RS2: "rs2", RS3: "rs3"})
        ],
        "real_servers": [
            real_server("rs1", {"changes": []}),
            real_server("rs2", {"results": [changed("sysctl -w net.ipv4.conf.tunl0.rp_filter=2", "setting")]}),
            real_server("rs3", {"unreachable": True, "msg": UNREACHABLE}),
        ],
    }
    return cluster_status(options, generated=SEEN)


def large(services: int, real_servers: int, in_each: int) -> Status:
    """A generated cluster: every service on so many real servers, some of them idle."""
    rips = [f"10.{number // 250}.{number % 250}.10" for number in range(real_servers)]
    rows = [
        service(
            f"198.51.100.{number % 100 + 1}",
            8000 + number,
            *(
                destination(rips[(number * in_each + place) % real_servers], (number + place) % 5, place * 31 % 97, place * 7)
                for place in range(in_each)
            ),
        )
        for number in range(services)
    ]
    names = [f"server-{number:03}.rack-{number % 7}.example" for number in range(real_servers)]
    options = {
        "directors": [
            director(
                "director-one.example",
                rows,
                names=[f"service-number-{number:02}-of-the-shop" for number in range(services)],
                hosts=dict(zip(rips, names)),
            )
        ],
        "real_servers": [real_server(name) for name in names],
    }
    return cluster_status(options, generated=SEEN)


@contextmanager
def browser() -> Iterator[Chrome]:
    """A browser without a window, with a profile of its own, that keeps what it asks for and complains of."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium, "install chromium with lab/browser"
    assert driver, "install chromium-driver with lab/browser"
    with tempfile.TemporaryDirectory(prefix="lvs-browser.") as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        started = Chrome(options=options, service=Service(driver))
        try:
            yield started
        finally:
            started.quit()


def show(with_browser: Chrome, file: Path, width: int, height: int = 1000, scheme: str = "light") -> None:
    """Open a page on a screen of this size."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    with_browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    with_browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    with_browser.get(file.as_uri())


def main(target: str) -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        file = Path(folder) / "status.html"
        file.write_text(page(small()), encoding="utf-8")
        show(started, file, *SCREEN)
        started.save_screenshot(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
