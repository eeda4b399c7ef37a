# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that lower the priority of their director when their quorum is lost."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived import config
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import (
    CONFIG_FILE,
    RELOAD_FILE,
    advertised_in,
    vips_in,
)

from .fake_host import DIP, VIP, VRRP, Host
from .parser import Block, parsed

RS1, RS2 = "192.168.56.183", "192.168.56.184"
TRACKING: Facts = {**VRRP, "preempt": True, "track_quorum": True}
NOT_TRACKING: Facts = {**VRRP, "preempt": True}
GIVES_UP = ("lvs_standby", "lvs_stopping")
PREFIX = "/run/lvs.cluster.quorum."
WEB, TLS = f"tcp-{VIP}-80", f"tcp-{VIP}-443"


def service(port: int = 80, *rips: str, **check: Any) -> Facts:
    """A service of these real servers."""
    rows = [{"rip": rip, "check": {"type": "tcp", **check}} for rip in rips or (RS1, RS2)]
    return {"vip": VIP, "port": port, "destinations": rows}


def run(host: Host, *services: Facts, **options: Any) -> Facts:
    """The module, with services."""
    return host.run(services=list(services), sources=[DIP], **options)


def blocks(host: Host) -> dict[str, Block]:
    """The files that keepalived tracks, or creates, for quorums."""
    found = [block for block in parsed(host.config) if block[0] == "track_file"]
    prefix = "lvs_quorum_"
    return {block[1][len(prefix) :]: block[-1] for block in found if block[1].startswith(prefix)}


def instance(host: Host) -> Block:
    """The lines of the virtual router."""
    (found,) = (block[-1] for block in parsed(host.config) if block[0] == "vrrp_instance")
    return list(found)


def tracked(host: Host) -> list[str]:
    """The files that lower its priority."""
    (found,) = (line[-1] for line in instance(host) if line[0] == "track_file")
    return [name.removeprefix("lvs_quorum_") for (name,) in found]


def told(host: Host) -> str:
    """How many commands write files."""
    return f"{host.config.count('    quorum_up ')} up, {host.config.count('    quorum_down ')} down"


def test_text(host: Host) -> None:
    """Each service has a file; what the commands copy is in two others."""
    run(host, service(), service(443), vrrp=TRACKING, vips=[{"vip": VIP}])
    assert blocks(host) == {
        name: [["file", f"{PREFIX}{name}"], ["weight", "1"], ["init_file", number]]
        for name, number in {"up": "0", "down": "-20", WEB: "0", TLS: "0"}.items()
    }
    assert tracked(host) == [WEB, TLS, *GIVES_UP]
    assert told(host) == "2 up, 2 down"
    # Keepalived knows a tracked file only by what it has read before.
    assert host.config.index(f"track_file lvs_quorum_{TLS}") < host.config.index("vrrp_instance")
    assert ([str(vip.vip) for vip in vips_in(host.config)], str(advertised_in(host.config))) == ([VIP], "169.254.255.51")
    # What is there already is left alone, though it would be refused now.
    host.networks = {"eth0": (f"{DIP}/32",), "eth1": (f"{VIP}/24",)}
    assert run(host, service(), service(443), vrrp=TRACKING, vips=[{"vip": VIP}])["changed"] is False


def test_nothing_of_it_without_the_option(host: Host) -> None:
    run(host, service(), vrrp=NOT_TRACKING)
    without = host.config
    assert "quorum" not in without
    assert "preempt_delay" not in without
    run(host, service(), vrrp=TRACKING)
    assert host.config != without
    run(host, service(), vrrp=NOT_TRACKING)
    assert host.config == without


@pytest.mark.parametrize(
    ("services", "delay"),
    [
        ([service()], "9"),
        ([service(delay_loop=1.2, timeout=1), service(443, delay_loop=0.5, timeout=2.5)], "5"),
        ([service(delay_loop=7000)], "1000"),
        ([], "1"),
    ],
)
def test_directors_find_out_at_different_times(services: list[Facts], delay: str, host: Host) -> None:
    """At most an interval and a timeout after another one."""
    run(host, *services, vrrp=TRACKING)
    assert [line[1] for line in instance(host) if line[0] == "preempt_delay"] == [delay]


def test_without_preemption_nobody_waits(host: Host) -> None:
    """Only of two directors that hold the VIPs, the one with the lower priority gives them up."""
    run(host, service(), vrrp={**TRACKING, "preempt": False})
    assert tracked(host) == [WEB, *GIVES_UP]
    assert "preempt_delay" not in host.config
    run(host, service(), vrrp=TRACKING)
    assert ["preempt_delay", "9"] in instance(host)


def test_timeout_of_a_program(host: Host) -> None:
    run(host, service(type="misc", command="/c", delay_loop=1, timeout=30), vrrp=TRACKING)
    assert ["preempt_delay", "32"] in instance(host)


def test_the_virtual_router_alone_keeps_what_it_tracks(host: Host) -> None:
    run(host, service(), vrrp=TRACKING)
    host.run(vrrp={**TRACKING, "priority": 7}, vips=[{"vip": VIP}])
    assert (tracked(host), told(host)) == ([WEB, *GIVES_UP], "1 up, 1 down")


def test_the_services_alone_change_what_it_tracks(host: Host) -> None:
    """Down to none, and from there."""
    run(host, service(), vrrp=TRACKING)
    run(host, service(443))
    assert (tracked(host), told(host)) == ([TLS, *GIVES_UP], "1 up, 1 down")
    run(host)
    assert tracked(host) == [*GIVES_UP]
    run(host, service())
    assert (tracked(host), told(host)) == ([WEB, *GIVES_UP], "1 up, 1 down")


def test_services_without_a_virtual_router_tell_nobody(host: Host) -> None:
    run(host, service())
    assert "quorum" not in host.config
    run(host, service(), vrrp=TRACKING)
    run(host, service(), purge=True)
    assert "quorum" not in host.config


def test_what_is_held_back_is_tracked_as_before(host: Host) -> None:
    run(host, service(80, RS1), vrrp=TRACKING)
    run(host, service(80, RS1, RS2), service(443, RS2), vrrp=TRACKING, unprepared=[RS2])
    assert (tracked(host), told(host)) == ([WEB, *GIVES_UP], "1 up, 1 down")


def test_files_go_after_what_writes_them(host: Host) -> None:
    """Those of services that go, and all of them with the configuration."""

    def made() -> list[str]:
        return sorted(path.name for path in host.path("/run").glob("lvs.cluster.quorum*"))

    run(host, service(), service(443), vrrp=TRACKING)
    for path in config.tracked_files(host.config):
        host.put(path, "0\n")
    run(host, service(), vrrp=TRACKING)
    assert made() == [f"lvs.cluster.quorum.{name}" for name in ("down", WEB, "up")]
    reloaded = [f"write {CONFIG_FILE}", "reload keepalived.service", f"remove {RELOAD_FILE}"]
    assert host.events[-4:] == [*reloaded, f"remove {PREFIX}{TLS}"]
    host.run(state="absent")
    assert made() == []
    assert host.events.index("disable --now keepalived.service") < host.events.index(f"remove {PREFIX}{WEB}")


def test_files_go_with_the_option(host: Host) -> None:
    run(host, service(), vrrp=TRACKING)
    for path in config.tracked_files(host.config):
        host.put(path, "0\n")
    run(host, service(), vrrp=NOT_TRACKING)
    assert {path.name for path in host.path("/run").glob("*")} == {"lvs.cluster.standby", "lvs.cluster.stopping"}
