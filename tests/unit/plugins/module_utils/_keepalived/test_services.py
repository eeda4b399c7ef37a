# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the module keepalived: what it owns, beside a virtual router or alone, and how it gives that up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import Facts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.drain import drained_warning
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.keepalived_table import WEIGHT_FOLDER, owned
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Destination, DestinationKey
from ansible_collections.lvs.cluster.plugins.module_utils._keepalived.model import CONFIG_FILE, RELOAD_FILE, UNIT
from tests.unit.helpers import save_state

from .fake_host import DIP, FOREIGN, VIP, VRRP, Host

RS1, RS2, RS3 = "192.168.56.183", "192.168.56.184", "192.168.56.185"


def web(*rips: str, port: int = 80, **options: Any) -> Facts:
    """A service of these real servers."""
    return {"vip": VIP, "port": port, "destinations": [{"rip": rip, "check": "tcp", **options} for rip in rips]}


OPTIONS: Facts = {"services": [web(RS1, RS2)], "sources": [DIP]}


def rips(host: Host, port: int = 80) -> list[str]:
    """The real servers of the service in the configuration."""
    return [
        str(key.rip) for service, keys in owned(host.config).items() for key in keys if service.port == port and service.vip
    ]


def test_services_alone(host: Host) -> None:
    """Keepalived runs without a virtual router, and the folder that it watches is there before it."""
    result = host.run(**OPTIONS)
    assert (result["changed"], result["held_back"], result["held_back_vips"]) == (True, [], [])
    assert "active" not in result
    assert host.path(WEIGHT_FOLDER).is_dir()
    assert rips(host) == [RS1, RS2]
    assert "vrrp_instance" not in host.config
    assert host.running
    again = host.run(**OPTIONS)
    assert (again["changed"], host.events) == (False, [])


def test_each_part_stays_without_its_option(host: Host) -> None:
    host.run(**OPTIONS)
    host.run(vrrp=VRRP, vips=[{"vip": VIP}])
    assert host.events == [f"write {RELOAD_FILE}", f"write {CONFIG_FILE}", f"reload {UNIT}", f"remove {RELOAD_FILE}"]
    assert (rips(host), host.vips) == ([RS1, RS2], [VIP])
    host.run(**{**OPTIONS, "services": [web(RS1)]})
    assert (rips(host), host.vips) == ([RS1], [VIP])
    host.run(purge=True)
    assert (rips(host), "vrrp_instance" in host.config) == ([RS1], False)


def test_nothing_that_is_left_ends_it(host: Host) -> None:
    host.run(**OPTIONS)
    result = host.run(services=[])
    assert (result["changed"], host.path(CONFIG_FILE).exists(), host.running) == (True, False, False)
    assert not host.path(WEIGHT_FOLDER).exists()
    assert host.run(services=[])["changed"] is False


def test_services_go_and_the_virtual_router_stays(host: Host) -> None:
    host.run(**OPTIONS, vrrp=VRRP, vips=[{"vip": VIP}])
    host.run(services=[])
    assert (owned(host.config), host.vips, host.running) == ({}, [VIP], True)


@pytest.mark.parametrize("options", [{"services": []}, {"purge": True}])
def test_who_has_nothing_to_give_up_needs_no_keepalived(host: Host, options: Facts) -> None:
    """Nor is the configuration of somebody else touched."""
    host.printed = None
    host.put(CONFIG_FILE, FOREIGN)
    assert host.run(**options)["changed"] is False
    assert host.config == FOREIGN


def test_configuration_of_somebody_else_is_not_replaced(host: Host) -> None:
    host.put(CONFIG_FILE, FOREIGN)
    with pytest.raises(LvsError, match="was not made by this collection"):
        host.run(**OPTIONS)
    host.run(**OPTIONS, takeover=True)
    assert rips(host) == [RS1, RS2]


def test_file_of_a_weight_goes_with_its_destination(host: Host) -> None:
    host.run(**OPTIONS)
    files = [
        host.put(entry.weight_file, "-65535\n")
        for keys in owned(host.config).values()
        for entry in keys.values()
        if entry.weight_file
    ]
    host.run(**{**OPTIONS, "services": [web(RS2)]})
    assert [file.exists() for file in files] == [False, True]


def test_service_of_an_unprepared_real_server_stays_as_it_is(host: Host) -> None:
    """One that exists with all that is its own; the others change."""
    host.run(**{**OPTIONS, "services": [web(RS1, RS2), web(RS1, port=443)]})
    before = owned(host.config)
    changed = [web(RS1, RS3, weight=7), web(RS1, port=443, weight=7), web(RS3, port=8080)]
    result = host.run(services=changed, sources=[DIP], unprepared=[RS3])
    assert [warning.partition(": ")[0] for warning in result.pop("warnings")] == ["-t 192.0.2.80:80", "-t 192.0.2.80:8080"]
    assert [(row["port"], row["exists"], row["rips"]) for row in result["held_back"]] == [
        (80, True, [RS3]),
        (8080, False, [RS3]),
    ]
    assert result["held_back_vips"] == []
    after = owned(host.config)
    assert before.keys() == after.keys()
    assert {key.port: {entry.weight for entry in keys.values()} for key, keys in after.items() if key.vip} == {
        80: {1},
        443: {7},
    }
    host.run(services=changed, sources=[DIP])
    assert rips(host) == [RS1, RS3]


def test_vip_that_no_service_has(host: Host) -> None:
    assert host.run(**OPTIONS, unprepared=[RS1])["held_back_vips"] == [VIP]


def test_other_way_of_packets_has_to_be_prepared(host: Host) -> None:
    """What is rewritten has not."""
    host.run(**OPTIONS)
    assert host.run(**{**OPTIONS, "services": [web(RS1, RS2, weight=2)]}, unprepared=[RS1])["held_back"] == []
    routed = {**OPTIONS, "services": [web(RS1, RS2, forward="route")]}
    assert len(host.run(**routed, unprepared=[RS1])["held_back"]) == 1
    rewritten = {**OPTIONS, "services": [web(RS1, RS2, forward="masquerade")]}
    assert host.run(**rewritten, unprepared=[RS1])["held_back"] == []


def test_services_that_do_not_appear(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_settle", lambda: None)
    with pytest.raises(LvsError, match="keepalived has not created and removed all services after 10 seconds"):
        host.run(**OPTIONS)


def test_a_missing_source_is_told(host: Host) -> None:
    with pytest.raises(LvsError, match="sources: IPv4 is missing"):
        host.run(services=OPTIONS["services"])


def test_services_that_go_are_gone_before_somebody_else_owns_the_table(host: Host) -> None:
    host.run(**OPTIONS, vrrp=VRRP, vips=[{"vip": VIP}])
    before = host.clock
    assert host.services
    host.run(services=[])
    assert not host.services
    assert host.clock > before


def put_number(host: Host, rip: str, number: int) -> Path:
    """Set a weight ad hoc, or drain."""
    return host.put(f"{WEIGHT_FOLDER}/tcp-{VIP}-80-{rip}-80", f"{number}\n")


def rule(rip: str, weight: int) -> str:
    """How a destination is listed."""
    return f"-a -t {VIP}:80 -r {rip}:80 -i -w {weight}\n"


def weights(host: Host) -> dict[str, int]:
    """The configured ones, by RIP."""
    found = [keys for service, keys in owned(host.config).items() if service.vip]
    return {str(key.rip): entry.weight for keys in found for key, entry in keys.items()}


@pytest.mark.parametrize("check_mode", [True, False])
def test_weight_of_the_description_comes_back(host: Host, check_mode: bool) -> None:
    """And nothing else is written; the result shows the weights."""
    host.run(**OPTIONS)
    files = [put_number(host, rip, number) for rip, number in ((RS1, 0), (RS2, 6))]
    result = host.run(**OPTIONS, check_mode=check_mode)
    assert result["diff"] == {"before": rule(RS2, 7), "after": rule(RS2, 1)}
    path = f"{WEIGHT_FOLDER}/tcp-{VIP}-80-{RS2}-80"
    assert result["commands"] == [f"echo 0 > {path}"]
    assert host.events == ([] if check_mode else [f"write {path}"])
    assert [file.read_text() for file in files] == ["0\n", "6\n" if check_mode else "0\n"]
    assert host.run(**OPTIONS, check_mode=check_mode)["changed"] is check_mode


def test_weight_of_the_description_changes_beside_one_that_was_set_ad_hoc(host: Host) -> None:
    host.run(**OPTIONS)
    put_number(host, RS1, -1)
    result = host.run(services=[web(RS1, RS2, weight=3)], sources=[DIP])
    assert rule(RS1, 0) in result["diff"]["before"]
    assert rule(RS1, 3) in result["diff"]["after"]
    assert weights(host) == {RS1: 3, RS2: 3}


@pytest.mark.parametrize("keep_weights", [True, False])
def test_drained_stays_drained(host: Host, keep_weights: bool) -> None:
    """With a warning; of its configuration, the weight changes unless weights are kept."""
    host.run(**OPTIONS)
    file = put_number(host, RS1, -65535)
    key = {"vip": VIP, "port": 80, "protocol": "tcp", "rip": RS1, "rport": 80}
    save_state({"drained": [{**key, "weight": 4}]})
    result = host.run(services=[web(RS1, RS2, weight=3)], sources=[DIP], keep_weights=keep_weights)
    assert file.read_text() == "-65535\n"
    assert [{name: row[name] for name in ("rip", "weight", "drained")} for row in result["drained"]] == [
        {"rip": RS1, "weight": 0, "drained": 4}
    ]
    assert result["warnings"] == [drained_warning([Destination(DestinationKey.from_facts(key))])]
    assert weights(host)[RS1] == (1 if keep_weights else 3)
    assert host.run(services=[web(RS2, RS3)], sources=[DIP])["drained"] == []


def test_drain_whose_former_weight_nobody_knows(host: Host) -> None:
    """It stays, and is not said to come back by a restore."""
    host.run(**OPTIONS)
    file = put_number(host, RS1, -65535)
    result = host.run(**OPTIONS)
    assert (file.read_text(), result["changed"], result["drained"], "warnings" in result) == ("-65535\n", False, [], False)


def test_weights_that_are_kept(host: Host) -> None:
    """Of destinations that exist, in the configuration and beside it; a new one has that of the description."""
    host.run(**OPTIONS)
    files = [put_number(host, rip, 6) for rip in (RS1, RS3)]
    result = host.run(services=[web(RS1, RS2, RS3, weight=3)], sources=[DIP], keep_weights=True)
    assert weights(host) == {RS1: 1, RS2: 1, RS3: 3}
    assert [file.read_text() for file in files] == ["6\n", "0\n"]
    assert result["diff"]["before"].splitlines()[0].endswith(f" -r {RS3}:80 -i -w 9")
    again = host.run(services=[web(RS1, RS2, RS3, weight=3)], sources=[DIP], keep_weights=True)
    assert again["changed"] is False


def test_weights_that_are_kept_are_not_enough_for_the_service(host: Host) -> None:
    host.run(**OPTIONS)
    row = {**web(RS1, RS2, weight=3), "quorum": 6}
    with pytest.raises(LvsError, match=r"keep_weights, -t 192\.0\.2\.80:80, quorum: 6 is more than the 2"):
        host.run(services=[row], sources=[DIP], keep_weights=True)
    host.run(services=[row], sources=[DIP])


def test_weights_of_a_service_that_is_held_back_stay(host: Host) -> None:
    host.run(**OPTIONS)
    file = put_number(host, RS1, 6)
    host.run(services=[web(RS1, RS2, RS3)], sources=[DIP], unprepared=[RS3])
    assert file.read_text() == "6\n"
