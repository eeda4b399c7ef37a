# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs for some of the hosts: C(--limit)."""

from __future__ import annotations

import pytest

from .standins import RS1, RS2, SERVICES, Player, cluster, configured, releasing

WITHOUT_RS2 = [
    {**SERVICES[0], "real_servers": [{"host": "rs1"}, {"host": "rs2", "state": "absent"}]},
    {**SERVICES[1], "real_servers": [{"host": "rs1"}]},
]


def test_nothing_is_released_without_the_director(play: Player) -> None:
    run = play("site", "--limit=rs2", inventory=cluster(lvs_services=WITHOUT_RS2), results=releasing("rs2")).failed()
    run.says_took_no_part("ds1")
    assert not run.calls(releasing=True)


@pytest.mark.parametrize("tag", ["packages", "sysctl", "nftables", "vips", "ipvs", "boot", "preflight", "verify"])
def test_every_tag_alone(play: Player, tag: str) -> None:
    """A real server is ready only if no part of its setup was left out."""
    run = play("site", f"--tags={tag}").succeeded()
    for call in run.calls("ipvs_table", changing=True):
        assert sorted(call.options["unprepared"]) == [RS1, RS2]
    assert bool(run.calls("ipvs_table", changing=True)) == (tag == "ipvs")
    assert bool(run.calls("vip_probe")) == bool(run.calls("preflight", phase="after")) == (tag == "verify")


# What may change something with a tag: on the director, and on a real server.
PARTS = {
    "packages": (set(), set()),
    "sysctl": ({"ipvs_sysctl"}, {"arp_sysctl"}),
    "nftables": ({"firewall"}, {"tunnel_guard", "firewall", "port_dnat", "mss_clamp"}),
    "vips": ({"firewall", "keepalived", "tunl_vip"}, {"tunnel_guard", "firewall", "arp_sysctl", "tunl_vip"}),
    "ipvs": ({"ipvs_sysctl", "ipvs_table"}, set()),
    "boot": ({"boot"}, {"boot"}),
    "preflight": (set(), set()),
    "verify": (set(), set()),
}
ALL = tuple(set().union(*of_host) for of_host in zip(*PARTS.values()))


@pytest.mark.parametrize("tag", PARTS)
def test_parts_of_a_tag(play: Player, tag: str) -> None:
    """Nothing else is changed."""
    run = play("site", f"--tags={tag}").succeeded()
    for host, modules in zip(("ds1", "rs1"), PARTS[tag]):
        assert {call.module for call in run.calls(host=host, changing=True)} == modules


@pytest.mark.parametrize("tag", PARTS)
def test_parts_without_a_tag(play: Player, tag: str) -> None:
    """All other parts are as before: a VIP never comes without the table behind it."""
    run = play("site", f"--skip-tags={tag}")
    for host, modules, skipped in zip(("ds1", "rs1"), ALL, PARTS[tag]):
        changed = {call.module for call in run.calls(host=host, changing=True)}
        # What has several tags is skipped with each of them.
        assert changed == modules - skipped


def test_tags_of_all_parts(play: Player) -> None:
    run = play("site", "--tags=sysctl,nftables,vips,boot,ipvs").succeeded()
    assert run.call("ipvs_table", changing=True).options["unprepared"] == []


def test_nothing_to_release(play: Player) -> None:
    run = play("site", "--limit=rs2").succeeded()
    assert run.calls("tunl_vip", host="rs2", changing=True)
    assert {call.host for call in run.everything} == {"rs2"}
    assert not run.calls(releasing=True)


def test_configured_host_has_nothing_to_release(play: Player) -> None:
    run = play("site", "--limit=rs2", results=[configured("rs2")]).succeeded()
    assert run.calls("tunl_vip", host="rs2", changing=True)
    assert not run.calls(releasing=True)


def test_release_with_the_director(play: Player) -> None:
    run = play("site", "--limit=ds1,rs2", inventory=cluster(lvs_services=WITHOUT_RS2), results=releasing("rs2"))
    run.succeeded()
    assert run.first(host="rs2", releasing=True) > run.call("ipvs_table", host="ds1", changing=True).place
    assert not run.calls(host="rs1")


def test_drain_needs_the_director(play: Player) -> None:
    play("drain", "--limit=rs1", "--extra-vars=lvs_target=rs1").refused("--limit", "ds1")
